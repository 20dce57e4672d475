"""EPInformer's activity encoder: activity of 256 bp from their bases, to pretrain the stem and tower of EPInformer.

Paper: as `epinformer.py`; Methods (enhancer encoder). The released code is followed where it differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.models.blocks import check_bases, one_hot
from cre_core.models.epinformer import TOWER, SequenceEncoder
from cre_core.schema import Reads


@dataclass(frozen=True)
class ActivityConfig:
    """The 256-bp activity encoder."""

    sequence_bp: int = 256  # one summit or flank tile; four halvings leave 16 positions
    width: int = 256
    dropout: float = 0.1

    @property
    def reads(self) -> Reads:
        """Bases alone."""
        return Reads(width_bp=self.sequence_bp, sequence=True)


class ActivityEncoder(nn.Module):
    """Activity of a 256-bp sequence, to pretrain the stem and tower. Parameters: 802,305."""

    def __init__(self, config: ActivityConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.encoder = SequenceEncoder()
        self.hidden1 = nn.Linear(TOWER[-1] * (config.sequence_bp // 16), width)
        self.norm1 = nn.BatchNorm1d(width)
        self.hidden2 = nn.Linear(width, width)
        self.norm2 = nn.BatchNorm1d(width)
        self.out = nn.Linear(width, 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, sequence: Tensor) -> Tensor:
        """Activity of each sequence.

        Args:
          sequence: (N, L) int8, 0..3 = A C G T, 4 = N or padding.

        Returns:
          (N,) float32 in the unit the checkpoint states.

        Raises:
          BadInput: another length, or another number than 0..4.
        """
        check_bases(sequence, width=self.config.sequence_bp)
        x = self.encoder(one_hot(sequence)).flatten(1)  # (N, 128, 16) -> (N, 2048)
        x = self.dropout(F.relu(self.norm1(self.hidden1(x))))  # (N, 256)
        x = self.dropout(F.relu(self.norm2(self.hidden2(x))))  # (N, 256)
        return self.out(x)[:, 0].float()  # (N,)
