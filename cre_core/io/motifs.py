"""Motif matrices in MEME and TRANSFAC text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core.errors import BadFile
from cre_core.io.text import bytes_of, shown


@dataclass(frozen=True, eq=False)
class Motif:
    """A position probability matrix.

    Attributes:
      id: the collection's accession (`MA0139.1`, `CTCF.H12CORE.0.P.B`).
      name: for people; the id where the file has no other.
      matrix: (4, W) float64, probabilities of A, C, G, T; columns sum to 1.
    """

    id: str
    name: str
    matrix: np.ndarray

    @property
    def width_bp(self) -> int:
        """Number of positions W."""
        return self.matrix.shape[1]


def read_motifs(path: Path | str) -> list[Motif]:
    """Read every matrix of a MEME or TRANSFAC file, plain or .gz, in file order.

    Counts become probabilities without pseudocounts.

    Raises:
      BadFile: missing, neither format, without matrices, or a matrix that is not four non-negative columns.

    Source: MEME Suite minimal motif format; TRANSFAC flat format as written by JASPAR.
    """
    path = Path(path)
    lines = bytes_of(path).decode("utf-8", "replace").splitlines()
    is_meme = any(line.startswith("MEME version") for line in lines[:20])
    motifs = _read_meme(lines, path) if is_meme else _read_transfac(lines, path)
    if not motifs:
        raise BadFile(f"{path.name} has no motif matrix; wanted MEME or TRANSFAC text")
    return motifs


def _read_meme(lines: list[str], path: Path) -> list[Motif]:
    motifs: list[Motif] = []
    names: list[str] = []
    for number, line in enumerate(lines):
        if re.match(r"MOTIF\b", line):
            names = line.split()[1:3]
            if not names:
                raise BadFile(f"{path.name}: the motif in line {number + 1} has no name; wanted MOTIF and a name")
        elif line.startswith("letter-probability matrix"):
            if not names:
                raise BadFile(f"{path.name}: the matrix in line {number + 1} belongs to no MOTIF")
            rows, declared = _rows_below(lines, number), re.search(r"\bw=\s*(\d+)", line)
            width = int(declared[1][:9]) if declared else len(rows)
            if len(rows) < width:
                raise BadFile(f"{path.name} is truncated: motif {names[0]} has {len(rows)} of {width} positions")
            motifs.append(_motif(names[0], names[-1], rows[:width], path))
            names = []
    return motifs


def _rows_below(lines: list[str], number: int) -> list[list[str]]:
    """The rows of the matrix whose header stands in a line; blank lines before and among them do not count."""
    rows = []
    for line in lines[number + 1 :]:
        fields = line.split()
        if fields and not re.match(r"[-+]?[\d.]|[-+]?(?:nan|inf)", fields[0], re.IGNORECASE):
            break
        if fields:
            rows.append(fields)
    return rows


def _read_transfac(lines: list[str], path: Path) -> list[Motif]:
    motifs: list[Motif] = []
    accession, name, rows = "", "", []
    for line in [*lines, "//"]:
        tag, _, rest = line.partition(" ")
        if tag == "AC":
            accession = rest.strip()
        elif tag in ("ID", "NA"):
            name = rest.strip()
        elif re.match(r"\d+\s", line):
            rows.append(line.split()[1:5])  # position, A, C, G, T, perhaps the consensus letter
        elif tag == "//":
            if rows and not (accession or name):
                raise BadFile(f"{path.name}: matrix {len(motifs) + 1} has no name; wanted AC or ID")
            if rows:
                motifs.append(_motif(accession or name, name or accession, rows, path))
            accession, name, rows = "", "", []
    return motifs


def _motif(accession: str, name: str, rows: list[list[str]], path: Path) -> Motif:
    where = f"{path.name}: motif {shown(accession)}"
    uneven = next((i for i, row in enumerate(rows) if len(row) != 4), None)
    if uneven is not None or not rows:
        what = "it has no position" if uneven is None else f"position {uneven + 1} has {len(rows[uneven])} columns"
        raise BadFile(f"{where} is not a matrix: {what}; wanted four, of A, C, G, T")
    table = pd.DataFrame(rows)
    counts = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)  # (W, 4)
    odd = ~(np.isfinite(counts) & (counts >= 0))
    if odd.any():
        position, base = (int(i) for i in np.argwhere(odd)[0])
        held = f"holds '{shown(rows[position][base])}' in position {position + 1}"
        raise BadFile(f"{where} is not a matrix of numbers: it {held}; wanted 0 or more")
    total = counts.sum(axis=1, keepdims=True)
    if not ((total > 0) & np.isfinite(total)).all():
        empty = int(np.argmin(total)) + 1
        raise BadFile(f"{where} has no counts in position {empty}; wanted a matrix without empty positions")
    return Motif(accession, name, (counts / total).T)
