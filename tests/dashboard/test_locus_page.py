"""The locus page in a browser, on the demo: search, pan, crosshair, address, download, dark."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import DEMO

pytestmark = pytest.mark.browser
DRAWN = "#locus-figure .infolayer .annotation"
GENE = "SIM135"


def open_locus(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(DRAWN, timeout=60_000)
    until(page, "document.querySelector('#locus-figure .js-plotly-plot').dataset.locus === 'yes'")
    # The last answers of the first drawing: after them nothing is asked without a person's doing.
    page.wait_for_selector("#inspector .cs-inspect-heading", state="attached", timeout=60_000)
    page.wait_for_selector("#locus-table .ag-row", timeout=60_000)


def until(page: Page, condition: str, argument: object = None) -> None:
    """Wait until an expression or function of the page is true; the page's policy forbids the client to poll it."""
    deadline = time.monotonic() + 30
    while not page.evaluate(condition, argument):
        assert time.monotonic() < deadline, f"never true: {condition}"
        page.wait_for_timeout(60)


def hover(page: Page, x: float, y: float) -> None:
    """Move the mouse, and wait for the crosshair."""
    page.mouse.move(x, y)
    until(page, "document.querySelectorAll('#locus-figure .hoverlayer .hovertext').length > 0")


def x_range(page: Page) -> list[float]:
    return page.evaluate("document.querySelector('#locus-figure .js-plotly-plot').layout.xaxis.range")


def band_ids(page: Page) -> list[str]:
    return page.evaluate("document.querySelector('#locus-figure .js-plotly-plot').layout.meta.bands.map(b => b.id)")


def pixel_of(page: Page, band: str, position: float) -> tuple[float, float]:
    """Where a position of a band is on the screen."""
    x, y = page.evaluate(
        """([band, position]) => {
            const gd = document.querySelector('#locus-figure .js-plotly-plot'), size = gd._fullLayout._size;
            const box = gd.getBoundingClientRect(), entry = gd.layout.meta.bands.find(b => b.id === band);
            const middle = (entry.from + entry.to) / 2;
            return [box.left + size.l + gd._fullLayout.xaxis.l2p(position), box.top + size.t + size.h * (1 - middle)];
        }""",
        [band, position],
    )
    return x, y


def first_element(page: Page) -> tuple[str, float]:
    """Id and place of an element well inside the view."""
    identity, position = page.evaluate(
        """() => {
            const gd = document.querySelector('#locus-figure .js-plotly-plot'), [a, b] = gd.layout.xaxis.range;
            const band = gd.layout.meta.bands.find(b => b.id === 'elements');
            const probe = gd._fullData[band.traces[band.traces.length - 1]];
            const inside = x => x > a + 0.3 * (b - a) && x < b - 0.3 * (b - a);
            for (let i = 0; i < probe.x.length; i++)
                if (probe.customdata[i] && inside(probe.x[i])) return [probe.customdata[i], probe.x[i]];
        }"""
    )
    return identity, position


def test_search_opens_a_gene(page: Page, dashboard_url: str) -> None:
    open_locus(page, dashboard_url + "/locus")
    page.fill("#search", "SIM91")
    page.keyboard.press("Enter")
    expect(page.locator(".cs-locus-name b")).to_have_text("SIM91", timeout=30_000)
    assert "gene=SIM91" in page.url
    # A place inside what is drawn already: the page is new, so it is drawn again.
    page.fill("#search", "chrS2:700,001-900,000")
    page.keyboard.press("Enter")
    drawn = "document.querySelector('#locus-figure .js-plotly-plot')?.layout?.meta?.view"
    until(page, f"String({drawn}) === '700000,900000'")


def test_pan_changes_the_address_without_a_request(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    before, address = x_range(page), page.url
    asked: list[str] = []
    page.on("request", lambda request: asked.append(str(request.post_data)) if request.method == "POST" else None)
    page.click("#pan-right")
    until(page, "address => location.href !== address", address)
    page.wait_for_timeout(700)
    assert x_range(page)[0] > before[0]
    assert asked == []
    assert "locus=chrS2:" in page.url
    before, address = x_range(page), page.url
    box = page.locator("#locus-figure .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 500, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 380, box["y"] + 10, steps=5)
    page.mouse.up()
    until(page, "address => location.href !== address", address)
    after = x_range(page)
    assert after[0] > before[0]
    assert after[1] - after[0] == pytest.approx(before[1] - before[0], rel=1e-3)


def test_leaving_the_window_asks_for_a_new_one(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    loaded = page.evaluate("document.querySelector('#locus-figure .js-plotly-plot').layout.meta.loaded")
    page.click("#zoom-out")
    until(
        page,
        "old => String(document.querySelector('#locus-figure .js-plotly-plot').layout.meta.loaded) !== String(old)",
        loaded,
    )
    start, end = x_range(page)
    assert end - start == pytest.approx(800_000, rel=0.01)


def test_all_fits_and_every_track_has_a_hover_label(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    box = page.locator("#locus-figure .js-plotly-plot").bounding_box()
    assert box is not None
    assert len(band_ids(page)) >= 12
    assert box["y"] + box["height"] < 900
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    _, position = first_element(page)
    for place in (position, position + 3_000):
        page.mouse.move(*pixel_of(page, "crispr", place))
        page.mouse.move(*pixel_of(page, "elements", place))
        until(
            page,
            "n => document.querySelectorAll('#locus-figure .hoverlayer .hovertext').length === n",
            len(band_ids(page)),
        )


def test_the_address_gives_the_same_view(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&methods=abc~distance&scale=log&top=5&hidden=domains")
    address = page.url
    page.click("#zoom-in")
    until(page, "address => location.href !== address", address)
    address, bands, view = page.url, band_ids(page), x_range(page)
    assert "abc" in bands
    assert "domains" not in bands
    open_locus(page, address)
    assert page.url == address
    assert band_ids(page) == bands
    assert x_range(page) == pytest.approx(view, abs=2)
    assert page.locator(".cs-toolbar input[value=log]").is_checked()


def test_a_click_selects_an_element(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    identity, position = first_element(page)
    hover(page, *pixel_of(page, "elements", position))
    page.mouse.click(*pixel_of(page, "elements", position))
    expect(page.locator("#selected-element")).to_be_visible(timeout=30_000)
    until(page, "id => decodeURIComponent(location.href).includes('element=' + id)", identity)
    expect(page.locator("#locus-table .ag-row-selected").first).to_be_visible(timeout=30_000)
    shape = page.evaluate("document.querySelector('#locus-figure .js-plotly-plot').layout.shapes[0]")
    assert shape["visible"]
    assert shape["x0"] < position < shape["x1"]
    assert f"{identity}*0" in (page.locator("#to-knockout").get_attribute("href") or "")


def mark_of(page: Page, pair: str) -> tuple[float, float]:
    """Where the mark of a measured pair is on the screen."""
    x, y = page.evaluate(
        """pair => {
            const gd = document.querySelector('#locus-figure .js-plotly-plot'), size = gd._fullLayout._size;
            const box = gd.getBoundingClientRect();
            for (const trace of gd._fullData.filter(one => one.meta === 'marks')) {
                const at = Array.from(trace.customdata).indexOf(pair);
                const axis = gd._fullLayout['yaxis' + trace.yaxis.slice(1)];
                if (at >= 0) return [box.left + size.l + gd._fullLayout.xaxis.l2p(trace.x[at]),
                                     box.top + axis._offset + axis.l2p(trace.y[at])];
            }
        }""",
        pair,
    )
    return x, y


def ring(page: Page) -> dict[str, Any]:
    return page.evaluate("document.querySelector('#locus-figure .js-plotly-plot').layout.shapes[2]")


def strongest_pair() -> tuple[str, float, int, int]:
    """Id, per cent, start and end of the demo gene's strongest significant decrease, straight from the table."""
    table = pd.read_parquet(DEMO / "crispr.parquet")
    table = table[(table["gene_name"] == GENE) & table["is_significant"]]
    pair = table.loc[table["effect_fraction"].idxmin()]
    return f"{pair['chrom']}:{pair['start']}-{pair['end']}", 100 * pair["effect_fraction"], pair["start"], pair["end"]


def test_a_click_on_a_mark_selects_the_measured_pair_and_a_second_lets_it_go(page: Page, dashboard_url: str) -> None:
    pair, percent, start, end = strongest_pair()
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    assert not ring(page)["visible"]
    x, y = mark_of(page, pair)
    hover(page, x, y)
    page.mouse.click(x + 3, y + 2)
    expect(page.locator("#selected-pair")).to_have_text(f"chrS2:{start + 1:,}-{end:,}", timeout=30_000)
    expect(page.locator("#inspector .cs-effect")).to_contain_text(f"{percent:.3g}".replace("-", "−"))
    until(page, "pair => decodeURIComponent(location.href).includes('pair=' + pair)", pair)
    until(page, "document.querySelector('#locus-figure .js-plotly-plot').layout.shapes[2].visible")
    assert ring(page)["yanchor"] == pytest.approx(percent, abs=0.01)
    place = page.evaluate("document.querySelector('#locus-figure .js-plotly-plot').layout.shapes[0]")
    assert (place["x0"], place["x1"], place["visible"]) == (start, end, True)
    hover(page, x, y)
    page.mouse.click(x, y)
    until(page, "!location.href.includes('pair=')")
    until(page, "!document.querySelector('#locus-figure .js-plotly-plot').layout.shapes[2].visible")
    expect(page.locator("#selected-pair")).to_have_count(0)


def test_from_a_pair_to_its_element_and_back(page: Page, dashboard_url: str) -> None:
    pair, _, _, _ = strongest_pair()
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}&pair={pair}")
    assert ring(page)["visible"]
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
    name = page.locator("#locus-figure text", has_text="SIM137 ›").first
    box = name.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hover(page, x, y)
    page.mouse.click(x, y)
    until(page, "location.href.includes('gene=SIM137')")


def test_a_row_selects_its_element(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    row = page.locator("#locus-table .ag-center-cols-container .ag-row").nth(1)
    row.click()
    expect(page.locator("#selected-element")).to_be_visible(timeout=30_000)


def test_a_hidden_method_leaves_the_figure(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    assert "abc" in band_ids(page)
    page.click("#locus-open-methods")
    page.get_by_role("checkbox", name="ABC (power law)", exact=True).click()
    until(
        page, "!document.querySelector('#locus-figure .js-plotly-plot').layout.meta.bands.some(b => b.id === 'abc')"
    )
    assert "abc" not in page.url.partition("methods=")[2].split("&")[0].split("~")


def test_downloads(page: Page, dashboard_url: str, tmp_path: Path) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.wait_for_selector("#locus-table .ag-row")
    contents = {}
    for button in ("svg", "png", "csv"):
        with page.expect_download(timeout=30_000) as download:
            page.click(f"#locus-{button}")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        contents[button] = path.read_bytes()
        assert path.suffix == f".{button}"
    assert contents["png"].startswith(b"\x89PNG")
    assert contents["svg"].startswith(b"<svg")
    for word in (b"DNase", b"simulated", b"tested, not significant"):
        assert word in contents["svg"]
    assert b"CRISPRi" in contents["csv"].splitlines()[0]


def test_dark(page: Page, dashboard_url: str) -> None:
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    page.click("#theme-switch")
    until(
        page,
        "document.querySelector('#locus-figure .js-plotly-plot').layout.paper_bgcolor.toUpperCase() === '#12181F'",
    )


def test_the_inspector_folds_at_1024(page: Page, dashboard_url: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    open_locus(page, f"{dashboard_url}/locus?gene={GENE}")
    expect(page.locator("#inspector")).not_to_be_visible()
    assert page.evaluate("(main => main.scrollWidth - main.clientWidth)(document.getElementById('main'))") <= 0


def test_an_unknown_gene_is_one_line(page: Page, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/locus?gene=NOSUCH")
    expect(page.locator("body")).to_contain_text("has no gene 'NOSUCH'", timeout=20_000)
