"""Knock-out: a gene's elements, what the model says happens without them, and what CRISPRi measured."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from cre_core.errors import NotAvailable
from cre_core.evaluation.methods import method_title
from cre_core.models.registry import model_title
from dashboard.components import figure_parts, notice, preset_bar, provenance, shell, strength_table
from dashboard.figures.agreement import AGREEMENT_PX
from dashboard.figures.knockout import ATTENTION_PX
from dashboard.pages import Page
from dashboard.pages.knockout import panels as knockout_panels
from dashboard.pages.knockout.answers import (
    answer,
    base_of,
    context,
    experiment_of,
    history_of,
    moved,
    scan,
    selected,
    source_parts,
    unknown_lines,
)
from dashboard.services import desk as service
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.services.presets import MOST_TOP, Presets, presets_of
from dashboard.services.search import remarks_on, walkable
from dashboard.state import ViewState, read_view
from dashboard.theme import DECREASE, INCREASE

if TYPE_CHECKING:
    from cre_core.data.study import Study

PATH = "/knockout"


def layout(library: Library, **query: str) -> Component:
    """The page of a view; CreError for a gene, study or biosample that is not there."""
    state, notices = read_view(query)
    study = library.study(state.study)
    state, remarks = settled(study, state)
    models = service.models_of(study, state.biosample)
    if not models:
        return shell.page(state, _untrained(study, state), notices=[*notices, *remarks])
    predictor = service.desk_of(library).predictor(study, state.model, biosample=state.biosample)
    if state.mode not in predictor.modes:
        remarks.append(f"{predictor.label} has no mode '{state.mode}' here; this is {predictor.modes[0]}")
        state = state.with_(mode=predictor.modes[0])
    experiment = experiment_of(library, state)
    remarks += unknown_lines(experiment, state)
    strengths = experiment.known_strengths(state.knock_outs)
    element, pair = selected(experiment, state)
    state = state.with_(knock_outs=tuple(strengths.items()), element=element, pair=pair)
    return shell.page(
        state,
        _main(experiment, state, models, presets_of(library, experiment)),
        inspector=_side(state),
        footer=provenance.line(source_parts(experiment), is_simulated=study.info.is_simulated),
        notices=[*notices, *remarks],
    )


def settled(study: Study, state: ViewState) -> tuple[ViewState, list[str]]:
    """The view with its blanks filled: study, biosample, gene, model and mode; a line for what had to be replaced.

    Raises:
      UnknownName: no such gene. NotAvailable: a gene that no model knows.
    """
    remarks = []
    biosample = state.biosample or study.info.biosamples[0]
    models = service.models_of(study, biosample)
    model = state.model or (models[0] if models else "")
    if models and model not in models:
        remarks.append(f"no weights of '{model}' for {biosample}; this is {models[0]}")
        model = models[0]
    examples = study.info.example_loci
    gene = state.gene or (examples[0].gene_name if examples else str(study.genes["gene_name"].iloc[0]))
    known = study.annotated_gene(gene)
    gene = str(known["gene_name"])
    if not known["is_modelled"]:
        raise NotAvailable(f"no model of study {study.name} knows {gene}; the Locus page shows what was measured")
    walk, odd = walkable(study, state.walk)
    remarks += [*remarks_on(study, state.gene or gene), *odd]
    return state.with_(study=study.name, biosample=biosample, gene=gene, model=model, walk=walk), remarks


def _untrained(study: Study, state: ViewState) -> Component:
    command = f"python -m cre_core train epinformer --study {study.folder} --biosample {state.biosample} "
    command += f"--out {study.folder}/models"
    return notice.empty(f"No model is trained for {state.biosample} in study {study.name}", command)


# -- the parts of the page ----------------------------------------------------------------------------------------


def _main(experiment: Experiment, state: ViewState, models: list[str], presets: Presets) -> Component:
    gene = state.gene
    base = base_of(experiment, presets)
    stores = [
        dcc.Store(id="ko-base", data=base),
        dcc.Store(id="ko-history", data=history_of(state)),
        dcc.Store(id="ko-focus", data=state.element),
        dcc.Store(id="ko-measured", data=state.pair),
        dcc.Store(id="ko-slots", data=[None] * strength_table.SLOTS),
        *knockout_panels.stores(state),
        dcc.Store(id="ko-tab", data=secrets.token_hex(8)),  # which page asks
        *(dcc.Store(id=f"ko-{name}") for name in ("look", "scan", "answer", "restart", "again", "ask", "context")),
    ]
    effects = html.Div(
        [figure_parts.graph("ko-effects", zooms=True), figure_parts.save_buttons("ko-effects", f"{gene}_knock_outs")],
        className="ko-figure",
    )
    elements = [
        _presets(presets),
        html.Div(
            [
                strength_table.table("ko-table", base["rows"], shown=state.element or state.pair),
                strength_table.sliders(),
            ],
            className="ko-bottom",
        ),
    ]
    colours = {"--ko-decrease": DECREASE, "--ko-increase": INCREASE}
    return html.Div(
        [
            *stores,
            _head(experiment, state, models),
            effects,
            knockout_panels.tabs(state),
            *knockout_panels.bodies(state, elements),
        ],
        id="ko-page",
        className=f"ko-page ko-on-{state.panel}",
        style=colours,
    )


def _head(experiment: Experiment, state: ViewState, models: list[str]) -> Component:
    unit = experiment.predictor.unit.text
    numbers = html.Span(
        [html.Span(id="ko-before"), html.Span(" → "), html.Span(id="ko-after")], className="ko-numbers"
    )
    track = html.Span(
        html.Span(id="ko-bar", className="ko-bar"), className="ko-track", title="0 to twice the baseline"
    )
    change = html.Span(id="ko-change", className="ko-change")
    result = [
        numbers,
        html.Span(unit, className="ko-unit"),
        change,
        track,
        html.Span("asking the model …", id="ko-kind", className="ko-kind"),
    ]
    return html.Div(
        [
            html.Div(f"Predicted expression of {state.gene}", className="ko-title"),
            _tools(experiment, state, models),
            html.Div(
                [*result, html.Span(id="ko-independent", className="ko-independent")],
                id="ko-result",
                className="ko-result ko-same",
            ),
            html.Div(id="ko-done", className="ko-done"),
        ],
        className="ko-head",
    )


def _tools(experiment: Experiment, state: ViewState, models: list[str]) -> Component:
    predictor = experiment.predictor
    modes = [{"value": mode, "label": mode} for mode in predictor.modes]
    mode = dmc.SegmentedControl(id="ko-mode", data=modes, value=experiment.mode, size="xs")
    definitions = "\n".join(predictor.mode_text(mode) for mode in predictor.modes)
    other = [
        html.A(model_title(name), href=state.with_(model=name).url(PATH), className="ko-button")
        for name in models
        if name != state.model
    ]
    buttons = [
        html.Button(text, id=identity, className="ko-button", disabled=True)
        for identity, text in (("ko-undo", "↶ undo"), ("ko-redo", "↷ redo"), ("ko-reset", "reset"))
    ]
    return html.Div([*other, html.Span(mode, title=definitions), *buttons], className="ko-tools")


def _presets(presets: Presets) -> Component:
    titles = {name: method_title(name) for name in presets.rankings}
    return preset_bar.bar(presets.positives, presets.classes, titles, most=MOST_TOP)


def _side(state: ViewState) -> list[Component]:
    return [
        html.Div(
            [
                html.Div("Predicted against measured", className="ko-side-title"),
                knockout_panels.truth_switch(state),
                figure_parts.graph("ko-agreement", height=AGREEMENT_PX),
                figure_parts.save_buttons("ko-agreement", "predicted_against_measured"),
                html.Div(id="ko-agreement-text"),
            ],
            className="ko-side",
        ),
        html.Div(
            [html.Div(f"{state.gene} under this model", className="ko-side-title"), html.Div(id="ko-gene-text")],
            className="ko-side",
        ),
        html.Div(
            [
                html.Div("Same change, neighbouring genes", className="ko-side-title"),
                html.Div(id="ko-neighbours", className="ko-side-text"),
            ],
            className="ko-side",
            title="a knock-out that moves its neighbours is less specific",
        ),
        html.Div(
            [
                html.Div("Attention, a weight of the model", className="ko-side-title"),
                figure_parts.graph("ko-attention", height=ATTENTION_PX),
                figure_parts.save_buttons("ko-attention", "attention"),
            ],
            className="ko-side",
        ),
    ]


# -- callbacks ----------------------------------------------------------------------------------------------------


def register(app: Dash, library: Library) -> None:
    """Join the ids to the functions above and to those of assets/knockout.js."""
    history, view = State("ko-history", "data"), State("view", "data")
    app.callback(Output("ko-scan", "data"), Input("ko-look", "data"), view, prevent_initial_call=True)(
        lambda look, state: scan(library, look, state)
    )
    app.callback(
        Output("ko-answer", "data"),
        Output("ko-restart", "data"),
        Input("ko-history", "data"),
        Input("ko-again", "data"),
        State("ko-tab", "data"),
        view,
    )(lambda now, _, tab, state: answer(library, now, tab, state))
    app.callback(Output("ko-context", "data"), Input("ko-ask", "data"), history, view, prevent_initial_call=True)(
        lambda asked, now, state: context(library, asked, now, state)
    )
    app.callback(
        Output("view", "data", allow_duplicate=True),
        view,
        Input("ko-history", "data"),
        Input("ko-focus", "data"),
        Input("ko-measured", "data"),
        Input("ko-panel", "data"),
        Input("ko-kept", "data"),
        Input("ko-truth", "value"),
        Input("ko-base-method", "value"),
        prevent_initial_call=True,
    )(moved)
    knockout_panels.register(app, library)
    _register_browser_side(app)


def _register_browser_side(app: Dash) -> None:
    def browser(function: str, *dependencies: Any, on_load: bool = True, namespace: str = "knockout") -> None:
        app.clientside_callback(
            ClientsideFunction(namespace, function), *dependencies, prevent_initial_call=not on_load
        )

    history, focus, base = State("ko-history", "data"), State("ko-focus", "data"), State("ko-base", "data")
    measured = State("ko-measured", "data")
    slots, given = State("ko-slots", "data"), State("ko-answer", "data")
    slot_ids = {"type": "ko-slot", "slot": ALL}
    browser(
        "act",
        Output("ko-history", "data"),
        Input("ko-slider", "value"),
        Input(slot_ids, "value"),
        Input({"type": "ko-preset", "name": ALL}, "n_clicks"),
        Input("ko-preset-class", "value"),
        Input("ko-undo", "n_clicks"),
        Input("ko-redo", "n_clicks"),
        Input("ko-reset", "n_clicks"),
        Input("ko-mode", "value"),
        Input("ko-table", "cellDoubleClicked"),
        Input({"type": "ko-restore", "name": ALL}, "n_clicks"),
        Input({"type": "ko-step", "at": ALL}, "n_clicks"),
        *(
            history,
            focus,
            measured,
            slots,
            base,
            State("ko-top-k", "value"),
            State("ko-top-method", "value"),
            State("ko-kept", "data"),
        ),
        on_load=False,
    )
    browser(
        "choose",
        Output("ko-focus", "data"),
        Output("ko-measured", "data"),
        Input("ko-table", "selectedRows"),
        Input("ko-effects", "clickData"),
        Input("ko-agreement", "clickData"),
        Input("ko-models", "clickData"),
        Input({"type": "ko-over", "pair": ALL}, "n_clicks"),
        *(focus, measured, base),
        on_load=False,
    )
    browser(
        "look",
        Output("ko-look", "data"),
        Input("ko-history", "data"),
        Input("theme", "data"),
        State("ko-look", "data"),
    )
    browser(
        "follow",
        Output("ko-more", "children"),
        Input("ko-history", "data"),
        Input("ko-focus", "data"),
        Input("ko-measured", "data"),
        *(base, State("ko-context", "data"), slots),
    )
    browser(
        "tell",
        Output("ko-measured-text", "children"),
        Output({"type": "ko-preset", "name": "pair"}, "style"),
        *(Input("ko-focus", "data"), Input("ko-measured", "data"), Input("ko-base", "data")),
        namespace="knockoutMeasured",
    )
    browser(
        "mark",
        *(Input("ko-agreement", "figure"), Input("ko-focus", "data"), Input("ko-measured", "data")),
        *(State("ko-scan", "data"), history),
        namespace="knockoutMeasured",
        on_load=False,
    )
    browser(
        "preview",
        Input("ko-slider", "drag_value"),
        Input(slot_ids, "drag_value"),
        *(State("ko-slider", "value"), State(slot_ids, "value")),
        *(history, focus, slots, base, given),
        on_load=False,
    )
    browser("expect", Input("ko-history", "data"), base, given)
    browser("announce", Input("ko-answer", "data"), history)
    browser("wait", Input("ko-restart", "data"), history, on_load=False)
    browser(
        "draw",
        Output("ko-effects", "figure"),
        Input("ko-answer", "data"),
        Input("ko-scan", "data"),
        Input("ko-focus", "data"),
        Input("ko-measured", "data"),
        history,
    )
    browser(
        "rebase",
        Output("ko-base", "data"),
        Output("ko-gene-text", "children"),
        Input("ko-scan", "data"),
        *(history, State("ko-context", "data")),
        on_load=False,
    )
    browser(
        "surround", Output("ko-neighbours", "children"), Input("ko-context", "data"), history, base, on_load=False
    )


PAGE = Page(PATH, "Knock-out", "knockout", layout, register, shows_gene=True)
