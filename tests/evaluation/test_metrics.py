"""Metrics, known by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cre_core.errors import BadInput
from cre_core.evaluation import metrics

# Ranked: + - + - -
TRUTH = np.array([0, 1, 0, 1, 0], bool)
SCORES = np.array([4.0, 5.0, 2.0, 3.0, 1.0])


def test_a_ranking_by_hand() -> None:
    assert metrics.average_precision(TRUTH, SCORES) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.auroc(TRUTH, SCORES) == pytest.approx(5 / 6)  # one of six pairs is the wrong way round
    assert metrics.precision_at_recall(TRUTH, SCORES) == pytest.approx(2 / 3)
    assert metrics.precision_at_recall(TRUTH, SCORES, recall=0.5) == 1
    assert metrics.tpr_at_k(TRUTH, SCORES) == 0.5
    assert metrics.tpr_at_k(TRUTH, SCORES, k=3) == 1
    assert metrics.tpr_at_k(TRUTH, SCORES, k=99) == 1


def test_ties_count_by_their_expectation() -> None:
    same = np.ones(5)
    assert metrics.average_precision(TRUTH, same) == pytest.approx(0.4)  # the prevalence
    assert metrics.auroc(TRUTH, same) == 0.5
    assert metrics.tpr_at_k(TRUTH, same, k=2) == pytest.approx(0.4)


def test_seven_of_ten_is_a_recall_of_seventy_percent() -> None:
    truth = np.array([1] * 7 + [0, 0, 0] + [1] * 3)
    assert metrics.precision_at_recall(truth, -np.arange(13.0)) == 1


def test_recall_at_1_asks_the_genes_that_have_a_positive() -> None:
    truth = np.array([1, 0, 0, 1, 0, 0, 1, 0], bool)
    genes = np.array(["a", "a", "b", "b", "c", "c", "d", "d"])
    scores = np.array([2.0, 1, 2, 1, 2, 1, 1, 1])
    # a is right, b wrong, c has no positive, d's two scores tie.
    assert metrics.recall_at_1(truth, scores, groups=genes) == pytest.approx((1 + 0 + 0.5) / 3)
    assert np.isnan(metrics.recall_at_1(truth[:1] & False, scores[:1], groups=genes[:1]))


@pytest.mark.parametrize(
    "metric", [metrics.average_precision, metrics.auroc, metrics.precision_at_recall, metrics.tpr_at_k]
)
def test_undefined_is_nan_and_nan_is_refused(metric: Callable[[np.ndarray, np.ndarray], float]) -> None:
    assert np.isnan(metric(np.zeros(3, bool), np.arange(3.0)))
    with pytest.raises(BadInput, match="1 of 3 scored values are NaN; fill or drop them first"):
        metric(np.array([1, 0, 0]), np.array([1.0, np.nan, 0.0]))
    with pytest.raises(BadInput, match=r"shapes \(2,\) and \(3,\) came"):
        metric(np.array([1, 0]), np.arange(3.0))


def test_auroc_needs_a_negative_and_k_a_pair() -> None:
    assert np.isnan(metrics.auroc(np.ones(3, bool), np.arange(3.0)))
    with pytest.raises(BadInput, match="k is 0; wanted 1 or more"):
        metrics.tpr_at_k(TRUTH, SCORES, k=0)


def test_agreement_by_hand() -> None:
    x, y = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 9.0])
    assert metrics.pearson_r(x, 5 - 2 * x) == pytest.approx(-1)
    assert metrics.spearman_r(x, y) == pytest.approx(1)
    assert metrics.pearson_r(x, y) == pytest.approx(8 / np.sqrt(2 * 38))
    assert metrics.mae(x, y) == 2
    assert np.isnan(metrics.pearson_r(x, np.ones(3)))
    assert np.isnan(metrics.mae(x[:0], y[:0]))
    with pytest.raises(BadInput, match="1 of 3 observed values are NaN"):
        metrics.mae(np.array([np.nan, 1, 2]), y)
