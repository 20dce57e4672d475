"""Home's table: the studies here, what is in them and which models have weights; and loci of the others."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from cre_core.models.registry import model_title
from dashboard.components import provenance
from dashboard.services.overview import Overview
from dashboard.state import ViewState
from dashboard.text import short_place

SIMULATION = (
    "A simulation has a known answer: the true effect of every element on every gene stands in the study, so a "
    "method's error can be measured there. In a real genome only what a screen tested is known. No number of it is a "
    "measurement."
)


def study_table(studies: Sequence[Overview]) -> Component:
    """A row per study: sizes, which parts it has, and the models with weights."""
    parts = list(studies[0].parts)
    heads = ["study", "genes", "elements", "pairs · positive", *parts, "models with weights", ""]
    numeric = {"genes", "elements", "pairs · positive"}
    head = html.Tr([html.Th(text, className="cs-number" if text in numeric else None) for text in heads])
    return html.Section(
        [
            html.Div(
                [html.H2("Studies"), html.Span("■ part is there", className="cs-faint")],
                className="cs-study-head",
            ),
            html.Table(
                [html.Thead(head), html.Tbody([study_row(study) for study in studies])], className="cs-studies"
            ),
        ],
        className="cs-study",
    )


def study_row(study: Overview) -> Component:
    """One study of the table."""
    badge = provenance.simulated_badge() if study.is_simulated else provenance.real_badge()
    about = f"{study.name} · {study.assembly} · {', '.join(study.biosamples)}"
    name = html.Td(
        [
            html.A(study.title, href=view_of(study).url("/locus"), className="cs-study-name"),
            html.Div([badge, html.Span(about, className="cs-faint")], className="cs-study-about"),
        ]
    )
    parts = [html.Td("■" if there else "–", className="cs-part", title=part) for part, there in study.parts.items()]
    return html.Tr(
        [
            name,
            html.Td(f"{study.counts['genes']:,}", className="cs-number"),
            html.Td(f"{study.counts['elements']:,}", className="cs-number"),
            html.Td(screen_text(study), className="cs-number"),
            *parts,
            html.Td(models_text(study)),
            html.Td(html.A("where from", href=ViewState(study=study.name).url("/data"))),
        ],
        id=f"study-{study.name}",
    )


def screen_text(study: Overview) -> str:
    """Measured pairs, and those with a significant decrease; that there is no screen."""
    return "no screen" if study.tested is None else f"{study.tested:,} · {study.positive:,}"


def models_text(study: Overview) -> str:
    """The models with weights for any biosample, in the registry's order."""
    found = dict.fromkeys(model for models in study.models.values() for model in models)
    return ", ".join(model_title(model) for model in found) or "none"


def other_studies(studies: Sequence[Overview]) -> list[Component]:
    """Example loci of all but the first study, as cards."""
    return [_block(study) for study in studies[1:] if study.examples]


def _block(study: Overview) -> Component:
    badge = provenance.simulated_badge() if study.is_simulated else provenance.real_badge()
    said = [html.P(SIMULATION, className="cs-simulation")] if study.is_simulated else []
    head = html.Div([html.H2(study.title), badge], className="cs-study-head")
    return html.Section(
        [head, *said, html.Div(example_cards(study), className="cs-cards")],
        className="cs-study",
        id=f"loci-{study.name}",
    )


def view_of(study: Overview) -> ViewState:
    """A study as a view, with its first biosample."""
    return ViewState(study=study.name, biosample=study.biosamples[0] if study.biosamples else "")


def example_cards(study: Overview) -> list[Component]:
    """The study's example loci."""
    return [_card(view_of(study), entry.gene_name, entry.locus, entry.note) for entry in study.examples]


def _card(view: ViewState, gene: str, locus: str, note: str) -> Component:
    """A locus worth opening, as a link."""
    place = html.Span(short_place(locus), className="cs-faint", title=locus)
    return html.A(
        [html.Strong(gene), place, html.Span(note, className="cs-note")],
        href=view.with_(gene=gene, locus=locus).url("/locus"),
        className="cs-card",
    )
