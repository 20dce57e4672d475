"""The tables of a simulated study, as the study folder wants them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.data.simulate.assays import ASSAYS, Bins, count_reads
from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.factors import Factor
from cre_core.data.simulate.landscape import Landscape
from cre_core.data.simulate.regulation import Regulation
from cre_core.schema import HALF_LIFE_FEATURES, PROMOTER_HALF_WIDTH_BP

_VALID_SHARE = 0.2
_PEAK_READS = 25


def gene_table(landscape: Landscape, regulation: Regulation) -> pd.DataFrame:
    """schema.GENES with the half-life features."""
    genes = landscape.genes[["gene_id", "gene_name", "chrom", "start", "end", "strand", "tss"]]
    features = pd.DataFrame(np.round(regulation.half_life, 4), columns=list(HALF_LIFE_FEATURES))
    return pd.concat([genes, features], axis=1)


def true_genes(landscape: Landscape) -> pd.DataFrame:
    """gene_id, domain (its number), is_housekeeping (hardly hears distal elements)."""
    return landscape.genes[["gene_id", "domain", "is_housekeeping"]]


def true_elements(config: SimulationConfig, landscape: Landscape, regulation: Regulation) -> pd.DataFrame:
    """element_id, role, domain, biosample, and the activators, repressors and CTCF bound there."""
    tables = []
    for s, biosample in enumerate(config.biosamples):
        table = landscape.elements[["element_id", "role", "domain"]].assign(biosample=biosample)
        for name in ("activation", "repression", "insulator"):
            table[name] = np.round(getattr(regulation, name)[:, s], 6)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def true_factors(config: SimulationConfig, factors: tuple[Factor, ...]) -> pd.DataFrame:
    """factor, kind, biosample, level."""
    rows = [
        (factor.name, factor.kind, biosample, round(float(level), 6))
        for factor in factors
        for biosample, level in zip(config.biosamples, factor.level, strict=True)
    ]
    return pd.DataFrame(rows, columns=["factor", "kind", "biosample", "level"])


def signal_tables(
    config: SimulationConfig, landscape: Landscape, signals: dict[tuple[str, str], Bins]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads of each assay in each element, and within 500 bp of each transcription start.

    Args:
      signals: (biosample, assay) -> bins of `make_signal`.
    """
    starts = landscape.genes[["gene_id", "chrom"]].assign(
        start=landscape.genes["tss"] - PROMOTER_HALF_WIDTH_BP, end=landscape.genes["tss"] + PROMOTER_HALF_WIDTH_BP
    )
    tables = []
    for places, key in ((landscape.elements, "element_id"), (starts, "gene_id")):
        parts = []
        for biosample in config.biosamples:
            counts = {assay: count_reads(signals[biosample, assay], places) for assay in ASSAYS}
            parts.append(pd.DataFrame({key: places[key], "biosample": biosample, **counts}))
        tables.append(pd.concat(parts, ignore_index=True))
    return tables[0], tables[1]


def expression_table(config: SimulationConfig, landscape: Landscape, log2tpm: np.ndarray) -> pd.DataFrame:
    """schema.EXPRESSION with measures rna (what a model learns) and tpm. Args: log2tpm (G, S), log2(TPM + 1)."""
    rna = np.round(log2tpm, 4)
    wide = pd.DataFrame(rna, index=landscape.genes["gene_id"].to_numpy(), columns=list(config.biosamples))
    table = wide.rename_axis("gene_id").reset_index().melt("gene_id", var_name="biosample", value_name="value")
    tpm = table.assign(value=np.round(2.0 ** table["value"] - 1.0, 4), measure="tpm")
    columns = ["gene_id", "biosample", "measure", "value"]
    return pd.concat([table.assign(measure="rna"), tpm], ignore_index=True)[columns]


def fold_table(config: SimulationConfig, landscape: Landscape) -> pd.DataFrame:
    """schema.FOLDS: each fold tests one chromosome, the last first; the last fifth of each other one is valid."""
    genes = landscape.genes
    is_late = genes["tss"] >= (1 - _VALID_SHARE) * genes["chrom"].map(dict(config.chrom_sizes))
    folds = genes[["gene_id"]].copy()
    for i, chrom in enumerate(reversed(list(config.chrom_sizes))):
        split = np.where(is_late, "valid", "train")
        folds[f"fold_{i + 1}"] = np.where(genes["chrom"] == chrom, "test", split)
    return folds


def loop_table(config: SimulationConfig, landscape: Landscape) -> pd.DataFrame:
    """schema.LOOPS: one loop for each domain, between its two convergent CTCF sites."""
    elements, domains = landscape.elements, landscape.domains
    half = config.contact_bin_bp // 4
    sides = []
    for side in ("left_ctcf", "right_ctcf"):
        own = elements.loc[domains[side].to_numpy()].reset_index(drop=True)
        center = (own["start"] + own["end"]) // 2
        largest = own["chrom"].map(dict(config.chrom_sizes))
        sides.append((own["chrom"], (center - half).clip(lower=0), np.minimum(center + half, largest)))
    (chrom, start, end), (chrom2, start2, end2) = sides
    columns = {"chrom": chrom, "start": start, "end": end, "chrom2": chrom2, "start2": start2, "end2": end2}
    return pd.DataFrame(columns).assign(score=1.0)


def peak_table(landscape: Landscape, element_signal: pd.DataFrame, *, assay: str, biosample: str) -> pd.DataFrame:
    """Elements with a clear peak of an assay: chrom, start, end, name, score (reads)."""
    own = element_signal.loc[element_signal["biosample"] == biosample, ["element_id", assay]]
    peaks = landscape.elements.merge(own, on="element_id")
    peaks = peaks[peaks[assay] >= _PEAK_READS].rename(columns={"element_id": "name", assay: "score"})
    return peaks[["chrom", "start", "end", "name", "score"]].reset_index(drop=True)


def promoter_mark_table(landscape: Landscape, tpm: np.ndarray) -> pd.DataFrame:
    """H3K4me3 peaks: 750 bp to each side of the starts of genes above 1 TPM. Args: tpm (G,)."""
    genes = landscape.genes[tpm > 1.0]
    places = {"chrom": genes["chrom"], "start": genes["tss"] - 750, "end": genes["tss"] + 750}
    return pd.DataFrame(places).assign(name=genes["gene_name"]).reset_index(drop=True)


def motif_table(sites: pd.DataFrame) -> pd.DataFrame:
    """Planted motifs: chrom, start, end, name (the factor), strand, sequence (on its strand), score (strength)."""
    table = sites[["chrom", "start", "end", "name", "strand", "sequence", "strength"]]
    return table.rename(columns={"strength": "score"}).round({"score": 4})
