"""Small bars of effects, one below the other: to the left what is lost, to the right what is gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from dash import html
from dash.development.base_component import Component

from dashboard.theme import DECREASE, INCREASE


@dataclass(frozen=True)
class EffectBar:
    """One bar.

    Attributes:
      label: at its left.
      fraction: relative change, -0.25 = a quarter lost; NaN = no bar.
      shown: as printed, at its right.
      hint: what a pointer on it says.
      colour: of the bar; `` = by its sign.
    """

    label: str
    fraction: float
    shown: str
    hint: str = ""
    colour: str = ""


def bars(title: str, rows: Sequence[EffectBar]) -> Component:
    """The bars under their title, all on one scale: the largest fills its half."""
    sizes = np.abs([row.fraction for row in rows])
    largest = float(np.nanmax(sizes)) if np.isfinite(sizes).any() else 0.0
    parts: list[Component] = []
    for row in rows:
        parts += [
            html.Span(row.label, title=row.hint),
            html.Span(_bar(row, largest), className="ko-effect-track", title=row.hint),
            html.Span(row.shown, className="ko-effect-value", title=row.hint),
        ]
    return html.Div([html.Div(title, className="ko-faint"), html.Div(parts, className="ko-effect-rows")])


def _bar(row: EffectBar, largest: float) -> Component | None:
    if not np.isfinite(row.fraction) or not largest:
        return None
    width = 50 * abs(row.fraction) / largest
    side = "right" if row.fraction < 0 else "left"
    colour = row.colour or (DECREASE if row.fraction < 0 else INCREASE)
    return html.Span(className="ko-effect-bar", style={side: "50%", "width": f"{width:.1f}%", "background": colour})
