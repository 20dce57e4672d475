"""The tensors that the reference outputs were made with, as a checkpoint of the authors."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor


def published_state(parity: Path, model: str) -> dict[str, Tensor]:
    """Name -> value, by the rule beside the reference outputs."""
    spec = importlib.util.spec_from_file_location("weights_rule", parity / "weights_rule.py")
    assert spec is not None
    assert spec.loader is not None
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    filled = rule.fill(parity / f"{model}.state.json")
    return {name: torch.as_tensor(value) for name, value in filled.items()}


def torch_file(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    """A file as torch writes it."""
    torch.save(dict(tensors), path)
    return path
