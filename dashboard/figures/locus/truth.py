"""The band of CRISPRi measurements: three glyphs for what was tested, and no mark for what was not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.figures.locus.band import Band, Trace, items_at, texts_at
from dashboard.text import number, percent, place
from dashboard.theme import TRUTH, Palette

HEIGHT = 84.0
LEAST_PERCENT = 10.0  # of the y range to each side, so that noise does not fill the band
GLYPHS = {"decrease": "circle", "increase": "triangle-up", "not significant": "circle-open"}
SIGNS = {"decrease": "●", "increase": "▲", "not significant": "○"}
WORDS = {
    "decrease": "significant decrease",
    "increase": "significant increase",
    "not significant": "tested, not significant",
}


def truth_band(
    pairs: pd.DataFrame,
    *,
    gene_name: str,
    probes: np.ndarray,
    palette: Palette,
    view_bp: int,
    biosample: str = "",
) -> Band:
    """Measured effects on one gene.

    Args:
      biosample: of the view; pairs of another one are named on the figure itself. Empty = not asked.
      pairs: schema.CRISPR of the gene plus `pair_id` and `call` (`decrease`, `increase`, `not significant`).
    """
    percent = 100.0 * pairs["effect_fraction"].to_numpy(np.float64)
    elsewhere = ", ".join(sorted(set(pairs["biosample"]) - {biosample})) if biosample and len(pairs) else ""
    traces = [_stems(pairs, percent)]
    for call in ("not significant", "increase", "decrease"):
        traces.append(_marks(pairs, percent, call, palette))
    low = min(-LEAST_PERCENT, float(np.nanmin(percent, initial=0.0)))
    high = max(LEAST_PERCENT, float(np.nanmax(percent, initial=0.0)))
    pad = 0.12 * (high - low)  # three times that below, where the counts are printed
    return Band(
        id="crispr",
        title="CRISPRi",
        unit=f"% of {gene_name[:10]}, MEASURED IN {elsewhere}" if elsewhere else f"% of {gene_name[:10]} expression",
        height=HEIGHT,
        traces=traces,
        y_range=(low - 3.2 * pad, high + pad),
        note=f"−{number(-low)} to +{number(high)} %" if len(pairs) else "",
        foot=count_text(pairs) if len(pairs) else "",
        has_zero_line=True,
        says=_says(pairs, probes, within_bp=view_bp / 600),
        badge="" if len(pairs) else f"no CRISPRi pairs were tested for {gene_name}",
    )


def count_text(pairs: pd.DataFrame) -> str:
    """The legend with counts: what each glyph means and how many there are."""
    counts = pairs["call"].value_counts()
    parts = [f"{SIGNS[call]} {counts[call]} {WORDS[call]}" for call in GLYPHS if counts.get(call, 0)]
    return " · ".join([*parts, "not tested: no mark"])


def pair_texts(pairs: pd.DataFrame) -> list[str]:
    """One line for each pair: effect, call, power, place."""
    texts = []
    for pair in pairs.itertuples():
        power = f", power {number(pair.power_at_25)}" if np.isfinite(pair.power_at_25) else ""
        effect = percent(pair.effect_fraction)
        texts.append(f"{effect}, {WORDS[pair.call]}{power}, {place(pair.chrom, pair.start, pair.end)}")
    return texts


def _says(pairs: pd.DataFrame, probes: np.ndarray, *, within_bp: float) -> np.ndarray:
    """Of several pairs at one place the strongest significant one is told, with how many there are."""
    start, end = pairs["start"].to_numpy() - within_bp, pairs["end"].to_numpy() + within_bp
    rows = items_at(probes, start, end, rank=_rank(pairs))
    count = np.searchsorted(np.sort(start), probes, "right") - np.searchsorted(np.sort(end), probes, "right")
    told = texts_at(rows, pair_texts(pairs), "not tested")
    texts = [f"{text}, 1 of {n} pairs here" if n > 1 else text for text, n in zip(told, count, strict=True)]
    return np.asarray(texts, dtype=object)


def _rank(pairs: pd.DataFrame) -> np.ndarray:
    """(P,) float64, the smallest is told first: strong significant pairs, then those tested with most power."""
    size, power = np.abs(pairs["effect_fraction"].to_numpy(float)), pairs["power_at_25"].to_numpy(float)
    return np.where(pairs["call"] != "not significant", -size, 1.0 - np.nan_to_num(power))


def _center(pairs: pd.DataFrame) -> np.ndarray:
    return (pairs["start"].to_numpy(np.float64) + pairs["end"].to_numpy(np.float64)) / 2


def _stems(pairs: pd.DataFrame, percent: np.ndarray) -> Trace:
    chosen = (pairs["call"] != "not significant").to_numpy()
    x, y = _center(pairs)[chosen], percent[chosen]
    gap = np.full(len(x), np.nan)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.stack([x, x, gap], axis=1).ravel(),
        "y": np.stack([np.zeros(len(x)), y, gap], axis=1).ravel().astype(np.float32),
        "line": {"color": TRUTH["significant"], "width": 1.6},
        "hoverinfo": "skip",
        "name": "stems",
    }


def _marks(pairs: pd.DataFrame, percent: np.ndarray, call: str, palette: Palette) -> Trace:
    chosen = (pairs["call"] == call).to_numpy()
    is_open = call == "not significant"
    colour = TRUTH["not significant"] if is_open else TRUTH["significant"]
    marker: Trace = {"symbol": GLYPHS[call], "size": 5.5 if is_open else 8, "color": colour}
    marker["line"] = {"width": 1, "color": colour if is_open else palette.background}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": _center(pairs)[chosen],
        "y": percent[chosen].astype(np.float32).round(2),
        "marker": marker,
        "customdata": pairs["pair_id"].to_numpy(object)[chosen],
        "name": WORDS[call],
        "hoverinfo": "skip",
        "cliponaxis": True,
        "meta": "marks",
    }
