"""The benchmark of predicted knock-outs against the toy study's screen: geneA's e2, e3 and a place between."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation.knockouts import ablations, knockouts_benchmark
from cre_core.evaluation.screened import screen_of
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.perturb import knock_out
from cre_core.schema import CRISPR


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def rows_of(study: Study) -> dict[tuple[str, str], dict[str, Any]]:
    rows = knockouts_benchmark(study, biosample="ToyCell", methods=None, report=quiet, n_resamples=20)
    assert {row["method"] for row in rows} == {"epinformer"}
    return {(row["metric"], row["subset"]): row for row in rows}


def effect(predictor: Predictor, gene_id: str, *elements: str) -> float:
    found = knock_out(predictor, predictor.window(gene_id), dict.fromkeys(elements, 0.0))
    return found.effect_fraction


def test_rows_are_of_the_pairs_with_a_prediction_and_of_the_positives(toy_predictor: Predictor) -> None:
    rows = rows_of(toy_predictor.study)
    every, median = rows["average_precision", "all"], rows["median_predicted", "positives"]
    assert (every["n"], every["n_positive"], every["prevalence"], every["n_without_element"]) == (2, 1, 0.5, 1)
    assert np.isnan(every["value"])  # of two pairs
    assert (median["n"], median["n_positive"]) == (1, 1)
    assert median["value"] == pytest.approx(effect(toy_predictor, "G1", "e2"), abs=1e-6)
    assert rows["median_measured", "positives"]["value"] == -0.4
    assert rows["wrong_sign", "positives"]["value"] == float(median["value"] > 0)
    assert rows["felt", "positives"]["value"] == float(median["value"] <= -0.05)
    assert rows["wrong_sign", "positives >25 kb"]["n"] == 0  # e2 lies 10 kb away
    assert {row["interval"] for row in rows.values()} == {"gene"}


def test_each_tested_gene_counts_once_in_the_ablation(toy_predictor: Predictor, tmp_path: Path) -> None:
    """Of geneA's elements e2 and e4 lie 10 and 200 kb away, e3 100 kb; geneM sees the same from 300 kb."""
    rows = rows_of(toy_predictor.study)
    near, far = rows["median_ablation", "10-25 kb"], rows["median_ablation", ">100 kb"]
    assert (near["n"], near["median_n_elements"]) == (1, 1)
    assert near["value"] == pytest.approx(effect(toy_predictor, "G1", "e2"), abs=1e-6)
    assert far["value"] == pytest.approx(effect(toy_predictor, "G1", "e3", "e4"), abs=1e-6)
    assert rows["median_ablation", "<10 kb"]["n"] == 0
    shutil.copytree(toy_predictor.study.folder, tmp_path / "study")
    study = Study.open(tmp_path / "study")
    again = study.crispr.assign(gene_id="G2", gene_name="geneM", tss=300_000, tss_distance_bp=200_000.0)
    table = pd.concat([study.crispr, again])[list(CRISPR.columns)]
    table.to_parquet(tmp_path / "study" / "crispr.parquet", index=False)
    study = Study.open(tmp_path / "study")
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    found = ablations(predictor, screen_of(study, "ToyCell"), report=quiet)
    assert set(found["gene_id"]) == {"G1", "G2"}
    both = found.loc[found["subset"] == ">100 kb", "effect_fraction"]
    assert rows_of(study)["median_ablation", ">100 kb"]["value"] == pytest.approx(both.mean(), abs=1e-6)


def test_without_a_screen_or_a_model_or_with_another_model(toy_study: Study, toy_predictor: Predictor) -> None:
    asked: dict[str, Any] = {"methods": None, "report": quiet}
    with pytest.raises(NotAvailable, match=r"^study toy has no CRISPRi screen of Elsewhere to compare with$"):
        knockouts_benchmark(toy_study, biosample="Elsewhere", **asked)
    with pytest.raises(NotAvailable, match=r"^no model of study toy is trained for ToyCell: nothing predicts"):
        knockouts_benchmark(toy_study, biosample="ToyCell", **asked)
    with pytest.raises(UnknownName, match=r"^no model 'abc' of ToyCell in study toy; there are epinformer$"):
        knockouts_benchmark(toy_predictor.study, biosample="ToyCell", methods=["abc"], report=quiet)
