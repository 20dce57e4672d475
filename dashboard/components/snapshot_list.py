"""The list of kept sets of strengths, with what each does, and two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import data


@dataclass(frozen=True)
class SnapshotRow:
    """One snapshot in words: its name, what it changes, before and after, and the effect."""

    name: str
    what: str
    before: str
    after: str
    effect: str


def save_row(most_name: int) -> Component:
    """The name of a new snapshot and the button that keeps it."""
    name = dcc.Input(
        id="ko-snapshot-name", type="text", placeholder="name", maxLength=most_name, className="ko-name",
        debounce=False,
    )  # fmt: skip
    keep = html.Button("keep these strengths", id="ko-keep", className="ko-button", title="under this name")
    return html.Div([name, keep, html.Span(id="ko-keep-text", className="ko-faint")], className="ko-presets")


def snapshot_table(rows: Sequence[SnapshotRow], compare: Sequence[str]) -> Component:
    """A row per snapshot: choose it as A or B, restore or forget it."""
    if not rows:
        return html.Div("Nothing kept yet: give the strengths of now a name.", className="ko-faint")
    head = html.Tr([html.Th(text) for text in ("A | B", "name", "changed", "before → after", "effect", "")])
    return html.Table([html.Thead(head), html.Tbody([_row(row, compare) for row in rows])], className="ko-snapshots")


def _row(row: SnapshotRow, compare: Sequence[str]) -> Component:
    sides = [_side(side, row.name, compare[side : side + 1] == (row.name,)) for side in (0, 1)]
    ends = [
        html.Button(text, className="ko-link", **data(ko_snapshot=text, name=row.name))
        for text in ("restore", "forget")
    ]
    cells = (sides, row.name, row.what, f"{row.before} → {row.after}", row.effect, ends)
    return html.Tr([html.Td(cell) for cell in cells])


def _side(side: int, name: str, is_chosen: bool) -> Component:
    return html.Button(
        "AB"[side],
        className="ko-ab ko-here" if is_chosen else "ko-ab",
        title=f"compare as {'AB'[side]}",
        **{"aria-pressed": "true" if is_chosen else "false"},  # type: ignore[arg-type]
        **data(ko_snapshot=f"side-{side}", name=name),
    )


def comparison(lines: Sequence[str]) -> Component:
    """A, B and their difference, one line each; or what is to be chosen."""
    return html.Div([html.Div(line) for line in lines], id="ko-difference", className="ko-side-text")
