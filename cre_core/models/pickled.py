"""PyTorch's own files, the authors' and a stopped training's: of these pickles nothing but tensors is ever built."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

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
    except Exception as error:  # whatever the unpickler stumbles over in a file of another kind
        odd = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        reason = f"holds {odd[1]}, which is not a tensor" if odd else "is truncated or not a PyTorch file"
        raise BadFile(f"{path.name} {reason}; wanted a checkpoint of tensors") from error
    if not isinstance(content, dict):
        raise BadFile(f"{path.name} holds a {type(content).__name__}; wanted a dict of tensors")
    return content


def tensors_of(content: Mapping[str, Any], *places: str, source: str) -> dict[str, Tensor]:
    """The tensors in a checkpoint by name: under the first of `places` that it has, or the whole of it.

    Raises:
      BadFile: something else is there.
    """
    place = next((place for place in places if place in content), "")
    state = content[place] if place else content
    if not isinstance(state, Mapping):
        raise BadFile(f"{source} holds a {type(state).__name__} as {place}; wanted a dict of tensors")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise BadFile(f"{source} holds a {type(value).__name__} as {name}; wanted tensors alone")
    return dict(state)


def provenance_of(path: Path, content: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """Where imported weights came from: file, checksum, paper, and the epoch and loss stored beside them."""
    found: dict[str, Any] = {
        "imported_from": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "trained_by": source,
    }
    if isinstance(content.get("epoch"), Real):
        found["epoch"] = int(content["epoch"])
    if isinstance(content.get("loss"), Real):
        found["validation_loss"] = float(content["loss"])
    return found
