"""Resampled metrics against the same metrics on rows repeated by hand; intervals against theory."""

from __future__ import annotations

import numpy as np
import pytest

from cre_core.errors import BadInput
from cre_core.evaluation import metrics
from cre_core.evaluation.bootstrap import interval, paired_difference, percentile_interval, resample_counts
from cre_core.evaluation.weighted import RankAgreement, Ranking, ValueAgreement

BY_NAME = {
    "average_precision": metrics.average_precision,
    "auroc": metrics.auroc,
    "precision_at_recall_70": metrics.precision_at_recall,
    "tpr_at_k": metrics.tpr_at_k,
    "pearson_r": metrics.pearson_r,
    "spearman_r": metrics.spearman_r,
    "mae": metrics.mae,
}


@pytest.mark.parametrize("decimals", [1, 8])  # with many ties, and none
def test_counting_a_row_twice_is_repeating_it(decimals: int) -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(200) < 0.2
    scores = np.round(rng.random(200) + 0.3 * truth, decimals)
    values = np.round(rng.random(200), decimals)
    counts = resample_counts(200, n_resamples=20, seed=5)
    found = {**Ranking(truth, scores).metrics(counts), **ValueAgreement(values, scores).metrics(counts)}
    for resample in range(20):
        rows = np.repeat(np.arange(200), counts[:, resample])
        for name, metric in BY_NAME.items():
            first = truth if name in list(BY_NAME)[:4] else values
            assert found[name][resample] == pytest.approx(metric(first[rows], scores[rows])), name


def test_ranks_taken_once_are_spearmans_own_where_every_row_counts_once() -> None:
    rng = np.random.default_rng(4)
    values, scores = np.round(rng.normal(size=60), 1), np.round(rng.normal(size=(2, 60)), 1)
    found = RankAgreement(values, scores).spearman_r(np.ones((60, 1), np.uint16))
    assert found[:, 0] == pytest.approx([metrics.spearman_r(values, row) for row in scores])
    counts = resample_counts(60, n_resamples=8, seed=1)
    ranks = [np.argsort(np.argsort(row)) for row in (np.arange(60.0), scores[0] + np.arange(60) * 1e-6)]
    drawn = RankAgreement(np.arange(60.0), scores[:1] + np.arange(60) * 1e-6).spearman_r(counts)[0]
    by_hand = [np.corrcoef(*(np.repeat(rank, counts[:, r]) for rank in ranks))[0, 1] for r in range(8)]
    assert drawn == pytest.approx(by_hand)
    assert np.isnan(RankAgreement(np.ones(5), np.ones((1, 5))).spearman_r(np.ones((5, 1), int))).all()


def test_resamples_without_a_positive_or_a_spread_are_nan() -> None:
    nothing = np.array([[0], [3]], np.uint16)
    ranked = Ranking(np.array([True, False]), np.array([1.0, 2.0])).metrics(nothing)
    assert all(np.isnan(values[0]) for values in ranked.values())
    agreed = ValueAgreement(np.array([1.0, 2.0]), np.array([1.0, 3.0])).metrics(nothing)
    assert np.isnan(agreed["pearson_r"][0])
    assert np.isnan(agreed["spearman_r"][0])
    assert agreed["mae"][0] == 1
    no_positive = Ranking(np.zeros(2, bool), np.zeros(2)).metrics(np.ones((2, 3), np.uint16))
    assert all(np.isnan(values).all() for values in no_positive.values())


def test_each_resample_draws_n_rows_or_whole_groups() -> None:
    by_row = resample_counts(50, n_resamples=30)
    assert (by_row.sum(0) == 50).all()
    groups = np.array(["a", "a", "b", "c", "c", "c"])
    by_group = resample_counts(6, groups=groups, n_resamples=30)
    assert (by_group[0] == by_group[1]).all()
    assert (by_group[3] == by_group[5]).all()
    assert (by_group[[0, 2, 3]].sum(0) == 3).all()
    assert (resample_counts(50, n_resamples=30) == by_row).all()


def test_interval_of_a_mean_is_two_standard_errors() -> None:
    values = np.random.default_rng(0).normal(size=400)

    def mean(counts: np.ndarray) -> np.ndarray:
        return values @ counts / counts.sum(0)

    found = interval(mean, 400, n_resamples=4000)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def test_resampling_groups_is_wider_when_their_rows_repeat_each_other() -> None:
    groups = np.repeat(np.arange(40), 10)
    values = np.random.default_rng(0).normal(size=40)[groups]

    def mean(counts: np.ndarray) -> np.ndarray:
        return values @ counts / counts.sum(0)

    by_row, by_group = interval(mean, 400), interval(mean, 400, by=groups)
    assert (by_group.high - by_group.low) / (by_row.high - by_row.low) == pytest.approx(np.sqrt(10), rel=0.2)


def test_a_paired_difference_forgets_what_both_share() -> None:
    values = np.random.default_rng(0).normal(size=100)

    def mean(counts: np.ndarray) -> np.ndarray:
        return values @ counts / counts.sum(0)

    found = paired_difference(lambda counts: mean(counts) + 0.1, mean, n=100, n_resamples=50)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_undefined_resamples_are_left_out() -> None:
    assert percentile_interval(1.0, np.array([np.nan, 1.0, 1.0])).low == 1
    assert np.isnan(percentile_interval(1.0, np.array([np.nan])).high)


def test_bad_draws_are_refused() -> None:
    with pytest.raises(BadInput, match="2 group labels for 3 rows"):
        resample_counts(3, groups=np.array([1, 2]))
    with pytest.raises(BadInput, match="0 resamples came"):
        resample_counts(3, n_resamples=0)
