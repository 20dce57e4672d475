"""The model process: `python -m dashboard.services.models.server --socket PATH --settings JSON`.

One thread computes, one request or several joined at a time; another listens and keeps the queue and the time. The
process ends when it is told to (SIGTERM) and when no web worker has been connected for LINGER_S.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cre_core.errors import BadInput, CreError
from dashboard.services.models.address import settings_of
from dashboard.services.models.protocol import (
    RESTARTING,
    SUPERSEDED,
    Answer,
    Message,
    ModelsRestarting,
    Request,
    Sign,
    Superseded,
    TookTooLong,
    error_answer,
)
from dashboard.services.models.waiting import Job, Waiting
from dashboard.services.models.wire import LENGTH, MOST_BYTES, decode, encode, length_of
from dashboard.settings import Settings

if TYPE_CHECKING:
    from dashboard.services.models.open_models import OpenModels

BEAT_S = 0.5
LINGER_S = 2.0  # a web worker that takes another's place finds the models still open
FIRST_S = 20.0  # for who started this process to come
STOP_S = 5.0  # for the computation that runs when the process is told to stop
JOINED_ROWS = 256  # variants of one joined computation: one forward pass
UNREAD_BYTES = 4 * MOST_BYTES  # of answers; a web worker that leaves more is taken for dead
log = logging.getLogger("dashboard.models")


class ModelServer:
    """Listens, queues, computes and answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._waiting = Waiting(settings.model_queue)
        self._visitors: set[asyncio.StreamWriter] = set()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="models")
        self._arrived, self._stop = asyncio.Event(), asyncio.Event()
        self._models: OpenModels | None = None
        self._running: list[Job] = []
        self._busy_since = 0.0
        self._n_computed = 0
        self._leave_at = 0.0  # when to end if nobody comes before

    async def serve(self, path: Path) -> None:
        """Answer on a Unix socket until told to stop or left alone."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        self._leave_at = loop.time() + FIRST_S
        listening = await asyncio.start_unix_server(self._meet, path=path)
        work, beat = asyncio.create_task(self._work()), asyncio.create_task(self._beat())
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait((work, beat, stop), return_when=asyncio.FIRST_COMPLETED)
        listening.close()
        await self._finish(work)
        for task in done:
            task.result()  # what a task failed with ends the process, and the log has it

    def stop(self) -> None:
        """Tell it to end."""
        self._stop.set()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One web worker, from its first word to its last."""
        self._visitors.add(writer)
        self._send(writer, self._sign())
        try:
            while True:
                length = length_of(await reader.readexactly(LENGTH.size))
                message = decode(await reader.readexactly(length))
                if isinstance(message, Request):
                    self._take_in(message, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it went
        except BadInput as error:
            log.warning("a web worker was sent away: %s", error)
        finally:
            self._visitors.discard(writer)
            self._waiting.forget(writer)
            self._leave_at = asyncio.get_running_loop().time() + LINGER_S
            writer.close()

    def _take_in(self, request: Request, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        job = Job(request, partial(self._send, writer), asker=writer, since=loop.time())
        try:
            older = self._waiting.add(job)
        except CreError as error:
            self._answer(job, error_answer(error))
            return
        if older is not None:
            self._answer(older, error_answer(Superseded(SUPERSEDED)))
        allowed = self.settings.model_limit_s
        limit_s = min(request.limit_s or allowed, allowed)
        job.timer = loop.call_later(limit_s, self._expire, job, limit_s)
        self._arrived.set()
        position = self._waiting.jobs.index(job) + 1
        if self._running or position > 1:
            job.reply(Answer("queued", position=position, id=request.id))

    def _expire(self, job: Job, limit_s: float) -> None:
        if self._waiting.drop(job):
            text = f"no answer in {limit_s:g} s: the models were busy with others; try again in a moment"
        else:
            text = f"{job.request.operation} of {job.request.model} took too long: no answer in {limit_s:g} s"
        self._answer(job, error_answer(TookTooLong(text)))

    async def _work(self) -> None:
        """Compute what waits, the oldest first, with all that can be joined to it."""
        loop = asyncio.get_running_loop()
        models = self._models = await loop.run_in_executor(self._executor, _opened, self.settings)
        while not self._stop.is_set():
            await self._arrived.wait()
            if self._waiting.jobs:
                await asyncio.sleep(self._waiting.jobs[0].since + self.settings.model_join_s - loop.time())
            self._running = self._waiting.take(JOINED_ROWS)
            if not self._running:
                self._arrived.clear()
                continue
            self._busy_since = loop.time()
            for position, job in enumerate(self._waiting.jobs, 1):  # those left behind moved up
                job.reply(Answer("queued", position=position, id=job.request.id))
            requests = [job.request for job in self._running]
            answers = await loop.run_in_executor(self._executor, models.answers, requests)
            for job, answer in zip(self._running, answers, strict=True):
                self._answer(job, answer)
            self._running, self._n_computed = [], self._n_computed + 1

    async def _beat(self) -> None:
        """Signs of life; ends the process when nobody is there to see them."""
        loop = asyncio.get_running_loop()
        while self._visitors or loop.time() < self._leave_at:
            for writer in self._visitors:
                self._send(writer, self._sign())
            await asyncio.sleep(BEAT_S)

    def _sign(self) -> Sign:
        busy_s = asyncio.get_running_loop().time() - self._busy_since if self._running else 0.0
        return Sign(os.getpid(), n_queued=len(self._waiting.jobs), busy_s=busy_s, n_computed=self._n_computed)

    def _answer(self, job: Job, answer: Answer) -> None:
        """The last answer to a job, once."""
        if job.timer is not None:
            job.timer.cancel()
        if not job.is_answered:
            job.is_answered = True
            job.reply(replace(answer, id=job.request.id))

    def _send(self, writer: asyncio.StreamWriter, message: Message) -> None:
        if writer.is_closing():
            return
        try:
            writer.write(encode(message))
        except BadInput as error:  # an answer too large to send
            writer.write(encode(replace(error_answer(error), id=message.id if isinstance(message, Answer) else 0)))
        if writer.transport.get_write_buffer_size() > UNREAD_BYTES:
            writer.transport.abort()

    async def _finish(self, work: asyncio.Task[None]) -> None:
        """Tell who waits, let the present computation end, and send what is still to be sent."""
        self.stop()
        for job in self._waiting.take_all():
            self._answer(job, error_answer(ModelsRestarting(RESTARTING)))
        self._arrived.set()
        if self._models is not None:  # else it still imports, for nobody
            await asyncio.wait((work,), timeout=STOP_S)
        closing = []
        if self._models is not None and work.done():
            closing.append(asyncio.ensure_future(asyncio.to_thread(self._models.close)))
        for writer in list(self._visitors):
            writer.close()
            closing.append(asyncio.ensure_future(writer.wait_closed()))
        if closing:
            await asyncio.wait(closing, timeout=STOP_S)


def _opened(settings: Settings) -> OpenModels:
    """Imports torch and opens the studies: in the thread that computes, while the other answers already."""
    from dashboard.services.models.open_models import OpenModels

    return OpenModels(settings)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped or left alone."""
    faulthandler.enable()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser(prog="python -m dashboard.services.models.server", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--settings", required=True, metavar="JSON")
    given = parser.parse_args(arguments)
    code = 0
    try:
        asyncio.run(ModelServer(settings_of(given.settings)).serve(given.socket))
    except Exception as error:
        log.exception("the model process failed")
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # a computation that does not end must not keep the process


if __name__ == "__main__":
    main()
