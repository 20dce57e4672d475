"""Published checkpoints of another kind: one line, and nothing in the file is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from cre_core.errors import BadFile
from cre_core.models.import_weights import import_published

MODELS = ("epinformer", "epinformer-activity", "creator", "scpge", "create")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"root:x:0:0\n", b"PK\x03\x04" + bytes(90), bytes(900)])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, model: str, content: bytes) -> None:
    path = tmp_path / "theirs.pt"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"theirs\.pt ") as refused:
        import_published(model, path, biosample="K562", measure="RNA")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "content",
    [
        [],
        3,
        {},
        {"model": 3, "model_state_dict": 3},
        {"model": {"a": 1}, "model_state_dict": {"a": 1}},
        {"model": {1: torch.zeros(1)}, "model_state_dict": {1: torch.zeros(1)}},
        {"seq_encoder.stem_conv.0.weight": torch.zeros(1), "add_pos_conv.0.weight": torch.zeros(3)},
        {"embedToAct.1.weight": torch.zeros(1), "vqvae.x": torch.zeros(1)},
    ],
    ids=str,
)
def test_a_checkpoint_of_something_else(tmp_path: Path, model: str, content: Any) -> None:
    torch.save(content, tmp_path / "theirs.pt")
    with pytest.raises(BadFile, match=r"theirs\.pt") as refused:
        import_published(model, tmp_path / "theirs.pt", biosample="K562", measure="RNA")
    assert "\n" not in str(refused.value)
