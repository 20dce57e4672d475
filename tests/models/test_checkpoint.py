"""Checkpoints: round trip, and one line for each broken file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName
from cre_core.models import checkpoint, registry

ACTIVITY = "epinformer-activity"


def make_activity() -> torch.nn.Module:
    torch.manual_seed(3)
    return registry.build(ACTIVITY, {"width": 8}).eval()


def saved(folder: Path, model: torch.nn.Module | None = None) -> Path:
    model = model or make_activity()
    info = checkpoint.describe(
        model, biosample="K562", expression_unit="log10", fold="fold_3", seed=7, provenance={"study": "k562"}
    )
    path = folder / "deep" / "model.safetensors"
    checkpoint.save(path, model, info)
    return path


def test_round_trip_gives_equal_outputs(tmp_path: Path) -> None:
    model = make_activity()
    path = saved(tmp_path, model)
    again, info = checkpoint.load(path, wanted=ACTIVITY)
    sequence = torch.randint(0, 5, (4, 256), dtype=torch.int8)
    assert torch.equal(model(sequence), again(sequence))
    assert not again.training
    assert info == checkpoint.read_info(path)
    assert (info.model, info.config["width"], info.biosample, info.fold) == (ACTIVITY, 8, "K562", "fold_3")
    assert (info.seed, info.expression_unit, info.provenance) == (7, "log10", {"study": "k562"})
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


def test_config_with_tuples_comes_back_equal(tmp_path: Path) -> None:
    model = registry.build("epinformer", {"variant": "pe", "sequence_bp": 416, "tracks": ["atac"]})
    again, info = checkpoint.load(saved(tmp_path, model))
    assert again.config == model.config
    assert info.variant == "pe"


def test_checkpoint_of_another_model(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is a checkpoint of epinformer-activity; wanted one of epinformer$"):
        checkpoint.load(saved(tmp_path), wanted="epinformer")


def test_description_of_another_model(tmp_path: Path) -> None:
    info = checkpoint.CheckpointInfo("epinformer", {}, "K562", "log10")
    with pytest.raises(BadInput, match="description is of epinformer; the model to save is epinformer-activity"):
        checkpoint.save(tmp_path / "x.safetensors", make_activity(), info)
    assert not list(tmp_path.iterdir())


def changed(path: Path, change: str) -> Path:
    with checkpoint.safe_open(path, framework="pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    if change == "missing":
        del tensors["hidden1.bias"], tensors["out.bias"]
    elif change == "extra":
        tensors["more"] = torch.zeros(2)
    elif change == "reshaped":
        tensors["hidden2.weight"] = torch.zeros(8, 9)
    elif change == "bare":
        header = None
    elif change == "odd header":
        header = {"cre_core": '{"weights": 1}'}
    save_file(tensors, path, metadata=header)
    return path


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("missing", "lacks 2 tensors; first: hidden1.bias"),
        ("extra", "has unexpected 1 tensors; first: more"),
        ("reshaped", r"tensor hidden2.weight has shape \(8, 9\); the model wants \(8, 8\)"),
        ("bare", "no description of their model"),
        ("odd header", "describes its model in another format"),
    ],
)
def test_changed_tensors(tmp_path: Path, change: str, line: str) -> None:
    with pytest.raises(BadFile, match=line) as error:
        checkpoint.load(changed(saved(tmp_path), change))
    assert "\n" not in str(error.value)


def test_other_kinds_of_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(BadFile, match=r"x.pt is a pickle of PyTorch .* wanted a safetensors checkpoint"):
        checkpoint.load(path)
    path.write_text("chr1\t10\t20\n")
    with pytest.raises(BadFile, match="truncated or not a tensor file"):
        checkpoint.load(path)
    whole = saved(tmp_path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match="truncated or not a tensor file"):
        checkpoint.read_info(path)
    with pytest.raises(BadFile, match=r"no checkpoint at .*nowhere"):
        checkpoint.load(tmp_path / "nowhere")


def test_a_full_disk_keeps_the_last_good_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def full(tensors: object, name: Path, metadata: object) -> None:
        Path(name).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(BadFile, match=r"cannot write .*model.safetensors: No space left on device"):
        saved(tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


def test_registry_names_what_there_is() -> None:
    with pytest.raises(UnknownName, match="no model 'enformer'; there are epinformer, "):
        registry.build("enformer")
    with pytest.raises(BadInput, match="epinformer-activity has no setting 'depth'; it has sequence_bp, "):
        registry.build(ACTIVITY, {"depth": 3})
    with pytest.raises(UnknownName, match="Linear is not a registered model"):
        registry.name_of(torch.nn.Linear(1, 1))
    for name, spec in registry.MODELS.items():
        assert spec.name == name
        assert registry.name_of(registry.build(name)) == name


class TestAFolderOfWeights:
    def test_new_or_with_weights(self, tmp_path: Path) -> None:
        for _ in range(2):
            with checkpoint.folder_to_write(tmp_path, "epinformer", "K562") as folder:
                assert folder == tmp_path / "epinformer/K562"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "fold_1-seed_0.safetensors").touch()
        (tmp_path / "stopped/K562/.fold_1-seed_0").mkdir(parents=True)
        with checkpoint.folder_to_write(tmp_path, "stopped", "K562"):
            pass

    def test_other_things_or_a_study(self, tmp_path: Path) -> None:
        (tmp_path / "epinformer/K562").mkdir(parents=True)
        (tmp_path / "epinformer/K562/thesis.txt").touch()
        with (
            pytest.raises(BadInput, match="K562 is not empty and holds no folder of weights; wanted a new folder"),
            checkpoint.folder_to_write(tmp_path, "epinformer", "K562"),
        ):
            pass
        (tmp_path / "study.json").touch()
        with (
            pytest.raises(BadInput, match=r"^--out .* is a study; its weights go to .*/models$"),
            checkpoint.folder_to_write(tmp_path, "epinformer", "K562"),
        ):
            pass

    def test_two_trainings_of_one_model(self, tmp_path: Path) -> None:
        with checkpoint.folder_to_write(tmp_path, "epinformer", "K562"):
            with checkpoint.folder_to_write(tmp_path, "creator", "K562"):
                pass
            with (
                pytest.raises(NotAvailable, match=r"epinformer/K562 is being written by process \d+ since"),
                checkpoint.folder_to_write(tmp_path, "epinformer", "K562"),
            ):
                pass


class TestThePlaceOfWeights:
    """MODEL/BIOSAMPLE/FOLD-seed_N, and what the header says."""

    @staticmethod
    def put(folder: Path, place: str, **about: object) -> Path:
        said = {"biosample": "K562", "expression_unit": "log10", "fold": "fold_3", "seed": 7, **about}
        model = registry.build(
            "scpge", {"width": 8, "n_heads": 2, "n_motifs": 0, "channels": 4, "n_layers": 1, "form": "lp"}
        )
        path = folder / f"{place}.safetensors"
        checkpoint.save(path, model, checkpoint.describe(model, **said))  # type: ignore[arg-type]
        return path

    @pytest.mark.parametrize(
        "place",
        ["scpge-lp/K562/fold_3-seed_7", "mine/K562/fold_3-seed_7", "mine/K562/fold_3", "mine/K562/unknown-seed_0"],
    )
    def test_right_ones(self, tmp_path: Path, place: str) -> None:
        path = self.put(tmp_path, place, **({"seed": None} if "unknown" in place else {}))
        assert checkpoint.load_placed(path, wanted="scpge") is not None

    @pytest.mark.parametrize(
        ("place", "about", "says"),
        [
            ("scpge-lp/K562/fold_4-seed_7", {}, "is of fold fold_3; its place is that of fold fold_4"),
            ("scpge-lp/K562/fold_3-seed_7", {"fold": ""}, "is of fold unknown; its place is that of fold fold_3"),
            ("scpge-lp/K562/fold_3-seed_1", {}, "is of seed 7; its place is that of seed 1"),
            ("scpge-lp/HepG2/fold_3-seed_7", {}, "is of biosample K562; its place is that of biosample HepG2"),
            ("creator/K562/fold_3-seed_7", {}, "is of model scpge; its place is that of model creator"),
            ("scpge-kl/K562/fold_3-seed_7", {}, "is of model scpge; its place is that of model scpge-kl"),
        ],
    )
    def test_moved_ones(self, tmp_path: Path, place: str, about: dict[str, object], says: str) -> None:
        path = self.put(tmp_path, place, **about)
        with pytest.raises(BadFile, match=f"^{path} says that it {says}$"):
            checkpoint.load_placed(path, wanted="scpge")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(tmp_path: Path, value: float) -> None:
    model = make_activity()
    name, first = next(iter(model.state_dict().items()))
    with torch.no_grad():
        first.view(-1)[:2] = value
    path = saved(tmp_path, model)
    says = rf"^model\.safetensors: tensor {name} has 2 values that are not finite, of {first.numel():,}$"
    with pytest.raises(BadFile, match=says):
        checkpoint.load(path)
