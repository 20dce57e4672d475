"""A band: one horizontal track of the locus figure, with its own y axis on the shared x axis.

Every band says one text at each probe: the same places in all bands. So the crosshair finds a value, or the words
that there is none, in every band at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

Trace = dict[str, Any]
DrawnScale = Literal["linear", "log", "root", "rank"]
SPARE_PROBES = 100  # per view, between the elements: one every nine pixels or so


@dataclass(frozen=True)
class Band:
    """One track.

    Attributes:
      id: as ViewState.hidden names it.
      title, unit: printed in the left margin.
      height: share of the figure, in px on a screen 900 px high.
      traces: plotly traces; their y axis is set when bands are stacked.
      says: (P,) what the crosshair says at each probe.
      y_range: of the band's axis.
      colour: of the title; empty = the ink.
      note, foot: text at the right, above and below: the range, the count, what is not drawn.
      upper: traces on a second axis 0..1 above the first: arcs.
      upper_share: part of the height that the second axis takes.
      has_zero_line: whether y = 0 is drawn.
      badge: why nothing is drawn, or empty.
      group: bands of one group share a y range that follows the view; empty = a fixed range.
      scale: how `traces` hold the values.
      left_out: start and end of what the range does not follow: the gene's own promoter; None = nothing.
      links: middle of each link with a score, whether it is counted, and the words of the count (`3 of 192 links in
        view`); None = not a band of links.
      names: the genes whose names are laid out, in the order of their claim to room; None = not the band of genes.
      range_unit: behind the numbers of the range, for example ` %`.
    """

    id: str
    title: str
    unit: str
    height: float
    traces: Sequence[Trace]
    y_range: tuple[float, float]
    colour: str = ""
    note: str = ""
    foot: str = ""
    upper: Sequence[Trace] = ()
    upper_share: float = 0.0
    has_zero_line: bool = False
    badge: str = ""
    group: str = ""
    scale: DrawnScale = "linear"
    says: np.ndarray | Sequence[str] = ()
    left_out: tuple[int, int] | None = None
    links: tuple[np.ndarray, np.ndarray, str] | None = None
    range_unit: str = ""
    names: Mapping[str, Any] | None = None


def broken(band_id: str, title: str, unit: str, *, probes: np.ndarray, reason: str) -> Band:
    """The band of a track that cannot be drawn: its badge says why, and the crosshair that there is no data."""
    return Band(band_id, title, unit, 30, [], (0.0, 1.0), badge=reason, says=["no data"] * len(probes))


def probe_positions(places: pd.DataFrame, *, start: int, end: int, view_bp: int) -> np.ndarray:
    """Where the crosshair stops: the centre of every element and tested place, and a lattice between.

    Args:
      places: start and end of those.
      start, end: the loaded window, bp.
      view_bp: width of the view, bp.

    Returns:
      (P,) float64, sorted, bp.
    """
    step = max(1.0, view_bp / SPARE_PROBES)
    lattice = np.arange(start + step / 2, end, step)
    centers = (places["start"].to_numpy() + places["end"].to_numpy()) // 2
    return np.unique(
        np.concatenate([lattice, centers[(centers >= start) & (centers < end)]]).astype(np.int64)
    ).astype(float)


def items_at(
    probes: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    *,
    within_bp: float = 0.0,
    rank: np.ndarray | None = None,
) -> np.ndarray:
    """The item under each probe, of those that cover it or lie within `within_bp`.

    Args:
      rank: (N,) the smallest wins; None = the shortest item does.

    Returns:
      (P,) int64 row numbers; -1 = none.
    """
    found = np.full(len(probes), -1, np.int64)
    first = np.searchsorted(probes, np.asarray(start) - within_bp, side="left")
    last = np.searchsorted(probes, np.asarray(end) + within_bp, side="left")
    if rank is None:
        rank = np.asarray(end) - np.asarray(start)
    for item in np.argsort(-rank, kind="stable"):
        found[first[item] : last[item]] = item
    return found


def texts_at(rows: np.ndarray, texts: Sequence[str], nothing: str) -> np.ndarray:
    """(P,) object: the text of each row number; `nothing` for -1."""
    return np.asarray([*texts, nothing], dtype=object)[rows]


def boxes(start: np.ndarray, end: np.ndarray, bottom: np.ndarray | float, top: np.ndarray | float) -> Trace:
    """Rectangles as one path.

    Args:
      start, end: (N,) bp.
      bottom, top: (N,) or one number; a box whose top is NaN is left out: a gap.

    Returns:
      x and y of a trace, five points a box, the fifth NaN.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    bottom = np.broadcast_to(np.asarray(bottom, np.float32), start.shape)
    top = np.broadcast_to(np.asarray(top, np.float32), start.shape)
    there = ~np.isnan(top)
    start, end, bottom, top = start[there], end[there], bottom[there], top[there]
    gap = np.full(len(start), np.nan)
    x = np.stack([start, start, end, end, gap], axis=1).ravel()
    y = np.stack([bottom, top, top, bottom, gap.astype(np.float32)], axis=1).ravel()
    return {"x": x, "y": y.astype(np.float32)}


def filled(path: Trace, colour: str, *, opacity: float = 1.0, fill: str = "toself") -> Trace:
    """A filled path whose outline keeps boxes thinner than a pixel visible."""
    return {
        "type": "scatter",
        "mode": "lines",
        **path,
        "fill": fill,
        "fillcolor": faded(colour, opacity),
        "line": {"color": faded(colour, opacity), "width": 1},
        "hoverinfo": "skip",
    }


def faded(colour: str, opacity: float) -> str:
    """A colour `#RRGGBB` with an opacity, as plotly writes it."""
    if opacity >= 1.0:
        return colour
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
