"""The table under the locus figure: elements x methods with what was measured, on the page and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cre_core.evaluation.methods import method_of, method_title
from dashboard.components import link_table
from dashboard.components.exchange import Exchange, Question, Reply
from dashboard.components.shown import Shown
from dashboard.figures.locus.truth import count_text
from dashboard.pages.locus.bands import short_title, shown_methods
from dashboard.pages.locus.figure import pairs_text, sources
from dashboard.services.gene import Gene, gene_of
from dashboard.services.library import Library
from dashboard.services.links import PAIR_ROW, element_table
from dashboard.services.locus import tracks_of

if TYPE_CHECKING:
    pass

TABLE_ID = "locus-table"
TABLE = Exchange("locus-table", needs=("study", "biosample", "gene", "methods"), busy="locus-table-title")


def tabulate(library: Library, question: Question) -> Reply:
    """Rows, columns and title of the table for a gene and its methods; the same as data for a file."""
    state, study = question.state, library.study(question.state.study)
    methods = shown_methods(study, state)
    gene = gene_of(library, study, state, methods)
    if gene is None:
        nothing: dict[str, Any] = {"rowData": [], "columnDefs": []}
        title = "Choose a gene to see its links."
        return Reply(sets={TABLE_ID: nothing, "locus-table-title": {"children": title}})
    table = element_table(study, gene.links, gene.pairs, biosample=state.biosample)
    tracks = [track for track in tracks_of(study, state.biosample) if track.assay in table]
    titles = {track.assay: short_title(track.title, state.biosample) for track in reversed(tracks)}
    named = {method: method_title(method) for method in gene.links}
    best = next(reversed(named), "tss_distance_bp")
    shown = [column for column in table if not column.startswith("rank:") and column != "reference"]
    kind = table["element_class"].eq(PAIR_ROW).map({True: "pair", False: "element"})
    grid: dict[str, Any] = {
        "rowData": link_table.rows(table[shown].assign(kind=kind).to_dict("records")),
        "columnDefs": link_table.columns(named, titles, sort_by=best),
    }
    data = Shown(
        None,
        table=as_data(table, gene, biosample=state.biosample, units={t.assay: t.unit for t in tracks}),
        sources=[*about(gene), *sources(study, state, gene)],
        name="_".join(filter(None, ["links", gene.name, state.biosample, study.name])),
        is_simulated=study.info.is_simulated,
        missing=gene.problems,
    )
    sets: dict[str, dict[str, Any]] = {TABLE_ID: grid, "locus-table-title": {"children": table_title(gene, table)}}
    return Reply(shown={TABLE_ID: data}, sets=sets)


def table_title(gene: Gene, table: pd.DataFrame) -> str:
    """What the table holds, and what of the figure it cannot hold."""
    n_elements = int((table["element_class"] != PAIR_ROW).sum())
    parts = [f"{n_elements} elements linked to {gene.name}"]
    if not len(gene.pairs):
        parts.append(f"no CRISPRi pairs were tested for {gene.name}")
    else:
        parts.append(f"CRISPRi: {pairs_text(len(gene.pairs))}, {count_text(gene.pairs).rpartition(' · ')[0]}")
        lost = int((table["element_class"] == PAIR_ROW).sum())
        where = "a row of its own" if lost == 1 else "rows of their own"
        parts += [f"{pairs_text(lost)} under none of them, in {where}"] if lost else []
    return " · ".join([*parts, *([gene.note] if gene.note else [])])


# -- as data ------------------------------------------------------------------------------------------------------


def as_data(table: pd.DataFrame, gene: Gene, *, biosample: str, units: dict[str, str]) -> pd.DataFrame:
    """The table of `element_table` for other programs: numbers as numbers, the unit in each name.

    A row per element and measured pair over it (an element with three pairs has three rows), and one per pair that
    lies under no element.

    Args:
      units: assay -> unit of its counts.

    Returns:
      chrom, start, end (0-based, half-open; NaN-free), element_id, element_class (empty for a pair without element),
      gene_name, gene_id, biosample, tss_distance_bp, a column per assay (`dnase_reads_per_element`), `METHOD_score`
      (as the method gives it; a share of expression lost in per cent of change) and `METHOD_rank` per method,
      `pair_chrom`, `pair_start`, `pair_end`, `crispri_effect_percent`, `crispri_call`, `crispri_p_adjusted`,
      `crispri_power_at_25_percent`, `crispri_reference`; empty = not measured, or no score.
    """
    is_pair = table["element_class"] == PAIR_ROW
    rows = pd.DataFrame(
        {
            **{name: table[name] for name in ("chrom", "start", "end")},
            "element_id": table["element_id"].where(~is_pair, ""),
            "element_class": table["element_class"].where(~is_pair, ""),
            "gene_name": gene.name,
            "gene_id": str(gene.row["gene_id"]),
            "biosample": biosample,
            "tss_distance_bp": table["tss_distance_bp"].astype(int),
            **{f"{assay}_{_slug(unit)}": table[assay] for assay, unit in units.items()},
        }
    )
    for method in gene.links:
        lost = method_of(method).is_signed
        score = table[method].to_numpy(np.float64)
        rows[f"{method}_{'change_percent' if lost else 'score'}"] = -100.0 * score if lost else score
        rows[f"{method}_rank"] = table[f"rank:{method}"].astype("Int64")
    rows = rows.assign(pair_id=table["pair_ids"]).explode("pair_id", ignore_index=True)
    measured = _measured(gene.pairs)
    return rows.merge(measured, on="pair_id", how="left").drop(columns="pair_id")


def _slug(unit: str) -> str:
    return "_".join("".join(sign if sign.isalnum() else " " for sign in unit).split()) or "value"


def _measured(pairs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pair_id": pairs["pair_id"],
            "pair_chrom": pairs["chrom"],
            "pair_start": pairs["start"].astype("Int64"),
            "pair_end": pairs["end"].astype("Int64"),
            "crispri_effect_percent": 100.0 * pairs["effect_fraction"],
            "crispri_call": pairs["call"],
            "crispri_p_adjusted": pairs["p_adjusted"],
            "crispri_power_at_25_percent": pairs["power_at_25"],
            "crispri_reference": pairs["reference"],
        }
    )


def about(gene: Gene) -> list[str]:
    """What a file's reader must know of its columns."""
    return [
        f"elements linked to {gene.name} by each method, with the measured pairs over them, a row per pair",
        "rank: 1 = the largest score by size; empty = no score, or not measured",
        *([gene.note] if gene.note else []),
    ]
