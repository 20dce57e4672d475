"""What the locus page answers, as plain functions: the view completed, drawn, tabulated and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pandas as pd
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from cre_core.errors import UnknownName
from cre_core.evaluation.methods import method_title
from cre_core.genome import Locus
from dashboard.components import link_table, provenance, shell
from dashboard.figures.truth import count_text
from dashboard.pages.locus_drawing import Gene, band_titles, draw_locus, short_title
from dashboard.pages.locus_selected import pair_row, selected_shapes
from dashboard.services.library import Library
from dashboard.services.links import (
    PAIR_ROW,
    default_methods,
    element_table,
    links_of,
    methods_of,
    models_stamp,
    pairs_of,
)
from dashboard.services.locus import (
    default_view,
    first_gene,
    first_hidden,
    load_locus,
    loaded_window,
    tracks_of,
    view_of,
)
from dashboard.state import ViewState, read_view, shortened
from dashboard.theme import PALETTES, ThemeName

if TYPE_CHECKING:
    from cre_core.data.study import Study

NONE = "none"  # in ViewState.methods and .hidden: really none; an empty tuple means the default ones
Json = dict[str, Any]


def completed(library: Library, state: ViewState) -> tuple[ViewState, list[str]]:
    """The view with study, biosample, gene and place filled in, and a line for each thing that had to be changed.

    Raises:
      UnknownName: no such study, biosample or gene. BadInput: a place that cannot be.
    """
    study = library.study(state.study)
    biosample = state.biosample or study.info.biosamples[0]
    if biosample not in study.info.biosamples:
        raise UnknownName(
            f"study {study.name} has no biosample '{biosample}'; it has {', '.join(study.info.biosamples)}"
        )
    state = state.with_(study=study.name, biosample=biosample)
    notices = []
    if not state.gene and not state.locus:
        state = state.with_(gene=first_gene(study))
    gene = study.annotated_gene(state.gene) if state.gene else None
    if gene is not None and not _is_named(gene, state.gene):
        notices.append(f"{state.gene} is called {gene['gene_name']} in study {study.name}")
    if state.locus:
        view, remark = view_of(study, state.locus)
        notices += [remark] if remark else []
    else:
        assert gene is not None
        view = default_view(study, gene, pairs_of(study, gene["gene_id"], biosample=biosample)[0])
    if gene is not None and gene["chrom"] != view.chrom:
        notices.append(f"{gene['gene_name']} is on {gene['chrom']}: choose a gene on {view.chrom} to see its links")
        gene = None
    known = methods_of(study, biosample=biosample)
    odd = [method for method in state.methods if method not in (*known, NONE)]
    notices += [f"no link method '{method}' for {biosample} in study {study.name}: not shown" for method in odd[:3]]
    state = state.with_(gene=str(gene["gene_name"]) if gene is not None else "", locus=str(view))
    if state.pair and pair_row(study, state) is None:
        whose = f"a measured pair of {state.gene}" if state.gene else "shown without its gene"
        notices.append(f"'{shortened(state.pair)}' is not {whose}: it is not selected")
        state = state.with_(pair="")
    return state, notices


def _is_named(gene: pd.Series, text: str) -> bool:
    """Whether a text is the gene's own name, or its id with or without version."""
    text = text.strip().upper()
    identity, _, version = text.partition(".")
    is_id = identity == str(gene["gene_id"]).upper() and (not version or version.isdecimal())
    return is_id or text == str(gene["gene_name"]).upper()


def shown_methods(study: Study, state: ViewState) -> tuple[str, ...]:
    """The methods drawn: those of the view that the study knows, or the default ones."""
    known = methods_of(study, biosample=state.biosample)
    if not state.methods:
        return default_methods(known)
    return tuple(method for method in state.methods if method in known)


def hidden_bands(study: Study, state: ViewState) -> tuple[str, ...]:
    """The bands not drawn: those of the view, or the default ones."""
    return state.hidden or first_hidden(study, state.biosample)


def draw(library: Library, request: Json) -> tuple[Json, Json, Component]:
    """Figure, its height, and the line of provenance.

    Args:
      request: `state`, `theme`, and `px`, the width of the plot on the screen.
    """
    state, _ = read_view(request["state"])
    study = library.study(state.study)
    view, _ = view_of(study, state.locus)
    theme: ThemeName = "dark" if request.get("theme") == "dark" else "light"
    width_px = max(300.0, round(float(request.get("px") or 900) / 50) * 50)
    # All that the figure depends on, so that one from before a training or an update is never shown.
    methods = shown_methods(study, state)
    shown = state.with_(
        element="", pair="", knock_outs=(), model="", methods=methods or (NONE,), hidden=hidden_bands(study, state)
    )
    key = (
        "locus_figure",
        shown.to_query(),
        theme,
        width_px,
        models_stamp(study, state.biosample),
        version("crescope"),
    )
    drawing = kept_if_whole(
        library, study, key, lambda: _drawing(library, study, shown, view=view, theme=theme, width_px=width_px)
    )
    figure = drawing.figure
    figure["layout"]["shapes"][:3] = selected_shapes(study, state, view.chrom, palette=PALETTES[theme], figure=figure)
    return figure, _height(figure), provenance.line(drawing.sources, is_simulated=study.info.is_simulated)


@dataclass(frozen=True)
class Drawing:
    """A figure with its line of provenance, and what could not be drawn."""

    figure: Json
    sources: Sequence[str]
    problems: Mapping[str, str]


class HasProblems(Protocol):
    """A result that says what it lacks."""

    @property
    def problems(self) -> Mapping[str, str]:
        """Track or method -> one line."""


Whole = TypeVar("Whole", bound=HasProblems)


def kept_if_whole(library: Library, study: Study, key: tuple[object, ...], function: Callable[[], Whole]) -> Whole:
    """`library.memo`, but what has problems is made anew each time: a repaired track must not stay broken."""
    found = library.memo(study.name, key, function)
    return function() if found.problems else found


def _height(figure: Json) -> Json:
    natural = figure["layout"]["meta"]["height"]
    return {"height": f"max({round(0.8 * natural)}px, min({round(1.15 * natural)}px, calc(100vh - 250px)))"}


def _drawing(
    library: Library, study: Study, state: ViewState, *, view: Locus, theme: ThemeName, width_px: float
) -> Drawing:
    loaded = loaded_window(study, view)
    key = ("load_locus", str(loaded), state.biosample)
    data = kept_if_whole(library, study, key, lambda: load_locus(study, loaded, biosample=state.biosample))
    gene = gene_of(library, study, state)
    parts = [part for part in sources(study, state, gene) if part]
    figure = draw_locus(
        study, data, state, view=view, gene=gene, theme=theme, width_px=width_px, provenance=" · ".join(parts)
    )
    problems = {**data.problems, **(gene.problems if gene is not None else {})}
    return Drawing(figure.to_plotly_json(), parts, problems)


def gene_of(library: Library, study: Study, state: ViewState) -> Gene | None:
    """The chosen gene with its links and measured pairs; None when no gene is chosen."""
    if not state.gene:
        return None
    row = study.annotated_gene(state.gene)
    methods = shown_methods(study, state)
    known_as = str(row["gene_id"] or row["gene_name"])  # of some annotated genes only the name is known
    links, problems = links_of(library, study, known_as, biosample=state.biosample, methods=methods)
    pairs, note = pairs_of(study, str(row["gene_id"]), biosample=state.biosample)
    return Gene(row, links, pairs, note if len(pairs) else "", problems)


def tabulate(library: Library, request: Json) -> tuple[list[Json], list[Json], list[Component | str]]:
    """Rows, columns and title of the table for a gene and its methods."""
    state, _ = read_view(request["state"])
    study = library.study(state.study)
    gene = gene_of(library, study, state)
    if gene is None:
        return [], [], ["Choose a gene to see its links."]
    table = element_table(study, gene.links, gene.pairs, biosample=state.biosample)
    tracks = [track for track in tracks_of(study, state.biosample) if track.assay in table]
    titles = {track.assay: short_title(track.title, state.biosample) for track in reversed(tracks)}
    methods = {method: method_title(method) for method in gene.links}
    best = next(reversed(methods), "tss_distance_bp")
    shown = [column for column in table if not column.startswith("rank:") and column != "reference"]
    kind = table["element_class"].eq(PAIR_ROW).map({True: "pair", False: "element"})
    return (
        link_table.rows(table[shown].assign(kind=kind).to_dict("records")),
        link_table.columns(methods, titles, sort_by=best),
        [table_title(gene, table)],
    )


def table_title(gene: Gene, table: pd.DataFrame) -> str:
    """What the table holds, and what of the figure it cannot hold."""
    n_elements = int((table["element_class"] != PAIR_ROW).sum())
    parts = [f"{n_elements} elements linked to {gene.name}"]
    if not len(gene.pairs):
        parts.append(f"no CRISPRi pairs were tested for {gene.name}")
    else:
        parts.append(f"CRISPRi: {_pairs(len(gene.pairs))}, {count_text(gene.pairs).rpartition(' · ')[0]}")
        lost = int((table["element_class"] == PAIR_ROW).sum())
        where = "a row of its own" if lost == 1 else "rows of their own"
        parts += [f"{_pairs(lost)} under none of them, in {where}"] if lost else []
    return " · ".join([*parts, *([gene.note] if gene.note else [])])


def changed(
    library: Library,
    data: Json,
    methods: Sequence[str],
    tracks: Sequence[str],
    scale: str,
    top: float,
    threshold: float,
) -> Json:
    """The view after a control was used."""
    state, _ = read_view(data["state"])
    study = library.study(state.study)
    known = methods_of(study, biosample=state.biosample)
    chosen = tuple(method for method in known if method in methods)
    hidden = tuple(name for name in band_titles(study, state.biosample) if name not in tracks)
    values = {
        "methods": () if chosen == default_methods(known) else chosen or (NONE,),
        "hidden": () if hidden == first_hidden(study, state.biosample) else hidden or (NONE,),
        "scale": scale,
        "top": int(top),
        "threshold": round(threshold / 100.0, 4),
    }
    new, _ = read_view({**state.to_dict(), **values})
    if new == state:
        raise PreventUpdate
    return shell.view_data(new)


def clicked(library: Library, data: Json, click: Json | None) -> Json:
    """The view after a click: an element or a measured pair selected (a second click lets it go), or another gene.

    Args:
      click: `kind` element, pair or gene, and `id`.
    """
    state, _ = read_view(data["state"])
    kind, name = (click or {}).get("kind"), str((click or {}).get("id") or "")
    if not name or (kind == "gene" and name == state.gene):
        raise PreventUpdate
    if kind == "element":
        is_again = name == state.element and not state.pair
        return shell.view_data(state.with_(element="" if is_again else name, pair=""))
    if kind == "pair":
        return shell.view_data(state.with_(element="", pair="" if name == state.pair else name))
    gene = library.study(state.study).annotated_gene(name)
    return shell.view_data(state.with_(gene=str(gene["gene_name"]), pair="", knock_outs=()))


def sources(study: Study, state: ViewState, gene: Gene | None) -> list[str]:
    """The line of provenance: assembly, signals, truth with its prevalence, the fold of each model's scores."""
    tracks = tracks_of(study, state.biosample)
    named = [f"{short_title(track.title, state.biosample)} {track.source}" for track in tracks if track.source]
    if len({track.source for track in tracks}) == 1:
        named = [f"signals: {tracks[0].source}"]
    lifted = sorted({entry.lifted_from for entry in study.info.intervals if entry.lifted_from})
    return [
        f"{study.info.assembly_name} · {state.biosample}",
        ", ".join(named),
        f"peaks, loops and domains lifted from {', '.join(lifted)}" if lifted else "",
        f"TSS: {study.info.tss_source}" if study.info.tss_source else "",
        *(_gene_sources(gene) if gene is not None else []),
    ]


def _gene_sources(gene: Gene) -> list[str]:
    parts = []
    if len(gene.pairs):
        n, positive = len(gene.pairs), int(gene.pairs["is_positive"].sum())
        references = sorted(set(gene.pairs["reference"]))
        named = references[0] if len(references) == 1 else f"{len(references)} screens"
        parts.append(f"CRISPRi ({named}): {_pairs(n)}, {positive} positive, prevalence {positive / n:.2g}")
    scored = {method.split(".")[0]: links for method, links in gene.links.items() if "." in method and len(links)}
    folds = {model: links["fold"].iloc[0] for model, links in scored.items()}
    parts += [f"{model} of {fold}, which never saw {gene.name}" for model, fold in folds.items()]
    return [*parts, *(["attention is a weight, not an effect"] if folds else [])]


def _pairs(n: int) -> str:
    return f"{n} pair{'s' * (n != 1)}"
