"""The downloader against a server on this machine: resume, checksums, mirrors, and every failure in one line."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cre_core.errors import BadFile, Cancelled, NotAvailable, UnknownName
from cre_core.io import download as module
from cre_core.io.download import RemoteFile, download, registry

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
NAME = "folder/big file.bin"


@dataclass
class Server:
    """What the server does and what it was asked."""

    url: str = ""
    ranges: list[str | None] = field(default_factory=list)
    knows_ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes after which the next answers break off


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.ranges.append(wanted)
            if self.path != "/base/folder/big%20file.bin":
                self.send_error(404)
                return
            start = int(wanted[6:-1]) if wanted and state.knows_ranges else 0
            body = CONTENT[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.break_after:
                body = body[: state.break_after.pop(0)]
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}/base"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def _known(url: str, content: bytes = CONTENT) -> dict[str, RemoteFile]:
    digest = hashlib.sha256(content).hexdigest()
    return {NAME: RemoteFile(NAME, len(content), digest, f"{url}/folder/big%20file.bin", "MIT", "hg38", "bytes")}


def test_whole_file_with_progress_and_not_twice(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    def report(name: str, done: int, total: int) -> None:
        seen.append((name, done, total))

    paths = download([NAME], tmp_path / "new", progress=report, registry=_known(server.url))
    assert paths == [tmp_path / "new" / NAME]
    assert paths[0].read_bytes() == CONTENT
    assert seen[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    download([NAME], tmp_path / "new", registry=_known(server.url))
    assert len(server.ranges) == 1
    assert [path.name for path in paths[0].parent.iterdir()] == ["big file.bin"]


def test_a_broken_connection_is_taken_up_again(server: Server, tmp_path: Path) -> None:
    server.break_after = [300_000]
    (path,) = download([NAME], tmp_path, registry=_known(server.url))
    assert path.read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert server.ranges[1] is not None


def test_the_next_call_goes_on_where_a_killed_one_stopped(server: Server, tmp_path: Path) -> None:
    def stop(name: str, done: int, total: int) -> None:
        if done > 500_000:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        download([NAME], tmp_path, progress=stop, registry=_known(server.url))
    assert not (tmp_path / NAME).exists()
    kept = (tmp_path / f"{NAME}.partial").stat().st_size
    (path,) = download([NAME], tmp_path, registry=_known(server.url))
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]
    assert not (tmp_path / f"{NAME}.partial").exists()


def test_server_without_ranges_and_a_foreign_piece_start_over(server: Server, tmp_path: Path) -> None:
    partial = tmp_path / f"{NAME}.partial"
    partial.parent.mkdir()
    partial.write_bytes(CONTENT[:1000])
    server.knows_ranges = False
    (path,) = download([NAME], tmp_path, registry=_known(server.url))
    assert path.read_bytes() == CONTENT
    path.unlink()
    server.knows_ranges = True
    partial.write_bytes(b"another file" * 10)
    (path,) = download([NAME], tmp_path, registry=_known(server.url))
    assert path.read_bytes() == CONTENT


def test_wrong_checksum_is_not_kept(server: Server, tmp_path: Path) -> None:
    wanted = "0" * 64
    known = {NAME: RemoteFile(NAME, len(CONTENT), wanted, f"{server.url}/folder/big%20file.bin", "", "", "")}
    found = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(BadFile, match=f"^{NAME} has sha256 {found}, wanted {wanted}; the file was not kept$"):
        download([NAME], tmp_path, registry=known)
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_file_with_another_checksum_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / NAME).write_bytes(b"old")
    (path,) = download([NAME], tmp_path, registry=_known(server.url))
    assert path.read_bytes() == CONTENT


def test_mirrors(server: Server, tmp_path: Path) -> None:
    known = _known("https://example.invalid")
    (path,) = download([NAME], tmp_path / "a", mirror=f"{server.url}/", registry=known)
    assert path.read_bytes() == CONTENT
    (path,) = download([NAME], tmp_path / "b", mirror=str(tmp_path / "a"), registry=known)
    assert path.read_bytes() == CONTENT
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotAvailable, match=f"mirror has no file {NAME}"):
        download([NAME], tmp_path / "c", mirror=str(tmp_path / "empty"), registry=known)
    with pytest.raises(NotAvailable, match="is neither a folder nor an address"):
        download([NAME], tmp_path / "c", mirror=str(tmp_path / "none"), registry=known)


@pytest.mark.parametrize(
    "mirror",
    [
        "",
        "file:///tmp",
        "ftp://host/x",
        "http://",
        "https:///x",
        "http://[::1",
        "http://host:0",
        "http://host:99999",
        "http:/host",
        "://",
    ],
)
def test_a_mirror_that_is_no_address_of_the_web(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(
        NotAvailable, match=r"^mirror '.*' is neither a folder nor an address \(http:// or https://\)$"
    ):
        download([NAME], tmp_path / "to", mirror=mirror, registry=_known("https://example.invalid"))
    assert not (tmp_path / "to").exists()


def test_more_bytes_than_the_file_has_are_not_taken(server: Server, tmp_path: Path) -> None:
    known = _known(server.url, CONTENT[:300_000])
    with pytest.raises(
        BadFile, match=rf"127\.0\.0\.1:\d+ has more than the 300,000 bytes of {NAME}; the file was not kept"
    ):
        download([NAME], tmp_path / "to", registry=known)
    (tmp_path / "mirror/folder").mkdir(parents=True)
    (tmp_path / "mirror" / NAME).write_bytes(CONTENT)
    with pytest.raises(BadFile, match="has more than the 300,000 bytes"):
        download([NAME], tmp_path / "to", mirror=str(tmp_path / "mirror"), registry=known)
    assert list((tmp_path / "to/folder").iterdir()) == []


def test_no_size_that_a_server_tells_is_without_limit(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 300_000)
    endless = {NAME: replace(_known(server.url)[NAME], n_bytes=10**15)}
    with pytest.raises(BadFile, match="has more than the 300,000 bytes"):
        download([NAME], tmp_path / "to", registry=endless)
    monkeypatch.setattr(module, "MOST_TEXT", 300_000)
    with pytest.raises(NotAvailable, match=r"sends more than 300,000 bytes for x\.json"):
        module.read_text(f"{server.url}/folder/big%20file.bin", name="x.json")


def test_no_network_and_no_such_address(server: Server, tmp_path: Path) -> None:
    known = _known("http://127.0.0.1:9")  # the discard port: nobody answers
    with pytest.raises(
        NotAvailable, match=f"^no network: could not reach 127.0.0.1:9 for {NAME}; --mirror takes a folder$"
    ):
        download([NAME], tmp_path, registry=known)
    with pytest.raises(NotAvailable, match=f"answers 404 Not Found for {NAME}"):
        download([NAME], tmp_path, registry=_known(f"{server.url}/elsewhere"))
    server.break_after = [300_000, 0, 0]
    with pytest.raises(NotAvailable, match=r"of 1,024,000 bytes are kept for the next try"):
        download([NAME], tmp_path, registry=_known(server.url))


def test_full_disk_is_one_line_and_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, to: object) -> None:
        Path(str(to)).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "mirror" / "folder").mkdir(parents=True)
    (tmp_path / "mirror" / NAME).write_bytes(CONTENT)
    monkeypatch.setattr(module.shutil, "copyfile", full)
    with pytest.raises(BadFile, match=f"^cannot write {NAME} in .*: No space left on device$"):
        download([NAME], tmp_path / "to", mirror=str(tmp_path / "mirror"), registry=_known(server.url))
    assert list((tmp_path / "to" / "folder").iterdir()) == []


def test_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"^the download registry has no file 'nothing\.bed'$"):
        download(["nothing.bed"], tmp_path)


def test_registry_is_complete_and_quoted() -> None:
    files = registry()
    assert len(files) == 107
    for file in files.values():
        assert len(file.sha256) == 64
        assert file.n_bytes > 0
        assert file.url.startswith("https://raw.githubusercontent.com/")
        assert " " not in file.url
        assert ".." not in file.name


@pytest.mark.shared_data
def test_a_real_file_from_the_folder_beside(shared_data: Path, tmp_path: Path) -> None:
    name = "targetfinder_hg19/GSE63525_K562_Arrowhead_domainlist.txt.gz"
    (path,) = download([name], tmp_path, mirror=str(shared_data))
    assert path.stat().st_size == registry()[name].n_bytes
