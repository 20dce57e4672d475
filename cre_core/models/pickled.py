"""PyTorch's own files, the authors' and a stopped training's: of these pickles nothing but tensors is ever built."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cre_core.errors import BadFile

# The stored loss is a numpy scalar. Its parts, and nothing else besides tensors, are let through; the function that
# rebuilds it has moved in numpy, so that its name in older files is given too.
_REBUILD_SCALAR = np.float64(0).__reduce__()[0]
_SAFE: list[Any] = [
    _REBUILD_SCALAR,
    (_REBUILD_SCALAR, "numpy.core.multiarray.scalar"),
    np.dtype,
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
]


def read_pickle_of_tensors(path: Path) -> dict[str, Any]:
    """The dict in a `.pt` file, tensors on the CPU; nothing but tensors and numpy scalars is ever built.

    Raises:
      BadFile: no file, a CSV table, a broken file, a pickle of something else.
    """
    if not path.is_file():
        raise BadFile(f"no checkpoint at {path}")
    with path.open("rb") as file:
        start = file.read(200)
    if b"\0" not in start and b"," in start.split(b"\n")[0]:
        raise BadFile(f"{path.name} is a CSV table, not a checkpoint; wanted a PyTorch file")
    try:
        with torch.serialization.safe_globals(_SAFE), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a protocol that is not torch's own: the line below says it
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        odd = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        reason = f"holds {odd[1]}, which is not a tensor" if odd else "is truncated or not a PyTorch file"
        raise BadFile(f"{path.name} {reason}; wanted a checkpoint of tensors") from error
    if not isinstance(content, dict):
        raise BadFile(f"{path.name} holds a {type(content).__name__}; wanted a dict of tensors")
    return content


def provenance_of(path: Path, content: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """Where imported weights came from: file, checksum, paper, and the epoch and loss stored beside them."""
    found: dict[str, Any] = {
        "imported_from": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "trained_by": source,
    }
    if "epoch" in content:
        found["epoch"] = int(content["epoch"])
    if "loss" in content:
        found["validation_loss"] = float(content["loss"])
    return found
