"""Signal bands: counts per element as steps, base-resolution signal as binned mean and maximum."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.figures.locus.band import (
    Band,
    DrawnScale,
    Trace,
    boxes,
    filled,
    items_at,
    texts_at,
)
from dashboard.figures.locus.scales import Ruler, axis_range, heights, range_text
from dashboard.text import number
from dashboard.theme import assay_colour

HEIGHT = 48.0


def largest(signal: pd.DataFrame, *, start: int, end: int) -> float:
    """The largest value in a view; 0 when there is none.

    Args:
      signal: columns start, end, mean, max.
    """
    inside = signal[(signal["end"] > start) & (signal["start"] < end)]["max"].to_numpy(np.float64)
    return float(np.nanmax(inside)) if np.isfinite(inside).any() else 0.0


def signal_band(
    signal: pd.DataFrame,
    *,
    band_id: str,
    title: str,
    unit: str,
    assay: str,
    top: float,
    probes: np.ndarray,
    ruler: Ruler = Ruler(),  # noqa: B008 (frozen)
    group: str = "",
    is_binned: bool = False,
    colour: str = "",
) -> Band:
    """One signal.

    Args:
      signal: columns start, end, mean, max: elements (mean = max = the count), or bins side by side. NaN = no data.
      top: upper end of the y range, in the unit, where the ruler's is not fixed.
      group: bands of one group share their range; empty = a range of its own.
      is_binned: bins side by side, drawn as one stepped line; otherwise elements, drawn as boxes.
      colour: empty = the assay's.
    """
    colour, scale = colour or assay_colour(assay), ruler.scale
    if is_binned:
        maximum = filled(steps(signal, "max", scale), colour, opacity=0.35, fill="tozeroy")
        traces = [maximum, filled(steps(signal, "mean", scale), colour, fill="tozeroy")]
    else:
        traces = [filled(boxes(signal["start"], signal["end"], 0.0, heights(signal["max"], scale)), colour)]
    return Band(
        id=band_id,
        title=title,
        unit=unit,
        height=HEIGHT,
        traces=traces,
        y_range=axis_range(top, ruler),
        colour=colour,
        note=range_text(top, ruler),
        group=(group or band_id) if ruler.follows else "",
        scale=scale,
        badge="" if signal["max"].notna().any() else "no data in this window",
        says=_says(signal, probes, unit, is_binned=is_binned),
    )


def steps(signal: pd.DataFrame, column: str, scale: DrawnScale) -> Trace:
    """Bins side by side as one line: two points a bin, and NaN where there is no data.

    Returns:
      x and y of a trace; neighbouring bins of one value are drawn as one.
    """
    values = heights(signal[column].to_numpy(), scale).astype(np.float32)
    start, end = signal["start"].to_numpy(np.float64), signal["end"].to_numpy(np.float64)
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    starts = np.flatnonzero(np.r_[True, ~same]) if len(values) else np.array([], np.int64)
    ends = np.r_[starts[1:] - 1, len(values) - 1] if len(values) else starts
    x = np.stack([start[starts], end[ends]], axis=1).ravel()
    return {"x": x, "y": np.repeat(values[starts], 2)}


def _says(signal: pd.DataFrame, probes: np.ndarray, unit: str, *, is_binned: bool) -> np.ndarray:
    rows = items_at(probes, signal["start"].to_numpy(), signal["end"].to_numpy())
    values = signal["max"].to_numpy(np.float64)
    means = signal["mean"].to_numpy(np.float64)
    short = unit.split(" per ")[0]
    texts = ["no data"] * len(signal)
    for row in np.unique(rows[rows >= 0]):  # of the many bins only those under a probe are put into words
        if np.isfinite(values[row]):
            peak = number(values[row])
            texts[row] = f"mean {number(means[row])}, max {peak}" if is_binned else f"{peak} {short}"
    return texts_at(rows, texts, "no data" if is_binned else "no element")
