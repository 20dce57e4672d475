"""No file in a models folder runs code, whatever is planted there: one line says what was found."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_resume import Killed, kill_after, recipe_of, train
from test_resume import study as study

from cre_core.data.study import Study
from cre_core.errors import BadFile
from cre_core.inference.predictor import open_predictor
from cre_core.models import checkpoint
from cre_core.models.registry import build


class Planted:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def plain(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(Planted(mark)))


def zipped(path: Path, mark: Path) -> None:
    """As torch saves, among a training's own things."""
    there = torch.load(path, weights_only=True) if path.is_file() and path.suffix == ".ckpt" else {}
    torch.save({**there, "state_dict": {}, "hook": Planted(mark)}, path)


def legacy(path: Path, mark: Path) -> None:
    torch.save({"state_dict": {}, "hook": Planted(mark)}, path, _use_new_zipfile_serialization=False)


FORMS = [plain, zipped, legacy]


@pytest.mark.parametrize("plant", FORMS)
def test_the_pickles_would_run_where_they_are_trusted(tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    plant(tmp_path / "x.ckpt", tmp_path / "mark")
    if plant is plain:
        pickle.loads((tmp_path / "x.ckpt").read_bytes())
    else:
        torch.load(tmp_path / "x.ckpt", weights_only=False)
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("plant", FORMS)
@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_a_stopped_training(study: Study, tmp_path: Path, name: str, plant: Callable[[Path, Path], None]) -> None:
    # At a rate this high the best epoch is the first: the best of the stopped run is what is read at the end.
    recipe = recipe_of(tmp_path, "epinformer", epochs=3, learning_rate=30.0, schedule="constant")
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(Killed):
            train(study, "epinformer", recipe, tmp_path)
    running = tmp_path / "epinformer/ToyCell/.fold_1-seed_0"
    plant(running / name, tmp_path / "mark")
    with pytest.raises(BadFile, match=rf"^{name} (holds posix\.system, which is not a tensor|is truncated or not)"):
        train(study, "epinformer", recipe, tmp_path)
    assert not (tmp_path / "mark").exists()
    assert (running / name).is_file()


def test_what_to_do_about_it(study: Study, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, "epinformer", epochs=2)
    running = tmp_path / "epinformer/ToyCell/.fold_1-seed_0"
    running.mkdir(parents=True)
    torch.save({"state_dict": {}}, running / "last.ckpt")
    says = (
        r"^last\.ckpt has no optimizer_states; wanted a stopped training; remove .*/\.fold_1-seed_0 to begin it anew$"
    )
    with pytest.raises(BadFile, match=says):
        train(study, "epinformer", recipe, tmp_path)
    (running / "last.ckpt").unlink()
    train(study, "epinformer", recipe, tmp_path)


@pytest.mark.parametrize("plant", FORMS)
def test_weights(study: Study, tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    path = study.folder / "models/epinformer/ToyCell/fold_1-seed_0.safetensors"
    model = build("epinformer-counts", {"width": 8})
    info = checkpoint.describe(model, biosample="ToyCell", expression_unit="log2(TPM + 1)", fold="fold_1", seed=0)
    checkpoint.save(path, model, info)
    plant(path, tmp_path / "mark")
    with pytest.raises(BadFile, match=r"is a pickle of PyTorch|is truncated or not a tensor file"):
        open_predictor(study, "epinformer", biosample="ToyCell")
    with pytest.raises(BadFile, match=r"is a pickle of PyTorch|is truncated or not a tensor file"):
        checkpoint.load(path)
    path.unlink()
    assert not (tmp_path / "mark").exists()


def test_nothing_else_of_the_program_reads_a_pickle() -> None:
    """Every loader that could is named here; a new one must be looked at."""
    root = Path(__file__).resolve().parents[2]
    found = {
        str(path.relative_to(root))
        for top in ("cre_core", "dashboard")
        for path in (root / top).rglob("*.py")
        if any(
            word in path.read_text()
            for word in (
                "torch.load",
                "pickle.load",
                "weights_only=False",
                "allow_pickle=True",
                "joblib",
                "read_pickle(",
            )
        )
    }
    assert found == {"cre_core/models/pickled.py"}
