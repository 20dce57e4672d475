"""EPInformer without sequence: expression of a gene from the read counts of the elements around it.

For studies that hold counts per element and no sequence. From the paper (Lin, Luo, Pinello, Nature Communications
2026) it keeps the idea: a gene token attends to the elements, elements do not see one another, distance and
activity are features, half-life features enter beside the gene. It differs where counts over a wide window ask for
it: the window reaches 2 Mb (MYC's enhancers lie up to 1.96 Mb away), distance acts on attention as a bias that
starts as a power law, and, since a softmax cannot count, learned sums over the elements are features of the gene.

Stage 1, `encode`: an element's counts and width -> an embedding, whatever gene asks. Stage 2, `regulate`:
embeddings and signed distances -> expression and attention. The element tensors of a Batch may have one row for all
V variants of a gene: what depends on elements alone is then computed once, and a scan costs little more than a gene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.errors import BadInput
from cre_core.models.blocks import weighted_softmax
from cre_core.schema import HALF_LIFE_FEATURES, Batch, Prediction, Reads


@dataclass(frozen=True)
class EPInformerCountsConfig:
    """Everything that is needed to rebuild the model, and the window that it was made for."""

    tracks: tuple[str, ...] = ("dnase", "h3k27ac")  # order of Batch.signal and Batch.promoter_signal
    signal_unit: str = "reads"  # or "reads, quantile-normalised to K562", as ABC does it
    max_distance_bp: int = 2_000_000  # MYC's farthest validated enhancer lies 1.96 Mb away
    n_elements: int = 2048  # the most crowded K562 window holds 1,523: nothing is left out
    width: int = 32  # 64 was no better on K562 and twice the work
    n_heads: int = 4
    n_layers: int = 3
    feed_forward: int = 128
    n_basis: int = 21  # hat functions of the signed log distance: a factor of 2.3 in distance each
    distance_scale_bp: float = 500.0  # below it distance is linear: half a typical element
    n_amounts: int = 8  # learned sums over the elements: a softmax cannot count
    dropout: float = 0.1

    @property
    def reads(self) -> Reads:
        """Counts alone."""
        return Reads(
            reach_bp=self.max_distance_bp, n_elements=self.n_elements, assays=self.tracks, unit=self.signal_unit
        )


def _is_known(batch: Batch) -> Tensor:
    """(B, E): there is such an element and it has data in every track."""
    return batch.is_element & batch.signal.isfinite().all(-1)


def dot_elements(rows: Tensor, elements: Tensor) -> Tensor:
    """Products of each row with each element: (B, H, D) x (B or 1, E, D) -> (B, H, E)."""
    if len(elements) == 1:  # one matrix product for all variants
        return F.linear(rows, elements[0])
    return rows @ elements.transpose(1, 2)


def mix_elements(weights: Tensor, elements: Tensor) -> Tensor:
    """Weighted sums of elements: (B, H, E) x (B or 1, E, D) -> (B, H, D)."""
    return weights @ (elements[0] if len(elements) == 1 else elements)


class GeneLayer(nn.Module):
    """Pre-norm transformer layer of the gene token; its keys and values are itself and the elements.

    One query per gene, so the key projection is applied to the query and the value projection to the weighted
    mean: the numbers of projecting every element, at a fraction of the work.
    """

    def __init__(self, config: EPInformerCountsConfig) -> None:
        super().__init__()
        D, self.n_heads = config.width, config.n_heads
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.query = nn.Linear(D, D)
        self.key = nn.Parameter(torch.randn(self.n_heads, D // self.n_heads, D) / math.sqrt(D))
        self.value = nn.Parameter(torch.randn(self.n_heads, D // self.n_heads, D) / math.sqrt(D))
        self.out = nn.Linear(D, D)
        self.distance = nn.Linear(config.n_basis, self.n_heads, bias=False)
        self.feed_forward = nn.Sequential(
            nn.Linear(D, config.feed_forward), nn.GELU(), nn.Linear(config.feed_forward, D)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, gene: Tensor, elements: Tensor, basis: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        """One layer.

        Args:
          gene: (B, D).
          elements: (B or 1, E, D).
          basis: (B or 1, E, K).
          strength: (B, E), 0 = not there.

        Returns:
          gene (B, D) and its attention (B, H, 1 + E), itself first.
        """
        normed = self.norm1(gene)  # (B, D)
        query = self.query(normed).unflatten(1, (self.n_heads, -1))  # (B, H, D/H)
        query = query / math.sqrt(query.shape[-1])
        query_key = torch.einsum("bhi,hid->bhd", query, self.key)  # (B, H, D)
        logits = dot_elements(query_key, elements) + self.distance(basis).transpose(1, 2)  # (B, H, E)
        own = (query_key * normed[:, None]).sum(-1, keepdim=True)  # (B, H, 1)
        attention = weighted_softmax(torch.cat([own, logits], -1), F.pad(strength, (1, 0), value=1.0)[:, None])
        mixed = mix_elements(attention[..., 1:], elements) + attention[..., :1] * normed[:, None]  # (B, H, D)
        mixed = torch.einsum("bhd,hid->bhi", mixed, self.value).flatten(1)  # (B, D)
        gene = gene + self.dropout(self.out(mixed))
        return gene + self.dropout(self.feed_forward(self.norm2(gene))), attention


class EPInformerCounts(nn.Module):
    """The model. `fit_scales` must see the training genes once before training."""

    signal_mean: Tensor  # (T + 1,)
    signal_sd: Tensor
    gene_mean: Tensor  # (T + F,)
    gene_sd: Tensor
    target_mean: Tensor  # ()
    target_sd: Tensor
    knots: Tensor  # (K,)

    def __init__(self, config: EPInformerCountsConfig) -> None:
        super().__init__()
        self.config = config
        D, K, T = config.width, config.n_basis, len(config.tracks)
        if D % config.n_heads:
            raise BadInput(f"width {D} is no multiple of the {config.n_heads} heads")
        self.n_gene = T + len(HALF_LIFE_FEATURES)
        for name, n in (("signal", T + 1), ("gene", self.n_gene)):
            self.register_buffer(f"{name}_mean", torch.zeros(n))
            self.register_buffer(f"{name}_sd", torch.ones(n))
        self.register_buffer("target_mean", torch.zeros(()))
        self.register_buffer("target_sd", torch.ones(()))
        top = math.log1p(config.max_distance_bp / config.distance_scale_bp)
        self.register_buffer("knots", torch.linspace(-top, top, K))  # (K,) of the signed log distance
        self.encoder = nn.Sequential(nn.Linear(T + 1, D), nn.ReLU(), nn.Linear(D, D))
        self.where = nn.Linear(K, D, bias=False)
        self.fusion = nn.Sequential(nn.LayerNorm(D), nn.Linear(D, D), nn.ReLU(), nn.Linear(D, D))
        self.norm_elements = nn.LayerNorm(D)
        self.amount = nn.Linear(D, config.n_amounts)
        self.reach = nn.Linear(K, config.n_amounts, bias=False)
        n_features = self.n_gene + config.n_amounts
        self.dropout = nn.Dropout(config.dropout)
        self.gene = nn.Sequential(nn.Linear(n_features, 2 * D), nn.GELU(), self.dropout, nn.Linear(2 * D, D))
        self.layers = nn.ModuleList(GeneLayer(config) for _ in range(config.n_layers))
        self.norm_gene = nn.LayerNorm(D)
        self.head = nn.Sequential(nn.Linear(D + self.n_gene, D), nn.GELU(), self.dropout, nn.Linear(D, 1))
        self._start_as_power_law()

    @torch.no_grad()
    def _start_as_power_law(self) -> None:
        """Contact decays about as d^-1: attention starts at d^-0.5, the learned sums from d^-0.25 to d^-1.5."""
        slope = -0.5 * self.knots.abs()  # (K,)
        for weight in [part for name, part in self.layers.named_parameters() if name.endswith("distance.weight")]:
            weight.copy_(slope.expand_as(weight))
        steepness = torch.linspace(0.5, 3.0, self.config.n_amounts)[:, None]  # (C, 1)
        self.reach.weight.copy_(slope.expand_as(self.reach.weight) * steepness)
        self.where.weight.mul_(0.5)

    @torch.no_grad()
    def fit_scales(self, batches: list[Batch], target: Tensor) -> None:
        """Take means and standard deviations of inputs and target from the training genes, once.

        Args:
          batches: the training genes.
          target: (G,) their expression.
        """
        signal = torch.cat([self._signal(b)[_is_known(b)] for b in batches])  # (n, T + 1)
        gene = torch.cat([self._gene_raw(b) for b in batches])  # (G, n_gene)
        for name, values in (("signal", signal), ("gene", gene)):
            known = values.isfinite()
            n = known.sum(0).clamp(min=1)
            mean = torch.where(known, values, 0.0).sum(0) / n
            spread = torch.where(known, values - mean, 0.0).square().sum(0) / n
            getattr(self, f"{name}_mean").copy_(mean)
            getattr(self, f"{name}_sd").copy_(spread.sqrt().clamp(min=1e-3))
        self.target_mean.copy_(target.mean())
        self.target_sd.copy_(target.std(correction=0).clamp(min=1e-3))

    def encode(self, batch: Batch) -> Tensor:
        """First stage: each element alone -> (B, E, D)."""
        signal = (self._signal(batch) - self.signal_mean) / self.signal_sd  # (B, E, T + 1)
        return self.encoder(signal.nan_to_num(0.0))  # no data: `regulate` leaves the element out

    def regulate(self, embedding: Tensor, batch: Batch) -> Prediction:
        """Second stage: embeddings (B or 1, E, D) and where the elements lie -> expression and attention.

        An element without data in one of the tracks is left out. A gene whose promoter has no data gives NaN.
        """
        strength = batch.strength * _is_known(batch)  # (B, E)
        basis = self._basis(batch.distance_bp)  # (B, E, K), here as below B or 1
        elements = embedding + self.where(basis)  # (B, E, D)
        elements = self.norm_elements(elements + self.fusion(elements))  # (B, E, D)
        gene_raw = (self._gene_raw(batch) - self.gene_mean) / self.gene_sd  # (B, n_gene)
        T = len(self.config.tracks)
        half_life = gene_raw[:, T:].nan_to_num(0.0)  # not known: the training genes' mean
        gene_raw = torch.cat([gene_raw[:, :T], half_life], -1)  # (B, n_gene)
        amounts = F.softplus(self.amount(embedding)) * self.reach(basis).exp()  # (B, E, C)
        amounts = torch.log(mix_elements(strength[:, None], amounts)[:, 0] + 1e-2)  # (B, C)
        gene_raw = gene_raw.expand(len(amounts), -1)
        gene = self.gene(torch.cat([gene_raw, amounts], -1))  # (B, D)
        attention = []
        for layer in self.layers:
            gene, row = layer(gene, elements, basis, strength)
            attention.append(row)  # (B, H, 1 + E)
        standardised = self.head(torch.cat([self.norm_gene(gene), gene_raw], -1))[:, 0]  # (B,)
        expression = standardised * self.target_sd + self.target_mean
        return Prediction(expression.float(), torch.stack(attention, 1).float(), embedding)

    def uses(self, batch: Batch) -> Tensor:
        """(B, E) bool: the elements the model looks at."""
        return _is_known(batch)

    def forward(self, batch: Batch) -> Prediction:
        """Both stages."""
        return self.regulate(self.encode(batch), batch)

    def _signal(self, batch: Batch) -> Tensor:
        return torch.cat([batch.signal, batch.width_bp[..., None]], -1).log1p()  # (B, E, T + 1)

    def _gene_raw(self, batch: Batch) -> Tensor:
        features = batch.gene_features.expand(len(batch.promoter_signal), -1)  # (B, F)
        return torch.cat([batch.promoter_signal.log1p(), features], -1)  # (B, n_gene)

    def _basis(self, distance_bp: Tensor) -> Tensor:
        """Hat functions of the signed log distance: (B, E) -> (B, E, K), each row summing to 1 within reach."""
        u = distance_bp.sign() * torch.log1p(distance_bp.abs() / self.config.distance_scale_bp)  # (B, E)
        step = self.knots[1] - self.knots[0]
        return (1 - (u[..., None] - self.knots).abs() / step).clamp(min=0)  # (B, E, K)
