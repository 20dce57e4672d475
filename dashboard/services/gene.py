"""The chosen gene with all that is known of its links, and what is selected around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from cre_core.genome import Locus
from dashboard.services.library import Library
from dashboard.services.links import links_of, pairs_of
from dashboard.services.places import places_of
from dashboard.state import ViewState

if TYPE_CHECKING:
    from cre_core.data.study import Study


@dataclass(frozen=True)
class Gene:
    """The chosen gene with all that is known of its links.

    Attributes:
      row: of `Study.annotated_genes`.
      links: method -> schema.LINKS, in the order shown.
      pairs: its measured pairs, with `call`.
      note: one line about them, or empty.
      problems: method -> one line why it has no links here.
    """

    row: pd.Series
    links: Mapping[str, pd.DataFrame]
    pairs: pd.DataFrame
    note: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The gene's name."""
        return str(self.row["gene_name"])

    @property
    def tss(self) -> int:
        """Its TSS, 0-based."""
        return int(self.row["tss"])

    @property
    def is_modelled(self) -> bool:
        """Whether models know the gene; of one that is annotated only, simple methods and the screen speak."""
        return bool(self.row["is_modelled"])


def gene_of(library: Library, study: Study, state: ViewState, methods: Sequence[str]) -> Gene | None:
    """The chosen gene with its links by some methods and its measured pairs; None when no gene is chosen."""
    if not state.gene:
        return None
    row = study.annotated_gene(state.gene)
    known_as = str(row["gene_id"] or row["gene_name"])  # of some annotated genes only the name is known
    links, problems = links_of(library, study, known_as, biosample=state.biosample, methods=methods)
    pairs, note = pairs_of(study, str(row["gene_id"]), biosample=state.biosample)
    return Gene(row, links, pairs, note if len(pairs) else "", problems)


def element_row(study: Study, state: ViewState) -> pd.Series | None:
    """The selected element with its counts; None when none is selected, or the study has no such element."""
    if not state.element:
        return None
    known = study.elements[study.elements["element_id"] == state.element]
    if not len(known):
        return None
    first = known.iloc[0]
    place = Locus(str(first["chrom"]), int(first["start"]), int(first["end"]))
    rows = places_of(study).elements(place, biosample=state.biosample)
    return rows[rows["element_id"] == state.element].iloc[0]


def pair_row(study: Study, state: ViewState) -> pd.Series | None:
    """The selected measured pair; None when none is selected, or the gene has no such pair."""
    if not state.pair or not state.gene:
        return None
    gene = study.annotated_gene(state.gene)
    pairs, _ = pairs_of(study, str(gene["gene_id"]), biosample=state.biosample)
    found = pairs[pairs["pair_id"] == state.pair]
    return found.iloc[0] if len(found) else None
