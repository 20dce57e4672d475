"""What the search box means: a gene, a place or an element, and up to eight suggestions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pandas as pd

from cre_core.data.gene_names import names_of
from cre_core.data.study import Study
from cre_core.errors import BadInput, CreError, UnknownName
from cre_core.genome import Locus, is_place
from cre_core.io.text import shown

SHOWN = 8
ELEMENT_VIEW_BP = 50_000
NOTHING_CHOSEN = (("element", ""), ("pair", ""))
LEAST_ELEMENT_TEXT = 3


@dataclass(frozen=True)
class Hit:
    """One thing found.

    Attributes:
      kind: what it is.
      text: its name.
      note: where it is.
      changes: what opening it changes in the view: fields of ViewState.
      names: every name it goes by.
    """

    kind: Literal["gene", "place", "element"]
    text: str
    note: str
    changes: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()


def suggestions(study: Study, text: str, *, chrom: str | None = None) -> list[Hit]:
    """Up to eight things the text may mean, the likeliest first; none when it means nothing yet.

    Args:
      chrom: where a place is that names no chromosome (`127.5-128Mb`).
    """
    text = text.strip()
    if not text:
        return []
    found = [*_genes(study, text, SHOWN), *_elements(study, text, SHOWN)]
    if is_place(text) or _is_chromosome(study, text):
        with suppress(CreError):  # not a place yet
            found.insert(0, _place(study, text, chrom))
    return found[:SHOWN]


def resolve(study: Study, text: str, *, chrom: str | None = None) -> Hit:
    """The one thing the text means.

    Args:
      chrom: where a place is that names no chromosome (`127.5-128Mb`).

    Raises:
      BadInput: an empty text, a place that cannot be, or past the chromosome's end.
      UnknownName: no gene and no element of that name; close names are proposed.
    """
    text = text.strip()
    if not text:
        raise BadInput("the search box is empty; wanted a gene, a place such as chr8:1,000-2,000, or an element")
    hits = [*_genes(study, text, 1), *_elements(study, text, 1)]
    for hit in hits:
        if {name.upper() for name in hit.names}.intersection(names_of(text)):
            return hit
    if is_place(text) or _is_chromosome(study, text):
        return _place(study, text, chrom)
    if len(hits) == 1 and len(suggestions(study, text)) == 1:
        return hits[0]
    study.annotated_gene(text)
    raise UnknownName(f"study {study.name} has no gene and no element '{shown(text)}'")


def current_chrom(study: Study, locus: str, gene: str) -> str | None:
    """The chromosome that a view shows: of its place, else of its gene; None where it shows neither."""
    try:
        return Locus.parse(locus, study.assembly).chrom if locus else str(study.annotated_gene(gene)["chrom"])
    except CreError:
        return None


def _is_chromosome(study: Study, text: str) -> bool:
    try:
        study.assembly.chrom(text)
    except CreError:
        return False
    return True


def _place(study: Study, text: str, chrom: str | None) -> Hit:
    locus = Locus.parse(text, study.assembly, chrom=chrom)
    return Hit("place", str(locus), study.info.assembly_name, (("locus", str(locus)), *NOTHING_CHOSEN))


def _genes(study: Study, text: str, most: int) -> list[Hit]:
    """Genes by name or id: the very name first, then names that begin so, then names that hold the text."""
    index = _gene_index(study)
    wanted = text.upper()
    names = names_of(text)
    exact = index["upper"].isin(names) | index["upper_id"].isin(names)
    begins = index["upper"].str.startswith(wanted) | index["upper_id"].str.startswith(wanted)
    inside = index["upper"].str.contains(wanted, regex=False)
    order = pd.concat([index[exact], index[begins & ~exact], index[inside & ~begins & ~exact]]).head(most)
    return [_gene_hit(study, row) for _, row in order.iterrows()]


def _gene_hit(study: Study, row: pd.Series) -> Hit:
    body = Locus(row["chrom"], int(row["start"]), int(row["end"]))
    names = (str(row["gene_name"]), str(row["gene_id"]))
    changes = (("gene", names[0]), ("locus", ""), *NOTHING_CHOSEN, ("knock_outs", ""))
    note = str(body) if row["is_modelled"] else f"{body} · no model"
    return Hit("gene", names[0], note, changes, names)


def _elements(study: Study, text: str, most: int) -> list[Hit]:
    if len(text) < LEAST_ELEMENT_TEXT:
        return []
    elements = study.elements
    begins = elements["element_id"].str.upper().str.startswith(text.upper())
    return [_element_hit(study, row) for _, row in elements[begins].head(most).iterrows()]


def _element_hit(study: Study, row: pd.Series) -> Hit:
    place = Locus(row["chrom"], int(row["start"]), int(row["end"]))
    view = place.resized(ELEMENT_VIEW_BP, study.assembly)
    name = str(row["element_id"])
    changes = (("locus", str(view)), ("element", name), ("pair", ""))
    return Hit("element", name, f"{row['element_class']} · {place}", changes, (name,))


@lru_cache(maxsize=8)
def _gene_index(study: Study) -> pd.DataFrame:
    """Every gene with its name in capitals, once per study; short names first, so that MYC stands before MYCN."""
    genes = study.annotated_genes.drop_duplicates("gene_name")
    genes = genes.assign(
        is_modelled=genes["gene_id"].isin(study.genes["gene_id"]),  # also under another name
        upper=genes["gene_name"].astype(str).str.upper(),
        upper_id=genes["gene_id"].astype(str).str.upper(),
    )
    return genes.iloc[genes["upper"].str.len().argsort(kind="stable")].reset_index(drop=True)
