"""What a web worker asks the model process through: `ModelClient(settings).ask(request)`."""

from __future__ import annotations

import itertools
import logging
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from cre_core.errors import CreError, NotAvailable
from dashboard.services.models.process import Connection, last_words, open_connection
from dashboard.services.models.protocol import (
    RESTARTING,
    Answer,
    ModelsRestarting,
    Request,
    TookTooLong,
    error_answer,
)
from dashboard.settings import Settings

WATCH_S = 0.5
MARGIN_S = 2.0  # on the way; the process itself keeps the time
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # before a new start
MOST_ENDS = 5  # of the process in ENDS_S; after that it is left alone for as long
ENDS_S = 60.0
log = logging.getLogger("dashboard.models")


@dataclass(frozen=True)
class ModelState:
    """How the model process is.

    Attributes:
      status: running, starting, failed (it ended too often and is left alone for ENDS_S), or stopped.
      pid: of the process; 0 = none.
      n_queued, busy_s, n_computed: as in protocol.Sign, half a second old at most.
      n_ends: how often this web worker saw it end.
      last_error: why it ended the last time, or ``.
    """

    status: Literal["running", "starting", "failed", "stopped"]
    pid: int = 0
    n_queued: int = 0
    busy_s: float = 0.0
    n_computed: int = 0
    n_ends: int = 0
    last_error: str = ""


class ModelClient:
    """One web worker's way to the model process that all of them share. Any thread may ask.

    A thread of its own starts the process when there is none, reads its answers, and kills it when it hangs.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._reset()
        mine = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _leave_to_parent(mine()))

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._keeper: threading.Thread | None = None
        self._status: Literal["running", "starting", "failed", "stopped"] = "stopped"
        self._boxes: dict[int, queue.SimpleQueue[Answer]] = {}
        self._ids = itertools.count(1)
        self._ends: deque[float] = deque(maxlen=MOST_ENDS)
        self._n_ends, self._last_error = 0, ""

    def start(self) -> None:
        """Begin to connect, and to start the process if none runs; returns at once."""
        with self._changed:
            if self._keeper is None:
                self._status = "starting"
                self._keeper = threading.Thread(target=self._keep, name="models", daemon=True)
                self._keeper.start()

    def ask(
        self, request: Request, *, timeout_s: float | None = None, on_queued: Callable[[int], None] | None = None
    ) -> Answer:
        """The answer to a request; waits for it, and for the process to start.

        Args:
          request: its `id` and `limit_s` are set here.
          timeout_s: None = as the settings say.
          on_queued: called with each position in the queue, 1 = next.

        Raises:
          ModelsRestarting: the process ended before it answered; ask again. QueueFull, TookTooLong, Superseded: as
          their names say. NotAvailable: it does not start. Otherwise what cre_core raised there.
        """
        self.start()
        timeout_s = self.settings.model_limit_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + timeout_s
        connection, number, box = self._opened_box(deadline)
        try:
            left_s = max(0.001, deadline - time.monotonic())
            self._post(connection, replace(request, id=number, limit_s=left_s))
            return _last_answer(box, deadline + MARGIN_S, timeout_s, on_queued)
        finally:
            with self._changed:
                self._boxes.pop(number, None)

    def state(self) -> ModelState:
        """How the process is, without asking it."""
        with self._changed:
            about = ModelState(self._status, n_ends=self._n_ends, last_error=self._last_error)
            if self._connection is None:
                return about
            sign = self._connection.sign
            return replace(
                about, pid=sign.pid, n_queued=sign.n_queued, busy_s=sign.busy_s, n_computed=sign.n_computed
            )

    def close(self) -> None:
        """Leave the process; it ends when every web worker has."""
        with self._changed:
            keeper, self._keeper, self._status = self._keeper, None, "stopped"
            if self._connection is not None:
                self._connection.shut()
            self._changed.notify_all()
        if keeper is not None:
            keeper.join(MARGIN_S)

    def _opened_box(self, deadline: float) -> tuple[Connection, int, queue.SimpleQueue[Answer]]:
        """A line that is up, and a place where the answer to a new number will be put."""
        with self._changed:
            while self._connection is None:
                if self._status == "failed":
                    raise NotAvailable(
                        f"the models do not run: their process ended {MOST_ENDS} times ({self._last_error}); "
                        f"it is tried again within {ENDS_S:.0f} s"
                    )
                if self._status == "stopped":
                    raise NotAvailable("the models were stopped with the dashboard")
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TookTooLong("the model process is still starting; try again in a moment")
            number, box = next(self._ids), queue.SimpleQueue[Answer]()
            self._boxes[number] = box
            return self._connection, number, box

    def _post(self, connection: Connection, request: Request) -> None:
        try:
            connection.send(request)
        except OSError as error:
            raise ModelsRestarting(RESTARTING) from error

    # ------------------------------------------------------------ the thread that keeps the line up

    def _is_wanted(self) -> bool:
        return self._keeper is threading.current_thread()

    def _keep(self) -> None:
        while self._is_wanted():
            try:
                self._live(open_connection(self.settings, is_wanted=self._is_wanted))
            except CreError as error:
                self._ended(str(error))
            except Exception as error:  # nothing may end this thread: without it nobody is answered
                log.exception("the line to the model process failed")
                self._ended(type(error).__name__)

    def _live(self, connection: Connection) -> None:
        """Read answers until the line is at its end."""
        try:
            while self._is_wanted():
                messages = connection.receive(WATCH_S)
                if self._connection is None and messages:
                    self._is_up(connection)
                for message in messages:
                    if isinstance(message, Answer):
                        self._deliver(message)
                if connection.looks_hung(self.settings.model_hang_s):
                    connection.kill()
                    raise NotAvailable(f"it did not move for {self.settings.model_hang_s:g} s and was ended")
        except OSError as error:
            raise NotAvailable(f"{connection.ending()}; {last_words(self.settings)}".strip("; ")) from error
        finally:
            self._is_down(connection)
            connection.close()

    def _is_up(self, connection: Connection) -> None:
        with self._changed:
            self._connection, self._status = connection, "running"
            self._changed.notify_all()

    def _is_down(self, connection: Connection) -> None:
        """No line; whoever waits for an answer is told so."""
        with self._changed:
            if self._connection is not connection:  # it was never up
                return
            self._connection = None
            if self._status == "running":
                self._status = "starting"
            for box in self._boxes.values():
                box.put(error_answer(ModelsRestarting(RESTARTING)))

    def _deliver(self, answer: Answer) -> None:
        with self._changed:
            box = self._boxes.get(answer.id)
        if box is not None:
            box.put(answer)

    def _ended(self, why: str) -> None:
        """Note an end, and wait before the next start: longer each time, and for long when it ends too often."""
        if not self._is_wanted():
            return
        log.warning("the model process ended: %s", why)
        now = time.monotonic()
        with self._changed:
            self._ends.append(now)
            self._n_ends, self._last_error = self._n_ends + 1, why
            n_recent = sum(now - end < ENDS_S for end in self._ends)
            is_too_often = n_recent == MOST_ENDS
            self._status = "failed" if is_too_often else "starting"
            self._changed.notify_all()
            pause_s = ENDS_S if is_too_often else min(FIRST_PAUSE_S * 2 ** (n_recent - 1), LONGEST_PAUSE_S)
            self._changed.wait_for(lambda: not self._is_wanted(), pause_s)
            if is_too_often and self._is_wanted():
                self._ends.clear()
                self._status = "starting"


def _leave_to_parent(client: ModelClient | None) -> None:
    """In a forked child: the thread and the line stay with the parent, the child begins anew."""
    if client is not None:
        if client._connection is not None:
            client._connection.close()
        client._reset()


def _last_answer(
    box: queue.SimpleQueue[Answer], deadline: float, timeout_s: float, on_queued: Callable[[int], None] | None
) -> Answer:
    while True:
        with suppress(queue.Empty):
            answer = box.get(timeout=max(0.0, deadline - time.monotonic()))
            if answer.status != "queued":
                answer.raise_error()
                return answer
            if on_queued is not None:
                on_queued(answer.position)
            continue
        raise TookTooLong(f"no answer of the models in {timeout_s:g} s")
