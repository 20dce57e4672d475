"""The knock-out page's numbers, on a toy gene whose expression is 1 + the sum of what its elements add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from dashboard.services.knockout import Experiment

from cre_core.data.study import Track
from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable
from cre_core.inference.predictor import Predictor
from cre_core.schema import ExpressionUnit, Prediction
from dashboard.services import knockout as service

GENE = pd.Series({"gene_id": "g", "gene_name": "TOY", "chrom": "chr1", "tss": 10_000, "strand": "+"})
ADDS = np.array([4.0, 2.0, 1.0])  # a adds 4, b adds 2, c adds 1: baseline 1 + 7 = 8
UNIT = ExpressionUnit("log2(x)", 2.0)
CRISPR = {
    "chrom": "chr1",
    "start": [1_000, 4_100, 20_000],
    "end": [1_500, 4_900, 20_400],
    "gene_id": "g",
    "effect_fraction": [-0.4, 0.2, -0.01],
    "power_at_25": [0.9, 0.8, np.nan],
    "is_significant": [True, True, False],
    "biosample": "here",
    "reference": "toy",
    "tss_distance_bp": [-8_750.0, -5_500.0, 10_200.0],
}


def toy_window() -> GeneWindow:
    elements = pd.DataFrame(
        {
            "element_id": ["a", "b", "c"],
            "chrom": "chr1",
            "start": [1_000, 4_000, 12_000],
            "end": [1_500, 4_500, 12_500],
            "element_class": ["distal", "distal", "proximal"],
            "tss_distance_bp": [-8_750, -5_750, 2_250],
            "is_own_promoter": False,
        }
    )
    return GeneWindow(GENE, "here", (), elements, np.array([]), np.array([]))


class ToyPredictor:
    """log2(1 + strengths . ADDS); the attention of an element is its share."""

    unit, biosample, name, modes = UNIT, "here", "toy", ("mask",)
    checkpoints, reach_bp = (), 2_000_000

    def __init__(self, crispr: pd.DataFrame | None = None) -> None:
        self.study = SimpleNamespace(
            name="toys",
            crispr=crispr,
            gene=lambda _: GENE,
            has=lambda table: table == "crispr" and crispr is not None,
            info=SimpleNamespace(measures={"rna": "log2(x)"}),
            expression=pd.DataFrame(
                [("g", "here", "rna", 3.5)], columns=["gene_id", "biosample", "measure", "value"]
            ),
        )

    def window(self, gene_id: str) -> GeneWindow:
        return toy_window()

    def fold_of(self, gene_id: str) -> str:
        return "fold_3"

    def saw(self, gene_id: str) -> bool:
        return True

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        return np.ones(len(window.elements), bool)

    predict_singles = Predictor.predict_singles

    def predict_variants(
        self, window: GeneWindow, strengths: np.ndarray, *, mode: str, shuffle: int = 0
    ) -> Prediction:
        total = 1 + strengths @ ADDS
        attention = torch.zeros(len(strengths), 1, 1, 4)
        attention[:, 0, 0, 1:] = torch.as_tensor(strengths * ADDS / total[:, None])
        return Prediction(torch.as_tensor(np.log2(total)), attention)


def toy(crispr: dict[str, object] | None = CRISPR) -> Experiment:
    predictor = ToyPredictor(None if crispr is None else pd.DataFrame(crispr))
    window = toy_window()
    scan = service.run_scan(predictor, window, mode="mask")  # type: ignore[arg-type]
    return Experiment(predictor, window, "mask", scan, "fold_1", False)  # type: ignore[arg-type]


def test_the_scan_holds_the_baseline_and_every_single_knock_out() -> None:
    scan = toy().scan
    assert scan.baseline == pytest.approx(3.0)  # log2 8
    assert scan.observed == 3.5
    np.testing.assert_allclose(scan.table["single_fraction"], [-4 / 8, -2 / 8, -1 / 8], atol=1e-6)
    np.testing.assert_allclose(scan.table["single_log2"], [-1.0, np.log2(6 / 8), np.log2(7 / 8)], atol=1e-6)
    np.testing.assert_allclose(scan.table["attention"], ADDS / 8, atol=1e-6)


def test_an_element_takes_the_measured_pair_it_overlaps_and_nothing_else() -> None:
    scan = toy().scan
    assert list(scan.table["measured_call"]) == ["decrease", "increase", ""]
    np.testing.assert_allclose(scan.table["measured_fraction"], [-0.4, 0.2, np.nan])
    np.testing.assert_allclose(scan.pairs["predicted_fraction"], [-0.5, -0.25, np.nan], atol=1e-6)
    assert list(scan.pairs["call"]) == ["decrease", "increase", "not significant"]
    assert scan.agreement.n_without_element == 1


def test_of_two_elements_under_a_pair_the_stronger_predicts_it() -> None:
    wide = {**CRISPR, "start": [900, 30_000, 40_000], "end": [5_000, 30_100, 40_100]}
    pairs = toy(wide).scan.pairs
    assert pairs["predicted_fraction"][0] == pytest.approx(-0.5)
    assert pairs["element_id"][0] == "a"


def test_a_screen_of_another_biosample_is_shown_with_a_warning() -> None:
    scan = toy({**CRISPR, "biosample": "elsewhere"}).scan
    assert len(scan.pairs) == 3
    assert scan.warning == "the screen was made in elsewhere, the prediction is for here"


def test_without_a_screen_or_pairs_the_reason_is_said() -> None:
    assert toy(None).scan.warning == "study toys has no CRISPRi screen: there is nothing to compare with"
    scan = toy({**CRISPR, "gene_id": "another"}).scan
    assert scan.warning == "no element of this gene was tested by CRISPRi"
    assert scan.table["measured_fraction"].isna().all()
    assert scan.agreement.reason == "no measured pair to compare with"


def test_a_pair_without_an_effect_is_left_out_and_counted() -> None:
    scan = toy({**CRISPR, "effect_fraction": [-0.4, np.nan, -0.01]}).scan
    assert len(scan.pairs) == 2
    assert scan.warning == "1 tested without a measured effect: not drawn"


def test_the_additive_estimate_takes_each_single_effect_in_proportion() -> None:
    table = toy().scan.table
    assert service.additive_log2(table, {"a": 0.0}) == pytest.approx(-1.0)
    assert service.additive_log2(table, {"a": 0.25, "b": 0.5}) == pytest.approx(-0.75 + 0.5 * np.log2(0.75))


def test_independent_elements_are_expected_to_multiply() -> None:
    table = toy().scan.table
    expected, reason = service.expected_fraction(table, {"a": 0.0, "b": 0.0})
    assert (expected, reason) == (pytest.approx(0.5 * 0.75 - 1), "")
    exact = service.run_knock_out(toy(), {"a": 0.0, "b": 0.0})
    assert exact.effect_fraction == pytest.approx(2 / 8 - 1)  # 12.5 points below the expectation


def test_no_expectation_between_0_and_1_or_for_one_element() -> None:
    table = toy().scan.table
    assert np.isnan(service.expected_fraction(table, {"a": 0.0})[0])
    value, reason = service.expected_fraction(table, {"a": 0.0, "b": 0.4})
    assert np.isnan(value)
    assert reason == "no interaction while a strength lies between 0 and 1"


def test_with_others_is_the_effect_on_top_and_empty_for_what_is_out() -> None:
    found = service.with_others(toy(), {"a": 0.0})  # 4 are left: 1 + 2 + 1
    np.testing.assert_allclose(found, [np.nan, -2 / 4, -1 / 4], atol=1e-6)
    np.testing.assert_allclose(service.with_others(toy(), {}), [-4 / 8, -2 / 8, -1 / 8], atol=1e-6)


def test_an_unknown_element_is_named_and_the_others_stay() -> None:
    known, lines = service.known_strengths(toy_window(), [("a", 0.0), ("nowhere", 0.5), ("b", 1.0)])
    assert known == {"a": 0.0}
    assert lines == ["'nowhere' is not an element of the window around TOY and was left out"]


class ToyLibrary:
    """Counts what is computed."""

    def __init__(self) -> None:
        self.n_computed = 0

    def memo(self, study: str, key: tuple[object, ...], function: Callable[[], object]) -> object:
        self.n_computed += 1
        return function()


def desk_with(predictor: ToyPredictor, monkeypatch: pytest.MonkeyPatch) -> service.Desk:
    monkeypatch.setattr(service.Desk, "predictor", lambda *_, **__: predictor)
    monkeypatch.setattr(service.torch, "set_num_threads", lambda _: None)
    return service.Desk(ToyLibrary())  # type: ignore[arg-type]


def test_a_scan_runs_once_for_a_gene_and_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = ToyPredictor(pd.DataFrame(CRISPR))
    desk = desk_with(predictor, monkeypatch)
    study = predictor.study
    first = desk.experiment(study, "TOY", model="toy", biosample="here", mode="mask")
    again = desk.experiment(study, "TOY", model="toy", biosample="here", mode="mask")
    assert first is again
    assert (first.fold, first.is_leaked) == ("fold_3", True)
    assert desk.library.n_computed == 1  # type: ignore[attr-defined]


def test_the_tracks_that_a_model_reads() -> None:
    """Counts for a model of counts, values per base for one of sequence; of its own biosample, whatever the case."""
    window = toy_window()
    tracks = [
        Track(f"{biosample} {assay} {kind}", "title", assay, biosample, kind, "reads")
        for biosample in (window.biosample, "another")
        for assay in ("dnase", "ctcf", "rna")
        for kind in ("element_counts", "bigwig")
    ]

    def read(**changes: Any) -> list[str]:
        found = service.tracks_read(replace(window, **changes), tracks)
        return [track.id.removeprefix(f"{window.biosample} ") for track in found]

    assert read(assays=("dnase",)) == ["dnase element_counts"]
    per_base: Any = SimpleNamespace(tracks=("DNase", "CTCF"))
    assert read(assays=(), inputs=per_base) == ["dnase bigwig", "ctcf bigwig"]
    assert read(assays=()) == []


def test_a_library_has_one_desk() -> None:
    library = ToyLibrary()
    assert service.desk_of(library) is service.desk_of(library)  # type: ignore[arg-type]


def test_a_gene_without_elements_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = ToyPredictor()
    empty = replace(toy_window(), elements=toy_window().elements.head(0))
    monkeypatch.setattr(predictor, "window", lambda _: empty)
    with pytest.raises(NotAvailable, match=r"^no element within 2 Mb of TOY: nothing to knock out$"):
        desk_with(predictor, monkeypatch).experiment(
            predictor.study, "TOY", model="toy", biosample="here", mode="mask"
        )


def pairs_of(predicted: list[float], measured: list[float], n_positive: int) -> pd.DataFrame:
    call = ["decrease"] * n_positive + ["not significant"] * (len(predicted) - n_positive)
    return pd.DataFrame({"predicted_fraction": predicted, "effect_fraction": measured, "call": call})


def test_a_prediction_in_the_measured_order_agrees_fully() -> None:
    values = list(np.linspace(-0.6, 0.1, 20))
    found = service.agreement(pairs_of(values, [3 * value for value in values], 4))
    assert found.spearman == pytest.approx((1.0, 1.0, 1.0))
    assert found.average_precision[0] == pytest.approx(1.0)
    assert (found.n, found.n_positive, found.prevalence, found.reason) == (20, 4, 0.2, "")


def test_too_few_pairs_or_positives_give_the_reason_instead_of_a_number() -> None:
    values = list(np.linspace(-0.6, 0.1, 20))
    few = service.agreement(pairs_of(values[:4], values[:4], 1))
    assert np.isnan(few.spearman[0])
    assert few.reason == "4 pairs: fewer than 10 say nothing"
    none = service.agreement(pairs_of(values, values, 0))
    assert np.isnan(none.average_precision[0])
    assert none.reason == "no average precision: none of the pairs is positive"
    two = service.agreement(pairs_of(values, values, 2))
    assert two.average_precision[0] == 1.0
    assert np.isnan(two.average_precision[1])
    assert two.reason == "no interval of the average precision: 2 positive"
