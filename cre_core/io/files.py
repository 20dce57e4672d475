"""Whole files or none: write beside, then rename; and checksums."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cre_core.errors import BadFile

_numbers = itertools.count()  # two threads may write one file


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; renamed to `path` on success, removed on any failure or kill signal.

    What writers of the same file left when they died is removed too.

    Raises:
      BadFile: the disk is full, the place cannot be written, or a folder, a device or a pipe is there.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}-{next(_numbers)}.partial")
    try:
        _check_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise BadFile(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        remove(partial)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path | str, out: Path | str) -> None:
    """The same file under another name: a hard link where the disk allows, else a copy."""
    try:
        os.link(source, out)
    except OSError:
        shutil.copy2(source, out)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all it holds; nothing happens when it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def _check_replaceable(path: Path) -> None:
    """A rename would put a file in the place of a device or a pipe."""
    if path.is_dir():
        raise BadFile(f"cannot write {path}: it is a folder; wanted a file")
    if path.exists() and not path.is_file():
        raise BadFile(f"cannot write {path}: it is a device or a pipe; wanted a file")


def _remove_leftovers(path: Path) -> None:
    """Of processes that are no more."""
    named = re.compile(rf"{re.escape(path.name)}\.(\d+)(-\d+)?\.partial")
    for other in path.parent.iterdir():
        found = named.fullmatch(other.name)
        if found and not _is_alive(int(found[1])):
            remove(other)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
