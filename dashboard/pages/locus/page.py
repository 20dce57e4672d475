"""Locus: what regulates a gene, according to which method, and what was measured, on one x axis."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, html
from dash.development.base_component import Component

from dashboard.components import link_table, shell
from dashboard.pages import Page
from dashboard.pages.locus.controls import toolbar
from dashboard.pages.locus.figure import EARLY, FIGURE, FIGURE_ID, FILE, draw, draw_early
from dashboard.pages.locus.inspector import INSPECTOR, inspect
from dashboard.pages.locus.table import TABLE, TABLE_ID, tabulate
from dashboard.services.library import Library
from dashboard.services.view import complete
from dashboard.state import read_view

PATH = "/locus"


def layout(library: Library, **query: str) -> Component:
    """The page."""
    asked, notices = read_view(query)
    state, more = complete(library, asked, wants=("place",))
    study = library.study(state.study)
    return shell.page(
        state,
        [
            toolbar(study, state),
            html.Div(id=FIGURE_ID, className="cs-locus-figure"),
            html.Div("loading …", id="locus-table-title", className="cs-table-title"),
            link_table.link_grid(TABLE_ID),
        ],
        inspector=[],
        footer=[],
        notices=[*notices, *more],
        exchanges=[FIGURE, FILE, TABLE, INSPECTOR],
        is_in_place=True,
    )


def register(app: Dash, library: Library) -> None:
    """Join the exchanges to their answers, and the controls to assets/locus.js."""
    FIGURE.answered_by(app, lambda question: draw(library, question))
    EARLY.answered_by(app, lambda question: draw_early(library, question))
    FILE.answered_by(app, lambda question: draw(library, question))
    TABLE.answered_by(app, lambda question: tabulate(library, question))
    INSPECTOR.answered_by(app, lambda question: inspect(library, question))
    controls = ("locus-methods", "locus-tracks", "locus-scale", "locus-top", "locus-threshold")
    app.clientside_callback(
        ClientsideFunction("locus", "controlled"),
        *[Input(control, "value") for control in controls],
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("locus", "rowChosen"), Input(TABLE_ID, "selectedRows"), prevent_initial_call=True
    )
    app.clientside_callback(ClientsideFunction("locus", "opened"), Output(FIGURE_ID, "title"), Input("view", "data"))


PAGE = Page(PATH, "Locus", "locus", layout, register, shows_gene=True)
