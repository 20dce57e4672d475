"""All pairs of a few elements of a gene, and how far each is from the sum of its two."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cre_core.errors import NotAvailable
from cre_core.interpretation.perturb import scan_pairs
from dashboard.services.desk import Experiment
from dashboard.services.library import Library

FEWEST, MOST = 2, 12
OF_NOTHING = 8  # elements paired when fewer than two are changed


def paired_elements(experiment: Experiment, strengths: Mapping[str, float]) -> tuple[list[str], str]:
    """The elements whose pairs are shown, in place order, and which they are in words.

    Those changed now; where fewer than two are, the strongest by their single effect. Elements that the model does
    not read are left out.
    """
    table = experiment.scan.table
    known = table[table["single_log2"].notna()]
    changed = known[known["element_id"].isin(list(strengths))]
    if len(changed) >= FEWEST:
        which = f"the {len(changed)} elements changed now" if len(changed) <= MOST else (
            f"{MOST} of the {len(changed)} elements changed now, those with the strongest single effects"
        )  # fmt: skip
        return _strongest(changed, MOST), which
    n = min(OF_NOTHING, len(known))
    return _strongest(
        known, n
    ), f"the {n} elements with the strongest single effects (change two or more to choose others)"


def _strongest(table: pd.DataFrame, n: int) -> list[str]:
    order = np.argsort(-table["single_log2"].abs().to_numpy(), kind="stable")[:n]
    return list(table["element_id"].iloc[np.sort(order)])


def element_pairs(library: Library, experiment: Experiment, element_ids: list[str]) -> pd.DataFrame:
    """`perturb.scan_pairs` of some elements, fully knocked out.

    Raises:
      NotAvailable: fewer than two elements.
    """
    if len(element_ids) < FEWEST:
        raise NotAvailable(f"{len(element_ids)} element that the model reads; pairs want two or more")
    predictor, window, mode = experiment.predictor, experiment.window, experiment.mode
    weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
    gene_id = str(window.gene["gene_id"])
    key = ("knockout.pairs", predictor.name, predictor.biosample, gene_id, mode, weights, *element_ids)
    return library.memo(predictor.study.name, key, lambda: scan_pairs(predictor, window, element_ids, mode=mode))
