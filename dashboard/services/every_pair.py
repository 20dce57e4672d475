"""Every tested pair of a biosample beside what one model predicts for it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cre_core.errors import NotAvailable
from cre_core.evaluation.agreement import Agreement, agreement
from cre_core.evaluation.precompute import precomputed_knock_outs
from cre_core.evaluation.screened import calls, predicted_screen, screen_of
from cre_core.inference.predicts import Predicts
from cre_core.schema import Mode
from dashboard.services.library import Library

VERSION = 2  # another number forgets what is kept on disk


@dataclass(frozen=True)
class EveryPair:
    """The tested pairs of all genes, and how they agree.

    Attributes:
      pairs: chrom, start, end, gene_id, gene_name, tss_distance_bp, effect_fraction, predicted_fraction (all elements
        under the place knocked out together; NaN = no prediction), call.
      agreement: of `pairs`; its intervals draw genes.
    """

    pairs: pd.DataFrame
    agreement: Agreement


def every_pair(library: Library, predictor: Predicts, *, mode: Mode) -> EveryPair:
    """The pairs of all genes of the predictor's biosample.

    At once where `precompute` ran with these weights and in this mode, else up to a minute; then from the disk cache.

    Raises:
      NotAvailable: the study has no screen of this biosample.
    """
    study, biosample = predictor.study, predictor.biosample
    screen = screen_of(study, biosample)
    if not len(screen):
        raise NotAvailable(f"study {study.name} has no CRISPRi screen of {biosample}")
    weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
    key = ("screen.every_pair", VERSION, biosample, predictor.name, mode, weights)
    return library.memo(study.name, key, lambda: compared(predictor, screen, mode=mode))


def compared(predictor: Predicts, screen: pd.DataFrame, *, mode: Mode) -> EveryPair:
    """Tested pairs with what the model predicts for each.

    Args:
      screen: of `screen_of`. Pairs of genes that the study does not model, or that are in no fold's test set, have no
        prediction.
    """
    predicted = precomputed_knock_outs(predictor, mode=mode)
    if predicted is None or len(predicted) != len(screen):
        predicted = predicted_screen(predictor, screen, mode=mode)
    columns = ["chrom", "start", "end", "gene_id", "gene_name", "tss_distance_bp", "effect_fraction"]
    effect = predicted["effect_fraction"].to_numpy(float)
    pairs = screen[columns].assign(predicted_fraction=effect, call=calls(screen))
    return EveryPair(pairs, agreement(pairs, by="gene"))
