"""Sites of known motifs in elements (FIMO), their weight by attention, and names for unknown matrices (Tomtom).

memelite compiles with numba the first time it runs on a machine: about a minute, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from scipy.stats import false_discovery_control
from torch import Tensor

from cre_core.errors import BadInput

if TYPE_CHECKING:
    from cre_core.io.motifs import Motif

N_BASES = 4
FIMO_P = 1e-4  # FIMO's default
MIN_TARGETS = 25  # Tomtom takes its background from the columns of all targets; memelite calls fewer unreliable
HIT_COLUMNS = ("element_id", "chrom", "start", "end", "strand", "motif_id", "motif_name", "score", "p_value")


def motif_hits(
    sequence: Tensor, places: pd.DataFrame, motifs: Sequence[Motif], *, p_value: float = FIMO_P
) -> pd.DataFrame:
    """Sites of motifs in elements, on both strands.

    Args:
      sequence: (N, L) int8, 0..3 = A C G T of the + strand, 4 = N or padding.
      places: N rows: element_id, chrom, and start, where the first base of the row lies on the genome.
      motifs: to look for; their ids are unique.
      p_value: of a site in uniform random sequence, at most.

    Returns:
      A row per site, by element and place: element_id, chrom, start, end, strand, motif_id, motif_name, score (log2
      likelihood ratio), p_value.

    Raises:
      BadInput: shapes that do not belong together, no motifs, repeated ids, or a motif longer than the elements.

    Source: FIMO (Grant et al. 2011) as in memelite.
    """
    _check_hits(sequence, places, motifs)
    from memelite import fimo  # compiles with numba: only where it is wanted

    columns = torch.eye(N_BASES + 1, N_BASES)[sequence.int()].transpose(1, 2).numpy()  # (N, L) -> (N, 4, L)
    found = fimo({motif.id: motif.matrix for motif in motifs}, np.ascontiguousarray(columns), threshold=p_value)
    hits = pd.concat([table for table in found if len(table)] or [found[0]], ignore_index=True)
    row = hits["sequence_name"].to_numpy(int)
    motif = hits["motif_idx"].to_numpy(int)
    first = places["start"].to_numpy(int)[row]
    table = pd.DataFrame(
        {
            "element_id": places["element_id"].to_numpy()[row],
            "chrom": places["chrom"].to_numpy()[row],
            "start": first + hits["start"].to_numpy(int),
            "end": first + hits["end"].to_numpy(int),
            "strand": hits["strand"].to_numpy(str).astype(object),
            "motif_id": np.array([one.id for one in motifs], object)[motif],
            "motif_name": np.array([one.name for one in motifs], object)[motif],
            "score": hits["score"].to_numpy(float),
            "p_value": hits["p-value"].to_numpy(float),
        },
        columns=list(HIT_COLUMNS),
    )
    order = np.lexsort((motif, table["strand"].to_numpy(str), table["start"], row))
    return table.iloc[order].reset_index(drop=True)


def attention_weighted(hits: pd.DataFrame, attention: pd.Series) -> pd.DataFrame:
    """Motifs by how much of a gene's attention their sites have.

    Args:
      hits: from `motif_hits`.
      attention: element_id -> attention of the gene; NaN, or no entry, where the model does not read the element.

    Returns:
      motif_id, motif_name, n_hits (in elements that are read), n_hits_unread, weighted_score (sum of score times
      attention over the former; NaN without any), the greatest first.

    Raises:
      BadInput: an element has two attentions.
    """
    if not attention.index.is_unique:
        raise BadInput(f"attention names element {attention.index[attention.index.duplicated()][0]} twice")
    weight = hits["element_id"].map(attention)
    weighed = hits.assign(weighted_score=hits["score"] * weight, is_read=weight.notna())
    by_motif = weighed.groupby(["motif_id", "motif_name"], sort=False)
    table = pd.DataFrame(
        {
            "n_hits": by_motif["is_read"].sum().astype(int),
            "n_hits_unread": by_motif["is_read"].size() - by_motif["is_read"].sum(),
            "weighted_score": by_motif["weighted_score"].sum(min_count=1),
        }
    ).reset_index()
    return table.sort_values("weighted_score", ascending=False, kind="stable").reset_index(drop=True)


def similar_motifs(matrix: np.ndarray, motifs: Sequence[Motif]) -> pd.DataFrame:
    """Known motifs like a matrix, of either strand.

    Args:
      matrix: (4, W) probabilities of A, C, G, T, for example of a discovered pattern.
      motifs: to compare with, 25 or more.

    Returns:
      A row per motif, the most similar first: motif_id, motif_name, p_value, q_value (Benjamini-Hochberg over the
      motifs), score, offset and overlap in columns, strand.

    Raises:
      BadInput: not a matrix of probabilities, or too few motifs.

    Source: Tomtom (Gupta et al. 2007) as in memelite, complete scores.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.ndim != 2 or len(matrix) != N_BASES or not np.allclose(matrix.sum(0), 1, atol=1e-3):
        raise BadInput(f"a matrix of shape {matrix.shape} came; wanted (4, W) whose columns sum to 1")
    if len(motifs) < MIN_TARGETS:
        raise BadInput(f"{len(motifs)} motifs came; Tomtom's p-values want {MIN_TARGETS} or more to compare with")
    from memelite import tomtom  # compiles with numba: only where it is wanted

    p_value, score, offset, overlap, strand = tomtom([matrix], [motif.matrix for motif in motifs])  # (1, M) each
    table = pd.DataFrame(
        {
            "motif_id": [motif.id for motif in motifs],
            "motif_name": [motif.name for motif in motifs],
            "p_value": p_value[0],
            "q_value": false_discovery_control(np.clip(p_value[0], 0, 1)),
            "score": score[0],
            "offset": offset[0].astype(int),
            "overlap": overlap[0].astype(int),
            "strand": np.where(strand[0] > 0, "-", "+").astype(object),
        }
    )
    return table.sort_values("p_value", kind="stable").reset_index(drop=True)


def _check_hits(sequence: Tensor, places: pd.DataFrame, motifs: Sequence[Motif]) -> None:
    if sequence.ndim != 2 or len(sequence) != len(places):
        raise BadInput(f"sequences of shape {tuple(sequence.shape)} came for {len(places)} places; wanted (N, L)")
    if sequence.numel() and not 0 <= int(sequence.min()) <= int(sequence.max()) <= N_BASES:
        low, high = int(sequence.min()), int(sequence.max())
        raise BadInput(f"bases numbered {low} to {high}; wanted 0 to 3 for A C G T and 4 for N")
    if not motifs:
        raise BadInput("no motifs to look for; wanted one or more")
    ids = pd.Index([motif.id for motif in motifs])
    if not ids.is_unique:
        raise BadInput(f"motif {ids[ids.duplicated()][0]} came twice; wanted each once")
    longest = max(motifs, key=lambda motif: motif.width_bp)
    if longest.width_bp > sequence.shape[1]:
        raise BadInput(
            f"motif {longest.id} has {longest.width_bp} positions and the elements {sequence.shape[1]} bases; "
            "wanted wider elements"
        )
