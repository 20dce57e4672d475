"""Tables of places: BED, narrowPeak, broadPeak, bedGraph, BEDPE, and the loop and domain lists of Rao 2014.

All readers take plain or gzipped text, skip comment, `track` and `browser` lines, give chromosomes the assembly's
names, and refuse coordinates of another assembly where they can be told apart. Rows on scaffolds that the assembly
lacks (`chr1_random`, `chrEBV`) are dropped; `table.attrs["n_dropped"]` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadFile, BadInput, UnknownName, WrongAssembly
from cre_core.genome import ASSEMBLIES, Assembly
from cre_core.io.places import name_on
from cre_core.io.text import bytes_of, data_lines, first_fields, numbers, parse_table

_BED = ("chrom", "start", "end", "name", "score", "strand", "thick_start", "thick_end", "item_rgb")
_BED12 = (*_BED, "block_count", "block_sizes", "block_starts")
_BROAD = ("chrom", "start", "end", "name", "score", "strand", "signal_value", "p_value", "q_value")
_NARROW = (*_BROAD, "summit")
_BEDGRAPH = ("chrom", "start", "end", "value")
_BEDPE = ("chrom", "start", "end", "chrom2", "start2", "end2", "name", "score", "strand", "strand2")
_RAO_MORE = {
    "o": "observed", "e_bl": "expected_bl", "e_donut": "expected_donut", "e_h": "expected_h", "e_v": "expected_v",
    "num_collapsed": "n_collapsed", "f1": "corner_score",
}  # fmt: skip
_NUMBERS = ("score", "value", "signal_value", "p_value", "q_value", "summit", "corner_score")


def read_bed(path: Path | str, *, assembly: Assembly, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Read BED with 3 or more columns.

    Args:
      path: plain or .gz.
      assembly: what the coordinates are on.
      names: of the first columns, chrom, start and end among them; by default those of BED. Further columns are
        called `column_10` (counted from 1) and so on.

    Returns:
      schema.INTERVALS plus the other columns; `score` float64, NaN where the file has none.

    Raises:
      BadInput: a row ends before it starts; the first is named.
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
      path: plain or .gz; an anchor of no width (a TSS written as a point) becomes one base wide.
      assembly: what the coordinates are on.

    Returns:
      schema.LOOPS plus name, score, strand, strand2 where the file has them.

    Raises:
      As `read_bed`, for either anchor.
    """
    path = Path(path)
    table = _read(path, _BEDPE, 6)
    for start, end in (("start", "end"), ("start2", "end2")):
        table[end] = table[end].where(table[end] != table[start], table[start] + 1)
    return at_the_door(table, schema.LOOPS, assembly=assembly, source=path.name)


def read_hiccups_loops(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """Read a HiCCUPS loop list: schema.LOOPS plus observed, expected_*, fdr_*, n_collapsed where the list has them.

    Raises:
      As `read_bed`; BadFile too when the header line is another.

    Source: Rao et al. 2014, Cell 159:1665, loop lists of GSE63525.
    """
    path = Path(path)
    table = _read_rao(path).drop(columns=["color"], errors="ignore")
    return at_the_door(table, schema.LOOPS, assembly=assembly, source=path.name)


def read_arrowhead_domains(path: Path | str, *, assembly: Assembly) -> pd.DataFrame:
    """Read an Arrowhead domain list: schema.INTERVALS plus `corner_score` (0..2, higher = sharper corner).

    Raises:
      As `read_bed`; BadFile too when the header line is another.

    Source: Rao et al. 2014, Cell 159:1665, domain lists of GSE63525.
    """
    path = Path(path)
    table = _read_rao(path)
    kept = [column for column in ("chrom", "start", "end", "corner_score") if column in table]
    return at_the_door(table[kept], schema.INTERVALS, assembly=assembly, source=path.name)


def at_the_door(table: pd.DataFrame, spec: schema.TableSpec, *, assembly: Assembly, source: str) -> pd.DataFrame:
    """Check places as read from a file: their rules, their chromosomes' names, then the assembly.

    Args:
      table: rows in the file's order; the columns of `spec` and more.
      spec: an interval contract.
      assembly: what the coordinates should be on.
      source: the file's name, for the message.

    Returns:
      The table with the assembly's chromosome names; attrs["n_dropped"] counts the rows on other scaffolds.

    Raises:
      BadInput: a row breaks a rule. WrongAssembly: the ends fit another assembly. UnknownName: no name is known.
    """
    table = schema.check_table(table, spec, source=source)
    if "chrom2" in spec.columns:
        second = table[["chrom2", "start2", "end2"]].set_axis(["chrom", "start", "end"], axis=1)
        schema.check_table(second, schema.INTERVALS, source=f"{source}, second anchor")
    kept = pd.Series(True, index=table.index)
    for column, _ in _ends(spec):
        names = {name: name_on(assembly, name) for name in table[column].unique()}
        if names and not any(names.values()):
            raise UnknownName(f"{source}: no chromosome of {assembly.name}; the file has {', '.join([*names][:3])}")
        table[column] = table[column].map(names)
        kept &= table[column].notna()
    places = table[kept]
    _check_ends(places, spec, assembly, source)
    places = schema.check_table(places, spec, assembly=assembly, source=source)
    places.attrs["n_dropped"] = int((~kept).sum())
    return places


def _ends(spec: schema.TableSpec) -> list[tuple[str, str]]:
    return [pair for pair in (("chrom", "end"), ("chrom2", "end2")) if pair[0] in spec.columns]


def _check_ends(table: pd.DataFrame, spec: schema.TableSpec, assembly: Assembly, source: str) -> None:
    past = {pair: _past_the_end(table, pair, assembly) for pair in _ends(spec)}
    broken = np.logical_or.reduce(list(past.values()))
    if not broken.any():
        return
    at = int(np.argmax(broken))
    chrom_column, end_column = next(pair for pair in past if past[pair][at])
    chrom, end = table[chrom_column].iloc[at], int(table[end_column].iloc[at])
    what = (
        f"{int(broken.sum())} rows end past the end of their {assembly.name} chromosome; "
        f"first: row {table.index[at]} {chrom} up to {end:,} of {assembly.chrom_sizes[chrom]:,}"
    )
    for other in ASSEMBLIES.values():
        fits = not any(_past_the_end(table, pair, other).any() for pair in _ends(spec))
        if fits and other.name != assembly.name:
            raise WrongAssembly(f"{source} looks like {other.name}, wanted {assembly.name}: {what}")
    raise BadInput(f"{source}: {what}")


def _past_the_end(table: pd.DataFrame, columns: tuple[str, str], assembly: Assembly) -> np.ndarray:
    chrom, end = columns
    size = table[chrom].map(dict(assembly.chrom_sizes)).fillna(-1)
    return (table[end] > size).to_numpy()


def _intervals(path: Path | str, assembly: Assembly, names: Sequence[str] | None, n_needed: int) -> pd.DataFrame:
    path = Path(path)
    return at_the_door(_read(path, names, n_needed), schema.INTERVALS, assembly=assembly, source=path.name)


def _read(path: Path, names: Sequence[str] | None, n_needed: int) -> pd.DataFrame:
    content = data_lines(bytes_of(path))
    fields, separator = first_fields(content)
    if not content:
        return pd.DataFrame({name: [] for name in names or _BED[:3]})
    if len(fields) < n_needed:
        wanted = ", ".join((names or _BED)[:n_needed])
        raise BadFile(f"{path.name} has {len(fields)} columns; wanted {wanted}")
    if names is None:
        names = _BED12 if len(fields) == 12 else _BED
    columns = [names[i] if i < len(names) else f"column_{i + 1}" for i in range(len(fields))]
    table = parse_table(content, columns, separator=separator, path=path)
    return numbers(table, [name for name in _NUMBERS if name in table], source=path.name)


def _read_rao(path: Path) -> pd.DataFrame:
    head, _, content = bytes_of(path).partition(b"\n")
    fields, separator = first_fields(head.lstrip(b"#"))
    if fields[1:3] != ["x1", "x2"] or fields[4:6] != ["y1", "y2"]:
        raise BadFile(f"{path.name} starts with '{' '.join(fields[:6])}'; wanted chr1 x1 x2 chr2 y1 y2")
    columns = ["chrom", "start", "end", "chrom2", "start2", "end2"]
    columns += [_RAO_MORE.get(name, name) for name in fields[6:]]
    table = parse_table(data_lines(content), columns, separator=separator, path=path)
    return numbers(table, [name for name in table.columns[6:] if name != "color"], source=path.name)


def _without_minus_one(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    return table.assign(**{name: table[name].where(table[name] >= 0) for name in columns})
