"""A predictor whose predictions the model process makes: a web worker loads weights only where it says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable
from cre_core.inference.known import KnownModel, model_folders
from cre_core.inference.predicts import SCAN_BATCH
from cre_core.schema import Mode, Prediction
from dashboard.services.models.client import ModelClient
from dashboard.services.models.protocol import Answer, ModelsRestarting, Request

if TYPE_CHECKING:
    import torch

    from cre_core.data.study import Study
    from cre_core.inference.predictor import Predictor

log = logging.getLogger(__name__)
REQUEST_S = 0.2  # of computation, about, for one piece of a scan
FIRST_ROWS, LEAST_ROWS = 64, 8  # elements of the first piece, and of any


class Asker(NamedTuple):
    """Which page asks, the number of its question, and about what: a newer one makes it useless."""

    client: str = ""
    sequence: int = 0
    topic: str = ""


NOBODY = Asker()
_ASKER: ContextVar[Asker] = ContextVar("asker", default=NOBODY)


@contextmanager
def asked_by(client: str, sequence: int, topic: str) -> Iterator[None]:
    """Every prediction inside is for this page, and is given up for its next question about the same topic."""
    token = _ASKER.set(Asker(client, sequence, topic))
    try:
        yield
    finally:
        _ASKER.reset(token)


class RemotePredictor(KnownModel):
    """Knows windows, folds and units itself, and asks the model process for what takes weights; keeps `Predicts`."""

    def __init__(self, study: Study, name: str, folder: Path, *, biosample: str, client: ModelClient) -> None:
        super().__init__(study, name, folder, biosample=biosample)
        self.client = client
        self._rows_at_once = FIRST_ROWS
        self._read: dict[str, np.ndarray] = {}

    def predict_variants(
        self, window: GeneWindow, strengths: np.ndarray, *, mode: Mode, shuffle: int = 0
    ) -> Prediction:
        """As Predictor; the attention is the mean over layers and heads."""
        strengths = self.checked_strengths(window, strengths, mode)
        found = self._asked(self._request("variants", window, mode, shuffle=shuffle, strengths=strengths)).arrays
        elements = _tensor(found["attention"])
        gene = 1 - elements.sum(1, keepdim=True)
        both = elements.new_empty(len(elements), 1 + elements.shape[1])
        both[:, :1], both[:, 1:] = gene, elements
        return Prediction(_tensor(found["expression"]), both[:, None, None])  # (V, 1, 1, 1 + E)

    def predict_singles(self, window: GeneWindow, rows: np.ndarray, *, mode: Mode, shuffle: int = 0) -> torch.Tensor:
        """As Predictor; asked in pieces, so that whoever clicks meanwhile does not wait behind the whole of it."""
        parts, done = list[np.ndarray](), 0
        while not parts or done < len(rows):
            some = rows[done : done + self._rows_at_once]
            answer = self._asked(self._request("scan", window, mode, shuffle=shuffle, rows=some))
            parts.append(answer.arrays["expression"][1 if parts else 0 :])  # as measured is said once
            done += len(some)
            fits = int((1 + len(some)) * REQUEST_S / max(answer.seconds, 1e-6))
            self._rows_at_once = min(max(fits, LEAST_ROWS), SCAN_BATCH)
        return _tensor(np.concatenate(parts))

    def predict(self, windows: Sequence[GeneWindow]) -> Prediction:
        """As Predictor, of one gene; the attention is the mean over seeds."""
        (window,) = windows
        return self.predict_each(window)[0]

    def predict_each(self, window: GeneWindow, *, with_logits: bool = False) -> list[Prediction]:
        """The mean over seeds, as if it were one; logits stay in the model process."""
        if with_logits:
            raise NotAvailable("the whole attention matrices stay in the model process")
        everything = np.ones((1, len(window.elements)), np.float32)
        found = self._asked(self._request("attention", window, "mask", strengths=everything)).arrays
        return [Prediction(*(_tensor(found[name]) for name in ("expression", "attention")))]

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        """As Predictor; asked once per gene."""
        gene_id = str(window.gene["gene_id"])
        if gene_id not in self._read:
            found = self._asked(self._request("reads", window, "mask")).arrays["is_read"]
            self._read[gene_id] = np.array(found) > 0
        return self._read[gene_id]

    @cached_property
    def _here(self) -> Predictor:
        from cre_core.inference.predictor import Predictor
        from cre_core.models.device import one_thread

        log.info("the weights of %s for %s are loaded in this process too", self.name, self.biosample)
        one_thread()
        return Predictor(self.study, self.name, self.folder, biosample=self.biosample)

    def with_weights(self) -> Predictor:
        """The same model with weights in this process: gradients and mutagenesis run here, beside the clicks."""
        return self._here

    def _asked(self, request: Request) -> Answer:
        """The answer. Whoever asks for no page waits for a new process once; a page says so instead."""
        try:
            return self.client.ask(request)
        except ModelsRestarting:
            if request.client:
                raise
        return self.client.ask(request)

    def _request(
        self,
        operation: str,
        window: GeneWindow,
        mode: Mode,
        *,
        shuffle: int = 0,
        **arrays: np.ndarray,
    ) -> Request:
        asker = _ASKER.get()
        return Request(
            operation,
            study=self.study.name,
            model=self.name,
            biosample=self.biosample,
            gene_id=str(window.gene["gene_id"]),
            mode=mode,
            arrays={name: np.asarray(array, np.float32) for name, array in arrays.items()},
            options={"shuffle": shuffle} if shuffle else {},
            client=asker.client,
            sequence=asker.sequence,
            topic=asker.topic,
        )


def _tensor(values: np.ndarray) -> torch.Tensor:
    """A tensor of its own. torch is imported with the first answer of a model, not for a page without one."""
    import torch

    return torch.from_numpy(np.array(values))


def open_remote(study: Study, model: str, *, biosample: str, client: ModelClient) -> RemotePredictor:
    """The predictor of a trained model, as `open_predictor`, with its weights in the model process.

    Raises:
      NotAvailable: no weights of this model for the biosample.
    """
    folder = model_folders(study, biosample).get(model)
    if folder is None:
        raise NotAvailable(
            f"{model} has no weights for {biosample} in study {study.name}; `train {model}` makes them"
        )
    return RemotePredictor(study, model, folder, biosample=biosample, client=client)
