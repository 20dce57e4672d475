"""Expression across genes: two plain baselines on element counts, and the comparison of held-out predictions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cre_core.errors import BadInput, UnknownName
from cre_core.evaluation.bootstrap import in_blocks, percentile_interval, resample_counts
from cre_core.evaluation.weighted import EXPRESSION_METRICS, ValueAgreement
from cre_core.schema import HALF_LIFE_FEATURES

Baseline = Literal["gradient_boosting", "ridge"]
# A baseline is to be as strong as it easily gets: scikit-learn's defaults reach .0013 less on K562.
BOOSTING: Mapping[str, Any] = {"learning_rate": 0.05, "max_iter": 300, "max_features": 0.3}

# Seven bins of distance to the TSS, in bp; first included, last not. Half a decade each beyond the first.
BIN_EDGES_BP = (0, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)


@dataclass(frozen=True)
class Features:
    """What a baseline sees of each gene.

    Attributes:
      gene_id: (G,).
      values: (G, F) float64; NaN = no data.
      names: of the F columns.
    """

    gene_id: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]


def features(
    genes: pd.DataFrame,
    elements: pd.DataFrame,
    *,
    element_signal: pd.DataFrame,
    promoter_signal: pd.DataFrame,
    biosample: str,
    assays: Sequence[str] = ("dnase", "h3k27ac"),
    edges_bp: Sequence[int] = BIN_EDGES_BP,
) -> Features:
    """log(1 + reads) of each assay in bins of distance and at the promoter, and the half-life features.

    Args:
      genes: schema.GENES, with schema.HALF_LIFE_FEATURES where known.
      elements: schema.ELEMENTS.
      element_signal, promoter_signal: schema.ELEMENT_SIGNAL, schema.PROMOTER_SIGNAL; counts, NaN = no data.
      biosample: whose counts.
      assays: T columns of both signal tables.
      edges_bp: of the bins; an element is in the bin of its centre's distance, either side of the TSS.

    Returns:
      (G, T * bins + T + 8). An empty bin is 0; a bin whose elements all lack data is NaN.

    Raises:
      UnknownName: a signal table lacks the biosample or an assay.
    """
    counts = _counts(element_signal, "element_id", elements["element_id"], biosample, assays)
    promoter = _counts(promoter_signal, "gene_id", genes["gene_id"], biosample, assays)
    binned = np.log1p(_binned(genes, elements, counts, edges_bp))
    names = [f"{assay}_{low / 1000:g}_{high / 1000:g}_kb" for low, high in pairwise(edges_bp) for assay in assays]
    half_life = genes.reindex(columns=list(HALF_LIFE_FEATURES)).to_numpy(float)
    values = np.concatenate([binned.reshape(len(genes), -1), np.log1p(promoter), half_life], axis=1)
    names += [f"{assay}_promoter" for assay in assays] + list(HALF_LIFE_FEATURES)
    return Features(genes["gene_id"].to_numpy(), values, tuple(names))


def held_out_predictions(
    inputs: Features,
    observed: pd.DataFrame,
    *,
    folds: pd.DataFrame,
    model: Baseline = "gradient_boosting",
    seed: int = 0,
) -> pd.DataFrame:
    """Fit a baseline on each fold's training genes and predict its test genes.

    Args:
      inputs: of `features`.
      observed: columns gene_id, value; a gene without a value (NaN or no row) is not trained on.
      folds: schema.FOLDS.
      model: gradient boosting with scikit-learn's defaults, or ridge with penalty 1 on standardised features.
      seed: of the boosting.

    Returns:
      Columns gene_id, fold, value: each gene once per fold that tests it.

    Raises:
      BadInput: a fold has no training gene, or there is no fold.
    """
    value = observed.set_index("gene_id")["value"].reindex(inputs.gene_id).to_numpy(float)
    parts = []
    for fold in fold_columns(folds):
        part = folds.set_index("gene_id")[fold].reindex(inputs.gene_id).to_numpy()
        is_train, is_test = (part == "train") & ~np.isnan(value), part == "test"
        if not is_train.any():
            raise BadInput(f"{fold} has no training gene with a value; wanted at least one")
        if not is_test.any():
            continue
        predicted = _fit_predict(model, inputs.values, value, is_train, is_test, seed)
        parts.append(pd.DataFrame({"gene_id": inputs.gene_id[is_test], "fold": fold, "value": predicted}))
    return pd.concat(parts, ignore_index=True)


def evaluate_expression(
    observed: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    *,
    folds: pd.DataFrame,
    genes: pd.DataFrame | None = None,
    reference: str | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Compare predictions with measurements across genes, all methods on the same genes.

    Args:
      observed: columns gene_id, value: one biosample and measure; NaN = not measured.
      predictions: method -> columns gene_id, fold, value. Only rows whose fold tests the gene count, so that no
        model is asked about a gene it has seen; a gene that several folds test gets their mean.
      folds: schema.FOLDS.
      genes: schema.GENES; gives one subset per chromosome.
      reference: the method the others are compared with, gene by gene; None for no comparison.
      n_resamples: of the bootstrap over genes.
      seed: of its draws, the same for all methods.

    Returns:
      Rows as in `links.evaluate_links` without n_positive and prevalence (None): pearson_r, spearman_r, mae; subsets
      `all`, each fold, each chromosome. `n_missing`: measured genes left out because some method lacks them.

    Raises:
      BadInput: no method, no gene that all methods predict, or a prediction that is NaN.
      UnknownName: the reference is not among the methods.
    """
    if reference is not None and reference not in predictions:
        raise UnknownName(f"no method '{reference}' to compare with; there are {', '.join(predictions) or 'none'}")
    table, n_missing = _common(observed, predictions, folds)
    rows = []
    for subset, part in _expression_subsets(table, folds, genes):
        counts = resample_counts(len(part), n_resamples=n_resamples, seed=seed)
        once = np.ones((len(part), 1), np.uint16)
        found = {}
        for method in predictions:
            agreement = ValueAgreement(part["value"].to_numpy(), part[method].to_numpy())
            found[method] = agreement.metrics(once), in_blocks(agreement.metrics, counts)
        for method in predictions:
            rows += _rows(_base(method, subset, len(part), n_missing), found, reference)
    return rows


def _rows(
    base: dict[str, Any],
    found: Mapping[str, tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]],
    reference: str | None,
) -> list[dict[str, Any]]:
    """Rows of one method on one subset; `found` holds each method's value and resampled values by metric."""
    value, drawn = found[base["method"]]
    rows = [_row(base, metric, float(value[metric][0]), drawn[metric]) for metric in EXPRESSION_METRICS]
    if reference is None or base["method"] == reference:
        return rows
    than, than_drawn = found[reference]
    against = {**base, "versus": reference}
    return rows + [
        _row(
            against,
            f"{metric}_difference",
            float(value[metric][0] - than[metric][0]),
            drawn[metric] - than_drawn[metric],
        )
        for metric in EXPRESSION_METRICS
    ]


def fold_columns(folds: pd.DataFrame) -> list[str]:
    """Names of the fold columns; BadInput without any."""
    names = [column for column in folds if re.fullmatch(r"fold_\d+", str(column))]
    if not names:
        raise BadInput(f"folds have columns {', '.join(map(str, folds.columns))}; wanted fold_1, fold_2, ...")
    return names


def _counts(signal: pd.DataFrame, key: str, order: pd.Series, biosample: str, assays: Sequence[str]) -> np.ndarray:
    """(n, T) float64; NaN = no data."""
    rows = signal[signal["biosample"] == biosample]
    missing = [assay for assay in assays if assay not in signal]
    if missing or not len(rows):
        what = f"assay '{missing[0]}'" if missing else f"biosample '{biosample}'"
        raise UnknownName(f"no counts of {what}; the table has {', '.join(map(str, signal.columns))}")
    return rows.set_index(key)[list(assays)].reindex(order).to_numpy(float)


def _binned(genes: pd.DataFrame, elements: pd.DataFrame, counts: np.ndarray, edges_bp: Sequence[int]) -> np.ndarray:
    """(G, bins, T) reads; cumulative sums along each chromosome make every bin two look-ups."""
    n_assays = counts.shape[1]
    sums = np.zeros((len(genes), len(edges_bp) - 1, n_assays))
    gene_chrom, tss = genes["chrom"].to_numpy(), genes["tss"].to_numpy()
    element_chrom = elements["chrom"].to_numpy()
    centers = ((elements["start"] + elements["end"]) // 2).to_numpy()
    for chrom in pd.unique(gene_chrom):
        rows = np.flatnonzero(element_chrom == chrom)
        rows = rows[np.argsort(centers[rows], kind="stable")]
        known = ~np.isnan(counts[rows])
        columns = np.concatenate([np.nan_to_num(counts[rows]), known, ~known], axis=1)
        running = np.concatenate([np.zeros((1, 3 * n_assays)), np.cumsum(columns, axis=0)])
        whose = np.flatnonzero(gene_chrom == chrom)
        center, at = centers[rows], tss[whose][:, None]
        low, high = np.asarray(edges_bp[:-1])[None], np.asarray(edges_bp[1:])[None]
        right = running[np.searchsorted(center, at + high)] - running[np.searchsorted(center, at + low)]
        # An element on the TSS itself is counted once, on the right.
        nearer = np.searchsorted(center, at - np.maximum(low, 1), "right")
        left = running[nearer] - running[np.minimum(np.searchsorted(center, at - high, "right"), nearer)]
        total = left + right
        reads, with_data, without = np.split(total, 3, axis=2)
        sums[whose] = np.where((with_data == 0) & (without > 0), np.nan, reads)
    return sums


def _fit_predict(
    model: Baseline, values: np.ndarray, target: np.ndarray, is_train: np.ndarray, is_test: np.ndarray, seed: int
) -> np.ndarray:
    if model == "ridge":
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        regressor = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), Ridge(1.0))
    elif model == "gradient_boosting":
        from sklearn.ensemble import HistGradientBoostingRegressor

        regressor = HistGradientBoostingRegressor(**BOOSTING, random_state=seed)
    else:
        raise UnknownName(f"no expression baseline '{model}'; there are gradient_boosting, ridge")
    # Several threads gain little at this size, and stall where other processes hold the cores.
    with threadpool_limits(limits=1):
        return np.asarray(regressor.fit(values[is_train], target[is_train]).predict(values[is_test]))


def _common(
    observed: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], folds: pd.DataFrame
) -> tuple[pd.DataFrame, int]:
    """Measured genes that every method predicts held-out (gene_id, value, a column per method); how many lack."""
    if not predictions:
        raise BadInput("no prediction came; wanted at least one method")
    tested = folds.melt("gene_id", fold_columns(folds), var_name="fold", value_name="part")
    tested = tested.loc[tested["part"] == "test", ["gene_id", "fold"]]
    measured = observed.dropna(subset=["value"])[["gene_id", "value"]]
    table = measured
    for method, rows in predictions.items():
        if rows["value"].isna().any():
            raise BadInput(f"{method} predicts NaN for {int(rows['value'].isna().sum())} genes; wanted numbers")
        held_out = rows.merge(tested, on=["gene_id", "fold"]).groupby("gene_id")["value"].mean().rename(method)
        table = table.merge(held_out, left_on="gene_id", right_index=True)
    if not len(table):
        raise BadInput("no measured gene has a held-out prediction of every method; wanted at least one")
    return table.reset_index(drop=True), len(measured) - len(table)


def _expression_subsets(
    table: pd.DataFrame, folds: pd.DataFrame, genes: pd.DataFrame | None
) -> list[tuple[str, pd.DataFrame]]:
    subsets = [("all", table)]
    for fold in fold_columns(folds):
        tests = folds.loc[folds[fold] == "test", "gene_id"]
        subsets.append((fold, table[table["gene_id"].isin(tests)]))
    if genes is not None:
        chrom = table["gene_id"].map(genes.set_index("gene_id")["chrom"])
        subsets += [(str(name), table[chrom == name]) for name in pd.unique(chrom.dropna())]
    return [(name, part) for name, part in subsets if len(part)]


def _base(method: str, subset: str, n: int, n_missing: int) -> dict[str, Any]:
    return {
        "method": method,
        "n": n,
        "n_positive": None,
        "prevalence": None,
        "subset": subset,
        "n_missing": n_missing,
        "versus": None,
    }


def _row(base: Mapping[str, Any], metric: str, value: float, drawn: np.ndarray) -> dict[str, Any]:
    found = percentile_interval(value, drawn)
    return {**base, "metric": metric, "value": value, "ci_low": found.low, "ci_high": found.high, "interval": "gene"}
