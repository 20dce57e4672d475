"""CREaTor: expression of genes from the elements around them, hierarchically, for cell types it never saw.

Paper: Li et al. CREaTor: zero-shot cis-regulatory pattern modeling with attention mechanisms. Genome Biology 2023,
24:266; doi:10.1186/s13059-023-03103-8. Where the paper and the authors' released code differ, the released
code is followed, because weights are made with it; each such place is marked "released code".

Stage 1, `encode`: bases and signals of an element -> an embedding, read at its end token. Stage 2, `regulate`:
embeddings and places on the genome -> expression and attention. The gene itself brings nothing but its place.

`strict_original=True` reproduces the released code. The default corrects:
* N and padding are no base: their embedding is zero (there they have a learned row like any base);
* dropout reaches the tokens too (there it is bypassed for them);
* a region's genes go in one call (there a second gene fails), and elements that pad a batch are no keys.
A track without data counts as zero (Methods: absence is tolerated), which is not the same as a measured zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.errors import BadInput
from cre_core.models.blocks import (
    LAST_RESORT,
    Embedding,
    Encode,
    RelativeBias,
    TransformerLayer,
    check_bases,
    encode_batch,
    log_strength,
    start_softplus_at,
)
from cre_core.schema import Batch, ElementInput, Prediction, Reads

# The order of the published weights' tracks: alphabetical, as the authors told in their issue tracker.
TRACKS = (
    "ctcf", "dnase", "ep300", "h2afz", "h3k27ac", "h3k27me3", "h3k36me3", "h3k4me1", "h3k4me2", "h3k4me3",
    "h3k79me2", "h3k9ac", "h3k9me3", "h4k20me1", "polr2a", "polr2aphosphos5",
)  # fmt: skip
ENCODE_PIECE = 64  # elements encoded at a time on a CPU: their tokens stay in the cache
GPU_PIECE = 4_096  # and on a GPU, which wants many at a time
REGULATE_PIECE = 8  # variants per pass on a CPU: each has its own (1 + E) x (1 + E) matrix per head
GPU_REGULATE_PIECE = 64


@dataclass(frozen=True)
class CreatorConfig:
    """Everything that is needed to rebuild the model, and the window that it was made for."""

    base_tracks: tuple[str, ...] = TRACKS  # any subset will do; 16, 7 and 4 are the paper's Large, Medium and Small
    sequence_bp: int = 350  # every element is cut or widened to this; other lengths work too
    gene_bp: int = 700  # the gene's token is made of so many unknown bases (released code)
    token_bp: int = 5  # bases per token: 350 bp make 70, and one more at the end is read as the element's embedding
    flanks: bool = True  # a narrower element goes on into its flanks
    n_each_side: int = 200  # elements up and down of the TSS
    n_elements: int = 400
    max_distance_bp: int = 10_240_000  # where the widest scale of the position bias ends
    width: int = 256
    n_heads: int = 4
    n_element_layers: int = 2
    n_regulation_layers: int = 4
    feed_forward: int = 1024
    # Position enters as the sum of five tables, each exact for 16 steps and logarithmic up to 256: 38 kb to 10 Mb
    # (released code; the paper says distance only).
    scales_bp: tuple[int, ...] = (150, 600, 2_400, 10_000, 40_000)
    dropout: float = 0.1
    strict_original: bool = False

    def __post_init__(self) -> None:
        if self.width % self.n_heads:
            raise BadInput(f"width {self.width} is no multiple of the {self.n_heads} heads")
        for name in ("sequence_bp", "gene_bp"):
            if getattr(self, name) % self.token_bp:
                raise BadInput(f"{name} {getattr(self, name)} is no multiple of the {self.token_bp} bases of a token")

    @property
    def reads(self) -> Reads:
        """Bases and signals per base of the elements."""
        return Reads(
            reach_bp=self.max_distance_bp,
            n_elements=self.n_elements,
            n_each_side=self.n_each_side,
            width_bp=self.sequence_bp,
            flanks=self.flanks,
            sequence=True,
            tracks=self.base_tracks,
        )


# ---------------------------------------------------------------- stage 1: an element to an embedding

END = 5  # token of the end, which is read as the embedding; 0 = N or padding, 1..4 = A T C G (paper, Methods)
N_TOKENS = 6
TOKEN_OF_BASE = (1, 3, 4, 2, 0)  # of A C G T and N or padding, our 0..4


class Tokens(nn.Module):
    """Bases and signals to tokens of `token_bp` bases.

    Base embedding + linear map of the signals, then one convolution; all three are linear, so they are multiplied
    into one convolution of 6 + T channels before they meet the data: a tenth of the work.
    """

    token_of_base: Tensor

    def __init__(self, config: CreatorConfig) -> None:
        super().__init__()
        D, T = config.width, len(config.base_tracks)
        self.config = config
        self.base = nn.Parameter(torch.randn(N_TOKENS, D))
        self.signal = nn.Linear(T, D)
        self.conv = nn.Conv1d(D, D, config.token_bp, stride=config.token_bp)
        self.drop = nn.Dropout(0.0 if config.strict_original else config.dropout)
        self.register_buffer("token_of_base", torch.tensor(TOKEN_OF_BASE), persistent=False)

    def forward(self, inputs: ElementInput) -> Tensor:
        """(N, L) or (N, L, 4) bases and (N, L, T) signals -> (N, L / token_bp + 1, D), the end token last."""
        step, T = self.config.token_bp, len(self.config.base_tracks)
        N, L = inputs.sequence.shape[:2]
        channels = self._soft(inputs.sequence) if inputs.sequence.is_floating_point() else self._hard(inputs.sequence)
        x = self.conv.weight.new_zeros(N, L + step, N_TOKENS + T)
        x[..., :N_TOKENS] = channels
        if inputs.signal is not None:
            x[:, :L, N_TOKENS:] = torch.nan_to_num(inputs.signal.to(x.dtype), nan=0.0)
        weight, bias = self._joined()
        return self.drop(F.conv1d(x.transpose(1, 2), weight, bias, stride=step).transpose(1, 2))  # (N, 71, D)

    def _hard(self, sequence: Tensor) -> Tensor:
        """(N, L) bases -> (N, L + token_bp, 6), a column of one 1."""
        token = self.token_of_base[sequence.int()]  # (N, L)
        return F.one_hot(F.pad(token, (0, self.config.token_bp), value=END), N_TOKENS)

    def _soft(self, sequence: Tensor) -> Tensor:
        """The same of (N, L, 4) soft bases; what a column lacks to 1 is unknown."""
        unknown = 1 - sequence.sum(2, keepdim=True)  # (N, L, 1)
        base_of_token = self.token_of_base[:4].argsort()  # (4,): A T C G of A C G T
        channels = F.pad(torch.cat((unknown, sequence[..., base_of_token]), 2), (0, 1))  # (N, L, 6)
        end = F.one_hot(self.token_of_base.new_tensor(END), N_TOKENS).to(channels)  # (6,)
        return torch.cat((channels, end.expand(len(sequence), self.config.token_bp, -1)), 1)

    def _joined(self) -> tuple[Tensor, Tensor]:
        base = self.base if self.config.strict_original else self.base * self._is_base()
        joined = torch.cat((base.T, self.signal.weight), 1)  # (D, 6 + T)
        weight = torch.einsum("odk,dc->ock", self.conv.weight, joined)
        bias = F.conv1d(self.signal.bias.expand(self.config.token_bp, -1).T[None], self.conv.weight, self.conv.bias)
        return weight, bias.flatten()  # (O, 6 + T, token_bp), (O,)

    def _is_base(self) -> Tensor:
        return (torch.arange(N_TOKENS, device=self.base.device) > 0).to(self.base)[:, None]  # all but N


# ---------------------------------------------------------------- stage 2: places on the genome


class PlaceBias(nn.ModuleList):
    """The sum of one table per scale.

    Each is constant between its bucket edges, and so is their sum between all edges: the few hundred sums are made
    once, and each pair of places looks up one of them instead of one per scale.
    """

    edges_bp: Tensor
    inside_bp: Tensor

    def __init__(self, config: CreatorConfig) -> None:
        super().__init__(RelativeBias(config.n_heads) for _ in config.scales_bp)
        self.scales_bp = config.scales_bp
        up = [edge * scale for table, scale in self._scaled() for edge in table.edges.tolist()]
        down = [(1 - edge) * scale for table, scale in self._scaled() for edge in table.edges.tolist()]
        edges = sorted({*up, *down})  # floor division: step -e begins below (1 - e) scales
        self.register_buffer("edges_bp", torch.tensor(edges), persistent=False)
        self.register_buffer("inside_bp", torch.tensor([edges[0] - 1, *edges]), persistent=False)

    def forward(self, relative_bp: Tensor) -> Tensor:
        """Bias of relative places (query minus key, whole bp): (B, Q, K) -> (B, H, Q, K)."""
        inside = self.inside_bp[:, None]  # (n + 1, 1): one place of each stretch between edges
        sums = torch.stack([table(inside // scale) for table, scale in self._scaled()]).sum(0)[:, :, 0]  # (H, n + 1)
        row = torch.bucketize(relative_bp, self.edges_bp, right=True)  # (B, Q, K)
        return sums.index_select(1, row.flatten()).view(-1, *row.shape).transpose(0, 1)  # (B, H, Q, K)

    def _scaled(self) -> list[tuple[RelativeBias, int]]:
        return list(zip(self, self.scales_bp, strict=True))  # type: ignore[arg-type]


# ---------------------------------------------------------------- the model


class RegionPrediction(NamedTuple):
    """Several genes that share one set of elements."""

    expression: Tensor  # (G,)
    attention: Tensor  # (layers, H, G, E), after the softmax


class Transformed(NamedTuple):
    """What the second stage's layers give."""

    genes: Tensor  # (B, G, D)
    attention: Tensor  # (B, layers, H, G, G + E), after the softmax
    logits: Tensor | None  # (B, layers, H, G + E, G + E)


class Creator(nn.Module):
    """The expression model. Parameters: 5,068,545 with 16 tracks."""

    def __init__(self, config: CreatorConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = Tokens(config)
        self.token_bias = RelativeBias(config.n_heads)
        self.element_layers = nn.ModuleList(self._layer() for _ in range(config.n_element_layers))
        self.place_bias = PlaceBias(config)
        self.regulation_layers = nn.ModuleList(self._layer() for _ in range(config.n_regulation_layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 1)

    def _layer(self) -> TransformerLayer:
        config = self.config
        return TransformerLayer(
            config.width,
            config.n_heads,
            feed_forward=config.feed_forward,
            activation=partial(nn.ReLU, inplace=True),  # the widest tensor of all: a copy of it costs as much
            dropout=config.dropout,
        )

    def encode(self, inputs: ElementInput) -> Tensor:
        """Each element alone to its embedding.

        Args:
          inputs: N elements of any length that is a multiple of `token_bp`; signals in the order of
            `config.base_tracks`, NaN or no signal at all counts as zero.

        Returns:
          (N, D) float32.

        Raises:
          BadInput: another length, another number than 0..4, another number of tracks.
        """
        self._check(inputs)
        step = GPU_PIECE if inputs.sequence.is_cuda else ENCODE_PIECE
        encoded = [self._encode(inputs[slice(start, start + step)]) for start in range(0, len(inputs), step)]
        return torch.cat(encoded) if encoded else self.head.weight.new_zeros(0, self.config.width)

    def _encode(self, inputs: ElementInput) -> Tensor:
        tokens = self.tokens(inputs)  # (N, K, D)
        place = self._token_places(tokens.shape[1], inputs.sequence.shape[1])  # (K,)
        bias = self.token_bias(place[:, None] - place[None])[None]  # (1, H, K, K)
        for layer in self.element_layers[:-1]:
            tokens = layer(tokens, bias)  # (N, K, D)
        last: TransformerLayer = self.element_layers[-1]  # type: ignore[assignment]
        return last(tokens, bias, rows=slice(-1, None))[:, 0].float()  # only the end token is read: (N, D)

    def _token_places(self, n_tokens: int, length_bp: int) -> Tensor:
        """(K,): places of the tokens in token steps; a gene's end token lies on the TSS, in its middle."""
        place = torch.arange(n_tokens, device=self.head.weight.device)
        if length_bp == self.config.gene_bp:
            place[-1] = length_bp // (2 * self.config.token_bp)
        return place

    def gene_token(self) -> Tensor:
        """(1, D): the token every gene starts from; it holds no sequence and no signal (released code)."""
        unknown = torch.full((1, self.config.gene_bp), 4, dtype=torch.int8, device=self.head.weight.device)
        return self._encode(ElementInput(unknown))

    def uses(self, batch: Batch) -> Tensor:
        """(B, E) bool: the elements the model looks at."""
        return batch.is_element

    def embed(self, batch: Batch, *, encode: Encode | None = None) -> Embedding:
        """First stage of a whole batch; an element that several genes share is encoded once.

        Raises:
          NotAvailable: the batch has no inputs.
        """
        elements = encode_batch(batch, self.uses(batch), encode or self.encode, with_promoter=False).elements
        return Embedding(self.gene_token().expand(len(elements), -1), elements)

    def regulate(
        self, embedding: Embedding, *, place_bp: Tensor, strength: Tensor, with_logits: bool = False
    ) -> Prediction:
        """Second stage of genes with a window of elements each.

        Args:
          embedding: of the genes and elements; B may be 1 and is then shared by all rows of `strength`.
          place_bp: (B or 1, E), element centre minus TSS on the genome.
          strength: (B, E) in 0..1, added to the logits as its logarithm; 0 = not there.
          with_logits: give the whole matrices too.

        Returns:
          Expression in the checkpoint's unit and the gene's attention per layer and head.
        """
        piece = GPU_REGULATE_PIECE if strength.is_cuda else REGULATE_PIECE
        tokens = torch.cat((embedding.promoter[:, None], embedding.elements), 1)  # (B or 1, 1 + E, D)
        place = F.pad(place_bp, (1, 0))  # (B or 1, 1 + E): the TSS is 0
        once = self._between(place) if len(place) == 1 else None  # the same for all variants of a gene

        def transformed(start: int) -> Transformed:
            def rows(value: Tensor) -> Tensor:
                return value if len(value) == 1 else value[start : start + piece]

            bias = self._between(rows(place)) if once is None else once
            return self._transform(rows(tokens), bias, strength[start : start + piece], 1, with_logits)

        parts = [transformed(start) for start in range(0, len(strength), piece)]
        return Prediction(
            torch.cat([self._express(part.genes[:, 0]) for part in parts]),
            torch.cat([part.attention[..., 0, :] for part in parts]),
            embedding.elements.expand(len(strength), -1, -1),
            torch.cat([part.logits for part in parts if part.logits is not None]) if with_logits else None,
        )

    def regulate_region(self, elements: Tensor, *, place_bp: Tensor, tss: Tensor) -> RegionPrediction:
        """Second stage of all genes of a region at once: elements (E, D) at `place_bp` (E,), genes at `tss` (G,)."""
        G, genes = len(tss), self.gene_token().expand(len(tss), -1)  # (G, D)
        bias = self._between(torch.cat((tss, place_bp))[None])  # (1, H, G + E, G + E)
        present = torch.ones(1, len(elements), device=elements.device)
        found = self._transform(torch.cat((genes, elements))[None], bias, present, G, False)
        return RegionPrediction(self._express(found.genes[0]), found.attention[0, :, :, :, G:])

    def forward(self, batch: Batch, embedding: Embedding | None = None, *, with_logits: bool = False) -> Prediction:
        """Both stages; the second alone when the first's result is given."""
        embedding = embedding if embedding is not None else self.embed(batch)
        strength = batch.strength * self.uses(batch)
        return self.regulate(embedding, place_bp=batch.offset_bp, strength=strength, with_logits=with_logits)

    def start_at(self, mean: float) -> None:
        """Let training begin at the genes' mean expression."""
        start_softplus_at(self.head, mean)

    def _express(self, tokens: Tensor) -> Tensor:
        return F.softplus(self.head(self.norm(tokens)))[..., 0].float()  # (..., D) -> (...)

    def _transform(
        self, tokens: Tensor, between: Tensor, strength: Tensor, n_genes: int, with_logits: bool
    ) -> Transformed:
        """Genes first, then elements: (B or 1, G + E, D), the bias of their places, (B, E) strengths."""
        bias = between + self._of_keys(strength, n_genes)  # (B, H, G + E, G + E)
        attention, logits = [], []
        for number, layer in enumerate(self.regulation_layers, 1):
            if with_logits:
                logits.append(layer.logits(tokens, bias))  # type: ignore[operator]
            kept = slice(0, n_genes) if number == len(self.regulation_layers) else slice(None)
            tokens, row = layer.watched(tokens, bias, rows=kept, n_watched=n_genes)  # type: ignore[operator]
            attention.append(row)  # (B, H, G, G + E)
        return Transformed(tokens, torch.stack(attention, 1), torch.stack(logits, 1) if logits else None)

    def _between(self, place: Tensor) -> Tensor:
        """Bias of all pairs of places: (B, K) -> (B, H, K, K)."""
        return self.place_bias((place[:, :, None] - place[:, None, :]).long())  # query minus key

    def _of_keys(self, strength: Tensor, n_genes: int) -> Tensor:
        """What each key adds to the logits, (B, 1, 1, G + E): an element its strength; nothing looks at a gene."""
        return F.pad(log_strength(strength), (n_genes, 0), value=LAST_RESORT)[:, None, None]

    def _check(self, inputs: ElementInput) -> None:
        check_bases(inputs.sequence)
        if inputs.sequence.shape[1] % self.config.token_bp:
            length, step = inputs.sequence.shape[1], self.config.token_bp
            raise BadInput(f"elements of {length} bp came; CREaTor wants a multiple of {step}")
        if inputs.signal is not None and inputs.signal.shape[-1] != len(self.config.base_tracks):
            n, names = inputs.signal.shape[-1], ", ".join(self.config.base_tracks)
            raise BadInput(f"came {n} tracks; wanted {len(self.config.base_tracks)}: {names}")
