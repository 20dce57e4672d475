"""Before, change, after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, UnknownName
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import (
    interaction,
    knock_out,
    neighbour_effects,
    scan_pairs,
    scan_singles,
    smallest_set,
)
from cre_core.schema import ExpressionUnit, Prediction


@pytest.mark.parametrize("mode", ["mask", "silence"])
def test_a_scan_is_one_knock_out_after_another(toy_predictor: Predictor, mode: str) -> None:
    window = toy_predictor.window("G1")
    scan = scan_singles(toy_predictor, window, mode=mode)  # type: ignore[arg-type]
    for row in scan.itertuples():
        alone = knock_out(toy_predictor, window, {row.element_id: 0.0}, mode=mode)  # type: ignore[arg-type]
        assert row.after == pytest.approx(alone.after, abs=1e-5)
        assert row.log2_fold_change == pytest.approx(alone.after - alone.before, abs=1e-5)  # the unit is log2
        assert row.effect_fraction == pytest.approx(2.0**row.log2_fold_change - 1)


def test_no_data_is_no_effect_and_not_zero(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    blank = window.elements.astype({"dnase": float})
    blank.loc[1, "dnase"] = np.nan
    scan = scan_singles(toy_predictor, replace(window, elements=blank))
    assert scan["effect_fraction"].isna().tolist() == [False, True, False, False]


def test_nothing_changed_is_no_effect_to_the_last_bit(toy_predictor: Predictor) -> None:
    change = knock_out(toy_predictor, toy_predictor.window("G1"), {"e2": 1.0})
    assert change.before == change.after
    assert change.effect_fraction == 0


def test_what_the_model_leaves_out_has_exactly_no_effect(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    blank = window.elements.astype({"dnase": float})
    blank.loc[1, "dnase"] = np.nan
    gap = str(blank.loc[1, "element_id"])
    change = knock_out(toy_predictor, replace(window, elements=blank), {gap: 0.0})
    assert change.after == change.before


def test_attention_before_and_after(toy_predictor: Predictor) -> None:
    change = knock_out(toy_predictor, toy_predictor.window("G1"), {"e3": 0.0})
    assert change.attention_before[2] > 0
    assert change.attention_after[2] == 0


def test_interaction_is_combined_minus_sum(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    both = knock_out(toy_predictor, window, {"e2": 0.0, "e3": 0.0}).log2_fold_change
    singles = scan_singles(toy_predictor, window).set_index("element_id")["log2_fold_change"]
    found = interaction(toy_predictor, window, ["e2", "e3"])
    assert found.combined_log2 == pytest.approx(both, abs=1e-5)
    assert found.interaction_log2 == pytest.approx(both - singles["e2"] - singles["e3"], abs=1e-5)


def test_one_element_has_no_interaction(toy_predictor: Predictor) -> None:
    with pytest.raises(BadInput, match="1 element; an interaction wants two or more"):
        interaction(toy_predictor, toy_predictor.window("G1"), ["e2", "e2"])


def test_an_element_outside_the_window(toy_predictor: Predictor) -> None:
    with pytest.raises(UnknownName, match="e6 is not among the 4 elements"):
        knock_out(toy_predictor, toy_predictor.window("G1"), {"e6": 0.0})


def test_neighbours_are_predicted_by_themselves(toy_predictor: Predictor) -> None:
    table = neighbour_effects(toy_predictor, toy_predictor.window("G1"), {"e3": 0.0})
    assert table["gene_name"].tolist() == ["geneM"]
    assert table["tss_distance_bp"].tolist() == [200_000]
    alone = knock_out(toy_predictor, toy_predictor.window("G2"), {"e3": 0.0}).effect_fraction
    assert np.allclose(table["effect_fraction"], alone)


def test_pairs_are_what_each_interaction_gives(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    table = scan_pairs(toy_predictor, window, ["e2", "e3", "e4"])
    assert list(zip(table["element_id"], table["other_id"], strict=True)) == [
        ("e2", "e3"),
        ("e2", "e4"),
        ("e3", "e4"),
    ]
    for row in table.itertuples():
        alone = interaction(toy_predictor, window, [row.element_id, row.other_id])
        assert row.log2_fold_change == pytest.approx(alone.combined_log2, abs=1e-5)
        assert row.expected_log2 == pytest.approx(alone.expected_log2, abs=1e-5)
        assert row.interaction_log2 == pytest.approx(alone.interaction_log2, abs=1e-5)


def test_a_pair_with_a_gap_has_no_number(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    blank = window.elements.astype({"dnase": float})
    blank.loc[1, "dnase"] = np.nan
    table = scan_pairs(toy_predictor, replace(window, elements=blank), ["e2", "e3", "e4"])
    assert table["interaction_log2"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize("ids", [["e2", "e2"], [f"e{n}" for n in range(10_000)]])
def test_too_few_or_too_many_to_pair(toy_predictor: Predictor, ids: list[str]) -> None:
    with pytest.raises(BadInput, match=rf"{len(set(ids))} elements came; all pairs are tried of 2 to 60"):
        scan_pairs(toy_predictor, toy_predictor.window("G1"), ids)


class Additive:
    """A predictor whose log2 expression is a sum over the elements that are there."""

    unit = ExpressionUnit.of("log2(TPM + 1)")

    def __init__(self, weights: list[float]) -> None:
        self.weights = torch.tensor(weights)

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        return np.ones(len(window.elements), bool)

    predict_singles = Predictor.predict_singles

    def predict_variants(self, window: object, strengths: np.ndarray, *, mode: str, shuffle: int = 0) -> Prediction:
        expression = 5 + torch.from_numpy(strengths) @ self.weights
        return Prediction(expression, torch.zeros(len(strengths), 1, 1, 1 + len(self.weights)))


def test_a_greedy_set_takes_the_strongest_first(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")  # e1 to e4
    found = smallest_set(Additive([0.2, -0.5, 0.6, 0.45]), window)  # type: ignore[arg-type]
    assert found.steps["element_id"].tolist() == ["e3", "e4"]
    assert found.steps["log2_fold_change"].tolist() == pytest.approx([-0.6, -1.05])
    assert found.is_reached
    quarter = smallest_set(Additive([0.2, -0.5, 0.6, 0.45]), window, loss=0.25)  # type: ignore[arg-type]
    assert quarter.steps["element_id"].tolist() == ["e3"]


def test_a_greedy_set_ends_where_nothing_helps(toy_predictor: Predictor) -> None:
    found = smallest_set(Additive([0.2, -0.5, 0.1, -0.1]), toy_predictor.window("G1"))  # type: ignore[arg-type]
    assert found.steps["element_id"].tolist() == ["e1", "e3"]
    assert not found.is_reached


def test_a_loss_that_is_no_share(toy_predictor: Predictor) -> None:
    with pytest.raises(BadInput, match=r"a loss of 1\.5 came; wanted a share between 0 and 1"):
        smallest_set(toy_predictor, toy_predictor.window("G1"), loss=1.5)


def test_independent_elements_have_no_interaction(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    table = scan_pairs(Additive([0.2, -0.5, 0.6, 0.45]), window, ["e1", "e2", "e3", "e4"])  # type: ignore[arg-type]
    assert np.allclose(table["interaction_log2"], 0, atol=1e-6)
