"""Folders: not over what is not ours, one writer at a time, old or new whole, and private ones."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

import pytest
from killed import die, in_child, killed_at

from cre_core.errors import BadFile, BadInput, NotAvailable
from cre_core.io import folders
from cre_core.io.folders import carry_over, check_ours, folder_written_whole, held, private_folder, recover


def write(folder: Path, text: str) -> None:
    with folder_written_whole(folder) as partial:
        (partial / "content").write_text(text)
        (partial / "deep").mkdir()
        (partial / "deep/more").write_text(text)


class TestWhatIsOurs:
    def test_new_empty_or_with_a_marker(self, tmp_path: Path) -> None:
        check_ours(tmp_path / "new", "study.json", what="study")
        (tmp_path / "empty").mkdir()
        check_ours(tmp_path / "empty", "study.json", what="study")
        (tmp_path / "ours").mkdir()
        (tmp_path / "ours/study.json").touch()
        (tmp_path / "ours/notes.txt").touch()
        check_ours(tmp_path / "ours", "*.parquet", "study.json", what="study")

    def test_other_things(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").touch()
        with pytest.raises(BadInput, match=r"is not empty and holds no study; wanted a new folder or a study$"):
            check_ours(tmp_path, "study.json", what="study")
        with pytest.raises(BadInput, match=r"thesis\.txt is no folder; wanted a new folder or a study$"):
            check_ours(tmp_path / "thesis.txt", "study.json", what="study")
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        with pytest.raises(BadInput, match="link is no folder"):
            check_ours(tmp_path / "link", "study.json", what="study")


class TestOneWriter:
    def test_the_second_is_told_who_is_there(self, tmp_path: Path) -> None:
        asks, answers = os.pipe()
        go_on, says = os.pipe()
        child = os.fork()
        if child == 0:
            with held(tmp_path / "study"):
                os.write(answers, b"x")
                os.read(go_on, 1)
            os._exit(0)
        os.read(asks, 1)
        line = rf"study is being written by process {child} since \d{{4}}-\d\d-\d\d [\d:]+; wait until it has ended"
        with pytest.raises(NotAvailable, match=line), held(tmp_path / "study"):
            pass
        with pytest.raises(NotAvailable, match=line), held(tmp_path / "study/models/epinformer"):
            pass  # inside a folder that will be replaced
        with pytest.raises(NotAvailable, match=line), held(tmp_path):
            pass  # around it
        with held(tmp_path / "study2"):  # a neighbour is free
            pass
        os.write(says, b"x")
        os.waitpid(child, 0)
        with held(tmp_path / "study"):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_a_lock_dies_with_its_process(self, tmp_path: Path) -> None:
        def killed() -> None:
            with held(tmp_path / "study"):
                die()

        assert in_child(killed) == signal.SIGKILL
        assert [path.name for path in tmp_path.iterdir()] == [".study.lock"]
        with held(tmp_path):
            pass
        with held(tmp_path / "study"):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_two_threads_are_two_writers(self, tmp_path: Path) -> None:
        seen: list[Exception] = []

        def second() -> None:
            try:
                with held(tmp_path / "study"):
                    pass
            except NotAvailable as error:
                seen.append(error)

        with held(tmp_path / "study"):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        assert len(seen) == 1

    def test_a_link_to_a_folder_is_that_folder(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        with held(tmp_path / "real"), pytest.raises(NotAvailable), held(tmp_path / "link"):
            pass

    def test_a_writer_that_wrote_nothing_leaves_nothing(self, tmp_path: Path) -> None:
        with held(tmp_path / "models/epinformer/K562"):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(BadFile, match=r"^cannot write .*file/study: "), held(tmp_path / "file/study"):
            pass


@pytest.fixture(params=["one step", "two renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of putting the new folder in the place of the old: as here, and as where folders cannot be swapped."""
    if request.param == "two renames":
        monkeypatch.setattr(folders, "_exchanged", lambda one, other: False)
    return str(request.param)


class TestAKilledWriter:
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_old_or_new_is_whole_and_the_next_run_cleans_up(
        self, tmp_path: Path, way: str, at: int, after: bool
    ) -> None:
        folder = tmp_path / "study"
        write(folder, "old")

        is_killed = killed_at(at, lambda: write(folder, "new"), after=after)
        assert is_killed == (at == 0 or way == "two renames")
        recover(folder)
        text = (folder / "content").read_text()
        assert text in ("old", "new")
        assert (folder / "deep/more").read_text() == text
        assert {path.name for path in folder.iterdir()} == {"content", "deep"}
        write(folder, "newest")
        assert (folder / "deep/more").read_text() == "newest"
        assert [path.name for path in tmp_path.iterdir()] == ["study"]

    def test_a_first_folder_is_there_whole_or_not_at_all(self, tmp_path: Path) -> None:
        def killed() -> None:
            with folder_written_whole(tmp_path / "study") as partial:
                (partial / "content").write_text("half")
                die()

        in_child(killed)
        assert not (tmp_path / "study").exists()
        recover(tmp_path / "study")
        assert not (tmp_path / "study").exists()
        write(tmp_path / "study", "new")
        assert [path.name for path in tmp_path.iterdir()] == ["study"]

    def test_what_a_living_writer_has_is_left_alone(self, tmp_path: Path) -> None:
        with folder_written_whole(tmp_path / "study") as partial:
            (partial / "content").write_text("mine")
            os.mkdir(tmp_path / "study.1.replaced.partial")
            recover(tmp_path / "study")
            assert (partial / "content").exists()
            assert not (tmp_path / "study").exists()

    def test_a_neighbour_of_a_like_name_is_left_alone(self, tmp_path: Path) -> None:
        for name in ("study.old.1.partial", "study2.1.partial", "study.1.partial.txt"):
            (tmp_path / name).mkdir()
        write(tmp_path / "study", "new")
        assert len(list(tmp_path.iterdir())) == 4


def test_a_failed_second_rename_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "study", "old")
    monkeypatch.setattr(folders, "_exchanged", lambda one, other: False)
    real, n = os.rename, iter(range(9))

    def rename(one: Path, other: Path) -> None:
        if next(n) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(one, other)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(BadFile, match="study: No space left on device"):
        write(tmp_path / "study", "new")
    assert (tmp_path / "study/content").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_a_linked_folder_stays_a_link(tmp_path: Path) -> None:
    write(tmp_path / "disk/study", "old")
    (tmp_path / "study").symlink_to(tmp_path / "disk/study")
    write(tmp_path / "study", "new")
    assert (tmp_path / "study").is_symlink()
    assert (tmp_path / "disk/study/content").read_text() == "new"


def test_what_a_person_put_there_is_carried_over(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    new.mkdir()
    (old / "models/deep").mkdir(parents=True)
    (old / "models/deep/weights").write_text("kept")
    (old / "models/deep/weights.7.partial").write_text("half")
    (old / "notes.txt").write_text("kept")
    (old / "genes.parquet").write_text("made again")
    (old / "far").symlink_to("/elsewhere")
    carry_over(old, new, made=["*.parquet"])
    assert sorted(path.relative_to(new).as_posix() for path in new.rglob("*")) == [
        "far", "models", "models/deep", "models/deep/weights", "notes.txt",
    ]  # fmt: skip
    carry_over(tmp_path / "nowhere", new, made=[])


class TestAPrivateFolder:
    def test_made_and_made_again(self, tmp_path: Path) -> None:
        folder = private_folder(tmp_path / "deep/cache")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert private_folder(folder) == folder

    @pytest.mark.parametrize("mode", [0o755, 0o750, 0o711])
    def test_one_that_others_may_read_is_closed_to_them(self, tmp_path: Path, mode: int) -> None:
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache").chmod(mode)
        assert private_folder(tmp_path / "cache").stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
    def test_one_that_others_may_write_into(self, tmp_path: Path, mode: int) -> None:
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache").chmod(mode)
        with pytest.raises(BadInput, match=rf"not a private folder .*mode {mode:o}\); wanted mode 700$"):
            private_folder(tmp_path / "cache")

    def test_a_link_or_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir(mode=0o700)
        (tmp_path / "cache").symlink_to(tmp_path / "real")
        with pytest.raises(BadInput, match=r"cache is a symbolic link; wanted a private folder of user"):
            private_folder(tmp_path / "cache")
        (tmp_path / "file").touch()
        with pytest.raises(BadInput, match=r"file is a file; wanted a private folder of user"):
            private_folder(tmp_path / "file")
        with pytest.raises(BadFile, match="cannot make the folder"):
            private_folder(tmp_path / "file/cache")

    def test_another_users(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "cache").mkdir(mode=0o700)
        monkeypatch.setattr(os, "getuid", lambda: 12_345)
        with pytest.raises(BadInput, match=r"not a private folder of user 12345"):
            private_folder(tmp_path / "cache")
