"""A study: one prepared folder, readable without this code (parquet, npy, bigWig, cool, JSON).

study.json            what the study is, its tracks and interval sets, and where every number came from
genes.parquet         one row per modelled gene: place, strand, TSS, half-life features
gene_bodies.parquet   every annotated gene to draw (also those no model knows)
exons.parquet         exon places
elements.parquet      candidate elements with class
element_signal.parquet, promoter_signal.parquet   counts per biosample, one column per assay
expression.parquet    gene x biosample x measure
element_labels.parquet    what an element is in a biosample, where a study knows it
folds.parquet         train / valid / test of every gene in every fold
crispr.parquet        the measured effect of switching an element off
intervals/*.parquet   peaks, domains, loops, motif sites
links/*.parquet       link scores published by others
signals/*.bw, contacts/*.mcool, sequence.fa
models/MODEL/BIOSAMPLE/   trained weights;  precomputed/   what the dashboard shows at once
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cre_core import schema
from cre_core.data.gene_names import names_of
from cre_core.errors import BadFile, NotAvailable, UnknownName
from cre_core.genome import Assembly
from cre_core.io.files import written_whole
from cre_core.io.text import read_json, shown

FORMAT = 1


@dataclass(frozen=True)
class Track:
    """One signal to draw: base-resolution (`bigwig`) or counts per element (`element_counts`)."""

    id: str
    title: str
    assay: str
    biosample: str
    kind: Literal["bigwig", "element_counts"]
    unit: str
    path: str | None = None  # of a bigWig, inside the study
    source: str = ""


@dataclass(frozen=True)
class IntervalSet:
    """One set of places to draw: peaks, domains, loops or motif sites."""

    id: str
    title: str
    kind: Literal["peaks", "domains", "loops", "motif_sites"]
    assay: str
    biosample: str
    path: str
    source: str = ""
    lifted_from: str | None = None  # the assembly it was lifted over from


@dataclass(frozen=True)
class ContactMap:
    """One Hi-C map of the study."""

    id: str
    title: str
    biosample: str
    path: str
    resolution_bp: int
    normalisation: str
    source: str = ""


@dataclass(frozen=True)
class ExampleLocus:
    """A place worth opening first, with the reason."""

    gene_name: str
    locus: str
    note: str


@dataclass(frozen=True)
class StudyInfo:
    """The content of study.json."""

    name: str
    title: str
    is_simulated: bool
    assembly_name: str
    chrom_sizes: Mapping[str, int]
    biosamples: tuple[str, ...]
    tracks: tuple[Track, ...] = ()
    intervals: tuple[IntervalSet, ...] = ()
    contacts: tuple[ContactMap, ...] = ()
    example_loci: tuple[ExampleLocus, ...] = ()
    measures: Mapping[str, str] = field(default_factory=dict)  # expression measure -> unit
    sequence: str | None = None  # FASTA inside the study
    motifs: str | None = None  # MEME file inside the study
    # Biosample -> assay -> mapped reads of the experiment: counts / (these / 1e6) = RPM. Absent = not known.
    library_reads: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tss_source: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT


_NESTED = {"tracks": Track, "intervals": IntervalSet, "contacts": ContactMap, "example_loci": ExampleLocus}


class Study:
    """A prepared study folder. Tables load once, at first use."""

    def __init__(self, folder: Path, info: StudyInfo) -> None:
        self.folder = folder
        self.info = info
        self.assembly = Assembly(info.assembly_name, dict(info.chrom_sizes))

    @classmethod
    def open(cls, folder: Path | str) -> Study:
        """Open a study folder.

        Raises:
          UnknownName: there is no study in `folder`.
          BadFile: study.json is broken or of another format.
        """
        folder = Path(folder)
        path = folder / "study.json"
        if not path.is_file():
            raise UnknownName(f"no study in {folder}: study.json is missing; `prepare` or `simulate` makes one")
        try:
            raw = read_json(path, what="study description")
            if raw["format"] != FORMAT:
                raise BadFile(f"{path} has format {raw['format']}; this version reads {FORMAT}")
            for name, kind in _NESTED.items():
                raw[name] = tuple(kind(**entry) for entry in raw.get(name, ()))
            raw["biosamples"] = tuple(raw["biosamples"])
            return cls(folder, StudyInfo(**raw))
        except (KeyError, TypeError, ValueError) as error:
            raise BadFile(f"{path} is not a study description: {error}") from error

    def __repr__(self) -> str:
        return f"Study({self.info.name}, {self.info.assembly_name}, {self.folder})"

    @property
    def name(self) -> str:
        """The study's short name."""
        return self.info.name

    @cached_property
    def genes(self) -> pd.DataFrame:
        """schema.GENES, plus the half-life features where known."""
        return self._table("genes", schema.GENES)

    @cached_property
    def gene_bodies(self) -> pd.DataFrame:
        """Every annotated gene, modelled or not: chrom, start, end, gene_name, strand."""
        return self._table("gene_bodies", schema.INTERVALS)

    @cached_property
    def exons(self) -> pd.DataFrame:
        """Exon places."""
        return self._table("exons", schema.INTERVALS)

    @cached_property
    def elements(self) -> pd.DataFrame:
        """schema.ELEMENTS, sorted by place."""
        return self._table("elements", schema.ELEMENTS)

    @cached_property
    def element_signal(self) -> pd.DataFrame:
        """schema.ELEMENT_SIGNAL; one column per assay, in read counts. NaN = no data."""
        return self._table("element_signal", schema.ELEMENT_SIGNAL)

    @cached_property
    def element_labels(self) -> pd.DataFrame:
        """schema.ELEMENT_LABELS: enhancer, silencer, ... of an element in a biosample."""
        return self._table("element_labels", schema.ELEMENT_LABELS)

    @cached_property
    def promoter_signal(self) -> pd.DataFrame:
        """schema.PROMOTER_SIGNAL; one column per assay, in read counts. NaN = no data."""
        return self._table("promoter_signal", schema.PROMOTER_SIGNAL)

    @cached_property
    def expression(self) -> pd.DataFrame:
        """schema.EXPRESSION; units in `info.measures`."""
        return self._table("expression", schema.EXPRESSION)

    @cached_property
    def folds(self) -> pd.DataFrame:
        """schema.FOLDS: columns fold_1 ... fold_n."""
        return self._table("folds", schema.FOLDS)

    @cached_property
    def crispr(self) -> pd.DataFrame:
        """schema.CRISPR: the measured effect of switching an element off."""
        return self._table("crispr", schema.CRISPR)

    def has(self, table: str) -> bool:
        """Whether the study holds a table (`crispr`, `exons`, ...)."""
        return (self.folder / f"{table}.parquet").is_file()

    def intervals(self, set_id: str) -> pd.DataFrame:
        """One set of `info.intervals`."""
        entry = next((entry for entry in self.info.intervals if entry.id == set_id), None)
        if entry is None:
            raise UnknownName(f"study {self.name} has no interval set '{set_id}'")
        spec = schema.LOOPS if entry.kind == "loops" else schema.INTERVALS
        return self._read(self.folder / entry.path, spec)

    def links(self, method: str) -> pd.DataFrame:
        """schema.LINKS of a method whose scores came with the study."""
        path = self.folder / "links" / f"{method}.parquet"
        if not path.is_file():
            raise NotAvailable(f"study {self.name} has no published links of method '{method}'")
        return self._read(path, schema.LINKS)

    def gene(self, name: str) -> pd.Series:
        """The row of a modelled gene, by name (any case) or id, with or without version, or by its other symbol.

        Raises:
          UnknownName: no such gene; close names are proposed.
        """
        genes = self.genes
        wanted = name.strip().upper()
        for other in names_of(name):
            for column in ("gene_id", "gene_name"):
                found = genes[genes[column].str.upper() == other]
                if len(found):
                    return found.iloc[0]
        close = genes["gene_name"][genes["gene_name"].str.upper().str.startswith(wanted[:3])].head(3)
        hint = f"; did you mean {', '.join(close)}?" if len(close) else ""
        raise UnknownName(f"study {self.name} has no gene '{shown(name)}'{hint}")

    def fold_of(self, gene_id: str) -> str:
        """The fold whose test set holds the gene, so that its model never saw it.

        Raises:
          NotAvailable: the gene is in no test set.
        """
        if gene_id not in self._test_fold:
            raise NotAvailable(f"gene {gene_id} is in no fold's test set of study {self.name}")
        return self._test_fold[gene_id]

    @cached_property
    def _test_fold(self) -> dict[str, str]:
        """gene id -> the first fold whose test set holds it."""
        found: dict[str, str] = {}
        for column in self.folds.columns:
            if column.startswith("fold_"):
                tested = self.folds["gene_id"][self.folds[column] == "test"]
                found = {**dict.fromkeys(tested, column), **found}
        return found

    def _table(self, name: str, spec: schema.TableSpec) -> pd.DataFrame:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            raise NotAvailable(f"study {self.name} has no {spec.name} ({name}.parquet)")
        return self._read(path, spec)

    def _read(self, path: Path, spec: schema.TableSpec) -> pd.DataFrame:
        try:
            table = pd.read_parquet(path)
        except Exception as error:  # of pyarrow, whose errors have no common base
            raise BadFile(f"{path} is not a readable parquet file") from error
        return schema.check_table(table, spec, assembly=self.assembly, source=path.name)


def write_info(folder: Path, info: StudyInfo) -> None:
    """Write study.json, last of a study's files."""
    with written_whole(folder / "study.json") as partial:
        partial.write_text(json.dumps(asdict(info), indent=1) + "\n")


def write_table(table: pd.DataFrame, path: Path, spec: schema.TableSpec, assembly: Assembly | None = None) -> None:
    """Check a table against its contract and write it as parquet, whole or not at all."""
    checked = schema.check_table(table, spec, assembly=assembly, source=path.name)
    with written_whole(path) as partial:
        checked.to_parquet(partial, index=False, compression="zstd")
