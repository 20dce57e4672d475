"""Import of published weights: real files where present, and every refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cre_core.errors import BadFile, BadInput
from cre_core.models import checkpoint
from cre_core.models.import_epinformer import ACTIVITY_NAMES, EXPRESSION_NAMES, import_epinformer
from cre_core.models.registry import build

NAME = "fold_11_EPInformer_PE_Activity_CAGE_K562_checkpoint.pt"


def theirs(variant: str = "pe", **config: object) -> dict[str, Tensor]:
    """Tensors named and shaped as the authors', with the values of a fresh model of ours."""
    model = build("epinformer", {"variant": variant, **config})
    back = {ours: name for name, ours in EXPRESSION_NAMES.items()}
    tensors = {}
    for name, value in model.state_dict().items():
        module, _, own = name.rpartition(".")
        own = f"in_proj_{own}" if module.endswith("query_key_value") else own
        if value.ndim == 3:
            value = value[:, :, None]  # a convolution over (1, L)
        elif module.startswith("fusion") and value.ndim == 2:
            value = value[:, :, None]  # a 1 x 1 convolution
        tensors[f"{back[module]}.{own}"] = value
    return tensors


def written(folder: Path, tensors: object, name: str = NAME) -> Path:
    torch.save({"epoch": 4, "model_state_dict": tensors, "loss": np.float64(-0.5)}, folder / name)
    return folder / name


def test_names_are_one_to_one_and_complete() -> None:
    for name, table in (("epinformer", EXPRESSION_NAMES), ("epinformer-activity", ACTIVITY_NAMES)):
        modules = {key.rpartition(".")[0] for key in build(name).state_dict()}
        assert set(table.values()) == modules
        assert len(set(table.values())) == len(table)


def test_every_value_lands_where_it_belongs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = theirs("pe-activity-hic")
    model, info = import_epinformer(written(tmp_path, source), wanted="epinformer")
    ours = model.state_dict()
    assert info.variant == "pe-activity-hic"
    assert (info.biosample, info.fold, info.provenance["epoch"]) == ("K562", "fold_11", 4)
    assert info.provenance["validation_loss"] == -0.5
    assert "CAGE" in info.expression_unit
    assert len(ours) == len(source)
    assert torch.equal(ours["encoder.tower.2.pointwise.bias"], source["seq_encoder.conv_tower.5.0.bias"])
    assert torch.equal(ours["layers.1.query_key_value.bias"], source["attn_encoder.1.self_attn.in_proj_bias"])
    path = tmp_path / "ours.safetensors"
    checkpoint.save(path, model, info)
    again, _ = checkpoint.load(path)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in ours.items())


@pytest.mark.parametrize(
    ("name", "biosample", "fold", "unit"),
    [
        ("fold_3_EPInformer_PE_Activity_HiC_RNA_GM12878_checkpoint.pt", "GM12878", "fold_3", "z-scored"),
        ("fold_KLF1_test_EPInformer_PE_Activity_CAGE_K562_checkpoint.pt", "K562", "fold_KLF1_test", "CAGE"),
    ],
)
def test_the_file_name_says_fold_biosample_and_unit(
    tmp_path: Path, name: str, biosample: str, fold: str, unit: str
) -> None:
    _, info = import_epinformer(written(tmp_path, theirs(), name))
    assert (info.biosample, info.fold) == (biosample, fold)
    assert unit in info.expression_unit


def test_a_name_that_says_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, theirs(), "weights.pt")
    with pytest.raises(BadInput, match=r"weights.pt does not say the biosample; give it"):
        import_epinformer(path)
    with pytest.raises(BadInput, match=r"weights.pt does not say whether it predicts CAGE or RNA; give measure"):
        import_epinformer(path, biosample="MCF-7")
    _, info = import_epinformer(path, biosample="MCF-7", measure="RNA")
    assert (info.biosample, info.fold, info.expression_unit) == ("MCF-7", "", "z-scored log10 RPKM")


def test_published_rna_files_that_are_csv(shared_data: Path) -> None:
    path = shared_data / "epinformer_weights" / "fold_11_EPInformer_PE_Activity_RNA_K562_checkpoint.pt"
    with pytest.raises(BadFile, match=r"_RNA_K562_checkpoint.pt is a CSV table, not a checkpoint"):
        import_epinformer(path)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"no checkpoint at .*nowhere"):
        import_epinformer(tmp_path / "nowhere.pt")
    path = written(tmp_path, theirs())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match="is truncated or not a PyTorch file"):
        import_epinformer(path)
    torch.save([1, 2], path)
    with pytest.raises(BadFile, match="holds a list; wanted a dict of tensors"):
        import_epinformer(path)


class Harmful:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)


def test_a_pickle_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = written(tmp_path, Harmful(trace))
    with pytest.raises(BadFile, match=r"which is not a tensor; wanted a checkpoint of tensors") as error:
        import_epinformer(path)
    assert not trace.exists()
    assert "\n" not in str(error.value)


def test_checkpoints_of_other_models(tmp_path: Path) -> None:
    path = written(tmp_path, {"embed.weight": torch.zeros(6, 256)})
    with pytest.raises(BadFile, match="checkpoint of another model; wanted EPInformer, its first tensor is embed"):
        import_epinformer(path)
    with pytest.raises(BadInput, match="is a checkpoint of epinformer; wanted one of epinformer-activity"):
        import_epinformer(written(tmp_path, theirs()), wanted="epinformer-activity")


def test_tensors_missing_reshaped_or_more(tmp_path: Path) -> None:
    tensors = theirs()
    del tensors["pToExpr.2.bias"]
    with pytest.raises(BadFile, match=r"lacks 1 tensors; first: head.2.bias"):
        import_epinformer(written(tmp_path, tensors))
    tensors = theirs()
    tensors["pToExpr.0.weight"] = torch.zeros(128, 72)
    with pytest.raises(BadFile, match=r"head.0.weight has shape \(128, 72\); the model wants \(128, 73\)"):
        import_epinformer(written(tmp_path, tensors))
    tensors = theirs() | {"gate.weight": torch.zeros(3)}
    with pytest.raises(BadFile, match=r"has unexpected tensor gate.weight"):
        import_epinformer(written(tmp_path, tensors))
    tensors = theirs()
    tensors["add_pos_conv.0.weight"] = torch.zeros(64, 70, 1)
    with pytest.raises(BadFile, match="takes 6 features per element; the variants wanted take 0 to 3"):
        import_epinformer(written(tmp_path, tensors))
