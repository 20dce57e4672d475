"""FASTA by genomic coordinates: whole chromosomes, windows, bgzip, and where the index goes."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pysam
import pytest
from cases import case

from cre_core.errors import BadFile, BadInput, UnknownName, WrongAssembly
from cre_core.genome import HG38, Assembly, Locus
from cre_core.io.fasta import Fasta, encode

SIM = Assembly("sim", {"sim1": 25, "sim2": 7})
TEXT = ">sim1 first\nACGTACGTAC\nNNacgtRYKM\nTTTTT\n>sim2\nGATTACA\n"


def _file(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "a.fa"
    path.write_text(text)
    return path


def test_fetch_crosses_lines_and_is_upper_case(tmp_path: Path) -> None:
    with Fasta(_file(tmp_path), assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim1", 8, 16)) == "ACNNACGT"
        assert fasta.fetch(Locus("sim2", 0, 7)) == "GATTACA"
        assert fasta.encode(Locus("sim1", 8, 16)).tolist() == [0, 1, 4, 4, 0, 1, 2, 3]
        assert fasta.windows == (Locus("sim1", 0, 25), Locus("sim2", 0, 7))
        with pytest.raises(BadInput, match=r"sim2:1-8 is outside the sequence in a\.fa, which is sim2:1-7"):
            fasta.fetch(Locus("sim2", 0, 8))


def test_encode_by_hand() -> None:
    codes = encode("ACGTacgtN-")
    assert codes.dtype == np.int8
    assert codes.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    "header", ["hg38_dna range=chr22:101-112 5'pad=0 3'pad=0 strand=+", "chr22:101-112", "chr22:100-112"]
)
def test_window_has_genomic_coordinates(tmp_path: Path, header: str) -> None:
    with Fasta(_file(tmp_path, f">{header}\nACGTACGTA\nGGG\n"), assembly=HG38) as fasta:
        assert fasta.windows == (Locus("chr22", 100, 112),)
        assert fasta.fetch(Locus("chr22", 107, 111)) == "TAGG"
        with pytest.raises(BadInput, match=r"chr22:101-113 is outside the sequence in a\.fa, which is chr22:101-112"):
            fasta.fetch(Locus("chr22", 100, 113))
        with pytest.raises(UnknownName, match=r"a\.fa has no sequence of chr1; it has chr22"):
            fasta.fetch(Locus("chr1", 100, 113))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (">chr22:101-120\nACGT\n", BadFile, "names 20 bases, the sequence has 4"),
        (">x range=chr22:1-4 strand=-\nACGT\n", BadFile, "is on the - strand; wanted"),
        (">chr1\nACGT\n", WrongAssembly, "chr1 has 4 bases, hg38 has 248,956,422"),
        (">plasmid\nACGT\n", UnknownName, "no chromosome of hg38; the file has plasmid"),
        ("ACGT\n", BadFile, "is not FASTA"),
        (">chr1\nAC\nACGT\nA\n", BadFile, r"is not FASTA: line \d of '>chr1' differs in length"),
        (">chr1:101-110/rc\nTTTTTTTTTA\n", BadFile, "'>chr1:101-110/rc' is on the - strand; wanted +"),
        (">chr1:101-104(-)\nACGT\n", BadFile, "is on the - strand"),
        (">x::chr1:100-104(-)\nACGT\n", BadFile, "is on the - strand"),
        (">chr1:101-104:-\nACGT\n", BadFile, "is on the - strand"),
        (">chr1:101-104 strand: minus\nACGT\n", BadFile, "is on the - strand"),
        (">chromosome:GRCh38:8:101:104:-1\nACGT\n", BadFile, "is on the - strand"),
        (">chr1:101-104 reverse complement\nACGT\n", BadFile, "is on the - strand"),
        (">chr1:101-104\n\n\n>chr2:101-104\nATCG\n", BadFile, "is not FASTA: a record has blank lines alone"),
        (">chr1:101-104\nAC\n\nGT\n", BadFile, "differs in length from the others of its record, or is blank"),
        (">chr1:101-104\nACGT\n>chr1:101-104\nACGT\n", BadFile, "is not FASTA: two records have one name"),
        (">chr1:" + "9" * 5000 + "-5\nACGT\n", UnknownName, "no chromosome of hg38"),
        (">chr1:110-101\nACGT\n", BadFile, "names -8 bases, the sequence has 4"),
        ("\ufeff>chr1:101-104\nACGT\n", BadFile, "wanted lines of bases under lines that start with >"),
    ],
)
def test_bad_fasta(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Fasta(_file(tmp_path, text), assembly=HG38)


@pytest.mark.parametrize(
    "header", ["chr1:101-104(+)", "x::chr1:100-104(+)", "chr1:101-104 strand=+", "chr1:101-104/x"]
)
def test_the_plus_strand_may_be_said(tmp_path: Path, header: str) -> None:
    with Fasta(_file(tmp_path, f">{header}\nACGT\n"), assembly=HG38) as fasta:
        assert fasta.fetch(Locus("chr1", 100, 104)) == "ACGT"


def test_no_record_is_lost_after_a_blank_line(tmp_path: Path) -> None:
    with Fasta(_file(tmp_path, ">chr1:101-104\nACGT\n\n>chr2:1-4\nGGCC\n"), assembly=HG38) as fasta:
        assert fasta.fetch(Locus("chr2", 0, 4)) == "GGCC"


def test_letters_that_are_no_bases(tmp_path: Path) -> None:
    with (
        Fasta(_file(tmp_path, ">chr1:101-104\nACEF\n"), assembly=HG38) as fasta,
        pytest.raises(BadFile, match=r"a\.fa holds 'E' in chr1:101-104; wanted its 4 bases, A, C, G, T or N"),
    ):
        fasta.fetch(Locus("chr1", 100, 104))


def test_case_files_of_fasta(tmp_path: Path) -> None:
    for name, says in (("41-rc.fa", "is on the - strand"), ("46-blank-lines.fa", "blank lines alone")):
        with pytest.raises(BadFile, match=says):
            Fasta(case(name), assembly=HG38, index_folder=tmp_path)


def test_missing_and_plain_gzip(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        Fasta(tmp_path / "none.fa", assembly=SIM)
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(TEXT.encode()))
    with pytest.raises(BadFile, match="is compressed otherwise than bgzip"):
        Fasta(tmp_path / "a.fa.gz", assembly=SIM)


def test_bgzip(tmp_path: Path) -> None:
    pysam.tabix_compress(str(_file(tmp_path)), str(tmp_path / "b.fa.gz"))
    with Fasta(tmp_path / "b.fa.gz", assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim1", 8, 16)) == "ACNNACGT"


def test_no_index_is_written_beside_a_read_only_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "data").mkdir()
    path = _file(tmp_path / "data")
    real = os.access

    def access(where: os.PathLike[str], mode: int) -> bool:
        return real(where, mode) and not str(where).startswith(str(tmp_path / "data"))

    monkeypatch.setattr("cre_core.io.fasta_index.os.access", access)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with Fasta(path, assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim2", 0, 3)) == "GAT"
    assert [one.name for one in (tmp_path / "data").iterdir()] == ["a.fa"]
    (index,) = (tmp_path / "temporary").rglob("*.fai")
    assert index.parent.stat().st_mode & 0o777 == 0o700
    index.parent.chmod(0o777)
    with pytest.raises(BadInput, match=r"cre_core_index_\d+ is not a private folder of user \d+ \(mode 777\)"):
        Fasta(path, assembly=SIM)
    elsewhere = index.parent.rename(tmp_path / "elsewhere")
    elsewhere.chmod(0o700)
    index.parent.symlink_to(elsewhere)
    with pytest.raises(BadInput, match=r"cre_core_index_\d+ is a symbolic link; wanted a private folder"):
        Fasta(path, assembly=SIM)


def compressed(path: Path) -> Path:
    pysam.tabix_compress(str(path), f"{path}.gz", force=True)
    return path.with_name(f"{path.name}.gz")


GOOD = "sim1\t25\t12\t10\t11\nsim2\t7\t46\t7\t8\n"


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize(
    "index",
    [
        "sim1\t25\t12\t10\t11\n",  # a record short
        "sim1\t24\t12\t10\t11\nsim2\t7\t46\t7\t8\n",  # a base short
        "sim1\t26\t12\t10\t11\nsim2\t7\t46\t7\t8\n",  # a base long
        "sim1\t25\t12\t10\t11\nsim2\t7\t45\t7\t8\n",  # begins at the header's end
        "sim1\t25\t12\t10\t11\nsim2\t6\t47\t7\t8\n",  # begins at the second base
        "sim1\t25\t12\t10\t11\nsim3\t7\t46\t7\t8\n",  # another name
        "sim1\t25\t12\t11\t12\nsim2\t7\t46\t7\t8\n",  # lines of another length
        "sim1\t25\t12\t10\t11\nsim2\t700\t46\t7\t8\n",  # longer than the file
        "sim2\t7\t6\t7\t8\n",
        "no index at all\n",
        "sim1\tx\ty\n",
        "",
    ],
)
def test_an_index_that_does_not_fit_is_made_anew(tmp_path: Path, index: str, is_compressed: bool) -> None:
    path = compressed(_file(tmp_path)) if is_compressed else _file(tmp_path)
    with Fasta(path, assembly=SIM):
        pass
    fai = path.with_name(f"{path.name}.fai")
    assert fai.read_text() == GOOD
    fai.write_text(index)
    with Fasta(path, assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim1", 8, 16)) == "ACNNACGT"
        assert fasta.fetch(Locus("sim2", 0, 7)) == "GATTACA"
    assert fai.read_text() == GOOD
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("content", [b"", b"cut", bytes([9]) + bytes(7), struct.pack("<QQQ", 1, 7, 3)])
def test_an_index_of_blocks_that_does_not_fit_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = compressed(_file(tmp_path))
    with Fasta(path, assembly=SIM):
        pass
    blocks = path.with_name(f"{path.name}.gzi")
    good = blocks.read_bytes()
    blocks.write_bytes(content)
    with Fasta(path, assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim2", 0, 7)) == "GATTACA"
    assert blocks.read_bytes() == good


def test_an_index_that_fits_is_kept_and_an_older_one_made_anew(tmp_path: Path) -> None:
    path = _file(tmp_path, TEXT.replace("\n", "\r\n"))
    with Fasta(path, assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim2", 0, 7)) == "GATTACA"
    fai = tmp_path / "a.fa.fai"
    before = fai.stat().st_ino
    with Fasta(path, assembly=SIM):
        pass
    assert fai.stat().st_ino == before
    os.utime(fai, (1, 1))
    with Fasta(path, assembly=SIM):
        pass
    assert fai.stat().st_ino != before
    assert fai.stat().st_mtime > 1


def test_another_sequence_of_the_same_length_under_an_older_index(tmp_path: Path) -> None:
    path = _file(tmp_path)
    with Fasta(path, assembly=SIM):
        pass
    moved = TEXT.replace(">sim1 first", ">sim1").replace(">sim2", ">sim2 second")  # records begin elsewhere
    path.write_text(moved)
    os.utime(path, (1, 1))  # a copy that kept its old date
    with Fasta(path, assembly=SIM) as fasta:
        assert fasta.fetch(Locus("sim2", 0, 7)) == "GATTACA"
        assert fasta.fetch(Locus("sim1", 0, 4)) == "ACGT"


@pytest.mark.shared_data
def test_real_window_starts_genes_with_atg(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "hg38_chr22_sequence" / "chr22.txt"
    with Fasta(path, assembly=HG38, index_folder=tmp_path) as fasta:
        assert fasta.windows == (Locus("chr22", 37_200_000, 40_600_000),)
        assert fasta.fetch(Locus("chr22", 37_200_000, 37_200_010)) == "CTCTGGGGCC"
        assert len(fasta.fetch(Locus("chr22", 40_599_000, 40_600_000))) == 1000
        assert (fasta.encode(fasta.windows[0]) < 4).all()  # the manifest says: no N
