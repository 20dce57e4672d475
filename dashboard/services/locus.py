"""Everything the locus page draws in one window, and which window to open."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cre_core.data.study import IntervalSet, Study, Track
from cre_core.errors import CreError
from cre_core.genome import Locus
from dashboard.services.places import places_of
from dashboard.services.signals import bin_width, signal_in

LOADED_VIEWS = 3  # a window holds the view and as much to each side
MOST_BP = 20_000_000  # a wider view would draw more elements than there are pixels
LEAST_BP = 200
REACH_BP = 2_500_000  # tested elements farther from the TSS do not widen the first view
UNTESTED_BP = 250_000  # to each side of a gene without measurements


@dataclass(frozen=True)
class LocusData:
    """One window of a study.

    Attributes:
      loaded: the window.
      genes, exons, elements: see `services.places`.
      signals: track id -> start, end, mean, max.
      intervals: set id -> its rows.
      problems: track or set id -> one line why it cannot be shown; the others are there all the same.
      bin_bp: bases per bin of binned signal; 0 = no track is binned.
    """

    loaded: Locus
    genes: pd.DataFrame
    exons: pd.DataFrame
    elements: pd.DataFrame
    signals: dict[str, pd.DataFrame] = field(default_factory=dict)
    intervals: dict[str, pd.DataFrame] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    bin_bp: int = 0


def load_locus(study: Study, loaded: Locus, *, biosample: str) -> LocusData:
    """Read one window: a track that cannot be read becomes a line in `problems`.

    Raises:
      UnknownName: the study has no such biosample.
    """
    places = places_of(study)
    elements = places.elements(loaded, biosample=biosample)
    signals, intervals, problems = {}, {}, {}
    tracks = tracks_of(study, biosample)
    for track in tracks:
        try:
            signals[track.id] = signal_in(places, track, loaded, elements=elements)
        except CreError as error:
            problems[track.id] = str(error)
    for entry in sets_of(study, biosample):
        try:
            intervals[entry.id] = places.intervals(entry.id, loaded)
        except CreError as error:
            problems[entry.id] = str(error)
    is_binned = any(track.kind == "bigwig" for track in tracks)
    return LocusData(
        loaded=loaded,
        genes=places.genes(loaded),
        exons=places.exons(loaded),
        elements=elements,
        signals=signals,
        intervals=intervals,
        problems=problems,
        bin_bp=bin_width(loaded.width_bp) if is_binned else 0,
    )


def tracks_of(study: Study, biosample: str) -> list[Track]:
    """The signal tracks of a biosample."""
    return [track for track in study.info.tracks if track.biosample == biosample]


def sets_of(study: Study, biosample: str) -> list[IntervalSet]:
    """The interval sets of a biosample, and those that belong to none in particular."""
    others = set(study.info.biosamples) - {biosample}
    return [entry for entry in study.info.intervals if entry.biosample not in others]


def first_hidden(study: Study, biosample: str) -> tuple[str, ...]:
    """Tracks not drawn at first: counts of an assay that has base-resolution signal, and sites of other motifs."""
    tracks = tracks_of(study, biosample)
    fine = {track.assay for track in tracks if track.kind == "bigwig"}
    counts = [track.id for track in tracks if track.kind == "element_counts" and track.assay in fine]
    sites = [entry.id for entry in sets_of(study, biosample) if entry.kind == "motif_sites" and entry.assay != "ctcf"]
    return (*counts, *sites)


def view_of(study: Study, text: str) -> tuple[Locus, str]:
    """The view a text means, never narrower than LEAST_BP nor wider than MOST_BP; and a remark when it was changed.

    Raises:
      BadInput: no place, or past the chromosome's end.
    """
    view = Locus.parse(text, study.assembly)
    if view.width_bp == study.assembly.size(view.chrom) > MOST_BP:
        most = f"views are at most {MOST_BP // 1_000_000} Mb wide"
        remark = f"{view.chrom} has {view.width_bp:,} bases and {most}: this is where the middle of its elements lies"
        return _amid_elements(study, view), remark
    if view.width_bp > MOST_BP:
        return view.resized(MOST_BP, study.assembly), f"views are at most {MOST_BP // 1_000_000} Mb wide"
    if view.width_bp < LEAST_BP:
        return view.resized(LEAST_BP, study.assembly), ""
    return view, ""


def _amid_elements(study: Study, chromosome: Locus) -> Locus:
    """The widest view around the middle one of a chromosome's elements: its own middle is often a bare centromere."""
    starts = study.elements["start"][study.elements["chrom"] == chromosome.chrom]
    at = int(starts.median()) if len(starts) else chromosome.center
    return Locus(chromosome.chrom, at, at + 1).resized(MOST_BP, study.assembly)


def loaded_window(study: Study, view: Locus) -> Locus:
    """The view and as much to each side, as far as the chromosome goes; a very wide view gets less."""
    spare = max(0, min(view.width_bp * LOADED_VIEWS, MOST_BP) - view.width_bp) // 2
    size = study.assembly.size(view.chrom)
    return Locus(view.chrom, max(0, view.start - spare), min(size, view.end + spare))


def default_view(study: Study, gene: pd.Series, pairs: pd.DataFrame) -> Locus:
    """The first view of a gene: the study's own example, or gene and tested elements with a margin.

    Args:
      gene: row of `Study.genes`.
      pairs: its schema.CRISPR rows.
    """
    for example in study.info.example_loci:
        if example.gene_name == gene["gene_name"]:
            return Locus.parse(example.locus, study.assembly)
    near = pairs[(pairs["chrom"] == gene["chrom"]) & ((pairs["start"] - gene["tss"]).abs() <= REACH_BP)]
    start, end = int(gene["start"]), int(gene["end"])
    margin = UNTESTED_BP
    if len(near):
        start, end = min(start, int(near["start"].min())), max(end, int(near["end"].max()))
        margin = max(20_000, (end - start) // 20)
    size = study.assembly.size(gene["chrom"])
    return Locus(gene["chrom"], max(0, start - margin), min(size, end + margin))


def first_gene(study: Study) -> str:
    """The gene shown when an address names none: the study's first example, or its first gene."""
    if study.info.example_loci:
        return study.info.example_loci[0].gene_name
    return str(study.genes["gene_name"].iloc[0])
