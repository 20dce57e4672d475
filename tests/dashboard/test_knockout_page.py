"""The knock-out page of the demo study in a browser."""

from __future__ import annotations

import io
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Error, Locator, Page, Route, expect

from cre_core.data.study import Study
from cre_core.evaluation.scan import run_scan
from cre_core.evaluation.screened import compared_pairs
from cre_core.inference.known import trained_models
from cre_core.inference.predictor import open_predictor
from cre_core.interpretation.perturb import Perturbation, knock_out
from dashboard.text import log2, number, percent, place

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
ANSWER = "**/ask/knockout-answer"
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
    expect(page.locator("#ko-before")).to_have_text(number(truth.ask({}).before), timeout=SLOW_MS)


def expect_exact(page: Page, result: Perturbation) -> None:
    """The headline is exact and carries the library's numbers."""
    expect(page.locator("#ko-kind")).to_have_text(re.compile("^exact"), timeout=SLOW_MS)
    expect(page.locator("#ko-after")).to_have_text(number(result.after), timeout=SLOW_MS)
    change = f"{percent(result.effect_fraction)} (log2 FC {log2(result.log2_fold_change)})"
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
    page.locator("#ko-top-method").click()
    page.get_by_role("option", name="attention", exact=True).click()
    page.get_by_role("button", name="out", exact=True).click()
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
        if (route.request.post_data_json or {}).get("knock_outs") == [[first, 0]]:
            held.append(route)
        else:
            route.continue_()

    page.route(ANSWER, hold)
    thumb(page).press("Home")
    expect(page.locator("#ko-kind")).to_have_text("additive estimate", timeout=SLOW_MS)
    page.wait_for_timeout(100)
    page.locator(f"#ko-table [row-id='{second}'] .ag-cell").first.dblclick()
    wanted = truth.ask({first: 0.0, second: 0.0})
    expect_exact(page, wanted)
    assert len(held) == 1
    with suppress(Error):  # the browser gave the question up
        held[0].fulfill(
            json={"data": {"before": "9", "after": "9", "change": "stale", "look": "same", "kind": "exact"}}
        )
    page.wait_for_timeout(600)
    expect_exact(page, wanted)


def test_another_gene_begins_anew_and_the_way_over_another_page_comes_back_to_it(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    element = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&element={element}")
    thumb(page).press("Home")
    expect_exact(page, truth.ask({element: 0.0}))
    genes = truth.study.genes
    other = str(genes[genes["chrom"] == truth.window.gene["chrom"]]["gene_name"].iloc[3])
    page.locator("#search").fill(other)
    page.locator("#search").press("Enter")
    expect(page.locator(".ko-title")).to_have_text(f"Predicted expression of {other}", timeout=SLOW_MS)
    window = truth.predictor.window(str(truth.study.gene(other)["gene_id"]))
    before = number(knock_out(truth.predictor, window, {}, mode="mask").before)
    expect(page.locator("#ko-before")).to_have_text(before, timeout=SLOW_MS)
    expect(page.locator("#ko-change")).to_have_text("nothing changed")
    expect(page.locator("#ko-undo")).to_be_disabled()
    expect(page.locator("#ko-table .ag-row-selected")).to_have_count(1, timeout=SLOW_MS)
    page.locator("#rail a", has_text="Data").click()
    expect(page.locator("#data-files")).to_be_visible(timeout=SLOW_MS)
    page.locator("#rail a", has_text="Knock-out").click()
    expect(page.locator("#ko-before")).to_have_text(before, timeout=SLOW_MS)
    expect(page.locator("#ko-effects .scatterlayer").first).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("#ko-table .ag-row").first).to_be_visible(timeout=SLOW_MS)


def test_an_unknown_element_gives_a_notice_and_the_rest_stays(page: Page, dashboard_url: str, truth: Truth) -> None:
    first = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0~nowhere*0")
    expect(page.locator("#notice")).to_contain_text("'nowhere' is not an element of the window")
    expect_exact(page, truth.ask({first: 0.0}))


def test_a_gene_that_is_not_there_is_one_line_and_study_and_page_stay(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/knockout?study=demo&gene=NOPE", timeout=SLOW_MS)
    expect(page.get_by_text("has no gene 'NOPE'").first).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("#study-select")).to_have_value("demo · sim1")
    expect(page.locator("#rail a", has_text="Locus")).to_have_attribute("href", re.compile("gene=NOPE"))
    assert urlsplit(page.url).path == "/knockout"


def test_a_row_brings_its_slider_and_figures_save_as_files(page: Page, dashboard_url: str, truth: Truth) -> None:
    open_gene(page, dashboard_url, truth)
    row = page.locator("#ko-table .ag-row").nth(3)
    identity = row.get_attribute("row-id")
    row.locator(".ag-cell").first.click()
    expect(page.locator(".ko-focus .ko-slot-name")).to_have_attribute("title", identity or "")
    expect(page).to_have_url(re.compile(re.escape(f"element={identity}")))
    for graph, format in (("ko-effects", "svg"), ("ko-agreement", "png")):
        page.locator(f"#{graph}").hover()
        with page.expect_download() as download:
            page.locator(f"[data-save='{graph}:{format}']").click()
        assert download.value.suggested_filename.endswith(f".{format}")


# -- by hand --------------------------------------------------------------------------------------------------------

RANGE = "() => document.querySelector('#ko-effects .js-plotly-plot')._fullLayout.xaxis.range.slice()"
LIMITS = """() => {
  const axis = document.querySelector('#ko-effects .js-plotly-plot')._fullLayout.xaxis;
  return [axis.minallowed, axis.maxallowed];
}"""


def expect_range(page: Page, condition: str) -> list[float]:
    """The range of distances in view, once a condition on `range` and `limits` holds."""
    page.wait_for_function(f"() => {{ const range = ({RANGE})(), limits = ({LIMITS})(); return {condition}; }}")
    return page.evaluate(RANGE)


def test_the_wheel_zooms_at_the_cursor_and_nothing_leaves_what_the_model_reads(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    open_gene(page, dashboard_url, truth)
    low, high = page.evaluate(RANGE)
    reach = truth.predictor.reads.reach_bp
    assert page.evaluate(LIMITS) == pytest.approx([-1.02 * reach, 1.02 * reach])
    box = page.locator("#ko-effects .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    page.mouse.wheel(0, -400)
    first = expect_range(page, f"range[1] - range[0] < {0.6 * (high - low)}")
    at = low + 0.25 * (high - low)
    assert (at - first[0]) / (first[1] - first[0]) == pytest.approx(0.25, abs=0.01)
    page.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 4)
    expect_range(page, f"Math.abs((range[1] - range[0]) - {0.5 * (first[1] - first[0])}) < 1")
    for key in ("-", "-", "-", "-", "-", "-", "-"):
        page.keyboard.press(key)
    expect_range(page, "range[0] === limits[0] && range[1] === limits[1]")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("]")
    page.keyboard.press("]")
    expect_range(page, "range[1] === limits[1] && Math.abs(range[0]) < 1")
    page.keyboard.press("[")
    page.keyboard.press("ArrowLeft")
    expect_range(page, "Math.abs(range[0] - limits[0]) < 1 && Math.abs(range[1]) < 1")
    page.keyboard.press("d")
    page.wait_for_function(
        "() => document.querySelector('#ko-effects .js-plotly-plot').layout.paper_bgcolor !== '#FFFFFF'"
    )
    expect_range(page, "Math.abs(range[0] - limits[0]) < 1 && Math.abs(range[1]) < 1")  # drawn anew where it was


SHAPES = """() => ['ko-effects', 'ko-agreement'].map((id) =>
  document.querySelector('#' + id + ' .js-plotly-plot').layout.shapes.map((shape) => shape.type))"""


def test_keys_walk_the_positives_and_a_click_on_nothing_lets_go(page: Page, dashboard_url: str, truth: Truth) -> None:
    compared, _ = compared_pairs(truth.predictor, truth.window, mode="mask")
    positives = compared[compared["call"] == "decrease"].sort_values("tss_distance_bp")["pair_id"].tolist()
    open_gene(page, dashboard_url, truth)
    expect(page.locator("#ko-agreement .scatterlayer").first).to_be_visible(timeout=SLOW_MS)
    for key, wanted in (("n", positives[0]), ("n", positives[1]), ("b", positives[0]), ("b", positives[-1])):
        page.keyboard.press(key)
        page.wait_for_function("pair => window.crescope.view.get('pair') === pair", arg=wanted)
    page.wait_for_function(f'() => JSON.stringify(({SHAPES})()) === \'[["line","circle"],["circle"]]\'')
    box = page.locator("#ko-effects .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 2, box["y"] + 3)
    page.wait_for_function(f"() => JSON.stringify(({SHAPES})()) === '[[],[]]'")
    expect(page.locator(".ko-focus .ko-slot-name").first).to_have_text("choose an element")
    expect(page).not_to_have_url(re.compile("element=|pair="), timeout=SLOW_MS)
    expect(page.locator("#ko-table .ag-row-selected")).to_have_count(0)


# -- as data --------------------------------------------------------------------------------------------------------


def test_every_figure_saves_its_numbers_as_data(page: Page, dashboard_url: str, truth: Truth) -> None:
    first = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0")
    expect(page.locator("#ko-agreement .scatterlayer").first).to_be_visible(timeout=SLOW_MS)
    page.locator("#ko-effects").hover()
    with page.expect_download() as download:
        page.locator("[data-save='ko-effects:tsv']").click()
    assert re.fullmatch(rf"knock-outs_{truth.gene}_.*\.tsv", download.value.suggested_filename)
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "# simulated data, no measurement"
    assert "# places are 0-based, half-open, as in BED" in lines
    text = "\n".join(line for line in lines if not line.startswith("#"))
    table = pd.read_csv(io.StringIO(text), sep="\t").set_index("element_id")
    place_of = truth.window.elements.set_index("element_id").loc[first]
    assert (table.loc[first, "start"], table.loc[first, "end"]) == (place_of["start"], place_of["end"])
    assert table.loc[first, "strength"] == 0
    alone = 100 * truth.ask({first: 0.0}).effect_fraction
    assert table.loc[first, "predicted_alone_percent"] == pytest.approx(alone, abs=1e-3)
    with page.expect_download() as download:
        page.locator("[data-save='ko-attention:csv']").dispatch_event("click")
    text = "\n".join(line for line in download.value.path().read_text().splitlines() if not line.startswith("#"))
    table = pd.read_csv(io.StringIO(text)).set_index("element_id")
    assert table.loc[first, "attention_after"] == 0  # it is out


# -- measured pairs -------------------------------------------------------------------------------------------------


def click_point(page: Page, graph: str, pair: str) -> None:
    """A click on the mark of a measured pair."""
    find = """([graph, pair]) => {
      const plot = document.querySelector('#' + graph + ' .js-plotly-plot');
      for (const full of plot._fullData) {
        const at = (full.customdata || []).findIndex((told) => told[1] === pair);
        if (at < 0) continue;
        const [x, y] = ['x', 'y'].map((name) => plot._fullLayout[full[name + 'axis'].replace(name, name + 'axis')]);
        const box = plot.getBoundingClientRect();
        return [box.left + x._offset + x.d2p(full.x[at]), box.top + y._offset + y.d2p(full.y[at])];
      }
    }"""
    x, y = page.evaluate(find, [graph, pair])
    page.mouse.move(x, y)
    expect(page.locator(f"#{graph} .hoverlayer .hovertext").first).to_be_visible(timeout=SLOW_MS)
    page.mouse.click(x, y)


def test_a_measured_pair_is_selected_in_the_figures_told_about_and_knocked_out(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    compared, _ = compared_pairs(truth.predictor, truth.window, mode="mask")
    order = compared["effect_fraction"].argsort()
    first, second = (compared.iloc[order.iloc[k]] for k in (0, -1))  # the strongest decrease, and the increase
    open_gene(page, dashboard_url, truth)
    told = page.locator("#ko-measured-text")
    for graph, pair in (("ko-effects", first), ("ko-agreement", second)):
        click_point(page, graph, str(pair["pair_id"]))
        expect(told).to_contain_text(place(pair["chrom"], pair["start"], pair["end"]), timeout=SLOW_MS)
        expect(told).to_contain_text(percent(pair["effect_fraction"]))
        expect(told).to_contain_text(percent(pair["predicted_fraction"]))
        expect(page.locator(".ko-focus .ko-slot-name")).to_have_attribute("title", pair["element_id"])
        expect(page).to_have_url(re.compile(f"pair={re.escape(pair['pair_id'])}"), timeout=SLOW_MS)
    page.get_by_role("button", name="knock out", exact=True).click()
    expect_exact(page, truth.ask(dict.fromkeys(second["element_ids"], 0.0)))
    expect(page.locator("#ko-change")).to_contain_text(percent(second["predicted_fraction"]))
    page.reload()
    expect(told).to_contain_text(percent(second["effect_fraction"]), timeout=SLOW_MS)
    expect(page.locator("#ko-table .ag-row-selected")).to_be_visible(timeout=SLOW_MS)  # it was scrolled to
    other = page.locator("#ko-table .ag-row:not(.ag-row-selected)").first
    identity = other.get_attribute("row-id") or ""
    other.locator(".ag-cell").first.click()
    expect(page.locator(".ko-focus .ko-slot-name")).to_have_attribute("title", identity, timeout=SLOW_MS)
    expect(page).not_to_have_url(re.compile("pair="), timeout=SLOW_MS)


def test_sizes_and_the_ablation_by_distance_stand_beside_the_scatter(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    scan = run_scan(truth.predictor, truth.window, mode="mask")
    assert scan.agreement.sizes is not None
    open_gene(page, dashboard_url, truth)
    text = page.locator("#ko-agreement-text")
    expect(text).to_contain_text(f"median of the {scan.agreement.sizes.n} positives", timeout=SLOW_MS)
    expect(text).to_contain_text(percent(scan.agreement.sizes.median_measured[0]))
    about = page.locator("#ko-gene-text")
    expect(about).to_contain_text(f"of {len(scan.table)} elements")
    for row in scan.by_distance.itertuples():
        expect(about).to_contain_text(f"{row.subset} ({row.n_elements})")
        if row.n_read:
            expect(about).to_contain_text(percent(row.effect_fraction))


# -- tabs -----------------------------------------------------------------------------------------------------------


def open_tab(page: Page, title: str) -> None:
    page.get_by_role("tab", name=title, exact=True).click()


def test_a_tab_is_computed_when_it_is_opened_and_stays_in_the_address(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    open_gene(page, dashboard_url, truth)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_tab(page, "Models")
    titles = page.locator("#ko-models .annotation-text")
    for model in trained_models(truth.study, truth.biosample):
        label = open_predictor(truth.study, model, biosample=truth.biosample).label
        expect(titles.filter(has_text=f"{label} ").first).to_be_visible(timeout=SLOW_MS)
    expect(titles.filter(has_text="Measured")).to_be_visible()
    expect(page.locator("#ko-table")).to_be_hidden()
    assert any(url.endswith("/ask/knockout-models") for url in asked)
    assert not any(url.endswith("/ask/knockout-pairs") for url in asked)
    expect(page).to_have_url(re.compile("panel=models"))
    page.reload()
    expect(titles.filter(has_text="Measured")).to_be_visible(timeout=SLOW_MS)


def test_pairs_are_those_of_the_changed_elements(page: Page, dashboard_url: str, truth: Truth) -> None:
    first, second = truth.elements(2)
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0~{second}*0&panel=pairs")
    expect(page.locator("#ko-pairs-text")).to_contain_text("the 2 elements changed now", timeout=SLOW_MS)
    expect(page.locator("#ko-pairs-text")).to_contain_text("below 0: they do more together")
    both = truth.ask({first: 0.0, second: 0.0}).log2_fold_change
    shown = log2(both)
    numbers = page.locator("#ko-pairs .annotation-text")
    expect(numbers.filter(has_text=shown).first).to_be_visible(timeout=SLOW_MS)
    page.locator("#ko-reset").click()
    expect(page.locator("#ko-pairs-text")).to_contain_text("the 8 elements", timeout=SLOW_MS)


def test_snapshots_are_kept_restored_and_compared_through_the_address(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    first, second = truth.elements(2)
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0&panel=snapshots")
    page.locator("#ko-snapshot-name").fill("first out")
    page.locator("#ko-keep").click()
    row = page.locator(".ko-snapshots tr").filter(has_text="first out")
    one = truth.ask({first: 0.0})
    expect(row).to_contain_text(percent(one.effect_fraction), timeout=SLOW_MS)
    page.locator("#ko-reset").click()
    expect(page.locator("#ko-change")).to_have_text("nothing changed", timeout=SLOW_MS)
    row.get_by_role("button", name="restore").click()
    expect_exact(page, one)
    query = parse_qs(urlsplit(page.url).query)
    assert query["snapshots"] == [f"first out!{first}*0"]
    both = f"first!{first}*0!second!{second}*0.5"
    open_gene(page, dashboard_url, truth, f"&panel=snapshots&snapshots={both}&compare=second~first")
    other = truth.ask({second: 0.5})
    difference = page.locator("#ko-difference")
    expect(difference).to_contain_text(f"A  second: {percent(other.effect_fraction)}", timeout=SLOW_MS)
    expect(difference).to_contain_text(f"B  first: {percent(one.effect_fraction)}")
    page.locator(".ko-snapshots").get_by_role("button", name="forget").first.click()
    expect(difference).to_contain_text("Choose one as A and one as B", timeout=SLOW_MS)
    expect(page).to_have_url(re.compile("compare=second~&|compare=second~$"), timeout=SLOW_MS)


def test_the_history_is_listed_and_goes_back(page: Page, dashboard_url: str, truth: Truth) -> None:
    first = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&element={first}")
    thumb(page).press("Home")
    expect_exact(page, truth.ask({first: 0.0}))
    open_tab(page, "Snapshots")
    steps = page.locator("#ko-steps .ko-step")
    expect(steps).to_have_count(2)
    expect(steps.first).to_contain_text("out")
    steps.last.click()
    expect(page.locator("#ko-change")).to_have_text("nothing changed", timeout=SLOW_MS)
    expect(steps.first).to_contain_text("(undone)")


def reads_bases(truth: Truth) -> str:
    for model in trained_models(truth.study, truth.biosample):
        if model == "creator" and "scramble" in open_predictor(truth.study, model, biosample=truth.biosample).modes:
            return model
    pytest.skip("no model of the demo reads sequence")


def test_bases_are_letters_in_a_small_view_and_bars_in_a_large_one(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    model = reads_bases(truth)
    page.goto(f"{dashboard_url}/knockout?gene={truth.gene}&model={model}&panel=bases", timeout=SLOW_MS)
    expect(page.locator("#ko-bases-text")).to_contain_text("gradient × input", timeout=SLOW_MS)
    expect(page.locator("#ko-bases .annotation-text").filter(has_text="FIMO")).to_be_visible(timeout=SLOW_MS)
    seen = "() => document.querySelector('#ko-bases .js-plotly-plot').data.filter((t) => t.visible !== false)"
    names = f"{seen}.map((t) => t.name)"
    assert {"letters:A", "letters:C", "letters:G", "letters:T"} <= set(page.evaluate(f"({names})()"))
    page.get_by_role("button", name="all bases").click()
    page.wait_for_function(f"() => ({names})().includes('bars')", timeout=SLOW_MS)
    page.get_by_role("button", name="letters").click()
    page.wait_for_function(f"() => ({names})().includes('letters:A')", timeout=SLOW_MS)
    page.get_by_text("mutagenesis", exact=True).click()
    expect(page.locator("#ko-run-bases")).to_be_visible(timeout=SLOW_MS)
    page.locator("#ko-run-bases").click()
    text = page.locator("#ko-bases-text")
    expect(text).to_contain_text("mean effect of the three substitutions", timeout=2 * SLOW_MS)
    expect(page.locator("#ko-run-bases")).to_be_hidden()


def test_a_model_without_sequence_names_those_with_it(page: Page, dashboard_url: str, truth: Truth) -> None:
    reads_bases(truth)
    open_gene(page, dashboard_url, truth, "&panel=bases")
    expect(page.locator("#ko-bases-text")).to_contain_text("reads no sequence", timeout=SLOW_MS)
    page.locator("#ko-bases-text").get_by_role("link", name="CREaTor").click()
    expect(page).to_have_url(re.compile("model=creator.*panel=bases"), timeout=SLOW_MS)


def test_the_scatter_of_all_genes_has_its_n_and_the_gene_outlined(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    model = reads_bases(truth)  # one whose genes are few elements: quick
    page.goto(f"{dashboard_url}/knockout?gene={truth.gene}&model={model}", timeout=SLOW_MS)
    expect(page.locator("#ko-effects .scatterlayer").first).to_be_visible(timeout=SLOW_MS)
    page.get_by_text("all genes", exact=True).click()
    text = page.locator("#ko-agreement-text")
    expect(text).to_contain_text(f"outlined: {truth.gene}", timeout=3 * SLOW_MS)
    expect(text).to_contain_text("intervals over genes")
    expect(page).to_have_url(re.compile("truth=all"))
    page.get_by_text("this gene", exact=True).click()
    expect(text).not_to_contain_text("outlined", timeout=SLOW_MS)


def test_scrambled_bases_show_their_spread_and_a_model_without_them_says_so(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    model = reads_bases(truth)
    first = truth.elements(1)[0]
    address = f"{dashboard_url}/knockout?gene={truth.gene}&mode=scramble&knock_outs={first}*0"
    page.goto(f"{address}&model={model}", timeout=SLOW_MS)
    expect(page.locator("#ko-change")).to_contain_text("SD over shuffles", timeout=2 * SLOW_MS)
    page.goto(f"{address}&model={trained_models(truth.study, truth.biosample)[0]}", timeout=SLOW_MS)
    expect(page.locator("#notice")).to_contain_text("has no mode 'scramble' here; this is mask", timeout=SLOW_MS)
    expect_exact(page, truth.ask({first: 0.0}))


def test_an_address_with_five_thousand_elements_gives_a_page_and_short_notices(
    page: Page, dashboard_url: str, truth: Truth
) -> None:
    first = truth.elements(1)[0]
    many = "~".join(f"x{n}*0" for n in range(5_000))
    open_gene(page, dashboard_url, truth, f"&knock_outs={first}*0~{many}")
    notice = page.locator("#notice")
    expect(notice).to_contain_text("5,001 knocked-out elements in the address; the first 300 are kept")
    expect(notice).to_contain_text("'x0' and 298 more are no elements of the window")
    expect_exact(page, truth.ask({first: 0.0}))


def model_process(folder: Path) -> int:
    """The model process of the dashboards whose caches lie below a folder."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"dashboard.services.models.server" in words and str(folder).encode() in entry.read_bytes():
                return int(entry.parent.name)
    raise AssertionError("no model process runs")


def test_the_models_die_in_the_middle_of_a_request_and_come_back(
    page: Page, dashboard_url: str, truth: Truth, tmp_path_factory: pytest.TempPathFactory
) -> None:
    element = truth.elements(1)[0]
    open_gene(page, dashboard_url, truth, f"&element={element}")
    page.wait_for_load_state("networkidle")
    first = model_process(tmp_path_factory.getbasetemp())
    os.kill(first, signal.SIGSTOP)  # it has the request and does not answer
    thumb(page).press("Home")
    expect(page.locator("#ko-kind")).to_have_text("additive estimate")
    page.wait_for_timeout(300)
    os.kill(first, signal.SIGKILL)
    expect(page.locator("#ko-kind")).to_have_text(
        "the model process stopped and is starting again; the answer will follow", timeout=SLOW_MS
    )
    expect_exact(page, truth.ask({element: 0.0}))
    assert model_process(tmp_path_factory.getbasetemp()) != first


def test_two_tabs_keep_their_own_experiments(page: Page, dashboard_url: str, truth: Truth) -> None:
    one, other = truth.elements(2)
    open_gene(page, dashboard_url, truth, f"&element={one}")
    second = page.context.new_page()
    open_gene(second, dashboard_url, truth, f"&element={other}")
    thumb(page).press("Home")
    thumb(second).press("Home")
    expect_exact(page, truth.ask({one: 0.0}))
    expect_exact(second, truth.ask({other: 0.0}))
    second.locator("#ko-reset").click()
    expect(second.locator("#ko-change")).to_have_text("nothing changed", timeout=SLOW_MS)
    expect_exact(page, truth.ask({one: 0.0}))
