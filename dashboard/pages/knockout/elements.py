"""The tab of the elements: their table, the sliders, the selected measured pair, and the presets."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import html
from dash.development.base_component import Component

from cre_core.evaluation.methods import method_title
from dashboard.components import preset_bar, strength_table
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, plain_number
from dashboard.pages.knockout.pair import measured_of
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.services.presets import MOST_TOP, Presets, presets_of
from dashboard.text import place

ELEMENTS = Exchange("knockout-elements", needs=ABOUT, busy="ko-table")


def layout(presets: Presets) -> list[Component]:
    """Presets, table and sliders."""
    titles = {name: method_title(name) for name in presets.rankings}
    table = html.Div([strength_table.table("ko-table"), strength_table.sliders()], className="ko-bottom")
    return [preset_bar.bar(presets.positives, presets.classes, titles, most=MOST_TOP), table]


def base(library: Library, question: Question) -> Reply:
    """What the browser needs for estimates, sliders and the table, without asking again."""
    experiment = experiment_of(library, question.state)
    return Reply(data=base_of(experiment, presets_of(library, experiment)))


def base_of(experiment: Experiment, presets: Presets) -> dict[str, Any]:
    """What the browser needs for estimates, sliders and the table, without asking again."""
    table, scan = experiment.scan.table, experiment.scan
    return {
        "mode": experiment.mode,
        "elements": list(table["element_id"]),
        "distance_bp": [float(value) for value in table["tss_distance_bp"]],
        "single_log2": [plain_number(value) for value in table["single_log2"]],
        "baseline": scan.baseline,
        "log2_per_unit": float(np.log2(experiment.predictor.unit.log_base)),
        "presets": {"positives": presets.positives, "classes": presets.classes, "rankings": presets.rankings},
        "rows": [*rows_of(experiment), *pair_rows_of(experiment)],
        "measured": measured_of(experiment),
    }


def rows_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Rows of the table, every element as measured, with the first of the measured pairs over it."""
    return [
        {
            "element_id": row.element_id,
            "place": place(row.chrom, row.start, row.end),
            "distance_bp": float(row.tss_distance_bp),
            "element_class": row.element_class,
            "strength": 1.0,
            "single": plain_number(row.single_fraction),
            "others": None,
            "isWaiting": True,
            "measured": plain_number(row.measured_fraction),
            "call": row.measured_call,
            "pair_ids": list(row.pair_ids),
            "attention": plain_number(row.attention),
        }
        for row in experiment.scan.table.itertuples()
    ]


def pair_rows_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Rows of the measured pairs under which no element lies: there is nothing to change, and no prediction."""
    pairs = experiment.scan.pairs
    nothing = dict.fromkeys(("strength", "single", "others", "attention"))
    return [
        {
            "element_id": row.pair_id,
            "place": place(row.chrom, row.start, row.end),
            "distance_bp": float(row.tss_distance_bp),
            "element_class": "",
            "measured": plain_number(row.effect_fraction),
            "call": row.call,
            "pair_ids": [row.pair_id],
            **nothing,
        }
        for row in pairs[pairs["element_id"] == ""].itertuples()
    ]
