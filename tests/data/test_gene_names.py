"""Other names of a gene, by the HGNC's own lists of changes; and how a study is asked with them."""

from __future__ import annotations

import pytest

from cre_core.data.gene_names import names_of
from cre_core.data.study import Study
from cre_core.errors import UnknownName
from cre_core.io.expression import stable_id


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
    assert names_of(older) == [older, today]
    assert names_of(f" {today.lower()} ") == [today, older]


def test_names_that_did_not_change_stay_alone() -> None:
    for name in ("MYC", "SEPT15", "MARCH12", "H3C5", "MARCO", "H1-0X"):
        assert names_of(name) == [name]
    assert names_of("March-7") == ["MARCH-7", "MARCHF7", "MARCH7"]


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
