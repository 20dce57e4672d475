"""The feature store: base-level inputs of a study's elements and promoters, each stored once and memory-mapped.

STUDY/features/W/                 W = bases around the centre of a place, flanks included
sequence.npy, own.npy             of every element, then of every promoter; see FeatureStore
BIOSAMPLE.signal.npy              one for each biosample that was built
sequence.json, BIOSAMPLE.signal.json   what each was made from; written last, so that an array without one is not done

`store_build.build_store` makes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import torch
from torch import Tensor

from cre_core.data.study import Study, Track
from cre_core.errors import BadFile, BadInput, NotAvailable
from cre_core.io.files import sha256_of
from cre_core.io.folders import private_folder
from cre_core.schema import ElementInput

FORMAT = 1
SEQUENCE = "sequence"
PADDING = 4  # the number of N and of every base that is not there


@dataclass(frozen=True)
class Source:
    """A file of the study that an array was made from."""

    path: str  # inside the study
    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, folder: Path, path: str) -> Source:
        """The file as it is now; it exists, for its reader has opened it."""
        stat = (folder / path).stat()
        return cls(path, stat.st_size, stat.st_mtime_ns, sha256_of(folder / path))

    def is_same(self, folder: Path) -> bool:
        """Whether the file still has that content; it is only read when it was touched or copied."""
        path = folder / self.path
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        return path.stat().st_mtime_ns == self.mtime_ns or sha256_of(path) == self.sha256


@dataclass(frozen=True)
class Part:
    """What one array of the store is, and what it was made from.

    Attributes:
      study, assembly_name: whose places.
      width_bp: bases stored of each place.
      n_elements, n_promoters: rows, elements first.
      places_sha256: of the places of the elements and the TSS, in order.
      sources: the files read.
      dtype: of the array.
      biosample: whose signal; None for the sequence.
      tracks, units: of the T axis, in order.
      known_tracks: every base-level track that the study had of the biosample.
    """

    study: str
    assembly_name: str
    width_bp: int
    n_elements: int
    n_promoters: int
    places_sha256: str
    sources: tuple[Source, ...]
    dtype: str
    biosample: str | None = None
    tracks: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    known_tracks: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def stem(self) -> str:
        """Of the array's file name."""
        return SEQUENCE if self.biosample is None else f"{quote(self.biosample, safe=' +')}.signal"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        rows = (self.n_elements + self.n_promoters, self.width_bp)
        return rows if self.biosample is None else (*rows, len(self.tracks))

    @classmethod
    def read(cls, path: Path) -> Part:
        """The description in a JSON file.

        Raises:
          BadFile: it is broken or of another format.
        """
        try:
            raw = json.loads(path.read_text())
            if raw["format"] != FORMAT:
                raise BadFile(f"{path} has format {raw['format']}; this version reads {FORMAT}; build it again")
            raw["sources"] = tuple(Source(**source) for source in raw["sources"])
            lists = {name: tuple(raw[name]) for name in ("tracks", "units", "known_tracks")}
            return cls(**{**raw, **lists})
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadFile(f"{path} does not describe a feature store: {error}") from error

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def why_stale(self, study: Study) -> str | None:
        """Why the array is not of this study as it is now, or None."""
        if (self.study, self.assembly_name) != (study.name, study.info.assembly_name):
            ours, theirs = f"{study.name} ({study.info.assembly_name})", f"{self.study} ({self.assembly_name})"
            return f"was built for study {theirs}, not for {ours}"
        if self.places_sha256 != places_sha256(study):
            return f"is older than the elements or genes of study {study.name}"
        if self.biosample is not None:
            tracks = {track.assay for track in base_level(study, self.biosample)}
            if tracks - set(self.known_tracks):
                return f"is older than the tracks of {self.biosample} in study {study.name}"
        changed = [source.path for source in self.sources if not source.is_same(study.folder)]
        return f"is older than {changed[0]} of study {study.name}" if changed else None


def base_level(study: Study, biosample: str) -> list[Track]:
    """The tracks of a biosample that have a value per base."""
    tracks = [track for track in study.info.tracks if track.biosample == biosample]
    return [track for track in tracks if track.kind == "bigwig" and track.path]


def store_folder(study: Study, width_bp: int) -> Path:
    """Where the store of a width lives: STUDY/features/W; of an embedded study, or one that may only be read, in the
    user's cache.

    Raises:
      BadInput, BadFile: the cache's folder is not this user's alone, or cannot be made.
    """
    own = study.folder / "features" / str(width_bp)
    exists = next(folder for folder in (own, *own.parents) if folder.exists())
    if exists == own or (not study.is_embedded and os.access(exists, os.W_OK)):
        return own
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crescope-features"
    of_study = hashlib.sha256(str(study.folder.resolve()).encode()).hexdigest()[:16]
    return private_folder(cache) / f"{study.name}-{of_study}" / str(width_bp)


def places_sha256(study: Study) -> str:
    """SHA-256 of the elements' places and the genes' TSS, in order."""
    digest = hashlib.sha256()
    for table, columns in ((study.elements, ("start", "end")), (study.genes, ("tss",))):
        digest.update("\n".join(table["chrom"]).encode())
        for column in columns:
            digest.update(np.ascontiguousarray(table[column], "<i8").tobytes())
    return digest.hexdigest()


class FeatureStore:
    """Base-level inputs of the elements and promoters of one study, in arrays that processes share.

    A place fills W bases around its centre: of an element, (start + end) // 2; of a promoter, the TSS. Row n of every
    array is element n of `Study.elements`; the promoters of `Study.genes` follow.

      sequence (N, W) int8: 0..3 = A C G T on the + strand, 4 = N, past the chromosome, or outside the study's FASTA.
      signal (N, W, T) float16 in the track's own unit: 11 bits, so counts to 2,048 are exact and the rest is within
        0.05 %; below 6e-5 the steps are 6e-8. A biosample with a value beyond float16's 65,504 is stored as float32.
        NaN = no data: a base that the bigWig does not cover, past the chromosome, a chromosome that it lacks.
      own (N, 2) int32: the columns that an element fills itself, first and past the last; of a promoter, all of them.

    Rows are gathered from a memory map: neither opening nor a batch reads the rest, and a pickled store is its path,
    so that DataLoader workers share the pages. `to` copies it to a GPU.
    """

    def __init__(self, folder: Path) -> None:
        """Map the arrays of a folder that `open` has checked."""
        self.folder = Path(folder)
        self.device = "cpu"
        self.info = Part.read(self.folder / f"{SEQUENCE}.json")
        parts = [Part.read(path) for path in sorted(self.folder.glob("*.signal.json"))]
        self.signals = {str(part.biosample): part for part in parts}
        self._sequence = _mapped(self.folder, self.info)  # (N, W)
        self._signal = {part.stem: _mapped(self.folder, part) for part in parts}  # (N, W, T) each
        self._own = torch.from_numpy(np.load(self.folder / "own.npy"))  # (N, 2)

    @classmethod
    def open(cls, folder: Path | str, study: Study) -> FeatureStore:
        """Open a study's store; nothing is read yet but the descriptions.

        Raises:
          NotAvailable: there is none in `folder`.
          BadInput: it is of another study, or older than what it was made from.
          BadFile: a file of it is broken.
        """
        folder = Path(folder)
        if not (folder / f"{SEQUENCE}.json").is_file():
            raise NotAvailable(f"study {study.name} has no feature store in {folder}; build it first")
        store = cls(folder)
        for part in (store.info, *store.signals.values()):
            reason = part.why_stale(study)
            if reason is not None:
                raise BadInput(f"{folder / part.stem}.npy {reason}; build the store again")
        return store

    def __len__(self) -> int:
        return self.info.n_elements + self.info.n_promoters

    def __repr__(self) -> str:
        return f"FeatureStore({self.info.study}, {self.width_bp} bp, {', '.join(self.signals)}, {self.device})"

    def __getstate__(self) -> dict[str, str]:
        return {"folder": str(self.folder), "device": self.device}

    def __setstate__(self, state: dict[str, str]) -> None:
        FeatureStore.__init__(self, Path(state["folder"]))
        if state["device"] != "cpu":
            self.__dict__.update(vars(self.to(state["device"])))

    @property
    def width_bp(self) -> int:
        """Bases stored of each place, W."""
        return self.info.width_bp

    def to(self, device: str) -> FeatureStore:
        """The same store with its arrays copied to a device, where batches are then gathered."""
        moved = copy(self)
        moved.device = str(device)
        moved._sequence, moved._own = self._sequence.to(device), self._own.to(device)
        moved._signal = {stem: signal.to(device) for stem, signal in self._signal.items()}
        return moved

    def __copy__(self) -> FeatureStore:
        twin = object.__new__(FeatureStore)
        twin.__dict__.update(self.__dict__)
        return twin

    def elements(
        self,
        rows: Tensor | np.ndarray | Sequence[int],
        *,
        width_bp: int | None = None,
        tracks: Sequence[str] = (),
        biosample: str | None = None,
        own_only: bool = False,
    ) -> ElementInput:
        """Inputs of elements by their row in `Study.elements`.

        Args:
          rows: (n,) integers.
          width_bp: bases around the centre, L; at most the store's own width, which is the default.
          tracks: names of the T signal tracks, any case, in the model's order. None: no signal.
          biosample: whose signal; may be absent only without tracks.
          own_only: an element keeps to itself: outside its own start to end, 4 and NaN.

        Returns:
          `sequence` (n, L) int8 and `signal` (n, L, T) in the tracks' units, or None without tracks; copies, on the
          store's device. A track that the study lacks is NaN.

        Raises:
          BadInput: a wider stretch than is stored, rows out of range, or tracks without a biosample.
          NotAvailable: the biosample, or a track that the study has, was not built into the store.
        """
        return self._gather(rows, 0, self.info.n_elements, "element", width_bp, tracks, biosample, own_only)

    def promoters(
        self,
        rows: Tensor | np.ndarray | Sequence[int],
        *,
        width_bp: int | None = None,
        tracks: Sequence[str] = (),
        biosample: str | None = None,
    ) -> ElementInput:
        """As `elements`, of the stretch around the TSS by the gene's row in `Study.genes`; on the + strand."""
        first, n = self.info.n_elements, self.info.n_promoters
        return self._gather(rows, first, n, "promoter", width_bp, tracks, biosample, False)

    def _gather(
        self,
        rows: Tensor | np.ndarray | Sequence[int],
        first: int,
        n_rows: int,
        kind: str,
        width_bp: int | None,
        tracks: Sequence[str],
        biosample: str | None,
        own_only: bool,
    ) -> ElementInput:
        at = torch.as_tensor(rows, dtype=torch.long)  # (n,)
        if at.device.type == "cpu" and len(at) and not 0 <= int(at.min()) <= int(at.max()) < n_rows:
            found = f"rows {int(at.min())} to {int(at.max())}"
            raise BadInput(f"{found} of the {n_rows} {kind}s in {self.folder}; wanted 0 to {n_rows - 1}")
        at = at.to(self.device) + first
        columns = self._columns(width_bp)
        sequence = self._sequence[:, columns][at]  # (N, L) view -> (n, L)
        signal = self._signal_at(at, columns, tracks, biosample) if tracks else None
        if own_only:
            place = torch.arange(columns.start, columns.stop, device=at.device)  # (L,)
            own = self._own[at]  # (n, 2)
            is_outside = (place < own[:, :1]) | (place >= own[:, 1:])  # (n, L)
            sequence = sequence.masked_fill_(is_outside, PADDING)
            if signal is not None:
                signal = signal.masked_fill_(is_outside[..., None], torch.nan)
        return ElementInput(sequence, signal)

    def _columns(self, width_bp: int | None) -> slice:
        """The middle of the stored stretch."""
        wanted = self.width_bp if width_bp is None else width_bp
        if not 1 <= wanted <= self.width_bp:
            raise BadInput(f"{wanted} bases wanted of {self.folder}, which holds {self.width_bp} around each centre")
        start = self.width_bp // 2 - wanted // 2
        return slice(start, start + wanted)

    def _signal_at(self, at: Tensor, columns: slice, tracks: Sequence[str], biosample: str | None) -> Tensor:
        """(n, L, T) of the tracks asked for, in their order."""
        if biosample is None:
            raise BadInput(f"tracks {', '.join(tracks)} wanted without a biosample")
        part = self.signals.get(biosample)
        if part is None:
            there = ", ".join(self.signals) or "no biosample"
            raise NotAvailable(f"{self.folder} has no signal of {biosample}, but of {there}; build it first")
        stored = {name.casefold(): t for t, name in enumerate(part.tracks)}
        places = [stored.get(name.casefold()) for name in tracks]
        known = {name.casefold() for name in part.known_tracks}
        for name, place in zip(tracks, places, strict=True):
            if place is None and name.casefold() in known:
                raise NotAvailable(
                    f"{self.folder} was built without track {name} of {biosample}; it has {', '.join(part.tracks)}"
                )
        found = self._signal[part.stem][:, columns][at]  # (N, L, T') view -> (n, L, T')
        if places == list(range(len(part.tracks))):
            return found
        signal = found.new_full((*found.shape[:2], len(places)), torch.nan)  # (n, L, T)
        for t, place in enumerate(places):
            if place is not None:
                signal[..., t] = found[..., place]
        return signal


def _mapped(folder: Path, part: Part) -> Tensor:
    """The array of a part, mapped so that its pages are shared and nothing is read yet."""
    path = folder / f"{part.stem}.npy"
    try:
        # "c": torch wants memory that it could write to; pages are shared as long as nobody does.
        array: np.ndarray[Any, Any] = np.load(path, mmap_mode="c")
    except (OSError, ValueError, EOFError) as error:
        raise BadFile(f"{path} is not a readable array: {error}; build the store again") from error
    if array.shape != part.shape or array.dtype != np.dtype(part.dtype):
        raise BadFile(f"{path} is {array.dtype} {array.shape}; wanted {part.dtype} {part.shape}; build it again")
    return torch.from_numpy(array)
