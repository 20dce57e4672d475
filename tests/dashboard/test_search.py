"""What the search box means, on the tiny study: genes SIM1 .. SIM40, elements E1 .. E200, two chromosomes of 3 Mb."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cre_core.data.study import EMBEDDED, Study
from cre_core.errors import BadInput, CreError, UnknownName
from cre_core.genome import Locus
from dashboard.services.locus import view_of
from dashboard.services.search import current_chrom, remarks_on, resolve, suggestions, walkable
from dashboard.state import ViewState


def test_the_very_name_comes_first_then_short_names(study: Study) -> None:
    names = [hit.text for hit in suggestions(study, "sim1")]
    assert names == ["SIM1", "SIM10", "SIM11", "SIM12", "SIM13", "SIM14", "SIM15", "SIM16"]


@pytest.mark.parametrize("text", ["SIM7", "sim7", " Sim7 ", "SIMG0007"])
def test_a_gene_by_name_or_id(study: Study, text: str) -> None:
    hit = resolve(study, text)
    assert (hit.kind, hit.text) == ("gene", "SIM7")
    assert dict(hit.changes) == {"gene": "SIM7", "locus": "", "element": "", "pair": "", "knock_outs": ()}


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
    assert (hit.kind, hit.text) == ("element", "E12 (chr1:369,001-369,500)")
    # E12 lies at 50,000 + 11 x 29,000 = 369,000 .. 369,500; the view is 50 kb around its middle.
    assert dict(hit.changes) == {"locus": "chr1:344,251-394,250", "element": "E12", "pair": ""}


def test_a_gene_no_model_knows_opens_as_a_gene(study: Study) -> None:
    hit = resolve(study, "lonely")
    assert (hit.kind, hit.text) == ("gene", "LONELY")
    assert hit.note.endswith("no model")
    assert dict(hit.changes) == {"gene": "LONELY", "locus": "", "element": "", "pair": "", "knock_outs": ()}


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", BadInput, "the search box is empty"),
        ("NOPE", UnknownName, "has no gene 'NOPE'"),
        ("SIM99", UnknownName, "did you mean SIM9, SIM19, SIM29?"),
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
    assert [hit.names for hit in suggestions(study, "E10")][:2] == [("E10",), ("E100",)]
    assert len(suggestions(study, "E10")) == 8


# -- places ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("8", "chr8:1-145,138,636"),
        ("chr8", "chr8:1-145,138,636"),
        ("chr8:127.5-128Mb", "chr8:127,500,000-128,000,000"),
        ("127.5-128Mb", "chr8:127,500,000-128,000,000"),
        ("chr8 127.5 Mb - 128 Mb", "chr8:127,500,000-128,000,000"),
        ("chr8:127.5-128M", "chr8:127,500,000-128,000,000"),
        ("chr8:127500k-128000k", "chr8:127,500,000-128,000,000"),
        ("chr8\t127500000\t128000000", "chr8:127,500,001-128,000,000"),
        ("chr8\t127500000\t128000000\tpeak_1\t900\t+", "chr8:127,500,001-128,000,000"),
        ("chr8:127500000\N{EN DASH}128000000", "chr8:127,500,000-128,000,000"),
        ("chr8:127500000..128000000", "chr8:127,500,000-128,000,000"),
        # one base: 50 kb around it
        ("chr8:127,736,000", "chr8:127,711,000-127,760,999"),
        ("8:127736000", "chr8:127,711,000-127,760,999"),
    ],
)
def test_forms_of_a_place_on_a_genome(k562: Study, text: str, place: str) -> None:
    hit = resolve(k562, text, chrom="chr8")
    assert (hit.kind, dict(hit.changes)["locus"]) == ("place", place)
    assert suggestions(k562, text, chrom="chr8")[0] == hit


def test_a_whole_chromosome_is_shown_where_its_elements_are_and_the_page_says_so(k562: Study) -> None:
    view, remark = view_of(k562, str(dict(resolve(k562, "chr22").changes)["locus"]))
    assert remark.startswith("chr22 has 50,818,468 bases and views are at most 20 Mb wide")
    starts = k562.elements["start"][k562.elements["chrom"] == "chr22"]
    assert view.width_bp == 20_000_000
    assert abs(view.center - starts.median()) <= 1
    assert ((starts >= view.start) & (starts < view.end)).mean() > 0.5


def test_a_place_past_the_end_is_told_with_the_chromosome_s_length(k562: Study) -> None:
    with pytest.raises(BadInput, match="chr8 has 145,138,636 bases in hg38; 200,000,000 lies beyond"):
        resolve(k562, "chr8:100,000,000-200,000,000")


# -- paste back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["k562", "k562-chr22", "demo"])
def test_the_shown_place_of_an_element_and_its_id_lead_back_to_it(name: str) -> None:
    study = Study.open(EMBEDDED / name)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, len(study.elements) - 1))
    def check(row: int) -> None:
        element = study.elements.iloc[row]
        place = Locus(element["chrom"], int(element["start"]), int(element["end"]))
        for text in (str(place), f" {place} ", element["element_id"], str(place).replace(",", "")):
            hit = resolve(study, text)
            assert (hit.kind, dict(hit.changes)["element"]) == ("element", element["element_id"])
            assert suggestions(study, text)[0] == hit
            assert Locus.parse(str(dict(hit.changes)["locus"]), study.assembly).contains(place)
        assert resolve(study, hit.text).names == hit.names

    check()


# -- genes by other names -------------------------------------------------------------------------------------------


def test_an_alias_opens_its_gene_and_the_page_says_whose_it_is(k562: Study) -> None:
    hit = resolve(k562, "c-myc")
    assert (hit.text, dict(hit.changes)["gene"]) == ("MYC", "c-Myc")
    assert hit.note.startswith("c-Myc is MYC · chr8:127,736,")
    assert suggestions(k562, "c-myc")[0] == hit
    assert remarks_on(k562, "c-Myc") == ["c-Myc is MYC"]
    assert remarks_on(k562, "MYC") == []
    assert resolve(k562, "ENSG00000136997.21").text == "MYC"


def test_an_alias_of_several_genes_opens_none_and_lists_each(k562: Study) -> None:
    assert [hit.text for hit in suggestions(k562, "STRA13")] == ["BHLHE40", "CENPX"]
    with pytest.raises(BadInput, match="STRA13 is another name of several genes; wanted one of BHLHE40, CENPX"):
        resolve(k562, "STRA13")


def test_a_close_miss_is_proposed(k562: Study) -> None:
    with pytest.raises(UnknownName, match="has no gene 'MYYC'; did you mean MYC"):
        resolve(k562, "MYYC")
    hit = suggestions(k562, "MYYC")[0]
    assert (hit.text, dict(hit.changes)["gene"]) == ("MYC", "MYC")
    assert hit.note.startswith("did you mean this?")


def test_a_gene_no_model_knows_is_told_as_such(study: Study) -> None:
    assert remarks_on(study, "LONELY") == ["no model of study tiny knows LONELY; what was measured is shown"]


# -- lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["SIM7,SIM3,SIM9", "SIM7 SIM3 SIM9", "SIM7\nSIM3\nSIM9\n", "sim7; sim3, SIM9", "SIM7, SIM3, SIM7, SIM9,"]
)
def test_a_list_opens_its_first_gene_and_keeps_all(study: Study, text: str) -> None:
    hit = resolve(study, text)
    assert (hit.kind, hit.text) == ("list", "SIM7")
    changes = dict(hit.changes)
    assert (changes["gene"], changes["walk"]) == ("SIM7", ("SIM7", "SIM3", "SIM9"))
    assert suggestions(study, text)[0] == hit


def test_a_list_may_hold_places_elements_and_names_that_mean_nothing(study: Study) -> None:
    hit = resolve(study, "NOPE, chr1:1,001-2,000, E12, SIM3")
    walk = dict(hit.changes)["walk"]
    assert walk == ("NOPE", "chr1:1001-2000", "E12", "SIM3")
    assert dict(hit.changes)["locus"] == "chr1:1,001-2,000"
    assert hit.note == "4 names, 1 of them unknown"
    assert ViewState(walk=walk).to_query() == "walk=NOPE,chr1:1001-2000,E12,SIM3"  # type: ignore[arg-type]
    kept, lines = walkable(study, walk)
    assert kept == ("chr1:1001-2000", "E12", "SIM3")
    assert lines == ["1 of the 4 names of the list mean nothing in study tiny: NOPE"]
    assert [resolve(study, name).walk_name for name in kept] == list(kept)
    with pytest.raises(UnknownName, match="no gene, place or element of study tiny among the 2 names: NOPE, NADA"):
        resolve(study, "NOPE NADA")


def test_a_long_list_is_cut(study: Study) -> None:
    hit = resolve(study, ",".join(f"E{n}" for n in range(1, 201)) + ",SIM1")
    assert len(dict(hit.changes)["walk"]) == 200
    assert hit.note == "201 names, the first 200 are kept"
