"""Home's first row: loci as small pictures of what was measured, with the ranks of what was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from cre_core.errors import CreError
from cre_core.evaluation.methods import method_kind, method_title
from dashboard.components import provenance
from dashboard.figures.locus.truth import SIGNS, WORDS
from dashboard.figures.thumbnail import as_address, effects_svg, height_of, place_of_rank
from dashboard.pages.home.studies import example_cards, view_of
from dashboard.services.first_loci import FirstLocus, Ranks, effect_range, first_loci, ranked_methods, ranks_of
from dashboard.services.library import Library
from dashboard.services.overview import Overview
from dashboard.state import ViewState
from dashboard.text import number, percent, short_place
from dashboard.theme import method_colour

LINES_AT = (-80.0, -40.0, 40.0)  # effects with a faint line and a number, in per cent
RANKS_AT = (1, 10, 100)
Json = dict[str, Any]


def start_section(library: Library, shown: Overview) -> list[Component]:
    """The loci of a study as pictures where it has a screen, as cards otherwise."""
    study, biosample = library.study(shown.name), _biosample(shown)
    loci = first_loci(library, study, biosample=biosample)
    badge = provenance.simulated_badge() if shown.is_simulated else provenance.real_badge()
    about = "a click opens it · measured effect of switching an element off (CRISPRi), one scale for all"
    head = html.Div(
        [html.H2("Start with a locus"), badge, html.Span(f"{shown.title} · {about}", className="cs-faint")],
        className="cs-study-head",
    )
    if not loci:
        cards = html.Div(example_cards(shown), className="cs-cards")
        return [html.Section([head, cards], className="cs-study", id="home-start")]
    scale, last = effect_range(loci), max(locus.n_tested for locus in loci)
    asked = {"study": shown.name, "biosample": biosample, "genes": [locus.gene_name for locus in loci], "last": last}
    pictures = [picture(locus, view_of(shown), scale=scale) for locus in loci]
    methods = ranked_methods(study, biosample=biosample)
    return [
        html.Section(
            [head, html.Div(pictures, className="cs-loci"), _legend(methods), dcc.Store(id="home-loci", data=asked)],
            className="cs-study",
            id="home-start",
        )
    ]


def about_pictures(library: Library) -> Component:
    """The line of provenance under the pictures."""
    study = library.default()
    biosample = study.info.biosamples[0]
    loci = first_loci(library, study, biosample=biosample)
    screens = dict.fromkeys(reference for locus in loci for reference in locus.references)
    said = ["CRISPRi: " + ", ".join(screens)] if screens else []
    said += ["a model ranks a gene with the fold that never saw its chromosome"] if screens else []
    return provenance.line([study.info.assembly_name, biosample, *said], is_simulated=study.info.is_simulated)


def picture(locus: FirstLocus, view: ViewState, *, scale: tuple[float, float]) -> Component:
    """One locus as a link: its counts, the measured effects, and room for the ranks."""
    found = f"{SIGNS['decrease']} {locus.n_positive} positive" if locus.n_positive else "○ none positive"
    count = html.Span(found, className="cs-found" if locus.n_positive else "cs-faint")
    outside = f"{locus.n_outside} of {locus.n_tested} outside" if locus.n_outside else ""
    return html.A(
        [
            html.Div(
                [
                    html.Strong(locus.gene_name),
                    html.Span(short_place(str(locus.place)), className="cs-faint", title=str(locus.place)),
                ],
                className="cs-locus-head",
            ),
            html.Div([html.Span(f"{locus.n_tested} pairs"), count], className="cs-locus-counts"),
            _effects(locus, scale),
            html.Div(outside, className="cs-outside"),
            html.Div(waiting(locus), id={"type": "home-ranks", "gene": locus.gene_name}, className="cs-ranks"),
        ],
        href=view.with_(gene=locus.gene_name, locus=str(locus.place)).url("/locus"),
        className="cs-locus-card",
        title=locus.note,
    )


def _effects(locus: FirstLocus, scale: tuple[float, float]) -> Component:
    place, lines = locus.place, [effect for effect in LINES_AT if scale[0] < effect < scale[1]]
    svg = effects_svg(locus.marks, start=place.start, end=place.end, tss=locus.tss, effect_range=scale, lines=lines)
    numbers = [
        html.Span(percent(effect / 100), style={"top": f"{100 * height_of(effect, scale):.1f}%"}, className="cs-tick")
        for effect in (0.0, *lines)
    ]
    strongest = f", the strongest {percent(locus.marks['effect_percent'].min() / 100.0)}" if locus.n_positive else ""
    counts = f"{locus.n_tested} measured pairs, {locus.n_positive} with a significant decrease"
    words = f"{locus.gene_name}: {counts}{strongest}"
    return html.Div([html.Img(src=as_address(svg), alt=words), *numbers], className="cs-effects")


def rank_rows(library: Library, shown: Json | None) -> list[list[Component]]:
    """The rows under every picture, in the pictures' order."""
    if not shown:
        return []
    study = library.study(shown["study"])
    loci = {locus.gene_name: locus for locus in first_loci(library, study, biosample=shown["biosample"])}
    rows = []
    for gene in shown["genes"]:
        try:
            found = ranks_of(library, study, gene, biosample=shown["biosample"])
        except CreError as error:
            found = [Ranks("", problem=str(error))]
        rows.append(ranks_shown(loci[gene], found, last=int(shown["last"])))
    return rows


def waiting(locus: FirstLocus) -> list[Component]:
    """What stands there until the ranks come."""
    return [html.Div("ranking …" if locus.n_positive else "")]


def ranks_shown(locus: FirstLocus, found: Sequence[Ranks], *, last: int) -> list[Component]:
    """A row per method, then the ranks' axis; what to know instead where nothing is to be ranked."""
    if not locus.n_positive:
        powered = f"power at 25 % ≥ .8: {locus.n_powered} of {locus.n_tested}"
        return [html.Div("nothing to rank: no AP"), html.Div(powered)]
    ticks = [html.Span(f"{rank}", style=_at(rank, last)) for rank in RANKS_AT if rank <= last]
    axis = html.Div(
        [html.Span("rank"), html.Div(ticks, className="cs-rank-axis"), html.Span("AP")],
        className="cs-rank cs-axis",
    )
    return [*(_rank_row(one, last) for one in found), axis]


def _rank_row(one: Ranks, last: int) -> Component:
    if one.problem:
        return html.Div(one.problem, className="cs-problem cs-rank-problem", title=one.problem)
    value, low, high = one.average_precision
    interval = f" ({number(low)} to {number(high)}, 95 % by pair)" if math.isfinite(low) else ""
    words = (
        f"{method_title(one.method)}: average precision {number(value)}{interval}; {one.n_positive} of {one.n} "
        f"pairs positive, so chance is {number(one.n_positive / one.n)}; {one.n_unscored} pairs have no score and "
        "count as 0"
    )
    return html.Div(
        [
            html.Span(short_title(one.method)),
            html.Div([html.Span(style=_at(rank, last)) for rank in one.ranks], className="cs-rank-line"),
            html.Span(number(value), className="cs-ap"),
        ],
        className="cs-rank",
        style={"--cs-method": method_colour(one.method)},
        title=words,
    )


def _at(rank: float, last: int) -> dict[str, str]:
    return {"left": f"{100 * place_of_rank(rank, last):.1f}%"}


def short_title(method: str) -> str:
    """The method's own word: `ABC (power law)` -> `ABC`, `epinformer.attention` -> `attention`."""
    return method_title(method_kind(method)).split(" (")[0]


def _legend(methods: Sequence[str]) -> Component:
    marks = [
        html.Span([html.Span(SIGNS[call], className=name), f" {WORDS[call]}"])
        for call, name in (("decrease", "cs-found"), ("increase", "cs-found"), ("not significant", "cs-faint"))
    ]
    named = " · ".join(f"{short_title(method)}: {method_title(method)}" for method in methods)
    ranked = (
        f"rank of each significant decrease among the measured pairs of its gene: {named}; AP = average precision"
    )
    return html.Div(
        [*marks, html.Span("┊ TSS"), html.Span(ranked if methods else "", title=ranked)],
        className="cs-loci-legend",
    )


def _biosample(shown: Overview) -> str:
    return shown.biosamples[0] if shown.biosamples else ""
