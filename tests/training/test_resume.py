"""A training killed at any moment and started again ends with the weights of one that was never killed."""

from __future__ import annotations

import os
from pathlib import Path

import lightning
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from toy import make_toy_study
from toy_inputs import with_sequence

from cre_core.data.study import Study
from cre_core.errors import BadInput
from cre_core.models import checkpoint
from cre_core.training import run
from cre_core.training.module import ExpressionModule
from cre_core.training.run import train_model
from cre_core.training.saved import SaveEveryEpoch

SMALL = {"width": 8, "n_heads": 2, "feed_forward": 8, "dropout": 0.2}
CONFIGS: dict[str, tuple[str, dict[str, object]]] = {
    "epinformer": ("epinformer-counts", {"width": 8, "n_layers": 1, "n_heads": 2, "n_basis": 5}),
    "creator": ("creator", {**SMALL, "base_tracks": ["dnase"], "n_element_layers": 1, "n_regulation_layers": 2}),
    "scpge": ("scpge", {**SMALL, "base_tracks": ["dnase"], "n_motifs": 0, "channels": 4, "n_layers": 1}),
}
N_EPOCHS = 6
WAYS: dict[str, dict[str, object]] = {
    "epochs": {"epochs": N_EPOCHS},
    "steps": {"epochs": 100, "steps": 14, "validate_every": 2},  # of 3 steps an epoch
    "patience": {"epochs": N_EPOCHS, "patience": 2},
}


class Killed(Exception):
    """The power went."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Five genes to learn and two to validate with: the toy study's, and three more."""
    study = with_sequence(make_toy_study(tmp_path_factory.mktemp("resume") / "study"))
    more = study.genes.iloc[:3].assign(
        gene_id=["G5", "G6", "G7"], gene_name=list("abc"), tss=[150_000, 210_000, 90_000]
    )
    more["start"], more["end"], more["chrom"], more["strand"] = more["tss"], more["tss"] + 1_000, "chrA", "+"
    draw = np.random.default_rng(3)
    ids = study.genes["gene_id"].tolist() + more["gene_id"].tolist()
    study.__dict__["genes"] = pd.concat([study.genes, more], ignore_index=True)
    study.__dict__["expression"] = pd.DataFrame(
        {"gene_id": ids, "biosample": "ToyCell", "measure": "rna", "value": draw.uniform(0, 3, 7)}
    )
    reads = draw.integers(1, 900, (2, 7))
    study.__dict__["promoter_signal"] = pd.DataFrame(
        {"gene_id": ids, "biosample": "ToyCell", "dnase": reads[0], "h3k27ac": reads[1]}
    )
    study.__dict__["folds"] = pd.DataFrame({"gene_id": ids, "fold_1": [*["train"] * 5, "valid", "valid"]})
    return study


def recipe_of(folder: Path, model: str, **settings: object) -> str:
    name, config = CONFIGS[model]
    loss = "mse" if model == "epinformer" else "poisson"
    common = {"batch_size": 2, "learning_rate": 0.01, "schedule": "one_cycle", "element_dropout": 0.5, "loss": loss}
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({"model": name, "config": config, "clip_norm": 1.0, **common, **settings}))
    return str(path)


def train(study: Study, model: str, recipe: str, out: Path) -> dict[str, torch.Tensor]:
    def quiet(step: str, done: int, total: int) -> None:
        """Report nothing."""

    train_model(study, model, biosample="ToyCell", out=out, folds="1", recipe=recipe, device="cpu", report=quiet)
    (path,) = (out / model / "ToyCell").glob("*.safetensors")
    trained, info = checkpoint.load(path)
    return {**trained.state_dict(), "best_valid_loss": torch.tensor(info.provenance["best_valid_loss"])}


def kill_after(patch: pytest.MonkeyPatch, n_saved: int) -> None:
    """Die when the state of so many epochs is on disk."""
    save = SaveEveryEpoch.on_train_epoch_end

    def dying(self: SaveEveryEpoch, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        save(self, trainer, module)
        if trainer.current_epoch + 1 == n_saved:
            raise Killed

    patch.setattr(SaveEveryEpoch, "on_train_epoch_end", dying)


def kill_within(patch: pytest.MonkeyPatch, epoch: int) -> None:
    """Die at the second step of an epoch."""

    def dying(self: ExpressionModule, _: object, index: int) -> None:
        if (self.current_epoch, index) == (epoch, 1):
            raise Killed

    patch.setattr(ExpressionModule, "on_train_batch_start", dying)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", CONFIGS)
def test_killed_and_resumed_is_the_same_as_never_killed(study: Study, model: str, way: str, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, model, **WAYS[way])
    whole = train(study, model, recipe, tmp_path / "whole")
    for n, kill in ((2, kill_after), (1, kill_after), (3, kill_within)):
        out = tmp_path / f"{kill.__name__}_{n}"
        with pytest.MonkeyPatch.context() as patch:
            kill(patch, n)
            try:
                train(study, model, recipe, out)
            except Killed:
                assert (out / model / "ToyCell/.fold_1-seed_0/last.ckpt").is_file()
            else:
                assert way == "patience"  # it had stopped before
        resumed = train(study, model, recipe, out)
        for name, value in whole.items():
            torch.testing.assert_close(resumed[name], value, rtol=0, atol=0, msg=f"{out.name}: {name}")


@pytest.mark.parametrize("epoch", range(1, N_EPOCHS))
def test_a_kill_at_any_epoch_keeps_the_best_one(study: Study, epoch: int, tmp_path: Path) -> None:
    """At a rate this high the loss goes up and down, so that the best epoch is seldom the last."""
    recipe = recipe_of(tmp_path, "epinformer", epochs=N_EPOCHS, learning_rate=0.3, schedule="constant")
    whole = train(study, "epinformer", recipe, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        kill_within(patch, epoch)
        with pytest.raises(Killed):
            train(study, "epinformer", recipe, tmp_path / "cut")
    resumed = train(study, "epinformer", recipe, tmp_path / "cut")
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_the_steps_after_a_kill_are_those_that_would_have_come(study: Study, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, "epinformer", epochs=4, thinning_near_bp=1_000.0, thinning_keep=0.5)
    seen: list[tuple[int, list[float], list[int]]] = []
    step = ExpressionModule.training_step

    def watched(self: ExpressionModule, batch: object, index: int) -> torch.Tensor:
        seen.append((self.current_epoch, batch.target.tolist(), batch.inputs.is_element.sum(1).tolist()))  # type: ignore[attr-defined]
        return step(self, batch, index)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExpressionModule, "training_step", watched)
        train(study, "epinformer", recipe, tmp_path / "whole")
        whole, seen = seen, []
        kill_after(patch, 2)
        with pytest.raises(Killed):
            train(study, "epinformer", recipe, tmp_path / "cut")
        patch.undo()
        patch.setattr(ExpressionModule, "training_step", watched)
        train(study, "epinformer", recipe, tmp_path / "cut")
    assert [epoch for epoch, *_ in whole] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert seen == whole
    epochs = [[target for epoch, target, _ in whole if epoch == e] for e in range(4)]
    assert epochs[0] != epochs[1] != epochs[2]  # each has its own shuffle


def test_a_recipe_that_never_validates(study: Study, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, "epinformer", epochs=2, validate_every=7)
    with pytest.raises(BadInput, match="recipe small validates every 7 steps and has only 6"):
        train(study, "epinformer", recipe, tmp_path)


def test_machines_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="0 devices on 1 nodes were asked for; wanted 1 or more of each"):
        run._machine("auto", 0, 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(BadInput, match="4 devices were asked for; this machine has 2; use --device cpu for more"):
        run._machine("auto", 4, 1)
    assert run._machine("auto", 2, 1) == ("cuda", 2, 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert run._machine("cpu", 4, 1) == ("cpu", 4, 1)
    with pytest.raises(BadInput, match="999 devices were asked for; this machine has 4 cores, and no GPU is used"):
        run._machine("cpu", 999, 1)
    for name in run.MEETING_PLACES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInput, match="3 nodes were asked for, and MASTER_ADDR does not say where they meet"):
        run._machine("cpu", 1, 3)
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    assert run._machine("cpu", 1, 3) == ("cpu", 1, 3)
