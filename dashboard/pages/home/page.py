"""Home: loci worth opening first with what was measured there, the studies here, and those that can be brought."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from cre_core.errors import UnknownName
from dashboard.components import notice, shell
from dashboard.pages import Page
from dashboard.pages.home.loci import about_pictures, rank_rows, start_section
from dashboard.pages.home.studies import other_studies, study_table
from dashboard.services.jobs import Job, study_commands
from dashboard.services.library import Library
from dashboard.services.overview import Offer, offers, overviews
from dashboard.state import read_view

PATH = "/"
TICK_MS = 700


def layout(library: Library, **query: str) -> Component:
    """The default study's loci, every study, and below them what can be brought."""
    state, notices = read_view(query)
    library.refresh()
    studies = studies_here(library)
    problems = [f"{folder}: {why}" for folder, why in library.problems.items()]
    main = [
        html.Div(studies, id="home-studies"),
        html.H2("Make a study from public files", className="cs-section"),
        html.Div(id="home-offers"),
        dcc.Interval(id="home-tick", interval=TICK_MS),
        dcc.Store(id="home-pressed"),
        dcc.Store(id="home-known", data=library.names()),
    ]
    footer = about_pictures(library) if library.names() else None
    return shell.page(state, main, footer=footer, notices=[*notices, *problems])


def register(app: Dash, library: Library) -> None:
    """Join the buttons and the clock to the jobs, and the pictures to their ranks."""
    app.callback(
        Output({"type": "home-ranks", "gene": ALL}, "children"),
        Input("home-loci", "data"),
    )(lambda shown: rank_rows(library, shown))
    app.callback(
        Output("home-pressed", "data"),
        Input({"type": "job-start", "name": ALL}, "n_clicks"),
        Input({"type": "job-cancel", "name": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )(lambda *_: press(library, ctx.triggered_id, ctx.triggered))
    app.callback(
        Output("home-offers", "children"),
        Output("home-studies", "children"),
        Output("studies", "data", allow_duplicate=True),
        Output("home-tick", "disabled"),
        Output("home-known", "data"),
        Input("home-tick", "n_intervals"),
        Input("home-pressed", "data"),
        State("home-known", "data"),
        prevent_initial_call="initial_duplicate",
    )(lambda _ticks, _pressed, known: progressed(library, known))


def press(library: Library, pressed: Any, triggered: list[dict[str, Any]]) -> dict[str, Any]:
    """Start or cancel a job; a button that has just been drawn was not pressed."""
    if not isinstance(pressed, Mapping) or not (triggered and triggered[0]["value"]):
        raise PreventUpdate
    name = str(pressed["name"])
    if pressed["type"] == "job-start":
        library.jobs.start(name, study_commands(offer_of(library, name).name, library.settings))
    else:
        library.jobs.cancel(name)
    return {"name": name, "type": pressed["type"], "at": time.time()}


def progressed(library: Library, known: list[str] | None) -> tuple[Any, Any, Any, bool, list[str]]:
    """The offers as they are now, the studies when one is new, and whether the clock may rest."""
    jobs, names = library.jobs, library.names()
    is_running = jobs.is_running()
    shown = [offer_row(offer, jobs.status(offer.name), offer.name in names) for offer in offers(library)]
    studies = (no_update, no_update) if known == names else (studies_here(library), library.describe())
    return shown, *studies, not is_running, names


def offer_of(library: Library, name: str) -> Offer:
    """The offer of a name; a page cannot ask for a study that is not offered.

    Raises:
      UnknownName: no such offer.
    """
    for offer in offers(library):
        if offer.name == name:
            return offer
    raise UnknownName(f"no study '{name}' can be made here; there are {', '.join(o.name for o in offers(library))}")


def studies_here(library: Library) -> list[Component]:
    """The default study's loci, the table of all studies, loci of the others; how to get one when there is none."""
    seen = overviews(library)
    if not seen:
        return [notice.empty("No study here yet.", "python -m cre_core simulate --out studies/demo makes one.")]
    return [*start_section(library, seen[0]), study_table(seen), *other_studies(seen)]


def offer_row(offer: Offer, job: Job | None, is_here: bool) -> Component:
    """A real study: what it needs, the button, and how far it is."""
    running = job is not None and job.state == "running"
    about = f"{', '.join(offer.biosamples)} · {offer.assembly} · {offer.n_files} files, {offer.n_bytes / 1e6:,.0f} MB"
    label = "Cancel" if running else _start_label(job, is_here)
    kind = "job-cancel" if running else "job-start"
    button = dmc.Button(
        label,
        id={"type": kind, "name": offer.name},
        size="xs",
        variant="default" if running or is_here else "filled",
    )
    return html.Div(
        [
            html.Div([html.Strong(offer.title), html.Span(about, className="cs-faint")], className="cs-offer-text"),
            html.Div(progress(job, is_here), className="cs-offer-progress", **shell.SPOKEN),
            button,
        ],
        className="cs-offer",
        id=f"offer-{offer.name}",
    )


def _start_label(job: Job | None, is_here: bool) -> str:
    if job is not None and job.state in ("failed", "cancelled"):
        return "Resume"
    return "Make again" if is_here else "Download and prepare"


def progress(job: Job | None, is_here: bool) -> list[Component | str]:
    """How far a job is: a bar and one line; what is kept when it stopped."""
    if job is None:
        return [html.Span("ready, listed above" if is_here else "not here yet", className="cs-faint")]
    if job.state == "done":
        return ["ready, listed above"]
    if job.state == "failed":
        return [html.Span(job.message, className="cs-problem", title=job.message)]
    if job.state == "cancelled":
        return [f"stopped during {job.title}; what was complete is kept"]
    share = 100 * job.done / job.total if job.total else 0
    text = f"{min(job.n_done + 1, job.n_commands)} of {job.n_commands} · {job.title}"
    if job.step:
        text += f" · {job.step}" + (f" · {share:.0f} %" if job.total else "")
    bar = dmc.Progress(value=share, size="sm", animated=not job.total, striped=not job.total)
    return [bar, html.Span(text, className="cs-faint", title=text)]


PAGE = Page(PATH, "Home", "home", layout, register)
