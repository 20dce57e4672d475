"""Results kept on disk. A disk that is full, broken or read-only is in no page's way: what it lacks is computed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import diskcache

from cre_core.errors import BadFile
from cre_core.io.folders import check_ours, private_folder

T = TypeVar("T")
MOST_BYTES = 1_000_000_000
ABSENT = "crescope: absent"
_PROBE = "crescope: probe"
_BROKEN = (OSError, sqlite3.Error, diskcache.Timeout)


class Cache:
    """Key -> result, at most MOST_BYTES of them.

    The results are pickles: the folder must be this user's alone.

    Attributes:
      problem: one line why nothing is kept just now; empty when all is well.
    """

    def __init__(self, folder: Path) -> None:
        """Open the cache in a folder, made if absent.

        Raises:
          BadInput: others may write there, it holds other things, or it is no folder.
        """
        self.folder, self.problem = folder, ""
        self._disk: diskcache.Cache | None = None
        try:
            check_ours(folder, "cache.db*", what="cache")  # it becomes private, and is filled with files
            private_folder(folder)
            self._disk = diskcache.Cache(str(folder), size_limit=MOST_BYTES)
        except (BadFile, *_BROKEN) as error:
            self._note(error)
        self.set(_PROBE, 0)  # a full disk is known before the first page

    def get(self, key: str) -> object:
        """The result of a key, or ABSENT."""
        if self._disk is None:
            return ABSENT
        try:
            return self._disk.get(key, default=ABSENT)
        except Exception as error:  # what a damaged file makes of unpickling has no common base
            self._note(error)
            return ABSENT

    def set(self, key: str, value: object) -> None:
        """Keep a result, if the disk lets us."""
        if self._disk is None:
            return
        try:
            self._disk.set(key, value)
        except _BROKEN as error:
            self._note(error)
        else:
            self.problem = ""

    def made_once(self, key: str, function: Callable[[], T]) -> T:
        """The result of a key, by `function` where it is not kept."""
        found = self.get(key)
        if isinstance(found, str) and found == ABSENT:
            found = function()
            self.set(key, found)
        return found  # type: ignore[return-value]

    def close(self) -> None:
        """Close its files."""
        if self._disk is not None:
            self._disk.close()

    def _note(self, error: Exception) -> None:
        reason = " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
        self.problem = f"results are computed anew each time, for the cache in {self.folder} does not work: {reason}"
