"""The same metrics for many resamples at once: each pair or gene counts as often as it was drawn.

Sorting happens once; a resample is a column of counts, so 1,000 resamples of 10,000 pairs take a fraction of a
second. With counts of one everywhere these equal `metrics`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.evaluation.bootstrap import Statistic
from cre_core.evaluation.metrics import RECALL, checked, mean_ranks

LINK_METRICS = ("average_precision", "auroc", "precision_at_recall_70", "tpr_at_k")
EXPRESSION_METRICS = ("pearson_r", "spearman_r", "mae")


class Ranking:
    """Pairs sorted by score, ready to be counted again and again."""

    def __init__(self, is_positive: np.ndarray, scores: np.ndarray) -> None:
        is_positive, scores = checked(is_positive, scores)
        self.order = np.argsort(-scores, kind="stable")
        ranked = scores[self.order]
        is_first = np.r_[True, ranked[1:] != ranked[:-1]] if len(ranked) else np.zeros(0, bool)
        first = np.flatnonzero(is_first)
        group = np.cumsum(is_first) - 1
        stop = np.r_[first[1:], len(ranked)]
        # Every metric changes at positives only, so only their places in the order matter.
        self.place = np.flatnonzero(is_positive[self.order])  # (P,)
        tie_first = first[group[self.place]]  # (P,) where the tie that holds it begins
        tie_stop = stop[group[self.place]]  # (P,) and ends
        self.ends = np.unique(np.r_[0, tie_first, tie_stop, len(ranked)])  # (S + 1,) the only places to count up to
        self.tie_first, self.tie_stop = (np.searchsorted(self.ends, at) for at in (tie_first, tie_stop))
        self.hits_first, self.hits_stop = (np.searchsorted(self.place, at) for at in (tie_first, tie_stop))

    def metrics(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Every one of LINK_METRICS in every resample.

        Args:
          counts: (n, R) whole numbers: how often each pair was drawn.

        Returns:
          name -> (R,) float64; NaN where a resample holds no positive (or, for auroc, no negative).
        """
        ranked = counts[self.order]  # (n, R)
        drawn = np.zeros((len(self.ends), counts.shape[1]), np.int32)  # pairs above each end
        if len(self.ends) > 1:
            np.cumsum(np.add.reduceat(ranked, self.ends[:-1], axis=0, dtype=np.int32), axis=0, out=drawn[1:])
        weight = ranked[self.place].astype(np.int32)  # (P, R)
        hits = np.zeros((len(self.place) + 1, counts.shape[1]), np.int32)
        np.cumsum(weight, axis=0, out=hits[1:])
        before, after = drawn[self.tie_first], drawn[self.tie_stop]  # (P, R) pairs above, and up to the tie's end
        hits_before, hits_after = hits[self.hits_first], hits[self.hits_stop]
        n_positive = hits[-1].astype(float)
        n_positive[n_positive == 0] = np.nan
        n_negative = drawn[-1] - n_positive
        n_negative[n_negative == 0] = np.nan
        precision = hits_after / np.maximum(after, 1)
        misses = (before - hits_before + after - hits_after) / 2
        taken = np.clip((n_positive - before) / np.maximum(after - before, 1), 0, 1)
        return {
            "average_precision": (weight * precision).sum(0) / n_positive,
            "auroc": 1 - (weight * misses).sum(0) / (n_positive * n_negative),
            "precision_at_recall_70": _precision_reaching(precision, hits_after, n_positive),
            "tpr_at_k": (weight * taken).sum(0) / n_positive,
        }


def _precision_reaching(precision: np.ndarray, hits: np.ndarray, n_positive: np.ndarray) -> np.ndarray:
    if not len(hits):
        return np.full(len(n_positive), np.nan)
    first = (hits >= (RECALL - 1e-9) * n_positive).argmax(0)
    return np.where(np.isnan(n_positive), np.nan, precision[first, np.arange(len(first))])


class RankAgreement:
    """Spearman correlation of several scores with one column of values; ranks are taken once, among all rows."""

    def __init__(self, observed: np.ndarray, scores: np.ndarray) -> None:
        """Args: observed (n,); scores (M, n)."""
        n = max(len(observed), 1)
        y = _centred(mean_ranks(observed) / n)
        x = np.stack([_centred(mean_ranks(row) / n) for row in scores])
        self.products = np.concatenate([[y, y * y], x, x * x, x * y])  # (2 + 3M, n)

    def spearman_r(self, counts: np.ndarray) -> np.ndarray:
        """(M, R) of counts (n, R); with one of each row Spearman's own, NaN where a column is constant."""
        total = _drawn(counts)
        sums = self.products @ counts.astype(float) / total
        y, y2, (x, x2, xy) = sums[0], sums[1], np.split(sums[2:], 3)
        return _correlation(xy - x * y, x2 - x**2, y2 - y**2)


class ValueAgreement:
    """Measured and predicted values, ready to be counted again and again."""

    def __init__(self, observed: np.ndarray, predicted: np.ndarray) -> None:
        self.observed, self.predicted = np.asarray(observed, float), np.asarray(predicted, float)

    def metrics(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Every one of EXPRESSION_METRICS in every resample.

        Args:
          counts: (n, R) whole numbers: how often each gene was drawn.

        Returns:
          name -> (R,) float64; NaN where a resample is constant or empty.
        """
        weight, total = counts.astype(float), _drawn(counts)
        x, y = _centred(self.observed), _centred(self.predicted)
        sums = np.stack([x, y, x * x, y * y, x * y, np.abs(self.observed - self.predicted)]) @ weight / total
        x_rank, y_rank = (_midranks(values, counts) for values in (self.observed, self.predicted))
        spreads = [
            np.einsum("nr,nr,nr->r", weight, a, b) / total
            for a, b in ((x_rank, y_rank), (x_rank, x_rank), (y_rank, y_rank))
        ]
        return {
            "pearson_r": _correlation(sums[4] - sums[0] * sums[1], sums[2] - sums[0] ** 2, sums[3] - sums[1] ** 2),
            "spearman_r": _correlation(*spreads),
            "mae": sums[5],
        }


def share(holds: np.ndarray) -> Statistic:
    """Of counts (n, R): the share (R,) of what was drawn for which `holds` (n,) is true; NaN where nothing was."""
    return lambda counts: (holds[:, None] * counts).sum(0) / _drawn(counts)


def median(values: np.ndarray) -> Statistic:
    """Of counts (n, R): the median (R,) of `values` (n,), each as often as it was drawn; NaN where nothing was."""
    order = np.argsort(values, kind="stable")

    def of(counts: np.ndarray) -> np.ndarray:
        drawn = np.cumsum(counts[order], axis=0, dtype=np.int64)  # (n, R)
        total = drawn[-1]
        low, high = (values[order][(drawn > half).argmax(axis=0)] for half in ((total - 1) // 2, total // 2))
        return np.where(total > 0, (low + high) / 2, np.nan)

    return of


def _drawn(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(0).astype(float)
    total[total == 0] = np.nan
    return total


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean() if len(values) else values


def _correlation(covariance: np.ndarray, x_variance: np.ndarray, y_variance: np.ndarray) -> np.ndarray:
    product = x_variance * y_variance
    is_constant = ~(product > 1e-24)  # also where nothing was drawn
    return np.where(is_constant, np.nan, covariance / np.sqrt(np.where(is_constant, 1.0, product)))


def _midranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(n, R) mean rank of each value in each resample, -0.5..0.5: its weighted mean is 0."""
    dense = pd.Series(values).rank(method="dense").to_numpy(int) - 1
    order = np.argsort(values, kind="stable")
    drawn = np.zeros((len(values) + 1, counts.shape[1]), np.int32)
    np.cumsum(counts[order], axis=0, out=drawn[1:])
    first = np.searchsorted(values[order], np.unique(values), "left")
    stop = np.r_[first[1:], len(values)]
    middle = (drawn[first] + drawn[stop]) / 2
    return (middle / np.maximum(drawn[-1], 1) - 0.5)[dense]
