"""What follows from sites and places: activity, contact, expression, and the exact effect of removing an element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.factors import Factor
from cre_core.data.simulate.landscape import Landscape

_REPRESSION = 1.0  # how much a silencer takes away, in units of what an equally bound enhancer gives
_BASAL = 0.05
_DISTAL_HOUSEKEEPING = 0.03  # share of distal input that a housekeeping promoter hears
_OWN_PROMOTER = 3.0  # what the gene's own promoter weighs more than another element at the same contact
_HALF, _HILL, _TPM_MAX = 16.0, 2.0, 900.0  # of the saturating response
_SOFTNESS = 1.0  # sharpness of the floor at zero input
_LEAST_ACROSS = 0.06  # of the contact that distance allows, however many boundaries lie between
_HALF_LIFE_WEIGHTS = np.array([-0.08, -0.12, 0.10, -0.15, 0.4, 0.8, -0.8, 0.02])


@dataclass(frozen=True)
class Regulation:
    """The truth of a simulated study.

    Attributes:
      activation, repression, insulator: (E, S) float64, bound activators, repressors and CTCF of each element.
      contact: (G, E) float64, 1 at the transcription start, 0 outside the gene's domain.
      hearing: (G, E) float64, share of an element's input that the gene's promoter takes up.
      half_life: (G, 8) float64, in the order of schema.HALF_LIFE_FEATURES.
    """

    activation: np.ndarray
    repression: np.ndarray
    insulator: np.ndarray
    contact: np.ndarray
    hearing: np.ndarray
    half_life: np.ndarray

    @property
    def contribution(self) -> np.ndarray:
        """(G, E, S) float64, what each element adds to (or, below 0, takes from) the input of each gene."""
        weight = self.activation - _REPRESSION * self.repression
        return (self.hearing * self.contact)[:, :, None] * weight[None, :, :]

    @property
    def tpm(self) -> np.ndarray:
        """(G, S) float64, expression without noise."""
        return self._response(self.contribution.sum(axis=1)) * self._stability

    @property
    def effect_fraction(self) -> np.ndarray:
        """(G, E, S) float64, change of `tpm` when one element is removed, as a fraction of it."""
        contribution = self.contribution
        total = contribution.sum(axis=1)
        return self._response(total[:, None, :] - contribution) / self._response(total)[:, None, :] - 1.0

    @property
    def _stability(self) -> np.ndarray:
        centred = self.half_life - self.half_life.mean(axis=0)
        return np.exp(centred @ _HALF_LIFE_WEIGHTS)[:, None]

    @staticmethod
    def _response(total: np.ndarray) -> np.ndarray:
        """Saturating response in TPM; silencers can take the input to the floor but not below."""
        level = (_BASAL + np.logaddexp(0.0, _SOFTNESS * total) / _SOFTNESS) ** _HILL
        return _TPM_MAX * level / (_HALF**_HILL + level)


def make_regulation(
    rng: np.random.Generator,
    config: SimulationConfig,
    landscape: Landscape,
    sites: pd.DataFrame,
    factors: tuple[Factor, ...],
) -> Regulation:
    """Work the truth out of the planted sites and the factors' levels."""
    genes, elements = landscape.genes, landscape.elements
    is_own = elements["gene"].to_numpy()[None, :] == np.arange(len(genes))[:, None]
    hears = np.where(genes["is_housekeeping"], _DISTAL_HOUSEKEEPING, 1.0)[:, None]
    return Regulation(
        activation=_bound(sites, factors, "activator", landscape),
        repression=_bound(sites, factors, "repressor", landscape),
        insulator=_bound(sites, factors, "architectural", landscape),
        contact=_contact(config, genes, elements),
        hearing=np.where(is_own, _OWN_PROMOTER, hears),
        half_life=_half_life(rng, len(genes)),
    )


def contact_at(distance_bp: np.ndarray, config: SimulationConfig) -> np.ndarray:
    """Contact inside a domain: a power law of distance, flat below the floor. Any shape in, the same out."""
    floor = config.contact_floor_bp
    return (np.maximum(np.abs(distance_bp), floor) / floor) ** -config.contact_exponent


def seen_contact(distance_bp: np.ndarray, config: SimulationConfig, *, n_crossed: np.ndarray) -> np.ndarray:
    """Contact as an assay sees it: a boundary weakens it, and ends regulation. Any shape in, the same out."""
    return contact_at(distance_bp, config) * np.maximum(config.crossing**n_crossed, _LEAST_ACROSS)


def _bound(sites: pd.DataFrame, factors: tuple[Factor, ...], kind: str, landscape: Landscape) -> np.ndarray:
    """(E, S) bound amount: strength x level summed, with weak sums counting less than in proportion."""
    chosen = sites[[factors[i].kind == kind for i in sites["factor"]]]
    levels = np.stack([factor.level for factor in factors])
    amount = np.zeros((len(landscape.elements), levels.shape[1]))
    strength = chosen["strength"].to_numpy()[:, None]
    np.add.at(amount, chosen["element"].to_numpy(), strength * levels[chosen["factor"].to_numpy()])
    return amount**2 / (amount + 1.0)


def _contact(config: SimulationConfig, genes: pd.DataFrame, elements: pd.DataFrame) -> np.ndarray:
    center = ((elements["start"] + elements["end"]) // 2).to_numpy()
    distance = center[None, :] - genes["tss"].to_numpy()[:, None]
    together = genes["domain"].to_numpy()[:, None] == elements["domain"].to_numpy()[None, :]
    return np.where(together, contact_at(distance, config), 0.0)


def _half_life(rng: np.random.Generator, n_genes: int) -> np.ndarray:
    lengths = rng.normal(0.0, 1.0, (n_genes, 4))
    gc = np.clip(rng.normal((0.60, 0.52, 0.43), 0.07, (n_genes, 3)), 0.2, 0.85)
    density = rng.gamma(6.0, 1.0, (n_genes, 1))
    return np.concatenate([lengths, gc, density], axis=1)
