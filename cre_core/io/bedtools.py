"""bedtools, a program of this machine: what lies closest to a place."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd

from cre_core.errors import NotAvailable

_PLACE = ["chrom", "start", "end"]


def bp_to_closest(places: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Bases from each place to the closest other on its chromosome, as `bedtools closest -d` counts them.

    Args:
      places, others: chrom, start, end.

    Returns:
      (N,) float64: 0 where they share a base, 1 where they touch; inf where the chromosome has no other.

    Raises:
      NotAvailable: this machine has no bedtools.
    """
    if shutil.which("bedtools") is None:
        raise NotAvailable("there is no bedtools here, which finds what lies closest; install it (Debian: bedtools)")
    if not len(places) or not len(others):
        return np.full(len(places), np.inf)
    from pybedtools import BedTool, cleanup  # most of a second to import

    try:
        rows = BedTool.from_dataframe(places[_PLACE].assign(row=np.arange(len(places)))).sort()
        found = rows.closest(BedTool.from_dataframe(others[_PLACE]).sort(), d=True, t="first")
        table = found.to_dataframe(names=[*_PLACE, "row", "chrom2", "start2", "end2", "bp"])
    finally:
        cleanup()  # its temporary files
    bp = table.set_index("row")["bp"].loc[np.arange(len(places))].to_numpy(float)
    return np.where(bp < 0, np.inf, bp)  # -1 = none
