"""Every tested pair of a biosample beside what one model predicts for it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cre_core.errors import NotAvailable
from cre_core.evaluation import weighted
from cre_core.evaluation.bootstrap import Statistic, interval
from cre_core.evaluation.precompute import precomputed_knock_outs, screen_of
from cre_core.evaluation.screened import effect_of_pairs, screened_knock_outs
from cre_core.inference.predictor import Predictor
from cre_core.schema import Mode
from dashboard.services.knockout import LEAST_PAIRS, LEAST_POSITIVES, RESAMPLES, Agreement, calls
from dashboard.services.library import Library

_NONE = (float("nan"),) * 3


@dataclass(frozen=True)
class EveryPair:
    """The tested pairs of all genes, and how they agree.

    Attributes:
      pairs: chrom, start, end, gene_id, gene_name, tss_distance_bp, effect_fraction, predicted_fraction (NaN = no
        prediction), call.
      agreement: of `pairs`; its intervals resample genes.
      n_genes: with a pair that has both numbers.
    """

    pairs: pd.DataFrame
    agreement: Agreement
    n_genes: int


def every_pair(library: Library, predictor: Predictor, *, mode: Mode) -> EveryPair:
    """The pairs of all genes of the predictor's biosample.

    At once where `precompute` ran with these weights and in this mode, else up to a minute; then from the disk cache.

    Raises:
      NotAvailable: the study has no screen of this biosample.
    """
    study, biosample = predictor.study, predictor.biosample
    screen = screen_of(study, biosample)
    if not len(screen):
        raise NotAvailable(f"study {study.name} has no CRISPRi screen of {biosample}")
    weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
    key = ("knockout.every_pair", biosample, predictor.name, mode, weights)
    return library.memo(study.name, key, lambda: compared(predictor, screen, mode=mode))


def compared(predictor: Predictor, screen: pd.DataFrame, *, mode: Mode) -> EveryPair:
    """Tested pairs with the predicted effect of the element under each that loses most expression.

    Args:
      screen: of `screen_of`. Pairs of genes that the study does not model, or that are in no fold's test set, have no
        prediction.
    """
    knock_outs = precomputed_knock_outs(predictor, mode=mode)
    if knock_outs is None:
        knock_outs = screened_knock_outs(predictor, screen, mode=mode)
    columns = ["chrom", "start", "end", "gene_id", "gene_name", "tss_distance_bp", "effect_fraction"]
    predicted = effect_of_pairs(screen, knock_outs)
    pairs = screen[columns].assign(predicted_fraction=predicted, call=calls(screen))
    both = pairs[pairs["predicted_fraction"].notna()]
    return EveryPair(pairs, agreement_over_genes(both, len(pairs) - len(both)), both["gene_id"].nunique())


def agreement_over_genes(both: pd.DataFrame, n_lost: int) -> Agreement:
    """As knockout.agreement, but genes are resampled: pairs of one gene share its luck.

    Args:
      both: gene_id, effect_fraction, predicted_fraction, call of the pairs with both numbers.
      n_lost: pairs without a prediction.
    """
    n, is_positive = len(both), (both["call"] == "decrease").to_numpy(bool)
    n_positive = int(is_positive.sum())
    if n < LEAST_PAIRS:
        return Agreement(n, n_positive, n_lost, _NONE, _NONE, f"{n} pairs: fewer than {LEAST_PAIRS} say nothing")
    genes = both["gene_id"].to_numpy()
    predicted, measured = (both[name].to_numpy(float) for name in ("predicted_fraction", "effect_fraction"))

    def bootstrapped(statistic: Statistic) -> tuple[float, float, float]:
        found = interval(statistic, n, by=genes, n_resamples=RESAMPLES)
        return found.value, found.low, found.high

    ranks = bootstrapped(lambda counts: weighted.Agreement(measured, predicted).metrics(counts)["spearman_r"])
    if n_positive < LEAST_POSITIVES:
        reason = f"no average precision: {n_positive} positive"
        return Agreement(n, n_positive, n_lost, ranks, _NONE, reason)
    ranking = weighted.Ranking(is_positive, -predicted)
    ap = bootstrapped(lambda counts: ranking.metrics(counts)["average_precision"])
    return Agreement(n, n_positive, n_lost, ranks, ap, "")
