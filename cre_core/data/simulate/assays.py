"""What the sequencer would see: reads along the genome, expression and Hi-C, each drawn from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.simulate.config import GRID_BP, SimulationConfig
from cre_core.data.simulate.landscape import Landscape
from cre_core.data.simulate.regulation import Regulation, seen_contact

ASSAYS = ("dnase", "h3k27ac", "ctcf")
_BACKGROUND = {"dnase": 0.06, "h3k27ac": 0.10, "ctcf": 0.05, "rna": 0.0}  # reads in a bin where nothing happens
# Peaks: (offset from the element's centre, width as a standard deviation, reads in the top bin per bound unit).
# Nucleosomes carry the acetyl mark, so it stands beside the open stretch.
_PEAKS = {
    "dnase": ((0, 80, 9.0),),
    "h3k27ac": ((-250, 180, 5.0), (250, 180, 5.0)),
    "ctcf": ((0, 60, 30.0),),
}
_PEAK_NOISE = 0.25
_RNA_READS = 0.15  # reads in an exon's bin per TPM
_HIC_READS, _HIC_LOOP, _HIC_TRANS = 400.0, 4.0, 1.0
_BALANCE_STEPS = 5_000

Bins = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class HicMap:
    """Hi-C of one biosample; bins are numbered through the chromosomes in their order.

    Attributes:
      pixels: bin1_id <= bin2_id, count.
      weight: (N,) float64, balanced contact = count * weight * weight; NaN for bins that hardly see any pairs.
    """

    pixels: pd.DataFrame
    weight: np.ndarray


def make_signal(
    rng: np.random.Generator,
    config: SimulationConfig,
    landscape: Landscape,
    regulation: Regulation,
    *,
    assay: str,
    biosample: int,
) -> Bins:
    """Reads of one assay in one biosample.

    Returns:
      chromosome -> (size // GRID_BP,) float32 read counts in each bin; NaN where no read can be placed.
    """
    peaks = {
        "dnase": regulation.activation + regulation.repression + 0.8 * regulation.insulator,
        "h3k27ac": regulation.activation,
        "ctcf": regulation.insulator,
    }[assay][:, biosample]
    heights = peaks * np.exp(rng.normal(0.0, _PEAK_NOISE, len(peaks)))
    center = ((landscape.elements["start"] + landscape.elements["end"]) // 2).to_numpy()
    mean = {}
    for chrom, size in config.chrom_sizes.items():
        here = (landscape.elements["chrom"] == chrom).to_numpy()
        mean[chrom] = np.full(size // GRID_BP, _BACKGROUND[assay])
        for offset, width, reads in _PEAKS[assay]:
            _add_peaks(mean[chrom], center[here] + offset, heights[here] * reads, width)
    return _drawn(rng, mean, landscape)


def make_rna(rng: np.random.Generator, config: SimulationConfig, landscape: Landscape, tpm: np.ndarray) -> Bins:
    """Reads over exons in proportion to expression. Args: tpm (G,). Returns as `make_signal`."""
    mean = {chrom: np.zeros(size // GRID_BP) for chrom, size in config.chrom_sizes.items()}
    level = dict(zip(landscape.genes["gene_id"], tpm, strict=True))
    for exon in landscape.exons.itertuples():
        mean[exon.chrom][exon.start // GRID_BP : -(-exon.end // GRID_BP)] += level[exon.gene_id] * _RNA_READS
    return _drawn(rng, mean, landscape)


def count_reads(signal: Bins, places: pd.DataFrame) -> np.ndarray:
    """Reads in each place (chrom, start, end on the grid): (rows,) float64; NaN where any bin has no data."""
    counts = np.full(len(places), np.nan)
    for chrom, values in signal.items():
        here = (places["chrom"] == chrom).to_numpy()
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values.astype(np.float64)))])
        missing = np.concatenate([[0], np.cumsum(np.isnan(values))])
        first = np.maximum(places.loc[here, "start"].to_numpy() // GRID_BP, 0)
        last = np.minimum(places.loc[here, "end"].to_numpy() // GRID_BP, len(values))
        counts[here] = np.where(missing[last] > missing[first], np.nan, total[last] - total[first])
    return counts


def make_expression(rng: np.random.Generator, config: SimulationConfig, regulation: Regulation) -> np.ndarray:
    """Measured log2(TPM + 1): (G, S) float64."""
    true = np.log2(regulation.tpm + 1.0)
    return np.maximum(true + rng.normal(0.0, config.noise_log2tpm, true.shape), 0.0)


def make_hic(rng: np.random.Generator, config: SimulationConfig, landscape: Landscape) -> HicMap:
    """Pairs of one biosample: domains, loops between their CTCF sites, and how well each bin can be seen."""
    bin_bp = config.contact_bin_bp
    n_bins = [size // bin_bp for size in config.chrom_sizes.values()]
    first = dict(zip(config.chrom_sizes, np.concatenate([[0], np.cumsum(n_bins)[:-1]]), strict=True))
    expected = np.full((sum(n_bins), sum(n_bins)), _HIC_TRANS)
    for (chrom, offset), n in zip(first.items(), n_bins, strict=True):
        expected[offset : offset + n, offset : offset + n] = _HIC_READS * _cis(config, landscape, chrom, n)
    visible = np.exp(rng.normal(0.0, 0.2, len(expected)))
    for gap in landscape.gaps.itertuples():
        begin, end = -(-gap.start // bin_bp), gap.end // bin_bp
        visible[first[gap.chrom] + begin : first[gap.chrom] + end] = 0.0
    rows, columns = np.triu_indices(len(expected))
    counts = rng.poisson(expected[rows, columns] * visible[rows] * visible[columns])
    matrix = np.zeros_like(expected)
    matrix[rows, columns] = matrix[columns, rows] = counts
    seen = counts > 0
    pixels = {"bin1_id": rows[seen], "bin2_id": columns[seen], "count": counts[seen].astype(np.int32)}
    return HicMap(pd.DataFrame(pixels), balancing_weights(matrix))


def balancing_weights(matrix: np.ndarray) -> np.ndarray:
    """Weights that give every visible bin the same sum, 1, of balanced contacts off the first two diagonals.

    Args:
      matrix: (N, N) symmetric counts.

    Returns:
      (N,) float64; NaN for bins below a fifth of the median coverage.

    Source: Imakaev et al. 2012, Nature Methods 9:999, iterative correction.
    """
    near = np.abs(np.subtract.outer(np.arange(len(matrix)), np.arange(len(matrix)))) < 2
    counts = np.where(near, 0.0, matrix)
    coverage = counts.sum(axis=0)
    is_seen = coverage >= 0.2 * np.median(coverage[coverage > 0])
    counts = counts[np.ix_(is_seen, is_seen)]
    weight = np.ones(len(counts))
    for _ in range(_BALANCE_STEPS):
        total = weight * (counts @ weight)
        weight /= np.sqrt(total)
        if np.abs(total - 1.0).max() < 1e-6:
            break
    full = np.full(len(matrix), np.nan)
    full[is_seen] = weight
    return full


def _cis(config: SimulationConfig, landscape: Landscape, chrom: str, n: int) -> np.ndarray:
    """(n, n) contact between the bins of one chromosome."""
    bin_bp = config.contact_bin_bp
    center = np.arange(n) * bin_bp + bin_bp // 2
    domains = landscape.domains[landscape.domains["chrom"] == chrom]
    domain = np.searchsorted(domains["start"].to_numpy(), center, side="right")
    crossed = np.abs(domain[:, None] - domain[None, :])
    contact = seen_contact(center[:, None] - center[None, :], config, n_crossed=crossed)
    starts = landscape.elements["start"]
    for left, right in zip(domains["left_ctcf"], domains["right_ctcf"], strict=True):
        i, j = int(starts[left]) // bin_bp, int(starts[right]) // bin_bp
        contact[[i, j], [j, i]] *= _HIC_LOOP
    return contact


def _add_peaks(mean: np.ndarray, centers: np.ndarray, heights: np.ndarray, width_bp: int) -> None:
    reach = 4 * width_bp // GRID_BP
    for step in range(-reach, reach + 1):
        bins = centers // GRID_BP + step
        offset_bp = (bins + 0.5) * GRID_BP - centers
        inside = (bins >= 0) & (bins < len(mean))
        np.add.at(mean, bins[inside], (heights * np.exp(-0.5 * (offset_bp / width_bp) ** 2))[inside])


def _drawn(rng: np.random.Generator, mean: Mapping[str, np.ndarray], landscape: Landscape) -> Bins:
    signal = {chrom: rng.poisson(values).astype(np.float32) for chrom, values in mean.items()}
    for gap in landscape.gaps.itertuples():
        signal[gap.chrom][gap.start // GRID_BP : gap.end // GRID_BP] = np.nan
    return signal
