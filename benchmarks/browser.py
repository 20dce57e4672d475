"""The Locus page beside igv.js in chromium: the same eight tracks, places and moves, in turn, in one run.

    python benchmarks/browser.py [--repeats 7] [--json FILE]

Every repeat opens both pages in a browser of their own, at a place never asked for before, and makes the same
moves with real mouse and keys. Time runs from the input in the page to the end of the frame that shows the change
(browser.js). A move has settled when nothing has changed for 400 ms, no request is under way and the page is idle;
its time is that of the last change, counted from the last input. A move that leaves the pixels as they were stops
the run. Servers are warm, browsers cold; the first repeat is thrown away. igv.js has no button that pans: its drag
stands beside ours. Where npm is absent, or cannot fetch igv.js, ours is measured alone.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import igv
import numpy as np
from common import chromium, dashboard, load_average
from playwright.sync_api import Browser, CDPSession, Page

from cre_core.data.study import Study
from cre_core.genome import Locus
from cre_core.io.files import written_whole
from dashboard.settings import PRECOMPUTED

STUDY, BIOSAMPLE = "k562-chr22", "K562"
TRACKS = (
    "genes", "dnase", "h3k27ac", "K562.accessibility", "K562.nascent_rna_plus", "K562.nascent_rna_minus",
    "h3k4me3_peaks", "elements",
)  # fmt: skip
# Both where there is signal, and farther apart than a loaded window reaches.
FIRST, OTHER = 37_200_000, 39_500_000
WIDTH_BP, ROOM_BP = 1_000_000, 100_000  # repeats start within ROOM_BP of each other
QUIET_MS, LONGEST_S = 400, 60
WATCH = (Path(__file__).parent / "browser.js").read_text()


@dataclass(frozen=True)
class Goal:
    """What is measured of a page, in which unit, the largest value and the largest multiple of igv.js allowed."""

    key: str
    title: str
    unit: str
    most: float | None = None
    most_ratio: float | None = None


GOALS = (
    Goal("cold_ms", "cold page to drawn, 1 Mb", "ms", 1300, 4),
    Goal("jump_ms", "jump to a new 1 Mb, typed", "ms", 300, 4),
    Goal("drag_first_ms", "pan by half, dragged: first pixel", "ms", 20, 2),
    Goal("drag_ms", "pan by half, dragged: settled", "ms", 150, 2),
    Goal("pan_first_ms", "pan by the button: first pixel", "ms", 20, 2),
    Goal("pan_ms", "pan by the button: settled", "ms", 150, 2),
    Goal("zoom_in_ms", "zoom in to 0.5 Mb", "ms", 150, 4),
    Goal("zoom_out_ms", "zoom out to 2 Mb", "ms", None, 4),
    Goal("drag_requests", "pan by half, dragged: requests", "", 0),
    Goal("zoom_in_requests", "zoom in: requests", "", 0),
    Goal("cold_mb", "cold page over the wire", "MB", 3, 4),
    Goal("jump_kb", "jump over the wire", "kB", 150, 4),
    Goal("cold_requests", "cold page: requests", ""),
    Goal("jump_requests", "jump: requests", ""),
    Goal("heap_mb", "JS heap after the cold page", "MB"),
)


@dataclass(frozen=True)
class Site:
    """Where a page has what a hand needs.

    Attributes:
      address: of a place, `chr22:1-100`.
      scope: selector of the element that holds the drawing.
      plot: selector of an element as wide as the x axis and its two margins, in px, and where to take hold of it.
      labels: texts in the drawing when it is there.
      pan: selector of a button that pans to the left; None = there is none.
    """

    name: str
    address: Callable[[str], str]
    scope: str
    plot: str
    margins: tuple[int, int]
    labels: tuple[str, ...]
    search: str
    zoom_in: str
    zoom_out: str
    pan: str | None = None


def ours(url: str, study: Study) -> Site:
    """Our page, with everything hidden that is not among the eight tracks."""
    drawn = [track.id for track in study.info.tracks] + [entry.id for entry in study.info.intervals]
    hidden = "~".join(name for name in (*drawn, "crispr") if name not in TRACKS)
    view = {"study": study.name, "biosample": BIOSAMPLE, "methods": "none", "hidden": hidden}
    return Site(
        name="ours",
        address=lambda place: f"{url}/locus?{urlencode({**view, 'locus': place})}",
        scope="#locus-figure",
        plot="#locus-figure",
        margins=(150, 10),
        labels=("Genes", "H3K4me3", "Elements"),
        search="#search",
        zoom_in="#zoom-in",
        zoom_out="#zoom-out",
        pan="#pan-left",
    )


def theirs(url: str) -> Site:
    """igv.js, as it comes."""
    return Site(
        name="igv.js",
        address=lambda place: f"{url}/?{urlencode({'locus': place})}",
        scope="#igv",
        plot=".igv-viewport >> nth=3",
        margins=(0, 0),
        labels=("Genes", "H3K4me3", "Elements"),
        search=".igv-search-input",
        zoom_in=".igv-zoom-widget > div:last-child",
        zoom_out=".igv-zoom-widget > div:first-child",
    )


@dataclass
class Wire:
    """What a page asked of servers since `begin`, as the browser's network layer counts it."""

    n_requests: int = 0
    n_bytes: int = 0
    under_way: set[str] = field(default_factory=set)
    last_s: float = 0.0

    def listen(self, session: CDPSession) -> None:
        session.on("Network.requestWillBeSent", self.sent)
        session.on("Network.loadingFinished", self.finished)
        session.on("Network.loadingFailed", self.finished)
        session.send("Network.enable")

    def begin(self) -> None:
        self.n_requests = self.n_bytes = 0

    def sent(self, event: Mapping[str, Any]) -> None:
        """The browser's own requests, of type Other, are not the page's: the icon, again at every new address."""
        if event.get("type") != "Other" and not event["request"]["url"].startswith(("data:", "blob:")):
            self.n_requests += 1
            self.under_way.add(event["requestId"])
            self.last_s = time.monotonic()

    def finished(self, event: Mapping[str, Any]) -> None:
        """`encodedDataLength` has the headers in it, and is 0 for what came out of the browser's cache."""
        if event["requestId"] in self.under_way:
            self.under_way.discard(event["requestId"])
            self.n_bytes += int(event.get("encodedDataLength", 0))
            self.last_s = time.monotonic()

    def is_quiet(self) -> bool:
        return not self.under_way and time.monotonic() - self.last_s >= QUIET_MS / 1e3


class Visit:
    """One page in a browser context of its own, from the empty cache on."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.site, self.wire = site, Wire()
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.add_init_script(f"window.__watched = {json.dumps(site.scope)};\n{WATCH}")
        self.session = self.context.new_cdp_session(self.page)
        self.wire.listen(self.session)

    def open(self, place: str) -> dict[str, float]:
        """Milliseconds from the navigation to the drawing."""
        self.page.goto(self.site.address(place), wait_until="commit")
        return self._settled("the cold page")

    def move(self, what: str, event: str, hand: Callable[[], object]) -> dict[str, float]:
        """Times of one move, and `n_requests` and `n_bytes`. `event`: the type of its inputs."""
        before = self._pixels()
        self.page.evaluate("event => watched.begin(event)", event)
        self.wire.begin()
        hand()
        times = self._settled(what)
        times |= {"n_requests": self.wire.n_requests, "n_bytes": self.wire.n_bytes}
        if self._pixels() == before:
            raise SystemExit(f"{self.site.name}: {what} changed nothing on the screen")
        return times

    def click(self, selector: str) -> Callable[[], object]:
        return lambda: self.page.click(selector)

    def type(self, place: str) -> Callable[[], object]:
        def hand() -> None:
            self.page.fill(self.site.search, place)
            self.page.keyboard.press("Enter")

        return hand

    def drag(self) -> None:
        """By half of the x axis to the left, in ten steps."""
        box = self.page.locator(self.site.plot).bounding_box()
        assert box is not None, f"{self.site.name} has no {self.site.plot}"
        left, right = self.site.margins
        width, y = box["width"] - left - right, box["y"] + box["height"] / 2
        start = box["x"] + left + 0.9 * width
        self.page.mouse.move(start, y)
        self.page.mouse.down()
        self.page.mouse.move(start - width / 2, y, steps=10)
        self.page.mouse.up()

    def heap_mb(self) -> float:
        self.session.send("HeapProfiler.collectGarbage")
        return float(self.page.evaluate("() => performance.memory.usedJSHeapSize")) / 1e6

    def _settled(self, what: str) -> dict[str, float]:
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            times = self._quiet_times()
            if times and self._is_drawn() and self._quiet_times():  # finding out has let a busy page go on
                return times
            self.page.wait_for_timeout(40)
        raise SystemExit(f"{self.site.name}: {what} had not settled after {LONGEST_S} s")

    def _quiet_times(self) -> dict[str, float] | None:
        times = self.page.evaluate("() => watched.times()")
        return times if times and times["quiet"] >= QUIET_MS and self.wire.is_quiet() else None

    def _is_drawn(self) -> bool:
        """Whether the labels are there, asked when the page has nothing else to do."""
        text = self.page.evaluate("() => watched.textWhenIdle()")
        return all(label in text for label in self.site.labels)

    def _pixels(self) -> bytes:
        self.page.mouse.move(2, 897)  # no label under the mouse
        return self.page.locator(self.site.scope).screenshot()


def visited(browser: Browser, site: Site, shift_bp: int) -> dict[str, float]:
    """All moves on one page; the values of GOALS by key."""
    visit, found = Visit(browser, site), dict[str, float]()
    found["cold_ms"] = visit.open(place(FIRST + shift_bp))["settled"]
    found |= {"cold_mb": visit.wire.n_bytes / 1e6, "cold_requests": visit.wire.n_requests, "heap_mb": visit.heap_mb()}
    drag = visit.move("the drag", "mousemove", visit.drag)
    found |= {"drag_first_ms": drag["first"], "drag_ms": drag["settled"], "drag_requests": drag["n_requests"]}
    pan = visit.move("the pan", "click", visit.click(site.pan)) if site.pan else drag
    found |= {"pan_first_ms": pan["first"], "pan_ms": pan["settled"]}
    zoom = visit.move("zooming in", "click", visit.click(site.zoom_in))
    found |= {"zoom_in_ms": zoom["settled"], "zoom_in_requests": zoom["n_requests"]}
    jump = visit.move("the jump", "keydown", visit.type(place(OTHER + shift_bp)))
    found |= {"jump_ms": jump["settled"], "jump_kb": jump["n_bytes"] / 1e3, "jump_requests": jump["n_requests"]}
    found["zoom_out_ms"] = visit.move("zooming out", "click", visit.click(site.zoom_out))["settled"]
    visit.context.close()
    return found


def place(start: int) -> str:
    return str(Locus("chr22", start, start + WIDTH_BP))


@dataclass(frozen=True)
class Row:
    """A line of the table: all values of both pages, their medians, and whether the goal is met.

    `ratio` is None without igv.js, or when its median is 0; `is_met` is None where nothing is demanded.
    """

    goal: Goal
    ours: Sequence[float]
    igv: Sequence[float]
    median: float
    igv_median: float | None
    ratio: float | None
    is_met: bool | None


def judged(goal: Goal, ours: Sequence[float], igv: Sequence[float]) -> Row:
    """A goal beside what was measured; a demand on the ratio counts only where there is one."""
    median, other = float(np.median(ours)), float(np.median(igv)) if len(igv) else None
    ratio = median / other if other else None
    demands = [median <= goal.most] if goal.most is not None else []
    if goal.most_ratio is not None and ratio is not None:
        demands.append(ratio <= goal.most_ratio)
    return Row(goal, ours, igv, median, other, ratio, all(demands) if demands else None)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table: medians with the least and the largest value."""
    lines = ["| | ours | igv.js | ratio | target | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        goal = row.goal
        target = [f"{goal.most:,g} {goal.unit}".strip()] if goal.most is not None else []
        target += [f"{goal.most_ratio:g} x"] if goal.most_ratio is not None else []
        ratio = "not measured" if row.igv_median is None else "none" if row.ratio is None else f"{row.ratio:.1f} x"
        met = {None: "not judged", True: "yes", False: "**no**"}[row.is_met]
        cells = [goal.title, spread(row.ours, goal.unit), spread(row.igv, goal.unit), ratio]
        lines.append(f"| {' | '.join([*cells, ', '.join(target) or 'none', met])} |")
    return "\n".join(lines)


def spread(values: Sequence[float], unit: str) -> str:
    """Median (least-largest), whole from 10 on."""
    if not len(values):
        return "not measured"
    middle, low, high = (
        f"{value:,.0f}" if value >= 10 or not unit else f"{value:.1f}"
        for value in (np.median(values), min(values), max(values))
    )
    return f"{middle} {unit}".strip() + f" ({low}-{high})"


def measure(repeats: int) -> dict[str, list[dict[str, float]]]:
    """Page -> what each repeat found."""
    study = Study.open(PRECOMPUTED / STUDY)
    found: dict[str, list[dict[str, float]]] = {}
    with ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        sites = [ours(stack.enter_context(dashboard("--study", str(study.folder), "--cache", cache)), study)]
        if (script := igv.install()) is not None:
            sites.append(theirs(stack.enter_context(igv.served(script, study, TRACKS, BIOSAMPLE))))
        browser = stack.enter_context(chromium())
        with_igv = f", igv.js {igv.VERSION}" if script else ""
        print(f"chromium {browser.version}{with_igv}, {study.name}, {len(TRACKS)} tracks, n {repeats}")
        for repeat in range(repeats + 1):
            for site in sites:
                values = visited(browser, site, repeat * ROOM_BP // (repeats + 1))
                if repeat:
                    found.setdefault(site.name, []).append(values)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="all values, and what the table says of them")
    given = parser.parse_args()
    if given.repeats < 1:
        parser.error(f"--repeats is {given.repeats}; wanted 1 or more")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # ends the servers too
    before = load_average()
    found = measure(given.repeats)
    load = f"load average before {before}; after {load_average()}"
    values = {name: {goal.key: [one[goal.key] for one in visits] for goal in GOALS} for name, visits in found.items()}
    rows = [judged(goal, values["ours"][goal.key], values.get("igv.js", {}).get(goal.key, [])) for goal in GOALS]
    print(f"{table(rows)}\n{load}")
    if given.json:
        with written_whole(given.json) as partial:
            partial.write_text(json.dumps({"load": load, "rows": [asdict(row) for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
