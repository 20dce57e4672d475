"""Predicted against measured: the pairs of this gene, or of all genes, and how well they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash_mantine_components as dmc
import numpy as np
import pandas as pd
from dash import html
from dash.development.base_component import Component

from cre_core.errors import CreError
from dashboard.components import figure_parts
from dashboard.components.effect_bars import EffectBar, bars
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.components.shown import Shown
from dashboard.figures import kit
from dashboard.figures.agreement import AGREEMENT_PX, agreement_figure
from dashboard.pages.knockout.experiment import ABOUT, experiment_of, look, shown
from dashboard.pages.knockout.tables import pairs_data
from dashboard.services.desk import Experiment
from dashboard.services.every_pair import every_pair
from dashboard.services.library import Library
from dashboard.state import ViewState
from dashboard.text import number, percent, share
from dashboard.theme import TRUTH

if TYPE_CHECKING:
    from cre_core.evaluation.agreement import Agreement, Sizes

FIGURE_ID, TEXT_ID = "ko-agreement", "ko-agreement-text"
AGREEMENT = Exchange("knockout-agreement", needs=(*ABOUT, "truth", "theme"), busy="ko-wait-truth")
FEW = 100  # of fewer, a share is told as a count


def layout(state: ViewState) -> Component:
    """The switch between this gene and all, the scatter, and the numbers under it."""
    choices = [{"value": "gene", "label": "this gene"}, {"value": "all", "label": "all genes"}]
    switch = dmc.SegmentedControl(id="ko-truth", data=choices, value=state.truth, size="xs")
    wait = html.Span("computing …", id="ko-wait-truth", className="ko-wait")
    return html.Div(
        [
            html.Div("Predicted against measured", className="ko-side-title"),
            html.Div([switch, wait], className="ko-truth"),
            figure_parts.figure(FIGURE_ID, height_px=AGREEMENT_PX),
            html.Div(id=TEXT_ID),
        ],
        className="ko-side",
    )


def compare(library: Library, question: Question) -> Reply:
    """The scatter with its numbers; of all genes the one on display is marked."""
    experiment = experiment_of(library, question.state)
    return _all_genes(library, question, experiment) if question.state.truth == "all" else _gene(question, experiment)


def _gene(question: Question, experiment: Experiment) -> Reply:
    pairs, scan = experiment.scan.pairs, experiment.scan
    return _reply(question, experiment, pairs, gene_name="", text=agreement_lines(scan.agreement, scan.warning))


def _all_genes(library: Library, question: Question, experiment: Experiment) -> Reply:
    try:
        found = every_pair(library, experiment.predictor, mode=experiment.mode)
    except CreError as error:
        nothing = Shown(None, missing={"pairs of all genes": str(error)})
        return Reply(shown={FIGURE_ID: nothing}, sets={TEXT_ID: {"children": str(error)}})
    pairs, gene_name = with_selectable(found.pairs, experiment), question.state.gene
    text = all_genes_lines(found.agreement, gene_name)
    return _reply(question, experiment, pairs, gene_name=gene_name, text=text)


def _reply(
    question: Question, experiment: Experiment, pairs: pd.DataFrame, *, gene_name: str, text: list[Component]
) -> Reply:
    figure = agreement_figure(pairs, gene_name=gene_name, **look(question, experiment))
    figure.update_layout(meta={"ring": kit.ring(yref="y", theme=question.theme)})
    called = "predicted-against-measured" + ("-all-genes" if gene_name else "")
    picture = shown(experiment, figure, pairs_data(experiment, pairs), called=called)
    return Reply(shown={FIGURE_ID: picture}, sets={TEXT_ID: {"children": text}})


# -- in words -----------------------------------------------------------------------------------------------------


def agreement_lines(agreement: Agreement, warning: str) -> list[Component]:
    """The numbers under the scatter, each with its n and interval, or the reason there is none."""
    lines = []
    if np.isfinite(agreement.spearman[0]):
        lines.append(f"Spearman {with_interval(agreement.spearman)}, n = {agreement.n:,}")
    if np.isfinite(agreement.average_precision[0]):
        rate = f"prevalence {number(agreement.prevalence)}"
        lines.append(f"AP {with_interval(agreement.average_precision)}, {rate}")
    lines += [text for text in (agreement.reason, warning) if text]
    children: list[Component] = [html.Div(text, className="ko-side-text") for text in lines]
    if agreement.n_without_element:
        text, hint = f"{agreement.n_without_element:,} pairs have no prediction", "the model reads no element there"
        children.append(html.Div(text, className="ko-side-text", title=hint))
    if agreement.sizes is not None:
        children += size_lines(agreement.sizes)
    return [*children, html.Div("Only s = 0 compares with CRISPRi.", className="ko-faint")]


def size_lines(sizes: Sizes) -> list[Component]:
    """How large the predictions for the positives are, beside what was measured."""
    medians = [
        EffectBar(label, values[0], percent(values[0]), interval_text(values), colour)
        for label, values, colour in (
            ("measured", sizes.median_measured, TRUTH["significant"]),
            ("predicted", sizes.median_predicted, ""),
        )
    ]
    title = f"median of the {sizes.n} positives" if sizes.n > 1 else "the one positive"
    texts = [(f"{share_of(sizes.felt[0], sizes.n)} predicted to lose 5 % or more", interval_text(sizes.felt))]
    texts.append((f"{share_of(sizes.wrong_sign[0], sizes.n)} with the wrong sign", interval_text(sizes.wrong_sign)))
    if 0 < sizes.n_far < sizes.n:
        far = f"beyond 25 kb {share_of(sizes.wrong_sign_far[0], sizes.n_far)}"
        texts.append((far, interval_text(sizes.wrong_sign_far)))
    if np.isfinite(sizes.spearman[0]):
        texts.append((f"Spearman among them {with_interval(sizes.spearman)}", ""))
    return [bars(title, medians), *(html.Div(text, className="ko-side-text", title=hint) for text, hint in texts)]


def share_of(fraction: float, n: int) -> str:
    """A share of n as people take it: 3 of 9, or 28 % of 235."""
    if n < FEW:
        return f"{round(fraction * n)} of {n}"
    return f"{share(fraction)} of {n}"


def interval_text(values: tuple[float, float, float]) -> str:
    """The 95 % interval of a fraction, for a pointer; `` where there is none."""
    low, high = values[1:]
    return f"95 % interval {percent(low)} to {percent(high)}" if np.isfinite(low) else ""


def with_interval(values: tuple[float, float, float]) -> str:
    """A value with its 95 % interval where there is one."""
    value, low, high = (number(one) for one in values)
    return f"{value} [{low}, {high}]" if np.isfinite(values[1]) else value


# -- all genes ----------------------------------------------------------------------------------------------------


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


def all_genes_lines(agreement: Agreement, gene_name: str) -> list[Component]:
    """The numbers under the scatter of all genes."""
    note = f"{agreement.n_genes:,} genes, intervals over genes; outlined: {gene_name}"
    return [*agreement_lines(agreement, ""), html.Div(note, className="ko-faint")]
