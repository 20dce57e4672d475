"""The band of one link method: a score for each element of the gene, and arcs to the strongest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.evaluation.methods import LinkMethod, method_of, method_title
from dashboard.figures.arcs import OWN_PROMOTER_BP, link_arcs, strongest
from dashboard.figures.band import Band, Trace, boxes, filled, items_at, probe_trace, texts_at, three_digits
from dashboard.theme import DECREASE, INCREASE, method_colour

HEIGHT = 74.0
ARC_SHARE = 0.42


def height_of(score: np.ndarray) -> np.ndarray:
    """Height of a score: its root with its sign, so that the gene's own promoter does not flatten all others."""
    return np.sign(score) * np.sqrt(np.abs(score))


def drawn_scores(links: pd.DataFrame, method: str) -> pd.DataFrame:
    """Links with `score` as drawn: a predicted knock-out gives the change of expression in %, below 0 for a loss."""
    return links.assign(score=-100.0 * links["score"]) if method_of(method).is_signed else links


def method_band(
    links: pd.DataFrame, *, method: str, gene_name: str, tss: int, top: int, threshold: float, probes: np.ndarray
) -> Band:
    """Scores of one method for one gene.

    Args:
      links: schema.LINKS of the gene and method, all of them; NaN score = the method cannot say. A score of
        `perturbation` is the share of expression lost, signed; of a method that says yes or no, 1 or 0.
      top: how many arcs at most.
      threshold: least score of an arc, as a fraction of the largest.
    """
    links = drawn_scores(links, method)
    score = links["score"].to_numpy(np.float64)
    signed = method_of(method).is_signed
    largest = float(np.nanmax(np.abs(score))) if np.isfinite(score).any() else 0.0
    drawn = strongest(links, top=top, threshold=threshold)
    title = method_title(method)
    beyond = links["score"][links["tss_distance_bp"].abs() > OWN_PROMOTER_BP].abs().max()
    top_score = float(beyond) if beyond > 0 else largest
    high = 1.02 * float(height_of(np.array([top_score]))[0]) or 1.0
    return Band(
        id=method,
        title=title,
        unit=_unit(method),
        height=HEIGHT,
        traces=[*_scores(links, method, signed), _probes(links, probes, method, gene_name, high)],
        y_range=(-high if signed else 0.0, high),
        colour=method_colour(method),
        note=_note(method, score, f"{len(drawn)} of", _range(top_score, largest, signed)),
        upper=link_arcs(drawn, method=method, tss=tss),
        upper_share=ARC_SHARE,
        has_zero_line=signed,
        badge="" if len(links) else f"{title} gives no link for {gene_name}",
    )


def ranks(score: np.ndarray) -> np.ndarray:
    """Rank of each score by size, 1 = largest; ties share the better rank; NaN stays NaN."""
    return pd.Series(np.abs(score)).rank(ascending=False, method="min").to_numpy()


def _unit(method: str) -> str:
    known = method_of(method)
    if known.is_yes_no:
        return "yes or no"
    return "predicted, % of expression" if known.is_signed else f"{known.unit}, √ scale"


def _note(method: str, score: np.ndarray, drawn: str, shown_range: str) -> str:
    """What is printed at the right: range and links drawn; of a yes or no, how many links there are."""
    count = int(np.isfinite(score).sum())
    if method_of(method).is_yes_no:
        n_yes = int((score > 0).sum())
        return f"{drawn} {n_yes} link{'s' * (n_yes != 1)} drawn, {count} elements asked"
    return f"{shown_range} · {drawn} {count} links"


def _range(top: float, largest: float, signed: bool) -> str:
    """The range; the gene's own promoter often stands above it and is cut off, so its score is printed."""
    unit = " %" if signed else ""
    own = f", own promoter {three_digits(largest)}{unit}" if largest > top else ""
    return f"{'±' if signed else '0 – '}{three_digits(top)}{unit}{own}"


def _scores(links: pd.DataFrame, method: str, signed: bool) -> list[Trace]:
    height = height_of(links["score"].to_numpy(np.float64))
    if not signed:
        return [filled(boxes(links["start"], links["end"], 0.0, height), method_colour(method))]
    traces = []
    for name, colour, side in (("decrease", DECREASE, height < 0), ("increase", INCREASE, height >= 0)):
        path = boxes(links["start"][side], links["end"][side], 0.0, height[side])
        traces.append({**filled(path, colour), "name": name})
    return traces


def _probes(links: pd.DataFrame, probes: np.ndarray, method: str, gene_name: str, high: float) -> Trace:
    score = links["score"].to_numpy(np.float64)
    count = int(np.isfinite(score).sum())
    texts = [
        _text(value, rank, count, method_of(method)) if np.isfinite(value) else "no score"
        for value, rank in zip(score, ranks(score), strict=True)
    ]
    rows = items_at(probes, links["start"].to_numpy(), links["end"].to_numpy())
    heights = np.clip(np.append(np.nan_to_num(height_of(score)), 0.0)[rows], -high, high)
    return probe_trace(probes, texts_at(rows, texts, f"no link to {gene_name}"), y=heights)


def _text(value: float, rank: float, count: int, method: LinkMethod) -> str:
    if method.is_yes_no:
        return "yes" if value > 0 else "no"
    signed = method.is_signed
    shown = f"{'+' if value > 0 else ''}{three_digits(value)} %" if signed else three_digits(value)
    return f"{shown}, rank {rank:.0f} of {count}"
