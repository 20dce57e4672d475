"""Places and assemblies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cre_core.errors import BadInput, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38, Locus, check_assembly


def test_people_count_from_one() -> None:
    locus = Locus.parse("chr8:127,735,434-127,742,951", HG38)
    assert (locus.chrom, locus.start, locus.end) == ("chr8", 127735433, 127742951)
    assert locus.width_bp == 7518
    assert str(locus) == "chr8:127,735,434-127,742,951"


@given(st.integers(1, 145_138_000), st.integers(1, 600))
def test_text_and_back(first: int, width: int) -> None:
    locus = Locus("chr8", first - 1, first - 1 + width)
    assert Locus.parse(str(locus), HG38) == locus


@pytest.mark.parametrize("name", ["8", "chr8", "CHR8", " chr8 "])
def test_aliases_of_a_chromosome(name: str) -> None:
    assert HG38.chrom(name) == "chr8"


def test_x_and_mitochondrion() -> None:
    assert (HG38.chrom("x"), HG38.chrom("MT"), HG38.chrom("chrM")) == ("chrX", "chrM", "chrM")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MYC", "'MYC' is not a place; wanted chrom:start-end"),
        ("chr99:1-5", "hg38 has no chromosome 'chr99'"),
        ("chr22:50,818,000-50,818,469", "ends past the end of chr22 (hg38, 50,818,468 bases)"),
        ("chr1:500-400", "end 400 is not after start 499"),
        ("chr1:0-400", "starts at 0; the first base is 1"),
    ],
)
def test_a_bad_place_says_what_came(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Locus.parse(text, HG38)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hg19_is_recognised() -> None:
    with pytest.raises(
        WrongAssembly, match=r"a\.bw looks like hg19: chr2 has 243,199,373 bases, hg38 has 242,193,529"
    ):
        check_assembly({"2": 243199373}, HG38, source="a.bw")


def test_a_build_nobody_knows() -> None:
    with pytest.raises(WrongAssembly, match=r"a\.bw is not hg38: chr2 has 7 bases"):
        check_assembly({"chr2": 7}, HG38, source="a.bw")


def test_no_shared_chromosome() -> None:
    with pytest.raises(UnknownName, match=r"a\.bw: no chromosome of hg38; the file has scaffold_1"):
        check_assembly({"scaffold_1": 7}, HG38, source="a.bw")


def test_the_right_build_passes() -> None:
    check_assembly({"chr22": 50818468, "chr22_random": 5}, HG38, source="a.bw")
    check_assembly({"22": 51304566}, HG19, source="a.bw")


def test_resized_moves_instead_of_cutting() -> None:
    assert Locus("chr8", 10, 20).resized(100, HG38) == Locus("chr8", 0, 100)
    end = HG38.size("chr8")
    assert Locus("chr8", end - 10, end).resized(100, HG38) == Locus("chr8", end - 100, end)
    assert Locus("chr8", 1000, 1010).resized(100, HG38) == Locus("chr8", 955, 1055)


def test_overlap_is_half_open() -> None:
    assert not Locus("chr1", 0, 10).overlaps(Locus("chr1", 10, 20))
    assert Locus("chr1", 0, 11).overlaps(Locus("chr1", 10, 20))
    assert not Locus("chr1", 0, 11).overlaps(Locus("chr2", 0, 11))
    assert Locus("chr1", 0, 11).contains(Locus("chr1", 0, 11))
