"""Changes of single bases and stretches in what a model reads of an element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from cre_core.errors import BadInput
from cre_core.schema import ElementInput

_ROW_OF_BASE = {"A": 0, "C": 1, "G": 2, "T": 3, "N": 4}


@dataclass(frozen=True)
class BaseEdit:
    """Bases of the + strand that are replaced by as many others, or deleted.

    Attributes:
      start, end: 0-based, half-open, on the gene's chromosome.
      bases: their replacement; `` deletes them.
    """

    start: int
    end: int
    bases: str = ""

    def __post_init__(self) -> None:
        if self.end <= self.start:
            came = f"{self.start + 1:,}-{self.end:,}"
            raise BadInput(f"an edit of {came} came; wanted a stretch that ends after it starts")
        if self.start < 0:
            raise BadInput(f"an edit at base {self.start + 1:,} came; the first base is 1")
        if self.bases and len(self.bases) != self.end - self.start:
            n = self.end - self.start
            raise BadInput(f"{len(self.bases)} bases came for {n}; wanted as many, or none to delete them")
        odd = set(self.bases.upper()) - set(_ROW_OF_BASE)
        if odd:
            raise BadInput(f"an edit to '{min(odd)}' came; wanted A, C, G, T or N")

    @property
    def text(self) -> str:
        """As printed, 1-based."""
        place = f"{self.start + 1:,}" if self.end - self.start == 1 else f"{self.start + 1:,}-{self.end:,}"
        return f"{place} -> {self.bases.upper()}" if self.bases else f"{place} deleted"


def check_apart(edits: Sequence[BaseEdit]) -> None:
    """Raise BadInput where two edits share a base."""
    in_order = sorted(edits, key=lambda edit: edit.start)
    for one, other in pairwise(in_order):
        if other.start < one.end:
            raise BadInput(f"two edits share a base: {one.text} and {other.text}")


def edited(inputs: ElementInput, starts: np.ndarray, edits: Sequence[BaseEdit]) -> ElementInput:
    """Elements with edited bases.

    Where bases are deleted the rest of the element moves up, its signal with it, and the end is filled with N
    without data: what follows on the genome is not part of the element's input.

    Args:
      inputs: N elements; motif scores are passed on as they are.
      starts: (N,) place on the genome of each element's first column.
      edits: no two share a base; what lies outside an element does not touch it.
    """
    sequence = inputs.sequence.clone()  # (N, L)
    signal = None if inputs.signal is None else inputs.signal.clone()  # (N, L, T)
    L = sequence.shape[1]
    for row, start in enumerate(starts.tolist()):
        for edit in sorted(edits, key=lambda edit: -edit.start):  # from the right: places on the left stay true
            a, b = max(edit.start - start, 0), min(edit.end - start, L)
            if a >= b:
                continue
            if edit.bases:
                part = edit.bases.upper()[a - (edit.start - start) :][: b - a]
                bases = torch.tensor([_ROW_OF_BASE[base] for base in part], dtype=sequence.dtype)
                sequence[row, a:b] = torch.where(sequence[row, a:b] == _ROW_OF_BASE["N"], sequence[row, a:b], bases)
                continue
            sequence[row] = _closed_up(sequence[row], a, b, _ROW_OF_BASE["N"])
            if signal is not None:
                signal[row] = _closed_up(signal[row], a, b, torch.nan)
    return ElementInput(sequence, signal, inputs.motif)


def _closed_up(values: Tensor, a: int, b: int, fill: float) -> Tensor:
    """(L, ...) without a to b, its end filled."""
    end = values.new_full((b - a, *values.shape[1:]), fill)
    return torch.cat((values[:a], values[b:], end))
