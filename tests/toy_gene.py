"""A gene whose expression is 1 + the sum of what its elements add, and a predictor that knows it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

from cre_core.data.windows import GeneWindow
from cre_core.inference.predictor import Predictor
from cre_core.schema import ExpressionUnit, Prediction, Reads

GENE = pd.Series({"gene_id": "g", "gene_name": "TOY", "chrom": "chr1", "tss": 10_000, "strand": "+"})
ADDS = np.array([4.0, 2.0, 1.0])  # a adds 4, b adds 2, c adds 1: baseline 1 + 7 = 8
UNIT = ExpressionUnit("log2(x)", 2.0)
CRISPR = {
    "chrom": "chr1",
    "start": [1_000, 4_100, 20_000],
    "end": [1_500, 4_900, 20_400],
    "gene_id": "g",
    "effect_fraction": [-0.4, 0.2, -0.01],
    "p_adjusted": [0.001, 0.02, np.nan],
    "power_at_25": [0.9, 0.8, np.nan],
    "is_significant": [True, True, False],
    "biosample": "here",
    "reference": "toy",
    "tss_distance_bp": [-8_750.0, -5_500.0, 10_200.0],
}


def adding_window() -> GeneWindow:
    elements = pd.DataFrame(
        {
            "element_id": ["a", "b", "c"],
            "chrom": "chr1",
            "start": [1_000, 4_000, 12_000],
            "end": [1_500, 4_500, 12_500],
            "element_class": ["distal", "distal", "proximal"],
            "tss_distance_bp": [-8_750, -5_750, 2_250],
            "is_own_promoter": False,
        }
    )
    return GeneWindow(GENE, "here", (), elements, np.array([]), np.array([]))


class AddingPredictor:
    """log2(1 + strengths . ADDS); the attention of an element is its share."""

    unit, biosample, name, modes = UNIT, "here", "toy", ("mask",)
    checkpoints, reads = (), Reads(reach_bp=2_000_000)

    def __init__(self, crispr: pd.DataFrame | None = None) -> None:
        self.study = SimpleNamespace(
            name="toys",
            crispr=crispr,
            gene=lambda _: GENE,
            has=lambda table: table == "crispr" and crispr is not None,
            info=SimpleNamespace(measures={"rna": "log2(x)"}),
            expression=pd.DataFrame(
                [("g", "here", "rna", 3.5)], columns=["gene_id", "biosample", "measure", "value"]
            ),
        )

    def window(self, gene_id: str) -> GeneWindow:
        return adding_window()

    def fold_of(self, gene_id: str) -> str:
        return "fold_3"

    def saw(self, gene_id: str) -> bool:
        return True

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        return np.ones(len(window.elements), bool)

    predict_singles = Predictor.predict_singles

    def predict_variants(
        self, window: GeneWindow, strengths: np.ndarray, *, mode: str, shuffle: int = 0
    ) -> Prediction:
        total = 1 + strengths @ ADDS
        attention = torch.zeros(len(strengths), 1, 1, 4)
        attention[:, 0, 0, 1:] = torch.as_tensor(strengths * ADDS / total[:, None])
        return Prediction(torch.as_tensor(np.log2(total)), attention)
