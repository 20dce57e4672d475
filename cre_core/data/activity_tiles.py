"""Short stretches of sequence and how active they are, to pretrain an encoder of sequence: tiles around summits.

Around each summit lie a few tiles that overlap, each with its own activity, and each on both strands.

Source: EPInformer, Results and Methods: 256 bp at the summits of H3K27ac and two flanks that overlap by 100 bp, the
reverse complements, and activity as ABC has it, sqrt(DNase x H3K27ac).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cre_core.data.element_classes import ShuffledBatches
from cre_core.data.encode_tracks import mean_at
from cre_core.data.store import base_level
from cre_core.data.study import Study, Track
from cre_core.errors import BadInput, NotAvailable
from cre_core.genome import Locus
from cre_core.io.bigwig import BigWig
from cre_core.io.fasta import Fasta

SUMMIT_ASSAY = "h3k27ac"


class Tiling(NamedTuple):
    """How tiles lie around a summit: the middle one is centred on it."""

    tile_bp: int = 256
    n_tiles: int = 3  # an odd number
    stride_bp: int = 156  # 256 bp that overlap by 100; the authors' later notes have 192 and 5 tiles

    @property
    def width_bp(self) -> int:
        """From the first tile's first base to the last one's end."""
        return self.tile_bp + (self.n_tiles - 1) * self.stride_bp

    def checked(self) -> Tiling:
        """The tiling itself; BadInput when there is no middle tile, or tiles on top of one another."""
        if self.n_tiles < 1 or self.n_tiles % 2 == 0:
            raise BadInput(
                f"{self.n_tiles} tiles around a summit; wanted an odd number: one at it and as many each way"
            )
        if self.tile_bp < 1 or self.stride_bp < 1:
            raise BadInput(f"tiles of {self.tile_bp} bp every {self.stride_bp} bp; wanted 1 or more of both")
        return self


class Tiles(NamedTuple):
    """The stretches around the summits of one biosample, and the activity of their tiles."""

    place: pd.DataFrame  # N rows: element_id (the place, the same in every biosample), chrom, start
    sequence: Tensor  # (N, W) int8, 0..3 = A C G T, 4 = N
    activity: Tensor  # (N, K) float32, log2(activity + 1); NaN = no data
    places: str  # what the summits are of
    unit: str
    n_outside: int  # summits whose tiles reach past the sequence: not among the N


def tiles_of(study: Study, biosample: str, *, tracks: Sequence[str], tiling: Tiling) -> Tiles:
    """Read the stretches around a biosample's summits.

    Args:
      study: with sequence, and base-level tracks of the biosample.
      biosample: whose summits and activity.
      tracks: assays whose geometric mean is the activity.
      tiling: how tiles lie.

    Returns:
      See Tiles; the unit is that of the tracks, `log2(sqrt(dnase x h3k27ac) + 1), reads per 25 bp`.

    Raises:
      NotAvailable: no sequence, a track that is not there, or no summit with all its tiles in the sequence.
      BadInput: an even number of tiles, or no track.
    """
    if study.info.sequence is None:
        raise NotAvailable(f"study {study.name} has no sequence, and an encoder of sequence learns from it")
    files = [_track(study, biosample, assay) for assay in tracks]
    chrom, summit, places = _summits(study, biosample)
    left = summit - tiling.checked().width_bp // 2
    with Fasta(study.folder / study.info.sequence, assembly=study.assembly) as fasta:
        is_held = _is_held(fasta, chrom, left, left + tiling.width_bp)
        chrom, left = chrom[is_held], left[is_held]
        if not len(left):
            raise NotAvailable(f"no place of {places} of {biosample} has {tiling.width_bp} bp of sequence around it")
        loci = (
            Locus(str(name), int(start), int(start) + tiling.width_bp)
            for name, start in zip(chrom, left, strict=True)
        )
        sequence = torch.from_numpy(np.stack([fasta.encode(locus) for locus in loci]))  # (N, W)
    ids = [f"{name}:{start}" for name, start in zip(chrom, left, strict=True)]
    return Tiles(
        place=pd.DataFrame({"element_id": ids, "chrom": chrom, "start": left}),
        sequence=sequence,
        activity=torch.from_numpy(_activity(study, files, chrom, left, tiling)),
        places=places,
        unit=_unit(files),
        n_outside=int((~is_held).sum()),
    )


def _track(study: Study, biosample: str, assay: str) -> Track:
    there = base_level(study, biosample)
    found = [track for track in there if track.assay.casefold() == assay.casefold()]
    if len(found) != 1:
        known = ", ".join(track.assay for track in there) or "none"
        raise NotAvailable(
            f"study {study.name} has {len(found)} base-level {assay} tracks of {biosample}, and activity wants one; "
            f"its bigWig tracks: {known}"
        )
    return found[0]


def _summits(study: Study, biosample: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Chromosome and position (N,) of the summits of H3K27ac peaks, else of the elements' centres; and of what."""
    for entry in study.info.intervals:
        if (entry.kind, entry.assay.casefold(), entry.biosample) == ("peaks", SUMMIT_ASSAY, biosample):
            table, places = study.intervals(entry.id), f"peaks {entry.id}"
            break
    else:
        table, places = study.elements, "elements"
    middle = (table["start"] + table["end"]) // 2
    if "summit" in table:
        middle = table["summit"].fillna(middle).astype(int)
    found = pd.DataFrame({"chrom": table["chrom"].astype(str), "summit": middle}).drop_duplicates()
    return found["chrom"].to_numpy(str), found["summit"].to_numpy(), places


def _is_held(fasta: Fasta, chrom: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(N,) bool: the file has every base of the stretch."""
    is_held = np.zeros(len(chrom), bool)
    for window in fasta.windows:
        is_held |= (chrom == window.chrom) & (start >= window.start) & (end <= window.end)
    return is_held


def _activity(
    study: Study, files: Sequence[Track], chrom: np.ndarray, left: np.ndarray, tiling: Tiling
) -> np.ndarray:
    """(N, K) float32: log2(geometric mean of the tracks' means over a tile + 1). NaN: a track without data there."""
    starts = left[:, None] + tiling.stride_bp * np.arange(tiling.n_tiles)  # (N, K)
    tiles = pd.DataFrame({"chrom": np.repeat(chrom, tiling.n_tiles), "start": starts.ravel()})
    tiles["end"] = tiles["start"] + tiling.tile_bp
    product = np.ones(len(tiles))  # (N K,)
    for file in files:
        with BigWig(study.folder / str(file.path), assembly=study.assembly) as track:
            product *= mean_at(track, tiles)
    with np.errstate(invalid="ignore"):  # below zero there is no activity to speak of: no data
        activity = np.log2(product ** (1 / len(files)) + 1)
    return activity.reshape(starts.shape).astype(np.float32)


def _unit(files: Sequence[Track]) -> str:
    names = " x ".join(file.assay for file in files)
    mean = {1: names, 2: f"sqrt({names})"}.get(len(files), f"({names})^(1/{len(files)})")
    return f"log2({mean} + 1), {' and '.join(dict.fromkeys(file.unit for file in files))}"


class ActivityDataset(Dataset[tuple[Tensor, Tensor]]):
    """Tiles with data, each on one strand or on both; an item is a batch: `dataset[[3, 17, 42]]`."""

    def __init__(self, parts: Sequence[Tiles], chosen: Sequence[np.ndarray], *, tiling: Tiling, both: bool) -> None:
        """Hold which tiles there are; bases are cut batch by batch.

        Args:
          parts: of each biosample.
          chosen: (N,) bool of each part: the places to take.
          tiling: of the parts.
          both: a tile and its reverse complement, with the same activity.
        """
        keep = [torch.from_numpy(own) for own in chosen]
        self.sequence = torch.cat([part.sequence[own] for part, own in zip(parts, keep, strict=True)])  # (N, W)
        activity = torch.cat([part.activity[own] for part, own in zip(parts, keep, strict=True)])  # (N, K)
        is_known = activity.isfinite()  # (N, K)
        self.row, self.tile = is_known.nonzero(as_tuple=True)  # (M,) each
        self.target = activity[is_known]  # (M,)
        self.n_without_data = int((~is_known).sum())
        self.tiling, self.n_strands = tiling, 2 if both else 1

    def __len__(self) -> int:
        return self.n_strands * len(self.target)

    def __getitem__(self, copies: Sequence[int]) -> tuple[Tensor, Tensor]:
        copy = torch.as_tensor(copies)  # (B,)
        m, is_turned = copy // self.n_strands, copy % self.n_strands == 1
        step = torch.arange(self.tiling.tile_bp)  # (L,)
        at = self.tiling.stride_bp * self.tile[m, None] + torch.where(
            is_turned[:, None], step.flip(0), step
        )  # (B, L)
        bases = self.sequence[self.row[m]].gather(1, at)  # (B, W) -> (B, L)
        return torch.where(is_turned[:, None] & (bases < 4), 3 - bases, bases), self.target[m]


class EvenBatches(ShuffledBatches):
    """As `ShuffledBatches`, of like size: no batch of one, of which batch normalisation can make nothing."""

    def __len__(self) -> int:
        return max(1, min(super().__len__(), self.n // 2))

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.n)
        yield from (part.tolist() for part in np.array_split(order, len(self)))
