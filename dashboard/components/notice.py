"""One line for the person, over the page: it never moves the layout. Errors stay until closed, news fade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dash import html
from dash.development.base_component import Component

Kind = Literal["error", "news"]
MOST_SIGNS, MOST_REMARKS = 400, 6  # an address may hold any length of nonsense


def short(text: str) -> str:
    """On one line, and no longer than a line can be."""
    text = " ".join(text.split())
    return text if len(text) <= MOST_SIGNS else f"{text[:MOST_SIGNS]}…"


def remarks(texts: Sequence[str]) -> list[str]:
    """The first remarks, each on one line, and how many more there are."""
    shown = [short(text) for text in texts[:MOST_REMARKS]]
    left = len(texts) - len(shown)
    return [*shown, f"{left:,} more remarks of this kind"] if left else shown


def line(text: str, kind: Kind = "error") -> Component:
    """The children of the frame's Div "notice": one line with a button to close it."""
    text = short(text)
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


def empty(title: str, how: str | Sequence[Component | str] = "") -> Component:
    """What a panel shows instead of nothing: what is missing, and how to get it."""
    said = how if isinstance(how, str) else list(how)
    return html.Div([html.Div(short(title), className="cs-empty-title"), html.Div(said)], className="cs-empty")
