"""The tab of the pairs: what two elements do together beyond the sum of each alone."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from cre_core.errors import CreError
from dashboard.components import figure_parts
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.components.shown import Shown
from dashboard.figures.pair_matrix import pair_matrix
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, look, shown
from dashboard.pages.knockout.tables import matrix_data
from dashboard.services.element_pairs import element_pairs, paired_elements
from dashboard.services.library import Library

FIGURE_ID, TEXT_ID = "ko-pairs", "ko-pairs-text"
PAIRS = Exchange("knockout-pairs", needs=(*ABOUT, "knock_outs", "theme"), only={"panel": "pairs"}, busy="ko-wait")


def layout() -> list[Component]:
    """The places of the text and the figure."""
    return [html.Div(id=TEXT_ID, className="ko-side-text"), figure_parts.figure(FIGURE_ID)]


def draw(library: Library, question: Question) -> Reply:
    """The matrix of pairs of the elements changed now, or of the strongest."""
    experiment = experiment_of(library, question.state)
    strengths = experiment.known_strengths(question.state.knock_outs)
    ids, said = paired_elements(experiment, strengths)
    try:
        table = element_pairs(library, experiment, ids)
    except CreError as error:
        nothing = Shown(None, missing={"pairs": str(error)})
        return Reply(shown={FIGURE_ID: nothing}, sets={TEXT_ID: {"children": str(error)}})
    elements = experiment.scan.table[experiment.scan.table["element_id"].isin(ids)]
    figure = pair_matrix(table, elements, **look(question, experiment))
    text = f"Pairs of {said}. Numbers: log2 FC with both out, in italics with one. "
    text += "Interaction: both minus the sum of each alone; below 0: they do more together."
    picture = shown(experiment, figure, matrix_data(experiment, table), called="pairs", has_own_height=True)
    return Reply(shown={FIGURE_ID: picture}, sets={TEXT_ID: {"children": text}})
