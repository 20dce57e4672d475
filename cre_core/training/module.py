"""What one step does: the model, its loss and its optimizer, for Lightning's trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import lightning
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from cre_core.data.dataset import GeneDataset
from cre_core.errors import BadInput
from cre_core.models.abilities import AddsLoss
from cre_core.schema import Batch
from cre_core.training.recipe import Fitting, Recipe

LOSSES = {"smooth_l1": F.smooth_l1_loss, "mse": F.mse_loss}


class Share(NamedTuple):
    """What one process computes of a step."""

    inputs: Batch
    target: Tensor  # (B,), of this process
    weight: float  # of its mean loss, so that the mean over the processes is the mean over all genes of the step
    n_genes: int  # of all processes


class Shares(Dataset[Share]):
    """Every batch cut into one share per process: the same genes are learned in a step, however many processes."""

    def __init__(self, dataset: GeneDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, genes: Sequence[int]) -> Share:
        """The share of the process that asks; one without a gene of its own takes the first, with weight 0."""
        rank, n = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        low, high = (len(genes) * k // n for k in (rank, rank + 1))  # neighbours stay together: they share elements
        inputs, target = self.dataset[genes[low:high] or genes[:1]]
        return Share(inputs, target, (high - low) * n / len(genes), len(genes))


class SeededModule(lightning.LightningModule):
    """Trains a model so that a run that was killed goes on as if it had not been, and as no other recipe's."""

    def __init__(self, model: nn.Module, *, recipe_name: str, seed: int) -> None:
        super().__init__()
        self.model, self.recipe_name, self.seed = model, recipe_name, seed

    def on_train_epoch_start(self) -> None:
        """Begin every epoch with its own random numbers, so that a resumed run draws what it would have drawn."""
        torch.manual_seed(1_000_003 * self.seed + self.current_epoch + 1_000_000_007 * self.global_rank)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say whose run this is."""
        checkpoint["recipe"] = self.recipe_name

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to go on where a run of another recipe was.

        Raises:
          BadInput: it was another's.
        """
        before = checkpoint.get("recipe", self.recipe_name)
        if before != self.recipe_name:
            raise BadInput(
                f"a run of recipe {before} was stopped here; finish it before one of {self.recipe_name}, "
                "remove its hidden folder or give another --out"
            )


class FittedModule(SeededModule):
    """With the optimizer and the schedule of a recipe."""

    def __init__(self, model: nn.Module, recipe: Fitting, *, n_steps: int, seed: int = 0) -> None:
        super().__init__(model, recipe_name=recipe.name, seed=seed)
        self.fitting, self.n_steps = recipe, n_steps

    def configure_optimizers(self) -> Any:
        """AdamW, with the recipe's schedule."""
        recipe = self.fitting
        trained = [p for p in self.model.parameters() if p.requires_grad]
        # Decay pulls weights to 0; biases and the scales of norms have no reason to be there.
        groups = [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas)
        if recipe.schedule == "constant":
            return optimizer
        if recipe.schedule == "linear":
            rate = torch.optim.lr_scheduler.LambdaLR(optimizer, self._share_of_rate)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=recipe.learning_rate, total_steps=self.n_steps, pct_start=0.25
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def _share_of_rate(self, step: int) -> float:
        """Of the largest learning rate: up from the floor in the warm-up, down to it at the last step."""
        floor, up = self.fitting.floor_rate / self.fitting.learning_rate, self.fitting.warmup_steps
        share = step / up if step < up else max(0.0, (self.n_steps - step) / max(1, self.n_steps - up))
        return floor + (1 - floor) * share


class ExpressionModule(FittedModule):
    """Trains a model that gives a Prediction to give the expression of its genes."""

    def __init__(self, model: nn.Module, recipe: Recipe, *, n_steps: int, seed: int = 0) -> None:
        super().__init__(model, recipe, n_steps=n_steps, seed=seed)
        self.recipe = recipe

    def training_step(self, batch: Share, _: int) -> Tensor:
        inputs, target, weight, n_genes = batch
        if self.recipe.element_dropout:
            share = self.recipe.element_dropout * torch.rand_like(inputs.strength[:, :1])  # (B, 1)
            kept = torch.rand_like(inputs.strength) >= share  # (B, E)
            inputs = inputs.with_(strength=inputs.strength * kept)
        loss = weight * self._loss(inputs, target, with_attention=True)
        self.log("train_loss", loss, batch_size=n_genes, sync_dist=True)
        return loss

    def validation_step(self, batch: Share, _: int) -> None:
        inputs, target, weight, n_genes = batch
        loss = weight * self._loss(inputs, target)
        self.log("valid_loss", loss, batch_size=n_genes, prog_bar=True, sync_dist=True)

    def transfer_batch_to_device(self, batch: Share, device: torch.device, _: int) -> Share:
        """Move the tensors of a Batch, which Lightning does not know."""
        return batch._replace(inputs=batch.inputs.to(str(device)), target=batch.target.to(device))

    def _loss(self, inputs: Batch, target: Tensor, *, with_attention: bool = False) -> Tensor:
        prediction = self.model(inputs)
        if self.recipe.loss == "poisson":
            loss = F.poisson_nll_loss(prediction.expression, target, log_input=False)
        else:
            # Of the standardised target, so that its bend (smooth L1) does not depend on the unit.
            scale = getattr(self.model, "target_sd", torch.ones(()))
            loss = LOSSES[self.recipe.loss](prediction.expression / scale, target / scale)
        if with_attention and isinstance(self.model, AddsLoss):
            loss = loss + self.model.attention_loss(inputs, prediction)
        return loss
