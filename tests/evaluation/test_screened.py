"""Measured pairs and what is predicted for them, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.evaluation.screened import (
    COLUMNS,
    calls,
    measured_pairs,
    pairs_without_element,
    predicted_pairs,
    predicted_screen,
    screen_of,
    with_elements,
    with_measured,
)
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import knock_out


def pairs_at(rows: list[tuple[int, int, float, bool, float]]) -> pd.DataFrame:
    """Pairs of one gene: start, end, effect, significant, power."""
    names = ["start", "end", "effect_fraction", "is_significant", "power_at_25"]
    pairs = pd.DataFrame(rows, columns=names).assign(chrom="chrA", gene_id="G1", p_adjusted=0.5, reference="by hand")
    ids = [f"chrA:{row[0]}-{row[1]}" for row in rows]
    return pairs.assign(call=calls(pairs), pair_id=ids)


ELEMENTS = pd.DataFrame(
    {"element_id": ["a", "b", "c"], "chrom": "chrA", "start": [100, 500, 900], "end": [200, 700, 1000]}
)


def test_an_element_shows_every_pair_and_the_strongest_significant_one_first() -> None:
    """As at MYC: a wide place with a weak effect covers the element more than the narrow one with a strong effect."""
    pairs = pairs_at(
        [
            (90, 220, -0.08, True, 1.0),
            (150, 160, -0.6, True, 1.0),
            (180, 260, 0.9, False, 0.2),
            (550, 560, 0.3, False, 0.4),
            (600, 610, -0.1, False, 0.9),
        ]
    )
    found = with_measured(ELEMENTS, pairs)
    assert found["pair_ids"].tolist() == [
        ["chrA:150-160", "chrA:90-220", "chrA:180-260"],
        ["chrA:600-610", "chrA:550-560"],  # none is significant: the one with more power
        [],
    ]
    assert found["measured_fraction"].tolist() == pytest.approx([-0.6, -0.1, np.nan], nan_ok=True)
    assert found["measured_call"].tolist() == ["decrease", "not significant", ""]
    assert not len(with_measured(ELEMENTS.iloc[:0], pairs))
    assert with_measured(ELEMENTS, pairs.iloc[:0])["pair_ids"].tolist() == [[], [], []]


def test_places_that_touch_share_no_base() -> None:
    pairs = pairs_at([(200, 500, -0.5, True, 1.0), (699, 900, -0.2, True, 1.0)])
    assert list(pairs_without_element(ELEMENTS, pairs)["start"]) == [200]
    assert with_elements(pairs, ELEMENTS)["element_ids"].tolist() == [[], ["b"]]
    assert len(pairs_without_element(ELEMENTS.iloc[:0], pairs)) == 2


def test_elements_under_a_place_come_by_shared_bases() -> None:
    pairs = pairs_at([(150, 650, -0.5, True, 1.0)])
    assert with_elements(pairs, ELEMENTS)["element_ids"].tolist() == [["b", "a"]]


def test_pairs_of_a_gene(toy_study: Study) -> None:
    pairs, note = measured_pairs(toy_study, "G1", biosample="ToyCell")
    assert list(pairs["pair_id"]) == ["chrA:109800-110200", "chrA:150000-150500", "chrA:199600-200400"]
    assert list(pairs["call"]) == ["decrease", "increase", "not significant"]
    assert note == ""
    other, note = measured_pairs(toy_study, "G1", biosample="HeLa")
    assert (len(other), note) == (3, "the screen was made in ToyCell, the prediction is for HeLa")
    none, note = measured_pairs(toy_study, "G3", biosample="ToyCell")
    assert (len(none), note) == (0, "no element of this gene was tested by CRISPRi")
    assert {"pair_id", "call"} <= set(none)


def test_a_place_tested_twice_is_two_pairs(toy_study: Study) -> None:
    twice = Study(toy_study.folder, toy_study.info)
    twice.__dict__["crispr"] = pd.concat([toy_study.crispr, toy_study.crispr.iloc[:1]], ignore_index=True)
    pairs, _ = measured_pairs(twice, "G1", biosample="ToyCell")
    assert list(pairs["pair_id"])[:2] == ["chrA:109800-110200", "chrA:109800-110200#2"]


def test_the_prediction_for_a_pair_is_one_experiment(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    places = pd.DataFrame({"chrom": "chrA", "start": [105_000, 199_600, 150_000], "end": [210_000, 200_400, 150_500]})
    found = predicted_pairs(toy_predictor, window, places, mode="mask")
    together = knock_out(toy_predictor, window, {"e2": 0.0, "e3": 0.0}).effect_fraction
    alone = knock_out(toy_predictor, window, {"e3": 0.0}).effect_fraction
    assert list(found) == list(COLUMNS)
    assert list(found["n_elements"]) == [2, 1, 0]
    assert list(found["effect_fraction"]) == pytest.approx([together, alone, np.nan], nan_ok=True, rel=1e-5)
    assert together not in (0, alone)


def test_a_place_has_no_prediction_only_if_the_model_reads_none_of_its_elements(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    window.elements.loc[window.elements["element_id"] == "e2", "dnase"] = np.nan  # no data: the model leaves it out
    places = pd.DataFrame({"chrom": "chrA", "start": [105_000, 109_800], "end": [210_000, 110_200]})
    found = predicted_pairs(toy_predictor, window, places, mode="mask")
    assert list(found["n_elements"]) == [2, 1]
    assert list(found["n_read"]) == [1, 0]
    assert np.isfinite(found["effect_fraction"]).tolist() == [True, False]


def test_a_screen_keeps_its_order_and_says_nothing_of_unknown_genes(toy_predictor: Predictor) -> None:
    screen = screen_of(toy_predictor.study, "ToyCell")
    mixed = pd.concat([screen.assign(gene_id="elsewhere"), screen], ignore_index=True)
    told: list[tuple[str, int, int]] = []
    found = predicted_screen(toy_predictor, mixed, mode="mask", report=lambda *said: told.append(said))
    assert len(found) == 6
    assert found["effect_fraction"].notna().tolist() == [False, False, False, True, True, False]
    assert found["start"].tolist() == mixed["start"].tolist()
    assert told == [("knock-outs of the screen", 0, 1)]
