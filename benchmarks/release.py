"""From the release of a strength slider to the exact answer on the screen, in chromium, alone or while others click.

The others send what their browsers would send, the same request with other elements, and draw nothing: eight browsers
on two cores would measure the browsers.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import GENES, chromium, dashboard, line
from playwright.sync_api import Locator, Page, Request

from cre_core.data.study import Study
from cre_core.inference.predictor import open_predictor

N_RELEASES = 20
THINK_S = 1.0  # between an answer and the next click
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


def measure_release(study_dir: Path, biosample: str, *, models: Sequence[str], people: int) -> None:
    """Print the median and the 95th percentile of the time from release to drawn, for each gene and model.

    Args:
      models: names.
      people: who click at once, the measured browser one of them.
    """
    study = Study.open(study_dir)
    known = set(study.genes["gene_name"])
    genes = [name for name in GENES if name in known][:3] or study.genes["gene_name"].iloc[30:33].tolist()
    with dashboard("--study", str(study_dir)) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for model, gene in [(model, gene) for model in models for gene in genes]:
            window = open_predictor(study, model, biosample=biosample).window(study.gene(gene)["gene_id"])
            address = f"{url}/knockout?gene={gene}&biosample={biosample}&mode=mask&model={model}"
            seconds = _releases(page, address, people, window.elements["element_id"].tolist())
            target = 600 if model == "creator" else 400
            line(f"{model}, {gene}, {people} clicking: release to drawn", seconds, target)


def _releases(page: Page, address: str, people: int, elements: Sequence[str]) -> np.ndarray:
    asked: list[Request] = []

    def note(request: Request) -> None:
        if request.url.endswith("/ask/knockout-answer"):
            asked.append(request)

    page.on("request", note)
    page.goto(address, timeout=60_000)
    slider = page.locator("#ko-slider [role=slider]")
    slider.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    done = threading.Event()
    crowd = [
        threading.Thread(target=_person, args=(number, asked[-1].url, asked[-1].post_data, elements, done))
        for number in range(1, people)
    ]
    for person in crowd:
        person.start()
    try:
        return _measured(page, slider)
    finally:
        done.set()
        for person in crowd:
            person.join()


def _measured(page: Page, slider: Locator) -> np.ndarray:
    seconds = []
    for _ in range(N_RELEASES):
        page.evaluate(WAIT)
        slider.press("Home")
        seconds.append(page.evaluate("() => window.answer") / 1e3)
        slider.press("End")  # back to as measured: nothing to wait for
        page.wait_for_timeout(700)
    return np.array(seconds)


def _person(number: int, url: str, request: str, elements: Sequence[str], done: threading.Event) -> None:
    """Asks for other knock-outs of the same gene, again and again, thinking a second on average."""
    draws, question = np.random.default_rng(number), json.loads(request)
    question["asker"] = f"person {number}"
    while not done.wait(draws.exponential(THINK_S)):
        question["number"] += 1
        question["knock_outs"] = [[str(draws.choice(list(elements))), 0.0]]
        body = json.dumps(question).encode()
        asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            answer.read()
