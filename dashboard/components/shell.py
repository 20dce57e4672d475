"""The frame around every page: header, rail of pages, the view with its inspector, the line of provenance.

Ids other files may use: Stores "view", "theme", "go", "studies"; Div "notice"; see `dashboard.pages`.
The search box itself is made in the browser: a box that the server may rewrite loses letters of a quick writer.
The browser's side is assets/shell.js (functions `crescope.*` of `dash_clientside`), the look is assets/shell.css.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components import notice
from dashboard.components.exchange import Exchange, declare
from dashboard.state import KINDS, ViewState

HEADER_PX, RAIL_PX = 52, 68
KEYS = (
    ("/", "go to the search box: a gene, a place, an element, or a list of names to walk"),
    ("← or [", "pan left"),
    ("→ or ]", "pan right"),
    ("+", "zoom in"),
    ("−", "zoom out"),
    ("wheel", "zoom at the cursor (with Ctrl where the page scrolls)"),
    ("double-click", "zoom in there, with Shift out"),
    ("drag", "move; on the ruler: open that stretch; with Shift: highlight it"),
    ("click", "select the nearest mark; on nothing: let go"),
    ("g", "zoom to the gene"),
    ("p", "zoom to all its CRISPRi positives"),
    ("e", "zoom to what is selected"),
    ("w", "the first view of the gene"),
    ("n, b", "next, previous positive, or name of the list"),
    ("Alt ↑ ↓", "move the track whose label has the focus"),
    ("i", "show or hide the inspector"),
    ("d", "dark or light"),
    ("?", "this list"),
    ("Esc", "close what is open"),
)
# What the search box asks: suggestions while one types, and where the typed text leads.
SUGGEST = Exchange("suggest", needs=(*KINDS, "text", "path"), on_demand=True)
VIEW_FILE = Exchange("view-file", needs=("text", "path"), on_demand=True)
GO = Exchange("go", needs=(*KINDS, "text", "path"), on_demand=True)
SPOKEN: dict[str, Any] = {"aria-live": "polite"}
_FOLD: dict[str, Any] = {"data-fold": "yes"}
Children = Component | str | Sequence[Component | str | None] | None


def view_data(state: ViewState) -> dict[str, object]:
    """What the Store "view" holds: the view, and its query for the address."""
    return {"state": state.to_dict(), "query": state.to_query()}


def page(
    state: ViewState,
    main: Children,
    *,
    inspector: Children = None,
    footer: Children = None,
    notices: Sequence[str] = (),
    exchanges: Sequence[Exchange] = (),
    is_in_place: bool = False,
) -> Component:
    """The content of a page.

    Args:
      state: the view it shows; kept in the Store "view".
      main: what fills the room.
      inspector: the column at the right, about what is selected; folds under 1200 px. None = no column.
      footer: the line of provenance, from `provenance.line`.
      notices: remarks shown once, on the notice line.
      exchanges: what the page asks the server for.
      is_in_place: another place or gene is shown by asking anew; otherwise the page is laid out anew.
    """
    has_inspector = inspector is not None
    column: list[Component] = []
    if has_inspector:
        column = [
            html.Button("‹", className="cs-fold", title="inspector (i)", **_FOLD),
            html.Aside(inspector, id="inspector", className="cs-inspector"),
        ]
    return html.Div(
        [
            dcc.Store(id="view", data=view_data(state)),
            dcc.Store(id="page-notices", data=notice.remarks(list(notices))),
            html.Div(
                [
                    html.Div(main, className="cs-main", id="main"),
                    html.Div(footer, id="footer", className="cs-footer"),
                ],
                className="cs-view",
            ),
            *column,
        ],
        className="cs-page cs-with-inspector" if has_inspector else "cs-page",
        **{**declare(exchanges), **({"data-in-place": "yes"} if is_in_place else {})},
    )


def remarked(page: Component, text: str) -> Component:
    """A page with one more remark for the notice line; one that failed has its own line, and stays as it is."""
    for part in page.children:
        if getattr(part, "id", None) == "page-notices":
            part.data = [*part.data, text]
    return page


def failed(text: str, state: ViewState | None = None) -> Component:
    """The page shown when an address cannot be, and there is no earlier view to keep; the study stays."""
    kept = ViewState(study=state.study, biosample=state.biosample) if state is not None else ViewState()
    return page(kept, notice.empty(text, "Type a gene or a place in the search box, or go to Home."))


def frame(
    pages: Iterable[Mapping[str, str]], studies: Mapping[str, object], *, exchanges: Sequence[Exchange] = ()
) -> Component:
    """The frame.

    Args:
      pages: path, title and icon of each page, in the rail's order.
      studies: name -> {"title", "assembly", "biosamples", "is_simulated"}, for the selects.
    """
    return dmc.MantineProvider(
        [
            dcc.Store(id="theme", storage_type="local", data="light"),
            dcc.Store(id="go"),
            dcc.Store(id="went"),
            dcc.Store(id="studies", data=dict(studies)),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(_header(), className="cs-header"),
                    dmc.AppShellNavbar([_rail_link(**entry) for entry in pages], className="cs-rail", id="rail"),
                    dmc.AppShellMain(dash.page_container, className="cs-shell-main"),
                ],
                header={"height": HEADER_PX},
                navbar={"width": RAIL_PX, "breakpoint": 0},
                padding=0,
                transitionDuration=0,
            ),
            html.Div(id="notice", className="cs-notice", **SPOKEN, **declare(exchanges)),
            _help(),
        ],
        id="mantine",
        theme={
            "fontFamily": "system-ui, 'DejaVu Sans', sans-serif",
            "primaryColor": "blue",
            "primaryShade": 8,
            "defaultRadius": "sm",
        },
        forceColorScheme="light",
    )


def _header() -> list[Component]:
    return [
        html.A("CREscope", href="/", className="cs-name", id="home-link"),
        html.Div(
            [
                html.Div(id="search-slot", className="cs-search"),
                html.Div(id="suggestions", className="cs-suggestions", role="listbox"),
            ],
            className="cs-search-box",
            role="search",
        ),
        _select("study-select", "Study", 150),
        _select("biosample-select", "Biosample", 120),
        html.Span(id="study-kind"),
        html.Div(className="cs-spacer"),
        html.Button("◐", id="theme-switch", className="cs-icon-button", title="light or dark (d)"),
        html.Button("?", id="help-open", className="cs-icon-button", title="keyboard and words (?)"),
    ]


def _select(identity: str, label: str, width_px: int) -> Component:
    return dmc.Select(
        id=identity,
        size="xs",
        w=width_px,
        allowDeselect=False,
        withCheckIcon=False,
        placeholder=label,
        **{"aria-label": label},
    )


def _rail_link(*, path: str, title: str, icon: str) -> Component:
    mask = f"url(/assets/icons/{icon}.svg)"
    return html.A(
        [html.Span(className="cs-icon", style={"maskImage": mask, "WebkitMaskImage": mask}), html.Span(title)],
        href=path,
        className="cs-rail-link",
        id={"type": "rail", "path": path},
    )


def _help() -> Component:
    rows = [html.Tr([html.Td(html.Kbd(key)), html.Td(meaning)]) for key, meaning in KEYS]
    words = (
        "Attention is a model's weight: neither contact nor proof of effect. Only a full knock-out compares with "
        "CRISPRi. No data is a gap; zero is a measurement."
    )
    return dmc.Modal(
        [html.Table(html.Tbody(rows), className="cs-keys"), html.P(words)],
        id="help",
        title="Keyboard and words",
        size="md",
        opened=False,
    )
