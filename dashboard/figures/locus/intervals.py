"""Bands of places: peaks as ticks, motif sites with strand, domains as brackets, loops as arcs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.figures.locus.arcs import arc_path
from dashboard.figures.locus.band import Band, Trace, boxes, filled, items_at, texts_at
from dashboard.text import distance, place
from dashboard.theme import assay_colour

MOST_ARROWS = 250  # more motif sites than this are ticks, above the line for + and below it for -
MOST_ROWS = 3


def peak_band(
    peaks: pd.DataFrame, *, band_id: str, title: str, unit: str, assay: str, probes: np.ndarray, view_bp: int
) -> Band:
    """Peaks as ticks. Args: peaks: chrom, start, end."""
    colour = assay_colour(assay)
    rows = items_at(probes, peaks["start"].to_numpy(), peaks["end"].to_numpy(), within_bp=view_bp / 400)
    texts = [f"peak {text}" for text in _places(peaks)]
    traces = [filled(boxes(peaks["start"], peaks["end"], 0.1, 0.9), colour)]
    says = texts_at(rows, texts, "no peak")
    badge = _none(peaks, "peaks")
    return Band(band_id, title, unit, 19, traces, (0.0, 1.0), colour=colour, badge=badge, says=says)


def motif_band(
    sites: pd.DataFrame, *, band_id: str, title: str, unit: str, assay: str, probes: np.ndarray, view_bp: int
) -> Band:
    """Motif sites: an arrow head along the strand; ticks when there are many.

    Args:
      sites: chrom, start, end, strand (+ or -).
    """
    colour = assay_colour(assay)
    is_plus = (sites["strand"] == "+").to_numpy()
    rows = items_at(probes, sites["start"].to_numpy(), sites["end"].to_numpy(), within_bp=view_bp / 400)
    texts = [f"{strand} site {text}" for strand, text in zip(sites["strand"], _places(sites), strict=True)]
    if len(sites) > MOST_ARROWS:
        traces = [
            filled(boxes(sites["start"][is_plus], sites["end"][is_plus], 0.5, 0.92), colour),
            filled(boxes(sites["start"][~is_plus], sites["end"][~is_plus], 0.08, 0.5), colour, opacity=0.55),
        ]
        unit = f"{unit}, + above −"
    else:
        traces = [
            _arrows(sites[is_plus], "triangle-right", colour),
            _arrows(sites[~is_plus], "triangle-left", colour),
        ]
    says = texts_at(rows, texts, "no site")
    badge = _none(sites, "motif sites")
    return Band(band_id, title, unit, 19, traces, (0.0, 1.0), colour=colour, badge=badge, says=says)


def domain_band(domains: pd.DataFrame, *, band_id: str, title: str, unit: str, probes: np.ndarray) -> Band:
    """Domains as bars in stacked rows; those that fit in no row are counted.

    Args:
      domains: chrom, start, end; they may nest.
    """
    row, hidden = stacked_rows(domains["start"].to_numpy(), domains["end"].to_numpy(), MOST_ROWS)
    shown = domains[row >= 0]
    top = 1.0 - (row[row >= 0] + 0.15) / MOST_ROWS
    texts = [
        f"domain {text}, {distance(end - start)}"
        for text, start, end in zip(_places(domains), domains["start"], domains["end"], strict=True)
    ]
    rows = items_at(probes, domains["start"].to_numpy(), domains["end"].to_numpy())
    traces = [filled(boxes(shown["start"], shown["end"], top - 0.7 / MOST_ROWS, top), "#8A94A6", opacity=0.55)]
    says = texts_at(rows, texts, "in no domain")
    note = f"{hidden} more not drawn" if hidden else ""
    badge = _none(domains, "domains")
    return Band(band_id, title, unit, 24, traces, (0.0, 1.0), note=note, badge=badge, says=says)


def loop_band(loops: pd.DataFrame, *, band_id: str, title: str, unit: str, probes: np.ndarray, view_bp: int) -> Band:
    """Loops as arcs between their anchors. Args: loops: schema.LOOPS of one chromosome."""
    left = (loops["start"].to_numpy() + loops["end"].to_numpy()) / 2
    right = (loops["start2"].to_numpy() + loops["end2"].to_numpy()) / 2
    path = arc_path(left, right, full_bp=view_bp)
    texts = [f"anchor of a {distance(b - a)} loop" for a, b in zip(left, right, strict=True)]
    starts, ends = (np.r_[loops[name], loops[name + "2"]] for name in ("start", "end"))
    rows = items_at(probes, starts, ends, within_bp=view_bp / 400)
    traces: list[Trace] = [
        {"type": "scatter", "mode": "lines", **path, "line": {"color": "#7A6FA8", "width": 1.2}, "hoverinfo": "skip"}
    ]
    says = texts_at(rows, texts * 2, "no loop anchor")
    return Band(band_id, title, unit, 35, traces, (0.0, 1.08), badge=_none(loops, "loops"), says=says)


def stacked_rows(start: np.ndarray, end: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """Rows in which no two intervals overlap: wide intervals first.

    Returns:
      (N,) int64 row of each interval, -1 where no row had room; and how many had none.
    """
    rows = np.full(len(start), -1, np.int64)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(most)]
    for item in np.argsort(-(np.asarray(end) - np.asarray(start)), kind="stable"):
        for row, others in enumerate(taken):
            if all(end[item] <= left or right <= start[item] for left, right in others):
                others.append((start[item], end[item]))
                rows[item] = row
                break
    return rows, int((rows < 0).sum())


def _arrows(sites: pd.DataFrame, symbol: str, colour: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": (sites["start"].to_numpy() + sites["end"].to_numpy()) / 2,
        "y": np.full(len(sites), 0.5, np.float32),
        "marker": {"symbol": symbol, "size": 8, "color": colour, "line": {"width": 0}},
        "hoverinfo": "skip",
    }


def _places(table: pd.DataFrame) -> list[str]:
    return [place(*row) for row in zip(table["chrom"], table["start"], table["end"], strict=True)]


def _none(table: pd.DataFrame, what: str) -> str:
    return "" if len(table) else f"no {what} in this window"
