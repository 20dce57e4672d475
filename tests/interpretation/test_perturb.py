"""Before, change, after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cre_core.errors import BadInput, UnknownName
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import interaction, knock_out, neighbour_effects, scan_singles


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
