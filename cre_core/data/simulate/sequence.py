"""The bases: a random genome with every factor's motifs planted where the landscape wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.factors import BACKGROUND, BASES, Factor
from cre_core.data.simulate.landscape import Landscape
from cre_core.schema import PROMOTER_HALF_WIDTH_BP

_SLOT_BP = 20  # at most one motif in each slot of an element, so that none overlap
_SILENT_IN_QUIET, _SILENT_ELSEWHERE = 0.7, 0.1  # share of promoters that hardly anything binds
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def reverse_complement(bases: str) -> str:
    """The other strand, read in its own direction."""
    return bases.translate(_COMPLEMENT)[::-1]


def make_sites(
    rng: np.random.Generator, config: SimulationConfig, landscape: Landscape, factors: tuple[Factor, ...]
) -> pd.DataFrame:
    """Every planted motif.

    Returns:
      chrom, start, end, strand, name (the factor), sequence (as read on `strand`), strength 0..1, element (row of
      `landscape.elements`), factor (index into `factors`); sorted by place.
    """
    rows = []
    for element in landscape.elements.itertuples():
        chosen = _factors_of(rng, _kind(rng, landscape, element), factors)
        slots = rng.permutation(config.element_bp // _SLOT_BP - 2) + 1
        if element.motif_strand:
            slots[0] = config.element_bp // _SLOT_BP // 2
        for slot, index in zip(slots, chosen, strict=False):
            factor = factors[index]
            motif = _instance(rng, factor.pwm)
            start = element.start + int(slot) * _SLOT_BP + int(rng.integers(0, _SLOT_BP - len(motif)))
            strand = element.motif_strand or str(rng.choice(["+", "-"]))
            place = (element.chrom, start, start + len(motif), strand, factor.name, motif)
            rows.append((*place, factor.strength(motif), element.Index, index))
    columns = ["chrom", "start", "end", "strand", "name", "sequence", "strength", "element", "factor"]
    sites = pd.DataFrame(rows, columns=columns)
    return sites.sort_values(["element", "start"], ignore_index=True)


def make_sequence(
    rng: np.random.Generator, config: SimulationConfig, landscape: Landscape, sites: pd.DataFrame
) -> Mapping[str, str]:
    """Bases of each chromosome: random, richer in C and G at promoters, N in the assembly gap, motifs planted."""
    letters = np.frombuffer(BASES.encode(), dtype="S1")
    genome = {chrom: letters[_draw(rng, size, BACKGROUND)] for chrom, size in config.chrom_sizes.items()}
    for gene in landscape.genes.itertuples():
        promoter = slice(gene.tss - PROMOTER_HALF_WIDTH_BP, gene.tss + PROMOTER_HALF_WIDTH_BP)
        genome[gene.chrom][promoter] = letters[_draw(rng, 2 * PROMOTER_HALF_WIDTH_BP, BACKGROUND[[1, 0, 0, 1]])]
    for site in sites.itertuples():
        bases = site.sequence if site.strand == "+" else reverse_complement(site.sequence)
        genome[site.chrom][site.start : site.end] = np.frombuffer(bases.encode(), dtype="S1")
    for gap in landscape.gaps[~landscape.gaps["has_sequence"]].itertuples():
        genome[gap.chrom][gap.start : gap.end] = b"N"
    return {chrom: bases.tobytes().decode() for chrom, bases in genome.items()}


def _draw(rng: np.random.Generator, n: int, frequency: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.cumsum(frequency / frequency.sum())[:-1], rng.random(n), side="right")


def _instance(rng: np.random.Generator, pwm: np.ndarray) -> str:
    drawn = (rng.random((len(pwm), 1)) > np.cumsum(pwm, axis=1)[:, :-1]).sum(axis=1)
    return "".join(BASES[i] for i in drawn)


def _kind(rng: np.random.Generator, landscape: Landscape, element: Any) -> str:
    """The element's role, with promoters told apart: housekeeping, inactive (most in a quiet domain) or ordinary."""
    if element.role != "promoter":
        return str(element.role)
    if landscape.genes["is_housekeeping"].iloc[element.gene]:
        return "housekeeping"
    is_quiet = landscape.domains.loc[element.domain, "is_quiet"]
    return "inactive" if rng.random() < (_SILENT_IN_QUIET if is_quiet else _SILENT_ELSEWHERE) else "promoter"


def _factors_of(rng: np.random.Generator, kind: str, factors: tuple[Factor, ...]) -> list[int]:
    """Which factors bind an element of this kind: a programme of factors that are present together."""
    activators = np.array([i for i, factor in enumerate(factors) if factor.kind == "activator"][1:])
    repressors = np.array([i for i, factor in enumerate(factors) if factor.kind == "repressor"])
    if kind in ("anchor", "ctcf"):
        return [len(factors) - 1]
    if kind == "silencer":
        return [int(rng.choice(repressors))] * int(rng.integers(2, 4)) + [int(rng.choice(repressors))]
    if kind == "inactive":
        return rng.choice(activators, rng.integers(0, 2)).tolist()
    if kind == "housekeeping":
        return [0] * int(rng.integers(3, 5)) + rng.choice(activators, rng.integers(0, 2)).tolist()
    n_sites = rng.integers(2, 6) if kind == "promoter" else rng.integers(2, 7)
    levels = np.stack([factors[i].level for i in activators])  # (activators, S)
    together = levels[:, rng.integers(levels.shape[1])] + 0.1  # they are present in one biosample, perhaps in more
    return rng.choice(activators, n_sites, p=together / together.sum()).tolist()
