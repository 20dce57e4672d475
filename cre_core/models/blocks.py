"""What several models share: bases as columns, T5's position bias, the bias-free transformer layer, embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

from cre_core.errors import BadInput, NotAvailable
from cre_core.schema import Batch, ElementInput

# A key no query should look at unless there is nothing else: its weight is exactly 0 beside any other in float32, and
# a row of such keys alone still has a softmax.
LAST_RESORT = -1e6


class Embedding(NamedTuple):
    """What the first stage gives: keep it to run the second alone."""

    promoter: Tensor  # (B, D)
    elements: Tensor  # (B, E, D); 0 where there is no element


Encode = Callable[[ElementInput], Tensor]  # the first stage, or a cache in front of it: N elements -> (N, D)


def encode_batch(batch: Batch, used: Tensor, encode: Encode, *, with_promoter: bool = True) -> Embedding:
    """First stage of a batch: each element that any gene uses is encoded once, and its gradient comes back once.

    Args:
      batch: with inputs.
      used: (B, E) bool, the elements the model looks at.
      encode: the first stage.
      with_promoter: encode the promoters too, in the same call; otherwise `promoter` has no columns.

    Raises:
      NotAvailable: the batch has no inputs.
    """
    if batch.inputs is None or batch.input_row is None or (with_promoter and batch.promoter is None):
        raise NotAvailable("this model reads sequence and the study has none; use a model of element counts")
    rows, place = torch.unique(batch.input_row[used], return_inverse=True)  # (n,), (used,)
    inputs, n_promoters = batch.inputs[rows], 0
    if with_promoter and batch.promoter is not None:
        inputs, n_promoters = batch.promoter.joined(inputs), len(batch.promoter)
    encoded = encode(inputs)  # (B + n, D)
    elements = encoded.new_zeros(*used.shape, encoded.shape[1])
    elements[used.to(encoded.device)] = encoded[n_promoters:][place.to(encoded.device)]  # (used, D) -> (B, E, D)
    return Embedding(encoded[:n_promoters], elements)


def check_bases(sequence: Tensor, *, width: int | None = None) -> None:
    """Raise BadInput unless `sequence` is (N, width) and holds 0..3 for A C G T and 4 for N or padding.

    Bases may be soft too: (N, width, 4) finite numbers, a column of four per base, zeros for N or padding.
    """
    if sequence.is_floating_point():
        return _check_soft_bases(sequence, width)
    if sequence.ndim != 2 or (width is not None and sequence.shape[1] != width):
        raise BadInput(f"sequences have shape {tuple(sequence.shape)}; wanted (N, {width or 'L'})")
    if sequence.numel() and (int(sequence.min()) < 0 or int(sequence.max()) > 4):
        odd = int(sequence.min()) if int(sequence.min()) < 0 else int(sequence.max())
        raise BadInput(f"sequence holds {odd}; wanted 0..3 for A C G T and 4 for N or padding")


def _check_soft_bases(sequence: Tensor, width: int | None) -> None:
    if sequence.ndim != 3 or sequence.shape[2] != 4 or (width is not None and sequence.shape[1] != width):
        raise BadInput(f"soft bases have shape {tuple(sequence.shape)}; wanted (N, {width or 'L'}, 4)")
    if not sequence.isfinite().all():
        raise BadInput("soft bases hold NaN or infinity; wanted a column of zeros for N or padding")


def one_hot(sequence: Tensor) -> Tensor:
    """Bases to columns of four; 4 (N or padding) becomes a column of zeros.

    Args:
      sequence: (N, L) integers, 0..3 = A C G T, 4 = N or padding; or (N, L, 4) soft bases, given back as they are.

    Returns:
      (N, 4, L) float32.

    Raises:
      BadInput: another number.
    """
    check_bases(sequence)
    if sequence.is_floating_point():
        return sequence.transpose(1, 2)  # (N, L, 4) -> (N, 4, L)
    return torch.eye(5, 4, device=sequence.device)[sequence.int()].transpose(1, 2)  # (N, L) -> (N, 4, L)


@wrap_torch_function(lambda logits, strength: (logits, strength))  # one function to whoever watches or replaces them
def weighted_softmax(logits: Tensor, strength: Tensor) -> Tensor:
    """Softmax of `logits + log(strength)` over the last axis, with a finite gradient at strength 0.

    Args:
      logits: (..., K) float32.
      strength: (..., K) in 0..1; 0 = the key is not there. At least one key of each row is there.

    Returns:
      (..., K), summing to 1.
    """
    top = logits.masked_fill(strength == 0, -torch.inf).amax(-1, keepdim=True).detach()
    # Only an absent key can exceed the top; 80 keeps its exponential finite, so that 0 times it is 0.
    weights = strength * (logits - top).clamp(max=80).exp()
    return weights / weights.sum(-1, keepdim=True)


def log_strength(strength: Tensor) -> Tensor:
    """What a strength in 0..1 adds to the logits of a key: 0 at 1, -inf (not there) at 0."""
    return strength.clamp(min=1e-30).log().masked_fill(strength == 0, -torch.inf)


def start_softplus_at(layer: nn.Linear, mean: float) -> None:
    """Set the bias of a last layer so that a softplus behind it begins at `mean`, above 0."""
    with torch.no_grad():
        layer.bias.fill_(mean + math.log(-math.expm1(-mean)))


class RelativeBias(nn.Module):
    """T5's bucketed bias of relative position, one number per bucket and head.

    Half of the buckets are for each sign; the first half of those are exact, the rest grow by a constant factor up to
    `max_distance`, beyond which all is one bucket.

    Source: Raffel et al., JMLR 2020, section 2.1, with the sign of query minus key as CREaTor and ScPGE take it.
    """

    edges: Tensor

    def __init__(self, n_heads: int, *, n_buckets: int = 64, max_distance: int = 256) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(n_buckets, n_heads))
        n_exact = n_buckets // 4  # of the half of one sign, half is exact
        growth = max_distance / n_exact
        edges = [math.ceil(n_exact * growth ** (k / n_exact) - 1e-9) for k in range(n_exact)]
        self.register_buffer("edges", torch.tensor([*range(1, n_exact), *edges]), persistent=False)

    def bucket(self, relative: Tensor) -> Tensor:
        """Bucket of each relative position (query minus key, whole numbers): same shape, int64."""
        bucket = torch.bucketize(relative.abs(), self.edges, right=True)  # counts the edges at or below
        return bucket + (relative < 0) * (len(self.table) // 2)

    def forward(self, relative: Tensor) -> Tensor:
        """Bias of relative positions: (..., Q, K) whole numbers -> (..., H, Q, K)."""
        return self.table[self.bucket(relative)].movedim(-1, -3)  # (..., Q, K, H) -> (..., H, Q, K)


class TransformerLayer(nn.Module):
    """Pre-norm transformer layer whose projections have no bias and whose logits take one."""

    def __init__(
        self,
        width: int,
        n_heads: int,
        *,
        feed_forward: int,
        activation: Callable[[], nn.Module],
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_heads, self.dropout = n_heads, dropout
        self.norm1 = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), activation(), nn.Dropout(dropout), nn.Linear(feed_forward, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, bias: Tensor, *, rows: slice = slice(None)) -> Tensor:
        """One layer.

        Args:
          tokens: (B, K, D).
          bias: (B or 1, H or 1, K, K), added to the logits; -inf = the key is not there for that query.
          rows: the tokens to return; all serve as keys.

        Returns:
          (B, rows, D).
        """
        return self.watched(tokens, bias, rows=rows, n_watched=0)[0]

    def watched(
        self, tokens: Tensor, bias: Tensor, *, rows: slice = slice(None), n_watched: int
    ) -> tuple[Tensor, Tensor]:
        """`forward`, and the attention weights of the first `n_watched` of `rows`, (B, H, n_watched, K) float32.

        Tokens may be one row where `bias` has B: variants that differ in nothing else yet share their projections.
        """
        if len(range(*rows.indices(tokens.shape[1]))) * self.n_heads < tokens.shape[2]:
            return self._few(tokens, bias, rows, n_watched)
        heads = self._heads(tokens)
        query, key, value = (part.expand(max(len(tokens), len(bias)), -1, -1, -1) for part in heads)
        query, at_rows = query[:, :, rows], bias[..., rows, :]  # (B, H, rows, D/H), (B or 1, H or 1, rows, K)
        watched = (_logits(query[:, :, :n_watched], key) + at_rows[..., :n_watched, :].float()).softmax(-1)
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=at_rows.to(query.dtype),
            dropout_p=self.dropout if self.training else 0.0,
        )  # (B, H, rows, D/H)
        return self._finish(tokens[:, rows], mixed), watched

    def _few(self, tokens: Tensor, bias: Tensor, rows: slice, n_watched: int) -> tuple[Tensor, Tensor]:
        """`watched` of a few rows, with the same sums in another order.

        A query goes through its key's projection, and the weighted mean of the tokens through the value's: neither a
        key nor a value of every token is made.
        """
        normed, H = self.norm1(tokens), self.n_heads  # (B, K, D)
        to_query, to_key, to_value = self.query_key_value.weight.view(3, H, -1, tokens.shape[-1])  # each (H, D/H, D)
        query = normed[:, None, rows] @ to_query.transpose(-1, -2)  # (B, H, R, D/H)
        reach = (query @ to_key).flatten(1, 2)  # (B, H R, D)
        logits = (reach @ normed.transpose(-1, -2)).unflatten(1, (H, -1)).float() * query.shape[-1] ** -0.5
        weights = (logits + bias[..., rows, :].float()).softmax(-1)  # (B, H, R, K)
        mean = F.dropout(weights, self.dropout, self.training).to(normed.dtype).flatten(1, 2) @ normed  # (B, H R, D)
        mixed = mean.unflatten(1, (H, -1)) @ to_value.transpose(-1, -2)  # (B, H, R, D/H)
        return self._finish(tokens[:, rows], mixed), weights[:, :, :n_watched]

    def logits(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """The whole matrix of logits, bias included: (B, K, D) -> (B, H, K, K) float32."""
        query, key, _ = self._heads(tokens)
        return _logits(query, key) + bias.float()

    def mixed_by(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """The layer with attention weights computed outside: (B, K, D), (B, H, K, K) -> (B, K, D)."""
        value = self._heads(tokens)[2]
        return self._finish(tokens, F.dropout(weights, self.dropout, self.training).to(value.dtype) @ value)

    def _heads(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each (B, H, K, D/H)."""
        B, K, _ = tokens.shape
        packed = self.query_key_value(self.norm1(tokens)).view(B, K, 3, self.n_heads, -1)
        return packed.permute(2, 0, 3, 1, 4).unbind()  # (B, K, 3, H, D/H) -> 3 x (B, H, K, D/H)

    def _finish(self, tokens: Tensor, mixed: Tensor) -> Tensor:
        tokens = tokens + self.drop(self.out(mixed.transpose(1, 2).flatten(2)))  # (B, H, R, D/H) -> (B, R, D)
        return tokens + self.drop(self.feed_forward(self.norm2(tokens)))  # (B, R, D)


def _logits(query: Tensor, key: Tensor) -> Tensor:
    return (query @ key.transpose(-1, -2)).float() * key.shape[-1] ** -0.5  # (B, H, Q, D/H) -> (B, H, Q, K)
