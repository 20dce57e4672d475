"""The benchmarks of a study: gather scores and predictions, then evaluate them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cre_core.data.study import Study
from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation import expression
from cre_core.evaluation.links import evaluate_links
from cre_core.evaluation.methods import method_of
from cre_core.evaluation.scores import every_link_method
from cre_core.evaluation.screen_scores import pair_scores
from cre_core.evaluation.screened import screen_of
from cre_core.inference.known import shared_predictor, trained_models
from cre_core.progress import Report

PUBLISHED = "rna_epinformer_published"  # the authors' own held-out predictions, where a study carries them


def expression_benchmark(
    study: Study,
    *,
    biosample: str,
    methods: Sequence[str] | None,
    report: Report,
    measure: str = "rna",
    n_resamples: int = 1000,
) -> list[dict[str, Any]]:
    """Held-out predictions of trained models, gradient boosting and ridge against measured expression.

    Args:
      methods: names from `gradient_boosting`, `ridge`, `epinformer_published` and the trained models; None = all.

    Returns:
      Rows as `evaluate_expression` gives them, every method compared with gradient boosting where that is one.
    """
    observed = _measured(study, biosample, measure)
    published = _measured(study, biosample, PUBLISHED)
    models = trained_models(study, biosample)
    known = ["gradient_boosting", "ridge", *(["epinformer_published"] if len(published) else []), *models]
    chosen = _chosen(methods, known, f"expression of {biosample} in study {study.name}")
    predictions: dict[str, pd.DataFrame] = {}
    for done, method in enumerate(chosen):
        report(method, done, len(chosen))
        if method in models:
            table = shared_predictor(study, method, biosample).predict_genes(observed["gene_id"].tolist())
            predictions[method] = table.rename(columns={"predicted": "value"})
        elif method == "epinformer_published":
            predictions[method] = _with_fold(published, study.folds)
        else:
            predictions[method] = _baseline(study, observed, method, biosample)
    reference = "gradient_boosting" if "gradient_boosting" in chosen else None
    rows = expression.evaluate_expression(
        observed, predictions, folds=study.folds, genes=study.genes, reference=reference, n_resamples=n_resamples
    )
    report("done", len(chosen), len(chosen))
    return rows


def links_benchmark(
    study: Study,
    *,
    biosample: str,
    methods: Sequence[str] | None,
    report: Report,
    n_resamples: int = 1000,
    versus: Sequence[str] = ("distance",),
    n_processes: int = 1,
) -> list[dict[str, Any]]:
    """Link scores against the CRISPRi truth of a biosample; see `evaluate_links`.

    Every method is scored by the links that the pages show, a predicted knock-out by the experiment that they show
    for a measured pair. A simple method that the benchmark's own columns give too is there a second time, under the
    name of that source.

    Args:
      methods: names from `every_link_method`; None = all but the slow ones, which are computed where they are named.
      versus: the methods that the others are compared with.
      n_processes: as in `processes.each_part`.

    Raises:
      NotAvailable: the study has no screen of this biosample.
    """
    crispr = screen_of(study, biosample)
    if not len(crispr):
        raise NotAvailable(f"study {study.name} has no CRISPRi screen of {biosample} to compare with")
    known = every_link_method(study, biosample)
    if methods is None:
        methods = [method for method in known if not method_of(method).is_slow]
    chosen = _chosen(methods, known, f"links of {biosample} in study {study.name}")
    scores = pair_scores(
        study, crispr, biosample=biosample, methods=[*chosen, *versus], n_processes=n_processes, report=report
    )
    rows = evaluate_links(crispr, scores, n_resamples=n_resamples, versus=versus, report=report)
    report("done", len(scores), len(scores))
    return rows


def _measured(study: Study, biosample: str, measure: str) -> pd.DataFrame:
    table = study.expression
    rows = table[(table["biosample"] == biosample) & (table["measure"] == measure)]
    return rows[["gene_id", "value"]].reset_index(drop=True)


def _with_fold(table: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    tested = folds.melt("gene_id", expression.fold_columns(folds), var_name="fold", value_name="part")
    return table.merge(tested.loc[tested["part"] == "test", ["gene_id", "fold"]], on="gene_id")


def _baseline(study: Study, observed: pd.DataFrame, method: str, biosample: str) -> pd.DataFrame:
    inputs = expression.features(
        study.genes,
        study.elements,
        element_signal=study.element_signal,
        promoter_signal=study.promoter_signal,
        biosample=biosample,
    )
    return expression.held_out_predictions(inputs, observed, folds=study.folds, model=method)  # type: ignore[arg-type]


def _chosen(methods: Sequence[str] | None, known: Sequence[str], what: str) -> list[str]:
    for method in methods or ():
        if method not in known:
            raise UnknownName(f"no method '{method}' for {what}; there are {', '.join(known)}")
    return list(methods or known)
