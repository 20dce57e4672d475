"""ScPGE: expression of a gene from its promoter and the nearest elements on each side, with chromatin loops.

Paper: Zhang, Wang, Li et al. A scalable computational framework for predicting gene expression from candidate
cis-regulatory elements. Genome Research 2026, 36:361-374; doi:10.1101/gr.281219.125.

Stage 1, `encode`: bases, motif scores and signals of an element -> an embedding. Stage 2, `regulate`: embeddings and
ranks -> expression and attention. The gene is one more element, 600 bp around its TSS, of rank 0.

Three forms: `plain`; `lp`, where loops strengthen attention; `kl`, where a term of the loss draws the gene's
attention towards loops and nearness (`attention_loss`). `combined_score` is the paper's Loop combination of both.

`strict_original=True` reproduces the released code. The default corrects:
* slots without an element are no keys (there they are attended like elements);
* a position bias of the distance in bp stands beside that of the rank (there the rank alone, whatever the distance);
* lp adds the loop matrix to the logits, which multiplies the weight by exp(loop) (there the logits are multiplied, so
  that a loop between tokens of negative logit makes them attend less);
* kl compares with the logarithm of the attention and scales both to distributions (there the weights themselves enter
  a function that wants logarithms, and the term goes below zero);
* the gene may look at itself when nothing else is there (there that is an error of division).
A track or motif without data counts as zero, as the authors fill them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models.blocks import (
    LAST_RESORT,
    Embedding,
    Encode,
    RelativeBias,
    TransformerLayer,
    check_bases,
    encode_batch,
    log_strength,
    one_hot,
    start_softplus_at,
)
from cre_core.schema import Batch, ElementInput, Prediction, Reads

Form = Literal["plain", "lp", "kl"]
FORMS: tuple[str, ...] = get_args(Form)
INPUTS = ("sequence", "motif", "signal")  # in the order in which the authors join them
KERNELS = (7, 3, 3, 3)  # of the tower's four blocks, each of which halves the length: 142 -> 71 -> 35 -> 17 -> 8
ENCODE_PIECE = 32  # elements encoded at a time on a CPU
NEAR_BP = 100_000  # the Loop combination takes kl up to here and lp beyond


@dataclass(frozen=True)
class ScPGEConfig:
    """Everything that is needed to rebuild the model, and the window that it was made for."""

    form: Form = "plain"
    inputs: tuple[str, ...] = INPUTS  # fewer of them are the paper's ablation
    base_tracks: tuple[str, ...] = (
        "dnase",
        "h3k4me3",
        "h3k27ac",
        "ctcf",
    )  # of ElementInput.signal, not yet log10(1 + x)
    n_motifs: int = 600  # one score each; at most sequence_bp: the stems are joined by position, zeros fill the rest
    sequence_bp: int = 600  # centre of an element +- 300, flanks included; the gene is its TSS +- 300
    flanks: bool = True
    merge_within_bp: int = 600  # of elements nearer to one another, the middle one stands for all
    n_each_side: int = 10  # elements up and down of the TSS, by rank
    n_elements: int = 20
    max_distance_bp: int = 5_000_000  # ranks reach far in a desert
    distance_scale_bp: int = 600  # step of the bias of distance: exact to 9.6 kb, then logarithmic to 154 kb
    channels: int = 128  # of each of the three stems and of the tower
    width: int = 256
    n_heads: int = 4
    n_layers: int = 4
    feed_forward: int = 1024
    stem_dropout: float = 0.2
    dropout: float = 0.1
    kl_weight: float = 1.0  # alpha of the paper's joint loss
    strict_original: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UnknownName(f"ScPGE has no form '{self.form}'; it has {', '.join(FORMS)}")
        if not self.inputs or [name for name in INPUTS if name in self.inputs] != list(self.inputs):
            came = ", ".join(self.inputs) or "none"
            raise BadInput(f"came inputs {came}; wanted some of {', '.join(INPUTS)}, in this order, once each")
        if self.n_motifs > self.sequence_bp:
            raise BadInput(f"{self.n_motifs} motifs and {self.sequence_bp} bp; ScPGE joins them by position: no more")
        if self.width % self.n_heads:
            raise BadInput(f"width {self.width} is no multiple of the {self.n_heads} heads")
        if self.n_positions < 1:
            raise BadInput(f"sequence_bp {self.sequence_bp} is too short; wanted at least 93")

    @property
    def reads(self) -> Reads:
        """Of bases, motif scores and signals per base those among the inputs; loops in the forms that use them."""
        return Reads(
            reach_bp=self.max_distance_bp,
            n_elements=self.n_elements,
            n_each_side=self.n_each_side,
            merge_within_bp=self.merge_within_bp,
            width_bp=self.sequence_bp,
            flanks=self.flanks,
            sequence="sequence" in self.inputs,
            n_motifs=self.n_motifs if "motif" in self.inputs else 0,
            tracks=self.base_tracks if "signal" in self.inputs else (),
            loops=self.form in ("lp", "kl"),
            title="" if self.inputs == INPUTS else f"{' and '.join(self.inputs)} alone",
        )

    @property
    def n_positions(self) -> int:
        """Positions left after the tower: 600 -> 571 -> 142 -> 8."""
        return (self.sequence_bp - 29) // 4 // 2 ** len(KERNELS)


# ---------------------------------------------------------------- stage 1: an element to an embedding


class Residual(nn.Module):
    """x + pointwise(GELU(norm(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.pointwise = nn.Conv1d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pointwise(F.gelu(self.norm(x)))


class Stem(nn.Module):
    """One kind of input to 128 channels, a quarter as long: (N, C, 600) -> (N, 128, 142)."""

    def __init__(self, n_inputs: int, config: ScPGEConfig) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_inputs, config.channels, 30)
        self.residual = Residual(config.channels)
        self.drop = nn.Dropout(config.stem_dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(
            F.max_pool1d(self.residual(self.conv(x)), 4)
        )  # (N, C, 600) -> (N, 128, 571) -> (N, 128, 142)


class TowerBlock(nn.Module):
    """Convolution and residual, then half as long."""

    def __init__(self, n_inputs: int, kernel: int, config: ScPGEConfig) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_inputs)
        self.conv = nn.Conv1d(n_inputs, config.channels, kernel, padding="same")
        self.residual = Residual(config.channels)
        self.drop = nn.Dropout(config.stem_dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.residual(self.conv(F.gelu(self.norm(x))))  # (N, C, L) -> (N, 128, L)
        return self.drop(F.max_pool1d(x, 2))  # (N, 128, L / 2)


class Encoder(nn.Module):
    """Bases, motif scores and signals to one vector."""

    def __init__(self, config: ScPGEConfig) -> None:
        super().__init__()
        self.config = config
        n_channels = {"sequence": 4, "motif": 1, "signal": len(config.base_tracks)}
        self.stems = nn.ModuleDict({name: Stem(n_channels[name], config) for name in config.inputs})
        n_inputs = (len(config.inputs) * config.channels, *(config.channels,) * 3)
        self.tower = nn.Sequential(
            *(TowerBlock(n, kernel, config) for n, kernel in zip(n_inputs, KERNELS, strict=True))
        )
        self.project = nn.Linear(config.channels * config.n_positions, config.width)
        self.drop = nn.Dropout(config.stem_dropout)

    def forward(self, inputs: ElementInput) -> Tensor:
        """N elements -> (N, D)."""
        bases = one_hot(inputs.sequence)  # (N, 4, L)
        read = {"sequence": lambda: bases, "motif": lambda: self._motif(inputs, bases)}
        read["signal"] = lambda: self._signal(inputs, bases)
        x = torch.cat([stem(read[name]()) for name, stem in self.stems.items()], 1)  # (N, 384, 142)
        return self.drop(self.project(self.tower(x).flatten(1)))  # (N, 128, 8) -> (N, D)

    def _signal(self, inputs: ElementInput, bases: Tensor) -> Tensor:
        if inputs.signal is None:
            return bases.new_zeros(len(bases), len(self.config.base_tracks), bases.shape[2])
        return torch.nan_to_num(inputs.signal.to(bases.dtype), nan=0.0).log1p().transpose(1, 2) * LOG10_OF_E

    def _motif(self, inputs: ElementInput, bases: Tensor) -> Tensor:
        L = bases.shape[2]
        if inputs.motif is None:
            return bases.new_zeros(len(bases), 1, L)
        scores = torch.nan_to_num(inputs.motif.to(bases.dtype), nan=0.0)  # (N, K)
        return F.pad(scores, (0, L - scores.shape[1]))[:, None]  # (N, K) -> (N, 1, L)


LOG10_OF_E = 0.4342944819032518  # log10(1 + x) = log1p(x) * log10(e)


# ---------------------------------------------------------------- stage 2: embeddings to expression


class ScPGE(nn.Module):
    """The expression model. Parameters: 4,079,617; 256 more for the bias of distance that the default adds."""

    def __init__(self, config: ScPGEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.rank_bias = RelativeBias(config.n_heads)
        self.distance_bias = None if config.strict_original else RelativeBias(config.n_heads)
        self.layers = nn.ModuleList(
            TransformerLayer(
                config.width,
                config.n_heads,
                feed_forward=config.feed_forward,
                activation=nn.GELU,
                dropout=config.dropout,
            )
            for _ in range(config.n_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Sequential(
            nn.Linear(config.width, 64), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(64, 1), nn.Softplus()
        )

    def encode(self, inputs: ElementInput) -> Tensor:
        """Each element alone to its embedding.

        Args:
          inputs: N elements of `sequence_bp`; signals in their own unit (log10(1 + x) is taken here), in the order of
            `config.base_tracks`; `n_motifs` motif scores in 0..1. NaN, or nothing at all, counts as zero.

        Returns:
          (N, D) float32. In evaluation mode a row depends on nothing but its own element.

        Raises:
          BadInput: another length, another number than 0..4, another number of tracks or motifs.
        """
        self._check(inputs)
        # Batch normalisation must see a training batch whole.
        step = max(1, len(inputs)) if self.training else ENCODE_PIECE
        encoded = [self.encoder(inputs[slice(n, n + step)]).float() for n in range(0, len(inputs), step)]
        return torch.cat(encoded) if encoded else self.norm.weight.new_zeros(0, self.config.width)

    def uses(self, batch: Batch) -> Tensor:
        """(B, E) bool: the elements the model looks at."""
        return batch.is_element

    def embed(self, batch: Batch, *, encode: Encode | None = None) -> Embedding:
        """First stage of a whole batch: its promoters and elements, and, as released, its empty slots.

        Raises:
          NotAvailable: the batch has no sequence.
        """
        embedding = encode_batch(batch, self.uses(batch), encode or self.encode)
        if not self.config.strict_original:
            return embedding
        inputs = embedding.elements.new_full((1, self.config.sequence_bp), 4, dtype=torch.int8)
        empty = (encode or self.encode)(ElementInput(inputs))  # (1, D)
        return embedding._replace(elements=torch.where(batch.is_element[..., None], embedding.elements, empty))

    def regulate(
        self,
        embedding: Embedding,
        *,
        offset_bp: Tensor,
        is_element: Tensor,
        strength: Tensor,
        loops: Tensor | None = None,
        with_logits: bool = False,
    ) -> Prediction:
        """Second stage.

        Args:
          embedding: of the genes and elements; B may be 1 and is then shared by all rows of `strength`.
          offset_bp: (B or 1, E), element centre minus TSS on the genome.
          is_element: (B or 1, E) bool.
          strength: (B, E) in 0..1, added to the logits as its logarithm; 0 = not there.
          loops: (B or 1, 1 + E, 1 + E), log10(1 + contacts), for form lp.
          with_logits: give the whole matrices too.

        Returns:
          Expression in the checkpoint's unit and the gene's attention per layer and head.

        Raises:
          NotAvailable: form lp without loops.
        """
        B, E = strength.shape
        tokens = torch.cat((embedding.promoter[:, None], embedding.elements), 1)  # (B or 1, 1 + E, D)
        bias = self._bias(offset_bp, is_element)  # (B or 1, H, 1 + E, 1 + E)
        mask = self._mask(strength, is_element)  # (B, 1, 1 + E, 1 + E)
        factor = None
        if self.config.form == "lp":
            if loops is None:
                raise NotAvailable("form lp wants chromatin loops and this study has none; use form plain or kl")
            bias, factor = (bias, loops.exp()) if self.config.strict_original else (bias + loops[:, None], None)
        rows, logits = [], []
        for number, layer in enumerate(self.layers, 1):
            if factor is None:
                total = bias + mask
                if with_logits:
                    logits.append(layer.logits(tokens, total))  # type: ignore[operator]
                kept = slice(0, 1) if number == len(self.layers) else slice(None)  # only the gene is read
                tokens, row = layer.watched(tokens, total, rows=kept, n_watched=1)  # type: ignore[operator]
            else:
                scores = layer.logits(tokens, bias) * factor[:, None] + mask  # type: ignore[operator]
                logits.append(scores)
                weights = scores.softmax(-1)
                tokens, row = layer.mixed_by(tokens, weights), weights[:, :, :1]  # type: ignore[operator]
            rows.append(row)  # (B, H, 1, 1 + E)
        expression = self.head(self.norm(tokens[:, 0]))[:, 0].float()  # (B, D) -> (B,)
        return Prediction(
            expression,
            torch.stack(rows, 1)[..., 0, :],
            embedding.elements.expand(B, E, -1),
            torch.stack(logits, 1) if with_logits else None,
        )

    def forward(self, batch: Batch, embedding: Embedding | None = None, *, with_logits: bool = False) -> Prediction:
        """Both stages; the second alone when the first's result is given."""
        return self.regulate(
            embedding if embedding is not None else self.embed(batch),
            offset_bp=batch.offset_bp,
            is_element=batch.is_element,
            strength=batch.strength,
            loops=batch.loops,
            with_logits=with_logits,
        )

    def start_at(self, mean: float) -> None:
        """Let training begin at the genes' mean expression."""
        last = self.head[3]
        assert isinstance(last, nn.Linear)
        start_softplus_at(last, mean)

    def attention_loss(self, batch: Batch, prediction: Prediction) -> Tensor:
        """The term that form kl adds to the loss, already weighted; 0 for the other forms.

        Source: Methods, equation 4; x of exp(-|x| / 2) is the rank (released code), for in bp it would vanish.
        """
        if self.config.form != "kl":
            return prediction.expression.new_zeros(())
        if batch.loops is None:
            raise NotAvailable("form kl wants chromatin loops and this study has none; use form plain")
        rank = ranks(batch.offset_bp, batch.is_element)  # (B, E)
        wanted = batch.loops[:, 0, 1:] + torch.exp(-rank.abs() / 2)  # (B, E)
        if self.config.strict_original:
            return self.config.kl_weight * _released_kl(prediction.attention, wanted)
        present = batch.is_element & (batch.strength > 0)
        wanted = torch.where(present, wanted, 0.0)
        wanted = wanted / wanted.sum(1, keepdim=True).clamp(min=1e-9)
        weight = torch.where(present, prediction.element_attention, 0.0)
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-9)
        kl = (torch.xlogy(wanted, wanted) - wanted * weight.clamp(min=1e-9).log()).sum(1)  # (B,), never below 0
        return self.config.kl_weight * kl.mean()

    def _bias(self, offset_bp: Tensor, is_element: Tensor) -> Tensor:
        rank = F.pad(ranks(offset_bp, is_element), (1, 0))  # (B, 1 + E), the gene 0
        bias = self.rank_bias(rank[:, :, None] - rank[:, None])  # (B, H, 1 + E, 1 + E)
        if self.distance_bias is None:
            return bias
        place = F.pad(offset_bp, (1, 0))  # (B, 1 + E), the TSS 0
        steps = (place[:, :, None] - place[:, None]).div(self.config.distance_scale_bp, rounding_mode="floor")
        return bias + self.distance_bias(steps.long())

    def _mask(self, strength: Tensor, is_element: Tensor) -> Tensor:
        """(B, 1, 1 + E, 1 + E): what is not there is no key, and nothing looks at itself (released code)."""
        there = strength if self.config.strict_original else strength * is_element
        keys = F.pad(log_strength(there), (1, 0))[:, None, None]  # (B, 1, 1, 1 + E)
        diagonal = torch.eye(keys.shape[-1], device=keys.device, dtype=torch.bool)
        return keys + torch.zeros_like(diagonal, dtype=keys.dtype).masked_fill(diagonal, LAST_RESORT)

    def _check(self, inputs: ElementInput) -> None:
        check_bases(inputs.sequence, width=self.config.sequence_bp)
        if inputs.signal is not None and inputs.signal.shape[-1] != len(self.config.base_tracks):
            n, names = inputs.signal.shape[-1], ", ".join(self.config.base_tracks)
            raise BadInput(f"came {n} tracks; wanted {len(self.config.base_tracks)}: {names}")
        if inputs.motif is not None and inputs.motif.shape[-1] != self.config.n_motifs:
            raise BadInput(f"came scores of {inputs.motif.shape[-1]} motifs; wanted {self.config.n_motifs}")


def ranks(offset_bp: Tensor, is_element: Tensor) -> Tensor:
    """Ordinal position of each element: -1 the nearest before the TSS on the genome, 1 the nearest after it.

    Args:
      offset_bp: (B, E), element centre minus TSS.
      is_element: (B, E) bool. Slots without an element get the ranks beyond the last element, in turn on both sides.

    Returns:
      (B, E) int64, no 0.
    """
    before = offset_bp < 0
    E = offset_bp.shape[1]
    far = torch.where(is_element, offset_bp.abs(), torch.inf)
    closer = far[:, None, :] < far[:, :, None]  # (B, E, E): [e, f] = f is nearer than e
    tie = (far[:, None, :] == far[:, :, None]) & torch.ones(E, E, device=far.device).tril(-1).bool()
    same_side = (before[:, None, :] == before[:, :, None]) & is_element[:, None, :]
    rank = 1 + ((closer | tie) & same_side).sum(2)  # (B, E)
    rank = torch.where(before, -rank, rank)
    return torch.where(is_element, rank, _free_ranks(rank, is_element))


def _free_ranks(rank: Tensor, is_element: Tensor) -> Tensor:
    """(B, E): for each empty slot the next of the ranks -n..-1, 1..n that no element has."""
    E = rank.shape[1]
    n = (E + 1) // 2
    every = torch.cat((torch.arange(-n, 0), torch.arange(1, n + 1))).to(rank)  # (2n,)
    taken = (rank[:, :, None] == every) & is_element[:, :, None]  # (B, E, 2n)
    order = taken.any(1).int().argsort(dim=1, stable=True)  # the free ones first
    slot = (~is_element).cumsum(1) - 1  # (B, E): which empty slot it is
    return every[order.gather(1, slot.clamp(min=0))]


def combined_score(kl: Tensor, lp: Tensor, *, distance_bp: Tensor) -> Tensor:
    """ScPGE-Loop: the score of form kl within 100 kb of the TSS, that of form lp beyond; all (...), NaN stays."""
    return torch.where(distance_bp.abs() <= NEAR_BP, kl, lp)


def _released_kl(attention: Tensor, wanted: Tensor) -> Tensor:
    """The released term: min-max of both, and the weights in place of their logarithm."""

    def scaled(x: Tensor) -> Tensor:
        low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
        return (x - low) / (high - low)

    weight = scaled(attention.mean(dim=(1, 2))[:, 1:])
    return F.kl_div(weight, scaled(wanted), reduction="sum") / wanted.numel()
