"""Motif scores: planted sites, both strands, and a plain loop over sites."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cre_core.data import motif_scores as module
from cre_core.data.motif_scores import best_motif_scores, motif_scores
from cre_core.errors import BadFile, BadInput
from cre_core.io.motifs import Motif, read_motifs

COMPLEMENT = torch.tensor([3, 2, 1, 0, 4], dtype=torch.int8)


def sharp(name: str, site: str) -> Motif:
    """A motif that knows one word: probability 1 at each of its bases."""
    return Motif(name, name, np.array([[float(base == letter) for letter in site] for base in "ACGT"]))


def drawn(n: int, seed: int = 0) -> list[Motif]:
    draw = np.random.default_rng(seed)
    return [Motif(f"m{k}", f"m{k}", draw.dirichlet(np.ones(4), draw.integers(1, 9)).T) for k in range(n)]


def bases(text: str) -> torch.Tensor:
    return torch.tensor([["ACGTN".index(base) for base in text]], dtype=torch.int8)


def some_sequences(n: int, length: int, seed: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 5, (n, length)).astype(np.int8))


def plain_best(sequence: list[int], motif: Motif) -> float:
    """A loop over strands, sites and positions."""
    best = -1.0
    strands = [sequence, [3 - base if base < 4 else 4 for base in reversed(sequence)]]
    for strand in strands:
        for start in range(len(strand) - motif.width_bp + 1):
            site = strand[start : start + motif.width_bp]
            best = max(best, sum(motif.matrix[base, i] for i, base in enumerate(site) if base < 4))
    return best


def test_by_hand() -> None:
    # GATA: at base 2 of the first; the first's other words share fewer bases. TATC is GATA on the - strand.
    motifs = [sharp("gata", "GATA"), sharp("ccc", "CCC")]
    best = best_motif_scores(torch.cat([bases("TTGATATT"), bases("TTTATCTT"), bases("TTGATTTT")]), motifs)
    assert best[:, 0].tolist() == [4, 4, 3]
    assert best[:, 1].tolist() == [1, 1, 1]


def test_a_motif_of_probabilities_by_hand() -> None:
    motif = Motif("m", "m", np.array([[0.5, 0.1], [0.25, 0.2], [0.25, 0.3], [0.0, 0.4]]))
    # + strand of AC: 0.5 + 0.2; its - strand GT: 0.25 + 0.4 = 0.65
    torch.testing.assert_close(best_motif_scores(bases("AC"), [motif]), torch.tensor([[0.7]]))
    # AT is its own reverse complement: 0.5 + 0.4
    torch.testing.assert_close(best_motif_scores(bases("AT"), [motif]), torch.tensor([[0.9]]))


def test_a_planted_site_is_the_best() -> None:
    sequence = some_sequences(3, 60)
    planted = sharp("planted", "GATTACAGATTACA")
    sequence[1, 23:37] = bases("GATTACAGATTACA")[0]
    scores = motif_scores(sequence, [*drawn(20), planted])
    assert best_motif_scores(sequence, [planted])[:, 0].argmax() == 1
    assert scores[1, 20] == 1


def test_a_plain_loop_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence, motifs = some_sequences(7, 23), drawn(11)
    plain = [[plain_best(row, motif) for motif in motifs] for row in sequence.tolist()]
    wanted = torch.tensor(plain, dtype=torch.float64)
    for chunk in (1, 64 << 20):
        monkeypatch.setattr(module, "CHUNK_BYTES", chunk)
        torch.testing.assert_close(best_motif_scores(sequence, motifs).double(), wanted, rtol=1e-5, atol=1e-6)


def test_the_other_strand_scores_the_same() -> None:
    sequence, motifs = some_sequences(5, 40), drawn(8)
    other = COMPLEMENT[sequence.flip(1).long()]
    torch.testing.assert_close(motif_scores(other, motifs), motif_scores(sequence, motifs))


def test_a_site_does_not_reach_over_the_end() -> None:
    # GAT without its A at the right end, or ATA without its G at the left: two of the last whole word's bases fit
    motifs = [sharp("gata", "GATA"), sharp("long", "CCCCCCCC")]
    assert best_motif_scores(bases("CCCCCGAT"), motifs)[0, 0] == best_motif_scores(bases("ATCGGGGG"), motifs)[0, 0]
    assert best_motif_scores(bases("CCCCCGAT"), motifs)[0].tolist() == [
        plain_best([1, 1, 1, 1, 1, 2, 0, 3], m) for m in motifs
    ]
    assert best_motif_scores(bases("CCCCCGATN"), motifs)[0, 0] == 3  # with a base there, unknown, it is a whole site


def test_scaled_over_the_motifs_of_an_element() -> None:
    motifs = [sharp("a", "A"), sharp("gata", "GATA"), sharp("ccc", "CCC")]
    # best of GATATT: 1 (a), 4 (gata), 1 (ccc, with G of the - strand)
    torch.testing.assert_close(motif_scores(bases("GATATT"), motifs), torch.tensor([[0.0, 1.0, 0.0]]))
    assert motif_scores(bases("GATATT"), motifs[:1]).tolist() == [[0.0]]  # one motif: no range


def test_no_known_base_is_no_data() -> None:
    both = torch.cat([bases("NNNNN"), bases("NNACN")])
    assert motif_scores(both, [sharp("a", "A"), sharp("ac", "AC"), sharp("gg", "GG")]).isnan().tolist() == [
        [True] * 3,
        [False] * 3,
    ]


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^no motifs to score; wanted one or more$"):
        motif_scores(bases("ACGT"), [])
    with pytest.raises(BadInput, match=r"^motif gattaca has 7 positions and the sequences 4 bases; wanted longer"):
        motif_scores(bases("ACGT"), [sharp("a", "A"), sharp("gattaca", "GATTACA")])
    with pytest.raises(BadInput, match=r"^bases numbered 0 to 7; wanted 0 to 3 for A C G T and 4 for N$"):
        motif_scores(torch.tensor([[0, 7]]), [sharp("a", "A")])
    (tmp_path / "none.meme").write_text("MEME version 4\n\nALPHABET= ACGT\n")
    with pytest.raises(BadFile, match=r"^none\.meme has no motif matrix; wanted MEME or TRANSFAC text$"):
        read_motifs(tmp_path / "none.meme")


@pytest.mark.shared_data
def test_the_600_motifs_of_scpge(shared_data: Path) -> None:
    motifs = read_motifs(shared_data / "scpge" / "H11FULL_meme_format.meme")
    sequence = some_sequences(2, 600)
    scores = motif_scores(sequence, motifs)
    assert scores.shape == (2, 600)
    assert (scores.amin(1).tolist(), scores.amax(1).tolist()) == ([0, 0], [1, 1])
    best = best_motif_scores(sequence, motifs)
    for k in (0, 299, 599):
        torch.testing.assert_close(float(best[1, k]), plain_best(sequence[1].tolist(), motifs[k]), rtol=1e-5, atol=0)
