"""What a model predicts for the pairs of a CRISPRi screen: knock-outs of the elements under the tested places."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.data.windows import GeneWindow
from cre_core.evaluation.pairs import overlapping_scores
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import scan_singles
from cre_core.schema import Mode

COLUMNS = ("gene_id", "element_id", "chrom", "start", "end", "effect_fraction")


def screened_knock_outs(predictor: Predictor, crispr: pd.DataFrame, *, mode: Mode) -> pd.DataFrame:
    """Knock out every element under a tested place, each alone, for the gene it was tested for.

    Args:
      predictor: of the screen's biosample.
      crispr: schema.CRISPR.
      mode: what a knock-out means.

    Returns:
      gene_id, element_id, chrom, start, end, effect_fraction (signed); of the elements that the model reads. Genes
      that the study does not model, or that are in no fold's test set, have no rows.
    """
    study = predictor.study
    held = study.folds["gene_id"][study.folds.eq("test").any(axis=1)]
    modelled = set(study.genes["gene_id"]) & set(held)
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    for gene_id, pairs in crispr.groupby("gene_id", sort=False):
        if gene_id not in modelled:
            continue
        window = predictor.window(str(gene_id))
        under = is_under(window, pairs)  # (E,)
        if under.any():
            places = window.elements.loc[under, ["element_id", "chrom", "start", "end"]].assign(gene_id=gene_id)
            scan = scan_singles(predictor, window, mode=mode, element_ids=places["element_id"].tolist())
            parts.append(places.assign(effect_fraction=scan["effect_fraction"].to_numpy()).dropna()[list(COLUMNS)])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def is_under(window: GeneWindow, pairs: pd.DataFrame) -> np.ndarray:
    """(E,) bool: elements of a window that share a base with the place of one of its gene's tested pairs."""
    start, end = (window.elements[name].to_numpy()[:, None] for name in ("start", "end"))
    hit = (start < pairs["end"].to_numpy()) & (end > pairs["start"].to_numpy())  # (E, pairs)
    return hit.any(axis=1)


def effect_of_pairs(crispr: pd.DataFrame, knock_outs: pd.DataFrame) -> np.ndarray:
    """The predicted effect of each tested pair: of the elements under it, that which loses most expression.

    Args:
      crispr: schema.CRISPR, n rows.
      knock_outs: of `screened_knock_outs`.

    Returns:
      (n,) signed fraction; NaN where no element that the model reads lies under the place.
    """
    losses = knock_outs.assign(method="knock-out", score=-knock_outs["effect_fraction"].astype(float))
    return -overlapping_scores(crispr, losses, how="max")
