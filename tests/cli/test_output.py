"""Where answers go: files whole, pipes, standard output; what cannot be written is one line, said at once."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from killed import in_fresh_child
from test_cli import run

from cre_core import cli
from cre_core.inference.predictor import Predictor
from cre_core.io.text import shown


@pytest.fixture
def common(toy_predictor: Predictor) -> tuple[str, ...]:
    """Every element of geneA's window."""
    study = str(toy_predictor.study.folder)
    return (
        "knockout",
        "--study",
        study,
        "--model",
        "epinformer",
        "--biosample",
        "ToyCell",
        "--gene",
        "geneA",
        "--scan",
    )


def command(arguments: tuple[str, ...], stdout: str, stderr: str) -> None:
    """Run the command with other streams: a file's name, `closed`, or `unread`: a pipe that nobody reads any more."""
    for number, name, given in ((1, "stdout", stdout), (2, "stderr", stderr)):
        if given == "unread":
            read, write = os.pipe()
            os.dup2(write, number)
            os.close(read)
            os.close(write)
        elif given == "closed":
            os.close(number)
        else:
            os.dup2(os.open(given, os.O_WRONLY | os.O_CREAT), number)
        setattr(sys, name, None if given == "closed" else open(number, "w", closefd=False))  # noqa: SIM115
    sys.argv = ["cre_core", *arguments]
    cli.main()


def n_singles(text: str) -> int:
    return len(json.loads(text)["singles"])


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_has_the_numbers_alone(
    common: tuple[str, ...], name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *common, "--json", name) == 0
    assert n_singles(capfd.readouterr().out) == 4


def test_rows_of_a_benchmark_too(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = toy_predictor.study.folder
    asked = ("--study", study, "--biosample", "ToyCell", "--methods", "distance", "--resamples", "5")
    assert run(monkeypatch, "evaluate", "links", *asked, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)[0]["method"] == "distance"


def test_a_named_pipe(common: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert run(monkeypatch, *common, "--json", pipe) == 0
    reader.join()
    assert n_singles(read[0]) == 4
    assert pipe.is_fifo()


def test_the_numbers_are_whole_though_the_reader_has_seen_enough(common: tuple[str, ...], tmp_path: Path) -> None:
    path, said = tmp_path / "a.json", str(tmp_path / "said")
    assert in_fresh_child(command, (*common, "--json", str(path)), "unread", said) == cli.PIPE_CLOSED
    assert n_singles(path.read_text()) == 4
    assert in_fresh_child(command, (*common, "--json", "-"), "unread", said) == cli.PIPE_CLOSED
    assert in_fresh_child(command, common, "unread", said) == cli.PIPE_CLOSED
    assert (tmp_path / "said").read_text() == ""


def test_closed_streams(common: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert in_fresh_child(command, (*common, "--json", str(path)), "closed", "closed") == 0
    assert n_singles(path.read_text()) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_names_of_open_files(common: tuple[str, ...], tmp_path: Path) -> None:
    """As a shell gives them: `--json /dev/stderr 2> file`."""
    text, numbers = str(tmp_path / "text"), str(tmp_path / "numbers")
    assert in_fresh_child(command, (*common, "--json", "/dev/stderr"), text, numbers) == 0
    assert n_singles((tmp_path / "numbers").read_text()) == 4
    assert (tmp_path / "text").read_text().count("\n") == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers", "text"]


@pytest.mark.parametrize("option", ["--json", "--progress-file"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder", "folder is a folder; wanted a file, a pipe or - for standard output"),
        ("/dev/null", "/dev/null is a device; wanted a file, a pipe or - for standard output"),
        ("file/below.json", "cannot be written; wanted a file in a folder of one's own, a pipe or -"),
        ("x" * 5_000, "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_one_line_before_anything_is_run(
    common: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    name: str,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    study = common[2]
    command = common if option == "--json" else ("precompute", "--study", study)
    assert run(monkeypatch, *command, option, name) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(option)
    assert captured.err.endswith(f"{says}\n")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_folder_of_another_user(
    common: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: real(path, mode) and Path(path) != tmp_path)
    assert run(monkeypatch, *common, "--json", tmp_path / "a.json") == 2
    assert "a.json cannot be written; wanted a file in a folder of one's own" in capsys.readouterr().err


def test_an_older_answer_stays_when_the_disk_is_full(
    common: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert run(monkeypatch, *common, "--json", tmp_path / "a.json") == 2
    assert capsys.readouterr().err == f"cannot write {tmp_path / 'a.json'}: No space left on device\n"
    assert (tmp_path / "a.json").read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_progress_that_nobody_reads_any_more_stops_nothing(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study, pipe = shutil.copytree(toy_predictor.study.folder, tmp_path / "study"), tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open().close())
    reader.start()
    assert run(monkeypatch, "precompute", "--study", study, "--progress-file", pipe) == 0
    reader.join()
    assert run(monkeypatch, "precompute", "--study", study, "--progress-file", tmp_path / "lines") == 0
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert lines[-1] == {"step": "done", "done": 1, "total": 1}


def test_an_error_of_the_system_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("cre_core.data.simulate.simulate", failing)
    assert run(monkeypatch, "simulate", "--out", tmp_path / "study") == 2
    assert capsys.readouterr().err == f"{shown(str(tmp_path))}: Permission denied\n"
