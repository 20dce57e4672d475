"""Every page by axe-core, light and dark: no serious violation; and all controls are reached by the keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

PAGES = {
    "home": ("/", "#study-demo"),
    "locus": ("/locus?gene=SIM135", "#inspector .cs-inspect-heading"),
    "locus, selected": ("/locus?gene=SIM135&element=sim_chrS2:2303300-2303800", "#selected-element"),
    "knock-out": ("/knockout?gene=SIM135", "#ko-table .ag-row"),
    "data": ("/data?study=demo", "#data-files .ag-row"),
}
# What the grid's own markup lacks, in its header rows and its scrolled body, is not ours to mend.
GRID = (".ag-root-wrapper",)

pytestmark = pytest.mark.browser


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page in one theme; axe is a script of ours that the page's policy would refuse."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    context.add_init_script(f"localStorage.setItem('theme', '\"{request.param}\"')")
    page = context.new_page()
    yield page
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_no_serious_violation(themed: Page, dashboard_url: str, name: str) -> None:
    address, there = PAGES[name]
    themed.goto(dashboard_url + address)
    themed.wait_for_selector(there, state="attached", timeout=60_000)
    themed.wait_for_timeout(1_500)  # what is drawn after it
    found = Axe().run(themed, context={"exclude": [[part] for part in GRID]}).response["violations"]
    serious = [
        f"{one['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[1].strip()})"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert serious == []


def test_the_keyboard_reaches_every_control_of_locus_and_its_focus_is_seen(themed: Page, dashboard_url: str) -> None:
    address, there = PAGES["locus"]
    themed.goto(dashboard_url + address)
    themed.wait_for_selector(there, state="attached", timeout=60_000)
    themed.wait_for_selector(".cs-label", timeout=60_000)
    themed.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(60):
        themed.keyboard.press("Tab")
        reached.append(
            themed.evaluate(
                """() => {
                    const here = document.activeElement, look = getComputedStyle(here);
                    if (here.closest('.ag-root')) return ['grid', 'its own ring', true];
                    const parts = [here, ...here.querySelectorAll('*'), ...here.parentElement.children];
                    const isSeen = parts.some((one) => { const style = getComputedStyle(one);
                        return style.outlineStyle !== 'none' || style.boxShadow !== 'none'; });
                    const label = here.labels && here.labels.length ? here.labels[0].textContent : here.textContent;
                    return [here.id || here.className, here.getAttribute('aria-label') || label, isSeen];
                }"""
            )
        )
    names = [str(name) for name, _, _ in reached]
    for wanted in ("search", "locus-place", "pan-left", "zoom-in", "locus-open-go-to", "locus-open-methods"):
        assert wanted in names
    assert any("cs-label" in name for name in names)
    assert any("cs-frame" in name for name in names)
    assert [name for name, label, _ in reached if not str(label).strip()] == []
    assert [name for name, _, is_seen in reached if not is_seen] == []
