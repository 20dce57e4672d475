"""The link scores of one model around one gene, every way to read them from one pass each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby, islice
from typing import Any

import numpy as np
import pandas as pd

from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable
from cre_core.evaluation.methods import method_of
from cre_core.inference.predictor import Predictor
from cre_core.inference.predicts import Predicts
from cre_core.interpretation import attribution
from cre_core.interpretation.attention import Attention, Normaliser, attention_of, attention_of_genes, best_rank
from cre_core.interpretation.perturb import scan_singles
from cre_core.schema import Mode

GENES_A_BATCH = 8


class ModelScores:
    """The scores of one model around one gene."""

    def __init__(
        self, predictor: Predicts, gene_id: str, abc: pd.DataFrame, *, known: Mapping[str, Any] | None = None
    ) -> None:
        """The gene's window, and what is known of it already.

        Args:
          abc: schema.LINKS of the gene by ABC, of the elements that are wanted.
          known: `window`, `attention`, `gradients`, where they were made together with those of other genes.
        """
        self.predictor, self.gene_id, self.wanted = predictor, gene_id, abc
        self.__dict__.update(known or {})  # where the properties of these names keep what they found
        self.ids = self.window.elements["element_id"].to_numpy()
        self.abc = abc.set_index("element_id")["score"].reindex(self.ids).to_numpy()
        self._losses: dict[Mode, np.ndarray] = {}

    def links(self, kinds: Sequence[str]) -> pd.DataFrame:
        """schema.LINKS of the elements wanted, a row per kind and element; NaN = the model has no score there."""
        n, model = len(self.wanted), self.predictor.name
        row = pd.Index(self.ids).get_indexer(self.wanted["element_id"])  # -1 = outside the model's window
        scores = [np.append(self.of(kind), np.nan)[row] for kind in kinds]
        return self.wanted.iloc[np.tile(np.arange(n), len(kinds))].assign(
            method=np.repeat([f"{model}.{kind}" for kind in kinds], n),
            fold=self.predictor.fold_of(self.gene_id),
            score=np.concatenate(scores) if scores else np.zeros(0),
        )

    @cached_property
    def window(self) -> GeneWindow:
        """The elements that the model sees around the gene."""
        return self.predictor.window(self.gene_id)

    @cached_property
    def attention(self) -> Attention:
        """Of the gene's window."""
        return attention_of(self.predictor, self.window)

    def of(self, kind: str) -> np.ndarray:
        """(E,) the score of one kind, in the window's order; NaN = none there."""
        return method_of(kind).score(self)

    def loss(self, mode: Mode) -> np.ndarray:
        """(E,) share of expression lost when each element is knocked out alone."""
        if mode not in self._losses:
            scan = scan_singles(self.predictor, self.window, mode=mode)
            self._losses[mode] = -scan["effect_fraction"].to_numpy()
        return self._losses[mode]

    @cached_property
    def gradients(self) -> dict[str, np.ndarray]:
        """Of the methods of ONE_GRADIENT: method -> (E,)."""
        return attribution.gradient_scores(self.predictor.with_weights(), self.window)

    def attributed(self, method: str) -> np.ndarray:
        """(E,) by a method of `attribution`; NaN throughout where contributions do not add up, and so say nothing."""
        try:
            if method in attribution.ONE_GRADIENT:
                return self.gradients[method]
            return attribution.attribute(self.predictor.with_weights(), self.window, method=method).elements
        except NotAvailable:
            return np.full(len(self.ids), np.nan)


# ---------------------------------------------------------------- the methods: scores of a model -> (E,)

Score = Callable[[ModelScores], np.ndarray]


def _row(normaliser: Normaliser) -> Score:
    return lambda scores: scores.attention.row(normaliser)


def _lost(mode: Mode) -> Score:
    return lambda scores: scores.loss(mode)


def _attributed(method: str) -> Score:
    return lambda scores: scores.attributed(method)


attention, attention_sum = _row("softmax"), _row("sum")
attention_min_max, attention_logit_min_max = _row("min-max"), _row("logit-min-max")
perturbation, perturbation_silence, perturbation_scramble = _lost("mask"), _lost("silence"), _lost("scramble")
saliency, gradient_x_input = _attributed("saliency"), _attributed("gradient_x_input")
integrated_gradients, deep_lift = _attributed("integrated_gradients"), _attributed("deep_lift")


def adjusted_attention(scores: ModelScores) -> np.ndarray:
    """Attention over log10 of the distance."""
    return scores.attention.adjusted()


def attention_abc(scores: ModelScores) -> np.ndarray:
    """Attention times ABC."""
    return scores.attention.row() * scores.abc


def better_rank(scores: ModelScores) -> np.ndarray:
    """The better of two ranks, among all elements of the window: none is left out."""
    return best_rank(scores.attention.row(), scores.loss("mask"))


# ---------------------------------------------------------------- several genes together


def scores_of_genes(
    predictor: Predictor, genes: Sequence[tuple[str, pd.DataFrame]], *, kinds: Sequence[str]
) -> list[ModelScores]:
    """The scores of several genes. A model of counts makes attention and gradients of those of a fold in one batch.

    Args:
      genes: id, and schema.LINKS by ABC of the elements wanted.
      kinds: of score that will be asked for.
    """
    windows = {gene_id: predictor.window(gene_id) for gene_id, _ in genes}
    known: dict[str, dict[str, Any]] = {gene_id: {"window": window} for gene_id, window in windows.items()}
    if not predictor.reads.has_inputs:
        for _, ids in groupby(sorted(windows, key=predictor.fold_of), key=predictor.fold_of):
            for some in batched(ids, GENES_A_BATCH):
                _make_together(predictor, [windows[gene_id] for gene_id in some], kinds, known)
    return [ModelScores(predictor, gene_id, abc, known=known[gene_id]) for gene_id, abc in genes]


def _make_together(
    predictor: Predictor, windows: Sequence[GeneWindow], kinds: Sequence[str], known: Mapping[str, dict[str, Any]]
) -> None:
    """Put attention and gradients of some genes, where a kind of score wants them, beside what is known of each."""
    ids = [str(window.gene["gene_id"]) for window in windows]
    if any(method_of(kind).reads_attention for kind in kinds):
        for gene_id, attention in zip(ids, attention_of_genes(predictor, windows), strict=True):
            known[gene_id]["attention"] = attention
    if set(kinds) & set(attribution.ONE_GRADIENT):
        for gene_id, gradients in zip(ids, attribution.count_gradient_scores(predictor, windows), strict=True):
            known[gene_id]["gradients"] = gradients


def batched(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of at most `size`."""
    left = iter(ids)
    while some := list(islice(left, size)):
        yield some
