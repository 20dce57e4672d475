"""The tab of the models: the same single knock-outs under every model of the biosample."""

from __future__ import annotations

import numpy as np
from dash.development.base_component import Component

from dashboard.components import figure_parts
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.figures import kit
from dashboard.figures.knockout import first_range
from dashboard.figures.model_panels import ModelRow, model_panels_figure
from dashboard.pages.knockout.agreement import with_interval
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, look, shown
from dashboard.pages.knockout.tables import models_data
from dashboard.services.desk import desk_of
from dashboard.services.library import Library
from dashboard.services.model_panels import ModelPanel, model_panels
from dashboard.text import number

FIGURE_ID = "ko-models"
MODELS = Exchange("knockout-models", needs=(*ABOUT, "theme"), only={"panel": "models"}, busy="ko-wait")


def layout() -> list[Component]:
    """The place of the figure."""
    return [figure_parts.figure(FIGURE_ID)]


def draw(library: Library, question: Question) -> Reply:
    """A row of bars per model, and what was measured."""
    state, experiment = question.state, experiment_of(library, question.state)
    study, scan = experiment.predictor.study, experiment.scan
    panels = model_panels(desk_of(library), study, state.gene, biosample=state.biosample, mode=experiment.mode)
    figure = model_panels_figure(
        [ModelRow(panel.model, panel.label, model_note(panel), panel.table) for panel in panels],
        scan.pairs,
        x_range=first_range(scan.table, scan.pairs),
        gene_name=state.gene,
        **look(question, experiment),
    )
    figure.update_layout(meta={"line": kit.focus_line(0.0, theme=question.theme)})
    table = models_data(experiment, panels)
    return Reply(shown={FIGURE_ID: shown(experiment, figure, table, called="models", has_own_height=True)})


def model_note(panel: ModelPanel) -> str:
    """Behind a model's name: how it agrees with the screen of this gene, or why there are no bars."""
    if panel.table is None or panel.agreement is None:
        return panel.reason
    found, n_read = panel.agreement, int(panel.table["single_log2"].notna().sum())
    parts = [f"{n_read} elements"]
    if np.isfinite(found.spearman[0]):
        parts.append(f"Spearman {with_interval(found.spearman)}")
    if np.isfinite(found.average_precision[0]):
        parts.append(f"AP {with_interval(found.average_precision)}, prevalence {number(found.prevalence)}")
    parts.append(f"n = {found.n}" if np.isfinite(found.spearman[0]) else found.reason)
    return " · ".join([*parts, *(["<b>in training</b>"] if panel.is_leaked else [])])
