"""Signal of one biosample with the distribution of another, so that depth and quality of the experiments cancel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.errors import BadInput, NotAvailable

_MARK = ", quantile-normalised to "  # between the unit of counts and the biosample, in a model's signal unit


def parted_unit(text: str) -> tuple[str, str]:
    """A model's signal unit as the unit of counts and the biosample whose distribution they take, empty for none.

    `RPM, quantile-normalised to K562` -> RPM and K562.

    Raises:
      BadInput: the biosample is not named.
    """
    unit, mark, reference = text.partition(_MARK)
    if mark and not reference.strip():
        raise BadInput(f"signal in '{text}'; wanted the biosample to normalise to, as in '{unit}{_MARK}K562'")
    return unit, reference.strip()


def quantile_normalised(
    values: np.ndarray, reference: np.ndarray, *, group: np.ndarray | None = None, of: str = "the reference"
) -> np.ndarray:
    """Replace every value by the reference's value of the same quantile, per track and group of rows.

    The value of rank r among n known ones lies at quantile (r - 0.5) / n; between two values of the reference the
    result is on the line between them. Tied values share their mean rank and stay tied.

    Args:
      values: (N, T), any unit. NaN means no data, and stays.
      reference: (N, T) of the same places, in the same unit; NaN is left out.
      group: (N,) rows of one group are compared with one another alone; None = all are one.
      of: the reference's name, for the message.

    Returns:
      (N, T) float32.

    Raises:
      NotAvailable: a track has data here and none in the reference, within a group.
      BadInput: another shape than the reference's.

    Source: ABC, Methods: DNase and H3K27ac of promoters and of other elements are each normalised to those of K562.
    """
    if values.shape != reference.shape or values.ndim != 2:
        raise BadInput(f"signal of shape {values.shape} and {reference.shape}; wanted both (places, tracks) alike")
    groups = np.zeros(len(values), int) if group is None else group
    normalised = np.full(values.shape, np.nan, np.float32)
    for name in np.unique(groups):
        rows = np.flatnonzero(groups == name)
        for track in range(values.shape[1]):
            normalised[rows, track] = _normalised(values[rows, track], reference[rows, track], of)
    return normalised


def _normalised(values: np.ndarray, reference: np.ndarray, of: str) -> np.ndarray:
    """(n,) -> (n,) float32."""
    is_known = np.isfinite(values)
    wanted = np.sort(reference[np.isfinite(reference)])
    found = np.full(len(values), np.nan, np.float32)
    if not is_known.any():
        return found
    if not len(wanted):
        raise NotAvailable(f"signal cannot be normalised to {of}, which has no data in a track that has some here")
    quantile = (pd.Series(values[is_known]).rank().to_numpy() - 0.5) / is_known.sum()
    found[is_known] = np.interp(quantile, (np.arange(len(wanted)) + 0.5) / len(wanted), wanted)
    return found
