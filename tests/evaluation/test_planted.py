"""Predicted knock-outs against planted effects, by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation.planted import planted_benchmark
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.perturb import scan_singles

MASK = "epinformer.perturbation"


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def planted(predictor: Predictor, folder: Path, *, factor: float) -> Study:
    """The toy study whose truth is so much of expression, with the sign of the predicted effect."""
    shutil.copytree(predictor.study.folder, folder)
    rows = []
    for gene_id in predictor.study.genes["gene_id"]:
        scan = scan_singles(predictor, predictor.window(gene_id))
        rows.append(scan.assign(gene_id=gene_id, true_effect_fraction=factor * np.sign(scan["effect_fraction"])))
    truth = pd.concat(rows)[["element_id", "gene_id", "true_effect_fraction"]].assign(biosample="ToyCell")
    truth.to_parquet(folder / "truth_links.parquet")
    return Study.open(folder)


def found(study: Study) -> dict[tuple[str, str], float]:
    rows = planted_benchmark(study, biosample="ToyCell", methods=[MASK], report=quiet, n_resamples=20)
    return {(row["method"], row["metric"]): row["value"] for row in rows}


def test_what_was_predicted_is_what_was_planted(toy_predictor: Predictor, tmp_path: Path) -> None:
    values = found(planted(toy_predictor, tmp_path / "study", factor=0.2))
    assert values[MASK, "sign_agreement"] == 1
    assert values[MASK, "average_precision"] == 1
    assert values[MASK, "average_precision_difference"] == 1 - values["distance", "average_precision"]


def test_the_opposite_was_planted(toy_predictor: Predictor, tmp_path: Path) -> None:
    values = found(planted(toy_predictor, tmp_path / "study", factor=-0.2))
    assert values[MASK, "sign_agreement"] == 0


def test_the_gene_s_own_promoter_is_left_out(toy_predictor: Predictor, tmp_path: Path) -> None:
    study = planted(toy_predictor, tmp_path / "study", factor=0.01)
    rows = planted_benchmark(study, biosample="ToyCell", methods=[MASK], report=quiet, n_resamples=5)
    n = next(row["n"] for row in rows if row["metric"] == "average_precision")
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    windows = [predictor.window(gene_id) for gene_id in study.genes["gene_id"]]
    assert n == sum(int((~window.elements["is_own_promoter"]).sum()) for window in windows)


def test_nothing_planted_has_no_sign(toy_predictor: Predictor, tmp_path: Path) -> None:
    assert np.isnan(found(planted(toy_predictor, tmp_path / "study", factor=0.01))[MASK, "sign_agreement"])


def test_a_real_study_has_no_planted_truth(toy_study: Study) -> None:
    with pytest.raises(
        NotAvailable, match="study toy has no planted truth: only a simulated study knows its effects"
    ):
        planted_benchmark(toy_study, biosample="ToyCell", methods=None, report=quiet)


def test_an_unknown_method(toy_predictor: Predictor, tmp_path: Path) -> None:
    study = planted(toy_predictor, tmp_path / "study", factor=0.01)
    with pytest.raises(UnknownName, match=r"no method 'abc' .* there are epinformer.perturbation"):
        planted_benchmark(study, biosample="ToyCell", methods=["abc"], report=quiet)
