"""The browser's part of the knock-out page as plain functions: assets/knockout*.js on an empty page."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from dashboard.state import described

ASSETS = Path(__file__).resolve().parents[2] / "assets"
TOPICS = ("", "_history", "_head", "_table", "_measured", "_figures", "_hand", "_panels")
Call = Callable[..., Any]
BASE = {
    "elements": ["a", "b", "c"],
    "single_log2": [-1.0, -0.5, 0.25],
    "baseline": 3.0,
    "log2_per_unit": math.log2(10),
    "rows": [{"element_id": "a"}, {"element_id": "b"}, {"element_id": "c"}],
}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def empty_page(browser: Browser) -> Iterator[Page]:
    """An empty page with the scripts, and what the server writes into every page."""
    page = browser.new_page()
    about = json.dumps({"view": described(), "plotly": ""})
    page.set_content(f'<script type="application/json" id="cs-about">{about}</script>')
    for name in ("exchange", "plot", "text", "view", *(f"knockout{topic}" for topic in TOPICS)):
        page.add_script_tag(path=ASSETS / f"{name}.js")
    page.evaluate("() => { window.dash_clientside.set_props = () => null; }")
    yield page
    page.close()


@pytest.fixture(scope="module")
def call(empty_page: Page) -> Call:
    """Calls a plain function of the page with plain values; a last one names an element."""
    run = "([f, v]) => window.crescope.knockout[f](...v, (one) => 'the ' + one)"
    return lambda name, *values: empty_page.evaluate(run, [name, values])


def history(now: list[list[object]], *, past: list[Any] | None = None) -> dict[str, Any]:
    return {"past": past or [], "now": {"knock_outs": now, "mode": "mask"}, "future": []}


def knock_outs(given: dict[str, Any]) -> list[list[object]]:
    return given["now"]["knock_outs"]


def test_changes_undo_and_redo_in_order(call: Call) -> None:
    one = call("step", history([]), {"kind": "set", "element": "a", "strength": 0})
    two = call("step", one, {"kind": "set", "element": "b", "strength": 0.5})
    assert knock_outs(two) == [["a", 0], ["b", 0.5]]
    back = call("step", two, {"kind": "undo"})
    assert knock_outs(back) == [["a", 0]]
    assert knock_outs(call("step", back, {"kind": "undo"})) == []
    assert knock_outs(call("step", back, {"kind": "redo"})) == [["a", 0], ["b", 0.5]]


def test_a_new_change_forgets_what_was_undone(call: Call) -> None:
    one = call("step", history([]), {"kind": "set", "element": "a", "strength": 0})
    back = call("step", one, {"kind": "undo"})
    other = call("step", back, {"kind": "set", "element": "c", "strength": 0})
    assert other["future"] == []
    assert knock_outs(call("step", other, {"kind": "redo"})) == [["c", 0]]


def test_strength_1_is_as_measured_and_leaves_the_list(call: Call) -> None:
    start = history([["a", 0], ["b", 0.5]])
    assert knock_outs(call("step", start, {"kind": "set", "element": "a", "strength": 1})) == [["b", 0.5]]


def test_what_changes_nothing_is_no_step(call: Call) -> None:
    start = history([["a", 0]])
    for action in (
        {"kind": "set", "element": "a", "strength": 0},
        {"kind": "set", "element": "b", "strength": 1},
        {"kind": "mode", "mode": "mask"},
        {"kind": "replace", "elements": ["a"]},
        {"kind": "undo"},
        {"kind": "redo"},
    ):
        assert call("step", start, action) == start


def test_a_preset_replaces_and_reset_clears_and_both_undo(call: Call) -> None:
    preset = call("step", history([["c", 0.3]]), {"kind": "replace", "elements": ["a", "b"]})
    assert knock_outs(preset) == [["a", 0], ["b", 0]]
    cleared = call("step", preset, {"kind": "replace", "elements": []})
    assert knock_outs(cleared) == []
    assert knock_outs(call("step", call("step", cleared, {"kind": "undo"}), {"kind": "undo"})) == [["c", 0.3]]


def test_a_preset_is_the_screen_s_positives_or_the_first_of_a_ranking(call: Call) -> None:
    base = {"presets": {"positives": ["b"], "rankings": {"abc": ["c", "a", "b"]}}}
    assert call("presetOf", "positives", base, {}) == ["b"]
    assert call("presetOf", "top", base, {"method": "abc", "k": 2}) == ["c", "a"]
    assert call("presetOf", "top", base, {"method": "abc", "k": None}) == []
    assert call("presetOf", "top", base, {"method": None, "k": 5}) == []
    assert call("presetOf", "pair", MEASURED, {"element": "a", "pair": "p1"}) == ["a"]
    assert call("presetOf", "pair", MEASURED, {"element": "a", "pair": ""}) == ["a", "b"]


def test_a_step_of_the_history_is_gone_back_to_and_forward_from(call: Call) -> None:
    one = call("step", history([]), {"kind": "set", "element": "a", "strength": 0})
    two = call("step", one, {"kind": "set", "element": "b", "strength": 0})
    first = call("step", two, {"kind": "go", "at": 0})
    assert knock_outs(first) == []
    assert [now["knock_outs"] for now in first["future"]] == [[["a", 0]], [["a", 0], ["b", 0]]]
    assert knock_outs(call("step", first, {"kind": "go", "at": 2})) == [["a", 0], ["b", 0]]
    assert call("step", two, {"kind": "go", "at": 2}) == two
    assert call("step", two, {"kind": "go", "at": 9}) == two


def test_a_snapshot_comes_back_as_a_step_that_undoes(call: Call) -> None:
    start = history([["a", 0]])
    restored = call("step", start, {"kind": "restore", "knock_outs": [["b", 0.5]]})
    assert knock_outs(restored) == [["b", 0.5]]
    assert knock_outs(call("step", restored, {"kind": "undo"})) == [["a", 0]]


KEPT: dict[str, Any] = {"snapshots": [["one", [["a", 0]]], ["two", []]], "compare": ["one", ""]}


def test_a_snapshot_of_the_same_name_is_replaced_and_the_ninth_is_refused(call: Call) -> None:
    again = call("withSnapshot", KEPT, "one", [["b", 0]])
    assert again["snapshots"] == [["two", []], ["one", [["b", 0]]]]
    full = {"snapshots": [[f"s{n}", []] for n in range(8)], "compare": []}
    assert call("withSnapshot", full, "more", []) == full
    assert len(call("withSnapshot", full, "s3", [["a", 0]])["snapshots"]) == 8


def test_a_forgotten_snapshot_leaves_the_comparison(call: Call) -> None:
    assert call("withoutSnapshot", KEPT, "one") == {"snapshots": [["two", []]], "compare": []}


def test_a_side_is_chosen_and_taken_back(call: Call) -> None:
    both = call("withSide", KEPT, 1, "two")
    assert both["compare"] == ["one", "two"]
    assert call("withSide", both, 0, "one")["compare"] == ["", "two"]


def test_a_name_is_short_free_of_the_signs_of_an_address_and_never_empty(call: Call) -> None:
    assert call("cleanName", " a~b*c! ", KEPT) == "a b c"
    assert call("cleanName", "x" * 40, KEPT) == "x" * 24
    assert call("cleanName", "", {"snapshots": [["snapshot 1", []]]}) == "snapshot 2"


def test_the_history_says_what_was_changed(call: Call) -> None:
    def said(before: list[list[object]] | None, now: list[list[object]], mode: str = "mask") -> str:
        was = None if before is None else {"knock_outs": before, "mode": "mask"}
        return call("describe", was, {"knock_outs": now, "mode": mode})

    assert said(None, []) == "as measured"
    assert said(None, [["a", 0]]) == "1 changed at the start"
    assert said([["a", 0]], []) == "reset"
    assert said([["a", 0]], [["a", 0]], "silence") == "mode silence"
    assert said([], [["a", 0], ["b", 0]]) == "2 elements changed"
    assert said([], [["a", 0]]) == "the a out"
    assert said([], [["a", 0.25]]) == "the a strength 0.25"
    assert said([["a", 0], ["b", 0]], [["b", 0]]) == "the a as measured"


def test_a_mode_switch_keeps_the_strengths_and_undoes(call: Call) -> None:
    switched = call("step", history([["a", 0]]), {"kind": "mode", "mode": "silence"})
    assert switched["now"] == {"knock_outs": [["a", 0]], "mode": "silence"}
    assert call("step", switched, {"kind": "undo"})["now"]["mode"] == "mask"


def test_the_estimate_sums_single_log2_changes_in_proportion(call: Call) -> None:
    full = call("additive", BASE, [["a", 0], ["b", 0]])
    assert full["log2"] == pytest.approx(-1.5)
    assert full["fraction"] == pytest.approx(2**-1.5 - 1)
    assert full["after"] == pytest.approx(3 - 1.5 * math.log10(2))
    assert full["between"] is False
    part = call("additive", BASE, [["a", 0.25], ["c", 0]])
    assert part["log2"] == pytest.approx(-0.75 + 0.25)
    assert part["between"] is True


def test_an_effect_the_model_does_not_know_gives_no_estimate(call: Call) -> None:
    unknown = {**BASE, "single_log2": [-1.0, None, 0.25]}
    assert math.isnan(call("additive", unknown, [["a", 0], ["b", 0]])["log2"])


def test_a_late_answer_is_not_current(call: Call) -> None:
    assert call("isCurrent", {"about": "now", "data": {}}, "now") is True
    assert call("isCurrent", {"about": "before", "data": {}}, "now") is False
    assert call("isCurrent", None, "now") is False


def test_pinned_sliders_are_the_strongest_changed_without_the_one_in_focus(call: Call) -> None:
    changed = [["c", 0], ["b", 0.5], ["a", 0], ["gone", 0]]
    assert call("pinned", BASE, changed, "", 12) == ["a", "b", "c"]
    assert call("pinned", BASE, changed, "b", 1) == ["a"]


def test_rows_carry_the_strength_and_what_is_still_computed_is_waiting(call: Call) -> None:
    rows = call("rowsOf", BASE, [["b", 0.5]], None)
    assert [row["strength"] for row in rows] == [1, 0.5, 1]
    assert all(row["isWaiting"] and row["others"] is None for row in rows)
    rows = call("rowsOf", BASE, [["b", 0]], {"others": [-0.1, None, 0.2]})
    assert [row["others"] for row in rows] == [-0.1, None, 0.2]


# -- measured pairs -------------------------------------------------------------------------------------------------


def pair(name: str, elements: list[str], *, measured: float, predicted: float | None) -> dict[str, Any]:
    texts = dict.fromkeys(("place", "distance", "words", "power", "p_adjusted", "reference", "experiment"), "")
    percents = {"measured_percent": measured, "predicted_percent": predicted}
    shown = {"measured": f"{measured} %", "predicted": "" if predicted is None else f"{predicted} %"}
    about = {"element_ids": elements, "distance_bp": 7, "call": "decrease", "is_read": predicted is not None}
    return {"pair_id": name, **texts, **percents, **shown, **about}


MEASURED: dict[str, Any] = {
    "elements": ["a", "b"], "distance_bp": [-5, 40],
    "rows": [
        {"element_id": "a", "strength": 1, "pair_ids": ["p2", "p1"]},
        {"element_id": "b", "strength": 1, "pair_ids": []},
        {"element_id": "p3", "strength": None, "pair_ids": ["p3"]},
    ],
    "measured": [
        pair("p1", ["a"], measured=-8.5, predicted=0.2), pair("p2", ["a", "b"], measured=-63.6, predicted=-1.2),
        pair("p3", [], measured=-20, predicted=None),
    ],
}  # fmt: skip


def test_the_pair_told_about_is_the_selected_one_or_the_first_over_the_element(call: Call) -> None:
    def told(focus: str, selected: str) -> str | None:
        found = call("shown", MEASURED, focus, selected)
        return found["pair_id"] if found else None

    assert told("a", "") == "p2"
    assert told("a", "p1") == "p1"
    assert told("", "p3") == "p3"
    assert told("b", "") is None


def test_a_mark_selects_a_pair_and_the_element_under_it_or_an_element_alone(call: Call) -> None:
    assert call("ofMark", ["a", "p2"], MEASURED) == {"element": "a", "pair": "p2"}
    assert call("ofMark", ["", "p3"], MEASURED) == {"element": "", "pair": "p3"}
    assert call("ofMark", "b", MEASURED) == {"element": "b", "pair": ""}
    assert call("ofMark", "elsewhere", MEASURED) is None  # another model reads more
    assert call("ofMark", None, MEASURED) is None  # a pair of another gene
    here, rows = {"element": "a", "pair": "p1"}, MEASURED["rows"]
    assert call("ofRow", rows[0], here) == here  # its row follows, the pair stays
    assert call("ofRow", rows[1], here) == {"element": "b", "pair": ""}
    assert call("ofRow", rows[2], here) == {"element": "", "pair": "p3"}


def test_the_next_positive_is_along_the_genome_and_goes_round(call: Call) -> None:
    places = {"p1": 300, "p2": -20, "p3": 5}
    pairs = [{**one, "distance_bp": places[one["pair_id"]]} for one in MEASURED["measured"]]
    pairs.append({**pairs[0], "pair_id": "quiet", "distance_bp": 7, "call": "not significant"})
    base = {**MEASURED, "measured": pairs}

    def step(selected: str, by: int) -> str:
        return call("nextPositive", base, selected, by)["pair_id"]

    assert [step("", 1), step("p2", 1), step("p3", 1), step("p1", 1)] == ["p2", "p3", "p1", "p2"]
    assert [step("", -1), step("p2", -1)] == ["p1", "p1"]
    assert call("nextPositive", {**base, "measured": pairs[3:]}, "", 1) is None


def test_a_pair_without_elements_has_nothing_to_knock_out(call: Call) -> None:
    assert call("tell", MEASURED, "a", "")["canKnockOut"] is True
    assert call("tell", MEASURED, "", "p3")["canKnockOut"] is False
    told = call("tell", MEASURED, "b", "")
    assert (told["children"]["props"]["children"], told["canKnockOut"]) == ("not tested by CRISPRi", False)
    assert call("tell", MEASURED, "", "")["children"] == ""  # nothing is selected
    choices = call("tell", MEASURED, "a", "p1")["children"][0]["props"]["children"]
    assert [part["props"]["data-ko-pair"] for part in choices[1:]] == ["p2", "p1"]


def test_the_ring_is_at_the_pair_and_the_line_at_the_element(call: Call) -> None:
    meta = {"line": {"type": "line"}, "ring": {"e": 1}}
    line, ring = call("effectShapes", meta, MEASURED, "a", "p1")
    assert (line["x0"], ring["xanchor"], ring["yanchor"]) == (-5, 7, -8.5)
    line, ring = call("effectShapes", meta, MEASURED, "", "p3")
    assert (line["x0"], ring["yanchor"]) == (7, -20)  # without an element the line is at the pair
    assert len(call("effectShapes", meta, MEASURED, "b", "")) == 1
    assert call("effectShapes", meta, MEASURED, "", "") == []  # let go: nothing stays
    (ring,) = call("agreementShapes", meta, MEASURED, "a", "")
    assert (ring["xanchor"], ring["yanchor"]) == (-63.6, -1.2)
    assert call("agreementShapes", meta, MEASURED, "", "p3") == []  # not drawn there


def test_an_answer_is_put_into_its_traces_alone(call: Call) -> None:
    marks = {"x": [1], "y": [0], "text": ["t"], "customdata": ["a"], "symbol": ["x-thin"]}
    traces = call("effectTraces", {"changed": marks})
    figure = {
        "data": [{"name": "other", "x": [9]}, {"name": "changed now", "marker": {"size": 9}}],
        "layout": {"meta": 1},
    }
    other, changed = call("dressed", figure, traces, [{"type": "line"}])["data"]
    assert other == {"name": "other", "x": [9]}
    assert (changed["x"], changed["marker"]) == ([1], {"size": 9, "symbol": ["x-thin"]})
    assert call("effectTraces", None) == {}
    moved = {"after": [0.1], "less": {"x": [1], "y": [2]}, "more": {"x": [], "y": []}}
    assert call("attentionTraces", {"attention": moved})["after"] == {"y": [0.1]}


# -- by hand --------------------------------------------------------------------------------------------------------


def test_a_view_never_leaves_the_limits_and_keeps_its_width(call: Call) -> None:
    assert call("clamped", [-900, 1_100], [-1_000, 5_000]) == [-900, 1_100]
    assert call("clamped", [-3_000, -1_000], [-1_000, 5_000]) == [-1_000, 1_000]
    assert call("clamped", [4_000, 9_000], [-1_000, 5_000]) == [0, 5_000]
    assert call("clamped", [-9_000, 9_000], [-1_000, 5_000]) == [-1_000, 5_000]
    assert call("clamped", [10, 20], [-1_000, 5_000]) == [-235, 265]  # no narrower than 500 bp


def test_zooming_keeps_the_place_under_the_cursor(call: Call) -> None:
    assert call("zoomed", [0, 100], 0.5, 20) == [10, 60]  # a fifth from the left before and after
    assert call("zoomed", [10, 60], 2, 20) == [0, 100]


def test_a_click_takes_the_nearest_mark_or_the_bar_it_is_on_and_else_none(call: Call) -> None:
    marks = [
        {"x": 100, "y": 50, "foot": 50, "told": "ring"},
        {"x": 108, "y": 50, "foot": 50, "told": "other"},
        {"x": 200, "y": 90, "foot": 20, "told": "bar"},
    ]
    assert call("nearest", marks, 103, 52) == "ring"
    assert call("nearest", marks, 105, 50) == "other"
    assert call("nearest", marks, 203, 40) == "bar"
    assert call("nearest", marks, 150, 50) is None
    assert call("nearest", marks, 200, 110) is None


def test_a_row_of_a_pair_stays_as_it_is(call: Call) -> None:
    rows = call("rowsOf", {"rows": MEASURED["rows"]}, [["a", 0]], {"others": [None, -0.1]})
    assert [row["strength"] for row in rows] == [0, 1, None]
    assert rows[2] == MEASURED["rows"][2]


# -- what the page keeps in step ------------------------------------------------------------------------------------


def test_the_history_follows_the_view_and_begins_anew_on_a_new_page(empty_page: Page) -> None:
    said = empty_page.evaluate(
        """() => {
          const { view, knockout } = window.crescope, lengths = [];
          const note = () => lengths.push([knockout.history().past.length, knockout.history().future.length]);
          const arrive = (state) => { view.arrived({ state, query: "" }); knockout.followHistory(null, true); };
          arrive({ gene: "G" });
          knockout.act({ kind: "set", element: "a", strength: 0 });
          note();
          knockout.act({ kind: "undo" });
          note();
          const before = view.state;
          view.change({ knock_outs: [["b", 0]] }); /* another part of the page */
          knockout.followHistory(before, false);
          note();
          arrive({ gene: "H" });
          note();
          return lengths;
        }"""
    )
    assert said == [[1, 0], [0, 1], [1, 0], [0, 0]]


def test_an_address_holds_the_first_of_very_many_and_the_view_all(empty_page: Page) -> None:
    state, query = empty_page.evaluate(
        """() => {
          const { view } = window.crescope;
          view.arrived({ state: { gene: "G" }, query: "" });
          view.change({ knock_outs: Array.from({ length: 350 }, (_, k) => ["e" + k, 0]) });
          const first = [view.state.knock_outs.length, view.query.split("~").length];
          view.change({ knock_outs: Array.from({ length: 351 }, (_, k) => ["e" + k, 0]) });
          return [first, [view.state.knock_outs.length, view.query.split("~").length]];
        }"""
    )
    assert (state, query) == ([350, 300], [351, 300])
