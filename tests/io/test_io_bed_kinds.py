"""BED and BEDPE as people have them: what is usable is used, what is not is counted and named."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
from cases import case

from cre_core.errors import BadFile, BadInput, WrongAssembly
from cre_core.genome import HG19, HG38
from cre_core.io import bed, text
from cre_core.io.notes import notes_of

GOOD = "".join(f"chr1\t{i}00\t{i}50\tp{i}\n" for i in range(1, 6))


def _file(tmp_path: Path, content: str | bytes, name: str = "a.bed") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ("chr1\t700\t700\tx\n", "without width; first: row 5 chr1:700-700"),
        ("chr1\t900\t800\tx\n", "end before they start; first: row 5 chr1:900-800"),
        ("chr1\t-5\t800\tx\n", "start before the chromosome; first: row 5 chr1:-5-800"),
        ("chr1\tinf\t800\tx\n", "without whole numbers as place; first: row 5 chr1:inf-800"),
        ("chr1\t1e400\t800\tx\n", "without whole numbers as place; first: row 5 chr1:1e400-800"),
        ("chr1\t99999999999999999999\t800\tx\n", "without whole numbers as place; first: row 5"),
        ("chr1\t\t800\tx\n", "without whole numbers as place"),
        ("chr1\n", "without whole numbers as place"),
        ("chr1\t1\t2\tx\t5\n", "more fields than the first row's 4; first: row 5"),
    ],
)
def test_a_row_that_cannot_be_used_is_skipped_counted_and_named(tmp_path: Path, row: str, note: str) -> None:
    table = bed.read_bed(_file(tmp_path, GOOD + row + "chr1\t1000\t1100\tlast\n"), assembly=HG38)
    assert table["name"].tolist() == ["p1", "p2", "p3", "p4", "p5", "last"]
    assert notes_of(table)[0].startswith(f"a.bed: 1 of 7 rows skipped, {note}")


def test_row_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD + "chr1\t1\t2\tx\t5\nchrUn_1\t5\t4\nchr1\t9\t8\ty\n")
    assert notes_of(bed.read_bed(path, assembly=HG38))[1].endswith("end before they start; first: row 7 chr1:9-8")


@pytest.mark.parametrize("cell", ["100.5", "0.25"])
def test_a_coordinate_with_decimals_makes_the_whole_file_no_bed(tmp_path: Path, cell: str) -> None:
    with pytest.raises(BadInput, match=f"column start holds '{cell}' in row 5; wanted a whole number"):
        bed.read_bed(_file(tmp_path, f"{GOOD}chr1\t{cell}\t200\tx\n"), assembly=HG38)


def test_whole_numbers_in_scientific_notation_stay_right(tmp_path: Path) -> None:
    table = bed.read_bed(_file(tmp_path, "chr1\t1.86e+08\t186000100.0\n"), assembly=HG38)
    assert table[["start", "end"]].to_numpy().tolist() == [[186_000_000, 186_000_100]]


def test_a_file_without_any_width_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no row has a place with a width; first: row 0 chr1:5-5"):
        bed.read_bed(_file(tmp_path, "chr1\t5\t5\nchr2\t6\t6\n"), assembly=HG38)


def test_a_bad_row_on_a_dropped_scaffold_is_dropped_with_it(tmp_path: Path) -> None:
    table = bed.read_bed(_file(tmp_path, GOOD + "GL000192.1\t-9\t1.5\tx\n"), assembly=HG38)
    assert (len(table), table.attrs["n_dropped"], notes_of(table)) == (5, 1, [])


def test_rows_past_the_end_of_the_mitochondrion_do_not_decide_the_assembly(tmp_path: Path) -> None:
    table = bed.read_bed(_file(tmp_path, GOOD + "chrM\t16500\t16600\tx\n"), assembly=HG38)
    assert notes_of(table) == ["a.bed: 1 of 6 rows skipped, past the end of chrM; first: row 5"]


@pytest.mark.parametrize(
    ("strands", "read", "note"),
    [
        ("+ - .", "+ - .", ""),
        ("1 -1 .", "+ - .", "column strand holds 1 and -1; read as + and -"),
        ("+1 -1 0", "+ - .", "column strand holds 1 and -1; read as + and -"),
        ("+ * -", "+ . -", r"no strand in 1 of 3 rows; first: '*' in row 1; read as ."),
        ("+ ? -", "+ . -", r"no strand in 1 of 3 rows; first: '?' in row 1; read as ."),
        ("390 1 804", ". . .", "no strand in 3 of 3 rows; first: '390' in row 0; read as ."),
        ("0 1 1", ". . .", "no strand in 3 of 3 rows; first: '0' in row 0; read as ."),
        ("enhancer promoter enhancer", ". . .", "no strand in 3 of 3 rows; first: 'enhancer' in row 0"),
    ],
)
def test_only_plus_and_minus_are_strands(tmp_path: Path, strands: str, read: str, note: str) -> None:
    rows = [f"chr1\t{i}\t{i + 5}\tx\t0\t{strand}\n" for i, strand in enumerate(strands.split())]
    table = bed.read_bed(_file(tmp_path, "".join(rows)), assembly=HG38)
    assert table["strand"].tolist() == read.split()
    assert note in " ".join(notes_of(table))
    assert ("column_6" in table) == (read == ". . .")  # another column taken for the strand is not lost
    assert bool(notes_of(table)) == bool(note)


def test_text_in_column_five_is_no_score(tmp_path: Path) -> None:
    text = "#Chr\tStart\tEnd\tID\tCNV\n1\t10\t20\ta\tDEL\n1\t30\t40\tb\tDUP\n"
    table = bed.read_bed(_file(tmp_path, text), assembly=HG38)
    assert table["column_5"].tolist() == ["DEL", "DUP"]
    assert table["score"].isna().all()
    assert notes_of(table) == ["a.bed: column 5 is no score; first: 'DEL' in row 0"]


def test_a_score_that_is_no_number_among_scores_is_no_data(tmp_path: Path) -> None:
    rows = "".join(
        f"chr1\t{i}\t{i + 5}\tx\t{score}\n" for i, score in enumerate(("5", ".", "high", "inf", "7", "8", "9"))
    )
    table = bed.read_bed(_file(tmp_path, rows), assembly=HG38)
    np.testing.assert_array_equal(table["score"], [5, np.nan, np.nan, np.nan, 7, 8, 9])
    assert notes_of(table) == ["a.bed: 2 of 7 scores are no number; first: 'high' in row 2; read as no data"]


@pytest.mark.parametrize(
    "header",
    ["\ufeff#chrom\tstart\tend", "\ufeffchr1\t1\t2\tx", "chrom1\tstart1\tend1", "seqnames\tstart\tend",
     "Chromosome\tBegin\tStop", '"chr"\t"start"\t"end"', "chr\tchromStart\tchromEnd", "chr1\tx1\tx2"],
)  # fmt: skip
def test_headers_as_other_programs_write_them(tmp_path: Path, header: str) -> None:
    table = bed.read_bed(_file(tmp_path, f"{header}\nchr1\t300\t400\tb\n"), assembly=HG38)
    assert table.iloc[-1][["chrom", "start", "end", "name"]].tolist() == ["chr1", 300, 400, "b"]
    assert len(table) == (2 if "\t1\t2" in header else 1)


@pytest.mark.parametrize("line", ["chr1   300   400   x", "chr1\t300 400\tx", " chr1 300\t400 x"])
def test_blanks_among_tabs(tmp_path: Path, line: str) -> None:
    table = bed.read_bed(_file(tmp_path, f"{GOOD}{line}\n"), assembly=HG38, names=("chrom", "start", "end", "name"))
    assert table.iloc[-1].tolist() == ["chr1", 300, 400, "x"]
    first = bed.read_bed(_file(tmp_path, f"{line}\n{GOOD}"), assembly=HG38, names=("chrom", "start", "end", "name"))
    assert first.iloc[0].tolist() == ["chr1", 300, 400, "x"]


def test_padded_cells_and_other_line_ends(tmp_path: Path) -> None:
    for end in ("\r\n", "\r"):
        table = bed.read_bed(
            _file(tmp_path, f"chr1 \t 100\t200  \t a \t5 \t- {end}chr2\t1\t2\tb\t6\t+{end}"), assembly=HG38
        )
        assert table.iloc[0].tolist() == ["chr1", 100, 200, "a", 5.0, "-"]
        assert len(table) == 2


@pytest.mark.parametrize("name", ["NC_000008.11", "NC_000008", "CM000670.2"])
def test_accession_numbers_are_chromosomes(tmp_path: Path, name: str) -> None:
    assert bed.read_bed(_file(tmp_path, f"{name}\t1\t2\n"), assembly=HG38)["chrom"].tolist() == ["chr8"]


def test_accession_numbers_say_the_assembly(tmp_path: Path) -> None:
    path = _file(tmp_path, "NC_000008.10\t1\t2\n")
    assert bed.read_bed(path, assembly=HG19)["chrom"].tolist() == ["chr8"]
    with pytest.raises(WrongAssembly, match=r"^a\.bed: NC_000008\.10 is chr8 of hg19; wanted hg38$"):
        bed.read_bed(path, assembly=HG38)


PAIR = "chr1\t100\t200\tchr1\t500\t600\ta\t1\t+\t-\n"


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ("chr1\t100\t200\t.\t-1\t-1\tb\t1\t+\t.\n", "1 of 3 rows skipped, one anchor alone; first: row 2"),
        (".\t-1\t-1\tchr1\t100\t200\tb\t1\t.\t+\n", "1 of 3 rows skipped, one anchor alone; first: row 2"),
        ("chr1\t100\t200\n", "1 of 3 rows skipped, one anchor alone; first: row 2"),
        (PAIR.replace("\n", "\tmore\n"), "1 of 3 rows skipped, more fields than the first row's 10; first: row 2"),
        (
            PAIR.replace("500", "inf"),
            "second anchor: 1 of 3 rows skipped, without whole numbers as place; first: row 2",
        ),
    ],
)
def test_bedpe_rows_that_cannot_be_used(tmp_path: Path, row: str, note: str) -> None:
    table = bed.read_bedpe(_file(tmp_path, PAIR + PAIR + row, "a.bedpe"), assembly=HG38)
    assert len(table) == 2
    assert note in notes_of(table)[0]


def test_bedpe_header_as_other_programs_write_it(tmp_path: Path) -> None:
    head = "chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tsv_id\tpe_support\tstrand1\tstrand2\n"
    table = bed.read_bedpe(_file(tmp_path, head + PAIR, "a.bedpe"), assembly=HG38)
    assert table.iloc[0].tolist() == ["chr1", 100, 200, "chr1", 500, 600, "a", 1.0, "+", "-"]


def test_arrowhead_lists_of_newer_programs_write_score_twice(tmp_path: Path) -> None:
    head = (
        "#chr1\tx1\tx2\tchr2\ty1\ty2\tname\tscore\tstrand1\tstrand2\tcolor\tscore\tuVarScore\n# made by a program\n"
    )
    path = _file(tmp_path, head + "1\t1000\t2000\t1\t1000\t2000\t.\t.\t.\t.\t255,255,0\t0.9\t0.3\n")
    assert bed.read_arrowhead_domains(path, assembly=HG38).iloc[0].tolist() == ["chr1", 1000, 2000, 0.9]


def test_hiccups_lists_padded_and_with_newer_names(tmp_path: Path) -> None:
    head = "chr1\tx1   \tx2   \tchr2\ty1   \ty2   \tcolor\tobserved\texpectedBL\tfdrBL   \tnumCollapsed\n"
    path = _file(tmp_path, head + "chr9\t100  \t200  \tchr9\t900  \t999  \t0,0,9\t101.0   \t31.5 \t1E-13\t1\n")
    row = bed.read_hiccups_loops(path, assembly=HG38).iloc[0]
    assert row[["start", "end2", "observed", "expected_bl", "fdr_bl", "n_collapsed"]].tolist() == [
        100,
        999,
        101,
        31.5,
        1e-13,
        1,
    ]


def test_a_bedgraph_value_that_is_no_number(tmp_path: Path) -> None:
    rows = "".join(f"chr1\t{i}\t{i + 1}\t{value}\n" for i, value in enumerate(("1", ".", "high", "inf", "7")))
    table = bed.read_bedgraph(_file(tmp_path, rows), assembly=HG38)
    np.testing.assert_array_equal(table["value"], [1, np.nan, 7])
    assert notes_of(table) == [
        "a.bed: 2 of 5 rows skipped, value is no number; first: column value holds 'high' in row 2"
    ]


def test_a_gzip_made_to_fill_the_memory_is_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    with pytest.raises(BadFile, match=r"^a\.bed is no table of places or genes: [\d,]+ packed bytes hold more than"):
        bed.read_bed(_file(tmp_path, packed), assembly=HG38)


def test_a_file_larger_than_any_such_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_BYTES", 50)
    with pytest.raises(BadFile, match="it has more than 50 bytes"):
        bed.read_bed(_file(tmp_path, GOOD), assembly=HG38)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(GOOD.encode() * 100)[:-30], "is truncated or not gzip"),
        ("\ufeff".encode("utf-16-le") + GOOD.encode("utf-16-le"), "is UTF-16 text; wanted UTF-8"),
        (b"\xef\xbb\xbf", "is empty"),
        (GOOD.encode() * 100 + b"\0", "is a binary file"),
    ],
    ids=("truncated", "UTF-16", "a mark alone", "binary"),
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        bed.read_bed(_file(tmp_path, content), assembly=HG38)


def test_folders_and_devices_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(BadFile, match=r"^cannot read .*: not a file$"):
            bed.read_bed(path, assembly=HG38)


def test_case_files_of_bed_and_bedpe() -> None:
    assert notes_of(bed.read_bed(case("09-zerolen.bed"), assembly=HG38))[0].startswith("09-zerolen.bed: 1 of 2 rows")
    assert len(bed.read_bed(case("abc_blacklist_hg19.bed"), assembly=HG19)) == 410
    with pytest.raises(BadInput, match=r"column start holds '100\.5' in row 0; wanted a whole number"):
        bed.read_bed(case("02-fraction.bed"), assembly=HG38)
    assert bed.read_bed(case("03b-bom-header.bed"), assembly=HG38)[["start", "end"]].to_numpy().tolist() == [
        [300, 400]
    ]
    assert bed.read_bed(case("pgt_strange_strand.bed"), assembly=HG38)["strand"].tolist() == ["+", "-", "."]
    assert set(bed.read_bed(case("bioframe_jaspar.bed"), assembly=HG38)["strand"]) == {"."}
    assert set(bed.read_bed(case("clodius_cnv_head.bed"), assembly=HG19)["column_5"]) == {"DEL", "DUP"}
    assert len(bed.read_bedpe(case("22-unpaired.bedpe"), assembly=HG38)) == 1
    assert len(bed.read_bedpe(case("24-header.bedpe"), assembly=HG38)) == 1
    assert bed.read_bedpe(case("clodius_header_head.bedpe"), assembly=HG19)["score"][:2].tolist() == [18, 50]
    sniffles = bed.read_bedpe(case("igvjs_SKBR3_Sniffles_variants_tra.bedpe"), assembly=HG19)
    assert (len(sniffles), sniffles.attrs["n_dropped"]) == (124, 15)  # 140 rows, one past the end of chrM
    assert bed.read_arrowhead_domains(case("27-arrowhead2.txt"), assembly=HG38)["corner_score"].tolist() == [0.9]
    assert bed.read_hiccups_loops(case("igvjs_hiccups_encode.tsv"), assembly=HG38)["start"].tolist() == [
        136790000,
        33290000,
    ]
    mixed = bed.read_bedgraph(case("igvjs_mixedPosNeg.bedgraph"), assembly=HG19)
    assert mixed["value"].tolist() == [1, 0.75, 0.5, 0.25, 0, -0.25, -0.5, -0.75, -1]
