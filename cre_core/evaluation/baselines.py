"""Link scores that need no model: distance, the nearest gene, activity, and the activity-by-contact (ABC) share.

Activity is sqrt(DNase x H3K27ac), as in ABC. Every score is higher where a link is more likely and never negative,
so that 0 stands for "no evidence". Counts are those of one biosample; a missing count is NaN and gives NaN.
Source: ABC model, Nasser 2021 and its released code (constants).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadInput, UnknownName
from cre_core.evaluation.methods import method_of, simple_methods
from cre_core.evaluation.nearest import NearestGenes, body_distance
from cre_core.schema import PROMOTER_HALF_WIDTH_BP

# Contact of one gene with places on its chromosome: (chrom, tss, centres (E,)) -> (E,), NaN = no data.
Contact = Callable[[str, int, np.ndarray], np.ndarray]

REACH_BP = 5_000_000  # elements with their centre within this of the TSS compete for the gene
GAMMA, SCALE = 1.024238616787792, 5.9594510043736655  # fall of K562 Hi-C with distance at 5 kb, as ABC ships it
GAMMA_REFERENCE, SCALE_REFERENCE = 0.87, -4.80 + 11.63 * 0.87  # the fall every cell type is brought to
NEAR_BP = 100_000  # of the yes-or-no score by distance, as the ENCODE comparison has it
MIN_DISTANCE_BP = 5000  # one Hi-C bin: nearer pairs have the same expected contact


def activity(dnase: np.ndarray, h3k27ac: np.ndarray) -> np.ndarray:
    """Geometric mean of two signals, in reads; NaN where one is not known."""
    return np.sqrt(np.asarray(dnase, float) * np.asarray(h3k27ac, float))


def over_distance(signal: np.ndarray, distance_bp: np.ndarray) -> np.ndarray:
    """Signal per bp of distance; a distance below 1 bp counts as 1."""
    return np.asarray(signal, float) / np.maximum(np.abs(distance_bp), 1.0)


def nearness(distance_bp: np.ndarray) -> np.ndarray:
    """1 at the TSS, 1/2 at 1 kb, towards 0 far away: distance as a score."""
    return 1.0 / (1.0 + np.abs(distance_bp) / 1000.0)


def powerlaw_contact(distance_bp: np.ndarray, *, gamma: float = GAMMA, scale: float = SCALE) -> np.ndarray:
    """Contact expected at a distance; flat below MIN_DISTANCE_BP."""
    distance = np.maximum(np.abs(np.asarray(distance_bp, float)), MIN_DISTANCE_BP)
    return np.exp(scale - gamma * np.log(distance + 1))


def scaled_contact(distance_bp: np.ndarray, contact: np.ndarray) -> np.ndarray:
    """Measured contact as ABC uses it: brought to the reference fall with distance, plus the expected contact.

    Args:
      distance_bp: (n,) element centre to TSS.
      contact: (n,) from a map whose rows sum to 1, at 5 kb; NaN (no data) takes the expected contact.

    Returns:
      (n,) float64.
    """
    expected = powerlaw_contact(distance_bp)
    reference = powerlaw_contact(distance_bp, gamma=GAMMA_REFERENCE, scale=SCALE_REFERENCE)
    return np.where(np.isnan(contact), expected, contact) * reference / expected + expected


def share(numerator: np.ndarray, gene: np.ndarray) -> np.ndarray:
    """Each element's part of its gene's total: the ABC score.

    Args:
      numerator: (n,) activity x contact of every candidate of each gene; NaN (no data) adds nothing.
      gene: (n,) whole numbers that say whose candidate it is.

    Returns:
      (n,) 0..1; NaN where the numerator is NaN, 0 where the gene's total is 0.
    """
    total = np.bincount(gene, np.nan_to_num(numerator))[gene] if len(gene) else np.zeros(0)
    return np.divide(numerator, total, out=np.where(np.isnan(numerator), np.nan, 0.0), where=total > 0)


def with_counts(
    elements: pd.DataFrame,
    element_signal: pd.DataFrame,
    *,
    biosample: str,
    assays: Sequence[str] = ("dnase", "h3k27ac"),
) -> pd.DataFrame:
    """Elements of a study with one column per assay, in reads; NaN for an element without a row.

    Raises:
      UnknownName: the signal table has no such biosample or assay.
    """
    missing = [assay for assay in assays if assay not in element_signal]
    if missing:
        raise UnknownName(
            f"no {missing[0]} counts here; the columns are {', '.join(map(str, element_signal.columns))}"
        )
    rows = element_signal[element_signal["biosample"] == biosample]
    if not len(rows):
        known = ", ".join(sorted(element_signal["biosample"].unique()))
        raise UnknownName(f"no element counts of biosample '{biosample}'; there are {known}")
    return elements.merge(rows[["element_id", *assays]], on="element_id", how="left", validate="1:1")


def candidates(
    elements: pd.DataFrame, chrom: np.ndarray, tss: np.ndarray, *, reach_bp: int = REACH_BP
) -> pd.DataFrame:
    """Every element near every TSS.

    Args:
      elements: schema.INTERVALS.
      chrom, tss: (G,) where the genes start.
      reach_bp: largest distance from an element's centre to the TSS.

    Returns:
      Columns `gene` (0..G-1), `element` (row of `elements`), `distance_bp` (centre minus TSS, on the genome).
    """
    centers = ((elements["start"] + elements["end"]) // 2).to_numpy()
    element_chrom = elements["chrom"].to_numpy()
    chrom, tss = np.asarray(chrom), np.asarray(tss, np.int64)
    parts = [np.zeros((2, 0), np.int64)]
    for name in pd.unique(chrom):
        rows = np.flatnonzero(element_chrom == name)
        rows = rows[np.argsort(centers[rows], kind="stable")]
        genes = np.flatnonzero(chrom == name)
        first = np.searchsorted(centers[rows], tss[genes] - reach_bp, "left")
        n = np.searchsorted(centers[rows], tss[genes] + reach_bp, "right") - first
        within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        parts.append(np.stack([np.repeat(genes, n), rows[np.repeat(first, n) + within]]))
    gene, element = np.concatenate(parts, axis=1)
    return pd.DataFrame({"gene": gene, "element": element, "distance_bp": centers[element] - tss[gene]})


@dataclass(frozen=True)
class Pairs:
    """Element-gene pairs to be scored, n of them, and what competes with them: what a simple link method is given.

    Attributes:
      elements: schema.ELEMENTS of the study, with a column per assay where they were counted.
      genes: rows of `Study.annotated_genes`, numbered from 0.
      every: of `candidates`: all pairs of these genes.
      asked: (n,) rows of `every`.
      contact: measured contact, or None: the power law alone.
      others: every gene of the study, or None.
    """

    elements: pd.DataFrame
    genes: pd.DataFrame
    every: pd.DataFrame
    asked: np.ndarray
    contact: Contact | None = None
    others: NearestGenes | None = None

    @cached_property
    def distance_bp(self) -> np.ndarray:
        """(n,) element centre minus TSS, on the genome."""
        return self.every["distance_bp"].to_numpy()[self.asked]

    @cached_property
    def element(self) -> pd.DataFrame:
        """n rows of `elements`."""
        return self.elements.iloc[self.every["element"].to_numpy()[self.asked]].reset_index(drop=True)

    @cached_property
    def gene(self) -> pd.DataFrame:
        """n rows of `genes`."""
        return self.genes.iloc[self.every["gene"].to_numpy()[self.asked]].reset_index(drop=True)

    @cached_property
    def center(self) -> np.ndarray:
        """(n,) middle of each pair's element."""
        return ((self.element["start"] + self.element["end"]) // 2).to_numpy()

    def activity(self) -> np.ndarray:
        """(n,) of each pair's element; see `activity`."""
        return activity(*self.counts("dnase", "h3k27ac"))[self.every["element"].to_numpy()[self.asked]]

    def counts(self, *assays: str) -> list[np.ndarray]:
        """Counts of all elements, (N,) for each assay.

        Raises:
          BadInput: the elements lack them.
        """
        missing = [assay for assay in assays if assay not in self.elements]
        if missing:
            raise BadInput(f"elements lack the counts {', '.join(missing)}; `with_counts` adds them")
        return [self.elements[assay].to_numpy() for assay in assays]

    @property
    def nearest(self) -> NearestGenes:
        """Every gene of the study; BadInput where they did not come."""
        if self.others is None:
            raise BadInput("the nearest gene is asked for; wanted every gene of the study beside the genes scored")
        return self.others


def link_scores(
    elements: pd.DataFrame,
    genes: pd.DataFrame,
    *,
    biosample: str,
    methods: Sequence[str] | None = None,
    reach_bp: int = REACH_BP,
    contact: Contact | None = None,
    nearest: NearestGenes | None = None,
    among: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Links of each gene with every element in reach, by each method that needs no model.

    Args:
      elements: schema.ELEMENTS with `dnase` and `h3k27ac` counts (see `with_counts`).
      genes: rows of `Study.annotated_genes`, the genes wanted.
      biosample: written into the table.
      methods: names from `simple_methods`; None = all.
      reach_bp: candidates of a gene, also those its ABC total is taken over.
      contact: measured contact, for abc; the power law alone without it.
      nearest: every gene of the study, for the methods that ask which is nearest.
      among: gene_id, element_id of the links to give; None = all in reach. What competes for a gene is the same.

    Returns:
      schema.LINKS, one row per method and pair; `tss_distance_bp` is positive downstream of the gene; `fold` is
      empty, for nothing is trained. An element over the TSS ±500 bp is the gene's own promoter: abc 1. The methods of
      the nearest gene and `within_100kb` say 1 or 0, by the element's centre; of genes equally near each has 1.

    Raises:
      UnknownName: no such simple method.
      BadInput: the elements lack counts, or the nearest gene is asked for without the genes; a method that gave
        another number of scores than there are pairs.
    """
    names = simple_methods() if methods is None else list(methods)
    for name in names:
        if name not in simple_methods():
            raise UnknownName(f"no simple link method '{name}'; there are {', '.join(simple_methods())}")
    genes = genes.reset_index(drop=True)
    every = candidates(elements, genes["chrom"].to_numpy(), genes["tss"].to_numpy(), reach_bp=reach_bp)
    asked = np.arange(len(every)) if among is None else np.flatnonzero(_is_among(every, elements, genes, among))
    pairs = Pairs(elements, genes, every, asked, contact, nearest)
    links = pairs.element[["chrom", "start", "end", "element_id"]].assign(
        gene_id=pairs.gene["gene_id"],
        gene_name=pairs.gene["gene_name"],
        tss=pairs.gene["tss"].astype("int64"),
        tss_distance_bp=pairs.distance_bp * np.where(pairs.gene["strand"] == "-", -1, 1),
        biosample=biosample,
        fold="",
    )
    tables = [links.assign(method=name, score=_scored(name, pairs)) for name in names]
    return pd.concat(tables, ignore_index=True)[list(schema.LINKS.columns)]


def _scored(name: str, pairs: Pairs) -> np.ndarray:
    score = np.asarray(method_of(name).score(pairs), float)
    if score.shape != pairs.asked.shape:
        raise BadInput(f"link method {name} gave scores of shape {score.shape}; wanted {pairs.asked.shape}")
    return score


def _is_among(pairs: pd.DataFrame, elements: pd.DataFrame, genes: pd.DataFrame, among: pd.DataFrame) -> np.ndarray:
    gene = pd.Index(genes["gene_id"]).get_indexer(among["gene_id"])
    element = pd.Index(elements["element_id"]).get_indexer(among["element_id"])
    n = len(elements)
    return np.isin(pairs["gene"].to_numpy() * n + pairs["element"].to_numpy(), gene * n + element)


# ---------------------------------------------------------------- the methods: pairs -> (n,)


def distance_score(pairs: Pairs) -> np.ndarray:
    """`nearness`."""
    return nearness(pairs.distance_bp)


def within_100kb_score(pairs: Pairs) -> np.ndarray:
    """1 up to NEAR_BP, else 0."""
    return (np.abs(pairs.distance_bp) <= NEAR_BP).astype(float)


def nearest_gene_score(pairs: Pairs) -> np.ndarray:
    """1 where no gene's body lies nearer to the element than this one's, else 0."""
    own = body_distance(pairs.center, pairs.gene["start"].to_numpy(), pairs.gene["end"].to_numpy())
    return (own <= pairs.nearest.to_body(pairs.element["chrom"].to_numpy(), pairs.center)).astype(float)


def nearest_tss_score(pairs: Pairs) -> np.ndarray:
    """1 where no TSS lies nearer to the element than this one, else 0."""
    nearest = pairs.nearest.to_tss(pairs.element["chrom"].to_numpy(), pairs.center)
    return (np.abs(pairs.distance_bp) <= nearest).astype(float)


def nearest_expressed_score(pairs: Pairs) -> np.ndarray:
    """The same among the genes that are expressed."""
    nearest = pairs.nearest.to_tss(pairs.element["chrom"].to_numpy(), pairs.center, expressed_only=True)
    is_first = np.abs(pairs.distance_bp) <= nearest
    return (is_first & pairs.nearest.is_expressed(pairs.gene["gene_id"])).astype(float)


def activity_score(pairs: Pairs) -> np.ndarray:
    """`activity` of the element."""
    return pairs.activity()


def activity_over_distance_score(pairs: Pairs) -> np.ndarray:
    """`activity` per bp of distance."""
    return over_distance(pairs.activity(), pairs.distance_bp)


def h3k27ac_over_distance_score(pairs: Pairs) -> np.ndarray:
    """H3K27ac per bp of distance."""
    (counts,) = pairs.counts("h3k27ac")
    return over_distance(counts[pairs.every["element"].to_numpy()[pairs.asked]], pairs.distance_bp)


def abc_score(pairs: Pairs) -> np.ndarray:
    """Each element's share of its gene, among all in reach; 1 for the gene's own promoter."""
    elements, genes = pairs.elements, pairs.genes
    gene, element = pairs.every["gene"].to_numpy(), pairs.every["element"].to_numpy()
    strength = activity(*pairs.counts("dnase", "h3k27ac"))[element]
    score = share(strength * _contacts(pairs.every, genes, pairs.contact), gene)
    tss, start, end = genes["tss"].to_numpy()[gene], elements["start"].to_numpy(), elements["end"].to_numpy()
    is_own = (start[element] < tss + PROMOTER_HALF_WIDTH_BP) & (end[element] > tss - PROMOTER_HALF_WIDTH_BP)
    return np.where(is_own & ~np.isnan(score), 1.0, score)[pairs.asked]


def _contacts(pairs: pd.DataFrame, genes: pd.DataFrame, contact: Contact | None) -> np.ndarray:
    distance = pairs["distance_bp"].to_numpy()
    if contact is None:
        return powerlaw_contact(distance)
    measured = np.full(len(pairs), np.nan)
    for gene, rows in pairs.groupby("gene", sort=False).indices.items():
        chrom, tss = genes.loc[gene, "chrom"], int(genes.loc[gene, "tss"])
        measured[rows] = contact(chrom, tss, distance[rows] + tss)
    return scaled_contact(distance, measured)
