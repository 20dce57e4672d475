"""Every command that docs/models.md lists under Ablations works, on the toy study for a step or two."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from test_model_recipes import with_motifs
from toy import make_toy_study
from toy_classes import with_labels, with_loops, with_track
from toy_inputs import with_biosamples, with_contacts, with_sequence

from cre_core import cli
from cre_core.data.study import Study, write_info
from cre_core.models import checkpoint

DOC = Path(__file__).resolve().parents[2] / "docs/models.md"
ROW = re.compile(r"^\| (?:CREaTor|EPInformer|ScPGE|CREATE)[^|]*\| `([^`]+)` \|", re.MULTILINE)
COMMANDS = ROW.findall(DOC.read_text().partition("## Ablations")[2])
# What makes a published recipe small enough: before the command's own changes, which then hold.
NARROW = ("config.width=8", "config.n_heads=2", "config.feed_forward=8", "batch_size=2")
FEW_STEPS = ("steps=2", "validate_every=1", "n_seeds=1", "n_candidates=1")
SMALL = {
    "creator": (*NARROW, *FEW_STEPS, "config.n_element_layers=1", "config.n_regulation_layers=1"),
    "scpge": (*NARROW, *FEW_STEPS, "config.channels=4", "config.n_layers=1", "config.n_motifs=3"),
    "epinformer --recipe paper": ("epochs=1", "batch_size=2", "config.sequence_bp=512"),
    "epinformer": (*NARROW[:2], "config.n_layers=1", "config.n_basis=5", "epochs=1", "batch_size=2", "n_seeds=1"),
    "epinformer-activity": ("epochs=1",),
    "create": (
        "config.sequence_bp=200", "config.filters=[4,2,2]", "config.narrow=[4,4]", "config.latent=64",
        "config.n_codes=5", "config.decoded=4", "config.hidden=[6,4]", "epochs=1", "batch_size=8",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """With everything that a model reads, of two biosamples, and an activity encoder of both folds."""
    folder = tmp_path_factory.mktemp("ablations")
    study = with_sequence(make_toy_study(folder / "study"))
    study = with_biosamples(study, {"OtherCell": 2.0, "NewCell": 3.0}, held_out="NewCell")
    study = with_track(with_labels(study))
    more = [replace(t, id=f"{t.id}.ac", assay="h3k27ac") for t in study.info.tracks if t.kind == "bigwig"]
    write_info(study.folder, replace(study.info, tracks=(*study.info.tracks, *more)))
    study = with_loops(with_contacts(with_motifs(Study.open(study.folder), 3)), [(99_000, 100_000, 299_000, 301_000)])
    for fold in ("fold_1", "fold_2"):
        torch.manual_seed(0)
        model = checkpoint.registry.build("epinformer-activity")
        info = checkpoint.describe(model, biosample="ToyCell", expression_unit="log2(dnase + 1)", fold=fold, seed=0)
        checkpoint.save(folder / f"epinformer-activity/B/{fold}-seed_0.safetensors", model, info)
    return study


@pytest.fixture(autouse=True)
def _term_handler() -> Iterator[None]:
    """A command takes over the termination signal; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def train(monkeypatch: pytest.MonkeyPatch, study: Study, out: Path, arguments: list[str]) -> int:
    common = ["--study", str(study.folder), "--out", str(out), "--folds", "2", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["cre_core", "train", *arguments, *common])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_the_page_lists_them() -> None:
    models = {command.split()[0] for command in COMMANDS}
    assert models == {"creator", "epinformer", "epinformer-activity", "scpge", "scpge-kl", "create"}
    assert len(COMMANDS) > 25


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_listed_command_works(
    study: Study, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, ours in (("GM12878", "OtherCell"), ("K562", "OtherCell"), ("DIR/", f"{study.folder.parent}/")):
        command = command.replace(name, ours)
    asked = shlex.split(command)
    model = asked[0]
    small = SMALL[f"{model} --recipe paper" if "--recipe" in asked else model.removesuffix("-kl")]
    if "--biosample" not in asked:
        asked += ["--biosample", "ToyCell"]
    if "--recipe" in asked and "signal_unit" not in command:
        small = (*small, "config.signal_unit=reads")  # the toy study does not know its depth
    first = [part for change in small for part in ("--set", change)]
    code = train(monkeypatch, study, tmp_path, [model, *first, *asked[1:]])
    assert code == 0, capsys.readouterr().err
    (path,) = (tmp_path / model / "ToyCell").glob("*.safetensors")
    info = checkpoint.read_info(path)
    for change in (value for sign, value in pairwise(asked) if sign == "--set"):
        assert change.partition("=")[0] in info.provenance["recipe"]
