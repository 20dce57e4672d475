"""Where an answer goes: its numbers to a file, a pipe or standard output; then, for people, its lines."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from cre_core.errors import BadFile, BadInput
from cre_core.io.files import written_whole
from cre_core.io.text import shown

STDOUT = Path("-")
_OPEN_FILES = ("/dev/std", "/dev/fd/", "/proc/")  # beside these names nothing can be written and renamed


def checked_output(option: typer.CallbackParam, path: Path | None) -> Path | None:
    """The path of an option, before anything is computed for it.

    Raises:
      BadInput: a folder, a device or a place that cannot be written.
    """
    if path is None or path == STDOUT or _is_stdout(path):
        return path
    name = option.opts[0]
    try:
        mode = path.stat().st_mode if path.exists() else None
        lies_in = next(parent for parent in path.absolute().parents if parent.exists())
        can_be_written = os.access(path if mode is not None else lies_in, os.W_OK)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{name} {shown(str(path))} cannot be written: {reason}") from error
    if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device"
        raise BadInput(f"{name} {path} is {kind}; wanted a file, a pipe or - for standard output")
    if not can_be_written or not lies_in.is_dir():
        raise BadInput(f"{name} {path} cannot be written; wanted a file in a folder of one's own, a pipe or -")
    return path


JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="also write the numbers to this file; - is standard output", callback=checked_output),
]
ProgressFile = Annotated[
    Path | None, typer.Option(help="append progress as JSON lines to this file", callback=checked_output)
]


def answer(lines: Iterable[str], *, json_text: str, json_file: Path | None) -> None:
    """Write the numbers where that was asked for, whole or not at all; then print the lines.

    The lines come last, so that a reader who has seen enough (`| head -1`) costs nobody the numbers. They are left
    out when the numbers go to standard output.

    Raises:
      BadFile: the disk is full or the place cannot be written.
    """
    if json_file is not None:
        _write(json_text + "\n", json_file)
    if json_file is None or not (json_file == STDOUT or _is_stdout(json_file)):
        for line in lines:
            print(line)


def _write(text: str, path: Path) -> None:
    if path == STDOUT or _is_stdout(path):
        sys.stdout.write(text)
    elif path.is_fifo() or str(path).startswith(_OPEN_FILES):
        try:
            with path.open("a") as stream:
                stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise BadFile(f"cannot write {path}: {error.strerror or error}") from error
    else:
        with written_whole(path) as partial:
            partial.write_text(text)


def _is_stdout(path: Path) -> bool:
    """Whether a path is another name of standard output: /dev/stdout, or the file it was sent to."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except (OSError, ValueError):
        return False
