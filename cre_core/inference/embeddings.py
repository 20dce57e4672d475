"""Embeddings of sequences, kept: an element is encoded once, however many genes, knock-outs and scans ask for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from cre_core.errors import BadInput
from cre_core.models.epinformer import Embedding, EPInformer, elements_in_use
from cre_core.schema import Batch

LIMIT = 50_000  # embeddings kept per model: 64 numbers each, about 20 MB with their keys


class EmbeddingCache:
    """What one model made of the sequences it has seen; the least recently used are dropped first.

    In evaluation mode an embedding depends on nothing but its own sequence, so the sequence is the key.
    """

    def __init__(self, model: EPInformer, *, device: str = "cpu", limit: int = LIMIT) -> None:
        self.model, self.device, self.limit = model, device, limit
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, batch: Batch) -> Embedding:
        """First stage of a batch on the CPU, whose element tensors have one row for all variants or one each.

        Returns:
          Embeddings with as many rows as `batch.sequence`; 0 for elements the model does not look at.

        Raises:
          BadInput: the batch has no sequence.
        """
        if batch.sequence is None or batch.promoter_sequence is None:
            raise BadInput("a batch without sequence came; wanted one made of windows of a study with sequence")
        is_used = elements_in_use(batch, self.model.config)  # (B, E)
        promoter = self.encode(batch.promoter_sequence.numpy())  # (B, D)
        elements = promoter.new_zeros((*is_used.shape, promoter.shape[1]))
        elements[is_used.to(promoter.device)] = self.encode(batch.sequence[is_used].numpy())
        return Embedding(promoter, elements)

    def encode(self, sequences: np.ndarray) -> Tensor:
        """Embeddings of sequences, encoding only those not kept: (n, L) int8 -> (n, D)."""
        keys = [blake2b(sequence.tobytes(), digest_size=16).digest() for sequence in sequences]
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
        new = {key: n for n, key in enumerate(keys) if key not in found}
        if new:
            encoded = self.model.encode(torch.from_numpy(sequences[list(new.values())]).to(self.device))
            found |= dict(zip(new, encoded, strict=True))
        with self._lock:
            for key in keys:
                self._kept[key] = found[key]
                self._kept.move_to_end(key)
            while len(self._kept) > self.limit:
                self._kept.popitem(last=False)
        if not keys:
            return torch.zeros(0, self.model.config.width, device=self.device)
        return torch.stack([found[key] for key in keys])
