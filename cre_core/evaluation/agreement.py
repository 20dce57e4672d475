"""How predicted knock-outs agree with measured pairs: their order, the positives among them, and their size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from cre_core.evaluation import weighted
from cre_core.evaluation.bootstrap import Statistic, interval

LEAST_PAIRS = 10  # below this a rank correlation says nothing
LEAST_POSITIVES = 3  # below this an interval of the average precision says nothing
RESAMPLES = 400
FELT = 0.05  # a predicted loss of a twentieth or more
FAR_BP = 25_000  # beyond it the sign is told apart
Drawn = Literal["pair", "gene"]
Triple = tuple[float, float, float]
_NONE: Triple = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Agreement:
    """How predicted knock-outs agree with a screen.

    Attributes:
      n, n_positive: pairs with both numbers; those with a significant decrease.
      n_without_element: tested places without a prediction: the model reads no element there.
      n_genes: with a pair that has both numbers.
      spearman, average_precision: value and 95 % interval; NaN where `reason` says why.
      sizes: how large the predicted effects of the positives are; None without a positive.
      reason: why a number is missing, or ``.
    """

    n: int
    n_positive: int
    n_without_element: int
    n_genes: int
    spearman: Triple
    average_precision: Triple
    sizes: Sizes | None
    reason: str

    @property
    def prevalence(self) -> float:
        """Share of positives, what a random order scores as average precision."""
        return self.n_positive / self.n if self.n else float("nan")


@dataclass(frozen=True)
class Sizes:
    """Predicted and measured effects of the positives, as fractions (-0.1 = a tenth lost), each with its interval.

    Attributes:
      n, n_far: positives with a prediction; those farther than 25 kb from the TSS.
      median_predicted, median_measured: of those.
      felt: share that is predicted to lose 5 % or more.
      wrong_sign, wrong_sign_far: share that is predicted to rise; NaN where there is none.
      spearman: of predicted with measured among the positives; NaN below LEAST_PAIRS.
    """

    n: int
    n_far: int
    median_predicted: Triple
    median_measured: Triple
    felt: Triple
    wrong_sign: Triple
    wrong_sign_far: Triple
    spearman: Triple


def agreement(pairs: pd.DataFrame, *, by: Drawn = "pair", n_resamples: int = RESAMPLES) -> Agreement:
    """Compare predicted and measured effects of measured pairs; only full knock-outs compare with CRISPRi.

    Args:
      pairs: gene_id, effect_fraction, predicted_fraction (NaN = no prediction), call, tss_distance_bp.
      by: what the intervals draw: pairs of one gene, or whole genes, for pairs of one gene share its luck.
      n_resamples: of each interval.

    Returns:
      Below LEAST_PAIRS pairs no number; without a positive no average precision; below LEAST_POSITIVES no interval of
      it.
    """
    both = pairs[pairs["predicted_fraction"].notna()] if len(pairs) else pairs
    is_positive = (both["call"] == "decrease").to_numpy(bool)
    n, n_positive, n_genes = len(both), int(is_positive.sum()), both["gene_id"].nunique() if len(both) else 0
    predicted = both["predicted_fraction"].to_numpy(float)
    drawn = partial(_drawn, by=by, n_resamples=n_resamples)
    ranks = precision = _NONE
    if n >= LEAST_PAIRS:
        ranks = drawn(_spearman(both), both)
        if n_positive:
            ranking = weighted.Ranking(is_positive, -predicted)
            precision = drawn(lambda counts: ranking.metrics(counts)["average_precision"], both)
        if n_positive < LEAST_POSITIVES:
            precision = (precision[0], np.nan, np.nan)
    return Agreement(
        n=n,
        n_positive=n_positive,
        n_without_element=len(pairs) - n,
        n_genes=n_genes,
        spearman=ranks,
        average_precision=precision,
        sizes=_sizes(both[is_positive], drawn) if n_positive else None,
        reason=_too_few(n, n_positive),
    )


def _drawn(statistic: Statistic, pairs: pd.DataFrame, *, by: Drawn, n_resamples: int) -> Triple:
    """A statistic of how often each pair is drawn, with its interval."""
    genes = pairs["gene_id"].to_numpy() if by == "gene" else None
    found = interval(statistic, len(pairs), by=genes, n_resamples=n_resamples)
    return found.value, found.low, found.high


def _spearman(pairs: pd.DataFrame) -> Statistic:
    agrees = weighted.ValueAgreement(
        pairs["effect_fraction"].to_numpy(float), pairs["predicted_fraction"].to_numpy(float)
    )
    return lambda counts: agrees.metrics(counts)["spearman_r"]


def _too_few(n: int, n_positive: int) -> str:
    if not n:
        return "no measured pair to compare with"
    if n < LEAST_PAIRS:
        return f"{n} pair{'s' * (n != 1)}: fewer than {LEAST_PAIRS} say nothing"
    if not n_positive:
        return "no average precision: none of the pairs is positive"
    return f"no interval of the average precision: {n_positive} positive" if n_positive < LEAST_POSITIVES else ""


def _sizes(positives: pd.DataFrame, drawn: Callable[[Statistic, pd.DataFrame], Triple]) -> Sizes:
    far = positives[positives["tss_distance_bp"].abs() > FAR_BP]

    def known(statistic: Callable[[np.ndarray], Statistic], rows: pd.DataFrame, values: pd.Series) -> Triple:
        if not len(rows):
            return _NONE
        value, low, high = drawn(statistic(values.to_numpy()), rows)
        return (value, low, high) if len(rows) >= LEAST_POSITIVES else (value, np.nan, np.nan)

    predicted, measured = positives["predicted_fraction"], positives["effect_fraction"]
    return Sizes(
        n=len(positives),
        n_far=len(far),
        median_predicted=known(weighted.median, positives, predicted),
        median_measured=known(weighted.median, positives, measured),
        felt=known(weighted.share, positives, predicted <= -FELT),
        wrong_sign=known(weighted.share, positives, predicted > 0),
        wrong_sign_far=known(weighted.share, far, far["predicted_fraction"] > 0),
        spearman=drawn(_spearman(positives), positives) if len(positives) >= LEAST_PAIRS else _NONE,
    )
