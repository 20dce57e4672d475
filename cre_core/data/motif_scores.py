"""How well each element holds each motif: the best site over both strands, all motifs in one convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cre_core.errors import BadInput
from cre_core.io.motifs import Motif

N_BASES = 4
CHUNK_BYTES = 16 << 20  # of the convolution's output, held at once; more is slower, for it leaves the cache


def motif_scores(sequence: Tensor, motifs: Sequence[Motif]) -> Tensor:
    """The best score of each motif in each element, scaled to 0..1 over the motifs of the element, as ScPGE reads it.

    Args:
      sequence: (N, L) int8, 0..3 = A C G T, 4 = N or padding.
      motifs: K motifs.

    Returns:
      (N, K) float32: 1 for the element's best motif, 0 for its worst; 0 for all of them if they are equal. NaN = no
      data: an element without a known base.

    Raises:
      As `best_motif_scores`.

    Source: ScPGE, Methods (input), motif scores "min-max normalised" per element. The released code rounds them to
    two decimals when it stores them; these are not rounded.
    """
    best = best_motif_scores(sequence, motifs)  # (N, K)
    low, high = best.amin(1, keepdim=True), best.amax(1, keepdim=True)  # (N, 1)
    return (best - low) / torch.where(high > low, high - low, 1.0)


def best_motif_scores(sequence: Tensor, motifs: Sequence[Motif]) -> Tensor:
    """The best score of each motif over all sites of an element and both strands.

    The score of a site is the sum, over its bases, of the motif's probability of that base (not its logarithm): the
    position probability matrix convolved with the one-hot sequence, as in ScPGE's released code. It lies between 0
    and the motif's width, and a base that is N or padding adds nothing. Only whole sites count: none reaches over
    the ends of the L bases. (Padding inside them is like N, so a site may reach into it.)

    Args:
      sequence: (N, L) int8, 0..3 = A C G T, 4 = N or padding.
      motifs: K motifs.

    Returns:
      (N, K) float32 in summed probability. NaN = no data: an element without a known base.

    Raises:
      BadInput: no motifs, a number that is no base, or a motif longer than the sequence.

    Source: ScPGE, Methods (input): "maximum over both strands".
    """
    filters, is_over = _filters(motifs, sequence)  # (2K, 4, W), (2K, W - 1)
    K, W, L = len(motifs), filters.shape[-1], sequence.shape[1]
    step = max(1, CHUNK_BYTES // (4 * 2 * K * L))
    best = torch.empty(len(sequence), K, device=sequence.device)
    for start in range(0, len(sequence), step):
        bases = F.pad(_one_hot(sequence[start : start + step]), (0, W - 1))  # (n, 4, L + W - 1)
        scores = F.conv1d(bases, filters)  # (n, 4, L + W - 1) -> (n, 2K, L), a score for each first base
        scores[..., L - W + 1 :].masked_fill_(is_over, -torch.inf)  # (n, 2K, W - 1)
        best[start : start + step] = scores.amax(2).view(-1, 2, K).amax(1)  # (n, 2K) -> (n, K)
    has_bases = (sequence < N_BASES).any(1, keepdim=True)  # (N, 1)
    return torch.where(has_bases, best, torch.nan)


def _filters(motifs: Sequence[Motif], sequence: Tensor) -> tuple[Tensor, Tensor]:
    """The motifs, then their reverse complements, padded with zeros on the right to the longest.

    Returns:
      filters (2K, 4, W) float32; is_over (2K, W - 1) bool, whether a site that begins at each of the last W - 1
      bases of the sequence reaches over its end.
    """
    if not motifs:
        raise BadInput("no motifs to score; wanted one or more")
    longest = max(motifs, key=lambda motif: motif.width_bp)
    W, L, K = longest.width_bp, sequence.shape[1], len(motifs)
    if W > L:
        raise BadInput(f"motif {longest.id} has {W} positions and the sequences {L} bases; wanted longer sequences")
    filters = np.zeros((2, K, N_BASES, W), np.float32)
    for k, motif in enumerate(motifs):
        filters[0, k, :, : motif.width_bp] = motif.matrix
        filters[1, k, :, : motif.width_bp] = motif.matrix[::-1, ::-1]  # A C G T backwards is T G C A
    width = torch.tensor([motif.width_bp for motif in motifs] * 2)[:, None]  # (2K, 1)
    is_over = torch.arange(L - W + 1, L) + width > L  # (2K, W - 1)
    device = sequence.device
    return torch.from_numpy(filters).view(2 * K, N_BASES, W).to(device), is_over.to(device)


def _one_hot(sequence: Tensor) -> Tensor:
    """(n, L) int8 -> (n, 4, L) float32; N and padding are zero."""
    if len(sequence) and not 0 <= int(sequence.min()) <= int(sequence.max()) <= N_BASES:
        low, high = int(sequence.min()), int(sequence.max())
        raise BadInput(f"bases numbered {low} to {high}; wanted 0 to 3 for A C G T and 4 for N")
    bases = torch.arange(N_BASES, dtype=sequence.dtype, device=sequence.device)  # (4,)
    return (sequence[:, None] == bases[:, None]).float()  # (n, 1, L) == (4, 1) -> (n, 4, L)
