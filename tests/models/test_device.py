"""Which device a name means on a machine with a GPU and on one without."""

from __future__ import annotations

import pytest
import torch

from cre_core.errors import BadInput, NotAvailable
from cre_core.models.device import known_device


@pytest.mark.parametrize(
    ("n_gpus", "asked", "meant"),
    [(0, "auto", "cpu"), (0, "cpu", "cpu"), (1, "auto", "cuda"), (1, "cuda", "cuda"), (1, "cpu", "cpu")],
)
def test_a_gpu_where_there_is_one(n_gpus: int, asked: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    assert known_device(asked) == meant


def test_devices_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(NotAvailable, match="device cuda was asked for and this machine has none; use --device cpu"):
        known_device("cuda")
    with pytest.raises(BadInput, match="came device tpu; wanted auto, cpu, cuda"):
        known_device("tpu")
