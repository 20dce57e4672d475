"""CREATE: which kind of regulatory element a stretch of 1 kb is, from sequence, accessibility and loops.

Paper: CREATE: cell-type-specific cis-regulatory element identification via discrete embedding. Nature Communications
2025, doi:10.1038/s41467-025-59780-5; code doi:10.5281/zenodo.15245829 (MIT). Where paper and released code differ the
released code is followed, because the published numbers were made with it; each such place is marked "released code".

encode -> a continuous latent; quantise -> the nearest codes of a codebook; decode -> the input again; classify ->
silencer, enhancer, promoter, insulator or background. An element with a NaN in an input that the model reads has NaN
for its latent, reconstruction and logits and -1 for its codes; the other elements of the batch do not notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models.blocks import one_hot
from cre_core.schema import ElementInput, Reads

Quantisation = Literal["split-vq", "vae"]

CHANNELS: Mapping[str, int] = {"sequence": 4, "open": 1, "loop": 1}  # of each input, in the authors' order
FILTERS: Mapping[str, int] = {"sequence": 256, "open": 128, "loop": 128}
CLASSES = ("silencer", "enhancer", "promoter", "insulator", "background")
NARROW = (384, 128)  # channels out of the two convolutions after the inputs are joined
LATENT = 128  # channels of the latent
DECODED = 200  # channels inside the decoder (released settings; the released class defaults to 300)
HIDDEN = (1024, 512)  # of the classifier
NO_CODE = -1


@dataclass(frozen=True)
class CreateConfig:
    """Everything that is needed to rebuild the model, and the element that it was made for."""

    inputs: tuple[str, ...] = ("sequence", "open", "loop")  # any of these, in this order
    tracks: tuple[str, ...] = ("open", "loop")  # order of ElementInput.signal
    classes: tuple[str, ...] = CLASSES  # labels 0, 1, ...; GM12878 and HeLa-S3 have no silencers
    signal_unit: str = "log10(x + 1)"  # x: mean reads that open a base; HiChIP loops over it (released code)
    sequence_bp: int = 1000  # 168 + 32 x 26 positions: see n_positions
    n_splits: int = 16  # M: the 128 channels of a position are 16 vectors of 8, each with its own code
    n_codes: int = 200  # K: of the one codebook that all splits share
    mu: float = 0.01  # the share of its running means that the codebook renews per batch (1 - decay)
    commitment: float = 0.25  # alpha: how strongly the encoder is drawn to its codes
    quantisation: Quantisation = "split-vq"  # vae: the paper's ablation, a Gaussian latent instead of codes
    strict_original: bool = False  # the codebook's update as released; see Codebook
    # Widths: the paper's as they stand; a study with few elements wants a narrower model.
    filters: tuple[int, ...] = tuple(FILTERS.values())  # of sequence, open and loop
    narrow: tuple[int, ...] = NARROW
    latent: int = LATENT
    decoded: int = DECODED
    hidden: tuple[int, ...] = HIDDEN
    dropout: float = 0.5  # after every convolution but the first of an input, and in the classifier

    def __post_init__(self) -> None:
        odd = [name for name in self.inputs if name not in CHANNELS]
        if odd:
            raise UnknownName(f"CREATE has no input '{odd[0]}'; it has {', '.join(CHANNELS)}")
        if not self.inputs or list(self.inputs) != [name for name in CHANNELS if name in self.inputs]:
            came = ", ".join(self.inputs) or "none"
            raise BadInput(f"came inputs {came}; wanted some of {', '.join(CHANNELS)}, in this order, once each")
        missing = [name for name in self.signals if name not in self.tracks]
        if missing:
            raise BadInput(f"input {missing[0]} is not among the tracks; came {', '.join(self.tracks) or 'none'}")
        if len(set(self.classes)) < 2 or len(set(self.classes)) < len(self.classes):
            raise BadInput(f"came classes {', '.join(self.classes) or 'none'}; wanted at least two, each once")
        if self.sequence_bp < 200 or (self.sequence_bp - 168) % 32:
            raise BadInput(f"sequence_bp {self.sequence_bp} is not 168 + 32 x a number of positions, as 200 or 1000")
        for name, n_wanted in (("filters", len(CHANNELS)), ("narrow", 2), ("hidden", 2)):
            widths = getattr(self, name)
            if len(widths) != n_wanted or min(widths) < 1:
                came = ", ".join(map(str, widths)) or "none"
                raise BadInput(f"{name} are {came}; wanted {n_wanted} widths of 1 or more")
        if self.n_splits < 1 or self.latent % self.n_splits:
            raise BadInput(f"n_splits {self.n_splits} does not divide the {self.latent} channels of the latent")
        if self.quantisation not in get_args(Quantisation):
            known = ", ".join(get_args(Quantisation))
            raise UnknownName(f"CREATE has no quantisation '{self.quantisation}'; it has {known}")

    @property
    def reads(self) -> Reads:
        """Of one element what is among the inputs."""
        return Reads(width_bp=self.sequence_bp, sequence="sequence" in self.inputs, tracks=self.signals)

    @property
    def signals(self) -> tuple[str, ...]:
        """The inputs that come from ElementInput.signal."""
        return tuple(name for name in self.inputs if name != "sequence")

    def filters_of(self, name: str) -> int:
        """Channels that an input has after its own convolution."""
        return self.filters[list(CHANNELS).index(name)]

    @property
    def n_positions(self) -> int:
        """Positions of the latent: 1000 -> 993 -> 248 -> 241 -> 60 -> 53 -> 26.

        The decoder goes 26 -> 52 -> 60 -> 240 -> 248 -> 992 -> 1000, so only lengths 168 + 32 n come back whole.
        """
        return (self.sequence_bp - 168) // 32

    @property
    def channels(self) -> dict[str, slice]:
        """Where each input lies among the channels of a reconstruction: 0..3 = A C G T, 4 = open, 5 = loop."""
        found, start = {}, 0
        for name in self.inputs:
            found[name] = slice(start, start + CHANNELS[name])
            start += CHANNELS[name]
        return found


# ---------------------------------------------------------------- inputs to a latent


class InputEncoder(nn.Module):
    """One input alone: (N, C, 1000) -> (N, filters, 248)."""

    def __init__(self, name: str, n_filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(CHANNELS[name], n_filters, 8)
        self.norm = nn.LayerNorm(n_filters)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(F.max_pool1d(F.relu(self.conv(x)), 5, 4))  # (N, C, 1000) -> (N, 256, 248)
        return self.norm(x.transpose(1, 2)).transpose(1, 2)  # over channels, after the dropout (released code)


class Encoder(nn.Module):
    """Each input alone, then all of them joined: (N, C, 1000) each -> (N, 128, 26)."""

    def __init__(self, config: CreateConfig) -> None:
        super().__init__()
        self.inputs = nn.ModuleDict({name: InputEncoder(name, config.filters_of(name)) for name in config.inputs})
        n_joined = sum(config.filters_of(name) for name in config.inputs)  # 512 of all three
        self.join = nn.Conv1d(n_joined, n_joined, 1)
        self.narrow = nn.ModuleList(nn.Conv1d(n_in, n_out, 8) for n_in, n_out in pairwise((n_joined, *config.narrow)))
        n_latent = config.latent if config.quantisation == "split-vq" else 2 * config.latent  # mean, log variance
        self.project = nn.Conv1d(config.narrow[-1], n_latent, 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        x = torch.cat([encoder(inputs[name]) for name, encoder in self.inputs.items()], 1)  # (N, 512, 248)
        x = self.dropout(F.relu(self.join(x)))  # (N, 512, 248)
        for conv, pool in zip(self.narrow, (4, 2), strict=True):
            x = self.dropout(F.max_pool1d(F.relu(conv(x)), pool))  # -> (N, 384, 60) -> (N, 128, 26)
        return self.project(x)  # (N, 128, 26)


# ---------------------------------------------------------------- a latent to codes

DEAD_COUNT = 0.5  # of an unused code's running count, which starts at 1 and is 0.99^69 after 69 batches
_EPSILON = 1e-5  # of the released smoothing


class Quantised(NamedTuple):
    """A latent after the bottleneck."""

    latent: Tensor  # (N, 128, P)
    codes: Tensor | None  # (N, P, M) int64, NO_CODE = the element has no data; None for the vae
    latent_loss: Tensor  # (); see SplitQuantiser and GaussianLatent. NaN when no element has data
    perplexity: Tensor  # (): how many codes are in use, 1..K, as the exponential of their entropy; NaN for the vae


class Codebook(nn.Module):
    """K vectors that follow the running mean of what is assigned to them; no gradient ever reaches them.

    `sums` and `counts` are running per-batch totals, and a code is its sum over its count. As released, counts start
    at 0 and sums at random: a code that the first batch does not use is then divided by a smoothing constant of 1e-5
    and lands 1e5 away, where nothing finds it again until its sum has decayed. Corrected: counts start at 1 with the
    sums at the codes, so that an unused code stays where it is, without smoothing; when its count falls below
    DEAD_COUNT it restarts at a random vector of the batch, with count 1. A code is thus always a weighted mean of
    vectors that were there and of its start. Evaluation does not depend on the form.

    All are held as parameters that are not trained: the authors' count of 6,798,611 has them.

    Source: Methods, equations 7-9; the released code for order (a batch is quantised, then the codes move) and start.
    """

    counts: Tensor  # (K,)

    def __init__(self, config: CreateConfig) -> None:
        super().__init__()
        self.mu, self.is_strict = config.mu, config.strict_original
        shape = (config.n_codes, config.latent // config.n_splits)
        self.codes = nn.Parameter(torch.randn(shape), requires_grad=False)  # (K, D)
        sums = torch.randn(shape) if self.is_strict else self.codes.detach().clone()  # (K, D)
        self.sums = nn.Parameter(sums, requires_grad=False)
        self.register_buffer("counts", torch.full(shape[:1], 0.0 if self.is_strict else 1.0))

    @torch.no_grad()
    def nearest(self, vectors: Tensor) -> Tensor:
        """Index of the nearest code of each vector: (n, D) -> (n,) int64."""
        squares = self.codes.square().sum(1)  # (K,); the vector's own square is the same for all codes
        return torch.addmm(squares, vectors, self.codes.T, alpha=-2).argmin(1)  # (n, D) x (D, K) -> (n,)

    @torch.no_grad()
    def update(self, vectors: Tensor, chosen: Tensor) -> None:
        """Move the codes towards the vectors (n, D) that chose them (n,)."""
        n_chosen = torch.bincount(chosen, minlength=len(self.codes)).to(vectors.dtype)  # (K,)
        totals = torch.zeros_like(self.sums).index_add_(0, chosen, vectors)  # (K, D)
        self.counts.lerp_(n_chosen, self.mu)
        self.sums.lerp_(totals, self.mu)
        if self.is_strict:
            total = self.counts.sum()
            self.counts.add_(_EPSILON).mul_(total / (total + len(self.counts) * _EPSILON))
        else:
            self._restart(vectors)
        self.codes.copy_(self.sums / self.counts[:, None])

    def _restart(self, vectors: Tensor) -> None:
        dead = (self.counts < DEAD_COUNT).nonzero()[:, 0]  # (n_dead,)
        rows = torch.randint(len(vectors), (len(dead),), device=vectors.device)
        self.sums[dead] = vectors[rows]
        self.counts[dead] = 1.0


class SplitQuantiser(nn.Module):
    """Replace each of the M vectors of a position by its nearest code; in training also move the codebook.

    Gradients pass straight through to the latent. `latent_loss` is alpha times the mean squared difference of latent
    and codes; the paper's equation 6 sums over the 8 dimensions of a vector, 8 times as much (released code).
    """

    def __init__(self, config: CreateConfig) -> None:
        super().__init__()
        self.n_splits, self.commitment = config.n_splits, config.commitment
        self.codebook = Codebook(config)

    def forward(self, latent: Tensor) -> Quantised:
        N, D, P = latent.shape
        rows = latent.transpose(1, 2)  # (N, 128, P) -> (N, P, 128)
        vectors = rows.reshape(-1, D // self.n_splits)  # (N, P, 128) -> (N P M, 8)
        chosen = self.codebook.nearest(vectors.detach())  # (N P M,)
        found = self.codebook.codes[chosen].view(N, P, D)  # (N P M, 8) -> (N, P, 128)
        loss = self.commitment * F.mse_loss(rows, found)
        if self.training and len(vectors):
            self.codebook.update(vectors.detach(), chosen)
        through = rows + (found - rows).detach()  # (N, P, 128)
        return Quantised(through.transpose(1, 2), chosen.view(N, P, self.n_splits), loss, self._perplexity(chosen))

    def _perplexity(self, chosen: Tensor) -> Tensor:
        share = torch.bincount(chosen, minlength=len(self.codebook.codes)) / len(chosen)  # (K,)
        return torch.exp(-(share * torch.log(share + 1e-10)).sum())


class GaussianLatent(nn.Module):
    """The ablation: a Gaussian per number of the latent, drawn from in training, its mean in evaluation.

    `latent_loss` is the mean, over all numbers, of the divergence from a standard Gaussian. Weight 1 is close to the
    evidence bound, for 3,328 numbers of latent stand against 4,000 of sequence and both enter as means.
    """

    def forward(self, moments: Tensor) -> Quantised:
        mean, log_variance = moments.chunk(2, 1)  # (N, 256, P) -> 2 x (N, 128, P)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp() if self.training else mean
        return Quantised(latent, None, divergence, mean.new_tensor(torch.nan))


# ---------------------------------------------------------------- a latent to the input again, and to a class


def _upsample(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="linear")  # (N, C, L) -> (N, C, factor L)


class Decoder(nn.Module):
    """(N, 128, 26) -> (N, C, 1000): probabilities of the bases, scores of open and loop that are not negative."""

    def __init__(self, config: CreateConfig) -> None:
        super().__init__()
        width = config.decoded
        self.widen = nn.ModuleList(nn.ConvTranspose1d(n, width, 9) for n in (config.latent, width))
        self.outputs = nn.ModuleDict({name: nn.ConvTranspose1d(width, CHANNELS[name], 9) for name in config.inputs})
        self.norm = nn.BatchNorm1d(CHANNELS["sequence"]) if "sequence" in config.inputs else None

    def forward(self, latent: Tensor) -> Tensor:
        x = latent
        for conv, factor in zip(self.widen, (2, 4), strict=True):
            x = F.relu(conv(_upsample(x, factor)))  # (N, 128, 26) -> (N, 200, 60) -> (N, 200, 248)
        x = _upsample(x, 4)  # (N, 200, 992)
        decoded = []
        for name, conv in self.outputs.items():
            y = conv(x)  # (N, 200, 992) -> (N, 4 or 1, 1000)
            decoded.append(torch.sigmoid(self.norm(y)) if name == "sequence" and self.norm else F.relu(y))
        return torch.cat(decoded, 1)  # (N, 6, 1000)


class CreateOutput(NamedTuple):
    """What the model gives."""

    logits: Tensor  # (N, 5) in the order of config.classes; a softmax over them gives the class scores
    reconstruction: Tensor  # (N, C, L); CreateConfig.channels says which channel is what
    codes: Tensor | None  # this and the rest: see Quantised
    latent_loss: Tensor
    perplexity: Tensor


class Create(nn.Module):
    """The model. Parameters: 6,798,611 with all inputs, 6,287,370 without loops, 5,808,897 of sequence alone.

    Corrected against the released code: how the codebook starts and moves, back to the released form with
    `config.strict_original` (see Codebook); and, in both forms, the codebook is in no optimiser (the released one
    holds its first, outdated copy, which nothing reads). In evaluation mode all forms give the same numbers.
    """

    def __init__(self, config: CreateConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.bottleneck = SplitQuantiser(config) if config.quantisation == "split-vq" else GaussianLatent()
        self.decoder = Decoder(config)
        widths = (config.latent * config.n_positions, *config.hidden)
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        self.out = nn.Linear(config.hidden[-1], len(config.classes))
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, elements: ElementInput) -> Tensor:
        """Each element alone to its continuous latent, the mean of the Gaussian for the vae.

        Args:
          elements: L = config.sequence_bp; `signal` in config.signal_unit, tracks as in config.tracks.

        Returns:
          (N, 128, 26) float32; NaN for an element with a NaN in a signal that the model reads.

        Raises:
          BadInput: another width or number of tracks, no signal though the model reads one, another base than 0..4.
        """
        return self._encode(elements)[:, : self.config.latent]

    def quantise(self, latent: Tensor) -> Quantised:
        """Replace a continuous latent (N, 128, 26) by its codes; in training mode this moves the codebook.

        Raises:
          NotAvailable: the vae has no codes.
        """
        if isinstance(self.bottleneck, GaussianLatent):
            raise NotAvailable("CREATE with quantisation vae has no codes; use one with split-vq")
        return self._narrow(latent)

    def decode(self, latent: Tensor) -> Tensor:
        """The input that a (quantised) latent (N, 128, 26) stands for: (N, C, L), channels as in config.channels."""
        is_known = is_known_element(latent)  # batch normalisation must not see the others
        return _spread(self.decoder(latent[is_known]), is_known)

    def classify(self, latent: Tensor) -> Tensor:
        """Logits (N, 5), in the order of config.classes, of a (quantised) latent (N, 128, 26)."""
        x = self.dropout(latent.transpose(1, 2).flatten(1))  # position-major: (N, 128, 26) -> (N, 3328)
        for linear in self.hidden:
            x = self.dropout(F.relu(linear(x)))  # (N, 3328) -> (N, 1024) -> (N, 512)
        return self.out(x).float()  # (N, 512) -> (N, 5)

    def forward(self, elements: ElementInput) -> CreateOutput:
        """All of it; see `encode` for what is wanted and refused."""
        found = self._narrow(self._encode(elements))
        logits, reconstruction = self.classify(found.latent), self.decode(found.latent)
        return CreateOutput(logits, reconstruction, found.codes, found.latent_loss, found.perplexity)

    def _encode(self, elements: ElementInput) -> Tensor:
        inputs = model_inputs(elements, self.config)
        is_known = torch.stack([is_known_element(value) for value in inputs.values()]).all(0)  # (N,)
        encoded = self.encoder({name: value[is_known] for name, value in inputs.items()})
        return _spread(encoded, is_known)  # (N, 128, 26), for the vae (N, 256, 26)

    def _narrow(self, latent: Tensor) -> Quantised:
        is_known = is_known_element(latent)
        found = self.bottleneck(latent[is_known])
        codes = None if found.codes is None else _spread(found.codes, is_known, filler=NO_CODE)
        return found._replace(latent=_spread(found.latent, is_known), codes=codes)


def is_known_element(values: Tensor) -> Tensor:
    """(N,) bool: the element has no NaN in `values`, (N, ...)."""
    return values.isfinite().flatten(1).all(1)  # (N, C, L) -> (N,)


def _spread(values: Tensor, is_known: Tensor, *, filler: float = torch.nan) -> Tensor:
    """Rows of the known elements among all: (n, ...) -> (N, ...)."""
    if len(values) == len(is_known):
        return values
    rows = values.new_full((len(is_known), *values.shape[1:]), filler)
    rows[is_known] = values
    return rows


def model_inputs(elements: ElementInput, config: CreateConfig) -> dict[str, Tensor]:
    """What the model reads, by name: `sequence` (N, 4, L) one-hot, `open` and `loop` (N, 1, L), all float32.

    Raises:
      BadInput: see `Create.encode`.
    """
    N, L = len(elements.sequence), config.sequence_bp
    if elements.sequence.ndim != 2 or elements.sequence.shape[1] != L:
        raise BadInput(f"sequences have shape {tuple(elements.sequence.shape)}; wanted (N, {L})")
    inputs = {"sequence": one_hot(elements.sequence)} if "sequence" in config.inputs else {}
    if config.signals:
        wanted = f"wanted ({N}, {L}, {len(config.tracks)}): {', '.join(config.tracks)}"
        if elements.signal is None:
            raise BadInput(
                f"the model reads {', '.join(config.signals)} and the elements came without signal; {wanted}"
            )
        if tuple(elements.signal.shape) != (N, L, len(config.tracks)):
            raise BadInput(f"signal has shape {tuple(elements.signal.shape)}; {wanted}")
        for name in config.signals:
            inputs[name] = elements.signal[:, None, :, config.tracks.index(name)].float()  # (N, L, T) -> (N, 1, L)
    return inputs
