"""The effects: each element knocked out alone as predicted, above what was measured."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components import figure_parts
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.figures import kit
from dashboard.figures.knockout import effects_figure
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, look, shown
from dashboard.pages.knockout.tables import effects_data
from dashboard.services.desk import Experiment
from dashboard.services.library import Library

FIGURE_ID = "ko-effects"
# What is changed and selected the browser marks by itself; a file has what is changed from the server.
EFFECTS = Exchange("knockout-effects", needs=(*ABOUT, "theme"), busy=FIGURE_ID)
EFFECTS_FILE = Exchange("knockout-effects-file", needs=(*EFFECTS.needs, "knock_outs"), on_demand=True)
EDGE = 0.02
MOVES = (
    ("pan-left", "←", "pan left (← or [)"),
    ("zoom-out", "−", "zoom out (−)"),
    ("zoom-in", "+", "zoom in (+)"),
    ("pan-right", "→", "pan right (→ or ])"),
)


def layout() -> Component:
    """The place of the figure, with the buttons that move it."""
    buttons = [
        html.Button(text, id=name, title=title, **{"aria-label": title})  # type: ignore[arg-type]
        for name, text, title in MOVES
    ]
    figure = figure_parts.figure(FIGURE_ID, zooms="page", more=[html.Div(buttons, className="ko-moves")])
    return html.Div(figure, className="ko-figure")


def draw(library: Library, question: Question) -> Reply:
    """The figure; with what is changed in a file."""
    state = question.state
    experiment = experiment_of(library, state)
    strengths = experiment.known_strengths(state.knock_outs)
    scan = experiment.scan
    figure = effects_figure(
        scan.table,
        scan.pairs,
        gene_name=state.gene,
        strengths=strengths,
        limits=limits_of(experiment),
        **look(question, experiment),
    )
    line, ring = kit.focus_line(0.0, theme=question.theme), kit.ring(yref="y2", theme=question.theme)
    figure.update_layout(meta={"line": line, "ring": ring}, uirevision=f"{state.study} {state.gene}")
    table = effects_data(experiment, strengths)
    return Reply(shown={FIGURE_ID: shown(experiment, figure, table, called="knock-outs")})


def limits_of(experiment: Experiment) -> tuple[float, float]:
    """The distances to the TSS that the model reads, with room for the marks at both ends; no view leaves them."""
    end = float(experiment.predictor.reads.reach_bp) * (1 + EDGE)
    return -end, end
