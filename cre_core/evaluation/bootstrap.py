"""How far a metric could have been off: percentile bootstrap by pair or by gene, and paired differences.

Resampling genes instead of pairs keeps all pairs of a gene together: they share its TSS, its power and its luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cre_core.errors import BadInput

Statistic = Callable[[np.ndarray], np.ndarray]  # counts (n, R) -> (R,)

_CELLS_AT_ONCE = 1_000_000  # a block of resamples that stays in the processor's cache


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its 95 % interval; NaN ends when no resample defines it."""

    value: float
    low: float
    high: float


def resample_counts(
    n: int, *, groups: np.ndarray | None = None, n_resamples: int = 1000, seed: int = 0
) -> np.ndarray:
    """How often each of n rows is drawn in each resample.

    Args:
      n: rows.
      groups: (n,) any labels; whole groups are drawn, as many as there are. None: rows are drawn.
      n_resamples: R.
      seed: the same seed gives the same draws, so that methods can be compared pair by pair.

    Returns:
      (n, R) uint16.

    Raises:
      BadInput: `groups` has another length, or `n_resamples` is below 1.
    """
    if n_resamples < 1:
        raise BadInput(f"{n_resamples} resamples came; wanted 1 or more")
    if groups is None:
        units, code = n, None
    else:
        if len(groups) != n:
            raise BadInput(f"{len(groups)} group labels for {n} rows; wanted one label a row")
        names, code = np.unique(np.asarray(groups), return_inverse=True)
        units = len(names)
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_resamples, units), np.uint16)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, max(units, 1), units), minlength=units)
    by_unit = np.ascontiguousarray(counts.T)
    return by_unit if code is None else by_unit[code]


def in_blocks(statistics: Callable[[np.ndarray], dict[str, np.ndarray]], counts: np.ndarray) -> dict[str, np.ndarray]:
    """Apply a function of counts (n, R) to blocks of resamples and join its (R,) outputs."""
    step = max(1, _CELLS_AT_ONCE // max(1, len(counts)))
    parts = [statistics(counts[:, first : first + step]) for first in range(0, counts.shape[1], step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def percentile_interval(value: float, resampled: np.ndarray) -> Interval:
    """The middle 95 % of resampled values; resamples that do not define the statistic (NaN) are left out."""
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def interval(
    statistic: Statistic, n: int, *, by: np.ndarray | None = None, n_resamples: int = 1000, seed: int = 0
) -> Interval:
    """95 % percentile bootstrap interval of a statistic.

    Args:
      statistic: takes counts (n, R), gives (R,): for example `lambda c: Ranking(y, s).metrics(c)["auroc"]`.
      n: rows.
      by: None = rows are drawn; (n,) labels = whole groups (genes) are drawn.
      n_resamples: how many.
      seed: of the draws.

    Returns:
      The value on the data as they are, and its interval.

    Raises:
      BadInput: as `resample_counts`.
    """
    counts = resample_counts(n, groups=by, n_resamples=n_resamples, seed=seed)
    resampled = in_blocks(lambda block: {"": statistic(block)}, counts)[""]
    return percentile_interval(float(statistic(_once(n))[0]), resampled)


def paired_difference(
    statistic: Statistic,
    reference: Statistic,
    *,
    n: int,
    by: np.ndarray | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Interval of `statistic - reference`, both on the same resamples. Arguments as `interval`."""
    return interval(lambda c: statistic(c) - reference(c), n, by=by, n_resamples=n_resamples, seed=seed)


def _once(n: int) -> np.ndarray:
    return np.ones((n, 1), np.uint16)
