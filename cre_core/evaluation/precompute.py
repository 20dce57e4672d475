"""What takes the dashboard more than a moment, written beside the study: predictions, knock-outs of the screen."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cre_core.data.study import Study
from cre_core.evaluation.screened import COLUMNS, predicted_screen, screen_of
from cre_core.inference.known import trained_models
from cre_core.inference.predicts import Predicts
from cre_core.io.files import sha256_of
from cre_core.io.folders import carry_over, check_ours, folder_written_whole
from cre_core.progress import Report
from cre_core.schema import Mode

PREDICTIONS = "precomputed/predictions.parquet"
KNOCK_OUTS = "precomputed/knockouts.parquet"
MODE: Mode = "mask"  # every model has it, and pages open with it


class Precomputed(NamedTuple):
    """What `precompute` wrote.

    Attributes:
      predictions: gene_id, biosample, model, fold, predicted, unit.
      knock_outs: columns of `predicted_screen`, in its order, and biosample, model, mode, made_of.
    """

    predictions: pd.DataFrame
    knock_outs: pd.DataFrame


def precompute(study: Study, *, report: Report) -> Precomputed:
    """Predict every gene with every trained model, and every measured pair of a screen.

    Each gene goes through the fold that never saw it. Both tables are written to the study's folder `precomputed`,
    both or neither.

    Returns:
      The tables; without a trained model, or without a screen, they are empty.

    Raises:
      BadInput: there is such a folder of other things. BadFile: the study cannot be written.
      NotAvailable: another process writes it.
    """
    folder = study.folder / Path(PREDICTIONS).parent
    check_ours(folder, "*.parquet", what="folder of precomputed tables")
    with folder_written_whole(folder) as partial:  # from the start: who may not write learns it at once
        found = _computed(study, report)
        for path, table in zip((PREDICTIONS, KNOCK_OUTS), found, strict=True):
            table.to_parquet(partial / Path(path).name, index=False, compression="zstd")
        carry_over(folder, partial, made=["*.parquet"])
    return found


def _computed(study: Study, report: Report) -> Precomputed:
    from cre_core.inference.predictor import open_predictor  # torch: what was computed is read without it

    pairs = [(b, model) for b in study.info.biosamples for model in trained_models(study, b)]
    predictions = [pd.DataFrame(columns=["gene_id", "fold", "predicted", "biosample", "model", "unit"])]
    knock_outs = [pd.DataFrame(columns=[*COLUMNS, "biosample", "model", "mode", "made_of"])]
    for done, (biosample, model) in enumerate(pairs):
        report(f"{model}, {biosample}", done, len(pairs))
        predictor = open_predictor(study, model, biosample=biosample)
        about = {"biosample": biosample, "model": model}
        table = predictor.predict_genes(study.genes["gene_id"].tolist())
        predictions.append(table.assign(**about, unit=predictor.unit.text))
        screen = screen_of(study, biosample)
        if len(screen):
            table = predicted_screen(predictor, screen, mode=MODE)
            knock_outs.append(table.assign(**about, mode=MODE, made_of=made_of(predictor)))
    report("done", len(pairs), len(pairs))
    return Precomputed(*(pd.concat(parts[1:] or parts, ignore_index=True) for parts in (predictions, knock_outs)))


def precomputed_knock_outs(predictor: Predicts, *, mode: Mode) -> pd.DataFrame | None:
    """The knock-outs that `precompute` wrote of the study and the weights of now; None where there are none."""
    path = predictor.study.folder / KNOCK_OUTS
    if not path.is_file():
        return None
    wanted = {"biosample": predictor.biosample, "model": predictor.name, "mode": mode, "made_of": made_of(predictor)}
    try:
        table = pd.read_parquet(path, columns=list(COLUMNS), filters=[(name, "==", wanted[name]) for name in wanted])
    except (ValueError, OSError):  # of an older form, or damaged: it holds nothing that cannot be computed again
        return None
    return table.reset_index(drop=True) if len(table) else None


def made_of(predictor: Predicts) -> str:
    """What changes when the study is prepared or the model trained anew."""
    paths = [predictor.study.folder / "study.json", *predictor.checkpoints]
    return hashlib.sha256("\n".join(f"{path.name} {sha256_of(path)}" for path in paths).encode()).hexdigest()
