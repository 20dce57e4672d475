"""Every tested pair of a biosample beside what one model predicts for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.errors import NotAvailable
from cre_core.evaluation import weighted
from cre_core.evaluation.bootstrap import Statistic, interval
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import scan_singles
from cre_core.schema import Mode
from dashboard.services.knockout import LEAST_PAIRS, LEAST_POSITIVES, RESAMPLES, Agreement, calls, overlaps
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
    """The pairs of all genes of the predictor's biosample: up to a minute once, then from the disk cache.

    Raises:
      NotAvailable: the study has no screen of this biosample.
    """
    study, biosample = predictor.study, predictor.biosample
    crispr = study.crispr[study.crispr["biosample"] == biosample] if study.has("crispr") else None
    if crispr is None or not len(crispr):
        raise NotAvailable(f"study {study.name} has no CRISPRi screen of {biosample}")
    weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
    key = ("knockout.every_pair", biosample, predictor.name, mode, weights)
    return library.memo(study.name, key, lambda: compared(predictor, crispr, mode=mode))


def compared(predictor: Predictor, crispr: pd.DataFrame, *, mode: Mode) -> EveryPair:
    """Tested pairs with the predicted effect of the element under each that loses most expression.

    Args:
      crispr: schema.CRISPR of one biosample. Pairs without an effect are left out; those of genes that the study does
        not model, or that are in no fold's test set, have no prediction.
    """
    crispr = crispr[crispr["effect_fraction"].notna()].reset_index(drop=True)
    study = predictor.study
    modelled = set(study.genes["gene_id"]) & set(study.folds["gene_id"][study.folds.eq("test").any(axis=1)])
    predicted = np.full(len(crispr), np.nan)
    for gene_id, rows in crispr.groupby("gene_id", sort=False).indices.items():
        if gene_id in modelled:
            predicted[rows] = _predicted(predictor, str(gene_id), crispr.iloc[rows], mode)
    columns = ["chrom", "start", "end", "gene_id", "gene_name", "tss_distance_bp", "effect_fraction"]
    pairs = crispr[columns].assign(predicted_fraction=predicted, call=calls(crispr))
    both = pairs[pairs["predicted_fraction"].notna()]
    return EveryPair(pairs, agreement_over_genes(both, len(pairs) - len(both)), both["gene_id"].nunique())


def _predicted(predictor: Predictor, gene_id: str, pairs: pd.DataFrame, mode: Mode) -> np.ndarray:
    """(P,) predicted effect of each pair of one gene; NaN where no element that the model reads lies under it."""
    window = predictor.window(gene_id)
    is_read = predictor.looks_at(window) | window.elements["is_own_promoter"].to_numpy(bool)  # (E,)
    shared = (overlaps(window.elements, pairs) > 0) & is_read[:, None]  # (E, P)
    rows = np.flatnonzero(shared.any(axis=1))
    if not len(rows):
        return np.full(len(pairs), np.nan)
    ids = list(window.elements["element_id"].iloc[rows])
    effect = scan_singles(predictor, window, mode=mode, element_ids=ids)["effect_fraction"].to_numpy(float)  # (R,)
    least = np.where(shared[rows] & np.isfinite(effect)[:, None], effect[:, None], np.inf).min(axis=0)  # (P,)
    return np.where(np.isfinite(least), least, np.nan)


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
