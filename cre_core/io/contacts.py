"""Contact maps: .cool and .mcool, .hic, and raw triplets; one reader, missing stays NaN."""

from __future__ import annotations

import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import cooler
import h5py
import numpy as np
import pandas as pd

from cre_core.errors import BadFile, BadInput, UnknownName
from cre_core.genome import Assembly, Locus
from cre_core.io import hic
from cre_core.io.clock import made_at
from cre_core.io.files import written_whole
from cre_core.io.places import check_sizes, file_names
from cre_core.io.text import bytes_of, data_lines, first_fields, numbers, parse_table

RAW = "none (raw)"  # contacts as counted
_PLAIN_COLUMNS = ("chrom", "start", "end")
_HDF5 = b"\x89HDF"


class ContactReader(ABC):
    """One open contact map.

    Attributes:
      path, assembly: of the map.
      resolutions_bp: bin sizes the file holds, smallest first.
    """

    def __init__(self, path: Path, assembly: Assembly, resolutions_bp: tuple[int, ...]) -> None:
        self.path = path
        self.assembly = assembly
        self.resolutions_bp = tuple(sorted(resolutions_bp))
        self._lock = threading.Lock()

    def normalisations(self, resolution_bp: int) -> tuple[str, ...]:
        """What `matrix` can be asked for at one resolution: `none (raw)` and the file's own names."""
        self._check_resolution(resolution_bp)
        return (RAW, *self._weights(resolution_bp))

    def matrix(self, locus: Locus, resolution_bp: int, normalisation: str = RAW) -> np.ndarray:
        """Contacts between the bins that cover a place.

        Args:
          locus: where; the bins are those of the file, from the one with the first base to the one with the last.
          resolution_bp: bases per bin, one of `resolutions_bp`.
          normalisation: one of `normalisations(resolution_bp)`.

        Returns:
          (N, N) float32, symmetric, in counts or normalised counts. NaN means the bin is masked or has no data; a
          pair that was never seen together is 0.

        Raises:
          UnknownName: no such resolution, normalisation or chromosome; the message lists those there.
          BadInput: the place ends past its chromosome.
        """
        known = self.normalisations(resolution_bp)
        if normalisation not in known:
            raise UnknownName(f"{self.path.name} has no normalisation '{normalisation}'; it has {', '.join(known)}")
        locus = Locus(self.assembly.chrom(locus.chrom), locus.start, locus.end).checked(self.assembly)
        with self._lock:
            return self._matrix(locus, resolution_bp, normalisation).astype(np.float32)

    def _check_resolution(self, resolution_bp: int) -> None:
        if resolution_bp not in self.resolutions_bp:
            there = ", ".join(f"{size:,}" for size in self.resolutions_bp)
            raise UnknownName(f"{self.path.name} has no bins of {resolution_bp:,} bp; it has {there}")

    @abstractmethod
    def _weights(self, resolution_bp: int) -> tuple[str, ...]:
        """The file's own names of its normalisations."""

    @abstractmethod
    def _matrix(self, locus: Locus, resolution_bp: int, normalisation: str) -> np.ndarray:
        """`matrix` for arguments that are known to be right."""

    def _name(self, names: Mapping[str, str], chrom: str) -> str:
        if chrom not in names:
            raise UnknownName(f"{self.path.name} has no chromosome {chrom}; it has {', '.join([*names][:3])}")
        return names[chrom]


def bins_of(locus: Locus, resolution_bp: int) -> tuple[int, int]:
    """First bin and one past the last bin that cover a place, counted from the chromosome's start."""
    return locus.start // resolution_bp, -(-locus.end // resolution_bp)


def open_contacts(
    path: Path | str, *, assembly: Assembly, chrom: str | None = None, resolution_bp: int | None = None
) -> ContactReader:
    """Open a contact map, whatever its kind.

    Args:
      path: .cool, .mcool, .hic, or triplets as text (two bin starts in bp and a count; plain or .gz).
      assembly: what the map is on.
      chrom, resolution_bp: of triplets, which name neither; not used for the other kinds.

    Raises:
      BadFile: missing, broken, or of another kind.
      WrongAssembly, UnknownName: the chromosomes are not the assembly's.
      BadInput: triplets without `chrom` or `resolution_bp`, or not on its grid.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror or error}") from error
    if magic == _HDF5:
        return _Cool(path, assembly)
    if magic[:3] == b"HIC":
        return _Hic(path, assembly)
    if chrom is None or resolution_bp is None:
        raise BadInput(f"{path.name} is neither .cool nor .hic; triplets need chrom and resolution_bp")
    return _Triplets(path, assembly, chrom, resolution_bp)


class _Cool(ContactReader):
    """.cool and .mcool. A bin whose balancing weight is NaN is masked."""

    def __init__(self, path: Path, assembly: Assembly) -> None:
        try:
            uris = [f"{path}::{group}" for group in cooler.fileops.list_coolers(str(path))]
            self._coolers = {int(one.binsize): one for one in map(cooler.Cooler, uris)}
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise BadFile(f"{path.name} is broken or not a cooler: {error}") from error
        if not self._coolers:
            raise BadFile(f"{path.name} is HDF5 without a cooler in it")
        super().__init__(path, assembly, tuple(self._coolers))
        sizes = self._coolers[self.resolutions_bp[0]].chromsizes.to_dict()
        check_sizes(sizes, assembly, source=path.name)
        self._names = file_names(assembly, sizes)

    def _weights(self, resolution_bp: int) -> tuple[str, ...]:
        columns = self._coolers[resolution_bp].bins().columns
        return tuple(str(name) for name in columns if name not in _PLAIN_COLUMNS)

    def _matrix(self, locus: Locus, resolution_bp: int, normalisation: str) -> np.ndarray:
        place = (self._name(self._names, locus.chrom), locus.start, locus.end)
        balance = False if normalisation == RAW else normalisation
        try:
            return np.asarray(self._coolers[resolution_bp].matrix(balance=balance).fetch(place))
        except OSError as error:
            raise BadFile(f"{self.path.name} cannot be read at {locus}: {_first_line(error)}") from error


class _Hic(ContactReader):
    """.hic of Juicer. A bin whose normalisation vector is NaN is masked."""

    def __init__(self, path: Path, assembly: Assembly) -> None:
        try:
            self._header = hic.header(path)
        except (RuntimeError, OSError) as error:
            raise BadFile(f"{path.name} is broken or not a .hic: {_first_line(error)}") from error
        super().__init__(path, assembly, tuple(self._header.normalisations))
        check_sizes(self._header.sizes, assembly, source=path.name)
        self._names = file_names(assembly, self._header.sizes)

    def _weights(self, resolution_bp: int) -> tuple[str, ...]:
        return self._header.normalisations[resolution_bp]

    def _matrix(self, locus: Locus, resolution_bp: int, normalisation: str) -> np.ndarray:
        name = self._name(self._names, locus.chrom)
        place = f"{name}:{locus.start + 1}-{locus.end}"
        asked = None if normalisation == RAW else normalisation
        try:
            matrix, weights = hic.matrix(self.path, place, resolution_bp, asked)
        except (RuntimeError, OSError) as error:
            raise BadFile(f"{self.path.name} cannot be read at {locus}: {_first_line(error)}") from error
        if asked is None:
            return matrix
        first = self._first_bin(name, resolution_bp) + bins_of(locus, resolution_bp)[0]
        masked = ~np.isfinite(weights[first : first + len(matrix)])
        matrix[masked, :] = np.nan
        matrix[:, masked] = np.nan
        return matrix

    def _first_bin(self, name: str, resolution_bp: int) -> int:
        first = 0
        for chrom, size in self._header.sizes.items():
            if chrom == name:
                break
            first += -(-size // resolution_bp)
        return first


class _Triplets(ContactReader):
    """Raw counts of one chromosome as text. A bin without any contact in the file has no data."""

    def __init__(self, path: Path, assembly: Assembly, chrom: str, resolution_bp: int) -> None:
        super().__init__(path, assembly, (resolution_bp,))
        self._chrom = assembly.chrom(chrom)
        content = data_lines(bytes_of(path))
        fields, separator = first_fields(content)
        if len(fields) != 3:
            raise BadFile(f"{path.name} has {len(fields)} columns; wanted bin start, bin start, count")
        columns = ["first", "second", "count"]
        table = numbers(parse_table(content, columns, separator=separator, path=path), columns, source=path.name)
        self._check(table, resolution_bp)
        bins = (table[["first", "second"]].to_numpy() // resolution_bp).astype(np.int64)
        self._low, self._high = bins.min(axis=1), bins.max(axis=1)
        self._count = table["count"].to_numpy()
        self._has_data = np.zeros(-(-assembly.size(chrom) // resolution_bp), dtype=bool)
        self._has_data[bins.ravel()] = True

    def _weights(self, resolution_bp: int) -> tuple[str, ...]:
        return ()

    def _check(self, table: pd.DataFrame, resolution_bp: int) -> None:
        starts = table[["first", "second"]]
        off_grid = ((starts % resolution_bp) != 0).any(axis=1) | starts.isna().any(axis=1)
        if off_grid.any():
            row = int(np.argmax(off_grid))
            raise BadInput(f"{self.path.name}: row {row} is not on a grid of {resolution_bp:,} bp")
        size = self.assembly.size(self._chrom)
        if (starts >= size).any(axis=None) or (starts < 0).any(axis=None):
            raise BadInput(
                f"{self.path.name}: bins up to {int(starts.max(axis=None)):,} are past the end of {self._chrom} "
                f"({self.assembly.name}, {size:,} bases)"
            )

    def _matrix(self, locus: Locus, resolution_bp: int, normalisation: str) -> np.ndarray:
        self._name({self._chrom: self._chrom}, locus.chrom)
        first, last = bins_of(locus, resolution_bp)
        inside = (self._low >= first) & (self._high < last)
        low, high, count = self._low[inside] - first, self._high[inside] - first, self._count[inside]
        matrix = np.zeros((last - first, last - first))
        np.add.at(matrix, (low, high), count)
        off_diagonal = low != high
        np.add.at(matrix, (high[off_diagonal], low[off_diagonal]), count[off_diagonal])
        absent = ~self._has_data[first:last]
        matrix[absent, :] = np.nan
        matrix[:, absent] = np.nan
        return matrix


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def write_cool(
    path: Path | str,
    chrom_sizes: Mapping[str, int],
    bin_bp: int,
    pixels: pd.DataFrame,
    *,
    weight: np.ndarray | None = None,
) -> None:
    """Write a contact map of one resolution, whole or not at all.

    Args:
      path: .cool, or .mcool (the map then lies under resolutions/bin_bp).
      chrom_sizes: name -> length in bp, in the file's order; bins run through them in that order.
      bin_bp: bases per bin; a chromosome's last bin may be narrower.
      pixels: bin1_id <= bin2_id (whole-genome bin numbers) and count; absent pairs are 0.
      weight: (n_bins,) balancing weights, a balanced contact being count * weight * weight; NaN masks a bin.

    Raises:
      BadInput: a pixel or `weight` does not fit the bins.
      BadFile: the disk is full or the place cannot be written.
    """
    bins = cooler.binnify(pd.Series(dict(chrom_sizes)), bin_bp)
    if weight is not None:
        if len(weight) != len(bins):
            raise BadInput(f"{len(weight):,} weights for {len(bins):,} bins")
        bins["weight"] = np.asarray(weight, dtype=np.float64)
    first, second = pixels["bin1_id"].to_numpy(), pixels["bin2_id"].to_numpy()
    if len(pixels) and (first.min() < 0 or second.max() >= len(bins) or (first > second).any()):
        raise BadInput(f"pixels are not within 0 <= bin1_id <= bin2_id < {len(bins):,}")
    path = Path(path)
    table = pixels[["bin1_id", "bin2_id", "count"]].sort_values(["bin1_id", "bin2_id"], ignore_index=True)
    group = f"/resolutions/{bin_bp}" if path.suffix == ".mcool" else "/"
    with written_whole(path) as partial, tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.cool"
        cooler.create_cooler(
            str(made),
            bins,
            table,
            dtypes={"count": table["count"].dtype},
            ordered=True,
            symmetric_upper=True,
        )
        _copy_cool(made, partial, group)


def _copy_cool(made: Path, path: Path, group: str) -> None:
    """Copy a .cool into a group of a new file, with our date: the library's own would make every file differ."""
    with h5py.File(made) as source, h5py.File(path, "w") as target:
        root = target.require_group(group)
        for name in source:
            source.copy(name, root)
        root.attrs.update({**source.attrs, "creation-date": made_at()})
        if group != "/":
            target.attrs.update({"format": "HDF5::MCOOL", "format-version": 2})
