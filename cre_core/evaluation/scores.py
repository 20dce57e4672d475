"""One score interface: every link method of a study for one gene, simple or from a model, as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from cre_core import schema
from cre_core.data.study import Study
from cre_core.data.windows import Neighbourhood
from cre_core.errors import UnknownName
from cre_core.evaluation import baselines
from cre_core.evaluation.methods import method_of, model_methods, simple_methods
from cre_core.evaluation.nearest import nearest_genes
from cre_core.inference.known import shared_predictor, trained_models
from cre_core.inference.predicts import Predicts
from cre_core.schema import Mode

REACH_BP = 2_000_000  # links are given up to here; the total of abc runs over 5 Mb
Predictors = Callable[[Study, str, str], Predicts]  # of a study, a model and a biosample


def link_methods(study: Study, biosample: str) -> list[str]:
    """The link methods a view shows for a biosample: simple ones, then those of each trained model."""
    shown = [method.name for method in model_methods() if method.is_in_views]
    simple = [name for name in simple_methods() if method_of(name).is_in_views]
    return [*simple, *(f"{model}.{name}" for model in trained_models(study, biosample) for name in shown)]


def every_link_method(study: Study, biosample: str) -> list[str]:
    """`link_methods` and every other way to read a score from each model: normalisers, modes, gradients."""
    found = simple_methods()
    for model in trained_models(study, biosample):
        modes: tuple[Mode | None, ...] = (None, *shared_predictor(study, model, biosample).modes)
        found += [f"{model}.{method.name}" for method in model_methods() if method.mode in modes]
    return found


def gene_links(
    study: Study,
    gene_id: str,
    *,
    biosample: str,
    methods: Sequence[str],
    predictors: Predictors = shared_predictor,
) -> pd.DataFrame:
    """Scores of every element within 2 Mb of a gene, by each method.

    Args:
      study: with counts, and weights for the models named.
      gene_id: an annotated gene; of one that is not modelled only the simple methods know anything.
      biosample: what was assayed.
      methods: names from `every_link_method`. `perturbation` is the share of expression lost when the element is
        masked (signed: negative where expression rises), with a mode behind it when it is silenced or scrambled;
        `attention` the mean over layers and heads of the gene's row, with a normaliser behind it when it is not the
        plain softmax; `adjusted_attention` that over log10 of the distance in bp; `attention_abc` that times abc;
        `attention_or_perturbation` the better of the two ranks; the gradient methods, what the element adds to the
        prediction.
      predictors: gives the predictor of a study, model and biosample.

    Returns:
      schema.LINKS, a row per method and element, in place order. NaN = the method has no score there. `fold` says
      which fold's model made the score; it never saw the gene.

    Raises:
      UnknownName: no such gene or method, or a model's method for a gene that no model knows.
    """
    _check(methods, study, biosample)
    gene = study.annotated_gene(gene_id)
    around = shared_neighbourhood(study, biosample)
    elements = around.elements_near(gene["chrom"], int(gene["tss"]), reach_bp=baselines.REACH_BP)
    simple, by_model = parted(methods)
    tables = baselines.link_scores(
        elements,
        gene.to_frame().T,
        biosample=biosample,
        methods=list(dict.fromkeys([*simple, "abc"])),
        nearest=nearest_genes(study, biosample),
    )
    tables = tables[tables["tss_distance_bp"].abs() <= REACH_BP]
    abc = tables[tables["method"] == "abc"].reset_index(drop=True)
    parts = [tables[tables["method"].isin(simple)]] if simple else []
    for model, kinds in by_model.items():
        from cre_core.evaluation.model_scores import ModelScores  # torch: only where a model is asked

        scores = ModelScores(predictors(study, model, biosample), gene_id, abc)
        parts.append(scores.links(kinds))
    return pd.concat(parts, ignore_index=True)[list(schema.LINKS.columns)]


def parted(methods: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The simple methods, and for each model the kinds of score wanted."""
    by_model: dict[str, list[str]] = {}
    for method in methods:
        model, dot, kind = method.partition(".")
        if dot:
            by_model.setdefault(model, []).append(kind)
    return [method for method in methods if "." not in method], by_model


def shared_neighbourhood(study: Study, biosample: str) -> Neighbourhood:
    """One neighbourhood per open study and biosample."""
    counts = ("dnase", "h3k27ac")
    return study.kept.get(("neighbourhood", biosample), lambda: Neighbourhood(study, biosample, assays=counts))


def _check(methods: Sequence[str], study: Study, biosample: str) -> None:
    if set(methods) <= set(link_methods(study, biosample)):
        return
    known = every_link_method(study, biosample)
    for method in methods:
        if method not in known:
            raise UnknownName(
                f"no link method '{method}' for {biosample} in study {study.name}; it has {', '.join(known)}"
            )
