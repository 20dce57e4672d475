"""Tables of places: BED, narrowPeak, broadPeak, bedGraph, BEDPE, and the loop and domain lists of Rao 2014.

All readers take plain or gzipped text, skip comment, `track`, `browser` and header lines, give chromosomes the
assembly's names, and refuse coordinates of another assembly where they can be told apart. Rows on scaffolds that the
assembly lacks (`chr1_random`, `chrEBV`) are dropped; `table.attrs["n_dropped"]` counts them. Rows that cannot be used
are skipped; `table.attrs["notes"]` says how many and names the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadFile
from cre_core.genome import Assembly
from cre_core.io.notes import is_mostly, noted, without_rows
from cre_core.io.rows import at_the_door, with_strands
from cre_core.io.text import (
    bytes_of,
    data_lines,
    first_fields,
    is_header,
    numbers,
    parse_table,
    shown,
    to_numbers,
    with_tabs,
)  # fmt: skip

_BED = ("chrom", "start", "end", "name", "score", "strand", "thick_start", "thick_end", "item_rgb")
_BED12 = (*_BED, "block_count", "block_sizes", "block_starts")
_BROAD = ("chrom", "start", "end", "name", "score", "strand", "signal_value", "p_value", "q_value")
_NARROW = (*_BROAD, "summit")
_BEDGRAPH = ("chrom", "start", "end", "value")
_BEDPE = ("chrom", "start", "end", "chrom2", "start2", "end2", "name", "score", "strand", "strand2")
_RAO_MORE = {
    "o": "observed", "e_bl": "expected_bl", "e_donut": "expected_donut", "e_h": "expected_h", "e_v": "expected_v",
    "num_collapsed": "n_collapsed", "f1": "corner_score",
    "expectedBL": "expected_bl", "expectedDonut": "expected_donut", "expectedH": "expected_h",
    "expectedV": "expected_v", "fdrBL": "fdr_bl", "fdrDonut": "fdr_donut", "fdrH": "fdr_h", "fdrV": "fdr_v",
    "numCollapsed": "n_collapsed",
}  # fmt: skip
_RAO_TEXTS = ("name", "strand1", "strand2", "color")
_NUMBERS = ("value", "signal_value", "p_value", "q_value", "summit")


def read_bed(path: Path | str, *, assembly: Assembly, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Read BED with 3 or more columns.

    Args:
      path: plain or .gz.
      assembly: what the coordinates are on.
      names: of the first columns, chrom, start and end among them; by default those of BED. Further columns are
        called `column_10` (counted from 1) and so on.

    Returns:
      schema.INTERVALS plus the other columns; `score` float64, NaN where the file has none; `strand` +, - or .
      A fifth column of text is no score, and is `column_5`.

    Raises:
      BadInput: half of the rows or more end before they start or have no place, or a coordinate has decimals; the
        first is named.
      WrongAssembly: ends lie past the chromosome's and all fit another known assembly.
      BadFile: not a table of places, truncated, or missing.
    """
    return _intervals(path, assembly, names, 3 if names is None else len(names))


def read_narrowpeak(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """As `read_bed`, with signal_value, p_value, q_value and `summit` in absolute bp; NaN where the file has -1."""
    table = _without_minus_one(_intervals(path, assembly, _NARROW, 10), ("p_value", "q_value", "summit"))
    table["summit"] = table["start"] + table["summit"]
    return table


def read_broadpeak(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """As `read_bed`, with signal_value, p_value and q_value; NaN where the file has -1."""
    return _without_minus_one(_intervals(path, assembly, _BROAD, 9), ("p_value", "q_value"))


def read_bedgraph(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """As `read_bed`, with `value` float64 in the file's own unit; NaN where the file says `.` or NA."""
    return _intervals(path, assembly, _BEDGRAPH, 4)


def read_bedpe(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """Read pairs of places.

    Args:
      path: plain or .gz; an anchor of no width (a TSS written as a point) becomes one base wide. Rows with one
        anchor alone (`. -1 -1`) are skipped.
      assembly: what the coordinates are on.

    Returns:
      schema.LOOPS plus name, score, strand, strand2 where the file has them.

    Raises:
      As `read_bed`, for either anchor.
    """
    path = Path(path)
    table = _paired(_read(path, _BEDPE, 6), path)
    for start, end in (("start", "end"), ("start2", "end2")):
        table[end] = table[end].where(table[end] != table[start], pd.to_numeric(table[start], errors="coerce") + 1)
    return at_the_door(table, schema.LOOPS, assembly=assembly, source=path.name)


def read_hiccups_loops(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """Read a HiCCUPS loop list: schema.LOOPS plus observed, expected_*, fdr_*, n_collapsed where the list has them.

    Raises:
      As `read_bed`; BadFile too when the header line is another.

    Source: Rao et al. 2014, Cell 159:1665, loop lists of GSE63525.
    """
    path = Path(path)
    table = _read_rao(path).drop(columns=[*_RAO_TEXTS], errors="ignore")
    return at_the_door(table, schema.LOOPS, assembly=assembly, source=path.name)


def read_arrowhead_domains(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """Read an Arrowhead domain list: schema.INTERVALS plus `corner_score` (0..2, higher = sharper corner).

    Raises:
      As `read_bed`; BadFile too when the header line is another.

    Source: Rao et al. 2014, Cell 159:1665, domain lists of GSE63525.
    """
    path = Path(path)
    table = _read_rao(path)
    if "corner_score" not in table:
        table = table.rename(columns={"score": "corner_score"})
    kept = [column for column in ("chrom", "start", "end", "corner_score") if column in table]
    return at_the_door(table[kept], schema.INTERVALS, assembly=assembly, source=path.name)


def _intervals(path: Path | str, assembly: Assembly, names: Sequence[str] | None, n_needed: int) -> pd.DataFrame:
    path = Path(path)
    return at_the_door(_read(path, names, n_needed), schema.INTERVALS, assembly=assembly, source=path.name)


def _read(path: Path, names: Sequence[str] | None, n_needed: int) -> pd.DataFrame:
    content = data_lines(bytes_of(path))
    if not content:
        return pd.DataFrame({name: [] for name in names or _BED[:3]})
    separator = first_fields(content)[1]
    if separator == "\t":
        content = with_tabs(content, n_needed)
    fields = first_fields(content)[0]
    if len(fields) < n_needed:
        wanted = ", ".join((names or _BED)[:n_needed])
        raise BadFile(f"{path.name} has {len(fields)} columns; wanted {wanted}")
    if names is None:
        names = _BED12 if len(fields) == 12 else _BED
    columns = [names[i] if i < len(names) else f"column_{i + 1}" for i in range(len(fields))]
    table = parse_table(content, columns, separator=separator, path=path)
    table = numbers(table, [name for name in _NUMBERS if name in table], source=path.name, skip=True)
    if "score" in table:
        table = _with_score(table, columns.index("score") + 1, path)
    for name in ("strand", "strand2"):
        if name in table:
            table = with_strands(table, name, source=path.name, other=f"column_{columns.index(name) + 1}")
    return table


def _with_score(table: pd.DataFrame, number: int, path: Path) -> pd.DataFrame:
    """Scores as float64, NaN where there is none; a column of text is kept beside them."""
    values, odd = to_numbers(table["score"])
    if not odd.any():
        return table.assign(score=values)
    held = f"'{shown(table['score'].iloc[int(np.argmax(odd))])}' in row {table.index[int(np.argmax(odd))]}"
    if is_mostly(odd):
        table = table.assign(**{f"column_{number}": table["score"]})
        return noted(table.assign(score=np.nan), f"{path.name}: column {number} is no score; first: {held}")
    what = f"{path.name}: {int(odd.sum()):,} of {len(odd):,} scores are no number; first: {held}; read as no data"
    return noted(table.assign(score=values), what)


def _paired(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table without the rows that have one anchor alone, as BEDPE writes them."""
    lone = np.zeros(len(table), dtype=bool)
    for chrom, start in (("chrom", "start"), ("chrom2", "start2")):
        is_absent = table[chrom].isin((".", "*", "")) | table[chrom].isna()
        lone |= (is_absent | (pd.to_numeric(table[start], errors="coerce") == -1)).to_numpy()
    if len(lone) and lone.all():
        raise BadFile(f"{path.name}: every row has one anchor alone; wanted pairs of places")
    return without_rows(table, lone, "one anchor alone", source=path.name)


def _read_rao(path: Path) -> pd.DataFrame:
    head, _, content = bytes_of(path).partition(b"\n")
    fields, separator = first_fields(head.lstrip(b"#"))
    if len(fields) < 6 or not is_header(fields) or not is_header(fields[3:]):
        raise BadFile(f"{path.name} starts with '{shown(' '.join(fields[:6]))}'; wanted chr1 x1 x2 chr2 y1 y2")
    columns = ["chrom", "start", "end", "chrom2", "start2", "end2"]
    for name in fields[6:]:
        ours = _RAO_MORE.get(name, name)
        if ours in columns:  # Juicer writes `score` twice: the last one holds the number
            columns[columns.index(ours)] = f"column_{columns.index(ours) + 1}"
        columns.append(ours if ours else f"column_{len(columns) + 1}")
    content = data_lines(content)
    if not content:
        return pd.DataFrame({name: [] for name in columns})
    table = parse_table(with_tabs(content, 6), columns, separator=separator, path=path)
    others = [name for name in columns[6:] if name not in _RAO_TEXTS and not name.startswith("column_")]
    return numbers(table, others, source=path.name, skip=True).drop(
        columns=[c for c in columns if c.startswith("column_")]
    )


def _without_minus_one(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    return table.assign(**{name: table[name].where(table[name] >= 0) for name in columns})
