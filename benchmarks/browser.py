"""From the release of a strength slider to the exact answer on the screen, in chromium."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

N_RELEASES = 20
# Time from the key's release, which ends a drag as the mouse does, to the frame after the exact answer is shown.
WAIT = """() => {
  const kind = document.querySelector('#ko-kind'), result = document.querySelector('#ko-result');
  const slider = document.querySelector('#ko-slider [role=slider]');
  let released = 0;
  slider.addEventListener('keyup', () => { released = performance.now(); }, {once: true, capture: true});
  window.answer = new Promise(done => {
    const seen = new MutationObserver(() => {
      if (!released || !kind.textContent.startsWith('exact') || result.className.includes('estimate')) return;
      seen.disconnect();
      requestAnimationFrame(() => done(performance.now() - released));
    });
    for (const node of [kind, result]) {
      seen.observe(node, {subtree: true, childList: true, characterData: true, attributes: true});
    }
  });
}"""


def measure_browser(study_dir: Path, biosample: str) -> None:
    """Print the median and the 95th percentile of the time from release to drawn."""
    from measure import GENES, line

    port = _free_port()
    command = [sys.executable, "-m", "dashboard", "--study", str(study_dir), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            for gene in GENES[:3]:
                seconds = _releases(page, f"{url}/knockout?gene={gene}&biosample={biosample}&mode=mask")
                line(f"{gene}: release to exact answer on the screen", seconds, 400)
            browser.close()
    finally:
        server.terminate()
        server.wait()


def _releases(page: Page, address: str) -> np.ndarray:
    page.goto(address, timeout=60_000)
    slider = page.locator("#ko-slider [role=slider]")
    slider.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    seconds = []
    for _ in range(N_RELEASES):
        page.evaluate(WAIT)
        slider.press("Home")
        seconds.append(page.evaluate("() => window.answer") / 1e3)
        slider.press("End")  # back to as measured: nothing to wait for
        page.wait_for_timeout(700)
    return np.array(seconds)


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


if __name__ == "__main__":
    measure_browser(Path(sys.argv[1]), sys.argv[2])
