"""What a model may be able to do beside predicting; training asks for the ability, never for the model."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from cre_core.schema import Batch, Prediction


@runtime_checkable
class FitsScales(Protocol):
    """Must see the training genes once before its first step."""

    def fit_scales(self, batches: list[Batch], target: Tensor) -> None:
        """Take means and standard deviations of inputs and (G,) targets."""


@runtime_checkable
class StartsAt(Protocol):
    """Can begin at a given expression."""

    def start_at(self, mean: float) -> None:
        """Let training begin at the genes' mean expression."""


@runtime_checkable
class StartsFrom(Protocol):
    """Has an encoder of sequence that an activity encoder can be put in."""

    def start_from(self, pretrained: nn.Module) -> None:
        """Copy the stem and tower of an activity encoder."""


@runtime_checkable
class AddsLoss(Protocol):
    """Adds a term of its own to the loss."""

    def attention_loss(self, batch: Batch, prediction: Prediction) -> Tensor:
        """The term, already weighted."""
