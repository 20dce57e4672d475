"""Data: provenance of every file, and the base-level view."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import plotly
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from cre_core.data.study import IntervalSet, Study
from cre_core.errors import NotAvailable
from dashboard.components.exchange import Question
from dashboard.pages.data import page as data
from dashboard.services.baselevel import base_level
from dashboard.services.library import Library
from dashboard.services.sources import file_rows, notes, source_rows
from dashboard.state import ViewState


def with_info(study: Study, **changes: object) -> Study:
    return Study(study.folder, dataclasses.replace(study.info, **changes))  # type: ignore[arg-type]


def test_where_public_files_come_from(study: Study) -> None:
    (row,) = source_rows(study)
    assert row["file"] == "a.bed"
    assert (row["assembly"], row["lifted_from"], row["licence"], row["sha256"]) == ("tiny1", "hg19", "CC0", "00")
    assert row["checked"] == ""


def test_a_file_that_is_not_the_published_one_says_so(study: Study) -> None:
    entry = {"file": "a.bed", "sha256": "11", "checked": "not the published file"}
    (row,) = source_rows(with_info(study, provenance={"sources": [entry]}))
    assert row["checked"] == "not the published file"
    assert "checked" in {field for field, *_ in data._SOURCE_COLUMNS}


def test_every_file_of_the_folder_has_a_row(study: Study) -> None:
    rows = {row["file"]: row for row in file_rows(study)}
    assert set(rows) == {str(p.relative_to(study.folder)) for p in study.folder.rglob("*") if p.is_file()}
    assert rows["signals/dnase.bw"]["content"] == "DNase, reads"
    assert rows["signals/dnase.bw"]["bytes"] == 1024
    assert rows["sequence.fa.gz"]["content"] == "genome sequence"
    assert rows["sequence.fa.gz.fai"]["content"] == "index"
    assert all(row["content"] and row["kind"] == "simulated" for row in rows.values())


def test_lifted_sets_say_from_where(study: Study) -> None:
    (study.folder / "intervals").mkdir()
    (study.folder / "intervals" / "p.parquet").write_bytes(b"")
    lifted = IntervalSet("p", "CTCF peaks", "peaks", "ctcf", "alpha", "intervals/p.parquet", "ENCFF1", "hg19")
    rows = {row["file"]: row for row in file_rows(with_info(study, intervals=(lifted,)))}
    row = rows["intervals/p.parquet"]
    assert (row["content"], row["source"], row["lifted_from"]) == ("CTCF peaks", "ENCFF1", "hg19")


def test_notes_say_what_is_simulated_and_what_was_lost(study: Study) -> None:
    said = notes(study)
    assert said[0].startswith("Everything in this study is simulated")
    assert "Lift-over from hg19: peaks lost 3 of 1,000" in said


def test_tables_name_their_raw_files_and_what_was_left_out_is_said(study: Study) -> None:
    about = {"tables": {"genes.parquet": ["a.gtf", "b.csv"]}, "left_out": [{"file": "labels.bed"}]}
    made = with_info(study, is_simulated=False, provenance=about)
    rows = {row["file"]: row for row in file_rows(made)}
    assert rows["genes.parquet"]["source"] == "a.gtf, b.csv"
    assert rows["elements.parquet"]["source"] == ""
    (said,) = [text for text in notes(made) if text.startswith("Left out of the embedded copy")]
    assert "labels.bed. `download tiny` and `prepare tiny` bring them" in said
    assert not [text for text in notes(study) if "Left out" in text]


def test_the_base_level_view_has_addresses_of_this_server_only(study: Study) -> None:
    given = base_level(study, ViewState())
    addresses = [given["reference"]["fastaURL"], given["reference"]["indexURL"]]
    addresses += [track["url"] for track in given["tracks"] if "url" in track]
    assert addresses == ["/files/tiny/sequence", "/files/tiny/sequence.fai", "/files/tiny/dnase.alpha"]


@pytest.mark.parametrize(
    ("view", "locus"),
    [
        (ViewState(), "chr1:99501-100500"),
        (ViewState(gene="SIM3"), "chr1:379501-380500"),
        (ViewState(locus="chr1:10,001-10,100"), "chr1:10001-10100"),
        (ViewState(locus="chr1:1-1,000,000"), "chr1:499501-500500"),
        (ViewState(locus="chr9:1-100"), "chr1:99501-100500"),
        (ViewState(locus="chr1:1-1,000,000", element="E2", biosample="alpha"), "chr1:78751-79750"),
        (ViewState(gene="SIM1", pair="chr1:50000-50500", biosample="alpha"), "chr1:49751-50750"),
    ],
)
def test_it_opens_where_the_view_is(study: Study, view: ViewState, locus: str) -> None:
    assert base_level(study, view)["locus"] == locus


def test_other_biosamples_have_their_own_tracks(study: Study) -> None:
    names = [track["name"] for track in base_level(study, ViewState(biosample="beta"))["tracks"]]
    assert names == ["Genes", "Elements"]


def test_what_is_selected_is_marked(study: Study) -> None:
    tracks = base_level(study, ViewState(element="E2", biosample="alpha"))["tracks"]
    (marked,) = [track for track in tracks if track["name"] == "Selected"]
    assert [(one["chr"], one["start"], one["end"]) for one in marked["features"]] == [("chr1", 79_000, 79_500)]


def test_without_sequence_it_says_what_is_missing(study: Study, library: Library) -> None:
    with pytest.raises(NotAvailable, match="Study tiny has no sequence"):
        base_level(with_info(study, sequence=None), ViewState())
    (study.folder / "sequence.fa.gz.fai").unlink()
    shown = data.bases(library, Question(ViewState())).sets["data-bases"]["children"]
    assert "Study tiny has no sequence" in str(shown)


def test_the_browser_is_made_where_the_view_is(library: Library) -> None:
    made = data.bases(library, Question(ViewState(gene="SIM3"))).sets["data-bases"]["children"]
    assert made.locus == "chr1:379501-380500"


def test_its_scripts_are_not_loaded_with_the_page(client: FlaskClient) -> None:
    page = client.get("/data").get_data(as_text=True)
    about = json.loads(page.partition('id="cs-about">')[2].partition("</script>")[0])
    polyfill, browser = about["later"]  # the genome browser wants the other
    assert ("/polyfill@" in polyfill, "/dash_bio/" in browser) == (True, True)
    for address in about["later"]:
        assert address not in page.partition("<body>")[2]
        assert client.get(address).status_code == 200
    with Path(plotly.__file__).with_name("package_data").joinpath("plotly.min.js").open() as script:
        version = script.read(60)
    assert re.search(r"v(\d+\.\d+\.\d+)", version).group(1) in about["plotly"]
    with client.get(about["plotly"]) as answer:
        assert answer.status_code == 200


@pytest.mark.browser
def test_the_table_of_files(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/data?study=demo")
    expect(page.locator(".cs-notes")).to_contain_text("simulated")
    expect(page.locator("#data-files .ag-row").first).to_be_visible()
    page.locator(".mantine-Tabs-tab", has_text="Public files").click()
    expect(page.locator(".cs-empty")).to_contain_text("No public file stands behind this study")


@pytest.mark.slow
@pytest.mark.browser
def test_the_base_level_view_draws_from_range_requests(page: Page, dashboard_url: str) -> None:
    answers: dict[str, int] = {}
    page.on("response", lambda answer: answers.setdefault(urlsplit(answer.url).path, answer.status))
    page.goto(f"{dashboard_url}/data?study=demo")
    with (
        page.expect_response(lambda answer: urlsplit(answer.url).path == "/files/demo/sequence"),
        page.expect_response(lambda answer: urlsplit(answer.url).path.endswith("dnase")),
    ):
        page.locator("#data-bases-tab").click()
    expect(page.locator("#data-bases canvas").first).to_be_visible(timeout=20_000)
    page.wait_for_function("() => document.querySelectorAll('#data-bases .igv-track-label').length >= 4")
    served = {path: status for path, status in answers.items() if path.startswith("/files/demo/")}
    assert "/files/demo/sequence" in served
    assert any(path.endswith("dnase") for path in served)
    assert set(served.values()) <= {200, 206}


def test_layout_names_the_study(library: Library, tiny_study: Path) -> None:
    assert "A tiny study" in str(data.layout(library, study="tiny"))
