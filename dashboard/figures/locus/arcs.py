"""Arcs between two places: all arcs of one look are one path."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.evaluation.methods import method_kind
from dashboard.figures.locus.band import Trace, faded
from dashboard.theme import METHOD_DASHES, method_colour

POINTS = 25
OWN_PROMOTER_BP = 1_000  # a link this near is the gene's own promoter: it has no length to draw
# Links at least this fraction of the strongest one are drawn with this opacity and width.
LOOKS = ((0.5, 0.95, 1.9), (0.2, 0.7, 1.5), (0.0, 0.45, 1.1))


def arc_path(start: np.ndarray, end: np.ndarray, *, full_bp: float = 0.0) -> Trace:
    """Half ellipses from `start` to `end`, as high as the root of their width.

    Args:
      full_bp: width that is 1 high, as is every wider one; 0 = the widest arc's.

    Returns:
      x and y of a trace: POINTS points an arc, then NaN. The first and last point lie at y = 0.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    angle = np.linspace(0.0, np.pi, POINTS)
    width = np.abs(end - start)
    full = full_bp or float(width.max(initial=0.0)) or 1.0
    height = np.sqrt(np.minimum(width / full, 1.0))
    x = start[:, None] + (end - start)[:, None] * (1.0 - np.cos(angle))[None, :] / 2.0
    y = height[:, None] * np.sin(angle)[None, :]
    gap = np.full((len(start), 1), np.nan)
    return {"x": np.hstack([x, gap]).ravel().round(1), "y": np.hstack([y, gap]).ravel().round(4).astype(np.float32)}


def strongest(links: pd.DataFrame, *, top: int, threshold: float) -> pd.DataFrame:
    """The links drawn as arcs: the `top` largest by size of score, none under `threshold` of the largest.

    Args:
      links: element_id, start, end, tss_distance_bp, score of one method and gene; NaN scores and the gene's own
        promoter are never drawn.
      threshold: a fraction of the largest score beyond the own promoter.

    Returns:
      Rows of `links`, the strongest first; of equally strong ones the nearest.
    """
    links = links[links["tss_distance_bp"].abs() > OWN_PROMOTER_BP]
    links = links.sort_values("tss_distance_bp", key=np.abs, kind="stable")
    size = links["score"].abs()
    enough = size.notna() & (size > 0) & (size >= threshold * size.max())
    return links[enough].assign(_size=size).nlargest(top, "_size").drop(columns="_size")


def link_arcs(links: pd.DataFrame, *, method: str, tss: int, colour: str = "") -> list[Trace]:
    """Arcs from a TSS to the centre of each element: a trace for each look, the strong ones last, on top.

    Args:
      links: those to draw, from `strongest`; the first counts as full strength.
      colour: empty = the method's.
    """
    size = links["score"].abs().to_numpy(np.float64)
    strength = size / size.max() if len(size) else size
    center = (links["start"].to_numpy() + links["end"].to_numpy()) / 2
    path = arc_path(np.full(len(links), float(tss)), center)
    traces = []
    upper = np.inf
    for least, opacity, width in LOOKS:
        chosen = (strength >= least) & (strength < upper)
        upper = least
        points = np.repeat(chosen, POINTS + 1)
        ids = np.repeat(links["element_id"].to_numpy()[chosen], POINTS + 1)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": path["x"][points],
                "y": path["y"][points],
                "customdata": ids.astype(object),
                "line": {
                    "color": faded(colour or method_colour(method), opacity),
                    "width": width,
                    "dash": METHOD_DASHES.get(method_kind(method), "solid"),
                },
                "hoverinfo": "skip",
                "meta": "arcs",
            }
        )
    return traces[::-1]
