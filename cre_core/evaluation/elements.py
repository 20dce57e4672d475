"""How well a method tells what an element is: silencer, enhancer, promoter, insulator or background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from cre_core.data.element_classes import chroms_of, fold_names, labelled_elements, split_elements
from cre_core.data.store_build import build_store
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.evaluation.bootstrap import in_blocks, percentile_interval, resample_counts
from cre_core.evaluation.weighted import Ranking
from cre_core.inference.classes import ClassPredictor, class_models
from cre_core.progress import Report
from cre_core.schema import ELEMENT_SIGNAL

CLASSES = ("silencer", "enhancer", "promoter", "insulator", "background")  # CREATE's, in its order
BASELINES = ("gradient_boosting", "gradient_boosting_open")
GC_BP = 1_000  # CREATE's window
PER_CLASS = ("average_precision", "auroc", "f1")
METRICS = (*(f"macro_{name}" for name in PER_CLASS), "accuracy")

Resampled = dict[str, np.ndarray]


def elements_benchmark(
    study: Study, *, biosample: str, methods: Sequence[str] | None, report: Report, n_resamples: int = 1000
) -> list[dict[str, Any]]:
    """Held-out class probabilities of trained models and of gradient boosting against the study's element labels.

    Every element is scored by weights that never saw it, and where the model is one of other biosamples, nothing of
    this one. The baselines learn on the same side of the same folds, from all labelled biosamples that may be
    trained on: `gradient_boosting` reads the counts of every assay and GC, also those that CREATE does not read
    (histone marks, CTCF), `gradient_boosting_open` only accessibility and GC.

    Args:
      methods: names from BASELINES and the trained models; None = all.

    Returns:
      Rows as `evaluate_classes` gives them.

    Raises:
      NotAvailable: the study has no labels of the biosample.
      UnknownName: a method that is not there.
    """
    models = class_models(study, biosample)
    known = [*BASELINES, *models]
    for method in methods or ():
        if method not in known:
            raise UnknownName(
                f"no method '{method}' for elements of {biosample} in study {study.name}; "
                f"there are {', '.join(known)}"
            )
    chosen = list(methods or known)
    observed = _observed(study, biosample)
    predictions = {}
    for done, method in enumerate(chosen):
        report(method, done, len(chosen))
        if method in models:
            predictions[method] = ClassPredictor(study, models[method], biosample=biosample).held_out()
        else:
            predictions[method] = boosted(study, biosample, open_only=method != "gradient_boosting")
    rows = evaluate_classes(observed, predictions, n_resamples=n_resamples)
    report("done", len(chosen), len(chosen))
    return rows


def evaluate_classes(
    observed: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    *,
    classes: Sequence[str] = CLASSES,
    n_resamples: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Compare class probabilities with labels, all methods on the same elements.

    Args:
      observed: element_id, chrom, label.
      predictions: method -> element_id and a column of probabilities per class; an element that is there several
        times counts with its mean, one with NaN is not predicted.
      classes: those that may occur. Macro values are means over those that do.
      n_resamples: of the bootstrap over elements.
      seed: of its draws, the same for all methods.

    Returns:
      A row per method, subset and metric: method, n, n_positive, prevalence, metric, value, ci_low, ci_high, subset,
      interval, n_missing. Subsets `all` and each chromosome hold METRICS; n_positive is None, and prevalence the mean
      of the classes' shares, which is the macro average precision of a random order (of `accuracy`: the largest
      share). Subsets named by a class hold PER_CLASS for that class against the rest, among all elements. F1 and
      accuracy take the most probable class. `n_missing`: labelled elements left out because some method lacks them.

    Raises:
      BadInput: no method, or no labelled element that all methods predict.

    Source: CREATE, Methods (evaluation metrics).
    """
    table, scores = _common(observed, predictions, classes)
    n_missing = len(observed) - len(table)
    label = table["label"].map({name: n for n, name in enumerate(classes)}).to_numpy()
    chroms = list(dict.fromkeys(table["chrom"])) if table["chrom"].nunique() > 1 else []
    rows = []
    for subset, kept in [("all", np.ones(len(table), bool))] + [
        (c, (table["chrom"] == c).to_numpy()) for c in chroms
    ]:
        counts = resample_counts(int(kept.sum()), n_resamples=n_resamples, seed=seed)
        for method, score in scores.items():
            found = _Found(label[kept], score[kept], counts)
            base = {"method": method, "n": len(found.label), "n_missing": n_missing, "interval": "element"}
            rows += found.macro_rows({**base, "subset": subset})
            if subset == "all":
                rows += found.class_rows(base, classes)
    return rows


class _Found:
    """The metrics of one method on some elements, as they are and in every resample."""

    def __init__(self, label: np.ndarray, score: np.ndarray, counts: np.ndarray) -> None:
        """Args: label (n,), score (n, K), counts (n, R)."""
        self.label, self.present = label, np.unique(label)
        rankings = {int(k): Ranking(label == k, score[:, k]) for k in self.present}
        guess = score.argmax(1)  # (n,)

        def statistics(drawn: np.ndarray) -> Resampled:
            weight = drawn.astype(float)
            found = {"accuracy": (weight * (guess == label)[:, None]).sum(0) / weight.sum(0)}
            for k, ranking in rankings.items():
                of_ranking = ranking.metrics(drawn)
                found |= {f"{name}/{k}": of_ranking[name] for name in ("average_precision", "auroc")}
                found[f"f1/{k}"] = _f1(label == k, guess == k, weight)
            return found

        self.value = _with_macro(statistics(np.ones((len(label), 1), np.uint16)))
        self.drawn = _with_macro(in_blocks(statistics, counts))

    def macro_rows(self, base: dict[str, Any]) -> list[dict[str, Any]]:
        """A row for each of METRICS."""
        share = np.array([(self.label == k).mean() for k in self.present])
        rows = []
        for metric in METRICS:
            prevalence = float(share.max() if metric == "accuracy" else share.mean())
            rows.append(self._row({**base, "n_positive": None, "prevalence": prevalence}, metric, metric))
        return rows

    def class_rows(self, base: dict[str, Any], classes: Sequence[str]) -> list[dict[str, Any]]:
        """A row for each of PER_CLASS and each class that occurs."""
        rows = []
        for k in self.present:
            is_class = self.label == k
            own = {"n_positive": int(is_class.sum()), "prevalence": float(is_class.mean()), "subset": classes[k]}
            rows += [self._row({**base, **own}, metric, f"{metric}/{k}") for metric in PER_CLASS]
        return rows

    def _row(self, base: dict[str, Any], metric: str, key: str) -> dict[str, Any]:
        found = percentile_interval(float(self.value[key][0]), self.drawn[key])
        return {**base, "metric": metric, "value": found.value, "ci_low": found.low, "ci_high": found.high}


def _with_macro(found: Resampled) -> Resampled:
    """With the means over classes; a class that a resample does not hold is left out of its mean."""
    macro = {}
    for metric in PER_CLASS:
        values = np.stack([value for name, value in found.items() if name.startswith(f"{metric}/")])  # (K, R)
        n_known = (~np.isnan(values)).sum(0)
        macro[f"macro_{metric}"] = np.where(n_known, np.nansum(values, 0) / np.maximum(n_known, 1), np.nan)
    return found | macro


def _f1(is_class: np.ndarray, is_called: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(R,) harmonic mean of precision and recall; NaN where a resample holds none of the class."""
    n_right = (weight * (is_class & is_called)[:, None]).sum(0)  # (n, R) -> (R,)
    n_class, n_called = (weight[which].sum(0) for which in (is_class, is_called))
    return np.where(n_class > 0, 2 * n_right / np.maximum(n_class + n_called, 1), np.nan)


def _common(
    observed: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], classes: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Labelled elements that every method predicts, and each method's (n, K) of them."""
    if not predictions:
        raise BadInput("no prediction came; wanted at least one method")
    table, wide = observed.reset_index(drop=True), {}
    for method, rows in predictions.items():
        wide[method] = rows.groupby("element_id")[list(classes)].mean().dropna()
        table = table[table["element_id"].isin(wide[method].index)]
    if table.empty:
        raise BadInput("no labelled element has a held-out prediction of every method; wanted at least one")
    return table, {method: rows.loc[table["element_id"]].to_numpy() for method, rows in wide.items()}


def _observed(study: Study, biosample: str) -> pd.DataFrame:
    """element_id, chrom, label of the elements labelled in a biosample."""
    labelled = labelled_elements(study, [biosample], CLASSES)
    return labelled.assign(label=[CLASSES[k] for k in labelled["label"]])[["element_id", "chrom", "label"]]


# ---------------------------------------------------------------- the baseline


def boosted(study: Study, biosample: str, *, open_only: bool, seed: int = 0) -> pd.DataFrame:
    """Gradient boosting on element counts and GC, each chromosome by the fold that tests it.

    Args:
      open_only: of the assays, accessibility alone.

    Returns:
      element_id, fold and a column per class. A missing count stays missing: the trees know how to go on.

    Raises:
      NotAvailable: the study has no accessibility counts, or no biosample that may be trained on has labels.
    """
    features = _features(study, open_only=open_only)
    labelled = labelled_elements(study, _trainable(study), CLASSES)
    parts = []
    for fold in fold_names(study, "chromosome"):
        part = split_elements(study, labelled, fold=fold, split="chromosome")
        seen = labelled[part != "test"]
        model = HistGradientBoostingClassifier(random_state=seed)
        tested = study.elements.loc[study.elements["chrom"].isin(chroms_of(study, fold, "test")), ["element_id"]]
        with threadpool_limits(limits=1):
            model.fit(_of(features, seen["element_id"], seen["biosample"]), seen["label"])
            found = model.predict_proba(_of(features, tested["element_id"], [biosample] * len(tested)))
        table = tested.assign(fold=fold, **dict.fromkeys(CLASSES, 0.0))
        table[[CLASSES[k] for k in model.classes_]] = found
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _trainable(study: Study) -> list[str]:
    held_out = study.info.provenance.get("held_out_biosamples", [])
    there = set(study.element_labels["biosample"]) - set(held_out)
    if not there:
        raise NotAvailable(f"study {study.name} has no labelled biosample that may be trained on")
    return [name for name in study.info.biosamples if name in there]


def _features(study: Study, *, open_only: bool) -> pd.DataFrame:
    """log(1 + reads) of each assay and GC, by element_id and biosample."""
    counts = study.element_signal.set_index(["element_id", "biosample"])
    counts = counts[[name for name in counts if name not in ELEMENT_SIGNAL.columns]]
    if open_only:
        names = [name for name in counts if str(name).casefold() in ("dnase", "atac")]
        if not names:
            raise NotAvailable(f"study {study.name} has no accessibility counts; it has {', '.join(counts)}")
        counts = counts[names]
    table = np.log1p(counts)
    gc = pd.Series(_gc_fraction(study), index=study.elements["element_id"])
    return table.assign(gc_fraction=gc.reindex(table.index.get_level_values("element_id")).to_numpy())


def _gc_fraction(study: Study) -> np.ndarray:
    """(N,) of the known bases around each element's centre; NaN where there are none."""
    if study.info.sequence is None:
        return np.full(len(study.elements), np.nan)
    store = build_store(study, width_bp=GC_BP, report=lambda step, done, total: None)
    bases = store.elements(np.arange(len(study.elements))).sequence.numpy()  # (N, L)
    n_gc, n_known = ((bases == 1) | (bases == 2)).sum(1), (bases < 4).sum(1)
    return np.where(n_known, n_gc / np.maximum(n_known, 1), np.nan)


def _of(features: pd.DataFrame, element_ids: Sequence[str], biosamples: Sequence[str]) -> np.ndarray:
    wanted = pd.MultiIndex.from_arrays([list(element_ids), list(biosamples)])
    return features.reindex(wanted).to_numpy(float)
