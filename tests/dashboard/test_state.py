"""A view goes through the address, through JSON and back unchanged; what is unknown is named and left out."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from dashboard.state import Snapshots, ViewState, read_view, read_view_file

NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="~*!"), min_size=1, max_size=12)
LISTS = st.lists(NAMES, max_size=4).map(tuple)
STRENGTHS = st.integers(0, 100).map(lambda percent: percent / 100)
SETS = st.lists(st.tuples(NAMES, STRENGTHS), max_size=4).map(tuple)
SNAPSHOTS = st.lists(st.tuples(NAMES, SETS), max_size=8, unique_by=lambda kept: kept[0]).map(tuple)
WALKS = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,11}", fullmatch=True), max_size=4).map(tuple)
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
    mode=st.sampled_from(["mask", "silence", "scramble"]),
    knock_outs=SETS,
    panel=st.sampled_from(["elements", "models", "pairs", "bases", "snapshots"]),
    truth=st.sampled_from(["gene", "all"]),
    base_method=st.sampled_from(["gradient_x_input", "integrated_gradients", "mutagenesis"]),
    snapshots=SNAPSHOTS,
    walk=WALKS,
).map(lambda view: view.with_(compare=compared(view.snapshots)))


def compared(snapshots: Snapshots) -> tuple[str, ...]:
    """The first as A and the last as B; only A where there is one."""
    names = [name for name, _ in snapshots]
    return () if not names else (names[0], "") if len(names) == 1 else (names[0], names[-1])


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


def test_snapshots_as_people_see_them() -> None:
    view = ViewState(
        panel="snapshots",
        snapshots=(("all out", (("E1", 0.0), ("E2", 0.5))), ("none", ())),
        compare=("all out", "none"),
    )
    shown = "/knockout?panel=snapshots&snapshots=all%20out!E1*0~E2*0.5!none!&compare=all%20out~none"
    assert view.url("/knockout") == shown
    assert read_view(shown.partition("?")[2]) == (view, [])


def test_a_broken_part_is_left_out_and_the_rest_stays() -> None:
    view, notices = read_view("knock_outs=E1*0~E2~E3*2~E4*0.5")
    assert view.knock_outs == (("E1", 0.0), ("E4", 0.5))
    assert notices == ["'knock_outs=E2' in the address is not readable and was ignored, with 1 more of its parts"]
    view, notices = read_view("snapshots=good!E1*0!no~name!E1*0!good!E2*0!odd&compare=good~gone")
    assert view.snapshots == (("good", (("E1", 0.0),)),)
    assert view.compare == ("good", "")
    assert notices == [
        "'snapshots=no~name' in the address is not readable and was ignored, with 2 more of its parts",
        "'compare=gone' in the address names no snapshot and was ignored",
    ]


def test_an_address_of_ten_thousand_elements_gives_one_line() -> None:
    view, notices = read_view({"knock_outs": "~".join(f"E{n}*0" for n in range(10_000))})
    assert len(view.knock_outs) == 300
    assert notices == ["10,000 knocked-out elements in the address; the first 300 are kept"]
    view, notices = read_view({"knock_outs": "~".join(["x" * 500] * 10_000)})
    assert view.knock_outs == ()
    assert len(notices) == 1
    assert len(notices[0]) < 160
    assert notices[0].endswith("with 9,999 more of its parts")


def test_at_most_eight_snapshots_are_kept() -> None:
    view, notices = read_view({"snapshots": "!".join(f"s{n}!E1*0" for n in range(9))})
    assert [name for name, _ in view.snapshots] == [f"s{n}" for n in range(8)]
    assert notices == ["9 snapshots in the address; the first 8 are kept"]


def test_numbers_stay_within_their_limits() -> None:
    assert read_view("top=9999&threshold=4")[0] == ViewState(top=300, threshold=1.0)


def test_a_list_to_walk_has_commas_between_and_at_most_two_hundred_names() -> None:
    view = ViewState(gene="MYC", walk=("MYC", "KLF1", "chr8:127959396-127961523"))
    assert view.url("/locus") == "/locus?gene=MYC&walk=MYC,KLF1,chr8:127959396-127961523"
    assert read_view("walk=MYC, KLF1,,") == (ViewState(walk=("MYC", "KLF1")), [])
    view, notices = read_view({"walk": ",".join(f"G{n}" for n in range(201))})
    assert view.walk == tuple(f"G{n}" for n in range(200))
    assert notices == ["201 names to walk in the address; the first 200 are kept"]
