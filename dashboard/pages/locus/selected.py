"""What is selected on the locus page: an element, or a measured pair of the gene; and how the figure marks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from cre_core.genome import Locus
from dashboard.figures.locus.stack import band_axis, selection_shapes
from dashboard.services.links import pairs_of
from dashboard.services.places import places_of
from dashboard.state import ViewState
from dashboard.theme import Palette

if TYPE_CHECKING:
    from cre_core.data.study import Study


def element_row(study: Study, state: ViewState) -> pd.Series | None:
    """The selected element with its counts; None when none is selected, or the study has no such element."""
    if not state.element:
        return None
    known = study.elements[study.elements["element_id"] == state.element]
    if not len(known):
        return None
    rows = places_of(study).elements(_place(known.iloc[0]), biosample=state.biosample)
    return rows[rows["element_id"] == state.element].iloc[0]


def pair_row(study: Study, state: ViewState) -> pd.Series | None:
    """The selected measured pair; None when none is selected, or the gene has no such pair."""
    if not state.pair or not state.gene:
        return None
    gene = study.annotated_gene(state.gene)
    pairs, _ = pairs_of(study, str(gene["gene_id"]), biosample=state.biosample)
    found = pairs[pairs["pair_id"] == state.pair]
    return found.iloc[0] if len(found) else None


def selected_shapes(
    study: Study, state: ViewState, chrom: str, *, palette: Palette, figure: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The three shapes that mark what is selected; those of a pair where both are there.

    Args:
      chrom: what the figure shows.
      figure: the one that is marked; without it the browser finds the axis of the CRISPRi band.
    """
    pair = pair_row(study, state)
    selected = pair if pair is not None else element_row(study, state)
    if selected is None or selected["chrom"] != chrom:
        return selection_shapes(None, palette=palette)
    place = (int(selected["start"]), int(selected["end"]))
    axis = band_axis(figure, "crispr") if figure is not None else "y"
    if pair is None or axis is None:
        return selection_shapes(place, palette=palette)
    mark = (sum(place) / 2, round(100.0 * float(pair["effect_fraction"]), 2))
    return selection_shapes(place, mark=mark, axis=axis, palette=palette)


def _place(row: pd.Series) -> Locus:
    return Locus(str(row["chrom"]), int(row["start"]), int(row["end"]))
