"""Small multiples: the single knock-outs of one gene under every model, and what was measured, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.kit import (
    CALLS,
    count_text,
    distance_axis,
    hover_text,
    layout,
    mark_simulated,
    predicted_limit,
    selectable,
    stems,
)
from dashboard.text import percent
from dashboard.theme import PALETTES, Palette, ThemeName, method_colour

ROW_PX, TITLE_PX, TOP_PX, BOTTOM_PX = 44, 17, 4, 40


@dataclass(frozen=True)
class ModelRow:
    """One model's row.

    Attributes:
      model: name of its folder; decides the colour.
      title: how it is called.
      note: behind the title: agreement with the screen, or why there are no bars.
      table: element_id, chrom, start, end, tss_distance_bp, is_own_promoter, single_fraction (NaN = not read: a
        gap); None = no bars.
    """

    model: str
    title: str
    note: str
    table: pd.DataFrame | None


def model_panels_figure(
    rows: Sequence[ModelRow],
    pairs: pd.DataFrame,
    *,
    x_range: tuple[float, float],
    gene_name: str,
    theme: ThemeName = "light",
    is_simulated: bool = False,
) -> go.Figure:
    """A row of bars per model, each with its own range, and the measured effects as the last row.

    Args:
      rows: from top to bottom.
      pairs: tss_distance_bp, effect_fraction, call, chrom, start, end, element_id, pair_id.
      x_range: distances shown.
      gene_name: on the axis.
      theme: light or dark.
      is_simulated: say so on the figure.
    """
    palette = PALETTES[theme]
    n = len(rows) + 1
    height = TOP_PX + n * (ROW_PX + TITLE_PX) + BOTTOM_PX
    figure = go.Figure()
    domains = _domains(n)
    for number, row in enumerate(rows):
        axis = "y" if number == 0 else f"y{number + 1}"
        limit = 1.0 if row.table is None else predicted_limit(row.table)
        if row.table is not None:
            figure.add_traces(_bars(row, axis, limit))
        figure.update_layout({f"yaxis{number + 1}": _axis(domains[number], limit, palette)})
        _title(figure, _title_of(row, limit), domains[number][1], palette)
    size = 100.0 * pairs["effect_fraction"].abs()
    limit = max(float(size.max()) if len(size) else 0.0, 1.0)
    figure.add_traces(_measured(pairs, f"y{n}"))
    figure.update_layout({f"yaxis{n}": _axis(domains[-1], limit, palette)})
    _title(figure, f"<b>Measured</b>  CRISPRi   {count_text(pairs)}", domains[-1][1], palette)
    figure.update_layout(**layout(palette, height=height), margin={"l": 56, "r": 12, "t": TOP_PX, "b": BOTTOM_PX})
    title = {"text": f"distance to the TSS of {gene_name} (0), + = downstream", "standoff": 2, "font": {"size": 11}}
    figure.update_xaxes(**{**distance_axis(x_range, palette), "anchor": f"y{n}" if n > 1 else "y"}, title=title)
    return mark_simulated(figure, is_simulated, y=domains[-1][1])


def _domains(n: int) -> list[tuple[float, float]]:
    """Parts of the height for n rows from top to bottom, each below its title."""
    row = 1.0 / n
    bars = row * ROW_PX / (ROW_PX + TITLE_PX)
    return [(1 - (k + 1) * row, 1 - (k + 1) * row + bars) for k in range(n)]


def _bars(row: ModelRow, axis: str, limit: float) -> list[go.Scatter]:
    """Bars to each known effect, with a dot at their ends: an effect of 0 is a dot, a gap is nothing."""
    assert row.table is not None
    known = row.table[np.isfinite(row.table["single_fraction"].to_numpy(float))]
    colour = method_colour(f"{row.model}.attention")
    x = known["tss_distance_bp"].to_numpy(float)
    y = (100.0 * known["single_fraction"]).clip(-limit, limit).to_numpy(float)
    stem_x, stem_y = stems(x, y)
    text = [hover_text(e, f"{row.title}: knocked out alone {percent(e.single_fraction)}") for e in known.itertuples()]
    line, dot = {"color": colour, "width": 3}, {"color": colour, "size": 4}
    return [
        go.Scatter(x=stem_x, y=stem_y, yaxis=axis, mode="lines", line=line, hoverinfo="skip", name=row.title),
        go.Scatter(x=x, y=y, yaxis=axis, mode="markers", marker=dot, name=row.title, text=text,
                   customdata=known["element_id"], hovertemplate="%{text}<extra></extra>"),
    ]  # fmt: skip


def _measured(pairs: pd.DataFrame, axis: str) -> list[go.Scatter]:
    traces = []
    for call, (title, symbol, colour) in CALLS.items():
        rows = pairs[pairs["call"] == call]
        x, y = rows["tss_distance_bp"].to_numpy(float), 100.0 * rows["effect_fraction"].to_numpy(float)
        if call != "not significant":
            stem_x, stem_y = stems(x, y)
            line = {"color": colour, "width": 2}
            traces.append(
                go.Scatter(x=stem_x, y=stem_y, yaxis=axis, mode="lines", line=line, hoverinfo="skip", name=title)
            )
        text = [hover_text(e, f"CRISPRi {percent(e.effect_fraction)}, {title}") for e in rows.itertuples()]
        marker = {"color": colour, "symbol": symbol, "size": 5 if call == "not significant" else 8}
        traces.append(
            go.Scatter(x=x, y=y, yaxis=axis, mode="markers", marker=marker, name=title, text=text,
                       customdata=selectable(rows), hovertemplate="%{text}<extra></extra>")
        )  # fmt: skip
    return traces


def _title_of(row: ModelRow, limit: float) -> str:
    mark = f"<span style='color:{method_colour(f'{row.model}.attention')}'>■</span> <b>{row.title}</b>  {row.note}"
    if row.table is None:
        return mark
    cut = row.table["single_fraction"][100.0 * row.table["single_fraction"].abs() > limit]
    if not len(cut):
        return mark
    largest = percent(float(cut.iloc[int(cut.abs().argmax())]))
    return f"{mark} · {len(cut)} cut, to {largest}"


def _axis(domain: tuple[float, float], limit: float, palette: Palette) -> dict[str, object]:
    """A symmetric axis of per cent whose two ends are labelled."""
    ends = [-limit, 0.0, limit]
    return {
        "domain": list(domain),
        "range": [-1.15 * limit, 1.15 * limit],
        "tickvals": ends,
        "ticktext": [percent(value / 100) for value in ends],
        "gridcolor": palette.hairline,
        "zeroline": True,
        "zerolinecolor": palette.faint_ink,
        "zerolinewidth": 1,
        "color": palette.faint_ink,
        "tickfont": {"size": 10},
        "fixedrange": True,
        "anchor": "x",
    }


def _title(figure: go.Figure, text: str, y: float, palette: Palette) -> None:
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0, y=y, xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": 11, "color": palette.ink},
    )  # fmt: skip
