"""The tabs under the effects of the knock-out page: elements, models, pairs, bases, snapshots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard.components import figure_parts, snapshot_list
from dashboard.pages.knockout import panel_answers as answers
from dashboard.services.library import Library
from dashboard.state import MOST_NAME, ViewState

TITLES = {
    "elements": "Elements",
    "models": "Models",
    "pairs": "Pairs",
    "bases": "Bases",
    "snapshots": "Snapshots",
}
ASKED = ("models", "pairs", "bases", "sites", "snapshots", "all")  # what the server is asked for, one by one
METHODS = {
    "gradient_x_input": "gradient × input",
    "integrated_gradients": "integrated gradients",
    "mutagenesis": "mutagenesis",
}


def stores(state: ViewState) -> list[Component]:
    """What the tabs remember."""
    kept = {"snapshots": state.to_dict().get("snapshots", []), "compare": list(state.compare)}
    return [
        dcc.Store(id="ko-panel", data=state.panel),
        dcc.Store(id="ko-kept", data=kept),
        dcc.Store(id="ko-run", data=None),
        *(dcc.Store(id=f"ko-ask-{name}") for name in ASKED),
        *(dcc.Store(id=f"ko-data-{name}") for name in ASKED),
    ]


def tabs(state: ViewState) -> Component:
    """The row of tabs, and beside it what is being computed."""
    buttons = [
        html.Button(
            title,
            id={"type": "ko-tab", "name": name},
            className="ko-tab ko-here" if name == state.panel else "ko-tab",
            role="tab",
        )
        for name, title in TITLES.items()
    ]
    wait = html.Span("computing …", id="ko-wait", className="ko-wait")
    return html.Div([html.Div(buttons, role="tablist"), wait], className="ko-tabs")


def bodies(state: ViewState, elements: list[Component]) -> list[Component]:
    """What stands under each tab; all but the open one are hidden and empty."""
    parts = {
        "elements": elements,
        "models": [_figure("ko-models", "models")],
        "pairs": [html.Div(id="ko-pairs-text", className="ko-side-text"), _figure("ko-pairs", "pairs")],
        "bases": _bases(state),
        "snapshots": _snapshots(),
    }
    return [
        html.Div(
            children,
            id={"type": "ko-body", "name": name},
            className=f"ko-body ko-body-{name}",
            style={} if name == state.panel else {"display": "none"},
        )
        for name, children in parts.items()
    ]


def truth_switch(state: ViewState) -> Component:
    """Whose pairs the scatter shows."""
    choices = [{"value": "gene", "label": "this gene"}, {"value": "all", "label": "all genes"}]
    return html.Div(
        [
            dmc.SegmentedControl(id="ko-truth", data=choices, value=state.truth, size="xs"),
            html.Span("computing …", id="ko-wait-all", className="ko-wait"),
        ],
        className="ko-truth",
    )


def _figure(identity: str, name: str) -> Component:
    parts = [figure_parts.graph(identity), figure_parts.save_buttons(identity, name)]
    return html.Div(parts, className="ko-panel-figure")


def _bases(state: ViewState) -> list[Component]:
    choices = [{"value": name, "label": title} for name, title in METHODS.items()]
    controls = [
        dmc.SegmentedControl(id="ko-base-method", data=choices, value=state.base_method, size="xs"),
        html.Button("compute", id="ko-run-bases", className="ko-button", style={"display": "none"}),
        html.Span(
            [
                html.Button("all bases", id="ko-zoom-out", className="ko-button"),
                html.Button("letters", id="ko-zoom-in", className="ko-button"),
            ],
            id="ko-zooms",
        ),
    ]
    return [
        html.Div(controls, className="ko-presets"),
        html.Div(id="ko-bases-text", className="ko-side-text"),
        html.Div(
            [figure_parts.graph("ko-bases", zooms=True), figure_parts.save_buttons("ko-bases", "bases")],
            id="ko-bases-figure",
            className="ko-panel-figure ko-fill",
        ),
    ]


def _snapshots() -> list[Component]:
    kept = [snapshot_list.save_row(MOST_NAME), html.Div(id="ko-snapshots-list")]
    steps = [html.Div("History, newest first", className="ko-side-title"), html.Div(id="ko-steps")]
    return [html.Div(kept), html.Div(steps, className="ko-steps")]


# -- callbacks ----------------------------------------------------------------------------------------------------


def register(app: Dash, library: Library) -> None:
    """Join the ids to the answers and to the functions of assets/knockout_panels.js."""

    def server(name: str, function: Callable[..., Any], *, wait: str = "ko-wait") -> None:
        app.callback(
            Output(f"ko-data-{name}", "data"),
            Input(f"ko-ask-{name}", "data"),
            State("view", "data"),
            prevent_initial_call=True,
            running=[(Output(wait, "className"), "ko-wait ko-busy", "ko-wait")],
        )(lambda ask, view: function(library, ask, view))

    server("models", answers.models)
    server("pairs", answers.pairs)
    server("bases", answers.bases)
    server("sites", answers.sites)
    server("snapshots", answers.snapshots)
    server("all", answers.all_genes, wait="ko-wait-all")
    _register_browser_side(app)


def _register_browser_side(app: Dash) -> None:
    def browser(function: str, *dependencies: Any, on_load: bool = True) -> None:
        app.clientside_callback(
            ClientsideFunction("knockoutPanels", function), *dependencies, prevent_initial_call=not on_load
        )

    history, base, panel = State("ko-history", "data"), State("ko-base", "data"), Input("ko-panel", "data")
    focus, kept = Input("ko-focus", "data"), Input("ko-kept", "data")
    browser("open", Output("ko-panel", "data"), Input({"type": "ko-tab", "name": ALL}, "n_clicks"), on_load=False)
    browser(
        "show",
        Output({"type": "ko-tab", "name": ALL}, "className"),
        Output({"type": "ko-body", "name": ALL}, "style"),
        Output("ko-page", "className"),
        panel,
        State({"type": "ko-tab", "name": ALL}, "id"),
        on_load=False,
    )
    asked = [f"ko-ask-{name}" for name in ("models", "pairs", "bases", "snapshots")]
    browser(
        "ask",
        *(Output(name, "data") for name in asked),
        panel,
        Input("ko-answer", "data"),
        *(focus, Input("theme", "data"), kept, Input("ko-base-method", "value"), Input("ko-run", "data")),
        history,
        *(State(name, "data") for name in asked),
    )
    browser(
        "askAll",
        Output("ko-ask-all", "data"),
        Input("ko-truth", "value"),
        Input("ko-history", "data"),
        Input("theme", "data"),
        State("ko-ask-all", "data"),
    )
    browser(
        "agree",
        Output("ko-agreement", "figure"),
        Output("ko-agreement-text", "children"),
        *(Input("ko-scan", "data"), Input("ko-truth", "value"), history, State("ko-data-all", "data")),
        on_load=False,
    )
    browser(
        "agreeAll",
        Output("ko-agreement", "figure", allow_duplicate=True),
        Output("ko-agreement-text", "children", allow_duplicate=True),
        *(Input("ko-data-all", "data"), State("ko-truth", "value"), history),
        on_load=False,
    )
    browser(
        "drawModels",
        Output("ko-models", "figure"),
        Output("ko-models", "style"),
        *(Input("ko-data-models", "data"), focus, State("ko-ask-models", "data"), base),
        on_load=False,
    )
    browser(
        "drawPairs",
        Output("ko-pairs", "figure"),
        Output("ko-pairs", "style"),
        Output("ko-pairs-text", "children"),
        *(Input("ko-data-pairs", "data"), State("ko-ask-pairs", "data")),
        on_load=False,
    )
    browser(
        "drawBases",
        Output("ko-bases", "figure"),
        Output("ko-bases-text", "children"),
        Output("ko-bases-figure", "style"),
        Output("ko-zooms", "style"),
        Output("ko-run-bases", "style"),
        Output("ko-ask-sites", "data"),
        *(Input("ko-data-bases", "data"), State("ko-ask-bases", "data")),
        on_load=False,
    )
    browser(
        "nameSites",
        Output("ko-bases", "figure", allow_duplicate=True),
        *(Input("ko-data-sites", "data"), State("ko-ask-bases", "data")),
        on_load=False,
    )
    browser(
        "run",
        Output("ko-run", "data"),
        *(Input("ko-run-bases", "n_clicks"), State("ko-focus", "data"), State("ko-base-method", "value")),
        on_load=False,
    )
    browser("zoom", Input("ko-zoom-out", "n_clicks"), Input("ko-zoom-in", "n_clicks"), on_load=False)
    browser("spell", Input("ko-bases", "relayoutData"), Input("ko-bases", "figure"), on_load=False)
    browser(
        "keep",
        Output("ko-kept", "data"),
        Output("ko-keep-text", "children"),
        Input("ko-keep", "n_clicks"),
        Input({"type": "ko-forget", "name": ALL}, "n_clicks"),
        Input({"type": "ko-side", "side": ALL, "name": ALL}, "n_clicks"),
        *(State("ko-snapshot-name", "value"), State("ko-kept", "data"), history),
        on_load=False,
    )
    browser("list", Output("ko-snapshots-list", "children"), Input("ko-data-snapshots", "data"), on_load=False)
    browser("steps", Output("ko-steps", "children"), Input("ko-history", "data"), panel, base)
