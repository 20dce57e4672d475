"""The locus page's functions, with plain values, on the toy study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dash.exceptions import PreventUpdate

from cre_core.errors import NotAvailable, UnknownName
from dashboard.components import shell
from dashboard.pages import locus, locus_answers, locus_drawing, locus_inspector
from dashboard.services import locus as windows
from dashboard.services.library import Library
from dashboard.settings import Settings
from dashboard.state import ViewState, read_view
from tests.toy import make_toy_study


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
    assert [row["element_id"] for row in rows] == ["e1", "e2", "e3", "e4"]
    assert rows[0]["measured_fraction"] is None
    assert rows[1]["measured_fraction"] == -0.4
    assert [column["headerName"] for column in columns if column.get("sort")] == ["ABC (power law)"]
    assert title[0].startswith("4 elements linked to geneA · CRISPRi: 3 pairs, ● 1 significant decrease")
    assert "1 pair overlaps none" in title[0]


def test_the_inspector_of_an_element(library: Library) -> None:
    panel, marks, chosen, _ = locus_inspector.inspect(library, request_for(library, gene="geneA", element="e2"))
    text = words(panel)
    for part in ("chrA:109,751-110,250", "distal · 10 kb downstream of geneA", "100 reads", "2 of 4", "−40 %"):
        assert part in text
    assert "significant decrease" in text
    assert "by hand" in text
    assert "knock_outs=e2*0" in text
    assert (marks[0]["x0"], marks[0]["x1"]) == (109_750, 110_250)
    assert chosen == {"ids": ["e2"]}


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
    with pytest.raises(NotAvailable, match="annotated only"):
        locus_answers.clicked(library, data, {"kind": "gene", "id": "LINC1"})


def test_a_model_that_fails_is_a_badge(library: Library) -> None:
    study = library.default()
    gene = locus_drawing.Gene(
        "geneA", 100_000, {}, study.crispr.assign(call="decrease").head(0), "", {"m.attention": "no weights"}
    )
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
