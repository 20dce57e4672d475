"""The knock-out page of the demo study in a browser."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from cre_core.data.study import Study
from cre_core.inference.predictor import open_predictor, trained_models
from cre_core.interpretation.perturb import Perturbation, knock_out
from dashboard.figures.band import three_digits
from dashboard.figures.knockout import percent

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
UPDATES = "**/_dash-update-component*"
SLOW_MS = 60_000  # for a machine with other work; a quiet one needs about a second

pytestmark = pytest.mark.browser


class Truth:
    """What the library says about the gene the tests open: the one with most measured positives."""

    def __init__(self) -> None:
        self.study = Study.open(DEMO)
        self.biosample = self.study.info.biosamples[0]
        crispr = self.study.crispr[self.study.crispr["biosample"] == self.biosample]
        self.gene = str(crispr.groupby("gene_name")["is_positive"].sum().idxmax())
        model = trained_models(self.study, self.biosample)[0]
        self.predictor = open_predictor(self.study, model, biosample=self.biosample)
        self.window = self.predictor.window(str(self.study.gene(self.gene)["gene_id"]))

    def elements(self, n: int) -> list[str]:
        """The n distal elements nearest to the gene."""
        table = self.window.elements[self.window.elements["element_class"] == "distal"]
        order = table["tss_distance_bp"].abs().sort_values(kind="stable").index
        return list(table.loc[order, "element_id"].head(n))

    def ask(self, strengths: dict[str, float]) -> Perturbation:
        """The library's own answer."""
        return knock_out(self.predictor, self.window, strengths, mode="mask")


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth()


def open_gene(page: Page, url: str, truth: Truth, more: str = "") -> None:
    page.goto(f"{url}/knockout?gene={truth.gene}{more}", timeout=SLOW_MS)
    expect(page.locator("#ko-effects .scatterlayer").first).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("#ko-before")).to_have_text(three_digits(truth.ask({}).before), timeout=SLOW_MS)


def expect_exact(page: Page, result: Perturbation) -> None:
    """The headline is exact and carries the library's numbers."""
    expect(page.locator("#ko-kind")).to_have_text(re.compile("^exact"), timeout=SLOW_MS)
    expect(page.locator("#ko-after")).to_have_text(three_digits(result.after), timeout=SLOW_MS)
    change = f"{percent(result.effect_fraction)} (log2 FC {three_digits(result.log2_fold_change)})"
    expect(page.locator("#ko-change")).to_have_text(change, timeout=SLOW_MS)


def thumb(page: Page) -> Locator:
    return page.locator("#ko-slider [role=slider]")


def test_dragging_previews_without_a_request_and_release_is_exact(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    element = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&element={element}")
    expect(page.locator("#ko-neighbours")).to_be_attached()
    page.wait_for_load_state("networkidle")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    box = thumb(page).bounding_box()
    track = page.locator("#ko-slider").bounding_box()
    assert box is not None
    assert track is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for share in (0.8, 0.5, 0.2):
        page.mouse.move(track["x"] + share * track["width"], y, steps=3)
        expect(page.locator("#ko-kind")).to_have_text("additive estimate, interpolated")
    page.mouse.move(track["x"] - 40, y, steps=3)
    expect(page.locator("#ko-kind")).to_have_text("additive estimate")
    expect(page.locator("#ko-result")).to_have_class(re.compile("ko-estimate"))
    assert requests == []
    page.mouse.up()
    expect_exact(page, truth.ask({element: 0.0}))
    expect(page.locator("#ko-result")).not_to_have_class(re.compile("ko-estimate"))


def test_the_keyboard_moves_the_slider_and_undo_and_redo_follow(page: Page, dashboard_url: str, truth: Truth) -> None:
    element = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&element={element}")
    expect(page.locator("#ko-undo")).to_be_disabled()
    thumb(page).press("Home")
    expect_exact(page, truth.ask({element: 0.0}))
    page.locator("#ko-undo").click()
    expect(page.locator("#ko-change")).to_have_text("nothing changed", timeout=SLOW_MS)
    expect(thumb(page)).to_have_attribute("aria-valuenow", "1")
    page.locator("#ko-redo").click()
    expect_exact(page, truth.ask({element: 0.0}))
    page.locator("#ko-reset").click()
    expect(page.locator("#ko-change")).to_have_text("nothing changed", timeout=SLOW_MS)


def test_the_address_holds_the_view_and_gives_it_back(page: Page, dashboard_url: str, truth: Truth) -> None:
    first, second = truth.elements(2)
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0~{second}*0.5")
    result = truth.ask({first: 0.0, second: 0.5})
    expect_exact(page, result)
    expect(page.locator("#ko-kind")).to_have_text("exact, interpolated")
    page.get_by_text("silence", exact=True).click()
    expect(page).to_have_url(re.compile("mode=silence"), timeout=SLOW_MS)
    query = parse_qs(urlsplit(page.url).query)
    assert query["knock_outs"] == [f"{first}*0~{second}*0.5"]
    assert query["gene"] == [truth.gene]
    silenced = knock_out(truth.predictor, truth.window, {first: 0.0, second: 0.5}, mode="silence")
    expect_exact(page, silenced)
    page.reload()
    expect_exact(page, silenced)


def test_a_preset_knocks_out_its_elements(page: Page, dashboard_url: str, truth: Truth) -> None:
    open_gene(page, dashboard_url, truth)
    page.get_by_role("button", name=re.compile("^top 5 by attention")).click()
    expect(page.locator("#ko-done")).to_contain_text("5 elements knocked out", timeout=SLOW_MS)
    baseline = truth.ask({})
    order = baseline.attention_before.argsort()[::-1][:5]
    chosen = truth.window.elements["element_id"].iloc[order]
    expect_exact(page, truth.ask(dict.fromkeys(chosen, 0.0)))
    expect(page.locator("#ko-independent")).to_contain_text("interaction")


def test_a_late_answer_never_overwrites_a_newer_one(page: Page, dashboard_url: str, truth: Truth) -> None:
    first, second = truth.elements(2)
    open_gene(page, dashboard_url, truth, f"&element={first}")
    held: list[Route] = []

    def hold(route: Route) -> None:
        body = route.request.post_data or ""
        if '"ko-answer.data"' in body and '"seq":1' in body:
            held.append(route)
        else:
            route.continue_()

    page.route(UPDATES, hold)
    thumb(page).press("Home")
    expect(page.locator("#ko-kind")).to_have_text("additive estimate", timeout=SLOW_MS)
    page.wait_for_timeout(100)
    page.locator(f"#ko-table [row-id='{second}'] .ag-cell").first.dblclick()
    wanted = truth.ask({first: 0.0, second: 0.0})
    expect_exact(page, wanted)
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_timeout(600)
    expect_exact(page, wanted)
    stale = {"seq": 1, "before": "9", "after": "9", "change": "stale", "look": "same", "fraction": 0}
    page.evaluate("stale => window.dash_clientside.set_props('ko-answer', {data: stale})", stale)
    page.wait_for_timeout(200)
    expect_exact(page, wanted)


def test_an_unknown_element_gives_a_notice_and_the_rest_stays(page: Page, dashboard_url: str, truth: Truth) -> None:
    first = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0~nowhere*0")
    expect(page.locator("#notice")).to_contain_text("'nowhere' is not an element of the window")
    expect_exact(page, truth.ask({first: 0.0}))


def test_an_unknown_gene_gives_one_line(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/knockout?gene=NOPE", timeout=SLOW_MS)
    expect(page.get_by_text("has no gene 'NOPE'").first).to_be_visible(timeout=SLOW_MS)


def test_a_row_brings_its_slider_and_figures_save_as_files(page: Page, dashboard_url: str, truth: Truth) -> None:
    open_gene(page, dashboard_url, truth)
    row = page.locator("#ko-table .ag-row").nth(3)
    identity = row.get_attribute("row-id")
    row.locator(".ag-cell").first.click()
    expect(page.locator("#ko-focus-name")).to_have_attribute("title", identity or "")
    expect(page).to_have_url(re.compile(re.escape(f"element={identity}")))
    for graph, format in (("ko-effects", "svg"), ("ko-agreement", "png")):
        page.locator(f"#{graph}").hover()
        with page.expect_download() as download:
            page.locator(f"[data-ko-save='{graph}:{format}']").click()
        assert download.value.suggested_filename.endswith(f".{format}")
