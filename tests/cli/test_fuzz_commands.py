"""Every command with nonsense for its options: it does what was asked, or says in one line why not.

Commands and options are found in the app itself, so that a new one is tried too.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import typer

from cre_core import cli
from cre_core.data import simulate as simulation
from cre_core.inference.predictor import Predictor

TRIES = 20  # of each command
NASTY = (
    "", " ", "-", "--", ",", ",-,", "0", "-1", "1.5", "1e400", "nan", "inf", "99999999999999999999", "9" * 5_000,
    "a" * 5_000, "None", "true", "*", "..", "../x", "x/y", "~", "基因", "\u202egene", "\x1b[2J", "a=b", "=", "[[[",
    "{a: *b}", "http://", "file:///x", "geneA,geneA", "chr8:1-2", "'; rm", "%s%n", "\udcff",
)  # fmt: skip
# What each option wants, where that is known; `{}` is a folder of the test's own.
RIGHT = {
    "study": ("{}/study",), "model": ("epinformer",), "biosample": ("ToyCell",), "gene": ("geneA", "G3"),
    "element": ("e2", "e3", "e6"), "mode": ("mask", "silence", "scramble"), "strength": ("0", "0.5", "1"),
    "data": ("{}/raw",), "mirror": ("{}/raw",), "out": ("{}/out",), "name": ("k562", "encode"), "file": ("{}/file",),
    "json_file": ("{}/answer.json",), "progress_file": ("{}/progress",), "folds": ("1", "all"),
    "recipe": ("counts", "creator"), "changes": ("epochs=1",), "device": ("cpu", "auto"), "devices": ("1",),
    "nodes": ("1",), "resamples": ("2",), "processes": ("1",), "versus": ("distance", "abc"),
    "seed": ("3",), "shuffles": ("2",), "delete": ("100,001-100,010",),
    "substitute": ("100001:ACGT",), "methods": ("distance", "epinformer.attention", "ridge", "epinformer"),
    "method": ("gradient_x_input", "deep_lift", "factors", "mutagenesis"), "measure": ("RNA",), "fold": ("fold_1",),
}  # fmt: skip
ALWAYS = ("methods", "resamples", "processes", "changes")  # left out, they ask for work that says no more
SMALL = simulation.SimulationConfig(
    chrom_sizes={"chrS1": 300_000, "chrS2": 300_000}, n_genes=6, n_elements=40, n_screened_genes=1,
    biosamples=("SimA",), held_out_biosamples=(),
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command of the app: its words and its parameters."""

    words: tuple[str, ...]
    parameters: tuple[Any, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[Command]:
    for name, found in sorted(group.commands.items()):
        if hasattr(found, "commands"):
            yield from commands(found, (*words, name))
        else:
            yield Command((*words, name), tuple(found.params))


COMMANDS = tuple(commands(typer.main.get_command(cli.app)))


def test_every_command_is_found() -> None:
    words = {str(command) for command in COMMANDS}
    assert {"studies", "simulate", "train", "knockout", "evaluate links", "import-weights"} <= words


@pytest.fixture
def place(tmp_path: Path, toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a study, raw files that are none, no network, and small simulations."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "file").write_bytes(b"\x80 not a checkpoint")
    shutil.copytree(toy_predictor.study.folder, tmp_path / "study")  # some commands write into it
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(simulation, "simulate", partial(simulation.simulate, config=SMALL))

    def unplugged(*_: object, **__: object) -> None:
        raise requests.ConnectionError("unplugged")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", unplugged)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_does_it_or_says_in_one_line_why_not(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(str(command))
    for _ in range(TRIES):
        arguments = _arguments(command, draw, str(place))
        monkeypatch.setattr(sys, "argv", ["cre_core", *command.words, *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr().err
        assert left.value.code in (0, 2), arguments
        if left.value.code == 2:
            assert (said.count("\n"), bool(said.strip())) == (1, True), arguments
        assert "Traceback" not in said, arguments


def _arguments(command: Command, draw: random.Random, place: str) -> list[str]:
    """Mostly what is wanted, and now and then something else, too much or nothing."""
    found = []
    for parameter in command.parameters:
        if draw.random() > (0.97 if parameter.required or parameter.name in ALWAYS else 0.3):
            continue
        for _ in range(draw.choice((1, 1, 2)) if parameter.multiple else 1):
            found.append(_argument(parameter, draw, place))
    draw.shuffle(found)
    extra = draw.random() < 0.05
    return [text for part in found for text in part] + ["--nonsense"] * extra


def _argument(parameter: Any, draw: random.Random, place: str) -> list[str]:
    option = parameter.opts[:1] if parameter.param_type_name == "option" else []
    if getattr(parameter, "is_flag", False):
        return option
    nasty = (*NASTY, f"{place}/nowhere", f"{place}/file", f"{place}/raw", f"{place}/file/below")
    right = [text.replace("{}", place) for text in RIGHT.get(parameter.name, ())]
    value = draw.choice(right if right and draw.random() < 0.8 else nasty)
    return [f"{option[0]}={value}"] if option and draw.random() < 0.2 else [*option, value]
