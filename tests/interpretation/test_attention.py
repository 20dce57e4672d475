"""Attention as one object, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cre_core.data.study import Study
from cre_core.errors import BadInput
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.attention import Attention, attention_of, best_rank

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
# One seed, one layer, two heads; the gene itself, then three elements, of which the last is not read.
ROWS = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.1, 0.8, 0.0]])[None, None]


def by_hand(logits: np.ndarray | None = None) -> Attention:
    elements = pd.DataFrame({"tss_distance_bp": [-10_000, 10, 1_000_000]})
    return Attention("G1", elements, np.array([True, True, False]), ROWS, logits)


def test_normalisers_by_hand() -> None:
    found = by_hand()
    assert found.row() == pytest.approx([0.2, 0.5, np.nan], nan_ok=True)
    assert found.row("sum") == pytest.approx([0.2 / 0.7, 0.5 / 0.7, np.nan], nan_ok=True)
    assert found.row("min-max") == pytest.approx([0, 1, np.nan], nan_ok=True)
    # head 1: log .3 is the top, log .2 the bottom; head 2 the other way round
    assert found.row("logit-min-max") == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)


def test_one_layer_and_one_head() -> None:
    assert by_hand().row(layer=0, head=1) == pytest.approx([0.1, 0.8, np.nan], nan_ok=True)
    with pytest.raises(BadInput, match="head 2 came; wanted 0 to 1"):
        by_hand().row(head=2)
    with pytest.raises(BadInput, match="no normaliser 'max'; there are softmax, sum, min-max, logit-min-max"):
        by_hand().row("max")  # type: ignore[arg-type]


def test_adjusted_by_hand() -> None:
    assert by_hand().adjusted() == pytest.approx([0.2 / 4, 0.5 / 3, np.nan], nan_ok=True)  # 10 bp counts as 1 kb


def test_between_elements_is_the_softmax_of_the_logits() -> None:
    weights = np.array([[0.4, 0.2, 0.3, 0.1]] * 4)
    found = by_hand(np.log(weights)[None, None, None]).between_elements()
    assert found is not None
    assert found[:2, :2] == pytest.approx(np.array([[0.2, 0.3], [0.2, 0.3]]))
    assert np.isnan(found[2]).all()
    assert by_hand().between_elements() is None


def test_the_best_of_two_ranks() -> None:
    found = best_rank(np.array([0.9, 0.1, 0.5, np.nan]), np.array([0.0, 0.3, 0.1, np.nan]))
    assert found == pytest.approx([1, 1, 1 / 2, np.nan], nan_ok=True)


@pytest.mark.parametrize("model", ["creator", "scpge", "epinformer"])
def test_a_models_row_is_that_of_its_logits(model: str) -> None:
    study = Study.open(DEMO)
    predictor = open_predictor(study, model, biosample="SimA")
    window = predictor.window(str(study.genes["gene_id"].iloc[30]))
    found = attention_of(predictor, window, with_logits=True)
    with torch.inference_mode():
        mean = predictor.predict([window]).element_attention[0].numpy()
    assert found.row() == pytest.approx(np.where(found.is_read, mean, np.nan), abs=1e-6, nan_ok=True)
    if model == "epinformer":
        assert found.logits is None
        return
    assert found.logits is not None
    shifted = np.exp(found.logits - found.logits.max(-1, keepdims=True))
    gene_rows = (shifted / shifted.sum(-1, keepdims=True))[..., 0, :]
    assert gene_rows == pytest.approx(found.probabilities, abs=1e-5)
    between = found.between_elements()
    assert between is not None
    assert np.nanmax(between.sum(1)) <= 1 + 1e-5


def test_a_toy_of_counts(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    found = attention_of(toy_predictor, window)
    assert np.nansum(found.row("sum")) == pytest.approx(1)
