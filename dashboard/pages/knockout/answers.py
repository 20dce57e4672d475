"""What the knock-out page says: plain functions from what a person did to numbers, figures and lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from dash import html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from cre_core.errors import NotAvailable
from dashboard.components import shell
from dashboard.figures import knockout as figures
from dashboard.figures.agreement import agreement_figure
from dashboard.pages.knockout.measured import agreement_lines, gene_lines, measured_of
from dashboard.services import desk as service
from dashboard.services.desk import Experiment
from dashboard.services.library import Library
from dashboard.services.models.protocol import ModelsRestarting, Superseded
from dashboard.services.presets import Presets, presets_of
from dashboard.state import MOST_KNOCK_OUTS, ViewState, read_view
from dashboard.text import log2, number, percent, place, points
from dashboard.theme import ThemeName

if TYPE_CHECKING:
    from cre_core.interpretation.perturb import Perturbation


def experiment_of(library: Library, state: ViewState) -> Experiment:
    """The scan behind a view."""
    study = library.study(state.study)
    desk = service.desk_of(library)
    return desk.experiment(study, state.gene, model=state.model, biosample=state.biosample, mode=state.mode)


def unknown_lines(experiment: Experiment, state: ViewState) -> list[str]:
    """At most three lines: the changed elements, the one in focus, and the measured pair, that are not there."""
    inside, gene = set(experiment.scan.table["element_id"]), state.gene
    odd = [element for element, _ in state.knock_outs if element not in inside]
    lines = []
    if odd:
        more = f" and {len(odd) - 1:,} more are no elements" if len(odd) > 1 else " is not an element"
        left = "were" if len(odd) > 1 else "was"
        lines.append(f"'{odd[0]}'{more} of the window around {gene} and {left} left out")
    if state.element and state.element not in inside:
        lines.append(f"'{state.element}' is not an element of this window: nothing is in focus")
    if state.pair and not (experiment.scan.pairs["pair_id"] == state.pair).any():
        lines.append(f"'{state.pair}' is not a measured pair of {gene}: none is selected")
    return lines


def selected(experiment: Experiment, state: ViewState) -> tuple[str, str]:
    """The element in focus and the selected measured pair, one of those over it; `` = none.

    Without either in the view, the element with the strongest predicted effect.
    """
    table, pairs = experiment.scan.table, experiment.scan.pairs
    chosen = pairs[pairs["pair_id"] == state.pair]
    if len(chosen):
        under = chosen["element_ids"].iloc[0]
        return state.element if state.element in under else next(iter(under), ""), state.pair
    if (table["element_id"] == state.element).any():
        return state.element, ""
    return str(table["element_id"].iloc[int(table["single_fraction"].abs().fillna(0).argmax())]), ""


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


def base_of(experiment: Experiment, presets: Presets) -> dict[str, Any]:
    """What the browser needs for estimates, sliders and the table, without asking again."""
    table, scan = experiment.scan.table, experiment.scan
    return {
        "mode": experiment.mode,
        "elements": list(table["element_id"]),
        "distance_bp": [float(value) for value in table["tss_distance_bp"]],
        "single_log2": [_number(value) for value in table["single_log2"]],
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
            "single": _number(row.single_fraction),
            "others": None,
            "isWaiting": True,
            "measured": _number(row.measured_fraction),
            "call": row.measured_call,
            "pair_ids": list(row.pair_ids),
            "attention": _number(row.attention),
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
            "measured": _number(row.effect_fraction),
            "call": row.call,
            "pair_ids": [row.pair_id],
            **nothing,
        }
        for row in pairs[pairs["element_id"] == ""].itertuples()
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def history_of(state: ViewState) -> dict[str, Any]:
    """The history at load: nothing to undo."""
    now = {"knock_outs": [[element, strength] for element, strength in state.knock_outs], "mode": state.mode}
    return {"past": [], "now": now, "future": [], "seq": 0}


def scan(library: Library, look: Mapping[str, Any] | None, view: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a mode and a theme decide, sent once for both: the base, and the figures with nothing changed yet."""
    if not look or not view:
        raise PreventUpdate
    state = read_view(view["state"])[0].with_(mode=look["mode"])
    experiment = experiment_of(library, state)
    theme: ThemeName = look["theme"]
    table, pairs = experiment.scan.table, experiment.scan.pairs
    x_range = figures.first_range(table, pairs)
    after = table["attention"].to_numpy(float)
    given: dict[str, Any] = {"theme": theme, "is_simulated": experiment.predictor.study.info.is_simulated}
    return {
        "mode": look["mode"],
        "base": base_of(experiment, presets_of(library, experiment)),
        "effects": figures.effects_figure(table, pairs, gene_name=state.gene, **given),
        "attention": figures.attention_figure(table, after, x_range=x_range, **given),
        "agreement": agreement_figure(pairs, **given),
        "agreement_text": agreement_lines(experiment.scan.agreement, experiment.scan.warning),
        "gene_text": gene_lines(experiment),
        "focus_line": figures.focus_line(0.0, theme=theme),
        "rings": {"effects": figures.ring(yref="y2", theme=theme), "agreement": figures.ring(yref="y", theme=theme)},
    }


def answer(
    library: Library, history: Mapping[str, Any] | None, tab: str, view: Mapping[str, Any] | None
) -> tuple[Any, Any]:
    """The exact answer to the newest change: its numbers and marks, with the number of the change it answers.

    Returns:
      The answer, and no reason to wait; or no answer yet, and the line to show until the same is asked again: the
      process that holds the models ended meanwhile.
    """
    if not history or not view:
        raise PreventUpdate
    try:
        experiment, strengths = _asked(library, history, view)
        result = service.run_knock_out(experiment, strengths, client=tab, sequence=history["seq"])
    except Superseded as error:
        raise PreventUpdate from error
    except ModelsRestarting as error:
        return no_update, {"seq": history["seq"], "text": str(error)}
    found = {
        "seq": history["seq"],
        "changed": figures.changed_marks(experiment.scan.table, strengths),
        "attention": figures.attention_change(experiment.scan.table, result.attention_after),
        "done": done_line(experiment, strengths),
        **headline(experiment, result),
    }
    return found, None


def _asked(
    library: Library, history: Mapping[str, Any], view: Mapping[str, Any]
) -> tuple[Experiment, dict[str, float]]:
    state = read_view(view["state"])[0].with_(mode=history["now"]["mode"])
    experiment = experiment_of(library, state)
    return experiment, experiment.known_strengths(history["now"]["knock_outs"])


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
        "fraction": _number(fraction),
        "log2_fold_change": _number(result.log2_fold_change),
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


def context(
    library: Library, asked: Mapping[str, Any] | None, history: Mapping[str, Any], view: Mapping[str, Any]
) -> dict[str, Any]:
    """What follows an answer: what each element still does with the others changed, and the neighbouring genes."""
    if not asked or asked["seq"] != history["seq"]:
        raise PreventUpdate
    experiment, strengths = _asked(library, history, view)
    others = experiment.with_others(strengths)
    text = neighbours_line(experiment, strengths)
    return {"seq": history["seq"], "others": [_number(value) for value in others], "neighbours": text}


def neighbours_line(experiment: Experiment, strengths: Mapping[str, float]) -> str:
    """What the same change does to the neighbouring genes, or why nothing is known of them."""
    if not strengths:
        return "nothing changed"
    try:
        near = service.neighbours(experiment, strengths)
    except NotAvailable as error:
        return str(error)
    effects = [f"{row.gene_name} {percent(row.effect_fraction)}" for row in near.itertuples()]
    return ", ".join(effects) or "no neighbouring gene sees the same elements"


def moved(
    view: Mapping[str, Any],
    history: Mapping[str, Any],
    element: str | None,
    pair: str | None = "",
    panel: str = "elements",
    kept: Mapping[str, Any] | None = None,
    truth: str = "gene",
    base_method: str = "gradient_x_input",
) -> dict[str, object]:
    """The view after a change, for the address."""
    now = history["now"]
    pairs = tuple((name, float(strength)) for name, strength in now["knock_outs"])[:MOST_KNOCK_OUTS]
    rest = {"panel": panel, "truth": truth, "base_method": base_method, **(kept or {})}
    state = read_view({**view["state"], **rest})[0]
    return shell.view_data(state.with_(knock_outs=pairs, mode=now["mode"], element=element or "", pair=pair or ""))
