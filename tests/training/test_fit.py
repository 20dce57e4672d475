"""The loop of one training, with a model of one weight that grows by 1 an epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from cre_core.training.fit import fit, loader, one_process
from cre_core.training.module import SeededModule


class Nothing(Dataset[Tensor]):
    """One batch without content."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, rows: object) -> Tensor:
        return torch.zeros(1)


class Counting(SeededModule):
    """Its validation loss in each epoch is given."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__(nn.Linear(1, 1, bias=False), recipe_name="counting", seed=0)
        self.losses = losses
        nn.init.zeros_(self.model.weight)

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        return -self.model.weight.sum()

    def validation_step(self, batch: Tensor, _: int) -> None:
        self.log("valid_loss", torch.tensor(self.losses[self.current_epoch]), batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.model.parameters(), lr=1.0)


def fitted(losses: list[float], running: Path, **changes: Any) -> tuple[float, float]:
    """The best value, and the weight that is kept."""
    module = Counting(losses)
    best = fit(
        module,
        train=loader(Nothing(), [[0]]),
        valid=loader(Nothing(), [[0]]),
        running=running,
        settings=one_process(epochs=len(losses), device="cpu"),
        **changes,
    )
    return best, float(module.model.weight.detach())


def test_a_best_loss_of_zero_is_a_number(tmp_path: Path) -> None:
    assert fitted([0.5, 0.0, 0.25], tmp_path / "running") == (0.0, 2.0)


def test_the_largest_may_be_the_best(tmp_path: Path) -> None:
    assert fitted([0.5, 0.0, 0.25], tmp_path / "running", mode="max") == (0.5, 1.0)


def test_the_last_weights_may_be_kept(tmp_path: Path) -> None:
    assert fitted([0.5, 0.0, 0.25], tmp_path / "running", keep="last") == (0.0, 3.0)


def test_nothing_is_left_of_a_training_that_ended(tmp_path: Path) -> None:
    fitted([1.0], tmp_path / "running")
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
