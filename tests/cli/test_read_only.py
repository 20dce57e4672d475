"""A study that may only be read: what reads works, what must write says in one line that it cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ("--biosample", "SimA", "--gene", "SIM31")
READING = [
    ("studies",),
    ("predict", "--study", "study", "--model", "epinformer", *MODEL),
    ("predict", "--study", "study", "--model", "creator", *MODEL),  # with a feature store, in the person's cache
    ("knockout", "--study", "study", "--model", "creator", *MODEL, "--halve", "--json", "../answer.json"),
    ("evaluate", "links", "--study", "study", "--biosample", "SimA", "--methods", "distance", "--resamples", "5"),
]
WRITING = [
    (("precompute", "--study", "study"), "study/precomputed: Read-only"),
    (
        ("train", "epinformer", "--study", "study", "--biosample", "SimA", "--out", "study/models"),
        "epinformer/SimA: Read",
    ),
    (("simulate", "--out", "study"), "study: Read-only"),
    (
        ("predict", "--study", "study", "--model", "epinformer", *MODEL, "--json", "study/a.json"),
        "study/a.json cannot be",
    ),
    (("download", "k562", "--data", "new", "--mirror", "study"), "in new: Read-only"),
]
# One process for all of them: each would need seconds to start.
PROGRAM = """
import contextlib, io, json, sys
import torch
from cre_core import cli

torch.set_num_threads(1)
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["cre_core", *arguments]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            cli.main()
    except SystemExit as left:
        print(json.dumps([left.code or 0, said.getvalue()]), file=sys.stderr)
"""


def can_mount() -> bool:
    """Whether this user may make a folder read-only for one process, as a disk is."""
    unshare = shutil.which("unshare")
    done = unshare and subprocess.run(
        [unshare, "-m", "mount", "--bind", "/tmp", "/tmp"], capture_output=True, check=False
    )
    return bool(done) and done.returncode == 0


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, str]]]:
    """What every command says, in a folder on a disk that may only be read; and the folder."""
    disk = tmp_path_factory.mktemp("disk")
    folder = disk / "read-only"
    shutil.copytree(ROOT / "precomputed/demo", folder / "study", ignore=shutil.ignore_patterns("features"))
    (disk / "program.py").write_text(PROGRAM)
    if not can_mount():
        pytest.skip("this user may not mount a folder read-only")
    commands = json.dumps([*READING, *(command for command, _ in WRITING)])
    line = 'mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && exec "$@"'
    started = [sys.executable, str(disk / "program.py"), commands]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(disk / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", line, "sh", *started],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [tuple(json.loads(text)) for text in done.stderr.splitlines() if text.startswith("[")]
    assert len(said) == len(READING) + len(WRITING), done.stderr
    return disk, said


def test_what_reads_works(answers: tuple[Path, list[tuple[int, str]]]) -> None:
    disk, said = answers
    for command, (code, error) in zip(READING, said, strict=False):
        assert (code, error) == (0, ""), command
    assert json.loads((disk / "answer.json").read_text())["is_reached"] in (True, False)
    assert (disk / "cache/crescope-features").stat().st_mode & 0o777 == 0o700


def test_what_must_write_says_in_one_line_that_it_cannot(answers: tuple[Path, list[tuple[int, str]]]) -> None:
    disk, said = answers
    for (command, words), (code, error) in zip(WRITING, said[len(READING) :], strict=True):
        assert code == 2, command
        assert error.count("\n") == 1, command
        assert words in error, (command, error)
    assert sorted(path.name for path in (disk / "read-only").iterdir()) == ["study"]
