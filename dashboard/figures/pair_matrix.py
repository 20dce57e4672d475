"""The matrix of pairs of elements: what two do together beyond the sum of each alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.kit import layout, mark_simulated
from dashboard.text import log2, offset, percent
from dashboard.theme import PALETTES, ThemeName

LIMIT_LOG2 = 0.25  # of the colours, the same for every gene and model; stronger ones are as dark, and printed
SCALE = [[0.0, "#2166AC"], [0.25, "#92C5DE"], [0.5, "#FFFFFF"], [0.75, "#F4A582"], [1.0, "#B2182B"]]


def pair_matrix(
    pairs: pd.DataFrame, table: pd.DataFrame, *, theme: ThemeName = "light", is_simulated: bool = False
) -> go.Figure:
    """Interaction of every pair, blue below 0 and red above, with the combined effect as a number.

    Args:
      pairs: element_id, other_id, log2_fold_change, expected_log2, interaction_log2; NaN = no data, an empty cell.
      table: element_id, tss_distance_bp, element_class, single_log2 of the elements paired, in place order.
      theme: light or dark.
      is_simulated: say so on the figure.
    """
    palette = PALETTES[theme]
    ids, n = list(table["element_id"]), len(table)
    at = {element: row for row, element in enumerate(ids)}
    names = names_of(table)
    value, text, hover = (np.full((n, n), fill, object) for fill in (np.nan, "", ""))
    for pair in pairs.itertuples():
        for i, j in ((at[pair.element_id], at[pair.other_id]), (at[pair.other_id], at[pair.element_id])):
            value[i, j] = pair.interaction_log2
            text[i, j] = log2(pair.log2_fold_change)
            hover[i, j] = _hover(pair, names[i], names[j])
    for row, single in enumerate(table["single_log2"]):
        text[row, row] = log2(single)
        hover[row, row] = f"{names[row]}<br>alone {_both(single)}"
    cells = go.Heatmap(
        z=value.astype(float), x=list(range(n)), y=list(range(n)), text=text, customdata=hover, xgap=2, ygap=2,
        zmin=-LIMIT_LOG2, zmax=LIMIT_LOG2, zmid=0, colorscale=SCALE, hoverongaps=True,
        hovertemplate="%{customdata}<extra></extra>", colorbar=_bar(palette.faint_ink),
    )  # fmt: skip
    figure = go.Figure(cells)
    figure.update_layout(annotations=_numbers(value, text, palette.ink))
    figure.update_layout(**layout(palette, height=74 + 24 * n), margin={"l": 150, "r": 12, "t": 20, "b": 54})
    figure.update_layout(plot_bgcolor=palette.band)
    axis = {"tickvals": list(range(n)), "showgrid": False, "zeroline": False, "color": palette.faint_ink,
            "tickfont": {"size": 10}, "fixedrange": True}  # fmt: skip
    figure.update_xaxes(**axis, ticktext=[offset(bp) for bp in table["tss_distance_bp"]], tickangle=-35)
    figure.update_yaxes(**axis, ticktext=names, autorange="reversed")
    return mark_simulated(figure, is_simulated)


def names_of(table: pd.DataFrame) -> list[str]:
    """Class and distance, as the sliders call an element."""
    return [f"{row.element_class} {offset(row.tss_distance_bp)}" for row in table.itertuples()]


def _numbers(value: np.ndarray, text: np.ndarray, ink: str) -> list[dict[str, object]]:
    """The combined effect in each cell, and on the diagonal the single one; white where the cell is dark."""
    n, found = len(value), []
    for i in range(n):
        for j in range(n):
            size = abs(float(value[i, j]))
            colour = ink if i == j or np.isnan(size) else "#FFFFFF" if size > 0.75 * LIMIT_LOG2 else "#12263A"
            shown = f"<i>{text[i, j]}</i>" if i == j else text[i, j]
            found.append({"x": j, "y": i, "text": shown, "showarrow": False, "font": {"size": 10, "color": colour}})
    return found


def _bar(ink: str) -> dict[str, object]:
    ends = [-LIMIT_LOG2, 0.0, LIMIT_LOG2]
    title = {"text": "interaction, log2", "side": "right", "font": {"size": 11}}
    return {"thickness": 10, "tickvals": ends, "ticktext": [f"≤ {log2(ends[0])}", "0", f"≥ {log2(ends[2])}"],
            "title": title, "tickfont": {"size": 10, "color": ink}}  # fmt: skip


def _hover(pair: object, one: str, other: str) -> str:
    together, expected = pair.log2_fold_change, pair.expected_log2  # type: ignore[attr-defined]
    lines = [f"{one} and {other}", f"together {_both(together)}", f"expected {_both(expected)}"]
    return "<br>".join([*lines, f"interaction {log2(pair.interaction_log2)} log2"])  # type: ignore[attr-defined]


def _both(value: float) -> str:
    return f"{percent(float(np.exp2(value)) - 1)} (log2 FC {log2(value)})"
