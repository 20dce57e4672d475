"""Where models run: on a GPU where there is one, else on the CPU."""

from __future__ import annotations

from typing import Literal

import torch

from cre_core.errors import BadInput, NotAvailable

DEVICES = ("auto", "cpu", "cuda")


def known_device(asked: str) -> Literal["cpu", "cuda"]:
    """The device that a name means here; `auto` is the GPU where there is one.

    Raises:
      BadInput: another name. NotAvailable: cuda, and there is none.
    """
    if asked not in DEVICES:
        raise BadInput(f"came device {asked}; wanted {', '.join(DEVICES)}")
    has_gpu = torch.cuda.device_count() > 0
    if asked == "cuda" and not has_gpu:
        raise NotAvailable("device cuda was asked for and this machine has none; use --device cpu")
    return "cuda" if has_gpu and asked != "cpu" else "cpu"


def one_thread() -> None:
    """Compute with one thread: on the tensors of one gene a second brings little, and it waits for a core."""
    torch.set_num_threads(1)
