"""Import of CREATE's checkpoints: names, values, sizes read off the tensors, and every refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cre_core.errors import BadFile, BadInput
from cre_core.models.create import Create, CreateConfig
from cre_core.models.import_create import CODEBOOK_NAMES, INPUT_NAMES, SHARED_NAMES, create_from, import_create
from cre_core.schema import ElementInput

SHORT = {"sequence_bp": 200, "n_codes": 20}


def theirs(**settings: object) -> tuple[dict[str, Tensor], Create]:
    """A fresh model of ours, and its tensors under the authors' names."""
    torch.manual_seed(0)
    model = Create(CreateConfig(**{**SHORT, **settings})).eval()
    modules = dict(SHARED_NAMES)
    for names in INPUT_NAMES.values():
        modules.update(names)
    back = {ours: name for name, ours in modules.items()}
    whole = {ours: name for name, ours in CODEBOOK_NAMES.items()}
    tensors = {}
    for name, value in model.state_dict().items():
        module, _, own = name.rpartition(".")
        tensors[whole.get(name) or f"{back[module]}.{own}"] = value
    return tensors, model


def written(folder: Path, content: object, name: str = "model.pt") -> Path:
    torch.save(content, folder / name)
    return folder / name


def test_names_and_shapes_are_the_authors(parity: Path) -> None:
    published = json.loads((parity / "create.state.json").read_text())
    assert {name: list(value.shape) for name, value in theirs(sequence_bp=1000, n_codes=200)[0].items()} == {
        name: shape for name, (shape, _) in published.items()
    }


@pytest.mark.parametrize("inputs", [("sequence", "open", "loop"), ("sequence", "loop"), ("open",)])
def test_every_value_lands_where_it_belongs(inputs: tuple[str, ...], tmp_path: Path) -> None:
    tensors, model = theirs(inputs=inputs, n_splits=32)
    path = written(tmp_path, {"model": tensors, "optimizer": {"state": {}, "param_groups": []}, "epoch": 212})
    found, info = import_create(path, biosample="K562", fold="fold_2")
    assert found.config == model.config
    assert not found.training
    ours = model.state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in found.state_dict().items())
    elements = ElementInput(torch.randint(0, 5, (2, 200), dtype=torch.int8), torch.rand(2, 200, 2))
    assert torch.equal(found(elements).logits, model(elements).logits)
    assert (info.model, info.biosample, info.fold) == ("create", "K562", "fold_2")
    assert info.config["inputs"] == inputs
    assert (info.provenance["imported_from"], info.provenance["epoch"]) == ("model.pt", 212)
    assert len(info.provenance["sha256"]) == 64


def test_a_bare_state_and_a_dict_of_arrays(tmp_path: Path) -> None:
    tensors, model = theirs()
    found, info = import_create(written(tmp_path, tensors), biosample="HepG2", strict_original=True)
    assert found.config.strict_original
    assert "epoch" not in info.provenance
    again = create_from({name: value.numpy() for name, value in tensors.items()}, source="arrays")
    for name, value in model.state_dict().items():
        assert torch.equal(value, found.state_dict()[name])
        assert torch.equal(value, again.state_dict()[name])


def refused(folder: Path, content: object, line: str) -> None:
    with pytest.raises(BadFile, match=line) as error:
        import_create(written(folder, content), biosample="K562")
    assert "\n" not in str(error.value)


def test_tensors_missing(tmp_path: Path) -> None:
    for name, line in {
        "fc.4.bias": "model.pt lacks 1 tensors; first: hidden.1.bias",
        "vqvae.enc1.conv.0.weight": "model.pt lacks 1 tensors; first: encoder.join.weight",
        "vqvae.quantize3.vq._ema_cluster_size": "model.pt lacks 1 tensors; first: bottleneck.codebook.counts",
        "vqvae.quantize3.vq._embedding.weight": "_embedding.weight is missing; wanted two axes, as CREATE's has",
        "fc.1.weight": "model.pt: tensor fc.1.weight is missing; wanted two axes",
        "vqvae.enc1.conv11.0.weight": "unexpected tensor vqvae.enc1.conv11.0.bias; wanted a CREATE of sequence, loop",
    }.items():
        tensors, _ = theirs()
        del tensors[name]
        refused(tmp_path, {"model": tensors}, line)


def test_tensors_reshaped_or_more(tmp_path: Path) -> None:
    for name, shape, line in (
        ("fc.7.weight", (4, 512), r"tensor out.weight has shape \(4, 512\); the model wants \(5, 512\)"),
        ("fc.1.weight", (1024,), r"tensor fc.1.weight has shape \(1024,\); wanted two axes"),
        ("fc.1.weight", (1024, 0), "holds a CREATE that cannot be: sequence_bp 168 is not"),
        ("vqvae.quantize3.vq._embedding.weight", (20, 300), "holds a CREATE that cannot be: n_splits 0 does not"),
        ("vqvae.quantize3.vq._ema_w", (20, 4), r"codebook.sums has shape \(20, 4\); the model wants \(20, 8\)"),
        ("vqvae.enc4.conv4.0.weight", (2,), "has unexpected tensor vqvae.enc4.conv4.0.weight; wanted a CREATE of"),
    ):
        tensors, _ = theirs()
        refused(tmp_path, {"model": tensors | {name: torch.zeros(shape)}}, line)


def test_other_files(tmp_path: Path) -> None:
    refused(
        tmp_path,
        {"stem_conv.0.weight": torch.zeros(3)},
        "checkpoint of another model; wanted CREATE, its first tensor is stem_conv.0.weight",
    )
    refused(tmp_path, {}, "checkpoint of another model; wanted CREATE, its first tensor is nothing")
    refused(tmp_path, {"model": [1, 2]}, "model.pt holds a list as model; wanted a dict of tensors")
    refused(tmp_path, {"model": theirs()[0] | {"lr": 0.1}}, "model.pt holds a float as lr; wanted tensors alone")
    with pytest.raises(BadFile, match=r"no checkpoint at .*nowhere.pt"):
        import_create(tmp_path / "nowhere.pt", biosample="K562")
    path = written(tmp_path, theirs()[0])
    whole = path.read_bytes()
    for n_kept in (5000, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:n_kept])
        with pytest.raises(BadFile, match=r"^model.pt is truncated or "):
            import_create(path, biosample="K562")
    with pytest.raises(BadInput, match="does not say its biosample and none came; give it, for example K562"):
        import_create(path, biosample="")


class Harmful:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    refused(tmp_path, {"model": Harmful(trace)}, "which is not a tensor; wanted a checkpoint of tensors")
    assert not trace.exists()
