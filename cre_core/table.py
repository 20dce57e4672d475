"""The contract of a table, and the check that a table keeps it: broken rows are counted and the first is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cre_core.errors import BadInput
from cre_core.genome import Assembly

Kind = Literal["text", "integer", "number", "flag"]
_LARGEST = 1 << 53  # of a whole number that a float64 holds exactly
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass(frozen=True)
class Rule:
    """What no row of a table may be: how a message says it, and which rows are so, (N,) bool."""

    says: str
    broken: Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class TableSpec:
    """The contract of a table: its name, its columns with their kind, what identifies a row, and further rules."""

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...] = ()
    is_interval: bool = True
    rules: tuple[Rule, ...] = ()


def check_table(
    table: pd.DataFrame, spec: TableSpec, *, assembly: Assembly | None = None, source: str = ""
) -> pd.DataFrame:
    """A table that keeps its contract: columns there, kinds right, places on the assembly, keys unique.

    Args:
      table: rows as read; further columns are kept.
      spec: the contract.
      assembly: when given, chromosome names become the assembly's and ends are checked against it.
      source: the file's name, for the message.

    Returns:
      A copy with the contract's dtypes and a fresh index. NaN stays NaN in `number` columns.

    Raises:
      BadInput: naming how many rows break which rule, and the first of them.
    """
    where = f"{source}: " if source else ""
    check_columns(table, spec, source=source)
    table = table.reset_index(drop=True).copy()
    for column, kind in spec.columns.items():
        table[column] = _coerced(table[column], kind, f"{where}{spec.name}: column {column}")
    if spec.is_interval:
        table = _with_known_chromosomes(table, assembly)
        _check_places(table, spec, assembly, where)
    for rule in spec.rules:
        _check_rows(rule.broken(table), rule.says, table, spec, where)
    if spec.key:
        repeated = table.duplicated(list(spec.key))
        if repeated.any():
            first = " ".join(map(str, table.loc[repeated, list(spec.key)].iloc[0]))
            raise BadInput(f"{where}{spec.name} repeat {int(repeated.sum())} keys; first: {first}")
    return table


def check_columns(table: pd.DataFrame, spec: TableSpec, *, source: str = "") -> None:
    """Raise BadInput when a table lacks a column of its contract; the message lists those it has."""
    missing = [column for column in spec.columns if column not in table]
    if missing:
        where = f"{source}: " if source else ""
        names = [" ".join(str(name).split())[:60] for name in table.columns]
        found = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise BadInput(f"{where}{spec.name} lack column {', '.join(missing)}; the table has {found}")
    twice = [str(column) for column in table.columns[table.columns.duplicated()]]
    if twice:
        raise BadInput(f"{source}: {spec.name} have column {' '.join(twice[0].split())[:60]} twice")


def _coerced(column: pd.Series, kind: Kind, where: str) -> pd.Series:
    if kind == "text":
        return column.astype(str)
    if kind == "flag":
        return _flags(column, where)
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    if kind == "number":
        _check_cells(np.isinf(numbers) | (numbers.isna() & ~_is_absent(column)), column, where, "a number")
        return numbers
    whole = np.isfinite(numbers) & (numbers.abs() < _LARGEST) & (numbers % 1 == 0)
    _check_cells(~whole, column, where, "a whole number")
    return numbers.astype("int64")


def _is_absent(column: pd.Series) -> pd.Series:
    """Which cells say that there is no number."""
    if pd.api.types.is_numeric_dtype(column):
        return column.isna()
    return column.isna() | column.astype(str).str.strip().isin(["", ".", "NA", "NaN", "nan"])


def _flags(column: pd.Series, where: str) -> pd.Series:
    flags = column.astype(str).str.strip().str.lower().map(_FLAGS)
    _check_cells(flags.isna(), column, where, "true or false")
    return flags.astype(bool)


def _check_cells(odd: pd.Series, column: pd.Series, where: str, wanted: str) -> None:
    if odd.any():
        row = int(np.asarray(odd).argmax())
        held = " ".join(str(column.iloc[row]).split())[:60]
        raise BadInput(f"{where} holds '{held}' in row {row}; wanted {wanted}")


def _check_rows(broken: pd.Series, says: str, table: pd.DataFrame, spec: TableSpec, where: str) -> None:
    if broken.any():
        row = int(np.asarray(broken).argmax())
        named = " ".join(str(table[column].iloc[row]) for column in spec.key)
        raise BadInput(f"{where}{int(broken.sum()):,} {spec.name} {says}; first: row {row} {named}".rstrip())


def _with_known_chromosomes(table: pd.DataFrame, assembly: Assembly | None) -> pd.DataFrame:
    if assembly is None:
        return table
    for column in ("chrom", "chrom2"):
        if column in table:
            names = {name: assembly.chrom(str(name)) for name in table[column].unique()}
            table[column] = table[column].map(names)
    return table


def _check_places(table: pd.DataFrame, spec: TableSpec, assembly: Assembly | None, where: str) -> None:
    for number in ("", "2") if "chrom2" in spec.columns else ("",):
        chrom, start, end = (table[f"{name}{number}"] for name in ("chrom", "start", "end"))
        rules = [("end before they start", end <= start), ("start before the chromosome", start < 0)]
        if assembly is not None:
            sizes = chrom.map(dict(assembly.chrom_sizes))
            rules.append((f"end past the end of their {assembly.name} chromosome", end > sizes))
            if "tss" in spec.columns:
                rules.append(
                    (f"have a TSS off their {assembly.name} chromosome", ~table["tss"].between(0, sizes - 1))
                )
        for rule, broken in rules:
            if broken.any():
                row = int(np.asarray(broken).argmax())
                anchor = "second anchor: " if number else ""
                place = f"row {row} {chrom[row]}:{start[row]}-{end[row]}"
                raise BadInput(f"{where}{anchor}{int(broken.sum())} rows {rule}; first: {place}")
