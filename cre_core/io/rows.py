"""Rows of places as a file has them: which can be used, on which chromosome, on which strand.

A row that cannot be used is skipped, counted and named (`notes`). The file is refused when half of its rows or more
are broken, when a coordinate has decimals, or when it is of another assembly: then no row of it can be trusted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadInput, UnknownName, WrongAssembly
from cre_core.genome import ASSEMBLIES, Assembly
from cre_core.io.chroms import name_on
from cre_core.io.notes import is_mostly, noted, skipped, without_rows
from cre_core.io.text import shown, to_numbers

_PLACES = (("chrom", "start", "end"), ("chrom2", "start2", "end2"))
_PLUS, _MINUS, _NONE = ("+", "+1", "1"), ("-", "-1", "\N{MINUS SIGN}"), (".", "")
_LARGEST = 1 << 40  # no genome is that long, and every whole number up to it is exact as a float


def at_the_door(table: pd.DataFrame, spec: schema.TableSpec, *, assembly: Assembly, source: str) -> pd.DataFrame:
    """Check places as read from a file: their chromosomes' names, their rules, then the assembly.

    Args:
      table: rows in the file's order, their numbers as index; the columns of `spec` and more.
      spec: an interval contract.
      assembly: what the coordinates should be on.
      source: the file's name, for the message.

    Returns:
      The table with the assembly's chromosome names; attrs["n_dropped"] counts the rows on other scaffolds, and
      attrs["notes"] says which rows were skipped.

    Raises:
      BadInput: half of the rows or more break a rule, or coordinates have decimals. WrongAssembly: the ends or the
        accession numbers are another assembly's. UnknownName: no name is known.
    """
    schema.check_columns(table, spec, source=source)
    places = [place for place in _PLACES if place[0] in spec.columns]
    n_rows = len(table)
    table = _on_known_chromosomes(table, places, assembly, source)
    n_dropped = n_rows - len(table)
    for place in places:
        table = _with_usable_places(table, place, source)
    table = _within_ends(table, places, assembly, source)
    table = schema.check_table(table, spec, assembly=assembly, source=source)
    table.attrs["n_dropped"] = n_dropped
    return table


def _on_known_chromosomes(
    table: pd.DataFrame, places: list[tuple[str, str, str]], assembly: Assembly, source: str
) -> pd.DataFrame:
    kept = np.ones(len(table), dtype=bool)
    for chrom, _, _ in places:
        column = table[chrom].fillna("").astype(str)
        try:
            names = {name: name_on(assembly, name) for name in column.unique()}
        except WrongAssembly as error:
            raise WrongAssembly(f"{source}: {error}") from error
        if names and not any(names.values()):
            there = ", ".join(shown(name) for name in [*names][:3])
            raise UnknownName(f"{source}: no chromosome of {assembly.name}; the file has {there}")
        table = table.assign(**{chrom: column.map(names)})
        kept &= table[chrom].notna().to_numpy()
    return table[kept]


def _with_usable_places(table: pd.DataFrame, place: tuple[str, str, str], source: str) -> pd.DataFrame:
    """The table with whole numbers in start and end, without the rows whose place cannot be."""
    where = source if place[0] == "chrom" else f"{source}, second anchor"
    starts, ends = (_whole(table, column, where) for column in place[1:])
    no_number = (starts.isna() | ends.isna()).to_numpy()
    rules = [
        ("end before they start", (ends < starts).to_numpy()),
        ("start before the chromosome", (starts < 0).to_numpy() & ~no_number),
    ]
    broken = np.logical_or.reduce([no_number, *(mask for _, mask in rules)])
    if is_mostly(broken):
        _refuse(table, place, no_number, rules, where)
    empty = (starts == ends).to_numpy() & ~broken
    if len(table) and (empty | broken).all():
        raise BadInput(f"{where}: no row has a place with a width; first: {_named(table, place, 0)}")
    reasons = [("without whole numbers as place", no_number), *rules, ("without width", empty)]
    gone = np.zeros(len(table), dtype=bool)
    for why, mask in reasons:
        now = mask & ~gone
        if now.any():
            first = _named(table, place, int(np.argmax(now)))
            table = noted(table, skipped(table, now, why, source=where, first=first))
            gone |= now
    return table.assign(**{place[1]: starts, place[2]: ends})[~gone].astype({place[1]: "int64", place[2]: "int64"})


def _whole(table: pd.DataFrame, column: str, source: str) -> pd.Series:
    """Whole numbers as float64, NaN where a cell holds none."""
    values, _ = to_numbers(table[column])
    values = values.where(values.abs() < _LARGEST)
    fractions = ((values % 1) != 0).to_numpy() & values.notna().to_numpy()
    if fractions.any():
        row = int(np.argmax(fractions))
        held = f"column {column} holds '{table[column].iloc[row]}' in row {table.index[row]}"
        raise BadInput(f"{source}: {held}; wanted a whole number")
    return values


def _refuse(
    table: pd.DataFrame,
    place: tuple[str, str, str],
    no_number: np.ndarray,
    rules: list[tuple[str, np.ndarray]],
    source: str,
) -> None:
    """Raise BadInput for the rule that most rows break."""
    why, mask = max(rules, key=lambda rule: int(rule[1].sum()))
    if no_number.sum() < mask.sum():
        row = int(np.argmax(mask))
        raise BadInput(f"{source}: {int(mask.sum()):,} rows {why}; first: {_named(table, place, row)}")
    row = int(np.argmax(no_number))
    column = next(name for name in place[1:] if not np.isfinite(_whole(table, name, source).iloc[row]))
    held = f"column {column} holds '{shown(table[column].iloc[row])}' in row {table.index[row]}"
    raise BadInput(f"{source}: {held}; wanted a whole number")


def _named(table: pd.DataFrame, place: tuple[str, str, str], row: int) -> str:
    chrom, start, end = (shown(table[name].iloc[row]).removesuffix(".0") for name in place)
    return f"row {table.index[row]} {chrom}:{start}-{end}"


def _within_ends(
    table: pd.DataFrame, places: list[tuple[str, str, str]], assembly: Assembly, source: str
) -> pd.DataFrame:
    """The table, if every row ends on its chromosome; the mitochondrion differs among files of one assembly."""
    past = {place: _past_the_end(table, place, assembly) for place in places}
    broken = np.logical_or.reduce(list(past.values()))
    is_mitochondrial = np.logical_or.reduce(
        [past[place] & (table[place[0]] == "chrM").to_numpy() for place in places]
    )
    if not (broken & ~is_mitochondrial).any():
        return without_rows(table, broken, "past the end of chrM", source=source)
    at = int(np.argmax(broken))
    place = next(place for place in past if past[place][at])
    chrom, end = table[place[0]].iloc[at], int(table[place[2]].iloc[at])
    what = (
        f"{int(broken.sum())} rows end past the end of their {assembly.name} chromosome; "
        f"first: row {table.index[at]} {chrom} up to {end:,} of {assembly.chrom_sizes[chrom]:,}"
    )
    for other in ASSEMBLIES.values():
        fits = not any(_past_the_end(table, one, other).any() for one in places)
        if fits and other.name != assembly.name:
            raise WrongAssembly(f"{source} looks like {other.name}, wanted {assembly.name}: {what}")
    raise BadInput(f"{source}: {what}")


def _past_the_end(table: pd.DataFrame, place: tuple[str, str, str], assembly: Assembly) -> np.ndarray:
    size = table[place[0]].map(dict(assembly.chrom_sizes)).fillna(-1)
    return (table[place[2]] > size).to_numpy()


def with_strands(table: pd.DataFrame, column: str, *, source: str, other: str = "") -> pd.DataFrame:
    """The table with +, - and . in a strand column; 1 and -1 are read so, and what else stood there is noted.

    A column of other things (a score, a class) is no strand: every row gets `.`, and the column stays as `other`.
    """
    text = table[column].fillna("").astype(str).str.strip()
    found = set(text.unique())
    is_signed = found <= {*_PLUS, *_MINUS, *_NONE, "*", "0"} and ("-1" in found or "0" not in found)
    plus, minus = (_PLUS, _MINUS) if is_signed else (_PLUS[:1], _MINUS[::2])
    strand = np.select([text.isin(plus), text.isin(minus)], ["+", "-"], ".")
    odd = ((strand == ".") & ~text.isin(_NONE)).to_numpy()
    kept = {other: table[column]} if other and len(odd) and odd.all() else {}
    table = table.assign(**{column: strand, **kept})
    if found & {"1", "-1", "+1"} and is_signed:
        table = noted(table, f"{source}: column {column} holds 1 and -1; read as + and -")
    if odd.any():
        held = f"'{shown(text.iloc[int(np.argmax(odd))])}' in row {table.index[int(np.argmax(odd))]}"
        n = f"{int(odd.sum()):,} of {len(odd):,} rows"
        table = noted(table, f"{source}: column {column} holds no strand in {n}; first: {held}; read as .")
    return table
