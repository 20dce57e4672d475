"""A figure's place on a page, and the buttons that save it as a file."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

CLEAR = "rgba(0,0,0,0)"


def graph(identity: str, *, height: int | None = None, zooms: bool = False) -> Component:
    """An empty figure.

    Args:
      identity: id of the graph.
      height: px; None = as high as its place.
      zooms: whether the wheel zooms.
    """
    config: Any = {"responsive": True, "scrollZoom": zooms, "displayModeBar": False}
    hidden = {"visible": False}
    layout = {"xaxis": hidden, "yaxis": hidden, "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR}
    style = {"height": f"{height}px" if height else "100%"}
    return dcc.Graph(id=identity, figure={"data": [], "layout": layout}, config=config, style=style)


def save_buttons(identity: str, name: str) -> Component:
    """Buttons that save a graph under a name; assets/knockout.js hears them."""
    buttons = [
        html.Button(
            kind.upper(),
            title=f"save this figure as {kind.upper()}",
            **{"data-ko-save": f"{identity}:{kind}", "data-ko-name": name},  # type: ignore[arg-type]
        )
        for kind in ("svg", "png")
    ]
    return html.Div(buttons, className="ko-save")
