"""Known motifs: planted sites are found, and found matrices are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cre_core.errors import BadInput
from cre_core.interpretation.motif_hits import HIT_COLUMNS, attention_weighted, motif_hits, similar_motifs
from cre_core.io.motifs import Motif, read_motifs

JASPAR = "motifs/JASPAR2024_CORE_vertebrates_non-redundant_pfms_transfac.txt"
PLACES = pd.DataFrame({"element_id": ["e1", "e2"], "chrom": ["chr1", "chr1"], "start": [1_000, 5_000]})


@pytest.fixture(scope="module")
def jaspar(shared_data: Path) -> list[Motif]:
    return read_motifs(shared_data / JASPAR)


def planted(motif: Motif) -> torch.Tensor:
    """Poly-A; of the first the motif's best site at 50, of the second its reverse complement at 120."""
    best = torch.from_numpy(motif.matrix.argmax(0)).to(torch.int8)
    sequence = torch.zeros(2, 200, dtype=torch.int8)
    sequence[0, 50 : 50 + len(best)] = best
    sequence[1, 120 : 120 + len(best)] = 3 - best.flip(0)
    return sequence


@pytest.mark.slow
def test_planted_sites_on_both_strands(jaspar: list[Motif]) -> None:
    ctcf = next(motif for motif in jaspar if motif.name == "CTCF")
    found = motif_hits(planted(ctcf), PLACES, [jaspar[0], ctcf], p_value=1e-7)
    W = ctcf.width_bp
    assert tuple(found) == HIT_COLUMNS
    assert found[["element_id", "chrom", "start", "end", "strand", "motif_id", "motif_name"]].to_numpy().tolist() == [
        ["e1", "chr1", 1_050, 1_050 + W, "+", ctcf.id, "CTCF"],
        ["e2", "chr1", 5_120, 5_120 + W, "-", ctcf.id, "CTCF"],
    ]
    best = np.log2((ctcf.matrix.max(0) + 1e-4) / 0.25).sum()  # FIMO's pseudocount, uniform background
    assert found["score"].to_numpy() == pytest.approx([best, best], rel=1e-5)
    assert (found["p_value"] <= 1e-7).all()
    nothing = motif_hits(torch.full((2, 200), 4, dtype=torch.int8), PLACES, [ctcf])
    assert (len(nothing), tuple(nothing)) == (0, HIT_COLUMNS)


@pytest.mark.slow
def test_a_matrix_finds_itself_on_either_strand(jaspar: list[Motif]) -> None:
    ctcf = next(motif for motif in jaspar if motif.name == "CTCF")
    some = [ctcf, *(motif for motif in jaspar[:40] if motif.name != "CTCF")]
    for matrix, strand in ((ctcf.matrix[:, 1:-1], "+"), (ctcf.matrix[::-1, ::-1], "-")):
        found = similar_motifs(matrix, some)
        assert len(found) == len(some)
        assert found.loc[0, ["motif_id", "strand"]].tolist() == [ctcf.id, strand]
        assert found["q_value"][0] < 1e-6
        assert found["p_value"].is_monotonic_increasing
        assert (found["q_value"] >= found["p_value"] * (1 - 1e-9)).all()


def test_hits_weighted_by_attention_by_hand() -> None:
    hits = pd.DataFrame(
        {
            "element_id": ["e1", "e1", "e2", "e3", "e3"],
            "motif_id": ["M1", "M2", "M1", "M1", "M3"],
            "motif_name": ["A", "B", "A", "A", "C"],
            "score": [10.0, 30.0, 20.0, 5.0, 5.0],
        }
    )
    found = attention_weighted(hits, pd.Series({"e1": 0.1, "e2": 0.5, "e3": np.nan}))
    assert found["motif_id"].tolist() == ["M1", "M2", "M3"]
    assert found["n_hits"].tolist() == [2, 1, 0]
    assert found["n_hits_unread"].tolist() == [1, 0, 1]
    np.testing.assert_allclose(found["weighted_score"], [11, 3, np.nan])  # not read is not zero
    with pytest.raises(BadInput, match="attention names element e1 twice"):
        attention_weighted(hits, pd.Series([0.1, 0.2], index=["e1", "e1"]))


FLAT = Motif("M1", "flat", np.full((4, 6), 0.25))


@pytest.mark.parametrize(
    ("sequence", "motifs", "message"),
    [
        (torch.zeros(1, 50, dtype=torch.int8), [FLAT], r"shape \(1, 50\) came for 2 places; wanted \(N, L\)"),
        (torch.full((2, 50), 5, dtype=torch.int8), [FLAT], "bases numbered 5 to 5; wanted 0 to 3 for A C G T"),
        (torch.zeros(2, 50, dtype=torch.int8), [], "no motifs to look for; wanted one or more"),
        (torch.zeros(2, 50, dtype=torch.int8), [FLAT, FLAT], "motif M1 came twice; wanted each once"),
        (torch.zeros(2, 5, dtype=torch.int8), [FLAT], "motif M1 has 6 positions and the elements 5 bases"),
    ],
)
def test_what_cannot_be_scanned(sequence: torch.Tensor, motifs: list[Motif], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        motif_hits(sequence, PLACES, motifs)


def test_what_cannot_be_named() -> None:
    with pytest.raises(BadInput, match=r"a matrix of shape \(6, 4\) came; wanted \(4, W\) whose columns sum to 1"):
        similar_motifs(FLAT.matrix.T, [FLAT] * 30)
    with pytest.raises(BadInput, match="2 motifs came; Tomtom's p-values want 25 or more to compare with"):
        similar_motifs(FLAT.matrix, [FLAT] * 2)
