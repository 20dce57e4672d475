"""A tiny study and its Library; a dashboard of the demo study in its own process; a page that fails on errors.

`tiny_study`, `study`, `settings`, `library`, `client`: known by heart, for plain tests.
`dashboard_url`, `page`: for browser tests, on the embedded demo study; `first_start_url`: on all that is embedded.
"""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, sync_playwright

from cre_core import schema
from cre_core.data.study import ExampleLocus, Study, StudyInfo, Track, write_info, write_table
from cre_core.genome import Assembly
from dashboard.app import create_app
from dashboard.services.library import Library
from dashboard.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "precomputed" / "demo"
START_S = 90.0
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-first-run",
]


TINY = Assembly("tiny1", {"chr1": 3_000_000, "chr2": 3_000_000})


@pytest.fixture
def tiny_study(tmp_path: Path) -> Path:
    """Two chromosomes of 3 Mb; genes SIM1 .. SIM40 each 140 kb, elements E1 .. E200 each 29 kb; one false bigWig."""
    folder = tmp_path / "tiny"
    (folder / "signals").mkdir(parents=True)
    genes, elements = tiny_genes(), tiny_elements()
    lonely = pd.DataFrame(
        {"chrom": ["chr2"], "start": 2_950_000, "end": 2_960_000, "gene_name": "LONELY", "strand": "+"}
    )
    bodies = pd.concat([genes[["chrom", "start", "end", "gene_name", "strand"]], lonely])
    signal = pd.DataFrame({"element_id": elements["element_id"], "biosample": "alpha", "dnase": 1.0})
    write_table(genes, folder / "genes.parquet", schema.GENES, TINY)
    write_table(bodies, folder / "gene_bodies.parquet", schema.INTERVALS, TINY)
    write_table(elements, folder / "elements.parquet", schema.ELEMENTS, TINY)
    write_table(signal, folder / "element_signal.parquet", schema.ELEMENT_SIGNAL)
    write_table(tiny_screen(genes, elements), folder / "crispr.parquet", schema.CRISPR, TINY)
    (folder / "signals" / "dnase.bw").write_bytes(bytes(range(256)) * 4)
    (folder / "sequence.fa.gz").write_bytes(gzip.compress(b">chr1\nACGTACGT\n"))
    (folder / "sequence.fa.gz.fai").write_text("chr1\t8\t6\t8\t9\n")
    write_info(folder, tiny_info())
    return folder


def tiny_genes() -> pd.DataFrame:
    """SIM1 .. SIM40, 20 kb long, every 140 kb, on alternating strands."""
    start = 100_000 + np.tile(np.arange(20) * 140_000, 2)
    n = np.arange(40)
    return pd.DataFrame(
        {
            "gene_id": [f"SIMG{i + 1:04d}" for i in n], "gene_name": [f"SIM{i + 1}" for i in n],
            "chrom": np.repeat(["chr1", "chr2"], 20), "start": start, "end": start + 20_000,
            "strand": np.where(n % 2, "-", "+"), "tss": np.where(n % 2, start + 19_999, start),
        }
    )  # fmt: skip


def tiny_elements() -> pd.DataFrame:
    """E1 .. E200, 500 bp long, every 29 kb."""
    start = 50_000 + np.tile(np.arange(100) * 29_000, 2)
    classes = np.resize(["promoter", "proximal", "distal"], 200)
    chroms = np.repeat(["chr1", "chr2"], 100)
    ids = [f"E{i + 1}" for i in range(200)]
    return pd.DataFrame(
        {"element_id": ids, "chrom": chroms, "start": start, "end": start + 500, "element_class": classes}
    )


def tiny_screen(genes: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    """E1 .. E3 tested on SIM1: one decrease, one increase, one without effect."""
    gene = genes.iloc[0]
    tested = elements[["chrom", "start", "end"]].head(3)
    return tested.assign(
        gene_id=gene["gene_id"], gene_name=gene["gene_name"], tss=gene["tss"], tss_distance_bp=0.0,
        effect_fraction=[-0.4, 0.3, 0.0], p_adjusted=[0.001, 0.002, 0.9], power_at_25=0.9,
        is_significant=[True, True, False], is_positive=[True, False, False], biosample="alpha", reference="made up",
    )  # fmt: skip


def tiny_info() -> StudyInfo:
    """What the tiny study says of itself."""
    source = {
        "file": "a.bed",
        "content": "elements",
        "assembly": "hg19",
        "licence": "CC0",
        "sha256": "00",
        "url": "u",
    }
    return StudyInfo(
        name="tiny",
        title="A tiny study",
        is_simulated=True,
        assembly_name=TINY.name,
        chrom_sizes=dict(TINY.chrom_sizes),
        biosamples=("alpha", "beta"),
        tracks=(Track("dnase.alpha", "DNase", "dnase", "alpha", "bigwig", "reads", "signals/dnase.bw"),),
        example_loci=(ExampleLocus("SIM3", "chr1:200,001-900,000", "worth a look"),),
        sequence="sequence.fa.gz",
        provenance={
            "created": "2025-01-01T00:00:00+00:00",
            "sources": [source],
            "lift_over": [{"from": "hg19", "set": "peaks", "lost": 3, "in": 1000}],
        },
    )


@pytest.fixture
def settings(tiny_study: Path, tmp_path: Path) -> Settings:
    """Settings with every folder under the test's own."""
    return Settings(
        studies=(tiny_study,),
        cache_dir=tmp_path / "cache",
        data_dir=tmp_path / "data",
        studies_dir=tmp_path / "studies",
        model_process=False,
    )


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    """The tiny study, open."""
    library = Library(settings)
    yield library
    library.close()


@pytest.fixture
def study(library: Library) -> Study:
    """The tiny study itself."""
    return library.study("tiny")


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    """A client of the dashboard of the tiny study, without a browser."""
    app = create_app(settings)
    yield app.server.test_client()
    app.server.extensions["crescope"].close()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until_it_answers(url: str, process: subprocess.Popen[str], log: Path) -> None:
    """Wait for the first page; the process's own words when it ends before that."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the dashboard ended with {process.returncode}: {log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.15)
    raise RuntimeError(f"the dashboard did not answer on {url} in {START_S:.0f} s")


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """Address of a dashboard in its own process, on a port of its own; everything it writes goes into a folder."""
    port = free_port()
    command = [sys.executable, "-m", "dashboard", *options, "--port", str(port)]
    places = ["--cache", str(folder / "cache"), "--data", str(folder / "data"), "--studies", str(folder / "studies")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *places, "--mirror", str(folder / "no-mirror")], cwd=ROOT, stdout=log, stderr=log,
            text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_it_answers(url, process, folder / "log")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="session")
def dashboard_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a dashboard of the demo study; one per test process."""
    with served(tmp_path_factory.mktemp("dashboard"), "--study", str(DEMO)) as url:
        yield url


@pytest.fixture(scope="module")
def first_start_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a dashboard that was started without a word."""
    with served(tmp_path_factory.mktemp("first")) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's chromium, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no chromium on this machine; scripts/system-programs says how to get it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of 1440 x 900. Afterwards: no error in its console, no request to any other machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    outside: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if is_inside(request.url) else outside.append(request.url))
    yield page
    context.close()
    assert outside == [], "requests to outside addresses"
    assert errors == [], "errors in the browser's console"


def is_inside(url: str) -> bool:
    """Whether an address is this machine's own, or no network address at all."""
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about") or parts.hostname in ("127.0.0.1", "localhost")
