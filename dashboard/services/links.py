"""Links of a gene by every method, and the table that lays methods and measurement side by side."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data.study import Study
from cre_core.errors import CreError
from cre_core.evaluation.scores import gene_links, link_methods
from cre_core.evaluation.screened import SHOWN, measured_pairs, pairs_without_element, with_elements, with_measured
from cre_core.genome import Locus
from cre_core.inference.known import model_folders
from dashboard.services.desk import desk_of
from dashboard.services.library import Library
from dashboard.services.places import places_of

FIRST_METHODS = ("activity_over_distance", "abc", "epinformer.attention")
PAIR_ROW = "tested place"  # the class of a row that is a measured pair under no element


def methods_of(study: Study, *, biosample: str) -> list[str]:
    """The link methods this study can be asked for in a biosample."""
    return list(link_methods(study, biosample))


def default_methods(known: Sequence[str]) -> tuple[str, ...]:
    """The methods shown first, of those there are."""
    return tuple(method for method in FIRST_METHODS if method in known) or tuple(known[:3])


def links_of(
    library: Library, study: Study, gene_id: str, *, biosample: str, methods: Sequence[str]
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Links of a gene, every element a method can see; computed once, then read from disk.

    Returns:
      method -> schema.LINKS; and method -> one line why it has none, for those that cannot be asked for this gene.
    """

    desk = desk_of(library)

    def compute(method: str) -> pd.DataFrame:
        if "." in method:
            study.gene(gene_id)  # says so where no model knows the gene
        table = gene_links(study, gene_id, biosample=biosample, methods=[method], predictors=desk.opened)
        return table[table["method"] == method][list(schema.LINKS.columns)].reset_index(drop=True)

    stamp = models_stamp(study, biosample)
    links, problems = {}, {}
    for method in methods:
        key = ("gene_links", gene_id, biosample, method, *([stamp] if "." in method else []))
        try:
            links[method] = library.memo(study.name, key, functools.partial(compute, method))
        except CreError as error:
            problems[method] = str(error)
    return links, problems


def models_stamp(study: Study, biosample: str) -> int:
    """What changes when a model of a biosample is trained anew: the time of its newest file."""
    files = (path for folder in model_folders(study, biosample).values() for path in folder.iterdir())
    return max((path.stat().st_mtime_ns for path in files), default=0)


def pairs_of(study: Study, gene_id: str, *, biosample: str) -> tuple[pd.DataFrame, str]:
    """The measured pairs of a gene and one line about them: `screened.measured_pairs`."""
    return measured_pairs(study, gene_id, biosample=biosample)


def covered_elements(study: Study, pair: pd.Series, *, biosample: str) -> pd.DataFrame:
    """The elements of a study under the place of a measured pair, the one that shares most bases first.

    Args:
      pair: a row of `pairs_of`.
    """
    here = Locus(str(pair["chrom"]), int(pair["start"]), int(pair["end"]))
    elements = places_of(study).elements(here, biosample=biosample)
    order = with_elements(pair.to_frame().T, elements)["element_ids"].iloc[0]
    return elements.set_index("element_id", drop=False).loc[order].reset_index(drop=True)


def pairs_over(element: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """The measured pairs that share a base with an element, the strongest significant one first.

    Args:
      pairs: of `pairs_of`.
    """
    order = with_measured(element.to_frame().T, pairs)["pair_ids"].iloc[0]
    return pairs.set_index("pair_id", drop=False).loc[order]


def element_table(
    study: Study, links: Mapping[str, pd.DataFrame], pairs: pd.DataFrame, *, biosample: str
) -> pd.DataFrame:
    """Elements x methods, with what was measured: the twin of the figure.

    Args:
      links: method -> schema.LINKS of one gene.
      pairs: its measured pairs, of `pairs_of`.

    Returns:
      A row per element that any method links, and one per measured pair that overlaps none of them, in place order:
      element_id (of a pair its pair_id), chrom, start, end, element_class (of a pair PAIR_ROW), tss_distance_bp, a
      column per assay (counts), a column per method (score; NaN = none) and `rank:METHOD` (1 = largest by size),
      `pair_ids` and the columns of SHOWN, see `screened.with_measured`.
    """
    columns = ["element_id", "chrom", "start", "end", "tss_distance_bp"]
    tables = [table for table in links.values() if len(table)]
    if not tables and not len(pairs):
        return pd.DataFrame(columns=[*columns, "element_class", "pair_ids", *SHOWN.values()])
    table = pd.concat([part[columns] for part in tables] or [pd.DataFrame(columns=columns)])
    table = table.drop_duplicates("element_id").sort_values("start")
    if len(table):
        span = Locus(str(table["chrom"].iloc[0]), int(table["start"].min()), int(table["end"].max()))
        known = places_of(study).elements(span, biosample=biosample).drop(columns=["chrom", "start", "end"])
        table = table.merge(known, on="element_id", how="left", sort=False)
    others = pairs_without_element(table, pairs).rename(columns={"pair_id": "element_id"})[columns]
    others = others.assign(element_class=PAIR_ROW)
    table = pd.concat([part for part in (table, others) if len(part)], ignore_index=True)
    for method, part in links.items():
        score = part.drop_duplicates("element_id").set_index("element_id")["score"]
        table[method] = table["element_id"].map(score).to_numpy(np.float64)
        table[f"rank:{method}"] = table[method].abs().rank(ascending=False, method="min")
    return with_measured(table.sort_values("start", kind="stable", ignore_index=True), pairs)
