"""Every tested pair of a biosample beside what one model predicts for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.evaluation import weighted
from cre_core.evaluation.bootstrap import Statistic, interval
from cre_core.evaluation.pairs import overlapping_scores
from cre_core.evaluation.scores import PERTURBED, links_of_pairs
from cre_core.schema import Mode
from dashboard.services.knockout import LEAST_PAIRS, LEAST_POSITIVES, RESAMPLES, Agreement, calls
from dashboard.services.library import Library
from dashboard.services.links import models_stamp

_NONE = (float("nan"),) * 3
_METHODS = {mode: method for method, mode in PERTURBED.items()}


@dataclass(frozen=True)
class EveryPair:
    """The tested pairs of all genes, and how they agree.

    Attributes:
      pairs: chrom, start, end, gene_id, gene_name, tss_distance_bp, effect_fraction, predicted_fraction (NaN = no
        prediction), call, element_id (`` = pairs name places, not elements).
      agreement: of `pairs`; its intervals resample genes.
      n_genes: with a pair that has both numbers.
    """

    pairs: pd.DataFrame
    agreement: Agreement
    n_genes: int


def every_pair(library: Library, study: Study, *, biosample: str, model: str, mode: Mode) -> EveryPair:
    """The pairs of all genes; seconds at the first call, then from the disk cache.

    Raises:
      NotAvailable: the study has no screen, or what a score around a gene needs is missing.
    """
    key = ("knockout.every_pair", biosample, model, mode, models_stamp(study, biosample))
    return library.memo(
        study.name, key, lambda: _computed(study, biosample=biosample, method=f"{model}.{_METHODS[mode]}")
    )


def _computed(study: Study, *, biosample: str, method: str) -> EveryPair:
    crispr = study.crispr[study.crispr["biosample"] == biosample]
    crispr = crispr[crispr["effect_fraction"].notna()].reset_index(drop=True)
    links = links_of_pairs(study, crispr, biosample=biosample, methods=[method])
    return compared(crispr, links[links["method"] == method])


def compared(crispr: pd.DataFrame, links: pd.DataFrame) -> EveryPair:
    """The pairs with the prediction for the element under them that loses most expression.

    Args:
      crispr: schema.CRISPR of one biosample, effects known.
      links: schema.LINKS of one method whose score is the share of expression lost.
    """
    lost = overlapping_scores(crispr, links, how="max") if len(links) else np.full(len(crispr), np.nan)
    columns = ["chrom", "start", "end", "gene_id", "gene_name", "tss_distance_bp", "effect_fraction"]
    pairs = crispr[columns].assign(predicted_fraction=-lost, call=calls(crispr), element_id="")
    both = pairs[pairs["predicted_fraction"].notna()]
    return EveryPair(pairs, _agreement(both, len(pairs) - len(both)), both["gene_id"].nunique())


def _agreement(both: pd.DataFrame, n_lost: int) -> Agreement:
    """As knockout.agreement, but genes are resampled: pairs of one gene share its luck."""
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
