"""Time exact knock-outs while several people click: through the one model process, and each in the web worker itself.

    python benchmarks/load.py                             epinformer, scpge and creator on the demo
    python benchmarks/load.py --study DIR --biosample K562 --models epinformer

Every person is a thread of one web worker who looks at one gene, knocks out one to three random elements, waits for
the answer, thinks, and goes on. Both ways get the same clicks. The second way joins nothing: each click is a model
call of its own in the thread that asks. Beside those who click through the one process, one more person opens gene
after gene, and so asks for all single knock-outs. Medians and 95th percentiles from click to answer.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import GENES, line

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.inference.known import trained_models
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.perturb import scan_singles
from dashboard.services.models.client import ModelClient
from dashboard.services.models.protocol import Request
from dashboard.services.remote import open_remote
from dashboard.settings import PRECOMPUTED, Settings

TARGET_MS = 400  # from release to drawn
SCAN_TARGET_MS = {"epinformer": 200, "scpge": 100, "creator": 2_500}
N_GENES = 6  # people who look at one gene meet
Click = Callable[[GeneWindow, np.ndarray], object]


def clicks(
    windows: list[GeneWindow], click: Click, *, people: int, n_clicks: int, think_s: float
) -> tuple[np.ndarray, list[object]]:
    """Seconds of every click of all people, and what came back."""

    def person(number: int) -> list[tuple[float, object]]:
        draws = np.random.default_rng(number)
        window = windows[number % len(windows)]
        found = []
        for _ in range(n_clicks):
            time.sleep(draws.exponential(think_s))
            strengths = np.ones((2, len(window.elements)), np.float32)
            strengths[1, draws.integers(0, strengths.shape[1], draws.integers(1, 4))] = 0.0
            started = time.perf_counter()
            answer = click(window, strengths)
            found.append((time.perf_counter() - started, answer))
        return found

    with ThreadPoolExecutor(people) as threads:
        all_of_them = [pair for found in threads.map(person, range(people)) for pair in found]
    return np.array([seconds for seconds, _ in all_of_them]), [answer for _, answer in all_of_them]


def scans(
    windows: list[GeneWindow], scan: Callable[[GeneWindow], object], clicking: Future[Any], *, think_s: float
) -> np.ndarray:
    """Seconds of the scan of gene after gene while others click."""
    draws, seconds = np.random.default_rng(len(windows)), list[float]()
    while not clicking.done():
        time.sleep(draws.exponential(think_s))
        started = time.perf_counter()
        scan(windows[len(seconds) % len(windows)])
        seconds.append(time.perf_counter() - started)
    return np.array(seconds)


def windows_of(predictor: Predictor) -> list[GeneWindow]:
    """Windows of the known genes of the study, otherwise of its first ones."""
    genes = predictor.study.genes
    known = genes[genes["gene_name"].isin(GENES)]
    names = (known if len(known) else genes)["gene_id"].tolist()
    windows = (predictor.window(name) for name in names[:N_GENES])
    return [window for window in windows if len(window.elements)]


def measure(client: ModelClient, study: Study, model: str, biosample: str, given: argparse.Namespace) -> None:
    """Both ways for one model."""
    predictor = open_predictor(study, model, biosample=biosample)
    windows = windows_of(predictor)

    def resident(window: GeneWindow, strengths: np.ndarray) -> object:
        gene = window.gene["gene_id"]
        asked = Request("variants", study.name, model, biosample, gene, arrays={"strengths": strengths})
        return client.ask(asked).n_batched

    remote = open_remote(study, model, biosample=biosample, client=client)

    def scan(window: GeneWindow) -> object:
        return scan_singles(remote, window)

    def plain(window: GeneWindow, strengths: np.ndarray) -> object:
        return predictor.predict_variants(window, strengths, mode="mask")

    for window in windows:  # load, encode, connect
        resident(window, np.ones((2, len(window.elements)), np.float32))
        plain(window, np.ones((2, len(window.elements)), np.float32))
    pace = {"people": given.people, "n_clicks": given.clicks, "think_s": given.think}
    before = client.state().n_computed
    with ThreadPoolExecutor(1) as crowd:
        clicking = crowd.submit(clicks, windows, resident, **pace)
        scanned = scans(windows, scan, clicking, think_s=given.think)
        seconds, joined = clicking.result()
    time.sleep(1.0)  # until the last sign of life has counted everything
    n_computed = client.state().n_computed - before
    elements = "/".join(str(len(window.elements)) for window in windows)
    line(f"{model}, {elements} elements: one process", seconds, TARGET_MS)
    print(f"{'':58s} {len(seconds)} clicks in {n_computed} computations, at most {max(joined)} in one")  # type: ignore[type-var]
    line(f"{model}: scan of all singles beside them", scanned, SCAN_TARGET_MS[model.split("-")[0]])
    seconds, _ = clicks(windows, plain, **pace)
    line(f"{model}: each in the web worker", seconds, TARGET_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=PRECOMPUTED / "demo")
    parser.add_argument("--biosample", default="")
    parser.add_argument("--models", default="epinformer,scpge,creator")
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--clicks", type=int, default=40, help="of each")
    parser.add_argument("--think", type=float, default=0.25, metavar="SECONDS", help="mean, exponential")
    join_ms = 1e3 * Settings.model_join_s
    parser.add_argument("--join", type=float, default=join_ms, metavar="MS", help="how long a click waits for others")
    given = parser.parse_args()
    torch.set_num_threads(1)
    study = Study.open(given.study)
    biosample = given.biosample or study.info.biosamples[0]
    wanted = [name for name in given.models.split(",") if name in trained_models(study, biosample)]
    pace = f"thinking {given.think:g} s on average, joined within {given.join:g} ms"
    print(f"{study.name}, {biosample}: {given.people} people, {pace}")
    with tempfile.TemporaryDirectory() as folder:
        places: dict[str, Any] = {"studies": (given.study,), "cache_dir": Path(folder), "studies_dir": Path(folder)}
        client = ModelClient(Settings(**places, model_join_s=given.join / 1e3))
        for model in wanted:
            measure(client, study, model, biosample, given)
        client.close()


if __name__ == "__main__":
    main()
