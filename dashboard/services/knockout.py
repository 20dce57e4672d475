"""The knock-out page's numbers: one experiment on one gene, its combinations, and how it agrees with the screen."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import torch

from cre_core.data.study import Study, Track
from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable
from cre_core.evaluation import weighted
from cre_core.evaluation.bootstrap import interval
from cre_core.inference.predictor import Predictor, model_folders, open_predictor, trained_models
from cre_core.interpretation.perturb import Perturbation, express, knock_out, neighbour_effects, scan_singles
from cre_core.schema import Mode
from dashboard.services.library import Library
from dashboard.services.remote import asked_by, open_remote

LEAST_PAIRS = 10  # below this a rank correlation says nothing
LEAST_POSITIVES = 3  # below this an interval of the average precision says nothing
RESAMPLES = 400
KEPT_EXPERIMENTS = 64
SCAN_VERSION = 3  # another number forgets the scans kept on disk


@dataclass(frozen=True)
class Scan:
    """What is known of one gene under one model and mode before anything is changed.

    Attributes:
      table: a row per element of the window, in place order: element_id, chrom, start, end, element_class,
        tss_distance_bp, single_log2 and single_fraction (predicted effect of knocking it out alone),
        attention (as measured), measured_fraction, measured_call (`decrease`, `increase`, `not significant`,
        `` = not tested), power_at_25.
      pairs: a row per measured pair of the gene, see `measured_pairs`, plus predicted_fraction and element_id of
        the strongest element under it (NaN and ``: no element there).
      baseline: predicted expression with every element as measured, in the predictor's unit.
      observed: the measured expression in the same unit; NaN = not known.
      warning: what to know about the screen, or ``.
      agreement: of `pairs`.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    baseline: float
    observed: float
    warning: str
    agreement: Agreement


@dataclass(frozen=True)
class Experiment:
    """A gene's scan, and what it takes to ask the model more.

    Attributes:
      predictor, window, mode, scan: what was asked, and the answer.
      fold: the fold that answers for the gene.
      is_leaked: whether that fold's model saw the gene in training.
    """

    predictor: Predictor
    window: GeneWindow
    mode: Mode
    scan: Scan
    fold: str
    is_leaked: bool


def run_scan(predictor: Predictor, window: GeneWindow, *, mode: Mode) -> Scan:
    """Predict the baseline and every single knock-out of a gene in one batch, and lay the screen beside them."""
    gene_id = window.gene["gene_id"]
    singles = scan_singles(predictor, window, mode=mode)
    baseline = knock_out(predictor, window, {}, mode=mode)
    pairs, warning = measured_pairs(predictor.study, gene_id, biosample=predictor.biosample)
    table = window.elements.copy()
    table["single_log2"] = singles["log2_fold_change"].to_numpy()
    table["single_fraction"] = singles["effect_fraction"].to_numpy()
    table["attention"] = np.where(predictor.looks_at(window), baseline.attention_before, np.nan)
    overlap = overlaps(table, pairs)
    pairs = _with_predicted(pairs, table, overlap)
    return Scan(
        table=_with_measured(table, pairs, overlap),
        pairs=pairs,
        baseline=baseline.before,
        observed=_observed(predictor, gene_id),
        warning=warning,
        agreement=agreement(pairs),
    )


class Desk:
    """The open predictors and experiments of one library; their weights are in the process that all workers share."""

    def __init__(self, library: Library) -> None:
        # The tensors of one gene are small: a second thread brings little, and on a busy machine it waits for a core.
        torch.set_num_threads(1)
        self.library = library
        self._predictors: dict[tuple[str, str, str], tuple[object, Predictor]] = {}
        self._experiments: OrderedDict[tuple[object, ...], Experiment] = OrderedDict()
        self._lock = threading.Lock()

    def opened(self, study: Study, model: str, biosample: str) -> Predictor:
        """`predictor`, as `gene_links` asks for it."""
        return self.predictor(study, model, biosample=biosample)

    def predictor(self, study: Study, model: str, *, biosample: str) -> Predictor:
        """The predictor of a trained model, opened anew when the study or the weights are."""
        folder = model_folders(study, biosample).get(model)
        stamp = (id(study), folder and max(path.stat().st_mtime_ns for path in folder.glob("*.safetensors")))
        with self._lock:
            key = (study.name, model, biosample)
            if key not in self._predictors or self._predictors[key][0] != stamp:
                self._predictors[key] = (stamp, self._opened(study, model, biosample))
            return self._predictors[key][1]

    def _opened(self, study: Study, model: str, biosample: str) -> Predictor:
        if self.library.models is None:
            return open_predictor(study, model, biosample=biosample)
        return open_remote(study, model, biosample=biosample, client=self.library.models)

    def experiment(self, study: Study, gene: str, *, model: str, biosample: str, mode: Mode) -> Experiment:
        """The scan of a gene, from memory, from the disk cache, or run now.

        Raises:
          UnknownName: no such gene. NotAvailable: no weights, or no element near the gene.
        """
        predictor = self.predictor(study, model, biosample=biosample)
        asked = (id(predictor), gene, mode)
        with self._lock:
            if asked in self._experiments:
                self._experiments.move_to_end(asked)
                return self._experiments[asked]
        gene_id = str(study.gene(gene)["gene_id"])
        weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
        key = ("knockout.scan", SCAN_VERSION, model, biosample, gene_id, mode, weights)
        window = predictor.window(gene_id)
        if not len(window.elements):
            reach = f"{predictor.reach_bp / 1e6:g} Mb"
            raise NotAvailable(f"no element within {reach} of {window.gene['gene_name']}: nothing to knock out")
        scan = self.library.memo(study.name, key, lambda: run_scan(predictor, window, mode=mode))
        fold, is_leaked = predictor.fold_of(gene_id), predictor.saw(gene_id)
        experiment = Experiment(predictor, window, mode, scan, fold, is_leaked)
        with self._lock:
            self._experiments[asked] = experiment
            while len(self._experiments) > KEPT_EXPERIMENTS:
                self._experiments.popitem(last=False)
        return experiment


def models_of(study: Study, biosample: str) -> list[str]:
    """Names of the models trained for a biosample."""
    return trained_models(study, biosample)


@lru_cache(maxsize=4)
def desk_of(library: Library) -> Desk:
    """The one desk of a library."""
    return Desk(library)


def measured_pairs(study: Study, gene_id: str, *, biosample: str) -> tuple[pd.DataFrame, str]:
    """The CRISPRi pairs of a gene: this biosample's, or another's with a warning.

    Returns:
      Rows with a finite effect, in place order, plus `call`: `decrease` or `increase` when significant, else
      `not significant`; and one line to print, `` when there is nothing to say.
    """
    table = study.crispr if study.has("crispr") else None
    if table is None:
        return _no_pairs(), f"study {study.name} has no CRISPRi screen: there is nothing to compare with"
    pairs = table[table["gene_id"] == gene_id]
    other = pairs.loc[pairs["biosample"] != biosample, "biosample"]
    warning = ""
    if (pairs["biosample"] == biosample).any():
        pairs = pairs[pairs["biosample"] == biosample]
    elif len(other):
        pairs = pairs[pairs["biosample"] == other.iloc[0]]
        warning = f"the screen was made in {other.iloc[0]}, the prediction is for {biosample}"
    else:
        warning = "no element of this gene was tested by CRISPRi"
    missing = int(pairs["effect_fraction"].isna().sum())
    if missing:
        warning = "; ".join(filter(None, [warning, f"{missing} tested without a measured effect: not drawn"]))
    pairs = pairs[pairs["effect_fraction"].notna()].sort_values("start", kind="stable", ignore_index=True)
    return pairs.assign(call=calls(pairs)), warning


def calls(pairs: pd.DataFrame) -> np.ndarray:
    """`decrease`, `increase` or `not significant` for each pair."""
    sign = np.where(pairs["effect_fraction"] < 0, "decrease", "increase")
    return np.where(pairs["is_significant"], sign, "not significant")


def tracks_read(window: GeneWindow, tracks: Sequence[Track]) -> list[Track]:
    """Of a study's tracks those that a model reads around a gene: counts of elements, or values per base."""
    per_base = () if window.inputs is None else window.inputs.tracks
    named = {
        kind: {name.casefold() for name in names}
        for kind, names in (("element_counts", window.assays), ("bigwig", per_base))
    }
    own = [track for track in tracks if track.biosample == window.biosample]
    return [track for track in own if track.assay.casefold() in named.get(track.kind, ())]


def overlaps(elements: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """(E, P) int64: bases that each element shares with each pair's place; all lie on the gene's chromosome."""
    start, end = elements["start"].to_numpy()[:, None], elements["end"].to_numpy()[:, None]
    other_start, other_end = pairs["start"].to_numpy()[None, :], pairs["end"].to_numpy()[None, :]
    shared = np.minimum(end, other_end) - np.maximum(start, other_start)
    return np.maximum(shared, 0).astype(np.int64)


def _with_measured(table: pd.DataFrame, pairs: pd.DataFrame, overlap: np.ndarray) -> pd.DataFrame:
    """The measured effect of each element: that of the pair it shares most bases with."""
    table = table.assign(measured_fraction=np.nan, measured_call="", power_at_25=np.nan)
    if not len(pairs):
        return table
    best, is_tested = overlap.argmax(axis=1), overlap.any(axis=1)
    found = pairs.iloc[best[is_tested]]
    for column, source in (
        ("measured_fraction", "effect_fraction"),
        ("measured_call", "call"),
        ("power_at_25", "power_at_25"),
    ):
        table.loc[is_tested, column] = found[source].to_numpy()
    return table


def _with_predicted(pairs: pd.DataFrame, table: pd.DataFrame, overlap: np.ndarray) -> pd.DataFrame:
    """The predicted effect of each pair: the strongest single knock-out among the elements under it."""
    if not len(pairs):
        return pairs.assign(predicted_fraction=np.array([], float), element_id=np.array([], object))
    size = np.where(overlap > 0, np.abs(table["single_log2"].to_numpy())[:, None], -1.0)
    best, is_known = size.argmax(axis=0), (overlap > 0).any(axis=0)
    predicted = np.where(is_known, table["single_fraction"].to_numpy()[best], np.nan)
    return pairs.assign(
        predicted_fraction=predicted, element_id=np.where(is_known, table["element_id"].to_numpy()[best], "")
    )


def _no_pairs() -> pd.DataFrame:
    columns = ["chrom", "start", "end", "effect_fraction", "p_adjusted", "power_at_25", "is_significant", "reference"]
    return pd.DataFrame({name: pd.Series(dtype=float) for name in columns}).assign(
        call=pd.Series(dtype=str), tss_distance_bp=pd.Series(dtype=float)
    )


def _observed(predictor: Predictor, gene_id: str) -> float:
    study = predictor.study
    measures = [name for name, text in study.info.measures.items() if text == predictor.unit.text]
    if not measures:
        return float("nan")
    table = study.expression
    is_it = (table["gene_id"] == gene_id) & (table["biosample"] == predictor.biosample)
    values = table.loc[is_it & (table["measure"] == measures[0]), "value"]
    return float(values.iloc[0]) if len(values) else float("nan")


def known_strengths(
    window: GeneWindow, knock_outs: Sequence[tuple[str, float]]
) -> tuple[dict[str, float], list[str]]:
    """The strengths of elements in the window that differ from 1, and a line for each element that is not there."""
    inside = set(window.elements["element_id"])
    known = {element: float(strength) for element, strength in knock_outs if element in inside and strength < 1.0}
    odd = [element for element, _ in knock_outs if element not in inside]
    gene = window.gene["gene_name"]
    return known, [f"'{element}' is not an element of the window around {gene} and was left out" for element in odd]


def additive_log2(table: pd.DataFrame, strengths: Mapping[str, float]) -> float:
    """The additive estimate: single log2 fold changes, each in proportion to what was taken away, summed."""
    single = table.set_index("element_id")["single_log2"]
    return float(sum((1.0 - strength) * single[element] for element, strength in strengths.items()))


def expected_fraction(table: pd.DataFrame, strengths: Mapping[str, float]) -> tuple[float, str]:
    """The effect if the knocked-out elements acted independently, or NaN and the reason there is none.

    Only full knock-outs were computed alone, so only they have an expectation.
    """
    if len(strengths) < 2:
        return float("nan"), "an interaction wants two or more elements"
    if any(strength > 0.0 for strength in strengths.values()):
        return float("nan"), "no interaction while a strength lies between 0 and 1"
    return float(np.exp2(additive_log2(table, strengths)) - 1.0), ""


def with_others(experiment: Experiment, strengths: Mapping[str, float]) -> np.ndarray:
    """What each element still does once `strengths` are in place.

    Returns:
      (E,) float64: relative change of the changed gene's expression when this element is knocked out too;
      NaN for an element that is already out.
    """
    window, predictor = experiment.window, experiment.predictor
    if not strengths:
        return experiment.scan.table["single_fraction"].to_numpy(float)
    n = len(window.elements)
    now = np.ones(n, np.float32)
    now[window.positions_of(list(strengths))] = list(strengths.values())
    variants = np.tile(now, (n + 1, 1))
    variants[np.arange(1, n + 1), np.arange(n)] = 0.0
    expression = express(predictor, window, variants, mode=experiment.mode).mean(0)
    effect = predictor.unit.effect_fraction(expression[0], expression[1:])
    return np.where(now == 0.0, np.nan, effect)


def run_knock_out(
    experiment: Experiment, strengths: Mapping[str, float], *, client: str = "", sequence: int = 0
) -> Perturbation:
    """The exact answer: the model with these strengths.

    Args:
      client, sequence: which page asks, and its how-manieth change this is; a newer one supersedes it.
    """
    with asked_by(client, sequence, "knock-out"):
        return knock_out(experiment.predictor, experiment.window, strengths, mode=experiment.mode)


def neighbours(experiment: Experiment, strengths: Mapping[str, float]) -> pd.DataFrame:
    """gene_name and effect_fraction of the nearest genes that see the same elements; empty when nothing changed.

    Raises:
      NotAvailable: a neighbour is of another fold, whose weights were not trained; or the models do not answer.
    """
    if not strengths:
        return pd.DataFrame({"gene_name": [], "effect_fraction": []})
    return neighbour_effects(experiment.predictor, experiment.window, strengths, mode=experiment.mode)


@dataclass(frozen=True)
class Agreement:
    """How the single knock-outs of one gene agree with its screen.

    Attributes:
      n, n_positive: pairs with both numbers; those with a significant decrease.
      n_without_element: tested places that hold no element of the model.
      spearman, average_precision: value and 95 % interval over pairs; NaN where `reason` says why.
      reason: why a number is missing, or ``.
    """

    n: int
    n_positive: int
    n_without_element: int
    spearman: tuple[float, float, float]
    average_precision: tuple[float, float, float]
    reason: str

    @property
    def prevalence(self) -> float:
        """Share of positives, what a random order scores as average precision."""
        return self.n_positive / self.n if self.n else float("nan")


_NONE = (float("nan"), float("nan"), float("nan"))


def agreement(pairs: pd.DataFrame) -> Agreement:
    """Compare predicted and measured effects of a gene's pairs; only full knock-outs compare with CRISPRi."""
    both = pairs[pairs["predicted_fraction"].notna()] if len(pairs) else pairs
    n, lost = len(both), len(pairs) - len(both)
    is_positive = (both["call"] == "decrease").to_numpy(bool)
    n_positive = int(is_positive.sum())
    if n < LEAST_PAIRS:
        reason = (
            f"{n} pair{'s' * (n != 1)}: fewer than {LEAST_PAIRS} say nothing"
            if n
            else "no measured pair to compare with"
        )
        return Agreement(n, n_positive, lost, _NONE, _NONE, reason)
    predicted = both["predicted_fraction"].to_numpy(float)
    measured = both["effect_fraction"].to_numpy(float)
    ranks = _bootstrapped(lambda counts: weighted.Agreement(measured, predicted).metrics(counts)["spearman_r"], n)
    if n_positive == 0:
        return Agreement(n, 0, lost, ranks, _NONE, "no average precision: none of the pairs is positive")
    ranking = weighted.Ranking(is_positive, -predicted)
    ap = _bootstrapped(lambda counts: ranking.metrics(counts)["average_precision"], n)
    if n_positive < LEAST_POSITIVES:
        reason = f"no interval of the average precision: {n_positive} positive"
        return Agreement(n, n_positive, lost, ranks, (ap[0], np.nan, np.nan), reason)
    return Agreement(n, n_positive, lost, ranks, ap, "")


def _bootstrapped(metric: Callable[[np.ndarray], np.ndarray], n: int) -> tuple[float, float, float]:
    found = interval(metric, n, n_resamples=RESAMPLES)
    return found.value, found.low, found.high
