"""The inspector of the locus page: what is known of the selected element or measured pair, or of the gene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from dash.development.base_component import Component

from cre_core.errors import CreError
from cre_core.evaluation.methods import ATTENTION_IS, method_of, method_title
from cre_core.genome import Locus
from dashboard.components import inspector
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.components.link_table import row_id
from dashboard.figures.locus.truth import WORDS
from dashboard.pages.locus.bands import short_title, shown_methods
from dashboard.services.gene import Gene, element_row, gene_of, pair_row
from dashboard.services.library import Library
from dashboard.services.links import PAIR_ROW, covered_elements, element_table, pairs_over
from dashboard.services.locus import (
    sets_of,
    tracks_of,
)
from dashboard.services.places import places_of
from dashboard.state import ViewState
from dashboard.text import distance, number, percent, place
from dashboard.theme import assay_colour, method_colour

if TYPE_CHECKING:
    from cre_core.data.study import Study


INSPECTOR = Exchange(
    "locus-inspector",
    needs=("study", "biosample", "gene", "methods", "element", "pair"),
    busy="inspector",
)


def inspect(library: Library, question: Question) -> Reply:
    """Inspector, and row of the table, for the selected element or pair; of the gene where nothing is selected."""
    state, study = question.state, library.study(question.state.study)
    gene = gene_of(library, study, state, shown_methods(study, state))
    pair, element = pair_row(study, state), element_row(study, state)
    table = element_table(study, gene.links, gene.pairs, biosample=state.biosample) if gene is not None else None
    if gene is not None and pair is not None:
        panel = pair_panel(study, state, gene, pair)
    elif element is not None:
        panel = element_panel(study, state, gene, element, table)
    else:
        panel, table = _gene_panel(study, state, gene), None
    row = _selected_row(table, state) if table is not None else ""
    return Reply(sets={"inspector": {"children": panel}}, data={"row": row, "place": _selected_place(pair, element)})


def _selected_place(pair: pd.Series | None, element: pd.Series | None) -> list[str | int] | None:
    """Chromosome, start and end of what is selected; None = nothing."""
    selected = pair if pair is not None else element
    if selected is None:
        return None
    return [str(selected["chrom"]), int(selected["start"]), int(selected["end"])]


def _selected_row(table: pd.DataFrame, state: ViewState) -> str:
    """Id of the table's row of the selected element, or of the first that the selected pair overlaps."""
    is_pair = table["element_class"] == PAIR_ROW
    if not state.pair:
        return row_id("element", state.element) if (table["element_id"] == state.element).any() else ""
    if (is_pair & (table["element_id"] == state.pair)).any():
        return row_id("pair", state.pair)
    under = table.loc[[state.pair in ids for ids in table["pair_ids"]], "element_id"]
    return row_id("element", str(under.iloc[0])) if len(under) else ""


def pair_panel(study: Study, state: ViewState, gene: Gene, pair: pd.Series) -> list[Component]:
    """The inspector of a measured pair."""
    elements = covered_elements(study, pair, biosample=state.biosample)
    measured = _measured(pair)
    facts = inspector.PairFacts(
        measured=replace(measured, details=(WORDS[measured.call],)),
        gene=gene.name,
        about=f"tested for {gene.name}",
        facts=_pair_facts(gene, pair),
        elements=[
            (row.element_id, place(row.chrom, row.start, row.end), row.element_class) for row in elements.itertuples()
        ],
        note=gene.note,
        knock_out_href=_knock_out_href(state, gene, list(elements["element_id"])),
        no_knock_out=no_knock_out(gene) if len(elements) else "",
    )
    return inspector.pair_panel(facts)


def _pair_facts(gene: Gene, pair: pd.Series) -> list[tuple[str, str]]:
    """What the screen says of a pair beside its effect."""
    power = float(pair["power_at_25"])
    return [
        ("adjusted p", number(float(pair["p_adjusted"]))),
        ("power to see a 25 % change", number(power) if power == power else "not known"),
        ("distance to TSS", _offset(gene, pair)),
        ("screen", str(pair["reference"])),
        *([("data set", str(pair["dataset"]))] if "dataset" in pair.index else []),
    ]


def element_panel(
    study: Study, state: ViewState, gene: Gene | None, element: pd.Series, table: pd.DataFrame | None
) -> list[Component]:
    """The inspector of an element.

    Args:
      table: `element_table` of the gene; None without a gene.
    """
    about = str(element["element_class"])
    scores: list[inspector.Score] = []
    measured: list[inspector.Measured] = []
    not_measured, href, no_href = "", "", ""
    if gene is not None and table is not None:
        about += f" · {_offset(gene, element)} of {gene.name}"
        scores = [_score(table, method, state.element) for method in gene.links]
        measured, not_measured = _measured_here(gene, element)
        href = _knock_out_href(state, gene, [state.element])
        no_href = no_knock_out(gene)
    facts = inspector.ElementFacts(
        place=place(str(element["chrom"]), int(element["start"]), int(element["end"])),
        about=about,
        signals=_signals(study, state, element),
        gene=gene.name if gene is not None else "",
        scores=scores,
        remark=ATTENTION_IS if gene is not None and _shows_attention(gene) else "",
        measured=measured,
        not_measured=not_measured,
        knock_out_href=href,
        no_knock_out=no_href,
    )
    return inspector.element_panel(facts)


def _shows_attention(gene: Gene) -> bool:
    return any(method_of(method).reads_attention for method in gene.links)


def _offset(gene: Gene, row: pd.Series) -> str:
    """How far from the TSS the middle of a place lies, and on which side."""
    offset = (int(row["start"]) + int(row["end"])) // 2 - gene.tss
    sides = {"+": ("upstream", "downstream"), "-": ("downstream", "upstream")}
    before, after = sides.get(str(gene.row["strand"]), ("left", "right"))
    return f"{distance(offset)} {after if offset >= 0 else before}"


def _knock_out_href(state: ViewState, gene: Gene, element_ids: Sequence[str]) -> str:
    if not element_ids or no_knock_out(gene):
        return ""
    return state.with_(knock_outs=tuple((name, 0.0) for name in element_ids)).url("/knockout")


def no_knock_out(gene: Gene) -> str:
    """Why nothing can be knocked out for a gene, in one line; empty where it can."""
    return "" if gene.is_modelled else f"{gene.name} is annotated, no model knows it: there is no knock-out"


def _signals(study: Study, state: ViewState, element: pd.Series) -> list[tuple[str, str, str]]:
    """Counts of the element's assays, and whether a peak lies on it."""
    rows = []
    here = Locus(str(element["chrom"]), int(element["start"]), int(element["end"]))
    for assay in element.index.drop(["element_id", "chrom", "start", "end", "element_class"]):
        value = float(element[assay])
        shown = f"{number(value)} reads" if value == value else "no data"
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
    row = table[(table["element_id"] == element_id) & (table["element_class"] != PAIR_ROW)]
    value = float(row[method].iloc[0]) if len(row) else float("nan")
    strongest = float(table[method].abs().max()) or 1.0
    shown, standing = "", "no link"
    if value == value:
        shown, standing = _standing(table, method, value, row)
    return inspector.Score(
        title=method_title(method),
        colour=method_colour(method),
        shown=shown,
        standing=standing,
        strength=abs(value) / strongest if value == value else 0.0,
    )


def _standing(table: pd.DataFrame, method: str, value: float, row: pd.DataFrame) -> tuple[str, str]:
    """A score as printed, and where it stands among the gene's links."""
    known, count = method_of(method), int(table[method].notna().sum())
    if known.is_yes_no:
        return "yes" if value > 0 else "no", f"{int((table[method] > 0).sum())} of {count} yes"
    shown = percent(-value) if known.is_signed else number(value)
    return shown, f"{int(row[f'rank:{method}'].iloc[0])} of {count}"


def _measured_here(gene: Gene, element: pd.Series) -> tuple[list[inspector.Measured], str]:
    """Every measured pair that overlaps an element, the strongest significant one first; or why there is none."""
    if not len(gene.pairs):
        return [], f"no CRISPRi pairs were tested for {gene.name}"
    pairs = pairs_over(element, gene.pairs)
    return [_measured(pair) for _, pair in pairs.iterrows()], f"this element was not tested for {gene.name}"


def _measured(pair: pd.Series) -> inspector.Measured:
    power, p_value = float(pair["power_at_25"]), float(pair["p_adjusted"])
    certainty = [
        f"adjusted p {number(p_value)}" if p_value == p_value else "",
        f"power {number(power)} at 25 %" if power == power else "power not known",
    ]
    return inspector.Measured(
        pair_id=str(pair["pair_id"]),
        place=place(str(pair["chrom"]), int(pair["start"]), int(pair["end"])),
        effect=percent(float(pair["effect_fraction"])),
        interval=_interval(pair),
        call=str(pair["call"]),
        details=(WORDS[pair["call"]], " · ".join(filter(None, certainty)), str(pair["reference"])),
    )


def _interval(pair: pd.Series) -> str:
    """The effect's interval where the screen gives one, else no word."""
    low, high = (float(pair.get(name, float("nan"))) for name in ("effect_low", "effect_high"))
    return f"interval {percent(low)} to {percent(high)}" if low == low and high == high else ""


def _gene_panel(study: Study, state: ViewState, gene: Gene | None) -> list[Component]:
    if gene is None:
        return inspector.place_panel("Click a gene's name to see its links, or an element to see its signals.")
    row = gene.row
    tss = place(str(row["chrom"]), gene.tss, gene.tss + 1)
    about = [
        place(str(row["chrom"]), int(row["start"]), int(row["end"])),
        " · ".join(filter(None, [f"strand {row['strand']}", f"TSS {tss}", str(row["gene_id"])])),
        *([] if gene.is_modelled else ["annotated, no model knows it"]),
    ]
    facts = expression_facts(study, str(row["gene_id"]), state.biosample)
    if len(gene.pairs):
        facts += [("CRISPRi pairs tested", str(len(gene.pairs)))]
        counts = gene.pairs["call"].value_counts()
        facts += [(WORDS[call], str(counts[call])) for call in WORDS if call in counts]
        hint = "Click an element, an arc, a CRISPRi mark or a row to see what is known of it."
    else:
        hint = f"No CRISPRi pairs were tested for {gene.name}. Click an element or an arc to see what is known of it."
    return inspector.gene_panel(
        gene.name,
        about,
        facts,
        knock_out_href=state.url("/knockout") if gene.is_modelled else "",
        no_knock_out=no_knock_out(gene),
        hint=hint,
    )


def expression_facts(study: Study, gene_id: str, biosample: str) -> list[tuple[str, str]]:
    """Measure with unit, and value, of a gene's expression."""
    if not study.has("expression"):
        return []
    rows = study.expression
    rows = rows[(rows["gene_id"] == gene_id) & (rows["biosample"] == biosample)]
    facts = []
    for measure, value in zip(rows["measure"], rows["value"], strict=True):
        unit = study.info.measures.get(measure, "")
        facts.append((unit.partition(", ")[0] or measure, number(float(value))))
    return facts[:1] + [fact for fact in facts[1:] if fact[0] not in {name for name, _ in facts[:1]}]
