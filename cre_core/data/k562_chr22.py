"""The `k562-chr22` study: one window of hg38, chr22:37,200,001-40,600,000, with everything that is public for it.

The tables are those of `k562`, cut to the window: the same elements (the DNase and H3K27ac experiments that the
published EPInformer weights were trained on), genes, TSSs, expression, folds and CRISPRi pairs. To them come the
sequence, 600 motifs, per-base accessibility of three biosamples, stranded nascent RNA, Hi-C, labels of silencers,
enhancers and promoters, CAGE, and the links that ABC and ENCODE-rE2G published. Sources: the download registry.

Genes, elements, signal and pairs lie in the window; peaks, loops, domains, labels, exons, gene bodies and Hi-C cover
chr22. The counts that came with ABC's own candidates are of other experiments and are left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data import k562
from cre_core.data.published_links import read_published_links
from cre_core.data.recipe import Prepared, StudyRecipe
from cre_core.data.study import ContactMap, ExampleLocus, IntervalSet, StudyInfo, Track, write_table
from cre_core.data.window_files import write_balanced_cool, write_window_bigwig, write_window_fasta
from cre_core.errors import BadInput
from cre_core.genome import HG38, Assembly, Locus
from cre_core.io import bed
from cre_core.io.motifs import read_motifs
from cre_core.progress import Report

WINDOW = Locus("chr22", 37_200_000, 40_600_000)
BIOSAMPLES = (k562.BIOSAMPLE, "GM12878", "MCF-7")  # the last two have accessibility alone
CHR22 = Assembly(HG38.name, {WINDOW.chrom: HG38.size(WINDOW.chrom)})
CONTACT_BIN_BP = 5_000
CAGE_BP = 384  # around the TSS, as EPInformer's CAGE target

_SEQUENCE = "hg38_chr22_sequence/chr22.txt"
_HIC = "abc_hic_chr22/chr22.RAWobserved.gz"
_DETAILS = "deepdetails_chr22/"
_ACCESSIBILITY = {
    "K562": _DETAILS + "acc.K562.chr22.bw",
    "GM12878": _DETAILS + "acc.GM12878.chr22.bw",
    "MCF-7": _DETAILS + "acc.MCF7.chr22.bw",
}
_NASCENT = {
    "nascent_rna_plus": ("Nascent RNA +", _DETAILS + "K562.ds.chr22.pl.bw"),
    "nascent_rna_minus": ("Nascent RNA \N{MINUS SIGN}", _DETAILS + "K562.ds.chr22.mn.bw"),
}
_ABC = "abc_k562_chr22/EnhancerPredictionsFull_threshold0.027_self_promoter.tsv"
_RE2G = "encode_re2g/encode_e2g_predictions_threshold0.243.tsv.gz"
_CAGE = "encode_awg_tss/K562-CAGE-Peaks.TPM-1.bed.gz"
_PLS = "encode_awg_tss/K562-PLS-Overlap-Groups.bed.gz"
_LABELS = {
    kind: f"silencerein_cres/K562/{kind}s.bed" for kind in ("silencer", "enhancer", "promoter", "non-silencer")
}

_MOTIFS = "scpge/H11FULL_meme_format.meme"  # the 600 that ScPGE reads

FILES: tuple[str, ...] = (
    *k562.FILES, _SEQUENCE, _MOTIFS, _HIC, *_ACCESSIBILITY.values(),
    *(path for _, path in _NASCENT.values()), _ABC, _RE2G, _CAGE, _PLS,
    *_LABELS.values(),
)  # fmt: skip
_SPARE = frozenset({_MOTIFS, *_LABELS.values()})  # the study can do without these
# Beside the tables of `k562`: which raw files each file of the study is made of.
_TABLES: dict[str, tuple[str, ...]] = {
    "expression.parquet": (*k562.TABLES["expression.parquet"], _CAGE),
    "links/abc_published.parquet": (_ABC,),
    "links/re2g_published.parquet": (_RE2G,),
    "sequence.fa.gz": (_SEQUENCE,),
    f"contacts/{k562.BIOSAMPLE}.cool": (_HIC,),
}

_SPARSE = " (absent = 0)"  # in a unit: the raw file lists covered bases alone
_SAME_PLACE = 0.85  # share of the joint width that two elements must have in common to be compared
_LEAST_RPM = 0.5  # below, rounding and single reads decide
_NOTES = (
    f"Outside {WINDOW} the sequence is N, signal is no data, and there are no elements, genes or CRISPRi pairs: a "
    "gene within 100 kb of the window's ends lacks elements on that side, and shares such as ABC's are of the "
    "window's elements alone.",
    "Peaks, loops, domains, labels, exons, gene bodies and Hi-C cover all of chr22.",
    "Elements and their counts are EPInformer's (DNase ENCFF257HEE, H3K27ac ENCFF232RQF); ABC's published links are "
    "of its own candidates and experiments (ENCFF860XAE, ENCFF790GFL), so their places differ from the elements'.",
    "Accessibility and nascent RNA are read counts of other experiments than the element counts. Their raw files are "
    "sparse: they list the bases that a read covers, with whole counts of 1 and more, and no zero. So inside the "
    "window a base that is absent there is 0 reads here, which their unit says (absent = 0); where reads cannot be "
    "mapped the files cannot tell 0 from no data.",
    "Hi-C counts are raw; their weights were made here by iterative correction of chr22 with the diagonal (rows sum "
    "to 1), for no published normalisation vectors come with the counts.",
    "CAGE is the sum of the peaks inside the 384 bp at the TSS; the table ends at 1 TPM, so a gene without a peak, "
    "or with one that reaches out of the 384 bp, has no value.",
    "Reads per million need the experiments' depth, which the count tables do not give. library_reads is the depth "
    "at which the counts have the reads per million that the ENCODE CRISPRi benchmark gives for the same elements "
    "of K562 (the median over them; other experiments, so single elements differ by half or double).",
    "Every gene here is on chr22, which one fold alone tests: the study is for prediction, not for training.",
)


def chr22_recipe(without: Collection[str] = ()) -> StudyRecipe:
    """The study's recipe, without some of its raw files.

    Raises:
      BadInput: it cannot do without one of them.
    """
    needed = [name for name in without if name not in _SPARE]
    if needed:
        raise BadInput(f"study k562-chr22 cannot do without {needed[0]}")
    return StudyRecipe(
        "k562-chr22",
        "K562, a window of chr22 with everything",
        HG38.name,
        BIOSAMPLES,
        tuple(name for name in FILES if name not in without),
        partial(prepare_k562_chr22, without=frozenset(without)),
        leave_out=chr22_recipe,
        left_out=tuple(name for name in FILES if name in without),
    )


def prepare_k562_chr22(data: Path, out: Path, report: Report, *, without: frozenset[str] = frozenset()) -> Prepared:
    """Write the study's tables into `out`, but those made of a file of `without`; `report(step, done, total)`."""
    steps = 12
    whole = out / "k562"  # the genome-wide tables, thrown away once cut
    base = k562.prepare_k562(data, whole, lambda step, done, _: report(f"K562, {step}", done, steps))
    report("cutting to the window", 7, steps)
    depth = _depth(whole)
    counts = _cut_tables(whole, out)
    _add_cage(data, out)
    report("sequence", 8, steps)
    write_window_fasta(data / _SEQUENCE, out / "sequence.fa.gz", WINDOW, assembly=HG38)
    has_motifs = _MOTIFS not in without
    if has_motifs:
        _copy_motifs(data, out)
    report("signal", 9, steps)
    tracks = [*base.info.tracks, *_write_signals(data, out)]
    report("contacts", 10, steps)
    path = f"contacts/{k562.BIOSAMPLE}.cool"
    write_balanced_cool(data / _HIC, out / path, WINDOW.chrom, CONTACT_BIN_BP, assembly=HG38)
    report("peaks, labels and links", 11, steps)
    intervals = [_cut_set(entry, whole, out) for entry in base.info.intervals] + _write_intervals(data, out, without)
    counts |= _write_links(data, out)
    shutil.rmtree(whole)
    report("done", steps, steps)
    info = replace(
        _described(base.info, tuple(tracks), tuple(intervals)),
        example_loci=_examples(out),
        library_reads={k562.BIOSAMPLE: depth},
        motifs="motifs.meme" if has_motifs else None,
    )
    tables = {**base.tables, **_TABLES, **k562.of_intervals(intervals), **_of_signals(tracks)}
    if has_motifs:
        tables["motifs.meme"] = (_MOTIFS,)
    return Prepared(info=info, lift_over=base.lift_over, counts=counts, notes=_NOTES, tables=tables)


def _inside(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that lie in the window from end to end."""
    kept = (table["chrom"] == WINDOW.chrom) & (table["start"] >= WINDOW.start) & (table["end"] <= WINDOW.end)
    return table[kept].reset_index(drop=True)


def _has_tss_inside(table: pd.DataFrame) -> pd.Series:
    return (table["tss"] >= WINDOW.start) & (table["tss"] < WINDOW.end)


def _on_chr22(table: pd.DataFrame) -> pd.DataFrame:
    kept = table["chrom"] == WINDOW.chrom
    if "chrom2" in table:
        kept &= table["chrom2"] == WINDOW.chrom
    return table[kept].reset_index(drop=True)


def _cut_tables(whole: Path, out: Path) -> dict[str, int]:
    """Cut the genome-wide tables; returns how much is left."""
    read = {path.stem: pd.read_parquet(path) for path in whole.glob("*.parquet")}
    genes = _on_chr22(read["genes"])
    genes = genes[_has_tss_inside(genes)].reset_index(drop=True)
    elements = _inside(read["elements"])
    crispr = _inside(read["crispr"])
    crispr = crispr[_has_tss_inside(crispr)].reset_index(drop=True)
    write_table(genes, out / "genes.parquet", schema.GENES, CHR22)
    write_table(elements, out / "elements.parquet", schema.ELEMENTS, CHR22)
    write_table(crispr, out / "crispr.parquet", schema.CRISPR, CHR22)
    for name in ("gene_bodies", "exons"):
        write_table(_on_chr22(read[name]), out / f"{name}.parquet", schema.INTERVALS, CHR22)
    for name, spec, key, kept in (
        ("element_signal", schema.ELEMENT_SIGNAL, "element_id", elements),
        ("promoter_signal", schema.PROMOTER_SIGNAL, "gene_id", genes),
        ("expression", schema.EXPRESSION, "gene_id", genes),
        ("folds", schema.FOLDS, "gene_id", genes),
    ):
        write_table(read[name][read[name][key].isin(kept[key])], out / f"{name}.parquet", spec)
    return {
        "genes": len(genes),
        "elements": len(elements),
        "CRISPRi pairs": len(crispr),
        "CRISPRi positives": int(crispr["is_positive"].sum()),
    }


def _depth(whole: Path) -> dict[str, float]:
    """Depth of each assay, from the genome-wide tables."""
    elements, signal = pd.read_parquet(whole / "elements.parquet"), pd.read_parquet(whole / "element_signal.parquet")
    counted = elements.merge(signal, on="element_id", validate="1:1")
    pairs = pd.read_parquet(whole / "crispr.parquet").drop_duplicates(["chrom", "start", "end"])
    columns = {"dnase": "dhs_rpm", "h3k27ac": "h3k27ac_rpm"}
    return {assay: matched_depth(counted, pairs, assay, column) for assay, column in columns.items()}


def matched_depth(elements: pd.DataFrame, known: pd.DataFrame, counts: str, rpm: str) -> float:
    """The depth at which counts have the reads per million that another table gives for the same places.

    Args:
      elements: chrom, start, end, none overlapping another, and a column of counts.
      known: chrom, start, end and a column of reads per million.
      counts, rpm: names of those columns.

    Returns:
      Reads: the median of counts / RPM over the places that both tables have; NaN where they share none.
    """
    ratios = [np.zeros(0)]
    for chrom, rows in elements.groupby("chrom"):
        rows, there = rows.sort_values("start"), known[(known["chrom"] == chrom) & (known[rpm] >= _LEAST_RPM)]
        start, end = there["start"].to_numpy(), there["end"].to_numpy()
        at = np.searchsorted(rows["start"].to_numpy(), (start + end) // 2, "right") - 1
        start, end, value, at = start[at >= 0], end[at >= 0], there[rpm].to_numpy()[at >= 0], at[at >= 0]
        first, last = rows["start"].to_numpy()[at], rows["end"].to_numpy()[at]
        shared = np.minimum(last, end) - np.maximum(first, start)
        is_same = shared >= _SAME_PLACE * (np.maximum(last, end) - np.minimum(first, start))
        ratios.append(rows[counts].to_numpy()[at][is_same] / value[is_same])
    joined = np.concatenate(ratios)
    return float(np.median(joined) * 1e6) if len(joined) else float("nan")


def _cut_set(entry: IntervalSet, whole: Path, out: Path) -> IntervalSet:
    spec = schema.LOOPS if entry.kind == "loops" else schema.INTERVALS
    write_table(_on_chr22(pd.read_parquet(whole / entry.path)), out / entry.path, spec, CHR22)
    return entry


def _read_cage(data: Path) -> pd.DataFrame:
    names = ("chrom", "start", "end", "name", "score", "strand", "thick_start", "thick_end", "item_rgb", "summit")
    peaks = bed.read_bed(data / _CAGE, assembly=HG38, names=(*names, "value"))
    return _on_chr22(peaks.rename(columns={"value": "tpm"}))


def cage_at_tss(peaks: pd.DataFrame, genes: pd.DataFrame) -> np.ndarray:
    """CAGE of each gene: log10(TPM + 1) of the peaks of its strand that share a base with the 384 bp at its TSS.

    Args:
      peaks: chrom, start, end, strand, tpm; those below a threshold are not there.
      genes: schema.GENES.

    Returns:
      (G,) float64. NaN where there is no peak (below the threshold is not zero), or where one reaches out of the
      384 bp and its part inside is not known.

    Source: EPInformer, Methods: CAGE summed in 384 bp at the TSS, then a logarithm.
    """
    result = np.full(len(genes), np.nan)
    for row, gene in enumerate(genes.itertuples()):
        start, end = gene.tss - CAGE_BP // 2, gene.tss + CAGE_BP // 2
        near = peaks[(peaks["chrom"] == gene.chrom) & (peaks["strand"] == gene.strand)]
        near = near[(near["start"] < end) & (near["end"] > start)]
        if len(near) and (near["start"] >= start).all() and (near["end"] <= end).all():
            result[row] = np.log10(near["tpm"].sum() + 1)
    return result


def _add_cage(data: Path, out: Path) -> None:
    genes = pd.read_parquet(out / "genes.parquet")
    cage = genes[["gene_id"]].assign(
        biosample=k562.BIOSAMPLE, measure="cage", value=cage_at_tss(_read_cage(data), genes)
    )
    path = out / "expression.parquet"
    table = pd.concat([pd.read_parquet(path), cage.dropna(subset="value")], ignore_index=True)
    write_table(table, path, schema.EXPRESSION)


def _copy_motifs(data: Path, out: Path) -> None:
    read_motifs(data / _MOTIFS)  # a broken file is refused here, not when a model first reads it
    shutil.copyfile(data / _MOTIFS, out / "motifs.meme")


def _write_signals(data: Path, out: Path) -> list[Track]:
    """Per-base tracks; outside the window they have no data."""
    wanted = [("accessibility", f"Accessibility, {name}", name, file) for name, file in _ACCESSIBILITY.items()]
    wanted += [(assay, title, k562.BIOSAMPLE, file) for assay, (title, file) in _NASCENT.items()]
    tracks = []
    for assay, title, biosample, source in wanted:
        path = f"signals/{biosample}.{assay}.bw"
        is_sparse = write_window_bigwig(data / source, out / path, WINDOW, assembly=HG38)
        unit = f"reads{_SPARSE}" if is_sparse else "reads"
        tracks.append(Track(f"{biosample}.{assay}", title, assay, biosample, "bigwig", unit, path, source))
    return tracks


def _of_signals(tracks: Collection[Track]) -> dict[str, tuple[str, ...]]:
    return {track.path: (track.source,) for track in tracks if track.path}


def _write_intervals(data: Path, out: Path, without: frozenset[str]) -> list[IntervalSet]:
    """CAGE peaks, PLS cCREs and the labels of regulatory activity; the labels came to hg38 by their authors."""
    sets = []

    def keep(set_id: str, title: str, assay: str, source: str, table: pd.DataFrame, lifted: str | None) -> None:
        path = f"intervals/{set_id}.parquet"
        write_table(_on_chr22(table), out / path, schema.INTERVALS, CHR22)
        sets.append(IntervalSet(set_id, title, "peaks", assay, k562.BIOSAMPLE, path, source, lifted))

    keep("cage_peaks", "CAGE peaks, 1 TPM and more", "cage", _CAGE, _read_cage(data), None)
    pls = bed.read_bed(data / _PLS, assembly=HG38)[["chrom", "start", "end", "name"]]
    keep("pls_ccres", "Promoter-like cCREs", "ccre", _PLS, pls, None)
    for kind, source in _LABELS.items():
        if source in without:
            continue
        table = bed.read_bed(data / source, assembly=HG38)
        set_id = f"{kind.replace('-', '_')}_labels"
        keep(set_id, f"{kind.capitalize()}s (SilenceREIN)", kind, source, table[["chrom", "start", "end"]], "hg19")
    return sets


def _write_links(data: Path, out: Path) -> dict[str, int]:
    genes, bodies = pd.read_parquet(out / "genes.parquet"), pd.read_parquet(out / "gene_bodies.parquet")
    n_links = {}
    for method, title, source in (
        ("abc_published", "published ABC links", _ABC),
        ("re2g_published", "published ENCODE-rE2G links", _RE2G),
    ):
        links = read_published_links(
            data / source, method=method, biosample=k562.BIOSAMPLE, genes=genes, bodies=bodies, assembly=HG38
        )
        links = _inside(links)
        links = links[_has_tss_inside(links)]
        write_table(links, out / "links" / f"{method}.parquet", schema.LINKS, CHR22)
        n_links[title] = len(links)
    return n_links


def _examples(out: Path) -> tuple[ExampleLocus, ...]:
    """The genes people tested most, those with an effect first."""
    pairs = pd.read_parquet(out / "crispr.parquet")
    found = []
    for gene, rows in pairs[pairs["is_modelled"]].groupby("gene_name"):
        n, n_positive = len(rows), int(rows["is_positive"].sum())
        low = min(int(rows["start"].min()), int(rows["tss"].min()))
        high = max(int(rows["end"].max()), int(rows["tss"].max()) + 1)
        margin = max((high - low) // 10, 20_000)
        place = Locus(WINDOW.chrom, max(low - margin, WINDOW.start), min(high + margin, WINDOW.end))
        tested = f"{n} pair{'s' if n > 1 else ''} tested by CRISPRi, {n_positive or 'none'} positive"
        found.append((-n_positive, -n, ExampleLocus(str(gene), str(place), tested)))
    return tuple(example for *_, example in sorted(found, key=lambda one: (one[0], one[1], one[2].gene_name))[:6])


def _described(base: StudyInfo, tracks: tuple[Track, ...], intervals: tuple[IntervalSet, ...]) -> StudyInfo:
    contacts = ContactMap(
        "K562.hic",
        "Hi-C, rows balanced to 1 (ICE)",
        k562.BIOSAMPLE,
        f"contacts/{k562.BIOSAMPLE}.cool",
        CONTACT_BIN_BP,
        "weight",
        _HIC,
    )
    cage = "log10(CAGE TPM + 1), peaks of 1 TPM and more inside the 384 bp at the TSS"
    return replace(
        base,
        name="k562-chr22",
        title="K562, a window of chr22 with sequence, per-base signal and Hi-C",
        chrom_sizes=dict(CHR22.chrom_sizes),
        biosamples=BIOSAMPLES,
        tracks=tracks,
        intervals=intervals,
        contacts=(contacts,),
        measures={**base.measures, "cage": cage},
        sequence="sequence.fa.gz",
    )
