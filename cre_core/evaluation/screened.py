"""Measured pairs: places of a CRISPRi screen with the gene each was tested for, and what a model predicts for them.

A measured pair is a thing of its own. It may lie under several elements, or under none, and an element may lie under
several pairs. The prediction for it is one experiment: all elements under the tested place knocked out together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.inference.predicts import Predicts
from cre_core.interpretation.perturb import knock_out_sets
from cre_core.progress import Report
from cre_core.schema import Mode

PLACE = ["chrom", "start", "end"]
# What a table of predicted pairs says; `effect_fraction` is predicted, NaN = the model reads no element there.
COLUMNS = ("gene_id", *PLACE, "n_elements", "n_read", "effect_fraction")
# What an element shows of the pair that stands for it: column of the pair -> column of the element.
SHOWN = {
    "effect_fraction": "measured_fraction",
    "call": "measured_call",
    "power_at_25": "power_at_25",
    "p_adjusted": "p_adjusted",
    "reference": "reference",
}
NOT_SIGNIFICANT = "not significant"


def measured_pairs(study: Study, gene_id: str, *, biosample: str) -> tuple[pd.DataFrame, str]:
    """The measured pairs of a gene: this biosample's, or another's with a warning.

    Returns:
      Rows with a finite effect, in place order: schema.CRISPR, `pair_id` (its place, unique within the gene) and
      `call`: `decrease` or `increase` when significant, else `not significant`; and one line to print, `` when there
      is nothing to say.
    """
    if not study.has("crispr"):
        return _no_pairs(), f"study {study.name} has no CRISPRi screen: there is nothing to compare with"
    table = study.crispr
    pairs = table[table["gene_id"] == gene_id]
    other = pairs.loc[pairs["biosample"] != biosample, "biosample"]
    warning = ""
    if (pairs["biosample"] == biosample).any():
        pairs = pairs[pairs["biosample"] == biosample]
    elif len(other):
        pairs = pairs[pairs["biosample"] == other.iloc[0]]
        warning = f"the screen was made in {other.iloc[0]}, the prediction is for {biosample}"
    else:
        warning = "no element of this gene was tested by CRISPRi"
    missing = int(pairs["effect_fraction"].isna().sum())
    if missing:
        warning = "; ".join(filter(None, [warning, f"{missing} tested without a measured effect: not drawn"]))
    pairs = pairs[pairs["effect_fraction"].notna()].sort_values("start", kind="stable", ignore_index=True)
    return pairs.assign(call=calls(pairs), pair_id=_pair_ids(pairs)), warning


def screen_of(study: Study, biosample: str) -> pd.DataFrame:
    """schema.CRISPR of a biosample's pairs with a measured effect; no rows where the study has no screen of it."""
    if not study.has("crispr"):
        return pd.DataFrame(columns=["biosample", "gene_id"])
    crispr = study.crispr
    return crispr[(crispr["biosample"] == biosample) & crispr["effect_fraction"].notna()].reset_index(drop=True)


def calls(pairs: pd.DataFrame) -> np.ndarray:
    """`decrease`, `increase` or `not significant` for each pair."""
    sign = np.where(pairs["effect_fraction"] < 0, "decrease", "increase")
    return np.where(pairs["is_significant"], sign, NOT_SIGNIFICANT)


def shared_bases(elements: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """(E, P) int64: bases that each element shares with each pair's place; all lie on the gene's chromosome."""
    start, end = elements["start"].to_numpy()[:, None], elements["end"].to_numpy()[:, None]
    other_start, other_end = pairs["start"].to_numpy()[None, :], pairs["end"].to_numpy()[None, :]
    shared = np.minimum(end, other_end) - np.maximum(start, other_start)
    return np.maximum(shared, 0).astype(np.int64)


def with_measured(elements: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Elements with every measured pair that overlaps them, the strongest significant one first.

    Args:
      elements: places on the gene's chromosome.
      pairs: of `measured_pairs`.

    Returns:
      The elements with `pair_ids` (list of text, in that order) and, of the first of them, the columns of SHOWN; NaN,
      `` and [] where none was tested.
    """
    shared = shared_bases(elements, pairs)  # (E, P)
    order = _first_to_show(pairs)  # (P,)
    rank = np.where(shared[:, order] > 0, np.arange(len(pairs)), len(pairs))  # (E, P)
    first = rank.min(axis=1, initial=len(pairs))  # (E,)
    is_tested = first < len(pairs)
    ids = pairs["pair_id"].to_numpy(object)[order]
    found = elements.assign(pair_ids=[list(ids[row > 0]) for row in shared[:, order]])
    shown = pairs.iloc[order[first[is_tested]]]
    for source, column in SHOWN.items():
        is_text = column in ("measured_call", "reference")
        values = np.full(len(found), "" if is_text else np.nan, object if is_text else float)
        values[is_tested] = shown[source].to_numpy()
        found[column] = values
    return found


def pairs_without_element(elements: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The measured pairs that share no base with any of the elements."""
    return pairs[~shared_bases(elements, pairs).any(axis=0)] if len(elements) else pairs


def with_elements(pairs: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    """Pairs with `element_ids` (list of text): the elements under each, the one that shares most bases first."""
    shared, ids = shared_bases(elements, pairs), elements["element_id"].to_numpy(object)
    order = np.argsort(-shared, axis=0, kind="stable")  # (E, P)
    covered = [list(ids[rows[:n]]) for rows, n in zip(order.T, (shared > 0).sum(0), strict=True)]
    return pairs.assign(element_ids=covered)


def predicted_pairs(predictor: Predicts, window: GeneWindow, pairs: pd.DataFrame, *, mode: Mode) -> pd.DataFrame:
    """What a model predicts for measured pairs of one gene: all elements under each place knocked out together.

    Args:
      pairs: places on the window's chromosome, P rows.

    Returns:
      P rows of COLUMNS, in the order of the pairs. NaN only where the model reads no element under the place.
    """
    under = shared_bases(window.elements, pairs).T > 0  # (P, E)
    found = knock_out_sets(predictor, window, under, mode=mode)
    places = pairs[PLACE].reset_index(drop=True)
    return pd.concat([places, found], axis=1).assign(gene_id=window.gene["gene_id"])[list(COLUMNS)]


def compared_pairs(predictor: Predicts, window: GeneWindow, *, mode: Mode) -> tuple[pd.DataFrame, str]:
    """The measured pairs of a window's gene, each beside what the model predicts for it.

    Returns:
      The rows and the line of `measured_pairs`, with `element_ids` (those under the place, the one that shares most
      bases first), `element_id` (the first, `` = none), n_elements, n_read and predicted_fraction: all of them
      knocked out together (NaN: the model reads none).
    """
    gene_id = str(window.gene["gene_id"])
    pairs, warning = measured_pairs(predictor.study, gene_id, biosample=predictor.biosample)
    found = predicted_pairs(predictor, window, pairs, mode=mode)
    pairs = with_elements(pairs, window.elements)
    pairs = pairs.assign(
        element_id=[ids[0] if ids else "" for ids in pairs["element_ids"]],
        n_elements=found["n_elements"].to_numpy(),
        n_read=found["n_read"].to_numpy(),
        predicted_fraction=found["effect_fraction"].to_numpy(),
    )
    return pairs, warning


def predicted_screen(
    predictor: Predicts, crispr: pd.DataFrame, *, mode: Mode, report: Report | None = None
) -> pd.DataFrame:
    """`predicted_pairs` of every pair of a screen, each gene by the fold that never saw it.

    Args:
      predictor: of the screen's biosample.
      crispr: schema.CRISPR, n rows.
      mode: what a knock-out means.

    Returns:
      n rows of COLUMNS, in the order of the screen. Pairs of genes that the study does not model, or that are in no
      fold's test set, have NaN.
    """
    parts = [crispr[["gene_id", *PLACE]].assign(n_elements=0, n_read=0, effect_fraction=np.nan).iloc[:0]]
    rows = [np.zeros(0, int)]
    genes = list(genes_of_screen(predictor.study, crispr))
    for done, (gene_id, pairs) in enumerate(genes):
        if report is not None:
            report("knock-outs of the screen", done, len(genes))
        parts.append(predicted_pairs(predictor, predictor.window(gene_id), pairs, mode=mode))
        rows.append(pairs.index.to_numpy())
    found = pd.concat(parts[1:] or parts).set_axis(np.concatenate(rows[1:] or rows))
    every = crispr[["gene_id", *PLACE]].reset_index(drop=True)
    return every.join(found[["n_elements", "n_read", "effect_fraction"]])[list(COLUMNS)]


def genes_of_screen(study: Study, crispr: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Id and pairs of each tested gene that a model can speak about: modelled, and in some fold's test set."""
    held = study.folds["gene_id"][study.folds.eq("test").any(axis=1)]
    known = set(study.genes["gene_id"]) & set(held)
    for gene_id, pairs in crispr.reset_index(drop=True).groupby("gene_id", sort=False):
        if gene_id in known:
            yield str(gene_id), pairs


def _first_to_show(pairs: pd.DataFrame) -> np.ndarray:
    """(P,) row numbers: significant ones first, the strongest of them first, the others by power."""
    is_significant = pairs["call"].to_numpy() != NOT_SIGNIFICANT
    size = np.abs(pairs["effect_fraction"].to_numpy(float))
    power = np.nan_to_num(pairs["power_at_25"].to_numpy(float))
    return np.lexsort((-power, -size * is_significant, ~is_significant))


def _pair_ids(pairs: pd.DataFrame) -> pd.Series:
    """Place of each pair, 0-based as element ids are; a place tested again gets a number behind it."""
    ids = pairs["chrom"].astype(str) + ":" + pairs["start"].astype(str) + "-" + pairs["end"].astype(str)
    again = ids.groupby(ids).cumcount()
    return ids.where(again == 0, ids + "#" + (again + 1).astype(str))


def _no_pairs() -> pd.DataFrame:
    numbers = ["start", "end", "effect_fraction", "p_adjusted", "power_at_25", "tss_distance_bp"]
    text = ["chrom", "reference", "call", "pair_id"]
    columns = {name: pd.Series(dtype=float) for name in numbers} | {name: pd.Series(dtype=object) for name in text}
    return pd.DataFrame({**columns, "is_significant": pd.Series(dtype=bool), "is_positive": pd.Series(dtype=bool)})
