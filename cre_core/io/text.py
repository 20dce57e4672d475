"""Text files, plain or gzipped: their bytes, and fast parsing of the tables in them."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core.errors import BadFile

ABSENT = ("", ".", "NA", "NaN", "nan", "n/a")  # how files write "no number"
_SKIPPED = re.compile(rb"(?m)^(?:#|track\b|browser\b|[ \t\r]*$)")
_STARTS = (b"#", b"track", b"browser", b"\n", b"\r", b" ", b"\t")  # quick test before the pattern
_HEADER = re.compile(rb"^#?(?:chr|chrom|chromosome)[ \t]", re.IGNORECASE)


def bytes_of(path: Path) -> bytes:
    """The bytes of a plain or gzipped text file.

    Raises:
      BadFile: missing, unreadable, truncated gzip, empty or binary.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadFile(f"{path.name} is truncated or not gzip: {error}") from error
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror or error}") from error
    if not content.strip():
        raise BadFile(f"{path.name} is empty")
    if b"\0" in content[:1000]:
        raise BadFile(f"{path.name} is a binary file; wanted text")
    return content


def data_lines(content: bytes) -> bytes:
    """`content` without comment, `track`, `browser` and empty lines, and without a first line of column names."""
    content = content.rstrip(b"\n")
    if content.startswith(_STARTS) or any(b"\n" + start in content for start in _STARTS):
        content = b"\n".join(line for line in content.split(b"\n") if not _SKIPPED.match(line))
    if _HEADER.match(content):
        content = content.partition(b"\n")[2]
    return content


def first_fields(content: bytes) -> tuple[list[str], str]:
    """The fields of the first line, and the separator as a pattern: tab if there is one, else blanks."""
    line = content.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r\n")
    return (line.split("\t"), "\t") if "\t" in line else (line.split(), r"\s+")


def parse_table(content: bytes, columns: Sequence[str], *, separator: str, path: Path) -> pd.DataFrame:
    """Parse lines without a header; columns that pandas cannot read as numbers stay text, absent cells are NaN.

    Raises:
      BadFile: a line has more fields than the first one.
    """
    texts = {name: str for name in columns if name in ("chrom", "chrom2", "name", "strand", "strand2")}
    try:
        return pd.read_csv(
            io.BytesIO(content), sep=separator, header=None, names=list(columns), index_col=False, dtype=texts,
            keep_default_na=False, na_values={"": [""]}, quoting=3, low_memory=False, encoding_errors="replace",
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise BadFile(f"{path.name} is not an even table: {str(error).splitlines()[-1].strip()}") from error


def numbers(table: pd.DataFrame, columns: Iterable[str], *, source: str) -> pd.DataFrame:
    """`table` with these columns as float64; absent marks become NaN.

    Raises:
      BadFile: a cell is neither a number nor an absent mark.
    """
    converted: dict[str, pd.Series] = {}
    for name in columns:
        column = pd.to_numeric(table[name], errors="coerce").astype("float64")
        unread = np.flatnonzero(column.isna())
        texts = table[name].iloc[unread]
        odd = (texts.notna() & ~texts.isin(ABSENT)).to_numpy()
        if odd.any():
            row = int(unread[odd][0])
            raise BadFile(f"{source}: column {name} holds '{table[name].iloc[row]}' in row {row}; wanted a number")
        converted[name] = column
    return table.assign(**converted)
