"""Chain files as programs write them, and every number in them that cannot be."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from cases import case

from cre_core.errors import BadFile, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38, Assembly
from cre_core.io.chain import lift_over, read_chain

OLD = Assembly("old", {"chr1": 1000, "chrM": 100})
NEW = Assembly("new", {"chr1": 1100, "chrM": 100})
# Old chr1 100-200 -> new 150-250; a gap of 10 and 30; old 210-300 -> new 280-370.
HEAD = "chain 900 chr1 1000 + 100 300 chr1 1100 + 150 370 1\n"
CHAIN = HEAD + "100 10 30\n90\n\n"


def _read(tmp_path: Path, text: str) -> pd.DataFrame:
    path = tmp_path / "x.chain"
    path.write_text(text)
    place = pd.DataFrame({"chrom": ["chr1"], "start": [220], "end": [230]})
    return lift_over(place, read_chain(path), source=OLD, target=NEW).table


@pytest.mark.parametrize(
    "text",
    [
        CHAIN,
        "# this chain file was made by a program\n" + CHAIN,
        HEAD + "# among the chain blocks\n100 10 30\n  #more\n90\n",
        CHAIN.replace(" ", "\t"),
        CHAIN.replace("\n", "\r\n"),
        "\ufeff\n\n" + CHAIN.replace("chain 900", "chain 900.5"),
        CHAIN.replace("chr1", "1"),
        CHAIN.replace("370 1\n", "370\n"),
        CHAIN + "chain 1 MT 99 + 0 5 MT 98 + 0 5 2\n5\n",
        CHAIN + "chain 1 GL000192.1 99 + 0 5 chr1 1100 + 0 5 2\n5\n",
    ],
)
def test_chains_as_programs_write_them(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text)[["chrom", "start", "end"]].to_numpy().tolist() == [["chr1", 290, 300]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + "100 10 x\n90\n", "'x' among the blocks; wanted whole numbers"),
        (HEAD + "100 10 inf\n90\n", "'inf' among the blocks"),
        (HEAD + "100 -10 30\n90\n", "'-10' among the blocks"),
        (HEAD + "100.5 10 30\n90\n", r"'100\.5' among the blocks"),
        (HEAD + "1_00 10 30\n90\n", "'1_00' among the blocks"),
        (HEAD + "9" * 30 + " 10 30\n90\n", "'99999.*' among the blocks"),
        (HEAD + "100 10 30\n0 100 100\n90\n", "a block of no bases|its blocks cover"),
        (HEAD + "100 10 30\n", "is truncated or not a chain file"),
        (HEAD + "100 10 30\n80\n", "its blocks cover 190 bases of the source, its header says 200"),
        (CHAIN.replace("150 370", "150 380"), "its blocks cover 220 bases of the target, its header says 230"),
        (CHAIN.replace("chain 900", "chain many"), "score is 'many'; wanted a whole number"),
        (CHAIN.replace("1000 +", "inf +"), "source size is 'inf'; wanted a whole number"),
        (CHAIN.replace("1000 + 100", "1000 + nan"), "source start is 'nan'; wanted a whole number"),
        (CHAIN.replace("1100 +", "1100 ?"), r"target strand is '\?'; wanted \+ or -"),
        (CHAIN.replace("1000 +", "1000 -"), "the source is on the - strand"),
        (CHAIN.replace("100 300", "300 100"), "source 300-100 is not within its 1000 bases"),
        (CHAIN.replace("1100 +", "200 +"), "target 150-370 is not within its 200 bases"),
        (CHAIN + CHAIN.replace("1000", "1001"), "gives chr1 both 1,000 and 1,001 bases"),
        ("chain 900 chr1 1000 + 100\n", "5 fields; wanted score, and name, size, strand, start, end"),
        ("chr1\t1\t2\n" + CHAIN, "it starts with 'chr1 1 2'; wanted 'chain'"),
        ("chainsaw\n", "it starts with 'chainsaw'"),
    ],
)
def test_numbers_that_cannot_be_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadFile, match=says) as caught:
        _read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_accession_numbers_and_names_without_chr(tmp_path: Path) -> None:
    sizes = HG38.chrom_sizes["chr8"], HG19.chrom_sizes["chr8"]
    path = tmp_path / "x.chain"
    path.write_text(f"chain 9 NC_000008.11 {sizes[0]} + 0 100 8 {sizes[1]} + 50 150 1\n100\n")
    place = pd.DataFrame({"chrom": ["chr8"], "start": [10], "end": [20]})
    lifted = lift_over(place, read_chain(path), source=HG38, target=HG19)
    assert lifted.table[["chrom", "start", "end"]].to_numpy().tolist() == [["chr8", 60, 70]]
    with pytest.raises(WrongAssembly, match=r"NC_000008\.11 is chr8 of hg38; wanted hg19"):
        lift_over(place, read_chain(path), source=HG19, target=HG38)
    path.write_text("chain 9 a 100 + 0 100 b 100 + 0 100 1\n100\n")
    with pytest.raises(UnknownName, match=r"x\.chain, source: no chromosome of hg38; the file has a"):
        lift_over(place, read_chain(path), source=HG38, target=HG19)


def test_case_files_of_chains() -> None:
    for name in ("90-comment.chain", "91-tabs.chain"):
        place = pd.DataFrame({"chrom": ["chr1"], "start": [5], "end": [9]})
        assert lift_over(place, read_chain(case(name)), source=HG38, target=HG19).table["start"].tolist() == [5]
