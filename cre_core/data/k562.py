"""The `k562` study: genome-wide element counts, expression, CRISPRi truth and published calls, hg38.

Sources stand in the download registry. Element counts, genes, TSSs, half-life features and folds: EPInformer's
repository (ABC pipeline output). Expression: the measured column of the same authors' held-out prediction tables.
CRISPRi: the ENCODE benchmark of element-gene pairs. Peaks, loops and domains: ENCODE2-era and Rao 2014 calls on
hg19, lifted over.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data.recipe import Prepared, classify_elements
from cre_core.data.study import ExampleLocus, IntervalSet, StudyInfo, Track, write_table
from cre_core.errors import BadInput
from cre_core.genome import HG19, HG38
from cre_core.io import bed, chain
from cre_core.io.expression import read_expression
from cre_core.io.text import numbers, read_columns
from cre_core.progress import Report

BIOSAMPLE = "K562"
_EP = "epinformer_data/"
_ENHANCERS = {
    "dnase": _EP + "Enhancers.DHS.ENCFF257HEE.bam.CountReads.bedgraph",
    "h3k27ac": _EP + "Enhancers.H3K27ac.ENCFF232RQF.bam.CountReads.bedgraph",
}
_PROMOTERS = {
    "dnase": _EP + "Genes.TSS1kb.DHS.ENCFF257HEE.bam.CountReads.bedgraph",
    "h3k27ac": _EP + "Genes.TSS1kb.H3K27ac.ENCFF232RQF.bam.CountReads.bedgraph",
}
_TSS = _EP + "GeneList.TSS1kb.bed"
_HALF_LIFE = _EP + "mRNA_halflife_features.csv"
_FOLDS = _EP + "leave_chrom_out_crossvalidation_split_18377genes.csv"
_RNA = tuple(f"epinformer_weights/fold_{fold}_EPInformer_PE_Activity_RNA_K562_checkpoint.pt" for fold in range(1, 13))
_TPM = "k562_expression/K562.ENCFF934YBO.TPM.txt"
_CRISPR = "crispr/EPCrisprBenchmark_combined_data.training_K562.GRCh38.tsv.gz"
_ABC = "crispr/ABC_K562_Fulco2019Genes_GRCh38.tsv.gz"
_BOUNDS = "abc_reference/CollapsedGeneBounds.hg38.bed"
_EXONS = "chromhmm_hg38/RefSeqExon.hg38.bed.gz"
_MOTIFS = "cooltools/encode_motifs.hg38.ctcf_known1.liftover.bed.gz"
_CHAIN = "liftover/hg38ToHg19.over.chain"
_TF = "targetfinder_hg19/"
_PEAKS = {
    "ctcf": (_TF + "wgEncodeAwgTfbsHaibK562CtcfcPcr1xUniPk.narrowPeak.gz", "CTCF"),
    "rad21": (_TF + "wgEncodeAwgTfbsHaibK562Rad21V0416102UniPk.narrowPeak.gz", "RAD21"),
    "h3k4me3": (_TF + "wgEncodeBroadHistoneK562H3k4me3StdPk.broadPeak.gz", "H3K4me3"),
}
_LOOPS = _TF + "GSE63525_K562_HiCCUPS_looplist.txt.gz"
_DOMAINS = _TF + "GSE63525_K562_Arrowhead_domainlist.txt.gz"

_LIFTED = frozenset({*(path for path, _ in _PEAKS.values()), _LOOPS, _DOMAINS})

FILES: tuple[str, ...] = (
    *_ENHANCERS.values(), *_PROMOTERS.values(), _TSS, _HALF_LIFE, _FOLDS, *_RNA, _TPM, _CRISPR, _ABC, _BOUNDS,
    _EXONS, _MOTIFS, _CHAIN, *(path for path, _ in _PEAKS.values()), _LOOPS, _DOMAINS,
)  # fmt: skip

# Which raw files each table is made of; the sets of `StudyInfo.intervals` name theirs themselves.
TABLES: dict[str, tuple[str, ...]] = {
    "genes.parquet": (_TSS, _HALF_LIFE, _BOUNDS),
    "gene_bodies.parquet": (_BOUNDS,),
    "exons.parquet": (_EXONS,),
    "elements.parquet": (*_ENHANCERS.values(), _TSS, _BOUNDS),  # the class is by the nearest TSS
    "element_signal.parquet": tuple(_ENHANCERS.values()),
    "promoter_signal.parquet": tuple(_PROMOTERS.values()),
    "expression.parquet": (*_RNA, _TPM, _BOUNDS),
    "folds.parquet": (_FOLDS,),
    "crispr.parquet": (_CRISPR, _TSS, _BOUNDS),
    "links/abc_published.parquet": (_ABC,),
}

_HALF_LIFE_NAMES = {
    "UTR5LEN_log10zscore": "utr5_length_log10z",
    "CDSLEN_log10zscore": "cds_length_log10z",
    "INTRONLEN_log10zscore": "intron_length_log10z",
    "UTR3LEN_log10zscore": "utr3_length_log10z",
    "UTR5GC": "utr5_gc_fraction",
    "CDSGC": "cds_gc_fraction",
    "UTR3GC": "utr3_gc_fraction",
    "ORFEXONDENSITY": "orf_exon_density",
}
_CRISPR_NAMES = {
    "chromStart": "start",
    "chromEnd": "end",
    "measuredGeneSymbol": "gene_name",
    "measuredGeneEnsemblId": "gene_id",
    "startTSS": "tss",
    "EffectSize": "effect_fraction",
    "pValueAdjusted": "p_adjusted",
    "PowerAtEffectSize25": "power_at_25",
    "Significant": "is_significant",
    "Regulated": "is_positive",
    "CellType": "biosample",
    "Reference": "reference",
    "Dataset": "dataset",
    "distanceToTSS": "distance_to_tss_bp",
    "DHS.RPM": "dhs_rpm",
    "H3K27ac.RPM": "h3k27ac_rpm",
    "H3K27ac.RPM.expandedRegion": "h3k27ac_rpm_expanded",
    "CTCF.RPM": "ctcf_rpm",
    "H3K4me1.RPM": "h3k4me1_rpm",
    "H3K27me3.RPM": "h3k27me3_rpm",
    "measuredGeneUbiquitousExpressed": "is_ubiquitous",
}
_ABC_NAMES = {"chr": "chrom", "TargetGene": "gene_name", "TargetGeneTSS": "tss", "powerlaw.Score": "score"}
# What a table of pairs must have before anything is computed from it.
_PAIRS = schema.TableSpec(
    "pairs", {"chrom": "text", "start": "integer", "end": "integer", "tss": "integer", "gene_name": "text"}
)
_EXAMPLES = (
    ExampleLocus("MYC", "chr8:127,450,001-129,950,000", "nine validated elements, 160 kb to 1.96 Mb downstream"),
    ExampleLocus("KLF1", "chr19:12,740,001-13,030,000", "three validated elements"),
    ExampleLocus("GATA1", "chrX:48,600,001-49,000,000", "212 pairs tested, three positive"),
    ExampleLocus(
        "HBE1",
        "chr11:4,900,001-5,700,000",
        "the globin locus; the benchmark takes the TSS of a long isoform, 235 kb away",
    ),
    ExampleLocus("JUNB", "chr19:12,640,001-13,010,000", "three validated elements in a gene-dense stretch"),
    ExampleLocus("BAX", "chr19:48,500,001-49,450,000", "131 pairs tested, none positive"),
)


def prepare_k562(data: Path, out: Path, report: Report) -> Prepared:
    """Write the study's tables into `out`; `report(step, done, total)` says how far it is."""
    steps = 7
    report("genes", 0, steps)
    genes = _genes(data)
    write_table(genes, out / "genes.parquet", schema.GENES, HG38)
    bodies = _gene_bodies(data)
    write_table(bodies, out / "gene_bodies.parquet", schema.INTERVALS, HG38)
    exons = bed.read_bed(data / _EXONS, assembly=HG38).drop_duplicates(["chrom", "start", "end"])
    write_table(exons[["chrom", "start", "end"]], out / "exons.parquet", schema.INTERVALS, HG38)
    report("elements", 1, steps)
    elements = _write_elements(data, out, pd.concat([genes["chrom"], bodies["chrom"]]), _all_tss(genes, bodies))
    _write_promoters(data, out, genes)
    report("expression and folds", 2, steps)
    _write_expression(data, out, genes, bodies)
    _write_folds(data, out, genes)
    report("CRISPRi truth", 3, steps)
    pairs = _crispr(data, genes, bodies)
    write_table(pairs, out / "crispr.parquet", schema.CRISPR)
    report("published scores", 4, steps)
    write_table(_published_abc(data, genes), out / "links" / "abc_published.parquet", schema.LINKS, HG38)
    report("lift-over of hg19 calls", 5, steps)
    intervals, losses = _write_lifted(data, out)
    sites = bed.read_bed(data / _MOTIFS, assembly=HG38)
    write_table(
        sites[["chrom", "start", "end", "strand"]], out / "intervals" / "ctcf_sites.parquet", schema.INTERVALS, HG38
    )
    report("done", steps, steps)
    return Prepared(
        info=_info(intervals),
        lift_over=losses,
        counts={"genes": len(genes), "elements": len(elements)},
        notes=_tss_notes(pairs),
        tables=TABLES | of_intervals(intervals) | {"intervals/ctcf_sites.parquet": (_MOTIFS,)},
    )


def of_intervals(sets: Sequence[IntervalSet]) -> dict[str, tuple[str, ...]]:
    """The raw files of some interval sets: their own, and the chain for those that were lifted here."""
    return {entry.path: (entry.source, _CHAIN) if entry.source in _LIFTED else (entry.source,) for entry in sets}


def _genes(data: Path) -> pd.DataFrame:
    """18,377 protein-coding genes; TSS = middle of the 1-kb window the counts were taken on."""
    tss = bed.read_bed(data / _TSS, assembly=HG38).rename(columns={"name": "gene_id"})
    tss["tss"] = tss["start"] + schema.PROMOTER_HALF_WIDTH_BP
    features = read_columns(data / _HALF_LIFE, ["gene_id", "Gene name", *_HALF_LIFE_NAMES], separator=",")
    features = features.rename(columns={"Gene name": "gene_name", **_HALF_LIFE_NAMES})
    for table, name in ((tss, _TSS), (features, _HALF_LIFE)):
        if table["gene_id"].duplicated().any():
            raise BadInput(f"{name} has gene {table['gene_id'][table['gene_id'].duplicated()].iloc[0]} twice")
    genes = tss[["gene_id", "chrom", "strand", "tss"]].merge(
        features[["gene_id", "gene_name", *schema.HALF_LIFE_FEATURES]], on="gene_id", how="left", validate="1:1"
    )
    genes["gene_name"] = genes["gene_name"].fillna(genes["gene_id"])
    bodies = _gene_bodies(data).drop_duplicates("gene_id").set_index("gene_id")
    named = _gene_bodies(data).drop_duplicates(["gene_name", "chrom"]).set_index(["gene_name", "chrom"])
    by_id = genes["gene_id"].map(bodies["start"]), genes["gene_id"].map(bodies["end"])
    key = pd.MultiIndex.from_frame(genes[["gene_name", "chrom"]])
    start = by_id[0].fillna(pd.Series(named["start"].reindex(key).to_numpy(), genes.index))
    end = by_id[1].fillna(pd.Series(named["end"].reindex(key).to_numpy(), genes.index))
    genes["has_body"] = start.notna()
    genes["start"] = start.fillna(genes["tss"]).astype("int64")  # no annotated body: the TSS stands alone
    genes["end"] = end.fillna(genes["tss"] + 1).astype("int64")
    return schema.check_genes(genes, assembly=HG38, source=_TSS)


def _gene_bodies(data: Path) -> pd.DataFrame:
    names = ("chrom", "start", "end", "gene_name", "score", "strand", "gene_id", "gene_type")
    bodies = bed.read_bed(data / _BOUNDS, assembly=HG38, names=names)
    return bodies.drop(columns="score")


def _all_tss(genes: pd.DataFrame, bodies: pd.DataFrame) -> np.ndarray:
    return np.r_[genes["tss"], np.where(bodies["strand"] == "+", bodies["start"], bodies["end"] - 1)]


def _write_elements(data: Path, out: Path, tss_chrom: pd.Series, tss: np.ndarray) -> pd.DataFrame:
    tables = {
        assay: bed.read_bedgraph(data / path, assembly=HG38).rename(columns={"value": assay})
        for assay, path in _ENHANCERS.items()
    }
    elements = _same_rows(tables, _ENHANCERS)
    elements["element_id"] = (
        elements["chrom"] + ":" + elements["start"].astype(str) + "-" + elements["end"].astype(str)
    )
    elements["element_class"] = classify_elements(elements, tss_chrom.to_numpy(), tss)
    elements = elements.sort_values(["chrom", "start"], kind="stable", ignore_index=True)
    write_table(
        elements[["element_id", "chrom", "start", "end", "element_class"]],
        out / "elements.parquet",
        schema.ELEMENTS,
        HG38,
    )
    signal = elements[["element_id", *_ENHANCERS]].assign(biosample=BIOSAMPLE)
    write_table(signal, out / "element_signal.parquet", schema.ELEMENT_SIGNAL)
    return elements


def _write_promoters(data: Path, out: Path, genes: pd.DataFrame) -> None:
    tables = {
        assay: bed.read_bedgraph(data / path, assembly=HG38).rename(columns={"value": assay})
        for assay, path in _PROMOTERS.items()
    }
    counts = _same_rows(tables, _PROMOTERS)
    if not (counts["start"].to_numpy() == genes["tss"].to_numpy() - schema.PROMOTER_HALF_WIDTH_BP).all():
        raise BadInput(f"{_PROMOTERS['dnase']} and {_TSS} are not the same windows in the same order")
    counts = counts.assign(gene_id=genes["gene_id"].to_numpy(), biosample=BIOSAMPLE)
    write_table(
        counts[["gene_id", "biosample", *_PROMOTERS]], out / "promoter_signal.parquet", schema.PROMOTER_SIGNAL
    )


def _same_rows(tables: dict[str, pd.DataFrame], paths: dict[str, str]) -> pd.DataFrame:
    first, *others = tables
    joined = tables[first]
    for assay in others:
        place = ["chrom", "start", "end"]
        if len(tables[assay]) != len(joined) or not (tables[assay][place] == joined[place]).all(axis=None):
            raise BadInput(f"{paths[assay]} and {paths[first]} do not hold the same places in the same order")
        joined = joined.assign(**{assay: tables[assay][assay].to_numpy()})
    return joined


def _write_expression(data: Path, out: Path, genes: pd.DataFrame, bodies: pd.DataFrame) -> None:
    """Measured and published RNA of the modelled genes; TPM of every annotated gene, for the screen tested more."""
    rna = pd.concat([_measured_rna(data / path) for path in _RNA], ignore_index=True)
    rows = [
        rna.assign(measure="rna", value=log_rpkm(rna["z"].to_numpy())),
        rna.assign(
            measure="rna_epinformer_published", value=log_rpkm(rna["z"].to_numpy(), rna["predicted"].to_numpy())
        ),
    ]
    tpm = read_expression(data / _TPM).set_index("gene")["value"]
    annotated = pd.concat([genes, bodies[~bodies["gene_name"].isin(genes["gene_name"])]])[["gene_id", "gene_name"]]
    annotated = annotated.drop_duplicates("gene_id")
    rows.append(
        pd.DataFrame(
            {
                "gene_id": annotated["gene_id"],
                "measure": "tpm",
                "value": annotated["gene_name"].map(tpm).to_numpy(),
            }
        ).dropna(subset="value")
    )
    table = pd.concat(rows, ignore_index=True).assign(biosample=BIOSAMPLE)
    write_table(table[list(schema.EXPRESSION.columns)], out / "expression.parquet", schema.EXPRESSION)


def _measured_rna(path: Path) -> pd.DataFrame:
    table = read_columns(path, [], separator=",")
    if table.shape[1] != 4:
        raise BadInput(f"{path.name} has {table.shape[1]} columns; wanted gene, predicted, measured, fold")
    table = table.set_axis(["gene_id", "predicted", "z", "fold"], axis=1)
    return numbers(table, ["predicted", "z"], source=path.name)


def log_rpkm(z: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
    """Undo a z-score of log10(RPKM + 0.1), exactly: RPKM was written with three decimals.

    The smallest z is RPKM 0, the next one RPKM 0.001; their gap fixes the standard deviation, the smallest
    value the mean.

    Args:
      z: (G,) z-scored log10(RPKM + 0.1), the whole column.
      values: what to convert with the mean and deviation found in `z`; `z` itself by default.

    Returns:
      (G,) log10(RPKM + 0.1).

    Raises:
      BadInput: the smallest values do not lie on that lattice.
    """
    lattice = np.log10(np.arange(20) / 1000 + 0.1)
    lowest = np.unique(z)[:20]
    sd, mean = np.polyfit(lowest, lattice[: len(lowest)], 1) if len(lowest) == 20 else (np.nan, np.nan)
    if not np.allclose(lowest * sd + mean, lattice, atol=2e-6):
        raise BadInput("expression is not a z-score of log10(RPKM + 0.1) with three decimals")
    return (z if values is None else values) * sd + mean


def _write_folds(data: Path, out: Path, genes: pd.DataFrame) -> None:
    columns = [f"fold_{fold}" for fold in range(1, 13)]
    folds = read_columns(data / _FOLDS, ["ENSID", *columns], separator=",").rename(columns={"ENSID": "gene_id"})
    missing = set(genes["gene_id"]) - set(folds["gene_id"])
    if missing:
        raise BadInput(f"{_FOLDS} lacks {len(missing)} genes; first: {min(missing)}")
    write_table(folds[["gene_id", *columns]], out / "folds.parquet", schema.FOLDS)


def _crispr(data: Path, genes: pd.DataFrame, bodies: pd.DataFrame) -> pd.DataFrame:
    """The benchmark's pairs with our gene ids and one TSS per gene; its own TSS and distance stay beside them.

    A TSS of 0 there is none: NaN.
    """
    pairs = read_columns(data / _CRISPR, ["chrom", *_CRISPR_NAMES], separator="\t").rename(columns=_CRISPR_NAMES)
    pairs = pairs[[column for column in pairs if column == "chrom" or column in _CRISPR_NAMES.values()]]
    pairs = schema.check_table(pairs, _PAIRS, source=_CRISPR)
    pairs["benchmark_tss"] = pairs["tss"].where(pairs["tss"] > 0).astype(float)
    modelled, annotated = (table.drop_duplicates("gene_name").set_index("gene_name") for table in (genes, bodies))
    body_tss = annotated["start"].where(annotated["strand"] == "+", annotated["end"] - 1)
    name, own_id = pairs["gene_name"], pairs["gene_id"].astype(str)
    pairs["gene_id"] = name.map(modelled["gene_id"]).fillna(name.map(annotated["gene_id"])).fillna(own_id)
    pairs["tss"] = name.map(modelled["tss"]).fillna(name.map(body_tss)).fillna(pairs["tss"]).astype("int64")
    strand = name.map(modelled["strand"]).fillna(name.map(annotated["strand"]))
    pairs["tss_distance_bp"] = strand.map({"+": 1, "-": -1}).fillna(1) * (
        (pairs["start"] + pairs["end"]) // 2 - pairs["tss"]
    )
    pairs["is_modelled"] = name.isin(modelled.index)
    return schema.check_table(pairs, schema.CRISPR, source=_CRISPR)


def _tss_notes(pairs: pd.DataFrame) -> list[str]:
    """What to know about the benchmark's own TSSs, for the study's provenance."""
    none = pairs["benchmark_tss"].isna()
    middle = (pairs["start"] + pairs["end"]) // 2
    off = ((middle - pairs["benchmark_tss"].fillna(0)).abs() - pairs["distance_to_tss_bp"].abs()).abs() > 1_000
    moved = (pairs["tss"] - pairs["benchmark_tss"]).abs() > 1_000

    def of_genes(rows: pd.Series) -> str:
        return f"{int(rows.sum()):,} pairs of {pairs.loc[rows, 'gene_id'].nunique():,} genes"

    return [
        f"CRISPRi benchmark: of {of_genes(off)} its TSS and its own distance disagree by more than 1 kb",
        f"CRISPRi benchmark: among them {of_genes(none)} come with a TSS of 0, taken as not known",
        f"CRISPRi benchmark: of {of_genes(moved)} its TSS lies over 1 kb from this study's, which scores take",
    ]


def _published_abc(data: Path, genes: pd.DataFrame) -> pd.DataFrame:
    table = read_columns(data / _ABC, ["start", "end", *_ABC_NAMES], separator="\t").rename(columns=_ABC_NAMES)
    table = schema.check_table(table, _PAIRS, source=_ABC)
    known = genes.drop_duplicates("gene_name").set_index("gene_name")["gene_id"]
    table["gene_id"] = table["gene_name"].map(known).fillna("")
    table["element_id"] = table["chrom"] + ":" + table["start"].astype(str) + "-" + table["end"].astype(str)
    table["tss_distance_bp"] = (table["start"] + table["end"]) // 2 - table["tss"]
    return table.assign(biosample=BIOSAMPLE, method="abc_published", fold="")[list(schema.LINKS.columns)]


def _write_lifted(data: Path, out: Path) -> tuple[list[IntervalSet], list[dict[str, object]]]:
    to_hg38 = chain.read_chain(data / _CHAIN).inverted()
    sets, losses = [], []

    def keep(set_id: str, title: str, kind: str, assay: str, source: str, lifted: chain.Lifted) -> None:
        path = f"intervals/{set_id}.parquet"
        spec = schema.LOOPS if kind == "loops" else schema.INTERVALS
        write_table(lifted.table, out / path, spec, HG38)
        sets.append(IntervalSet(set_id, title, kind, assay, BIOSAMPLE, path, source, "hg19"))  # type: ignore[arg-type]
        losses.append({"set": set_id, "source": source, "from": "hg19", "in": lifted.n_in, "lost": lifted.n_lost})

    for assay, (path, title) in _PEAKS.items():
        read = bed.read_narrowpeak if "narrowPeak" in path else bed.read_broadpeak
        lifted = chain.lift_over(read(data / path, assembly=HG19), to_hg38, source=HG19, target=HG38)
        keep(f"{assay}_peaks", f"{title} peaks", "peaks", assay, path, lifted)
    domains = bed.read_arrowhead_domains(data / _DOMAINS, assembly=HG19)
    lifted = chain.lift_over(domains, to_hg38, source=HG19, target=HG38)
    keep("domains", "Domains (Arrowhead)", "domains", "hic", _DOMAINS, lifted)
    loops = bed.read_hiccups_loops(data / _LOOPS, assembly=HG19)
    keep(
        "loops",
        "Loops (HiCCUPS)",
        "loops",
        "hic",
        _LOOPS,
        chain.lift_over_loops(loops, to_hg38, source=HG19, target=HG38),
    )
    return sets, losses


def _info(intervals: Sequence[IntervalSet]) -> StudyInfo:
    motifs = IntervalSet(
        "ctcf_sites", "CTCF motif sites", "motif_sites", "ctcf", BIOSAMPLE, "intervals/ctcf_sites.parquet", _MOTIFS
    )
    counts = (("dnase", "DNase", "ENCFF257HEE"), ("h3k27ac", "H3K27ac", "ENCFF232RQF"))
    return StudyInfo(
        name="k562",
        title="K562, public element counts",
        is_simulated=False,
        assembly_name=HG38.name,
        chrom_sizes=HG38.chrom_sizes,
        biosamples=(BIOSAMPLE,),
        tracks=tuple(
            Track(assay, title, assay, BIOSAMPLE, "element_counts", "reads per element", source=accession)
            for assay, title, accession in counts
        ),
        intervals=(*intervals, motifs),
        example_loci=_EXAMPLES,
        measures={
            "rna": "log10(RPKM + 0.1)",
            "rna_epinformer_published": "log10(RPKM + 0.1), predicted by the EPInformer authors' held-out models",
            "tpm": "TPM",
        },
        tss_source="middle of EPInformer's TSS ±500 bp windows (CAGE-centred RefSeq)",
    )
