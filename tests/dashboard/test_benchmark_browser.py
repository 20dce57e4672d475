"""What the browser benchmark counts and says: changes on a page, requests, goals; never a time."""

from __future__ import annotations

import ast
import importlib
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pyBigWig
import pytest
from playwright.sync_api import Page

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PAGE = """data:text/html,<body>
<div id=d><span id=s class=x>a</span><section id=h></section><canvas id=c></canvas></div>
<p id=o>a</p><button id=b>go</button><script>
h.attachShadow({mode: "open"}).innerHTML = "<b>a</b>";
b.onclick = document.onkeydown = () => act();
</script></body>"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`benchmarks/browser.py`; the benchmarks are programs, which find one another beside them."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("browser")


def test_benchmarks_import_one_another_in_one_direction() -> None:
    names = {path.stem for path in BENCHMARKS.glob("*.py")}
    left = {path.stem: imported(path) & names for path in BENCHMARKS.glob("*.py")}
    assert left["common"] == set()
    while free := {name for name, needs in left.items() if not needs}:
        left = {name: needs - free for name, needs in left.items() if name not in free}
    assert left == {}


def imported(path: Path) -> set[str]:
    """Names of the modules that a file imports anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def watched(page: Page, bench: ModuleType, act: str, event: str = "click") -> None:
    """A page that does something on a click or a key; wait for the next input of a type."""
    page.add_init_script(f"window.__watched = '#d';\n{bench.WATCH}")
    page.goto(PAGE)
    page.evaluate("body => { window.act = new Function(body) }", act)
    page.evaluate("event => watched.begin(event)", event)


def times_after_two_frames(page: Page) -> dict[str, float] | None:
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
    )
    return page.evaluate("() => watched.times()")


@pytest.mark.browser
@pytest.mark.parametrize(
    "act",
    [
        "s.textContent = 'b'",
        "s.firstChild.data = 'b'",
        "s.className = 'y'",
        "d.append(document.createElement('u'))",
        "d.remove()",
        "h.shadowRoot.firstChild.textContent = 'b'",
        "c.getContext('2d').fillRect(0, 0, 9, 9)",
        "requestAnimationFrame(() => { s.textContent = 'b' })",
        "s.textContent = 'b'; s.className = 'y'",
    ],
)
def test_a_change_of_the_watched_element_is_one_frame(page: Page, bench: ModuleType, act: str) -> None:
    watched(page, bench, act)
    page.click("#b")
    times = times_after_two_frames(page)
    assert times is not None
    assert times["n_frames"] == 1
    assert times["first"] == times["settled"] >= 0


@pytest.mark.browser
@pytest.mark.parametrize(
    "act",
    [
        "o.textContent = 'b'",
        "s.className = 'x'",
        "const u = document.createElement('u'); u.className = 'hoverlayer'; d.append(u)",
    ],
)
def test_other_changes_are_not_counted(page: Page, bench: ModuleType, act: str) -> None:
    watched(page, bench, act)
    page.click("#b")
    assert times_after_two_frames(page) is None


@pytest.mark.browser
def test_the_text_of_the_watched_element_has_what_lies_in_shadow_roots(page: Page, bench: ModuleType) -> None:
    watched(page, bench, "")
    page.evaluate("() => { h.shadowRoot.firstChild.textContent = 'shadow' }")
    assert page.evaluate("() => watched.textWhenIdle()").split() == ["a", "shadow"]


@pytest.mark.browser
def test_time_runs_from_a_real_input_of_the_awaited_type(page: Page, bench: ModuleType) -> None:
    watched(page, bench, "s.textContent += 'b'", event="keydown")
    page.evaluate("() => b.click()")
    page.keyboard.press("x")
    assert times_after_two_frames(page) is None
    page.keyboard.press("Enter")
    times = times_after_two_frames(page)
    assert times is not None
    assert times["n_frames"] == 1


def sent(number: int, url: str = "http://127.0.0.1/a", **more: str) -> dict[str, Any]:
    return {"requestId": str(number), "request": {"url": url}, "type": "Fetch", **more}


def test_the_wire_counts_what_the_page_asked_servers_for(bench: ModuleType) -> None:
    wire = bench.Wire()
    wire.sent(sent(1))
    wire.sent(sent(2))
    wire.sent(sent(3, "data:text/plain,a"))
    wire.sent(sent(4, "http://127.0.0.1/icon.svg", type="Other"))
    assert not wire.is_quiet()
    wire.finished({"requestId": "1", "encodedDataLength": 900})
    wire.finished({"requestId": "2"})  # failed
    wire.finished({"requestId": "3", "encodedDataLength": 70})
    wire.finished({"requestId": "4", "encodedDataLength": 70})
    assert (wire.n_requests, wire.n_bytes, wire.under_way) == (2, 900, set())
    wire.begin()
    assert (wire.n_requests, wire.n_bytes) == (0, 0)


def test_a_goal_is_met_when_both_demands_are(bench: ModuleType) -> None:
    goal = bench.Goal("pan_ms", "pan", "ms", most=150, most_ratio=2)
    row = bench.judged(goal, [100, 90, 500], [60, 50, 10])
    assert (row.median, row.igv_median, row.ratio, row.is_met) == (100, 50, 2, True)
    assert bench.judged(goal, [100], [49]).is_met is False
    assert bench.judged(goal, [151], [151]).is_met is False
    alone = bench.judged(goal, [100], [])
    assert (alone.igv_median, alone.ratio, alone.is_met) == (None, None, True)
    none_asked = bench.judged(bench.Goal("pan_requests", "requests", "", most=0), [0, 0], [0, 0])
    assert (none_asked.ratio, none_asked.is_met) == (None, True)
    assert bench.judged(bench.Goal("heap_mb", "heap", "MB"), [5], [5]).is_met is None


def test_the_table_says_values_spread_and_verdict(bench: ModuleType) -> None:
    rows = [
        bench.judged(bench.Goal("jump_ms", "jump", "ms", 1000, 4), [1200, 900, 1500.4], [9.25, 8, 12]),
        bench.judged(bench.Goal("heap_mb", "heap", "MB"), [5], []),
        bench.judged(bench.Goal("requests", "requests", "", 0), [0], [0]),
    ]
    assert bench.table(rows).splitlines()[2:] == [
        "| jump | 1,200 ms (900-1,500) | 9.2 ms (8.0-12) | 129.7 x | 1,000 ms, 4 x | **no** |",
        "| heap | 5.0 MB (5.0-5.0) | not measured | not measured | none | not judged |",
        "| requests | 0 (0-0) | 0 (0-0) | none | 0 | yes |",
    ]


def test_every_value_of_a_visit_has_one_goal(bench: ModuleType) -> None:
    keys = [goal.key for goal in bench.GOALS]
    assert len(set(keys)) == len(keys)


def small_study(folder: Path) -> SimpleNamespace:
    """One chromosome; a gene with two exons, one without; three elements, of which one has no count."""
    (folder / "a.fa.gz").write_bytes(b"0123456789")
    elements = pd.DataFrame(
        {"chrom": "chr1", "start": [200, 100, 300], "end": [250, 150, 350], "element_id": ["b", "a", "c"]}
    )
    signal = pd.DataFrame({"element_id": ["a", "b", "c"], "biosample": "one", "dnase": [3.0, 7.0, None]})
    bodies = pd.DataFrame(
        {"chrom": "chr1", "start": [10, 500], "end": [90, 600], "gene_name": ["G", "H"], "strand": ["+", "-"]}
    )
    exons = pd.DataFrame({"chrom": ["chr1", "chr1", "chr2"], "start": [10, 60, 520], "end": [30, 90, 530]})
    counts = SimpleNamespace(id="dnase", title="DNase", assay="dnase", biosample="one", path=None)
    info = SimpleNamespace(
        assembly_name="toy", chrom_sizes={"chr1": 1000}, tracks=(counts,), intervals=(), sequence="a.fa.gz"
    )
    return SimpleNamespace(
        folder=folder, info=info, elements=elements, element_signal=signal, gene_bodies=bodies, exons=exons
    )


def test_tracks_for_igv_hold_what_the_study_holds(bench: ModuleType, tmp_path: Path) -> None:
    config = bench.igv.write_tracks(small_study(tmp_path), ("genes", "dnase", "elements"), "one", tmp_path)
    assert [track["url"] for track in config["tracks"]] == ["/made/genes.bed", "/made/dnase.bw", "/made/elements.bed"]
    assert [track["order"] for track in config["tracks"]] == [0, 1, 2]
    assert (tmp_path / "genes.bed").read_text() == (
        "chr1\t10\t90\tG\t0\t+\t10\t90\t0\t2\t20,30\t0,50\nchr1\t500\t600\tH\t0\t-\t500\t600\t0\t1\t100\t0\n"
    )
    assert (tmp_path / "elements.bed").read_text() == "chr1\t200\t250\nchr1\t100\t150\nchr1\t300\t350\n"
    assert (tmp_path / "chrom.sizes").read_text() == "chr1\t1000\n"
    with pyBigWig.open(str(tmp_path / "dnase.bw")) as file:
        assert file.intervals("chr1") == ((100, 150, 3.0), (200, 250, 7.0))


def test_the_server_for_igv_answers_ranges_of_packed_bytes(bench: ModuleType, tmp_path: Path) -> None:
    app = bench.igv._app(tmp_path / "igv.js", small_study(tmp_path), tmp_path, {"a": 1})
    client = app.test_client()
    with client.get("/study/a.fa.gz", headers={"Range": "bytes=2-4"}) as answer:
        assert (answer.status_code, answer.data) == (206, b"234")
        assert "Content-Encoding" not in answer.headers
    assert client.get("/config.json").json == {"a": 1}


def test_without_npm_one_line_says_so(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(bench.igv.shutil, "which", lambda name: None)
    assert bench.igv.install() is None
    assert capsys.readouterr().out == "npm is not on this machine: igv.js is not measured\n"


def test_npm_installs_once_and_its_failure_is_one_line(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(bench.igv.shutil, "which", lambda name: "npm")

    def fails(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "npm error 404\nmore\n")

    def works(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        script = Path(command[command.index("--prefix") + 1]) / "node_modules" / "igv" / "dist" / "igv.min.js"
        script.parent.mkdir(parents=True)
        script.write_text(command[-1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(bench.igv.subprocess, "run", fails)
    assert bench.igv.install() is None
    said = f"npm cannot install igv {bench.igv.VERSION} (npm error 404): igv.js is not measured\n"
    assert capsys.readouterr().out == said
    monkeypatch.setattr(bench.igv.subprocess, "run", works)
    script = bench.igv.install()
    assert script.read_text() == f"igv@{bench.igv.VERSION}"
    monkeypatch.setattr(bench.igv.subprocess, "run", fails)
    assert bench.igv.install() == script
