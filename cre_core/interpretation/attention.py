"""Attention of one gene as one object: by layer and head, normalised as each paper does it.

A weight says where a model looked. It is neither contact nor proof of effect, and is never called one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch

from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput
from cre_core.inference.predictor import Predictor
from cre_core.inference.predicts import Predicts

# CREaTor divides by log10(distance), 0 at 1 bp and undefined at 0; a kilobase and nearer counts as this.
ADJUSTED_FLOOR_BP = 1_000
TOP = 5  # of attention and of perturbation, in ScPGE's combination

Normaliser = Literal["softmax", "sum", "min-max", "logit-min-max"]
NORMALISER_TEXT: dict[Normaliser, str] = {
    "softmax": "mean over layers and heads of the softmax weights, the gene itself included in their sum",
    "sum": "that mean over the elements alone, summing to 1 (EPInformer, Methods)",
    "min-max": "that mean scaled from 0 to 1 over the gene's elements (ScPGE, Methods)",
    "logit-min-max": "each layer's and head's logits scaled from 0 to 1 over the gene's elements, then averaged "
    "(CREaTor, Methods)",
}


@dataclass(frozen=True)
class Attention:
    """What one model's attention gave a gene's elements.

    Attributes:
      gene_id: the gene.
      elements: the window's elements, in its order.
      is_read: (E,) bool; of an element that the model does not read there is no score.
      probabilities: (S, layers, H, 1 + E), the gene's row after the softmax, for each seed; index 0 is the gene.
      logits: (S, layers, H, 1 + E, 1 + E), before the softmax, masks included; None for a model whose elements see
        nothing but their gene and themselves.
    """

    gene_id: str
    elements: pd.DataFrame
    is_read: np.ndarray
    probabilities: np.ndarray
    logits: np.ndarray | None

    def row(
        self, normaliser: Normaliser = "softmax", *, layer: int | None = None, head: int | None = None
    ) -> np.ndarray:
        """The gene's row.

        Args:
          normaliser: see NORMALISER_TEXT.
          layer, head: one of them, counted from 0; None = mean over all.

        Returns:
          (E,) float64, mean over seeds; NaN for an element that the model does not read.

        Raises:
          BadInput: a normaliser, layer or head that does not exist.
        """
        if normaliser not in get_args(Normaliser):
            raise BadInput(f"no normaliser '{normaliser}'; there are {', '.join(get_args(Normaliser))}")
        chosen = _chosen(self.probabilities, layer, head)  # (S, l, h, 1 + E)
        if normaliser == "logit-min-max":
            # A logit is the logarithm of its weight plus a number that is the same along the row.
            with np.errstate(divide="ignore"):
                logits = np.log(chosen[..., 1:])
            return self._seen(_scaled(logits, self.is_read).mean(axis=(0, 1, 2)))
        mean = chosen.mean(axis=(1, 2))[:, 1:]  # (S, E)
        if normaliser == "sum":
            mean = mean / mean[:, self.is_read].sum(1, keepdims=True)
        elif normaliser == "min-max":
            mean = _scaled(mean, self.is_read)
        return self._seen(mean.mean(0))

    def adjusted(self, normaliser: Normaliser = "softmax") -> np.ndarray:
        """(E,): the row over log10 of the distance in bp, 1 kb at least. Source: CREaTor, Methods."""
        distance = np.maximum(np.abs(self.elements["tss_distance_bp"].to_numpy()), ADJUSTED_FLOOR_BP)
        return self.row(normaliser) / np.log10(distance)

    def between_elements(self, *, layer: int | None = None, head: int | None = None) -> np.ndarray | None:
        """(E, E) softmax weight that each element (row) gave each other; NaN where not read; None where not there."""
        if self.logits is None:
            return None
        chosen = torch.from_numpy(_chosen(self.logits, layer, head)).softmax(-1)[..., 1:, 1:]
        mean = chosen.mean(dim=(0, 1, 2)).double().numpy()  # (E, E)
        return np.where(self.is_read[:, None] & self.is_read, mean, np.nan)

    def _seen(self, scores: np.ndarray) -> np.ndarray:
        return np.where(self.is_read, scores, np.nan)


def attention_of(predictor: Predicts, window: GeneWindow, *, with_logits: bool = False) -> Attention:
    """The attention of a gene in each of its fold's models.

    Args:
      with_logits: between elements too, for models whose elements see each other.
    """
    found = predictor.predict_each(window, with_logits=with_logits)
    logits = [part.logits[0].float().numpy() for part in found if part.logits is not None]
    E = len(window.elements)
    return Attention(
        gene_id=window.gene["gene_id"],
        elements=window.elements,
        is_read=predictor.looks_at(window),
        probabilities=np.stack([part.attention[0, :, :, : 1 + E].double().numpy() for part in found]),
        logits=np.stack(logits) if logits else None,
    )


def attention_of_genes(predictor: Predictor, windows: Sequence[GeneWindow]) -> list[Attention]:
    """The attention of several genes that share a fold, from one batch; without what lies between elements."""
    found = predictor.predict_genes_each(windows)
    return [
        Attention(
            gene_id=window.gene["gene_id"],
            elements=window.elements,
            is_read=predictor.looks_at(window),
            probabilities=np.stack(
                [part.attention[b, :, :, : 1 + len(window.elements)].double().numpy() for part in found]
            ),
            logits=None,
        )
        for b, window in enumerate(windows)
    ]


def best_rank(attention: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """The better of an element's two ranks, by attention and by predicted loss of expression, as a score.

    Args:
      attention: (E,), NaN = no score.
      effect: (E,) share of expression lost when the element is knocked out, NaN = no score.

    Returns:
      (E,) float64, 1 / rank: 1 for the first of either, 1/2 for the second; those of 1/5 and above are the top 5 of
      attention together with the top 5 of perturbation. NaN where both are. Above 0, like every score for which 0
      stands for none.

    Source: ScPGE, Methods (combination); its figures find six elements of KLF1, so the two lists are joined, not cut.
    """
    ranks = [(-pd.Series(values)).rank(method="first") for values in (attention, effect)]
    return 1 / pd.concat(ranks, axis=1).min(axis=1).to_numpy(float)


def _chosen(values: np.ndarray, layer: int | None, head: int | None) -> np.ndarray:
    """(S, layers, H, ...) -> the chosen layers and heads, axes kept."""
    for axis, (name, number) in enumerate((("layer", layer), ("head", head)), 1):
        if number is None:
            continue
        if not 0 <= number < values.shape[axis]:
            raise BadInput(f"{name} {number} came; wanted 0 to {values.shape[axis] - 1}")
        values = values.take([number], axis=axis)
    return values


def _scaled(values: np.ndarray, is_read: np.ndarray) -> np.ndarray:
    """(..., E) from 0 to 1 over the elements that are read; a row of equals is 0."""
    if not is_read.any():
        return np.zeros_like(values)
    inside = values[..., is_read]
    low, high = inside.min(-1, keepdims=True), inside.max(-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        scaled = (values - low) / np.where(high > low, high - low, 1.0)
    return np.where(is_read, scaled, 0.0)
