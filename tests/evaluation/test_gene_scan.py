"""A gene's scan, on a toy gene whose expression is 1 + the sum of what its elements add."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_gene import ADDS, CRISPR, AddingPredictor, adding_window

from cre_core.evaluation.scan import (
    Scan,
    ablation_by_distance,
    additive_log2,
    expected_fraction,
    known_strengths,
    run_scan,
    with_others,
)
from cre_core.interpretation.perturb import knock_out


def scan_of(crispr: dict[str, object] | None = CRISPR) -> Scan:
    predictor = AddingPredictor(None if crispr is None else pd.DataFrame(crispr))
    return run_scan(predictor, adding_window(), mode="mask")  # type: ignore[arg-type]


def test_the_scan_holds_the_baseline_and_every_single_knock_out() -> None:
    scan = scan_of()
    assert scan.baseline == pytest.approx(3.0)  # log2 8
    assert scan.observed == 3.5
    np.testing.assert_allclose(scan.table["single_fraction"], [-4 / 8, -2 / 8, -1 / 8], atol=1e-6)
    np.testing.assert_allclose(scan.table["single_log2"], [-1.0, np.log2(6 / 8), np.log2(7 / 8)], atol=1e-6)
    np.testing.assert_allclose(scan.table["attention"], ADDS / 8, atol=1e-6)


def test_an_element_takes_the_measured_pair_it_overlaps_and_nothing_else() -> None:
    scan = scan_of()
    assert list(scan.table["measured_call"]) == ["decrease", "increase", ""]
    np.testing.assert_allclose(scan.table["measured_fraction"], [-0.4, 0.2, np.nan])
    np.testing.assert_allclose(scan.pairs["predicted_fraction"], [-0.5, -0.25, np.nan], atol=1e-6)
    assert list(scan.pairs["call"]) == ["decrease", "increase", "not significant"]
    assert scan.agreement.n_without_element == 1


def test_all_elements_under_a_pair_are_knocked_out_together() -> None:
    wide = {**CRISPR, "start": [900, 30_000, 12_400], "end": [5_000, 30_100, 12_600]}
    pairs = scan_of(wide).pairs.set_index("pair_id")
    both, nothing, c = (pairs.loc[name] for name in ("chr1:900-5000", "chr1:30000-30100", "chr1:12400-12600"))
    assert (both["element_ids"], both["element_id"], both["n_elements"]) == (["a", "b"], "a", 2)
    assert both["predicted_fraction"] == pytest.approx(2 / 8 - 1)  # not that of a alone, -4 / 8
    assert (nothing["element_ids"], nothing["element_id"], nothing["n_read"]) == ([], "", 0)
    assert np.isnan(nothing["predicted_fraction"])
    assert c["predicted_fraction"] == pytest.approx(-1 / 8)


def test_an_element_under_several_pairs_shows_the_strongest_significant_one_first() -> None:
    """Three places over b: -30 % without significance, +20 % and -10 % with it."""
    places = {"start": [4_000, 4_100, 4_200], "end": [4_300, 4_400, 4_500]}
    over_b = {**CRISPR, **places, "effect_fraction": [-0.3, 0.2, -0.1], "is_significant": [False, True, True]}
    b = scan_of(over_b).table.set_index("element_id").loc["b"]
    assert b["pair_ids"] == ["chr1:4100-4400", "chr1:4200-4500", "chr1:4000-4300"]
    assert (b["measured_fraction"], b["measured_call"], b["p_adjusted"]) == (0.2, "increase", 0.02)


def test_a_screen_of_another_biosample_is_shown_with_a_warning() -> None:
    scan = scan_of({**CRISPR, "biosample": "elsewhere"})
    assert len(scan.pairs) == 3
    assert scan.warning == "the screen was made in elsewhere, the prediction is for here"


def test_without_a_screen_or_pairs_the_reason_is_said() -> None:
    assert scan_of(None).warning == "study toys has no CRISPRi screen: there is nothing to compare with"
    scan = scan_of({**CRISPR, "gene_id": "another"})
    assert scan.warning == "no element of this gene was tested by CRISPRi"
    assert scan.table["measured_fraction"].isna().all()
    assert scan.agreement.reason == "no measured pair to compare with"


def test_a_pair_without_an_effect_is_left_out_and_counted() -> None:
    scan = scan_of({**CRISPR, "effect_fraction": [-0.4, np.nan, -0.01]})
    assert len(scan.pairs) == 2
    assert scan.warning == "1 tested without a measured effect: not drawn"


def test_a_stretch_of_distance_is_one_knock_out_without_the_gene_s_own_promoter() -> None:
    """a and b lie 8,750 and 5,750 bp from the TSS, c 2,250; then c becomes the promoter."""
    predictor, window = AddingPredictor(), adding_window()
    found = ablation_by_distance(predictor, window, mode="mask").set_index("subset")  # type: ignore[arg-type]
    assert found.loc["<10 kb", "effect_fraction"] == pytest.approx(1 / 8 - 1)
    assert list(found["n_elements"]) == [3, 0, 0, 0]
    assert found["effect_fraction"].iloc[1:].isna().all()
    window.elements["is_own_promoter"] = [False, False, True]
    found = ablation_by_distance(predictor, window, mode="mask")  # type: ignore[arg-type]
    assert found["effect_fraction"][0] == pytest.approx(2 / 8 - 1)


def test_rising_is_the_share_of_elements_whose_loss_raises_expression() -> None:
    assert scan_of().rising == 0
    table = pd.DataFrame({"single_fraction": [-0.1, 0.2, 0.3, np.nan, 0.0]})
    scan = scan_of()
    assert Scan(**{**vars(scan), "table": table}).rising == 2 / 4


def test_the_additive_estimate_takes_each_single_effect_in_proportion() -> None:
    table = scan_of().table
    assert additive_log2(table, {"a": 0.0}) == pytest.approx(-1.0)
    assert additive_log2(table, {"a": 0.25, "b": 0.5}) == pytest.approx(-0.75 + 0.5 * np.log2(0.75))


def test_independent_elements_are_expected_to_multiply() -> None:
    expected, reason = expected_fraction(scan_of().table, {"a": 0.0, "b": 0.0})
    assert (expected, reason) == (pytest.approx(0.5 * 0.75 - 1), "")
    predictor: object = AddingPredictor()
    exact = knock_out(predictor, adding_window(), {"a": 0.0, "b": 0.0})  # type: ignore[arg-type]
    assert exact.effect_fraction == pytest.approx(2 / 8 - 1)  # 12.5 points below the expectation


def test_no_expectation_between_0_and_1_or_for_one_element() -> None:
    table = scan_of().table
    assert np.isnan(expected_fraction(table, {"a": 0.0})[0])
    value, reason = expected_fraction(table, {"a": 0.0, "b": 0.4})
    assert np.isnan(value)
    assert reason == "no interaction while a strength lies between 0 and 1"


def test_with_others_is_the_effect_on_top_and_empty_for_what_is_out() -> None:
    predictor, window, scan = AddingPredictor(), adding_window(), scan_of()
    found = with_others(predictor, window, scan, {"a": 0.0}, mode="mask")  # type: ignore[arg-type]
    np.testing.assert_allclose(found, [np.nan, -2 / 4, -1 / 4], atol=1e-6)  # 4 are left: 1 + 2 + 1
    found = with_others(predictor, window, scan, {}, mode="mask")  # type: ignore[arg-type]
    np.testing.assert_allclose(found, [-4 / 8, -2 / 8, -1 / 8], atol=1e-6)


def test_an_unknown_element_is_named_and_the_others_stay() -> None:
    known, lines = known_strengths(adding_window(), [("a", 0.0), ("nowhere", 0.5), ("b", 1.0)])
    assert known == {"a": 0.0}
    assert lines == ["'nowhere' is not an element of the window around TOY and was left out"]
