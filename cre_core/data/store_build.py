"""Building the feature store: long stretches are read once and cut with numpy; a killed build goes on.

Signal is read here with pybigtools, everywhere else with pyBigWig. pyBigWig also writes, and its open file serves the
pages; pybigtools reads hundreds of stretches, as a build does, 5 to 15 times as fast (`benchmarks/store.py`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pybigtools

from cre_core.data.store import PADDING, SEQUENCE, FeatureStore, Part, Source, base_level, places_sha256, store_folder
from cre_core.data.study import Study, Track
from cre_core.errors import BadFile, BadInput, NotAvailable
from cre_core.genome import Locus
from cre_core.io.bigwig import BigWig
from cre_core.io.chroms import file_names
from cre_core.io.fasta import Fasta
from cre_core.io.files import written_whole
from cre_core.io.folders import check_ours
from cre_core.progress import Report

GAP_BP = 1_000  # places nearer than this are read in one go: a seek costs more than so many bases
CHUNK_BYTES = 64 << 20  # held at once, whatever the genome's size
FLOAT16_MAX = float(np.finfo(np.float16).max)


def build_store(
    study: Study,
    *,
    width_bp: int,
    tracks: Sequence[str] = (),
    biosample: str | None = None,
    out: Path | None = None,
    report: Report,
) -> FeatureStore:
    """Store the inputs of every element and promoter of a study: the sequence, and one biosample's signal.

    What is there already and still fits its inputs is kept; a build that was killed goes on after its last finished
    chunk. An array appears, whole, by a rename. Two processes may build at once.

    Args:
      study: with a FASTA and base-level tracks (bigWig).
      width_bp: bases around the centre of each place, flanks included: the widest that a model will ask for.
      tracks: assays to store, any case. One that the biosample lacks is not stored, and reads as NaN.
      biosample: whose tracks; None with no tracks: the sequence alone.
      out: the folder; by default that of `store_folder`.
      report: called with step, chunks done, chunks in all.

    Returns:
      The store, open.

    Raises:
      NotAvailable: the study has no sequence, or the biosample none of the tracks.
      BadInput: a folder of other things, a width below 1 or not the folder's, tracks without a biosample, two
        bigWigs of one assay and biosample, a place outside the FASTA.
      UnknownName: the FASTA lacks a chromosome with elements.
      BadFile: a file is broken, or the disk is full.
    """
    if width_bp < 1:
        raise BadInput(f"a store of {width_bp} bases; wanted 1 or more")
    folder = store_folder(study, width_bp) if out is None else Path(out)
    check_ours(folder, "sequence.*", "own.npy", what="feature store")
    wanted = _tracks_of(study, biosample, tracks) if tracks else []
    places = _Places.of(study, width_bp)
    _build_sequence(study, folder, places, report)
    if wanted:
        _build_signal(study, folder, places, wanted, report)
    _drop_stale(study, folder)
    return FeatureStore.open(folder, study)


class _Places(NamedTuple):
    """Where the rows of the store lie: elements, then promoters."""

    chrom: np.ndarray  # (N,) names
    left: np.ndarray  # (N,) first base of the stretch; may lie before the chromosome
    first: np.ndarray  # (N,) first base that must have sequence: of the element itself, or the TSS
    last: np.ndarray  # (N,) past the last of those
    own: np.ndarray  # (N, 2) int32, columns that the place fills itself
    n_elements: int
    width_bp: int
    order: np.ndarray  # (N,) rows sorted by place, so that neighbours are read together

    @classmethod
    def of(cls, study: Study, width_bp: int) -> _Places:
        elements, genes = study.elements, study.genes
        start, end, tss = elements["start"].to_numpy(), elements["end"].to_numpy(), genes["tss"].to_numpy()
        left = np.concatenate([(start + end) // 2, tss]) - width_bp // 2  # (N,)
        first = np.maximum(np.concatenate([start, tss]), left)
        last = np.minimum(np.concatenate([end, tss + 1]), left + width_bp)
        own = np.stack([first - left, last - left], axis=1).astype(np.int32)
        own[len(start) :] = 0, width_bp
        chrom = np.concatenate([elements["chrom"].to_numpy(str), genes["chrom"].to_numpy(str)])
        return cls(chrom, left, first, last, own, len(start), width_bp, np.lexsort((left, chrom)))


class _Runs(NamedTuple):
    """Stretches that hold all places of a chunk, laid one after the other in a buffer of `n_bp`."""

    chrom: list[str]  # (R,)
    start: list[int]  # (R,) first base, perhaps before the chromosome
    end: list[int]  # (R,)
    at: list[int]  # (R,) where the run begins in the buffer
    offset: np.ndarray  # (n,) where each place begins in the buffer
    n_bp: int

    @classmethod
    def of(cls, places: _Places, rows: np.ndarray) -> _Runs:
        """The runs of rows that are sorted by place."""
        chrom, left = places.chrom[rows], places.left[rows]
        is_new = np.ones(len(rows), bool)
        is_new[1:] = (chrom[1:] != chrom[:-1]) | (left[1:] > left[:-1] + places.width_bp + GAP_BP)
        heads = np.flatnonzero(is_new)
        tails = np.r_[heads[1:], len(rows)] - 1
        start, end = left[heads], left[tails] + places.width_bp
        at = np.r_[0, np.cumsum(end - start)]
        offset = (at[:-1] - start)[np.cumsum(is_new) - 1] + left
        return cls(chrom[heads].tolist(), start.tolist(), end.tolist(), at[:-1].tolist(), offset, int(at[-1]))

    def cut(self, flat: np.ndarray, width_bp: int) -> np.ndarray:
        """The places out of the buffer: (n_bp,) -> (n, W)."""
        return np.lib.stride_tricks.sliding_window_view(flat, width_bp)[self.offset]

    def clipped(self, chrom_sizes: dict[str, int]) -> Iterator[tuple[str, int, int, int]]:
        """Chromosome, first base, past the last and place in the buffer of the runs' part on the chromosome."""
        for chrom, start, end, at in zip(self.chrom, self.start, self.end, self.at, strict=True):
            low, high = max(start, 0), min(end, chrom_sizes[chrom])
            if low < high:
                yield chrom, low, high, at + low - start


def _build_sequence(study: Study, folder: Path, places: _Places, report: Report) -> None:
    if study.info.sequence is None:
        raise NotAvailable(f"study {study.name} has no sequence, and a feature store holds it")
    there = _there(folder, SEQUENCE)
    if there is not None and there.width_bp != places.width_bp:
        raise BadInput(
            f"{folder} holds {there.width_bp} bases of each place; wanted {places.width_bp}: another folder"
        )
    if there is not None and there.why_stale(study) is None:
        return
    part = Part(
        study=study.name,
        assembly_name=study.info.assembly_name,
        width_bp=places.width_bp,
        n_elements=places.n_elements,
        n_promoters=len(places.left) - places.n_elements,
        places_sha256=places_sha256(study),
        sources=(Source.of(study.folder, study.info.sequence),),
        dtype="int8",
    )
    with Fasta(study.folder / study.info.sequence, assembly=study.assembly) as fasta:
        _check_covered(fasta, places)
        with _partial(folder, part, report) as partial:
            if partial is not None:
                with written_whole(folder / "own.npy") as own, own.open("wb") as file:
                    np.save(file, places.own)
                step = f"sequence, {places.width_bp} bp"
                partial.fill(places, lambda rows: _sequence_block(fasta, places, rows), step)


def _sequence_block(fasta: Fasta, places: _Places, rows: np.ndarray) -> np.ndarray:
    """(n, W) int8."""
    runs = _Runs.of(places, rows)
    flat = np.full(runs.n_bp, PADDING, np.int8)
    for chrom, low, high, at in runs.clipped(dict(fasta.assembly.chrom_sizes)):
        for window in fasta.windows:
            first, last = max(low, window.start), min(high, window.end)
            if window.chrom == chrom and first < last:
                flat[at + first - low : at + last - low] = fasta.encode(Locus(chrom, first, last))
    return runs.cut(flat, places.width_bp)


def _check_covered(fasta: Fasta, places: _Places) -> None:
    """Raise as `Fasta.fetch` does where the file lacks bases of a place itself; flanks may be absent."""
    is_held = np.zeros(len(places.left), bool)
    for window in fasta.windows:
        is_held |= (places.chrom == window.chrom) & (places.first >= window.start) & (places.last <= window.end)
    if not is_held.all():
        row = int(np.argmin(is_held))
        fasta.fetch(Locus(str(places.chrom[row]), int(places.first[row]), int(places.last[row])))


def _tracks_of(study: Study, biosample: str | None, names: Sequence[str]) -> list[Track]:
    """The bigWig of each assay that the biosample has, in the order of the names."""
    if biosample is None:
        raise BadInput(f"tracks {', '.join(names)} wanted without a biosample")
    found = []
    for name in dict.fromkeys(name.casefold() for name in names):
        same = [track for track in base_level(study, biosample) if track.assay.casefold() == name]
        if len(same) > 1:
            raise BadInput(f"study {study.name} has {len(same)} base-level {name} tracks of {biosample}; wanted one")
        found += same
    if not found:
        there = ", ".join(track.assay for track in base_level(study, biosample)) or "none"
        raise NotAvailable(
            f"study {study.name} has no base-level {', '.join(names)} of {biosample}; its bigWig tracks: {there}"
        )
    return found


def _build_signal(study: Study, folder: Path, places: _Places, tracks: list[Track], report: Report) -> None:
    biosample = tracks[0].biosample
    sequence = Part.read(folder / f"{SEQUENCE}.json")
    there = _there(folder, replace(sequence, biosample=biosample).stem)
    if there is not None:
        tracks = _joined(there, study, tracks)  # what other models asked for stays
        if there.why_stale(study) is None and there.tracks == tuple(track.assay for track in tracks):
            return
    paths = [str(track.path) for track in tracks]
    largest = max(_largest(study, path) for path in paths)
    part = replace(
        sequence,
        sources=tuple(Source.of(study.folder, path) for path in paths),
        dtype="float16" if largest <= FLOAT16_MAX else "float32",
        biosample=biosample,
        tracks=tuple(track.assay for track in tracks),
        units=tuple(track.unit for track in tracks),
        known_tracks=tuple(track.assay for track in base_level(study, biosample)),
    )
    with _partial(folder, part, report) as partial:
        if partial is not None:
            step = f"{biosample}, {len(tracks)} tracks"
            partial.fill(places, lambda rows: _signal_block(study, part, places, rows), step)


def _joined(there: Part, study: Study, tracks: list[Track]) -> list[Track]:
    """The tracks stored before that the study still has, in their order, then the others."""
    by_name = {track.assay: track for track in base_level(study, tracks[0].biosample)}
    before = [by_name[name] for name in there.tracks if name in by_name]
    return before + [track for track in tracks if track not in before]


def _there(folder: Path, stem: str) -> Part | None:
    path = folder / f"{stem}.json"
    return Part.read(path) if path.is_file() else None


def _drop_stale(study: Study, folder: Path) -> None:
    """Remove the signal of other biosamples that no longer fits the study."""
    for path in folder.glob("*.signal.json"):
        if Part.read(path).why_stale(study) is not None:
            path.unlink(missing_ok=True)
            path.with_suffix(".npy").unlink(missing_ok=True)


def _largest(study: Study, path: str) -> float:
    """The largest absolute value of a bigWig that is whole and of the study's assembly, by its header."""
    with BigWig(study.folder / path, assembly=study.assembly):
        pass  # checked
    with _opened(study, path) as reader:
        summary = reader.info()["summary"]
    return float(max(abs(summary["min"]), abs(summary["max"])))


def _signal_block(study: Study, part: Part, places: _Places, rows: np.ndarray) -> np.ndarray:
    """(n, W, T) in the part's dtype."""
    runs, sizes = _Runs.of(places, rows), dict(study.info.chrom_sizes)
    block = np.empty((len(rows), part.width_bp, len(part.tracks)), part.dtype)
    for t, source in enumerate(part.sources):
        flat = np.full(runs.n_bp, np.nan, np.float32)
        # Opened anew for every chunk: the reader keeps what it has unpacked, which would grow with the genome.
        with _opened(study, source.path) as reader:
            names = file_names(study.assembly, reader.chroms())
            for chrom, low, high, at in runs.clipped(sizes):
                if chrom in names:  # a chromosome that the file lacks (Y of a woman) is no data
                    flat[at : at + high - low] = _values(reader, names[chrom], low, high, source.path)
        block[:, :, t] = runs.cut(_as_stored(flat, part.dtype, source.path), part.width_bp)
    return block


def _as_stored(flat: np.ndarray, dtype: str, path: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        stored = flat.astype(dtype)
    if np.isinf(stored).any():
        raise BadFile(f"{path} has values beyond {np.finfo(dtype).max:,.0f}, which its header does not say")
    return stored


@contextmanager
def _opened(study: Study, path: str) -> Iterator[pybigtools.BBIReader]:
    try:
        reader = pybigtools.open(str(study.folder / path))
    except (OSError, ValueError) as error:
        raise BadFile(f"{path} cannot be read as bigWig: {error}") from error
    try:
        yield reader
    finally:
        reader.close()


def _values(reader: pybigtools.BBIReader, name: str, start: int, end: int, path: str) -> np.ndarray:
    """(end - start,) float64; NaN = no data."""
    try:
        return np.asarray(reader.values(name, start, end, fillna=None))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # broken data: the reader's own kind of error is no Exception
        raise BadFile(f"{path} cannot be read at {name}:{start + 1:,}-{end:,}: its data are broken") from error


class _Partial:
    """An array in the making, and the journal of its finished chunks."""

    def __init__(self, folder: Path, part: Part, journal: IO[str], report: Report) -> None:
        self.path, self.part, self.journal, self.report = folder / f"{part.stem}.npy", part, journal, report
        self.partial = self.path.with_name(f"{self.path.name}.partial")

    def fill(self, places: _Places, block_of: Callable[[np.ndarray], np.ndarray], step: str) -> None:
        """Write every chunk that is not written yet, then let the array appear."""
        n_rows = _rows_of_a_chunk(self.part)
        chunks = [places.order[start : start + n_rows] for start in range(0, len(places.order), n_rows)]
        done = self._resumed(n_rows)
        offset = self._allocated() if not done else int(np.load(self.partial, mmap_mode="r").offset)
        with self.partial.open("r+b") as file:
            for number, rows in enumerate(chunks):
                if number in done:
                    continue
                self.report(step, len(done), len(chunks))
                _write_rows(file.fileno(), offset, rows, block_of(rows))
                os.fdatasync(file.fileno())  # before it is called done: a chunk must not be lost with the power
                self._log(str(number))
                done.add(number)
        os.replace(self.partial, self.path)
        with written_whole(self.path.with_suffix(".json")) as description:
            description.write_text(self.part.text())
        self.report(step, len(chunks), len(chunks))

    def _resumed(self, n_rows: int) -> set[int]:
        """Chunks that an earlier build of the same array has finished."""
        heading = json.dumps({"rows_of_a_chunk": n_rows, "part": self.part.text()})
        self.journal.seek(0)
        lines = self.journal.read().split("\n")[:-1]  # a last line without its end was cut off by a kill
        if self.partial.is_file() and lines[:1] == [heading]:
            return {int(line) for line in lines[1:]}
        self.journal.truncate(0)
        self._log(heading)
        return set()

    def _log(self, line: str) -> None:
        self.journal.write(f"{line}\n")
        self.journal.flush()

    def _allocated(self) -> int:
        """Make the file at its full size; where its data begin."""
        array = np.lib.format.open_memmap(self.partial, "w+", np.dtype(self.part.dtype), self.part.shape)
        return int(array.offset)


def _rows_of_a_chunk(part: Part) -> int:
    """Places held at once: what is read (with gaps, as float32 and as stored) and what is written."""
    n_tracks = max(1, len(part.tracks))
    bytes_of_a_place = part.width_bp * n_tracks * np.dtype(part.dtype).itemsize + 10 * (part.width_bp + GAP_BP)
    return max(1, CHUNK_BYTES // bytes_of_a_place)


def _write_rows(file: int, offset: int, rows: np.ndarray, block: np.ndarray) -> None:
    """Write rows of an array file. Not through a memory map: written pages would count as this process's memory."""
    order = np.argsort(rows)
    rows, block = rows[order], np.ascontiguousarray(block[order])
    row_bytes = block[0].nbytes
    cuts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    for low, high in pairwise(cuts):
        content, at = block[low:high].data.cast("B"), offset + int(rows[low]) * row_bytes
        while content:
            written = os.pwrite(file, content, at)
            content, at = content[written:], at + written


@contextmanager
def _partial(folder: Path, part: Part, report: Report) -> Iterator[_Partial | None]:
    """The array in the making, held by this process alone; None when it is there and fits its inputs."""
    path = folder / f"{part.stem}.progress.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX)  # the system lets go of it when a process dies
            if _is_current(folder, part):
                yield None
            else:
                (folder / f"{part.stem}.json").unlink(missing_ok=True)
                yield _Partial(folder, part, journal, report)
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BadFile(f"cannot write {folder / part.stem}.npy: {error.strerror or error}") from error


def _is_current(folder: Path, part: Part) -> bool:
    path = folder / f"{part.stem}.json"
    if not (path.is_file() and path.with_suffix(".npy").is_file()):
        return False
    there = Part.read(path)
    return replace(there, sources=()) == replace(part, sources=()) and [
        (source.path, source.sha256) for source in there.sources
    ] == [(source.path, source.sha256) for source in part.sources]
