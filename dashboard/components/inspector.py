"""The column at the right: what is known of the selected element, or of the gene when none is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.theme import TRUTH


@dataclass(frozen=True)
class Score:
    """One method's word on the element: printed score, its standing among all links, strength 0..1 of the bar."""

    title: str
    colour: str
    shown: str
    standing: str
    strength: float


@dataclass(frozen=True)
class Measured:
    """One measured pair, as printed.

    Attributes:
      pair_id: of the pair.
      place: where it was tested.
      effect, interval: change of expression, and its interval where the screen gives one, else empty.
      call: decrease, increase or not significant.
      details: the rest, line by line.
    """

    pair_id: str
    place: str
    effect: str
    interval: str
    call: str
    details: Sequence[str]


@dataclass(frozen=True)
class ElementFacts:
    """The selected element, as printed.

    Attributes:
      place, about: where it is; class and distance.
      signals: title, colour and printed value of each assay.
      gene: the chosen gene's name, or empty.
      scores: one per method shown.
      remark: one line about the scores, or empty.
      measured: every measured pair that overlaps the element, in the order shown.
      not_measured: what to print where there is none.
      knock_out_href: address of the knock-out page with this element out, or empty.
      no_knock_out: what to print instead.
    """

    place: str
    about: str
    signals: Sequence[tuple[str, str, str]]
    gene: str
    scores: Sequence[Score]
    remark: str
    measured: Sequence[Measured]
    not_measured: str
    knock_out_href: str
    no_knock_out: str


@dataclass(frozen=True)
class PairFacts:
    """The selected measured pair, as printed.

    Attributes:
      measured: what was found.
      gene, about: for whom it was tested; where it lies.
      facts: label and value.
      elements: id, printed place and class of each element under the tested place.
      note: one line about the screen, or empty.
      knock_out_href: address of the knock-out page with all of them out, or empty.
      no_knock_out: what to print instead.
    """

    measured: Measured
    gene: str
    about: str
    facts: Sequence[tuple[str, str]]
    elements: Sequence[tuple[str, str, str]]
    note: str
    knock_out_href: str
    no_knock_out: str


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
        parts += _faint("" if facts.scores else "no method is shown", facts.remark)
        count = f"{len(facts.measured)} pairs" if len(facts.measured) > 1 else ""
        parts += [_heading("Measured (CRISPRi)", count)]
        parts += [_measured(pair, facts.gene) for pair in facts.measured] or _faint(facts.not_measured)
    return [*parts, *_to_knock_out("Knock it out ›", facts.knock_out_href, facts.no_knock_out)]


def pair_panel(facts: PairFacts) -> list[Component]:
    """The inspector of a measured pair."""
    n = len(facts.elements)
    return [
        _heading("Measured pair (CRISPRi)"),
        html.Div(facts.measured.place, className="cs-inspect-name", id="selected-pair"),
        html.Div(facts.about, className="cs-inspect-faint"),
        _effect(facts.measured, facts.gene),
        *_faint(facts.measured.interval, *facts.measured.details, facts.note),
        *[_row(label, value) for label, value in facts.facts],
        _heading("Elements under the tested place", str(n) if n else ""),
        *[
            _selecting("element", identity, [html.Span(where), html.Span(kind, className="cs-inspect-value")])
            for identity, where, kind in facts.elements
        ],
        *_faint("" if n else "no element of this study lies here"),
        *_to_knock_out(f"Knock {'them' if n > 1 else 'it'} out ›", facts.knock_out_href, facts.no_knock_out),
    ]


def gene_panel(
    name: str,
    about: Sequence[str],
    facts: Sequence[tuple[str, str]],
    *,
    knock_out_href: str,
    no_knock_out: str,
    hint: str,
) -> list[Component]:
    """The inspector when no element is selected: the gene, its numbers, and what to do next."""
    return [
        _heading("Gene"),
        html.Div(name, className="cs-inspect-name"),
        *[html.Div(text, className="cs-inspect-faint") for text in about],
        *[_row(label, value) for label, value in facts],
        html.Div(hint, className="cs-inspect-hint"),
        *_to_knock_out("Open Knock-out ›", knock_out_href, no_knock_out),
    ]


def place_panel(hint: str) -> list[Component]:
    """The inspector when neither gene nor element is chosen."""
    return [_heading("Place"), html.Div(hint, className="cs-inspect-hint")]


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
    shown = [f"{score.shown} · "] if score.shown else []
    width = f"{100 * min(1.0, max(0.0, score.strength)):.0f}%"
    return html.Div(
        [
            html.Div(
                [
                    html.Span(score.title),
                    html.Span([*shown, html.B(score.standing)], className="cs-inspect-value"),
                ],
                className="cs-inspect-row",
            ),
            html.Div(html.Div(style={"width": width, "background": score.colour}), className="cs-bar"),
        ]
    )


def _measured(pair: Measured, gene: str) -> Component:
    """One pair of a list: a press selects it."""
    content = [_effect(pair, gene), *_faint(pair.interval, pair.place, *pair.details)]
    return _selecting("pair", pair.pair_id, content, title="select this measured pair")


def _effect(pair: Measured, gene: str) -> Component:
    is_significant = pair.call != "not significant"
    colour = TRUTH["significant"] if is_significant else TRUTH["not significant"]
    return html.Div(f"{pair.effect} of {gene} expression", className="cs-effect", style={"--cs-call": colour})


def _selecting(kind: str, identity: str, content: list[Component], *, title: str = "") -> Component:
    """A button that selects something on the page; assets/locus.js listens."""
    data: dict[str, Any] = {"data-select": kind, "data-id": identity}
    return html.Button(content, className=f"cs-select cs-select-{kind}", title=title or f"select this {kind}", **data)


def _faint(*lines: str) -> list[Component]:
    return [html.Div(line, className="cs-inspect-faint") for line in lines if line]


def _to_knock_out(text: str, href: str, instead: str) -> list[Component]:
    if href:
        return [html.A(text, href=href, className="cs-button", id="to-knockout")]
    return [html.Div(instead, className="cs-inspect-hint")] if instead else []
