"""Motif files: probabilities by hand, real collections, files without a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cases import case

from cre_core.errors import BadFile
from cre_core.io.motifs import read_motifs

MEME = """MEME version 4

ALPHABET= ACGT

MOTIF M1 first
letter-probability matrix: alength= 4 w= 2 nsites= 4
0.25 0.25 0.25 0.25
1 0 0 0
URL http://example.org
MOTIF M2
letter-probability matrix: alength= 4 w= 1
0 0 0 2
"""
TRANSFAC = """AC MA0004.1
XX
ID Arnt
PO\tA\tC\tG\tT
01\t4.0\t16.0\t0.0\t0.0
02\t0\t0\t0\t5\tT
//
"""


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "motifs.txt"
    path.write_text(text)
    return path


def test_meme(tmp_path: Path) -> None:
    first, second = read_motifs(_file(tmp_path, MEME))
    assert (first.id, first.name, first.width_bp) == ("M1", "first", 2)
    np.testing.assert_array_equal(first.matrix, [[0.25, 1], [0.25, 0], [0.25, 0], [0.25, 0]])
    assert (second.id, second.name) == ("M2", "M2")
    np.testing.assert_array_equal(second.matrix, [[0], [0], [0], [1]])


def test_transfac(tmp_path: Path) -> None:
    (motif,) = read_motifs(_file(tmp_path, TRANSFAC))
    assert (motif.id, motif.name) == ("MA0004.1", "Arnt")
    np.testing.assert_array_equal(motif.matrix, [[0.2, 0], [0.8, 0], [0, 0], [0, 1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MEME version 4\n\nMOTIF M1\n", "has no motif matrix; wanted MEME or TRANSFAC text"),
        ("chr1\t1\t2\n", "has no motif matrix"),
        (MEME.replace("w= 2", "w= 9").split("URL")[0], "is truncated: motif M1 has 2 of 9 positions"),
        (MEME.replace("1 0 0 0", "1 0 0 x"), "motif M1 is not a matrix of numbers: it holds 'x' in position 2"),
        (MEME.replace("1 0 0 0", "1 0 0 nan"), "it holds 'nan' in position 2; wanted 0 or more"),
        (MEME.replace("1 0 0 0", "1 0 0 1e400"), "it holds '1e400' in position 2"),
        (MEME.replace("1 0 0 0", "1 0 0 -1"), "it holds '-1' in position 2"),
        (MEME.replace("1 0 0 0", "1 0 0"), "motif M1 is not a matrix: position 2 has 3 columns"),
        (MEME.replace("MOTIF M2", "MOTIF"), r"the motif in line 10 has no name; wanted MOTIF and a name"),
        (MEME.replace("MOTIF M2", ""), "the matrix in line 11 belongs to no MOTIF"),
        (MEME.replace("w= 2", "w= " + "9" * 5000), "motif M1 has 2 of 999999999 positions"),
        (TRANSFAC.replace("AC MA0004.1", "").replace("ID Arnt", ""), "matrix 1 has no name; wanted AC or ID"),
        (MEME.replace("1 0 0 0", "0 0 0 0"), "without empty positions"),
        (TRANSFAC.replace("\t16.0\t0.0\t0.0", "\t16.0"), "motif MA0004.1 is not a matrix|without empty positions"),
    ],
)
def test_bad_motif_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_motifs(_file(tmp_path, text))


def test_blank_lines_around_a_matrix_do_not_count(tmp_path: Path) -> None:
    text = MEME.replace("nsites= 4\n", "nsites= 4\n\n").replace("0.25 0.25\n", "0.25 0.25\n  \n")
    first, second = read_motifs(_file(tmp_path, text))
    np.testing.assert_array_equal(first.matrix, [[0.25, 1], [0.25, 0], [0.25, 0], [0.25, 0]])
    assert second.id == "M2"


def test_case_files_of_motifs() -> None:
    first, second = read_motifs(case("D1b.meme"))
    np.testing.assert_allclose(first.matrix.T, [[0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]])
    np.testing.assert_allclose(second.matrix.T, [[0.1, 0.2, 0.3, 0.4]])
    with pytest.raises(BadFile, match=r"^D2\.meme: the motif in line 3 has no name"):
        read_motifs(case("D2.meme"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "n_motifs"),
    [
        ("motifs/H12CORE_meme_format.meme", 1443),
        ("motifs/JASPAR2024_CORE_vertebrates_non-redundant_pfms_transfac.txt", 879),
        ("scpge/H11FULL_meme_format.meme", 600),
    ],
)
def test_real_collections(shared_data: Path, name: str, n_motifs: int) -> None:
    motifs = read_motifs(shared_data / name)
    assert len(motifs) == n_motifs
    for motif in motifs:
        np.testing.assert_allclose(motif.matrix.sum(axis=0), 1)
