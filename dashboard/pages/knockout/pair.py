"""What the knock-out page says of each measured pair of the gene when it is selected."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.locus.truth import SIGNS, WORDS
from dashboard.services.desk import Experiment
from dashboard.text import number, offset, percent, place


def measured_of(experiment: Experiment) -> list[dict[str, Any]]:
    """What the browser shows of each measured pair of the gene when it is selected, in place order."""
    return [
        {
            "pair_id": pair.pair_id,
            "element_ids": list(pair.element_ids),
            "distance_bp": float(pair.tss_distance_bp),
            "measured_percent": 100.0 * float(pair.effect_fraction),
            "predicted_percent": None
            if np.isnan(pair.predicted_fraction)
            else 100.0 * float(pair.predicted_fraction),
            "place": place(pair.chrom, pair.start, pair.end),
            "distance": offset(pair.tss_distance_bp),
            "call": pair.call,
            "measured": f"{percent(pair.effect_fraction)} {SIGNS[pair.call]}",
            "predicted": percent(pair.predicted_fraction) if pair.n_read else "",
            "words": WORDS[pair.call],
            "p_adjusted": p_text(pair.p_adjusted),
            "power": power_text(pair.power_at_25),
            "reference": str(pair.reference),
            "experiment": experiment_line(pair.n_elements, pair.n_read),
            "is_read": bool(pair.n_read),
        }
        for pair in experiment.scan.pairs.itertuples()
    ]


def p_text(p_adjusted: float) -> str:
    """How sure the screen is of a pair."""
    return f"adjusted p {number(p_adjusted)}" if np.isfinite(p_adjusted) else "adjusted p not known"


def power_text(power: float) -> str:
    """What the screen could have seen at a place."""
    return f"power {number(power)} to see 25 %" if np.isfinite(power) else "power not known"


def experiment_line(n_elements: int, n_read: int) -> str:
    """What a prediction for a pair is: one experiment, all elements under its place together."""
    if not n_read:
        return "no element that the model reads lies under it"
    if n_elements == 1:
        return "the element under it knocked out"
    said = f"all {n_elements} elements under it knocked out together"
    return said if n_read == n_elements else f"{said}; the model reads {n_read}"
