"""Lines of text and the view of the knock-out page, from plain values."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation.agreement import Agreement
from cre_core.evaluation.scan import Scan
from cre_core.interpretation.perturb import Perturbation
from dashboard.pages.knockout import elements, head, neighbours, page
from dashboard.services import view
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.services.view import complete
from dashboard.state import ViewState

AGREEMENT = Agreement(34, 6, 2, 1, (0.334, -0.09, 0.66), (0.761, 0.4, 1.0), None, "")
PAIRS = pd.DataFrame(
    {
        "pair_id": ["chr19:0-4", "chr19:20-30"], "element_ids": [["a"], []], "element_id": ["a", ""],
        "chrom": "chr19", "start": [0, 20], "end": [4, 30], "tss_distance_bp": [-10.0, 30.0],
        "effect_fraction": [-0.636, 0.05], "call": ["decrease", "not significant"],
    }
)  # fmt: skip


def experiment(*, saw: bool = False, observed: float = 3.5) -> Experiment:
    table = pd.DataFrame({"element_id": ["a", "b"], "single_log2": [-1.0, np.log2(0.8)]})
    predictor = SimpleNamespace(label="Toy", mode_text=lambda mode: f"{mode}: taken out")
    window = SimpleNamespace(gene={"gene_id": "g", "gene_name": "TOY", "chrom": "chr19"})
    scan = Scan(table, PAIRS, 3.0, observed, "", AGREEMENT, pd.DataFrame())
    return Experiment(predictor, window, "mask", scan, "fold_7", saw)  # type: ignore[arg-type]


def test_the_table_has_no_number_for_what_the_model_does_not_read() -> None:
    here = experiment()
    places = {"chrom": "chr1", "start": [0, 10], "end": [5, 15], "tss_distance_bp": [-10.0, 5.0]}
    table = here.scan.table.assign(
        **places, element_class="distal", single_fraction=[-0.5, np.nan], attention=[0.2, np.nan],
        measured_fraction=[-0.1, np.nan], measured_call=["decrease", ""], is_own_promoter=False,
        pair_ids=[["chr19:0-4", "chr19:1-5"], []],
    )  # fmt: skip
    rows = elements.rows_of(replace(here, scan=replace(here.scan, table=table)))
    assert [row["pair_ids"] for row in rows] == [["chr19:0-4", "chr19:1-5"], []]
    assert [row["attention"] for row in rows] == [0.2, None]
    assert [row["single"] for row in rows] == [-0.5, None]
    assert [row["measured"] for row in rows] == [-0.1, None]


def test_a_measured_pair_under_no_element_is_a_row_without_a_strength() -> None:
    """Of the two pairs the first lies under a, in whose row it is."""
    (row,) = elements.pair_rows_of(experiment())
    assert (row["element_id"], row["place"], row["pair_ids"]) == ("chr19:20-30", "chr19:21-30", ["chr19:20-30"])
    assert (row["measured"], row["call"], row["strength"], row["single"]) == (0.05, "not significant", None, None)


def test_a_selected_pair_brings_the_element_under_it_and_one_without_brings_none() -> None:
    table = experiment().scan.table.assign(single_fraction=[-0.1, 0.4])
    here = replace(experiment(), scan=replace(experiment().scan, table=table))

    def selected(**fields: str) -> tuple[str, str]:
        return view.selected(here, ViewState(**fields))

    assert selected(pair="chr19:0-4") == ("a", "chr19:0-4")
    assert selected(pair="chr19:0-4", element="a") == ("a", "chr19:0-4")
    assert selected(pair="chr19:0-4", element="b") == ("a", "chr19:0-4")  # b does not lie under it
    assert selected(pair="chr19:20-30", element="b") == ("", "chr19:20-30")
    assert selected(pair="nowhere", element="b") == ("b", "")
    assert selected() == ("b", "")  # the strongest prediction


def scrambled() -> Perturbation:
    nothing = np.array([])
    return Perturbation(
        "g", {"a": 0.0}, "scramble", 3.0, 2.0, "log2(x)", -1.0, -0.5, nothing, nothing, spread_log2=0.123
    )


def test_scrambled_bases_show_the_spread_over_shuffles() -> None:
    found = head.headline(experiment(), scrambled())
    assert found["change"] == "−50 % (log2 FC −1 ± 0.123, SD over shuffles)"


def test_unknown_elements_are_one_line_with_a_count_and_the_first_name() -> None:
    here = experiment()
    many = tuple((f"x{n}", 0.0) for n in range(10_000))
    state = ViewState(gene="TOY", knock_outs=(("a", 0.0), *many), element="b")
    assert view.unknown_lines(here, state) == [
        "'x0' and 9,999 more are no elements of the window around TOY and were left out"
    ]
    state = ViewState(gene="TOY", knock_outs=(("x", 0.0),), element="y")
    assert view.unknown_lines(here, state) == [
        "'x' is not an element of the window around TOY and was left out",
        "'y' is not an element of this window: nothing is in focus",
    ]
    assert view.unknown_lines(here, ViewState(gene="TOY", knock_outs=(("a", 0.0),), pair="chr19:0-4")) == []
    assert view.unknown_lines(here, ViewState(gene="TOY", pair="chr19:0-5")) == [
        "'chr19:0-5' is not a measured pair of TOY: none is selected"
    ]


def result(strengths: dict[str, float], *, before: float = 3.0, after: float = 1.0) -> Perturbation:
    change = after - before
    nothing = np.array([])
    return Perturbation("g", strengths, "mask", before, after, "log2(x)", change, 2**change - 1, nothing, nothing)


def test_the_headline_gives_before_after_and_the_interaction() -> None:
    found = head.headline(experiment(), result({"a": 0.0, "b": 0.0}))
    assert (found["before"], found["after"], found["change"]) == ("3", "1", "−75 % (log2 FC −2)")
    # alone: half, and four fifths; together 40 % would be left, 25 % is
    assert found["independent"] == "if independent −60 % · interaction −15 points"
    assert (found["kind"], found["look"]) == ("exact", "decrease")


def test_a_strength_between_0_and_1_is_called_interpolated_and_has_no_interaction() -> None:
    found = head.headline(experiment(), result({"a": 0.5, "b": 0.0}))
    assert found["kind"] == "exact, interpolated"
    assert found["independent"] == "no interaction while a strength lies between 0 and 1"


def test_nothing_changed_shows_what_was_observed_or_nothing() -> None:
    found = head.headline(experiment(), result({}, after=3.0))
    assert (found["change"], found["look"], found["independent"]) == ("nothing changed", "same", "observed 3.5")
    assert head.headline(experiment(observed=np.nan), result({}))["independent"] == ""


def test_a_model_without_a_number_says_no_data_and_never_0() -> None:
    found = head.headline(experiment(), result({"a": 0.0}, before=np.nan, after=np.nan))
    assert (found["before"], found["after"]) == ("no data", "no data")
    assert found["change"] == "no data (log2 FC no data)"
    assert found["fraction"] is None


def text_of(part: object) -> str:
    if isinstance(part, list):
        return "".join(text_of(child) for child in part)
    return part if isinstance(part, str) else text_of(part.children)  # type: ignore[attr-defined]


def test_the_line_below_says_what_was_done_and_whether_the_gene_was_in_training() -> None:
    line = text_of(head.done_line(experiment(), {"a": 0.0, "b": 0.5}))
    assert line == (
        "1 element knocked out · 1 weakened (interpolated) · Toy, fold 7 (chr19 never seen in training) · "
        "mask: taken out"
    )
    assert "TOY WAS in training" in text_of(head.done_line(experiment(saw=True), {}))
    assert text_of(head.done_line(experiment(), {})).startswith("0 elements knocked out · Toy")


class OneGene:
    """A study with one gene and no model."""

    name, folder = "toys", "studies/toys"
    info = SimpleNamespace(biosamples=("here",), example_loci=(), name="toys")
    genes = pd.DataFrame({"gene_name": ["TOY"]})

    def annotated_gene(self, name: str) -> pd.Series:
        if name not in ("TOY", "QUIET"):
            raise UnknownName(f"study toys has no gene '{name}'")
        return pd.Series({"gene_id": "g", "gene_name": name, "is_modelled": name == "TOY"})

    def gene_remark(self, name: str) -> str:
        return ""


class OneLibrary:
    """A library of one study."""

    def study(self, name: str = "") -> OneGene:
        return OneGene()


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Library:
    """Two models of one gene, of which `toy` knows one mode and `experiment`."""
    asked: Any = SimpleNamespace(
        predictor=lambda *_, **__: SimpleNamespace(modes=("mask",), label="Toy"),
        experiment=lambda *_, **__: readable(),
    )
    monkeypatch.setattr(view, "trained_models", lambda *_: ["toy"])
    monkeypatch.setattr(view, "desk_of", lambda _: asked)
    library: Any = OneLibrary()
    return library


def readable() -> Experiment:
    table = experiment().scan.table.assign(single_fraction=[-0.1, 0.4])
    here = replace(experiment(), scan=replace(experiment().scan, table=table))
    object.__setattr__(here.window, "elements", table)
    return here


def test_blanks_of_the_view_are_filled_and_an_unknown_gene_is_refused(toys: Library) -> None:
    asked = ViewState(model="other", mode="silence", knock_outs=(("a", 0.0), ("x", 0.0)), locus="chr1:1-9")
    state, remarks = complete(toys, asked, wants=("model",))
    assert (state.study, state.biosample, state.gene, state.model) == ("toys", "here", "TOY", "toy")
    assert (state.mode, state.knock_outs, state.element, state.locus) == ("mask", (("a", 0.0),), "b", "chr1:1-9")
    assert remarks == [
        "no weights of 'other' for here; this is toy",
        "Toy has no mode 'silence' here; this is mask",
        "'x' is not an element of the window around TOY and was left out",
    ]
    with pytest.raises(UnknownName, match="no gene 'NOPE'"):
        complete(toys, ViewState(gene="NOPE", locus="chr1:1-9"), wants=("model",))
    with pytest.raises(NotAvailable, match=r"^no model of study toys knows QUIET; the Locus page shows what was"):
        complete(toys, ViewState(gene="QUIET"), wants=("model",))


def test_a_gene_that_no_model_knows_keeps_study_gene_and_page_and_leads_to_its_locus(toys: Library) -> None:
    shown = page.layout(toys, study="toys", gene="QUIET", panel="models")
    text = str(shown)
    assert "no model of study toys knows QUIET; the Locus page shows what was measured" in text
    assert "href='/locus?study=toys&biosample=here&gene=QUIET" in text
    (store,) = (part for part in shown.children if getattr(part, "id", "") == "view")
    kept = ViewState(study="toys", biosample="here", gene="QUIET", panel="models")
    assert store.data["query"] == kept.to_query()


def test_a_gene_that_is_not_there_keeps_study_and_page_without_a_link(toys: Library) -> None:
    text = str(page.layout(toys, study="toys", gene="NOPE"))
    assert "study toys has no gene 'NOPE'" in text
    assert "/locus" not in text


def test_without_a_trained_model_the_page_is_one_line_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "trained_models", lambda *_: [])
    monkeypatch.setattr(page, "models_of", lambda *_: [])
    shown = str(page.layout(OneLibrary(), gene="TOY"))  # type: ignore[arg-type]
    assert "No model is trained for here in study toys" in shown
    assert "python -m cre_core train epinformer --study studies/toys --biosample here" in shown


def test_neighbours_that_are_not_known_are_not_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    here = experiment()
    assert neighbours.neighbours_line(here, {}) == "nothing changed"

    def refuse(*_: object) -> None:
        raise NotAvailable("no weights of fold_2 in models; `train toy` makes them")

    monkeypatch.setattr(neighbours.service, "neighbours", refuse)
    assert neighbours.neighbours_line(here, {"a": 0.0}) == "no weights of fold_2 in models; `train toy` makes them"
    nobody = pd.DataFrame({"gene_name": [], "effect_fraction": []})
    monkeypatch.setattr(neighbours.service, "neighbours", lambda *_: nobody)
    assert neighbours.neighbours_line(here, {"a": 0.0}) == "no neighbouring gene sees the same elements"
