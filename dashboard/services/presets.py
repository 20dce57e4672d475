"""Sets of elements that one click knocks out: what the screen found, a class, the first of a ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.errors import CreError
from cre_core.evaluation.methods import simple_methods
from cre_core.evaluation.scores import gene_links
from dashboard.services.desk import Experiment
from dashboard.services.library import Library

MOST_TOP = 20  # elements of a ranking that a preset can take
BY_EFFECT, BY_ATTENTION = "predicted effect", "attention"


@dataclass(frozen=True)
class Presets:
    """Elements of one window, by what a preset is called.

    Attributes:
      positives: those over a CRISPRi positive.
      classes: class -> its elements, in place order.
      rankings: method -> its first MOST_TOP elements, the best first; without a score, or with 0, it is in none.
    """

    positives: list[str]
    classes: dict[str, list[str]]
    rankings: dict[str, list[str]]


def presets_of(library: Library, experiment: Experiment) -> Presets:
    """The presets of a gene's window, with every ranking that the study's data allow."""
    return presets(experiment.scan.table, _simple_scores(library, experiment))


def presets(table: pd.DataFrame, simple: pd.DataFrame) -> Presets:
    """The presets of a scan.

    Args:
      table: Scan.table.
      simple: element_id, method, score of methods that need no model; NaN = no score.
    """
    rankings = {
        BY_EFFECT: ranked(table["element_id"], table["single_log2"].abs()),
        BY_ATTENTION: ranked(table["element_id"], table["attention"]),
    }
    inside = simple[simple["element_id"].isin(table["element_id"])]
    for method, scores in inside.groupby("method", sort=False):
        rankings[str(method)] = ranked(scores["element_id"], scores["score"])
    classes = {
        str(name): list(rows["element_id"]) for name, rows in table.groupby("element_class", sort=True) if name
    }
    return Presets(list(table.loc[table["measured_call"] == "decrease", "element_id"]), classes, rankings)


def ranked(element_ids: pd.Series, score: pd.Series) -> list[str]:
    """The first MOST_TOP elements by a score, the greatest first; equals keep their order, NaN and 0 are left out."""
    values = score.to_numpy(np.float64)
    order = np.argsort(-values, kind="stable")  # NaN comes last
    return [str(element_ids.iloc[row]) for row in order[: int((values > 0).sum())][:MOST_TOP]]


def _simple_scores(library: Library, experiment: Experiment) -> pd.DataFrame:
    """Scores of the methods without a model around the gene; none where the study has no counts for them."""
    predictor = experiment.predictor
    study, gene_id = predictor.study, str(experiment.window.gene["gene_id"])
    methods = simple_methods()

    def compute() -> pd.DataFrame:
        links = gene_links(study, gene_id, biosample=predictor.biosample, methods=methods)
        return links[["element_id", "method", "score"]]

    try:
        return library.memo(study.name, ("knockout.simple_scores", gene_id, predictor.biosample, *methods), compute)
    except CreError:
        return pd.DataFrame({"element_id": [], "method": [], "score": []})
