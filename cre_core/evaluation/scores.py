"""One score interface: every link method of a study for one gene, simple or from a model, as one table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow, Neighbourhood
from cre_core.errors import UnknownName
from cre_core.evaluation import baselines
from cre_core.inference.predictor import shared_predictor, trained_models
from cre_core.interpretation.perturb import scan_singles

REACH_BP = 2_000_000  # links are given up to here; the total of abc runs over 5 Mb
# CREaTor divides attention by log10(distance), 0 at 1 bp, undefined at 0: nearer counts as this.
ADJUSTED_FLOOR_BP = 1_000
MODEL_METHODS = ("attention", "adjusted_attention", "attention_abc", "perturbation")


def link_methods(study: Study, biosample: str) -> list[str]:
    """The link methods a study has for a biosample: simple ones, then those of each trained model."""
    models = trained_models(study, biosample)
    return [*baselines.METHODS, *(f"{model}.{method}" for model in models for method in MODEL_METHODS)]


def gene_links(
    study: Study,
    gene_id: str,
    *,
    biosample: str,
    methods: Sequence[str],
    perturbed: Collection[str] | None = None,
) -> pd.DataFrame:
    """Scores of every element within 2 Mb of a gene, by each method.

    Args:
      study: with counts, and weights for the models named.
      gene_id: a modelled gene.
      biosample: what was assayed.
      methods: names from `link_methods`. `perturbation` is the share of expression lost when the element is masked
        (signed: negative where expression rises); `attention` the mean over layers and heads of the gene's row;
        `adjusted_attention` that over log10 of the distance in bp; `attention_abc` that times abc.
      perturbed: perturbation for these elements only, NaN for the others; None = all.

    Returns:
      schema.LINKS, a row per method and element, in place order. NaN = the method has no score there. `fold` says
      which fold's model made the score; it never saw the gene.

    Raises:
      UnknownName: no such gene or method.
    """
    _check(methods, study, biosample)
    window = shared_neighbourhood(study, biosample).window(gene_id, reach_bp=baselines.REACH_BP)
    gene = window.gene.to_frame().T
    simple = [method for method in methods if method in baselines.METHODS]
    wanted = list(dict.fromkeys([*simple, "abc"]))
    tables = baselines.link_scores(window.elements, gene, biosample=biosample, methods=wanted)  # type: ignore[arg-type]
    tables = tables[tables["tss_distance_bp"].abs() <= REACH_BP]
    abc = tables[tables["method"] == "abc"].reset_index(drop=True)
    parts = [tables[tables["method"].isin(simple)]] if simple else []
    models = dict.fromkeys(method.split(".")[0] for method in methods if "." in method)
    for model in models:
        kinds = [method.split(".")[1] for method in methods if method.startswith(f"{model}.")]
        parts.append(_model_links(study, abc, gene_id, model=model, kinds=kinds, perturbed=perturbed))
    return pd.concat(parts, ignore_index=True)[list(schema.LINKS.columns)]


@lru_cache(maxsize=16)
def shared_neighbourhood(study: Study, biosample: str) -> Neighbourhood:
    """One neighbourhood per open study and biosample."""
    return Neighbourhood(study, biosample, assays=("dnase", "h3k27ac"))


def _model_links(
    study: Study,
    abc: pd.DataFrame,
    gene_id: str,
    *,
    model: str,
    kinds: Sequence[str],
    perturbed: Collection[str] | None,
) -> pd.DataFrame:
    predictor = shared_predictor(study, model, str(abc["biosample"].iloc[0]) if len(abc) else "")
    window = predictor.window(gene_id)
    ids = window.elements["element_id"]
    attention = predictor.predict([window]).element_attention[0, : len(ids)].numpy()
    attention = np.where(
        predictor.looks_at(window), attention, np.nan
    )  # left out by the model: no score, not a score of 0
    by_element = {"attention": pd.Series(attention, ids)}
    distance = np.maximum(np.abs(window.elements["tss_distance_bp"].to_numpy()), ADJUSTED_FLOOR_BP)
    by_element["adjusted_attention"] = pd.Series(attention / np.log10(distance), ids)
    by_element["attention_abc"] = by_element["attention"] * abc.set_index("element_id")["score"].reindex(ids)
    if "perturbation" in kinds:
        chosen = None if perturbed is None else [element for element in ids if element in perturbed]
        scan = scan_singles(predictor, window, element_ids=chosen)
        by_element["perturbation"] = -scan.set_index("element_id")["effect_fraction"]
    fold = predictor.fold_of(gene_id)
    return pd.concat(
        [
            abc.assign(
                method=f"{model}.{kind}", fold=fold, score=by_element[kind].reindex(abc["element_id"]).to_numpy()
            )
            for kind in kinds
        ],
        ignore_index=True,
    )


def links_of_pairs(study: Study, crispr: pd.DataFrame, *, biosample: str, methods: Sequence[str]) -> pd.DataFrame:
    """`gene_links` of every gene of a truth table that the study models, elements that overlap a tested one only.

    Args:
      crispr: schema.CRISPR.

    Returns:
      schema.LINKS. Genes the study does not model, or that are in no fold's test set, have no rows.
    """
    known = set(study.genes["gene_id"])
    held = study.folds.set_index("gene_id").eq("test").any(axis=1)
    parts = []
    for gene_id, pairs in crispr.groupby("gene_id", sort=False):
        if gene_id not in known or not held.get(gene_id, False):
            continue
        window = shared_neighbourhood(study, biosample).window(str(gene_id), reach_bp=REACH_BP)
        ids = _overlapping(window, pairs)
        if ids:
            links = gene_links(study, str(gene_id), biosample=biosample, methods=methods, perturbed=ids)
            parts.append(links[links["element_id"].isin(ids)])
    empty = pd.DataFrame(columns=list(schema.LINKS.columns))
    return pd.concat(parts, ignore_index=True) if parts else empty


def _overlapping(window: GeneWindow, pairs: pd.DataFrame) -> set[str]:
    start, end = (window.elements[name].to_numpy()[:, None] for name in ("start", "end"))
    hit = (start < pairs["end"].to_numpy()) & (end > pairs["start"].to_numpy())  # (E, pairs)
    return set(window.elements["element_id"][hit.any(axis=1)])


def _check(methods: Sequence[str], study: Study, biosample: str) -> None:
    known = link_methods(study, biosample)
    for method in methods:
        if method not in known:
            raise UnknownName(
                f"no link method '{method}' for {biosample} in study {study.name}; it has {', '.join(known)}"
            )
