"""Expression tables: symbol and value, ENCODE gene or transcript quantifications, any table with a gene column."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Literal

import pandas as pd

from cre_core.errors import BadFile, BadInput
from cre_core.io.text import bytes_of, numbers

Repeats = Literal["max", "sum", "mean"]
_GENE_COLUMNS = ("gene_id", "gene", "gene_name", "symbol", "ensid", "ensembl_id", "genename")
_VERSION = re.compile(r"^(ENS[A-Z]*\d+)\.\d+(?:_\d+)?(_PAR_[XY])?(?:_\d+)?(?![^|])")
_VALUE_COLUMNS = ("tpm", "fpkm", "rpkm", "value", "expression", "counts", "expected_count")


def read_expression(
    path: Path | str, *, column: str | None = None, unit: str | None = None, repeats: Repeats = "max"
) -> pd.DataFrame:
    """Read one biosample's expression, one row per gene.

    Three kinds are told apart by their first line: two columns without a header (gene, value); a table with
    `transcript_id`, whose transcripts are summed to genes; any other table with a gene column. Ensembl versions
    are removed (ENSG00000000003.14 -> ENSG00000000003; a `_PAR_Y` ending stays).

    Args:
      path: tab- or comma-separated text, plain or .gz.
      column: which column holds the values; by default the first of TPM, FPKM, RPKM, value, expression, counts.
      unit: of the values; by default the column's name, or TPM for a file without a header.
      repeats: what becomes of a gene named in several rows. The default keeps the largest: a symbol shared by
        several loci usually names one transcribed gene and its silent copies.

    Returns:
      gene (text, unique, in the file's order) and value (float64, in `attrs["unit"]`; NaN = not measured).
      attrs also hold kind (`pairs`, `transcripts`, `genes`), rule (what was done with repeated genes) and
      n_repeated (how many genes stood in several rows).

    Raises:
      BadFile: missing, no gene or value column, or a value that is not a number.
      BadInput: `column` is not in the file.
    """
    path = Path(path)
    content = bytes_of(path)
    first = content.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    separator = "\t" if "\t" in first else ","
    fields = [field.strip('"') for field in first.split(separator)]
    if len(fields) == 2 and _is_number(fields[1]):
        return _pairs(_parse(content, separator, path, names=["gene", "value"]), path, unit or "TPM", repeats)
    table = _parse(content, separator, path, names=None)
    genes = _gene_column(table, path)
    values = _value_column(table, column, path)
    kind = "transcripts" if "transcript_id" in table else "genes"
    rule: Repeats = "sum" if kind == "transcripts" else repeats
    table = numbers(table, [values], source=path.name)
    plain = pd.DataFrame({"gene": without_version(table[genes].astype(str)), "value": table[values]})
    return _one_per_gene(plain, rule, kind, unit or values)


def stable_id(name: str) -> str:
    """An Ensembl id without version and what follows it (`.14`, `.14_1` of a lifted annotation); PAR genes stay apart.

    ENSG00000136997.14_1 -> ENSG00000136997, ENSG00000002586.20_PAR_Y -> ENSG00000002586_PAR_Y; others unchanged.
    """
    return _VERSION.sub(r"\1\2", name)


def without_version(ids: pd.Series) -> pd.Series:
    """`stable_id` of every id."""
    return ids.str.replace(_VERSION, r"\1\2", regex=True)


def _pairs(table: pd.DataFrame, path: Path, unit: str, repeats: Repeats) -> pd.DataFrame:
    table = numbers(table, ["value"], source=path.name)
    table["gene"] = without_version(table["gene"].astype(str))
    return _one_per_gene(table, repeats, "pairs", unit)


def _one_per_gene(table: pd.DataFrame, rule: Repeats, kind: str, unit: str) -> pd.DataFrame:
    groups = table.groupby("gene", sort=False)["value"]
    # A gene without any measured row stays NaN: pandas' sum of nothing would say 0.
    values = groups.sum(min_count=1) if rule == "sum" else groups.agg(rule)
    result = values.reset_index()
    n_repeated = int((groups.size() > 1).sum())
    result.attrs = {"unit": unit, "kind": kind, "rule": f"{rule} of a gene's rows", "n_repeated": n_repeated}
    return result


def _parse(content: bytes, separator: str, path: Path, names: list[str] | None) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.BytesIO(content), sep=separator, header="infer" if names is None else None, names=names,
            keep_default_na=False, comment=None, low_memory=False, index_col=False,
        )  # fmt: skip
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise BadFile(f"{path.name} is not an even table: {str(error).splitlines()[-1].strip()}") from error


def _gene_column(table: pd.DataFrame, path: Path) -> str:
    return _first_known(table, _GENE_COLUMNS, f"{path.name} has no gene column")


def _value_column(table: pd.DataFrame, column: str | None, path: Path) -> str:
    if column is not None:
        if column not in table:
            raise BadInput(f"{path.name} has no column '{column}'; it has {_listed(table)}")
        return column
    return _first_known(table, _VALUE_COLUMNS, f"{path.name} has no value column")


def _first_known(table: pd.DataFrame, wanted: tuple[str, ...], problem: str) -> str:
    by_lower = {str(name).lower().replace(" ", "_"): str(name) for name in reversed(list(table.columns))}
    for name in wanted:
        if name in by_lower:
            return by_lower[name]
    raise BadFile(f"{problem}; wanted one of {', '.join(wanted)}; it has {_listed(table)}")


def _listed(table: pd.DataFrame) -> str:
    names = [str(name) for name in table.columns]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
