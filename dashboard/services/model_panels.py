"""The same knock-outs under every expression model of a biosample."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cre_core.data.study import Study
from cre_core.errors import CreError
from cre_core.evaluation.agreement import Agreement
from cre_core.schema import Mode
from dashboard.services.desk import Desk, models_of


@dataclass(frozen=True)
class ModelPanel:
    """What one model says of a gene's single knock-outs.

    Attributes:
      model, label: the name of its folder, and how it is called.
      table: Scan.table of its own window; single_fraction is NaN where the model does not read the element.
      agreement: with the screen of this gene.
      fold: that answers for the gene.
      is_leaked: whether that fold's model saw the gene in training.
      reason: why there is no table, or ``; the other parts are empty then.
    """

    model: str
    label: str
    table: pd.DataFrame | None
    agreement: Agreement | None
    fold: str
    is_leaked: bool
    reason: str


def model_panels(desk: Desk, study: Study, gene: str, *, biosample: str, mode: Mode) -> list[ModelPanel]:
    """A panel for each trained model, in the registry's order; one that cannot answer says why."""
    return [_panel(desk, study, gene, model, biosample, mode) for model in models_of(study, biosample)]


def _panel(desk: Desk, study: Study, gene: str, model: str, biosample: str, mode: Mode) -> ModelPanel:
    label = model
    try:
        predictor = desk.predictor(study, model, biosample=biosample)
        label = predictor.label
        if mode not in predictor.modes:
            return ModelPanel(model, label, None, None, "", False, f"no mode '{mode}' here")
        found = desk.experiment(study, gene, model=model, biosample=biosample, mode=mode)
    except CreError as error:
        return ModelPanel(model, label, None, None, "", False, str(error))
    table = found.scan.table
    return ModelPanel(model, label, table, found.scan.agreement, found.fold, found.is_leaked, "")
