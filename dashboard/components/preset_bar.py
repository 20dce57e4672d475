"""The row that knocks out many elements with one click: the screen's positives, a class, the first of a ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import data

FIRST_K = 5


def bar(
    positives: Sequence[str],
    classes: Mapping[str, Sequence[str]],
    rankings: Mapping[str, str],
    *,
    most: int,
) -> Component:
    """The row.

    Args:
      positives: elements over a CRISPRi positive.
      classes: class -> its elements.
      rankings: method -> how it is called.
      most: elements of a ranking at most.
    """
    found = html.Button(
        f"CRISPRi positives ({len(positives)})",
        className="ko-button",
        disabled=not positives,
        title="knock out exactly these" if positives else "this gene has none",
        **data(ko_preset="positives"),
    )
    of_class = dmc.Select(
        id="ko-preset-class",
        data=[{"value": name, "label": f"all {name} ({len(elements)})"} for name, elements in classes.items()],
        placeholder="all of a class",
        **_look(140, "knock out all elements of a class"),
    )
    first = dmc.NumberInput(
        id="ko-top-k", value=FIRST_K, min=1, max=most, allowDecimal=False, **_look(58, "how many elements")
    )
    method = dmc.Select(
        id="ko-top-method",
        data=[{"value": name, "label": title} for name, title in rankings.items()],
        value=next(iter(rankings), None),
        allowDeselect=False,
        **_look(160, "ranked by this method"),
    )
    go = html.Button("out", className="ko-button", title="knock these out", **data(ko_preset="top"))
    hint = html.Span("click a row for its slider, double-click to take it out", className="ko-faint")
    return html.Div(
        ["knock out", found, of_class, html.Span("top"), first, html.Span("by"), method, go, hint],
        className="ko-presets",
    )


def _look(width_px: int, label: str) -> dict[str, object]:
    return {"size": "xs", "w": width_px, "aria-label": label}
