"""Scores of an element's bases: letters where few are in view, bars where many are, and motif sites above."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.kit import layout, mark_simulated, panel_title
from dashboard.figures.locus.band import boxes, filled
from dashboard.text import MINUS, number, place
from dashboard.theme import PALETTES, ThemeName

BASES = "ACGT"
COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00"}
MOST_LETTERS = 120  # in view; with more of them bars say the same
LANES, MOST_SITES = 3, 12
LETTERS_ACROSS = 130  # of a name, across a panel on a small screen
LETTERS, BARS = "letters", "bars"  # what the browser shows and hides by the width of the view


def logo_figure(
    reference: np.ndarray,
    score: np.ndarray,
    *,
    chrom: str,
    start: int,
    unit: str,
    sites: pd.DataFrame | None,
    note: str = "",
    theme: ThemeName = "light",
    is_simulated: bool = False,
) -> go.Figure:
    """Letters as high as their scores; the first view is where most of the score is.

    Args:
      reference: (L,) int8, 0..3 = A C G T, 4 = N.
      score: (L,), NaN = not read: a gap.
      chrom, start: where the first base lies, 0-based.
      unit: on the axis.
      sites: chrom, start, end, motif_name, strand, p_value; the strongest are named. None = not known.
      note: above the letters instead of the count of sites.
      theme: light or dark.
      is_simulated: say so on the figure.
    """
    palette = PALETTES[theme]
    known = score[np.isfinite(score)]
    top = 1.05 * float(np.abs(known).max()) if len(known) and np.abs(known).max() > 0 else 1.0
    low, high = min(0.0, float(known.min(initial=0.0))), max(0.0, float(known.max(initial=0.0)))
    figure = go.Figure()
    for code, base in enumerate(BASES):
        rows = np.flatnonzero((reference == code) & np.isfinite(score))
        x, y = letters_of(base, rows + start + 1, score[rows])  # 1-based, as people read it
        figure.add_trace(_shape(x, y, COLOURS[base], f"{LETTERS}:{base}"))
    rows = np.flatnonzero(np.isfinite(score))
    bars = boxes(rows + start + 0.5, rows + start + 1.5, 0.0, score[rows])
    figure.add_trace({**filled(bars, palette.accent), "name": BARS, "visible": False})
    figure.add_trace(_readout(reference, score, chrom, start, unit))
    figure.update_layout(**layout(palette, height=None), margin={"l": 62, "r": 12, "t": 20, "b": 38})
    view = first_view(score, start)
    # Another element begins at its own first view; the browser comes back to it.
    figure.update_layout(uirevision=f"{chrom}:{start}", meta=view)
    if sites is not None:
        named = lanes_of(sites, len(score))
        figure.add_trace(_sites(named, palette.faint_ink))
        figure.update_layout(annotations=_site_names(named, palette.ink))
        note = note or site_text(sites, named)
    axis = {"gridcolor": palette.hairline, "color": palette.faint_ink, "tickfont": {"size": 10}, "anchor": "x",
            "fixedrange": True, "zerolinecolor": palette.faint_ink, "zeroline": True}  # fmt: skip
    edge = 0.06 * ((high - low) or top)
    figure.update_layout(
        yaxis={**axis, "domain": [0.0, 0.72], "range": [low - edge, high + edge], "nticks": 4,
               "title": {"text": unit, "font": {"size": 11}, "standoff": 2}},
        yaxis2={**axis, "domain": [0.75, 1.0], "range": [LANES, 0], "visible": False},
    )  # fmt: skip
    ends = [start + 0.5, start + len(score) + 0.5]
    figure.update_xaxes(
        range=view, minallowed=ends[0], maxallowed=ends[1], tickformat=",d", nticks=6, showgrid=False,
        color=palette.faint_ink, tickfont={"size": 10}, anchor="y",
        title={"text": f"{chrom}, + strand, 1-based", "font": {"size": 11}, "standoff": 2},
    )  # fmt: skip
    panel_title(figure, note, 1.0, palette)
    return mark_simulated(figure, is_simulated)


def first_view(score: np.ndarray, start: int) -> list[float]:
    """Ends of the stretch of MOST_LETTERS bases that holds most of the score, 1-based positions."""
    n, width = len(score), min(MOST_LETTERS, len(score))
    size = np.concatenate([[0.0], np.cumsum(np.nan_to_num(np.abs(score)))])
    first = int((size[width:] - size[: n - width + 1]).argmax())
    return [start + first + 0.5, start + first + width + 0.5]


def letters_of(base: str, position: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of one letter at several places, with a gap behind each; below 0 the letter hangs, upright.

    Args:
      base: A, C, G or T.
      position: (n,) where the middle is.
      height: (n,) signed.

    Returns:
      x and y of n * (points + 1) each, float32.
    """
    outline = GLYPHS[base]  # (points, 2) in 0..1
    x = position[:, None] - 0.46 + 0.92 * outline[:, 0]  # (n, points)
    y = np.minimum(height, 0.0)[:, None] + np.abs(height)[:, None] * outline[:, 1]
    gap = np.full((len(position), 1), np.nan)
    return np.hstack([x, gap]).ravel(), np.hstack([y, gap]).ravel().astype(np.float32)


def _ring(first: float, last: float) -> np.ndarray:
    """An open ring from one angle to another, in degrees, as one outline."""
    angle = np.radians(np.linspace(first, last, 19))
    outer = np.c_[0.5 + 0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)]
    inner = np.c_[0.5 + 0.30 * np.cos(angle), 0.5 + 0.34 * np.sin(angle)]
    return np.vstack([outer, inner[::-1], outer[:1]])


def _g() -> np.ndarray:
    """A ring that ends in a bar to the middle."""
    ring = _ring(42, 318)
    bar = np.array([[0.55, 0.48], [0.98, 0.48], [0.98, 0.08], [0.80, 0.08], [0.80, 0.34], [0.55, 0.34], [0.55, 0.48]])
    gap = np.full((1, 2), np.nan)
    return np.vstack([ring, gap, bar[::-1]])


# The hole of A hangs on a cut of no width, so that the letter is one outline.
GLYPHS = {
    "A": np.array(
        [[0, 0], [0.39, 1], [0.61, 1], [1, 0], [0.79, 0], [0.70, 0.24], [0.5, 0.24], [0.5, 0.40], [0.64, 0.40],
         [0.5, 0.80], [0.36, 0.40], [0.5, 0.40], [0.5, 0.24], [0.30, 0.24], [0.21, 0], [0, 0]]
    ),
    "C": _ring(42, 318),
    "G": _g(),
    "T": np.array([[0, 1], [1, 1], [1, 0.82], [0.6, 0.82], [0.6, 0], [0.4, 0], [0.4, 0.82], [0, 0.82], [0, 1]]),
}  # fmt: skip


def _shape(x: np.ndarray, y: np.ndarray, colour: str, name: str) -> go.Scatter:
    return go.Scatter(
        x=x, y=y, mode="lines", fill="toself", fillcolor=colour, line={"width": 0}, hoverinfo="skip", name=name
    )


def _readout(reference: np.ndarray, score: np.ndarray, chrom: str, start: int, unit: str) -> go.Scatter:
    """Unseen points that give each base's place and score under the pointer."""
    letter = np.array([*BASES, "N"])[reference]
    text = [
        f"{place(chrom, start + k, start + k + 1)} {letter[k]}<br>"
        + (f"{number(float(score[k]))} {unit}" if np.isfinite(score[k]) else "not read")
        for k in range(len(score))
    ]
    return go.Scatter(
        x=np.arange(len(score)) + start + 1, y=np.nan_to_num(score) / 2, mode="markers",
        marker={"opacity": 0.0, "size": 8},
        text=text, hovertemplate="%{text}<extra></extra>", name="bases",
    )  # fmt: skip


def lanes_of(sites: pd.DataFrame, n_bases: int) -> pd.DataFrame:
    """The strongest sites with the lane each is drawn in, none over another: `lane`, 0 = the highest.

    A name takes room beside its site, even when all of the n_bases are in view; one without room is left out.
    """
    taken: list[list[tuple[int, int]]] = [[] for _ in range(LANES)]
    rows, lanes = list[object](), list[int]()
    for site in sites.sort_values("p_value", kind="stable").itertuples():
        room = int((len(str(site.motif_name)) + 3) * n_bases / LETTERS_ACROSS)
        span = (int(site.start), max(int(site.end), int(site.start) + room))
        free = [k for k in range(LANES) if all(span[0] >= end or span[1] <= first for first, end in taken[k])]
        if free and len(rows) < MOST_SITES:
            taken[free[0]].append(span)
            rows.append(site.Index)
            lanes.append(free[0])
    return sites.loc[rows].assign(lane=lanes)


def site_text(sites: pd.DataFrame, named: pd.DataFrame) -> str:
    """How many motif sites there are, and how many are named."""
    if not len(sites):
        return "no motif site (FIMO, p ≤ 0.0001)"
    return f"motif sites (FIMO, p ≤ 0.0001): {len(named)} of {len(sites)} named"


def _sites(named: pd.DataFrame, colour: str) -> go.Scatter:
    lane = named["lane"].to_numpy(float)
    path = boxes(named["start"].to_numpy() + 0.5, named["end"].to_numpy() + 0.5, lane + 0.78, lane + 0.95)
    return go.Scatter(**{**filled(path, colour), "yaxis": "y2", "name": "motif sites"})


def _site_names(named: pd.DataFrame, ink: str) -> list[dict[str, object]]:
    return [
        {
            "x": float(site.start) + 0.5, "y": site.lane + 0.4, "yref": "y2", "xanchor": "left", "showarrow": False,
            "text": f"{site.motif_name} {site.strand.replace('-', MINUS)}", "font": {"size": 10, "color": ink},
            "hovertext": f"{site.motif_name}, {place(site.chrom, site.start, site.end)}, p = {number(site.p_value)}",
        }
        for site in named.itertuples()
    ]  # fmt: skip
