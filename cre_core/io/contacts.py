"""Contact maps: .cool and .mcool, .hic, and raw triplets; one reader, missing stays NaN."""

from __future__ import annotations

import tempfile
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cooler
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from cre_core.errors import BadFile, BadInput, CreError, UnknownName
from cre_core.genome import Assembly, Locus
from cre_core.io import hic
from cre_core.io.chroms import check_sizes, file_names
from cre_core.io.clock import made_at
from cre_core.io.cool_weights import divides
from cre_core.io.files import written_whole
from cre_core.io.notes import say
from cre_core.io.text import shown
from cre_core.io.triplets import read_triplets

RAW = "none (raw)"  # contacts as counted
_PLAIN_COLUMNS = ("chrom", "start", "end")
_UPPER = "symmetric-upper"
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
    path: Path | str,
    *,
    assembly: Assembly,
    chrom: str | None = None,
    resolution_bp: int | None = None,
    cell: str | None = None,
    divisive: Mapping[str, bool] | None = None,
) -> ContactReader:
    """Open a contact map, whatever its kind.

    Args:
      path: .cool, .mcool, .scool, .hic, or triplets as text (two bin starts in bp and a count; plain or .gz).
      assembly: what the map is on.
      chrom, resolution_bp: of triplets, which name neither; not used for the other kinds.
      cell: of a .scool with several.
      divisive: bin columns of a cooler that hold weights, and whether these divide the counts (True) or multiply
        them; by default as `cool_weights.divides` has it.

    Raises:
      BadFile: missing, broken, or of another kind.
      WrongAssembly, UnknownName: the chromosomes are not the assembly's.
      BadInput: triplets without `chrom` or `resolution_bp`, or not on its grid; several cells and none chosen.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise BadFile(f"cannot read {path}: not a file")
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror or error}") from error
    if magic == _HDF5:
        return _Cool(path, assembly, cell, divisive or {})
    if magic[:3] == b"HIC":
        return _Hic(path, assembly)
    if chrom is None or resolution_bp is None or resolution_bp < 1:
        raise BadInput(f"{path.name} is neither .cool nor .hic; triplets need chrom and resolution_bp")
    return _Triplets(path, assembly, chrom, resolution_bp)


class _Cool(ContactReader):
    """.cool, .mcool and one cell of .scool. A bin whose balancing weight is not a number is masked."""

    def __init__(self, path: Path, assembly: Assembly, cell: str | None, divisive: Mapping[str, bool]) -> None:
        self._divisive = divisive
        self._mirrored: dict[tuple[int, str], bool] = {}
        self._checked: set[int] = set()
        with _one_line(path):
            groups = _coolers_in(path, cell)
            self._coolers = {_bin_width(one, path): one for one in (cooler.Cooler(f"{path}::{g}") for g in groups)}
            sizes = self._coolers[min(self._coolers)].chromsizes.to_dict()
        super().__init__(path, assembly, tuple(self._coolers))
        check_sizes(sizes, assembly, source=path.name)
        self._names = file_names(assembly, sizes)

    def _weights(self, resolution_bp: int) -> tuple[str, ...]:
        return tuple(self._kinds(resolution_bp))

    def _kinds(self, resolution_bp: int) -> dict[str, bool]:
        """The bin columns that are weights, and whether they divide."""
        with _one_line(self.path), self._coolers[resolution_bp].open("r") as group:
            columns = {
                str(name): column.attrs for name, column in group["bins"].items() if name not in _PLAIN_COLUMNS
            }
            known = {name: self._divisive.get(name, divides(name, attrs)) for name, attrs in columns.items()}
        return {name: kind for name, kind in known.items() if kind is not None}

    def _matrix(self, locus: Locus, resolution_bp: int, normalisation: str) -> np.ndarray:
        name = self._name(self._names, locus.chrom)
        place, one = (name, locus.start, locus.end), self._coolers[resolution_bp]
        with _one_line(self.path):
            self._check_offsets(resolution_bp)
            counts = np.asarray(one.matrix(balance=False).fetch(place), dtype=np.float64)
            if not self._holds_both_halves(resolution_bp, name):
                counts = counts + counts.T - np.diag(np.diag(counts))
            if not np.isfinite(counts).all() or (counts < 0).any():
                raise BadFile(f"{self.path.name} holds contacts in {locus} that are no counts; wanted 0 or more")
            if normalisation == RAW:
                return counts
            weights = one.bins().fetch(place)[normalisation].to_numpy(dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = 1 / weights if self._kinds(resolution_bp)[normalisation] else weights
        factor = np.where(np.isfinite(factor), factor, np.nan)
        return counts * factor[:, None] * factor

    def _holds_both_halves(self, resolution_bp: int, name: str) -> bool:
        """Whether the library gives a symmetric map; the halves of a square one may be the two directions."""
        one, key = self._coolers[resolution_bp], (resolution_bp, name)
        if one.storage_mode == _UPPER:
            return True
        if key not in self._mirrored:
            whole = one.matrix(balance=False, sparse=True).fetch(name).tocsr()
            self._mirrored[key] = abs(whole - whole.T).nnz == 0
            if not self._mirrored[key] and sparse.tril(whole, -1).nnz and sparse.triu(whole, 1).nnz:
                say(f"{self.path.name}: contacts of {name} differ by direction; both directions are added")
        return self._mirrored[key]

    def _check_offsets(self, resolution_bp: int) -> None:
        """BadFile when the rows of the map are not where its index says: the library would leave them out."""
        if resolution_bp in self._checked:
            return
        with self._coolers[resolution_bp].open("r") as group:
            offsets, n = group["indexes/bin1_offset"][:], len(group["pixels/count"])
            if len(offsets) != len(group["bins/start"]) + 1 or offsets[-1] != n or (np.diff(offsets) < 0).any():
                raise BadFile(f"{self.path.name} is broken: its index does not fit its {n:,} contacts")
        self._checked.add(resolution_bp)


def _coolers_in(path: Path, cell: str | None) -> list[str]:
    """The groups of a file that are contact maps: one, one per bin width, or the one of a cell.

    Raises:
      BadFile: there is none. BadInput: there are several cells. UnknownName: no such cell.
    """
    found: list[str] = []

    def look(name: str, item: object) -> None:
        if isinstance(item, h5py.Group) and all(part in item for part in ("chroms", "bins", "pixels", "indexes")):
            found.append(f"/{name}")

    with h5py.File(path, "r") as file:
        look("", file)
        file.visititems(look)
    if not found:
        raise BadFile(f"{path.name} is HDF5 without a cooler in it")
    cells = {group.rpartition("/")[2]: group for group in found if group.startswith("/cells/")}
    names = ", ".join(shown(name) for name in [*cells][:3]) + (", ..." if len(cells) > 3 else "")
    if cell is not None:
        if cell not in cells:
            raise UnknownName(f"{path.name} has no cell '{shown(cell)}'; it has {names or 'none'}")
        return [cells[cell]]
    if len(cells) > 1:
        raise BadInput(f"{path.name} holds {len(cells):,} cells: {names}; wanted one map, or the name of a cell")
    return found


def _bin_width(one: cooler.Cooler, path: Path) -> int:
    if one.binsize is None:
        raise BadFile(f"{path.name} has bins of several widths; wanted one width")
    return int(one.binsize)


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Whatever the libraries under HDF5 raise on a broken file, as BadFile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except CreError:
        raise
    except Exception as error:  # of cooler, h5py, pandas or scipy: there is no list of what they may raise
        raise BadFile(f"{path.name} is broken or not a cooler") from error


class _Hic(ContactReader):
    """.hic of Juicer. A bin whose normalisation vector is NaN is masked."""

    def __init__(self, path: Path, assembly: Assembly) -> None:
        try:
            self._header = hic.header(path)
        except (RuntimeError, OSError) as error:
            raise BadFile(f"{path.name} is broken or not a .hic") from error
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
            raise BadFile(f"{self.path.name} cannot be read at {locus}: it is broken") from error
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
        table = read_triplets(path, assembly=assembly, chrom=chrom, resolution_bp=resolution_bp)
        self._low, self._high = table["bin1_id"].to_numpy(), table["bin2_id"].to_numpy()
        self._count = table["count"].to_numpy()
        self._has_data = np.zeros(-(-assembly.size(chrom) // resolution_bp), dtype=bool)
        self._has_data[np.r_[self._low, self._high]] = True

    def _weights(self, resolution_bp: int) -> tuple[str, ...]:
        return ()

    def _matrix(self, locus: Locus, resolution_bp: int, normalisation: str) -> np.ndarray:
        self._name({self._chrom: self._chrom}, locus.chrom)
        first, last = bins_of(locus, resolution_bp)
        inside = (self._low >= first) & (self._high < last)
        low, high, count = self._low[inside] - first, self._high[inside] - first, self._count[inside]
        matrix = np.zeros((last - first, last - first))
        matrix[low, high] = count
        matrix[high, low] = count
        absent = ~self._has_data[first:last]
        matrix[absent, :] = np.nan
        matrix[:, absent] = np.nan
        return matrix


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
