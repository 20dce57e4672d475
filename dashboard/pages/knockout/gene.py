"""The gene under this model: how far the level is off, which way elements push, what distance does."""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from dashboard.components.effect_bars import EffectBar, bars
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.pages.knockout.agreement import share_of
from dashboard.pages.knockout.experiment import ABOUT, experiment_of
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.text import number, percent

GENE = Exchange("knockout-gene", needs=ABOUT)
DOING = {"mask": "masking", "silence": "silencing", "scramble": "scrambling"}


def layout(gene_name: str) -> Component:
    """The place of the text."""
    title = html.Div(f"{gene_name} under this model", className="ko-side-title")
    return html.Div([title, html.Div(id="ko-gene-text")], className="ko-side")


def tell(library: Library, question: Question) -> Reply:
    """The text."""
    return Reply(sets={"ko-gene-text": {"children": gene_lines(experiment_of(library, question.state))}})


def gene_lines(experiment: Experiment) -> list[Component]:
    """What the model says of the whole gene: its level, which way elements push, and what distance does."""
    unit, scan = experiment.predictor.unit.text, experiment.scan
    both = f"predicted {number(scan.baseline)}, measured {number(scan.observed)} {unit}"
    texts = [(level_line(experiment), both), (rising_line(experiment), "each element alone")]
    together = [
        EffectBar(
            f"{row.subset} ({row.n_elements})",
            row.effect_fraction,
            percent(row.effect_fraction) if row.n_read else "none read" if row.n_elements else "",
            f"{row.n_elements} elements {row.subset} from the TSS; the model reads {row.n_read}",
        )
        for row in scan.by_distance.itertuples()
    ]
    return [
        *(html.Div(text, className="ko-side-text", title=hint) for text, hint in texts if text),
        html.Div(bars("all out together, by distance (n)", together), title="the gene's own promoter stays"),
    ]


def level_line(experiment: Experiment) -> str:
    """How far the predicted level is off the measured one, where that is twice or more."""
    scan = experiment.scan
    log2 = float(experiment.predictor.unit.log2_fold_change(np.array(scan.observed), np.array(scan.baseline)))
    if not abs(log2) >= 1:  # also where nothing was measured
        return ""
    times = 2.0 ** abs(log2)
    return f"level predicted {number(times)} times too {'low' if log2 < 0 else 'high'}"


def rising_line(experiment: Experiment) -> str:
    """The share of elements whose loss alone is predicted to raise expression; `` where the model reads none."""
    scan = experiment.scan
    n = int(scan.table["single_fraction"].notna().sum())
    return f"{DOING[experiment.mode]} raises expression for {share_of(scan.rising, n)} elements" if n else ""
