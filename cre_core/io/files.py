"""Whole files or none: write beside, then rename; and checksums."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cre_core.errors import BadFile


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; renamed to `path` on success, removed on any failure or kill signal.

    Raises:
      BadFile: the disk is full or the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise BadFile(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        _remove(partial)


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """As `written_whole`, for a folder: the old folder stays until the new one is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    replaced = folder.with_name(f"{folder.name}.{os.getpid()}.replaced.partial")
    try:
        partial.mkdir()
        yield partial
        if folder.exists():
            os.replace(folder, replaced)
        os.replace(partial, folder)
    except OSError as error:
        if replaced.exists() and not folder.exists():
            os.replace(replaced, folder)
        raise BadFile(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        _remove(partial)
        _remove(replaced)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
