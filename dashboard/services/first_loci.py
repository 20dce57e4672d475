"""The loci a study opens with: what was measured there, and where link methods rank the significant decreases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cre_core.data.study import ExampleLocus, Study
from cre_core.errors import CreError
from cre_core.evaluation.agreement import LEAST_POSITIVES, RESAMPLES
from cre_core.evaluation.bootstrap import interval
from cre_core.evaluation.metrics import mean_ranks
from cre_core.evaluation.pairs import scores_from_links
from cre_core.evaluation.screened import measured_pairs
from cre_core.evaluation.weighted import Ranking
from cre_core.genome import Locus
from dashboard.services.library import Library
from dashboard.services.links import links_of, methods_of, models_stamp

ENOUGH_POWER = 0.8  # to see an effect of 25 %
RANKED_FIRST = ("abc", "epinformer.attention")


@dataclass(frozen=True)
class FirstLocus:
    """One locus.

    Attributes:
      gene_name, note: which, and why it is worth opening.
      place: what is drawn.
      tss: 0-based; None where it lies outside `place`.
      marks: center_bp, effect_percent, call of the measured pairs inside `place`.
      n_tested, n_positive, n_outside: measured pairs, those with a significant decrease, those not in `place`.
      n_powered: pairs tested with a power of 0.8 or more for an effect of 25 %.
      references: the screens, as the study names them.
    """

    gene_name: str
    note: str
    place: Locus
    tss: int | None
    marks: pd.DataFrame
    n_tested: int
    n_positive: int
    n_outside: int
    n_powered: int
    references: tuple[str, ...]


@dataclass(frozen=True)
class Ranks:
    """Where one method ranks the significant decreases of a gene among all its measured pairs.

    Attributes:
      method: a link method.
      ranks: of the positives, 1 = the highest score; pairs of one score share the middle of their ranks.
      n, n_positive, n_unscored: pairs, positives, pairs without a score (they get 0).
      average_precision: value and 95 % interval over pairs; NaN where there is none.
      problem: one line why there is no ranking, or ``.
    """

    method: str
    ranks: tuple[float, ...] = ()
    n: int = 0
    n_positive: int = 0
    n_unscored: int = 0
    average_precision: tuple[float, float, float] = (float("nan"),) * 3
    problem: str = ""


def first_loci(library: Library, study: Study, *, biosample: str) -> list[FirstLocus]:
    """The example loci of a study whose gene was tested; none where it has no screen."""
    if not study.has("crispr"):
        return []
    key = ("home.first_loci", biosample)
    found = library.memo(
        study.name, key, lambda: [_locus(study, entry, biosample) for entry in study.info.example_loci]
    )
    return [locus for locus in found if locus is not None]


def _locus(study: Study, example: ExampleLocus, biosample: str) -> FirstLocus | None:
    try:
        gene, place = study.gene(example.gene_name), Locus.parse(example.locus, study.assembly)
    except CreError:  # an example that the study cannot show is no reason to show none
        return None
    pairs, _ = measured_pairs(study, str(gene["gene_id"]), biosample=biosample)
    if not len(pairs):
        return None
    center = (pairs["start"] + pairs["end"]) // 2
    is_inside = ((pairs["chrom"] == place.chrom) & center.between(place.start, place.end - 1)).to_numpy()
    marks = pd.DataFrame(
        {"center_bp": center, "effect_percent": 100 * pairs["effect_fraction"], "call": pairs["call"]}
    )
    tss = int(gene["tss"])
    return FirstLocus(
        gene_name=str(gene["gene_name"]),
        note=example.note,
        place=place,
        tss=tss if place.start <= tss < place.end else None,
        marks=marks[is_inside].reset_index(drop=True),
        n_tested=len(pairs),
        n_positive=int((pairs["call"] == "decrease").sum()),
        n_outside=int((~is_inside).sum()),
        n_powered=int((pairs["power_at_25"] >= ENOUGH_POWER).sum()),
        references=tuple(sorted(pairs["reference"].astype(str).unique())),
    )


def ranked_methods(study: Study, *, biosample: str) -> list[str]:
    """The methods whose ranks are shown, of those the study has."""
    known = methods_of(study, biosample=biosample)
    return [method for method in RANKED_FIRST if method in known]


def ranks_of(library: Library, study: Study, gene_name: str, *, biosample: str) -> list[Ranks]:
    """The ranks of a gene's positives by each of `ranked_methods`, computed once per study and weights."""
    methods = ranked_methods(study, biosample=biosample)
    gene_id = str(study.gene(gene_name)["gene_id"])
    links, problems = links_of(library, study, gene_id, biosample=biosample, methods=methods)
    pairs, _ = measured_pairs(study, gene_id, biosample=biosample)
    key = ("home.ranks", gene_id, biosample, models_stamp(study, biosample))
    found = {
        method: library.memo(study.name, (*key, method), partial(ranks, pairs, table, method))
        for method, table in links.items()
    }
    return [found.get(method) or Ranks(method, problem=problems.get(method, "no score")) for method in methods]


def ranks(pairs: pd.DataFrame, links: pd.DataFrame, method: str) -> Ranks:
    """Rank measured pairs by the links that the pages show.

    Args:
      pairs: schema.CRISPR of one gene, with `call`.
      links: schema.LINKS of one method.
    """
    scored = scores_from_links(pairs, links, method=method)
    is_positive = (pairs["call"] == "decrease").to_numpy(bool)
    places = mean_ranks(-scored.score)[is_positive]
    return Ranks(
        method,
        tuple(sorted(float(place) for place in places)),
        len(pairs),
        int(is_positive.sum()),
        int(scored.is_filled.sum()),
        _average_precision(is_positive, scored.score),
    )


def _average_precision(is_positive: np.ndarray, score: np.ndarray) -> tuple[float, float, float]:
    if not is_positive.any():
        return (float("nan"),) * 3
    ranking = Ranking(is_positive, score)
    found = interval(lambda counts: ranking.metrics(counts)["average_precision"], len(score), n_resamples=RESAMPLES)
    if is_positive.sum() < LEAST_POSITIVES:
        return found.value, float("nan"), float("nan")
    return found.value, found.low, found.high


def effect_range(loci: Sequence[FirstLocus]) -> tuple[float, float]:
    """One range of effects, in per cent, that holds every mark of every locus: whole tens, 0 always inside."""
    drawn = [0.0, *(value for locus in loci for value in locus.marks["effect_percent"])]
    return 10.0 * np.floor(min(drawn) / 10 - 0.2), 10.0 * np.ceil(max(drawn) / 10 + 0.2)
