"""The model's attention to each element, before and after the change."""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from dashboard.components import figure_parts
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.figures.knockout import ATTENTION_PX, attention_figure, first_range
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, look, shown
from dashboard.pages.knockout.tables import attention_data
from dashboard.services import desk as service
from dashboard.services.desk import Experiment
from dashboard.services.library import Library

FIGURE_ID = "ko-attention"
# On the screen the exact answer brings what a change moves; a file has it from the server.
ATTENTION = Exchange("knockout-attention", needs=(*ABOUT, "theme"), busy=FIGURE_ID)
ATTENTION_FILE = Exchange("knockout-attention-file", needs=(*ATTENTION.needs, "knock_outs"), on_demand=True)


def layout() -> Component:
    """The place of the figure."""
    title = html.Div("Attention, a weight of the model", className="ko-side-title")
    return html.Div([title, figure_parts.figure(FIGURE_ID, height_px=ATTENTION_PX)], className="ko-side")


def draw(library: Library, question: Question) -> Reply:
    """The figure with nothing changed; in a file with what is."""
    experiment = experiment_of(library, question.state)
    scan, after = experiment.scan, attention_after(experiment, question)
    x_range = first_range(scan.table, scan.pairs)
    figure = attention_figure(scan.table, after, x_range=x_range, **look(question, experiment))
    return Reply(shown={FIGURE_ID: shown(experiment, figure, attention_data(experiment, after), called="attention")})


def attention_after(experiment: Experiment, question: Question) -> np.ndarray:
    """(E,) attention with the change in place; as measured where nothing is changed."""
    strengths = experiment.known_strengths(question.state.knock_outs)
    if not strengths:
        return experiment.scan.table["attention"].to_numpy(float)
    return service.run_knock_out(experiment, strengths).attention_after
