"""The index of a FASTA file: the one that lies there if it is of this very file, else one made anew.

It lies beside the file, or in a private folder where that must not be written.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import tempfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path

import pyfaidx

from cre_core.errors import BadFile
from cre_core.io.files import written_whole
from cre_core.io.folders import private_folder
from cre_core.io.text import shown

_MOST_HEADING = 1 << 20  # bytes from the last base of a record to the first of the next
_BROKEN = (pyfaidx.FastaIndexingError, pyfaidx.IndexNotFoundError, UnicodeDecodeError, ValueError)
_BROKEN_INDEX = (*_BROKEN, OSError, EOFError, IndexError, struct.error, zlib.error)


def open_indexed(path: Path, index_folder: Path | None = None) -> pyfaidx.Faidx:
    """Open a FASTA file, plain or bgzip, with an index that fits it.

    Args:
      path: plain or bgzip.
      index_folder: where a missing index goes; by default beside the file if that may be written, else a private
        temporary folder.

    Raises:
      BadFile: missing, gzip instead of bgzip, not FASTA, or the index cannot be written.
      BadInput: the temporary folder is not this user's alone.
    """
    if not path.is_file():
        raise BadFile(f"cannot read {path}: no such file")
    stem = path if index_folder is None else _stem_in(index_folder, path)
    found = _fitting(path, stem)
    if found is None and index_folder is None and not _is_writable(path):
        stem = _stem_in(private_folder(Path(tempfile.gettempdir()) / f"cre_core_index_{os.getuid()}"), path)
        found = _fitting(path, stem)
    return found or _made_anew(path, stem)


def _stem_in(folder: Path, path: Path) -> Path:
    of_file = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return folder / f"{path.name}.{of_file}"


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _names(path: Path, stem: Path) -> list[Path]:
    """The files of an index: a second one says where the blocks of a compressed file begin."""
    kinds = ("fai", "gzi") if path.suffix in (".gz", ".bgz") else ("fai",)
    return [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]


def _fitting(path: Path, stem: Path) -> pyfaidx.Faidx | None:
    """The file with the index there, if that is not older and its records begin and end where the file's do."""
    made = path.stat().st_mtime
    names = _names(path, stem)
    if not all(name.is_file() and name.stat().st_mtime >= made for name in names) or not _are_whole(names[1:]):
        return None
    try:
        file = pyfaidx.Faidx(str(path), **_arguments(names))
    except (*_BROKEN_INDEX, pyfaidx.UnsupportedCompressionFormat):
        return None
    try:
        if _fits(file):
            return file
    except _BROKEN_INDEX:
        pass
    file.close()
    return None


def _are_whole(block_indexes: list[Path]) -> bool:
    """A number of blocks, then two numbers for each."""
    for path in block_indexes:
        content = path.read_bytes()
        if len(content) < 8 or len(content) != 8 + 16 * struct.unpack("<Q", content[:8])[0]:
            return False
    return True


def _made_anew(path: Path, stem: Path) -> pyfaidx.Faidx:
    names = _names(path, stem)
    with ExitStack() as whole:
        partial = [whole.enter_context(written_whole(name)) for name in names]
        with _one_line(path):
            pyfaidx.Faidx(str(path), **_arguments(partial)).close()
    with _one_line(path):
        return pyfaidx.Faidx(str(path), **_arguments(names))


def _arguments(names: list[Path]) -> dict[str, object]:
    fai, gzi = str(names[0]), str(names[-1])
    return {"indexname": fai, "gzi_indexname": gzi, "as_raw": True, "strict_bounds": True}


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except pyfaidx.UnsupportedCompressionFormat as error:
        raise BadFile(f"{path.name} is compressed otherwise than bgzip; wanted plain text or bgzip") from error
    except (*_BROKEN, RuntimeError, EOFError) as error:
        raise BadFile(f"{path.name} is not FASTA: {_why(error)}") from error
    except zlib.error as error:
        raise BadFile(f"{path.name} is truncated or not bgzip") from error
    except OSError as error:
        raise BadFile(f"cannot index {path}: {error.strerror or error}") from error


def _why(error: Exception) -> str:
    """The library's reason in our words."""
    where = re.search(r"found in >(\S+) at line (\d+)", str(error))
    if where:
        return f"line {where[2]} of '>{shown(where[1])}' differs in length from the others of its record, or is blank"
    if isinstance(error, UnicodeDecodeError):
        return "it holds bytes that are no text"
    if "Duplicate key" in str(error):
        return "two records have one name"
    if isinstance(error, RuntimeError):
        return "a record has blank lines alone"
    return "wanted lines of bases under lines that start with > and a name"


def _fits(file: pyfaidx.Faidx) -> bool:
    """Whether nothing but each record's own header lies between its bases and those of the record before."""
    last = 0  # past the last base of the record before
    for name, record in file.index.items():
        if not 0 <= record.offset - last <= _MOST_HEADING:
            return False
        *before, header, after = [b"", *_bytes_at(file, last, record.offset - last).split(b"\n")]
        is_header = header.startswith(b">") and header[1:].split()[:1] == [name.encode()] and not after
        if not is_header or any(line.strip() and not line.startswith(b";") for line in before):
            return False
        line_end = _bytes_at(file, record.offset + record.lenc - 1, 1 + record.lenb - record.lenc)
        if record.rlen > record.lenc and not (line_end[:1].strip() and line_end[1:] in (b"\n", b"\r\n")):
            return False
        n_breaks = ceil(record.rlen / record.lenc) - 1 if record.lenc else 0
        last = record.offset + record.rlen + n_breaks * (record.lenb - record.lenc)
        if record.rlen and not _bytes_at(file, last - 1, 1).strip():
            return False
    return not _bytes_at(file, last, 1 << 16).strip()


def _bytes_at(file: pyfaidx.Faidx, start: int, n_bytes: int) -> bytes:
    """Of the uncompressed file."""
    if file._bgzf:
        begins = [block.ustart for block in file.gzi_index]
        block = file.gzi_index[max(0, bisect_right(begins, start) - 1)]
        file.file.seek(pyfaidx.make_virtual_offset(block.cstart, start - block.ustart))
    else:
        file.file.seek(start)
    return bytes(file.file.read(n_bytes))
