"""Expression tables: symbol and value, ENCODE gene or transcript quantifications, any table with a gene column."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cre_core.errors import BadFile, BadInput
from cre_core.io.notes import noted
from cre_core.io.text import ABSENT, bytes_of, numbers, shown

Repeats = Literal["max", "sum", "mean"]
_GENE_COLUMNS = (
    "gene_id", "gene", "gene_name", "symbol", "ensid", "ensembl_id", "genename", "geneid", "gene_symbol",
    "ensembl_gene_id", "hgnc_symbol",
)  # fmt: skip
_VALUE_COLUMNS = ("tpm", "fpkm", "rpkm", "value", "expression", "counts", "expected_count")
_NEVER_NEGATIVE = ("tpm", "fpkm", "rpkm", "counts", "expected_count")
_ROW_NAMES = "row name"  # a first column without a name of its own, as R writes it
_VERSION = re.compile(r"^(ENS[A-Z]*\d+)\.\d+(?:_\d+)?(_PAR_[XY])?(?:_\d+)?(?![^|])")
_MONTH = r"(?:jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\.?"
# What a spreadsheet makes of MARCH1, SEPT2, DEC1 and of RIKEN's 2310009E13: dates and powers of ten.
_DAMAGED = re.compile(
    rf"\d{{1,4}}[-/. ]\s*{_MONTH}(?:[-/. ]\d{{2,4}})?|{_MONTH}[-/. ]\s*\d{{1,4}}"
    r"|\d{4}[-/]\d{1,2}[-/]\d{1,2}(?: 00:00:00)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d(?:[.,]\d+)?E\+\d+",
    re.IGNORECASE,
)


def read_expression(
    path: Path | str, *, column: str | None = None, unit: str | None = None, repeats: Repeats = "max"
) -> pd.DataFrame:
    """Read one biosample's expression, one row per gene.

    Three kinds are told apart by their first line: two columns without a header (gene, value); a table with
    `transcript_id`, whose transcripts are summed to genes; any other table with a gene column. A header one field
    short (R's write.table) leaves out the name of the first column. Ensembl versions are removed
    (ENSG00000000003.14 -> ENSG00000000003; a `_PAR_Y` ending stays). Names that a spreadsheet made of gene names
    (1-Mar, 2.31E+13) tell no gene: their rows are skipped and noted.

    Args:
      path: text separated by tabs, commas, semicolons or blanks, plain or .gz.
      column: which column holds the values; by default the first of TPM, FPKM, RPKM, value, expression, counts.
      unit: of the values; by default the column's name, or TPM for a file without a header.
      repeats: what becomes of a gene named in several rows. The default keeps the largest: a symbol shared by
        several loci usually names one transcribed gene and its silent copies.

    Returns:
      gene (text, unique, in the file's order) and value (float64, in `attrs["unit"]`; NaN = not measured).
      attrs also hold kind (`pairs`, `transcripts`, `genes`), rule (what was done with repeated genes), n_repeated
      (how many genes stood in several rows) and notes.

    Raises:
      BadFile: missing, no gene or value column, rows of several lengths, a value that is not a finite number, or a
        negative one where the unit has none.
      BadInput: `column` is not in the file.
    """
    path = Path(path)
    first, *rows = _lines(path)
    if len(first) == 2 and (_is_number(first[1]) or first[1].strip() in ABSENT[1:]):
        table = _even(["gene", "value"], [first, *rows], path)
        return _one_per_gene(table, "gene", "value", repeats, "pairs", unit or "TPM", path)
    table = _even(first, rows, path)
    genes = _gene_column(table, path)
    values = _value_column(table, column, path)
    kind = "transcripts" if "transcript_id" in table else "genes"
    rule: Repeats = "sum" if kind == "transcripts" else repeats
    return _one_per_gene(table, genes, values, rule, kind, unit or values, path)


def stable_id(name: str) -> str:
    """An Ensembl id without version and what follows it (`.14`, `.14_1` of a lifted annotation).

    ENSG00000136997.14_1 -> ENSG00000136997; PAR genes stay apart: ENSG00000002586.20_PAR_Y -> ENSG00000002586_PAR_Y;
    other names are unchanged.
    """
    return _VERSION.sub(r"\1\2", name)


def without_version(ids: pd.Series) -> pd.Series:
    """`stable_id` of every id."""
    return ids.map({name: stable_id(name) for name in ids.dropna().unique()})


def _lines(path: Path) -> list[list[str]]:
    """The fields of every line, quotes removed."""
    text = bytes_of(path).decode("utf-8", "replace")
    head = text.partition("\n")[0]
    separator = next((mark for mark in "\t,;" if mark in head), " ")
    try:
        lines = csv.reader(text.split("\n"), delimiter=separator, skipinitialspace=separator == " ")
        found = [[field.strip() for field in fields] for fields in lines if any(fields)]
    except csv.Error as error:
        raise BadFile(f"{path.name} is not a table: a field without end, or longer than any name") from error
    if not found:
        raise BadFile(f"{path.name} is empty")
    return found


def _even(names: list[str], rows: list[list[str]], path: Path) -> pd.DataFrame:
    if rows and len(rows[0]) == len(names) + 1:
        if any(row[-1] for row in rows):
            names = [_ROW_NAMES, *names]
        else:  # every row but the header ends with a separator
            rows = [row[:-1] for row in rows]
    names = [names[0].lstrip("#") or _ROW_NAMES, *names[1:]]
    uneven = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if uneven is not None:
        n = len(rows[uneven])
        raise BadFile(f"{path.name} is not an even table: row {uneven} has {n} fields; wanted {len(names)}")
    return pd.DataFrame(rows, columns=names, dtype=str)


def _one_per_gene(
    table: pd.DataFrame, genes: str, values: str, rule: Repeats, kind: str, unit: str, path: Path
) -> pd.DataFrame:
    table = numbers(table[[genes, values]], [values], source=path.name)
    negative = (table[values] < 0).to_numpy()
    if negative.any() and unit.lower().startswith(_NEVER_NEGATIVE):
        row = int(np.argmax(negative))
        raise BadFile(f"{path.name}: {unit} is {table[values].iloc[row]:g} in row {row}; wanted 0 or more")
    names = without_version(table[genes])
    usable, note = _usable(names, path)
    groups = table[usable].groupby(names[usable], sort=False)[values]
    # A gene without any measured row stays NaN: pandas' sum of nothing would say 0.
    one = groups.sum(min_count=1) if rule == "sum" else groups.agg(rule)
    result = one.rename_axis("gene").rename("value").reset_index()
    n_repeated = int((groups.size() > 1).sum())
    result.attrs = {"unit": unit, "kind": kind, "rule": f"{rule} of a gene's rows", "n_repeated": n_repeated}
    return noted(result, note) if note else result


def _usable(names: pd.Series, path: Path) -> tuple[np.ndarray, str]:
    """Which names tell a gene, and the note on those that do not."""
    is_damaged = names.map(lambda name: _DAMAGED.fullmatch(name) is not None).to_numpy(dtype=bool)
    is_odd = is_damaged | names.isin(ABSENT).to_numpy()
    if not is_odd.any():
        return ~is_odd, ""
    if is_odd.all():
        raise BadFile(f"{path.name}: no row names a gene; the first says '{shown(names.iloc[0])}'")
    first = ", ".join(shown(name) or "no name" for name in dict.fromkeys(names[is_odd].head(50)))
    what = "gene names damaged by a spreadsheet" if is_damaged.any() else "no gene name"
    note = f"{path.name}: {int(is_odd.sum()):,} of {len(names):,} rows skipped, {what}; first: {shown(first)}"
    return ~is_odd, note


def _gene_column(table: pd.DataFrame, path: Path) -> str:
    if _ROW_NAMES in table and not _known(table, _GENE_COLUMNS) and not table[_ROW_NAMES].str.isdigit().all():
        return _ROW_NAMES
    return _first_known(table, _GENE_COLUMNS, f"{path.name} has no gene column")


def _value_column(table: pd.DataFrame, column: str | None, path: Path) -> str:
    if column is not None and column not in table:
        raise BadInput(f"{path.name} has no column '{column}'; it has {_listed(table)}")
    found = column or _first_known(table, _VALUE_COLUMNS, f"{path.name} has no value column")
    if list(table.columns).count(found) > 1:
        raise BadFile(f"{path.name} has several columns '{found}'; wanted one")
    return found


def _known(table: pd.DataFrame, wanted: tuple[str, ...]) -> list[str]:
    """The table's columns with the wanted names, in the order of those."""
    by_lower = {re.sub(r"[ .]", "_", str(name).lower()): str(name) for name in reversed(list(table.columns))}
    return [by_lower[name] for name in wanted if name in by_lower]


def _first_known(table: pd.DataFrame, wanted: tuple[str, ...], problem: str) -> str:
    found = _known(table, wanted)
    if not found:
        raise BadFile(f"{problem}; wanted one of {', '.join(wanted)}; it has {_listed(table)}")
    if list(table.columns).count(found[0]) > 1:
        raise BadFile(f"{problem.partition(' has ')[0]} has several columns '{found[0]}'; wanted one")
    return found[0]


def _listed(table: pd.DataFrame) -> str:
    names = [shown(name) for name in table.columns]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
