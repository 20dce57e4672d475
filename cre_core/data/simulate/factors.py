"""Transcription factors: what each binds, how much of it a biosample has, and what it does there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cre_core.data.simulate.config import SimulationConfig

Kind = Literal["activator", "repressor", "architectural"]
BASES = "ACGT"
HOUSEKEEPING, CTCF = "SIMTF1", "CTCF"
BACKGROUND = np.array([0.29, 0.21, 0.21, 0.29])  # A C G T of the simulated genome


@dataclass(frozen=True)
class Factor:
    """One factor.

    Attributes:
      pwm: (width, 4) float64, probability of A C G T at each base of its motif.
      level: (S,) float64, its amount in each biosample; 1 is a well expressed factor.
    """

    name: str
    kind: Kind
    pwm: np.ndarray
    level: np.ndarray

    def strength(self, motif: str) -> float:
        """Binding strength of one instance of the motif: 1 for the best, towards 0 for a poor one."""
        odds = np.log2(self.pwm / BACKGROUND)
        score = sum(odds[i, BASES.index(base)] for i, base in enumerate(motif))
        return float(np.clip(score / odds.max(axis=1).sum(), 0.0, 1.0) ** 2)


def make_factors(rng: np.random.Generator, config: SimulationConfig) -> tuple[Factor, ...]:
    """The housekeeping activator, the other activators, the repressors, and CTCF last."""
    n_biosamples = len(config.biosamples)
    factors = []
    for i in range(config.n_activators + 1 + config.n_repressors):
        kind: Kind = "activator" if i <= config.n_activators else "repressor"
        level = _level(rng, 0 if i == 0 else i % (n_biosamples + 2), n_biosamples)
        factors.append(Factor(f"SIMTF{i + 1}", kind, _pwm(rng, int(rng.integers(8, 13))), level))
    ctcf_level = np.exp(rng.normal(0.0, 0.1, n_biosamples))
    return (*factors, Factor(CTCF, "architectural", _pwm(rng, 14), ctcf_level))


def _pwm(rng: np.random.Generator, width: int) -> np.ndarray:
    best = rng.integers(0, 4, width)
    weight = rng.uniform(0.86, 0.97, width)
    pwm = np.repeat(((1 - weight) / 3)[:, None], 4, axis=1)
    pwm[np.arange(width), best] = weight
    return pwm


def _level(rng: np.random.Generator, group: int, n_biosamples: int) -> np.ndarray:
    """Group 0: everywhere; group k: biosample k only; the last group: everywhere but in one biosample."""
    present = np.ones(n_biosamples, dtype=bool)
    if 0 < group <= n_biosamples:
        present = np.arange(n_biosamples) == group - 1
    elif group > n_biosamples:
        present[rng.integers(n_biosamples)] = False
    return np.exp(np.where(present, rng.normal(0.1, 0.25, n_biosamples), rng.normal(-3.0, 0.3, n_biosamples)))


def meme_text(factors: tuple[Factor, ...]) -> str:
    """All motifs in the minimal MEME format."""
    frequencies = " ".join(f"{base} {value}" for base, value in zip(BASES, BACKGROUND, strict=True))
    lines = ["MEME version 4", "", f"ALPHABET= {BASES}", "", "strands: + -", "", "Background letter frequencies"]
    lines += [frequencies, ""]
    for factor in factors:
        lines += [f"MOTIF {factor.name}"]
        lines += [f"letter-probability matrix: alength= 4 w= {len(factor.pwm)} nsites= 100 E= 0"]
        lines += [" ".join(f"{value:.6f}" for value in row) for row in factor.pwm] + [""]
    return "\n".join(lines)
