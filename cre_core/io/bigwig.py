"""bigWig: per-base signal, read in pieces and binned; no data stays NaN."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import pyBigWig

from cre_core.errors import BadFile, BadInput, UnknownName
from cre_core.genome import Assembly, Locus
from cre_core.io.chroms import check_sizes, file_names
from cre_core.io.files import written_whole

_MAGIC, _BIGBED_MAGIC, _INDEX_MAGIC, _CHROMS_MAGIC = 0x888FFC26, 0x8789F2EB, 0x2468ACE0, 0x78CA8C91
_MOST_ZOOMS, _MOST_NAME, _MOST_CHROMS = 40, 1_000, 10_000_000
_MOST_BLOCK = 1 << 28  # bytes of one block of data, packed or not; programs write some 10 kB
_CHUNK_BP = 1 << 20  # read at once: 4 MB of float32


class BigWig:
    """One open bigWig whose chromosomes fit an assembly. Safe to share between threads; use as a context manager."""

    def __init__(self, path: Path | str, *, assembly: Assembly) -> None:
        """Open and check a file.

        Raises:
          BadFile: missing, truncated, or not a bigWig.
          WrongAssembly, UnknownName: its chromosomes are not the assembly's.
        """
        self.path = Path(path)
        self.assembly = assembly
        check_whole(self.path)
        self._lock = threading.Lock()
        try:
            self._file = pyBigWig.open(str(self.path))
            sizes = self._file.chroms()
        except RuntimeError as error:
            raise BadFile(f"{self.path.name} is broken: it cannot be opened as a bigWig") from error
        check_sizes(sizes, assembly, source=self.path.name)
        self._names = file_names(assembly, sizes)

    def __enter__(self) -> BigWig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def chroms(self) -> tuple[str, ...]:
        """The chromosomes with a header entry, by the assembly's names."""
        return tuple(self._names)

    def values(self, locus: Locus) -> np.ndarray:
        """Signal of every base.

        Returns:
          (width,) float32 in the track's unit. NaN means no data.

        Raises:
          UnknownName: the file lacks the chromosome. BadInput: the locus ends past it.
        """
        return np.concatenate(list(self._pieces(locus, _CHUNK_BP)))

    def binned(self, locus: Locus, bin_bp: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and maximum in bins counted from the locus' start, read in pieces so that memory stays bounded.

        Args:
          locus: where.
          bin_bp: bases per bin; the last bin is narrower where it does not divide the width.

        Returns:
          mean, max: (ceil(width / bin_bp),) float32 in the track's unit, over the bases with data; NaN where a bin
          has none.

        Raises:
          UnknownName: the file lacks the chromosome. BadInput: the locus ends past it, or `bin_bp` < 1.
        """
        if bin_bp < 1:
            raise BadInput(f"bins of {bin_bp} bases; wanted 1 or more")
        pieces = self._pieces(locus, max(1, _CHUNK_BP // bin_bp) * bin_bp)
        means, maxima = zip(*(_mean_and_max(piece, bin_bp) for piece in pieces), strict=True)
        return np.concatenate(means), np.concatenate(maxima)

    def _pieces(self, locus: Locus, width_bp: int) -> Iterator[np.ndarray]:
        name = self._name(locus)
        for start in range(locus.start, locus.end, width_bp):
            end = min(start + width_bp, locus.end)
            try:
                with self._lock:
                    values = self._file.values(name, start, end, numpy=True)
            except RuntimeError as error:
                raise BadFile(f"{self.path.name} cannot be read at {locus}: its data are broken") from error
            values = np.asarray(values, dtype=np.float32)
            if np.isinf(values).any():
                raise BadFile(f"{self.path.name} holds an infinite value in {locus}; wanted numbers")
            yield values

    def _name(self, locus: Locus) -> str:
        chrom = self.assembly.chrom(locus.chrom)
        if chrom not in self._names:
            there = ", ".join([*self._names][:3]) + (", ..." if len(self._names) > 3 else "")
            raise UnknownName(f"{self.path.name} has no chromosome {chrom}; it has {there}")
        locus.checked(self.assembly)
        return self._names[chrom]


def bin_signal(values: np.ndarray, bin_bp: int) -> np.ndarray:
    """Average a per-base signal in bins.

    Args:
      values: (length,) float32, one value per base in the track's unit. NaN means no data.
      bin_bp: bases per bin; divides `length`.

    Returns:
      (length // bin_bp,) float32. A bin is NaN only if all its bases are.

    Raises:
      BadInput: `values` is not 1-D, or `bin_bp` does not divide its length.
    """
    if values.ndim != 1:
        raise BadInput(f"signal has shape {values.shape}; wanted (length,)")
    if bin_bp < 1 or len(values) % bin_bp:
        raise BadInput(f"bins of {bin_bp} bases do not divide {len(values):,} bases")
    return _mean_and_max(values, bin_bp)[0]


def runs_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, ends and values of the runs of one value of a per-base signal, (n,) each; NaN (no data) makes none."""
    if not len(values):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    both_nan = np.isnan(values[1:]) & np.isnan(values[:-1])
    changes = np.flatnonzero((values[1:] != values[:-1]) & ~both_nan) + 1
    starts, ends = np.r_[0, changes], np.r_[changes, len(values)]
    kept = ~np.isnan(values[starts])
    return starts[kept], ends[kept], values[starts][kept]


def write_bigwig(
    path: Path | str,
    chrom_sizes: Mapping[str, int],
    signal: Mapping[str, np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> None:
    """Write a bigWig, whole or not at all; runs of one value become one interval.

    Args:
      path: where to.
      chrom_sizes: the header, name -> length in bp.
      signal: per chromosome, either (length,) values per base (NaN = no data, not written) or starts, ends and
        values, (n,) each, sorted and without overlap.

    Raises:
      BadInput: a chromosome is not in the header, values reach past its end, or nothing has data.
      BadFile: the disk is full or the place cannot be written.
    """
    intervals = {chrom: _as_intervals(values) for chrom, values in signal.items()}
    for chrom, (starts, ends, _) in intervals.items():
        if chrom not in chrom_sizes:
            raise BadInput(f"signal on {chrom}, which is not among the {len(chrom_sizes)} chromosomes to write")
        if len(ends) and (ends[-1] > chrom_sizes[chrom] or (starts[1:] < ends[:-1]).any() or (ends <= starts).any()):
            raise BadInput(f"signal on {chrom} is not sorted and apart within 0-{chrom_sizes[chrom]:,}")
    if not any(len(starts) for starts, _, _ in intervals.values()):
        raise BadInput("no base has a value to write")
    with written_whole(Path(path)) as partial:
        _write(partial, chrom_sizes, intervals)
        check_whole(partial)


def _write(
    path: Path, chrom_sizes: Mapping[str, int], intervals: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> None:
    try:
        file = pyBigWig.open(str(path), "w")
        file.addHeader([(chrom, int(size)) for chrom, size in chrom_sizes.items()])
        for chrom in (name for name in chrom_sizes if name in intervals):
            starts, ends, values = intervals[chrom]
            if len(starts):
                chroms = np.full(len(starts), chrom)
                file.addEntries(
                    chroms, starts.astype(np.int64), ends=ends.astype(np.int64), values=values.astype(float)
                )
        file.close()
    except RuntimeError as error:
        raise BadFile(f"cannot write {path.name}: {error}") from error


def check_whole(path: Path) -> None:
    """Raise BadFile when a bigWig is missing, of another kind, ends before its own indexes do, or has broken ones.

    The data come before the indexes in the file, so whole indexes mean whole data. The library follows every offset
    that a file holds, so each is checked before it is opened.

    Source: UCSC bigWig format (Kent et al. 2010, Bioinformatics 26:2204, supplement).
    """
    try:
        with path.open("rb") as file:
            _Checked(file, path.stat().st_size, path.name).check()
    except struct.error as error:
        raise BadFile(
            f"{path.name} is truncated: its {path.stat().st_size:,} bytes end before its index does"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: an offset that no file has
        raise BadFile(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


@dataclass
class _Checked:
    """A bigWig's header, chromosomes and indexes, as they are checked; struct.error when one is not all there."""

    file: BinaryIO
    size: int
    name: str

    def check(self) -> None:
        """Read everything that points somewhere."""
        head = self._at(0, min(64, self.size))
        (magic,) = struct.unpack("<I", head[:4]) if len(head) >= 4 else (0,)
        if magic == _BIGBED_MAGIC:
            raise BadFile(f"{self.name} is a bigBed; wanted a bigWig")
        if magic != _MAGIC:
            raise BadFile(f"{self.name} is not a bigWig")
        version, n_zooms, chroms, data, index = struct.unpack("<HHQQQ", head[4:32])
        summary, buffer = struct.unpack("<QI", head[44:56])
        if not 1 <= version <= 4 or n_zooms > _MOST_ZOOMS or buffer > _MOST_BLOCK:
            raise self._broken("its header")
        self._at(data, 8)
        if summary:
            self._at(summary, 40)
        ids = self._chroms(chroms)
        zooms = [struct.unpack("<IIQQ", self._at(64 + 24 * i, 24))[3] for i in range(n_zooms)]
        for offset in (index, *(zoom for zoom in zooms if zoom)):
            self._index(offset, ids)

    def _chroms(self, offset: int) -> int:
        """Number of chromosomes; visits every node of the B+ tree of their names."""
        magic, _, key, value, n_chroms = struct.unpack("<IIIIQ", self._at(offset, 32)[:24])
        if magic != _CHROMS_MAGIC or not 1 <= key <= _MOST_NAME or value != 8 or n_chroms > _MOST_CHROMS:
            raise self._broken("its list of chromosomes")
        ids: list[int] = []
        for is_leaf, items in self._nodes(offset + 32, key + 8, key + 8, child_at=key):
            for item in items if is_leaf else ():
                name, (number, length) = item[:key].rstrip(b"\0"), struct.unpack("<II", item[key:])
                if not name or not length or b"\0" in name or not name.isascii() or not name.decode().isprintable():
                    raise self._broken("a name in its list of chromosomes")
                ids.append(number)
        if sorted(ids) != list(range(n_chroms)):
            raise self._broken("its list of chromosomes")
        return len(ids)

    def _index(self, offset: int, n_chroms: int) -> None:
        """Visit every node of one R tree, and see that what its leaves point to is there."""
        magic, _, n_items = struct.unpack("<IIQ", self._at(offset, 48)[:16])
        if magic != _INDEX_MAGIC:
            raise BadFile(f"{self.name} is broken: no index where its header says one is")
        for is_leaf, items in self._nodes(offset + 48, 32, 24, child_at=16) if n_items else ():
            if not is_leaf or not items:
                continue
            leaves = np.frombuffer(b"".join(items), dtype="<u4,<u4,<u4,<u4,<u8,<u8")
            ends = leaves["f4"] + leaves["f5"]
            if (ends > self.size).any() or (ends < leaves["f4"]).any() or (leaves["f5"] > _MOST_BLOCK).any():
                raise struct.error("data past the end")
            if (leaves["f0"] >= n_chroms).any() or (leaves["f2"] >= n_chroms).any():
                raise self._broken("its index")

    def _nodes(self, root: int, leaf: int, inner: int, *, child_at: int) -> Iterator[tuple[bool, list[bytes]]]:
        """Every node of a tree with its items; BadFile when one points back to another."""
        waiting, seen = [root], {root}
        while waiting:
            node = waiting.pop()
            is_leaf, _, n_items = struct.unpack("<BBH", self._at(node, 4))
            width = leaf if is_leaf else inner
            content = self._at(node + 4, width * n_items)
            items = [content[i : i + width] for i in range(0, len(content), width)]
            yield bool(is_leaf), items
            children = [] if is_leaf else [struct.unpack("<Q", item[child_at : child_at + 8])[0] for item in items]
            if seen.intersection(children) or len(set(children)) < len(children):
                raise self._broken("an index that leads back to itself")
            seen.update(children)
            waiting.extend(children)

    def _at(self, offset: int, n_bytes: int) -> bytes:
        if offset + n_bytes > self.size:
            raise struct.error("past the end")
        self.file.seek(offset)
        return self.file.read(n_bytes)

    def _broken(self, what: str) -> BadFile:
        return BadFile(f"{self.name} is broken: {what} cannot be")


def _mean_and_max(values: np.ndarray, bin_bp: int) -> tuple[np.ndarray, np.ndarray]:
    """(ceil(length / bin_bp),) float32 each, over the bases that have data."""
    n_bins = -(-len(values) // bin_bp)
    padded = np.full(n_bins * bin_bp, np.nan, dtype=np.float32)
    padded[: len(values)] = values
    bins = padded.reshape(n_bins, bin_bp)  # (n_bins, bin_bp)
    has_data = ~np.isnan(bins)
    count = has_data.sum(axis=1)
    total = np.where(has_data, bins, 0).sum(axis=1, dtype=np.float64)
    top = np.where(has_data, bins, -np.inf).max(axis=1)
    mean = np.divide(total, count, out=np.full(n_bins, np.nan), where=count > 0)
    return mean.astype(np.float32), np.where(count > 0, top, np.nan).astype(np.float32)


def _as_intervals(
    values: np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(values, tuple):
        starts, ends, heights = (np.asarray(part) for part in values)
        return starts, ends, heights
    return runs_of(values)
