"""Home: the studies here with loci worth opening first, and the real studies that can be brought."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from cre_core.errors import UnknownName
from cre_core.genome import Locus
from dashboard.components import notice, provenance, shell
from dashboard.services.jobs import Job, study_commands
from dashboard.services.library import Library
from dashboard.services.overview import Offer, Overview, offers, overviews
from dashboard.state import ViewState, read_view
from dashboard.theme import model_title

PATH, TITLE, ICON = "/", "Home", "home"
TICK_MS = 700


def layout(library: Library, **query: str) -> Component:
    """Every study with its example loci, and below them what can be brought."""
    state, notices = read_view(query)
    library.refresh()
    studies = study_list(library)
    problems = [f"{folder}: {why}" for folder, why in library.problems.items()]
    main = [
        html.Div(studies, id="home-studies"),
        html.H2("Real studies", className="cs-section"),
        html.Div(id="home-offers"),
        dcc.Interval(id="home-tick", interval=TICK_MS),
        dcc.Store(id="home-pressed"),
        dcc.Store(id="home-known", data=library.names()),
    ]
    return shell.page(state, main, notices=[*notices, *problems])


def register(app: Dash, library: Library) -> None:
    """Join the buttons and the clock to the jobs."""
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
    studies = (no_update, no_update) if known == names else (study_list(library), library.describe())
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


def study_list(library: Library) -> list[Component]:
    """One block per study; how to get one when there is none."""
    seen = overviews(library)
    if not seen:
        return [notice.empty("No study here yet.", "python -m cre_core simulate --out studies/demo makes one.")]
    return [study_block(study) for study in seen]


def study_block(study: Overview) -> Component:
    """A study: its name, what is in it, and its example loci as cards."""
    badge = provenance.simulated_badge() if study.is_simulated else provenance.real_badge()
    view = ViewState(study=study.name, biosample=study.biosamples[0] if study.biosamples else "")
    cards = [example_card(view, entry.gene_name, entry.locus, entry.note) for entry in study.examples]
    return html.Section(
        [
            html.Div(
                [
                    html.H2(study.title),
                    badge,
                    html.Span(
                        f"{study.name} · {study.assembly} · {', '.join(study.biosamples)}", className="cs-faint"
                    ),
                    html.Div(className="cs-spacer"),
                    html.A("where it comes from", href=ViewState(study=study.name).url("/data")),
                ],
                className="cs-study-head",
            ),
            html.Dl([part for pair in facts(study) for part in pair], className="cs-facts"),
            html.Div(cards, className="cs-cards"),
        ],
        className="cs-study",
        id=f"study-{study.name}",
    )


def facts(study: Overview) -> list[tuple[Component, Component]]:
    """Name and value of each fact; a count of nothing is left out."""
    rows = [(name, f"{count:,}") for name, count in study.counts.items() if count]
    if study.tested is None:
        rows.append(("CRISPRi", "no screen"))
    else:
        rows.append(("CRISPRi pairs", f"{study.tested:,}"))
        rows.append(("significant", f"{study.significant:,}"))
        rows.append(("decreases", f"{study.positive:,}"))
    found = dict.fromkeys(model for models in study.models.values() for model in models)  # in the registry's order
    names = [model_title(model) for model in found]
    rows.append(("models", ", ".join(names) if names else "none trained"))
    return [(html.Dt(name), html.Dd(value)) for name, value in rows]


def example_card(view: ViewState, gene: str, locus: str, note: str) -> Component:
    """A locus worth opening, as a link."""
    place = html.Span(short_place(locus), className="cs-faint", title=locus)
    return html.A(
        [html.Strong(gene), place, html.Span(note, className="cs-note")],
        href=view.with_(gene=gene, locus=locus).url("/locus"),
        className="cs-card",
    )


def short_place(locus: str) -> str:
    """`chr8:127,500,001-129,900,000` -> `chr8:127.5-129.9 Mb`; a text that is no place stays as it is."""
    chrom, _, span = locus.partition(":")
    first, _, last = span.replace(",", "").partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        return locus
    place = Locus(chrom, int(first) - 1, int(last))
    return f"{chrom}:{place.start / 1e6:.3g}-{place.end / 1e6:.3g} Mb"


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
