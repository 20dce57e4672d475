"""The locus page's functions, with plain values, on the toy study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dash.exceptions import PreventUpdate

from cre_core.errors import NotAvailable, UnknownName
from dashboard.components import shell
from dashboard.pages import knockout, locus, locus_answers, locus_drawing, locus_inspector
from dashboard.services import locus as windows
from dashboard.services.library import Library
from dashboard.services.links import links_of
from dashboard.settings import Settings
from dashboard.state import ViewState, read_view
from tests.toy import make_toy_study

ALONE = "chrA:150000-150500"  # the measured pair that lies on no element


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A library of the toy study."""
    study = make_toy_study(tmp_path / "toy")
    library = Library(
        Settings(
            studies=(study.folder,), cache_dir=tmp_path / "cache", studies_dir=tmp_path / "none", model_process=False
        )
    )
    yield library
    library.close()


def request_for(library: Library, **changes: Any) -> dict[str, Any]:
    state, _ = locus_answers.completed(library, ViewState(**changes))
    return {"state": state.to_dict(), "theme": "light", "px": 900}


def band_ids(figure: dict[str, Any]) -> list[str]:
    return [band["id"] for band in figure["layout"]["meta"]["bands"]]


def words(component: object) -> str:
    return str(component)


def test_an_empty_address_is_completed(library: Library) -> None:
    state, notices = locus_answers.completed(library, ViewState())
    assert state.study == library.default().name
    assert state.biosample == "ToyCell"
    assert state.gene
    assert state.locus.startswith("chr")
    assert notices == []


def test_a_method_that_is_not_there_is_named(library: Library) -> None:
    given = ViewState(gene="geneA", methods=("abc", "enformer.attention"))
    state, notices = locus_answers.completed(library, given)
    assert notices == ["no link method 'enformer.attention' for ToyCell in study toy: not shown"]
    assert locus_answers.shown_methods(library.default(), state) == ("abc",)
    assert locus_answers.completed(library, ViewState(gene="geneA", methods=(locus_answers.NONE,)))[1] == []


def test_a_gene_elsewhere_is_let_go_with_a_line(library: Library) -> None:
    state, notices = locus_answers.completed(library, ViewState(gene="geneA", locus="chrB:1-100,000"))
    assert state.gene == ""
    assert notices == ["geneA is on chrA: choose a gene on chrB to see its links"]


def test_unknown_names_are_errors(library: Library) -> None:
    with pytest.raises(UnknownName, match="no gene 'NOSUCH'"):
        locus_answers.completed(library, ViewState(gene="NOSUCH"))
    with pytest.raises(UnknownName, match="no biosample 'HeLa'"):
        locus_answers.completed(library, ViewState(biosample="HeLa"))


def test_draw(library: Library) -> None:
    figure, style, _ = locus_answers.draw(library, request_for(library, gene="geneA", locus="chrA:90,001-210,000"))
    assert band_ids(figure) == ["genes", "dnase", "h3k27ac", "elements", "activity_over_distance", "abc", "crispr"]
    assert figure["layout"]["xaxis"]["range"] == [90_000, 210_000]
    assert figure["layout"]["meta"]["loaded"] == [0, 330_000]
    assert "px" in style["height"]


def test_draw_is_the_same_from_the_cache_but_for_the_chosen_element(library: Library) -> None:
    request = request_for(library, gene="geneA", locus="chrA:90,001-210,000")
    first, _, _ = locus_answers.draw(library, request)
    assert not first["layout"]["shapes"][0]["visible"]
    request["state"]["element"] = "e2"
    second, _, _ = locus_answers.draw(library, request)
    assert second["layout"]["shapes"][0]["visible"]
    assert second["layout"]["shapes"][0]["x0"] == 109_750
    assert len(second["data"]) == len(first["data"])


def test_methods_and_tracks_are_chosen(library: Library) -> None:
    request = request_for(library, gene="geneA", methods=("distance",), hidden=("dnase", "crispr"))
    assert band_ids(locus_answers.draw(library, request)[0]) == ["genes", "h3k27ac", "elements", "distance"]
    none = request_for(library, gene="geneA", methods=(locus_answers.NONE,), hidden=(locus_answers.NONE,))
    assert band_ids(locus_answers.draw(library, none)[0]) == ["genes", "dnase", "h3k27ac", "elements", "crispr"]


def test_a_gene_without_truth_says_so(library: Library) -> None:
    request = request_for(library, gene="geneB")
    figure, _, _ = locus_answers.draw(library, request)
    assert "no CRISPRi pairs were tested for geneB" in [text["text"] for text in figure["layout"]["annotations"]]
    assert "no CRISPRi pairs were tested for geneB" in locus_answers.tabulate(library, request)[2][0]
    assert "No CRISPRi pairs were tested for geneB" in words(locus_inspector.inspect(library, request)[0])


def test_the_table(library: Library) -> None:
    rows, columns, title = locus_answers.tabulate(library, request_for(library, gene="geneA"))
    assert [(row["kind"], row["element_id"]) for row in rows] == [
        ("element", "e1"), ("element", "e2"), ("pair", ALONE), ("element", "e3"), ("element", "e4")
    ]  # fmt: skip
    assert rows[0]["measured_fraction"] is None
    assert rows[1]["measured_fraction"] == -0.4
    assert [row["pair_ids"] for row in rows] == [[], ["chrA:109800-110200"], [ALONE], ["chrA:199600-200400"], []]
    assert [column["headerName"] for column in columns if column.get("sort")] == ["ABC (power law)"]
    assert title[0].startswith("4 elements linked to geneA · CRISPRi: 3 pairs, ● 1 significant decrease")
    assert "1 pair under none of them, in a row of its own" in title[0]


def test_the_inspector_of_an_element(library: Library) -> None:
    panel, marks, chosen, _ = locus_inspector.inspect(library, request_for(library, gene="geneA", element="e2"))
    text = words(panel)
    for part in ("chrA:109,751-110,250", "distal · 10 kb downstream of geneA", "100 reads", "2 of 4", "−40 %"):
        assert part in text
    assert "significant decrease" in text
    assert "by hand" in text
    assert "knock_outs=e2*0" in text
    assert (marks["shapes"][0]["x0"], marks["shapes"][0]["x1"]) == (109_750, 110_250)
    assert not marks["shapes"][2]["visible"]
    assert chosen == {"ids": ["element e2"]}
    assert marks["row"] == "element e2"


def test_the_inspector_of_an_untested_element(library: Library) -> None:
    panel, _, _, _ = locus_inspector.inspect(library, request_for(library, gene="geneA", element="e4"))
    assert "this element was not tested for geneA" in words(panel)


def test_controls_change_the_view(library: Library) -> None:
    state, _ = locus_answers.completed(library, ViewState(gene="geneA"))
    data = shell.view_data(state)
    tracks = ["genes", "h3k27ac", "elements", "crispr"]
    new, _ = read_view(locus_answers.changed(library, data, ["abc"], tracks, "log", 5, 20)["state"])
    assert (new.methods, new.hidden, new.scale, new.top, new.threshold) == (("abc",), ("dnase",), "log", 5, 0.2)
    with pytest.raises(PreventUpdate):
        locus_answers.changed(library, data, ["activity_over_distance", "abc"], [*tracks, "dnase"], "group", 12, 0)


def test_clicks(library: Library) -> None:
    state, _ = locus_answers.completed(library, ViewState(gene="geneA", knock_outs=(("e2", 0.0),)))
    data = shell.view_data(state)
    assert locus_answers.clicked(library, data, {"kind": "element", "id": "e3"})["state"]["element"] == "e3"
    other = locus_answers.clicked(library, data, {"kind": "gene", "id": "geneM"})["state"]
    assert other["gene"] == "geneM"
    assert other["locus"] == state.locus
    assert "knock_outs" not in other
    with pytest.raises(PreventUpdate):
        locus_answers.clicked(library, data, {"kind": "gene", "id": "geneA"})
    with pytest.raises(UnknownName, match="no gene 'LINC1'"):
        locus_answers.clicked(library, data, {"kind": "gene", "id": "LINC1"})


def test_a_second_click_lets_go(library: Library) -> None:
    state, _ = locus_answers.completed(library, ViewState(gene="geneA", element="e2"))

    def click(state: ViewState, kind: str, name: str) -> ViewState:
        return read_view(locus_answers.clicked(library, shell.view_data(state), {"kind": kind, "id": name})["state"])[
            0
        ]

    pair = click(state, "pair", ALONE)
    assert (pair.element, pair.pair) == ("", ALONE)
    assert click(pair, "pair", ALONE).pair == ""
    element = click(pair, "element", "e2")
    assert (element.element, element.pair) == ("e2", "")
    assert click(element, "element", "e2").element == ""
    assert click(pair, "gene", "geneM").pair == ""


def test_the_inspector_of_a_measured_pair(library: Library) -> None:
    request = request_for(library, gene="geneA", pair="chrA:109800-110200")
    panel, marks, chosen, scroll = locus_inspector.inspect(library, request)
    text = words(panel)
    # The middle of the place, 110,000, lies 10 kb after the TSS of a gene on the plus strand.
    for part in ("chrA:109,801-110,200", "−40 % of geneA expression", "significant decrease", "10 kb downstream"):
        assert part in text
    for part in ("'adjusted p'), Span(children='0.001'", "25 % change'), Span(children='0.95'", "by hand"):
        assert part in text
    assert "interval" not in text  # this screen gives none
    assert "data-id='e2'" in text
    assert (marks["shapes"][0]["x0"], marks["shapes"][0]["x1"]) == (109_800, 110_200)
    assert (marks["shapes"][2]["xanchor"], marks["shapes"][2]["yanchor"]) == (110_000, -40)
    assert chosen == {"ids": ["element e2"]}
    assert scroll == {"rowId": "element e2"}


def test_a_measured_pair_under_no_element(library: Library) -> None:
    panel, marks, chosen, _ = locus_inspector.inspect(library, request_for(library, gene="geneA", pair=ALONE))
    text = words(panel)
    assert "+30 % of geneA expression" in text
    assert "no element of this study lies here" in text
    assert "to-knockout" not in text
    assert chosen == {"ids": [f"pair {ALONE}"]}
    assert marks["row"] == f"pair {ALONE}"


def test_the_interval_of_a_screen_that_gives_one(library: Library) -> None:
    study = library.default()
    study.__dict__["crispr"] = study.crispr.assign(effect_low=-0.5, effect_high=-0.3)
    panel, *_ = locus_inspector.inspect(library, request_for(library, gene="geneA", pair="chrA:109800-110200"))
    assert "interval −50 % to −30 %" in words(panel)


def test_an_element_lists_every_pair_the_strongest_significant_first(library: Library) -> None:
    study = library.default()
    near = study.crispr.iloc[[0, 0]].assign(start=[109_000, 110_100], end=[109_760, 112_000])
    near = near.assign(effect_fraction=[-0.9, -0.6], is_significant=[False, True])
    study.__dict__["crispr"] = pd.concat([study.crispr, near], ignore_index=True)
    request = request_for(library, gene="geneA", element="e2")
    text = words(locus_inspector.inspect(library, request)[0])
    assert "3 pairs" in text
    places = [text.index(f"{effect} of geneA expression") for effect in ("−60 %", "−40 %", "−90 %")]
    assert places == sorted(places)
    assert all(f"data-id='{name}'" in text for name in ("chrA:110100-112000", "chrA:109000-109760"))
    row = next(row for row in locus_answers.tabulate(library, request)[0] if row["element_id"] == "e2")
    assert (row["measured_fraction"], row["measured_call"], len(row["pair_ids"])) == (-0.6, "decrease", 3)


def test_a_pair_that_is_not_there_is_a_line(library: Library) -> None:
    state, notices = locus_answers.completed(library, ViewState(gene="geneA", pair="chrA:1-2"))
    assert state.pair == ""
    assert notices == ["'chrA:1-2' is not a measured pair of geneA: it is not selected"]


def test_the_figure_outlines_the_mark_of_the_selected_pair(library: Library) -> None:
    figure, _, _ = locus_answers.draw(library, request_for(library, gene="geneA", pair=ALONE))
    place, _, ring = figure["layout"]["shapes"][:3]
    assert (place["x0"], place["x1"]) == (150_000, 150_500)
    truth = next(band for band in figure["layout"]["meta"]["bands"] if band["id"] == "crispr")
    assert (ring["xanchor"], ring["yanchor"], ring["visible"]) == (150_250, 30, True)
    assert "yaxis" + ring["yref"][1:] == truth["axis"]
    hidden, _, _ = locus_answers.draw(library, request_for(library, gene="geneA", pair=ALONE, hidden=("crispr",)))
    assert [shape["visible"] for shape in hidden["layout"]["shapes"][:3]] == [True, True, False]


# ---- a gene that is annotated and tested, and that no model knows


@pytest.fixture
def lonely(library: Library) -> Library:
    """The toy study with LONELY, known by its body alone, and TESTED, known by the screen alone."""
    study = library.default()
    body = pd.DataFrame({"chrom": ["chrA"], "start": 500_000, "end": 510_000, "gene_name": "LONELY", "strand": "-"})
    study.__dict__["gene_bodies"] = pd.concat([study.gene_bodies, body], ignore_index=True)
    pair = study.crispr.iloc[[0]].assign(gene_id="G9", gene_name="TESTED", tss=300_000, start=299_000, end=299_900)
    study.__dict__["crispr"] = pd.concat([study.crispr, pair], ignore_index=True)
    return library


@pytest.mark.parametrize("name", ["lonely", "TESTED", "G9"])
def test_a_gene_that_no_model_knows_opens(lonely: Library, name: str) -> None:
    methods = ("distance", "nearest_tss")
    request = request_for(lonely, gene=name, methods=methods)
    figure, _, _ = locus_answers.draw(lonely, request)
    assert set(methods) <= set(band_ids(figure))
    rows, _, _ = locus_answers.tabulate(lonely, request)
    assert {"e1", "e4"} <= {row["element_id"] for row in rows}
    text = words(locus_inspector.inspect(lonely, request)[0])
    assert "annotated, no model knows it" in text
    assert "there is no knock-out" in text
    assert "to-knockout" not in text


def test_its_measured_pairs_are_selected_as_others_are(lonely: Library) -> None:
    request = request_for(lonely, gene="TESTED", pair="chrA:299000-299900")
    text = words(locus_inspector.inspect(lonely, request)[0])
    assert "−40 % of TESTED expression" in text
    assert "data-id='e4'" in text  # 299,750 .. 300,250
    assert "TESTED is annotated, no model knows it: there is no knock-out" in text


def test_its_models_say_why_they_are_silent(lonely: Library) -> None:
    study = lonely.default()
    found, problems = links_of(lonely, study, "LONELY", biosample="ToyCell", methods=["abc", "epinformer.attention"])
    assert len(found["abc"]) == 4
    assert problems == {"epinformer.attention": "LONELY is annotated in study toy, but no model knows it"}


def test_the_knock_out_page_says_why_not(lonely: Library) -> None:
    with pytest.raises(NotAvailable, match=r"^no model of study toy knows TESTED; the Locus page shows what was"):
        knockout.settled(lonely.default(), ViewState(gene="tested"))


def test_a_click_on_its_name_chooses_it(lonely: Library) -> None:
    state, _ = locus_answers.completed(lonely, ViewState(gene="geneA"))
    new = locus_answers.clicked(lonely, shell.view_data(state), {"kind": "gene", "id": "LONELY"})["state"]
    assert new["gene"] == "LONELY"


def test_another_name_of_a_modelled_gene_opens_it(library: Library) -> None:
    study = library.default()
    study.__dict__["gene_bodies"] = study.gene_bodies.assign(
        gene_name=["other", *study.gene_bodies["gene_name"][1:]], gene_id=["G1", "G2", "G3", "G4"]
    )
    state, notices = locus_answers.completed(library, ViewState(gene="OTHER"))
    assert state.gene == "geneA"
    assert notices == ["OTHER is geneA"]
    assert study.gene("other")["gene_id"] == "G1"


def test_a_model_that_fails_is_a_badge(library: Library) -> None:
    study = library.default()
    nothing = study.crispr.assign(call="decrease", pair_id="").head(0)
    gene = locus_drawing.Gene(study.annotated_gene("geneA"), {}, nothing, "", {"m.attention": "no weights"})
    state, _ = locus_answers.completed(library, ViewState(gene="geneA"))
    view, _ = windows.view_of(study, state.locus)
    data = windows.load_locus(study, view, biosample="ToyCell")
    figure = locus_drawing.draw_locus(
        study, data, state, view=view, gene=gene, theme="dark", width_px=900, provenance="x"
    )
    assert "no weights" in [text.text for text in figure.layout.annotations]


def test_the_layout_holds_the_view(library: Library) -> None:
    page = locus.layout(library, gene="geneA", oddity="1")
    assert "'oddity' in the address is not part of a view" in words(page)
    assert "locus-figure" in words(page)
