"""Signal bands: counts per element as steps, base-resolution signal as binned mean and maximum."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.figures.band import Band, Scale, Trace, boxes, filled, items_at, probe_trace, texts_at
from dashboard.text import number
from dashboard.theme import assay_colour

HEIGHT = 48.0


def scaled(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Values as drawn: log10(1 + x) on the log scale. NaN stays NaN."""
    values = np.asarray(values, np.float64)
    return np.log10(1.0 + np.maximum(values, 0.0)) if scale == "log" else values


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
    scale: Scale = "group",
    is_binned: bool = False,
) -> Band:
    """One signal.

    Args:
      signal: columns start, end, mean, max: elements (mean = max = the count), or bins side by side. NaN = no data.
      top: upper end of the y range, in the unit.
      is_binned: bins side by side, drawn as one stepped line; otherwise elements, drawn as boxes.
    """
    colour = assay_colour(assay)
    if is_binned:
        maximum = filled(steps(signal, "max", scale), colour, opacity=0.35, fill="tozeroy")
        traces = [maximum, filled(steps(signal, "mean", scale), colour, fill="tozeroy")]
    else:
        traces = [filled(boxes(signal["start"], signal["end"], 0.0, scaled(signal["max"], scale)), colour)]
    drawn_top = float(scaled(np.array([top]), scale)[0]) or 1.0
    traces.append(_probes(signal, probes, unit, scale, drawn_top, is_binned=is_binned))
    return Band(
        id=band_id,
        title=title,
        unit=unit,
        height=HEIGHT,
        traces=traces,
        y_range=(0.0, drawn_top * 1.02),
        colour=colour,
        note=range_text(top, scale),
        group=f"{assay}, {unit}" if scale == "group" else band_id,
        scale=scale,
        badge="" if signal["max"].notna().any() else "no data in this window",
    )


def range_text(top: float, scale: Scale) -> str:
    """The range at the right of a band."""
    return f"0 – {number(top)}" + (", log(1 + x)" if scale == "log" else "")


def steps(signal: pd.DataFrame, column: str, scale: Scale) -> Trace:
    """Bins side by side as one line: two points a bin, and NaN where there is no data.

    Returns:
      x and y of a trace; neighbouring bins of one value are drawn as one.
    """
    values = scaled(signal[column].to_numpy(), scale).astype(np.float32)
    start, end = signal["start"].to_numpy(np.float64), signal["end"].to_numpy(np.float64)
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    starts = np.flatnonzero(np.r_[True, ~same]) if len(values) else np.array([], np.int64)
    ends = np.r_[starts[1:] - 1, len(values) - 1] if len(values) else starts
    x = np.stack([start[starts], end[ends]], axis=1).ravel()
    return {"x": x, "y": np.repeat(values[starts], 2)}


def _probes(
    signal: pd.DataFrame, probes: np.ndarray, unit: str, scale: Scale, top: float, *, is_binned: bool
) -> Trace:
    rows = items_at(probes, signal["start"].to_numpy(), signal["end"].to_numpy())
    values = signal["max"].to_numpy(np.float64)
    means = signal["mean"].to_numpy(np.float64)
    short = unit.split(" per ")[0]
    texts = ["no data"] * len(signal)
    for row in np.unique(rows[rows >= 0]):  # of the many bins only those under a probe are put into words
        if np.isfinite(values[row]):
            peak = number(values[row])
            texts[row] = f"mean {number(means[row])}, max {peak}" if is_binned else f"{peak} {short}"
    heights = np.minimum(np.append(scaled(values, scale), 0.0)[rows], top)  # the label stays in its band
    return probe_trace(probes, texts_at(rows, texts, "no data" if is_binned else "no element"), y=heights)
