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
from cre_core.genome import Locus
from cre_core.inference.predictor import model_folders
from dashboard.services.knockout import desk_of, overlaps
from dashboard.services.library import Library
from dashboard.services.places import places_of

FIRST_METHODS = ("activity_over_distance", "abc", "epinformer.attention")
_MEASURED = {
    "effect_fraction": "measured_fraction",
    "call": "measured_call",
    "power_at_25": "power_at_25",
    "p_adjusted": "p_adjusted",
    "reference": "reference",
}


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


def element_table(
    study: Study, links: Mapping[str, pd.DataFrame], pairs: pd.DataFrame, *, biosample: str
) -> pd.DataFrame:
    """Elements x methods, with what was measured: the twin of the figure.

    Args:
      links: method -> schema.LINKS of one gene.
      pairs: its measured pairs, with `call`.

    Returns:
      A row per element that any method links, in place order: element_id, chrom, start, end, element_class,
      tss_distance_bp, a column per assay (counts), a column per method (score; NaN = none) and `rank:METHOD`
      (1 = largest by size), measured_fraction, measured_call (`` = not tested), power_at_25, p_adjusted, reference:
      those of the pair the element shares most bases with.
    """
    columns = ["element_id", "chrom", "start", "end", "tss_distance_bp"]
    tables = [table for table in links.values() if len(table)]
    if not tables:
        return pd.DataFrame(columns=[*columns, "element_class", *_MEASURED.values()])
    table = pd.concat([part[columns] for part in tables]).drop_duplicates("element_id").sort_values("start")
    span = Locus(str(table["chrom"].iloc[0]), int(table["start"].min()), int(table["end"].max()))
    known = places_of(study).elements(span, biosample=biosample).drop(columns=["chrom", "start", "end"])
    table = table.merge(known, on="element_id", how="left", sort=False)
    for method, part in links.items():
        score = part.drop_duplicates("element_id").set_index("element_id")["score"]
        table[method] = table["element_id"].map(score).to_numpy(np.float64)
        table[f"rank:{method}"] = table[method].abs().rank(ascending=False, method="min")
    return with_measured(table.reset_index(drop=True), pairs)


def with_measured(elements: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Elements with the pair each shares most bases with; NaN and `` where none was tested."""
    elements = elements.assign(measured_fraction=np.nan, measured_call="", power_at_25=np.nan, p_adjusted=np.nan)
    elements["reference"] = ""
    if not len(pairs) or not len(elements):
        return elements
    shared = overlaps(elements, pairs)
    tested = shared.any(axis=1)
    found = pairs.iloc[shared.argmax(axis=1)[tested]]
    for source, column in _MEASURED.items():
        elements.loc[tested, column] = found[source].to_numpy()
    return elements


def pairs_without_element(elements: pd.DataFrame, pairs: pd.DataFrame) -> int:
    """How many measured pairs share no base with any of the elements: the figure shows them, the table cannot."""
    if not len(pairs):
        return 0
    return int((~overlaps(elements, pairs).any(axis=0)).sum()) if len(elements) else len(pairs)
