"""Numbers that say how good a score is: rankings against yes/no truth, predictions against measurements.

A score or prediction that is NaN is refused: a pair without a score must be filled explicitly by the caller, who
then reports how many. A metric that the data cannot define (no positive, a constant) is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cre_core.errors import BadInput

RECALL = 0.7  # where precision is read, as the ENCODE CRISPR comparison does


def average_precision(is_positive: np.ndarray, scores: np.ndarray) -> float:
    """Step-wise area under precision and recall.

    Args:
      is_positive: (n,) bool, the truth.
      scores: (n,) higher = more likely positive; NaN is refused.

    Returns:
      0..1; a random order gives the prevalence. NaN without a positive.

    Raises:
      BadInput: lengths differ or a score is NaN.
    """
    is_positive, scores = checked(is_positive, scores)
    return float(_sklearn().average_precision_score(is_positive, scores)) if is_positive.any() else float("nan")


def auroc(is_positive: np.ndarray, scores: np.ndarray) -> float:
    """Chance that a positive scores above a negative, ties half; NaN without both. Arguments as above."""
    is_positive, scores = checked(is_positive, scores)
    if is_positive.all() or not is_positive.any():
        return float("nan")
    return float(_sklearn().roc_auc_score(is_positive, scores))


def precision_at_recall(is_positive: np.ndarray, scores: np.ndarray, *, recall: float = RECALL) -> float:
    """Precision at the highest threshold whose recall reaches `recall`; NaN without a positive."""
    is_positive, scores = checked(is_positive, scores)
    if not is_positive.any():
        return float("nan")
    precision, reached, _ = _sklearn().precision_recall_curve(is_positive, scores)  # threshold rises, recall falls
    # The tolerance keeps 7 of 10 at a recall of 0.7.
    return float(precision[np.flatnonzero(reached >= recall - 1e-9)[-1]])


def tpr_at_k(is_positive: np.ndarray, scores: np.ndarray, *, k: int | None = None) -> float:
    """Share of the positives among the k best scores.

    Args:
      is_positive: (n,) bool.
      scores: (n,) higher = more likely positive; NaN is refused. A tie across rank k counts by its expectation.
      k: how many to take; the number of positives unless given, as in the ScPGE paper.

    Returns:
      0..1. NaN without a positive.

    Raises:
      BadInput: lengths differ, a score is NaN, or k is below 1.
    """
    is_positive, scores = checked(is_positive, scores)
    n_positive = int(is_positive.sum())
    k = n_positive if k is None else k
    if not n_positive:
        return float("nan")
    if k < 1:
        raise BadInput(f"k is {k}; wanted 1 or more")
    if k >= len(scores):
        return 1.0
    threshold = np.sort(scores)[::-1][k - 1]
    above, tied = scores > threshold, scores == threshold
    share = (k - above.sum()) / tied.sum()
    return float((is_positive[above].sum() + share * is_positive[tied].sum()) / n_positive)


def recall_at_1(is_positive: np.ndarray, scores: np.ndarray, *, groups: np.ndarray) -> float:
    """Share of the groups (genes) with a positive whose best score is one; a tie at the top counts by its share.

    Arguments as above; `groups` is (n,), any labels. NaN when no group has a positive.
    """
    hits = top_hits(is_positive, scores, groups=groups)
    return float(hits.mean()) if len(hits) else float("nan")


def top_hits(is_positive: np.ndarray, scores: np.ndarray, *, groups: np.ndarray) -> np.ndarray:
    """(genes with a positive,) float64: the positive share of each group's best score."""
    is_positive, scores = checked(is_positive, scores)
    _, code = np.unique(groups, return_inverse=True)
    best = np.full(code.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, code, scores)
    is_top = scores == best[code]
    tops = np.bincount(code, is_top, len(best))
    hits = np.bincount(code, is_top & is_positive, len(best))
    return (hits / np.maximum(tops, 1))[np.bincount(code, is_positive, len(best)) > 0]


def pearson_r(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Pearson correlation; NaN with fewer than two values or a constant one. A NaN value is refused."""
    observed, predicted = _numbers(observed, predicted)
    if len(observed) < 2 or np.ptp(observed) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    from scipy import stats

    return float(stats.pearsonr(observed, predicted).statistic)


def spearman_r(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Spearman correlation; NaN with fewer than two values or a constant one. A NaN value is refused."""
    observed, predicted = _numbers(observed, predicted)
    return pearson_r(mean_ranks(observed), mean_ranks(predicted))


def mae(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute error in the unit of the values; NaN for no value. A NaN value is refused."""
    observed, predicted = _numbers(observed, predicted)
    return float(np.abs(observed - predicted).mean()) if len(observed) else float("nan")


def checked(is_positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth as (n,) bool and scores as (n,) float64; BadInput when lengths differ or a score is NaN."""
    truth = np.asarray(is_positive)
    _, scores = _numbers(np.zeros(len(truth)), scores)
    return truth.astype(bool), scores


def _numbers(observed: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    observed, predicted = np.asarray(observed, float), np.asarray(predicted, float)
    if observed.ndim != 1 or observed.shape != predicted.shape:
        raise BadInput(f"shapes {observed.shape} and {predicted.shape} came; wanted two lists of one length")
    for name, values in (("observed", observed), ("scored", predicted)):
        if np.isnan(values).any():
            raise BadInput(
                f"{int(np.isnan(values).sum())} of {len(values)} {name} values are NaN; fill or drop them first"
            )
    return observed, predicted


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) rank of each value, 1 = the smallest; tied values share the mean of theirs, NaN has none."""
    return pd.Series(values).rank().to_numpy(float)


def _sklearn() -> Any:
    """Its metrics. It takes a second to import, and most who import this file want other numbers or none yet."""
    from sklearn import metrics

    return metrics
