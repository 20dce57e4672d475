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
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from cre_core import schema
from cre_core.data.gene_names import Asked, OtherNames, spellings
from cre_core.data.study_json import Amount, Bases, Described, Name, PathInside, check_unique, read_description
from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName
from cre_core.genome import Assembly
from cre_core.io.files import written_whole
from cre_core.io.folders import check_ours, recover
from cre_core.io.text import shown
from cre_core.kept import Kept

FORMAT = 1
EMBEDDED = Path(__file__).resolve().parents[2] / "precomputed"  # studies that came with the program
# What a preparation makes, as listed above; models and precomputed results belong to it as long as they fit.
MADE = (
    "study.json", "*.parquet", "intervals", "links", "signals", "contacts", "sequence.*", "motifs.*", "features",
)  # fmt: skip
TRAINED = ("models", "precomputed")


@dataclass(frozen=True)
class Track(Described):
    """One signal to draw: base-resolution (`bigwig`) or counts per element (`element_counts`)."""

    id: str
    title: str
    assay: str
    biosample: str
    kind: Literal["bigwig", "element_counts"]
    unit: str
    path: PathInside | None = None  # of a bigWig
    source: str = ""


@dataclass(frozen=True)
class IntervalSet(Described):
    """One set of places to draw: peaks, domains, loops or motif sites."""

    id: str
    title: str
    kind: Literal["peaks", "domains", "loops", "motif_sites"]
    assay: str
    biosample: str
    path: PathInside
    source: str = ""
    lifted_from: str | None = None  # the assembly it was lifted over from


@dataclass(frozen=True)
class ContactMap(Described):
    """One Hi-C map of the study."""

    id: str
    title: str
    biosample: str
    path: PathInside
    resolution_bp: Bases
    normalisation: str
    source: str = ""


@dataclass(frozen=True)
class ExampleLocus(Described):
    """A place worth opening first, with the reason."""

    gene_name: str
    locus: str
    note: str


@dataclass(frozen=True)
class StudyInfo(Described):
    """The content of study.json."""

    name: Name
    title: str
    is_simulated: bool
    assembly_name: str
    chrom_sizes: Annotated[Mapping[str, Bases], Field(min_length=1)]
    biosamples: Annotated[tuple[Name, ...], Field(min_length=1)]
    tracks: tuple[Track, ...] = ()
    intervals: tuple[IntervalSet, ...] = ()
    contacts: tuple[ContactMap, ...] = ()
    example_loci: tuple[ExampleLocus, ...] = ()
    measures: Mapping[str, str] = field(default_factory=dict)  # expression measure -> unit
    sequence: PathInside | None = None  # FASTA
    motifs: PathInside | None = None  # MEME file
    # Biosample -> assay -> mapped reads of the experiment: counts / (these / 1e6) = RPM. Absent = not known.
    library_reads: Mapping[str, Mapping[str, Amount]] = field(default_factory=dict)
    tss_source: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT


class Study:
    """A prepared study folder. Tables load once, at first use."""

    def __init__(self, folder: Path, info: StudyInfo) -> None:
        self.folder = folder
        self.info = info
        self.assembly = Assembly(info.assembly_name, dict(info.chrom_sizes))
        self.kept = Kept()  # what others make of this open study

    @classmethod
    def open(cls, folder: Path | str) -> Study:
        """Open a study folder.

        Raises:
          UnknownName: there is no study in `folder`.
          BadFile: study.json is broken, of another format, or has a field of the wrong kind; the message names it.
        """
        folder = Path(folder)
        path = folder / "study.json"
        recover(folder)
        if not path.is_file():
            raise UnknownName(f"no study in {folder}: study.json is missing; `prepare` or `simulate` makes one")
        info = read_description(path, StudyInfo, wanted_format=FORMAT)
        check_unique(path, list(info.biosamples), what="biosamples")
        for what in ("tracks", "intervals", "contacts"):
            check_unique(path, [entry.id for entry in getattr(info, what)], what=what)
        for track in info.tracks:
            if track.kind == "bigwig" and track.path is None:
                raise BadFile(f"{path}: track {track.id} is a bigWig without a path")
        return cls(folder, info)

    def __repr__(self) -> str:
        return f"Study({self.info.name}, {self.info.assembly_name}, {self.folder})"

    @property
    def is_embedded(self) -> bool:
        """Whether it came with the program: what is computed of it is then kept elsewhere."""
        return self.folder.resolve().parent == EMBEDDED

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
        """Every annotated gene, modelled or not: chrom, start, end, gene_name, strand; gene_id where it is known."""
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
        """The row of a modelled gene, by name (any case), id, with or without version, or another name of it.

        Raises:
          UnknownName: no such gene, and close names are proposed; or it is annotated, but no model knows it.
          BadInput: another name of several genes.
        """
        row = self._gene_row(name)
        if row < len(self.genes):  # modelled genes come first among the annotated ones
            return self.genes.iloc[row]
        known = self.annotated_genes["gene_name"].iloc[row]
        raise UnknownName(f"{known} is annotated in study {self.name}, but no model knows it")

    @cached_property
    def annotated_genes(self) -> pd.DataFrame:
        """Every gene of the study, modelled ones first, each with the one TSS that all scores take.

        Returns:
          chrom, start, end, gene_name, strand, tss, gene_id (`` = the annotation gives none), is_modelled. A gene
          that is annotated only has the 5' end of its body as TSS; one that only the screen knows is its TSS alone.
        """
        columns = ["chrom", "start", "end", "gene_name", "strand", "tss", "gene_id", "is_modelled"]
        found = self.genes.assign(is_modelled=True)[columns]
        if self.has("gene_bodies"):
            bodies = self.gene_bodies.reindex(columns=[*self.gene_bodies, *({"gene_id"} - {*self.gene_bodies})])
            others = bodies[~bodies["gene_name"].isin(found["gene_name"])]
            tss = others["start"].where(others["strand"] != "-", others["end"] - 1)
            others = others.assign(tss=tss, gene_id=others["gene_id"].fillna(""), is_modelled=False)
            found = pd.concat([found, others[columns]], ignore_index=True)
        if self.has("crispr"):
            tested = self.crispr.drop_duplicates("gene_id")
            tested = tested[~tested["gene_id"].isin(found["gene_id"])]
            tested = tested.assign(start=tested["tss"], end=tested["tss"] + 1, strand=".", is_modelled=False)
            found = pd.concat([found, tested[columns]], ignore_index=True)
        return found

    def annotated_gene(self, name: str) -> pd.Series:
        """The row of `annotated_genes` of a gene, by name (any case), id or another name; a modelled one of several.

        Raises:
          UnknownName: no such gene; close names are proposed. BadInput: another name of several genes.
        """
        return self.annotated_genes.iloc[self._gene_row(name)]

    def genes_named(self, name: str) -> Asked:
        """The genes that a name stands for: its own name or id of one, else another name of one or of several."""
        for wanted in spellings(name):
            if wanted in self._gene_rows:
                return Asked((self._gene_rows[wanted],))
        return self.other_names.of(name)

    def close_genes(self, name: str) -> list[str]:
        """Up to three names of genes that a name with a slip may have meant."""
        return [str(self.annotated_genes["gene_name"].iloc[row]) for row in self.other_names.close(name)]

    def gene_remark(self, name: str) -> str:
        """`c-Myc is MYC`, where a gene was asked for by a name that the study does not use; else ``.

        Raises:
          UnknownName, BadInput: as `annotated_gene`.
        """
        known, other = self.annotated_gene(name), self.genes_named(name).other_name or name.strip()
        is_its_own = {known["gene_name"].upper(), known["gene_id"].upper()}.intersection(spellings(other))
        return "" if is_its_own else f"{other} is {known['gene_name']}"

    @cached_property
    def other_names(self) -> OtherNames:
        """The names that the genes go by elsewhere; rows as in `annotated_genes`."""
        return OtherNames(*(self.annotated_genes[column].astype(str) for column in ("gene_name", "gene_id")))

    def _gene_row(self, name: str) -> int:
        asked = self.genes_named(name)
        if len(asked.rows) == 1:
            return asked.rows[0]
        names = self.annotated_genes["gene_name"]
        if asked.rows:
            which = ", ".join(names.iloc[list(asked.rows)])
            raise BadInput(f"{asked.other_name} is another name of several genes; wanted one of {which}")
        starts = names[names.str.upper().str.startswith(name.strip().upper()[:3])].head(3)
        close = self.close_genes(name) or list(starts)
        hint = f"; did you mean {', '.join(close)}?" if len(close) else ""
        raise UnknownName(f"study {self.name} has no gene '{shown(name)}'{hint}")

    @cached_property
    def _gene_rows(self) -> dict[str, int]:
        """Id or name in capitals -> row of `annotated_genes`; of several with one id the modelled one."""
        ids, names = (self.annotated_genes[column].str.upper() for column in ("gene_id", "gene_name"))
        by_id, by_name = dict[str, int](), dict[str, int]()
        for row, (identity, name) in enumerate(zip(ids, names, strict=True)):
            first = by_id.setdefault(identity, row) if identity else row
            by_name.setdefault(name, first)
        return by_name | by_id

    def check_biosample(self, name: str) -> None:
        """Refuse a biosample that the study does not have.

        Raises:
          UnknownName: naming those it has.
        """
        if name not in self.info.biosamples:
            raise UnknownName(
                f"study {self.name} has no biosample '{name}'; it has {', '.join(self.info.biosamples)}"
            )

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


def studies_in(folder: Path) -> list[Path]:
    """The study folders in a folder, by name; one that is still being written is none."""
    return sorted(path.parent for path in folder.glob("*/study.json") if path.parent.suffix != ".partial")


def check_replaceable(folder: Path, *, is_simulated: bool, name: str = "") -> None:
    """Refuse to prepare a study in the place of anything but an older one of its kind.

    Args:
      folder: where it is to go.
      is_simulated: what it is.
      name: of the study; any when empty.

    Raises:
      BadInput: the folder is a file, holds something else, or another study.
    """
    check_ours(folder, "study.json", what="study")
    if not (folder / "study.json").is_file():
        return
    there = Study.open(folder).info
    if there.is_simulated != is_simulated or name not in ("", there.name):
        data = "simulated" if there.is_simulated else "real"
        wanted = "a simulated study" if is_simulated else f"study {name} of real data"
        raise BadInput(f"{folder} holds study {there.name} of {data} data; wanted a new folder or {wanted}")


def write_info(folder: Path, info: StudyInfo) -> None:
    """Write study.json, last of a study's files."""
    with written_whole(folder / "study.json") as partial:
        partial.write_text(json.dumps(asdict(info), indent=1) + "\n")


def write_table(table: pd.DataFrame, path: Path, spec: schema.TableSpec, assembly: Assembly | None = None) -> None:
    """Check a table against its contract and write it as parquet, whole or not at all."""
    checked = schema.check_table(table, spec, assembly=assembly, source=path.name)
    with written_whole(path) as partial:
        checked.to_parquet(partial, index=False, compression="zstd")
