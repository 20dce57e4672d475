"""The loci a study opens with: counts, places and ranks by hand, and the picture that is drawn of them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pandas as pd
import pytest

from cre_core.data.study import Study
from dashboard.figures.thumbnail import GUTTER, HEIGHT, WIDTH, as_address, effects_svg, height_of, place_of_rank
from dashboard.pages.home import loci as home_loci
from dashboard.services.first_loci import effect_range, first_loci, ranks, ranks_of
from dashboard.services.library import Library
from dashboard.services.overview import overview
from dashboard.settings import PRECOMPUTED, Settings

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def tested(library: Library, tiny_study: Path) -> Library:
    """The tiny study with SIM1 as its example: E1 lowers it outside the place, E2 and E3 lie inside."""
    path = tiny_study / "study.json"
    about = json.loads(path.read_text())
    place = {"gene_name": "SIM1", "locus": "chr1:60,001-120,000", "note": "tested"}
    gone = {"gene_name": "NOBODY", "locus": "chr1:1-100", "note": "not in the study"}
    path.write_text(json.dumps(about | {"example_loci": [place, gone]}))
    library.refresh()
    return library


def test_a_locus_by_hand(tested: Library) -> None:
    (locus,) = first_loci(tested, tested.study("tiny"), biosample="alpha")
    assert (locus.gene_name, locus.tss, locus.n_tested, locus.n_positive, locus.n_outside) == (
        "SIM1",
        100_000,
        3,
        1,
        1,
    )
    assert (locus.n_powered, locus.references) == (3, ("made up",))
    assert locus.marks["center_bp"].tolist() == [79_250, 108_250]
    assert locus.marks["effect_percent"].tolist() == pytest.approx([30, 0])
    assert locus.marks["call"].tolist() == ["increase", "not significant"]
    assert effect_range([locus]) == (-10.0, 40.0)  # whole tens with room for the marks


def test_no_screen_no_pictures(library: Library, tiny_study: Path) -> None:
    (tiny_study / "crispr.parquet").unlink()
    assert first_loci(library, library.study("tiny"), biosample="alpha") == []


def _pairs(is_positive: list[bool]) -> pd.DataFrame:
    start = [1_000 * (i + 1) for i in range(len(is_positive))]
    table = pd.DataFrame({"chrom": "chr1", "start": start, "end": [s + 100 for s in start], "gene_id": "g"})
    return table.assign(tss_distance_bp=0.0, call=["decrease" if one else "not significant" for one in is_positive])


def _links(scores: list[float]) -> pd.DataFrame:
    table = _pairs([False] * len(scores)).drop(columns="call")
    return table.assign(method="abc", score=scores)


def test_ranks_by_hand() -> None:
    found = ranks(_pairs([True, False, False, True]), _links([0.5, 0.7, 0.1, math.nan]), "abc")
    assert (found.ranks, found.n, found.n_positive, found.n_unscored) == ((2.0, 4.0), 4, 2, 1)
    assert found.average_precision[0] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert math.isnan(found.average_precision[1])  # two positives say nothing about the interval


def test_pairs_of_one_score_share_their_rank() -> None:
    found = ranks(_pairs([True, False, True]), _links([0.5, 0.5, math.nan]), "abc")
    assert found.ranks == (1.5, 3.0)


def test_nothing_positive_has_no_average_precision() -> None:
    found = ranks(_pairs([False, False]), _links([0.5, 0.7]), "abc")
    assert found.ranks == ()
    assert math.isnan(found.average_precision[0])


def test_the_picture_puts_every_mark_at_its_place() -> None:
    marks = pd.DataFrame(
        {"center_bp": [1_000, 2_000, 3_000], "effect_percent": [-50.0, 0.0, 25.0],
         "call": ["decrease", "not significant", "increase"]}
    )  # fmt: skip
    svg = effects_svg(marks, start=1_000, end=3_000, tss=2_000, effect_range=(-100.0, 50.0), lines=(-40.0,))
    drawn = ElementTree.fromstring(svg)
    filled, opened = drawn.findall(f"{SVG}circle[@fill='#CC2529']"), drawn.findall(f"{SVG}circle[@fill='none']")
    (triangle,) = drawn.findall(f"{SVG}polygon")
    assert (len(filled), len(opened)) == (1, 1)
    left, right = GUTTER + 4, WIDTH - 4
    assert float(filled[0].get("cx", "")) == pytest.approx(left, abs=0.1)
    assert float(filled[0].get("cy", "")) == pytest.approx(HEIGHT * 100 / 150, abs=0.1)
    assert float(opened[0].get("cx", "")) == pytest.approx((left + right) / 2, abs=0.1)
    assert triangle.get("points", "").startswith(f"{right:.1f},")
    dashed = [line for line in drawn.findall(f"{SVG}line") if line.get("stroke-dasharray")]
    assert [float(line.get("x1", "")) for line in dashed] == pytest.approx([(left + right) / 2], abs=0.1)
    assert effects_svg(marks, start=1_000, end=3_000, tss=None, effect_range=(-100.0, 50.0)).count("dasharray") == 0


def test_heights_and_ranks_by_hand() -> None:
    assert height_of(50, (-100, 50)) == 0
    assert height_of(-100, (-100, 50)) == 1
    assert [place_of_rank(rank, 100) for rank in (1, 10, 100)] == pytest.approx([0, 0.5, 1])
    assert unquote(as_address('<svg a="#1"/>').removeprefix("data:image/svg+xml,")) == '<svg a="#1"/>'


def test_what_a_card_says(tested: Library) -> None:
    (section,) = home_loci.start_section(tested, overview(tested, "tiny"))
    said = str(section)
    assert "3 pairs" in said
    assert "1 positive" in said
    assert "1 of 3 outside" in said
    assert "/locus?study=tiny&biosample=alpha&gene=SIM1" in said
    rows = home_loci.rank_rows(tested, section.children[-1].data)
    assert len(rows) == 1
    assert rows[0][0].children == "the study has no h3k27ac counts; it has dnase"


def test_the_numbers_of_mycs_card(k562: Study, tmp_path: Path) -> None:
    settings = Settings(
        (PRECOMPUTED / "k562",), cache_dir=tmp_path, studies_dir=tmp_path / "none", model_process=False
    )
    library = Library(settings)
    loci = {locus.gene_name: locus for locus in first_loci(library, library.default(), biosample="K562")}
    counts = {name: (locus.n_tested, locus.n_positive) for name, locus in loci.items()}
    assert counts == {
        "MYC": (105, 9), "KLF1": (82, 3), "GATA1": (212, 3), "HBE1": (125, 7), "JUNB": (70, 3), "BAX": (131, 0)
    }  # fmt: skip
    lowest = loci["MYC"].marks.sort_values("effect_percent").iloc[0]
    assert lowest["effect_percent"] == pytest.approx(-63.6, abs=0.05)
    assert lowest["center_bp"] == pytest.approx(127.96e6, abs=5e3)
    abc, attention = ranks_of(library, library.default(), "JUNB", biosample="K562")
    assert (abc.ranks, abc.average_precision[0]) == ((1.0, 2.0, 3.0), 1.0)
    assert (attention.method, attention.n, attention.n_positive) == ("epinformer.attention", 70, 3)
    assert re.search(r"Nasser|Fulco|Schraivogel", " ".join(loci["MYC"].references))
    library.close()
