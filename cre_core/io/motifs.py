"""Motif matrices in MEME and TRANSFAC text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cre_core.errors import BadFile
from cre_core.io.text import bytes_of


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
    motifs, name = [], [""]
    for number, line in enumerate(lines):
        if line.startswith("MOTIF"):
            name = line.split()[1:3]
        elif line.startswith("letter-probability matrix"):
            width = re.search(r"\bw=\s*(\d+)", line)
            below = lines[number + 1 :][: int(width[1])] if width else _numeric_head(lines[number + 1 :])
            if width and len(below) < int(width[1]):
                raise BadFile(f"{path.name} is truncated: motif {name[0]} has {len(below)} of {width[1]} positions")
            motifs.append(_motif(name[0], name[-1], [row.split() for row in below], path))
    return motifs


def _numeric_head(lines: list[str]) -> list[str]:
    rows = []
    for line in lines:
        if not re.match(r"\s*[\d.]", line):
            break
        rows.append(line)
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
            if rows:
                motifs.append(_motif(accession or name, name or accession, rows, path))
            accession, name, rows = "", "", []
    return motifs


def _motif(accession: str, name: str, rows: list[list[str]], path: Path) -> Motif:
    try:
        counts = np.array(rows, dtype=np.float64)  # (W, 4)
    except ValueError as error:
        raise BadFile(f"{path.name}: motif {accession} is not a matrix of numbers: {error}") from error
    if counts.ndim != 2 or counts.shape[1] != 4 or (counts < 0).any() or not (counts.sum(axis=1) > 0).all():
        raise BadFile(
            f"{path.name}: motif {accession} has shape {counts.shape}; wanted (W, 4) without empty positions"
        )
    return Motif(accession, name, (counts / counts.sum(axis=1, keepdims=True)).T)
