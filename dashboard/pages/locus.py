"""Locus: what regulates a gene, according to which method, and what was measured, on one x axis."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from cre_core.evaluation.methods import method_title
from dashboard.components import link_table, shell
from dashboard.pages.locus_answers import (
    Json,
    changed,
    clicked,
    completed,
    draw,
    hidden_bands,
    shown_methods,
    tabulate,
)
from dashboard.pages.locus_drawing import band_titles
from dashboard.pages.locus_inspector import inspect
from dashboard.services.library import Library
from dashboard.services.links import (
    methods_of,
)
from dashboard.state import ViewState, read_view

if TYPE_CHECKING:
    from cre_core.data.study import Study

PATH, TITLE, ICON = "/locus", "Locus", "locus"
_UNSEEN = {"visible": False}
_EMPTY: Json = {"data": [], "layout": {"xaxis": _UNSEEN, "yaxis": _UNSEEN, "paper_bgcolor": "rgba(0,0,0,0)",
                                       "plot_bgcolor": "rgba(0,0,0,0)"}}  # fmt: skip


def layout(library: Library, **query: str) -> Component:
    """The page."""
    asked, notices = read_view(query)
    state, more = completed(library, asked)
    study = library.study(state.study)
    return shell.page(
        state,
        [
            _toolbar(library, study, state),
            dcc.Loading(
                dcc.Graph(
                    id="locus-figure",
                    figure=_EMPTY,
                    config={"displayModeBar": False, "doubleClick": False, "scrollZoom": False, "responsive": True},
                    responsive=True,
                    className="cs-locus-figure",
                ),
                delay_show=400,
                overlay_style={"visibility": "visible"},
                id="locus-loading",
            ),
            html.Div(id="locus-table-title", className="cs-table-title"),
            link_table.link_grid("locus-table"),
            *[
                dcc.Store(id=f"locus-{name}")
                for name in ("request", "rows", "chosen", "marks", "pan", "click", "done")
            ],
            dcc.Store(id="locus-visit", data=time.time_ns()),  # a page opened anew is drawn anew
        ],
        inspector=[],
        footer=[],
        notices=[*notices, *more],
    )


def register(app: Dash, library: Library) -> None:
    """Join ids to the functions below."""
    view, shown = State("view", "data"), Output("view", "data", allow_duplicate=True)
    app.callback(
        Output("locus-figure", "figure"),
        Output("locus-figure", "style"),
        Output("footer", "children"),
        Input("locus-request", "data"),
        prevent_initial_call=True,
    )(lambda request: draw(library, request))
    app.callback(
        Output("locus-table", "rowData"),
        Output("locus-table", "columnDefs"),
        Output("locus-table-title", "children"),
        Input("locus-rows", "data"),
        prevent_initial_call=True,
    )(lambda request: tabulate(library, request))
    app.callback(
        Output("inspector", "children"),
        Output("locus-marks", "data"),
        Output("locus-table", "selectedRows"),
        Output("locus-table", "scrollTo"),
        Input("locus-chosen", "data"),
        prevent_initial_call=True,
    )(lambda request: inspect(library, request))
    app.callback(
        shown,
        Input("locus-methods", "value"),
        Input("locus-tracks", "value"),
        Input("locus-scale", "value"),
        Input("locus-top", "value"),
        Input("locus-threshold", "value"),
        view,
        prevent_initial_call=True,
    )(
        lambda methods, tracks, scale, top, threshold, data: changed(
            library, data, methods, tracks, scale, top, threshold
        )
    )
    app.callback(shown, Input("locus-click", "data"), view, prevent_initial_call=True)(
        lambda click, data: clicked(library, data, click)
    )
    _register_browser_side(app)


def _register_browser_side(app: Dash) -> None:
    def browser(function: str, *dependencies: Any, on_load: bool = False) -> None:
        app.clientside_callback(
            ClientsideFunction("locus", function), *dependencies, prevent_initial_call=not on_load
        )

    stores = [Output(f"locus-{name}", "data") for name in ("request", "rows", "chosen")]
    browser(
        "gate", *stores, Input("view", "data"), Input("theme", "data"), Input("locus-visit", "data"), on_load=True
    )
    browser("panned", Output("view", "data", allow_duplicate=True), Input("locus-pan", "data"), State("view", "data"))
    browser("attach", Output("locus-done", "data"), Input("locus-figure", "figure"))
    browser("mark", Output("locus-done", "data", allow_duplicate=True), Input("locus-marks", "data"))
    browser(
        "rowChosen",
        Output("locus-click", "data", allow_duplicate=True),
        Input("locus-table", "selectedRows"),
        State("locus-marks", "data"),
    )
    browser("exportTable", Output("locus-table", "exportDataAsCsv"), Input("locus-csv", "n_clicks"))


def _toolbar(library: Library, study: Study, state: ViewState) -> Component:
    known = methods_of(study, biosample=state.biosample)
    methods = shown_methods(study, state)
    bands = band_titles(study, state.biosample)
    hidden = hidden_bands(study, state)
    return html.Div(
        [
            html.Span([html.B(state.gene or "no gene"), " ", html.Span(id="locus-place")], className="cs-locus-name"),
            _button("pan-left", "←", "pan left (←)"),
            _button("zoom-out", "−", "zoom out (−)"),
            _button("zoom-in", "+", "zoom in (+)"),
            _button("pan-right", "→", "pan right (→)"),
            html.Span(className="cs-spacer"),
            _folded("Methods", _checks("locus-methods", {m: method_title(m) for m in known}, list(methods))),
            _folded(
                "Tracks",
                _checks("locus-tracks", bands, [name for name in bands if name not in hidden]),
            ),
            _folded("Links", _link_controls(state)),
            dmc.SegmentedControl(
                id="locus-scale",
                size="xs",
                value=state.scale,
                data=[
                    {"value": "group", "label": "group scale"},
                    {"value": "auto", "label": "auto"},
                    {"value": "log", "label": "log"},
                ],
            ),
            _button("locus-svg", "SVG", "download the figure as SVG, light"),
            _button("locus-png", "PNG", "download the figure as PNG, light"),
            _button("locus-csv", "CSV", "download the table"),
        ],
        className="cs-toolbar",
    )


def _button(identity: str, text: str, title: str) -> Component:
    return html.Button(text, id=identity, title=title, className="cs-tool", **{"aria-label": title})  # type: ignore[arg-type]


def _folded(title: str, content: Component) -> Component:
    """Controls behind a button: always part of the page, shown when asked for."""
    summary = html.Summary(title, className="cs-tool", id=f"locus-open-{title.lower()}")
    return html.Details([summary, html.Div(content, className="cs-fold-out")], className="cs-folded")


def _checks(identity: str, titles: Mapping[str, str], value: list[str]) -> Component:
    boxes = [dmc.Checkbox(label=title, value=name, size="xs", mb=6) for name, title in titles.items()]
    return dmc.CheckboxGroup(boxes, id=identity, value=value)


def _link_controls(state: ViewState) -> Component:
    return html.Div(
        [
            html.Div("Arcs per method, strongest first", className="cs-inspect-faint"),
            dmc.Slider(id="locus-top", value=state.top, min=0, max=300, step=1, w=230, mb=18, updatemode="mouseup"),
            html.Div("Least score, % of the gene's largest", className="cs-inspect-faint"),
            dmc.Slider(
                id="locus-threshold", value=round(100 * state.threshold), min=0, max=100, w=230, updatemode="mouseup"
            ),
        ]
    )
