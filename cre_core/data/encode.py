"""The `encode` study: genes, cCREs, signal, expression and sequence of any human biosamples of ENCODE's list, hg38.

Genes: GENCODE v29, protein-coding. Elements: SCREEN's registry V3. Signal: read-depth normalised DNase and fold
change over control of ChIP, replicates averaged base by base. Expression: transcript quantifications, TPM summed to
genes within a file, then averaged over the files of a biosample.

Source: CREaTor (Li et al. 2023, Genome Biology 24:266), Methods, and ScPGE, Methods: which files, which elements,
which chromosomes are held out.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from cre_core import schema
from cre_core.data import encode_files
from cre_core.data.encode_ccres import DROPPED, read_ccres
from cre_core.data.encode_expression import mean_tpm
from cre_core.data.encode_files import CCRES, GENES, GENOME, EncodeFile
from cre_core.data.encode_tracks import mean_at, write_mean_track
from cre_core.data.recipe import Prepared, StudyRecipe
from cre_core.data.study import ExampleLocus, StudyInfo, Track, write_table
from cre_core.errors import BadFile, BadInput, NotAvailable
from cre_core.genome import HG38, Locus
from cre_core.io.bigwig import BigWig
from cre_core.io.download import RemoteFile
from cre_core.io.fasta import Fasta
from cre_core.io.files import link_or_copy
from cre_core.io.gtf import Annotation, read_gtf
from cre_core.progress import Report
from cre_core.schema import PROMOTER_HALF_WIDTH_BP

SEQUENCE = "sequence.fa.gz"
_UNITS = {"DNase-seq": "read-depth normalised signal"}  # of every other assay: fold change over control
_EXAMPLES = (("MYC", "far enhancers downstream"), ("KLF1", "a gene of red cells"), ("HBE1", "the globin locus"))
_EXAMPLE_REACH_BP = 250_000
_BGZF_MARK = b"BC\x02\x00"

Groups = dict[tuple[str, str], list[EncodeFile]]  # the bigWigs of one track, by biosample and track name


def encode_recipe(biosamples: tuple[str, ...] = ()) -> StudyRecipe:
    """The recipe for some biosamples of ENCODE's list; without a choice, for those a folder has the files of."""
    if biosamples:
        encode_files.files_of(biosamples)  # a wrong name is known at once
    return StudyRecipe(
        "encode",
        "ENCODE biosamples with sequence, base-resolution signal and cCREs",
        HG38.name,
        biosamples or encode_files.biosamples(),
        (),
        partial(prepare_encode, biosamples=biosamples),
        fetch=partial(_fetch, biosamples=biosamples),
        raw_files=partial(_raw_files, biosamples=biosamples),
        choose=encode_recipe,
    )


def prepare_encode(data: Path, out: Path, report: Report, *, biosamples: Sequence[str] = ()) -> Prepared:
    """Write the study's tables, tracks and sequence into `out`.

    Args:
      data: folder that `download encode` filled.
      out: an empty folder.
      report: called with step, done, total.
      biosamples: which; by default all whose files `data` describes.

    Raises:
      NotAvailable: files are missing.
      WrongAssembly, BadInput: a file is on another assembly, or breaks its contract.
    """
    names = _names(data, biosamples)
    files, notes = _files(names, data)
    groups = _tracks_of(files)
    steps = 5 + len(groups)
    report("genes", 0, steps)
    genes, annotation = _write_genes(data, out)
    report("elements", 1, steps)
    elements = _write_elements(data, out, annotation)
    report("expression", 2, steps)
    notes += _write_expression(files, data, out, genes)
    write_table(fold_table(genes), out / "folds.parquet", schema.FOLDS)
    report("sequence", 3, steps)
    _write_sequence(data / GENOME.name, out / SEQUENCE, elements)
    for i, group in enumerate(groups.values()):
        report(f"{group[0].title}, {group[0].biosample}", 4 + i, steps)
        write_mean_track([data / file.name for file in group], out / _track_path(group[0]), assembly=HG38)
    report("signal of elements", steps - 1, steps)
    _write_signal(names, groups, out, elements, genes)
    report("done", steps, steps)
    counts = {"genes": len(genes), "elements": len(elements), "tracks": len(groups)}
    counts[f"cCREs left out ({', '.join(DROPPED)})"] = elements.attrs["n_left_out"]
    notes = [*_NOTES, *notes]
    return Prepared(_info(names, groups, genes), counts=counts, notes=notes)


_NOTES = (
    "fold_1 is the split of CREaTor and ScPGE: chr16 valid, chr8 and chr9 test, the others and X train, Y unused.",
    "fold_2 to fold_13 leave chromosomes out in turn, as EPInformer's folds 1 to 12.",
    "Replicates are averaged, never summed: signal base by base, TPM gene by gene.",
    "Half-life features are not known here: no data.",
)


def _fetch(data: Path, mirror: str | None, report: Report, *, biosamples: tuple[str, ...]) -> list[Path]:
    return encode_files.fetch(biosamples, data, mirror=mirror, progress=report)


def _raw_files(data: Path, *, biosamples: tuple[str, ...]) -> list[RemoteFile]:
    files, _ = _files(_names(data, biosamples), data)
    _check_there(files, data)
    return encode_files.remote_files(files, data)


def _names(data: Path, biosamples: Sequence[str]) -> tuple[str, ...]:
    """The biosamples asked for, or all whose files the folder describes."""
    names = tuple(biosamples) or encode_files.downloaded(data)
    if not names:
        raise NotAvailable(
            f"no biosample is in {data}; python -m cre_core download encode --biosample NAME --data {data}"
        )
    return names


def _files(names: Sequence[str], data: Path) -> tuple[list[EncodeFile], list[str]]:
    return encode_files.chosen(names, encode_files.described(encode_files.files_of(names), data))


def _check_there(files: Sequence[EncodeFile], data: Path) -> None:
    wanted = [GENOME.name, GENES.name, CCRES, *(file.name for file in files)]
    missing = [name for name in wanted if not (data / name).is_file()]
    if missing:
        names = ",".join(dict.fromkeys(file.biosample for file in files))
        raise NotAvailable(
            f"{len(missing)} raw files of encode are not in {data}; first: {missing[0]}; "
            f"python -m cre_core download encode --biosample '{names}' --data {data}"
        )


def _tracks_of(files: Sequence[EncodeFile]) -> Groups:
    """The bigWigs that make one track, by biosample and track name."""
    groups: Groups = {}
    for file in files:
        if file.format == "bigWig":
            groups.setdefault((file.biosample, file.track), []).append(file)
    return groups


def _track_path(file: EncodeFile) -> str:
    return f"signals/{file.biosample.replace(' ', '_')}.{file.track}.bw"


def _write_genes(data: Path, out: Path) -> tuple[pd.DataFrame, Annotation]:
    """Nuclear protein-coding genes to model; every gene and exon to draw."""
    annotation = read_gtf(data / GENES.name, assembly=HG38)
    every = annotation.genes
    genes = every[(every["gene_type"] == "protein_coding") & (every["chrom"] != "chrM")].reset_index(drop=True)
    if genes.empty:
        raise BadInput(f"{GENES.name} has no protein-coding gene with gene_type")
    write_table(genes[list(schema.GENES.columns)], out / "genes.parquet", schema.GENES, HG38)
    bodies = every[["chrom", "start", "end", "gene_name", "strand", "gene_id", "gene_type"]]
    write_table(bodies, out / "gene_bodies.parquet", schema.INTERVALS, HG38)
    exons = annotation.exons[["chrom", "start", "end"]].drop_duplicates()
    write_table(exons, out / "exons.parquet", schema.INTERVALS, HG38)
    return genes, annotation


def _write_elements(data: Path, out: Path, annotation: Annotation) -> pd.DataFrame:
    sites = annotation.transcripts
    elements = read_ccres(
        data / CCRES, assembly=HG38, tss_chrom=sites["chrom"].to_numpy(), tss=sites["tss"].to_numpy()
    )
    write_table(elements, out / "elements.parquet", schema.ELEMENTS, HG38)
    return elements


def _write_sequence(source: Path, out: Path, elements: pd.DataFrame) -> None:
    """The genome in blocks (bgzip) with both indexes; it must have every chromosome that elements lie on."""
    try:
        with source.open("rb") as file:
            is_blocked = file.read(16)[12:] == _BGZF_MARK
        if is_blocked:
            link_or_copy(source, out)
        else:
            with gzip.open(source) as packed, pysam.BGZFile(str(out), "w", None) as blocks:
                shutil.copyfileobj(packed, blocks, 1 << 20)
        pysam.faidx(str(out))
    except (EOFError, zlib.error, gzip.BadGzipFile, pysam.SamtoolsError) as error:
        raise BadFile(f"{source.name} is truncated, or not a gzipped FASTA: {str(error).splitlines()[0]}") from error
    with Fasta(out, assembly=HG38) as fasta:
        there = {window.chrom for window in fasta.windows}
    lacking = elements[~elements["chrom"].isin(there)]
    if len(lacking):
        raise BadInput(f"{source.name} has no sequence of {lacking['chrom'].iloc[0]}, where elements lie")


def _write_expression(files: Sequence[EncodeFile], data: Path, out: Path, genes: pd.DataFrame) -> list[str]:
    """TPM, for each model's own transform, and log2(TPM + 1), the unit that differences are shown in."""
    parts, notes = [], []
    for biosample in dict.fromkeys(file.biosample for file in files):
        paths = [data / file.name for file in files if file.biosample == biosample and file.track == "rna"]
        tpm, lacking = mean_tpm(paths, genes)
        notes += lacking
        for measure, value in (("rna", np.log2(tpm + 1)), ("tpm", tpm)):
            row = {"gene_id": genes["gene_id"], "biosample": biosample, "measure": measure, "value": value}
            parts.append(pd.DataFrame(row))
    write_table(pd.concat(parts, ignore_index=True), out / "expression.parquet", schema.EXPRESSION)
    return notes


def fold_table(genes: pd.DataFrame) -> pd.DataFrame:
    """Which part of every fold a gene is in, by its chromosome: train, valid, test or unused.

    Args:
      genes: gene_id and chrom, G rows.

    Returns:
      gene_id and fold_1 ... fold_13, G rows: fold_1 holds out chr16 (valid), chr8 and chr9 (test), leaves Y aside;
      fold_(k + 1) is EPInformer's fold k.

    Source: CREaTor and ScPGE, Methods (fold_1); EPInformer, Methods: folds 1 to 10 validate on chromosomes i and
    i + 10 and test on i + 1 and i + 11; fold 11: 3, 21 and 22, X; fold 12: 2, 22 and 1, Y.
    """
    pairs = [((i, i + 10), (i + 1, i + 11)) for i in range(1, 11)]
    turns: list[tuple[tuple[object, ...], tuple[object, ...]]] = [*pairs, ((3, 21), (22, "X")), ((2, 22), (1, "Y"))]
    chrom = genes["chrom"].str.removeprefix("chr")
    table = pd.DataFrame({"gene_id": genes["gene_id"].to_numpy()})
    for i, (valid, test) in enumerate([((16,), (8, 9)), *turns], start=1):
        is_test, is_valid = chrom.isin([str(name) for name in test]), chrom.isin([str(name) for name in valid])
        rest = np.where(chrom == "Y", "unused", "train") if i == 1 else "train"
        table[f"fold_{i}"] = np.where(is_test, "test", np.where(is_valid, "valid", rest))
    return table


def _write_signal(
    names: Sequence[str], groups: Groups, out: Path, elements: pd.DataFrame, genes: pd.DataFrame
) -> None:
    """Mean signal of elements and of TSS ±500 bp, a column per track; a biosample without a track has NaN in it."""
    promoters = genes.assign(start=genes["tss"] - PROMOTER_HALF_WIDTH_BP, end=genes["tss"] + PROMOTER_HALF_WIDTH_BP)
    promoters["start"] = promoters["start"].clip(lower=0)
    promoters["end"] = np.minimum(promoters["end"], promoters["chrom"].map(dict(HG38.chrom_sizes)))
    tables = (
        (elements, "element_id", "element_signal", schema.ELEMENT_SIGNAL),
        (promoters, "gene_id", "promoter_signal", schema.PROMOTER_SIGNAL),
    )
    for places, key, name, spec in tables:
        parts = [_signal_of(biosample, groups, out, places, key) for biosample in names]
        write_table(pd.concat(parts, ignore_index=True), out / f"{name}.parquet", spec)


def _signal_of(biosample: str, groups: Groups, out: Path, places: pd.DataFrame, key: str) -> pd.DataFrame:
    table = pd.DataFrame({key: places[key].to_numpy(), "biosample": biosample})
    for track in dict.fromkeys(name for _, name in groups):
        group = groups.get((biosample, track))
        if group is None:
            table[track] = np.full(len(places), np.nan, dtype=np.float32)
            continue
        with BigWig(out / _track_path(group[0]), assembly=HG38) as signal:
            table[track] = mean_at(signal, places)
    return table


def _info(names: Sequence[str], groups: Groups, genes: pd.DataFrame) -> StudyInfo:
    return StudyInfo(
        name="encode",
        title=f"ENCODE: {', '.join(names)}",
        is_simulated=False,
        assembly_name=HG38.name,
        chrom_sizes=HG38.chrom_sizes,
        biosamples=tuple(names),
        tracks=tuple(track for group in groups.values() for track in _tracks(group)),
        example_loci=_examples(genes),
        measures={"rna": "log2(TPM + 1)", "tpm": "TPM"},
        sequence=SEQUENCE,
        tss_source="GENCODE v29, the outermost 5' base of each gene",
    )


def _tracks(group: Sequence[EncodeFile]) -> tuple[Track, Track]:
    """The track of every base and the one of elements."""
    file, source = group[0], " and ".join(file.accession for file in group)
    if len(group) > 1:
        source = f"mean of {source}"
    unit = _UNITS.get(file.assay, "fold change over control")
    track_id, title = f"{file.biosample}.{file.track}", f"{file.title}, {file.biosample}"
    return (
        Track(track_id, title, file.track, file.biosample, "bigwig", unit, _track_path(file), source),
        Track(
            f"{track_id}_counts",
            f"{file.title} in elements, {file.biosample}",
            file.track,
            file.biosample,
            "element_counts",
            f"mean {unit}",
            source=source,
        ),
    )


def _examples(genes: pd.DataFrame) -> tuple[ExampleLocus, ...]:
    known = genes.drop_duplicates("gene_name").set_index("gene_name")
    found = []
    for name, note in _EXAMPLES:
        if name in known.index:
            chrom, tss = str(known.at[name, "chrom"]), int(known.at[name, "tss"])
            end = min(tss + _EXAMPLE_REACH_BP, HG38.size(chrom))
            found.append(ExampleLocus(name, str(Locus(chrom, max(0, tss - _EXAMPLE_REACH_BP), end)), note))
    return tuple(found)
