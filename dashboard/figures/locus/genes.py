"""The band of genes: bodies, exons, TSS and names in stacked rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.figures.locus.band import Band, Trace, boxes, filled, items_at, texts_at
from dashboard.text import distance
from dashboard.theme import Palette

ROW_PX = 15.0
LEAST_PX = 36.0  # room for the label in the margin
FEWEST_ROWS = 3
MOST_ROWS = 4  # of names; below them one row for genes that found no room
CHARACTER_PX = 6.3  # at the font size of the names, a little generous
GAP_PX = 8.0
_PLAIN = "#93A1B3"


@dataclass(frozen=True)
class Layout:
    """Where each gene is drawn.

    Attributes:
      row: (N,) int64 row from the top.
      name_left, name_right: (N,) bp taken by the name; NaN = the name is hidden.
      is_named: (N,) bool.
    """

    row: np.ndarray
    name_left: np.ndarray
    name_right: np.ndarray

    @property
    def is_named(self) -> np.ndarray:
        """(N,) bool: whether the name is drawn."""
        return ~np.isnan(self.name_left)


def gene_band(
    genes: pd.DataFrame,
    exons: pd.DataFrame,
    *,
    chosen: str,
    start: int,
    end: int,
    width_px: float,
    probes: np.ndarray,
    palette: Palette,
) -> Band:
    """Genes of the loaded window.

    Args:
      genes: chrom, start, end, gene_name, strand, tss, is_modelled.
      exons: start, end.
      chosen: name of the chosen gene, drawn bold.
      start, end: the view, bp; names keep inside it.
      width_px: width of the view on the screen.
    """
    layout = lay_out(genes, chosen=chosen, start=start, end=end, width_px=width_px)
    n_rows = int(layout.row.max()) + 1 if len(genes) else 1
    y = n_rows - 0.5 - layout.row
    is_chosen = (genes["gene_name"] == chosen).to_numpy()
    traces: list[Trace] = []
    for part, colour in ((~is_chosen, _PLAIN), (is_chosen, palette.accent)):
        traces.append(filled(boxes(genes["start"][part], genes["end"][part], y[part] - 0.05, y[part] + 0.05), colour))
        traces.append(filled(_exon_boxes(genes[part], exons, y[part]), colour))
        traces += _tss_marks(genes[part], y[part], colour)
    traces.append(_names(genes, layout, y, chosen, palette))
    in_view = (genes["end"] > start) & (genes["start"] < end)
    hidden = int((in_view.to_numpy() & ~layout.is_named).sum())
    return Band(
        "genes",
        "Genes",
        f"{hidden} name{'s' * (hidden > 1)} hidden" if hidden else "arrow: TSS and strand",
        max(ROW_PX * n_rows, LEAST_PX),
        traces,
        (0.0, float(n_rows)),
        badge="" if len(genes) else "no gene in this window",
        says=_says(genes, probes),
        names=_named(genes, layout, chosen),
    )


def lay_out(genes: pd.DataFrame, *, chosen: str, start: int, end: int, width_px: float) -> Layout:
    """Rows and places of names: the chosen gene first, then modelled genes, then long ones.

    A name stands right of its gene, or left where the view ends; a gene that fills the view has it in the middle.
    In a row nothing overlaps: a gene whose name has no room is drawn without it; one without any room lies in a row
    below the others, which holds no names.
    """
    n = len(genes)
    row = np.full(n, -1, np.int64)
    left, right = np.full(n, np.nan), np.full(n, np.nan)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_ROWS)]
    bp_per_px = (end - start) / width_px
    places = list(zip(genes["start"], genes["end"], genes["gene_name"], strict=True))
    is_inside = ((genes["end"] > start) & (genes["start"] < end)).to_numpy()
    order = _order(genes, chosen)
    for item in [*order[is_inside[order]], *order[~is_inside[order]]]:
        n_rows = MOST_ROWS if is_inside[item] else max(FEWEST_ROWS, int(row[is_inside].max(initial=0)) + 1)
        body = (float(places[item][0]), float(places[item][1]))
        name = _name_place(body, str(places[item][2]), start, end, bp_per_px)
        both = (min(body[0], name[0]), max(body[1], name[1]))
        for wanted, is_name in ((both, True), (body, False)):
            rooms = enumerate(taken[:n_rows])
            free = next((r for r, others in rooms if _has_room(wanted, others, GAP_PX * bp_per_px)), None)
            if free is not None:
                taken[free].append(wanted)
                row[item] = free
                if is_name:
                    left[item], right[item] = name
                break
    # Without room: a row below the names for what is in the view, the last row for what is not.
    last = int(row[is_inside].max(initial=-1))
    row[is_inside & (row < 0)] = last + 1
    row[~is_inside & (row < 0)] = max(last, 0)
    return Layout(row, left, right)


def _order(genes: pd.DataFrame, chosen: str) -> np.ndarray:
    keys = (genes["start"] - genes["end"], ~genes["is_modelled"].astype(bool), genes["gene_name"] != chosen)
    return np.lexsort([np.asarray(key) for key in keys])


def _name_place(body: tuple[float, float], name: str, start: int, end: int, bp_per_px: float) -> tuple[float, float]:
    width = (len(name) + 2) * CHARACTER_PX * bp_per_px
    gap = 5.0 * bp_per_px
    at_left, at_right = (body[0] - gap - width, body[0] - gap), (body[1] + gap, body[1] + gap + width)
    if body[1] <= start:
        return at_left
    if body[0] >= end or at_right[1] <= end:
        return at_right
    if at_left[0] >= start:
        return at_left
    middle = (max(body[0], start) + min(body[1], end)) / 2
    return middle - width / 2, middle + width / 2


def _has_room(wanted: tuple[float, float], others: list[tuple[float, float]], gap: float) -> bool:
    return all(wanted[1] + gap <= left or right + gap <= wanted[0] for left, right in others)


def _exon_boxes(genes: pd.DataFrame, exons: pd.DataFrame, y: np.ndarray) -> Trace:
    """Exons on the row of each gene whose body holds them: the exon table knows no gene names."""
    starts, ends = exons["start"].to_numpy(), exons["end"].to_numpy()
    first = np.searchsorted(starts, genes["start"].to_numpy(), side="left")
    last = np.searchsorted(starts, genes["end"].to_numpy(), side="left")
    pieces = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    exon = np.concatenate(pieces) if pieces else np.array([], np.int64)
    gene = np.repeat(np.arange(len(genes)), [len(piece) for piece in pieces]).astype(np.int64)
    inside = ends[exon] <= genes["end"].to_numpy()[gene]
    height = y[gene[inside]]
    return boxes(starts[exon[inside]], ends[exon[inside]], height - 0.2, height + 0.2)


def _tss_marks(genes: pd.DataFrame, y: np.ndarray, colour: str) -> list[Trace]:
    marks = []
    for strand, symbol in (("+", "triangle-right"), ("-", "triangle-left")):
        part = (genes["strand"] == strand).to_numpy()
        marks.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": genes["tss"].to_numpy(np.float64)[part],
                "y": y[part].astype(np.float32),
                "marker": {"symbol": symbol, "size": 7, "color": colour},
                "hoverinfo": "skip",
                "meta": "tss",
            }
        )
    return marks


def _names(genes: pd.DataFrame, layout: Layout, y: np.ndarray, chosen: str, palette: Palette) -> Trace:
    shown = genes[layout.is_named]
    texts, colours = [], []
    for name, strand, modelled in zip(shown["gene_name"], shown["strand"], shown["is_modelled"], strict=True):
        text = {"+": f"{name} ›", "-": f"‹ {name}"}.get(strand, name)
        texts.append(f"<b>{text}</b>" if name == chosen else text)
        colours.append(palette.accent if name == chosen else palette.ink if modelled else palette.faint_ink)
    return {
        "type": "scatter",
        "mode": "text",
        "x": (layout.name_left + layout.name_right)[layout.is_named] / 2,
        "y": y[layout.is_named].astype(np.float32),
        "text": texts,
        "textposition": "middle center",
        "textfont": {"size": 10, "color": colours},
        "customdata": shown["gene_name"].tolist(),
        "hoverinfo": "skip",
        "meta": "names",
    }


def _named(genes: pd.DataFrame, layout: Layout, chosen: str) -> Trace:
    """What the browser needs to lay names out anew when the view moves: the genes in the order of `lay_out`."""
    order = _order(genes, chosen)
    table = genes.iloc[order]
    return {
        "name": table["gene_name"].tolist(),
        "strand": table["strand"].tolist(),
        "start": table["start"].to_numpy(np.int32),
        "end": table["end"].to_numpy(np.int32),
        "row": layout.row[order].astype(np.int32),
        "is_modelled": table["is_modelled"].astype(bool).tolist(),
        "n_rows": int(layout.row.max()) + 1 if len(genes) else 1,
        "chosen": chosen,
    }


def _says(genes: pd.DataFrame, probes: np.ndarray) -> np.ndarray:
    rows = items_at(probes, genes["start"].to_numpy(), genes["end"].to_numpy())
    parts = zip(genes["gene_name"], genes["strand"], genes["start"], genes["end"], strict=True)
    texts = [f"{name} ({strand}), {distance(end - start)}" for name, strand, start, end in parts]
    return texts_at(rows, texts, "between genes")
