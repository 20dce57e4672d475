"""How far a command is: a bar for people, JSON lines for the dashboard, quiet otherwise."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Report(Protocol):
    """Called with what is being done, how much is done, and of how much."""

    def __call__(self, step: str, done: int, total: int, /) -> None: ...


@contextmanager
def reporting(progress_file: Path | None = None) -> Iterator[Report]:
    """A Report that draws a bar on a terminal and appends JSON lines to `progress_file` when there is one.

    While it lasts a termination signal raises KeyboardInterrupt, so that half-written files are removed.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    columns = (TextColumn("{task.description:32.32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(step: str, done: int, total: int, /) -> None:
            bar.update(task, description=step, completed=done, total=total)
            if progress_file is not None:
                line = json.dumps({"step": step, "done": done, "total": total})
                with progress_file.open("a") as file:
                    file.write(line + "\n")

        yield report


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
