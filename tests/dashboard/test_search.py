"""What the search box means, on the tiny study: genes SIM1 .. SIM40, elements E1 .. E200, two chromosomes of 3 Mb."""

from __future__ import annotations

import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, CreError, UnknownName
from dashboard.services.search import resolve, suggestions


def test_the_very_name_comes_first_then_short_names(study: Study) -> None:
    names = [hit.text for hit in suggestions(study, "sim1")]
    assert names == ["SIM1", "SIM10", "SIM11", "SIM12", "SIM13", "SIM14", "SIM15", "SIM16"]


@pytest.mark.parametrize("text", ["SIM7", "sim7", " Sim7 ", "SIMG0007"])
def test_a_gene_by_name_or_id(study: Study, text: str) -> None:
    hit = resolve(study, text)
    assert (hit.kind, hit.text) == ("gene", "SIM7")
    assert dict(hit.changes) == {"gene": "SIM7", "locus": "", "element": "", "knock_outs": ""}


@pytest.mark.parametrize("text", ["chr1:1,001-2,000", "1:1001-2000", "CHR1:1001..2000", " 1 : 1,001 - 2,000 "])
def test_a_place_as_people_write_it(study: Study, text: str) -> None:
    hit = resolve(study, text)
    assert hit.kind == "place"
    assert dict(hit.changes)["locus"] == "chr1:1,001-2,000"
    assert suggestions(study, text) == [hit]


def test_an_element_opens_around_itself(study: Study) -> None:
    hit = resolve(study, "e12")
    assert (hit.kind, hit.text) == ("element", "E12")
    # E12 lies at 50,000 + 11 x 29,000 = 369,000 .. 369,500; the view is 50 kb around its middle.
    assert dict(hit.changes) == {"locus": "chr1:344,251-394,250", "element": "E12"}


def test_a_gene_no_model_knows_opens_as_a_place(study: Study) -> None:
    hit = resolve(study, "lonely")
    assert (hit.kind, hit.text) == ("gene", "LONELY")
    assert hit.note.endswith("no model")
    assert dict(hit.changes) == {"locus": "chr2:2,800,001-3,000,000", "element": ""}


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", BadInput, "the search box is empty"),
        ("NOPE", UnknownName, "has no gene 'NOPE'"),
        ("SIM99", UnknownName, "did you mean SIM1"),
        ("chr1:1-3,000,001", BadInput, "ends past the end of chr1"),
        ("chr9:1-100", UnknownName, "no chromosome 'chr9'"),
        ("chr1:200-100", BadInput, "is not after start"),
    ],
)
def test_what_means_nothing_is_one_line(study: Study, text: str, kind: type[CreError], says: str) -> None:
    with pytest.raises(kind) as caught:
        resolve(study, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "NOPE", "chr1:1-3,000,001", "(", "*", "E1"])
def test_suggestions_never_raise(study: Study, text: str) -> None:
    assert suggestions(study, text) == []


def test_at_most_eight(study: Study) -> None:
    assert len(suggestions(study, "S")) == 8
    assert [hit.text for hit in suggestions(study, "E10")][:2] == ["E10", "E100"]
    assert len(suggestions(study, "E10")) == 8
