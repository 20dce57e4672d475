"""A score for every tested element-gene pair: from the truth table's own columns, or from links that overlap it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import bioframe
import numpy as np
import pandas as pd

from cre_core.errors import BadInput, NotAvailable
from cre_core.evaluation import baselines

Fill = Literal["zero", "minimum"]
# Activity adds up over the elements that a tested stretch spans; any other score is that of its best element.
SUMMED_METHODS = ("activity", "activity_over_distance", "h3k27ac_over_distance", "abc", "abc_published")


@dataclass(frozen=True)
class PairScores:
    """Scores of the tested pairs.

    Attributes:
      method: the link method.
      score: (n,) float64 without NaN, higher = more likely regulated.
      is_filled: (n,) bool, pairs for which the method had no score.
      fill: what those got.
      source: where the scores are from.
    """

    method: str
    score: np.ndarray
    is_filled: np.ndarray
    fill: Fill
    source: Literal["crispr table", "elements", "links"]


def distance_of_pairs(crispr: pd.DataFrame) -> np.ndarray:
    """(n,) bp between tested element and TSS: the table's own `distance_to_tss_bp`, else `tss_distance_bp`."""
    column = "distance_to_tss_bp" if "distance_to_tss_bp" in crispr else "tss_distance_bp"
    return np.abs(crispr[column].to_numpy(float))


def score_pairs(
    crispr: pd.DataFrame,
    links: pd.DataFrame,
    *,
    method: str,
    elements: pd.DataFrame | None = None,
    fill: Fill = "zero",
) -> PairScores:
    """Scores of the tested pairs by a method, by the first of three ways that the data allow.

    Args:
      crispr: schema.CRISPR; `dhs_rpm`, `h3k27ac_rpm_expanded` (or `h3k27ac_rpm`) and `distance_to_tss_bp` give the
        simple methods without any element table.
      links: schema.LINKS, any methods; NaN scores are no scores.
      method: as in `links`, or one of `baselines.METHODS`.
      elements: with `dnase` and `h3k27ac`; then abc is taken over them, around the truth table's own TSSs.
      fill: what a pair without a score gets: 0, or the method's smallest score.

    Raises:
      NotAvailable: neither the truth table nor the links nor the elements give the method.
    """
    own = _from_table(crispr, method)
    if own is not None:
        return _filled(method, own, fill, "crispr table")
    if method == "abc" and elements is not None:
        return _filled(method, abc_of_pairs(crispr, elements), fill, "elements")
    of_method = links[links["method"] == method]
    if not len(of_method):
        known = ", ".join(sorted(links["method"].unique())) or "none"
        raise NotAvailable(f"no score of method '{method}' for the tested pairs; the links hold {known}")
    how: Literal["sum", "max"] = "sum" if method in SUMMED_METHODS else "max"
    return _filled(method, overlapping_scores(crispr, of_method, how=how), fill, "links")


def overlapping_scores(crispr: pd.DataFrame, links: pd.DataFrame, *, how: Literal["sum", "max"]) -> np.ndarray:
    """Score of the same gene's links whose element shares a base with the tested one.

    Args:
      crispr: schema.CRISPR, n rows.
      links: schema.LINKS of one method and biosample.
      how: what several such links of one pair become.

    Returns:
      (n,) float64; NaN where no link overlaps.

    Raises:
      BadInput: the links hold several methods, or repeat an element and gene.
    """
    if links["method"].nunique() > 1 or links.duplicated(["chrom", "start", "end", "gene_id"]).any():
        raise BadInput("links repeat an element and gene; wanted one method of one biosample, each pair once")
    links = links.dropna(subset=["score"])
    hits = overlaps(crispr, links)
    gene = pd.Index(pd.unique(links["gene_id"]))
    crispr_gene = gene.get_indexer(crispr["gene_id"])
    scored = pd.DataFrame(
        {
            "element": links.groupby(["chrom", "start", "end"], sort=False).ngroup().to_numpy(),
            "gene": gene.get_indexer(links["gene_id"]),
            "score": links["score"].to_numpy(),
        }
    )
    wanted = pd.DataFrame(
        {"row": hits["row"], "element": scored["element"].to_numpy()[hits["element_row"]]}
    ).drop_duplicates()
    wanted["gene"] = crispr_gene[wanted["row"]]
    found = wanted.merge(scored, on=["element", "gene"]).groupby("row")["score"].agg(how)
    return found.reindex(np.arange(len(crispr))).to_numpy(float)


def overlaps(tested: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    """Rows of two tables of places that share a base: columns `row`, `element_row`; each distinct place once."""
    places = elements[["chrom", "start", "end"]].reset_index(drop=True).rename_axis("element_row").reset_index()
    places = places.drop_duplicates(["chrom", "start", "end"])
    asked = tested[["chrom", "start", "end"]].reset_index(drop=True).rename_axis("row").reset_index()
    if not len(places) or not len(asked):
        return pd.DataFrame({"row": [], "element_row": []}, dtype=int)
    hits = bioframe.overlap(asked, places, how="inner", suffixes=("", "_hit"))
    return pd.DataFrame(
        {"row": hits["row"].to_numpy(int), "element_row": hits["element_row_hit"].to_numpy(int)}
    ).sort_values(["row", "element_row"], ignore_index=True)


def abc_of_pairs(crispr: pd.DataFrame, elements: pd.DataFrame) -> np.ndarray:
    """ABC of the tested pairs by the power law, over a study's elements.

    The activity of the elements that overlap the tested one adds up; its contact is that of the truth table's own
    distance; the gene's total runs over all elements within 5 Mb of the truth table's TSS (`benchmark_tss` where the
    study has replaced it).

    Args:
      crispr: schema.CRISPR, n rows.
      elements: with `dnase` and `h3k27ac`; an element without counts (NaN) adds nothing.

    Returns:
      (n,) float64; NaN where no element overlaps.
    """
    strength = np.nan_to_num(baselines.activity(elements["dnase"].to_numpy(), elements["h3k27ac"].to_numpy()))
    column = "benchmark_tss" if "benchmark_tss" in crispr else "tss"
    starts = crispr[["chrom", column]].drop_duplicates()
    near = baselines.candidates(elements, starts["chrom"].to_numpy(), starts[column].to_numpy())
    weights = strength[near["element"]] * baselines.powerlaw_contact(near["distance_bp"].to_numpy())
    total = np.bincount(near["gene"], weights, len(starts))
    gene = pd.MultiIndex.from_frame(starts).get_indexer(pd.MultiIndex.from_frame(crispr[["chrom", column]]))
    hits = overlaps(crispr, elements)
    summed = np.bincount(hits["row"], strength[hits["element_row"]], len(crispr))
    numerator = summed * baselines.powerlaw_contact(distance_of_pairs(crispr))
    score = np.divide(numerator, total[gene], out=np.zeros(len(crispr)), where=total[gene] > 0)
    score[~np.isin(np.arange(len(crispr)), hits["row"])] = np.nan
    return score


def _from_table(crispr: pd.DataFrame, method: str) -> np.ndarray | None:
    """(n,) a simple method from the truth table's own columns, or None. A missing signal there counts as 0."""
    distance = distance_of_pairs(crispr)
    if method == "distance":
        return baselines.nearness(distance)
    marks = _marks(crispr)
    if marks is None:
        return None
    dnase, h3k27ac = marks
    strength = baselines.activity(dnase, h3k27ac)
    by_method = {
        "h3k27ac_over_distance": baselines.over_distance(h3k27ac, distance),
        "activity": strength,
        "activity_over_distance": baselines.over_distance(strength, distance),
    }
    return by_method.get(method)


def _marks(crispr: pd.DataFrame) -> list[np.ndarray] | None:
    mark = next((name for name in ("h3k27ac_rpm_expanded", "h3k27ac_rpm") if name in crispr), None)
    if mark is None or "dhs_rpm" not in crispr:
        return None
    return [np.nan_to_num(crispr[name].to_numpy(float)) for name in ("dhs_rpm", mark)]


def _filled(
    method: str, score: np.ndarray, fill: Fill, source: Literal["crispr table", "elements", "links"]
) -> PairScores:
    is_filled = np.isnan(score)
    known = score[~is_filled]
    value = known.min() if fill == "minimum" and len(known) else 0.0
    return PairScores(method, np.where(is_filled, value, score), is_filled, fill, source)
