"""Results on disk: kept, private, and in nobody's way when the disk fails."""

from __future__ import annotations

import dataclasses
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from killed import in_child

from cre_core.errors import BadInput
from dashboard import app
from dashboard.components import shell
from dashboard.services.cache import ABSENT, Cache
from dashboard.services.library import Library
from dashboard.settings import Settings
from dashboard.state import ViewState


def test_a_result_is_computed_once_and_found_by_the_next_process(tmp_path: Path) -> None:
    calls: list[int] = []

    def compute() -> dict[str, int]:
        calls.append(1)
        return {"n": 3}

    for _ in range(2):
        cache = Cache(tmp_path / "cache")
        assert cache.get("unknown") == ABSENT
        assert cache.made_once("key", compute) == {"n": 3}
        assert cache.problem == ""
        cache.close()
    assert calls == [1]


@pytest.mark.parametrize("mode", [0o775, 0o777])
def test_a_cache_that_others_may_write_into_is_refused(settings: Settings, mode: int) -> None:
    """Its results are pickles: who may write there could run code here."""
    settings.cache_dir.mkdir()
    settings.cache_dir.chmod(mode)
    with pytest.raises(
        BadInput, match=rf"cache is not a private folder of user \d+ \(mode {mode:o}\); wanted mode 700"
    ):
        Library(settings)


def test_a_folder_of_other_things_is_no_cache(tmp_path: Path) -> None:
    """Such as the current one, with `--cache .`."""
    tmp_path.chmod(0o755)
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(BadInput, match=r"is not empty and holds no cache; wanted a new folder or a cache"):
        Cache(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_linked_cache_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    settings.cache_dir.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="cache is a symbolic link; wanted a private folder"):
        app.create_app(settings)


def no_database(folder: Path) -> None:
    (folder / "cache.db").write_bytes(b"no database at all" * 500)


def broken_pages(folder: Path) -> None:
    content = bytearray((folder / "cache.db").read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (folder / "cache.db").write_bytes(content)


def folder_in_its_place(folder: Path) -> None:
    (folder / "cache.db").unlink()
    (folder / "cache.db").mkdir()


@pytest.mark.parametrize("damage", [no_database, broken_pages, folder_in_its_place])
def test_a_broken_cache_is_done_without(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    cache = Cache(tmp_path / "cache")
    cache.set("key", {"n": 3})
    cache.close()
    damage(tmp_path / "cache")
    cache = Cache(tmp_path / "cache")
    assert cache.made_once("key", lambda: {"n": 4}) == {"n": 4}
    assert cache.problem.startswith(
        f"results are computed anew each time, for the cache in {tmp_path}/cache does not"
    )
    assert "\n" not in cache.problem
    cache.close()


def test_a_damaged_result_is_computed_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.set("key", list(range(100_000)))  # large: in a file of its own
    (file,) = (tmp_path / "cache").rglob("*.val")
    file.write_bytes(b"cut")
    assert cache.made_once("key", lambda: "again") == "again"
    assert cache.made_once("key", lambda: "not asked") == "again"
    assert cache.problem == ""
    cache.close()


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file/cache")
    assert cache.made_once("key", lambda: 5) == 5
    assert "cannot make the folder" in cache.problem
    cache.close()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk_is_done_without(tmp_path: Path, is_there: bool) -> None:
    """No file may grow any more, as on a full disk."""

    def on_a_full_disk() -> None:
        cache = Cache(tmp_path / "cache") if is_there else None
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        cache = cache or Cache(tmp_path / "cache")
        assert cache.made_once("key", lambda: list(range(100_000)))[-1] == 99_999
        assert cache.made_once("small", lambda: 5) == 5
        assert "does not work" in cache.problem

    assert in_child(on_a_full_disk) == 0


def test_a_read_only_database_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache._disk is not None

    def read_only(*_: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(cache._disk, "set", read_only)
    assert cache.made_once("key", lambda: 5) == 5
    assert cache.problem.endswith("does not work: attempt to write a readonly database")
    monkeypatch.undo()
    cache.set("key", 5)
    assert cache.problem == ""  # it works again
    cache.close()


def test_pages_compute_without_the_cache_and_say_so(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = Library(dataclasses.replace(settings, cache_dir=tmp_path / "file/cache"))
    assert broken.memo("tiny", ("n",), lambda: 7) == 7
    page = shell.remarked(shell.page(ViewState(), "main", notices=["first"]), broken.cache.problem)
    (store,) = [part for part in page.children if getattr(part, "id", None) == "page-notices"]
    assert store.data == ["first", broken.cache.problem]
    broken.close()


def test_the_served_page_carries_the_remark(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    served = app.create_app(dataclasses.replace(settings, cache_dir=tmp_path / "file/cache"))
    client = served.server.test_client()
    dependencies = client.get("/_dash-dependencies").get_json()
    (route,) = [one for one in dependencies if "_pages_content.children" in one["output"]]
    given = {"pathname": "/data"}
    inputs = [one | {"value": given.get(one["property"], "")} for one in route["inputs"]]
    outputs = [dict(zip(("id", "property"), one.rsplit(".", 1), strict=True))
               for one in route["output"].strip(".").split("...")]  # fmt: skip
    body = {
        "output": route["output"],
        "outputs": outputs,
        "inputs": inputs,
        "state": route["state"],
        "changedPropIds": ["_pages_location.pathname"],
    }
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200
    assert "results are computed anew each time" in answer.get_data(as_text=True)
    served.server.extensions["crescope"].close()
