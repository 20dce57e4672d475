"""One spelling of numbers and places: dashboard/text.py and assets/text.js against one table."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from cre_core.genome import HG38, Locus
from dashboard import text

SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "text.js"
TABLE: dict[str, list[list[Any]]] = json.loads(Path(__file__).with_name("text_cases.json").read_text())
CASES = [
    (name, given if isinstance(given, list) else [given], wanted)
    for name, cases in TABLE.items()
    for given, wanted in cases
]
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def call(browser: Browser) -> Iterator[Call]:
    """Calls functions of the browser's script: of (name, arguments) pairs, all that they give."""
    page = browser.new_page()
    page.add_script_tag(path=SCRIPT)
    yield lambda asked: page.evaluate("(asked) => asked.map(([f, v]) => window.crescope.text[f](...v))", asked)
    page.close()


@pytest.mark.parametrize(("name", "given", "wanted"), CASES)
def test_the_server_writes_as_the_table_says(name: str, given: list[Any], wanted: str) -> None:
    assert getattr(text, name)(*given) == wanted


@pytest.mark.browser
def test_the_browser_writes_as_the_table_says(call: Call) -> None:
    assert call([(name, given) for name, given, _ in CASES]) == [wanted for _, _, wanted in CASES]


@pytest.mark.browser
def test_both_write_any_number_alike(call: Call) -> None:
    values = [sign * digits / 8 * 10.0**exponent for sign in (1, -1) for digits in (1, 7, 9, 81, 8005, 99999)
              for exponent in range(-9, 9)]  # fmt: skip
    names = ("number", "signed", "percent", "points", "log2", "distance", "offset")
    asked = [(name, [value]) for name in names for value in values]
    assert call(asked) == [getattr(text, name)(*value) for name, value in asked]


@pytest.mark.browser
def test_the_browser_reads_the_places_it_writes(call: Call) -> None:
    places = [Locus(*given) for given, _ in TABLE["place"]]
    texts = [shown for _, shown in TABLE["place"]]
    assert call([("parse", [shown]) for shown in texts]) == [vars(place) for place in places]
    assert [Locus.parse(shown, HG38) for shown in texts] == places
    assert call([("parse", ["MYC"]), ("parse", [""])]) == [None, None]


def test_no_data_is_said_for_nan() -> None:
    for name in ("number", "signed", "percent", "share", "points", "log2", "distance", "offset"):
        assert getattr(text, name)(math.nan) == getattr(text, name)(None) == "no data"


@pytest.mark.parametrize(
    ("locus", "short"),
    [
        ("chr8:127,500,001-129,900,000", "chr8:127.5-129.9 Mb"),
        ("chr19:12,800,001-12,950,000", "chr19:12.8-12.95 Mb"),
        ("chr1:1-400,000", "chr1:0-0.4 Mb"),
        ("chr8:5-3", "chr8:5-3"),
        ("somewhere", "somewhere"),
    ],
)
def test_a_place_in_short(locus: str, short: str) -> None:
    assert text.short_place(locus) == short
