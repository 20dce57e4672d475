"""What the search box means, on the tiny study: genes SIM1 .. SIM40, elements E1 .. E200, two chromosomes of 3 Mb."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, CreError, UnknownName
from dashboard.services.search import current_chrom, resolve, suggestions


def test_the_very_name_comes_first_then_short_names(study: Study) -> None:
    names = [hit.text for hit in suggestions(study, "sim1")]
    assert names == ["SIM1", "SIM10", "SIM11", "SIM12", "SIM13", "SIM14", "SIM15", "SIM16"]


@pytest.mark.parametrize("text", ["SIM7", "sim7", " Sim7 ", "SIMG0007"])
def test_a_gene_by_name_or_id(study: Study, text: str) -> None:
    hit = resolve(study, text)
    assert (hit.kind, hit.text) == ("gene", "SIM7")
    assert dict(hit.changes) == {"gene": "SIM7", "locus": "", "element": "", "pair": "", "knock_outs": ""}


@pytest.mark.parametrize("text", ["chr1:1,001-2,000", "1:1001-2000", "CHR1:1001..2000", " 1 : 1,001 - 2,000 "])
def test_a_place_as_people_write_it(study: Study, text: str) -> None:
    hit = resolve(study, text)
    assert hit.kind == "place"
    assert dict(hit.changes)["locus"] == "chr1:1,001-2,000"
    assert suggestions(study, text) == [hit]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("chr1 1001 2000", "chr1:1,001-2,000"),
        ("chr1:1500", "chr1:1,500-1,500"),
        ("chr2", "chr2:1-3,000,000"),
        ("2", "chr2:1-3,000,000"),
        ("chr2:0.5-1Mb", "chr2:500,000-1,000,000"),
        ("0.5-1Mb", "chr1:500,000-1,000,000"),
    ],
)
def test_shorter_ways_to_write_a_place(study: Study, text: str, place: str) -> None:
    hit = resolve(study, text, chrom="chr1")
    assert dict(hit.changes)["locus"] == place
    assert suggestions(study, text, chrom="chr1")[0] == hit


def test_the_current_chromosome_is_that_of_the_place_else_of_the_gene(study: Study) -> None:
    assert current_chrom(study, "chr2:1-5", "SIM1") == "chr2"
    assert current_chrom(study, "", "SIM1") == str(study.gene("SIM1")["chrom"])
    assert current_chrom(study, "nowhere", "") is None
    with pytest.raises(BadInput, match="names no chromosome"):
        resolve(study, "0.5-1Mb")


def test_a_versioned_id_opens_its_gene(study: Study) -> None:
    genes = study.genes.assign(gene_id=[f"ENSG{i:011d}" for i in range(len(study.genes))])
    genes.loc[genes["gene_name"] == "SIM7", "gene_name"] = "SEPT9"
    other = Study(study.folder, replace(study.info, name="other"))
    other.__dict__["genes"] = genes
    wanted = genes.loc[genes["gene_name"] == "SEPT9", "gene_id"].iloc[0]
    for text in (f"{wanted}.19", "SEPTIN9", "septin9"):
        assert resolve(other, text).text == "SEPT9"
        assert suggestions(other, text)[0].text == "SEPT9"


def test_an_element_opens_around_itself(study: Study) -> None:
    hit = resolve(study, "e12")
    assert (hit.kind, hit.text) == ("element", "E12")
    # E12 lies at 50,000 + 11 x 29,000 = 369,000 .. 369,500; the view is 50 kb around its middle.
    assert dict(hit.changes) == {"locus": "chr1:344,251-394,250", "element": "E12", "pair": ""}


def test_a_gene_no_model_knows_opens_as_a_gene(study: Study) -> None:
    hit = resolve(study, "lonely")
    assert (hit.kind, hit.text) == ("gene", "LONELY")
    assert hit.note.endswith("no model")
    assert dict(hit.changes) == {"gene": "LONELY", "locus": "", "element": "", "pair": "", "knock_outs": ""}


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", BadInput, "the search box is empty"),
        ("NOPE", UnknownName, "has no gene 'NOPE'"),
        ("SIM99", UnknownName, "did you mean SIM1"),
        ("chr1:1-3,000,001", BadInput, "chr1 has 3,000,000 bases in tiny1; 3,000,001 lies beyond"),
        ("chr9:1-100", UnknownName, "no chromosome 'chr9'"),
        ("chr1:200-100", BadInput, "is not after start"),
        ("chr1:,-,", UnknownName, "has no gene 'chr1:,-,'"),
        ("9" * 5_000, UnknownName, "999...'"),
    ],
)
def test_what_means_nothing_is_one_line(study: Study, text: str, kind: type[CreError], says: str) -> None:
    with pytest.raises(kind) as caught:
        resolve(study, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "   ", "NOPE", "chr1:1-3,000,001", "(", "*", "E1", ",-,", "9" * 5_000, "NOPE 5"]
)
def test_suggestions_never_raise(study: Study, text: str) -> None:
    assert suggestions(study, text) == []


def test_at_most_eight(study: Study) -> None:
    assert len(suggestions(study, "S")) == 8
    assert [hit.text for hit in suggestions(study, "E10")][:2] == ["E10", "E100"]
    assert len(suggestions(study, "E10")) == 8
