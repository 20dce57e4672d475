"""The locus figure: what it needs of the view, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cre_core.genome import Locus
from dashboard.components import provenance
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.components.shown import Shown
from dashboard.figures.locus.stack import selection_shapes
from dashboard.pages.locus.bands import draw_locus, hidden_bands, short_title, shown_methods
from dashboard.services.gene import Gene, element_row, gene_of, pair_row
from dashboard.services.library import Library
from dashboard.services.links import models_stamp
from dashboard.services.locus import load_locus, loaded_window, tracks_of, view_of
from dashboard.services.view import NONE, complete
from dashboard.state import ViewState, read_view
from dashboard.theme import PALETTES, ThemeName

if TYPE_CHECKING:
    from cre_core.data.study import Study

FIGURE_ID = "locus-figure"
# All that the figure depends on; what is selected and highlighted the browser marks by itself.
_FIELDS = ("study", "biosample", "gene", "locus", "methods", "hidden", "scale", "top", "threshold", "order", "looks")
FIGURE = Exchange("locus", needs=(*_FIELDS, "theme", "width"), width_of="locus-figure", busy="locus-figure")
_MARKED = ("element", "pair", "highlights")
# The same by the address, asked before the page is laid out.
EARLY = Exchange("locus-early", needs=("query", "theme", "width"), on_demand=True)
FILE = Exchange("locus-file", needs=(*FIGURE.needs, *_MARKED), width_of="locus-figure", on_demand=True)


@dataclass(frozen=True)
class Drawing:
    """A figure with its line of provenance, and what could not be drawn."""

    figure: dict[str, Any]
    sources: Sequence[str]
    problems: Mapping[str, str]


class HasProblems(Protocol):
    """A result that says what it lacks."""

    @property
    def problems(self) -> Mapping[str, str]:
        """Track or method -> one line."""


Whole = TypeVar("Whole", bound=HasProblems)


def draw(library: Library, question: Question) -> Reply:
    """The figure of a view, as large as its place, and the line of provenance under it."""
    state, study = question.state, library.study(question.state.study)
    view, _ = view_of(study, state.locus)
    # One from before a training or an update must not be shown.
    shown = state.with_(
        **dict.fromkeys(("element", "pair"), ""),
        methods=shown_methods(study, state) or (NONE,),
        hidden=hidden_bands(study, state),
    )
    key = (
        "locus_figure",
        shown.to_query(),
        question.theme,
        question.width_px,
        models_stamp(study, state.biosample),
        version("crescope"),
    )

    def draw_now() -> Drawing:
        return _drawing(library, study, shown, view=view, theme=question.theme, width_px=question.width_px)

    drawing = kept_if_whole(library, study, key, draw_now)
    figure = with_selection(study, state, drawing.figure, view.chrom, theme=question.theme)
    is_simulated = study.info.is_simulated
    place = f"{view.chrom}_{view.start + 1}-{view.end}"
    named = "_".join(filter(None, [state.gene, state.biosample, study.name, place]))
    return Reply(
        shown={
            FIGURE_ID: Shown(
                figure,
                sources=drawing.sources,
                name=f"locus_{named}",
                is_simulated=is_simulated,
                missing=drawing.problems,
            )
        },
        sets={"footer": {"children": provenance.line(drawing.sources, is_simulated=is_simulated)}},
    )


def draw_early(library: Library, question: Question) -> Reply:
    """The figure that the page of an address will ask for, with the fields that it will ask with."""
    state, _ = complete(library, read_view(str(question.kept.get("query") or ""))[0], wants=("place",))
    asked = replace(question, state=state.only(_FIELDS))
    fields = {**asked.state.to_dict(), "theme": asked.theme, "width": asked.width_px}
    return replace(draw(library, asked), data={"asked": fields})


def with_selection(
    study: Study, state: ViewState, figure: dict[str, Any], chrom: str, *, theme: ThemeName
) -> dict[str, Any]:
    """The figure with the selected element or pair marked, for a file."""
    pair = pair_row(study, state)
    selected = pair if pair is not None else element_row(study, state)
    if selected is None or selected["chrom"] != chrom:
        return figure
    place = (int(selected["start"]), int(selected["end"]))
    layout = figure["layout"]
    axis = next(
        (band["axis"].replace("yaxis", "y") for band in layout["meta"]["bands"] if band["id"] == "crispr"), ""
    )
    percent = 0.0 if pair is None else round(100.0 * float(pair["effect_fraction"]), 2)
    mark = None if pair is None or not axis else (sum(place) / 2, percent)
    shapes = selection_shapes(place, mark=mark, axis=axis or "y", palette=PALETTES[theme])
    return {**figure, "layout": {**layout, "shapes": [*layout["shapes"], *shapes]}}


def kept_if_whole(library: Library, study: Study, key: tuple[object, ...], function: Callable[[], Whole]) -> Whole:
    """`library.memo`, but what has problems is made anew each time: a repaired track must not stay broken."""
    found = library.memo(study.name, key, function)
    return function() if found.problems else found


def _drawing(
    library: Library, study: Study, state: ViewState, *, view: Locus, theme: ThemeName, width_px: float
) -> Drawing:
    loaded = loaded_window(study, view)
    key = ("load_locus", str(loaded), state.biosample)
    data = kept_if_whole(library, study, key, lambda: load_locus(study, loaded, biosample=state.biosample))
    gene = gene_of(library, study, state, shown_methods(study, state))
    parts = [part for part in sources(study, state, gene) if part]
    figure = draw_locus(
        study, data, state, view=view, gene=gene, theme=theme, width_px=width_px, provenance=" · ".join(parts)
    )
    problems = {**data.problems, **(gene.problems if gene is not None else {})}
    return Drawing(figure, parts, problems)


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
        parts.append(f"CRISPRi ({named}): {pairs_text(n)}, {positive} positive, prevalence {positive / n:.2g}")
    scored = {method.split(".")[0]: links for method, links in gene.links.items() if "." in method and len(links)}
    folds = {model: links["fold"].iloc[0] for model, links in scored.items()}
    parts += [f"{model} of {fold}, which never saw {gene.name}" for model, fold in folds.items()]
    return [*parts, *(["attention is a weight, not an effect"] if folds else [])]


def pairs_text(n: int) -> str:
    """`1 pair`, `105 pairs`."""
    return f"{n} pair{'s' * (n != 1)}"
