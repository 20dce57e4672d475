"""The view in the browser (assets/view.js) writes the addresses that the server writes, and tells who listens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from dashboard.state import ViewState, described, read_view

SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "view.js"
CASES: list[list[Any]] = json.loads(Path(__file__).with_name("view_cases.json").read_text())
Call = Callable[..., Any]


@pytest.mark.parametrize(("state", "query"), CASES)
def test_the_server_writes_as_the_table_says(state: dict[str, Any], query: str) -> None:
    view, lines = read_view(state)
    assert lines == []
    assert view.to_query() == query
    assert read_view(query) == (view, [])


@pytest.fixture(scope="module")
def run(browser: Browser) -> Iterator[Call]:
    """Runs a script on a page that knows the fields of a view, with nothing of Dash but `set_props`."""
    page = browser.new_page()
    about = json.dumps({"view": described()})
    page.set_content(f'<script type="application/json" id="cs-about">{about}</script>')
    page.evaluate(
        "window.dash_clientside = { set_props: (id, props) => { (window.sets ||= []).push([id, props]); } }"
    )
    page.add_script_tag(path=SCRIPT)
    yield page.evaluate
    page.close()


@pytest.mark.browser
def test_the_browser_writes_as_the_table_says(run: Call) -> None:
    assert run("states => states.map(crescope.view.written)", [state for state, _ in CASES]) == [
        query for _, query in CASES
    ]


@pytest.mark.browser
def test_numbers_are_written_as_python_does(run: Call) -> None:
    numbers = [0, 1, 0.5, 0.05, 1e-5, 1 / 3, 123456, 1234567, 1e21, 0.0001, 99999.95]
    assert run("numbers => numbers.map(crescope.view.number)", numbers) == [f"{number:g}" for number in numbers]


@pytest.mark.browser
def test_a_change_is_told_once_written_and_lean(run: Call) -> None:
    told = run(
        """() => {
            const told = [];
            document.addEventListener('crescope:view', (event) => told.push(event.detail.before));
            crescope.view.arrived({ state: { gene: 'MYC' }, query: 'gene=MYC' });
            crescope.view.change({ top: 5, methods: [] });
            crescope.view.change({ top: 5 });
            crescope.view.change({ top: 12 });
            return [told, crescope.view.state, crescope.view.query, crescope.view.get('scale'), window.sets];
        }"""
    )
    before, state, query, scale, sets = told
    assert before == [None, {"gene": "MYC"}, {"gene": "MYC", "top": 5}]
    assert (state, query, scale) == ({"gene": "MYC"}, "gene=MYC", "group")
    assert [props["data"]["query"] for _, props in sets] == ["gene=MYC&top=5", "gene=MYC"]


@pytest.mark.browser
def test_another_view_leaves_nothing_of_the_one_before(run: Call) -> None:
    state = run(
        """() => {
            crescope.view.arrived({ state: { gene: 'MYC', element: 'e1', top: 3 }, query: 'x' });
            history.pushState = () => {};
            crescope.view.replace({ gene: 'KLF1' });
            return crescope.view.state;
        }"""
    )
    assert state == {"gene": "KLF1"}


def test_a_part_of_a_view() -> None:
    view = ViewState(gene="MYC", top=5, element="e1")
    assert view.only(("gene", "top")) == ViewState(gene="MYC", top=5)
