"""A gene's scan: what a model predicts before anything is changed, every knock-out, and the screen beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.windows import GeneWindow
from cre_core.evaluation.agreement import Agreement, agreement
from cre_core.evaluation.links import DISTANCE_BINS
from cre_core.evaluation.screened import compared_pairs, with_measured
from cre_core.inference.predicts import Predicts
from cre_core.interpretation.perturb import express, knock_out, knock_out_sets, scan_singles
from cre_core.schema import Mode

APART = ("<10 kb", "10-25 kb", "25-100 kb", ">100 kb")  # of DISTANCE_BINS, those that share no element


@dataclass(frozen=True)
class Scan:
    """What is known of one gene under one model and mode before anything is changed.

    Attributes:
      table: a row per element of the window, in place order: element_id, chrom, start, end, element_class,
        tss_distance_bp, single_log2 and single_fraction (predicted effect of knocking it out alone),
        attention (as measured), and the measured pairs that overlap it, see `screened.with_measured`.
      pairs: a row per measured pair of the gene, see `screened.compared_pairs`.
      baseline: predicted expression with every element as measured, in the predictor's unit.
      observed: the measured expression in the same unit; NaN = not known.
      warning: what to know about the screen, or ``.
      agreement: of `pairs`.
      by_distance: what all elements of a stretch of distance do together, see `ablation_by_distance`.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    baseline: float
    observed: float
    warning: str
    agreement: Agreement
    by_distance: pd.DataFrame

    @property
    def rising(self) -> float:
        """Share of the elements with a prediction whose knock-out alone is predicted to raise expression."""
        single = self.table["single_fraction"].dropna()
        return float((single > 0).mean()) if len(single) else float("nan")


def run_scan(predictor: Predicts, window: GeneWindow, *, mode: Mode) -> Scan:
    """Predict the baseline, every single knock-out and every measured pair of a gene."""
    gene_id = window.gene["gene_id"]
    singles = scan_singles(predictor, window, mode=mode)
    baseline = knock_out(predictor, window, {}, mode=mode)
    pairs, warning = compared_pairs(predictor, window, mode=mode)
    table = window.elements.copy()
    table["single_log2"] = singles["log2_fold_change"].to_numpy()
    table["single_fraction"] = singles["effect_fraction"].to_numpy()
    table["attention"] = np.where(predictor.looks_at(window), baseline.attention_before, np.nan)
    return Scan(
        table=with_measured(table, pairs),
        pairs=pairs,
        baseline=baseline.before,
        observed=observed_expression(predictor, gene_id),
        warning=warning,
        agreement=agreement(pairs),
        by_distance=ablation_by_distance(predictor, window, mode=mode),
    )


def ablation_by_distance(predictor: Predicts, window: GeneWindow, *, mode: Mode) -> pd.DataFrame:
    """All elements of a stretch of distance knocked out together, but for the gene's own promoter.

    Returns:
      A row per stretch of APART, in order: subset, n_elements, n_read, log2_fold_change, effect_fraction; NaN where
      the model reads none.
    """
    distance = np.abs(window.elements["tss_distance_bp"].to_numpy(float))
    others = ~window.elements["is_own_promoter"].to_numpy(bool)
    bins = [DISTANCE_BINS[name] for name in APART]
    sets = np.array([others & (distance >= first) & (distance < last) for first, last in bins])  # (4, E)
    return knock_out_sets(predictor, window, sets, mode=mode).assign(subset=list(APART))


def observed_expression(predictor: Predicts, gene_id: str) -> float:
    """The measured expression of a gene in the unit that the predictor gives; NaN = not known."""
    study = predictor.study
    measures = [name for name, text in study.info.measures.items() if text == predictor.unit.text]
    if not measures:
        return float("nan")
    table = study.expression
    is_asked = (table["gene_id"] == gene_id) & (table["biosample"] == predictor.biosample)
    values = table.loc[is_asked & (table["measure"] == measures[0]), "value"]
    return float(values.iloc[0]) if len(values) else float("nan")


def known_strengths(
    window: GeneWindow, knock_outs: Sequence[tuple[str, float]]
) -> tuple[dict[str, float], list[str]]:
    """The strengths of elements in the window that differ from 1, and a line for each element that is not there."""
    inside = set(window.elements["element_id"])
    known = {element: float(strength) for element, strength in knock_outs if element in inside and strength < 1.0}
    odd = [element for element, _ in knock_outs if element not in inside]
    gene = window.gene["gene_name"]
    return known, [f"'{element}' is not an element of the window around {gene} and was left out" for element in odd]


def additive_log2(table: pd.DataFrame, strengths: Mapping[str, float]) -> float:
    """The additive estimate: single log2 fold changes, each in proportion to what was taken away, summed."""
    single = table.set_index("element_id")["single_log2"]
    return float(sum((1.0 - strength) * single[element] for element, strength in strengths.items()))


def expected_fraction(table: pd.DataFrame, strengths: Mapping[str, float]) -> tuple[float, str]:
    """The effect if the knocked-out elements acted independently, or NaN and the reason there is none.

    Only full knock-outs were computed alone, so only they have an expectation.
    """
    if len(strengths) < 2:
        return float("nan"), "an interaction wants two or more elements"
    if any(strength > 0.0 for strength in strengths.values()):
        return float("nan"), "no interaction while a strength lies between 0 and 1"
    return float(np.exp2(additive_log2(table, strengths)) - 1.0), ""


def with_others(
    predictor: Predicts, window: GeneWindow, scan: Scan, strengths: Mapping[str, float], *, mode: Mode
) -> np.ndarray:
    """What each element still does once `strengths` are in place.

    Returns:
      (E,) float64: relative change of the changed gene's expression when this element is knocked out too;
      NaN for an element that is already out.
    """
    if not strengths:
        return scan.table["single_fraction"].to_numpy(float)
    n = len(window.elements)
    now = np.ones(n, np.float32)
    now[window.positions_of(list(strengths))] = list(strengths.values())
    variants = np.tile(now, (n + 1, 1))
    variants[np.arange(1, n + 1), np.arange(n)] = 0.0
    expression = express(predictor, window, variants, mode=mode).mean(0)
    effect = predictor.unit.effect_fraction(expression[0], expression[1:])
    return np.where(now == 0.0, np.nan, effect)
