"""The benchmark of element-gene links against measured CRISPRi effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cre_core.errors import BadInput, UnknownName
from cre_core.evaluation import metrics
from cre_core.evaluation.bootstrap import in_blocks, percentile_interval, resample_counts
from cre_core.evaluation.pairs import PairScores, distance_of_pairs
from cre_core.evaluation.weighted import LINK_METRICS, RankAgreement, Ranking
from cre_core.progress import Report

# Distance in bp, first included, last not. The last two are the reaches that the papers stop at.
DISTANCE_BINS: Mapping[str, tuple[float, float]] = {
    "<10 kb": (0, 10_000),
    "10-25 kb": (10_000, 25_000),
    "25-100 kb": (25_000, 100_000),
    ">100 kb": (100_000, np.inf),
    "<25 kb": (0, 25_000),
    "<100 kb": (0, 100_000),
}
COMMON = "scored by all methods"  # the pairs for which no method had to be filled
WITHIN, TOP = "within_gene_median", "within_gene_mean"
TSS_TOLERANCE_BP = 1_000
MIN_PAIRS_PER_GENE = 10  # a ranking within a gene says little below this
SPEARMAN = "spearman_effect"
TRUTH = "truth"  # the method of rows that say something about the benchmark itself
# (method, subset) -> what was drawn ("pair", "gene") -> metric -> (R,)
Draws = dict[tuple[str, str], dict[str, dict[str, np.ndarray]]]


@dataclass(frozen=True)
class _Subset:
    """Some of the tested pairs, with how often each is drawn by either kind of resampling."""

    name: str
    rows: np.ndarray  # (m,)
    counts: Mapping[str, np.ndarray]  # "pair", "gene" -> (m, R)


def evaluate_links(
    crispr: pd.DataFrame,
    scores: Sequence[PairScores],
    *,
    n_resamples: int = 1000,
    versus: Sequence[str] = ("distance",),
    seed: int = 0,
    report: Report | None = None,
) -> list[dict[str, Any]]:
    """How well link scores find the tested pairs in which switching the element off lowers the gene.

    Args:
      crispr: schema.CRISPR, n rows.
      scores: of those pairs, one a method; each gene by the fold that never saw its chromosome (the caller's duty).
      n_resamples: of each bootstrap, by pair and by gene.
      versus: the methods that every other one is compared with, pair by pair.
      seed: of the draws, the same for all methods.
      report: called with step, done, total.

    Returns:
      Rows with method, n, n_positive, prevalence, metric, value, ci_low, ci_high, subset, interval (what was drawn:
      pair or gene), n_filled, fill, source, n_genes, versus. `METRIC_difference` rows are method minus `versus`.
      Rows of method `truth` count pairs (n_positive, and their genes) whose TSS in the benchmark is none, disagrees
      with the benchmark's own distance, or lies elsewhere than the study's, which all scores take.
      `spearman_effect`: rank correlation of the score with the expression lost, on all pairs, ranks taken once.
      Subset `scored by all methods`: pairs for which none had to be filled; `within_gene_median`: median over the
      genes with 10 pairs and a positive; `within_gene_mean`: over the same genes, the share whose best link is a
      positive. NaN = not defined there.

    Raises:
      BadInput: no pair at all. UnknownName: `versus` is not among the scores.
    """
    if not len(crispr):
        raise BadInput("no tested pair came; wanted a CRISPRi table with at least one")
    known = [pairs.method for pairs in scores]
    for name in versus:
        if name not in known:
            raise UnknownName(f"nothing is compared with '{name}': the scores are {', '.join(known)}")
    crispr = crispr.reset_index(drop=True)
    truth, genes = crispr["is_positive"].to_numpy(bool), crispr["gene_id"].to_numpy()
    subsets = _subsets(crispr, scores, n_resamples, seed)
    rows: list[dict[str, Any]] = []
    draws: Draws = {}
    for done, pairs in enumerate(scores):
        if report is not None:
            report(f"bootstrap: {pairs.method}", done, len(scores))
        for subset in subsets:
            found, drawn = _subset_rows(pairs, subset, truth, genes)
            rows += found
            draws[pairs.method, subset.name] = drawn
        found, drawn = _within_gene(pairs, truth, genes, n_resamples, seed)
        rows += found
        draws[pairs.method, WITHIN] = drawn
    rows += _with_effect(crispr, scores, subsets[0], truth, genes, draws)
    rows += _own_tss(crispr)
    return rows + [row for name in versus for row in _differences(rows, draws, name)]


def _subsets(crispr: pd.DataFrame, scores: Sequence[PairScores], n_resamples: int, seed: int) -> list[_Subset]:
    genes, distance = crispr["gene_id"].to_numpy(), distance_of_pairs(crispr)
    counts = {
        "pair": resample_counts(len(crispr), n_resamples=n_resamples, seed=seed),
        "gene": resample_counts(len(crispr), groups=genes, n_resamples=n_resamples, seed=seed),
    }
    chosen = {name: (distance >= first) & (distance < last) for name, (first, last) in DISTANCE_BINS.items()}
    chosen[COMMON] = ~np.any([pairs.is_filled for pairs in scores], axis=0)
    subsets = [_Subset("all", np.arange(len(crispr)), counts)]
    for name, is_in in chosen.items():
        rows = np.flatnonzero(is_in)
        if len(rows):
            subsets.append(_Subset(name, rows, {kind: count[rows] for kind, count in counts.items()}))
    return subsets


def _subset_rows(
    pairs: PairScores, subset: _Subset, truth: np.ndarray, genes: np.ndarray
) -> tuple[list[dict[str, Any]], dict[str, dict[str, np.ndarray]]]:
    """Rows of one method on one subset, and the resampled values they come from."""
    ranking = Ranking(truth[subset.rows], pairs.score[subset.rows])
    value = ranking.metrics(np.ones((len(subset.rows), 1), np.uint16))
    drawn = {kind: in_blocks(ranking.metrics, counts) for kind, counts in subset.counts.items()}
    base = _base(pairs, subset.name, subset.rows, truth, genes)
    rows = [
        _row(base, metric, kind, float(value[metric][0]), drawn[kind][metric])
        for metric in LINK_METRICS
        for kind in drawn
    ]
    return rows, drawn


def _with_effect(
    crispr: pd.DataFrame,
    scores: Sequence[PairScores],
    every: _Subset,
    truth: np.ndarray,
    genes: np.ndarray,
    draws: Draws,
) -> list[dict[str, Any]]:
    """Rows of the correlation of each score with the measured loss, on all pairs; its draws go into `draws`."""
    loss = -crispr["effect_fraction"].to_numpy(float) if "effect_fraction" in crispr else np.full(len(crispr), np.nan)
    if np.isnan(loss).any():
        return []
    agreement = RankAgreement(loss, np.stack([pairs.score for pairs in scores]))
    value = agreement.spearman_r(np.ones((len(crispr), 1), np.uint16))[:, 0]
    rows, names = [], [pairs.method for pairs in scores]
    for kind, counts in every.counts.items():
        drawn = in_blocks(lambda block: dict(zip(names, agreement.spearman_r(block), strict=True)), counts)
        for number, pairs in enumerate(scores):
            draws[pairs.method, every.name][kind][SPEARMAN] = drawn[pairs.method]
            base = _base(pairs, every.name, every.rows, truth, genes)
            rows.append(_row(base, SPEARMAN, kind, float(value[number]), drawn[pairs.method]))
    return rows


def _own_tss(crispr: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows that count where the benchmark's own TSS cannot be taken, or is not the study's."""
    if not {"benchmark_tss", "distance_to_tss_bp"} <= set(crispr):
        return []
    own, middle = crispr["benchmark_tss"], (crispr["start"] + crispr["end"]) // 2
    off = ((middle - own.fillna(0)).abs() - crispr["distance_to_tss_bp"].abs()).abs() > TSS_TOLERANCE_BP
    counted = {
        "tss_disagrees_with_its_distance": off,
        "tss_is_0": own.isna(),
        "tss_is_another_than_here": (crispr["tss"] - own).abs() > TSS_TOLERANCE_BP,
    }
    return [
        {
            "method": TRUTH, "n": len(crispr), "n_positive": int(rows.sum()), "prevalence": float(rows.mean()),
            "metric": name, "value": float(rows.sum()), "ci_low": np.nan, "ci_high": np.nan, "subset": "all",
            "interval": "none", "n_genes": crispr.loc[rows, "gene_id"].nunique(), "n_filled": 0, "fill": "none",
            "source": "benchmark", "versus": None,
        }
        for name, rows in counted.items()
    ]  # fmt: skip


def _within_gene(
    pairs: PairScores, truth: np.ndarray, genes: np.ndarray, n_resamples: int, seed: int
) -> tuple[list[dict[str, Any]], dict[str, dict[str, np.ndarray]]]:
    """Rows of one method on the rankings inside each gene, and the resampled medians."""
    members = [
        rows
        for rows in pd.Series(genes).groupby(genes).indices.values()
        if len(rows) >= MIN_PAIRS_PER_GENE and truth[rows].any()
    ]
    if not members:
        return [], {}
    each = [Ranking(truth[rows], pairs.score[rows]).metrics(np.ones((len(rows), 1), np.uint16)) for rows in members]
    chosen = np.random.default_rng(seed).integers(0, len(members), (n_resamples, len(members)))
    inside = np.concatenate(members)
    base = _base(pairs, WITHIN, inside, truth, genes)
    rows, drawn = [], {}
    for metric in LINK_METRICS:
        values = np.array([one[metric][0] for one in each])
        values = np.nan_to_num(values, nan=1.0) if metric == "auroc" else values  # only positives: none is misplaced
        drawn[metric] = np.median(values[chosen], axis=1)
        rows.append(_row(base, metric, "gene", float(np.median(values)), drawn[metric]))
    hits = metrics.top_hits(truth[inside], pairs.score[inside], groups=genes[inside])
    top = {**base, "subset": TOP}
    rows.append(_row(top, "recall_at_1", "gene", float(hits.mean()), hits[chosen].mean(axis=1)))
    return rows, {"gene": drawn}


def _differences(rows: list[dict[str, Any]], draws: Draws, versus: str) -> list[dict[str, Any]]:
    """Method minus `versus` on the same draws, for each row that both have."""
    known = {_key(row): row["value"] for row in rows if row["method"] == versus}
    out = []
    for row in rows:
        method, metric, subset, kind = row["method"], row["metric"], row["subset"], row["interval"]
        own = draws.get((method, subset), {}).get(kind, {})
        if method == versus or _key(row) not in known or metric not in own:
            continue
        drawn = own[metric] - draws[versus, subset][kind][metric]
        base = {**row, "versus": versus}
        out.append(_row(base, f"{metric}_difference", kind, row["value"] - known[_key(row)], drawn))
    return out


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["metric"], row["subset"], row["interval"]


def _base(pairs: PairScores, subset: str, rows: np.ndarray, truth: np.ndarray, genes: np.ndarray) -> dict[str, Any]:
    n_positive = int(truth[rows].sum())
    return {
        "method": pairs.method,
        "n": len(rows),
        "n_positive": n_positive,
        "prevalence": n_positive / len(rows),
        "subset": subset,
        "n_genes": len(pd.unique(genes[rows])),
        "n_filled": int(pairs.is_filled[rows].sum()),
        "fill": pairs.fill,
        "source": pairs.source,
        "versus": None,
    }


def _row(base: Mapping[str, Any], metric: str, kind: str, value: float, drawn: np.ndarray) -> dict[str, Any]:
    found = percentile_interval(value, drawn)
    return {**base, "metric": metric, "value": value, "ci_low": found.low, "ci_high": found.high, "interval": kind}
