"""Files by id over HTTP ranges; ids that are paths are nothing."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from cre_core.data.study import Study
from cre_core.errors import BadFile
from dashboard.services.files import served_files, served_path
from dashboard.services.library import Library
from dashboard.settings import Settings

CONTENT = bytes(range(256)) * 4  # what the tiny study's one bigWig holds; see conftest.py
URL = "/files/tiny/dnase.alpha"


def get(client: FlaskClient, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; the file behind the answer is closed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.get(url, headers=named) as answer:
        return answer.status_code, dict(answer.headers), answer.data


def test_the_whole_file(client: FlaskClient) -> None:
    status, headers, body = get(client, URL)
    assert (status, body) == (200, CONTENT)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=1000-", 1000, 1023), ("bytes=-4", 1020, 1023), ("bytes=1020-9999", 1020, 1023)],
)
def test_a_range(client: FlaskClient, asked: str, first: int, last: int) -> None:
    status, headers, body = get(client, URL, Range=asked)
    assert status == 206
    assert headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert body == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5-2,7-9"])
def test_a_range_that_is_not_there(client: FlaskClient, asked: str) -> None:
    assert get(client, URL, Range=asked)[0] == 416


def test_what_the_client_has_is_not_sent_again(client: FlaskClient) -> None:
    tag = get(client, URL)[1]["ETag"]
    assert get(client, URL, If_None_Match=tag)[0] == 304


@pytest.mark.parametrize(
    "url",
    [
        "/files/tiny/nope",
        "/files/nope/dnase.alpha",
        "/files/tiny/study.json",
        "/files/tiny/../study.json",
        "/files/tiny/..%2fstudy.json",
        "/files/tiny/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/files/tiny//etc/passwd",
        "/files/tiny/genes.parquet",
        "/files/..%2f/tiny",
        "/files/tiny/signals/dnase.bw",
        "/files/tiny/",
    ],
)
def test_anything_else_is_not_there(client: FlaskClient, url: str) -> None:
    assert get(client, url)[0] == 404


def test_a_compressed_sequence_comes_plain(client: FlaskClient, study: Study) -> None:
    plain = gzip.decompress((study.folder / "sequence.fa.gz").read_bytes())
    assert get(client, "/files/tiny/sequence")[2] == plain
    assert get(client, "/files/tiny/sequence", Range="bytes=6-9")[2] == plain[6:10] == b"ACGT"
    assert get(client, "/files/tiny/sequence.fai")[2] == b"chr1\t8\t6\t8\t9\n"


def test_a_study_cannot_hand_out_files_of_others(study: Study) -> None:
    track = dataclasses.replace(study.info.tracks[0], path="../outside.bw")
    odd = Study(study.folder, dataclasses.replace(study.info, tracks=(track,)))
    with pytest.raises(BadFile, match=r"names \.\./outside\.bw, which lies outside its folder"):
        served_files(odd)


def test_a_packed_sequence_is_served_though_the_cache_is_broken(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    library = Library(dataclasses.replace(settings, cache_dir=tmp_path / "file/cache"))
    path = served_path(library, "tiny", "sequence")
    assert path.read_bytes() == b">chr1\nACGTACGT\n"
    assert path.parent.parent == tmp_path
    assert path.parent.stat().st_mode & 0o777 == 0o700
    library.close()
