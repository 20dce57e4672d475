"""Files: whole or not at all, never in the place of what is no file."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from killed import killed_at

from cre_core.errors import BadFile
from cre_core.io.files import written_whole


def write(path: Path, text: str) -> None:
    with written_whole(path) as partial:
        partial.write_text(text)


def test_old_or_new(tmp_path: Path) -> None:
    write(tmp_path / "deep/a.json", "old")
    with pytest.raises(ZeroDivisionError), written_whole(tmp_path / "deep/a.json") as partial:
        partial.write_text(f"half {1 / 0}")
    assert (tmp_path / "deep/a.json").read_text() == "old"
    write(tmp_path / "deep/a.json", "new")
    assert (tmp_path / "deep/a.json").read_text() == "new"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.json"]


def test_two_writers_of_one_process_do_not_share_a_piece(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a") as one, written_whole(tmp_path / "a") as other:
        one.write_text("one")
        other.write_text("other")
        assert one.read_text() == "one"
    assert (tmp_path / "a").read_text() == "one"  # the last to finish


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    assert killed_at(0, lambda: write(tmp_path / "a.json", "never"))
    (left,) = tmp_path.iterdir()
    assert re.fullmatch(r"a\.json\.\d+-\d+\.partial", left.name)
    living, other = tmp_path / f"a.json.{os.getppid()}-0.partial", tmp_path / left.name.replace("a.json", "b.json")
    living.touch()
    other.touch()
    write(tmp_path / "a.json", "new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", living.name, other.name}


def test_a_folder_a_device_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="it is a folder; wanted a file"):
        write(tmp_path, "text")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(BadFile, match="it is a device or a pipe; wanted a file"):
            write(path, "text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_file_in_the_way_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(BadFile, match=r"^cannot write .*a/b\.json: "):
        write(tmp_path / "a/b.json", "text")
