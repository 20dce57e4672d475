"""What every figure borrows: the look of a figure and its axes, marks of calls, texts for a pointer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.locus.truth import GLYPHS, SIGNS, WORDS
from dashboard.text import offset, place
from dashboard.theme import DECREASE, PALETTES, TRUTH, Palette, ThemeName

# A call never shows by colour alone: each has its own mark.
CALLS = {
    call: (WORDS[call], glyph, TRUTH["not significant" if call == "not significant" else "significant"])
    for call, glyph in GLYPHS.items()
}
FONT = "system-ui, 'DejaVu Sans', sans-serif"
MOST_CUT = 3  # bars longer than the panel, at most


def layout(palette: Palette, *, height: int | None) -> dict[str, object]:
    """The look that every figure shares."""
    label = {"color": palette.ink, "family": FONT, "size": 12}
    return {
        "height": height,
        "paper_bgcolor": palette.background,
        "plot_bgcolor": palette.background,
        "uirevision": "keep",
        "hovermode": "closest",
        "font": {"family": FONT, "size": 12, "color": palette.ink},
        "showlegend": False,
        "dragmode": "pan",
        "hoverlabel": {"bgcolor": palette.band, "font": label},
    }


def mark_simulated(figure: go.Figure, is_simulated: bool, *, y: float = 1.0) -> go.Figure:
    """The word `simulated` on the figure itself, above y of the paper, so that it stays on every copy of it."""
    if is_simulated:
        figure.add_annotation(
            text="simulated", xref="paper", yref="paper", x=1, y=y, xanchor="right", yanchor="bottom",
            showarrow=False, font={"size": 11, "color": DECREASE}, yshift=3,
        )  # fmt: skip
    return figure


def panel_title(figure: go.Figure, text: str, y: float, palette: Palette) -> None:
    """A title above a panel whose top is at y of the paper."""
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0, y=y, xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": 12, "color": palette.ink}, yshift=3,
    )  # fmt: skip


def distance_axis(x_range: tuple[float, float], palette: Palette) -> dict[str, object]:
    """An axis of distances to the TSS, whose line at 0 is drawn; its marks follow the zoom."""
    return {
        "range": list(x_range),
        "tickformat": "~s",
        "ticksuffix": "b",
        "anchor": "y2",
        "gridcolor": palette.hairline,
        "zeroline": True,
        "zerolinecolor": palette.faint_ink,
        "zerolinewidth": 1,
        "color": palette.faint_ink,
        "tickfont": {"size": 11},
    }


def hover_text(row: object, *lines: str) -> str:
    """Place and distance of a row of a table, then some lines."""
    where = place(row.chrom, int(row.start), int(row.end))  # type: ignore[attr-defined]
    return "<br>".join([where, offset(row.tss_distance_bp) + " from the TSS", *lines])  # type: ignore[attr-defined]


def count_text(pairs: pd.DataFrame) -> str:
    """How many pairs have each call, with its sign."""
    parts = []
    for call, (title, _, colour) in CALLS.items():
        n = int((pairs["call"] == call).sum())
        parts.append(f"<span style='color:{colour}'>{SIGNS[call]}</span> {title} {n}")
    return "   ".join(parts) + "   not tested: no mark"


def selectable(pairs: pd.DataFrame) -> list[list[str]]:
    """What a click on a measured pair tells: the first element under it, `` = none, and the pair."""
    return pairs[["element_id", "pair_id"]].to_numpy().tolist()


def stems(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Line segments from zero to each value, in one trace: x, x, gap; 0, y, gap."""
    gap = np.full(len(x), np.nan)
    return np.c_[x, x, gap].ravel(), np.c_[np.zeros(len(x)), y, gap].ravel()


def focus_line(x: float, *, theme: ThemeName = "light") -> dict[str, object]:
    """The line through both panels at the element in focus."""
    line = {"color": PALETTES[theme].accent, "width": 8}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1,
            "line": line, "opacity": 0.18, "layer": "below"}  # fmt: skip


def ring(*, yref: str, theme: ThemeName = "light") -> dict[str, object]:
    """The ring around the selected measured pair; its anchor is the pair's own place in the figure."""
    size = {"xsizemode": "pixel", "ysizemode": "pixel", "x0": -9, "x1": 9, "y0": -9, "y1": 9}
    line = {"color": PALETTES[theme].accent, "width": 2}
    return {"type": "circle", "xref": "x", "yref": yref, "xanchor": 0, "yanchor": 0, **size, "line": line}


def predicted_limit(table: pd.DataFrame) -> float:
    """Where bars of predicted effects are cut, in per cent, so that one or two do not hide the rest.

    Returns:
      1.4 times the largest effect but MOST_CUT, at least 1 %, when the largest passes twice that; otherwise, and
      for a handful of elements, the largest effect.
    """
    size = np.sort(100.0 * table["single_fraction"].abs().dropna().to_numpy(float))[::-1]
    largest = max(float(size[0]), 0.01) if len(size) else 1.0
    if len(size) <= 2 * MOST_CUT:
        return largest
    limit = max(1.4 * float(size[MOST_CUT]), 1.0)
    return limit if largest > 2 * limit else largest
