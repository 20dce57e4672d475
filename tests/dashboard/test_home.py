"""Home: studies with their example loci, and the real studies that can be brought."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from dash.exceptions import PreventUpdate
from playwright.sync_api import Page, expect
from toy import make_toy_study

from cre_core.errors import UnknownName
from dashboard.pages.home import loci as home_loci
from dashboard.pages.home import page as home
from dashboard.pages.home import studies as home_studies
from dashboard.services.jobs import Command, Job
from dashboard.services.library import Library
from dashboard.services.overview import Offer, overview, overviews
from dashboard.settings import Settings

# in the browser: no part is wider inside than its box
FITS = "node => node.scrollWidth <= node.clientWidth + 1 || getComputedStyle(node).display == 'inline'"
OFFER = Offer("k562", "K562", "hg38", ("K562",), 31, 28_000_000)


def test_a_study_in_numbers(library: Library) -> None:
    seen = overview(library, "tiny")
    assert seen.counts == {"genes": 40, "elements": 200, "tracks": 1, "interval sets": 0, "contact maps": 0}
    assert (seen.tested, seen.significant, seen.positive) == (3, 2, 1)
    assert (seen.models, seen.created) == ({}, "2025-01-01")


def test_parts_are_what_is_there(library: Library, tiny_study: Path) -> None:
    parts = overview(library, "tiny").parts
    assert [name for name, there in parts.items() if there] == ["counts", "truth", "signal", "sequence"]
    assert list(parts) == ["counts", "RNA", "truth", "loops", "signal", "sequence", "motifs", "Hi-C", "classes"]


def test_a_row_of_the_table(library: Library) -> None:
    cells = home_studies.study_row(overview(library, "tiny")).children
    assert [cell.children for cell in cells[1:5]] == ["40", "200", "3 · 1", "■"]
    assert [cell.children for cell in cells[4:13]] == ["■", "–", "■", "–", "■", "■", "–", "–", "–"]
    assert cells[13].children == "none"


def test_no_screen_is_said(library: Library, tiny_study: Path) -> None:
    (tiny_study / "crispr.parquet").unlink()
    assert home_studies.screen_text(overview(library, "tiny")) == "no screen"


def test_a_study_whose_examples_nobody_tested_shows_cards(library: Library) -> None:
    (section,) = home_loci.start_section(library, overview(library, "tiny"))
    assert section.children[1].className == "cs-cards"
    assert "SIM3" in str(section.children[1])


def test_a_simulation_says_what_it_is_for(library: Library) -> None:
    seen = overview(library, "tiny")
    (block,) = home_studies.other_studies([seen, seen])
    assert "A simulation has a known answer" in str(block)


@pytest.mark.parametrize(
    ("job", "is_here", "button", "says"),
    [
        (None, False, "Download and prepare", "not here yet"),
        (None, True, "Make again", "ready, listed above"),
        (
            Job("k562", "running", "download", 0, 3, "a.bed", 3, 12),
            False,
            "Cancel",
            "1 of 3 · download · a.bed · 25 %",
        ),
        (Job("k562", "running", "prepare", 1, 3), False, "Cancel", "2 of 3 · prepare"),
        (Job("k562", "failed", "download", message="no network"), False, "Resume", "no network"),
        (Job("k562", "cancelled", "prepare"), False, "Resume", "stopped during prepare; what was complete is kept"),
        (Job("k562", "done", "precompute", 3, 3), True, "Make again", "ready, listed above"),
    ],
)
def test_how_far_a_job_is(job: Job | None, is_here: bool, button: str, says: str) -> None:
    row = home.offer_row(OFFER, job, is_here).to_plotly_json()["props"]["children"]
    assert row[2].children == button
    assert says in str(row[1])


def test_a_button_just_drawn_was_not_pressed(library: Library) -> None:
    with pytest.raises(PreventUpdate):
        home.press(library, {"type": "job-start", "name": "k562"}, [{"value": None}])
    assert library.jobs.status("k562") is None


def test_only_what_is_offered_can_be_made(library: Library) -> None:
    with pytest.raises(UnknownName, match=r"no study '\.\./x' can be made here; there are k562"):
        home.press(library, {"type": "job-start", "name": "../x"}, [{"value": 1}])


def test_the_clock_rests_when_nothing_runs(library: Library) -> None:
    *_, may_rest, known = home.progressed(library, ["tiny"])
    assert (may_rest, known) == (True, ["tiny"])
    library.jobs.start("k562", [Command("wait", (sys.executable, "-c", "import time; time.sleep(30)"))])
    assert home.progressed(library, ["tiny"])[3] is False
    home.press(library, {"type": "job-cancel", "name": "k562"}, [{"value": 1}])
    assert library.jobs.status("k562").state == "cancelled"


def test_a_new_study_is_drawn(library: Library) -> None:
    _, studies, described, *_ = home.progressed(library, [])
    assert "study-tiny" in str(studies)
    assert described["tiny"]["is_simulated"] is True


@pytest.mark.browser
def test_home_shows_the_demo_as_simulated(page: Page, dashboard_url: str) -> None:
    page.goto(dashboard_url)
    expect(page.locator("#study-demo .cs-simulated")).to_have_text("simulated")
    expect(page.locator("#home-start .cs-simulated")).to_have_text("simulated")
    expect(page.locator("#study-kind")).to_have_text("simulated")
    expect(page.locator("#footer .cs-simulated")).to_be_visible()
    expect(page.locator(".cs-locus-card").first).to_be_visible()
    expect(page.locator(".cs-ap").first).to_have_text(re.compile(r"^(0\.\d{1,3}|1)$"), timeout=60_000)
    expect(page.locator("#offer-k562")).to_contain_text("not here yet")


@pytest.mark.browser
def test_a_picture_opens_its_locus(page: Page, dashboard_url: str) -> None:
    page.goto(dashboard_url)
    card = page.locator(".cs-locus-card").first
    gene = card.locator("strong").inner_text()
    card.click()
    page.wait_for_url("**/locus?**")
    assert parse_qs(urlsplit(page.url).query)["gene"] == [gene]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_the_first_start_is_real(page: Page, first_start_url: str, size: tuple[int, int]) -> None:
    """No option, no raw file, no network: MYC and the others with what was measured, and no simulated number."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(first_start_url)
    cards = page.locator(".cs-locus-card")
    expect(cards).to_have_count(6)
    assert cards.locator("strong").all_inner_texts() == ["MYC", "KLF1", "GATA1", "HBE1", "JUNB", "BAX"]
    expect(cards.first).to_contain_text("105 pairs")
    expect(cards.first).to_contain_text("9 positive")
    expect(page.locator(".cs-ap")).to_have_count(10, timeout=60_000)  # two methods, five loci with positives
    expect(cards.last).to_contain_text("nothing to rank: no AP")
    expect(page.locator("#study-kind")).to_have_text("real data")
    expect(page.locator("#home-start .cs-simulated")).to_have_count(0)
    assert [row.get_attribute("id") for row in page.locator(".cs-studies tbody tr").all()] == [
        "study-k562", "study-k562-chr22", "study-demo"
    ]  # fmt: skip
    assert all(text_fits(page, selector) for selector in (".cs-locus-counts", ".cs-rank > span", ".cs-studies"))
    cards.first.click()
    page.wait_for_url("**/locus?**")
    assert parse_qs(urlsplit(page.url).query)["gene"] == ["MYC"]
    expect(page.locator("#locus-table-title")).to_contain_text("105 pairs", timeout=30_000)


def text_fits(page: Page, selector: str) -> bool:
    """Whether no such part of the page is wider inside than its box."""
    return all(node.evaluate(FITS) for node in page.locator(selector).all())


@pytest.mark.browser
def test_bringing_a_study_without_its_files_is_one_line(page: Page, dashboard_url: str) -> None:
    page.goto(dashboard_url)
    page.locator("#offer-k562 button").click()
    problem = page.locator("#offer-k562 .cs-problem")
    expect(problem).to_contain_text("no-mirror", timeout=30_000)
    assert "\n" not in problem.inner_text()
    page.reload()
    expect(page.locator("#offer-k562 button")).to_have_text("Resume")
    expect(problem).to_contain_text("no-mirror")


def test_a_study_with_a_broken_table_hides_no_other(settings: Settings, tmp_path: Path) -> None:
    broken = make_toy_study(tmp_path / "toy").folder
    (broken / "elements.parquet").write_bytes(b"no table")
    library = Library(replace(settings, studies=(*settings.studies, broken)))
    assert [study.name for study in overviews(library)] == ["tiny"]
    assert "elements.parquet is not a readable parquet file" in library.problems[broken]
    page = home.layout(library)
    assert any(str(broken) in line for line in page.children[1].data)  # the remarks of the page
    library.close()
