"""Predicted against measured effects: the pairs of one gene, or of all genes with that one marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.kit import CALLS, hover_text, layout, mark_simulated, selectable
from dashboard.text import percent
from dashboard.theme import PALETTES, ThemeName

AGREEMENT_PX = 220  # of the column beside the page
DENSE = 600  # points; more are drawn smaller and see-through


def agreement_figure(
    pairs: pd.DataFrame, *, gene_name: str = "", theme: ThemeName = "light", is_simulated: bool = False
) -> go.Figure:
    """Predicted against measured effect of pairs, with the line of identity; each axis has its own range.

    Args:
      pairs: effect_fraction, predicted_fraction (NaN = no element there, not drawn), call, element_id, pair_id,
        place, tss_distance_bp; of several genes also gene_name.
      gene_name: of several genes, the one whose pairs stand out; `` = all are of one gene.
      theme: light or dark.
      is_simulated: say so on the figure.
    """
    palette = PALETTES[theme]
    both = pairs[np.isfinite(pairs["predicted_fraction"].astype(float))] if len(pairs) else pairs
    own = both[both["gene_name"] == gene_name] if gene_name else both
    figure = go.Figure()
    measured, predicted = (_limits(both[name]) for name in ("effect_fraction", "predicted_fraction"))
    same = [max(measured[0], predicted[0]), min(measured[1], predicted[1])]
    line = {"color": palette.faint_ink, "width": 1, "dash": "dot"}
    figure.add_trace(go.Scatter(x=same, y=same, mode="lines", line=line, hoverinfo="skip", name="identity"))
    if gene_name:
        rest = both[both["gene_name"] != gene_name]
        figure.add_traces([_cloud(rest[rest["call"] == call], call, len(rest)) for call in _ORDER])
    for call in _ORDER:
        figure.add_trace(_scatter(own[own["call"] == call], call, outline=palette.ink if gene_name else ""))
    figure.update_layout(**layout(palette, height=AGREEMENT_PX), margin={"l": 46, "r": 8, "t": 18, "b": 38})
    axis = {
        "ticksuffix": " %", "nticks": 5, "gridcolor": palette.hairline, "zeroline": True,
        "zerolinecolor": palette.hairline, "color": palette.faint_ink, "tickfont": {"size": 10},
    }  # fmt: skip
    figure.update_xaxes(
        **axis, range=measured, title={"text": "measured, CRISPRi", "standoff": 4, "font": {"size": 11}}
    )
    figure.update_yaxes(
        **axis, range=predicted, title={"text": "predicted, knocked out", "standoff": 2, "font": {"size": 11}}
    )
    return mark_simulated(figure, is_simulated)


_ORDER = ("not significant", "increase", "decrease")


def _limits(fractions: pd.Series) -> list[float]:
    values = np.append(100.0 * fractions.to_numpy(float), 0.0)
    edge = 0.1 * max(float(np.ptp(values)), 1.0)
    return [float(values.min()) - edge, float(values.max()) + edge]


def _cloud(rows: pd.DataFrame, call: str, n: int) -> go.Scatter:
    """Pairs of other genes: small and see-through, so that many on one spot are darker than one."""
    title, symbol, colour = CALLS[call]
    size, opacity = (3, 0.35) if n > DENSE else (5, 0.6)
    size, opacity = (size, opacity) if call == "not significant" else (size + 2, 0.6)
    hover = "%{text}: measured %{x:.3g} %, predicted %{y:.3g} %, " + title + "<extra></extra>"
    return go.Scatter(
        x=_per_cent(rows["effect_fraction"]), y=_per_cent(rows["predicted_fraction"]), mode="markers",
        name=f"{title}, other genes", text=rows["gene_name"], hovertemplate=hover,
        marker={"color": colour, "symbol": symbol, "size": size, "opacity": opacity},
    )  # fmt: skip


def _per_cent(fractions: pd.Series) -> np.ndarray:
    """As plotly sends them in few bytes."""
    return 100.0 * fractions.to_numpy(np.float32)


def _scatter(rows: pd.DataFrame, call: str, *, outline: str = "") -> go.Scatter:
    title, symbol, colour = CALLS[call]
    text = [
        hover_text(row, f"measured {percent(row.effect_fraction)}", f"predicted {percent(row.predicted_fraction)}")
        + f"<br>{title}"
        for row in rows.itertuples()
    ]
    edge = {"line": {"color": outline, "width": 1}} if outline else {}
    return go.Scatter(
        x=100.0 * rows["effect_fraction"], y=100.0 * rows["predicted_fraction"], mode="markers", name=title,
        customdata=selectable(rows), text=text, hovertemplate="%{text}<extra></extra>",
        marker={"color": colour, "symbol": symbol, "size": 6 if call == "not significant" else 9, **edge},
    )  # fmt: skip
