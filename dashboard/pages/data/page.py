"""Data: where every file comes from, what is simulated, and the signals at base level.

Address: the view, plus `/data`. Tabs: sources, files of the study, base level. The genome browser of the last tab is
made when the tab is opened: it is heavy, and there may be one only. Importing dash_bio takes 1.5 s; Dash wants every
component library before its first answer, so the server's start pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import dash_bio
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, html
from dash.development.base_component import Component

from cre_core.errors import NotAvailable
from dashboard.components import notice, provenance, shell
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.pages import Page
from dashboard.services.baselevel import base_level
from dashboard.services.library import Library
from dashboard.services.sources import Origin, origin
from dashboard.state import read_view

PATH = "/data"
BASES_TAB = "bases"
BASES = Exchange("data-bases", needs=("study", "biosample", "gene", "locus", "element", "pair"), on_demand=True)
_SOURCE_COLUMNS = (
    ("file", "file", 3), ("content", "content", 4), ("assembly", "assembly", 1), ("lifted_from", "lifted from", 1),
    ("licence", "licence", 2), ("sha256", "SHA-256", 2), ("checked", "compared", 2), ("url", "address", 3),
)  # fmt: skip
_FILE_COLUMNS = (
    ("file", "file", 3), ("content", "content", 4), ("biosample", "biosample", 1), ("source", "source", 3),
    ("lifted_from", "lifted from", 1), ("bytes", "bytes", 1), ("kind", "kind", 1),
)  # fmt: skip


def layout(library: Library, **query: str) -> Component:
    """The page of a study."""
    state, notices = read_view(query)
    study = origin(library, state.study)
    sources, files = study.sources, study.files
    tabs = dmc.Tabs(
        [
            dmc.TabsList(
                [
                    dmc.TabsTab(f"Public files ({len(sources)})", value="sources"),
                    dmc.TabsTab(f"Files of the study ({len(files)})", value="files"),
                    dmc.TabsTab("Base level", value=BASES_TAB, id="data-bases-tab"),
                ]
            ),
            dmc.TabsPanel(_sources_panel(study), value="sources", className="cs-tab"),
            dmc.TabsPanel(table("data-files", files, _FILE_COLUMNS), value="files", className="cs-tab"),
            dmc.TabsPanel(html.Div(id="data-bases", className="cs-bases"), value=BASES_TAB, className="cs-tab"),
        ],
        id="data-tabs",
        value="sources" if sources else "files",
        keepMounted=False,
        className="cs-data-tabs",
    )
    main = html.Div([_heading(study), tabs], className="cs-data")
    footer = provenance.line(
        [study.assembly, study.command, study.folder],
        is_simulated=study.is_simulated,
    )
    return shell.page(state, main, footer=footer, notices=notices, exchanges=[BASES])


def register(app: Dash, library: Library) -> None:
    """Make the genome browser when its tab is opened."""
    BASES.answered_by(app, lambda question: bases(library, question))
    app.clientside_callback(ClientsideFunction("data", "opened"), Input("data-tabs", "value"))


def bases(library: Library, question: Question) -> Reply:
    """The genome browser, or what is missing for it."""
    study = library.study(question.state.study)
    try:
        made: Component = dash_bio.Igv(id="igv", **base_level(study, question.state))
    except NotAvailable as error:
        made = notice.empty("No base-level view.", str(error))
    return Reply(sets={"data-bases": {"children": made}})


def table(identity: str, rows: list[dict[str, Any]], columns: Sequence[tuple[str, str, int]]) -> Component:
    """A sortable table that filters by column.

    Args:
      identity: the component's id.
      rows: one dictionary per row.
      columns: key, heading and relative width of each column.
    """
    return dag.AgGrid(
        id=identity,
        rowData=rows,
        columnDefs=[
            {"field": field, "headerName": heading, "flex": flex, "minWidth": 112, "tooltipField": field}
            for field, heading, flex in columns
        ],
        defaultColDef={"sortable": True, "resizable": True, "filter": True},
        dashGridOptions={
            "rowHeight": 26,
            "headerHeight": 30,
            "tooltipShowDelay": 300,
            "enableCellTextSelection": True,
            "ensureDomOrder": True,
            "animateRows": False,
        },
        className="ag-theme-quartz cs-grid",
        style={"height": "100%"},
    )


def _sources_panel(study: Origin) -> Component:
    if study.sources:
        return table("data-sources", study.sources, _SOURCE_COLUMNS)
    why = "Its numbers are made by the simulator." if study.is_simulated else "Its description names none."
    return notice.empty("No public file stands behind this study.", why)


def _heading(study: Origin) -> Component:
    badge = provenance.simulated_badge() if study.is_simulated else provenance.real_badge()
    return html.Div(
        [
            html.Div([html.H2(study.title), badge], className="cs-study-head"),
            html.Ul([html.Li(note) for note in study.notes], className="cs-notes"),
        ]
    )


PAGE = Page(PATH, "Data", "data", layout, register)
