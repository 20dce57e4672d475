"""The app: the list of pages and the frame's callbacks.

`create_app(settings)` gives a Dash app ready to serve. Pages are listed in PAGES, in the rail's order.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from types import ModuleType
from typing import Any

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from cre_core.errors import CreError
from dashboard import theme
from dashboard.components import notice, shell
from dashboard.components.suggest import suggestion_list
from dashboard.services.files import register_files
from dashboard.services.guard import guard
from dashboard.services.library import Library
from dashboard.services.search import Hit, current_chrom, resolve, suggestions
from dashboard.settings import Settings
from dashboard.state import ViewState, read_view

PAGES = ("home", "locus", "knockout", "data")
# Pages a gene may be opened on; from the others the search box leads to the first.
GENE_PAGES = ("/locus", "/knockout")
ASSETS = Path(__file__).resolve().parents[1] / "assets"
log = logging.getLogger("dashboard")

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title><link rel="icon" href="/assets/icons/crescope.svg">
<style>COLOURS</style>{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


def create_app(settings: Settings) -> Dash:
    """The dashboard of some settings."""
    library = Library(settings)
    app = Dash(
        "crescope",
        title="CREscope",
        update_title="",
        assets_folder=str(ASSETS),
        pages_folder="",
        use_pages=True,
        include_pages_meta=False,
        suppress_callback_exceptions=True,
        on_error=show_error,
        index_string=INDEX.replace("COLOURS", theme.css_variables()),
    )
    guard(app.server, settings, app.csp_hashes)
    register_files(app.server, library)
    pages = [importlib.import_module(f"dashboard.pages.{name}") for name in PAGES]
    dash.page_registry.clear()
    for module in pages:
        _register(app, library, module)
    dash.register_page("not_found_404", layout=lambda **_: shell.failed("There is no page at this address."))
    rail = [{"path": page.PATH, "title": page.TITLE, "icon": page.ICON} for page in pages]
    app.layout = lambda: shell.frame(rail, library.describe())
    _register_frame(app, library)
    app.server.extensions["crescope"] = library
    if library.models is not None:
        library.models.start()  # in the background: the first knock-out need not wait for it
    return app


def show_error(error: Exception) -> None:
    """One line on the notice for whatever a callback raised; what is drawn stays as it was."""
    set_props("notice", {"children": notice.line(error_text(error))})


def error_text(error: Exception) -> str:
    """The error's own line when it was raised on purpose; otherwise its kind, and the rest goes to the log."""
    if isinstance(error, CreError):
        return str(error)
    log.error("a callback failed", exc_info=error)
    return f"this did not work ({type(error).__name__}); the last view stays, the server's log has the details"


def _register(app: Dash, library: Library, module: ModuleType) -> None:
    def layout(**query: Any) -> Component:
        texts = {name: value for name, value in query.items() if isinstance(value, str) and name != "library"}
        try:
            page = module.layout(library, **texts)
            return shell.remarked(page, library.cache.problem) if library.cache.problem else page
        except CreError as error:
            if _has_shown_a_page():
                raise
            return shell.failed(str(error))

    dash.register_page(
        f"dashboard.pages.{module.__name__.rsplit('.', 1)[-1]}",
        path=module.PATH,
        title=f"{module.TITLE} · CREscope",
        name=module.TITLE,
        layout=layout,
    )
    module.register(app, library)


def _has_shown_a_page() -> bool:
    """Whether the browser still draws an earlier page that may stay when the next one fails."""
    return bool(dash.callback_context.states.get("_pages_store.data"))


def _register_frame(app: Dash, library: Library) -> None:
    app.callback(
        Output("suggestions", "children"),
        Input("search-typed", "data"),
        State("view", "data"),
        State("_pages_location", "pathname"),
        prevent_initial_call=True,
    )(lambda typed, view, path: suggest(library, (typed or {}).get("text"), view, path))
    app.callback(
        Output("go", "data"),
        Input("search-entered", "data"),
        State("view", "data"),
        State("_pages_location", "pathname"),
        prevent_initial_call=True,
    )(lambda entered, view, path: address_of(library, (entered or {}).get("text"), view, path))
    _register_browser_side(app)


def _register_browser_side(app: Dash) -> None:
    def browser(function: str, *dependencies: Any, on_load: bool = True) -> None:
        app.clientside_callback(
            ClientsideFunction("crescope", function), *dependencies, prevent_initial_call=not on_load
        )

    browser("follow", Output("went", "data"), Input("view", "data"))
    browser("go", Output("went", "data", allow_duplicate=True), Input("go", "data"), on_load=False)
    browser(
        "remark", Output("notice", "children", allow_duplicate=True), Input("page-notices", "data"), on_load=False
    )
    browser(
        "header",
        Output("study-select", "data"),
        Output("study-select", "value"),
        Output("biosample-select", "data"),
        Output("biosample-select", "value"),
        Output("study-kind", "children"),
        Output("study-kind", "className"),
        Input("view", "data"),
        State("studies", "data"),
    )
    chosen = (State("view", "data"), State("studies", "data"))
    to_go = Output("go", "data", allow_duplicate=True)
    browser("chooseStudy", to_go, Input("study-select", "value"), *chosen, on_load=False)
    browser("chooseBiosample", to_go, Input("biosample-select", "value"), *chosen, on_load=False)
    browser(
        "switchTheme",
        Output("theme", "data"),
        Input("theme-switch", "n_clicks"),
        State("theme", "data"),
        on_load=False,
    )
    browser("applyTheme", Output("mantine", "forceColorScheme"), Input("theme", "data"))
    browser(
        "openHelp", Output("help", "opened"), Input("help-open", "n_clicks"), State("help", "opened"), on_load=False
    )


def suggest(
    library: Library, text: str | None, view: dict[str, Any] | None, path: str | None
) -> Component | list[Any]:
    """The list under the search box; empty when the text means nothing yet."""
    state = _state_of(view)
    study = library.study(state.study)
    hits = suggestions(study, text or "", chrom=current_chrom(study, state.locus, state.gene))
    return suggestion_list([(hit.kind, hit.text, hit.note, _address(state, hit, path)) for hit in hits])


def address_of(library: Library, text: str | None, view: dict[str, Any] | None, path: str | None) -> str:
    """The address of what a person typed; BadInput or UnknownName, and no address, when it means nothing."""
    state = _state_of(view)
    if not (text or "").strip():
        raise PreventUpdate
    study = library.study(state.study)
    hit = resolve(study, text or "", chrom=current_chrom(study, state.locus, state.gene))
    return _address(state, hit, path)


def _address(state: ViewState, hit: Hit, path: str | None) -> str:
    """The view with a hit opened: on the page it is asked from if that page can show it, else on the Locus page."""
    changes: dict[str, object] = dict(hit.changes)
    stays = path in GENE_PAGES and "gene" in changes and hit.is_modelled
    if "walk" not in changes and hit.walk_name not in state.walk:
        changes["walk"] = ()  # something else than the list's next name was asked for
    return state.with_(**changes).url(path if stays and path else GENE_PAGES[0])


def _state_of(view: dict[str, Any] | None) -> ViewState:
    return read_view((view or {}).get("state"))[0]
