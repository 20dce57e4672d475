"""Figures of the knock-out page: predicted effects above measured ones, their scatter, and attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    panel_title,
    predicted_limit,
    selectable,
    stems,
)
from dashboard.text import number, percent, strength
from dashboard.theme import DECREASE, INCREASE, PALETTES, Palette, ThemeName

ATTENTION_PX = 170  # of the column beside the page
TOP_ELEMENTS = 12  # predicted effects that the first view must hold, beside every tested place


def effects_figure(
    table: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    gene_name: str,
    strengths: Mapping[str, float] | None = None,
    limits: tuple[float, float] | None = None,
    theme: ThemeName = "light",
    is_simulated: bool = False,
) -> go.Figure:
    """Predicted single knock-outs above, measured CRISPRi effects below, on one axis of distance to the TSS.

    Args:
      table: element_id, chrom, start, end, tss_distance_bp, is_own_promoter, single_fraction.
      pairs: tss_distance_bp, effect_fraction, call, chrom, start, end, power_at_25, pair_id, element_id.
      gene_name: on the axis.
      strengths: element id -> strength of what is changed now; marked on the zero line.
      limits: distances that a view never leaves; None = anywhere.
      theme: light or dark.
      is_simulated: say so on the figure.
    """
    palette = PALETTES[theme]
    limit = predicted_limit(table)
    figure = go.Figure(_predicted(table, "decrease", limit) + _predicted(table, "increase", limit))
    figure.add_traces(_changed(table, strengths or {}, palette))
    for call in CALLS:
        figure.add_traces(_measured(pairs, call))
    low, high = np.clip(first_range(table, pairs), *(limits or (-np.inf, np.inf)))
    figure.update_layout(**layout(palette, height=None), margin={"l": 56, "r": 12, "t": 22, "b": 42})
    title = {"text": f"distance to the TSS of {gene_name} (0), + = downstream", "standoff": 2, "font": {"size": 11}}
    ends = {"minallowed": limits[0], "maxallowed": limits[1]} if limits else {}
    figure.update_xaxes(**distance_axis((low, high), palette), **ends, title=title)
    for name, domain, values in (
        ("yaxis", [0.54, 1.0], table["single_fraction"].clip(-limit / 100, limit / 100)),
        ("yaxis2", [0.0, 0.42], pairs["effect_fraction"]),
    ):
        figure.update_layout({name: _percent_axis(values, domain, palette)})
    _name_cut_bars(figure, table, limit, palette, x_range=(low, high))
    panel_title(figure, "<b>Predicted</b>  each element knocked out alone, %", 1.0, palette)
    panel_title(figure, f"<b>Measured</b>  CRISPRi, %   {count_text(pairs)}", 0.42, palette)
    return mark_simulated(figure, is_simulated)


def first_range(table: pd.DataFrame, pairs: pd.DataFrame) -> tuple[float, float]:
    """Distances that hold every tested place and the strongest predictions, with the TSS inside."""
    strongest = table.reindex(table["single_fraction"].abs().sort_values(ascending=False).index).head(TOP_ELEMENTS)
    inside = table["tss_distance_bp"].min(), table["tss_distance_bp"].max()
    tested = pairs["tss_distance_bp"]
    tested = tested[tested.between(*inside)]
    places = np.r_[strongest["tss_distance_bp"].to_numpy(float), tested.to_numpy(float), 0.0]
    low, high = float(places.min()), float(places.max())
    edge = max(0.04 * (high - low), 2_000.0)
    return low - edge, high + edge


def _predicted(table: pd.DataFrame, call: str, limit: float) -> list[go.Scatter]:
    values = 100.0 * table["single_fraction"]
    is_it = (values < 0) if call == "decrease" else (values > 0)
    rows, colour = table[is_it], DECREASE if call == "decrease" else INCREASE
    x, y = rows["tss_distance_bp"].to_numpy(float), values[is_it].clip(-limit, limit).to_numpy(float)
    stem_x, stem_y = stems(x, y)
    name = f"predicted {call}"
    hover = [hover_text(row, f"knocked out alone {percent(row.single_fraction)}") for row in rows.itertuples()]
    line, bare = {"color": colour, "width": 4}, {"opacity": 0.0, "size": 8, "color": colour}
    return [
        go.Scatter(x=stem_x, y=stem_y, mode="lines", line=line, hoverinfo="skip", name=name),
        go.Scatter(x=x, y=y, mode="markers", name=f"{name}: ends", customdata=rows["element_id"], text=hover,
                   marker=bare, hovertemplate="%{text}<extra></extra>"),
    ]  # fmt: skip


def _name_cut_bars(
    figure: go.Figure, table: pd.DataFrame, limit: float, palette: Palette, *, x_range: tuple[float, float]
) -> None:
    """The values of the bars that are cut, beside them where there is more room."""
    cut = table[100.0 * table["single_fraction"].abs() > limit]
    cut = cut.reindex(cut["single_fraction"].abs().sort_values(ascending=False).index)
    if not len(cut):
        return
    values = [percent(row.single_fraction) + " (own promoter)" * row.is_own_promoter for row in cut.itertuples()]
    y = float(np.clip(100.0 * cut["single_fraction"].iloc[0], -limit, limit))
    place_bp = cut["tss_distance_bp"]
    is_left = abs(x_range[1] - place_bp.max()) > abs(place_bp.min() - x_range[0])  # more room at the right
    x, anchor, shift = (place_bp.max(), "left", 8) if is_left else (place_bp.min(), "right", -8)
    text = f"{len(cut)} bar{'s' if len(cut) > 1 else ''} cut: {', '.join(values)}"
    font = {"size": 11, "color": palette.ink}
    given = {"xanchor": anchor, "xshift": shift, "font": font, "bgcolor": palette.background}  # a bar may lie behind
    figure.add_annotation(x=float(x), y=y, text=text, showarrow=False, **given)


def changed_marks(table: pd.DataFrame, strengths: Mapping[str, float]) -> dict[str, object]:
    """Parts of the trace that marks what is changed now: a cross where an element is out, a ring where weakened."""
    rows = table[table["element_id"].isin(list(strengths))]
    value = [float(strengths[element]) for element in rows["element_id"]]
    symbols = ["x-thin" if left == 0.0 else "circle-open" for left in value]
    text = [
        hover_text(row, f"strength {strength(left)} now") for row, left in zip(rows.itertuples(), value, strict=True)
    ]
    return {
        "x": [float(x) for x in rows["tss_distance_bp"]], "y": [0.0] * len(rows), "text": text,
        "customdata": list(rows["element_id"]), "symbol": symbols,
    }  # fmt: skip


def _changed(table: pd.DataFrame, strengths: Mapping[str, float], palette: Palette) -> list[go.Scatter]:
    marks = changed_marks(table, strengths)
    line = {"width": 2, "color": palette.ink}
    marker = {"size": 9, "color": palette.ink, "symbol": marks.pop("symbol"), "line": line}
    hover = "%{text}<extra></extra>"
    return [go.Scatter(**marks, mode="markers", marker=marker, hovertemplate=hover, name="changed now")]


def _measured(pairs: pd.DataFrame, call: str) -> list[go.Scatter]:
    rows = pairs[pairs["call"] == call]
    title, symbol, colour = CALLS[call]
    x, y = rows["tss_distance_bp"].to_numpy(float), 100.0 * rows["effect_fraction"].to_numpy(float)
    stem_x, stem_y = stems(x, y)
    hover = [
        hover_text(row, f"CRISPRi {percent(row.effect_fraction)}, {title}", _power(row.power_at_25))
        for row in rows.itertuples()
    ]
    marks = go.Scatter(
        x=x, y=y, yaxis="y2", mode="markers", name=title, customdata=selectable(rows), text=hover,
        marker={"color": colour, "size": 6 if call == "not significant" else 9, "symbol": symbol},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    if call == "not significant":
        return [marks]
    line = {"color": colour, "width": 2}
    lines = go.Scatter(x=stem_x, y=stem_y, yaxis="y2", mode="lines", line=line, hoverinfo="skip", name=title)
    return [lines, marks]


def _power(value: float) -> str:
    return f"power to see 25 %: {number(value)}" if np.isfinite(value) else "power not known"


def _percent_axis(fractions: pd.Series, domain: list[float], palette: Palette) -> dict[str, object]:
    values = 100.0 * fractions[np.isfinite(fractions)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (-1.0, 1.0)
    low, high = min(low, 0.0), max(high, 0.0)
    edge = max(0.12 * (high - low), 0.5)
    return {
        "domain": domain,
        "range": [low - edge, high + edge],
        "ticksuffix": " %",
        "nticks": 5,
        "gridcolor": palette.hairline,
        "zeroline": True,
        "zerolinecolor": palette.faint_ink,
        "zerolinewidth": 1,
        "color": palette.faint_ink,
        "tickfont": {"size": 11},
        "fixedrange": True,
        "anchor": "x",
    }


def attention_change(table: pd.DataFrame, after: np.ndarray) -> dict[str, Any]:
    """Parts of `attention_figure` that a change moves: values after, and stems of the difference, less and more."""
    x, difference = table["tss_distance_bp"].to_numpy(float), after - table["attention"].to_numpy(float)
    after = np.where(np.isnan(difference), np.nan, after)  # what the model does not read has no attention
    parts: dict[str, Any] = {"after": [None if np.isnan(value) else float(value) for value in after]}
    for name, is_it in (("less", difference < 0), ("more", difference > 0)):
        stem_x, stem_y = stems(x[is_it], difference[is_it])
        parts[name] = {
            "x": [None if np.isnan(value) else float(value) for value in stem_x],
            "y": [None if np.isnan(value) else float(value) for value in stem_y],
        }
    return parts


def attention_figure(
    table: pd.DataFrame,
    after: np.ndarray,
    *,
    x_range: tuple[float, float],
    theme: ThemeName = "light",
    is_simulated: bool = False,
) -> go.Figure:
    """A gene's attention to each element, before and after the change, and the difference below.

    Args:
      table: tss_distance_bp, attention (before), element_id and place, E rows.
      after: (E,) attention with the change in place.
      x_range: the distances shown, those of `effects_figure`.
      theme: light or dark.
      is_simulated: say so on the figure.
    """
    palette = PALETTES[theme]
    x, before = table["tss_distance_bp"].to_numpy(float), table["attention"].to_numpy(float)
    change = attention_change(table, after)
    figure = go.Figure()
    text = [hover_text(row) for row in table.itertuples()]
    for name, y, marker in (
        ("before", before, {"symbol": "circle-open", "size": 6, "color": palette.faint_ink}),
        ("after", change["after"], {"size": 4, "color": palette.accent}),
    ):
        hover = "%{text}<br>attention " + name + " %{y:.3g}<extra></extra>"
        marks = {"mode": "markers", "customdata": table["element_id"], "text": text, "hovertemplate": hover}
        figure.add_trace(go.Scatter(x=x, y=y, name=name, marker=marker, **marks))
    for name, colour in (("less", DECREASE), ("more", INCREASE)):
        line = {"color": colour, "width": 2}
        figure.add_trace(go.Scatter(**change[name], yaxis="y2", mode="lines", line=line, hoverinfo="skip", name=name))
    # Without a point the axis of the difference would have a range of its own making.
    rest = {"x": list(x_range), "y": [0.0, 0.0], "yaxis": "y2", "mode": "lines", "hoverinfo": "skip", "name": "none"}
    figure.add_trace(go.Scatter(**rest, line={"color": palette.faint_ink, "width": 1}))
    figure.update_layout(**layout(palette, height=ATTENTION_PX), margin={"l": 46, "r": 8, "t": 18, "b": 22})
    axis = {"nticks": 3, "gridcolor": palette.hairline, "color": palette.faint_ink, "tickfont": {"size": 10},
            "zerolinecolor": palette.faint_ink, "zeroline": True, "fixedrange": True, "anchor": "x"}  # fmt: skip
    least = {"autorangeoptions": {"include": [-0.001, 0.001]}}  # nothing changed is a flat line at 0
    figure.update_layout(
        yaxis={**axis, "domain": [0.52, 1], "rangemode": "tozero"}, yaxis2={**axis, **least, "domain": [0, 0.38]}
    )
    figure.update_xaxes(**distance_axis(x_range, palette), nticks=5)
    panel_title(figure, "○ before  <b>•</b> after", 1.0, palette)
    panel_title(figure, "after − before", 0.38, palette)
    return mark_simulated(figure, is_simulated)
