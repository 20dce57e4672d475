"""How well predicted knock-outs find the effects that a simulation planted: their sign, their order, their sums.

The truth of a simulated study says of every element what removing it would do to every gene. What is compared is
what a model could know: elements of its window that it reads, the gene's own promoter left out, and each gene by the
fold that never saw it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable, UnknownName
from cre_core.evaluation.bootstrap import in_blocks, percentile_interval, resample_counts
from cre_core.evaluation.methods import method_of, model_methods
from cre_core.evaluation.processes import each_part, opened
from cre_core.evaluation.weighted import Ranking, median, share
from cre_core.inference.known import shared_predictor, trained_models
from cre_core.inference.predicts import Predicts
from cre_core.interpretation.perturb import scan_pairs, scan_singles
from cre_core.progress import Report
from cre_core.schema import Mode

PLANTED = 0.1  # an effect of a tenth of expression or more counts as planted
# Where each of two elements does at most this, the truth's response is straight enough for logarithms to add up.
INDEPENDENT_LOG2 = 0.3
GENES_A_PART = 10
MOST_PER_GENE = 6  # of such elements, the strongest, whose pairs are tried
TRUTH = "truth_links.parquet"


class _Scanned(NamedTuple):
    """A row per element and gene."""

    gene_id: np.ndarray
    true_fraction: np.ndarray
    predicted_fraction: np.ndarray
    distance_bp: np.ndarray


def planted_methods(study: Study, biosample: str) -> list[str]:
    """Knock-outs of every trained model in every mode it has."""
    found = []
    for model in trained_models(study, biosample):
        modes = shared_predictor(study, model, biosample).modes
        found += [f"{model}.{method.name}" for method in model_methods() if method.mode in modes]
    return found


def planted_benchmark(
    study: Study,
    *,
    biosample: str,
    methods: Sequence[str] | None,
    report: Report,
    n_resamples: int = 1000,
    n_processes: int = 1,
) -> list[dict[str, Any]]:
    """Predicted knock-outs against the planted effects of a simulated study, intervals by gene.

    Args:
      methods: names from `planted_methods`; None = all.
      n_processes: as in `each_part`.

    Returns:
      Rows as the other benchmarks give them; subset `window of MODEL`: the elements that this model reads. Metrics:
      `sign_agreement`, of elements that change expression by a tenth or more; `average_precision` of finding those
      that lower it by as much, with the same of `distance` and their difference; `interaction_log2`, the median
      size of what pairs of weak elements do beyond the sum of both, beside `expected_log2`, the median size of that
      sum.

    Raises:
      NotAvailable: the study has no planted truth.
      UnknownName: another method.
    """
    path = study.folder / TRUTH
    if not path.is_file():
        raise NotAvailable(f"study {study.name} has no planted truth: only a simulated study knows its effects")
    truth = pd.read_parquet(path)
    truth = truth[truth["biosample"] == biosample].set_index(["gene_id", "element_id"])["true_effect_fraction"]
    known = planted_methods(study, biosample)
    for method in methods or ():
        if method not in known:
            raise UnknownName(f"no method '{method}' for {study.name}'s planted truth; there are {', '.join(known)}")
    chosen, genes = list(methods or known), _genes(study)
    parts = []
    for method in chosen:
        model, mode = method.rpartition(".")[0], method_of(method).mode
        assert mode is not None
        asked = _Asked(study if n_processes <= 1 else study.folder, model, biosample, mode)
        for at in range(0, len(genes), GENES_A_PART):
            ids = genes[at : at + GENES_A_PART]
            parts.append(_Part(method, asked, truth.loc[ids], ids))
    found = each_part(_try_part, parts, step="knock-outs", n_processes=n_processes, report=report)
    rows: list[dict[str, Any]] = []
    for method in chosen:
        own = [tried for part, tried in zip(parts, found, strict=True) if part.method == method]
        scanned = _joined([tried.scanned for tried in own])
        rows += _signs(method, scanned, n_resamples) + _ranking(method, scanned, n_resamples)
        rows += _sums(method, pd.concat([tried.pairs for tried in own], ignore_index=True).dropna(), n_resamples)
    report("done", len(parts), len(parts))
    return rows


@dataclass(frozen=True)
class _Asked:
    """A model and mode; a study that another process opens comes as its folder."""

    study: Study | Path
    model: str
    biosample: str
    mode: Mode


@dataclass(frozen=True)
class _Part:
    """Some genes, with the truth about them, and the method that is tried on them."""

    method: str
    asked: _Asked
    truth: pd.Series
    genes: Sequence[str]


@dataclass(frozen=True)
class _Tried:
    """Single knock-outs of some genes, and pairs of their weak elements."""

    scanned: _Scanned
    pairs: pd.DataFrame


def _genes(study: Study) -> list[str]:
    folds = study.folds.set_index("gene_id")
    return list(folds.index[folds.eq("test").any(axis=1)])


def _try_part(part: _Part) -> _Tried:
    asked = part.asked
    study = opened(asked.study) if isinstance(asked.study, Path) else asked.study
    predictor = shared_predictor(study, asked.model, asked.biosample)
    scanned, pairs = [], [pd.DataFrame({"interaction_log2": [], "expected_log2": [], "gene_id": []}, dtype=object)]
    for gene_id in part.genes:
        window, truth = predictor.window(gene_id), part.truth.loc[gene_id]
        counted = predictor.looks_at(window) & ~window.elements["is_own_promoter"].to_numpy()
        if counted.any():
            scanned.append(_scan(predictor, window, truth, counted, asked.mode))
        weak = _weak(window, truth, counted)
        if len(weak) > 1:
            pairs.append(scan_pairs(predictor, window, weak, mode=asked.mode).assign(gene_id=gene_id))
    return _Tried(_joined(scanned), pd.concat(pairs[1:] or pairs, ignore_index=True))


def _scan(predictor: Predicts, window: GeneWindow, truth: pd.Series, counted: np.ndarray, mode: Mode) -> _Scanned:
    scan = scan_singles(predictor, window, mode=mode)[counted]
    true, effect = truth.reindex(scan["element_id"]).to_numpy(), scan["effect_fraction"].to_numpy()
    distance = np.abs(window.elements["tss_distance_bp"].to_numpy()[counted])
    known = np.isfinite(true) & np.isfinite(effect)
    genes = np.full(int(known.sum()), window.gene["gene_id"], object)
    return _Scanned(genes, true[known], effect[known], distance[known])


def _joined(parts: Sequence[_Scanned]) -> _Scanned:
    nothing = _Scanned(np.zeros(0, object), np.zeros(0), np.zeros(0), np.zeros(0))
    return _Scanned(*(np.concatenate(columns) for columns in zip(nothing, *parts, strict=True)))


def _weak(window: GeneWindow, truth: pd.Series, counted: np.ndarray) -> list[str]:
    """The strongest of the elements whose planted effect is small enough for logarithms to add up."""
    ids = window.elements["element_id"].to_numpy()[counted]
    size = np.abs(np.log2(1 + truth.reindex(ids)))
    return list(size[(size <= INDEPENDENT_LOG2) & (size > 0)].nlargest(MOST_PER_GENE).index)


def _signs(method: str, scanned: _Scanned, n_resamples: int) -> list[dict[str, Any]]:
    planted = np.abs(scanned.true_fraction) >= PLANTED
    agrees = np.sign(scanned.true_fraction[planted]) == np.sign(scanned.predicted_fraction[planted])
    genes = scanned.gene_id[planted]

    counts = resample_counts(len(agrees), groups=genes, n_resamples=n_resamples)
    lowering = int((scanned.true_fraction[planted] < 0).sum())
    value = float(agrees.mean()) if len(agrees) else float("nan")
    return [_row(method, "sign_agreement", value, share(agrees)(counts), genes, lowering)]


def _ranking(method: str, scanned: _Scanned, n_resamples: int) -> list[dict[str, Any]]:
    is_positive = scanned.true_fraction <= -PLANTED
    counts = resample_counts(len(is_positive), groups=scanned.gene_id, n_resamples=n_resamples)
    once = np.ones((len(is_positive), 1), np.uint16)
    scores = {method: -scanned.predicted_fraction, "distance": -scanned.distance_bp}
    values, drawn = {}, {}
    for name, score in scores.items():
        ranking = Ranking(is_positive, score)
        values[name] = float(ranking.metrics(once)["average_precision"][0])
        drawn[name] = in_blocks(ranking.metrics, counts)["average_precision"]
    n = int(is_positive.sum())
    rows = [
        _row(name, "average_precision", values[name], drawn[name], scanned.gene_id, n, window_of=method)
        for name in scores
    ]
    gain = values[method] - values["distance"], drawn[method] - drawn["distance"]
    return [*rows, _row(method, "average_precision_difference", *gain, scanned.gene_id, n)]


def _sums(method: str, pairs: pd.DataFrame, n_resamples: int) -> list[dict[str, Any]]:
    """Pairs of weak elements: what they do together beyond the sum."""
    if not len(pairs):
        return []
    genes = pairs["gene_id"].to_numpy()
    counts = resample_counts(len(pairs), groups=genes, n_resamples=n_resamples)
    rows = []
    for column in ("interaction_log2", "expected_log2"):
        sizes = pairs[column].astype(float).abs().to_numpy()
        drawn = median(sizes)(counts)
        rows.append(_row(method, column, float(np.median(sizes)), drawn, genes, 0))
    return rows


def _row(
    method: str,
    metric: str,
    value: float,
    drawn: np.ndarray,
    genes: np.ndarray,
    n_positive: int,
    *,
    window_of: str | None = None,
) -> dict[str, Any]:
    found = percentile_interval(value, drawn)
    model = (window_of or method).split(".")[0]
    return {
        "method": method,
        "n": len(genes),
        "n_positive": n_positive,
        "prevalence": n_positive / len(genes) if len(genes) else float("nan"),
        "metric": metric,
        "value": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "subset": f"window of {model}",
        "interval": "gene",
        "n_genes": len(pd.unique(genes)),
    }
