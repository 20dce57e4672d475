"""From the tables of a window to the bands of the locus figure: which bands, in which order, with which range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cre_core.evaluation.methods import method_title
from cre_core.genome import Locus
from dashboard.figures.locus.band import Band, DrawnScale, broken, probe_positions
from dashboard.figures.locus.elements import element_band
from dashboard.figures.locus.genes import gene_band
from dashboard.figures.locus.intervals import domain_band, loop_band, motif_band, peak_band
from dashboard.figures.locus.methods import method_band
from dashboard.figures.locus.scales import Ruler
from dashboard.figures.locus.signals import largest, signal_band
from dashboard.figures.locus.stack import Frame, locus_plot, packed
from dashboard.figures.locus.truth import truth_band
from dashboard.services.gene import Gene
from dashboard.services.links import default_methods, methods_of
from dashboard.services.locus import LEAST_BP, MOST_BP, LocusData, first_hidden, sets_of, tracks_of
from dashboard.state import Look, ViewState
from dashboard.theme import PALETTES, Palette, ThemeName

if TYPE_CHECKING:
    from cre_core.data.study import IntervalSet, Study, Track


def band_titles(study: Study, biosample: str) -> dict[str, str]:
    """Id -> title of every band that can be hidden, in drawing order; methods and truth are chosen elsewhere."""
    tracks = {track.id: short_title(track.title, biosample) for track in tracks_of(study, biosample)}
    sets = {entry.id: short_title(entry.title, biosample) for entry in sets_of(study, biosample)}
    return {"genes": "Genes", **tracks, **sets, "elements": "Elements", "crispr": "CRISPRi"}


def shown_methods(study: Study, state: ViewState) -> tuple[str, ...]:
    """The methods drawn: those of the view that the study knows, or the default ones."""
    known = methods_of(study, biosample=state.biosample)
    if not state.methods:
        return default_methods(known)
    return tuple(method for method in state.methods if method in known)


def hidden_bands(study: Study, state: ViewState) -> tuple[str, ...]:
    """The bands not drawn: those of the view, or the default ones."""
    return state.hidden or first_hidden(study, state.biosample)


def short_title(title: str, biosample: str) -> str:
    """A track's title without what the header and the figure say already: the biosample, and that it is simulated."""
    return title.replace("(simulated)", "").strip().removesuffix(f", {biosample}")


def draw_locus(
    study: Study,
    data: LocusData,
    state: ViewState,
    *,
    view: Locus,
    gene: Gene | None,
    theme: ThemeName,
    width_px: float,
    provenance: str,
) -> dict[str, Any]:
    """The locus figure of a view, as plain JSON."""
    palette = PALETTES[theme]
    loaded = data.loaded
    places = data.elements[["start", "end"]]
    if gene is not None:
        places = pd.concat([places, gene.pairs[["start", "end"]]])
    probes = probe_positions(places, start=loaded.start, end=loaded.end, view_bp=view.width_bp)
    bands = [
        *_gene_bands(data, state, view=view, width_px=width_px, probes=probes, palette=palette),
        *_signal_bands(study, data, state, view=view, probes=probes),
        *_interval_bands(study, data, state, view=view, probes=probes),
    ]
    if "elements" not in state.hidden:
        bands.append(element_band(data.elements, probes=probes))
    if gene is not None:
        bands += _gene_link_bands(gene, state, view=view, probes=probes, palette=palette)
    bands = arranged(bands, state)
    frame = Frame(
        chrom=view.chrom,
        start=view.start,
        end=view.end,
        loaded_start=loaded.start,
        loaded_end=loaded.end,
        assembly=study.info.assembly_name,
        provenance=provenance,
        width_px=width_px,
        is_simulated=study.info.is_simulated,
        bin_bp=data.bin_bp,
        highlights=_highlights(study, state, view.chrom),
        tss=gene.tss if gene is not None else None,
        probes=probes,
        marks=marks_of(data.elements, gene),
        limits=(study.assembly.size(view.chrom), LEAST_BP, MOST_BP),
    )
    plot: dict[str, Any] = packed(locus_plot(bands, frame, palette=palette))
    return plot


def arranged(bands: Sequence[Band], state: ViewState) -> list[Band]:
    """The bands in the view's order, with the heights that a person chose."""
    place = {name: number for number, name in enumerate(state.order)}
    first = sorted((band for band in bands if band.id in place), key=lambda band: place[band.id])
    rest = [band for band in bands if band.id not in place]
    looks = dict(state.looks)
    heights = {name: look.height_px for name, look in looks.items() if look.height_px}
    return [replace(band, height=float(heights.get(band.id, band.height))) for band in [*first, *rest]]


def ruler_of(state: ViewState, band_id: str, default: DrawnScale) -> Ruler:
    """The y axis of a band: its own look, or the page's."""
    look = dict(state.looks).get(band_id, Look())
    return Ruler(look.scale or default, (look.low, look.high) if look.has_range else None)


def colour_of(state: ViewState, band_id: str) -> str:
    """The colour that a person chose for a band; empty = none."""
    return dict(state.looks).get(band_id, Look()).colour


def marks_of(elements: pd.DataFrame, gene: Gene | None) -> dict[str, dict[str, Any]]:
    """What a click can select: elements, and the measured pairs of the gene with their per cent."""

    def places(table: pd.DataFrame, name: str) -> dict[str, Any]:
        ends = {end: table[end].to_numpy(np.int32) for end in ("start", "end")}
        return {"id": table[name].tolist(), **ends}

    marks = {"elements": places(elements, "element_id")}
    if gene is not None and len(gene.pairs):
        percent = 100.0 * gene.pairs["effect_fraction"].to_numpy(np.float32)
        found = gene.pairs["is_positive"].to_numpy(np.uint8)
        marks["pairs"] = {**places(gene.pairs, "pair_id"), "y": percent.round(2), "found": found}
    return marks


def shared_tops(tracks: Sequence[Track], data: LocusData, state: ViewState, view: Locus) -> dict[str, float]:
    """Track id -> upper end of its y range: that of the largest track of its assay when they share it."""
    tops = {
        track.id: largest(data.signals[track.id], start=view.start, end=view.end)
        for track in tracks
        if track.id in data.signals
    }
    if state.scale != "group":
        return tops
    units = {track.id: (track.assay, track.unit) for track in tracks}
    return {name: max(top for other, top in tops.items() if units[other] == units[name]) for name in tops}


def _gene_bands(
    data: LocusData, state: ViewState, *, view: Locus, width_px: float, probes: np.ndarray, palette: Palette
) -> list[Band]:
    if "genes" in state.hidden:
        return []
    band = gene_band(
        data.genes,
        data.exons,
        chosen=state.gene,
        start=view.start,
        end=view.end,
        width_px=width_px,
        probes=probes,
        palette=palette,
    )
    return [band]


def _signal_bands(study: Study, data: LocusData, state: ViewState, *, view: Locus, probes: np.ndarray) -> list[Band]:
    every = tracks_of(study, state.biosample)
    if not every:
        reason = f"study {study.name} has no signal of {state.biosample}"
        return [broken("signals", "Signals", "", probes=probes, reason=reason)]
    tracks = [track for track in every if track.id not in state.hidden]
    tops = shared_tops(tracks, data, state, view)
    bands = []
    for track in tracks:
        title = short_title(track.title, state.biosample)
        if track.id in data.problems:
            bands.append(broken(track.id, title, track.unit, probes=probes, reason=data.problems[track.id]))
            continue
        bands.append(
            signal_band(
                data.signals[track.id],
                band_id=track.id,
                title=title,
                unit=track.unit,
                assay=track.assay,
                top=tops[track.id],
                probes=probes,
                ruler=ruler_of(state, track.id, "log" if state.scale == "log" else "linear"),
                group=_group(state, track),
                colour=colour_of(state, track.id),
                is_binned=track.kind == "bigwig",
            )
        )
    return bands


def _group(state: ViewState, track: Track) -> str:
    """Tracks of one assay share a range, but for those with a y axis of their own; empty = its own."""
    has_own = ruler_of(state, track.id, "linear") != Ruler()
    return f"{track.assay}, {track.unit}" if state.scale == "group" and not has_own else ""


def _interval_bands(
    study: Study, data: LocusData, state: ViewState, *, view: Locus, probes: np.ndarray
) -> list[Band]:
    sets = [entry for entry in sets_of(study, state.biosample) if entry.id not in state.hidden]
    bands = []
    for entry in sets:
        title = short_title(entry.title, state.biosample)
        if entry.id in data.problems:
            reason = data.problems[entry.id]
            bands.append(broken(entry.id, title, "", probes=probes, reason=reason))
        else:
            bands.append(_interval_band(entry, title, data.intervals[entry.id], view=view, probes=probes))
    return bands


def _interval_band(entry: IntervalSet, title: str, rows: pd.DataFrame, *, view: Locus, probes: np.ndarray) -> Band:
    title, _, how = title.partition(" (")
    title = title.partition(" between ")[0]
    unit = ", ".join(filter(None, [how.rstrip(")"), "lifted" if entry.lifted_from else ""]))
    if entry.kind == "domains":
        return domain_band(rows, band_id=entry.id, title=title, unit=unit, probes=probes)
    if entry.kind == "loops":
        return loop_band(rows, band_id=entry.id, title=title, unit=unit, probes=probes, view_bp=view.width_bp)
    draw = peak_band if entry.kind == "peaks" else motif_band
    return draw(
        rows, band_id=entry.id, title=title, unit=unit, assay=entry.assay, probes=probes, view_bp=view.width_bp
    )


def _gene_link_bands(
    gene: Gene, state: ViewState, *, view: Locus, probes: np.ndarray, palette: Palette
) -> list[Band]:
    bands = [
        method_band(
            links,
            method=method,
            gene_name=gene.name,
            tss=gene.tss,
            top=state.top,
            threshold=state.threshold,
            probes=probes,
            view=(view.start, view.end),
            ruler=ruler_of(state, method, "root"),
            colour=colour_of(state, method),
        )
        for method, links in gene.links.items()
    ]
    bands += [
        broken(method, method_title(method), "", probes=probes, reason=reason)
        for method, reason in gene.problems.items()
    ]
    if "crispr" not in state.hidden:
        bands.append(
            truth_band(
                gene.pairs,
                gene_name=gene.name,
                probes=probes,
                palette=palette,
                view_bp=view.width_bp,
                biosample=state.biosample,
            )
        )
    return bands


def _highlights(study: Study, state: ViewState, chrom: str) -> list[tuple[int, int]]:
    places = [Locus.parse(text, study.assembly) for text in state.highlights]
    return [(place.start, place.end) for place in places if place.chrom == chrom]
