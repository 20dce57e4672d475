"""Text files, plain or gzipped: their bytes, and fast parsing of the tables in them."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cre_core.errors import BadFile, BadInput
from cre_core.io.notes import is_mostly, noted, without_rows

ABSENT = ("", ".", "NA", "NaN", "nan", "n/a")  # how files write "no number"
MOST_BYTES = 4 << 30  # of text; the largest annotation of a genome has half of that
MOST_JSON_BYTES = 64 << 20
_PACKED_AT_MOST = 200  # times; real text packs 5 to 30 times, a file made to fill the memory 1,000 times
_ALWAYS_FINE = 1 << 28  # bytes that even text of one repeated line may have
_PIECE = 1 << 22
_BOM, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_SKIPPED = re.compile(rb"(?m)^(?:#|track\b|browser\b|[ \t]*$)")
_STARTS = (b"#", b"track", b"browser", b"\n", b" ", b"\t")  # quick test before the pattern
_WORD = re.compile(r"[A-Za-z_]")
_START = re.compile(r"(?i).*(?:start|begin|pos|from|left)|[xys]_?[12]?$")  # how programs call the second column
_TEXTS = ("chrom", "chrom2", "name", "strand", "strand2", "feature", "attributes")


def bytes_of(path: Path) -> bytes:
    """The bytes of a plain or gzipped text file, lines ending in a newline alone, without byte-order mark.

    Raises:
      BadFile: missing, unreadable, truncated gzip, larger than any such file is, empty or binary.
    """
    try:
        if path.exists() and not path.is_file():
            raise BadFile(f"cannot read {path}: not a file")
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else _too_large(path)
        if content[:2] == b"\x1f\x8b":
            content = _unpacked(content, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadFile(f"{path.name} is truncated or not gzip: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        raise BadFile(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if content[:2] in _UTF16:
        raise BadFile(f"{path.name} is UTF-16 text; wanted UTF-8")
    content = content.removeprefix(_BOM)
    if not content.strip():
        raise BadFile(f"{path.name} is empty")
    if b"\0" in content:
        raise BadFile(f"{path.name} is a binary file; wanted text")
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in content else content


def _unpacked(packed: bytes, path: Path) -> bytes:
    most = min(MOST_BYTES, max(_ALWAYS_FINE, _PACKED_AT_MOST * len(packed)))
    pieces, n_bytes = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
            n_bytes += len(piece)
            if n_bytes > most:
                _too_large(path, f"{len(packed):,} packed bytes hold more than {most:,}")
    return b"".join(pieces)


def _too_large(path: Path, what: str = "") -> bytes:
    raise BadFile(f"{path.name} is no table of places or genes: {what or f'it has more than {MOST_BYTES:,} bytes'}")


def data_lines(content: bytes) -> bytes:
    """`content` without comment, `track`, `browser` and empty lines, and without a first line of column names."""
    content = content.rstrip(b"\n")
    if content.startswith(_STARTS) or any(b"\n" + start in content for start in _STARTS):
        content = b"\n".join(line for line in content.split(b"\n") if not _SKIPPED.match(line))
    return content.partition(b"\n")[2] if is_header(first_fields(content)[0]) else content


def is_header(fields: Sequence[str]) -> bool:
    """Whether a first line holds the names of columns, as the programs that write places give them."""
    names = [field.strip(" \"'") for field in fields[:3]]
    return len(names) == 3 and all(_WORD.match(name) for name in names[1:]) and bool(_START.match(names[1]))


def first_fields(content: bytes) -> tuple[list[str], str]:
    """The fields of the first line, and the separator as a pattern: tab where the file has one, else blanks."""
    line = content.partition(b"\n")[0].decode("utf-8", "replace")
    if "\t" in line:
        return [field.strip() for field in line.split("\t")], "\t"
    return line.split(), "\t" if b"\t" in content[:_PIECE] else r"\s+"


def with_tabs(content: bytes, n_needed: int) -> bytes:
    """Tab-separated lines, those with blanks in the place of tabs mended: a line must have `n_needed` fields."""
    short = re.compile(rb"(?m)^(?:[^\t\n]*\t){0,%d}[^\t\n]*$" % (n_needed - 2))

    def mended(line: re.Match[bytes]) -> bytes:
        fields = line[0].split()
        return b"\t".join(fields) if len(fields) >= n_needed else line[0]

    return short.sub(mended, content)


def parse_table(content: bytes, columns: Sequence[str], *, separator: str, path: Path) -> pd.DataFrame:
    """Parse lines without a header; columns that pandas cannot read as numbers stay text, absent cells are NaN.

    Returns:
      The table; its index holds the rows' numbers in the file. Rows with more fields than `columns` are skipped and
      noted.

    Raises:
      BadFile: half of the rows or more have more fields than the first one, or it is no table at all.
    """
    wide, content = _without_wide(content, len(columns), separator, path)
    texts = {name: str for name in columns if name in _TEXTS}
    try:
        table = pd.read_csv(
            io.BytesIO(content), sep=separator, header=None, names=list(columns), index_col=False, dtype=texts,
            keep_default_na=False, na_values={"": [""]}, quoting=3, low_memory=False, encoding_errors="replace",
            skip_blank_lines=False,
        )  # fmt: skip
        table.index = pd.Index(np.flatnonzero(~wide))
    except (ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise BadFile(f"{path.name} is not a table of {', '.join(columns)}") from error
    for name in set(texts) - {"attributes"}:
        table[name] = table[name].str.strip()
    if wide.any():
        why = f"more fields than the first row's {len(columns)}"
        n, of = int(wide.sum()), len(wide)
        noted(table, f"{path.name}: {n:,} of {of:,} rows skipped, {why}; first: row {int(np.argmax(wide))}")
    return table


def _without_wide(content: bytes, n_columns: int, separator: str, path: Path) -> tuple[np.ndarray, bytes]:
    """Which lines have more fields than there are columns, and the other lines."""
    too_many = re.compile(rb"(?m)^(?:[^\t\n]*\t){%d}" % n_columns)
    if separator == "\t" and not too_many.search(content):  # large files: no list of lines without need
        return np.zeros(content.count(b"\n") + 1, dtype=bool), content
    lines = content.split(b"\n")
    n_fields = [line.count(b"\t") + 1 if separator == "\t" else len(line.split()) for line in lines]
    wide = np.array(n_fields) > n_columns
    if is_mostly(wide):
        row = int(np.argmax(wide))
        found = f"row {row} has {n_fields[row]} fields, the first {n_columns}"
        raise BadFile(f"{path.name} is not an even table: {found}")
    return wide, b"\n".join(line for line, is_wide in zip(lines, wide, strict=True) if not is_wide)


def read_columns(path: Path, wanted: Sequence[str], *, separator: str) -> pd.DataFrame:
    """Read a table with a header line, plain or .gz; numbers are inferred.

    Raises:
      BadFile: missing, or no table. BadInput: a wanted column is not there; the message lists those that are.
    """
    try:
        table = pd.read_csv(io.BytesIO(bytes_of(path)), sep=separator, low_memory=False)
    except (ValueError, OverflowError) as error:
        raise BadFile(f"{path.name} is not an even table with a header line") from error
    missing = [name for name in wanted if name not in table]
    if missing:
        there = ", ".join(shown(name) for name in list(table)[:8]) + (", ..." if table.shape[1] > 8 else "")
        raise BadInput(f"{path.name} has no column {', '.join(missing)}; it has {there}")
    return table


def read_json(path: Path, *, what: str) -> Any:
    """What a JSON file holds; `what` it should be, for the message.

    Raises:
      BadFile: missing, larger than any description is, nested too deeply, or no JSON.
    """
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            raise BadFile(f"{path} has more than {MOST_JSON_BYTES:,} bytes; wanted a {what} in JSON")
        return json.loads(path.read_text())
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise BadFile(f"{path} is nested too deeply; wanted a {what} in JSON") from error
    except ValueError as error:
        raise BadFile(f"{path} is not a {what}: it is no JSON") from error


def numbers(table: pd.DataFrame, columns: Iterable[str], *, source: str, skip: bool = False) -> pd.DataFrame:
    """`table` with these columns as float64; absent marks become NaN.

    Args:
      skip: leave out and note a row with another text or inf, while fewer than half have one. Only where rows stand
        for themselves: a sum over rows would be another.

    Raises:
      BadFile: a cell is neither a finite number nor an absent mark.
    """
    for name in columns:
        values, odd = to_numbers(table[name])
        held = ""
        if odd.any():
            at = int(np.argmax(odd))
            held = f"column {name} holds '{shown(table[name].iloc[at])}' in row {table.index[at]}"
            if is_mostly(odd) or not skip:
                raise BadFile(f"{source}: {held}; wanted a number")
        table = without_rows(table.assign(**{name: values}), odd, f"{name} is no number", source=source, first=held)
    return table


def to_numbers(column: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Float64 values, NaN where there is none, and (N,) bool: neither a finite number nor an absent mark."""
    values = pd.to_numeric(column, errors="coerce").astype("float64")
    if np.isfinite(values).all():
        return values, np.zeros(len(column), dtype=bool)
    unread = np.flatnonzero(~np.isfinite(values))
    texts = column.iloc[unread]
    odd = np.zeros(len(column), dtype=bool)
    odd[unread] = (texts.notna() & ~texts.astype(str).str.strip().isin(ABSENT)).to_numpy()
    return values.where(~odd), odd


def shown(cell: object) -> str:
    """A cell as a message shows it: on one line, and not a page long."""
    text = " ".join(str(cell).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
