"""How predicted knock-outs agree with measured pairs, in order and in size, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cre_core.evaluation import weighted
from cre_core.evaluation.agreement import Sizes, agreement


def pairs_of(predicted: list[float], measured: list[float], n_positive: int) -> pd.DataFrame:
    n = len(predicted)
    return pd.DataFrame(
        {
            "gene_id": [f"g{k // 3}" for k in range(n)], "predicted_fraction": predicted, "effect_fraction": measured,
            "call": ["decrease"] * n_positive + ["not significant"] * (n - n_positive),
            "tss_distance_bp": [1_000.0] * n,
        }
    )  # fmt: skip


def test_a_prediction_in_the_measured_order_agrees_fully() -> None:
    values = list(np.linspace(-0.6, 0.1, 20))
    found = agreement(pairs_of(values, [3 * value for value in values], 4))
    assert found.spearman == pytest.approx((1.0, 1.0, 1.0))
    assert found.average_precision[0] == pytest.approx(1.0)
    assert (found.n, found.n_positive, found.prevalence, found.reason) == (20, 4, 0.2, "")
    assert found.n_genes == 7


def test_too_few_pairs_or_positives_give_the_reason_instead_of_a_number() -> None:
    values = list(np.linspace(-0.6, 0.1, 20))
    few = agreement(pairs_of(values[:4], values[:4], 1))
    assert np.isnan(few.spearman[0])
    assert few.reason == "4 pairs: fewer than 10 say nothing"
    none = agreement(pairs_of(values, values, 0))
    assert np.isnan(none.average_precision[0])
    assert none.reason == "no average precision: none of the pairs is positive"
    assert none.sizes is None
    two = agreement(pairs_of(values, values, 2))
    assert two.average_precision[0] == 1.0
    assert np.isnan(two.average_precision[1])
    assert two.reason == "no interval of the average precision: 2 positive"


def sizes_of(pairs: pd.DataFrame, **given: object) -> Sizes:
    found = agreement(pairs, **given).sizes  # type: ignore[arg-type]
    assert found is not None
    return found


def test_sizes_are_of_the_positives_with_a_prediction() -> None:
    """Five positives, of which one has no prediction and two lie beyond 25 kb; the sixth pair is no positive."""
    predicted = [-0.2, -0.05, -0.01, 0.03, np.nan, -0.9]
    pairs = pairs_of(predicted, [-0.4, -0.2, -0.1, -0.3, -0.6, 0.0], 5)
    pairs["tss_distance_bp"] = [-30_000.0, 25_000.0, 24_999.0, 200_000.0, 90_000.0, 40_000.0]
    found = sizes_of(pairs)
    assert (found.n, found.n_far) == (4, 2)
    assert found.median_predicted[0] == pytest.approx(-0.03)  # between -0.05 and -0.01
    assert found.median_measured[0] == pytest.approx(-0.25)
    assert found.felt[0] == 2 / 4  # a loss of exactly 5 % counts
    assert (found.wrong_sign[0], found.wrong_sign_far[0]) == (1 / 4, 1 / 2)
    assert np.isnan(found.spearman[0])  # below ten positives
    assert -0.2 <= found.median_predicted[1] <= found.median_predicted[2] <= 0.03
    assert np.isnan(found.wrong_sign_far[1])  # two: no interval


def test_where_no_positive_is_far_its_sign_is_not_known() -> None:
    found = sizes_of(pairs_of([-0.1, -0.2], [-0.1, -0.2], 2))
    assert found.n_far == 0
    assert np.isnan(found.wrong_sign_far[0])


def test_the_order_among_the_positives_is_told_apart_from_that_of_all() -> None:
    """Positives are predicted the wrong way round, but all of them below the others."""
    predicted = [*np.linspace(-0.1, -0.5, 12), *np.linspace(0.0, 0.1, 12)]
    measured = [*np.linspace(-0.9, -0.5, 12), *np.linspace(0.0, 0.1, 12)]
    found = agreement(pairs_of(predicted, measured, 12))
    assert found.sizes is not None
    assert found.sizes.spearman[0] == pytest.approx(-1)
    assert found.spearman[0] > 0.4
    assert found.average_precision[0] == pytest.approx(1)


def test_whole_genes_are_drawn() -> None:
    """Two genes of two and one positives: a resample holds one of them twice, or both."""
    pairs = pairs_of([-0.3, -0.1, 0.1], [-0.3, -0.1, -0.2], 3).assign(gene_id=["a", "a", "b"])
    found = sizes_of(pairs, by="gene")
    assert found.median_predicted == pytest.approx((-0.1, -0.2, 0.1))  # both; a alone; b alone
    assert found.wrong_sign == pytest.approx((1 / 3, 0, 1))


def test_medians_and_shares_count_each_value_as_often_as_it_was_drawn() -> None:
    values = np.array([3.0, 1.0, 2.0])
    counts = np.array([[1, 0, 0, 2, 0], [1, 1, 3, 1, 0], [1, 1, 2, 1, 0]], np.uint16)
    np.testing.assert_allclose(weighted.median(values)(counts), [2, 1.5, 1, 2.5, np.nan])
    np.testing.assert_allclose(weighted.share(values > 1)(counts), [2 / 3, 1 / 2, 2 / 5, 3 / 4, np.nan])
