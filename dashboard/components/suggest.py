"""The list under the search box."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component


def suggestion_list(hits: Sequence[tuple[str, str, str, str]]) -> list[Component]:
    """One link per hit.

    Args:
      hits: kind, name, note and address of each.
    """
    return [
        html.A(
            [
                html.Span(text, className="cs-hit-text"),
                html.Span(note, className="cs-hit-note"),
                html.Span(kind, className="cs-hit-kind"),
            ],
            href=href,
            className="cs-hit",
            role="option",
            **{"data-go": text},  # type: ignore[arg-type]
        )
        for kind, text, note, href in hits
    ]
