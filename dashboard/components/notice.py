"""One line for the person, over the page: it never moves the layout. Errors stay until closed, news fade."""

from __future__ import annotations

from typing import Literal

from dash import html
from dash.development.base_component import Component

Kind = Literal["error", "news"]


def line(text: str, kind: Kind = "error") -> Component:
    """The children of the frame's Div "notice": one line with a button to close it."""
    text = " ".join(text.split())
    return html.Div(
        [
            html.Span(text, className="cs-notice-text", title=text),
            html.Button("×", className="cs-notice-close", **{"aria-label": "close", "data-close-notice": "yes"}),  # type: ignore[arg-type]
        ],
        className=f"cs-notice-line cs-notice-{kind}",
        role="alert" if kind == "error" else "status",
    )


def lines(texts: list[str], kind: Kind = "news") -> Component | None:
    """Several remarks on one line; None when there are none."""
    return line(" · ".join(texts), kind) if texts else None


def empty(title: str, how: str = "") -> Component:
    """What a panel shows instead of nothing: what is missing, and how to get it."""
    return html.Div([html.Div(title, className="cs-empty-title"), html.Div(how)], className="cs-empty")
