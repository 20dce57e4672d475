"""What the knock-out page says of measured pairs: of each, how predictions agree with them, how large both are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from dash import html
from dash.development.base_component import Component

from dashboard.components.effect_bars import EffectBar, bars
from dashboard.figures.locus.truth import SIGNS, WORDS
from dashboard.services.desk import Experiment
from dashboard.text import number, offset, percent, place, share
from dashboard.theme import TRUTH

if TYPE_CHECKING:
    from cre_core.evaluation.agreement import Agreement, Sizes

FEW = 100  # of fewer, a share is told as a count
DOING = {"mask": "masking", "silence": "silencing", "scramble": "scrambling"}


# -- one pair -----------------------------------------------------------------------------------------------------


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


# -- agreement ----------------------------------------------------------------------------------------------------


def agreement_lines(agreement: Agreement, warning: str) -> list[Component]:
    """The numbers under the scatter, each with its n and interval, or the reason there is none."""
    lines = []
    if np.isfinite(agreement.spearman[0]):
        lines.append(f"Spearman {with_interval(agreement.spearman)}, n = {agreement.n:,}")
    if np.isfinite(agreement.average_precision[0]):
        rate = f"prevalence {number(agreement.prevalence)}"
        lines.append(f"AP {with_interval(agreement.average_precision)}, {rate}")
    lines += [text for text in (agreement.reason, warning) if text]
    children: list[Component] = [html.Div(text, className="ko-side-text") for text in lines]
    if agreement.n_without_element:
        text, hint = f"{agreement.n_without_element:,} pairs have no prediction", "the model reads no element there"
        children.append(html.Div(text, className="ko-side-text", title=hint))
    if agreement.sizes is not None:
        children += size_lines(agreement.sizes)
    return [*children, html.Div("Only s = 0 compares with CRISPRi.", className="ko-faint")]


def size_lines(sizes: Sizes) -> list[Component]:
    """How large the predictions for the positives are, beside what was measured."""
    medians = [
        EffectBar(label, values[0], percent(values[0]), interval_text(values), colour)
        for label, values, colour in (
            ("measured", sizes.median_measured, TRUTH["significant"]),
            ("predicted", sizes.median_predicted, ""),
        )
    ]
    title = f"median of the {sizes.n} positives" if sizes.n > 1 else "the one positive"
    texts = [(f"{share_of(sizes.felt[0], sizes.n)} predicted to lose 5 % or more", interval_text(sizes.felt))]
    texts.append((f"{share_of(sizes.wrong_sign[0], sizes.n)} with the wrong sign", interval_text(sizes.wrong_sign)))
    if 0 < sizes.n_far < sizes.n:
        far = f"beyond 25 kb {share_of(sizes.wrong_sign_far[0], sizes.n_far)}"
        texts.append((far, interval_text(sizes.wrong_sign_far)))
    if np.isfinite(sizes.spearman[0]):
        texts.append((f"Spearman among them {with_interval(sizes.spearman)}", ""))
    return [bars(title, medians), *(html.Div(text, className="ko-side-text", title=hint) for text, hint in texts)]


def share_of(fraction: float, n: int) -> str:
    """A share of n as people take it: 3 of 9, or 28 % of 235."""
    if n < FEW:
        return f"{round(fraction * n)} of {n}"
    return f"{share(fraction)} of {n}"


def interval_text(values: tuple[float, float, float]) -> str:
    """The 95 % interval of a fraction, for a pointer; `` where there is none."""
    low, high = values[1:]
    return f"95 % interval {percent(low)} to {percent(high)}" if np.isfinite(low) else ""


def with_interval(values: tuple[float, float, float]) -> str:
    """A value with its 95 % interval where there is one."""
    value, low, high = (number(one) for one in values)
    return f"{value} [{low}, {high}]" if np.isfinite(values[1]) else value


# -- the gene under this model ------------------------------------------------------------------------------------


def gene_lines(experiment: Experiment) -> list[Component]:
    """What the model says of the whole gene: its level, which way elements push, and what distance does."""
    unit, scan = experiment.predictor.unit.text, experiment.scan
    both = f"predicted {number(scan.baseline)}, measured {number(scan.observed)} {unit}"
    texts = [(level_line(experiment), both), (rising_line(experiment), "each element alone")]
    together = [
        EffectBar(
            f"{row.subset} ({row.n_elements})",
            row.effect_fraction,
            percent(row.effect_fraction) if row.n_read else "none read" if row.n_elements else "",
            f"{row.n_elements} elements {row.subset} from the TSS; the model reads {row.n_read}",
        )
        for row in scan.by_distance.itertuples()
    ]
    return [
        *(html.Div(text, className="ko-side-text", title=hint) for text, hint in texts if text),
        html.Div(bars("all out together, by distance (n)", together), title="the gene's own promoter stays"),
    ]


def level_line(experiment: Experiment) -> str:
    """How far the predicted level is off the measured one, where that is twice or more."""
    scan = experiment.scan
    log2 = float(experiment.predictor.unit.log2_fold_change(np.array(scan.observed), np.array(scan.baseline)))
    if not abs(log2) >= 1:  # also where nothing was measured
        return ""
    times = 2.0 ** abs(log2)
    return f"level predicted {number(times)} times too {'low' if log2 < 0 else 'high'}"


def rising_line(experiment: Experiment) -> str:
    """The share of elements whose loss alone is predicted to raise expression; `` where the model reads none."""
    scan = experiment.scan
    n = int(scan.table["single_fraction"].notna().sum())
    return f"{DOING[experiment.mode]} raises expression for {share_of(scan.rising, n)} elements" if n else ""
