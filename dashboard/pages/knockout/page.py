"""Knock-out: a gene's elements, what the model says happens without them, and what CRISPRi measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, html
from dash.development.base_component import Component

from cre_core.errors import CreError, UnknownName
from dashboard.components import notice, provenance, shell
from dashboard.components.attributes import data
from dashboard.pages import Page
from dashboard.pages.knockout import (
    agreement,
    attention,
    bases,
    effects,
    elements,
    gene,
    head,
    models,
    neighbours,
    pairs,
    snapshots,
)
from dashboard.pages.knockout.experiment import experiment_of, source_parts
from dashboard.services.desk import Experiment, models_of
from dashboard.services.library import Library
from dashboard.services.presets import presets_of
from dashboard.services.view import complete
from dashboard.state import ViewState, read_view
from dashboard.theme import DECREASE, INCREASE

if TYPE_CHECKING:
    from cre_core.data.study import Study

PATH = "/knockout"
TABS = {"elements": "Elements", "models": "Models", "pairs": "Pairs", "bases": "Bases", "snapshots": "Snapshots"}
EXCHANGES = (
    (head.ANSWER, head.answer),
    (effects.EFFECTS, effects.draw),
    (effects.EFFECTS_FILE, effects.draw),
    (elements.ELEMENTS, elements.base),
    (agreement.AGREEMENT, agreement.compare),
    (gene.GENE, gene.tell),
    (attention.ATTENTION, attention.draw),
    (attention.ATTENTION_FILE, attention.draw),
    (neighbours.CONTEXT, neighbours.context),
    (models.MODELS, models.draw),
    (pairs.PAIRS, pairs.draw),
    (bases.BASES, bases.draw),
    (bases.SITES, bases.name_sites),
    (snapshots.SNAPSHOTS, snapshots.tell),
)


def layout(library: Library, **query: str) -> Component:
    """The page of a view; CreError for a study that is not there."""
    asked, notices = read_view(query)
    study = library.study(asked.study)
    try:
        state, more = complete(library, asked, wants=("model",))
    except CreError as error:
        return _without_gene(study, asked, str(error), notices)
    known = models_of(study, state.biosample)
    notices += more
    if not known:
        return shell.page(state, _untrained(study, state), notices=notices)
    experiment = experiment_of(library, state)
    return shell.page(
        state,
        _main(library, experiment, state, known),
        inspector=_side(state),
        footer=provenance.line(source_parts(experiment), is_simulated=study.info.is_simulated),
        notices=notices,
        exchanges=[exchange for exchange, _ in EXCHANGES],
    )


def _without_gene(study: Study, asked: ViewState, why: str, notices: Sequence[str]) -> Component:
    """One line why nothing can be knocked out; study, gene and page stay, and a link leads to what was measured."""
    known = study.info.biosamples
    state = asked.with_(study=study.name, biosample=asked.biosample if asked.biosample in known else known[0])
    how: list[Component | str] = []
    try:
        state = state.with_(gene=str(study.annotated_gene(state.gene)["gene_name"]))
        how = [html.A(f"{state.gene} on the Locus page", href=state.with_(locus="").url("/locus"), id="ko-to-locus")]
    except UnknownName:
        how = ["Type a gene in the search box."]
    return shell.page(state, notice.empty(why, how), notices=list(notices))


def _untrained(study: Study, state: ViewState) -> Component:
    command = f"python -m cre_core train epinformer --study {study.folder} --biosample {state.biosample} "
    command += f"--out {study.folder}/models"
    return notice.empty(f"No model is trained for {state.biosample} in study {study.name}", command)


# -- the parts of the page ----------------------------------------------------------------------------------------


def _main(library: Library, experiment: Experiment, state: ViewState, known: list[str]) -> Component:
    bodies = {
        "elements": elements.layout(presets_of(library, experiment)),
        "models": models.layout(),
        "pairs": pairs.layout(),
        "bases": bases.layout(state),
        "snapshots": snapshots.layout(),
    }
    return html.Div(
        [
            head.layout(experiment, state, known),
            effects.layout(),
            _tabs(),
            *[
                html.Div(
                    children,
                    className=f"ko-body ko-body-{name}",
                    hidden=name != state.panel,
                    role="tabpanel",
                    **data(ko_body=name),
                )
                for name, children in bodies.items()
            ],
        ],
        id="ko-page",
        className="ko-page",
        style={"--ko-decrease": DECREASE, "--ko-increase": INCREASE},
    )


def _tabs() -> Component:
    """The row of tabs, and beside it what is being computed."""
    buttons = [
        html.Button(title, className="ko-tab", role="tab", **data(ko_tab=name)) for name, title in TABS.items()
    ]
    wait = html.Span("computing …", id="ko-wait", className="ko-wait")
    return html.Div([html.Div(buttons, role="tablist"), wait], className="ko-tabs")


def _side(state: ViewState) -> list[Component]:
    return [agreement.layout(state), gene.layout(state.gene), neighbours.layout(), attention.layout()]


# -- callbacks ----------------------------------------------------------------------------------------------------

# What a Dash component has to tell: function of assets/knockout.js -> the component's property.
TOLD: Mapping[str, tuple[str | dict[str, Any], str]] = {
    "slid": ("ko-slider", "value"),
    "sliding": ("ko-slider", "drag_value"),
    "slotSlid": ({"type": "ko-slot", "slot": ALL}, "value"),
    "slotSliding": ({"type": "ko-slot", "slot": ALL}, "drag_value"),
    "modeChosen": ("ko-mode", "value"),
    "classChosen": ("ko-preset-class", "value"),
    "rowChosen": ("ko-table", "selectedRows"),
    "rowDoubled": ("ko-table", "cellDoubleClicked"),
    "truthChosen": ("ko-truth", "value"),
    "methodChosen": ("ko-base-method", "value"),
}


def register(app: Dash, library: Library) -> None:
    """Join the exchanges to their answers, and what components tell to assets/knockout.js."""

    def joined(answer: Any) -> Any:
        return lambda question: answer(library, question)

    for exchange, answer in EXCHANGES:
        exchange.answered_by(app, joined(answer))
    for function, told in TOLD.items():
        app.clientside_callback(ClientsideFunction("knockout", function), Input(*told), prevent_initial_call=True)
    top = Input("ko-top-k", "value"), Input("ko-top-method", "value")
    app.clientside_callback(ClientsideFunction("knockout", "topChosen"), *top)
    drawn = Output("ko-page", "title"), Input("view", "data")
    app.clientside_callback(ClientsideFunction("knockout", "opened"), *drawn)


PAGE = Page(PATH, "Knock-out", "knockout", layout, register, shows_gene=True)
