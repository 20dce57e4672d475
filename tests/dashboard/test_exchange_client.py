"""assets/exchange.js on an empty page, with a server whose answers come when the test says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from plotly.offline import get_plotlyjs_version

from dashboard.components.exchange import Exchange, declare
from dashboard.index import PLOTLY
from dashboard.state import described

ASSETS = Path(__file__).resolve().parents[2] / "assets"
DASHBOARD = ASSETS.parent / "dashboard"
ONE = Exchange("one", needs=("gene", "knock_outs", "pressed"), busy="place")
TAB = Exchange("tab", needs=("gene",), only={"panel": "models"})
# A server that gives nothing up: what was asked waits in `asked` until the test answers it.
SERVER = """() => {
  window.asked = [];
  window.applied = [];
  window.fetch = (url, { body }) => new Promise((resolve) => {
    const answer = (reply) => resolve({ ok: true, json: async () => reply });
    window.asked.push({ name: url.split("/ask/")[1], question: JSON.parse(body), answer });
  });
  window.dash_clientside = { set_props: () => null };
  crescope.exchange.hooks.one = {
    apply: (reply, question) => window.applied.push([reply.data.n, question.gene]),
    waiting: (text) => window.applied.push(text),
  };
}"""


@pytest.fixture
def asking(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.clock.install()
    about = json.dumps({"view": described(), "plotly": ""})
    exchanges = declare([ONE, TAB])["data-exchanges"].replace('"', "&quot;")
    block = f'<script type="application/json" id="cs-about">{about}</script>'
    page.set_content(f'{block}<div data-exchanges="{exchanges}"></div><div id="place"></div>')
    for name in ("exchange", "plot", "view"):
        page.add_script_tag(path=ASSETS / f"{name}.js")
    page.evaluate(SERVER)
    page.evaluate("() => crescope.view.arrived({ state: { gene: 'A' }, query: 'gene=A' })")
    yield page
    page.close()


def asked(page: Page) -> list[Any]:
    return page.evaluate("() => asked.map((one) => [one.name, one.question.gene, one.question.number])")


def answer(page: Page, at: int, **reply: object) -> list[Any]:
    """What has been applied once a question is answered."""
    steps = "for (let k = 0; k < 9; k += 1) await null;"  # promises between the answer and what it changes
    run = f"async ([at, reply]) => {{ asked[at].answer(reply); {steps} return applied; }}"
    return page.evaluate(run, [at, reply])


def change(page: Page, **fields: object) -> None:
    page.evaluate("(fields) => crescope.view.change(fields)", fields)


def test_a_late_answer_is_dropped_and_each_question_is_newer_than_all_before(asking: Page) -> None:
    change(asking, gene="B")
    assert asked(asking) == [["one", "A", 1], ["one", "B", 2]]
    assert asking.locator("#place").get_attribute("aria-busy") == "true"
    assert answer(asking, 1, data={"n": 2}) == [[2, "B"]]
    assert answer(asking, 0, data={"n": 1}) == [[2, "B"]]
    assert asking.locator("#place").get_attribute("aria-busy") == "false"


def test_the_same_is_asked_once_and_another_field_does_not_ask(asking: Page) -> None:
    change(asking, locus="chr1:1-9")
    change(asking, gene="A")
    assert len(asked(asking)) == 1
    asking.evaluate("() => crescope.exchange.keep({ pressed: 'e1' })")
    assert len(asked(asking)) == 2


def test_a_restart_of_the_models_is_told_and_the_same_is_asked_again(asking: Page) -> None:
    assert answer(asking, 0, again="it starts again") == ["it starts again"]
    assert len(asked(asking)) == 1
    asking.clock.run_for(1_100)
    assert asked(asking) == [["one", "A", 1], ["one", "A", 2]]
    assert answer(asking, 1, data={"n": 3}) == ["it starts again", [3, "A"]]


def test_a_tab_is_asked_while_it_is_open(asking: Page) -> None:
    change(asking, panel="models")
    assert [name for name, *_ in asked(asking)] == ["one", "tab"]
    change(asking, panel="elements", gene="B")
    assert [name for name, *_ in asked(asking)] == ["one", "tab", "one"]


def test_what_the_page_does_not_want_any_more_is_not_applied(asking: Page) -> None:
    asking.evaluate("() => { crescope.exchange.hooks.one.isWanted = (question) => question.gene !== 'A'; }")
    assert answer(asking, 0, data={"n": 1}) == []


def test_a_new_page_of_the_same_view_is_asked_anew_and_our_own_change_is_not(asking: Page) -> None:
    change(asking, gene="B")
    n = len(asked(asking))
    own = asking.evaluate("() => ({ state: crescope.view.state, query: crescope.view.query, change: 1 })")
    asking.evaluate("(view) => crescope.view.arrived(view)", own)
    assert len(asked(asking)) == n
    asking.evaluate("() => crescope.view.arrived({ state: { gene: 'B' }, query: 'gene=B' })")
    assert len(asked(asking)) == n + 1


def test_figures_are_drawn_by_our_own_plotly_of_the_version_that_python_writes_for() -> None:
    for path in DASHBOARD.rglob("*.py"):
        assert "dcc.Graph" not in path.read_text(), path
    bundle = ASSETS / PLOTLY.removeprefix("/assets/")
    named = re.search(r"plotly\.js \(cartesian[^)]*\) v([\d.]+)", bundle.read_text()[:400])
    assert named
    assert named[1] == get_plotlyjs_version()
    assert get_plotlyjs_version() in bundle.name
