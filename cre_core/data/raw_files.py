"""The raw files a study is made from: all there, and the published ones, or said not to be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cre_core.errors import BadFile
from cre_core.io.download import RemoteFile
from cre_core.progress import Report

PUBLISHED, OTHER, UNKNOWN = "as published", "not the published file", "no published checksum"
_MOST_NAMED = 3


def sources(files: Sequence[RemoteFile], data: Path, *, accept_other: bool, report: Report) -> list[dict[str, str]]:
    """Where every raw file comes from, as study.json says it; each is compared with its published checksum.

    Args:
      files: of the study.
      data: the folder they lie in.
      accept_other: go on although some are others; their `checked` says so.
      report: called with step, done, total.

    Returns:
      One row per file: file, sha256, checked (PUBLISHED, OTHER or UNKNOWN), url, licence, assembly, content.

    Raises:
      BadFile: some are not the published files; the message counts and names them.
    """
    rows = []
    for done, file in enumerate(files):
        report("checksums", done, len(files))
        rows.append(_source(file, data / file.name))
    others = others_among(rows)
    if others and not accept_other:
        raise BadFile(
            f"{others} (another SHA-256 or MD5 in {data}); download them again, or give --accept-other-files"
        )
    return rows


def others_among(rows: Sequence[dict[str, str]]) -> str:
    """How many raw files are not the published ones, and which; empty when all are."""
    names = [row["file"] for row in rows if row["checked"] == OTHER]
    if not names:
        return ""
    more = ", ..." if len(names) > _MOST_NAMED else ""
    verb = "is not the published one" if len(names) == 1 else "are not the published ones"
    return f"{len(names)} of {len(rows)} raw files {verb}: {', '.join(names[:_MOST_NAMED])}{more}"


def _source(file: RemoteFile, path: Path) -> dict[str, str]:
    sha256, md5 = digests(path)
    if file.sha256:
        checked = PUBLISHED if sha256 == file.sha256 else OTHER
    else:
        checked = UNKNOWN if not file.md5 else PUBLISHED if md5 == file.md5 else OTHER
    return {
        "file": file.name,
        "sha256": sha256,
        "checked": checked,
        "url": file.url,
        "licence": file.licence,
        "assembly": file.assembly,
        "content": file.description,
    }


def digests(path: Path) -> tuple[str, str]:
    """SHA-256 and MD5 of a file, read once."""
    sums = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            for digest in sums:
                digest.update(piece)
    return sums[0].hexdigest(), sums[1].hexdigest()
