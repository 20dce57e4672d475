"""Which columns of a cooler's bin table are balancing weights, and whether they divide or multiply the counts.

Programs put other columns there too (coverage, GC content, eigenvectors), and Juicer's normalisations divide where
cooler's multiply. The column's attribute `divisive_weights` decides; without it its name, as hictk reads it; without
a known name the attributes that `cooler balance` leaves.

Source: hictk, Weights::infer_type; cooler's schema, bins/weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_JUICER = ("VC", "KR", "SCALE")
_DIVISIVE = {"VC_SQRT", *(f"{scope}{name}" for scope in ("", "INTER_", "GW_") for name in _OF_JUICER)}
_MULTIPLICATIVE = {"weight", "weights", "ICE", "INTER_ICE", "GW_ICE"}
_OF_COOLER = ("ignore_diags", "mad_max", "min_nnz", "tol")  # a column with all of them was made by `cooler balance`


def divides(name: str, attributes: Mapping[str, Any]) -> bool | None:
    """Whether a bin column holds weights that divide (True) or multiply (False); None when it holds no weights.

    Args:
      name: of the column.
      attributes: of its HDF5 dataset.
    """
    if "divisive_weights" in attributes:
        return bool(attributes["divisive_weights"])
    if name in _DIVISIVE:
        return True
    if name in _MULTIPLICATIVE or all(one in attributes for one in _OF_COOLER):
        return False
    return None
