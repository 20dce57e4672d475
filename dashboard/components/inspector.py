"""The column at the right: what is known of the selected element, or of the gene when none is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from dashboard.theme import TRUTH


@dataclass(frozen=True)
class Score:
    """One method's word on the element: printed score, rank among `count` links, strength 0..1 of the bar."""

    title: str
    colour: str
    shown: str
    rank: int | None
    count: int
    strength: float


@dataclass(frozen=True)
class Measured:
    """What CRISPRi found, as printed; `call` is decrease, increase or not significant."""

    effect: str
    call: str
    detail: str


@dataclass(frozen=True)
class ElementFacts:
    """The selected element, as printed.

    Attributes:
      place, about: where it is; class and distance.
      signals: title, colour and printed value of each assay.
      gene: the chosen gene's name, or empty.
      scores: one per method shown.
      measured: what was measured, or None.
      not_measured: what to print instead.
      knock_out_href: address of the knock-out page with this element out, or empty.
    """

    place: str
    about: str
    signals: Sequence[tuple[str, str, str]]
    gene: str
    scores: Sequence[Score]
    measured: Measured | None
    not_measured: str
    knock_out_href: str


def element_panel(facts: ElementFacts) -> list[Component]:
    """The inspector of an element."""
    parts: list[Component] = [
        _heading("Selected element"),
        html.Div(facts.place, className="cs-inspect-name", id="selected-element"),
        html.Div(facts.about, className="cs-inspect-faint"),
        _heading("Signals"),
        *[_signal(*entry) for entry in facts.signals],
    ]
    if facts.gene:
        parts += [_heading(f"Scores for {facts.gene}", "rank"), *[_score(score) for score in facts.scores]]
        if not facts.scores:
            parts.append(html.Div("no method is shown", className="cs-inspect-faint"))
        parts += [_heading("Measured (CRISPRi)"), _measured(facts)]
    if facts.knock_out_href:
        parts.append(html.A("Knock it out ›", href=facts.knock_out_href, className="cs-button", id="to-knockout"))
    return parts


def gene_panel(
    name: str, about: Sequence[str], facts: Sequence[tuple[str, str]], *, knock_out_href: str, hint: str
) -> list[Component]:
    """The inspector when no element is selected: the gene, its numbers, and what to do next."""
    return [
        _heading("Gene"),
        html.Div(name, className="cs-inspect-name"),
        *[html.Div(text, className="cs-inspect-faint") for text in about],
        *[_row(label, value) for label, value in facts],
        html.Div(hint, className="cs-inspect-hint"),
        html.A("Open Knock-out ›", href=knock_out_href, className="cs-button"),
    ]


def place_panel(place: str, hint: str) -> list[Component]:
    """The inspector when neither gene nor element is chosen."""
    return [
        _heading("Place"),
        html.Div(place, className="cs-inspect-name"),
        html.Div(hint, className="cs-inspect-hint"),
    ]


def _heading(text: str, right: str = "") -> Component:
    return html.Div([html.Span(text), html.Span(right, className="cs-inspect-right")], className="cs-inspect-heading")


def _row(label: str, value: str) -> Component:
    return html.Div([html.Span(label), html.Span(value, className="cs-inspect-value")], className="cs-inspect-row")


def _signal(title: str, colour: str, value: str) -> Component:
    dot = html.Span(className="cs-dot", style={"background": colour})
    return html.Div(
        [html.Span([dot, title]), html.Span(value, className="cs-inspect-value")], className="cs-inspect-row"
    )


def _score(score: Score) -> Component:
    rank = f"{score.rank} of {score.count}" if score.rank is not None else "no link"
    width = f"{100 * min(1.0, max(0.0, score.strength)):.0f}%"
    return html.Div(
        [
            html.Div(
                [html.Span(score.title), html.Span([score.shown, " · ", html.B(rank)], className="cs-inspect-value")],
                className="cs-inspect-row",
            ),
            html.Div(html.Div(style={"width": width, "background": score.colour}), className="cs-bar"),
        ]
    )


def _measured(facts: ElementFacts) -> Component:
    if facts.measured is None:
        return html.Div(facts.not_measured, className="cs-inspect-faint")
    is_significant = facts.measured.call != "not significant"
    colour = TRUTH["significant"] if is_significant else TRUTH["not significant"]
    return html.Div(
        [
            html.Div(
                f"{facts.measured.effect} of {facts.gene} expression", className="cs-effect", style={"color": colour}
            ),
            html.Div(facts.measured.detail, className="cs-inspect-faint"),
        ]
    )
