"""How predictions agree with measured pairs, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cre_core.evaluation.agreement import agreement


def pairs(predicted: list[float], measured: list[float], positive: list[int], *, genes: int = 2) -> pd.DataFrame:
    """Pairs of a few genes, at 1 kb, 2 kb, ... or, where positive, at 30 kb."""
    n = len(predicted)
    call = np.where(np.isin(np.arange(n), positive), "decrease", "not significant")
    return pd.DataFrame(
        {
            "gene_id": [f"G{k % genes}" for k in range(n)],
            "predicted_fraction": predicted,
            "effect_fraction": measured,
            "call": call,
            "tss_distance_bp": np.where(call == "decrease", -30_000.0, 1_000.0),
        }
    )


RISING = [float(k) / 20 for k in range(-6, 6)]


@pytest.mark.parametrize("by", ["pair", "gene"])
def test_a_perfect_prediction(by: str) -> None:
    found = agreement(pairs(RISING, RISING, [0, 1, 2]), by=by)  # type: ignore[arg-type]
    assert (found.n, found.n_positive, found.n_genes, found.n_without_element, found.reason) == (12, 3, 2, 0, "")
    assert found.spearman[0] == pytest.approx(1)
    assert found.average_precision[0] == pytest.approx(1)
    assert found.prevalence == 0.25


def test_pairs_without_a_prediction_are_counted_and_left_out() -> None:
    table = pairs([np.nan, *RISING], [-1.0, *RISING], [0, 1])
    found = agreement(table)
    assert (found.n, found.n_without_element, found.n_positive) == (12, 1, 1)
    assert found.reason == "no interval of the average precision: 1 positive"
    assert found.average_precision[0] == 1
    assert np.isnan(found.average_precision[1])


def test_one_rule_for_too_few_whatever_is_drawn() -> None:
    few = pairs(RISING[:4], RISING[:4], [0])
    for by in ("pair", "gene"):
        assert agreement(few, by=by).reason == "4 pairs: fewer than 10 say nothing"  # type: ignore[arg-type]
        none = agreement(pairs(RISING, RISING, []), by=by)  # type: ignore[arg-type]
        assert none.reason == "no average precision: none of the pairs is positive"
        assert np.isnan(none.average_precision[0])
        assert none.sizes is None
    assert agreement(few.iloc[:0]).reason == "no measured pair to compare with"


def test_sizes_of_the_positives() -> None:
    predicted = [-0.06, -0.02, 0.01, 0.5, -0.5] + [0.0] * 8
    measured = [-0.3, -0.2, -0.1, -0.4, -0.5] + [0.1] * 8
    table = pairs(predicted, measured, [0, 1, 2, 3])
    table.loc[0, "tss_distance_bp"] = 5_000.0
    sizes = agreement(table).sizes
    assert sizes is not None
    assert (sizes.n, sizes.n_far) == (4, 3)
    assert (sizes.median_predicted[0], sizes.median_measured[0]) == (pytest.approx(-0.005), pytest.approx(-0.25))
    assert (sizes.felt[0], sizes.wrong_sign[0]) == (0.25, 0.5)
    assert sizes.wrong_sign_far[0] == pytest.approx(2 / 3)
    assert np.isnan(sizes.spearman[0])  # of four pairs


def test_whole_genes_give_wider_intervals_when_their_pairs_repeat() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=15)
    predicted, measured = np.repeat(one, 6), np.repeat(one + rng.normal(size=15), 6)
    table = pairs(list(predicted), list(measured), [0, 1, 2]).assign(gene_id=np.repeat(np.arange(15), 6).astype(str))
    by_pair, by_gene = agreement(table), agreement(table, by="gene")
    assert by_pair.spearman[0] == by_gene.spearman[0]
    width = [found.spearman[2] - found.spearman[1] for found in (by_pair, by_gene)]
    assert width[1] > 1.5 * width[0]
