"""The benchmark of element-gene links against measured CRISPRi effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cre_core.errors import BadInput
from cre_core.evaluation import metrics
from cre_core.evaluation.bootstrap import in_blocks, percentile_interval, resample_counts
from cre_core.evaluation.pairs import Fill, PairScores, distance_of_pairs, score_pairs
from cre_core.evaluation.weighted import LINK_METRICS, Ranking

# Distance in bp, first included, last not. The last two are the reaches that the papers stop at.
DISTANCE_BINS: Mapping[str, tuple[float, float]] = {
    "<10 kb": (0, 10_000),
    "10-25 kb": (10_000, 25_000),
    "25-100 kb": (25_000, 100_000),
    ">100 kb": (100_000, np.inf),
    "<25 kb": (0, 25_000),
    "<100 kb": (0, 100_000),
}
MIN_PAIRS_PER_GENE = 10  # a ranking within a gene says little below this


@dataclass(frozen=True)
class _Subset:
    """Some of the tested pairs, with how often each is drawn by either kind of resampling."""

    name: str
    rows: np.ndarray  # (m,)
    counts: Mapping[str, np.ndarray]  # "pair", "gene" -> (m, R)


def evaluate_links(
    crispr: pd.DataFrame,
    links: pd.DataFrame,
    *,
    methods: Sequence[str],
    n_resamples: int = 1000,
    elements: pd.DataFrame | None = None,
    reference: str | None = "distance",
    fill: Fill | Mapping[str, Fill] = "zero",
    seed: int = 0,
) -> list[dict[str, Any]]:
    """How well link scores find the tested pairs in which switching the element off lowers the gene.

    Args:
      crispr: schema.CRISPR, and the signal columns that `score_pairs` names.
      links: schema.LINKS, several methods; each gene by the fold that never saw its chromosome (the caller's duty).
      methods: which, each in `links` or in `baselines.METHODS`.
      n_resamples: of each bootstrap, by pair and by gene.
      elements: a study's elements with `dnase` and `h3k27ac`, for abc.
      reference: the method each other one is compared with, pair by pair; None for no comparison.
      fill: what pairs without a score get, for all methods or by method ("zero" where a method is not named).
      seed: of the draws, the same for all methods.

    Returns:
      Rows with method, n, n_positive, prevalence, metric, value, ci_low, ci_high, subset, interval (what was drawn:
      pair or gene), n_filled, fill, source, n_genes, versus. `METRIC_difference` rows are method minus `versus`.
      Subset `within_gene_median`: median over the genes with 10 pairs and a positive; `within_gene_mean`: over the
      same genes, the share whose best link is a positive. NaN = not defined there.

    Raises:
      BadInput: no pair at all.
      NotAvailable: a method has no score.
    """
    if not len(crispr):
        raise BadInput("no tested pair came; wanted a CRISPRi table with at least one")
    crispr = crispr.reset_index(drop=True)
    truth, genes = crispr["is_positive"].to_numpy(bool), crispr["gene_id"].to_numpy()
    fills = {method: fill if isinstance(fill, str) else fill.get(method, "zero") for method in methods}
    scores = [score_pairs(crispr, links, method=m, elements=elements, fill=fills[m]) for m in dict.fromkeys(methods)]
    subsets = _subsets(crispr, n_resamples, seed)
    rows, draws = [], {}
    for pairs in scores:
        for subset in subsets:
            found, drawn = _subset_rows(pairs, subset, truth, genes)
            rows += found
            draws[pairs.method, subset.name] = drawn
        found, drawn = _within_gene(pairs, truth, genes, n_resamples, seed)
        rows += found
        draws[pairs.method, "within_gene_median"] = drawn
    return rows + _differences(rows, draws, reference)


def _subsets(crispr: pd.DataFrame, n_resamples: int, seed: int) -> list[_Subset]:
    genes, distance = crispr["gene_id"].to_numpy(), distance_of_pairs(crispr)
    counts = {
        "pair": resample_counts(len(crispr), n_resamples=n_resamples, seed=seed),
        "gene": resample_counts(len(crispr), groups=genes, n_resamples=n_resamples, seed=seed),
    }
    subsets = [_Subset("all", np.arange(len(crispr)), counts)]
    for name, (first, last) in DISTANCE_BINS.items():
        rows = np.flatnonzero((distance >= first) & (distance < last))
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
    base = _base(pairs, "within_gene_median", inside, truth, genes)
    rows, drawn = [], {}
    for metric in LINK_METRICS:
        values = np.array([one[metric][0] for one in each])
        values = np.nan_to_num(values, nan=1.0) if metric == "auroc" else values  # only positives: none is misplaced
        drawn[metric] = np.median(values[chosen], axis=1)
        rows.append(_row(base, metric, "gene", float(np.median(values)), drawn[metric]))
    hits = metrics.top_hits(truth[inside], pairs.score[inside], groups=genes[inside])
    top = {**base, "subset": "within_gene_mean"}
    rows.append(_row(top, "recall_at_1", "gene", float(hits.mean()), hits[chosen].mean(axis=1)))
    return rows, {"gene": drawn}


def _differences(
    rows: list[dict[str, Any]],
    draws: Mapping[tuple[str, str], Mapping[str, Mapping[str, np.ndarray]]],
    reference: str | None,
) -> list[dict[str, Any]]:
    """Method minus reference on the same draws, for each row that both have."""
    known = {_key(row): row["value"] for row in rows if row["method"] == reference}
    out = []
    for row in rows:
        method, metric, subset, kind = row["method"], row["metric"], row["subset"], row["interval"]
        own = draws.get((method, subset), {}).get(kind, {})
        if method == reference or _key(row) not in known or metric not in own:
            continue
        drawn = own[metric] - draws[str(reference), subset][kind][metric]
        base = {**row, "versus": reference}
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
