"""Other names of a gene, by the HGNC's own lists of changes; and how a study is asked with them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from cre_core.data.gene_names import Asked, OtherNames, hgnc
from cre_core.data.study import Study
from cre_core.errors import BadInput, UnknownName
from cre_core.io.expression import stable_id

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "gene-names"


@pytest.mark.parametrize(
    ("older", "today"),
    [
        ("MARCH1", "MARCHF1"),
        ("MARCH11", "MARCHF11"),
        ("SEPT9", "SEPTIN9"),
        ("SEPT14", "SEPTIN14"),
        ("MARC2", "MTARC2"),
        ("DEC1", "DELEC1"),
        ("SEP15", "SELENOF"),
        ("H1F0", "H1-0"),
        ("HIST1H1T", "H1-6"),
        ("HIST1H2AA", "H2AC1"),
        ("HIST1H2AM", "H2AC17"),
        ("HIST2H2AC", "H2AC20"),
        ("HIST2H2AB", "H2AC21"),
        ("HIST3H2A", "H2AC25"),
        ("HIST1H2BK", "H2BC12"),
        ("HIST2H2BE", "H2BC21"),
        ("HIST2H2BF", "H2BC18"),
        ("HIST3H2BB", "H2BC26"),
        ("HIST1H3A", "H3C1"),
        ("HIST1H3J", "H3C12"),
        ("HIST2H3A", "H3C15"),
        ("HIST2H3D", "H3C13"),
        ("HIST1H4J", "H4C11"),
        ("HIST4H4", "H4C16"),
        ("H2AFY", "MACROH2A1"),
        ("H3F3B", "H3-3B"),
    ],
)
def test_symbols_of_today_and_older_ones_lead_to_each_other(older: str, today: str) -> None:
    for known, asked in ((older, today), (today, older)):
        assert OtherNames(["MYC", known], ["ENSG00000136997", ""]).of(f" {asked.lower()} ").rows == (1,)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("c-Myc", "MYC"),
        ("EKLF", "KLF1"),
        ("PU.1", "SPI1"),
        ("p53", "TP53"),
        ("HER2", "ERBB2"),
        ("Oct4", "POU5F1"),
        ("AML1", "RUNX1"),
        ("NF-E2", "NFE2"),
        ("STRA13", "CENPX"),
    ],
)
def test_aliases_that_papers_use_lead_to_todays_symbol(name: str, symbol: str) -> None:
    genes = OtherNames(["GATA1", symbol], ["ENSG00000102145", ""])
    assert genes.of(name) == genes.of(name.upper()) == Asked((1,), name)
    assert symbol in [record.symbol for record in hgnc()]


def test_a_hyphen_or_blank_too_many_is_forgiven_where_no_gene_has_it() -> None:
    genes = OtherNames(["MARCH7", "MYC", "GATA1"], ["ENSG00000136536", "ENSG00000136997", "ENSG00000102145"])
    assert genes.of("March-7").rows == (0,)
    assert (genes.of("cMyc"), genes.of("C MYC")) == (Asked((1,), "c-Myc"), Asked((1,), "c-Myc"))
    assert genes.of("gata 1").rows == (2,)


def test_a_name_of_several_genes_leads_to_each_and_a_symbol_of_today_to_its_own_gene_alone() -> None:
    both = OtherNames(["BHLHE40", "MYC", "CENPX"], ["", "", ""])
    assert both.of("STRA13") == Asked((0, 2), "STRA13")
    # NBN, nibrin, is also an alias of ARTN: a study without nibrin has no NBN.
    assert "NBN" in next(record.alias for record in hgnc() if record.symbol == "ARTN")
    assert OtherNames(["ARTN"], [""]).of("NBN") == Asked(())
    assert OtherNames(["ARTN", "NBS1"], ["", "ENSG00000104320"]).of("NBN") == Asked((1,), "NBN")


def test_genes_of_other_species_and_of_a_simulation_have_no_other_names() -> None:
    genes = OtherNames(["SIM1", "Myc"], ["SIMG00001", "ENSMUSG00000022346"])
    assert genes.of("bHLHe14") == genes.of("c-Myc") == Asked(())


def test_one_slip_away() -> None:
    genes = OtherNames(["MYCN", "MYC", "KLF1", "KLF12"], ["", "", "", ""])
    assert [genes.close(name) for name in ("MYYC", "mcy", "MY", "KLFI", "KL1")] == [[1], [1], [1], [2], [2]]
    assert genes.close("KLF11") == [2, 3]
    assert genes.close("GATA1") == genes.close("M" * 5_000) == []
    assert genes.close("EKLG") == [2]  # EKLF, which is KLF1


def test_the_table_is_made_from_the_symbols_in_use(tmp_path: Path) -> None:
    columns = "HGNC ID\tApproved symbol\tStatus\tAlias symbols\tPrevious symbols\tEnsembl gene ID"
    rows = ["1\tMYC\tApproved\tc-Myc, MYCC\t\tENSG00000136997", "2\tGONE\tEntry Withdrawn\t\t\t"]
    (tmp_path / "hgnc.tsv").write_text("\n".join([columns, *rows]) + "\n")
    command = [sys.executable, SCRIPT, tmp_path / "hgnc.tsv", tmp_path / "made.gz"]
    subprocess.run(command, check=True, capture_output=True)
    wanted = "symbol\tgene_id\tprevious\talias\nMYC\tENSG00000136997\t\tc-Myc|MYCC\n"
    assert gzip.decompress((tmp_path / "made.gz").read_bytes()).decode() == wanted
    (tmp_path / "hgnc.tsv").write_text("symbol\nMYC\n")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "has no column Status, Approved symbol" in done.stderr


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("ENSG00000136997.19", "ENSG00000136997"),
        ("ENSG00000136997.14_1", "ENSG00000136997"),
        ("ENSG00000136997.14_12", "ENSG00000136997"),
        ("ENSG00000002586.20_PAR_Y", "ENSG00000002586_PAR_Y"),
        ("ENSG00000002586.15_2_PAR_Y", "ENSG00000002586_PAR_Y"),
        ("ENSG00000002586.15_PAR_Y_2", "ENSG00000002586_PAR_Y"),
        ("ENSMUSG00000022346.3", "ENSMUSG00000022346"),
        ("ENSG00000136997", "ENSG00000136997"),
        ("MYC.1", "MYC.1"),
        ("NM_002467.6", "NM_002467.6"),
    ],
)
def test_a_version_and_what_follows_it_are_no_part_of_an_id(name: str, plain: str) -> None:
    assert stable_id(name) == plain


def test_a_study_is_asked_by_versioned_id_and_by_the_other_symbol(toy_study: Study) -> None:
    study = Study(toy_study.folder, toy_study.info)
    genes = study.genes.copy()
    genes.loc[:2, "gene_id"] = ["ENSG00000145416", "ENSG00000184640", "ENSG00000275714"]
    genes.loc[:2, "gene_name"] = ["MARCH1", "SEPTIN9", "HIST1H3A"]
    study.__dict__["genes"] = genes
    for asked, found in (("MARCHF1", "MARCH1"), ("SEPT9", "SEPTIN9"), ("h3c1", "HIST1H3A"), ("SEPTIN9", "SEPTIN9")):
        assert study.gene(asked)["gene_name"] == found
    assert study.gene("ENSG00000145416.16")["gene_name"] == "MARCH1"
    with pytest.raises(UnknownName, match="has no gene 'MARCHF2'"):
        study.gene("MARCHF2")


def test_the_study_says_which_gene_another_name_is(k562: Study) -> None:
    assert k562.gene("c-myc")["gene_name"] == "MYC"
    assert k562.gene_remark("c-myc") == "c-Myc is MYC"
    assert k562.gene_remark("MYC") == k562.gene_remark("ENSG00000136997.21") == ""
    with pytest.raises(BadInput, match="STRA13 is another name of several genes; wanted one of BHLHE40, CENPX"):
        k562.gene("STRA13")
    with pytest.raises(UnknownName, match="study k562 has no gene 'MYYC'; did you mean MYC"):
        k562.gene("MYYC")


def test_most_genes_of_k562_have_another_name(k562: Study) -> None:
    others = {record.gene_id for record in hgnc() if record.previous or record.alias}
    assert k562.annotated_genes["gene_id"].isin(others).mean() > 0.75
