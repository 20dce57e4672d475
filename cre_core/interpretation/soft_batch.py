"""One gene's batch whose inputs are plain numbers that a gradient can reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from cre_core.data.batches import without_gaps
from cre_core.errors import BadInput, NotAvailable
from cre_core.schema import Batch, ElementInput

INPUTS = ("bases", "signal", "motif")


@dataclass(frozen=True)
class SoftBatch:
    """A batch of one gene, and what of it can be varied continuously.

    Attributes:
      batch: the gene; elements without data are left out. Its bases are soft.
      values: the inputs that the models read, with 0 where there is no data: bases (n, L, 4); signal (n, L, T) per
        base, or (E, T) counts of elements; motif (n, K). n as in `Batch.inputs`.
      known: where each of them has data, the same shapes, bool. A base that is N or padding is not known.
      is_read: (E,) bool, the elements that the models look at.
    """

    batch: Batch
    values: Mapping[str, Tensor]
    known: Mapping[str, Tensor]
    is_read: Tensor

    @classmethod
    def of(cls, models: Sequence[nn.Module], batch: Batch, *, inputs: Sequence[str] | None = None) -> SoftBatch:
        """What some models read of a batch: `held`, without the inputs that they do not read.

        Args:
          models: that read the same.
          batch: of one gene, on the models' device.
          inputs: only these are varied; all that the models read when None.

        Raises:
          BadInput: more than one gene, or an input that does not exist.
          NotAvailable: the models read no element of the batch, or not the inputs named.
        """
        odd = [name for name in inputs or () if name not in INPUTS]
        if odd:
            raise BadInput(f"came input '{odd[0]}'; wanted some of {', '.join(INPUTS)}")
        return cls.held(models, batch)._only(models, inputs)

    @classmethod
    def held(cls, models: Sequence[nn.Module], batch: Batch) -> SoftBatch:
        """Everything that a batch holds, read or not.

        Raises:
          BadInput: more than one gene. NotAvailable: the models read no element of the batch.
        """
        if len(batch.is_element) != 1:
            raise BadInput(f"a batch of {len(batch.is_element)} genes came; one gene is explained at a time")
        batch = without_gaps(_softened(batch))
        reader: Any = models[0]
        is_read = reader.uses(batch)[0] & (batch.strength[0] > 0)  # (E,)
        if not is_read.any():
            raise NotAvailable("the model reads no element of this window: there is nothing to explain")
        found = _inputs_of(batch)
        known = {name: ~value.isnan() for name, value in found.items()}
        if "bases" in found:
            known["bases"] = (found["bases"] > 0).any(-1, keepdim=True).expand_as(found["bases"])
        return cls(batch, {name: value.nan_to_num(0.0) for name, value in found.items()}, known, is_read)

    def filled(self, values: Mapping[str, Tensor]) -> Batch:
        """The batch with other values; where there is no data there is still none."""
        value = {name: torch.where(self.known[name], new, torch.nan) for name, new in values.items()}
        batch = self.batch
        if "signal" in value and self._counts_elements:
            batch = batch.with_(signal=value.pop("signal")[None])  # (E, T) -> (1, E, T)
        if "bases" in value:  # here no data is a column of zeros
            value["sequence"] = torch.where(self.known["bases"], value.pop("bases"), 0.0)
        return batch if batch.inputs is None else batch.with_(inputs=replace(batch.inputs, **value))

    def predicted(self, models: Sequence[nn.Module], values: Mapping[str, Tensor]) -> Tensor:
        """(): mean expression over the models."""
        batch = self.filled(values)
        return torch.stack([model(batch).expression for model in models]).mean()

    def by_element(self, name: str, value: Tensor) -> Tensor:
        """A value per input row as one per element of the gene: NaN where nothing is known or read."""
        value = torch.where(self.known[name], value, torch.nan)
        if name != "signal" or not self._counts_elements:
            assert self.batch.input_row is not None
            value = value[self.batch.input_row[0]]  # (n, ...) -> (E, ...)
        is_read = self.is_read.view(-1, *(1,) * (value.ndim - 1))
        return torch.where(is_read, value, torch.nan)

    @property
    def _counts_elements(self) -> bool:
        """Whether signal is one number per element, not per base."""
        return self.batch.signal.shape[-1] > 0

    def _only(self, models: Sequence[nn.Module], wanted: Sequence[str] | None) -> SoftBatch:
        """With the inputs that the models read: those that their prediction has a gradient to."""
        leaves = {name: value.detach().requires_grad_() for name, value in self.values.items()}
        with torch.enable_grad():
            predicted = self.predicted(models[:1], leaves)
        gradients = torch.autograd.grad(predicted, list(leaves.values()), allow_unused=True)
        read = [name for name, gradient in zip(leaves, gradients, strict=True) if gradient is not None]
        missing = [name for name in wanted or () if name not in read]
        if missing:
            raise NotAvailable(f"the model reads no {missing[0]} of elements here; it reads {', '.join(read)}")
        kept = [name for name in read if wanted is None or name in wanted]
        return replace(self, values={name: self.values[name] for name in kept})


def _softened(batch: Batch) -> Batch:
    """With float inputs: bases (n, L, 4)."""
    inputs, promoter = batch.inputs, batch.promoter
    return batch.with_(
        inputs=None if inputs is None else _soft(inputs), promoter=None if promoter is None else _soft(promoter)
    )


def _soft(inputs: ElementInput) -> ElementInput:
    signal, motif = inputs.signal, inputs.motif
    columns = torch.eye(5, 4, device=inputs.sequence.device)[inputs.sequence.int()]  # (n, L) -> (n, L, 4)
    return ElementInput(columns, None if signal is None else signal.float(), motif)


def _inputs_of(batch: Batch) -> dict[str, Tensor]:
    """Every input of the elements that the batch holds."""
    found: dict[str, Tensor | None] = {"bases": None, "signal": None, "motif": None}
    if batch.inputs is not None:
        found = {"bases": batch.inputs.sequence, "signal": batch.inputs.signal, "motif": batch.inputs.motif}
    if batch.signal.shape[-1]:
        found["signal"] = batch.signal[0]  # (E, T)
    return {name: value for name, value in found.items() if value is not None}
