"""What the knock-out page says of measured pairs and of sizes, from plain values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_gene import CRISPR, AddingPredictor, adding_window

from cre_core.evaluation.agreement import Agreement, Sizes
from cre_core.evaluation.scan import run_scan
from dashboard.components.effect_bars import EffectBar, bars
from dashboard.pages.knockout import agreement, gene
from dashboard.pages.knockout import pair as one_pair
from dashboard.pages.knockout.elements import pair_rows_of, rows_of
from dashboard.services.desk import Experiment

NONE = (float("nan"),) * 3
SIZES = Sizes(
    n=446, n_far=235, median_predicted=(-0.0041, -0.006, -0.0031), median_measured=(-0.1016, -0.1131, -0.0949),
    felt=(0.0516, 0.03, 0.074), wrong_sign=(0.2108, 0.16, 0.27), wrong_sign_far=(0.2766, 0.19, 0.37),
    spearman=(0.0241, -0.083, 0.131),
)  # fmt: skip


def experiment(crispr: dict[str, object] | None = None) -> Experiment:
    """Three elements a, b, c that add 4, 2, 1 to a level of 8; pairs under a, b and none of them."""
    predictor: Any = AddingPredictor(pd.DataFrame(CRISPR if crispr is None else crispr))
    scan = run_scan(predictor, adding_window(), mode="mask")
    return Experiment(predictor, adding_window(), "mask", scan, "fold_1", False)


def lines_of(part: Any) -> list[str]:
    """Every text in a tree of parts, in order."""
    if part is None or isinstance(part, str):
        return [part] if part else []
    children = part if isinstance(part, list) else [getattr(part, "children", None)]
    return [text for child in children for text in lines_of(child)]


def said(parts: list[Any]) -> str:
    return str(parts)


# -- one pair -------------------------------------------------------------------------------------------------------


def test_a_pair_is_told_with_all_that_the_screen_says_of_it() -> None:
    first, second, third = one_pair.measured_of(experiment())
    assert (first["pair_id"], first["element_ids"]) == ("chr1:1000-1500", ["a"])
    assert (first["place"], first["distance"]) == ("chr1:1,001-1,500", "−8.75 kb")
    assert (first["measured"], first["words"]) == ("−40 % ●", "significant decrease")
    assert (first["p_adjusted"], first["power"]) == ("adjusted p 0.001", "power 0.9 to see 25 %")
    assert (first["predicted"], first["experiment"]) == ("−50 %", "the element under it knocked out")
    assert (first["reference"], first["is_read"]) == ("toy", True)
    assert second["measured"] == "+20 % ▲"
    assert third["experiment"] == "no element that the model reads lies under it"
    assert (third["predicted"], third["predicted_percent"], third["is_read"]) == ("", None, False)
    assert (third["p_adjusted"], third["power"]) == ("adjusted p not known", "power not known")


def test_the_prediction_is_one_experiment_with_all_elements_under_the_pair() -> None:
    wide = {**CRISPR, "start": [900, 30_000, 40_000], "end": [5_000, 30_100, 40_100]}
    pair = one_pair.measured_of(experiment(wide))[0]
    assert pair["element_ids"] == ["a", "b"]
    assert (pair["predicted"], pair["experiment"]) == ("−75 %", "all 2 elements under it knocked out together")
    assert pair["predicted_percent"] == pytest.approx(-75)
    assert one_pair.experiment_line(3, 1) == "all 3 elements under it knocked out together; the model reads 1"


def test_every_measured_pair_is_in_a_row_of_the_table() -> None:
    """Two pairs over b, one over a and c, one under nothing."""
    places = {"start": [4_000, 4_300, 1_400, 30_000], "end": [4_200, 4_400, 12_100, 30_400]}
    frame = pd.DataFrame(CRISPR)
    four = {**pd.concat([frame, frame.tail(1)]).to_dict("list"), **places}
    here = experiment(four)
    rows = [*rows_of(here), *pair_rows_of(here)]
    assert [len(row["pair_ids"]) for row in rows] == [1, 3, 1, 1]
    assert {name for row in rows for name in row["pair_ids"]} == set(here.scan.pairs["pair_id"])
    assert [row["element_id"] for row in rows][3:] == ["chr1:30000-30400"]


# -- agreement and sizes --------------------------------------------------------------------------------------------


def test_agreement_carries_n_prevalence_and_intervals_or_the_reason() -> None:
    found = Agreement(34, 6, 2, 1, (0.334, -0.09, 0.66), (0.761, 0.4, 1.0), None, "")
    assert lines_of(agreement.agreement_lines(found, "a warning")) == [
        "Spearman 0.334 [−0.09, 0.66], n = 34",
        "AP 0.761 [0.4, 1], prevalence 0.176",
        "a warning",
        "2 pairs have no prediction",
        "Only s = 0 compares with CRISPRi.",
    ]
    none = Agreement(4, 1, 0, 1, NONE, NONE, None, "4 pairs: fewer than 10 say nothing")
    lines = lines_of(agreement.agreement_lines(none, ""))
    assert lines == ["4 pairs: fewer than 10 say nothing", "Only s = 0 compares with CRISPRi."]


def test_sizes_are_told_in_plain_words_with_n() -> None:
    assert lines_of(agreement.size_lines(SIZES)) == [
        "median of the 446 positives", "measured", "−10.2 %", "predicted", "−0.41 %",
        "5.16 % of 446 predicted to lose 5 % or more",
        "21.1 % of 446 with the wrong sign",
        "beyond 25 kb 27.7 % of 235",
        "Spearman among them 0.0241 [−0.083, 0.131]",
    ]  # fmt: skip
    assert "95 % interval −0.6 % to −0.31 %" in said(agreement.size_lines(SIZES))


def test_of_a_few_positives_shares_are_counts_and_what_is_not_known_is_left_out() -> None:
    few = replace(
        SIZES, n=9, n_far=9, felt=(1 / 9, np.nan, np.nan), wrong_sign=(1.0, np.nan, np.nan), spearman=NONE,
        median_predicted=(0.001, np.nan, np.nan),
    )  # fmt: skip
    lines = lines_of(agreement.size_lines(few))
    assert lines[4:] == ["+0.1 %", "1 of 9 predicted to lose 5 % or more", "9 of 9 with the wrong sign"]
    assert "interval" not in said([agreement.size_lines(few)[1]])
    assert lines_of(agreement.size_lines(replace(few, n=1, n_far=0)))[0] == "the one positive"


def test_bars_share_one_scale_and_no_data_is_no_bar() -> None:
    text = said(
        [bars("title", [EffectBar("x", -0.4, "−40 %"), EffectBar("y", 0.1, "+10 %"), EffectBar("z", np.nan, "")])]
    )
    assert "'right': '50%', 'width': '50.0%'" in text
    assert "'left': '50%', 'width': '12.5%'" in text
    assert text.count("ko-effect-bar") == 2


# -- the gene -------------------------------------------------------------------------------------------------------


def test_a_level_that_is_off_by_two_times_or_more_is_told() -> None:
    here = experiment()  # predicted log2 8, measured 3.5: 1.4 times

    def told(observed: float, baseline: float = 3.0) -> str:
        return gene.level_line(replace(here, scan=replace(here.scan, observed=observed, baseline=baseline)))

    assert gene.level_line(here) == ""
    assert told(4.0) == "level predicted 2 times too low"
    assert told(5.9) == "level predicted 7.46 times too low"
    assert told(-4.0) == "level predicted 128 times too high"
    assert told(np.nan) == ""


def test_the_gene_says_which_way_its_elements_push_and_what_distance_does() -> None:
    assert lines_of(gene.gene_lines(experiment())) == [
        "masking raises expression for 0 of 3 elements", "all out together, by distance (n)",
        "<10 kb (3)", "−87.5 %", "10-25 kb (0)", "25-100 kb (0)", ">100 kb (0)",
    ]  # fmt: skip
