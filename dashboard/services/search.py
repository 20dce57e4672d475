"""What the search box means: a gene, a place, an element, or a list of them; and up to eight suggestions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.errors import BadInput, CreError, UnknownName
from cre_core.genome import Locus, is_place
from cre_core.io.text import shown
from dashboard.state import MOST_WALK
from dashboard.text import element_name

SHOWN = 8
ELEMENT_VIEW_BP = 50_000  # around an element or one base
NOTHING_CHOSEN = (("element", ""), ("pair", ""))
LEAST_ELEMENT_TEXT = 3
Changes = tuple[tuple[str, str | tuple[str, ...]], ...]
# Between the names of a list; a comma before three digits parts thousands.
_BETWEEN = re.compile(r"[\n\r;]+|,(?![0-9]{3}(?![0-9]))")


@dataclass(frozen=True)
class Hit:
    """One thing found.

    Attributes:
      kind: what it is.
      text: its name.
      note: where it is, and by which other name it was found.
      changes: what opening it changes in the view: fields of ViewState.
      names: every name it goes by.
      is_modelled: of a gene: whether a model knows it; one that none knows opens on the Locus page only.
    """

    kind: Literal["gene", "place", "element", "list"]
    text: str
    note: str
    changes: Changes
    names: tuple[str, ...] = ()
    is_modelled: bool = True

    @property
    def walk_name(self) -> str:
        """How a list calls it: without commas, and the same thing again when it is asked for."""
        return self.names[0].replace(",", "") if self.kind == "place" else self.names[0]


def suggestions(study: Study, text: str, *, chrom: str | None = None) -> list[Hit]:
    """Up to eight things the text may mean, the likeliest first; none when it means nothing yet.

    Args:
      chrom: where a place is that names no chromosome (`127.5-128Mb`).
    """
    text = text.strip()
    if not text:
        return []
    found = [*_genes(study, text, SHOWN), *_elements(study, text, SHOWN)]
    with suppress(CreError):  # not a place yet, or no list of anything
        if is_place(text) or _is_chromosome(study, text):
            found.insert(0, _element_named(study, text, chrom) or _place(study, text, chrom))
        elif len(parts := _parts(text)) > 1 and not found:
            found = [_list(study, parts, chrom)]
    found = found or [_gene_hit(study, row, note="did you mean this?") for row in study.other_names.close(text)]
    return list({(hit.kind, hit.text): hit for hit in found}.values())[:SHOWN]


def resolve(study: Study, text: str, *, chrom: str | None = None) -> Hit:
    """The one thing the text means; of a list the first thing that means any, and all names to walk.

    Args:
      chrom: where a place is that names no chromosome (`127.5-128Mb`).

    Raises:
      BadInput: an empty text, a place that cannot be, or past the chromosome's end; another name of several genes.
      UnknownName: no gene and no element of that name; close names are proposed.
    """
    text = text.strip()
    if not text:
        raise BadInput("the search box is empty; wanted a gene, a place such as chr8:1,000-2,000, or an element")
    is_one = is_place(text) or bool(study.genes_named(text).rows)
    parts = [text] if is_one else _parts(text)
    return _one(study, text, chrom) if len(parts) < 2 else _list(study, parts, chrom)


def walkable(study: Study, walk: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The names of a list that mean something in a study, and a line about those that do not."""
    odd = [name for name in walk if _found(study, name, None) is None]
    if not odd:
        return tuple(walk), []
    named = ", ".join(shown(name) for name in odd[:3]) + (", ..." if len(odd) > 3 else "")
    line = f"{len(odd)} of the {len(walk)} names of the list mean nothing in study {study.name}: {named}"
    return tuple(name for name in walk if name not in odd), [line]


def remarks_on(study: Study, gene: str) -> list[str]:
    """What to know of a gene that was asked for: whose other name that was, and that no model knows it.

    Raises:
      UnknownName, BadInput: as `Study.annotated_gene`.
    """
    known = study.annotated_gene(gene)
    unmodelled = f"no model of study {study.name} knows {known['gene_name']}; what was measured is shown"
    return [line for line in (study.gene_remark(gene), "" if known["is_modelled"] else unmodelled) if line]


def current_chrom(study: Study, locus: str, gene: str) -> str | None:
    """The chromosome that a view shows: of its place, else of its gene; None where it shows neither."""
    try:
        return Locus.parse(locus, study.assembly).chrom if locus else str(study.annotated_gene(gene)["chrom"])
    except CreError:
        return None


def _one(study: Study, text: str, chrom: str | None) -> Hit:
    own = study.genes_named(text)
    if own.rows and not own.other_name:
        return _gene_hit(study, own.rows[0])
    if element := _element_named(study, text, chrom):
        return element
    if is_place(text) or _is_chromosome(study, text):
        return _place(study, text, chrom)
    begun = [*_genes(study, text, 2), *_elements(study, text, 2)]
    if len(begun) == 1 and not own.rows:
        return begun[0]
    study.annotated_gene(text)  # or its line about what is not there
    return _gene_hit(study, own.rows[0], other_name=own.other_name)


def _found(study: Study, text: str, chrom: str | None) -> Hit | None:
    try:
        return _one(study, text, chrom)
    except CreError:
        return None


# -- lists ---------------------------------------------------------------------------------------------------------


def _parts(text: str) -> list[str]:
    """The names of a list: between commas, semicolons or lines; else, where it is no place, between blanks."""
    pieces = [piece.strip() for piece in _BETWEEN.split(text)]
    names = [name for piece in pieces for name in ([piece] if is_place(piece) else piece.split())]
    return [name for name in names if re.search(r"\w", name)]


def _list(study: Study, parts: Sequence[str], chrom: str | None) -> Hit:
    """The first name that means something, with the whole list to walk; what means nothing, the page will say."""
    parts = list(dict.fromkeys(parts))
    kept = parts[:MOST_WALK]
    hits = [_found(study, part, chrom) for part in kept]
    first = next((hit for hit in hits if hit is not None), None)
    if first is None:
        named = ", ".join(shown(part) for part in kept[:3]) + (", ..." if len(kept) > 3 else "")
        raise UnknownName(f"no gene, place or element of study {study.name} among the {len(parts):,} names: {named}")
    walk = tuple(hit.walk_name if hit else part for hit, part in zip(hits, kept, strict=True))
    n_odd = hits.count(None)
    note = f"{len(parts):,} names" + (f", the first {MOST_WALK} are kept" if len(parts) > MOST_WALK else "")
    note += f", {n_odd} of them unknown" if n_odd else ""
    return replace(first, kind="list", note=note, changes=(*first.changes, ("walk", tuple(dict.fromkeys(walk)))))


# -- places --------------------------------------------------------------------------------------------------------


def _is_chromosome(study: Study, text: str) -> bool:
    try:
        study.assembly.chrom(text)
    except CreError:
        return False
    return True


def _place(study: Study, text: str, chrom: str | None) -> Hit:
    """A place as it is; around one base there is more to see. A view that is too wide, the page makes narrower."""
    locus = Locus.parse(text, study.assembly, chrom=chrom)
    view = locus if locus.width_bp > 1 else locus.resized(ELEMENT_VIEW_BP, study.assembly)
    note = study.info.assembly_name
    if locus.width_bp == study.assembly.size(locus.chrom):
        note = f"{locus.chrom}, {locus.width_bp:,} bases of {note}"
    return Hit("place", str(locus), note, (("locus", str(view)), *NOTHING_CHOSEN), (str(locus),))


# -- genes ---------------------------------------------------------------------------------------------------------


def _genes(study: Study, text: str, most: int) -> list[Hit]:
    """Genes by name or id: the very name first, then names that begin so, then names that hold the text."""
    index, wanted = _gene_index(study), text.upper()
    asked = study.genes_named(text)
    hits = [_gene_hit(study, row, other_name=asked.other_name) for row in asked.rows]
    begins = index["upper"].str.startswith(wanted) | index["upper_id"].str.startswith(wanted)
    inside = index["upper"].str.contains(wanted, regex=False)
    others = [*index.index[begins], *index.index[inside & ~begins]]
    return [*hits, *(_gene_hit(study, row) for row in others[: most + 1] if row not in asked.rows)][:most]


def _gene_hit(study: Study, row: int, *, other_name: str = "", note: str = "") -> Hit:
    """A gene; asked for by another name, the address keeps that name, and the page says whose it is."""
    gene = study.annotated_genes.iloc[row]
    name, body = str(gene["gene_name"]), Locus(gene["chrom"], int(gene["start"]), int(gene["end"]))
    is_modelled = bool(gene["gene_id"] in _modelled(study))  # also under another name
    is_other = other_name not in ("", name)
    notes = [f"{other_name} is {name}" if is_other else "", note, str(body), "" if is_modelled else "no model"]
    changes: Changes = (
        ("gene", other_name if is_other else name),
        ("locus", ""),
        *NOTHING_CHOSEN,
        ("knock_outs", ()),
    )
    return Hit(
        "gene", name, " · ".join(filter(None, notes)), changes, (name, str(gene["gene_id"])), is_modelled=is_modelled
    )


@lru_cache(maxsize=8)
def _modelled(study: Study) -> frozenset[str]:
    return frozenset(study.genes["gene_id"])


@lru_cache(maxsize=8)
def _gene_index(study: Study) -> pd.DataFrame:
    """Every gene's name in capitals, by its row among the annotated ones; short names first: MYC before MYCN."""
    genes = study.annotated_genes.drop_duplicates("gene_name")
    index = pd.DataFrame(
        {"upper": genes["gene_name"].astype(str).str.upper(), "upper_id": genes["gene_id"].astype(str).str.upper()}
    )
    return index.iloc[index["upper"].str.len().argsort(kind="stable")]


# -- elements ------------------------------------------------------------------------------------------------------


def _elements(study: Study, text: str, most: int) -> list[Hit]:
    """Elements whose id begins so."""
    if len(text) < LEAST_ELEMENT_TEXT:
        return []
    ids, rows = _element_index(study)
    wanted = text.upper()
    first = int(np.searchsorted(ids, wanted))
    near = zip(ids[first : first + most], rows[first : first + most], strict=True)
    return [_element_hit(study, int(row)) for one, row in near if one.startswith(wanted)]


def _element_named(study: Study, text: str, chrom: str | None) -> Hit | None:
    """The element of exactly this place, as it is shown, or of this id."""
    with suppress(CreError):
        if is_place(text):
            place, elements = Locus.parse(text, study.assembly, chrom=chrom), study.elements
            here = (elements["start"].to_numpy() == place.start) & (elements["end"].to_numpy() == place.end)
            for row in np.flatnonzero(here):
                if elements["chrom"].iat[row] == place.chrom:
                    return _element_hit(study, int(row))
    ids, rows = _element_index(study)
    at = int(np.searchsorted(ids, text.upper()))
    return _element_hit(study, int(rows[at])) if at < len(ids) and ids[at] == text.upper() else None


def _element_hit(study: Study, row: int) -> Hit:
    element = study.elements.iloc[row]
    place = Locus(element["chrom"], int(element["start"]), int(element["end"]))
    view = place.resized(max(ELEMENT_VIEW_BP, 3 * place.width_bp), study.assembly)
    name = str(element["element_id"])
    changes: Changes = (("locus", str(view)), ("element", name), ("pair", ""))
    shown_as = element_name(name, place.chrom, place.start, place.end)
    return Hit("element", shown_as, str(element["element_class"]), changes, (name,))


@lru_cache(maxsize=8)
def _element_index(study: Study) -> tuple[np.ndarray, np.ndarray]:
    """(N,) object ids in capitals, in order, and (N,) int64 their rows."""
    ids = study.elements["element_id"].str.upper().to_numpy(object)
    rows = np.argsort(ids, kind="stable")
    return ids[rows], rows
