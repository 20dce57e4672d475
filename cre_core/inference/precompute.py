"""What the dashboard shows at once: every gene's held-out prediction, written beside the study."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from cre_core.data.study import Study
from cre_core.inference.predictor import open_predictor, trained_models
from cre_core.io.files import written_whole

Report = Callable[[str, int, int], None]
PREDICTIONS = "precomputed/predictions.parquet"


def precompute_predictions(study: Study, *, report: Report) -> pd.DataFrame:
    """Predict every gene with every trained model, each gene through the fold that never saw it.

    Returns:
      gene_id, biosample, model, fold, predicted, unit; also written to the study's `precomputed/predictions.parquet`.
      No trained model: an empty table.
    """
    pairs = [(b, model) for b in study.info.biosamples for model in trained_models(study, b)]
    parts = [pd.DataFrame(columns=["gene_id", "fold", "predicted", "biosample", "model", "unit"])]
    for done, (biosample, model) in enumerate(pairs):
        report(f"{model}, {biosample}", done, len(pairs))
        predictor = open_predictor(study, model, biosample=biosample)
        table = predictor.predict_genes(study.genes["gene_id"].tolist())
        parts.append(table.assign(biosample=biosample, model=model, unit=predictor.unit.text))
    table = pd.concat(parts[1:] or parts, ignore_index=True)
    with written_whole(study.folder / PREDICTIONS) as partial:
        table.to_parquet(partial, index=False, compression="zstd")
    report("done", len(pairs), len(pairs))
    return table
