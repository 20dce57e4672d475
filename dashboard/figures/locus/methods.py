"""The band of one link method: a score for each element of the gene, and arcs to the strongest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.evaluation.methods import LinkMethod, method_of, method_title
from dashboard.figures.locus.arcs import OWN_PROMOTER_BP, link_arcs, strongest
from dashboard.figures.locus.band import (
    Band,
    Trace,
    boxes,
    filled,
    items_at,
    texts_at,
)
from dashboard.figures.locus.scales import SAYS, Ruler, axis_range, heights, largest, range_text
from dashboard.text import number, percent
from dashboard.theme import DECREASE, INCREASE, method_colour

HEIGHT = 74.0
ARC_SHARE = 0.42
BY_ROOT = Ruler("root")


def drawn_scores(links: pd.DataFrame, method: str) -> pd.DataFrame:
    """Links with `score` as drawn: a predicted knock-out gives the change of expression in %, below 0 for a loss."""
    return links.assign(score=-100.0 * links["score"]) if method_of(method).is_signed else links


def method_band(
    links: pd.DataFrame,
    *,
    method: str,
    gene_name: str,
    tss: int,
    top: int,
    threshold: float,
    probes: np.ndarray,
    view: tuple[int, int] | None = None,
    ruler: Ruler = BY_ROOT,
    colour: str = "",
) -> Band:
    """Scores of one method for one gene.

    Args:
      links: schema.LINKS of the gene and method, all of them; NaN score = the method cannot say. A score of
        `perturbation` is the share of expression lost, signed; of a method that says yes or no, 1 or 0.
      top: how many arcs at most.
      threshold: least score of an arc, as a fraction of the largest.
      view: start and end of what is in view; range and count are of it. None = of all links.
      ruler: the y axis; by default roots, so that the strongest element does not flatten all others.
      colour: empty = the method's.
    """
    links = drawn_scores(links, method)
    signed = method_of(method).is_signed
    colour = colour or method_colour(method)
    drawn = strongest(links, top=top, threshold=threshold)
    own = (links["tss_distance_bp"].abs() <= OWN_PROMOTER_BP).to_numpy()
    inside = _inside(links, view)
    score = links["score"].to_numpy(np.float64)
    top_score = largest(score, inside & ~own) or largest(score, inside)
    middle = (links["start"].to_numpy() + links["end"].to_numpy()) / 2
    scored, is_yes_no = np.isfinite(score), method_of(method).is_yes_no
    counted = score > 0 if is_yes_no else links["element_id"].isin(drawn["element_id"]).to_numpy()
    says = "elements in view linked" if is_yes_no else "links in view"
    title = method_title(method)
    return Band(
        id=method,
        title=title,
        unit=_unit(method, ruler),
        height=HEIGHT,
        traces=_scores(links, method, signed, ruler, colour),
        says=_says(links, probes, method, gene_name),
        y_range=axis_range(top_score, ruler, is_signed=signed),
        colour=colour,
        note=_note(
            range_text(top_score, ruler, is_signed=signed, unit=" %" if signed else ""),
            "" if ruler.fixed or ruler.scale == "rank" else _left_out(score, inside & own, top_score, signed),
            f"{int((counted & inside).sum())} of {int((scored & inside).sum())} {says}",
            is_yes_no,
        ),
        upper=link_arcs(drawn, method=method, tss=tss, colour=colour),
        upper_share=ARC_SHARE,
        has_zero_line=signed,
        badge="" if len(links) else f"{title} gives no link for {gene_name}",
        group=method if ruler.follows else "",
        scale=ruler.scale,
        left_out=(tss - OWN_PROMOTER_BP, tss + OWN_PROMOTER_BP),
        links=(middle[scored], counted[scored], says),
        range_unit=" %" if signed else "",
    )


def _inside(links: pd.DataFrame, view: tuple[int, int] | None) -> np.ndarray:
    """(E,) bool: which elements share a base with the view."""
    start, end = view or (-np.inf, np.inf)
    return (links["end"].to_numpy() > start) & (links["start"].to_numpy() < end)


def ranks(score: np.ndarray) -> np.ndarray:
    """Rank of each score by size, 1 = largest; ties share the better rank; NaN stays NaN."""
    return pd.Series(np.abs(score)).rank(ascending=False, method="min").to_numpy()


def _unit(method: str, ruler: Ruler) -> str:
    known = method_of(method)
    if known.is_yes_no:
        return "yes or no"
    what = "predicted, % of expression" if known.is_signed else known.unit
    return ", ".join(filter(None, [what, SAYS[ruler.scale]]))


def _left_out(score: np.ndarray, own: np.ndarray, top: float, signed: bool) -> str:
    """The gene's own promoter often stands above the range and is cut off, so its score is printed."""
    value = largest(score, own)
    return f"own promoter {number(value)}{' %' if signed else ''} left out" if value > top else ""


def _note(range_: str, left_out: str, count: str, is_yes_no: bool) -> str:
    """What is printed at the right: range, what it leaves out, and how many of the links in view have an arc."""
    return count if is_yes_no else " · ".join(filter(None, [range_, left_out, count]))


def _scores(links: pd.DataFrame, method: str, signed: bool, ruler: Ruler, colour: str) -> list[Trace]:
    height = heights(links["score"].to_numpy(np.float64), ruler.scale)
    if not signed:
        return [filled(boxes(links["start"], links["end"], 0.0, height), colour)]
    traces = []
    for name, shade, side in (("decrease", DECREASE, height < 0), ("increase", INCREASE, height >= 0)):
        path = boxes(links["start"][side], links["end"][side], 0.0, height[side])
        traces.append({**filled(path, shade), "name": name})
    return traces


def _says(links: pd.DataFrame, probes: np.ndarray, method: str, gene_name: str) -> np.ndarray:
    score = links["score"].to_numpy(np.float64)
    count = int(np.isfinite(score).sum())
    texts = [
        _text(value, rank, count, method_of(method)) if np.isfinite(value) else "no score"
        for value, rank in zip(score, ranks(score), strict=True)
    ]
    rows = items_at(probes, links["start"].to_numpy(), links["end"].to_numpy())
    return texts_at(rows, texts, f"no link to {gene_name}")


def _text(value: float, rank: float, count: int, method: LinkMethod) -> str:
    if method.is_yes_no:
        return "yes" if value > 0 else "no"
    shown = percent(value / 100.0) if method.is_signed else number(value)
    return f"{shown}, rank {rank:.0f} of {count}"
