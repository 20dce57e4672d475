"""Raw files cut to one window of a chromosome: sequence, per-base signal; and a contact map with balanced rows.

Coordinates stay those of the chromosome. Outside the window nothing is known: bases are N, signal is NaN.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from scipy import sparse

from cre_core.errors import BadInput
from cre_core.genome import Assembly, Locus
from cre_core.io.bigwig import BigWig, runs_of, write_bigwig
from cre_core.io.contacts import write_cool
from cre_core.io.fasta import Fasta
from cre_core.io.triplets import read_triplets

_LINE = 60  # bases on a FASTA line
_LEAST_PARTNERS = 10  # a bin with fewer contacts is masked
_MOST_DEVIATIONS = 5  # and one whose total lies this many median deviations below the median, on a log scale
_TOLERANCE = 1e-4  # of a row's sum
_MOST_STEPS = 2_000


def write_window_fasta(source: Path, path: Path, window: Locus, *, assembly: Assembly) -> None:
    """Write a whole chromosome, bgzip with both indexes, that is N everywhere but in one window.

    Args:
      source: FASTA that holds the window, whole or as a part; its header says where.
      path: ends with .fa.gz; the folder is there.
      window: which bases are kept.
      assembly: of the source; gives the chromosome's length.

    Raises:
      BadInput: the source does not hold the window. WrongAssembly, BadFile: as `Fasta`.
    """
    with Fasta(source, assembly=assembly, index_folder=path.parent) as fasta:
        bases = fasta.fetch(window)
    for index in path.parent.glob(f"{source.name}.*"):
        index.unlink()  # of the raw file; the raw folder may be read-only
    whole = "N" * window.start + bases + "N" * (assembly.size(window.chrom) - window.end)
    with pysam.BGZFile(str(path), "wb", index=None) as file:
        file.write(f">{window.chrom}\n".encode())
        for i in range(0, len(whole), _LINE * 10_000):
            piece = whole[i : i + _LINE * 10_000]
            lines = (piece[j : j + _LINE] for j in range(0, len(piece), _LINE))
            file.write(("\n".join(lines) + "\n").encode())
    pysam.faidx(str(path))


def write_window_bigwig(source: Path, path: Path, window: Locus, *, assembly: Assembly) -> bool:
    """Write the read counts of a bigWig inside a window, zeros written out, counts of the - strand as positive.

    A file of whole counts that holds no zero is sparse: it lists the bases that something was counted at, so a base
    without a value inside the window counted nothing and becomes 0. Where the file does hold zeros, or values that
    are no whole counts, a base without a value is no data and stays so.

    Args:
      source: bigWig of counts, all of one sign.
      path: where to; outside the window it has no data.
      window, assembly: what of; the source's chromosome lengths must be the assembly's.

    Returns:
      Whether the file is sparse, so that absence became 0: who shows the signal must say so.

    Raises:
      BadInput: nothing was counted in the window, or counts have both signs.
      WrongAssembly, BadFile, UnknownName: as `BigWig`.
    """
    with BigWig(source, assembly=assembly) as file:
        values = file.values(window)  # (width,)
    if np.isnan(values).all():
        raise BadInput(f"{source.name} has no value in {window}")
    if np.nanmin(values) < 0 < np.nanmax(values):
        raise BadInput(f"{source.name} has values of both signs in {window}; wanted counts of one strand")
    values = np.abs(values)
    counted = values[~np.isnan(values)]
    is_sparse = bool((counted >= 1).all() and (counted % 1 == 0).all())
    if is_sparse:
        values = np.nan_to_num(values)
    starts, ends, heights = runs_of(values)
    signal = {window.chrom: (starts + window.start, ends + window.start, heights)}
    write_bigwig(path, {window.chrom: assembly.size(window.chrom)}, signal)
    return is_sparse


def write_balanced_cool(source: Path, path: Path, chrom: str, bin_bp: int, *, assembly: Assembly) -> None:
    """Write triplets of one chromosome as .cool, counts raw, with weights that make every row sum to 1.

    Args:
      source: text, plain or .gz: two bin starts in bp and a whole number of contacts.
      path: where to; column `weight` holds the weights, NaN = a masked bin.
      chrom, bin_bp: which the file does not say.
      assembly: of the source.

    Raises:
      BadInput: not on the grid, past the chromosome's end, counts that are not whole. BadFile: not triplets.
    """
    pixels = read_triplets(source, assembly=assembly, chrom=chrom, resolution_bp=bin_bp)
    if (pixels["count"] % 1 != 0).any() or (pixels["count"] > np.iinfo(np.int32).max).any():
        raise BadInput(f"{source.name} holds contacts that are no whole numbers; wanted raw counts")
    pixels = pixels.sort_values(["bin1_id", "bin2_id"], ignore_index=True).astype({"count": np.int32})
    size = assembly.size(chrom)
    weight = balanced_weights(pixels, -(-size // bin_bp), source=source.name)
    write_cool(path, {chrom: size}, bin_bp, pixels, weight=weight)


def balanced_weights(pixels: pd.DataFrame, n_bins: int, *, source: str) -> np.ndarray:
    """Weights by iterative correction, the diagonal included, so that balanced rows sum to 1 as ABC has them.

    `cooler.balance_cooler` gives the same within 1e-4 where it masks the same bins. It is not taken: on chr22 at 5 kb
    it takes two minutes and this a second, and it masks 16 of 10,164 bins otherwise, which moves some weights by a
    third.

    Args:
      pixels: bin1_id <= bin2_id, count; each pair once.
      n_bins: of the chromosome.
      source: the file's name, for the message.

    Returns:
      (n_bins,) float64; a balanced contact is count * weight * weight. NaN masks a bin with too few contacts.

    Raises:
      BadInput: the rows cannot be brought to one sum.

    Source: Imakaev et al. 2012, Nature Methods 9:999; ABC's hic.py (rows of a doubly stochastic map sum to 1).
    """
    first, second = pixels["bin1_id"].to_numpy(), pixels["bin2_id"].to_numpy()
    upper = sparse.csr_matrix((pixels["count"].to_numpy(float), (first, second)), (n_bins, n_bins))
    matrix = (upper + sparse.triu(upper, 1).T).tocsr()  # (n_bins, n_bins)
    rows = np.flatnonzero(_has_enough(matrix))
    matrix = matrix[rows][:, rows]
    weight = np.full(len(rows), np.sqrt(len(rows) / max(matrix.sum(), 1)))  # (used,)
    for _ in range(_MOST_STEPS):
        total = weight * (matrix @ weight)  # (used,)
        if not len(rows) or not (total > 0).all():
            break
        if np.abs(total - 1).max() < _TOLERANCE:
            weights = np.full(n_bins, np.nan)
            weights[rows] = weight
            return weights
        weight = weight / np.sqrt(total)
    raise BadInput(f"{source}: contacts of {len(rows):,} bins cannot be balanced")


def _has_enough(matrix: sparse.csr_matrix) -> np.ndarray:
    """(n_bins,) bool: the bin has enough partners and no outlying total."""
    enough = np.diff(matrix.indptr) >= _LEAST_PARTNERS
    total = np.asarray(matrix.sum(axis=1)).ravel()
    if not enough.any():
        return enough
    logs = np.log(total[enough])
    middle = np.median(logs)
    lowest = middle - _MOST_DEVIATIONS * np.median(np.abs(logs - middle))
    return enough & (np.log(np.maximum(total, 0.5)) >= lowest)
