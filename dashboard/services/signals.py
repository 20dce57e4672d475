"""Signal of a window: counts of its elements, or base-resolution values in bins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.data.study import Track
from cre_core.errors import NotAvailable
from cre_core.genome import Locus
from dashboard.services.places import Places

MOST_BINS = 2_000
LEAST_BIN_BP = 1


def bin_width(width_bp: int, *, most_bins: int = MOST_BINS) -> int:
    """The smallest power of two that cuts `width_bp`, and a bin more for the grid, into at most `most_bins`."""
    bin_bp = LEAST_BIN_BP
    while width_bp > (most_bins - 1) * bin_bp:
        bin_bp *= 2
    return bin_bp


def on_grid(locus: Locus, bin_bp: int, *, size_bp: int) -> Locus:
    """The locus widened to whole bins, so that the same bins come back for every window that holds them."""
    start = locus.start // bin_bp * bin_bp
    return Locus(locus.chrom, start, min(-(-locus.end // bin_bp) * bin_bp, size_bp))


def signal_in(places: Places, track: Track, locus: Locus, *, elements: pd.DataFrame) -> pd.DataFrame:
    """One track in a window.

    Args:
      places: of the study.
      track: which.
      locus: the window.
      elements: the window's elements with a column per assay (`Places.elements`).

    Returns:
      start, end (int64 bp), mean, max (float32, in the track's unit; NaN = no data): a row per element for
      `element_counts`, at most MOST_BINS bins side by side for `bigwig`.

    Raises:
      NotAvailable: the study has no counts of the track's assay.
      BadFile, WrongAssembly, UnknownName: the bigWig cannot be read here.
    """
    if track.kind == "bigwig":
        return binned_signal(places, track, locus)
    if track.assay not in elements:
        raise NotAvailable(f"study {places.study.name} has no {track.assay} counts for {track.biosample}")
    counts = elements[track.assay].astype(np.float32)
    return pd.DataFrame({"start": elements["start"], "end": elements["end"], "mean": counts, "max": counts})


def binned_signal(places: Places, track: Track, locus: Locus) -> pd.DataFrame:
    """Mean and maximum of a bigWig in bins of a power of two on the chromosome's grid; see `signal_in`."""
    size = places.study.assembly.size(locus.chrom)
    bin_bp = bin_width(locus.width_bp)
    whole = on_grid(locus, bin_bp, size_bp=size)
    mean, largest = places.bigwig(track.path or "").binned(whole, bin_bp)
    start = whole.start + bin_bp * np.arange(len(mean), dtype=np.int64)
    end = np.minimum(start + bin_bp, whole.end)
    return pd.DataFrame({"start": start, "end": end, "mean": four_digits(mean), "max": four_digits(largest)})


def four_digits(values: np.ndarray) -> np.ndarray:
    """(N,) float32 rounded to four significant digits; NaN and 0 stay."""
    values = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = 10.0 ** (3 - np.floor(np.log10(np.abs(values))))
    usable = np.isfinite(power)
    rounded = np.where(usable, np.round(values * np.where(usable, power, 1.0)) / np.where(usable, power, 1.0), values)
    return rounded.astype(np.float32)
