"""One way to ask: what a question holds, what comes back, and how files of what is shown read."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dash import Dash, html
from flask import Flask

from cre_core.errors import NotAvailable
from dashboard import app as dashboard_app
from dashboard.components.exchange import AskAgain, Exchange, Outdated, Question, Reply, declare, serve
from dashboard.components.shown import Shown, file_name, table_text
from dashboard.settings import Settings
from dashboard.state import ViewState
from tests.installed import install

NUMBERS = Exchange("numbers", needs=("gene", "top", "theme", "width", "run"))


def answer(question: Question) -> Reply:
    says = {"gone": Outdated(), "wait": AskAgain("the models start"), "bad": NotAvailable("no such thing")}
    if question.state.gene in says:
        raise says[question.state.gene]
    if question.state.gene == "broken":
        raise KeyError("inner detail")
    table = pd.DataFrame(
        {"chrom": ["chr1"], "start": [5], "end": [9], "score": [np.nan], "top": [question.state.top]}
    )
    figure = {"data": [{"y": np.array([1.0, np.nan])}], "layout": {}}
    return Reply(
        shown={
            "plot": Shown(figure, table=table, sources=["made here", ""], name="a/b c", missing={"rna": "is torn"})
        },
        sets={"side": {"children": html.B(question.state.gene)}},
        data={"kept": dict(question.kept), "theme": question.theme, "width": question.width_px},
    )


@pytest.fixture
def server() -> Dash:
    """An app that answers one question."""
    app = Dash("test", server=Flask("test"))
    app.layout = html.Div()
    serve(app.server, dashboard_app.error_text)
    NUMBERS.answered_by(app, answer)
    return app


def ask(server: Dash, **question: object) -> dict[str, object]:
    reply = server.server.test_client().post("/ask/numbers", json=question)
    assert reply.status_code == 200
    return json.loads(reply.get_data(as_text=True))


def test_a_question_holds_what_was_declared_and_nothing_else() -> None:
    given = {"gene": "MYC", "top": 5, "theme": "dark", "width": 1012, "run": {"a": 1}, "element": "e1", "number": 3}
    question = NUMBERS.question({**given, "asker": "tab"})
    assert question == Question(ViewState(gene="MYC", top=5), "dark", 1_000, {"run": {"a": 1}}, "tab", 3)
    odd = NUMBERS.question({"gene": None, "top": "x", "theme": 3, "width": "wide", "number": "x"})
    assert odd == Question(ViewState())
    assert NUMBERS.question({"width": float("nan")}).width_px == 900
    assert NUMBERS.of_view(ViewState(gene="MYC", element="e1")).state == ViewState(gene="MYC")


def test_the_answer_carries_figures_components_and_the_number_of_the_question(server: Dash) -> None:
    reply = ask(server, gene="MYC", run=7, number=4, theme="dark", width=640)
    assert reply["number"] == 4
    assert reply["data"] == {"kept": {"run": 7}, "theme": "dark", "width": 650}
    assert reply["sets"]["side"]["children"]["type"] == "B"  # type: ignore[index]
    shown = reply["shown"]["plot"]  # type: ignore[index]
    assert shown["name"] == "a_b_c"
    assert (shown["sources"], shown["missing"], shown["hasTable"]) == (["made here"], {"rna": "is torn"}, True)
    assert "table" not in shown


def test_what_goes_wrong_is_one_line(server: Dash, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(server, gene="bad") == {"error": "no such thing", "expected": True, "number": 0}
    assert ask(server, gene="gone", number=2) == {"outdated": True, "number": 2}
    assert ask(server, gene="wait") == {"again": "the models start", "number": 0}
    broken = ask(server, gene="broken")
    assert "KeyError" in str(broken["error"])
    assert "inner detail" not in str(broken["error"])
    assert "inner detail" in caplog.text
    client = server.server.test_client()
    assert client.post("/ask/nothing", json={}).status_code == 404
    assert client.post("/ask/numbers", data="x").status_code == 400
    assert client.post("/ask/numbers", json=[1]).status_code == 400


def test_the_table_behind_a_figure_is_a_file(server: Dash) -> None:
    client = server.server.test_client()
    reply = client.get("/export/numbers/plot.tsv?gene=MYC&top=5")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="a_b_c.tsv"'
    lines = reply.get_data(as_text=True).splitlines()
    says = [line for line in lines if line.startswith("# ")]
    assert "/export/numbers/plot.tsv?gene=MYC&top=5" in says[0]
    assert says[1:] == ["# places are 0-based, half-open, as in BED", "# made here", "# missing: rna: is torn"]
    assert lines[len(says) :] == ["chrom\tstart\tend\tscore\ttop", "chr1\t5\t9\t\t5"]
    for address in ("/export/numbers/other.tsv", "/export/nothing/plot.tsv", "/export/numbers/plot.xls"):
        assert client.get(address).status_code == 404


def test_numbers_of_a_file_are_numbers_and_simulated_data_say_so() -> None:
    table = pd.DataFrame({"value_reads": [1.5, np.nan, 0.0]})
    text = table_text(Shown(None, table=table, is_simulated=True), "csv", about=["two\nlines"])
    assert text.splitlines()[:2] == ["# simulated data, no measurement", "# two lines"]
    read = pd.read_csv(io.StringIO(text), comment="#", skip_blank_lines=False)["value_reads"]
    np.testing.assert_array_equal(read, [1.5, np.nan, 0.0])
    assert [file_name(name) for name in ("../etc", "", "MYC K562", "a" * 300)] == [
        "etc",
        "figure",
        "MYC_K562",
        "a" * 120,
    ]


def test_a_page_tells_the_browser_what_it_asks() -> None:
    one = Exchange("bases", needs=("element",), only={"panel": "bases"}, busy="ko-bases", width_of="ko-bases")
    declared = json.loads(declare([one])["data-exchanges"])
    assert declared == [
        {"name": "bases", "needs": ["element"], "widthOf": "ko-bases", "busy": "ko-bases", "only": {"panel": "bases"},
         "onDemand": False}
    ]  # fmt: skip


# -- a page of another package ------------------------------------------------------------------------------------

TOY_PAGE = """
from dash import html
from dashboard.components import shell
from dashboard.components.exchange import Exchange, Reply
from dashboard.pages import Page
from dashboard.state import read_view

COUNT = Exchange("toy-count", needs=("study",))

def layout(library, **query):
    state, notices = read_view(query)
    return shell.page(state, html.Div(id="toy-count"), notices=notices, exchanges=[COUNT])

def count(library, question):
    n = len(library.study(question.state.study).genes)
    return Reply(sets={"toy-count": {"children": f"{n} genes"}})

def register(app, library):
    COUNT.answered_by(app, lambda question: count(library, question))

PAGE = Page("/toy", "Toy", "data", layout, register)
"""


@pytest.fixture
def page_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with a page, and one whose page is none."""
    points = "[crescope.pages]\ntoy = page_lab:PAGE\nbroken = page_lab:count\n"
    install(tmp_path / "site", "page-lab", {"__init__.py": TOY_PAGE}, points)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    sys.modules.pop("page_lab", None)


def test_a_page_of_another_package_is_on_the_rail_and_asks(
    page_lab: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    app = dashboard_app.create_app(settings)
    try:
        client = app.server.test_client()
        assert "/toy" in str(app.layout())
        reply = client.post("/ask/toy-count", json={"study": "tiny"}).get_json()
        assert reply["sets"]["toy-count"]["children"] == "40 genes"
        assert "'broken' of crescope.pages is left out: page_lab:count is a function; wanted a Page" in caplog.text
    finally:
        app.server.extensions["crescope"].close()
