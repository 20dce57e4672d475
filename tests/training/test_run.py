"""Training: what is kept, what a kill leaves, what a recipe may say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cre_core.data.study import Study
from cre_core.errors import BadInput, UnknownName
from cre_core.models import checkpoint
from cre_core.training import run
from cre_core.training.choices import folds_of
from cre_core.training.module import ExpressionModule
from cre_core.training.recipe import load_recipe
from cre_core.training.run import train_model

SMALL = """
model: epinformer-counts
config: {width: 8, n_layers: 1, n_heads: 2, n_basis: 5}
loss: mse
epochs: 8
batch_size: 2
learning_rate: 0.01
schedule: one_cycle
element_dropout: 0.2
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    model, _info = checkpoint.load(folder / "epinformer/ToyCell/fold_2-seed_0.safetensors")
    return model.state_dict()


def train(study: Study, recipe: str, out: Path) -> list[dict[str, object]]:
    return train_model(study, "epinformer", biosample="ToyCell", out=out, folds="2", recipe=recipe, report=quiet)


def test_a_fold_leaves_one_file_and_says_where_it_came_from(toy_study: Study, recipe: str, tmp_path: Path) -> None:
    rows = train(toy_study, recipe, tmp_path / "m")
    folder = tmp_path / "m/epinformer/ToyCell"
    assert [row["fold"] for row in rows] == ["fold_2"]
    assert sorted(p.name for p in folder.iterdir()) == ["fold_2-seed_0.safetensors", "logs"]
    info = checkpoint.read_info(folder / "fold_2-seed_0.safetensors")
    assert (info.fold, info.seed, info.expression_unit) == ("fold_2", 0, "log2(TPM + 1)")
    assert info.provenance["study"] == "toy"
    assert info.provenance["is_simulated"] is True


def test_what_is_there_is_kept(toy_study: Study, recipe: str, tmp_path: Path) -> None:
    train(toy_study, recipe, tmp_path)
    before = weights_of(tmp_path)
    assert train(toy_study, recipe, tmp_path)[0]["state"] == "was there already"
    assert all(torch.equal(before[name], value) for name, value in weights_of(tmp_path).items())


def test_the_same_seed_gives_the_same_weights(toy_study: Study, recipe: str, tmp_path: Path) -> None:
    train(toy_study, recipe, tmp_path / "one")
    train(toy_study, recipe, tmp_path / "two")
    one, two = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_killed_run_goes_on_where_it_was(
    toy_study: Study, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def killed(self: ExpressionModule, batch: object, index: int) -> None:
        seen.append(self.current_epoch)
        if self.current_epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ExpressionModule, "on_train_batch_start", killed)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(toy_study, recipe, tmp_path)
    folder = tmp_path / "epinformer/ToyCell"
    assert not list(folder.glob("*.safetensors"))  # nothing half-written passes for a model
    assert (folder / ".fold_2-seed_0/last.ckpt").is_file()
    monkeypatch.setattr(ExpressionModule, "on_train_batch_start", lambda self, *_: seen.append(self.current_epoch))
    train(toy_study, recipe, tmp_path)
    assert seen == [0, 1, 2, 2, 3, 4, 5, 6, 7]
    assert list(folder.glob("*.safetensors"))
    assert not (folder / ".fold_2-seed_0").exists()


def test_bad_requests(toy_study: Study, recipe: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"study toy has no fold_9; it has fold_1 \.\.\. fold_2"):
        folds_of(toy_study, "9")
    with pytest.raises(BadInput, match="recipe small trains epinformer-counts; wanted one of creator"):
        train_model(toy_study, "creator", biosample="ToyCell", out=tmp_path, recipe=recipe, report=quiet)
    with pytest.raises(UnknownName, match=r"no recipe 'nothing'; there are activity, activity-demo, counts"):
        load_recipe("nothing")
    bad = tmp_path / "bad.yaml"
    bad.write_text(SMALL + "learning_speed: 3\n")
    with pytest.raises(BadInput, match=r"recipe bad\.yaml has no setting 'learning_speed'; it has name, model"):
        load_recipe(str(bad))
    bad.write_text("loss: mse\n")
    with pytest.raises(BadInput, match=r"recipe bad\.yaml does not say which model it trains"):
        load_recipe(str(bad))


RECIPES = sorted((Path(run.__file__).parent / "recipes").glob("*.yaml"))


@pytest.mark.parametrize(
    "path", [p for p in RECIPES if not p.stem.startswith(("create", "activity"))], ids=lambda p: p.stem
)
def test_every_recipe_builds_its_model(path: Path) -> None:
    plan = load_recipe(path.stem)
    assert run.build(plan.model, plan.config) is not None
