"""Where things lie: domains, genes with exons, elements, and the stretches without bases or reads."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cre_core.data.simulate.config import GRID_BP, SimulationConfig
from cre_core.errors import BadInput

_TRIES = 400
_TSS_GAP_BP, _ELEMENT_GAP_BP, _BOUNDARY_BP = 4_000, 800, 5_000
_QUIET_DOMAINS, _QUIET_ENHANCERS = 0.35, 0.25  # share of quiet domains; share of enhancers that they keep
_HOUSEKEEPING_SHARE = 0.15  # genes that hardly hear distal elements: why the nearest gene is not always the target
_ROLES = {"enhancer": 0.36, "silencer": 0.07, "inactive": 0.57}


@dataclass(frozen=True)
class Landscape:
    """The places of one simulated genome.

    Attributes:
      domains: chrom, start, end, is_quiet (few enhancers, silent genes), left_ctcf, right_ctcf (rows of `elements`);
        the index is the domain's number.
      genes: gene_id, gene_name, chrom, start, end, strand, tss, domain, is_housekeeping; sorted by place.
      exons: chrom, start, end, gene_id, gene_name, strand.
      elements: element_id, chrom, start, end, element_class, role, domain, gene (row of the gene whose promoter it
        is, or -1), motif_strand (of CTCF sites, else ''); sorted by place.
      gaps: chrom, start, end, has_sequence: stretches without reads.
    """

    domains: pd.DataFrame
    genes: pd.DataFrame
    exons: pd.DataFrame
    elements: pd.DataFrame
    gaps: pd.DataFrame


class _Spots:
    """Centres taken so far on each chromosome, kept apart by `gap_bp`."""

    def __init__(self, gap_bp: int) -> None:
        self.gap_bp = gap_bp
        self.taken: dict[str, list[int]] = {}

    def take(self, draw: Callable[[], tuple[str, int] | None], what: str) -> tuple[str, int]:
        for _ in range(_TRIES):
            spot = draw()
            if spot is not None and self.claim(*spot):
                return spot
        raise BadInput(f"no room left for another {what}; wanted longer chromosomes or fewer genes and elements")

    def claim(self, chrom: str, center: int) -> bool:
        taken = self.taken.setdefault(chrom, [])
        i = bisect_left(taken, center)
        if any(abs(other - center) < self.gap_bp for other in taken[max(0, i - 1) : i + 1]):
            return False
        insort(taken, center)
        return True


def make_landscape(rng: np.random.Generator, config: SimulationConfig) -> Landscape:
    """Place domains, then genes inside them, then elements around the genes."""
    domains = _domains(rng, config)
    gaps = _gaps(rng, config, domains)
    genes = _genes(rng, config, domains, gaps)
    elements = _elements(rng, config, domains, genes)
    for side, strand in (("left_ctcf", "+"), ("right_ctcf", "-")):
        anchors = elements[(elements["role"] == "anchor") & (elements["motif_strand"] == strand)]
        domains[side] = pd.Series(anchors.index, index=anchors["domain"]).reindex(domains.index)
    return Landscape(domains, genes, _exons(rng, genes), elements, gaps)


def _on_grid(position: float) -> int:
    return int(position) // GRID_BP * GRID_BP


def _domains(rng: np.random.Generator, config: SimulationConfig) -> pd.DataFrame:
    shortest, longest = config.domain_bp
    rows = []
    for chrom, size in config.chrom_sizes.items():
        start = config.gap_bp
        while start < size:
            room = size - start
            width = room
            if room > longest:
                width = int(rng.integers(shortest, min(longest, max(shortest, room - shortest)) + 1))
                width = width // config.contact_bin_bp * config.contact_bin_bp
            rows.append((chrom, start, start + width))
            start += width
    domains = pd.DataFrame(rows, columns=["chrom", "start", "end"])
    return domains.assign(is_quiet=rng.permutation(len(domains)) < round(_QUIET_DOMAINS * len(domains)))


def _gaps(rng: np.random.Generator, config: SimulationConfig, domains: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for chrom, own in domains.groupby("chrom", sort=False):
        rows.append((chrom, 0, config.gap_bp, False))
        domain = own.iloc[int(rng.integers(len(own)))]
        room = (domain["end"] - _BOUNDARY_BP - config.unmappable_bp) - (domain["start"] + _BOUNDARY_BP)
        start = _on_grid(domain["start"] + _BOUNDARY_BP + rng.uniform(0, max(room, 1)))
        rows.append((chrom, start, start + config.unmappable_bp, True))
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "has_sequence"])


def _domain_of(domains: pd.DataFrame, chrom: str, position: int) -> int:
    found = domains[(domains["chrom"] == chrom) & (domains["start"] <= position) & (position < domains["end"])]
    return int(found.index[0]) if len(found) else -1


def _uniform(rng: np.random.Generator, domains: pd.DataFrame, margin_bp: int) -> tuple[str, int]:
    width = (domains["end"] - domains["start"]).to_numpy()
    domain = domains.iloc[int(rng.choice(len(domains), p=width / width.sum()))]
    return domain["chrom"], _on_grid(rng.uniform(domain["start"] + margin_bp, domain["end"] - margin_bp))


def _genes(
    rng: np.random.Generator, config: SimulationConfig, domains: pd.DataFrame, gaps: pd.DataFrame
) -> pd.DataFrame:
    spots = _Spots(_TSS_GAP_BP)

    def draw() -> tuple[str, int] | None:
        chrom, tss = _uniform(rng, domains, _BOUNDARY_BP)
        near = (gaps["chrom"] == chrom) & (gaps["start"] - 2_000 < tss) & (tss < gaps["end"] + 2_000)
        return None if near.any() else (chrom, tss)

    placed = [spots.take(draw, "gene") for _ in range(config.n_genes)]
    order = {chrom: i for i, chrom in enumerate(config.chrom_sizes)}
    placed.sort(key=lambda spot: (order[spot[0]], spot[1]))
    rows = []
    for i, (chrom, tss) in enumerate(placed):
        strand = "+" if rng.random() < 0.5 else "-"
        length = int(np.clip(np.exp(rng.normal(np.log(15_000), 0.8)), 3_000, 60_000))
        start, end = (tss, tss + length) if strand == "+" else (tss + 1 - length, tss + 1)
        start, end = max(start, config.gap_bp), min(end, config.chrom_sizes[chrom])
        domain = _domain_of(domains, chrom, tss)
        is_housekeeping = bool(rng.random() < _HOUSEKEEPING_SHARE)
        rows.append((f"SIMG{i + 1:05d}", f"SIM{i + 1}", chrom, start, end, strand, tss, domain, is_housekeeping))
    columns = ["gene_id", "gene_name", "chrom", "start", "end", "strand", "tss", "domain", "is_housekeeping"]
    return pd.DataFrame(rows, columns=columns)


def _exons(rng: np.random.Generator, genes: pd.DataFrame) -> pd.DataFrame:
    """Two to nine exons a gene; the first begins at the transcription start, the last ends with the gene."""
    rows = []
    for gene in genes.itertuples():
        length = gene.end - gene.start
        n_exons = int(rng.integers(2, 10))
        slot = length // n_exons  # one exon in each slot, so that none overlap
        for i in range(n_exons):
            width = int(min(rng.integers(80, 320) if i < n_exons - 1 else rng.integers(400, 1_200), slot - 100))
            offset = i * slot + int(rng.integers(0, slot - width))
            offset = 0 if i == 0 else length - width if i == n_exons - 1 else offset
            start = gene.start + offset if gene.strand == "+" else gene.end - offset - width
            rows.append((gene.chrom, start, start + width, gene.gene_id, gene.gene_name, gene.strand))
    exons = pd.DataFrame(rows, columns=["chrom", "start", "end", "gene_id", "gene_name", "strand"])
    return exons.sort_values(["chrom", "start"], ignore_index=True)


def _elements(
    rng: np.random.Generator, config: SimulationConfig, domains: pd.DataFrame, genes: pd.DataFrame
) -> pd.DataFrame:
    spots = _Spots(max(_ELEMENT_GAP_BP, config.element_bp))
    rows: list[tuple[str, int, str, int, str]] = []
    for gene in genes.itertuples():
        spots.claim(gene.chrom, gene.tss)
        rows.append((gene.chrom, gene.tss, "promoter", gene.Index, ""))
    rows += _ctcf_rows(rng, domains, spots)
    n_left = config.n_elements - len(rows)
    if n_left < 0:
        raise BadInput(f"{config.n_elements} elements cannot hold {len(rows)} promoters and CTCF sites; wanted more")
    for role in rng.choice(list(_ROLES), n_left, p=list(_ROLES.values())):
        longest = 40_000 if role == "silencer" else 120_000
        near_share = 0.8 if role == "silencer" else 0.4
        chrom, center = spots.take(partial(_spot, rng, domains, genes, near_share, longest), "element")
        is_quiet = domains.loc[_domain_of(domains, chrom, center), "is_quiet"]
        is_lost = role == "enhancer" and is_quiet and rng.random() > _QUIET_ENHANCERS
        rows.append((chrom, center, "inactive" if is_lost else str(role), -1, ""))
    return _element_table(rows, config, domains, genes)


def _spot(
    rng: np.random.Generator, domains: pd.DataFrame, genes: pd.DataFrame, near_share: float, longest_bp: int
) -> tuple[str, int] | None:
    """A centre anywhere, or log-uniformly far from some gene's start."""
    if rng.random() > near_share:
        return _uniform(rng, domains, 1_000)
    gene = genes.iloc[int(rng.integers(len(genes)))]
    distance = np.exp(rng.uniform(np.log(3_000), np.log(longest_bp))) * rng.choice([-1, 1])
    center = _on_grid(gene["tss"] + distance)
    domain = _domain_of(domains, gene["chrom"], center)
    if domain < 0 or center + 1_000 > domains.loc[domain, "end"] or center - 1_000 < domains.loc[domain, "start"]:
        return None
    return gene["chrom"], center


def _ctcf_rows(
    rng: np.random.Generator, domains: pd.DataFrame, spots: _Spots
) -> list[tuple[str, int, str, int, str]]:
    """Each domain's two sites point at each other; a few more lie inside, alone."""
    rows = []
    for domain in domains.itertuples():
        anchors = ((domain.start + rng.uniform(500, 2_500), "+"), (domain.end - rng.uniform(500, 2_500), "-"))
        for position, strand in anchors:
            center = _on_grid(position)
            spots.claim(domain.chrom, center)
            rows.append((domain.chrom, center, "anchor", -1, strand))
        inside = domains.loc[[domain.Index]]
        for _ in range(rng.poisson(1.5)):
            chrom, center = spots.take(partial(_uniform, rng, inside, 8_000), "CTCF site")
            rows.append((chrom, center, "ctcf", -1, str(rng.choice(["+", "-"]))))
    return rows


def _element_table(
    rows: list[tuple[str, int, str, int, str]], config: SimulationConfig, domains: pd.DataFrame, genes: pd.DataFrame
) -> pd.DataFrame:
    order = {chrom: i for i, chrom in enumerate(config.chrom_sizes)}
    rows = sorted(rows, key=lambda row: (order[row[0]], row[1]))
    table = pd.DataFrame(rows, columns=["chrom", "center", "role", "gene", "motif_strand"])
    table["start"] = table["center"] - config.element_bp // 2
    table["end"] = table["start"] + config.element_bp
    places = table["chrom"] + ":" + table["start"].astype(str) + "-" + table["end"].astype(str)
    table["element_id"] = "sim_" + places
    table["domain"] = [
        _domain_of(domains, chrom, center) for chrom, center in zip(table["chrom"], table["center"], strict=True)
    ]
    table["element_class"] = _classes(table, genes)
    return table.drop(columns="center")


def _classes(elements: pd.DataFrame, genes: pd.DataFrame) -> np.ndarray:
    """promoter within 1 kb of a transcription start, proximal to 10 kb, distal beyond."""
    nearest = np.full(len(elements), np.inf)
    for chrom, starts in genes.groupby("chrom")["tss"]:
        here = (elements["chrom"] == chrom).to_numpy()
        centers = elements.loc[here, "center"].to_numpy()
        nearest[here] = np.abs(centers[:, None] - starts.to_numpy()[None, :]).min(axis=1)
    return np.select([nearest <= 1_000, nearest <= 10_000], ["promoter", "proximal"], "distal")
