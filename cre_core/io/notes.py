"""What a reader could not use, one line each: in `table.attrs["notes"]`, and for whoever listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import pandas as pd

_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextmanager
def listening() -> Iterator[list[str]]:
    """The notes of every reader that is called inside, each once, in the order they came."""
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def say(line: str) -> None:
    """Tell whoever listens; for readers that hand back no table."""
    heard = _HEARD.get()
    if heard is not None and line not in heard:
        heard.append(line)


def noted(table: pd.DataFrame, line: str) -> pd.DataFrame:
    """The table with one more note, which whoever listens hears too."""
    table.attrs["notes"] = [*table.attrs.get("notes", ()), line]
    say(line)
    return table


def notes_of(table: pd.DataFrame) -> list[str]:
    """What the reader of a table could not use, or read in another way than written."""
    return list(table.attrs.get("notes", ()))


def skipped(table: pd.DataFrame, broken: np.ndarray, why: str, *, source: str, first: str = "") -> str:
    """The note on rows of a table that are skipped: how many of how many, why, and the first of them.

    Args:
      table: its index holds the rows' numbers in the file.
      broken: (N,) bool, some of them True.
      why: what is wrong with them, as in `2 of 9 rows skipped, <why>`.
      source: the file's name.
      first: what to say of the first one; by default its number.
    """
    named = first or f"row {table.index[int(np.argmax(broken))]}"
    return f"{source}: {int(broken.sum()):,} of {len(table):,} rows skipped, {why}; first: {named}"


def without_rows(table: pd.DataFrame, broken: np.ndarray, why: str, *, source: str, first: str = "") -> pd.DataFrame:
    """The table without some rows, and the note that says so; for the arguments see `skipped`."""
    if not broken.any():
        return table
    return noted(table[~broken], skipped(table, broken, why, source=source, first=first))


def is_mostly(broken: np.ndarray | Sequence[bool]) -> bool:
    """Whether half of the rows or more are broken: then none of the file can be trusted."""
    return bool(len(broken)) and 2 * int(np.sum(broken)) >= len(broken)
