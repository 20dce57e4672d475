"""A view made whole: what an address leaves out, and what of it cannot be, for every page."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd

from cre_core.errors import CreError, NotAvailable, UnknownName
from cre_core.inference.known import trained_models
from dashboard.services.desk import Experiment, desk_of
from dashboard.services.gene import pair_row
from dashboard.services.library import Library
from dashboard.services.links import methods_of, pairs_of
from dashboard.services.locus import default_view, first_gene, view_of
from dashboard.services.search import remarks_on, walkable
from dashboard.state import ViewState, shortened

if TYPE_CHECKING:
    from cre_core.data.study import Study

NONE = "none"  # in ViewState.methods and .hidden: really none; an empty tuple means the default ones


def complete(library: Library, state: ViewState, wants: Collection[str]) -> tuple[ViewState, list[str]]:
    """The view with its blanks filled, and a line for each thing that had to be changed.

    Study, biosample and gene always are. A gene or place that cannot be is told, and the rest of the view stays; only
    where nothing is left to show is it an error.

    Args:
      wants: `place`: the locus, with methods and pair checked; `model`: the model and mode, for a gene that models
        know, with only such elements and pairs as it has there, and one of them selected.

    Raises:
      UnknownName: no such study; no such gene, and no place to show instead.
      NotAvailable: `model` is wanted, and no model knows the gene, or none of its elements.
    """
    study = library.study(state.study)
    state, notices = _with_biosample(study, state)
    walk, odd = walkable(study, state.walk)
    state, notices = state.with_(walk=walk), [*notices, *odd]
    if "model" in wants:
        return _with_model(library, study, state, notices)
    gene, more = _gene(study, state)
    notices += more
    if "place" in wants:
        return _with_place(study, state, gene, notices)
    return state.with_(gene="" if gene is None else str(gene["gene_name"])), notices


def _with_biosample(study: Study, state: ViewState) -> tuple[ViewState, list[str]]:
    known, asked = study.info.biosamples, state.biosample
    if not asked or asked in known:
        return state.with_(study=study.name, biosample=asked or known[0]), []
    says = f"study {study.name} has no biosample '{shortened(asked)}': this is {known[0]}, of {', '.join(known)}"
    return state.with_(study=study.name, biosample=known[0]), [says]


def _gene(study: Study, state: ViewState) -> tuple[pd.Series | None, list[str]]:
    """The row of the gene, or None; UnknownName for one that is not there where no place is given either."""
    if not state.gene:
        return None, []
    try:
        gene = study.annotated_gene(state.gene)
    except UnknownName as error:
        if not state.locus:
            raise
        return None, [f"{error}: this is the place without a gene"]
    return gene, remarks_on(study, state.gene)


# -- for pages of a place -----------------------------------------------------------------------------------------


def _with_place(
    study: Study, state: ViewState, gene: pd.Series | None, notices: list[str]
) -> tuple[ViewState, list[str]]:
    if gene is None and not state.locus:
        gene = study.annotated_gene(first_gene(study))
    if state.locus:
        try:
            view, remark = view_of(study, state.locus)
            notices += [remark] if remark else []
        except CreError as error:
            gene = study.annotated_gene(first_gene(study)) if gene is None else gene
            notices.append(f"{error}: this is {gene['gene_name']}")
            state = state.with_(locus="")
    if not state.locus:
        assert gene is not None
        view = default_view(study, gene, pairs_of(study, gene["gene_id"], biosample=state.biosample)[0])
    if gene is not None and gene["chrom"] != view.chrom:
        notices.append(f"{gene['gene_name']} is on {gene['chrom']}: choose a gene on {view.chrom} to see its links")
        gene = None
    known = methods_of(study, biosample=state.biosample)
    odd = [method for method in state.methods if method not in (*known, NONE)]
    notices += [
        f"no link method '{shortened(method)}' for {state.biosample} in study {study.name}: not shown"
        for method in odd[:3]
    ]
    state = state.with_(gene=str(gene["gene_name"]) if gene is not None else "", locus=str(view))
    if state.pair and pair_row(study, state) is None:
        whose = f"a measured pair of {state.gene}" if state.gene else "shown without its gene"
        notices.append(f"'{shortened(state.pair)}' is not {whose}: it is not selected")
        state = state.with_(pair="")
    return state, notices


# -- for pages of a model -----------------------------------------------------------------------------------------


def _with_model(library: Library, study: Study, state: ViewState, notices: list[str]) -> tuple[ViewState, list[str]]:
    gene, more = _gene(study, state.with_(locus=""))  # a place cannot stand for a gene here
    notices += more
    if gene is None:
        examples = study.info.example_loci
        name = examples[0].gene_name if examples else str(study.genes["gene_name"].iloc[0])
        gene = study.annotated_gene(name)
    if not gene["is_modelled"]:
        raise NotAvailable(
            f"no model of study {study.name} knows {gene['gene_name']}; the Locus page shows what was measured"
        )
    state = state.with_(gene=str(gene["gene_name"]))
    models = trained_models(study, state.biosample)
    if not models:
        return state.with_(model=""), notices
    if state.model and state.model not in models:
        notices.append(f"no weights of '{shortened(state.model)}' for {state.biosample}; this is {models[0]}")
    state = state.with_(model=state.model if state.model in models else models[0])
    return _with_experiment(library, study, state, notices)


def _with_experiment(
    library: Library, study: Study, state: ViewState, notices: list[str]
) -> tuple[ViewState, list[str]]:
    """A mode that the model has, and of elements and pairs only those that are there."""
    desk = desk_of(library)
    predictor = desk.predictor(study, state.model, biosample=state.biosample)
    if state.mode not in predictor.modes:
        notices.append(f"{predictor.label} has no mode '{state.mode}' here; this is {predictor.modes[0]}")
        state = state.with_(mode=predictor.modes[0])
    experiment = desk.experiment(study, state.gene, model=state.model, biosample=state.biosample, mode=state.mode)
    notices += unknown_lines(experiment, state)
    element, pair = selected(experiment, state)
    strengths = experiment.known_strengths(state.knock_outs)
    return state.with_(knock_outs=tuple(strengths.items()), element=element, pair=pair), notices


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
