"""Training of CREATE: what a recipe may say, both phases, what a fold leaves, what a kill leaves."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy import make_toy_study
from toy_classes import TINY_CREATE, class_recipe, class_study, with_labels
from toy_inputs import with_biosamples, with_sequence

from cre_core.data.study import Study, write_info
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models import checkpoint
from cre_core.models.create_losses import PAPER, RELEASED
from cre_core.models.registry import build
from cre_core.training import classes, recipe
from cre_core.training.class_recipe import load_class_recipe
from cre_core.training.classes import ClassModule, copy_means, macro_auprc, train_classes

WEIGHTS = "create/ToyCell/fold_2-seed_0.safetensors"


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def train(
    study: Study, recipe: str, out: Path, *, biosample: str = "ToyCell", folds: str = "2"
) -> list[dict[str, Any]]:
    return train_classes(
        study, "create", biosample=biosample, out=out, folds=folds, recipe=recipe, device="cpu", report=quiet
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return class_study(tmp_path_factory.mktemp("classes") / "study", gap_bp=110_050)


def test_a_fold_leaves_one_file_and_says_how_it_was_made(study: Study, tmp_path: Path) -> None:
    recipe = class_recipe(tmp_path / "small.yaml", test_copies=3)
    rows = train(study, recipe, tmp_path / "m")
    assert [row["fold"] for row in rows] == ["fold_2"]
    folder = tmp_path / "m/create/ToyCell"
    assert sorted(path.name for path in folder.iterdir()) == ["fold_2-seed_0.safetensors", "logs"]
    info = checkpoint.read_info(tmp_path / "m" / WEIGHTS)
    assert (info.model, info.expression_unit, info.biosample, info.fold) == (
        "create", "class logit", "ToyCell", "fold_2",
    )  # fmt: skip
    made = info.provenance
    # Three of the four elements of chrA train or validate: e2 has no data. chrB is the fold's test.
    assert made["n_train"] + made["n_valid"] + made["n_without_data"] == 4
    assert (made["n_without_data"], made["split"], made["test_copies"]) == (1, "chromosome", 3)
    assert tuple(info.config["tracks"]) == ("open", "loop")
    before = checkpoint.load(tmp_path / "m" / WEIGHTS)[0].state_dict()
    assert train(study, recipe, tmp_path / "m")[0]["state"] == "was there already"
    after = checkpoint.load(tmp_path / "m" / WEIGHTS)[0].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_of_another_recipe_are_not_taken_for_its_own(study: Study, tmp_path: Path) -> None:
    train(study, class_recipe(tmp_path / "small.yaml", epochs=1), tmp_path)
    with pytest.raises(BadInput, match=r"fold_2-seed_0\.safetensors was made by recipe small, not other"):
        train(study, class_recipe(tmp_path / "other.yaml"), tmp_path)


def test_a_killed_run_gives_the_weights_of_an_uninterrupted_one(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = class_recipe(tmp_path / "small.yaml", epochs=4, reconstruction_epochs=1, weights="released", patience=9)
    train(study, recipe, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(ClassModule, "on_train_batch_start", _killed_in_epoch_2)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(study, recipe, tmp_path / "killed")
    assert not (tmp_path / "killed" / WEIGHTS).exists()  # nothing half-written passes for a model
    assert (tmp_path / "killed/create/ToyCell/.fold_2-seed_0/last.ckpt").is_file()
    torch.manual_seed(99)
    train(study, recipe, tmp_path / "killed")
    whole, killed = (checkpoint.load(tmp_path / name / WEIGHTS)[0].state_dict() for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    assert not (tmp_path / "killed/create/ToyCell/.fold_2-seed_0").exists()


def _killed_in_epoch_2(self: ClassModule, batch: object, index: int) -> None:
    if self.current_epoch == 2:
        raise KeyboardInterrupt


def test_one_model_learns_the_elements_of_several_biosamples(tmp_path: Path) -> None:
    study = with_sequence(make_toy_study(tmp_path / "study"))
    study = with_labels(with_biosamples(study, {"OtherCell": 2.0, "NewCell": 3.0}, held_out="NewCell"))
    recipe = class_recipe(
        tmp_path / "small.yaml", config={**TINY_CREATE, "inputs": ["sequence"]}, epochs=1, n_seeds=2
    )
    train(study, recipe, tmp_path / "m", biosample="ToyCell,OtherCell", folds="all")
    folder = tmp_path / "m/create/ToyCell+OtherCell"
    assert len(list(folder.glob("fold_?-seed_?.safetensors"))) == 4
    info = checkpoint.read_info(folder / "fold_2-seed_1.safetensors")
    assert (info.provenance["n_train"], info.provenance["n_valid"]) == (6, 2)  # of four elements, twice
    assert info.config["tracks"] == []
    with pytest.raises(BadInput, match="NewCell is held out of training in study toy"):
        train(study, recipe, tmp_path / "m", biosample="ToyCell,NewCell")


def test_a_study_without_loops_or_labels(tmp_path: Path) -> None:
    study = with_sequence(make_toy_study(tmp_path / "study"))
    recipe = class_recipe(tmp_path / "small.yaml")
    with pytest.raises(NotAvailable, match=r"study toy has no element labels \(element_labels\.parquet\)"):
        train(study, recipe, tmp_path / "m")
    study = class_study(tmp_path / "other", gap_bp=110_050)
    write_info(study.folder, replace(study.info, intervals=()))
    with pytest.raises(NotAvailable, match="study toy has no loops of ToyCell, and this model reads them"):
        train(Study.open(study.folder), recipe, tmp_path / "m")
    without = class_recipe(
        tmp_path / "without.yaml", config={**TINY_CREATE, "inputs": ["sequence", "open"]}, epochs=1
    )
    train(Study.open(study.folder), without, tmp_path / "m")
    assert not list((tmp_path / "m").rglob("*.partial"))


def test_bad_requests(study: Study, tmp_path: Path) -> None:
    recipe = class_recipe(tmp_path / "small.yaml")
    with pytest.raises(BadInput, match=r"study toy has no fold_9; it has fold_1 \.\.\. fold_2"):
        train(study, recipe, tmp_path, folds="9")
    with pytest.raises(UnknownName, match="no recipe 'nothing' of create; there are create, create-demo, or give"):
        load_class_recipe("nothing")
    with pytest.raises(BadInput, match=r"recipe counts\.yaml trains epinformer-counts; wanted create"):
        load_class_recipe("counts")
    with pytest.raises(BadInput, match=r"recipe odd\.yaml has no setting 'learning_speed'; it has name, model"):
        load_class_recipe(class_recipe(tmp_path / "odd.yaml", learning_speed=3))
    with pytest.raises(UnknownName, match="recipe odd: no split 'random'; there are chromosome, ten-fold"):
        load_class_recipe(class_recipe(tmp_path / "odd.yaml", split="random"))
    with pytest.raises(UnknownName, match="recipe odd: no weights 'heavy'; there are paper, released"):
        load_class_recipe(class_recipe(tmp_path / "odd.yaml", weights="heavy"))
    with pytest.raises(BadInput, match="recipe odd: train_copies of enhancer; wanted silencer, enhancer, promoter"):
        load_class_recipe(class_recipe(tmp_path / "odd.yaml", train_copies={"enhancer": 5}))
    with pytest.raises(BadInput, match="4 copies of an element; wanted an odd number"):
        load_class_recipe(class_recipe(tmp_path / "odd.yaml", test_copies=4))
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(BadInput, match=r"list\.yaml is not a recipe: wanted a mapping of settings"):
        load_class_recipe(str(tmp_path / "list.yaml"))


def test_the_published_recipe_is_the_papers() -> None:
    paper = load_class_recipe("create")
    assert (paper.learning_rate, paper.batch_size, paper.epochs, paper.patience) == (5e-5, 1024, 300, 20)
    assert list(paper.train_copies.values()) == [5, 5, 3, 3, 1]
    assert (paper.test_copies, paper.stride_bp, paper.reach_bp, paper.reverse_complement) == (5, 10, 20, True)
    assert paper.weights_at(0) == paper.weights_at(299) == PAPER
    assert checkpoint.count_parameters(build("create", classes._config(paper))) == 6_798_611


@pytest.mark.parametrize("path", sorted(recipe.FOLDER.glob("create*.yaml")), ids=lambda p: p.stem)
def test_every_recipe_of_create_builds_its_model(path: Path) -> None:
    assert build("create", classes._config(load_class_recipe(path.stem))) is not None


def test_the_released_form_has_two_phases(tmp_path: Path) -> None:
    recipe = load_class_recipe(class_recipe(tmp_path / "r.yaml", weights="released", reconstruction_epochs=50))
    first = recipe.weights_at(49)
    assert (first.cross_entropy, first.silencer_focal, first.l1, first.sequence) == (0, 0, 0, 1)
    assert recipe.weights_at(50) == RELEASED


@pytest.mark.slow
def test_the_papers_size_trains_a_few_steps(tmp_path: Path) -> None:
    study = class_study(tmp_path / "study", gap_bp=110_050)
    path = class_recipe(tmp_path / "create.yaml", config={}, epochs=1, batch_size=16, learning_rate=5e-5)
    train(study, path, tmp_path / "m")
    model, _info = checkpoint.load(tmp_path / "m" / WEIGHTS)
    assert checkpoint.count_parameters(model) == 6_798_611


def test_the_mean_over_copies_by_hand() -> None:
    logits = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0], [0.0, math.log(9.0)], [0.0, 0.0]])
    probabilities, labels = copy_means(logits, torch.tensor([0, 0, 1, 1]), n_copies=2)
    torch.testing.assert_close(probabilities, torch.tensor([[0.625, 0.375], [0.3, 0.7]]))
    assert labels.tolist() == [0, 1]


def test_the_macro_auprc_by_hand() -> None:
    # Class 0: ranks of its two are 1 and 3 -> (1 + 2/3) / 2. Class 2: rank 1 -> 1. Class 1 does not occur.
    probabilities = np.array([[0.9, 0.0, 0.1], [0.5, 0.0, 0.4], [0.6, 0.0, 0.9]])
    assert macro_auprc(np.array([0, 0, 2]), probabilities) == pytest.approx((5 / 6 + 1) / 2)
