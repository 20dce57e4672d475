"""How the values of a band become heights: linear, logarithmic, by root, or by rank; and how its range is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.figures.locus.band import DrawnScale
from dashboard.text import number

SAYS: dict[DrawnScale, str] = {"linear": "", "log": "log(1 + x)", "root": "√ scale", "rank": "rank"}


@dataclass(frozen=True)
class Ruler:
    """The y axis of a band.

    Attributes:
      scale: how values become heights.
      fixed: lower and upper end of the range, in the band's unit; None = it follows the view.
    """

    scale: DrawnScale = "linear"
    fixed: tuple[float, float] | None = None

    @property
    def follows(self) -> bool:
        """Whether the range follows the view: a fixed one does not, and ranks always go from last to first."""
        return self.fixed is None and self.scale != "rank"


def heights(values: np.ndarray, scale: DrawnScale) -> np.ndarray:
    """Values as drawn.

    Args:
      values: (N,) any unit; NaN = no data.

    Returns:
      (N,) float64: the value; log10(1 + x) of positive ones, 0 below; the root with the value's sign; or the share of
      values that are smaller in size, with the sign, 1 = the largest. NaN stays NaN.
    """
    values = np.asarray(values, np.float64)
    if scale == "log":
        return np.log10(1.0 + np.maximum(values, 0.0))
    if scale == "root":
        return np.sign(values) * np.sqrt(np.abs(values))
    if scale == "rank":
        return np.sign(values) * pd.Series(np.abs(values)).rank(pct=True).to_numpy(np.float64)
    return values


def largest(values: np.ndarray, inside: np.ndarray) -> float:
    """The largest size of the values in a view; 0 where there is none.

    Args:
      inside: (N,) bool.
    """
    size = np.abs(np.asarray(values, np.float64)[inside])
    return float(np.nanmax(size)) if np.isfinite(size).any() else 0.0


def axis_range(top: float, ruler: Ruler, *, is_signed: bool = False) -> tuple[float, float]:
    """The range of the y axis, as drawn.

    Args:
      top: the largest size in the view, in the band's unit.
    """
    if ruler.scale == "rank":
        return (-1.02 if is_signed else 0.0, 1.02)
    if ruler.fixed is not None:
        low, high = heights(np.array(ruler.fixed), ruler.scale)
        return float(low), float(high)
    high = 1.02 * (float(heights(np.array([top]), ruler.scale)[0]) or 1.0)
    return (-high if is_signed else 0.0, high)


def range_text(top: float, ruler: Ruler, *, is_signed: bool = False, unit: str = "") -> str:
    """The range at the right of a band; assets/locus_ranges.js writes the same when the view moves."""
    says = f", {SAYS[ruler.scale]}" if ruler.scale in ("log", "rank") else ""
    if ruler.scale == "rank":
        return "last to first rank"
    if ruler.fixed is not None:
        return f"{number(ruler.fixed[0])} to {number(ruler.fixed[1])}{unit}, fixed{says}"
    return f"{'±' if is_signed else '0 – '}{number(top)}{unit}{says}"
