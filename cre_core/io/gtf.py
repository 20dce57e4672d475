"""GTF annotation: genes, transcripts and exons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadFile, BadInput
from cre_core.genome import Assembly
from cre_core.io.expression import without_version
from cre_core.io.notes import is_mostly, noted, notes_of, without_rows
from cre_core.io.rows import at_the_door, with_strands
from cre_core.io.text import bytes_of, parse_table

_COLUMNS = ("chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes")
_FEATURES = ("gene", "transcript", "exon")
_ATTRIBUTES = ("gene_id", "gene_name", "gene", "transcript_id", "gene_type", "gene_biotype")
_ATTRIBUTE = re.compile(r'(?:^|;)\s*([^\s";]+)\s+(?:"([^"]*)"|([^";\s]+))')
_COMMENT = re.compile(rb"(?m)^#.*\n?")
_FAR_BP = 1_500_000  # between two places of one gene; the longest human intron has 1.2 Mb


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

    @property
    def notes(self) -> list[str]:
        """What could not be used, or was named otherwise than written."""
        return notes_of(self.genes)


def read_gtf(path: Path | str, *, assembly: Assembly, keep_version: bool = False) -> Annotation:
    """Read a GTF.

    Genes and transcripts without a line of their own are put together from their exons. A gene without a name goes
    by its id; RefSeq's attribute `gene` is a name. Of a gene with one id on X and Y (PAR) the copy on X stays. An id
    on several chromosomes, or at places farther apart than any intron is long, is as many genes: `G`, `G_dup1`, ...
    What was skipped or renamed stands in `notes`.

    Args:
      path: plain or .gz.
      assembly: what the coordinates are on; rows on other scaffolds are dropped.
      keep_version: keep `.14` of ENSG00000000003.14.

    Raises:
      BadFile: missing, not a GTF, or no row has a gene name.
      BadInput: half of the rows or more cannot be used. WrongAssembly: the ends fit another assembly.
    """
    path = Path(path)
    rows = _with_ids(_rows(path), path, keep_version)
    rows = at_the_door(rows, schema.INTERVALS, assembly=assembly, source=path.name)
    rows = _one_place_per_id(_without_par_copies(_stranded(rows, path), path), path)
    transcripts = _merged(rows, "transcript", ["chrom", "gene_id", "transcript_id"])
    genes = _merged(rows, "gene", ["chrom", "gene_id"])
    exons = rows[rows["feature"] == "exon"].reset_index(drop=True)
    place = ["chrom", "start", "end", "strand", "gene_id", "gene_name"]
    genes = schema.check_genes(genes[[*place, "tss", "gene_type"]], assembly=assembly, source=path.name)
    genes.attrs = dict(rows.attrs)
    return Annotation(genes, transcripts[[*place, "transcript_id", "tss"]], exons[[*place, "transcript_id"]])


def _rows(path: Path) -> pd.DataFrame:
    lines = _COMMENT.sub(b"", bytes_of(path)).strip(b"\n")
    if not lines:
        raise BadFile(f"{path.name} is not a GTF: it has comments alone")
    rows = parse_table(lines, _COLUMNS, separator="\t", path=path)
    rows = rows[rows["feature"].isin(_FEATURES)].drop(columns=["source", "score", "frame"])
    if rows.empty or rows["attributes"].isna().all():
        raise BadFile(f"{path.name} is not a GTF: no gene, transcript or exon row with attributes in column 9")
    first = pd.to_numeric(rows["start"], errors="coerce").replace((np.inf, -np.inf), np.nan)
    return rows.assign(start=(first - 1).where(first % 1 == 0, rows["start"]))  # GTF counts from 1


def _with_ids(rows: pd.DataFrame, path: Path, keep_version: bool) -> pd.DataFrame:
    found = _attributes(rows["attributes"])
    rows = rows.drop(columns="attributes")
    for name in ("gene_id", "gene_name", "transcript_id"):
        rows[name] = found[name]
    rows["gene_name"] = _filled(rows["gene_name"], found["gene"])  # as RefSeq calls it
    rows["gene_type"] = _filled(_filled(found["gene_type"], found["gene_biotype"]), "")
    nameless = (rows["gene_id"].isna() | (rows["gene_id"] == "")).to_numpy()
    first = f"row {rows.index[int(np.argmax(nameless))]} ({rows['feature'].iloc[int(np.argmax(nameless))]})"
    if is_mostly(nameless):
        raise BadFile(f"{path.name}: {first} has no gene_id; is this GFF3?")
    rows = without_rows(rows, nameless, "no gene_id", source=path.name, first=first)
    if rows["gene_name"].isna().all():
        raise BadFile(f"{path.name} has no gene_name; wanted a GTF that names its genes")
    rows = rows.assign(transcript_id=rows["transcript_id"].where(rows["transcript_id"] != "").astype(object))
    if not keep_version:
        rows["gene_id"] = without_version(rows["gene_id"])
        rows["transcript_id"] = without_version(rows["transcript_id"]).astype(object)
    names = rows["gene_name"].where(rows["gene_name"] != "")
    return rows.assign(gene_name=_filled(names, rows["gene_id"]))


def _attributes(text: pd.Series) -> pd.DataFrame:
    """The attributes we read, quoted or not, NaN where a row has none; what stands inside another value is none."""
    columns: dict[str, list[str | float]] = {name: [] for name in _ATTRIBUTES}
    for line in text:
        found: dict[str, str] = {}
        for name, quoted, plain in _ATTRIBUTE.findall(line) if isinstance(line, str) else ():
            found.setdefault(name, quoted or plain.strip("'"))
        for name, values in columns.items():
            values.append(found.get(name, np.nan))
    return pd.DataFrame(columns, index=text.index, dtype=object)


def _filled(values: pd.Series, others: pd.Series | str) -> pd.Series:
    return values.where(values.notna(), others)


def _stranded(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows with + or - as strand; a gene without one has no TSS."""
    rows = with_strands(rows, "strand", source=path.name)
    lost = (rows["strand"] == ".").to_numpy()
    if is_mostly(lost):
        n = int(lost.sum())
        raise BadInput(f"{path.name}: {n:,} rows have strand other than + or -; first: {_called(rows, lost)}")
    return without_rows(rows, lost, "strand other than + or -", source=path.name, first=_called(rows, lost))


def _without_par_copies(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    on_x = rows.loc[rows["chrom"] == "chrX", "gene_id"]
    copies = ((rows["chrom"] == "chrY") & rows["gene_id"].isin(on_x)).to_numpy()
    n_genes = rows.loc[copies, "gene_id"].nunique()
    why = f"{n_genes:,} genes of Y with the id of one on X (PAR)"
    return without_rows(rows, copies, why, source=path.name, first=_called(rows, copies))


def _one_place_per_id(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows with an id of its own for each far place of a gene; the first place keeps the id."""
    placed = rows.sort_values(["gene_id", "chrom", "start"], kind="stable")
    same = (placed["gene_id"] == placed["gene_id"].shift()) & (placed["chrom"] == placed["chrom"].shift())
    group = (~same).cumsum()
    reached = placed.groupby(group)["end"].cummax().shift()
    is_new = ~same | (placed["start"] - reached > _FAR_BP)
    number = is_new.groupby(placed["gene_id"]).cumsum().astype(int) - 1  # of the place, among those of its id
    number = number.reindex(rows.index)
    if not number.any():
        return rows
    ids = rows["gene_id"].where(number == 0, rows["gene_id"] + "_dup" + number.astype(str))
    several = rows.loc[number > 0, "gene_id"].unique()
    note = (
        f"{path.name}: {len(several):,} gene ids lie at several places; first: {several[0]}; named {several[0]}_dup1"
    )
    return noted(rows.assign(gene_id=ids), note)


def _called(rows: pd.DataFrame, mask: np.ndarray) -> str:
    if not mask.any():
        return ""
    row = rows.iloc[int(np.argmax(mask))]
    return f"{row['gene_name']} {row['chrom']}:{row['start'] + 1:,}-{row['end']:,}"


def _merged(rows: pd.DataFrame, feature: str, key: list[str]) -> pd.DataFrame:
    """One row per gene or transcript: its own line or lines, or the span of its exons."""
    own = rows[(rows["feature"] == feature) & rows[key[-1]].notna()]
    parts = rows[(rows["feature"] == "exon") & rows[key[-1]].notna()]
    parts = parts[~parts[key[-1]].isin(own[key[-1]])]
    firsts = [name for name in ("strand", "gene_id", "gene_name", "gene_type", "transcript_id") if name not in key]
    spans = pd.concat([own, parts]).groupby(key, sort=False, as_index=False)
    merged = spans.agg({"start": "min", "end": "max", **dict.fromkeys(firsts, "first")})
    return merged.assign(tss=merged["start"].where(merged["strand"] != "-", merged["end"] - 1))
