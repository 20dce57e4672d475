"""The benchmark of predicted knock-outs against measured pairs: their order, and above all their size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation import weighted
from cre_core.evaluation.agreement import Agreement, Triple, agreement
from cre_core.evaluation.bootstrap import interval
from cre_core.evaluation.scan import APART, ablation_by_distance
from cre_core.evaluation.screened import calls, genes_of_screen, predicted_screen, screen_of
from cre_core.inference.known import shared_predictor, trained_models
from cre_core.inference.predicts import Predicts
from cre_core.progress import Report
from cre_core.schema import Mode

MODE: Mode = "mask"  # every model has it
POSITIVES, FAR = "positives", "positives >25 kb"


def knockouts_benchmark(
    study: Study, *, biosample: str, methods: Sequence[str] | None, report: Report, n_resamples: int = 1000
) -> list[dict[str, Any]]:
    """Predicted knock-outs against the screen of a biosample, intervals by gene.

    The prediction for a measured pair is the one that pages show: all elements under its place masked together.

    Args:
      methods: trained models; None = all.

    Returns:
      Rows as the other benchmarks give them, `method` = the model. On the pairs with a prediction: `spearman_r` of
      predicted with measured effect, `average_precision`. On the positives among them: `median_predicted` and
      `median_measured` effect, `felt` (share predicted to lose 5 % or more), `wrong_sign` (share predicted to rise),
      `spearman_r`. Over the tested genes: `median_ablation`, the median effect of all elements of a stretch of
      distance out together, but for the gene's own promoter; n genes. Effects are fractions: -0.1 = a tenth lost.
      `n_without_element`: pairs left out, for the model reads no element there.

    Raises:
      NotAvailable: no screen of this biosample, or no trained model. UnknownName: another model.
    """
    screen = screen_of(study, biosample)
    if not len(screen):
        raise NotAvailable(f"study {study.name} has no CRISPRi screen of {biosample} to compare with")
    known = trained_models(study, biosample)
    if not known:
        raise NotAvailable(f"no model of study {study.name} is trained for {biosample}: nothing predicts a knock-out")
    for method in methods or ():
        if method not in known:
            raise UnknownName(
                f"no model '{method}' of {biosample} in study {study.name}; there are {', '.join(known)}"
            )
    rows: list[dict[str, Any]] = []
    for model in methods or known:
        predictor = shared_predictor(study, model, biosample)
        predicted = predicted_screen(predictor, screen, mode=MODE, report=report)
        pairs = screen.assign(predicted_fraction=predicted["effect_fraction"], call=calls(screen))
        rows += _agreement_rows(model, agreement(pairs, by="gene", n_resamples=n_resamples))
        rows += _ablation_rows(model, ablations(predictor, screen, report=report), n_resamples)
    report("done", 1, 1)
    return rows


def ablations(predictor: Predicts, screen: pd.DataFrame, *, report: Report) -> pd.DataFrame:
    """`ablation_by_distance` of every tested gene that the model speaks about, with gene_id."""
    genes = [gene_id for gene_id, _ in genes_of_screen(predictor.study, screen)]
    parts = [pd.DataFrame(columns=["gene_id", "subset", "n_elements", "effect_fraction"])]
    for done, gene_id in enumerate(genes):
        report(f"ablation by distance, {predictor.name}", done, len(genes))
        found = ablation_by_distance(predictor, predictor.window(gene_id), mode=MODE)
        parts.append(found.assign(gene_id=gene_id))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _agreement_rows(model: str, found: Agreement) -> list[dict[str, Any]]:
    every = partial(
        _row, model, found.n, subset="all", n_positive=found.n_positive, n_without_element=found.n_without_element
    )
    rows = [every("spearman_r", found.spearman), every("average_precision", found.average_precision)]
    if found.sizes is None:
        return rows
    sizes = found.sizes
    positives = partial(_row, model, sizes.n, subset=POSITIVES, n_positive=sizes.n)
    for metric in ("median_predicted", "median_measured", "felt", "wrong_sign"):
        rows.append(positives(metric, getattr(sizes, metric)))
    rows.append(_row(model, sizes.n_far, "wrong_sign", sizes.wrong_sign_far, subset=FAR, n_positive=sizes.n_far))
    return [*rows, positives("spearman_r", sizes.spearman)]


def _ablation_rows(model: str, table: pd.DataFrame, n_resamples: int) -> list[dict[str, Any]]:
    """Each gene counts once; one without an element in a stretch, or whose elements are not read, is not counted."""
    rows = []
    for subset in APART:
        part = table[(table["subset"] == subset) & table["effect_fraction"].notna()]
        value: Triple = (float("nan"),) * 3
        if len(part):
            median = weighted.median(part["effect_fraction"].to_numpy(float))
            drawn = interval(median, len(part), n_resamples=n_resamples)
            value = drawn.value, drawn.low, drawn.high
        n_elements = float(np.median(part["n_elements"].to_numpy(float))) if len(part) else float("nan")
        rows.append(_row(model, len(part), "median_ablation", value, subset=subset, median_n_elements=n_elements))
    return rows


def _row(
    model: str, n: int, metric: str, value: Triple, *, subset: str, n_positive: int | None = None, **more: object
) -> dict[str, Any]:
    return {
        "method": model,
        "n": n,
        "n_positive": n_positive,
        "prevalence": n_positive / n if n and n_positive is not None else None,
        "metric": metric,
        "value": value[0],
        "ci_low": value[1],
        "ci_high": value[2],
        "subset": subset,
        "interval": "gene",
        **more,
    }
