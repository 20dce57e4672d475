"""Motifs that a model learned: TF-MoDISco over the contributions of bases, in a process of its own.

It compiles with numba, forks, and can hang in a busy process; so a child runs it, `python -m
cre_core.interpretation.discovery INPUT.npz OUTPUT.npz`, and is ended with all it started when its time is over.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cre_core.errors import BadInput, NotAvailable
from cre_core.io.files import written_whole

ROOT = Path(__file__).resolve().parents[2]
MODULE = "cre_core.interpretation.discovery"
WINDOW_BP, FLANK_BP = 21, 10  # of a seqlet: TF-MoDISco's defaults
FIELDS = ("probabilities", "contributions", "seqlets")


@dataclass(frozen=True)
class Pattern:
    """A motif that recurs among the contributions.

    Attributes:
      name: `positive 1`, `negative 1`, ..., by number of seqlets.
      sign: 1 where the pattern raises expression, -1 where it lowers it.
      probabilities: (4, W) float64 of A, C, G, T over its seqlets.
      contributions: (4, W) float64, mean over its seqlets of the base that is there, in the prediction's unit.
      seqlets: (n, 4) int64: row of the sequences, start, end, and 1 for the reverse complement.
    """

    name: str
    sign: int
    probabilities: np.ndarray
    contributions: np.ndarray
    seqlets: np.ndarray


def discover_motifs(
    bases: np.ndarray, hypothetical: np.ndarray, *, time_limit_s: float = 1800.0, max_seqlets: int = 20_000
) -> list[Pattern]:
    """Recurring patterns in the contributions of many sequences.

    Args:
      bases: (N, L, 4) one-hot A C G T, zeros for N or padding.
      hypothetical: (N, L, 4) what each base would contribute in that place (`Attribution.hypothetical`). NaN = not
        read: of a whole sequence, which is then left out, or of N and padding.
      time_limit_s: after it the child is ended.
      max_seqlets: of each sign, the strongest; time grows faster than their number.

    Returns:
      Patterns, positive ones first; none where too few seqlets (100 of a sign) stand out.

    Raises:
      BadInput: shapes that do not belong together, sequences shorter than a seqlet, or NaN at a known base.
      NotAvailable: TF-MoDISco took longer, or failed.

    Source: TF-MoDISco (Shrikumar et al. 2018) as in tfmodisco-lite, defaults.
    """
    kept = _check(bases, hypothetical)
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        np.savez(
            given,
            bases=bases[kept].astype(np.float32),
            hypothetical=np.nan_to_num(hypothetical[kept], nan=0.0).astype(np.float32),
            max_seqlets=max_seqlets,
        )
        _run_child([sys.executable, "-m", MODULE, str(given), str(made)], time_limit_s)
        with np.load(made, allow_pickle=False) as arrays:
            return [_with_rows(pattern, kept) for pattern in _patterns(arrays)]


def _check(bases: np.ndarray, hypothetical: np.ndarray) -> np.ndarray:
    """Rows of the sequences that are read: (n,)."""
    if bases.ndim != 3 or bases.shape[2] != 4 or bases.shape != hypothetical.shape:
        raise BadInput(f"bases {bases.shape} and contributions {hypothetical.shape} came; wanted (N, L, 4) twice")
    if bases.shape[1] < WINDOW_BP + 2 * FLANK_BP:
        raise BadInput(f"sequences of {bases.shape[1]} bp came; wanted {WINDOW_BP + 2 * FLANK_BP} or more")
    kept = np.flatnonzero(~np.isnan(hypothetical).all((1, 2)))
    is_gap = np.isnan(hypothetical[kept]).any(2) & (bases[kept] > 0).any(2)  # (n, L)
    if is_gap.any():
        row, at = np.argwhere(is_gap)[0]
        raise BadInput(
            f"{int(is_gap.sum())} known bases have no contribution; first: sequence {kept[row]}, base {at}"
        )
    if not len(kept):
        raise BadInput("no sequence has contributions; wanted one or more")
    return kept


def _run_child(command: list[str], time_limit_s: float) -> None:
    """Run a command in its own process group, and end the whole group when it fails, hangs or is interrupted."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env=environment, start_new_session=True
        )
        status = -1
        try:
            status = child.wait(time_limit_s)
        except subprocess.TimeoutExpired as error:
            raise NotAvailable(
                f"TF-MoDISco did not end within {time_limit_s:g} s; allow more time or fewer seqlets"
            ) from error
        finally:
            if status:
                _end_group(child)
        errors.seek(0)
        last = (errors.read().strip() or f"status {status}").splitlines()[-1]
    if status:
        raise NotAvailable(f"TF-MoDISco failed: {last}")


def _end_group(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # its own forks live in its group
    child.wait()


def _patterns(arrays: Any) -> Iterator[Pattern]:
    """Of the arrays that the child wrote: for pattern k of a sign, `+k.probabilities` and so on."""
    for sign, word in (("+", "positive"), ("-", "negative")):
        for k in range(int(arrays[f"n{sign}"])):
            parts = {field: arrays[f"{sign}{k}.{field}"] for field in FIELDS}
            yield Pattern(f"{word} {k + 1}", 1 if sign == "+" else -1, **parts)


def _with_rows(pattern: Pattern, kept: np.ndarray) -> Pattern:
    seqlets = pattern.seqlets.copy()
    seqlets[:, 0] = kept[seqlets[:, 0]]
    return Pattern(pattern.name, pattern.sign, pattern.probabilities, pattern.contributions, seqlets)


# ---------------------------------------------------------------- in the child


def main(given: Path, made: Path) -> None:
    """Read the arrays of `discover_motifs`, run TF-MoDISco, write its patterns."""
    from modiscolite.tfmodisco import TFMoDISco

    with np.load(given, allow_pickle=False) as arrays:
        bases, hypothetical, most = arrays["bases"], arrays["hypothetical"], int(arrays["max_seqlets"])
    found = TFMoDISco(
        one_hot=bases,
        hypothetical_contribs=hypothetical,
        sliding_window_size=WINDOW_BP,
        flank_size=FLANK_BP,
        max_seqlets_per_metacluster=most,
    )
    content: dict[str, Any] = {}
    for sign, patterns in zip("+-", found, strict=True):
        content[f"n{sign}"] = len(patterns or ())
        for k, pattern in enumerate(patterns or ()):
            seqlets = [(s.example_idx, s.start, s.end, s.is_revcomp) for s in pattern.seqlets]
            values = (pattern.sequence.T, pattern.contrib_scores.T, np.array(seqlets, np.int64))
            content |= {f"{sign}{k}.{field}": value for field, value in zip(FIELDS, values, strict=True)}
    with written_whole(made) as partial, partial.open("wb") as file:
        np.savez(file, **content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
