"""Perturbations: an experiment is before, change, after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput
from cre_core.inference.predictor import Predictor
from cre_core.schema import Mode

SCAN_BATCH = 256  # variants per forward pass: bounds the memory of a scan of a crowded window


@dataclass(frozen=True)
class Perturbation:
    """One in-silico experiment on one gene.

    Attributes:
      gene_id: the gene.
      strengths: what was changed: element id -> strength in 0..1.
      mode: what strength 0 means.
      before, after: predicted expression in `unit`.
      unit: as printed.
      log2_fold_change, effect_fraction: after against before.
      attention_before, attention_after: (E,) mean over layers and heads, in the window's element order.
    """

    gene_id: str
    strengths: Mapping[str, float]
    mode: Mode
    before: float
    after: float
    unit: str
    log2_fold_change: float
    effect_fraction: float
    attention_before: np.ndarray
    attention_after: np.ndarray


@dataclass(frozen=True)
class Interaction:
    """How far a combined knock-out is from the sum of its single ones, in log2 fold change."""

    combined_log2: float
    expected_log2: float

    @property
    def interaction_log2(self) -> float:
        """Combined minus expected: below 0, the elements do more together than alone."""
        return self.combined_log2 - self.expected_log2


def knock_out(
    predictor: Predictor, window: GeneWindow, strengths: Mapping[str, float], *, mode: Mode = "mask"
) -> Perturbation:
    """Set some elements of a window to a strength and predict before and after.

    Args:
      predictor: the model.
      window: from `predictor.window`.
      strengths: element id -> strength, 0 = knocked out, 1 = as measured.
      mode: what strength 0 means; the predictor prints it.

    Raises:
      UnknownName: an element outside the window. BadInput: a strength outside 0..1.
    """
    variants = np.ones((2, len(window.elements)), np.float32)
    variants[1, window.positions_of(list(strengths))] = list(strengths.values())
    prediction = predictor.predict_variants(window, variants, mode=mode)
    before, after = prediction.expression.double().numpy()
    attention = prediction.element_attention.numpy()
    unit = predictor.unit
    return Perturbation(
        gene_id=window.gene["gene_id"],
        strengths=dict(strengths),
        mode=mode,
        before=float(before),
        after=float(after),
        unit=unit.text,
        log2_fold_change=float(unit.log2_fold_change(before, after)),
        effect_fraction=float(unit.effect_fraction(before, after)),
        attention_before=attention[0],
        attention_after=attention[1],
    )


def scan_singles(
    predictor: Predictor, window: GeneWindow, *, mode: Mode = "mask", element_ids: Sequence[str] | None = None
) -> pd.DataFrame:
    """Knock out elements of a window, each alone: all of them, or those named.

    Returns:
      A row per element, in the window's order or the order named: element_id, before, after (in the predictor's
      unit), log2_fold_change, effect_fraction (signed, -0.25 = a quarter less). `after` and the effects are NaN
      for an element without data, which the model leaves out.
    """
    E = len(window.elements)
    rows = np.arange(E) if element_ids is None else window.positions_of(element_ids)
    n = len(rows)
    variants = np.ones((n + 1, E), np.float32)  # row 0 is the baseline
    variants[np.arange(1, n + 1), rows] = 0.0
    expression = np.concatenate(
        [
            predictor.predict_variants(window, part, mode=mode).expression.double().numpy()
            for part in np.array_split(variants, -(-len(variants) // SCAN_BATCH))
        ]
    )
    before, after = np.full(n, expression[0]), np.where(window.has_data[rows], expression[1:], np.nan)
    return pd.DataFrame(
        {
            "element_id": window.elements["element_id"].to_numpy()[rows],
            "before": before,
            "after": after,
            "log2_fold_change": predictor.unit.log2_fold_change(before, after),
            "effect_fraction": predictor.unit.effect_fraction(before, after),
        }
    )


def interaction(
    predictor: Predictor, window: GeneWindow, element_ids: Sequence[str], *, mode: Mode = "mask"
) -> Interaction:
    """Knock out several elements together and compare with the sum of their single log2 fold changes."""
    if len(set(element_ids)) < 2:
        raise BadInput(f"{len(set(element_ids))} element; an interaction wants two or more")
    rows = window.positions_of(element_ids)
    variants = np.ones((len(rows) + 2, len(window.elements)), np.float32)
    variants[1, rows] = 0.0
    variants[np.arange(2, len(rows) + 2), rows] = 0.0
    expression = predictor.predict_variants(window, variants, mode=mode).expression.double().numpy()
    change = predictor.unit.log2_fold_change(expression[0], expression[1:])
    return Interaction(combined_log2=float(change[0]), expected_log2=float(change[1:].sum()))


def neighbour_effects(
    predictor: Predictor, window: GeneWindow, strengths: Mapping[str, float], *, mode: Mode = "mask", limit: int = 6
) -> pd.DataFrame:
    """What the same change does to the nearest genes whose window holds all changed elements.

    Returns:
      gene_id, gene_name, tss_distance_bp (to this gene's TSS), effect_fraction; nearest first.
    """
    genes = predictor.study.genes
    near = genes[(genes["chrom"] == window.gene["chrom"]) & (genes["gene_id"] != window.gene["gene_id"])]
    near = near.assign(tss_distance_bp=near["tss"] - int(window.gene["tss"]))
    near = near[near["tss_distance_bp"].abs() <= predictor.reach_bp]
    near = near.reindex(near["tss_distance_bp"].abs().sort_values(kind="stable").index)
    rows: list[tuple[str, str, int, float]] = []
    for gene in near.head(4 * limit).itertuples():
        other = predictor.window(gene.gene_id)
        if len(rows) < limit and set(strengths) <= set(other.elements["element_id"]):
            effect = knock_out(predictor, other, strengths, mode=mode).effect_fraction
            rows.append((gene.gene_id, gene.gene_name, gene.tss_distance_bp, effect))
    return pd.DataFrame(rows, columns=["gene_id", "gene_name", "tss_distance_bp", "effect_fraction"])
