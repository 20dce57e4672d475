"""The frame: search, address, keyboard, theme, errors, in the browser on the demo study."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from cre_core.errors import BadInput, UnknownName
from dashboard import app, theme
from dashboard.components import notice, provenance, shell
from dashboard.components.exchange import Question
from dashboard.services.library import Library
from dashboard.state import ViewState


def query_of(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


GENE_PAGES = ("/locus", "/knockout")


def typed(library: Library, text: str, path: str, state: ViewState | None = None) -> dict[str, Any]:
    question = Question(state or ViewState(), kept={"text": text, "path": path})
    return dict(app.address_of(library, question, GENE_PAGES).data)


def test_the_address_of_what_is_typed(library: Library) -> None:
    view = ViewState(biosample="beta", top=5, locus="chr1:1-10", element="E1")
    found = typed(library, "sim7", "/", view)
    assert found["path"] == "/locus"
    assert (found["state"]["gene"], found["state"]["top"], "element" in found["state"]) == ("SIM7", 5, False)
    assert found["state"]["locus"].startswith("chr1:")
    assert found["href"] == "/locus?biosample=beta&gene=SIM7&top=5"
    assert typed(library, "sim7", "/knockout", view)["href"] == "/knockout?biosample=beta&gene=SIM7&top=5"
    place = typed(library, "1:1-9,000", "/knockout", view)
    assert (place["path"], place["state"]["locus"]) == ("/locus", "chr1:1-9,000")


def test_what_means_nothing_has_no_address(library: Library) -> None:
    with pytest.raises(UnknownName, match="has no gene 'NOPE'"):
        typed(library, "NOPE", "/")
    with pytest.raises(BadInput, match="9,000,000 lies beyond"):
        typed(library, "chr1:1-9,000,000", "/")


def test_a_view_file_leads_to_its_view_or_is_refused_in_one_line(library: Library) -> None:
    def brought(text: str, path: str = "/locus") -> dict[str, Any]:
        question = Question(ViewState(), kept={"text": text, "path": path})
        return dict(app.from_file(library, question, GENE_PAGES).data)

    found = brought('{"version": 1, "gene": "SIM7", "top": 5, "colour": "red"}')
    assert (found["path"], found["state"]["gene"], found["state"]["top"]) == ("/locus", "SIM7", 5)
    assert found["remarks"] == ["'colour' in the address is not part of a view and was ignored"]
    assert brought('{"version": 1, "gene": "SIM7"}', "/knockout")["href"] == "/knockout?gene=SIM7"
    assert brought('{"version": 1}', "/data")["path"] == "/locus"
    for text, says in (("[1]", "holds no view"), ("{", "no JSON"), ('{"version": 2}', "of version 2; wanted 1"),
                       ("{}", "of version None"), (" " * 300_000, "300,000 characters")):  # fmt: skip
        with pytest.raises(BadInput, match=says):
            brought(text)


def test_an_error_is_one_line_for_the_person_and_all_of_it_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert app.error_text(UnknownName("no gene 'X'")) == "no gene 'X'"
    assert not caplog.records
    assert "KeyError" in app.error_text(KeyError("inner detail"))
    assert "inner detail" in caplog.text


def test_suggestions_are_links(library: Library) -> None:
    def hits(text: str) -> list[Any]:
        question = Question(ViewState(), kept={"text": text, "path": "/"})
        return list(app.suggest(library, question, GENE_PAGES).sets["suggestions"]["children"])

    assert [hit.href for hit in hits("sim7")] == ["/locus?gene=SIM7"]
    assert hits("") == []


def test_a_notice_is_one_line() -> None:
    said = notice.line("first\nsecond   third").children[0].children
    assert said == "first second third"
    assert notice.lines([]) is None
    assert notice.lines(["a", "b"]).children[0].children == "a · b"


def test_provenance_leaves_out_what_is_empty_and_marks_the_simulated() -> None:
    badge, text = provenance.line(["hg38", "", "model"], is_simulated=True).children
    assert (badge.children, text.children) == ("simulated", "hg38 · model")
    assert len(provenance.line(["hg38"]).children) == 1


def test_colours_of_the_frame_are_those_of_the_theme() -> None:
    rules = theme.css_variables()
    for palette in theme.PALETTES.values():
        assert f"--cs-ink:{palette.ink}" in rules


@pytest.mark.browser
def test_a_suggestion_opens_its_locus(page: Page, dashboard_url: str) -> None:
    page.goto(dashboard_url)
    expect(page.locator("#study-select")).to_have_value("demo · sim1")
    page.keyboard.press("/")
    page.keyboard.type("sim1")
    hit = page.locator("#suggestions .cs-hit").first
    expect(hit).to_contain_text("SIM1")
    expect(page.locator("#suggestions .cs-hit")).to_have_count(8)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/locus?**")
    assert query_of(page)["gene"] == "SIM1"
    expect(page.locator("#suggestions")).not_to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("typed", "says"),
    [("NOPE", "has no gene 'NOPE'"), ("chrS1:1-99,000,000", "99,000,000 lies beyond")],
)
def test_what_is_not_there_is_one_line_and_the_view_stays(
    page: Page, dashboard_url: str, typed: str, says: str
) -> None:
    page.goto(f"{dashboard_url}/data?study=demo")
    expect(page.locator("#data-files")).to_be_visible()
    before = page.url
    page.keyboard.press("/")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text(says)
    assert page.url == before
    expect(page.locator("#data-files")).to_be_visible()
    page.locator(".cs-notice-close").click()
    expect(page.locator("#notice")).to_be_empty()


@pytest.mark.browser
def test_the_same_gene_again_after_moving_away(page: Page, dashboard_url: str) -> None:
    """The address on show was moved by the page itself; asking for the first one again must draw it again."""
    page.goto(f"{dashboard_url}/data?study=demo&gene=SIM1")
    expect(page.locator("#data-files")).to_be_visible()
    moved = {"state": {"study": "demo", "gene": "SIM2"}, "query": "study=demo&gene=SIM2"}
    page.evaluate(f"dash_clientside.set_props('view', {{data: {json.dumps(moved)}}})")
    page.wait_for_url("**gene=SIM2")
    page.evaluate("dash_clientside.set_props('go', {data: '/data?study=demo&gene=SIM1'})")
    page.wait_for_url("**/data?study=demo&gene=SIM1")
    page.reload()
    expect(page.locator("#data-files")).to_be_visible()
    assert query_of(page) == {"study": "demo", "gene": "SIM1"}


@pytest.mark.browser
def test_choosing_a_biosample_keeps_the_rest(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/data?study=demo&gene=SIM1&top=7")
    page.locator("#biosample-select").click()
    page.locator("[role=option]", has_text="SimB").click()
    page.wait_for_url("**biosample=SimB**")
    assert query_of(page) == {"study": "demo", "biosample": "SimB", "gene": "SIM1", "top": "7"}
    expect(page.locator("#biosample-select")).to_have_value("SimB")
    home = page.locator("#rail a", has_text="Home")
    expect(home).to_have_attribute("href", re.compile("biosample=SimB"))
    home.click()
    page.wait_for_function("() => location.pathname === '/'")
    assert query_of(page)["biosample"] == "SimB"
    page.go_back()
    page.wait_for_url("**/data?**")


@pytest.mark.browser
def test_unknown_parts_of_an_address_are_named(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/data?study=demo&colour=red")
    expect(page.locator("#notice")).to_contain_text("'colour' in the address is not part of a view")
    page.wait_for_url("**/data?study=demo")


@pytest.mark.browser
@pytest.mark.parametrize("address", ["/data?study=nope", "/nowhere"])
def test_an_address_that_cannot_be_says_so(page: Page, dashboard_url: str, address: str) -> None:
    page.goto(dashboard_url + address)
    expect(page.locator(".cs-empty")).to_contain_text("no" if "study" in address else "There is no page")
    expect(page.locator("#study-select")).to_have_value("demo · sim1")


@pytest.mark.browser
def test_dark_stays_after_a_reload(page: Page, dashboard_url: str) -> None:
    page.goto(dashboard_url)
    expect(page.locator("#study-demo")).to_be_visible()
    page.keyboard.press("d")
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.locator("#study-demo")).to_be_visible()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 24, 31)"


@pytest.mark.browser
def test_help_lists_the_keys(page: Page, dashboard_url: str) -> None:
    page.goto(dashboard_url)
    expect(page.locator("#study-demo")).to_be_visible()
    page.keyboard.press("?")
    for _, meaning in shell.KEYS:
        expect(page.locator(".cs-keys")).to_contain_text(meaning)
    page.keyboard.press("Escape")
    expect(page.locator(".cs-keys")).not_to_be_visible()


@pytest.mark.browser
def test_the_place_of_an_element_leads_back_to_it(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/locus?study=demo&gene=SIM1&element=sim_chrS1:11900-12400")
    shown = page.locator("#selected-element")
    expect(shown).to_have_text("chrS1:11,901-12,400", timeout=60_000)
    typed = shown.inner_text()
    page.goto(f"{dashboard_url}/knockout?study=demo")
    expect(page.locator("#ko-page")).to_be_visible(timeout=60_000)
    page.keyboard.press("/")
    page.keyboard.insert_text(typed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/locus?**")
    assert query_of(page)["element"] == "sim_chrS1:11900-12400"
    expect(shown).to_have_text(typed, timeout=60_000)


@pytest.mark.browser
def test_a_pasted_list_is_kept_and_what_means_nothing_in_it_is_said(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/locus?study=demo&gene=SIM1")
    expect(page.locator("#locus-place")).not_to_be_empty(timeout=60_000)
    page.keyboard.press("/")
    page.keyboard.insert_text("SIM3, NOPE, SIM5")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text(
        "1 of the 3 names of the list mean nothing in study demo: NOPE", timeout=30_000
    )
    expect(page).to_have_url(re.compile("gene=SIM3.*walk=SIM3,SIM5"), timeout=30_000)


@pytest.mark.browser
def test_a_gene_by_another_name_is_opened_and_told(page: Page, first_start_url: str) -> None:
    page.goto(f"{first_start_url}/data?study=k562")
    expect(page.locator("#footer")).to_contain_text("k562", timeout=60_000)
    page.keyboard.press("/")
    page.keyboard.insert_text("eklf")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("EKLF is KLF1", timeout=60_000)
    expect(page).to_have_url(re.compile("gene=KLF1"))
