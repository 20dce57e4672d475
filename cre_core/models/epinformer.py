"""EPInformer: expression of a gene from its promoter and the elements around it.

Paper: Lin, Luo, Pinello. EPInformer: a scalable deep learning framework for gene expression prediction by
integrating promoter-enhancer sequences with multimodal epigenomic data. Nature Communications 2026;
preprint doi:10.1101/2024.08.01.606099. Where the paper and the authors' released code differ, the released
code is followed, because the published weights were made with it; each such place is marked "released code".

Stage 1, `encode`: a sequence alone -> an embedding. Stage 2, `regulate`: embeddings, distances and signals ->
expression and attention. A NaN in anything a gene uses gives NaN for that gene and for no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models.blocks import Embedding, Encode, check_bases, encode_batch, one_hot, weighted_softmax
from cre_core.schema import HALF_LIFE_FEATURES, Batch, ElementInput, Prediction, Reads

Variant = Literal["promoter", "pe", "pe-activity", "pe-activity-hic"]
VARIANTS: tuple[str, ...] = get_args(Variant)

# Features beside each element's embedding, in the order the published weights expect (released code).
ELEMENT_FEATURES: Mapping[str, tuple[str, ...]] = {
    "promoter": (),
    "pe": ("distance_kb",),
    "pe-activity": ("distance_kb", "activity"),
    "pe-activity-hic": ("distance_kb", "contact_log10p1", "activity"),
}

VARIANT_TITLES: Mapping[str, str] = {
    "promoter": "promoter",
    "pe": "PE",
    "pe-activity": "PE-Activity",
    "pe-activity-hic": "PE-Activity-HiC",
}


@dataclass(frozen=True)
class EPInformerConfig:
    """Everything that is needed to rebuild the model, and the window that it was made for."""

    variant: Variant = "pe-activity"
    tracks: tuple[str, ...] = ("dnase", "h3k27ac")  # order of Batch.signal and Batch.promoter_signal
    signal_unit: str = "RPM"  # what the caller must scale read counts to; ABC quantile-normalises it on top
    sequence_bp: int = 2000  # TSS +-1 kb; the paper's "1 kb around the TSS" is 1 kb to each side (released code)
    n_elements: int = 60  # covers 95 % of genes within max_distance_bp; the window builder keeps the nearest
    max_distance_bp: int = 100_000  # farther elements are left out here, whatever the window holds
    min_distance_bp: int = 1000  # nearer ones lie inside the promoter sequence
    self_promoter: bool = False  # keep them all the same: the gene's own promoter element, with its activity
    width: int = 64
    n_heads: int = 4
    n_layers: int = 3
    encoder_is_frozen: bool = False  # pretrained stem and tower stay as they are in training

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UnknownName(f"EPInformer has no variant '{self.variant}'; it has {', '.join(VARIANTS)}")
        if self.width % COMPRESSED or self.width % self.n_heads:
            raise BadInput(f"width {self.width} is no multiple of {COMPRESSED} and of the {self.n_heads} heads")
        if self.n_positions < 1:
            raise BadInput(f"sequence_bp {self.sequence_bp} is too short; wanted at least {16 * (24 + 1)}")
        if self.uses_activity and not {"dnase", "h3k27ac"} <= set(self.tracks):
            raise BadInput(f"variant {self.variant} wants tracks dnase and h3k27ac; came {', '.join(self.tracks)}")

    @property
    def reads(self) -> Reads:
        """Two kilobases of promoter and elements; beside them what the variant says."""
        return Reads(
            reach_bp=self.max_distance_bp,
            n_elements=self.n_elements,
            assays=self.tracks if self.uses_activity else (),
            unit=self.signal_unit,
            width_bp=self.sequence_bp,
            sequence=True,
            contact="contact_log10p1" in self.features,
            half_life=True,
            title=VARIANT_TITLES[self.variant],
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features beside an element's embedding."""
        return ELEMENT_FEATURES[self.variant]

    @property
    def uses_activity(self) -> bool:
        """Whether signal is an input."""
        return "activity" in self.features

    @property
    def n_positions(self) -> int:
        """Positions left after the encoder: 2000 -> 125 by four halvings -> 101."""
        return self.sequence_bp // 16 - 24  # the dilated convolutions cut 2 * (2 + 4 + 6) and pad nothing


# ---------------------------------------------------------------- stage 1: a sequence to an embedding

STEM = 256  # channels out of the stem
TOWER = (128, 64, 64, 128)  # channels out of the four blocks, each of which halves the length
DILATED = 64  # channels of the dilated convolutions
ENCODE_PIECE = {"cpu": 8, "cuda": 512}  # sequences encoded at a time: 8 fit a cache; 61 at once take 1.7x as long
COMPRESSED = 32  # channels kept before positions are mixed; 32 channels x 2 numbers = width 64


class TowerBlock(nn.Module):
    """Halve the length, then add a pointwise convolution of the result to it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.BatchNorm1d(channels_out)
        self.pointwise = nn.Conv1d(channels_out, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool1d(F.elu(self.norm(self.conv(x))), 2)  # (N, C, L) -> (N, C', L/2)
        return x + F.elu(self.pointwise(x))  # (N, C', L/2)


class SequenceEncoder(nn.Module):
    """Stem and tower: the part shared by expression model and activity encoder, hence the part to pretrain."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, STEM, 8)
        widths = (STEM, *TOWER)
        self.tower = nn.Sequential(*(TowerBlock(*pair) for pair in pairwise(widths)))

    def forward(self, bases: Tensor) -> Tensor:
        # Eight is even, so "same" padding is lopsided: 3 left, 4 right (released code).
        x = F.elu(self.stem(F.pad(bases, (3, 4))))  # (N, 4, L) -> (N, 256, L)
        return self.tower(x)  # (N, 128, L/16)


class Compress(nn.Module):
    """Dilated convolutions, then one linear map over the position axis: (N, 128, L/16) -> (N, D)."""

    def __init__(self, n_positions: int, width: int) -> None:
        super().__init__()
        convs = [
            nn.Conv1d(TOWER[-1], DILATED, 3, dilation=2),
            nn.Conv1d(DILATED, DILATED, 3, dilation=4),
            nn.Conv1d(DILATED, DILATED, 3, dilation=6),
            nn.Conv1d(DILATED, COMPRESSED, 1),
        ]
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList(nn.BatchNorm1d(conv.out_channels) for conv in convs)
        self.positions = nn.Linear(n_positions, width // COMPRESSED)

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.elu(norm(conv(x)))  # (N, 128, 125) -> 121 -> 113 -> 101 -> (N, 32, 101)
        return F.elu(self.positions(x)).flatten(1)  # (N, 32, 101) -> (N, 32, 2) -> (N, 64)


# ---------------------------------------------------------------- stage 2: embeddings to expression


def activity(signal: Tensor, tracks: tuple[str, ...]) -> Tensor:
    """Activity of elements as ABC defines it: sqrt(DNase * H3K27ac); (..., T) -> (...)."""
    return root(signal[..., tracks.index("dnase")] * signal[..., tracks.index("h3k27ac")])


@wrap_torch_function(lambda x: (x,))  # one function to whoever watches or replaces them
def root(x: Tensor) -> Tensor:
    """Square root whose slope at a measured zero is 0, where the true one is infinite; NaN stays."""
    is_zero = x == 0
    return x.masked_fill(is_zero, 1.0).sqrt().masked_fill(is_zero, 0.0)


class RawFeatures(NamedTuple):
    """What the second stage takes beside the embeddings."""

    element: Tensor  # (B, E, nf) in the order of EPInformerConfig.features
    gene: Tensor  # (B, 9) half-life features, then the promoter's activity (0 for variants without signal)
    is_used: Tensor  # (B, E) bool


def elements_in_use(batch: Batch, config: EPInformerConfig) -> Tensor:
    """(B, E) bool: the elements the model looks at.

    Not those outside the config's window, nor, without `self_promoter`, those inside the promoter sequence; the
    promoter variant looks at none.
    """
    distance = batch.distance_bp.abs()  # (B, E)
    is_used = batch.is_element & (distance <= config.max_distance_bp) & (config.variant != "promoter")
    return is_used if config.self_promoter else is_used & (distance > config.min_distance_bp)


def raw_features(batch: Batch, config: EPInformerConfig) -> RawFeatures:
    """The features of a batch as the published weights expect them.

    Args:
      batch: signals in `config.signal_unit`, contact as the count itself (not its logarithm).
      config: variant, tracks and window.

    Returns:
      See RawFeatures. NaN stays NaN.

    Raises:
      NotAvailable: the variant needs contacts and the batch has none.
      BadInput: another number of tracks or gene features than the config states.

    Source: Methods, and the released data loader (order; kb; log10(1 + contact)).
    """
    _check_widths(batch, config)
    columns = {"distance_kb": batch.distance_bp.abs() / 1000}  # (B, E)
    promoter_activity = torch.zeros_like(batch.gene_features[:, 0])  # (B,)
    if config.uses_activity:
        columns["activity"] = activity(batch.signal, config.tracks)
        promoter_activity = activity(batch.promoter_signal, config.tracks)
    if "contact_log10p1" in config.features:
        if batch.contact is None:
            raise NotAvailable("variant pe-activity-hic needs contacts and this study has none; use pe-activity")
        columns["contact_log10p1"] = torch.log10(1 + batch.contact)
    chosen = [columns[name] for name in config.features]
    element = torch.stack(chosen, -1) if chosen else batch.distance_bp.new_zeros((*batch.distance_bp.shape, 0))
    gene = torch.cat((batch.gene_features, promoter_activity[:, None]), 1)  # (B, 9)
    return RawFeatures(element, gene, elements_in_use(batch, config))


def _check_widths(batch: Batch, config: EPInformerConfig) -> None:
    n_features = batch.gene_features.shape[1]
    if n_features != len(HALF_LIFE_FEATURES):
        raise BadInput(f"came {n_features} gene features; wanted the {len(HALF_LIFE_FEATURES)} half-life features")
    for name in ("signal", "promoter_signal") if config.uses_activity else ():
        n_tracks = getattr(batch, name).shape[-1]
        if n_tracks != len(config.tracks):
            raise BadInput(
                f"came {n_tracks} tracks in {name}; wanted {len(config.tracks)}: {', '.join(config.tracks)}"
            )


class RegulationLayer(nn.Module):
    """Pre-norm attention layer in which the gene attends to all, an element to the gene and to itself.

    Elements never see one another, so nothing of size E x E is needed: the cost grows as E.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm1 = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        nn.init.xavier_uniform_(self.query_key_value.weight)
        for linear in (self.query_key_value, self.out):
            nn.init.zeros_(linear.bias)

    def forward(self, tokens: Tensor, strength: Tensor, *, gene_only: bool) -> tuple[Tensor, Tensor]:
        """One layer.

        Args:
          tokens: (B, 1 + E, D), the gene first.
          strength: (B, 1 + E), 0 = not there, 1 for the gene.
          gene_only: return the gene's token alone: all that is needed after the last layer.

        Returns:
          tokens (B, 1 + E or 1, D) and the gene's attention (B, H, 1 + E).
        """
        query, key, value = self._heads(self.query_key_value(self.norm1(tokens)))  # each (B, H, 1 + E, D/H)
        key = key * key.shape[-1] ** -0.5
        gene_logits = (query[:, :, :1] * key).sum(-1).float()  # (B, H, 1 + E)
        attention = weighted_softmax(gene_logits, strength[:, None])  # (B, H, 1 + E)
        mixed = (attention[..., None].to(value.dtype) * value).sum(2, keepdim=True)  # (B, H, 1, D/H)
        if gene_only:
            tokens = tokens[:, :1]
        else:
            mixed = torch.cat((mixed, self._mix_elements(query, key, value, strength)), 2)  # (B, H, 1 + E, D/H)
        tokens = tokens + self.out(mixed.transpose(1, 2).flatten(2))  # (B, 1 + E, D)
        return tokens + self.feed_forward(self.norm2(tokens)), attention

    def _heads(self, packed: Tensor) -> Tensor:
        B, K, _ = packed.shape
        return packed.view(B, K, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)  # (B, K, 3D) -> (3, B, H, K, D/H)

    @staticmethod
    def _mix_elements(query: Tensor, key: Tensor, value: Tensor, strength: Tensor) -> Tensor:
        to_gene = (query[:, :, 1:] * key[:, :, :1]).sum(-1)  # (B, H, E)
        to_self = (query[:, :, 1:] * key[:, :, 1:]).sum(-1)  # (B, H, E)
        pair_strength = torch.stack((torch.ones_like(strength[:, 1:]), strength[:, 1:]), -1)  # (B, E, 2)
        weights = weighted_softmax(
            torch.stack((to_gene, to_self), -1).float(), pair_strength[:, None]
        )  # (B, H, E, 2)
        weights = weights.to(value.dtype)
        return weights[..., :1] * value[:, :, :1] + weights[..., 1:] * value[:, :, 1:]  # (B, H, E, D/H)


class EPInformer(nn.Module):
    """The expression model. Parameters: 447,149, and 64 more per element feature."""

    def __init__(self, config: EPInformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.encoder = SequenceEncoder()
        self.compress = Compress(config.n_positions, width)
        self.fusion = nn.Sequential(
            nn.Linear(width + len(config.features), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.layers = nn.ModuleList(RegulationLayer(width, config.n_heads) for _ in range(config.n_layers))
        n_gene_features = len(HALF_LIFE_FEATURES) + 1  # and the promoter's activity
        self.head = nn.Sequential(
            nn.Linear(width + n_gene_features, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1)
        )
        self.encoder.requires_grad_(not config.encoder_is_frozen)

    def start_from(self, pretrained: SequenceEncoder) -> None:
        """Copy the stem and tower of an activity encoder."""
        self.encoder.load_state_dict(pretrained.state_dict())

    def train(self, mode: bool = True) -> EPInformer:
        """Training or evaluation mode; a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.config.encoder_is_frozen:
            self.encoder.eval()
        return self

    def encode(self, inputs: ElementInput) -> Tensor:
        """Each sequence alone to its embedding.

        Args:
          inputs: N elements of `config.sequence_bp`; of them the sequence alone is read.

        Returns:
          (N, D) float32. In evaluation mode a row depends on nothing but its own sequence.

        Raises:
          BadInput: another length, or another number than 0..4.
        """
        check_bases(inputs.sequence, width=self.config.sequence_bp)
        # Batch normalisation must see a training batch whole; otherwise pieces keep memory small.
        n = len(inputs) if self.training else ENCODE_PIECE.get(inputs.sequence.device.type, 64)
        pieces = inputs.sequence.split(max(n, 1))
        return torch.cat([self.compress(self.encoder(one_hot(piece))) for piece in pieces])

    def uses(self, batch: Batch) -> Tensor:
        """(B, E) bool: the elements the model looks at."""
        return elements_in_use(batch, self.config)

    def embed(self, batch: Batch, *, encode: Encode | None = None) -> Embedding:
        """First stage of a whole batch: its promoters and the elements in use.

        Raises:
          NotAvailable: the batch has no sequence.
        """
        return encode_batch(batch, self.uses(batch), encode or self.encode)

    def regulate(self, embedding: Embedding, *, features: RawFeatures, strength: Tensor) -> Prediction:
        """Second stage.

        Args:
          embedding: of the genes and elements of the batch; B may be 1 and is then shared by all genes of `features`,
            which makes a scan of knock-outs one batch.
          features: see `raw_features`.
          strength: (B, E) in 0..1; log(strength) is added to the element's key logits, so that 0 = not there.

        Returns:
          Expression, the gene's attention per layer and head, and the element embeddings.
        """
        B, E, _ = features.element.shape
        strength = strength * features.is_used  # (B, E)
        absent = (strength == 0)[..., None]
        element_features = torch.where(absent & features.element.isnan(), 0.0, features.element)
        strength = F.pad(strength, (1, 0), value=1.0)  # (B, 1 + E)
        tokens = torch.cat((embedding.promoter[:, None], embedding.elements), 1).expand(B, -1, -1)  # (B, 1 + E, D)
        # The promoter goes through the fusion too, with features 0 (released code).
        tokens = self.fusion(torch.cat((tokens, F.pad(element_features, (0, 0, 1, 0))), 2))  # (B, 1 + E, D)
        attention = []
        for number, layer in enumerate(self.layers, 1):
            tokens, row = layer(tokens, strength, gene_only=number == len(self.layers))
            attention.append(row)  # (B, H, 1 + E)
        expression = self.head(torch.cat((tokens[:, 0], features.gene), 1))[:, 0].float()  # (B, D + 9) -> (B,)
        return Prediction(expression, torch.stack(attention, 1), embedding.elements.expand(B, E, -1))

    def forward(self, batch: Batch, embedding: Embedding | None = None) -> Prediction:
        """Both stages; the second alone when the first's result is given."""
        return self.regulate(
            embedding if embedding is not None else self.embed(batch),
            features=raw_features(batch.expanded(), self.config),  # variants may share what is not changed
            strength=batch.strength,
        )
