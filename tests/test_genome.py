"""Places and assemblies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cre_core.errors import BadInput, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38, Locus, check_assembly, is_place


def test_people_count_from_one() -> None:
    locus = Locus.parse("chr8:127,735,434-127,742,951", HG38)
    assert (locus.chrom, locus.start, locus.end) == ("chr8", 127735433, 127742951)
    assert locus.width_bp == 7518
    assert str(locus) == "chr8:127,735,434-127,742,951"


MYC = "chr8:127,735,434-127,742,951"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("chr8 127735434 127742951", MYC),
        ("8\t127735433\t127742951", MYC),
        ("chr8\t127735433\t127742951\tMYC\t0\t+", MYC),
        ("chr8:127735434 127742951", MYC),
        ("chr8 127,735,434-127,742,951", MYC),
        ("chr8-127735434-127742951", MYC),
        ("chr8:127735434\N{EN DASH}127742951", MYC),
        ("NC_000008.11:127735434-127742951", MYC),
        ("CM000670.2:127735434..127742951", MYC),
        ("chr8:127735434", "chr8:127,735,434"),
        ("8 127,735,434", "chr8:127,735,434"),
        ("chr8:127.5-128Mb", "chr8:127,500,000-128,000,000"),
        ("chr8:127.5Mb-128 Mb", "chr8:127,500,000-128,000,000"),
        ("chr8 127500 kb 128m", "chr8:127,500,000-128,000,000"),
        ("chr8:0-1Mb", "chr8:1-1,000,000"),
        ("chr8", "chr8:1-145,138,636"),
        ("8", "chr8:1-145,138,636"),
        ("NC_000008.11", "chr8:1-145,138,636"),
        ("x", "chrX:1-156,040,895"),
        ("12 13 14", "chr12:13-14"),
    ],
)
def test_places_as_people_write_them(text: str, place: str) -> None:
    assert str(Locus.parse(text, HG38)) == place
    assert str(Locus.parse(f" {text} ", HG38, chrom="chr3")) == place  # the chromosome it names counts


@pytest.mark.parametrize("text", ["127.5-128Mb", "127500000-128,000,000", "127.5 Mb - 128 Mb"])
def test_a_place_without_chromosome_is_on_the_current_one(text: str) -> None:
    assert str(Locus.parse(text, HG38, chrom="chr8")) == "chr8:127,500,000-128,000,000"
    with pytest.raises(BadInput, match="names no chromosome; wanted chrom:start-end"):
        Locus.parse(text, HG38)


def test_megabases_are_not_taken_for_a_chromosome() -> None:
    assert str(Locus.parse("12-13Mb", HG38, chrom="chr8")) == "chr8:12,000,000-13,000,000"


@pytest.mark.parametrize("name", ["NKX2-5", "H1-10", "IGKV1-5", "HLA-A", "MYC", "7SK", ""])
def test_gene_names_are_no_places(name: str) -> None:
    assert not is_place(name)


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("NC_000008.10", WrongAssembly, "NC_000008.10 is chr8 of hg19; wanted hg38"),
        ("CM000670.1", WrongAssembly, "CM000670.1 is chr8 of hg19; wanted hg38"),
        ("NC_000008.99", WrongAssembly, "NC_000008.99 is chr8 of another assembly; wanted hg38"),
        ("NC_000067.7", UnknownName, "hg38 has no chromosome 'NC_000067.7'"),
    ],
)
def test_accession_numbers_of_other_genomes(name: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        HG38.chrom(name)


@pytest.mark.parametrize(
    ("name", "on_hg38", "on_hg19"),
    [
        ("NC_000001", "chr1", "chr1"),
        ("nc_000007.14", "chr7", None),
        ("NC_000007.13", None, "chr7"),
        ("NC_000023.11", "chrX", None),
        ("NC_000024.10", "chrY", None),
        ("NC_000024.9", None, "chrY"),
        ("CM000663.2", "chr1", None),
        ("CM000686.1", None, "chrY"),
        ("NC_012920.1", "chrM", "chrM"),
    ],
)
def test_accession_numbers_of_both_builds(name: str, on_hg38: str | None, on_hg19: str | None) -> None:
    for assembly, wanted in ((HG38, on_hg38), (HG19, on_hg19)):
        if wanted is None:
            with pytest.raises(WrongAssembly):
                assembly.chrom(name)
        else:
            assert assembly.chrom(name) == wanted


@given(st.text(alphabet="chrX8:-,. \tMbk0123456789\N{EN DASH}\u0663", max_size=30))
def test_any_text_is_a_place_or_one_line(text: str) -> None:
    said = ""
    try:
        place = Locus.parse(text, HG38, chrom="chr8")
    except BadInput as error:
        said = str(error)
    if said:
        assert "\n" not in said
    else:
        assert Locus.parse(str(place), HG38) == place


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
        ("chr22:50,818,000-50,818,469", "chr22 has 50,818,468 bases in hg38; 50,818,469 lies beyond"),
        ("chr1:500-400", "end 400 is not after start 499"),
        ("chr1:0-400", "starts at 0; the first base is 1"),
        (",-,", "',-,' is not a place; wanted chrom:start-end"),
        ("chr8:,-,", "is not a place; wanted chrom:start-end"),
        ("1" * 5_000, "111...' is not a place; wanted chrom:start-end"),
        ("chr8:1-" + "9" * 5_000, "999...' is no whole number of bases on a chromosome"),
        ("chr8:" + "0" * 5_000, "000...' is no whole number of bases on a chromosome"),
        ("chr8:1.5-3", "'1.5' is no whole number of bases"),
        ("chr8:0.0000001-1Mb", "'0.0000001' is no whole number of bases"),
        ("chr8:1-100-5", "is not a place"),
        ("chr8:\N{ARABIC-INDIC DIGIT ONE}-5", "is not a place"),
    ],
)
def test_a_bad_place_says_what_came(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Locus.parse(text, HG38)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


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
