"""What web workers and the model process say to each other: requests, answers, signs of life, and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cre_core import errors
from cre_core.errors import Cancelled, CreError, NotAvailable
from cre_core.schema import Mode

VERSION = 1  # another number: the two sides do not understand each other
Scalar = str | int | float | bool


class ModelsRestarting(NotAvailable):
    """The model process ended while it had a request."""


class QueueFull(NotAvailable):
    """Too many requests wait already."""


class TookTooLong(NotAvailable):
    """A request's time ran out, in the queue or while it was computed."""


class Superseded(Cancelled):
    """The same client asked something newer about the same topic."""


SUPERSEDED = "a newer request of this page took its place"
RESTARTING = "the model process stopped and is starting again; the answer will follow"
_OWN = (ModelsRestarting, QueueFull, TookTooLong, Superseded)
ERRORS: dict[str, type[CreError]] = {
    kind.__name__: kind
    for kind in (*vars(errors).values(), *_OWN)
    if isinstance(kind, type) and issubclass(kind, CreError)
}


@dataclass(frozen=True, eq=False)
class Request:
    """One question to one model about one gene.

    Attributes:
      operation: a name of operations.OPERATIONS.
      study, model, biosample, gene_id: whom and about what; `gene_id` may be the gene's name.
      mode: what strength 0 means.
      arrays: float32 arrays the operation reads, by name.
      options: single values the operation reads, by name.
      client: the tab that asks; `` = nobody's, never superseded.
      sequence: grows with every request of the client.
      topic: what a newer request makes this one useless for; `` = the same operation.
      limit_s: how long the answer is of use, from its arrival; 0 = as long as the process allows.
      id: which answer is whose on one connection; the client gives it.
    """

    operation: str
    study: str
    model: str
    biosample: str
    gene_id: str
    mode: Mode = "mask"
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: Mapping[str, Scalar] = field(default_factory=dict)
    client: str = ""
    sequence: int = 0
    topic: str = ""
    limit_s: float = 0.0
    id: int = 0

    @property
    def n_rows(self) -> int:
        """Variants it asks for."""
        return max((len(array) for array in self.arrays.values() if array.ndim), default=1)

    @property
    def join_key(self) -> tuple[object, ...]:
        """Requests with equal keys can be answered by one computation."""
        shapes = tuple((name, array.shape[1:]) for name, array in sorted(self.arrays.items()))
        gene = (self.study, self.model, self.biosample, self.gene_id, self.mode)
        return self.operation, *gene, shapes, tuple(sorted(self.options.items()))

    def replaces(self, other: Request) -> bool:
        """Whether the same client asks this after `other`, about the same topic."""
        mine, its = self.topic or self.operation, other.topic or other.operation
        is_same = bool(self.client) and (self.client, mine) == (other.client, its)
        return is_same and self.sequence > other.sequence


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model process says to a request.

    Attributes:
      status: `ok`, `error`, or `queued`, after which another answer comes.
      arrays: float32, by name; NaN = no data.
      seconds: of the computation.
      n_batched: requests that it answered.
      position: 1 = the next to be computed; 0 when not queued.
      error, message: the name of a class of ERRORS, and its one line.
      id: of the request.
    """

    status: Literal["ok", "error", "queued"]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0
    n_batched: int = 0
    position: int = 0
    error: str = ""
    message: str = ""
    id: int = 0

    def raise_error(self) -> None:
        """Raise what the model process raised, if it did."""
        if self.status == "error":
            raise ERRORS.get(self.error, CreError)(self.message)


@dataclass(frozen=True)
class Sign:
    """A sign of life, sent at once to whoever connects and then every BEAT_S of the server.

    Attributes:
      pid: of the model process.
      n_queued: requests that wait.
      busy_s: how long the present computation runs; 0 = none.
      n_computed: computations since the start.
    """

    pid: int
    n_queued: int = 0
    busy_s: float = 0.0
    n_computed: int = 0


Message = Request | Answer | Sign


def error_answer(error: CreError) -> Answer:
    """The answer that stands for an error of ours."""
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in ERRORS), CreError.__name__)
    return Answer("error", error=name, message=" ".join(str(error).split()))
