"""Where a figure's numbers come from, on one line under it; and the mark of simulated data."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component


def line(parts: Sequence[str], *, is_simulated: bool = False) -> Component:
    """The line under a figure: assembly, sources, model; empty parts are left out."""
    text = " · ".join(part for part in parts if part)
    children: list[Component | str] = [simulated_badge()] if is_simulated else []
    return html.Div([*children, html.Span(text, title=text)], className="cs-provenance")


def simulated_badge() -> Component:
    """The mark that stands wherever simulated data stand."""
    return html.Span("simulated", className="cs-badge cs-simulated", title="made by the simulator; no measurement")


def real_badge() -> Component:
    """The mark of measured data."""
    return html.Span("real data", className="cs-badge cs-real", title="public measurements; see the Data page")
