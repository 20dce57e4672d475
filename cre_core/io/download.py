"""Public files: where each lives, its checksum, and fetching it whole with resume, checks and mirrors."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

import pooch
import requests

from cre_core.errors import BadFile, NotAvailable, UnknownName
from cre_core.progress import Report, unheard

_CHUNK = 1 << 18
_TIMEOUT_S = (10, 60)  # to connect; between two pieces
_TRIES = 3
MOST_BYTES = 20_000_000_000  # of one file, whatever a server says of its size
MOST_TEXT = 10_000_000  # bytes of a description


@dataclass(frozen=True)
class RemoteFile:
    """A public file. `n_bytes` is its size; `description` and `assembly` say what it is.

    It is checked by `sha256`, else by `md5`, else (a source that publishes neither) by its size. `is_redistributable`
    says whether a study made of it may be passed on: its terms allow it, or those of the open original it copies.
    """

    name: str
    n_bytes: int
    sha256: str
    url: str
    licence: str
    assembly: str
    description: str
    md5: str = ""
    is_redistributable: bool = False

    @property
    def checksum(self) -> tuple[str, str]:
        """What the file is checked by, and its wanted value."""
        if self.sha256:
            return "sha256", self.sha256
        return ("md5", self.md5) if self.md5 else ("size", str(self.n_bytes))


@cache
def registry() -> Mapping[str, RemoteFile]:
    """Every public file the project knows, by name (registry.tsv)."""
    with (Path(__file__).parent / "registry.tsv").open(newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return {
            name: RemoteFile(
                name, int(n_bytes), sha256, url, licence, assembly, about, is_redistributable=may == "yes"
            )
            for name, n_bytes, sha256, url, licence, assembly, about, may in rows
        }


def download(
    files: Sequence[str],
    folder: Path | str,
    *,
    mirror: str | None = None,
    progress: Report | None = None,
    registry: Mapping[str, RemoteFile] | None = None,
) -> list[Path]:
    """Bring files into a folder, each whole and with the right checksum, or not at all.

    A file that is there with the right checksum is left alone. A download that broke off leaves NAME.partial, and
    the next call goes on from there.

    Args:
      files: names in the registry.
      folder: where to; made if absent. Files lie there under their registry names.
      mirror: a folder or base address that holds the files under those names, instead of their own addresses.
      progress: called with a file's name, the bytes there, and the bytes wanted.
      registry: by default the project's own.

    Returns:
      The files' paths, in the order asked for.

    Raises:
      UnknownName: a name is not in the registry.
      NotAvailable: the network, the address or the mirror does not give the file, or the mirror is none.
      BadFile: the checksum differs or more bytes come than the file has (nothing is kept), or the disk is full.
    """
    check_mirror(mirror)
    known = _registry() if registry is None else registry
    unknown = [name for name in files if name not in known]
    if unknown:
        raise UnknownName(f"the download registry has no file '{unknown[0]}'")
    folder = Path(folder)
    return [_fetch(known[name], folder, mirror, progress or unheard) for name in files]


_registry = registry  # `download` has an argument of the same name


def read_text(url: str, *, name: str) -> str:
    """The text at an address, such as a portal's description of a file; `name` is for the message.

    Raises:
      NotAvailable: the network or the address does not give it.
    """
    return _answer("GET", url, name)[1].decode("utf-8", "replace")


def check_mirror(mirror: str | None) -> None:
    """Refuse what is neither a folder nor an address.

    Raises:
      NotAvailable: no folder is there, or the address is not one of http or https.
    """
    if mirror is None or (mirror and "://" not in mirror and Path(mirror).is_dir()):
        return
    try:
        parts = urlsplit(mirror)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        is_address = False
    if not is_address:
        raise NotAvailable(f"mirror '{mirror}' is neither a folder nor an address (http:// or https://)")


def size_of(url: str, *, name: str) -> int:
    """Bytes of the file at an address, without fetching it.

    Raises:
      NotAvailable: the network or the address does not tell.
    """
    size = _answer("HEAD", url, name)[0].get("Content-Length", "")
    if not size.isdigit():
        raise NotAvailable(f"{_host(url)} does not tell the size of {name}")
    return int(size)


def _answer(method: str, url: str, name: str) -> tuple[Mapping[str, str], bytes]:
    """Headers and content of a short answer."""
    headers = {"Accept-Encoding": "identity"}
    for _ in range(_TRIES):
        try:
            with requests.request(
                method, url, headers=headers, timeout=_TIMEOUT_S, allow_redirects=True, stream=True
            ) as answer:
                if answer.status_code >= 400:
                    raise NotAvailable(f"{_host(url)} answers {answer.status_code} {answer.reason} for {name}")
                return answer.headers, _short(answer, name)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            broken: Exception = error
        except requests.RequestException as error:
            raise NotAvailable(f"{_host(url)} did not give {name}: {error}") from error
    raise NotAvailable(f"no network: could not reach {_host(url)} for {name}; --mirror takes a folder") from broken


def _short(answer: requests.Response, name: str) -> bytes:
    content = b""
    for piece in answer.iter_content(_CHUNK):
        content += piece
        if len(content) > MOST_TEXT:
            raise NotAvailable(f"{_host(answer.url)} sends more than {MOST_TEXT:,} bytes for {name}")
    return content


def _fetch(file: RemoteFile, folder: Path, mirror: str | None, progress: Report) -> Path:
    path = folder / file.name
    with _one_line(file, folder):
        if not (path.is_file() and _checked(path, file) == file.checksum[1]):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.partial")
            _bring_checked(file, _address(file, mirror), partial, progress)
            os.replace(partial, path)
    progress(file.name, file.n_bytes, file.n_bytes)
    return path


def _checked(path: Path, file: RemoteFile) -> str:
    """What `path` has where `file.checksum` says what it should have."""
    kind, _ = file.checksum
    return str(path.stat().st_size if kind == "size" else pooch.file_hash(str(path), alg=kind))


def _address(file: RemoteFile, mirror: str | None) -> str:
    if mirror is None:
        return file.url
    if "://" in mirror:
        return f"{mirror.rstrip('/')}/{quote(file.name)}"
    return str(Path(mirror) / file.name)


@contextmanager
def _one_line(file: RemoteFile, folder: Path) -> Iterator[None]:
    """Turn an error of the disk into one line; a full disk gets its half-written piece back."""
    try:
        yield
    except OSError as error:
        (folder / f"{file.name}.partial").unlink(missing_ok=True)
        raise BadFile(f"cannot write {file.name} in {folder}: {error.strerror or error}") from error


def _bring_checked(file: RemoteFile, url: str, partial: Path, progress: Report) -> None:
    """Complete `partial` and check it; one that went on from an older piece gets a second try from the start."""
    resumed = partial.exists()
    _bring(file, url, partial, progress)
    kind, wanted = file.checksum
    found = _checked(partial, file)
    if found != wanted and resumed:
        partial.unlink()
        _bring(file, url, partial, progress)
        found = _checked(partial, file)
    if found != wanted:
        partial.unlink()
        raise BadFile(f"{file.name} has {kind} {found}, wanted {wanted}; the file was not kept")


def _bring(file: RemoteFile, url: str, partial: Path, progress: Report) -> None:
    if "://" in url:
        _bring_from_network(file, url, partial, progress)
    elif Path(url).is_file():
        _check_size(file, Path(url).stat().st_size, partial, url)
        shutil.copyfile(url, partial)
    else:
        raise NotAvailable(f"mirror has no file {file.name} (looked for {url})")


def _bring_from_network(file: RemoteFile, url: str, partial: Path, progress: Report) -> None:
    """Ask for what is missing until it is there; a connection that breaks off is taken up again a few times."""
    for _ in range(_TRIES):
        try:
            _ask(file, url, partial, progress)
        except requests.ConnectionError as error:
            broken: Exception = error
        except (requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            broken = error
        except requests.RequestException as error:
            raise NotAvailable(f"{_host(url)} did not give {file.name}: {error}") from error
        else:
            return
    raise _no_network(file, url, partial) from broken


def _no_network(file: RemoteFile, url: str, partial: Path) -> NotAvailable:
    kept = partial.stat().st_size if partial.exists() else 0
    more = f"; {kept:,} of {file.n_bytes:,} bytes are kept for the next try" if kept else ""
    return NotAvailable(f"no network: could not reach {_host(url)} for {file.name}{more}; --mirror takes a folder")


def _ask(file: RemoteFile, url: str, partial: Path, progress: Report) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    if done >= file.n_bytes:  # complete, or of another file: the checksum tells
        return
    headers = {"Range": f"bytes={done}-", "Accept-Encoding": "identity"} if done else {"Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            partial.unlink()
            return _ask(file, url, partial, progress)
        if answer.status_code >= 400:
            raise NotAvailable(f"{_host(url)} answers {answer.status_code} {answer.reason} for {file.name}")
        goes_on = answer.status_code == requests.codes.partial_content
        done = done if goes_on else 0
        with partial.open("ab" if goes_on else "wb") as out:
            for piece in answer.iter_content(_CHUNK):
                done += len(piece)
                _check_size(file, done, partial, _host(url))
                out.write(piece)
                progress(file.name, done, file.n_bytes)
    if done < file.n_bytes:
        raise requests.ConnectionError(f"{done} of {file.n_bytes} bytes came")


def _check_size(file: RemoteFile, n_bytes: int, partial: Path, source: str) -> None:
    """A mirror's or a server's other file would fill the disk before its checksum tells."""
    limit = min(file.n_bytes or MOST_BYTES, MOST_BYTES)
    if n_bytes > limit:
        partial.unlink(missing_ok=True)
        raise BadFile(f"{source} has more than the {limit:,} bytes of {file.name}; the file was not kept")


def _host(url: str) -> str:
    return urlsplit(url).netloc
