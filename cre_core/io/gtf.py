"""GTF annotation: genes, transcripts and exons."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadFile
from cre_core.genome import Assembly
from cre_core.io.expression import without_version
from cre_core.io.rows import at_the_door
from cre_core.io.text import bytes_of

_COLUMNS = ("chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes")
_FEATURES = ("gene", "transcript", "exon")


@dataclass(frozen=True)
class Annotation:
    """What a GTF holds, 0-based half-open.

    Attributes:
      genes: schema.GENES plus gene_type; `tss` is the gene's outermost 5' base.
      transcripts: schema.INTERVALS plus strand, gene_id, gene_name, transcript_id, tss.
      exons: schema.INTERVALS plus strand, gene_id, gene_name, transcript_id.
    """

    genes: pd.DataFrame
    transcripts: pd.DataFrame
    exons: pd.DataFrame


def read_gtf(path: Path | str, *, assembly: Assembly, keep_version: bool = False) -> Annotation:
    """Read a GTF.

    Genes and transcripts without a line of their own are put together from their exons. A gene without a name among
    named ones goes by its id.

    Args:
      path: plain or .gz.
      assembly: what the coordinates are on; rows on other scaffolds are dropped.
      keep_version: keep `.14` of ENSG00000000003.14.

    Raises:
      BadFile: missing, not a GTF, or no row has gene_name.
      BadInput: a row ends before it starts. WrongAssembly: the ends fit another assembly.
    """
    path = Path(path)
    rows = _rows(path)
    rows = _with_ids(rows, path, keep_version)
    rows = at_the_door(rows, schema.INTERVALS, assembly=assembly, source=path.name)
    transcripts = _merged(rows, "transcript", ["chrom", "transcript_id"])
    genes = _merged(rows, "gene", ["chrom", "gene_id"])
    exons = rows[rows["feature"] == "exon"].reset_index(drop=True)
    place = ["chrom", "start", "end", "strand", "gene_id", "gene_name"]
    return Annotation(
        schema.check_genes(genes[[*place, "tss", "gene_type"]], assembly=assembly, source=path.name),
        transcripts[[*place, "transcript_id", "tss"]],
        exons[[*place, "transcript_id"]],
    )


def _rows(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(
            io.BytesIO(bytes_of(path)), sep="\t", comment="#", header=None, names=list(_COLUMNS), quoting=3,
            usecols=[name for name in _COLUMNS if name not in ("source", "score", "frame")], dtype={"chrom": str},
            low_memory=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise BadFile(f"{path.name} is not a GTF: {str(error).splitlines()[-1].strip()}") from error
    rows = rows[rows["feature"].isin(_FEATURES)].reset_index(drop=True)
    if rows.empty or rows["attributes"].isna().any():
        raise BadFile(f"{path.name} is not a GTF: no gene, transcript or exon row with attributes in column 9")
    rows["start"] = pd.to_numeric(rows["start"], errors="coerce") - 1  # GTF counts from 1
    return rows


def _with_ids(rows: pd.DataFrame, path: Path, keep_version: bool) -> pd.DataFrame:
    text = rows.pop("attributes")
    for name in ("gene_id", "gene_name", "transcript_id"):
        rows[name] = _attribute(text, name)
    rows["gene_type"] = _attribute(text, "gene_(?:type|biotype)")
    rows["gene_type"] = rows["gene_type"].where(rows["gene_type"].notna(), "")
    if rows["gene_id"].isna().any():
        row = int(np.argmax(rows["gene_id"].isna()))
        raise BadFile(f"{path.name}: row {row} ({rows['feature'][row]}) has no gene_id; is this GFF3?")
    if rows["gene_name"].isna().all():
        raise BadFile(f"{path.name} has no gene_name; wanted a GTF that names its genes")
    if not keep_version:
        rows["gene_id"] = without_version(rows["gene_id"])
        rows["transcript_id"] = without_version(rows["transcript_id"])
    rows["gene_name"] = rows["gene_name"].fillna(rows["gene_id"])
    return rows


def _attribute(text: pd.Series, name: str) -> pd.Series:
    return text.str.extract(rf'(?:^|[;\s]){name}\s+"([^"]*)"', expand=False)


def _merged(rows: pd.DataFrame, feature: str, key: list[str]) -> pd.DataFrame:
    """One row per gene or transcript: its own line, or the span of its exons."""
    own = rows[rows["feature"] == feature].drop_duplicates(key)
    parts = rows[(rows["feature"] == "exon") & rows[key[1]].notna()]
    parts = parts[~parts[key[1]].isin(own[key[1]])]
    spans = parts.groupby(key, sort=False, as_index=False).agg(
        start=("start", "min"), end=("end", "max"), strand=("strand", "first"), gene_id_=("gene_id", "first"),
        gene_name=("gene_name", "first"), gene_type=("gene_type", "first"), transcript_id_=("transcript_id", "first"),
    )  # fmt: skip
    spans = spans.rename(columns={name: name[:-1] for name in ("gene_id_", "transcript_id_") if name[:-1] not in key})
    merged = pd.concat([own, spans[[c for c in own.columns if c in spans]]]) if len(spans) else own
    merged = merged.reset_index(drop=True)
    return merged.assign(tss=merged["start"].where(merged["strand"] != "-", merged["end"] - 1))
