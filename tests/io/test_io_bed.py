"""BED family: columns, names, dropped scaffolds, and every bad row in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from cre_core.errors import BadFile, BadInput, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38
from cre_core.io import bed


def _file(tmp_path: Path, text: str, name: str = "a.bed") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_bed_skips_header_lines_and_counts_other_scaffolds(tmp_path: Path) -> None:
    text = (
        "browser position chr1\ntrack name=x\n#chrom\tstart\tend\nchr1\t10\t20\ta\t.\t-\n\n"
        "1\t30\t40\tb\t7\t+\nchr1_random\t1\t2\tc\t1\t.\nchrEBV\t1\t2\td\t1\t.\n"
    )
    table = bed.read_bed(_file(tmp_path, text), assembly=HG38)
    assert table["chrom"].tolist() == ["chr1", "chr1"]
    assert table["start"].tolist() == [10, 30]
    assert table["end"].tolist() == [20, 40]
    assert table["name"].tolist() == ["a", "b"]
    assert table["strand"].tolist() == ["-", "+"]
    assert np.isnan(table["score"][0])
    assert table["score"][1] == 7
    assert table.attrs["n_dropped"] == 2


def test_bed_takes_gzip_given_names_header_line_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "a.bed.gz"
    path.write_bytes(gzip.compress(b"chr start end\nchrX 5 6 SHH extra\n"))
    table = bed.read_bed(path, assembly=HG38, names=("chrom", "start", "end", "gene_name"))
    assert table.iloc[0].tolist() == ["chrX", 5, 6, "SHH", "extra"]
    assert table.columns[-1] == "column_5"


def test_bed12_has_its_twelve_names(tmp_path: Path) -> None:
    line = "chr1\t0\t9\tn\t0\t+\t0\t9\t0\t2\t3,3\t0,6\n"
    assert bed.read_bed(_file(tmp_path, line), assembly=HG38).columns[-1] == "block_starts"


def test_bed_end_before_start_names_the_row(tmp_path: Path) -> None:
    path = _file(tmp_path, "chr1\t1\t2\nchr1\t900\t800\n")
    with pytest.raises(BadInput, match=r"a\.bed: 1 rows end before they start; first: row 1 chr1:900-800"):
        bed.read_bed(path, assembly=HG38)


def test_hg19_file_in_an_hg38_study_is_told_apart(tmp_path: Path) -> None:
    path = _file(tmp_path, "chr1\t10\t20\nchr1\t249200000\t249250600\n")
    with pytest.raises(WrongAssembly, match=r"looks like hg19, wanted hg38: 1 rows.*row 1 chr1 up to 249,250,600 of"):
        bed.read_bed(path, assembly=HG38)


def test_end_past_every_known_assembly_is_bad_input(tmp_path: Path) -> None:
    path = _file(tmp_path, "chr1\t10\t300000000\n")
    with pytest.raises(BadInput, match=r"row 0 chr1 up to 300,000,000 of 248,956,422"):
        bed.read_bed(path, assembly=HG38)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("scaffold_1\t1\t2\n", UnknownName, "no chromosome of hg38; the file has scaffold_1"),
        ("chr1\tx\t2\n", BadInput, "column start holds 'x' in row 0; wanted a whole number"),
        ("chr1\t1\n", BadFile, "has 2 columns; wanted chrom, start, end"),
        ("chr1\t1\t2\nchr1\t1\t2\t3\t4\n", BadFile, "is not an even table"),
        ("", BadFile, "is empty"),
        ("a\0b", BadFile, "is a binary file"),
    ],
)
def test_bad_bed_says_what_came(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bed.read_bed(_file(tmp_path, text), assembly=HG38)


def test_missing_and_truncated_files(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"cannot read .*No such file"):
        bed.read_bed(tmp_path / "none.bed", assembly=HG38)
    path = tmp_path / "cut.bed.gz"
    path.write_bytes(gzip.compress(b"chr1\t1\t2\n" * 1000)[:-20])
    with pytest.raises(BadFile, match=r"cut\.bed\.gz is truncated"):
        bed.read_bed(path, assembly=HG38)


def test_narrowpeak_summit_is_absolute_and_minus_one_is_nan(tmp_path: Path) -> None:
    text = "chr1\t100\t200\t.\t0\t.\t5.5\t-1\t2\t40\nchr1\t300\t400\t.\t0\t.\t6\t3\t-1\t-1\n"
    table = bed.read_narrowpeak(_file(tmp_path, text), assembly=HG38)
    np.testing.assert_array_equal(table["summit"], [140, np.nan])
    np.testing.assert_array_equal(table["p_value"], [np.nan, 3])
    np.testing.assert_array_equal(table["q_value"], [2, np.nan])
    assert table["signal_value"].tolist() == [5.5, 6]


def test_broadpeak_needs_nine_columns(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="has 3 columns; wanted chrom, start, end, name"):
        bed.read_broadpeak(_file(tmp_path, "chr1\t1\t2\n"), assembly=HG38)


def test_bedgraph_keeps_absence_and_refuses_words(tmp_path: Path) -> None:
    table = bed.read_bedgraph(_file(tmp_path, "chr1\t0\t5\t2.5\nchr1\t5\t9\t.\n"), assembly=HG38)
    np.testing.assert_array_equal(table["value"], [2.5, np.nan])
    with pytest.raises(BadFile, match="column value holds 'high' in row 1; wanted a number"):
        bed.read_bedgraph(_file(tmp_path, "chr1\t0\t5\t1\nchr1\t5\t9\thigh\n"), assembly=HG38)


def test_bedpe_points_become_one_base_and_both_anchors_are_checked(tmp_path: Path) -> None:
    table = bed.read_bedpe(_file(tmp_path, "9\t10\t20\t9\t50\t50\tx\t1.5\t+\t-\n"), assembly=HG38)
    assert table.loc[0, ["chrom2", "start2", "end2", "score"]].tolist() == ["chr9", 50, 51, 1.5]
    with pytest.raises(BadInput, match=r"second anchor: intervals.*|second anchor: 1 rows end before they start"):
        bed.read_bedpe(_file(tmp_path, "9\t10\t20\t9\t60\t50\n"), assembly=HG38)
    with pytest.raises(WrongAssembly, match="looks like hg19"):
        bed.read_bedpe(_file(tmp_path, "9\t10\t20\t9\t141213000\t141213400\n"), assembly=HG38)


def test_rao_lists(tmp_path: Path) -> None:
    head = "chr1\tx1\tx2\tchr2\ty1\ty2\tcolor\t"
    loops = _file(tmp_path, f"{head}o\tfdr_bl\n10\t5\t10\t10\t50\t60\t0,255,255\t7\t0.1\n", "loops.txt")
    table = bed.read_hiccups_loops(loops, assembly=HG19)
    assert table.iloc[0].tolist() == ["chr10", 5, 10, "chr10", 50, 60, 7.0, 0.1]
    domains = _file(tmp_path, f"{head}f1\tf2\n10\t5\t100\t10\t5\t100\t255,255,0\t0.9\t0.1\n", "domains.txt")
    table = bed.read_arrowhead_domains(domains, assembly=HG19)
    assert table.iloc[0].to_dict() == {"chrom": "chr10", "start": 5, "end": 100, "corner_score": 0.9}
    with pytest.raises(BadFile, match="wanted chr1 x1 x2 chr2 y1 y2"):
        bed.read_hiccups_loops(_file(tmp_path, "chr1\t1\t2\n"), assembly=HG19)


@pytest.mark.shared_data
def test_real_files_have_the_rows_their_sources_state(shared_data: Path) -> None:
    folder = shared_data / "targetfinder_hg19"
    counts = shared_data / "epinformer_data" / "Enhancers.DHS.ENCFF257HEE.bam.CountReads.bedgraph"
    assert len(bed.read_bedgraph(counts, assembly=HG38)) == 116_669
    # Rao et al. 2014: 6,057 loops and 5,975 domains in K562.
    assert len(bed.read_hiccups_loops(folder / "GSE63525_K562_HiCCUPS_looplist.txt.gz", assembly=HG19)) == 6_057
    domains = folder / "GSE63525_K562_Arrowhead_domainlist.txt.gz"
    assert len(bed.read_arrowhead_domains(domains, assembly=HG19)) == 5_975
    with pytest.raises(WrongAssembly, match="looks like hg19"):
        bed.read_arrowhead_domains(domains, assembly=HG38)
    with pytest.raises(WrongAssembly, match="looks like hg19"):
        bed.read_broadpeak(folder / "wgEncodeBroadHistoneK562H3k4me3StdPk.broadPeak.gz", assembly=HG38)
