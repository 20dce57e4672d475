"""Which fold answers, and what a changed strength does to the input."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cre_core.data.batches import batch_of
from cre_core.data.study import Study
from cre_core.errors import BadFile, BadInput, NotAvailable
from cre_core.inference.known import trained_models
from cre_core.inference.predictor import Predictor, open_predictor


def test_the_fold_that_never_saw_the_gene_answers(toy_predictor: Predictor) -> None:
    assert [toy_predictor.fold_of(gene) for gene in ("G1", "G2", "G3", "G4")] == [
        "fold_1",
        "fold_1",
        "fold_2",
        "fold_2",
    ]
    assert not toy_predictor.saw("G1")


def test_genes_of_two_folds_do_not_mix(toy_predictor: Predictor) -> None:
    windows = [toy_predictor.window(gene) for gene in ("G1", "G3")]
    with pytest.raises(BadInput, match="genes of 2 folds in one batch"):
        toy_predictor.predict(windows)


def test_a_batch_gives_what_each_gene_gives_alone(toy_predictor: Predictor) -> None:
    windows = [toy_predictor.window(gene) for gene in ("G1", "G2")]
    together = toy_predictor.predict(windows).expression
    alone = torch.cat([toy_predictor.predict([window]).expression for window in windows])
    torch.testing.assert_close(together, alone)


def test_strength_zero_is_an_absent_element(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    masked = toy_predictor.predict_variants(window, np.array([[1, 1, 0, 1]]), mode="mask")
    without = replace(window, elements=window.elements.drop(index=2).reset_index(drop=True))
    absent = toy_predictor.run("fold_1", batch_of([without]))
    torch.testing.assert_close(masked.expression, absent.expression)
    assert masked.attention[..., 3].abs().max() == 0


def test_strength_one_is_the_measured_input(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    for mode in toy_predictor.modes:
        variant = toy_predictor.predict_variants(window, np.ones((1, 4)), mode=mode)
        torch.testing.assert_close(variant.expression, toy_predictor.predict([window]).expression)


def test_inactive_is_the_studys_low_end(toy_predictor: Predictor) -> None:
    # reads per bp of the six elements, by hand; the 5th percentile lies a quarter of the way from 0 to the next
    dnase = np.array([0, 10, 100, 400 / 2, 800, 900]) / 500
    assert toy_predictor.background.counts_per_bp[0].item() == pytest.approx(np.quantile(dnase, 0.05))


def test_silencing_gives_the_element_inactive_counts(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    silenced = toy_predictor.predict_variants(window, np.array([[1, 1, 0, 1]]), mode="silence")
    changed = window.elements.copy()
    reads = toy_predictor.background.counts_per_bp.numpy() * 1000  # e3 is 1,000 bp wide
    changed[["dnase", "h3k27ac"]] = changed[["dnase", "h3k27ac"]].astype(np.float32)
    changed.loc[2, ["dnase", "h3k27ac"]] = reads
    expected = toy_predictor.run("fold_1", batch_of([replace(window, elements=changed)]))
    torch.testing.assert_close(silenced.expression, expected.expression)
    torch.testing.assert_close(silenced.attention, expected.attention)


def test_silencing_an_inactive_element_does_nothing(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G4")  # e6 has no reads at all
    assert window.elements["element_id"].tolist() == ["e5", "e6"]
    effect = toy_predictor.predict_variants(window, np.array([[1, 1], [1, 0]]), mode="silence").expression
    assert effect[0] == pytest.approx(float(effect[1]), abs=1e-6)


def test_an_element_without_data_is_left_out(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    blank = window.elements.astype({"dnase": float})
    blank.loc[1, "dnase"] = np.nan
    without = window.elements.drop(index=1).reset_index(drop=True)
    a = toy_predictor.predict([replace(window, elements=blank)]).expression
    b = toy_predictor.predict([replace(window, elements=without)]).expression
    torch.testing.assert_close(a, b)


def test_the_promoters_own_counts_fall_with_its_element(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    batch = toy_predictor._varied(window, torch.tensor([[1.0, 1, 1, 1], [0.5, 1, 1, 1], [0, 1, 1, 1]]), "mask")
    floor = toy_predictor.background.counts_per_bp[0].item() * 1000
    assert batch.promoter_signal[:, 0].tolist() == pytest.approx([900, (900 + floor) / 2, floor], rel=1e-5)


@pytest.mark.parametrize(
    ("strengths", "says"),
    [
        ([[1, 1, 1.5, 1]], "a strength of 1.5; wanted 0 to 1"),
        ([[1, 1, np.nan, 1]], "a strength of nan; wanted 0 to 1"),
        ([[1, 1]], r"strengths of shape \(1, 2\); wanted \(variants, 4\)"),
    ],
)
def test_bad_strengths(toy_predictor: Predictor, strengths: list[list[float]], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        toy_predictor.predict_variants(toy_predictor.window("G1"), np.array(strengths), mode="mask")


def test_a_mode_the_model_lacks(toy_predictor: Predictor) -> None:
    says = "EPInformer, element counts has no mode 'scramble' here: it reads no sequence; it has mask, silence"
    with pytest.raises(BadInput, match=says):
        toy_predictor.mode_text("scramble")


def test_no_weights_says_how_to_get_them(toy_study: Study) -> None:
    assert trained_models(toy_study, "ToyCell") == []
    with pytest.raises(NotAvailable, match="python -m cre_core train epinformer --study"):
        open_predictor(toy_study, "epinformer", biosample="ToyCell")


def test_many_genes_give_what_each_gives(toy_predictor: Predictor) -> None:
    table = toy_predictor.predict_genes(["G3", "G1"])
    assert table["gene_id"].tolist() == ["G3", "G1"]
    assert table["fold"].tolist() == ["fold_2", "fold_1"]
    alone = [float(toy_predictor.predict([toy_predictor.window(g)]).expression) for g in ("G3", "G1")]
    assert table["predicted"].tolist() == pytest.approx(alone, abs=1e-5)


def test_weights_in_another_folds_place_do_not_speak_for_it(toy_predictor: Predictor, tmp_path: Path) -> None:
    """The test genes of fold_2 were learned by fold_1's model."""
    study = Study.open(shutil.copytree(toy_predictor.study.folder, tmp_path / "study"))
    folder = study.folder / "models/epinformer/ToyCell"
    shutil.copy(folder / "fold_1-seed_0.safetensors", folder / "fold_2-seed_0.safetensors")
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    predictor.predict([predictor.window("G1")])  # fold_1's own
    with pytest.raises(
        BadFile, match=r"fold_2-seed_0\.safetensors says that it is of fold fold_1; its place is that"
    ):
        predictor.predict([predictor.window("G3")])
    shutil.move(folder / "fold_2-seed_0.safetensors", folder / "fold_1-seed_0.safetensors")
    folder.rename(folder.with_name("ToyCell+Other"))
    with pytest.raises(BadFile, match=r"is of biosample ToyCell; its place is that of biosample ToyCell\+Other"):
        open_predictor(study, "epinformer", biosample="ToyCell")
