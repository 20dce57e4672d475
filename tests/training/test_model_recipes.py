"""The published recipes of CREaTor and ScPGE at their own size, for a few steps; and what a recipe may say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from toy import make_toy_study
from toy_inputs import with_sequence

from cre_core.data.study import IntervalSet, Study, write_info
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.inference.predictor import open_predictor
from cre_core.interpretation.perturb import scan_singles
from cre_core.models import checkpoint
from cre_core.schema import ExpressionUnit
from cre_core.training import recipe as recipes
from cre_core.training.module import ExpressionModule
from cre_core.training.run import train_model


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def with_motifs(study: Study, n: int) -> Study:
    """Random matrices of six positions."""
    draw = np.random.default_rng(0)
    text = "MEME version 4\n\nALPHABET= ACGT\n"
    for k in range(n):
        rows = draw.dirichlet(np.ones(4), 6)
        text += f"\nMOTIF m{k}\nletter-probability matrix: alength= 4 w= 6\n"
        text += "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
    (study.folder / "motifs.meme").write_text(text)
    write_info(study.folder, replace(study.info, motifs="motifs.meme"))
    return Study.open(study.folder)


def few_steps(folder: Path, name: str, **settings: object) -> str:
    """The published recipe, cut to two steps of two genes."""
    published = yaml.safe_load((recipes.FOLDER / f"{name}.yaml").read_text())
    short = {"unit": None, "batch_size": 2, "steps": 2, "validate_every": 1, "n_seeds": 1, "n_candidates": 2}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**published, **short, **settings}))
    return str(path)


def train(study: Study, model: str, recipe: str) -> None:
    out = study.folder / "models"
    train_model(study, model, biosample="ToyCell", out=out, folds="2", recipe=recipe, device="cpu", report=quiet)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "n_motifs", "n"), [("creator", 0, 5_068_545), ("scpge", 600, 4_079_617 + 256)])
def test_the_papers_size_trains_and_answers(tmp_path: Path, model: str, n_motifs: int, n: int) -> None:
    study = with_sequence(make_toy_study(tmp_path / "study"))
    if n_motifs:
        study = with_motifs(study, n_motifs)
    train(study, model, few_steps(tmp_path, model))
    trained, info = checkpoint.load(study.folder / f"models/{model}/ToyCell/fold_2-seed_0.safetensors")
    assert checkpoint.count_parameters(trained) == n
    assert info.biosample == "ToyCell"
    predictor = open_predictor(study, model, biosample="ToyCell")
    scan = scan_singles(predictor, predictor.window("G3"))
    assert scan["after"].notna().all()
    assert predictor.modes[0] == "mask"


def test_loops_are_wanted_by_the_forms_that_read_them(tmp_path: Path) -> None:
    study = with_motifs(with_sequence(make_toy_study(tmp_path / "study")), 3)
    config = {"n_motifs": 3, "width": 8, "channels": 4, "n_heads": 2, "feed_forward": 8, "n_layers": 1}
    recipe = few_steps(tmp_path, "scpge", config=config, n_candidates=1)
    with pytest.raises(NotAvailable, match="study toy has no loops of ToyCell, and this model reads them"):
        train(study, "scpge-kl", recipe)
    loops = [{"chrom": "chrA", "start": 99_000, "end": 101_000, "chrom2": "chrA", "start2": 299_000, "end2": 301_000}]
    pd.DataFrame(loops).to_parquet(study.folder / "loops.parquet")
    entry = IntervalSet("loops", "Loops", "loops", "hic", "all", "loops.parquet")
    write_info(study.folder, replace(study.info, intervals=(*study.info.intervals, entry)))
    study = Study.open(study.folder)
    for model in ("scpge-kl", "scpge-lp"):
        train(study, model, recipe)
        info = checkpoint.read_info(study.folder / f"models/{model}/ToyCell/fold_2-seed_0.safetensors")
        assert (info.model, info.config["form"]) == ("scpge", model.removeprefix("scpge-"))
        predictor = open_predictor(study, model, biosample="ToyCell")
        assert torch.isfinite(predictor.predict([predictor.window("G3")]).expression).all()


def test_a_model_that_cannot_be_trained() -> None:
    with pytest.raises(UnknownName, match="no model 'enformer' to train; there are epinformer, creator, scpge,"):
        train_model(None, "enformer", biosample="A", out=Path(), device="cpu", report=quiet)  # type: ignore[arg-type]


def test_another_model_s_recipe(tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study")
    with pytest.raises(BadInput, match="recipe creator trains creator; wanted one of scpge"):
        train(study, "scpge", "creator")


def test_the_linear_schedule_by_hand() -> None:
    recipe = recipes.Recipe(
        "x", "creator", schedule="linear", learning_rate=1e-3, floor_rate=1e-6, warmup_steps=5_000, steps=8_000
    )
    module = ExpressionModule(torch.nn.Linear(1, 1), recipe, n_steps=8_000)
    rates = [1e-3 * module._share_of_rate(step) for step in (0, 2_500, 5_000, 6_500, 8_000)]
    assert rates == pytest.approx([1e-6, 5.005e-4, 1e-3, 5.005e-4, 1e-6])


def test_units_are_converted_by_hand() -> None:
    log2, ln = ExpressionUnit.of("log2(TPM + 1), simulated"), ExpressionUnit.of("ln(TPM + 1)")
    assert log2.converted(np.array([3.0]), ln) == pytest.approx(np.log(8.0))
    with pytest.raises(
        BadInput, match=r"expression is log2\(TPM \+ 1\), simulated; it cannot be given as log10\(RPKM"
    ):
        log2.converted(np.array([3.0]), ExpressionUnit.of("log10(RPKM + 0.1)"))


@pytest.mark.parametrize("name", ["creator", "scpge"])
def test_published_recipes_are_the_papers(name: str) -> None:
    recipe = recipes.load_recipe(name)
    assert recipe.learning_rate == 1e-3
    assert (recipe.schedule, recipe.warmup_steps) == ("linear", 5_000)
    wanted = {
        "creator": ("poisson", 8, 50_000, 1e-8, 1.0, 5, "ln(TPM + 1)"),
        "scpge": ("mse", 64, 8_000, 1e-6, 0.2, 1, "log10(TPM + 1)"),
    }[name]
    said = (recipe.loss, recipe.batch_size, recipe.steps, recipe.floor_rate, recipe.clip_norm, recipe.n_seeds)
    assert (*said, recipe.unit) == wanted
