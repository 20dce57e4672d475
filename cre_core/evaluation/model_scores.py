"""The link scores of one model around one gene, every way to read them from one pass each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from cre_core.errors import NotAvailable
from cre_core.inference.predictor import Predictor
from cre_core.interpretation import attribution
from cre_core.interpretation.attention import Attention, Normaliser, attention_of, best_rank
from cre_core.interpretation.perturb import scan_singles
from cre_core.schema import Mode

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


class ModelScores:
    """The scores of one model around one gene, each a series by element id."""

    def __init__(self, predictor: Predictor, gene_id: str, abc: pd.DataFrame) -> None:
        """Args: abc: schema.LINKS of the gene by ABC, of the elements that are wanted."""
        self.predictor, self.gene_id, self.wanted = predictor, gene_id, abc
        self.window = predictor.window(gene_id)
        self.ids = self.window.elements["element_id"]
        self.abc = abc.set_index("element_id")["score"].reindex(self.ids)
        self._losses: dict[Mode, pd.Series] = {}

    def links(self, kinds: Sequence[str]) -> pd.DataFrame:
        """schema.LINKS of the elements wanted, a row per kind and element; NaN = the model has no score there."""
        fold, model = self.predictor.fold_of(self.gene_id), self.predictor.name
        ids = self.wanted["element_id"]
        parts = [
            self.wanted.assign(method=f"{model}.{kind}", fold=fold, score=self.of(kind).reindex(ids).to_numpy())
            for kind in kinds
        ]
        return pd.concat(parts, ignore_index=True) if parts else self.wanted.iloc[:0]

    @cached_property
    def attention(self) -> Attention:
        """Of the gene's window."""
        return attention_of(self.predictor, self.window)

    def of(self, kind: str) -> pd.Series:
        """The score of one kind; NaN = none there."""
        if kind in PERTURBED:
            return self._loss(PERTURBED[kind])
        if kind == "attention_abc":
            return self._series(self.attention.row()) * self.abc
        if kind == "adjusted_attention":
            return self._series(self.attention.adjusted())
        if kind == BEST_RANK:  # ranks among all elements of the window: none is left out
            return self._series(best_rank(self.attention.row(), self._loss("mask").to_numpy()))
        if kind in attribution.METHODS:
            return self._series(self._attributed(kind))
        return self._series(self.attention.row(NORMALISED.get(kind, "softmax")))

    def _series(self, scores: np.ndarray) -> pd.Series:
        return pd.Series(scores, self.ids)

    def _loss(self, mode: Mode) -> pd.Series:
        """Share of expression lost when each element is knocked out alone."""
        if mode not in self._losses:
            scan = scan_singles(self.predictor, self.window, mode=mode)
            self._losses[mode] = -scan.set_index("element_id")["effect_fraction"]
        return self._losses[mode]

    @cached_property
    def _gradients(self) -> dict[str, np.ndarray]:
        return attribution.gradient_scores(self.predictor, self.window)

    def _attributed(self, method: str) -> np.ndarray:
        """(E,); NaN throughout where the contributions do not add up, and so say nothing."""
        try:
            if method in attribution.ONE_GRADIENT:
                return self._gradients[method]
            return attribution.attribute(self.predictor, self.window, method=method).elements
        except NotAvailable:
            return np.full(len(self.ids), np.nan)
