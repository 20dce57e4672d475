"""Where public files come from, and the time that files say they were made at."""

from __future__ import annotations

from datetime import datetime

import pytest

from cre_core.data.recipes import RECIPES
from cre_core.errors import BadInput, UnknownName
from cre_core.io.clock import made_at
from cre_core.io.download import registry
from cre_core.io.origins import origin_of, origins


def test_every_raw_file_of_a_recipe_has_an_origin_and_somebody_to_cite() -> None:
    for recipe in RECIPES.values():
        for file in recipe.files:
            assert origin_of(file).cite[0]


def test_every_origin_is_of_a_file_and_named_once() -> None:
    names = [one.files for one in origins()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not any(file.startswith(name) for file in registry())] == []


def test_the_most_exact_beginning_counts() -> None:
    assert origin_of("epinformer_data/GeneList.TSS1kb.bed").accession == ""
    assert origin_of("epinformer_data/Enhancers.DHS.ENCFF257HEE.bam.CountReads.bedgraph").accession == "ENCFF257HEE"
    with pytest.raises(UnknownName, match=r"no origin is known for the raw file 'x\.bed'"):
        origin_of("x.bed")


def test_who_wants_their_notice_repeated_is_named() -> None:
    mit = [name for recipe in RECIPES.values() for name in recipe.files if registry()[name].licence == "MIT"]
    without = {name.split("/")[0] for name in mit if not origin_of(name).copyright}
    assert without == {"encode_re2g"}  # its repository says MIT and names no holder


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("none stated", {"no"}),
        ("none stated (HOCOMOCO v11 derived)", {"no"}),
        ("none stated (ENCODE data are open)", {"yes"}),
        ("MIT", {"yes"}),
        ("GPL-3.0-or-later", {"yes"}),
    ],
)
def test_what_may_be_passed_on(licence: str, may: set[str]) -> None:
    said = {"yes" if file.is_redistributable else "no" for file in registry().values() if file.licence == licence}
    assert said == may


def test_a_build_says_the_time_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert made_at() == "2001-09-09T01:46:40+00:00"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert datetime.fromisoformat(made_at()).year > 2024


@pytest.mark.parametrize("given", ["yesterday", "9" * 30])
def test_a_time_that_is_none_is_one_line(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    with pytest.raises(BadInput, match=r"SOURCE_DATE_EPOCH is '.*'; wanted whole seconds since 1970"):
        made_at()
