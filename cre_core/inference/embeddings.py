"""Embeddings of elements, kept: an element is encoded once, however many genes, knock-outs and scans ask for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b
from typing import Protocol

import torch
from torch import Tensor

from cre_core.models.blocks import Embedding, Encode
from cre_core.schema import Batch, ElementInput

LIMIT = 50_000  # embeddings kept per model: 64 to 256 numbers each, 20 to 60 MB with their keys


class TwoStage(Protocol):
    """A model whose first stage reads elements."""

    def encode(self, inputs: ElementInput) -> Tensor:
        """(N, D) of N elements."""

    def embed(self, batch: Batch, *, encode: Encode | None = None) -> Embedding:
        """First stage of a batch, through `encode`."""


class EmbeddingCache:
    """What one model made of the elements it has seen; the least recently used are dropped first.

    In evaluation mode an embedding depends on nothing but its own element, so the element's content is the key.
    """

    def __init__(self, model: TwoStage, *, device: str = "cpu", limit: int = LIMIT) -> None:
        self.model, self.device, self.limit = model, device, limit
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, batch: Batch) -> Embedding:
        """First stage of a batch on the CPU, whose element tensors have one row for all variants or one each.

        Returns:
          Embeddings with as many rows as `batch.input_row`; 0 for elements the model does not look at.

        Raises:
          NotAvailable: the batch has no inputs.
        """
        found = self.model.embed(batch, encode=self.encode)
        n = len(found.elements)  # variants of one gene share its promoter
        return Embedding(found.promoter.expand(n, -1), found.elements) if n > 1 else found

    def encode(self, inputs: ElementInput) -> Tensor:
        """Embeddings of N elements, encoding only those not kept: (N, D)."""
        keys = _keys(inputs)
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
        new = {key: n for n, key in enumerate(keys) if key not in found}
        if new or not keys:
            encoded = self.model.encode(inputs[torch.tensor(list(new.values()), dtype=torch.long)].to(self.device))
            if not keys:
                return encoded
            found |= dict(zip(new, encoded, strict=True))
        with self._lock:
            for key in keys:
                self._kept[key] = found[key]
                self._kept.move_to_end(key)
            while len(self._kept) > self.limit:
                self._kept.popitem(last=False)
        return torch.stack([found[key] for key in keys])


def _keys(inputs: ElementInput) -> list[bytes]:
    parts = [value.contiguous().numpy() for value in vars(inputs).values() if value is not None]
    keys = []
    for row in range(len(inputs)):
        digest = blake2b(digest_size=16)
        for part in parts:
            digest.update(part[row].tobytes())
        keys.append(digest.digest())
    return keys
