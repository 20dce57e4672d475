"""The head of the page: the exact answer to what is changed now, and the tools that change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
import numpy as np
from dash import html
from dash.development.base_component import Component

from cre_core.models.registry import model_title
from dashboard.components.attributes import data
from dashboard.components.exchange import AskAgain, Exchange, Outdated, Question, Reply
from dashboard.figures import knockout as figures
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, plain_number
from dashboard.services import desk as service
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.services.models.protocol import ModelsRestarting, Superseded
from dashboard.state import ViewState
from dashboard.text import log2, number, percent, points

if TYPE_CHECKING:
    from cre_core.interpretation.perturb import Perturbation

ANSWER = Exchange("knockout-answer", needs=(*ABOUT, "knock_outs"))


def layout(experiment: Experiment, state: ViewState, models: Sequence[str]) -> Component:
    """The numbers, and the tools."""
    unit = experiment.predictor.unit.text
    numbers = html.Span(
        [html.Span(id="ko-before"), html.Span(" → "), html.Span(id="ko-after")], className="ko-numbers"
    )
    track = html.Span(
        html.Span(id="ko-bar", className="ko-bar"), className="ko-track", title="0 to twice the baseline"
    )
    change = html.Span(id="ko-change", className="ko-change")
    result = [
        numbers,
        html.Span(unit, className="ko-unit"),
        change,
        track,
        html.Span("asking the model …", id="ko-kind", className="ko-kind"),
    ]
    return html.Div(
        [
            html.Div(f"Predicted expression of {state.gene}", className="ko-title"),
            _tools(experiment, state, models),
            html.Div(
                [*result, html.Span(id="ko-independent", className="ko-independent")],
                id="ko-result",
                className="ko-result ko-same",
            ),
            html.Div(id="ko-done", className="ko-done"),
        ],
        className="ko-head",
    )


def _tools(experiment: Experiment, state: ViewState, models: Sequence[str]) -> Component:
    predictor = experiment.predictor
    modes = [{"value": mode, "label": mode} for mode in predictor.modes]
    mode = dmc.SegmentedControl(id="ko-mode", data=modes, value=experiment.mode, size="xs")
    definitions = "\n".join(predictor.mode_text(mode) for mode in predictor.modes)
    other = [
        html.A(
            model_title(name),
            href=state.with_(model=name).url("/knockout"),
            className="ko-button",
            **data(ko_model=name),
        )
        for name in models
        if name != state.model
    ]
    buttons = [
        html.Button(text, id=identity, className="ko-button", disabled=True)
        for identity, text in (("ko-undo", "↶ undo"), ("ko-redo", "↷ redo"), ("ko-reset", "reset"))
    ]
    return html.Div([*other, html.Span(mode, title=definitions), *buttons], className="ko-tools")


def answer(library: Library, question: Question) -> Reply:
    """The exact answer to the newest change: its numbers, and what it moves in the figures.

    Raises:
      Outdated: a newer change of the same page took its place. AskAgain: the process that holds the models ended
        meanwhile, and starts again.
    """
    experiment = experiment_of(library, question.state)
    strengths = experiment.known_strengths(question.state.knock_outs)
    try:
        result = service.run_knock_out(experiment, strengths, client=question.asker, sequence=question.number)
    except Superseded as error:
        raise Outdated from error
    except ModelsRestarting as error:
        raise AskAgain(str(error)) from error
    data = {
        "changed": figures.changed_marks(experiment.scan.table, strengths),
        "attention": figures.attention_change(experiment.scan.table, result.attention_after),
        **headline(experiment, result),
    }
    return Reply(sets={"ko-done": {"children": done_line(experiment, strengths)}}, data=data)


def headline(experiment: Experiment, result: Perturbation) -> dict[str, Any]:
    """Before, after and change, as printed."""
    fraction, strengths = result.effect_fraction, result.strengths
    is_between = any(0.0 < strength < 1.0 for strength in strengths.values())
    spread = ""
    if np.isfinite(result.spread_log2):
        spread = f" ± {number(result.spread_log2)}, SD over shuffles"
    change = f"{percent(fraction)} (log2 FC {log2(result.log2_fold_change)}{spread})"
    return {
        "before": number(result.before),
        "after": number(result.after),
        "change": change if strengths else "nothing changed",
        "fraction": plain_number(fraction),
        "log2_fold_change": plain_number(result.log2_fold_change),
        "look": "same" if not strengths else "decrease" if fraction < 0 else "increase",
        "kind": "" if not strengths else "exact, interpolated" if is_between else "exact",
        "independent": independent_line(experiment, strengths, fraction),
    }


def independent_line(experiment: Experiment, strengths: Mapping[str, float], fraction: float) -> str:
    """What independent elements would have done together, and the interaction in points; or why there is none."""
    if not strengths:
        observed = experiment.scan.observed
        return f"observed {number(observed)}" if np.isfinite(observed) else ""
    if len(strengths) < 2:
        return ""
    expected, reason = experiment.expected_fraction(strengths)
    if reason:
        return reason
    return f"if independent {percent(expected)} · interaction {points(fraction - expected)}"


def done_line(experiment: Experiment, strengths: Mapping[str, float]) -> list[Any]:
    """What was done: how many elements, by which model, fold and mode, and whether the gene was in training."""
    predictor, gene = experiment.predictor, experiment.window.gene
    n_out = sum(strength == 0.0 for strength in strengths.values())
    n_weak = len(strengths) - n_out
    parts = [f"{n_out} element{'s' if n_out != 1 else ''} knocked out" if n_out or not n_weak else ""]
    parts.append(f"{n_weak} weakened (interpolated)" if n_weak else "")
    fold = experiment.fold.replace("_", " ")
    seen: Component | str = f"{gene['chrom']} never seen in training"
    if experiment.is_leaked:
        seen = html.Span(f"{gene['gene_name']} WAS in training", className="ko-warn")
    text = " · ".join(part for part in parts if part)
    return [f"{text} · {predictor.label}, {fold} (", seen, f") · {predictor.mode_text(experiment.mode)}"]
