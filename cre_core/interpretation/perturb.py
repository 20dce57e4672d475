"""Perturbations: an experiment is before, change, after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput
from cre_core.inference.predicts import SCAN_BATCH, Predicts
from cre_core.schema import Mode

if TYPE_CHECKING:
    from cre_core.inference.edits import BaseEdit
    from cre_core.inference.predictor import Predictor

N_SHUFFLES = 5  # in mode scramble: one shuffle may by chance make or break a site
MOST_PAIRED = 60  # elements whose pairs are all tried: 1,770 pairs
MOST_CHOSEN = 20  # elements of a greedy set


@dataclass(frozen=True)
class Perturbation:
    """One in-silico experiment on one gene.

    Attributes:
      gene_id: the gene.
      strengths: what was changed: element id -> strength in 0..1; empty for an edit of bases.
      mode: what strength 0 means; `edit` for an edit of bases.
      before, after: predicted expression in `unit`; after is a mean over shuffles in mode scramble.
      unit: as printed.
      log2_fold_change, effect_fraction: after against before, signed.
      spread_log2: standard deviation of log2_fold_change over the shuffles; NaN in the other modes.
      attention_before, attention_after: (E,) mean over layers and heads, in the window's element order.
    """

    gene_id: str
    strengths: Mapping[str, float]
    mode: Mode | str
    before: float
    after: float
    unit: str
    log2_fold_change: float
    effect_fraction: float
    attention_before: np.ndarray
    attention_after: np.ndarray
    spread_log2: float = float("nan")


@dataclass(frozen=True)
class Interaction:
    """How far a combined knock-out is from the sum of its single ones, in log2 fold change."""

    combined_log2: float
    expected_log2: float

    @property
    def interaction_log2(self) -> float:
        """Combined minus expected: below 0, the elements do more together than alone."""
        return self.combined_log2 - self.expected_log2


@dataclass(frozen=True)
class GreedySet:
    """Elements knocked out one after another, each the one that then takes away most.

    Attributes:
      steps: element_id, log2_fold_change, effect_fraction of all so far, in the order chosen.
      is_reached: whether the last step reaches the wanted loss. Greedy: a smaller set may exist.
    """

    steps: pd.DataFrame
    is_reached: bool


def knock_out(
    predictor: Predicts,
    window: GeneWindow,
    strengths: Mapping[str, float],
    *,
    mode: Mode = "mask",
    n_shuffles: int = N_SHUFFLES,
) -> Perturbation:
    """Set some elements of a window to a strength and predict before and after.

    Args:
      predictor: the model.
      window: from `predictor.window`.
      strengths: element id -> strength, 0 = knocked out, 1 = as measured.
      mode: what strength 0 means; the predictor prints it.
      n_shuffles: in mode scramble, how many are averaged.

    Raises:
      UnknownName: an element outside the window. BadInput: a strength outside 0..1.
    """
    variants = np.ones((2, len(window.elements)), np.float32)
    variants[1, window.positions_of(list(strengths))] = list(strengths.values())
    shuffles = range(n_shuffles if mode == "scramble" else 1)
    tries = [predictor.predict_variants(window, variants, mode=mode, shuffle=n) for n in shuffles]
    expression = np.stack([found.expression.double().numpy() for found in tries])  # (K, 2)
    attention = np.mean([found.element_attention.numpy() for found in tries], axis=0)  # (2, E)
    return _perturbation(predictor, window, expression, attention, strengths=strengths, mode=mode)


def edit_bases(predictor: Predictor, window: GeneWindow, edits: Sequence[BaseEdit]) -> Perturbation:
    """Replace or delete bases and predict before and after.

    Raises:
      BadInput: the model reads no sequence, none of its inputs holds the bases, or two edits share one.
    """
    found = predictor.predict_edits(window, edits)
    expression = found.expression.double().numpy()[None]  # (1, 2)
    return _perturbation(predictor, window, expression, found.element_attention.numpy(), strengths={}, mode="edit")


def _perturbation(
    predictor: Predicts,
    window: GeneWindow,
    expression: np.ndarray,
    attention: np.ndarray,
    *,
    strengths: Mapping[str, float],
    mode: Mode | str,
) -> Perturbation:
    """Of expression (K tries, before and after) and attention (before and after, E)."""
    unit, (before, after) = predictor.unit, expression.mean(0)
    changes = unit.log2_fold_change(expression[:, 0], expression[:, 1])  # (K,)
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
        spread_log2=float(np.std(changes, ddof=1)) if len(changes) > 1 else float("nan"),
    )


def scan_singles(
    predictor: Predicts,
    window: GeneWindow,
    *,
    mode: Mode = "mask",
    element_ids: Sequence[str] | None = None,
    n_shuffles: int = N_SHUFFLES,
) -> pd.DataFrame:
    """Knock out elements of a window, each alone: all of them, or those named.

    Returns:
      A row per element, in the window's order or the order named: element_id, before, after (in the predictor's
      unit), log2_fold_change, effect_fraction (signed, -0.25 = a quarter less), spread_log2 (over shuffles; NaN in
      the other modes). `after` and the effects are NaN for an element that the model does not read: no data is no
      effect of 0.
    """
    E = len(window.elements)
    rows = np.arange(E) if element_ids is None else window.positions_of(element_ids)
    n, shuffles = len(rows), range(n_shuffles if mode == "scramble" else 1)
    found = [predictor.predict_singles(window, rows, mode=mode, shuffle=shuffle) for shuffle in shuffles]
    expression = np.stack([one.double().numpy() for one in found])  # (K, n + 1), as measured first
    changes = predictor.unit.log2_fold_change(expression[:, :1], expression[:, 1:])  # (K, n)
    spread = np.std(changes, axis=0, ddof=1) if len(changes) > 1 else np.full(n, np.nan)
    mean = expression.mean(0)
    is_read = speaks_about(predictor, window)[rows]
    before, after = np.full(n, mean[0]), np.where(is_read, mean[1:], np.nan)
    return pd.DataFrame(
        {
            "element_id": window.elements["element_id"].to_numpy()[rows],
            "before": before,
            "after": after,
            "log2_fold_change": predictor.unit.log2_fold_change(before, after),
            "effect_fraction": predictor.unit.effect_fraction(before, after),
            "spread_log2": np.where(is_read, spread, np.nan),
        }
    )


def knock_out_sets(
    predictor: Predicts, window: GeneWindow, sets: np.ndarray, *, mode: Mode = "mask", n_shuffles: int = N_SHUFFLES
) -> pd.DataFrame:
    """Knock out sets of elements, each set together and the sets one at a time.

    Args:
      sets: (N, E) bool, the elements of each set, in the window's order.

    Returns:
      A row per set: n_elements, n_read (of those, elements that the model reads), log2_fold_change, effect_fraction
      (signed). The effects are NaN where the model reads none of the set.
    """
    n_read = (sets & speaks_about(predictor, window)).sum(1)
    log2, fraction = np.full(len(sets), np.nan), np.full(len(sets), np.nan)
    known = np.flatnonzero(n_read)
    if len(known):
        variants = np.vstack([np.ones((1, sets.shape[1])), ~sets[known]]).astype(np.float32)  # as measured first
        level = express(predictor, window, variants, mode=mode, n_shuffles=n_shuffles).mean(0)
        log2[known] = predictor.unit.log2_fold_change(level[0], level[1:])
        fraction[known] = predictor.unit.effect_fraction(level[0], level[1:])
    return pd.DataFrame(
        {"n_elements": sets.sum(1), "n_read": n_read, "log2_fold_change": log2, "effect_fraction": fraction}
    )


def speaks_about(predictor: Predicts, window: GeneWindow) -> np.ndarray:
    """(E,) bool: elements that the model reads; of the gene's own promoter it has the counts in any case."""
    own_promoter = window.elements["is_own_promoter"].to_numpy(bool) & window.has_data
    return predictor.looks_at(window) | own_promoter


def express(
    predictor: Predicts, window: GeneWindow, variants: np.ndarray, *, mode: Mode, n_shuffles: int = N_SHUFFLES
) -> np.ndarray:
    """Expression of variants of one gene, in pieces.

    Args:
      variants: (V, E) strengths.

    Returns:
      (K, V) float64 in the predictor's unit: K shuffles in mode scramble, otherwise one row.
    """
    pieces = np.array_split(variants, -(-len(variants) // SCAN_BATCH))
    return np.stack(
        [
            np.concatenate(
                [
                    predictor.predict_variants(window, piece, mode=mode, shuffle=shuffle).expression.double().numpy()
                    for piece in pieces
                ]
            )
            for shuffle in range(n_shuffles if mode == "scramble" else 1)
        ]
    )


def interaction(
    predictor: Predicts, window: GeneWindow, element_ids: Sequence[str], *, mode: Mode = "mask"
) -> Interaction:
    """Knock out several elements together and compare with the sum of their single log2 fold changes."""
    if len(set(element_ids)) < 2:
        raise BadInput(f"{len(set(element_ids))} element; an interaction wants two or more")
    rows = window.positions_of(element_ids)
    variants = np.ones((len(rows) + 2, len(window.elements)), np.float32)
    variants[1, rows] = 0.0
    variants[np.arange(2, len(rows) + 2), rows] = 0.0
    expression = express(predictor, window, variants, mode=mode).mean(0)
    change = predictor.unit.log2_fold_change(expression[0], expression[1:])
    return Interaction(combined_log2=float(change[0]), expected_log2=float(change[1:].sum()))


def scan_pairs(
    predictor: Predicts, window: GeneWindow, element_ids: Sequence[str], *, mode: Mode = "mask"
) -> pd.DataFrame:
    """Knock out every pair of some elements and compare with the sum of their single log2 fold changes.

    Args:
      element_ids: 2 to 60 of the window's.

    Returns:
      A row per pair in the order named: element_id, other_id, log2_fold_change, expected_log2, interaction_log2
      (combined minus expected; below 0, they do more together). NaN where one of the two is not read.

    Raises:
      UnknownName: an element outside the window. BadInput: fewer or more elements.
    """
    ids = list(dict.fromkeys(element_ids))
    if not 2 <= len(ids) <= MOST_PAIRED:
        raise BadInput(f"{len(ids)} elements came; all pairs are tried of 2 to {MOST_PAIRED}")
    rows = window.positions_of(ids)
    pairs = list(combinations(range(len(ids)), 2))
    n, first = len(ids), 1 + len(ids)
    variants = np.ones((first + len(pairs), len(window.elements)), np.float32)  # baseline, singles, pairs
    variants[np.arange(1, first), rows] = 0.0
    for number, pair in enumerate(pairs, first):
        variants[number, rows[list(pair)]] = 0.0
    expression = express(predictor, window, variants, mode=mode).mean(0)
    change = predictor.unit.log2_fold_change(expression[0], expression[1:])
    change[:n] = np.where(speaks_about(predictor, window)[rows], change[:n], np.nan)
    one, other = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    expected = change[one] + change[other]
    both = np.where(np.isnan(expected), np.nan, change[n:])
    names = np.array(ids, object)
    return pd.DataFrame(
        {
            "element_id": names[one],
            "other_id": names[other],
            "log2_fold_change": both,
            "expected_log2": expected,
            "interaction_log2": both - expected,
        }
    )


def smallest_set(
    predictor: Predicts, window: GeneWindow, *, loss: float = 0.5, mode: Mode = "mask", limit: int = MOST_CHOSEN
) -> GreedySet:
    """Knock out elements one after another until a gene has lost a share of its expression.

    At each step all elements that are left are tried beside those already out, and the one that lowers expression
    most is taken; the search ends where none lowers it any more.

    Args:
      loss: share of expression, above 0 and below 1; 0.5 halves it.
      limit: elements at most.

    Raises:
      BadInput: another loss.
    """
    if not 0 < loss < 1:
        raise BadInput(f"a loss of {loss:g} came; wanted a share between 0 and 1")
    E = len(window.elements)
    out, steps = np.ones(E, np.float32), list[tuple[str, float, float]]()
    free = speaks_about(predictor, window)
    level, before = np.inf, float("nan")
    while free.any() and len(steps) < limit:
        rows = np.flatnonzero(free)
        variants = np.vstack([out, np.tile(out, (len(rows), 1))])
        variants[np.arange(1, len(rows) + 1), rows] = 0.0
        expression = express(predictor, window, variants, mode=mode).mean(0)
        if not steps:
            before = level = float(expression[0])
        best = int(expression[1:].argmin())
        if expression[1 + best] >= level:
            break
        level, free[rows[best]], out[rows[best]] = float(expression[1 + best]), False, 0.0
        change = float(predictor.unit.log2_fold_change(np.array(before), np.array(level)))
        steps.append((window.elements["element_id"].iloc[rows[best]], change, float(np.exp2(change) - 1)))
        if steps[-1][2] <= -loss:
            break
    table = pd.DataFrame(steps, columns=["element_id", "log2_fold_change", "effect_fraction"])
    return GreedySet(table, bool(len(table)) and bool(table["effect_fraction"].iloc[-1] <= -loss))


def neighbour_effects(
    predictor: Predicts, window: GeneWindow, strengths: Mapping[str, float], *, mode: Mode = "mask", limit: int = 6
) -> pd.DataFrame:
    """What the same change does to the nearest genes whose window holds all changed elements.

    Returns:
      gene_id, gene_name, tss_distance_bp (to this gene's TSS), effect_fraction; nearest first.
    """
    genes = predictor.study.genes
    near = genes[(genes["chrom"] == window.gene["chrom"]) & (genes["gene_id"] != window.gene["gene_id"])]
    near = near.assign(tss_distance_bp=near["tss"] - int(window.gene["tss"]))
    near = near[near["tss_distance_bp"].abs() <= predictor.reads.reach_bp]
    near = near.reindex(near["tss_distance_bp"].abs().sort_values(kind="stable").index)
    rows: list[tuple[str, str, int, float]] = []
    for gene in near.head(4 * limit).itertuples():
        other = predictor.window(gene.gene_id)
        if len(rows) < limit and set(strengths) <= set(other.elements["element_id"]):
            effect = knock_out(predictor, other, strengths, mode=mode).effect_fraction
            rows.append((gene.gene_id, gene.gene_name, gene.tss_distance_bp, effect))
    return pd.DataFrame(rows, columns=["gene_id", "gene_name", "tss_distance_bp", "effect_fraction"])
