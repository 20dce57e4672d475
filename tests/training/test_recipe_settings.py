"""Changes of a recipe: what they say, what they refuse, and that two variants never share a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from cre_core.data.study import Study
from cre_core.errors import BadInput, CreError, UnknownName
from cre_core.models import checkpoint
from cre_core.training.activity_recipe import load_activity_recipe
from cre_core.training.class_recipe import load_class_recipe
from cre_core.training.module import ExpressionModule
from cre_core.training.recipe import load_recipe
from cre_core.training.run import train_model
from cre_core.training.settings import parsed_changes

SMALL = {
    "model": "epinformer-counts",
    "config": {"width": 8, "n_layers": 1, "n_heads": 2, "n_basis": 5},
    "epochs": 3,
    "batch_size": 2,
}


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return str(path)


def train(study: Study, recipe: str, out: Path, *changes: str, model: str = "epinformer") -> list[dict[str, object]]:
    def quiet(step: str, done: int, total: int) -> None:
        """Report nothing."""

    return train_model(
        study, model, biosample="ToyCell", out=out, folds="2", recipe=recipe, changes=changes, report=quiet
    )


def test_values_are_read_as_yaml() -> None:
    changes = ["epochs=3", "config.inputs=[sequence, open]", "learning_rate=1e-3", "unit=ln(TPM + 1)", "epochs=4"]
    assert parsed_changes([*changes, "steps=", "config.flanks=false", "measure=a=b"]) == {
        "epochs": 4, "config.inputs": ["sequence", "open"], "learning_rate": 0.001, "unit": "ln(TPM + 1)",
        "steps": None, "config.flanks": False, "measure": "a=b",
    }  # fmt: skip


def test_the_name_says_what_was_changed(recipe: str) -> None:
    plan = load_recipe(recipe, ["epochs=5", "config.n_heads=4", "config.width=8", "loss=mse"])
    assert plan.name == "small with config.n_heads=4, epochs=5, loss=mse"  # width was 8 before
    assert (plan.epochs, plan.loss, plan.config["n_heads"], plan.config["n_basis"]) == (5, "mse", 4, 5)
    assert load_recipe(recipe, ["epochs=3"]).name == "small"
    assert load_recipe("paper", ["betas=[0.5, 0.6]"]).betas == (0.5, 0.6)
    assert load_class_recipe("create", ["split=ten-fold"]).name == "create with split=ten-fold"
    assert load_activity_recipe("activity", ["tracks=[h3k27ac]"]).tracks == ("h3k27ac",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("epochs", "--set 'epochs' changes nothing; wanted KEY=VALUE or config.KEY=VALUE"),
        ("config.=3", "--set 'config.=3' changes nothing"),
        ("name=mine", "--set name: that is another recipe; write it to a YAML file"),
        ("model=creator", "--set model: that is another recipe"),
        ("epochs=[", r"--set epochs: '\[' is not YAML"),
        ("learning_speed=3", r"recipe small\.yaml has no setting 'learning_speed'; it has name, model"),
        ("epochs=many", "recipe small with epochs=many: epochs is 'many'; wanted a valid integer"),
        ("epochs=0", "recipe small with epochs=0: epochs is 0; wanted greater than or equal to 1"),
        ("epochs=true", "epochs is true; wanted a valid integer"),
        ("learning_rate=0", "learning_rate is 0; wanted greater than 0"),
        ("thinning_keep=1.5", "thinning_keep is 1.5; wanted less than or equal to 1"),
        ("loss=huber", "recipe small with loss=huber: no loss 'huber'; there are smooth_l1, mse, poisson"),
        (
            "config.depth=3",
            "recipe small with config.depth=3: epinformer-counts has no setting 'depth'; it has tracks",
        ),
        ("config.width=wide", "config.width is 'wide'; wanted a valid integer"),
        ("config.n_layers=0", "config.n_layers is 0; wanted 1 or more"),
        ("config.n_layers=100000000", "config.n_layers is 100000000; wanted 1,000 at most"),
        ("config.width=1000000", "config.width is 1000000; wanted 10,000 at most"),
        ("betas=[0.9, 2]", "betas is"),
        ("epochs=nan", "epochs is NaN; wanted a valid integer"),
        ("learning_rate=.inf", "learning_rate is Infinity; wanted a finite number"),
        ("epochs=" + "[" * 5_000, "is not YAML"),
        ("config.n_heads=3", "width 8 is no multiple of the 3 heads"),
        ("config.dropout=2.5", "no epinformer-counts can be built: dropout probability has to be between 0 and 1"),
        ("config={width: 3}", "--set config: all at once is another recipe; wanted config.KEY=VALUE"),
    ],
)
def test_a_bad_change_is_one_line(toy_study: Study, recipe: str, tmp_path: Path, change: str, says: str) -> None:
    with pytest.raises(CreError, match=says) as refused:
        train(toy_study, recipe, tmp_path / "m", change)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "m").exists()


def test_what_a_models_name_stands_for_is_not_changed(toy_study: Study, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--set config\.form: scpge-lp is the one with form lp; train another model"):
        train(toy_study, "scpge", tmp_path, "config.form=kl", model="scpge-lp")


def test_words_that_a_setting_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownName, match="recipe activity with loss=poisson: no loss 'poisson'; there are smooth_l1"
    ):
        load_activity_recipe("activity", ["loss=poisson"])
    with pytest.raises(BadInput, match=r"4 tiles around a summit; wanted an odd number"):
        load_activity_recipe("activity", ["n_tiles=4"])
    with pytest.raises(BadInput, match=r"tracks=\[\]: no track; wanted at least one"):
        load_activity_recipe("activity", ["tracks=[]"])
    with pytest.raises(BadInput, match="batch_size is 1; wanted 2 or more, for batch normalisation"):
        load_activity_recipe("activity", ["batch_size=1"])
    with pytest.raises(BadInput, match=r"recipe paper\.yaml trains epinformer; wanted epinformer-activity"):
        load_activity_recipe("paper")
    with pytest.raises(UnknownName, match="no recipe 'x' of epinformer-activity; there are activity, activity-demo,"):
        load_activity_recipe("x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not YAML: while parsing a flow node"),
        ("[" * 5_000, "is not YAML: nested too deep"),
        ("a: &a [x, x]\nb: [*a, *a]", "is not YAML: an alias (*) came; wanted every value written out"),
        ("a: &a [*a]", "an alias (*) came"),
        ("epochs: 2020-99-99", "is not YAML: month must be in 1..12"),
        ("a: !!python/object:os.system x", "is not YAML: could not determine a constructor"),
        ("\x00", "is not YAML: unacceptable character"),
        ("", "is not a recipe: wanted a mapping of settings"),
        ("- a", "is not a recipe: wanted a mapping of settings"),
        ("model: epinformer-counts\nconfig: [1]", "is not a recipe: config is [1]; wanted a mapping"),
        ("model: epinformer-counts\nconfig: {1: 2}", 'config is {"1": 2}; wanted a valid string'),
        ("model: epinformer-counts\n1: 2", "has no setting '1'; it has name, model"),
        ("model: 3", "model is 3; wanted a valid string"),
        ("model: paper", "no model 'paper'; there are epinformer"),
        ("model: epinformer\npretrained_encoder: [a]", 'pretrained_encoder is ["a"]; wanted a valid string'),
        ("a: " + "x" * 1_000_000, "is not a recipe: it has more than 1,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(BadInput) as refused:
        load_recipe(str(tmp_path / "odd.yaml"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_is_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=r"odd\.yaml is not YAML: 'utf-8' codec can't decode"):
        load_recipe(str(tmp_path / "odd.yaml"))


def test_a_checkpoint_says_its_variant_and_another_is_refused(toy_study: Study, recipe: str, tmp_path: Path) -> None:
    train(toy_study, recipe, tmp_path, "config.width=4")
    info = checkpoint.read_info(tmp_path / "epinformer/ToyCell/fold_2-seed_0.safetensors")
    assert info.provenance["recipe"] == "small with config.width=4"
    assert info.config["width"] == 4
    assert train(toy_study, recipe, tmp_path, "config.width=4")[0]["state"] == "was there already"
    with pytest.raises(BadInput, match=r"was made by recipe small with config\.width=4, not small; remove it or"):
        train(toy_study, recipe, tmp_path)
    with pytest.raises(BadInput, match=r"made by recipe small with config\.width=4, not small with epochs=4"):
        train(toy_study, recipe, tmp_path, "epochs=4")


def test_a_stopped_run_of_another_variant_is_not_gone_on_with(
    toy_study: Study, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: ExpressionModule, batch: object, index: int) -> None:
        if self.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ExpressionModule, "on_train_batch_start", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(toy_study, recipe, tmp_path, "learning_rate=0.1")
    with pytest.raises(BadInput, match=r"a run of recipe small with learning_rate=0\.1 was stopped here; finish it"):
        train(toy_study, recipe, tmp_path)
    torch.manual_seed(0)
    train(toy_study, recipe, tmp_path, "learning_rate=0.1")
    assert (tmp_path / "epinformer/ToyCell/fold_2-seed_0.safetensors").is_file()
