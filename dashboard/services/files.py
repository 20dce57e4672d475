"""Local files for the base-level view, over HTTP range requests.

A client names a study and an id; the path comes from the study's own description, never from the client.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, Response, abort, send_file

from cre_core.data.study import Study
from cre_core.errors import BadFile, CreError, NotAvailable, UnknownName
from cre_core.io.files import written_whole
from cre_core.io.folders import private_folder
from dashboard.services.library import Library

SEQUENCE, SEQUENCE_INDEX = "sequence", "sequence.fai"
ROUTE = "/files/<study>/<file_id>"
MOST_SEQUENCE_BYTES = 1_000_000_000


def address(study: Study, file_id: str) -> str:
    """The address a file is served at."""
    return f"/files/{study.name}/{file_id}"


def served_files(study: Study) -> Mapping[str, Path]:
    """Id -> path of every file of a study that may be served: its bigWigs, its sequence and the sequence's index.

    Raises:
      BadFile: the study names a file outside its own folder.
    """
    named = {track.id: track.path for track in study.info.tracks if track.path}
    if study.info.sequence:
        named |= {SEQUENCE: study.info.sequence, SEQUENCE_INDEX: f"{study.info.sequence}.fai"}
    home = study.folder.resolve()
    found = {}
    for file_id, name in named.items():
        path = (home / name).resolve()
        if not path.is_relative_to(home):
            raise BadFile(f"study {study.name} names {name}, which lies outside its folder; it is not served")
        if path.is_file():
            found[file_id] = path
    return found


def served_path(library: Library, study: str, file_id: str) -> Path:
    """The file of an id; a compressed sequence is unpacked once into the cache: the browser's reader wants it plain.

    Raises:
      UnknownName: no such study, or nothing is served under that id.
    """
    opened = library.study(study)
    path = served_files(opened).get(file_id)
    if path is None:
        raise UnknownName(f"study {study} serves no file '{file_id}'")
    if file_id == SEQUENCE and path.suffix in (".gz", ".bgz"):
        try:
            return _unpacked(path, library.settings.cache_dir / "sequences")
        except BadFile:  # the cache's disk is full or broken, as `library.cache.problem` says
            return _unpacked(path, private_folder(Path(tempfile.gettempdir()) / f"crescope_sequences_{os.getuid()}"))
    return path


def register_files(server: Flask, library: Library) -> None:
    """Serve `ROUTE`: 200, 206 for a range, 304 for what the client has, 404 for what is not there."""

    @server.get(ROUTE)
    def serve(study: str, file_id: str) -> Response:
        try:
            path = served_path(library, study, file_id)
        except CreError:
            abort(404)
        about = path.stat()
        tag = hashlib.sha256(f"{path}:{about.st_mtime_ns}:{about.st_size}".encode()).hexdigest()[:32]
        return send_file(path, mimetype="application/octet-stream", conditional=True, etag=tag, max_age=0)

    @server.get("/files/<path:other>")
    def nothing(other: str) -> Response:
        abort(404)


def _unpacked(path: Path, folder: Path) -> Path:
    about = path.stat()
    if about.st_size * 4 > MOST_SEQUENCE_BYTES:
        raise NotAvailable(f"{path.name} is too long to unpack ({about.st_size:,} bytes)")
    stamp = hashlib.sha256(f"{path}:{about.st_mtime_ns}:{about.st_size}".encode()).hexdigest()[:16]
    plain = folder / f"{stamp}.fa"
    if not plain.is_file():
        with written_whole(plain) as partial, gzip.open(path) as packed, partial.open("wb") as file:
            shutil.copyfileobj(packed, file)
    return plain
