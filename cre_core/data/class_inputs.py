"""Elements as CREATE reads them: windows of bases, accessibility and loops, shifted and on either strand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from cre_core.data.inputs import ElementInputs
from cre_core.data.loops import ElementLoops
from cre_core.data.store import base_level
from cre_core.data.study import Study
from cre_core.errors import NotAvailable
from cre_core.schema import ElementInput

_ROWS_AT_ONCE = 1_024


class LoopCounts:
    """How many loops of a biosample have an anchor on each base."""

    def __init__(self, study: Study, biosample: str) -> None:
        """Read the loops; raises as `ElementLoops` does."""
        ElementLoops(study, biosample)  # refuses what is no loop of this genome
        entries = [entry for entry in study.info.intervals if entry.kind == "loops"]
        entry = next(entry for entry in entries if entry.biosample in (biosample, "all"))
        table = study.intervals(entry.id)
        both = pd.DataFrame(
            {
                "chrom": table["chrom"],
                "start": table[["start", "start2"]].max(axis=1),
                "end": table[["end", "end2"]].min(axis=1),
            }
        )
        second = table[["chrom2", "start2", "end2"]].set_axis(["chrom", "start", "end"], axis=1)
        anchors = pd.concat([table[["chrom", "start", "end"]], second])
        self._anchors = _by_chrom(anchors)
        self._shared = _by_chrom(both[both["start"] < both["end"]])  # of one loop: it counts once there

    def __call__(self, chrom: str, bases: np.ndarray) -> np.ndarray:
        """Loops over bases of one chromosome: any shape of positions -> float32 of the same shape."""
        return _covering(self._anchors, chrom, bases) - _covering(self._shared, chrom, bases)


def _by_chrom(places: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        str(chrom): (np.sort(own["start"].to_numpy()), np.sort(own["end"].to_numpy()))
        for chrom, own in places.groupby("chrom")
    }


def _covering(places: Mapping[str, tuple[np.ndarray, np.ndarray]], chrom: str, bases: np.ndarray) -> np.ndarray:
    if chrom not in places:
        return np.zeros(bases.shape, np.float32)
    start, end = places[chrom]
    n_covering = np.searchsorted(start, bases, "right") - np.searchsorted(end, bases, "right")
    return n_covering.astype(np.float32)


class ClassInputs:
    """Elements of one biosample as CREATE reads them, at any shift within reach and on either strand."""

    def __init__(
        self,
        study: Study,
        biosample: str,
        *,
        inputs: Sequence[str],
        tracks: Sequence[str],
        sequence_bp: int,
        open_track: str,
        reach_bp: int,
    ) -> None:
        """Open the study's feature store for windows that are wide enough; what it lacks is built.

        Args:
          inputs: what the model reads: some of sequence, open, loop.
          tracks: order of `ElementInput.signal`.
          sequence_bp: window around an element's centre, flanks included.
          open_track: assay of the base-level accessibility track.
          reach_bp: the largest shift that will be asked for.

        Raises:
          NotAvailable: the study lacks sequence, the track or loops, as far as the model reads them.
        """
        self.width_bp, self.reach_bp, self.tracks = sequence_bp, reach_bp, tuple(tracks)
        assays = [track.assay.casefold() for track in base_level(study, biosample)]
        self.open_track = (open_track,) if "open" in inputs else ()
        if self.open_track and open_track.casefold() not in assays:
            there = ", ".join(assays) or "none"
            raise NotAvailable(
                f"study {study.name} has no base-level {open_track} of {biosample}; its bigWig tracks: {there}"
            )
        self.inputs = ElementInputs(
            study, biosample, width_bp=sequence_bp + 2 * reach_bp, tracks=self.open_track, flanks=True
        )
        self.loops = LoopCounts(study, biosample) if "loop" in inputs else None
        elements = study.elements
        self.chrom = elements["chrom"].to_numpy(str)
        self.left = ((elements["start"] + elements["end"]) // 2).to_numpy() - (sequence_bp + 2 * reach_bp) // 2

    def __call__(self, rows: np.ndarray, shift_bp: np.ndarray, is_turned: np.ndarray) -> ElementInput:
        """Windows of elements.

        Args:
          rows: (n,) of `Study.elements`.
          shift_bp: (n,) within reach, positive to the right.
          is_turned: (n,) bool: bases complemented and everything reversed.

        Returns:
          `sequence` (n, L) int8 and `signal` (n, L, T) float32: open = log10(x + 1) of the track, loop =
          log10(n + 1) of the loops whose anchor holds the base. NaN: no data, or a track that the model does not
          read.
        """
        wide = self._wide(rows)
        start = torch.from_numpy(self.reach_bp + shift_bp)[:, None]  # (n, 1)
        step = torch.arange(self.width_bp)[None]  # (1, L)
        turned = torch.from_numpy(is_turned)[:, None]  # (n, 1)
        at = start + torch.where(turned, self.width_bp - 1 - step, step)  # (n, L)
        bases = wide.sequence.gather(1, at)  # (n, L)
        sequence = torch.where(turned & (bases < 4), 3 - bases, bases)
        if wide.signal is None:
            return ElementInput(sequence)
        T = wide.signal.shape[2]
        return ElementInput(sequence, wide.signal.gather(1, at[..., None].expand(-1, -1, T)))  # (n, L, T)

    def is_known(self, rows: np.ndarray) -> np.ndarray:
        """(n,) bool: the element has data in everything the model reads, at every shift within reach."""
        if not self.open_track:
            return np.ones(len(rows), bool)
        place = self.tracks.index("open")
        found = [np.zeros(0, bool)]
        for low in range(0, len(rows), _ROWS_AT_ONCE):
            signal = self._wide(rows[low : low + _ROWS_AT_ONCE]).signal
            assert signal is not None
            found.append(signal[..., place].isfinite().all(1).numpy())  # (n, W) -> (n,)
        return np.concatenate(found)

    def _wide(self, rows: np.ndarray) -> ElementInput:
        """With `reach_bp` more on both sides."""
        found = self.inputs.elements(rows)
        if not self.tracks:
            return ElementInput(found.sequence)
        signal = torch.full((*found.sequence.shape, len(self.tracks)), torch.nan)  # (n, W, T)
        if found.signal is not None:
            signal[..., self.tracks.index("open")] = torch.log10(found.signal[..., 0].float() + 1)  # (n, W)
        if self.loops is not None:
            signal[..., self.tracks.index("loop")] = torch.from_numpy(np.log10(self._loops(rows) + 1))  # (n, W)
        return ElementInput(found.sequence, signal)

    def _loops(self, rows: np.ndarray) -> np.ndarray:
        """(n, W) loops over each base."""
        assert self.loops is not None
        bases = self.left[rows][:, None] + np.arange(self.width_bp + 2 * self.reach_bp)
        counts = np.zeros(bases.shape, np.float32)
        for chrom in np.unique(self.chrom[rows]):
            own = self.chrom[rows] == chrom
            counts[own] = self.loops(str(chrom), bases[own])
        return counts
