"""One score interface: every link method of a study for one gene, simple or from a model, as one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data.study import Study
from cre_core.data.windows import Neighbourhood
from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation import baselines
from cre_core.evaluation.screened import is_under
from cre_core.inference.predictor import Predictor, shared_predictor, trained_models
from cre_core.interpretation import attribution
from cre_core.interpretation.attention import Attention, Normaliser, attention_of, best_rank
from cre_core.interpretation.perturb import scan_singles
from cre_core.schema import Mode

REACH_BP = 2_000_000  # links are given up to here; the total of abc runs over 5 Mb
MODEL_METHODS = ("attention", "adjusted_attention", "attention_abc", "perturbation")
# Other ways to read the same model; a benchmark compares them, a locus view is not crowded with them.
NORMALISED: Mapping[str, Normaliser] = {
    "attention_sum": "sum",
    "attention_min_max": "min-max",
    "attention_logit_min_max": "logit-min-max",
}
PERTURBED: Mapping[str, Mode] = {
    "perturbation": "mask",
    "perturbation_silence": "silence",
    "perturbation_scramble": "scramble",
}
BEST_RANK = "attention_or_perturbation"
SLOW = ("integrated_gradients", "deep_lift")  # seconds a gene for a model of sequence
Predictors = Callable[[Study, str, str], Predictor]  # of a study, a model and a biosample


def link_methods(study: Study, biosample: str) -> list[str]:
    """The link methods a view shows for a biosample: simple ones, then those of each trained model."""
    models = trained_models(study, biosample)
    return [*baselines.METHODS, *(f"{model}.{method}" for model in models for method in MODEL_METHODS)]


def every_link_method(study: Study, biosample: str) -> list[str]:
    """`link_methods` and every other way to read a score from each model: normalisers, modes, gradients."""
    found: list[str] = list(baselines.METHODS)
    for model in trained_models(study, biosample):
        modes = shared_predictor(study, model, biosample).modes
        perturbed = [name for name, mode in PERTURBED.items() if mode in modes and name not in MODEL_METHODS]
        kinds = [*MODEL_METHODS, *NORMALISED, *perturbed, BEST_RANK, *attribution.METHODS]
        found += [f"{model}.{kind}" for kind in kinds]
    return found


def gene_links(
    study: Study,
    gene_id: str,
    *,
    biosample: str,
    methods: Sequence[str],
    perturbed: Collection[str] | None = None,
    predictors: Predictors = shared_predictor,
) -> pd.DataFrame:
    """Scores of every element within 2 Mb of a gene, by each method.

    Args:
      study: with counts, and weights for the models named.
      gene_id: a modelled gene.
      biosample: what was assayed.
      methods: names from `every_link_method`. `perturbation` is the share of expression lost when the element is
        masked (signed: negative where expression rises), with a mode behind it when it is silenced or scrambled;
        `attention` the mean over layers and heads of the gene's row, with a normaliser behind it when it is not the
        plain softmax; `adjusted_attention` that over log10 of the distance in bp; `attention_abc` that times abc;
        `attention_or_perturbation` the better of the two ranks; the gradient methods, what the element adds to the
        prediction.
      perturbed: perturbation for these elements only, NaN for the others; None = all.
      predictors: gives the predictor of a study, model and biosample.

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
        predictor = predictors(study, model, biosample)
        parts.append(_model_links(predictor, abc, gene_id, model=model, kinds=kinds, perturbed=perturbed))
    return pd.concat(parts, ignore_index=True)[list(schema.LINKS.columns)]


@lru_cache(maxsize=16)
def shared_neighbourhood(study: Study, biosample: str) -> Neighbourhood:
    """One neighbourhood per open study and biosample."""
    return Neighbourhood(study, biosample, assays=("dnase", "h3k27ac"))


def _model_links(
    predictor: Predictor,
    abc: pd.DataFrame,
    gene_id: str,
    *,
    model: str,
    kinds: Sequence[str],
    perturbed: Collection[str] | None,
) -> pd.DataFrame:
    scores = _ModelScores(predictor, gene_id, abc, perturbed)
    fold = predictor.fold_of(gene_id)
    return pd.concat(
        [
            abc.assign(
                method=f"{model}.{kind}", fold=fold, score=scores.of(kind).reindex(abc["element_id"]).to_numpy()
            )
            for kind in kinds
        ],
        ignore_index=True,
    )


class _ModelScores:
    """The scores of one model around one gene, each a series by element id."""

    def __init__(
        self, predictor: Predictor, gene_id: str, abc: pd.DataFrame, perturbed: Collection[str] | None
    ) -> None:
        self.predictor, self.perturbed = predictor, perturbed
        self.window = predictor.window(gene_id)
        self.ids = self.window.elements["element_id"]
        self.abc = abc.set_index("element_id")["score"].reindex(self.ids)
        self.attention: Attention = attention_of(predictor, self.window)
        self._losses: dict[Mode, pd.Series] = {}

    def of(self, kind: str) -> pd.Series:
        """The score of one kind; NaN = none there."""
        if kind in PERTURBED:
            return self._loss(PERTURBED[kind], self.perturbed)
        if kind == "attention_abc":
            return self._series(self.attention.row()) * self.abc
        if kind == "adjusted_attention":
            return self._series(self.attention.adjusted())
        if kind == BEST_RANK:  # ranks among all elements of the window: none is left out
            loss = self._loss("mask", None).reindex(self.ids).to_numpy()
            return self._series(best_rank(self.attention.row(), loss))
        if kind in attribution.METHODS:
            return self._series(self._attributed(kind))
        return self._series(self.attention.row(NORMALISED.get(kind, "softmax")))

    def _series(self, scores: np.ndarray) -> pd.Series:
        return pd.Series(scores, self.ids)

    def _loss(self, mode: Mode, among: Collection[str] | None) -> pd.Series:
        """Share of expression lost when each element is knocked out."""
        if among is None and mode in self._losses:
            return self._losses[mode]
        chosen = None if among is None else [element for element in self.ids if element in among]
        scan = scan_singles(self.predictor, self.window, mode=mode, element_ids=chosen)
        loss = -scan.set_index("element_id")["effect_fraction"]
        if among is None:
            self._losses[mode] = loss
        return loss

    def _attributed(self, method: str) -> np.ndarray:
        """(E,); NaN throughout where the contributions do not add up, and so say nothing."""
        try:
            return attribution.attribute(self.predictor, self.window, method=method).elements
        except NotAvailable:
            return np.full(len(self.ids), np.nan)


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
        ids = set(window.elements["element_id"][is_under(window, pairs)])
        if ids:
            links = gene_links(study, str(gene_id), biosample=biosample, methods=methods, perturbed=ids)
            parts.append(links[links["element_id"].isin(ids)])
    empty = pd.DataFrame(columns=list(schema.LINKS.columns))
    return pd.concat(parts, ignore_index=True) if parts else empty


def _check(methods: Sequence[str], study: Study, biosample: str) -> None:
    if set(methods) <= set(link_methods(study, biosample)):
        return
    known = every_link_method(study, biosample)
    for method in methods:
        if method not in known:
            raise UnknownName(
                f"no link method '{method}' for {biosample} in study {study.name}; it has {', '.join(known)}"
            )
