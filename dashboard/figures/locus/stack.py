"""The locus figure: bands stacked on one x axis.

`layout.meta` says which band is where and what lies in it, for the browser's side (assets/locus*.js), which moves the
drawing under a fixed frame: labels and ranges at its sides, names of genes, the crosshair, what a click meant.
"""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.locus.band import Band, faded
from dashboard.text import place
from dashboard.theme import PALETTES, Palette

LEFT_PX, RIGHT_PX, TOP_PX, LINE_PX = 150, 10, 38, 13
GAP_PX = 5.0
TITLE_CHARACTERS = 20  # of a line in the left margin
RING_PX = 7  # half width of the outline of a selected mark
FONT = "system-ui, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Frame:
    """What all bands share.

    Attributes:
      chrom, start, end: the view.
      loaded_start, loaded_end: what is drawn, so that panning needs no request.
      assembly: name of the genome build.
      provenance: where the numbers come from; broken into lines of the plot's width.
      width_px: width of the plot on the screen.
      is_simulated: marks the figure.
      bin_bp: bases per bin of binned signal; 0 = none is drawn.
      highlights: start and end of marked places.
      tss: of the chosen gene, or None.
      probes: (P,) where the crosshair stops, bp, sorted.
      marks: id, start and end of what a click can select: `elements`, `pairs` (with `y`, per cent).
      limits: size of the chromosome, narrowest and widest view, bp.
    """

    chrom: str
    start: int
    end: int
    loaded_start: int
    loaded_end: int
    assembly: str
    provenance: str = ""
    width_px: float = 900.0
    is_simulated: bool = False
    bin_bp: int = 0
    highlights: Sequence[tuple[int, int]] = ()
    tss: int | None = None
    probes: np.ndarray | Sequence[float] = ()
    marks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: tuple[int, int, int] = (0, 0, 0)


def locus_figure(bands: Sequence[Band], frame: Frame, *, palette: Palette = PALETTES["light"]) -> go.Figure:
    """Stack bands from top to bottom.

    Returns:
      A figure without a fixed size, whole by itself. `layout.meta` is described in `_meta`.
    """
    return go.Figure(locus_plot(bands, frame, palette=palette))


def locus_plot(
    bands: Sequence[Band], frame: Frame, *, palette: Palette = PALETTES["light"]
) -> dict[str, list[dict[str, Any]] | dict[str, Any]]:
    """`locus_figure` as plain `data` and `layout`: checking what we wrote ourselves costs a third of the making."""
    traces: list[dict[str, Any]] = []
    layout = _layout(frame, palette)
    layout["shapes"] += highlight_shapes(frame.highlights)
    annotations: list[dict[str, Any]] = []
    meta: list[dict[str, Any]] = []
    for number, (band, (low, high)) in enumerate(zip(bands, domains(bands), strict=True)):
        axis = _axis_name(2 * number)
        split = high - band.upper_share * (high - low)
        layout["yaxis" + axis[1:]] = _y_axis(band.y_range, (low, split))
        first = len(traces)
        traces += [{**trace, "xaxis": "x", "yaxis": axis, "showlegend": False} for trace in band.traces]
        last = len(traces)
        if band.upper:
            upper = _axis_name(2 * number + 1)
            layout["yaxis" + upper[1:]] = _y_axis((0.0, 1.06), (split, high))
            traces += [{**trace, "xaxis": "x", "yaxis": upper, "showlegend": False} for trace in band.upper]
        meta.append(_band_meta(band, axis, (low, split, high), range(first, last), range(last, len(traces))))
        annotations += _texts(band, low, high, palette)
        layout["shapes"] += _lines(band, low, high, axis, palette)
    layout["annotations"] = annotations + _frame_texts(frame, palette)
    layout["meta"] = _meta(bands, frame, meta)
    return {"data": traces, "layout": layout}


def packed(value: Any) -> Any:
    """Plain JSON as plotly reads it: an array of numbers as its bytes in base64, which is short and quick."""
    if isinstance(value, dict):
        return {name: packed(part) for name, part in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        small = value.astype(np.int32) if value.dtype.kind in "iu" and value.dtype.itemsize == 8 else value
        return {"dtype": small.dtype.str[1:], "bdata": base64.b64encode(small.tobytes()).decode()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [packed(part) for part in value] if isinstance(value, (list, tuple)) else value


def _band_meta(
    band: Band, axis: str, edges: tuple[float, float, float], traces: range, upper: range
) -> dict[str, Any]:
    """One band for the browser.

    Its id, title, unit, colour, note, foot and badge; `axis` and the paper y `from`, `split` (where the second axis
    begins) and `to`; the numbers of its `traces` and of those of the second axis, `upper`; what its range follows.
    """
    words, index = np.unique(np.asarray(band.says, dtype=object).astype(str), return_inverse=True)
    middle, counted, says = band.links or ((), (), "")
    return {
        "id": band.id,
        "title": band.title,
        "unit": band.unit,
        "colour": band.colour,
        "note": band.note,
        "foot": band.foot,
        "badge": band.badge,
        "axis": "yaxis" + axis[1:],
        "range": list(band.y_range),
        "from": edges[0],
        "split": edges[1],
        "to": edges[2],
        "group": band.group,
        "scale": band.scale,
        "unitOfRange": band.range_unit,
        "leftOut": list(band.left_out) if band.left_out else None,
        "links": {"x": np.asarray(middle, np.int32), "counted": np.asarray(counted, np.uint8), "says": says}
        if band.links
        else None,
        "traces": list(traces),
        "upper": list(upper),
        "words": words.tolist(),
        "says": index.astype(np.uint16 if len(words) < 65_536 else np.int32),
    }


def _meta(bands: Sequence[Band], frame: Frame, meta: list[dict[str, Any]]) -> dict[str, Any]:
    """What the browser knows of the whole figure: place, what is loaded, limits, gene names, what can be chosen."""
    size_bp, least_bp, most_bp = frame.limits
    return {
        "bands": meta,
        "chrom": frame.chrom,
        "view": [frame.start, frame.end],
        "loaded": [frame.loaded_start, frame.loaded_end],
        "size": size_bp,
        "least": least_bp,
        "most": most_bp,
        "tss": frame.tss,
        "caption": caption(frame),
        "isSimulated": frame.is_simulated,
        "top": TOP_PX,
        "height": round(natural_height(bands) + TOP_PX + 4),
        "probes": np.asarray(frame.probes, np.int32),
        "marks": dict(frame.marks),
        "names": next((band.names for band in bands if band.names is not None), None),
    }


def caption(frame: Frame) -> str:
    """What the x axis is: chromosome, assembly, and how signal was binned."""
    unit = f"{frame.chrom} · {frame.assembly}"
    return unit + f" · signal in bins of {frame.bin_bp:,} bp" if frame.bin_bp else unit


def domains(bands: Sequence[Band]) -> list[tuple[float, float]]:
    """(from, to) of each band in paper coordinates: 1 at the top; the heights share what the gaps leave."""
    total = max(natural_height(bands), 1.0)
    gap = GAP_PX / total
    places = []
    top = 1.0
    for band in bands:
        bottom = top - band.height / total
        places.append((max(0.0, round(bottom, 5)), round(top, 5)))
        top = bottom - gap
    return places


def provenance_lines(frame: Frame) -> list[str]:
    """The line of provenance, broken to the plot's width."""
    text = frame.provenance or place(frame.chrom, frame.start, frame.end)
    return textwrap.wrap(text, max(40, int(frame.width_px / 4.9)))


def bottom_px(frame: Frame) -> int:
    """Height of the margin under the bands."""
    return 7 + LINE_PX * len(provenance_lines(frame))


def natural_height(bands: Sequence[Band]) -> float:
    """Px that the bands ask for, with the gaps between them."""
    return sum(band.height for band in bands) + GAP_PX * max(len(bands) - 1, 0)


def selection_shapes(
    place: tuple[int, int], *, mark: tuple[float, float] | None = None, axis: str = "y", palette: Palette
) -> list[dict[str, Any]]:
    """What marks a selected element or tested place in a file: its stretch, its middle, the outline of its mark.

    Args:
      place: start and end.
      mark: position and per cent of the selected pair's mark in the CRISPRi band.
      axis: the y axis of that band.
    """
    start, end = place
    look: dict[str, Any] = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "name": "selected"}
    fill = {"fillcolor": palette.accent, "opacity": 0.25, "line": {"width": 0}}
    middle = (start + end) / 2
    line = {"color": palette.accent, "width": 1, "dash": "dot"}
    shapes = [
        {**look, **fill, "type": "rect", "x0": start, "x1": end},
        {**look, "type": "line", "x0": middle, "x1": middle, "line": line},
    ]
    if mark is None:
        return shapes
    ring = {
        "type": "circle", "xref": "x", "yref": axis, "xsizemode": "pixel", "ysizemode": "pixel", "xanchor": mark[0],
        "yanchor": mark[1], "x0": -RING_PX, "x1": RING_PX, "y0": -RING_PX, "y1": RING_PX, "layer": "above",
        "name": "mark", "line": {"color": palette.accent, "width": 2},
    }  # fmt: skip
    return [*shapes, ring]


def highlight_shapes(highlights: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Marked places as tinted stretches through all bands."""
    look = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "name": "highlight"}
    fill = {"fillcolor": "#E69F00", "opacity": 0.16, "line": {"width": 0}}
    return [{**look, **fill, "x0": start, "x1": end} for start, end in highlights]


def _axis_name(number: int) -> str:
    return "y" if number == 0 else f"y{number + 1}"


def _layout(frame: Frame, palette: Palette) -> dict[str, Any]:
    shapes = []
    if frame.tss is not None:
        line = {"color": palette.accent, "width": 0.8, "dash": "solid"}
        shapes.append(
            {"type": "line", "xref": "x", "yref": "paper", "x0": frame.tss, "x1": frame.tss, "y0": 0, "y1": 1,
             "line": line, "opacity": 0.35, "layer": "below", "name": "tss"}
        )  # fmt: skip
    return {
        "autosize": True,
        "margin": {"l": LEFT_PX, "r": RIGHT_PX, "t": TOP_PX, "b": bottom_px(frame), "autoexpand": False},
        "font": {"family": FONT, "size": 11, "color": palette.ink},
        "paper_bgcolor": palette.background,
        "plot_bgcolor": palette.background,
        "hovermode": False,
        "showlegend": False,
        "xaxis": {
            "range": [frame.start, frame.end],
            "side": "top",
            "anchor": "free",
            "position": 1.0,
            "title": {"text": caption(frame), "font": {"size": 11, "color": palette.faint_ink}, "standoff": 4},
            "tickformat": ".9~s",
            "ticksuffix": "b",
            "tickfont": {"size": 10, "color": palette.faint_ink},
            "nticks": 8,
            "gridcolor": palette.hairline,
            "gridwidth": 0.7,
            "zeroline": False,
        },
        "shapes": shapes,
    }  # fmt: skip


def _y_axis(y_range: tuple[float, float], domain: tuple[float, float]) -> dict[str, Any]:
    return {
        "range": list(y_range),
        "domain": list(domain),
        "anchor": "x",
        "fixedrange": True,
        "visible": False,
        "showgrid": False,
        "zeroline": False,
    }


def _texts(band: Band, low: float, high: float, palette: Palette) -> list[dict[str, Any]]:
    """The label in the left margin, the range or count at the right (second of the list), and what else is said."""
    colour = band.colour or palette.ink
    is_flat = band.height < 26
    unit = f"<span style='font-size:9px;color:{palette.faint_ink}'>{band.unit}</span>"
    title = "<br>".join(textwrap.wrap(band.title, TITLE_CHARACTERS)) if not is_flat else band.title
    label = f"<b style='color:{colour}'>{title}</b>{'  ' if is_flat else '<br>'}{unit}"
    faint = {"size": 9, "color": palette.faint_ink}
    at_right = {"xref": "paper", "yref": "paper", "x": 1, "xanchor": "right", "showarrow": False, "font": faint,
                "align": "right", "bgcolor": faded(palette.background, 0.7), "borderpad": 0}  # fmt: skip
    left = {"xref": "paper", "yref": "paper", "x": 0, "xanchor": "left", "xshift": 8 - LEFT_PX, "showarrow": False,
            "align": "left", "font": {"size": 11}}  # fmt: skip
    top = {"y": (low + high) / 2, "yanchor": "middle"} if is_flat else {"y": high, "yanchor": "top"}
    texts = [
        {**left, **top, "text": label},
        {**at_right, "y": high, "yanchor": "top", "text": band.note, "name": "note"},
        {**at_right, "y": low, "yanchor": "bottom", "text": band.foot, "name": "foot"},
    ]
    if band.badge:
        badge = {"size": 10, "color": palette.ink}
        texts.append(
            {"xref": "paper", "yref": "paper", "x": 0.5, "y": (low + high) / 2, "showarrow": False,
             "text": band.badge, "font": badge, "bgcolor": palette.band, "bordercolor": palette.hairline,
             "borderpad": 2, "name": "badge"}
        )  # fmt: skip
    return [text for index, text in enumerate(texts) if text["text"] or index == 1]


def _lines(band: Band, low: float, high: float, axis: str, palette: Palette) -> list[dict[str, Any]]:
    """The hairline under a band, and its zero line."""
    lines = [{"yref": "paper", "y0": low, "y1": low}]
    if band.has_zero_line:
        lines.append({"yref": axis, "y0": 0, "y1": 0})
    return [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, **line, "layer": "below",
         "line": {"color": palette.hairline if number == 0 else palette.faint_ink, "width": 0.8}}
        for number, line in enumerate(lines)
    ]  # fmt: skip


def _frame_texts(frame: Frame, palette: Palette) -> list[dict[str, Any]]:
    text = {"xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 9, "color": palette.faint_ink}}
    texts = [
        {**text, "x": 0, "y": 0, "xanchor": "left", "yanchor": "top", "yshift": -4, "name": "provenance",
         "align": "left", "text": "<br>".join(provenance_lines(frame))}
    ]  # fmt: skip
    if frame.is_simulated:
        texts.append(
            {**text, "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "xshift": 8 - LEFT_PX, "yshift": 8,
             "text": "<b>simulated data</b>", "font": {"size": 11, "color": "#B26A00"}, "name": "simulated"}
        )  # fmt: skip
    return texts
