"""The locus page in a browser, on the demo: search, moves, crosshair, address, files, tracks, dark."""

from __future__ import annotations

import io
import itertools
import json
import time
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import DEMO

pytestmark = pytest.mark.browser
GENE = "SIM135"


def open_locus(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    # The last answers of the first drawing: after them nothing is asked without a person's doing.
    page.wait_for_selector("#inspector .cs-inspect-heading", state="attached", timeout=60_000)
    page.wait_for_selector("#locus-table .ag-row", timeout=60_000)


def settled(page: Page) -> None:
    """Wait until the figure is drawn and nothing is being asked."""
    until(
        page,
        "Boolean(window.crescope && crescope.locus.meta && crescope.locus.parts() && !crescope.exchange.isAsking())",
    )
    page.wait_for_selector("#locus-figure .scatterlayer", state="attached", timeout=60_000)


def until(page: Page, condition: str, argument: object = None) -> None:
    """Wait until an expression or function of the page is true; the page's policy forbids the client to poll it."""
    deadline = time.monotonic() + 30
    while not page.evaluate(condition, argument):
        assert time.monotonic() < deadline, f"never true: {condition}"
        page.wait_for_timeout(60)


def hover(page: Page, x: float, y: float) -> None:
    """Move the mouse, and wait for the crosshair."""
    page.mouse.move(x, y)
    until(page, "document.querySelectorAll('#locus-figure .cs-cross-value').length > 0")


def view(page: Page) -> list[float]:
    return page.evaluate("[crescope.locus.view.start, crescope.locus.view.end]")


def band_ids(page: Page) -> list[str]:
    return page.evaluate("crescope.locus.meta.bands.map(band => band.id)")


def pixel_of(page: Page, band: str, position: float) -> tuple[float, float]:
    """Where a position of a band is on the screen."""
    x, y = page.evaluate(
        """([id, position]) => {
            const box = document.querySelector('#locus-figure .cs-frame').getBoundingClientRect();
            const { top, bottom } = crescope.locus.edges(crescope.locus.band(id));
            return [box.left + crescope.locus.px(position), box.top + (top + bottom) / 2];
        }""",
        [band, position],
    )
    return x, y


def frame(page: Page) -> dict[str, float]:
    box = page.locator("#locus-figure .cs-frame").bounding_box()
    assert box is not None
    return box  # type: ignore[return-value]


def first_element(page: Page) -> tuple[str, float]:
    """Id and middle of an element well inside the view."""
    identity, position = page.evaluate(
        """() => {
            const { start, end } = crescope.locus.view, marks = crescope.locus.meta.marks.elements;
            for (let k = 0; k < marks.id.length; k++) {
                const middle = (marks.start[k] + marks.end[k]) / 2, share = (middle - start) / (end - start);
                if (share > 0.3 && share < 0.7) return [marks.id[k], middle];
            }
        }"""
    )
    return identity, position


def asked_later(page: Page) -> list[str]:
    """The requests from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    return asked


# -- search and addresses -----------------------------------------------------------------------------------------


def test_a_search_opens_a_gene_and_a_place_without_laying_out_the_page_anew(page: Page, dashboard_url: str) -> None:
    open_locus(page, dashboard_url + "/locus")
    page.evaluate("document.getElementById('locus-toolbar').dataset.kept = 'yes'")
    page.fill("#search", "SIM91")
    page.keyboard.press("Enter")
    expect(page.locator("#locus-gene")).to_have_text("SIM91", timeout=30_000)
    until(page, "location.search.includes('gene=SIM91')")
    page.fill("#search", "chrS2:700,001-900,000")
    page.keyboard.press("Enter")
    until(page, "String([crescope.locus.view.start, crescope.locus.view.end]) === '700000,900000'")
    settled(page)
    assert page.locator("#locus-toolbar").get_attribute("data-kept") == "yes"
    page.go_back()
    until(page, "location.search.includes('gene=SIM91') && !location.search.includes('700,001')")


def test_the_place_is_written_and_edited_in_its_box(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&locus=chrS2:1,000,001-1,200,000")
    box = page.locator("#locus-place")
    expect(box).to_have_value("chrS2:1,000,001-1,200,000")
    box.fill("chrS2:1.1-1.2Mb")
    box.press("Enter")
    expect(box).to_have_value("chrS2:1,100,000-1,200,000", timeout=30_000)
    box.fill("nowhere")
    box.press("Enter")
    expect(page.locator("#notice")).to_contain_text("nowhere")
    box.press("Escape")
    expect(box).to_have_value("chrS2:1,100,000-1,200,000")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (f"gene={GENE}&locus=chr99:1-2", "chr99"),
        (f"gene={GENE}&locus=chrS2:5-99,000,000", "chrS2"),
        ("gene=NOSUCH&locus=chrS2:1-100,000", "no gene 'NOSUCH'"),
        (f"gene={GENE}&biosample=HeLa", "no biosample 'HeLa'"),
    ],
)
def test_a_bad_address_keeps_the_page_and_says_what_was_wrong(
    page: Page, dashboard_url: str, query: str, says: str
) -> None:
    page.goto(f"{dashboard_url}/locus?study=demo&{query}")
    expect(page.locator("#notice")).to_contain_text(says, timeout=30_000)
    settled(page)
    assert "study=demo" in page.url


def test_an_unknown_gene_is_one_line_and_the_study_stays(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/locus?study=demo&gene=NOSUCH")
    expect(page.locator("body")).to_contain_text("has no gene 'NOSUCH'", timeout=20_000)
    until(page, "location.pathname === '/locus' && location.search.includes('study=demo')")


# -- moves --------------------------------------------------------------------------------------------------------


def test_a_pan_inside_what_is_loaded_asks_nothing_and_draws_nothing(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    before, address, asked = view(page), page.url, asked_later(page)
    path = "document.querySelector('#locus-figure .scatterlayer path')"
    page.evaluate(f"{path}.dataset.kept = 'yes'")
    page.click("#pan-right")
    until(page, "address => location.href !== address", address)
    assert view(page)[0] > before[0]
    before, address = view(page), page.url
    box = frame(page)
    page.mouse.move(box["x"] + 500, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 420, box["y"] + 60, steps=5)
    # The drawing is under the hand before it lets go.
    assert view(page)[0] == pytest.approx(before[0] + 80 / box["width"] * (before[1] - before[0]), rel=1e-3)
    page.mouse.up()
    until(page, "address => location.href !== address", address)
    page.wait_for_timeout(300)
    assert view(page)[1] - view(page)[0] == before[1] - before[0]
    assert asked == []
    assert page.evaluate(f"{path}.dataset.kept") == "yes"


def test_the_wheel_zooms_at_the_cursor(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    start, end = view(page)
    box = frame(page)
    x = box["x"] + 0.25 * box["width"]
    page.mouse.move(x, box["y"] + 200)
    fixed = start + 0.25 * (end - start)
    page.mouse.wheel(0, -300)
    until(page, "old => crescope.locus.view.end - crescope.locus.view.start < 0.8 * old", end - start)
    start, end = view(page)
    assert start + 0.25 * (end - start) == pytest.approx(fixed, abs=0.01 * (end - start))
    until(page, "decodeURIComponent(location.search).includes(crescope.locus.placeText())")


def test_a_double_click_and_a_drag_on_the_ruler_zoom(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&locus=chrS2:1,000,001-1,400,000")
    box = frame(page)
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 300)
    until(page, "crescope.locus.view.end - crescope.locus.view.start === 200000")
    assert view(page) == pytest.approx([1_100_000, 1_300_000], abs=1_000)
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 20, steps=4)
    expect(page.locator("#locus-figure .cs-layer-drag")).to_be_visible()
    page.mouse.up()
    until(page, "crescope.locus.view.end - crescope.locus.view.start < 110000")
    assert view(page) == pytest.approx([1_150_000, 1_250_000], abs=1_500)


def test_the_view_never_leaves_the_chromosome_nor_passes_its_limits(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    size, least = page.evaluate("[crescope.locus.meta.size, crescope.locus.meta.least]")
    for _ in range(14):
        page.keyboard.press("ArrowLeft")
    assert view(page)[0] == 0
    for _ in range(8):
        page.keyboard.press("-")
    assert view(page) == [0, size]
    for _ in range(30):
        page.keyboard.press("+")
    start, end = view(page)
    assert end - start == least
    page.evaluate("crescope.locus.moveTo(crescope.locus.meta.size + 5e6, crescope.locus.meta.size + 6e6)")
    assert view(page)[1] == size


def test_what_is_not_loaded_is_grey_and_said_and_then_comes(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&locus=chrS2:800,001-900,000")
    loaded = page.evaluate("crescope.locus.meta.loaded")
    page.evaluate("crescope.locus.moveTo(1200000, 1300000)")
    box = frame(page)
    white = page.evaluate("document.querySelector('#locus-figure .cs-loaded').getBoundingClientRect().right")
    assert loaded[1] < 1_200_000
    assert white < box["x"] + 1
    expect(page.locator("#locus-figure .cs-unloaded")).to_have_text("not loaded")
    page.evaluate("crescope.locus.commit()")
    until(page, "crescope.locus.meta.loaded[1] > 1300000")
    settled(page)
    right = page.evaluate("document.querySelector('#locus-figure .cs-loaded').getBoundingClientRect().right")
    assert right > box["x"] + box["width"]


def test_zooming_out_of_what_is_loaded_asks_for_more(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&locus=chrS2:1,000,001-1,100,000")
    loaded = page.evaluate("crescope.locus.meta.loaded")
    page.click("#zoom-out")
    page.click("#zoom-out")
    until(page, "old => String(crescope.locus.meta.loaded) !== String(old)", loaded)
    assert view(page)[1] - view(page)[0] == 400_000


# -- what is seen -------------------------------------------------------------------------------------------------


def test_all_fits_and_every_track_has_a_value_at_the_crosshair(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    box = frame(page)
    assert len(band_ids(page)) >= 12
    assert box["y"] + box["height"] < 900
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    _, position = first_element(page)
    for place in (position, position + 3_000):
        page.mouse.move(*pixel_of(page, "elements", place))
        values = page.locator("#locus-figure .cs-cross-value")
        expect(values).to_have_count(len(band_ids(page)))
        assert all(values.all_inner_texts())


@pytest.mark.parametrize("width", [40_000, 300_000, 1_200_000])
def test_gene_names_stay_beside_their_genes_and_never_overlap(page: Page, dashboard_url: str, width: int) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.evaluate(
        """width => {
            const tss = crescope.locus.meta.tss;
            crescope.locus.moveTo(tss - width / 2, tss + width / 2);
            crescope.locus.commit();
        }""",
        width,
    )
    settled(page)
    page.keyboard.press("ArrowRight")
    settled(page)
    names = page.evaluate(
        """() => {
            const { names, size } = crescope.locus.meta, frame = document.querySelector('#locus-figure .cs-frame');
            const left = frame.getBoundingClientRect().left;
            return Array.from(document.querySelectorAll('#locus-figure .cs-gene')).map((name) => {
                const k = names.name.indexOf(name.dataset.gene), box = name.getBoundingClientRect();
                return { row: names.row[k], left: box.left - left, right: box.right - left,
                         from: crescope.locus.px(names.start[k]), to: crescope.locus.px(names.end[k]) };
            });
        }"""
    )
    assert names
    for name in names:
        beside = min(abs(name["left"] - name["to"]), abs(name["right"] - name["from"]))
        inside = name["from"] - 20 <= name["left"] and name["right"] <= name["to"] + 20
        assert beside < 24 or inside
    for row in {name["row"] for name in names}:
        spans = sorted((name["left"], name["right"]) for name in names if name["row"] == row)
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_the_range_and_the_count_follow_the_view(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.evaluate("crescope.locus.moveTo(1e6, 1.03e6); crescope.locus.settle()")
    shown, expected = page.evaluate(
        """() => {
            const band = crescope.locus.band('abc'), { start, end } = crescope.locus.view, { x } = band.links;
            const parts = Array.from(document.querySelectorAll('#locus-figure .cs-note-right'));
            const note = parts.map(one => one.textContent).find(one => one.includes('links in view'));
            return [note, x.filter(one => one >= start && one < end).length];
        }"""
    )
    assert f" of {expected} links in view" in shown


# -- choosing -----------------------------------------------------------------------------------------------------


def test_a_click_selects_an_element_and_one_on_nothing_lets_it_go(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    identity, position = first_element(page)
    page.mouse.click(*pixel_of(page, "elements", position))
    expect(page.locator("#selected-element")).to_be_visible(timeout=30_000)
    until(page, "id => decodeURIComponent(location.href).includes('element=' + id)", identity)
    expect(page.locator("#locus-table .ag-row-selected").first).to_be_visible(timeout=30_000)
    mark = page.locator("#locus-figure .cs-selected").bounding_box()
    assert mark is not None
    x, _ = pixel_of(page, "elements", position)
    assert mark["x"] - 1 <= x <= mark["x"] + mark["width"] + 1
    assert f"{identity}*0" in (page.locator("#to-knockout").get_attribute("href") or "")
    empty = page.evaluate(
        """() => {
            const { elements } = crescope.locus.meta.marks, { start, end } = crescope.locus.view, width = end - start;
            const gap = (bp, k) => Math.min(Math.abs(elements.start[k] - bp), Math.abs(elements.end[k] - bp));
            const isFar = (bp) => elements.id.every((_, k) => gap(bp, k) > 0.0105 * width);
            for (let share = 0.1; share < 0.9; share += 0.002)
                if (isFar(start + share * width)) return start + share * width;
        }"""
    )
    page.mouse.click(*pixel_of(page, "elements", empty))
    until(page, "!location.href.includes('element=')")
    expect(page.locator("#locus-figure .cs-selected")).to_have_count(0)
    expect(page.locator("#locus-figure .cs-selected-middle")).to_have_count(0)


def mark_of(page: Page, pair: str) -> tuple[float, float]:
    """Where the mark of a measured pair is on the screen."""
    x, y = page.evaluate(
        """pair => {
            const { pairs } = crescope.locus.meta.marks, k = pairs.id.indexOf(pair);
            const band = crescope.locus.band('crispr');
            const box = document.querySelector('#locus-figure .cs-frame').getBoundingClientRect();
            const { split, bottom } = crescope.locus.edges(band), [low, high] = band.range;
            return [box.left + crescope.locus.px((pairs.start[k] + pairs.end[k]) / 2),
                    box.top + bottom - (pairs.y[k] - low) / (high - low) * (bottom - split)];
        }""",
        pair,
    )
    return x, y


def ring_of(page: Page) -> tuple[float, float]:
    """Middle of the outline of the selected mark on the screen."""
    box = page.locator("#locus-figure .cs-ring").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def strongest_pair() -> tuple[str, float, int, int]:
    """Id, per cent, start and end of the demo gene's strongest significant decrease, straight from the table."""
    table = pd.read_parquet(DEMO / "crispr.parquet")
    table = table[(table["gene_name"] == GENE) & table["is_significant"]]
    pair = table.loc[table["effect_fraction"].idxmin()]
    return f"{pair['chrom']}:{pair['start']}-{pair['end']}", 100 * pair["effect_fraction"], pair["start"], pair["end"]


def test_a_click_on_a_mark_selects_the_measured_pair_and_a_second_lets_it_go(page: Page, dashboard_url: str) -> None:
    pair, percent, start, end = strongest_pair()
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    expect(page.locator("#locus-figure .cs-ring")).to_have_count(0)
    x, y = mark_of(page, pair)
    page.mouse.click(x + 3, y + 2)
    expect(page.locator("#selected-pair")).to_have_text(f"chrS2:{start + 1:,}-{end:,}", timeout=30_000)
    expect(page.locator("#inspector .cs-effect")).to_contain_text(f"{percent:.3g}".replace("-", "−"))
    until(page, "pair => decodeURIComponent(location.href).includes('pair=' + pair)", pair)
    assert ring_of(page) == pytest.approx((x, y), abs=2)
    page.mouse.click(x, y)
    until(page, "!location.href.includes('pair=')")
    expect(page.locator("#locus-figure .cs-ring")).to_have_count(0)
    expect(page.locator("#selected-pair")).to_have_count(0)


def test_from_a_pair_to_its_element_and_back(page: Page, dashboard_url: str) -> None:
    pair, _, _, _ = strongest_pair()
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&pair={pair}")
    expect(page.locator("#locus-figure .cs-ring")).to_have_count(1)
    row = page.locator("#locus-table .ag-row-selected").first
    expect(row).to_be_visible(timeout=30_000)
    page.locator("#inspector .cs-select-element").first.click()
    expect(page.locator("#selected-element")).to_be_visible(timeout=30_000)
    until(page, "!location.href.includes('pair=') && location.href.includes('element=')")
    expect(row).to_be_visible()
    page.locator("#inspector .cs-select-pair").first.click()
    expect(page.locator("#selected-pair")).to_be_visible(timeout=30_000)
    until(page, "pair => decodeURIComponent(location.href).includes('pair=' + pair)", pair)
    assert "element=" not in page.url


def test_a_click_on_a_name_chooses_the_gene(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    box = page.locator("#locus-figure .cs-gene", has_text="SIM137 ›").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "location.href.includes('gene=SIM137')")
    expect(page.locator("#locus-gene")).to_have_text("SIM137")


def test_a_row_selects_its_element(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    row = page.locator("#locus-table .ag-center-cols-container .ag-row").nth(1)
    row.click()
    expect(page.locator("#selected-element")).to_be_visible(timeout=30_000)


def test_a_stretch_is_highlighted_by_dragging_with_shift_and_erased_again(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    box = frame(page)
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 200, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    lit = page.locator("#locus-figure .cs-highlight")
    expect(lit).to_have_count(1)
    until(page, "location.href.includes('highlights=chrS2:')")
    shown = lit.bounding_box()
    assert shown is not None
    assert (shown["x"], shown["width"]) == pytest.approx((box["x"] + 300, 100), abs=2)
    page.locator(".cs-unhighlight").click()
    expect(lit).to_have_count(0)
    until(page, "!location.href.includes('highlights')")


def test_keys_go_to_the_gene_its_positives_and_the_next_one(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    table = pd.read_parquet(DEMO / "crispr.parquet")
    found = table[(table["gene_name"] == GENE) & table["is_positive"] & (table["biosample"] == "SimA")]
    found = found.sort_values("start")
    page.keyboard.press("p")
    until(page, "([a, b]) => crescope.locus.view.start < a && crescope.locus.view.end > b",
          [int(found["start"].min()), int(found["end"].max())])  # fmt: skip
    settled(page)
    for row in found.head(2).itertuples():
        page.keyboard.press("n")
        until(page, "pair => crescope.view.state.pair === pair", f"{row.chrom}:{row.start}-{row.end}")
    page.keyboard.press("b")
    first = found.iloc[0]
    until(page, "pair => crescope.view.state.pair === pair", f"{first['chrom']}:{first['start']}-{first['end']}")
    page.keyboard.press("e")
    until(page, "place => crescope.locus.view.start < place && crescope.locus.view.end > place && "
          "crescope.locus.view.end - crescope.locus.view.start < 20000", int(first["start"]))  # fmt: skip
    page.keyboard.press("g")
    until(
        page,
        "crescope.locus.view.start < crescope.locus.meta.tss && crescope.locus.meta.tss < crescope.locus.view.end",
    )


def test_a_list_is_walked(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&walk={GENE},SIM91,SIM3")
    for name in ("SIM91", "SIM3", GENE):
        page.keyboard.press("n")
        expect(page.locator("#locus-gene")).to_have_text(name, timeout=30_000)
        settled(page)
    page.keyboard.press("b")
    expect(page.locator("#locus-gene")).to_have_text("SIM3", timeout=30_000)


# -- tracks -------------------------------------------------------------------------------------------------------


def test_a_hidden_method_leaves_the_figure(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    assert "abc" in band_ids(page)
    page.click("#locus-open-methods")
    page.get_by_role("checkbox", name="ABC (power law)", exact=True).click()
    until(page, "!crescope.locus.meta.bands.some(band => band.id === 'abc')")
    assert "abc" not in page.url.partition("methods=")[2].split("&")[0].split("~")


def test_a_track_is_dragged_by_its_label_and_the_address_knows(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    before = band_ids(page)
    label = page.locator('.cs-label[data-band="abc"]').bounding_box()
    assert label is not None
    page.mouse.move(label["x"] + 30, label["y"] + 10)
    page.mouse.down()
    page.mouse.move(label["x"] + 30, frame(page)["y"] + 42, steps=6)
    page.mouse.up()
    until(page, "crescope.locus.meta.bands[0].id === 'abc'")
    until(page, "location.search.includes('order=abc~')")
    expect(page.locator(".cs-track-menu")).to_have_count(0)
    open_locus(page, page.url)
    assert band_ids(page) == ["abc", *[name for name in before if name != "abc"]]
    page.locator('.cs-label[data-band="abc"]').focus()
    page.keyboard.press("Alt+ArrowDown")
    until(page, "crescope.locus.meta.bands[1].id === 'abc'")


def test_the_menu_of_a_track_changes_its_scale_range_and_height(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.locator('.cs-label[data-band="abc"]').click()
    menu = page.locator(".cs-track-menu")
    menu.locator("select").select_option("rank")
    until(page, "crescope.locus.band('abc').scale === 'rank'")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    signal = page.evaluate("crescope.locus.meta.bands.find(band => band.group && !band.links).id")
    page.locator(f'.cs-label[data-band="{signal}"]').click()
    low, high = menu.locator("input[type=number]").all()
    low.fill("0")
    high.fill("25")
    high.press("Tab")
    until(page, "id => String(crescope.locus.band(id).range) === '0,25'", signal)
    expect(page.locator("#locus-figure .cs-note-right", has_text="0 to 25, fixed")).to_be_visible()
    until(page, "location.search.includes('0:25')")
    low.fill("30")
    low.press("Tab")
    expect(page.locator("#notice")).to_contain_text("a range from 30 to 25 is none")
    menu.locator("button", has_text="hide").click()
    until(page, "id => !crescope.locus.band(id)", signal)


def test_the_address_gives_the_same_view(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&methods=abc~distance&scale=log&top=5&hidden=domains")
    address = page.url
    page.click("#zoom-in")
    until(page, "address => location.href !== address", address)
    address, bands, shown = page.url, band_ids(page), view(page)
    assert "abc" in bands
    assert "domains" not in bands
    open_locus(page, address)
    assert page.url == address
    assert band_ids(page) == bands
    assert view(page) == shown
    assert page.locator(".cs-toolbar input[value=log]").is_checked()


# -- files --------------------------------------------------------------------------------------------------------


def saved(page: Page, what: str, folder: Path) -> tuple[str, bytes]:
    """Name and content of a file of the menu."""
    page.click("#locus-open-save")
    with page.expect_download(timeout=30_000) as download:
        page.click(f'[data-save="{what}"]')
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.name, path.read_bytes()


def test_figures_are_saved_in_light_with_what_is_selected(page: Page, dashboard_url: str, tmp_path: Path) -> None:
    pair, _, _, _ = strongest_pair()
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.click("#theme-switch")
    until(page, "crescope.exchange.question('locus').theme === 'dark'")
    settled(page)
    name, svg = saved(page, "locus-figure:svg", tmp_path)
    assert name.startswith(f"locus_{GENE}_SimA_demo_chrS2_")
    for word in (b"DNase", b"simulated", b"tested, not significant", b" links in view"):
        assert word in svg
    assert b"rgb(255, 255, 255)" in svg
    assert b"rgb(18, 24, 31)" not in svg
    paths = svg.count(b"<path")
    page.evaluate("pair => crescope.view.change({ pair })", pair)
    settled(page)
    assert saved(page, "locus-figure:svg", tmp_path)[1].count(b"<path") == paths + 3  # stretch, middle, outline
    page.evaluate("crescope.view.change({ pair: '' })")
    settled(page)
    # What was let go leaves no line behind.
    assert saved(page, "locus-figure:svg", tmp_path)[1].count(b"<path") == paths
    assert saved(page, "locus-figure:png", tmp_path)[1].startswith(b"\x89PNG")


def test_tables_are_data(page: Page, dashboard_url: str, tmp_path: Path) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    for form, separator in (("tsv", "\t"), ("csv", ",")):
        name, content = saved(page, f"locus-table:{form}", tmp_path)
        assert name == f"links_{GENE}_SimA_demo.{form}"
        data = pd.read_csv(io.BytesIO(content), sep=separator, comment="#")
        assert content.startswith(b"# simulated data")
        assert pd.api.types.is_float_dtype(data["abc_score"])
        assert pd.api.types.is_integer_dtype(data["start"])
    row = data[data["element_id"].notna()].iloc[3]
    # A place of the file, written as people do, leads back to the same element.
    page.fill("#search", f"{row['chrom']}:{row['start'] + 1:,}-{row['end']:,}")
    page.keyboard.press("Enter")
    until(page, "id => crescope.view.state.element === id", row["element_id"])


def test_a_view_file_goes_out_and_comes_in(page: Page, dashboard_url: str, tmp_path: Path) -> None:
    address = f"{dashboard_url}/locus?gene={GENE}&methods=abc&highlights=chrS2:1,000-2,000&looks=abc*h90"
    open_locus(page, address)
    query = page.url.partition("?")[2]
    page.click("#locus-open-save")
    with page.expect_download() as download:
        page.click("#view-save")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    content = json.loads(path.read_text())
    assert (content["version"], content["gene"], content["looks"]) == (1, GENE, [["abc", "h90"]])
    open_locus(page, dashboard_url + "/locus?gene=SIM3")

    def bring(file: Path) -> None:
        page.click("#locus-open-save")
        with page.expect_file_chooser() as chooser:
            page.click("#view-open")
        chooser.value.set_files(file)

    bring(path)
    expect(page.locator("#locus-gene")).to_have_text(GENE, timeout=30_000)
    until(page, "query => location.search === '?' + query", query)
    for text, says in (("{}", "version"), ("no json", "no JSON"), ('{"version": 99}', "of version 99")):
        bad = tmp_path / "bad.json"
        bad.write_text(text)
        bring(bad)
        expect(page.locator("#notice")).to_contain_text(says)
        assert page.url.partition("?")[2] == query


# -- looks --------------------------------------------------------------------------------------------------------


def test_dark(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.click("#theme-switch")
    until(page, "crescope.exchange.question('locus').theme === 'dark'")
    settled(page)
    ground = "getComputedStyle(document.querySelector('#locus-figure .cs-loaded')).backgroundColor"
    assert page.evaluate(ground) == "rgb(18, 24, 31)"


def test_the_inspector_folds_at_1024_and_the_table_keeps_three_rows(page: Page, dashboard_url: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    expect(page.locator("#inspector")).not_to_be_visible()
    assert page.evaluate("(main => main.scrollWidth - main.clientWidth)(document.getElementById('main'))") <= 0
    rows = page.evaluate("document.querySelector('#locus-table .ag-body-viewport').clientHeight")
    assert rows >= 3 * 24
