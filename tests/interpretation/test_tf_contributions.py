"""Which factors matter where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.attribution import AttributionSettings, attribute
from cre_core.interpretation.tf_contributions import strongest, tf_contributions
from cre_core.io.motifs import Motif, read_motifs
from cre_core.models import checkpoint
from cre_core.models.registry import build

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
THREE = [Motif(f"M{n}", name, np.full((4, 5), 0.25)) for n, name in enumerate(("GATA1", "CTCF", "SPI1"))]


def test_the_strongest_by_hand() -> None:
    contributions = np.array([[0.1, -0.5, 0.2], [np.nan] * 3, [np.nan, 0.0, 0.3]])
    found = strongest(contributions, ["e1", "e2", "e3"], THREE, n_top=2)
    assert found.to_numpy().tolist() == [
        ["e1", 1, "M1", "CTCF", -0.5],
        ["e1", 2, "M2", "SPI1", 0.2],
        ["e3", 1, "M2", "SPI1", 0.3],
        ["e3", 2, "M1", "CTCF", 0.0],
    ]


def test_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(BadInput, match=r"shape \(1, 2\) came; wanted \(elements, motifs\) = \(1, 3\)"):
        strongest(np.zeros((1, 2)), ["e1"], THREE)


@pytest.fixture(scope="module")
def scpge(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Random weights of a small ScPGE that reads the demo's motifs: arithmetic, not biology."""
    study, folder = Study.open(DEMO), tmp_path_factory.mktemp("scpge") / "scpge" / "SimA"
    settings = {"inputs": ("sequence", "motif"), "base_tracks": (), "n_motifs": 26, "width": 16, "channels": 16}
    for fold in ("fold_1", "fold_2"):
        torch.manual_seed(0)
        model = build("scpge", {**settings, "feed_forward": 32, "n_layers": 2})
        info = checkpoint.describe(model, biosample="SimA", expression_unit="log2(TPM + 1)", fold=fold, seed=0)
        checkpoint.save(folder / f"{fold}-seed_0.safetensors", model, info)
    return Predictor(study, "scpge", folder, biosample="SimA")


@pytest.mark.parametrize("method", ["deep_lift", "integrated_gradients"])
def test_the_ten_strongest_factors_of_each_element(scpge: Predictor, method: str) -> None:
    motifs = read_motifs(DEMO / "motifs.meme")
    window = scpge.window(scpge.study.genes["gene_id"].iloc[5])
    found = tf_contributions(scpge, window, motifs, method=method)
    assert found.groupby("element_id").size().eq(10).all()
    every = tf_contributions(scpge, window, motifs, method=method, n_top=26)
    motif = attribute(scpge, window, method=method, settings=AttributionSettings(inputs=("motif",)))
    assert every["contribution"].sum() == pytest.approx(motif.difference, rel=0.02)
    assert motif.bases is None
    first = found[found["element_id"] == window.elements["element_id"].iloc[0]]
    assert first["contribution"].abs().is_monotonic_decreasing
    assert motif.motif is not None
    assert first["contribution"].iloc[0] == motif.motif[0][np.abs(motif.motif[0]).argmax()]


def test_what_cannot_be_asked(scpge: Predictor, toy_predictor: Predictor) -> None:
    window = scpge.window(scpge.study.genes["gene_id"].iloc[5])
    with pytest.raises(
        BadInput, match="came method 'saliency'; contributions of factors want integrated_gradients or"
    ):
        tf_contributions(scpge, window, THREE, method="saliency")
    with pytest.raises(BadInput, match=r"wanted \(elements, motifs\) = \(20, 3\)"):
        tf_contributions(scpge, window, THREE)
    demo = open_predictor(scpge.study, "creator", biosample="SimA")
    with pytest.raises(NotAvailable, match="reads no motif of elements here; it reads bases, signal"):
        tf_contributions(demo, window=demo.window(window.gene["gene_id"]), motifs=THREE)
