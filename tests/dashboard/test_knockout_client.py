"""The browser's part of the knock-out page as plain functions: assets/knockout.js on an empty page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "knockout.js"
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
def call(browser: Browser) -> Iterator[Call]:
    """Calls a function of the script with plain values."""
    page = browser.new_page()
    page.add_script_tag(path=SCRIPT)
    page.add_script_tag(path=SCRIPT.with_name("text.js"))
    yield lambda name, *values: page.evaluate("([f, v]) => window.dash_clientside.knockout[f](...v)", [name, values])
    page.close()


@pytest.fixture(scope="module")
def panel(browser: Browser) -> Iterator[Call]:
    """Calls a function of the tabs' script with plain values, and a function that names an element."""
    page = browser.new_page()
    page.add_script_tag(path=SCRIPT)
    page.add_script_tag(path=SCRIPT.with_name("text.js"))
    page.add_script_tag(path=SCRIPT.with_name("knockout_panels.js"))
    run = "([f, v]) => window.dash_clientside.knockoutPanels[f](...v, (one) => 'the ' + one)"
    yield lambda name, *values: page.evaluate(run, [name, values])
    page.close()


@pytest.fixture(scope="module")
def measured(browser: Browser) -> Iterator[Call]:
    """Calls a function of the script of measured pairs with plain values."""
    page = browser.new_page()
    page.add_script_tag(path=SCRIPT)
    page.add_script_tag(path=SCRIPT.with_name("text.js"))
    page.add_script_tag(path=SCRIPT.with_name("knockout_measured.js"))
    run = "([f, v]) => window.dash_clientside.knockoutMeasured[f](...v)"
    yield lambda name, *values: page.evaluate(run, [name, values])
    page.close()


def history(now: list[list[object]], *, past: list[Any] | None = None, seq: int = 0) -> dict[str, Any]:
    return {"past": past or [], "now": {"knock_outs": now, "mode": "mask"}, "future": [], "seq": seq}


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
    assert [step["seq"] for step in (one, two, back)] == [1, 2, 3]  # each change is newer than all before


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
    assert call("presetOf", "positives", {"base": base}) == ["b"]
    assert call("presetOf", "top", {"base": base, "method": "abc", "k": 2}) == ["c", "a"]
    assert call("presetOf", "top", {"base": base, "method": "abc", "k": None}) == []
    assert call("presetOf", "top", {"base": base, "method": None, "k": 5}) == []


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


def test_a_snapshot_of_the_same_name_is_replaced_and_the_ninth_is_refused(panel: Call) -> None:
    again = panel("withSnapshot", KEPT, "one", [["b", 0]])
    assert again["snapshots"] == [["two", []], ["one", [["b", 0]]]]
    full = {"snapshots": [[f"s{n}", []] for n in range(8)], "compare": []}
    assert panel("withSnapshot", full, "more", []) == full
    assert len(panel("withSnapshot", full, "s3", [["a", 0]])["snapshots"]) == 8


def test_a_forgotten_snapshot_leaves_the_comparison(panel: Call) -> None:
    assert panel("withoutSnapshot", KEPT, "one") == {"snapshots": [["two", []]], "compare": []}


def test_a_side_is_chosen_and_taken_back(panel: Call) -> None:
    both = panel("withSide", KEPT, 1, "two")
    assert both["compare"] == ["one", "two"]
    assert panel("withSide", both, 0, "one")["compare"] == ["", "two"]


def test_a_name_is_short_free_of_the_signs_of_an_address_and_never_empty(panel: Call) -> None:
    assert panel("cleanName", " a~b*c! ", KEPT) == "a b c"
    assert panel("cleanName", "x" * 40, KEPT) == "x" * 24
    assert panel("cleanName", "", {"snapshots": [["snapshot 1", []]]}) == "snapshot 2"


def test_the_history_says_what_was_changed(panel: Call) -> None:
    def said(before: list[list[object]] | None, now: list[list[object]], mode: str = "mask") -> str:
        was = None if before is None else {"knock_outs": before, "mode": "mask"}
        return panel("describe", was, {"knock_outs": now, "mode": mode})

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
    assert call("isCurrent", {"seq": 3}, history([], seq=3)) is True
    assert call("isCurrent", {"seq": 2}, history([], seq=3)) is False
    assert call("isCurrent", None, history([], seq=3)) is False


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


def test_the_pair_told_about_is_the_selected_one_or_the_first_over_the_element(measured: Call) -> None:
    def told(focus: str, selected: str) -> str | None:
        found = measured("shown", MEASURED, focus, selected)
        return found["pair_id"] if found else None

    assert told("a", "") == "p2"
    assert told("a", "p1") == "p1"
    assert told("", "p3") == "p3"
    assert told("b", "") is None


def test_a_click_selects_a_pair_and_the_element_under_it_or_an_element_alone(measured: Call) -> None:
    def chosen(where: object, focus: str, selected: str, **given: object) -> list[str] | None:
        return measured("chosen", where, {"isPressed": True, **given}, focus, selected, MEASURED)

    def click(customdata: object) -> dict[str, Any]:
        return {"points": [{"customdata": customdata}]}

    assert chosen("ko-effects", "b", "", click=click(["a", "p2"])) == ["a", "p2"]
    assert chosen("ko-agreement", "b", "", click=click(["", "p3"])) == ["", "p3"]
    assert chosen("ko-effects", "a", "p1", click=click("b")) == ["b", ""]
    assert chosen("ko-models", "a", "p1", click=click("elsewhere")) is None
    assert chosen("ko-agreement", "a", "p1", click=click(None)) is None  # a pair of another gene
    rows = MEASURED["rows"]
    assert chosen("ko-table", "a", "p1", row=rows[0]) == ["a", "p1"]  # its row follows, the pair stays
    assert chosen("ko-table", "a", "p1", row=rows[1]) == ["b", ""]
    assert chosen("ko-table", "a", "p1", row=rows[2]) == ["", "p3"]
    over = {"type": "ko-over", "pair": "p1"}
    assert chosen(over, "a", "p2") == ["a", "p1"]
    assert measured("chosen", over, {"isPressed": False}, "a", "p2", MEASURED) is None  # the button only appeared


def test_a_pair_without_elements_has_nothing_to_knock_out(measured: Call) -> None:
    assert measured("tell", "a", "", MEASURED)[1] == {}
    assert measured("tell", "", "p3", MEASURED)[1] == {"display": "none"}
    text, style = measured("tell", "b", "", MEASURED)
    assert (text["props"]["children"], style) == ("not tested by CRISPRi", {"display": "none"})


def test_the_ring_is_at_the_pair_and_the_line_at_the_element(measured: Call) -> None:
    scan = {"base": MEASURED, "focus_line": {"type": "line"}, "rings": {"effects": {"e": 1}, "agreement": {"a": 1}}}
    line, ring = measured("effectShapes", scan, "a", "p1")
    assert (line["x0"], ring["xanchor"], ring["yanchor"]) == (-5, 7, -8.5)
    line, ring = measured("effectShapes", scan, "", "p3")
    assert (line["x0"], ring["yanchor"]) == (7, -20)  # without an element the line is at the pair
    assert len(measured("effectShapes", scan, "b", "")) == 1
    (ring,) = measured("agreementShapes", scan, "a", "")
    assert (ring["xanchor"], ring["yanchor"]) == (-63.6, -1.2)
    assert measured("agreementShapes", scan, "", "p3") == []  # not drawn there


def test_a_row_of_a_pair_stays_as_it_is(call: Call) -> None:
    rows = call("rowsOf", {"rows": MEASURED["rows"]}, [["a", 0]], {"others": [None, -0.1]})
    assert [row["strength"] for row in rows] == [0, 1, None]
    assert rows[2] == MEASURED["rows"][2]
