"""How far a command is: a bar for people, JSON lines for the dashboard, quiet otherwise."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cre_core.errors import BadFile
from cre_core.progress import Report


@contextmanager
def reporting(progress_file: Path | None = None) -> Iterator[Report]:
    """A Report that draws a bar on a terminal and appends JSON lines to `progress_file` when there is one.

    While it lasts a termination signal raises KeyboardInterrupt, so that half-written files are removed.

    Raises:
      BadFile: `progress_file` cannot be written.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    columns = (TextColumn("{task.description:32.32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        closing(_Lines(progress_file)) as lines,
        Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar,
    ):
        task = bar.add_task("", total=None)

        def report(step: str, done: int, total: int, /) -> None:
            bar.update(task, description=step, completed=done, total=total)
            lines.write({"step": step, "done": done, "total": total})

        yield report


class _Lines:
    """JSON lines at the end of a file; what reads them may go away, and a full disk ends them: the work goes on."""

    def __init__(self, path: Path | None) -> None:
        try:
            self._file = None if path is None else path.open("a", buffering=1)
        except OSError as error:
            raise BadFile(f"cannot write {path}: {error.strerror or error}") from error

    def write(self, entry: dict[str, object]) -> None:
        """Append one line."""
        if self._file is not None:
            try:
                self._file.write(json.dumps(entry) + "\n")
            except OSError:
                self.close()

    def close(self) -> None:
        """Close the file; what cannot be written any more is left out."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
