"""The tab of the bases: which bases of the element in focus matter, and which motifs have sites there."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
import pandas as pd
from dash import html
from dash.development.base_component import Component

from cre_core.errors import CreError
from cre_core.models.registry import model_title
from dashboard.components import figure_parts
from dashboard.components.attributes import data
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.components.shown import Shown
from dashboard.figures.logo import BASES as LETTERS
from dashboard.figures.logo import logo_figure
from dashboard.pages.knockout.experiment import experiment_of, look, shown
from dashboard.pages.knockout.tables import about
from dashboard.services import bases as base_service
from dashboard.services.desk import Experiment, desk_of
from dashboard.services.library import Library
from dashboard.state import ViewState
from dashboard.text import number, place

FIGURE_ID, TEXT_ID = "ko-bases", "ko-bases-text"
METHODS = {
    "gradient_x_input": "gradient × input",
    "integrated_gradients": "integrated gradients",
    "mutagenesis": "mutagenesis",
}
# Scores of bases have no mode. `mutagenesis` is the element for which a person asked for the seconds that it takes.
_OF_ONE = ("study", "biosample", "gene", "model", "element", "base_method", "mutagenesis", "theme")
BASES = Exchange("knockout-bases", needs=_OF_ONE, only={"panel": "bases"}, busy="ko-wait")
# Letters do not wait for the names of sites: the first search on a machine takes long.
SITES = Exchange("knockout-sites", needs=_OF_ONE, only={"panel": "bases"}, busy="ko-wait")


def layout(state: ViewState) -> list[Component]:
    """The method, the text, and the place of the figure."""
    choices = [{"value": name, "label": title} for name, title in METHODS.items()]
    zooms = [
        html.Button("all bases", className="ko-button", **data(ko_bases="all")),
        html.Button("letters", className="ko-button", **data(ko_bases="letters")),
    ]
    controls = [
        dmc.SegmentedControl(id="ko-base-method", data=choices, value=state.base_method, size="xs"),
        html.Button("compute", id="ko-run-bases", className="ko-button", hidden=True),
        html.Span(zooms, id="ko-zooms", hidden=True),
    ]
    return [
        html.Div(controls, className="ko-presets"),
        html.Div(id=TEXT_ID, className="ko-side-text"),
        html.Div(figure_parts.figure(FIGURE_ID, zooms="yes"), className="ko-fill"),
    ]


def draw(library: Library, question: Question) -> Reply:
    """The bases of the element in focus, by one method; or what it takes to see them."""
    state, experiment = question.state, experiment_of(library, question.state)
    if not base_service.reads_bases(experiment.predictor):
        return _nothing(without_sequence(library, state, experiment))
    if not state.element:
        return _nothing("choose an element: click a bar or a row")
    if state.base_method == base_service.MUTAGENESIS and question.kept.get("mutagenesis") != state.element:
        text = f"{state.element}: every base by the three others, a prediction each; seconds"
        return _nothing(text, is_waiting=True)
    try:
        found = base_service.base_scores(library, experiment, state.element, state.base_method)
    except CreError as error:
        return _nothing(str(error))
    text = bases_line(experiment, found, state.element)
    picture = _logo(question, experiment, found, None, note="looking for motif sites")
    says = {"isWaiting": False, "hasFigure": True}
    return Reply(shown={FIGURE_ID: picture}, sets={TEXT_ID: {"children": text}}, data=says)


def _nothing(text: str | list[Any], *, is_waiting: bool = False) -> Reply:
    why = text if isinstance(text, str) else "this model reads no sequence"
    nothing = {FIGURE_ID: Shown(None, missing={"bases": why})}
    says = {"isWaiting": is_waiting, "hasFigure": False}
    return Reply(shown=nothing, sets={TEXT_ID: {"children": text}}, data=says)


def name_sites(library: Library, question: Question) -> Reply:
    """The same figure with motif sites named."""
    state, experiment = question.state, experiment_of(library, question.state)
    found = base_service.base_scores(library, experiment, state.element, state.base_method)
    study = experiment.predictor.study
    hits, note = None, ""
    try:
        hits = base_service.sites_of(study, found.place, found.reference, element_id=state.element)
    except CreError as error:
        note = str(error)
    return Reply(shown={FIGURE_ID: _logo(question, experiment, found, hits, note=note)})


def _logo(
    question: Question,
    experiment: Experiment,
    found: base_service.BaseScores,
    sites: pd.DataFrame | None,
    *,
    note: str,
) -> Shown:
    figure = logo_figure(
        found.reference, found.score, chrom=found.place.chrom, start=found.place.start, unit=found.unit, sites=sites,
        note=note, **look(question, experiment),
    )  # fmt: skip
    return shown(experiment, figure, bases_data(experiment, found, question.state.element), called="bases")


def bases_data(experiment: Experiment, found: base_service.BaseScores, element_id: str) -> pd.DataFrame:
    """A row per base: its place, what it is, its score; NaN = not read."""
    start = found.place.start + np.arange(len(found.score))
    letters = np.array([*LETTERS, "N"])[found.reference]
    rows = pd.DataFrame({"chrom": found.place.chrom, "start": start, "end": start + 1, "base": letters})
    rows = rows.assign(element_id=element_id, **about(experiment))
    return rows.assign(method=found.method, score=found.score, unit=found.unit)


def without_sequence(library: Library, state: ViewState, experiment: Experiment) -> list[Any]:
    """One line: this model reads no sequence, and links to those that do."""
    reading = base_service.models_reading_bases(desk_of(library), experiment.predictor.study, state.biosample)
    links = [
        html.A(model_title(name), href=state.with_(model=name, panel="bases").url("/knockout"), **data(ko_model=name))
        for name in reading
    ]
    label = f"{experiment.predictor.label} reads no sequence: "
    if not links:
        return [f"{label}no model of {state.biosample} does; `train creator` or `import-weights` makes one"]
    parts: list[Any] = [f"{label}there are no bases to score. With sequence: "]
    for link in links:
        parts += [link, ", "]
    return parts[:-1]


_SAID = {
    "gradient_x_input": "gradient × input: contribution of the base that is there",
    "integrated_gradients": "integrated gradients from zeros",
    "mutagenesis": "mutagenesis: mean effect of the three substitutions; below 0: they lower expression",
}


def bases_line(experiment: Experiment, found: base_service.BaseScores, element_id: str) -> str:
    """Which bases, by which method, model and fold; and by how much contributions miss what they should sum to."""
    where = place(found.place.chrom, found.place.start, found.place.end)
    parts = [f"{element_id}, bases {where}", _SAID[found.method]]
    if found.method == "integrated_gradients":
        missed = f"convergence delta {number(found.convergence_delta)}"
        parts.append(f"{missed} of a change of {number(found.difference)} {found.unit}")
    return " · ".join([*parts, f"{experiment.predictor.label}, {experiment.fold.replace('_', ' ')}"])
