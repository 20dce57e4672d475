"""A view goes through the address, through JSON and back unchanged; what is unknown is named and left out."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from dashboard.state import ViewState, read_view, read_view_file

NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="~*"), min_size=1, max_size=12)
LISTS = st.lists(NAMES, max_size=4).map(tuple)
STRENGTHS = st.integers(0, 100).map(lambda percent: percent / 100)
VIEWS = st.builds(
    ViewState,
    study=NAMES,
    biosample=NAMES,
    gene=NAMES,
    locus=NAMES,
    methods=LISTS,
    hidden=LISTS,
    scale=st.sampled_from(["group", "auto", "log"]),
    top=st.integers(0, 300),
    threshold=STRENGTHS,
    element=NAMES,
    highlights=LISTS,
    model=NAMES,
    mode=st.sampled_from(["mask", "silence"]),
    knock_outs=st.lists(st.tuples(NAMES, STRENGTHS), max_size=4).map(tuple),
)


@given(VIEWS)
def test_a_view_survives_the_address(view: ViewState) -> None:
    assert read_view(view.to_query()) == (view, [])


@given(VIEWS)
def test_a_view_survives_the_page_s_own_parameters(view: ViewState) -> None:
    assert read_view(dict(parse_qsl(view.to_query()))) == (view, [])


@given(VIEWS)
def test_a_view_survives_json(view: ViewState) -> None:
    assert read_view_file(json.dumps(view.to_dict())) == (view, [])


@given(VIEWS)
def test_the_same_view_has_the_same_address(view: ViewState) -> None:
    assert view.with_().url("/locus") == view.url("/locus")


def test_an_empty_view_is_a_bare_address() -> None:
    assert ViewState().url("/locus") == "/locus"
    assert read_view(None) == (ViewState(), [])


def test_an_address_as_people_see_it() -> None:
    view = ViewState(gene="MYC", locus="chr8:127,500,001-129,900,000", knock_outs=(("E1", 0.0), ("E2", 0.5)))
    assert view.url("/locus") == "/locus?gene=MYC&locus=chr8:127,500,001-129,900,000&knock_outs=E1*0~E2*0.5"


def test_what_is_unknown_is_named_and_left_out() -> None:
    view, notices = read_view("gene=MYC&colour=red&scale=huge&knock_outs=E1*7&version=1")
    assert view == ViewState(gene="MYC")
    assert [notice.split("'")[1] for notice in notices] == ["colour", "scale=huge", "knock_outs=E1*7"]


def test_numbers_stay_within_their_limits() -> None:
    assert read_view("top=9999&threshold=4")[0] == ViewState(top=300, threshold=1.0)
