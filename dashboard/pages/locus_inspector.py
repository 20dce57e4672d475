"""The inspector of the locus page: what is known of the selected element, or of the gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from dash.development.base_component import Component

from cre_core.errors import CreError
from cre_core.genome import Locus
from dashboard.components import inspector
from dashboard.figures.band import place, short_bp, three_digits
from dashboard.figures.locus import element_shapes
from dashboard.figures.truth import WORDS, signed_percent
from dashboard.pages.locus_answers import Json, element_row, element_span, gene_of
from dashboard.pages.locus_drawing import Gene, short_title
from dashboard.services.library import Library
from dashboard.services.links import (
    element_table,
)
from dashboard.services.locus import (
    sets_of,
    tracks_of,
    view_of,
)
from dashboard.services.places import places_of
from dashboard.state import ViewState, read_view
from dashboard.theme import (
    PALETTES,
    SIGNED_METHODS,
    ThemeName,
    assay_colour,
    method_colour,
    method_kind,
    method_title,
)

if TYPE_CHECKING:
    from cre_core.data.study import Study


def inspect(library: Library, request: Json) -> tuple[list[Component], list[Json], Json | list[Json], Json]:
    """Inspector, the two shapes that mark it on the figure, and row of the table, for the selected element."""
    state, _ = read_view(request["state"])
    study = library.study(state.study)
    theme: ThemeName = "dark" if request.get("theme") == "dark" else "light"
    view, _ = view_of(study, state.locus)
    element = element_row(study, state)
    marks = element_shapes(element_span(study, state, view.chrom), palette=PALETTES[theme])
    gene = gene_of(library, study, state)
    if element is None:
        return _no_element(study, state, gene, view), marks, [], {}
    return element_panel(study, state, gene, element), marks, {"ids": [state.element]}, {"rowId": state.element}


def element_panel(study: Study, state: ViewState, gene: Gene | None, element: pd.Series) -> list[Component]:
    """The inspector of an element."""
    here = place(str(element["chrom"]), int(element["start"]), int(element["end"]))
    about = str(element["element_class"])
    scores: list[inspector.Score] = []
    measured, not_measured, href = None, "", ""
    if gene is not None:
        row = study.gene(state.gene)
        offset = (int(element["start"]) + int(element["end"])) // 2 - gene.tss
        side = "downstream" if (offset >= 0) == (row["strand"] == "+") else "upstream"
        about += f" · {short_bp(offset)} {side} of {gene.name}"
        table = element_table(study, gene.links, gene.pairs, biosample=state.biosample)
        scores = [_score(table, method, state.element) for method in gene.links]
        measured, not_measured = _measured(gene, table, state.element)
        href = state.with_(knock_outs=((state.element, 0.0),)).url("/knockout")
    facts = inspector.ElementFacts(
        place=here,
        about=about,
        signals=_signals(study, state, element),
        gene=gene.name if gene is not None else "",
        scores=scores,
        measured=measured,
        not_measured=not_measured,
        knock_out_href=href,
    )
    return inspector.element_panel(facts)


def _signals(study: Study, state: ViewState, element: pd.Series) -> list[tuple[str, str, str]]:
    """Counts of the element's assays, and whether a peak lies on it."""
    rows = []
    here = Locus(str(element["chrom"]), int(element["start"]), int(element["end"]))
    for assay in element.index.drop(["element_id", "chrom", "start", "end", "element_class"]):
        value = float(element[assay])
        shown = f"{three_digits(value)} reads" if value == value else "no data"
        rows.append((_assay_title(study, assay, state.biosample), assay_colour(assay), shown))
    for entry in sets_of(study, state.biosample):
        if entry.kind == "peaks":
            rows.append(
                (
                    short_title(entry.title, state.biosample),
                    assay_colour(entry.assay),
                    _peak_on(study, entry.id, here),
                )
            )
    return rows


def _assay_title(study: Study, assay: str, biosample: str) -> str:
    titles = [track.title for track in tracks_of(study, biosample) if track.assay == assay]
    return short_title(titles[0], biosample) if titles else assay


def _peak_on(study: Study, set_id: str, here: Locus) -> str:
    try:
        return "peak" if len(places_of(study).intervals(set_id, here)) else "no peak"
    except CreError:
        return "no data"


def _score(table: pd.DataFrame, method: str, element_id: str) -> inspector.Score:
    row = table[table["element_id"] == element_id]
    value = float(row[method].iloc[0]) if len(row) else float("nan")
    known = value == value
    strongest = float(table[method].abs().max()) or 1.0
    shown = signed_percent(-value) if method_kind(method) in SIGNED_METHODS else three_digits(value)
    return inspector.Score(
        title=method_title(method),
        colour=method_colour(method),
        shown=shown if known else "",
        rank=int(row[f"rank:{method}"].iloc[0]) if known else None,
        count=int(table[method].notna().sum()),
        strength=abs(value) / strongest if known else 0.0,
    )


def _measured(gene: Gene, table: pd.DataFrame, element_id: str) -> tuple[inspector.Measured | None, str]:
    if not len(gene.pairs):
        return None, f"no CRISPRi pairs were tested for {gene.name}"
    row = table[table["element_id"] == element_id]
    if not len(row) or not row["measured_call"].iloc[0]:
        return None, f"this element was not tested for {gene.name}"
    found = row.iloc[0]
    power, p_value = float(found["power_at_25"]), float(found["p_adjusted"])
    parts = [
        WORDS[found["measured_call"]],
        f"adjusted p {three_digits(p_value)}" if p_value == p_value else "",
        f"power {three_digits(power)} at 25 %" if power == power else "power not known",
        str(found["reference"]),
    ]
    detail = " · ".join(part for part in parts if part)
    return inspector.Measured(signed_percent(float(found["measured_fraction"])), found["measured_call"], detail), ""


def _no_element(study: Study, state: ViewState, gene: Gene | None, view: Locus) -> list[Component]:
    if gene is None:
        return inspector.place_panel(
            str(view), "Click a gene's name to see its links, or an element to see its signals."
        )
    row = study.gene(state.gene)
    about = [
        place(str(row["chrom"]), int(row["start"]), int(row["end"])),
        f"strand {row['strand']} · TSS {gene.tss + 1:,} · {row['gene_id']}",
    ]
    facts = expression_facts(study, str(row["gene_id"]), state.biosample)
    if len(gene.pairs):
        facts += [("CRISPRi pairs tested", str(len(gene.pairs)))]
        counts = gene.pairs["call"].value_counts()
        facts += [(WORDS[call], str(counts[call])) for call in WORDS if call in counts]
        hint = "Click an element, an arc or a row to see what is known of it."
    else:
        hint = f"No CRISPRi pairs were tested for {gene.name}. Click an element or an arc to see what is known of it."
    return inspector.gene_panel(gene.name, about, facts, knock_out_href=state.url("/knockout"), hint=hint)


def expression_facts(study: Study, gene_id: str, biosample: str) -> list[tuple[str, str]]:
    """Measure with unit, and value, of a gene's expression."""
    if not study.has("expression"):
        return []
    rows = study.expression
    rows = rows[(rows["gene_id"] == gene_id) & (rows["biosample"] == biosample)]
    facts = []
    for measure, value in zip(rows["measure"], rows["value"], strict=True):
        unit = study.info.measures.get(measure, "")
        facts.append((unit.partition(", ")[0] or measure, three_digits(float(value))))
    return facts[:1] + [fact for fact in facts[1:] if fact[0] not in {name for name, _ in facts[:1]}]
