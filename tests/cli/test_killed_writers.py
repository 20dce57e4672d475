"""Every command that writes a folder, killed at each rename: what is there opens whole, and the next run ends well.

Each writer runs in a process of its own, which dies right before its n-th rename, for every n, and after the last.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from killed import dying_at, in_fresh_child
from tiny_encode import LIST, served, tiny_encode
from toy import make_toy_study

from cre_core.data import encode_files
from cre_core.data.encode import encode_recipe
from cre_core.data.recipe import prepare_study
from cre_core.data.simulate import SimulationConfig, simulate
from cre_core.data.study import Study
from cre_core.evaluation.precompute import precompute
from cre_core.models import checkpoint
from cre_core.models.registry import build
from cre_core.training.run import train_model

FOLDS = ("fold_1", "fold_2")
SMALL_WORLD = SimulationConfig(
    chrom_sizes={"chrS1": 200_000, "chrS2": 200_000},
    n_genes=6,
    n_elements=60,
    domain_bp=(80_000, 160_000),
    unmappable_bp=10_000,
    n_screened_genes=4,
    biosamples=("SimA",),
    held_out_biosamples=(),
)


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def kills(work: Callable[..., object], *given: object) -> Iterator[int]:
    """Kill the work before its first rename, then before its second, ..., and last after its last."""
    for step in count():
        code = in_fresh_child(dying_at, step, False, work, *given)
        if code == 0:  # it has no such rename
            return
        assert code == -signal.SIGKILL
        yield step


def after_its_last(n_kills: int, work: Callable[..., object], *given: object) -> None:
    """Kill the work right after its last rename."""
    assert in_fresh_child(dying_at, n_kills - 1, True, work, *given) == -signal.SIGKILL


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def check_whole(study: Path, wanted: set[str]) -> None:
    """It opens, has every file, each table can be read, and the weights in it are those that were there."""
    assert files_of(study) == wanted
    opened = Study.open(study)
    assert len(opened.genes)
    for path in study.rglob("*.parquet"):
        pd.read_parquet(path)
    assert (study / "models/epinformer/HepG2/weights").read_text() == "trained for days"


def leave_weights(study: Path) -> None:
    (study / "models/epinformer/HepG2").mkdir(parents=True, exist_ok=True)
    (study / "models/epinformer/HepG2/weights").write_text("trained for days")


# ---------------------------------------------------------------- prepare


def prepare(data: Path, out: Path) -> None:
    """As `prepare encode --biosample HepG2`, with the short list beside the data."""
    encode_files._LIST = data.parent / "list.tsv"
    encode_files.listed.cache_clear()
    prepare_study(encode_recipe(("HepG2",)), data=data, out=out, report=quiet)


@pytest.fixture
def raw_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of a tiny ENCODE."""
    (tmp_path / "list.tsv").write_text(LIST)
    monkeypatch.setattr(encode_files, "_LIST", tmp_path / "list.tsv")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    encode_files.listed.cache_clear()
    with served(tiny_encode(tmp_path)) as world:
        fetch = encode_recipe(("HepG2",)).fetch
        assert fetch is not None
        fetch(tmp_path / "data", world.url, quiet)
    yield tmp_path / "data"
    encode_files.listed.cache_clear()


def test_prepare(raw_files: Path, tmp_path: Path) -> None:
    out = tmp_path / "studies/encode"
    prepare(raw_files, out)
    leave_weights(out)
    whole, old = files_of(out), out.stat().st_ino
    for n in kills(prepare, raw_files, out):  # noqa: B007 (of the last)
        check_whole(out, whole)
        assert out.stat().st_ino == old  # no rename but the last shows anything
        assert len(list(out.parent.iterdir())) <= 3  # it, its lock, and what this one left: not what others left
    assert n > 5
    check_whole(out, whole)
    new = out.stat().st_ino
    assert new != old
    after_its_last(n + 1, prepare, raw_files, out)
    check_whole(out, whole)
    assert out.stat().st_ino != new
    prepare(raw_files, out)
    check_whole(out, whole)
    assert [path.name for path in out.parent.iterdir()] == ["encode"]


# ---------------------------------------------------------------- simulate


def make_world(out: Path, seed: int) -> None:
    """Another genome for every seed."""
    simulate(out, seed=seed, config=SMALL_WORLD)


def test_simulate(tmp_path: Path) -> None:
    out = tmp_path / "studies/sim"
    make_world(out, 1)
    (out / "notes.txt").write_text("mine")
    whole, old = files_of(out), pd.read_parquet(out / "expression.parquet")
    for n in kills(make_world, out, 2):  # noqa: B007 (of the last)
        assert files_of(out) == whole
        pd.testing.assert_frame_equal(pd.read_parquet(out / "expression.parquet"), old)
        assert len(list(out.parent.iterdir())) <= 3
    new = pd.read_parquet(out / "expression.parquet")  # the last run had no rename left to die before
    assert not new["value"].equals(old["value"])
    after_its_last(n + 1, make_world, out, 1)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "expression.parquet"), old)
    make_world(out, 1)
    assert files_of(out) == whole
    assert [path.name for path in out.parent.iterdir()] == ["sim"]


# ---------------------------------------------------------------- precompute


def write_precomputed(study: Path) -> None:
    """As the command."""
    torch.set_num_threads(1)
    precompute(Study.open(study), report=quiet)


def with_weights(study: Study) -> Path:
    """Random ones, of both folds."""
    for fold in FOLDS:
        model = build("epinformer-counts", {"width": 8, "n_layers": 1, "n_basis": 5})
        info = checkpoint.describe(model, biosample="ToyCell", expression_unit="log2(TPM + 1)", fold=fold, seed=0)
        checkpoint.save(study.folder / f"models/epinformer/ToyCell/{fold}-seed_0.safetensors", model, info)
    return study.folder


def test_precompute(tmp_path: Path) -> None:
    study = with_weights(make_toy_study(tmp_path / "study"))
    tables = [study / "precomputed" / f"{name}.parquet" for name in ("predictions", "knockouts")]
    write_precomputed(study)
    before = files_of(study)

    def is_old() -> list[bool]:
        return ["old" in pd.read_parquet(path) for path in tables]

    for path in tables:
        pd.read_parquet(path).assign(old=True).to_parquet(path)
    for n in kills(write_precomputed, study):  # noqa: B007 (of the last)
        assert is_old() == [True, True]
    assert is_old() == [False, False]
    for path in tables:
        pd.read_parquet(path).assign(old=True).to_parquet(path)
    after_its_last(n + 1, write_precomputed, study)
    assert is_old() == [False, False]
    write_precomputed(study)
    assert files_of(study) == before


# ---------------------------------------------------------------- train


def train(study: Path, recipe: Path, out: Path) -> None:
    """As the command, of both folds."""
    train_model(
        Study.open(study), "epinformer", biosample="ToyCell", out=out, recipe=str(recipe), device="cpu", report=quiet
    )


def weights_in(out: Path) -> dict[str, torch.Tensor]:
    """Of every checkpoint there: each must load."""
    found = {}
    for path in sorted(out.rglob("*.safetensors")):
        model = checkpoint.load_placed(path, wanted="epinformer-counts")
        found |= {f"{path.stem} {name}": value for name, value in model.state_dict().items()}
    return found


def test_train(tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study").folder
    parts = {"fold_1": ["train"] * 3 + ["valid"], "fold_2": ["valid"] + ["train"] * 3}
    pd.DataFrame({"gene_id": ["G1", "G2", "G3", "G4"], **parts}).to_parquet(study / "folds.parquet")
    config = {"width": 8, "n_layers": 1, "n_heads": 2, "n_basis": 5}
    settings = {"epochs": 2, "batch_size": 2, "learning_rate": 0.01, "loss": "mse", "n_seeds": 1}
    recipe = tmp_path / "small.yaml"
    recipe.write_text(yaml.safe_dump({"model": "epinformer-counts", "config": config, **settings}))
    train(study, recipe, tmp_path / "whole")
    whole = weights_in(tmp_path / "whole")
    assert len(whole) > 2
    for step in count():
        out = tmp_path / f"killed_{step}"
        code = in_fresh_child(dying_at, step, step % 2 == 1, train, study, recipe, out)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        for name, value in weights_in(out).items():  # those that are there are whole
            assert torch.equal(value, whole[name]), (step, name)
        train(study, recipe, out)
        again = weights_in(out)
        assert all(torch.equal(again[name], value) for name, value in whole.items()), step
        assert sorted(path.name for path in (out / "epinformer/ToyCell").iterdir()) == [
            "fold_1-seed_0.safetensors", "fold_2-seed_0.safetensors", "logs",
        ], step  # fmt: skip
    assert step > 5
