"""The locus page's functions, with plain values, on the toy study."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import NotAvailable, UnknownName
from dashboard.components.exchange import Question, Reply
from dashboard.components.shown import table_text
from dashboard.pages.locus import bands, figure, inspector, table
from dashboard.pages.locus import page as locus
from dashboard.services import locus as windows
from dashboard.services.gene import Gene
from dashboard.services.library import Library
from dashboard.services.links import links_of
from dashboard.services.view import NONE, complete
from dashboard.settings import Settings
from dashboard.state import Look, ViewState
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


def completed(library: Library, state: ViewState) -> tuple[ViewState, list[str]]:
    return complete(library, state, wants=("place",))


def asked(library: Library, **changes: Any) -> Question:
    state, _ = completed(library, ViewState(**changes))
    return Question(state)


def drawn(library: Library, question: Question) -> dict[str, Any]:
    return figure.draw(library, question).shown[figure.FIGURE_ID].figure


def panel(reply: Reply) -> str:
    return str(reply.sets["inspector"]["children"])


def rows_of(library: Library, question: Question) -> list[dict[str, Any]]:
    return table.tabulate(library, question).sets[table.TABLE_ID]["rowData"]


def title_of(library: Library, question: Question) -> str:
    return str(table.tabulate(library, question).sets["locus-table-title"]["children"])


def band_ids(figure: dict[str, Any]) -> list[str]:
    return [band["id"] for band in figure["layout"]["meta"]["bands"]]


def numbers(array: Any) -> list[float]:
    """An array as plotly sends it."""
    if isinstance(array, dict):
        return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"]).tolist()
    return list(array)


def words(component: object) -> str:
    return str(component)


def test_an_empty_address_is_completed(library: Library) -> None:
    state, notices = completed(library, ViewState())
    assert state.study == library.default().name
    assert state.biosample == "ToyCell"
    assert state.gene
    assert state.locus.startswith("chr")
    assert notices == []


def test_a_method_that_is_not_there_is_named(library: Library) -> None:
    given = ViewState(gene="geneA", methods=("abc", "enformer.attention"))
    state, notices = completed(library, given)
    assert notices == ["no link method 'enformer.attention' for ToyCell in study toy: not shown"]
    assert bands.shown_methods(library.default(), state) == ("abc",)
    assert completed(library, ViewState(gene="geneA", methods=(NONE,)))[1] == []


def test_a_gene_elsewhere_is_let_go_with_a_line(library: Library) -> None:
    state, notices = completed(library, ViewState(gene="geneA", locus="chrB:1-100,000"))
    assert state.gene == ""
    assert notices == ["geneA is on chrA: choose a gene on chrB to see its links"]


def test_what_cannot_be_is_told_and_the_rest_of_the_view_stays(library: Library) -> None:
    with pytest.raises(UnknownName, match="no gene 'NOSUCH'"):
        completed(library, ViewState(gene="NOSUCH"))
    state, notices = completed(library, ViewState(gene="NOSUCH", locus="chrA:1-100,000"))
    assert (state.gene, state.locus) == ("", "chrA:1-100,000")
    assert "no gene 'NOSUCH'" in notices[0]
    state, notices = completed(library, ViewState(gene="geneB", biosample="HeLa"))
    assert (state.gene, state.biosample) == ("geneB", "ToyCell")
    assert notices == ["study toy has no biosample 'HeLa': this is ToyCell, of ToyCell"]
    state, notices = completed(library, ViewState(gene="geneB", locus="chr99:1-2"))
    assert state.gene == "geneB"
    assert state.locus == completed(library, ViewState(gene="geneB"))[0].locus
    assert "chr99" in notices[0]
    assert notices[0].endswith(": this is geneB")


def test_draw(library: Library) -> None:
    reply = figure.draw(library, asked(library, gene="geneA", locus="chrA:90,001-210,000"))
    shown = reply.shown[figure.FIGURE_ID]
    assert band_ids(shown.figure) == [
        "genes",
        "dnase",
        "h3k27ac",
        "elements",
        "activity_over_distance",
        "abc",
        "crispr",
    ]
    assert shown.figure["layout"]["xaxis"]["range"] == [90_000, 210_000]
    meta = shown.figure["layout"]["meta"]
    assert meta["loaded"] == [0, 330_000]
    assert meta["size"] == library.default().assembly.size("chrA")
    assert list(meta["marks"]["elements"]["id"]) == ["e1", "e2", "e3", "e4"]
    assert numbers(meta["marks"]["pairs"]["y"]) == [-40, 30, 2]
    assert numbers(meta["marks"]["pairs"]["found"]) == [1, 0, 0]
    assert shown.name == "locus_geneA_ToyCell_toy_chrA_90001-210000"
    assert "ToyCell" in str(reply.sets["footer"]["children"])


def test_a_file_marks_what_is_selected_and_the_screen_s_figure_does_not(library: Library) -> None:
    question = asked(library, gene="geneA", locus="chrA:90,001-210,000")
    names = [shape.get("name") for shape in drawn(library, question)["layout"]["shapes"]]
    assert "selected" not in names
    marked = drawn(library, Question(question.state.with_(element="e2")))
    first, second = [shape for shape in marked["layout"]["shapes"] if shape.get("name") == "selected"]
    assert (first["x0"], first["x1"], second["x0"]) == (109_750, 110_250, 110_000)
    again = [shape.get("name") for shape in drawn(library, question)["layout"]["shapes"]]
    assert again == names  # the cached figure is as it was
    assert "element" not in figure.FIGURE.needs
    assert {"element", "pair", "highlights"} <= set(figure.FILE.needs)


def test_methods_and_tracks_are_chosen(library: Library) -> None:
    question = asked(library, gene="geneA", methods=("distance",), hidden=("dnase", "crispr"))
    assert band_ids(drawn(library, question)) == ["genes", "h3k27ac", "elements", "distance"]
    none = asked(library, gene="geneA", methods=(NONE,), hidden=(NONE,))
    assert band_ids(drawn(library, none)) == ["genes", "dnase", "h3k27ac", "elements", "crispr"]


def test_tracks_have_the_order_height_colour_and_range_of_the_view(library: Library) -> None:
    looks = (("dnase", Look(height_px=100, colour="#123456", low=0, high=50)), ("abc", Look(scale="rank")))
    made = drawn(library, asked(library, gene="geneA", order=("abc", "crispr"), looks=looks))
    assert band_ids(made) == ["abc", "crispr", "genes", "dnase", "h3k27ac", "elements", "activity_over_distance"]
    meta = {band["id"]: band for band in made["layout"]["meta"]["bands"]}
    assert (meta["dnase"]["colour"], meta["dnase"]["range"]) == ("#123456", [0, 50])
    assert meta["dnase"]["note"] == "0 to 50, fixed"
    assert (meta["abc"]["scale"], meta["abc"]["unit"], meta["abc"]["group"]) == ("rank", "score, rank", "")
    heights = {name: band["to"] - band["from"] for name, band in meta.items()}
    assert heights["dnase"] / heights["h3k27ac"] == pytest.approx(100 / 48, rel=0.01)


def test_a_biosample_without_signal_says_so(library: Library) -> None:
    study = library.default()
    study.__dict__["info"] = dataclasses.replace(study.info, tracks=())
    made = drawn(library, asked(library, gene="geneA"))
    assert "study toy has no signal of ToyCell" in [text["text"] for text in made["layout"]["annotations"]]


def test_a_gene_without_truth_says_so(library: Library) -> None:
    question = asked(library, gene="geneB")
    notes = [text["text"] for text in drawn(library, question)["layout"]["annotations"]]
    assert "no CRISPRi pairs were tested for geneB" in notes
    assert "no CRISPRi pairs were tested for geneB" in title_of(library, question)
    assert "No CRISPRi pairs were tested for geneB" in panel(inspector.inspect(library, question))


def test_the_table(library: Library) -> None:
    question = asked(library, gene="geneA")
    rows, title = rows_of(library, question), title_of(library, question)
    assert [(row["kind"], row["element_id"]) for row in rows] == [
        ("element", "e1"), ("element", "e2"), ("pair", ALONE), ("element", "e3"), ("element", "e4")
    ]  # fmt: skip
    assert rows[0]["measured_fraction"] is None
    assert rows[1]["measured_fraction"] == -0.4
    assert [row["pair_ids"] for row in rows] == [[], ["chrA:109800-110200"], [ALONE], ["chrA:199600-200400"], []]
    columns = table.tabulate(library, question).sets[table.TABLE_ID]["columnDefs"]
    assert [column["headerName"] for column in columns if column.get("sort")] == ["ABC (power law)"]
    assert title.startswith("4 elements linked to geneA · CRISPRi: 3 pairs, ● 1 significant decrease")
    assert "1 pair under none of them, in a row of its own" in title


def test_the_table_as_data(library: Library) -> None:
    shown = table.tabulate(library, asked(library, gene="geneA")).shown[table.TABLE_ID]
    text = table_text(shown, "tsv")
    says = [line for line in text.splitlines() if line.startswith("#")]
    assert "# places are 0-based, half-open, as in BED" in says
    assert any("ToyCell" in line for line in says)
    data = pd.read_csv(io.StringIO(text), sep="\t", comment="#")
    assert data["element_id"].tolist()[:2] == ["e1", "e2"]
    e2, alone = data[data["element_id"] == "e2"].iloc[0], data[data["pair_start"] == 150_000].iloc[0]
    assert (e2["chrom"], e2["start"], e2["end"]) == ("chrA", 109_750, 110_250)
    assert (e2["gene_name"], e2["biosample"], e2["tss_distance_bp"]) == ("geneA", "ToyCell", 10_000)
    assert (e2["pair_start"], e2["pair_end"], e2["crispri_effect_percent"]) == (109_800, 110_200, -40)
    assert e2["crispri_call"] == "decrease"
    assert (e2["abc_rank"], e2["dnase_reads_per_element"]) == (2, 100)
    assert pd.isna(alone["element_id"])
    assert pd.isna(alone["abc_score"])
    for name in ("abc_score", "activity_over_distance_score", "crispri_p_adjusted", "crispri_power_at_25_percent"):
        assert pd.api.types.is_float_dtype(data[name]), name
    assert len(data) == 5


def test_the_inspector_of_an_element(library: Library) -> None:
    reply = inspector.inspect(library, asked(library, gene="geneA", element="e2"))
    text = panel(reply)
    for part in ("chrA:109,751-110,250", "distal · 10 kb downstream of geneA", "100 reads", "2 of 4", "−40 %"):
        assert part in text
    assert "significant decrease" in text
    assert "by hand" in text
    assert "knock_outs=e2*0" in text
    assert reply.data == {"row": "element e2", "place": ["chrA", 109_750, 110_250]}


def test_the_inspector_of_an_untested_element(library: Library) -> None:
    reply = inspector.inspect(library, asked(library, gene="geneA", element="e4"))
    assert "this element was not tested for geneA" in panel(reply)


def test_the_inspector_of_a_measured_pair(library: Library) -> None:
    reply = inspector.inspect(library, asked(library, gene="geneA", pair="chrA:109800-110200"))
    text = panel(reply)
    # The middle of the place, 110,000, lies 10 kb after the TSS of a gene on the plus strand.
    for part in ("chrA:109,801-110,200", "−40 % of geneA expression", "significant decrease", "10 kb downstream"):
        assert part in text
    for part in ("'adjusted p'), Span(children='0.001'", "25 % change'), Span(children='0.95'", "by hand"):
        assert part in text
    assert "interval" not in text  # this screen gives none
    assert "data-id='e2'" in text
    assert reply.data == {"row": "element e2", "place": ["chrA", 109_800, 110_200]}


def test_a_measured_pair_under_no_element(library: Library) -> None:
    reply = inspector.inspect(library, asked(library, gene="geneA", pair=ALONE))
    text = panel(reply)
    assert "+30 % of geneA expression" in text
    assert "no element of this study lies here" in text
    assert "to-knockout" not in text
    assert reply.data["row"] == f"pair {ALONE}"


def test_the_interval_of_a_screen_that_gives_one(library: Library) -> None:
    study = library.default()
    study.__dict__["crispr"] = study.crispr.assign(effect_low=-0.5, effect_high=-0.3)
    reply = inspector.inspect(library, asked(library, gene="geneA", pair="chrA:109800-110200"))
    assert "interval −50 % to −30 %" in panel(reply)


def test_an_element_lists_every_pair_the_strongest_significant_first(library: Library) -> None:
    study = library.default()
    near = study.crispr.iloc[[0, 0]].assign(start=[109_000, 110_100], end=[109_760, 112_000])
    near = near.assign(effect_fraction=[-0.9, -0.6], is_significant=[False, True])
    study.__dict__["crispr"] = pd.concat([study.crispr, near], ignore_index=True)
    question = asked(library, gene="geneA", element="e2")
    text = panel(inspector.inspect(library, question))
    assert "3 pairs" in text
    places = [text.index(f"{effect} of geneA expression") for effect in ("−60 %", "−40 %", "−90 %")]
    assert places == sorted(places)
    assert all(f"data-id='{name}'" in text for name in ("chrA:110100-112000", "chrA:109000-109760"))
    row = next(row for row in rows_of(library, question) if row["element_id"] == "e2")
    assert (row["measured_fraction"], row["measured_call"], len(row["pair_ids"])) == (-0.6, "decrease", 3)


def test_a_pair_that_is_not_there_is_a_line(library: Library) -> None:
    state, notices = completed(library, ViewState(gene="geneA", pair="chrA:1-2"))
    assert state.pair == ""
    assert notices == ["'chrA:1-2' is not a measured pair of geneA: it is not selected"]


def test_a_file_outlines_the_mark_of_the_selected_pair(library: Library) -> None:
    made = drawn(library, asked(library, gene="geneA", pair=ALONE))
    place, _, ring = [shape for shape in made["layout"]["shapes"] if shape.get("name") in ("selected", "mark")]
    assert (place["x0"], place["x1"]) == (150_000, 150_500)
    truth = next(band for band in made["layout"]["meta"]["bands"] if band["id"] == "crispr")
    assert (ring["xanchor"], ring["yanchor"]) == (150_250, 30)
    assert "yaxis" + ring["yref"][1:] == truth["axis"]
    hidden = drawn(library, asked(library, gene="geneA", pair=ALONE, hidden=("crispr",)))
    assert "mark" not in [shape.get("name") for shape in hidden["layout"]["shapes"]]


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
    question = asked(lonely, gene=name, methods=methods)
    assert set(methods) <= set(band_ids(drawn(lonely, question)))
    assert {"e1", "e4"} <= {row["element_id"] for row in rows_of(lonely, question)}
    text = panel(inspector.inspect(lonely, question))
    assert "annotated, no model knows it" in text
    assert "there is no knock-out" in text
    assert "to-knockout" not in text


def test_its_measured_pairs_are_selected_as_others_are(lonely: Library) -> None:
    text = panel(inspector.inspect(lonely, asked(lonely, gene="TESTED", pair="chrA:299000-299900")))
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
        complete(lonely, ViewState(gene="tested"), wants=("model",))


def test_another_name_of_a_modelled_gene_opens_it(library: Library) -> None:
    study = library.default()
    study.__dict__["gene_bodies"] = study.gene_bodies.assign(
        gene_name=["other", *study.gene_bodies["gene_name"][1:]], gene_id=["G1", "G2", "G3", "G4"]
    )
    state, notices = completed(library, ViewState(gene="OTHER"))
    assert state.gene == "geneA"
    assert notices == ["OTHER is geneA"]
    assert study.gene("other")["gene_id"] == "G1"


def test_a_model_that_fails_is_a_badge(library: Library) -> None:
    study = library.default()
    nothing = study.crispr.assign(call="decrease", pair_id="").head(0)
    gene = Gene(study.annotated_gene("geneA"), {}, nothing, "", {"m.attention": "no weights"})
    state, _ = completed(library, ViewState(gene="geneA"))
    view, _ = windows.view_of(study, state.locus)
    data = windows.load_locus(study, view, biosample="ToyCell")
    made = bands.draw_locus(study, data, state, view=view, gene=gene, theme="dark", width_px=900, provenance="x")
    assert "no weights" in [text["text"] for text in made["layout"]["annotations"]]


def test_the_layout_holds_the_view(library: Library) -> None:
    page = locus.layout(library, gene="geneA", oddity="1")
    assert "'oddity' in the address is not part of a view" in words(page)
    assert "locus-figure" in words(page)
