"""What follows from a change: what each element still does with it in place, and what neighbouring genes do."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from cre_core.errors import NotAvailable
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, plain_number
from dashboard.services import desk as service
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.text import percent

CONTEXT = Exchange("knockout-context", needs=(*ABOUT, "knock_outs"))


def layout() -> Component:
    """The place of the text."""
    title = html.Div("Same change, neighbouring genes", className="ko-side-title")
    return html.Div(
        [title, html.Div(id="ko-neighbours", className="ko-side-text")],
        className="ko-side",
        title="a knock-out that moves its neighbours is less specific",
    )


def context(library: Library, question: Question) -> Reply:
    """Effects of every element on top of the change, for the table, and the line about the neighbours."""
    experiment = experiment_of(library, question.state)
    strengths = experiment.known_strengths(question.state.knock_outs)
    others = [plain_number(value) for value in experiment.with_others(strengths)]
    text = neighbours_line(experiment, strengths)
    return Reply(sets={"ko-neighbours": {"children": text}}, data={"others": others})


def neighbours_line(experiment: Experiment, strengths: Mapping[str, float]) -> str:
    """What the same change does to the neighbouring genes, or why nothing is known of them."""
    if not strengths:
        return "nothing changed"
    try:
        near = service.neighbours(experiment, strengths)
    except NotAvailable as error:
        return str(error)
    effects = [f"{row.gene_name} {percent(row.effect_fraction)}" for row in near.itertuples()]
    return ", ".join(effects) or "no neighbouring gene sees the same elements"
