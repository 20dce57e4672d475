"""What the tabs of the knock-out page say: plain functions from what a tab asks to figures and lines of text.

Each answer carries the question, so that a late one is not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from dash import html
from dash.exceptions import PreventUpdate

from cre_core.errors import CreError
from cre_core.models.registry import model_title
from dashboard.components import snapshot_list
from dashboard.figures import knockout as figures
from dashboard.figures.agreement import agreement_figure
from dashboard.figures.logo import logo_figure
from dashboard.figures.model_panels import ModelRow, model_panels_figure
from dashboard.figures.pair_matrix import pair_matrix
from dashboard.pages.knockout.answers import experiment_of
from dashboard.pages.knockout.measured import agreement_lines, with_interval
from dashboard.services import bases as base_service
from dashboard.services.desk import Experiment, desk_of
from dashboard.services.element_pairs import element_pairs, paired_elements
from dashboard.services.every_pair import every_pair
from dashboard.services.library import Library
from dashboard.services.model_panels import ModelPanel, model_panels
from dashboard.services.snapshots import SnapshotEffect, snapshot_effects
from dashboard.state import ViewState, read_view
from dashboard.text import log2, number, percent, place, points

if TYPE_CHECKING:
    from cre_core.evaluation.agreement import Agreement

Ask = Mapping[str, Any]


def _asked(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> tuple[ViewState, Experiment]:
    if not ask or not view:
        raise PreventUpdate
    state = read_view(view["state"])[0].with_(mode=ask.get("mode", "mask"))
    return state, experiment_of(library, state)


def _look(ask: Ask, experiment: Experiment) -> dict[str, Any]:
    return {"theme": ask["theme"], "is_simulated": experiment.predictor.study.info.is_simulated}


# -- models -------------------------------------------------------------------------------------------------------


def models(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same single knock-outs under every model of the biosample."""
    state, experiment = _asked(library, ask, view)
    assert ask is not None
    study, scan = experiment.predictor.study, experiment.scan
    panels = model_panels(desk_of(library), study, state.gene, biosample=state.biosample, mode=experiment.mode)
    figure = model_panels_figure(
        [ModelRow(panel.model, panel.label, model_note(panel), panel.table) for panel in panels],
        scan.pairs,
        x_range=figures.first_range(scan.table, scan.pairs),
        gene_name=state.gene,
        **_look(ask, experiment),
    )
    return {"ask": ask, "figure": figure, "height": figure.layout.height, "line": _line(ask)}


def _line(ask: Ask) -> dict[str, object]:
    return figures.focus_line(0.0, theme=ask["theme"])


def model_note(panel: ModelPanel) -> str:
    """Behind a model's name: how it agrees with the screen of this gene, or why there are no bars."""
    if panel.table is None or panel.agreement is None:
        return panel.reason
    found, n_read = panel.agreement, int(panel.table["single_log2"].notna().sum())
    parts = [f"{n_read} elements"]
    if np.isfinite(found.spearman[0]):
        parts.append(f"Spearman {with_interval(found.spearman)}")
    if np.isfinite(found.average_precision[0]):
        parts.append(f"AP {with_interval(found.average_precision)}, prevalence {number(found.prevalence)}")
    parts.append(f"n = {found.n}" if np.isfinite(found.spearman[0]) else found.reason)
    return " · ".join([*parts, *(["<b>in training</b>"] if panel.is_leaked else [])])


# -- pairs --------------------------------------------------------------------------------------------------------


def pairs(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> dict[str, Any]:
    """The matrix of pairs of the elements changed now, or of the strongest."""
    experiment = _asked(library, ask, view)[1]
    assert ask is not None
    strengths = experiment.known_strengths(ask["knock_outs"])
    ids, said = paired_elements(experiment, strengths)
    try:
        table = element_pairs(library, experiment, ids)
    except CreError as error:
        return {"ask": ask, "figure": None, "text": str(error)}
    elements = experiment.scan.table[experiment.scan.table["element_id"].isin(ids)]
    figure = pair_matrix(table, elements, **_look(ask, experiment))
    text = f"Pairs of {said}. Numbers: log2 FC with both out, in italics with one. "
    text += "Interaction: both minus the sum of each alone; below 0: they do more together."
    return {"ask": ask, "figure": figure, "height": figure.layout.height, "text": text}


# -- bases --------------------------------------------------------------------------------------------------------


def bases(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> dict[str, Any]:
    """The bases of the element in focus, by one method; or what it takes to see them."""
    state, experiment = _asked(library, ask, view)
    assert ask is not None
    nothing = {"ask": ask, "figure": None, "is_waiting": False}
    if not base_service.reads_bases(experiment.predictor):
        return {**nothing, "text": without_sequence(library, state, experiment)}
    if not ask["element"]:
        return {**nothing, "text": "choose an element: click a bar or a row"}
    if ask["method"] == base_service.MUTAGENESIS and not ask["run"]:
        text = f"{ask['element']}: every base by the three others, a prediction each; seconds"
        return {**nothing, "text": text, "is_waiting": True}
    try:
        found = base_service.base_scores(library, experiment, ask["element"], ask["method"])
    except CreError as error:
        return {**nothing, "text": str(error)}
    text = bases_line(experiment, found, ask["element"])
    return {**nothing, "figure": _logo(ask, experiment, found, None), "text": text}


def sites(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same figure with motif sites named; the first search on a machine takes long, so it comes after."""
    experiment = _asked(library, ask, view)[1]
    assert ask is not None
    found = base_service.base_scores(library, experiment, ask["element"], ask["method"])
    study = experiment.predictor.study
    try:
        hits = base_service.sites_of(study, found.place, found.reference, element_id=ask["element"])
    except CreError as error:
        return {"ask": ask, "figure": _logo(ask, experiment, found, None, note=str(error))}
    return {"ask": ask, "figure": _logo(ask, experiment, found, hits)}


def _logo(
    ask: Ask,
    experiment: Experiment,
    found: base_service.BaseScores,
    hits: Any,
    *,
    note: str = "looking for motif sites",
) -> Any:
    return logo_figure(
        found.reference, found.score, chrom=found.place.chrom, start=found.place.start, unit=found.unit, sites=hits,
        note="" if hits is not None else note, **_look(ask, experiment),
    )  # fmt: skip


def without_sequence(library: Library, state: ViewState, experiment: Experiment) -> list[Any]:
    """One line: this model reads no sequence, and links to those that do."""
    reading = base_service.models_reading_bases(desk_of(library), experiment.predictor.study, state.biosample)
    links = [html.A(model_title(name), href=state.with_(model=name).url("/knockout")) for name in reading]
    label = f"{experiment.predictor.label} reads no sequence: "
    if not links:
        return [f"{label}no model of {state.biosample} does; `train creator` or `import-weights` makes one"]
    parts: list[Any] = [f"{label}there are no bases to score. With sequence: "]
    for link in links:
        parts += [link, ", "]
    return parts[:-1]


_SAID = {
    "gradient_x_input": "gradient × input: contribution of the base that is there",
    "integrated_gradients": "integrated gradients from zeros",
    "mutagenesis": "mutagenesis: mean effect of the three substitutions; below 0: they lower expression",
}


def bases_line(experiment: Experiment, found: base_service.BaseScores, element_id: str) -> str:
    """Which bases, by which method, model and fold; and by how much contributions miss what they should sum to."""
    where = place(found.place.chrom, found.place.start, found.place.end)
    parts = [f"{element_id}, bases {where}", _SAID[found.method]]
    if found.method == "integrated_gradients":
        missed = f"convergence delta {number(found.convergence_delta)}"
        parts.append(f"{missed} of a change of {number(found.difference)} {found.unit}")
    return " · ".join([*parts, f"{experiment.predictor.label}, {experiment.fold.replace('_', ' ')}"])


# -- snapshots ----------------------------------------------------------------------------------------------------


def snapshots(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> list[Any]:
    """The kept sets of strengths with their effects, and A against B."""
    experiment = _asked(library, ask, view)[1]
    assert ask is not None
    state = read_view({"snapshots": ask["kept"]["snapshots"], "compare": ask["kept"]["compare"]})[0]
    effects = snapshot_effects(experiment, state.snapshots)
    rows = [snapshot_row(effect) for effect in effects]
    unit = experiment.predictor.unit.text
    table = snapshot_list.snapshot_table(rows, state.compare)
    lines = comparison_lines(effects, state.compare) if effects else []
    note = html.Div(f"{experiment.predictor.label}, mode {experiment.mode}, {unit}", className="ko-faint")
    return [table, snapshot_list.comparison(lines), *([note] if effects else [])]


def snapshot_row(effect: SnapshotEffect) -> snapshot_list.SnapshotRow:
    """A snapshot in words."""
    what = [f"{effect.n_out} out"] if effect.n_out else []
    what += [f"{effect.n_weakened} weakened"] if effect.n_weakened else []
    what += [f"{effect.n_unknown} not in this window"] if effect.n_unknown else []
    before, after = number(effect.before), number(effect.after)
    return snapshot_list.SnapshotRow(effect.name, ", ".join(what) or "nothing", before, after, _effect_text(effect))


def _effect_text(effect: SnapshotEffect) -> str:
    return f"{percent(effect.effect_fraction)} (log2 FC {log2(effect.log2_fold_change)})"


def comparison_lines(effects: Sequence[SnapshotEffect], compare: Sequence[str]) -> list[str]:
    """A, B and B minus A; or what is still to be chosen."""
    by_name = {effect.name: effect for effect in effects}
    chosen = [by_name[name] for name in compare if name in by_name]
    if len(chosen) < 2:
        return ["Choose one as A and one as B to see them side by side."]
    lines = [f"{side}  {one.name}: {_effect_text(one)}" for side, one in zip("AB", chosen, strict=True)]
    a, b = chosen
    change, fold = b.effect_fraction - a.effect_fraction, b.log2_fold_change - a.log2_fold_change
    return [*lines, f"B − A: {points(change)}, {log2(fold)} log2"]


# -- all genes ----------------------------------------------------------------------------------------------------


def all_genes(library: Library, ask: Ask | None, view: Mapping[str, Any] | None) -> dict[str, Any]:
    """Every tested pair of the biosample under this model and mode, the gene on display marked."""
    state, experiment = _asked(library, ask, view)
    assert ask is not None
    try:
        found = every_pair(library, experiment.predictor, mode=experiment.mode)
    except CreError as error:
        return {"ask": ask, "figure": None, "text": str(error)}
    table = with_selectable(found.pairs, experiment)
    figure = agreement_figure(table, gene_name=state.gene, **_look(ask, experiment))
    return {"ask": ask, "figure": figure, "text": all_genes_lines(found.agreement, state.gene)}


def with_selectable(pairs: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Pairs of all genes with the `element_id` and `pair_id` of those of the gene on display; `` for other genes."""
    own, gene_id = experiment.scan.pairs, str(experiment.window.gene["gene_id"])
    found = pairs.assign(element_id="", pair_id="")
    rows = (
        pairs[pairs["gene_id"] == gene_id].sort_values("start", kind="stable").index
    )  # as `measured_pairs` has them
    if len(rows) == len(own):  # not where the gene was tested in another biosample only
        found.loc[rows, ["element_id", "pair_id"]] = own[["element_id", "pair_id"]].to_numpy()
    return found


def all_genes_lines(agreement: Agreement, gene_name: str) -> list[Any]:
    """The numbers under the scatter of all genes."""
    note = f"{agreement.n_genes:,} genes, intervals over genes; outlined: {gene_name}"
    return [*agreement_lines(agreement, ""), html.Div(note, className="ko-faint")]
