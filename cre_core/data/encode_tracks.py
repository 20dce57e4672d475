"""One signal track of several bigWigs, and its mean over many places; memory does not grow with the genome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig

from cre_core.errors import BadFile, BadInput
from cre_core.genome import Assembly, Locus
from cre_core.io.bigwig import BigWig, check_whole, runs_of
from cre_core.io.files import link_or_copy, written_whole

_BLOCK_BP = 1 << 20  # read at once


def write_mean_track(sources: Sequence[Path], out: Path, *, assembly: Assembly) -> None:
    """Average replicates base by base into one bigWig; a single file is linked, not rewritten.

    A base's value is the mean of the files that have data there; a base without data in any stays without.

    Args:
      sources: bigWigs in one unit.
      out: where to, whole or not at all.
      assembly: of all files.

    Raises:
      WrongAssembly: a file's chromosomes are another assembly's. BadFile: a file is broken, or the disk is full.
      BadInput: no base has data.
    """
    with ExitStack() as stack, written_whole(out) as partial:
        tracks = [stack.enter_context(BigWig(path, assembly=assembly)) for path in sources]
        if len(tracks) == 1:
            link_or_copy(sources[0], partial)
            return
        _write_mean(tracks, partial, assembly)
        check_whole(partial)


def mean_at(track: BigWig, places: pd.DataFrame) -> np.ndarray:
    """Mean signal of many places, read in blocks of the genome.

    Args:
      track: the signal.
      places: chrom, start, end; may overlap, in any order.

    Returns:
      (N,) float32 in the track's unit, over the bases with data; NaN where a place has none.
    """
    means = np.full(len(places), np.nan, dtype=np.float32)  # (N,)
    chroms = places["chrom"].to_numpy()
    starts, ends = places["start"].to_numpy(), places["end"].to_numpy()
    for chrom in track.chroms:
        rows = np.flatnonzero(chroms == chrom)
        rows = rows[np.argsort(starts[rows], kind="stable")]
        cuts = np.flatnonzero(np.diff(starts[rows] // _BLOCK_BP)) + 1
        for block in np.split(rows, cuts):
            if len(block):
                means[block] = _means(track, chrom, starts[block], ends[block])
    return means


def _means(track: BigWig, chrom: str, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    first = int(starts.min())
    values = track.values(Locus(chrom, first, int(ends.max())))  # (L,)
    has_data = ~np.isnan(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(has_data, values, 0), dtype=np.float64)])  # (L + 1,)
    count = np.concatenate([[0], np.cumsum(has_data)])  # (L + 1,)
    low, high = starts - first, ends - first
    n = count[high] - count[low]
    return np.divide(total[high] - total[low], n, out=np.full(len(starts), np.nan), where=n > 0)


def _write_mean(tracks: Sequence[BigWig], path: Path, assembly: Assembly) -> None:
    header = [(chrom, size) for chrom, size in assembly.chrom_sizes.items() if _having(tracks, chrom)]
    n_written = 0
    try:
        file = pyBigWig.open(str(path), "w")
        file.addHeader(header)
        for chrom, starts, ends, values in _runs(tracks, header):
            file.addEntries(np.full(len(starts), chrom), starts, ends=ends, values=values)
            n_written += len(starts)
        file.close()
    except RuntimeError as error:
        raise BadFile(f"cannot write {path.name}: {error}") from error
    if not n_written:
        raise BadInput(f"no base has data in {', '.join(track.path.name for track in tracks)}")


def _runs(
    tracks: Sequence[BigWig], header: Sequence[tuple[str, int]]
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Chromosome, starts, ends and values of the stretches of one mean value, in place order."""
    for chrom, size in header:
        for first in range(0, size, _BLOCK_BP):
            place = Locus(chrom, first, min(first + _BLOCK_BP, size))
            read = [track.values(place) for track in _having(tracks, chrom)]
            if all(np.isnan(values).all() for values in read):
                continue
            values = _mean(np.stack(read))  # (L,)
            starts, ends, heights = runs_of(values)
            if len(starts):
                yield chrom, first + starts, first + ends, heights.astype(np.float64)


def _having(tracks: Sequence[BigWig], chrom: str) -> list[BigWig]:
    return [track for track in tracks if chrom in track.chroms]


def _mean(values: np.ndarray) -> np.ndarray:
    """(files, L) -> (L,) float32, over the files with data; NaN where none has."""
    has_data = ~np.isnan(values)
    n = has_data.sum(axis=0)
    total = np.where(has_data, values, 0).sum(axis=0, dtype=np.float64)
    return np.divide(total, n, out=np.full(values.shape[1], np.nan), where=n > 0).astype(np.float32)
