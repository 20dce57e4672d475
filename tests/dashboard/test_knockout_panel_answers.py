"""What the tabs of the knock-out page compute and say, on toy genes known by heart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable
from cre_core.evaluation.agreement import Agreement, agreement
from cre_core.evaluation.scan import run_scan
from cre_core.genome import Locus
from cre_core.inference.predictor import Predictor
from cre_core.schema import ExpressionUnit, Prediction
from dashboard.pages.knockout import agreement as agreement_panel
from dashboard.pages.knockout import bases as bases_tab
from dashboard.pages.knockout import models as models_tab
from dashboard.pages.knockout import snapshots as snapshots_tab
from dashboard.services import bases, every_pair, model_panels, presets
from dashboard.services.desk import Experiment
from dashboard.services.element_pairs import element_pairs, paired_elements
from dashboard.services.model_panels import ModelPanel
from dashboard.services.snapshots import SnapshotEffect, snapshot_effects
from dashboard.state import ViewState

NONE = (float("nan"),) * 3
ADDS = {"a": 4.0, "b": 2.0, "c": 1.0, "d": 0.0}  # expression 1 + 7 = 8; d is not read


def window_of(gene: str = "g") -> GeneWindow:
    about = pd.Series({"gene_id": gene, "gene_name": gene.upper(), "chrom": "chr1", "tss": 10_000, "strand": "+"})
    elements = pd.DataFrame(
        {
            "element_id": list(ADDS), "chrom": "chr1", "start": [1_000, 4_000, 12_000, 15_000],
            "end": [1_500, 4_500, 12_500, 15_500], "element_class": ["distal", "distal", "proximal", "distal"],
            "tss_distance_bp": [-8_750, -5_750, 2_250, 5_250], "is_own_promoter": False,
        }
    )  # fmt: skip
    return GeneWindow(about, "here", (), elements, np.zeros((4, 1)), np.array([]))


class ToyPredictor:
    """log2(1 + strengths . ADDS); it does not read d, and reads no sequence."""

    unit, biosample, name, label, modes = ExpressionUnit("log2(x)", 2.0), "here", "toy", "Toy", ("mask",)
    checkpoints, reach_bp = (), 2_000_000

    def __init__(self, crispr: pd.DataFrame | None = None) -> None:
        genes = pd.DataFrame({"gene_id": ["g", "h"]})
        folds = pd.DataFrame({"gene_id": ["g", "h", "i"], "fold_1": ["test", "test", "train"]})
        self.study: Any = SimpleNamespace(
            name="toys", folder=Path("nowhere"), crispr=crispr, genes=genes, folds=folds,
            has=lambda _: crispr is not None, info=SimpleNamespace(measures={}, motifs=None, is_simulated=True),
        )  # fmt: skip

    def window(self, gene_id: str) -> GeneWindow:
        return window_of(gene_id)

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        return np.array([True, True, True, False])

    predict_singles = Predictor.predict_singles

    def with_weights(self) -> ToyPredictor:
        return self

    def predict_variants(
        self, window: GeneWindow, strengths: np.ndarray, *, mode: str, shuffle: int = 0
    ) -> Prediction:
        total = 1 + strengths @ np.array(list(ADDS.values()))
        return Prediction(torch.as_tensor(np.log2(total)), torch.full((len(strengths), 1, 1, 5), 0.2))


class ToyLibrary:
    """Keeps nothing."""

    def memo(self, study: str, key: tuple[object, ...], function: Any) -> Any:
        return function()


def experiment() -> Experiment:
    predictor: Any = ToyPredictor()
    window = window_of()
    return Experiment(predictor, window, "mask", run_scan(predictor, window, mode="mask"), "fold_1", False)


LIBRARY: Any = ToyLibrary()


# -- presets --------------------------------------------------------------------------------------------------------


def test_presets_are_the_positives_the_classes_and_rankings_without_the_unknown() -> None:
    table = experiment().scan.table.assign(measured_call=["", "decrease", "increase", ""])
    simple = pd.DataFrame({"element_id": ["a", "b", "c", "far"], "method": "abc", "score": [0.1, np.nan, 0.3, 0.9]})
    found = presets.presets(table.assign(attention=[0.1, 0.3, 0.2, np.nan]), simple)
    assert found.positives == ["b"]
    assert found.classes == {"distal": ["a", "b", "d"], "proximal": ["c"]}
    assert found.rankings["attention"] == ["b", "c", "a"]
    assert found.rankings["abc"] == ["c", "a"]
    assert found.rankings["predicted effect"][:3] == ["a", "b", "c"]


def test_a_ranking_is_cut_and_equals_keep_their_order() -> None:
    ids = pd.Series([f"e{n}" for n in range(30)])
    assert presets.ranked(ids, pd.Series(np.ones(30))) == [f"e{n}" for n in range(20)]


def test_an_element_that_a_method_does_not_link_is_in_no_ranking() -> None:
    """As of the nearest gene, which says 1 or 0."""
    assert presets.ranked(pd.Series(["a", "b", "c"]), pd.Series([0.0, 1.0, np.nan])) == ["b"]


# -- models ---------------------------------------------------------------------------------------------------------


class ToyDesk:
    """Two models: one answers, the other cannot."""

    def predictor(self, study: object, model: str, *, biosample: str) -> Any:
        if model == "lost":
            raise NotAvailable("lost has no weights of fold_1")
        return ToyPredictor()

    def experiment(self, study: object, gene: str, **asked: str) -> Experiment:
        return experiment()


def test_each_model_answers_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_panels, "models_of", lambda *_: ["toy", "lost"])
    desk: Any = ToyDesk()
    one, lost = model_panels.model_panels(desk, SimpleNamespace(), "G", biosample="here", mode="mask")  # type: ignore[arg-type]
    assert (one.label, one.fold, one.reason) == ("Toy", "fold_1", "")
    assert one.table is not None
    assert (lost.table, lost.reason) == (None, "lost has no weights of fold_1")
    silent = model_panels.model_panels(desk, SimpleNamespace(), "G", biosample="here", mode="scramble")[0]  # type: ignore[arg-type]
    assert (silent.table, silent.reason) == (None, "no mode 'scramble' here")


def test_behind_a_model_stand_its_numbers_with_n_or_the_reason() -> None:
    table = pd.DataFrame({"single_log2": [-1.0, np.nan, 0.0]})
    good = Agreement(34, 6, 0, 1, (0.334, -0.09, 0.66), (0.761, 0.4, 1.0), None, "")
    note = models_tab.model_note(ModelPanel("toy", "Toy", table, good, "fold_1", True, ""))
    assert note == (
        "2 elements · Spearman 0.334 [−0.09, 0.66] · AP 0.761 [0.4, 1], prevalence 0.176 · n = 34 · "
        "<b>in training</b>"
    )
    few = Agreement(4, 1, 0, 1, NONE, NONE, None, "4 pairs: fewer than 10 say nothing")
    note = models_tab.model_note(ModelPanel("toy", "Toy", table, few, "fold_1", False, ""))
    assert note == "2 elements · 4 pairs: fewer than 10 say nothing"
    assert models_tab.model_note(ModelPanel("toy", "Toy", None, None, "", False, "no weights")) == "no weights"


# -- pairs ----------------------------------------------------------------------------------------------------------


def test_pairs_are_of_the_changed_elements_or_of_the_strongest_that_are_read() -> None:
    here = experiment()
    assert paired_elements(here, {"c": 0.0, "a": 0.5}) == (["a", "c"], "the 2 elements changed now")
    ids, said = paired_elements(here, {"d": 0.0, "a": 0.0})  # d is not read: one is left
    assert ids == ["a", "b", "c"]
    assert said == "the 3 elements with the strongest single effects (change two or more to choose others)"


def test_an_interaction_is_combined_minus_the_sum_of_both() -> None:
    found = element_pairs(LIBRARY, experiment(), ["a", "b"]).iloc[0]
    assert found["log2_fold_change"] == pytest.approx(np.log2(2 / 8), abs=1e-6)
    assert found["interaction_log2"] == pytest.approx(np.log2(2 / 8) - np.log2(4 / 8) - np.log2(6 / 8), abs=1e-6)


def test_one_element_has_no_pair() -> None:
    with pytest.raises(NotAvailable, match=r"^1 element that the model reads; pairs want two or more$"):
        element_pairs(LIBRARY, experiment(), ["a"])


# -- all genes ------------------------------------------------------------------------------------------------------


def screen() -> pd.DataFrame:
    places = {
        "chrom": "chr1",
        "start": [1_000, 1_200, 15_100, 900_000, 1_000],
        "end": [1_500, 4_400, 15_200, 900_500, 1_500],
    }
    return pd.DataFrame(
        {
            **places, "gene_id": ["g", "h", "h", "h", "i"], "gene_name": ["G", "H", "H", "H", "I"],
            "tss_distance_bp": 0.0, "effect_fraction": [-0.4, 0.2, -0.01, 0.0, -0.3], "biosample": "here",
            "is_significant": [True, True, False, False, True],
        }
    )  # fmt: skip


def test_each_pair_is_one_experiment_with_none_where_nothing_is_read() -> None:
    predictor: Any = ToyPredictor()
    found = every_pair.compared(predictor, screen(), mode="mask")
    # h's first place holds a and b, 6 of 8; its second only d, which is not read; gene i is in no test set
    np.testing.assert_allclose(found.pairs["predicted_fraction"], [-0.5, -0.75, np.nan, np.nan, np.nan], atol=1e-6)
    assert list(found.pairs["call"])[:3] == ["decrease", "increase", "not significant"]
    assert (found.agreement.n, found.agreement.n_positive, found.agreement.n_without_element) == (2, 1, 3)
    assert found.agreement.reason == "2 pairs: fewer than 10 say nothing"
    assert found.agreement.n_genes == 2


def test_pairs_of_the_gene_on_display_can_be_selected_among_all() -> None:
    """Two places of g, in another order than along the genome, and one of h."""
    own = pd.DataFrame({"pair_id": ["chr1:5-9", "chr1:7-9"], "element_id": ["", "b"], "start": [5, 7]})
    here: Any = SimpleNamespace(scan=SimpleNamespace(pairs=own), window=SimpleNamespace(gene={"gene_id": "g"}))
    every = pd.DataFrame({"gene_id": ["g", "h", "g"], "start": [7, 1, 5]})
    found = agreement_panel.with_selectable(every, here)
    assert found["pair_id"].tolist() == ["chr1:7-9", "", "chr1:5-9"]
    assert found["element_id"].tolist() == ["b", "", ""]
    elsewhere = agreement_panel.with_selectable(
        every[every["gene_id"] == "h"], here
    )  # g was tested in another biosample
    assert elsewhere["pair_id"].tolist() == [""]


def test_the_agreement_of_all_genes_says_what_its_intervals_draw() -> None:
    values = np.linspace(-0.6, 0.1, 30)
    pairs = pd.DataFrame(
        {
            "gene_id": np.repeat([f"g{n}" for n in range(10)], 3), "effect_fraction": values,
            "predicted_fraction": values / 3, "call": ["decrease"] * 5 + ["not significant"] * 25,
            "tss_distance_bp": 0.0,
        }
    )  # fmt: skip
    lines = agreement_panel.all_genes_lines(agreement(pairs, by="gene"), "TOY")
    assert lines[-1].children == "10 genes, intervals over genes; outlined: TOY"
    assert lines[0].children == "Spearman 1 [1, 1], n = 30"


def test_a_study_without_a_screen_says_so() -> None:
    predictor: Any = ToyPredictor()
    with pytest.raises(NotAvailable, match=r"^study toys has no CRISPRi screen of here$"):
        every_pair.every_pair(LIBRARY, predictor, mode="mask")


# -- snapshots ------------------------------------------------------------------------------------------------------


def test_snapshots_are_computed_exactly_and_unknown_elements_counted() -> None:
    kept = [("all", [("a", 0.0), ("b", 0.0), ("c", 0.5), ("gone", 0.0)]), ("none", [])]
    one, none = snapshot_effects(experiment(), kept)
    assert (one.n_out, one.n_weakened, one.n_unknown) == (2, 1, 1)
    assert one.after == pytest.approx(np.log2(1.5), abs=1e-6)
    assert (none.before, none.after, none.effect_fraction) == (3.0, 3.0, 0.0)
    row = snapshots_tab.snapshot_row(one)
    assert (row.what, row.before, row.after) == ("2 out, 1 weakened, 1 not in this window", "3", "0.585")
    assert snapshots_tab.snapshot_row(none).what == "nothing"


def effect(name: str, log2: float) -> SnapshotEffect:
    return SnapshotEffect(name, 1, 0, 0, 3.0, 3.0 + log2, log2, 2**log2 - 1)


def test_a_and_b_stand_side_by_side_with_their_difference() -> None:
    both = [effect("one", -1.0), effect("two", -2.0)]
    assert snapshots_tab.comparison_lines(both, ("two", "one")) == [
        "A  two: −75 % (log2 FC −2)", "B  one: −50 % (log2 FC −1)", "B − A: +25 points, +1 log2",
    ]  # fmt: skip
    asked = ["Choose one as A and one as B to see them side by side."]
    assert snapshots_tab.comparison_lines(both, ("two", "")) == asked
    assert snapshots_tab.comparison_lines(both, ()) == asked


# -- bases ----------------------------------------------------------------------------------------------------------


def test_a_substitution_score_is_the_mean_of_the_three_others() -> None:
    change = np.array([[0.0, -0.3, -0.6, 0.0], [0.3, 0.0, 0.3, 0.3], [np.nan] * 4])
    found = bases.mean_of_others(change, np.array([0, 1, 4], np.int8))
    np.testing.assert_allclose(found, [-0.3, 0.3, np.nan])


def test_a_model_without_sequence_says_so_and_names_those_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotAvailable, match=r"^Toy reads no sequence$"):
        bases.base_scores(LIBRARY, experiment(), "a", "gradient_x_input")
    monkeypatch.setattr(bases_tab, "desk_of", lambda _: None)
    monkeypatch.setattr(bases_tab.base_service, "models_reading_bases", lambda *_: ["creator", "scpge"])
    parts = bases_tab.without_sequence(LIBRARY, ViewState(gene="G", biosample="here"), experiment())
    assert parts[0] == "Toy reads no sequence: there are no bases to score. With sequence: "
    assert [part.children for part in parts[1::2]] == ["CREaTor", "ScPGE"]
    assert parts[1].href == "/knockout?biosample=here&gene=G&model=creator&panel=bases"
    monkeypatch.setattr(bases_tab.base_service, "models_reading_bases", lambda *_: [])
    none = bases_tab.without_sequence(LIBRARY, ViewState(biosample="here"), experiment())
    assert none == ["Toy reads no sequence: no model of here does; `train creator` or `import-weights` makes one"]


def test_a_study_without_motifs_says_so() -> None:
    study: Any = ToyPredictor().study
    with pytest.raises(NotAvailable, match=r"^study toys has no motifs: no site is named$"):
        bases.sites_of(study, Locus("chr1", 0, 4), np.array([0, 1, 2, 3], np.int8), element_id="a")


def test_the_line_names_place_method_model_and_what_the_sum_misses() -> None:
    found = bases.BaseScores(
        "integrated_gradients",
        Locus("chr1", 999, 1_300),
        np.zeros(301, np.int8),
        np.zeros(301),
        "log2(x)",
        2.7,
        -0.006,
    )
    assert bases_tab.bases_line(experiment(), found, "a") == (
        "a, bases chr1:1,000-1,300 · integrated gradients from zeros · "
        "convergence delta −0.006 of a change of 2.7 log2(x) · Toy, fold 1"
    )


def test_a_gene_is_scored_once_for_all_its_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    contributions = np.full((4, 3, 4), np.nan)
    contributions[0] = [[0.5, 0, 0, 0], [0, -0.25, 0, 0], [np.nan] * 4]
    found = SimpleNamespace(bases=contributions, unit="log2(x)", difference=1.0, convergence_delta=0.1)
    monkeypatch.setattr("cre_core.interpretation.attribution.attribute", lambda *_, **__: found)
    place = Locus("chr1", 1_249, 1_252)
    monkeypatch.setattr(bases, "bases_of", lambda *_: (place, np.array([0, 1, 4], np.int8)))
    here = experiment()
    here.predictor.modes = ("mask", "scramble")
    object.__setattr__(here.window, "inputs", object())
    scores = bases.base_scores(LIBRARY, here, "a", "gradient_x_input")
    np.testing.assert_allclose(scores.score, [0.5, -0.25, np.nan])
    assert (scores.place, scores.unit, scores.convergence_delta) == (place, "log2(x)", 0.1)
    with pytest.raises(NotAvailable, match=r"^Toy does not read element d for G$"):
        bases.base_scores(LIBRARY, here, "d", "gradient_x_input")
    found.bases = None
    with pytest.raises(NotAvailable, match=r"^Toy reads bases only through motif scores, which no gradient passes"):
        bases.base_scores(LIBRARY, here, "a", "gradient_x_input")
