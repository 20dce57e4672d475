"""What every predictor answers, whether its weights are in this process or in another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.schema import ExpressionUnit, Mode, Prediction, Reads

if TYPE_CHECKING:
    import torch

    from cre_core.inference.predictor import Predictor

SCAN_BATCH = 256  # variants per forward pass: bounds the memory of a scan of a crowded window


class Predicts(Protocol):
    """One model on one study and biosample, each gene through the fold that never saw it.

    `KnownModel` has what takes no weights, `Predictor` computes the rest here, and a remote one asks for it.
    """

    study: Study
    name: str
    folder: Path
    biosample: str
    label: str
    unit: ExpressionUnit
    reads: Reads
    modes: tuple[Mode, ...]
    checkpoints: list[Path]
    trained_on: tuple[str, ...]

    @property
    def saw_biosample(self) -> bool:
        """Whether the model was trained on this biosample."""

    @property
    def signal_text(self) -> str:
        """How counts enter the model where it is not as reads."""

    def mode_text(self, mode: Mode) -> str:
        """What a knock-out in this mode does to the input, as the page prints it."""

    def fold_of(self, gene_id: str) -> str:
        """The fold that answers for a gene."""

    def saw(self, gene_id: str) -> bool:
        """Was the gene in the training set of the fold that answers for it?"""

    def window(self, gene_id: str) -> GeneWindow:
        """The elements this model sees around a gene."""

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        """(E,) bool: the elements of a window that the model reads."""

    def predict(self, windows: Sequence[GeneWindow]) -> Prediction:
        """Predict genes that share a fold."""

    def predict_each(self, window: GeneWindow, *, with_logits: bool = False) -> list[Prediction]:
        """Predict one gene with each of its fold's models."""

    def predict_variants(
        self, window: GeneWindow, strengths: np.ndarray, *, mode: Mode, shuffle: int = 0
    ) -> Prediction:
        """Predict variants of one gene, (V, E) strengths in 0..1."""

    def predict_singles(self, window: GeneWindow, rows: np.ndarray, *, mode: Mode, shuffle: int = 0) -> torch.Tensor:
        """(1 + n,) expression as measured, and with each of n elements knocked out alone."""

    def with_weights(self) -> Predictor:
        """The same model with its weights in this process: what gradients want. Whoever calls it loads them."""
