"""The app: the list of pages, and the frame around them.

`create_app(settings)` gives a Dash app ready to serve. Pages are listed in PAGES, in the rail's order; those of other
packages (entry points `crescope.pages`) follow.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from typing import Any

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, set_props
from dash.development.base_component import Component

from cre_core.errors import CreError
from cre_core.extensions import added
from dashboard.components import exchange, notice, shell
from dashboard.components.exchange import Question, Reply
from dashboard.components.suggest import suggestion_list
from dashboard.index import ASSETS, App, serve_joined
from dashboard.pages import Page
from dashboard.services.files import register_files
from dashboard.services.guard import guard
from dashboard.services.library import Library
from dashboard.services.search import Hit, current_chrom, resolve, suggestions
from dashboard.services.view import complete
from dashboard.settings import Settings
from dashboard.state import ViewState, read_view, read_view_file

PAGES = ("home", "locus", "knockout", "data")
PAGE_GROUP = "crescope.pages"
log = logging.getLogger("dashboard")


def create_app(settings: Settings) -> Dash:
    """The dashboard of some settings."""
    library = Library(settings)
    app = App(
        "crescope",
        title="CREscope",
        update_title="",
        assets_folder=str(ASSETS),
        assets_path_ignore=["vendor"],  # what is there is loaded when it is needed
        pages_folder="",
        use_pages=True,
        include_pages_meta=False,
        suppress_callback_exceptions=True,
        on_error=show_error,
        compress=True,
    )
    guard(app.server, settings, app.csp_hashes)
    register_files(app.server, library)
    serve_joined(app.server)
    exchange.serve(app.server, error_text)
    own = own_pages()
    pages = [*own, *pages_of_others(own)]
    dash.page_registry.clear()
    for page in pages:
        _register(app, library, page)
    dash.register_page("not_found_404", layout=lambda **_: shell.failed("There is no page at this address."))
    rail = [{"path": page.path, "title": page.title, "icon": page.icon} for page in pages]
    app.layout = lambda: shell.frame(rail, library.describe(), exchanges=[shell.SUGGEST, shell.GO, shell.VIEW_FILE])
    _register_frame(app, library, [page.path for page in pages if page.shows_gene])
    app.server.extensions["crescope"] = library
    if library.models is not None:
        library.models.start()  # in the background: the first knock-out need not wait for it
    return app


def own_pages() -> list[Page]:
    """The pages of PAGES."""
    return [importlib.import_module(f"dashboard.pages.{name}.page").PAGE for name in PAGES]


def pages_of_others(own: Sequence[Page]) -> list[Page]:
    """The pages that other packages bring; one that cannot be had is a line in the log."""
    taken = {page.name for page in own}
    return list(added(PAGE_GROUP, Page, taken=taken, check=lambda page: None).values())


def show_error(error: Exception) -> None:
    """One line on the notice for whatever a callback raised; what is drawn stays as it was."""
    set_props("notice", {"children": notice.line(error_text(error))})


def error_text(error: Exception) -> str:
    """The error's own line when it was raised on purpose; otherwise its kind, and the rest goes to the log."""
    if isinstance(error, CreError):
        return str(error)
    log.error("a callback failed", exc_info=error)
    return f"this did not work ({type(error).__name__}); the last view stays, the server's log has the details"


def _register(app: Dash, library: Library, page: Page) -> None:
    def layout(**query: Any) -> Component:
        texts = {name: value for name, value in query.items() if isinstance(value, str) and name != "library"}
        try:
            drawn = page.layout(library, **texts)
            return shell.remarked(drawn, library.cache.problem) if library.cache.problem else drawn
        except CreError as error:
            if _has_shown_a_page():
                raise
            return shell.failed(str(error), read_view(texts)[0])

    dash.register_page(
        f"dashboard.pages.{page.title}",
        path=page.path,
        title=f"{page.title} · CREscope",
        name=page.title,
        layout=layout,
    )
    page.register(app, library)


def _has_shown_a_page() -> bool:
    """Whether the browser still draws an earlier page that may stay when the next one fails."""
    return bool(dash.callback_context.states.get("_pages_store.data"))


def _register_frame(app: Dash, library: Library, gene_pages: Sequence[str]) -> None:
    shell.SUGGEST.answered_by(app, lambda question: suggest(library, question, gene_pages))
    shell.GO.answered_by(app, lambda question: address_of(library, question, gene_pages))
    shell.VIEW_FILE.answered_by(app, lambda question: from_file(library, question, gene_pages))
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


def suggest(library: Library, question: Question, gene_pages: Sequence[str]) -> Reply:
    """The list under the search box; empty when the text means nothing yet."""
    state, text = question.state, str(question.kept.get("text") or "")
    study = library.study(state.study)
    hits = suggestions(study, text, chrom=current_chrom(study, state.locus, state.gene))
    path = str(question.kept.get("path") or "")
    rows = []
    for hit in hits:
        opened, view = _opened(state, hit, path, gene_pages)
        rows.append((hit.kind, hit.text, hit.note, view.url(opened)))
    return Reply(sets={"suggestions": {"children": suggestion_list(rows)}})


def address_of(library: Library, question: Question, gene_pages: Sequence[str]) -> Reply:
    """Where what a person typed leads: path, address and view; BadInput or UnknownName when it means nothing."""
    state = question.state
    study = library.study(state.study)
    text = str(question.kept.get("text") or "")
    hit = resolve(study, text, chrom=current_chrom(study, state.locus, state.gene))
    path, state = _opened(state, hit, str(question.kept.get("path") or ""), gene_pages)
    return _arrival(library, path, state, gene_pages, [])


def from_file(library: Library, question: Question, gene_pages: Sequence[str]) -> Reply:
    """Where a view file leads; BadInput for one that cannot be read."""
    state, remarks = read_view_file(str(question.kept.get("text") or ""))
    path = str(question.kept.get("path") or "")
    return _arrival(library, path if path in gene_pages else gene_pages[0], state, gene_pages, remarks)


def _arrival(
    library: Library, path: str, state: ViewState, gene_pages: Sequence[str], remarks: Sequence[str]
) -> Reply:
    """The view made whole, for a page that shows it in place; one that is laid out anew does so by its address."""
    href, more = state.url(path), list[str]()
    if path == gene_pages[0]:
        state, more = complete(library, state, wants=("place",))
    fields = {name: value for name, value in state.to_dict().items() if name != "version"}
    return Reply(data={"path": path, "href": href, "state": fields, "remarks": [*remarks, *more]})


def _opened(state: ViewState, hit: Hit, path: str, gene_pages: Sequence[str]) -> tuple[str, ViewState]:
    """The page and the view that show a hit: the page it is asked from if that can show it, else the first."""
    changes: dict[str, Any] = dict(hit.changes)
    stays = path in gene_pages and "gene" in changes and hit.is_modelled
    if "walk" not in changes and hit.walk_name not in state.walk:
        changes["walk"] = ()  # something else than the list's next name was asked for
    return path if stays else gene_pages[0], state.with_(**changes)
