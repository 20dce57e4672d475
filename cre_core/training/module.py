"""What one step does: the model, its loss and its optimizer, for Lightning's trainer."""

from __future__ import annotations

from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.models.scpge import ScPGE
from cre_core.schema import Batch
from cre_core.training.recipe import Recipe

LOSSES = {"smooth_l1": F.smooth_l1_loss, "mse": F.mse_loss}


class ExpressionModule(lightning.LightningModule):
    """Trains a model that gives a Prediction to give the expression of its genes."""

    def __init__(self, model: nn.Module, recipe: Recipe, *, n_steps: int, seed: int = 0) -> None:
        super().__init__()
        self.model, self.recipe, self.n_steps, self.seed = model, recipe, n_steps, seed

    def on_train_epoch_start(self) -> None:
        """Begin every epoch with its own random numbers, so that a resumed run draws what it would have drawn."""
        torch.manual_seed(1_000_003 * self.seed + self.current_epoch)

    def training_step(self, batch: tuple[Batch, Tensor], _: int) -> Tensor:
        inputs, target = batch
        if self.recipe.element_dropout:
            share = self.recipe.element_dropout * torch.rand_like(inputs.strength[:, :1])  # (B, 1)
            kept = torch.rand_like(inputs.strength) >= share  # (B, E)
            inputs = inputs.with_(strength=inputs.strength * kept)
        loss = self._loss(inputs, target, with_attention=True)
        self.log("train_loss", loss, batch_size=len(target))
        return loss

    def validation_step(self, batch: tuple[Batch, Tensor], _: int) -> None:
        inputs, target = batch
        self.log("valid_loss", self._loss(inputs, target), batch_size=len(target), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """AdamW, with the recipe's schedule."""
        recipe = self.recipe
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

    def transfer_batch_to_device(self, batch: tuple[Batch, Tensor], device: torch.device, _: int) -> Any:
        """Move the tensors of a Batch, which Lightning does not know."""
        inputs, target = batch
        return inputs.to(str(device)), target.to(device)

    def _share_of_rate(self, step: int) -> float:
        """Of the largest learning rate: up from the floor in the warm-up, down to it at the last step."""
        floor, up = self.recipe.floor_rate / self.recipe.learning_rate, self.recipe.warmup_steps
        share = step / up if step < up else max(0.0, (self.n_steps - step) / max(1, self.n_steps - up))
        return floor + (1 - floor) * share

    def _loss(self, inputs: Batch, target: Tensor, *, with_attention: bool = False) -> Tensor:
        prediction = self.model(inputs)
        if self.recipe.loss == "poisson":
            loss = F.poisson_nll_loss(prediction.expression, target, log_input=False)
        else:
            # Of the standardised target, so that its bend (smooth L1) does not depend on the unit.
            scale = getattr(self.model, "target_sd", torch.ones(()))
            loss = LOSSES[self.recipe.loss](prediction.expression / scale, target / scale)
        if with_attention and isinstance(self.model, ScPGE):
            loss = loss + self.model.attention_loss(inputs, prediction)
        return loss
