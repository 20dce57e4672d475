"""What the benchmarks share: times and their line, memory, load, a dashboard of its own, chromium.

The other benchmarks import this file; it imports none of them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GENES = ("MYC", "KLF1", "JUNB", "HBE1", "GATA1", "BAX")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no machine but this one
]


def timed(function: Callable[[], object], *, repeats: int) -> np.ndarray:
    """Seconds of each call."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return np.array(seconds)


def line(what: str, seconds: np.ndarray, target_ms: float | None = None) -> None:
    """Print a median, a 95th percentile and the target."""
    target = "" if target_ms is None else f"  target {target_ms:.0f} ms"
    median, high = np.median(seconds), np.quantile(seconds, 0.95)
    print(f"{what:58s} median {1e3 * median:8.1f} ms  p95 {1e3 * high:8.1f} ms  n {len(seconds)}{target}")


def memory_mb(line: str) -> float:
    """A line of /proc/self/status; the peak there is of this program alone, not of its parent before it started."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{line}:")[1].split()[0]) / 2**10


def load_average() -> str:
    """How many processes wanted a core in the last 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


@contextmanager
def dashboard(*options: str) -> Iterator[str]:
    """Address of a dashboard in a process of its own."""
    port = _free_port()
    command = [sys.executable, "-m", "dashboard", *options, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url)
        yield url
    finally:
        server.terminate()
        server.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's chromium, without a window."""
    from playwright.sync_api import sync_playwright  # the other benchmarks run without it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_up(url: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=10)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"the dashboard did not answer at {url}")
