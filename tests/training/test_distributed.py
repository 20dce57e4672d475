"""Two processes learn what one does: the loss, the weights, and each file written once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from toy import make_toy_study
from toy_inputs import with_sequence

from cre_core.data.dataset import GeneDataset
from cre_core.data.study import Study
from cre_core.data.windows import neighbourhood_for
from cre_core.models import checkpoint
from cre_core.schema import Reads
from cre_core.training import module
from cre_core.training.module import Shares

LIMIT_S = 100
SMALL = {"width": 8, "n_heads": 2, "feed_forward": 8, "dropout": 0.0, "base_tracks": ["dnase"]}
# No dropout: the processes draw their own. No batch normalisation: it would see its share of a batch alone.
CONFIGS: dict[str, tuple[str, dict[str, object]]] = {
    "epinformer": ("epinformer-counts", {"width": 8, "n_layers": 1, "n_heads": 2, "n_basis": 5, "dropout": 0.0}),
    "creator": ("creator", {**SMALL, "n_element_layers": 1, "n_regulation_layers": 2}),
}
# The command as a user starts it: with several devices it starts itself again.
PROGRAM = """
import json, sys
from pathlib import Path
import torch
from cre_core.data.study import Study
from cre_core.training.run import train_model

torch.set_num_threads(1)
study, model, recipe, out, devices = sys.argv[1:]
rows = train_model(
    Study.open(Path(study)), model, biosample="ToyCell", out=Path(out), recipe=recipe, device="cpu",
    devices=int(devices), report=lambda *said: print("report", *said, flush=True),
)
print("rows", json.dumps(rows), flush=True)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Both folds with genes enough: three to learn from, one to validate with."""
    study = with_sequence(make_toy_study(tmp_path_factory.mktemp("two") / "study"))
    folds = {
        "gene_id": ["G1", "G2", "G3", "G4"],
        "fold_1": ["train"] * 3 + ["valid"],
        "fold_2": ["valid"] + ["train"] * 3,
    }
    pd.DataFrame(folds).to_parquet(study.folder / "folds.parquet")
    return Study.open(study.folder)


def start(study: Study, model: str, out: Path, *, devices: int, launcher: tuple[str, ...] = ()) -> list[str]:
    """Run the program to its end; the lines it printed."""
    name, config = CONFIGS[model]
    settings = {
        "epochs": 3,
        "batch_size": 2,
        "learning_rate": 0.01,
        "n_seeds": 1,
        "loss": "poisson",
        "batching": "place",
    }
    out.mkdir()
    (out / "small.yaml").write_text(yaml.safe_dump({"model": name, "config": config, "clip_norm": 1.0, **settings}))
    (out / "program.py").write_text(PROGRAM)
    arguments = [str(out / "program.py"), str(study.folder), model, str(out / "small.yaml"), str(out), str(devices)]
    known = {key: value for key, value in os.environ.items() if key not in ("LOCAL_RANK", "RANK", "WORLD_SIZE")}
    done = subprocess.run(
        [sys.executable, *launcher, *arguments],
        env={**known, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def losses_of(lines: list[str]) -> list[float]:
    (rows,) = [json.loads(line.removeprefix("rows ")) for line in lines if line.startswith("rows [{")]
    return [row["valid_loss"] for row in rows]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """Of both folds."""
    paths = sorted(folder.glob("*/ToyCell/*.safetensors"))
    assert [path.stem for path in paths] == ["fold_1-seed_0", "fold_2-seed_0"]
    return {f"{path.stem} {name}": w for path in paths for name, w in checkpoint.load(path)[0].state_dict().items()}


def logged(folder: Path) -> pd.DataFrame:
    (path,) = folder.glob("*/ToyCell/logs/fold_1-seed_0/metrics.csv")
    return pd.read_csv(path).groupby("epoch")[["valid_loss"]].mean()


@pytest.mark.slow
@pytest.mark.parametrize("model", CONFIGS)
def test_two_processes_learn_what_one_does(study: Study, model: str, tmp_path: Path) -> None:
    """Batches of two genes, one for each process; the last batch of an epoch has one gene for both."""
    one = start(study, model, tmp_path / "one", devices=1)
    two = start(study, model, tmp_path / "two", devices=2)
    np.testing.assert_allclose(losses_of(two), losses_of(one), atol=1e-5)
    pd.testing.assert_frame_equal(logged(tmp_path / "two"), logged(tmp_path / "one"), atol=1e-5)
    expected, found = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    for name, value in expected.items():  # Adam makes much of the rounding of gradients near 0; a step is 1e-2
        torch.testing.assert_close(
            found[name], value, rtol=1e-3, atol=2e-4, msg=lambda said, name=name: f"{name}: {said}"
        )
    # What the first process does, it alone does.
    assert [line for line in two if line.startswith("report")] == [line for line in one if line.startswith("report")]
    left = sorted(path.name for path in (tmp_path / "two" / model / "ToyCell").iterdir())
    assert left == ["fold_1-seed_0.safetensors", "fold_2-seed_0.safetensors", "logs"]


@pytest.mark.slow
def test_under_torchrun(study: Study, tmp_path: Path) -> None:
    one = start(study, "epinformer", tmp_path / "one", devices=1)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    two = start(study, "epinformer", tmp_path / "two", devices=2, launcher=launcher)
    np.testing.assert_allclose(losses_of(two), losses_of(one), atol=1e-5)


@pytest.mark.parametrize("n_processes", [1, 2, 3])
@pytest.mark.parametrize("genes", [[0, 1, 2, 3], [2, 0, 1], [3]])
def test_shares_make_the_whole(
    toy_study: Study, genes: list[int], n_processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over processes of the weighted mean over their genes is the mean over all genes."""
    target = np.array([1.0, 10.0, 100.0, 1000.0], np.float32)
    around = neighbourhood_for(toy_study, "ToyCell", Reads(assays=("dnase", "h3k27ac")))
    dataset = GeneDataset(around, ["G1", "G2", "G3", "G4"], target, reach_bp=150_000, limit=None)
    monkeypatch.setattr(module.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(module.dist, "get_world_size", lambda: n_processes)
    shares = []
    for rank in range(n_processes):
        monkeypatch.setattr(module.dist, "get_rank", lambda rank=rank: rank)
        shares.append(Shares(dataset)[genes])
    assert np.mean([share.weight * float(share.target.mean()) for share in shares]) == pytest.approx(
        target[genes].mean()
    )
    seen = [value for share in shares if share.weight for value in share.target.tolist()]
    assert seen == target[genes].tolist()  # each once, in order
    assert {share.n_genes for share in shares} == {len(genes)}
