"""What every panel of the knock-out page stands on: the experiment of a view, and how its figures are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.components.shown import Shown
from dashboard.services import desk as service
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.state import ViewState

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from dashboard.components.exchange import Question

ABOUT = ("study", "biosample", "gene", "model", "mode")  # the fields of the view that name an experiment


def experiment_of(library: Library, state: ViewState) -> Experiment:
    """The scan behind a view."""
    study = library.study(state.study)
    desk = service.desk_of(library)
    return desk.experiment(study, state.gene, model=state.model, biosample=state.biosample, mode=state.mode)


def look(question: Question, experiment: Experiment) -> dict[str, Any]:
    """How every figure of a question is drawn."""
    return {"theme": question.theme, "is_simulated": experiment.predictor.study.info.is_simulated}


def shown(
    experiment: Experiment,
    figure: go.Figure,
    table: pd.DataFrame,
    *,
    called: str,
    has_own_height: bool = False,
) -> Shown:
    """A picture of an experiment.

    Args:
      called: the first word of its files' names.
      has_own_height: its place gets as high as the figure is.
    """
    predictor = experiment.predictor
    study, gene = predictor.study, str(experiment.window.gene["gene_name"])
    parts = (called, gene, predictor.biosample, study.info.name, predictor.name, experiment.mode)
    height = f"{figure.layout.height:g}px" if has_own_height else ""
    return Shown(
        figure,
        table=table,
        sources=source_parts(experiment),
        name="_".join(parts),
        is_simulated=study.info.is_simulated,
        height=height,
    )


def source_parts(experiment: Experiment) -> list[str]:
    """Where the numbers come from, for the line under the page."""
    predictor, pairs = experiment.predictor, experiment.scan.pairs
    info = predictor.study.info
    inputs = [
        f"{track.title} {track.source}".removesuffix(" simulated")
        for track in service.tracks_read(experiment.window, info.tracks)
    ]
    references = sorted(set(pairs["reference"].dropna().astype(str))) if len(pairs) else []
    fold = experiment.fold.replace("_", " ")
    return [
        info.assembly_name,
        ", ".join(inputs),
        "CRISPRi " + "; ".join(references[:3]) if references else "",
        f"weights {info.name}/{predictor.name}/{predictor.folder.name}, {fold}",
        "attention is a weight, not an effect",
    ]


def plain_number(value: float) -> float | None:
    """A number for the browser; None = no data."""
    return float(value) if np.isfinite(value) else None
