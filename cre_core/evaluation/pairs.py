"""A score for every tested element-gene pair: from the links that pages show, or from the benchmark's own columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cre_core.errors import BadInput, NotAvailable
from cre_core.evaluation import baselines
from cre_core.evaluation.methods import method_of

Fill = Literal["zero", "minimum"]
LINKS = "links"  # of elements of the study, as the pages show them
EXPERIMENTS = "knock-outs of the tested places"


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
    source: str


def distance_of_pairs(crispr: pd.DataFrame) -> np.ndarray:
    """(n,) bp between tested element and TSS: the table's own `distance_to_tss_bp`, else `tss_distance_bp`."""
    column = "distance_to_tss_bp" if "distance_to_tss_bp" in crispr else "tss_distance_bp"
    return np.abs(crispr[column].to_numpy(float))


def scores_from_links(crispr: pd.DataFrame, links: pd.DataFrame, *, method: str, fill: Fill = "zero") -> PairScores:
    """Scores of the tested pairs by the links of the elements under them.

    Args:
      crispr: schema.CRISPR.
      links: schema.LINKS, any methods; NaN scores are no scores.
      method: as in `links`.
      fill: what a pair without a score gets: 0, or the method's smallest score.

    Raises:
      NotAvailable: the links do not hold the method.
    """
    of_method = links[links["method"] == method]
    if not len(of_method):
        known = ", ".join(sorted(links["method"].unique())) or "none"
        raise NotAvailable(f"no score of method '{method}' for the tested pairs; the links hold {known}")
    score = overlapping_scores(crispr, of_method, how=method_of(method).how_to_join)
    return filled(method, score, source=LINKS, fill=fill)


def benchmark_scores(crispr: pd.DataFrame, method: str, *, fill: Fill = "zero") -> list[PairScores]:
    """The same simple method from the columns of the benchmark's table instead of the study's elements.

    Args:
      crispr: schema.CRISPR; `dhs_rpm`, `h3k27ac_rpm_expanded` (or `h3k27ac_rpm`), `distance_to_tss_bp` and
        `benchmark_tss` are the benchmark's own. A missing signal there counts as 0, a TSS of 0 as not known.

    Returns:
      A way for each source that the table has, named `METHOD, SOURCE`; none for other methods, or without columns.
    """
    return [
        filled(f"{method}, {source}", score(crispr), source=source, fill=fill)
        for (name, source, columns, score) in _OTHER_WAYS
        if name == method and set(columns) <= set(crispr)
    ]


def filled(method: str, score: np.ndarray, *, source: str, fill: Fill = "zero") -> PairScores:
    """Scores with NaN replaced, and counted."""
    is_filled = np.isnan(score)
    known = score[~is_filled]
    value = known.min() if fill == "minimum" and len(known) else 0.0
    return PairScores(method, np.where(is_filled, value, score), is_filled, fill, source)


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
    import bioframe  # brings matplotlib: only where places are joined

    hits = bioframe.overlap(asked, places, how="inner", suffixes=("", "_hit"))
    return pd.DataFrame(
        {"row": hits["row"].to_numpy(int), "element_row": hits["element_row_hit"].to_numpy(int)}
    ).sort_values(["row", "element_row"], ignore_index=True)


def _middle(crispr: pd.DataFrame) -> np.ndarray:
    return ((crispr["start"] + crispr["end"]) // 2).to_numpy(float)


def _mark(crispr: pd.DataFrame) -> np.ndarray:
    name = "h3k27ac_rpm_expanded" if "h3k27ac_rpm_expanded" in crispr else "h3k27ac_rpm"
    return np.nan_to_num(crispr[name].to_numpy(float))


def _activity(crispr: pd.DataFrame) -> np.ndarray:
    return baselines.activity(np.nan_to_num(crispr["dhs_rpm"].to_numpy(float)), _mark(crispr))


def _from_tss(column: str) -> Callable[[pd.DataFrame], np.ndarray]:
    return lambda crispr: baselines.nearness(_middle(crispr) - crispr[column].to_numpy(float))


SIGNAL = "benchmark signal"
_COLUMNS = ("dhs_rpm", "h3k27ac_rpm", "distance_to_tss_bp")
_OTHER_WAYS: tuple[tuple[str, str, tuple[str, ...], Callable[[pd.DataFrame], np.ndarray]], ...] = (
    ("distance", "benchmark distance", ("distance_to_tss_bp",), lambda c: baselines.nearness(distance_of_pairs(c))),
    ("distance", "benchmark TSS", ("benchmark_tss",), _from_tss("benchmark_tss")),
    ("distance", "study TSS", ("benchmark_tss",), _from_tss("tss")),
    ("activity", SIGNAL, _COLUMNS, _activity),
    (
        "activity_over_distance",
        SIGNAL,
        _COLUMNS,
        lambda c: baselines.over_distance(_activity(c), distance_of_pairs(c)),
    ),
    (
        "h3k27ac_over_distance",
        SIGNAL,
        _COLUMNS,
        lambda c: baselines.over_distance(_mark(c), distance_of_pairs(c)),
    ),
)
