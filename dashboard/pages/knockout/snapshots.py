"""The tab of the snapshots: kept sets of strengths with what each does, two side by side, and the history."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components import snapshot_list
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.pages.knockout.experiment import ABOUT, experiment_of
from dashboard.services.library import Library
from dashboard.services.snapshots import SnapshotEffect, snapshot_effects
from dashboard.state import MOST_NAME
from dashboard.text import log2, number, percent, points

LIST_ID = "ko-snapshots-list"
SNAPSHOTS = Exchange(
    "knockout-snapshots", needs=(*ABOUT, "snapshots", "compare"), only={"panel": "snapshots"}, busy="ko-wait"
)


def layout() -> list[Component]:
    """The name of a new one, the list, and the history that the browser fills in."""
    kept = [snapshot_list.save_row(MOST_NAME), html.Div(id=LIST_ID)]
    steps = [html.Div("History, newest first", className="ko-side-title"), html.Div(id="ko-steps")]
    return [html.Div(kept), html.Div(steps, className="ko-steps")]


def tell(library: Library, question: Question) -> Reply:
    """The kept sets of strengths with their effects, and A against B."""
    experiment, state = experiment_of(library, question.state), question.state
    effects = snapshot_effects(experiment, state.snapshots)
    rows = [snapshot_row(effect) for effect in effects]
    unit = experiment.predictor.unit.text
    table = snapshot_list.snapshot_table(rows, state.compare)
    lines = comparison_lines(effects, state.compare) if effects else []
    note = html.Div(f"{experiment.predictor.label}, mode {experiment.mode}, {unit}", className="ko-faint")
    parts = [table, snapshot_list.comparison(lines), *([note] if effects else [])]
    return Reply(sets={LIST_ID: {"children": parts}})


def snapshot_row(effect: SnapshotEffect) -> snapshot_list.SnapshotRow:
    """A snapshot in words."""
    what = [f"{effect.n_out} out"] if effect.n_out else []
    what += [f"{effect.n_weakened} weakened"] if effect.n_weakened else []
    what += [f"{effect.n_unknown} not in this window"] if effect.n_unknown else []
    before, after = number(effect.before), number(effect.after)
    return snapshot_list.SnapshotRow(effect.name, ", ".join(what) or "nothing", before, after, _effect_text(effect))


def _effect_text(effect: SnapshotEffect) -> str:
    return f"{percent(effect.effect_fraction)} (log2 FC {log2(effect.log2_fold_change)})"


def comparison_lines(effects: Sequence[SnapshotEffect], compare: Sequence[str]) -> list[str]:
    """A, B and B minus A; or what is still to be chosen."""
    by_name = {effect.name: effect for effect in effects}
    chosen = [by_name[name] for name in compare if name in by_name]
    if len(chosen) < 2:
        return ["Choose one as A and one as B to see them side by side."]
    lines = [f"{side}  {one.name}: {_effect_text(one)}" for side, one in zip("AB", chosen, strict=True)]
    a, b = chosen
    change, fold = b.effect_fraction - a.effect_fraction, b.log2_fold_change - a.log2_fold_change
    return [*lines, f"B − A: {points(change)}, {log2(fold)} log2"]
