"""Time the steps people wait for: prepare a study, open a new window, knock out, scan.

    python benchmarks/measure.py prepare --data DIR          raw files -> study (seconds, peak memory)
    python benchmarks/measure.py window --study DIR          a new 2 Mb window of 8 tracks, cold and cached
    python benchmarks/measure.py knockout --study DIR        exact knock-out and scan of all singles, per gene
    python benchmarks/measure.py browser --study DIR         release of a strength slider to drawn, in chromium

Medians and 95th percentiles of repeated runs; the plain way runs beside it where there is one.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from common import GENES, line, timed
from release import measure_release
from window import measure_windows

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.evaluation.scan import run_scan
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.perturb import knock_out, scan_singles


def prepare(data: Path) -> None:
    """Prepare k562 in a process of its own, so that its peak memory is its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "cre_core",
            "prepare",
            "k562",
            "--data",
            str(data),
            "--out",
            f"{folder}/k562",
        ]
        seconds = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), repeats=3)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"prepare k562: median {np.median(seconds):.1f} s, peak {peak:.2f} GB  target 60 s, 2 GB")


def knockout(study_dir: Path, model: str, biosample: str) -> None:
    """Exact knock-out and scan of every gene's window; the plain way is one model call per element."""
    torch.set_num_threads(1)
    study = Study.open(study_dir)
    predictor = open_predictor(study, model, biosample=biosample)
    names = [name for name in GENES if name in set(study.genes["gene_name"])] or study.genes["gene_name"][:6].tolist()
    for name in names:
        _knockouts_of(predictor, predictor.window(study.gene(name)["gene_id"]))


def _knockouts_of(predictor: Predictor, window: GeneWindow) -> None:
    name, ids = window.gene["gene_name"], window.elements["element_id"].tolist()

    def one(element: str = ids[0]) -> object:
        return knock_out(predictor, window, {element: 0.0})

    one()
    line(f"{name}: exact knock-out, {len(ids)} elements", timed(one, repeats=20))
    scan = timed(lambda: scan_singles(predictor, window), repeats=5)
    line(f"{name}: scan of all {len(ids)} singles", scan, 200)
    some = ids[:20]
    whole = timed(lambda: run_scan(predictor, window, mode="mask"), repeats=5)
    line(f"{name}: all that the page loads, with measured pairs", whole, 1000)
    plain = timed(lambda: [one(element) for element in some], repeats=1)[0] / len(some) * len(ids)
    print(f"{'':58s} one by one {1e3 * plain:8.1f} ms: {plain / np.median(scan):.0f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", "window", "knockout", "browser"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--study", type=Path, default=Path("precomputed/demo"))
    parser.add_argument("--model", default="epinformer", help="browser: several with commas between")
    parser.add_argument("--people", type=int, default=1, help="browser: who click at once")
    parser.add_argument("--biosample", default="K562")
    given = parser.parse_args()
    if given.what == "prepare":
        prepare(given.data)
    elif given.what == "knockout":
        knockout(given.study, given.model, given.biosample)
    elif given.what == "window":
        measure_windows(given.study, given.biosample)
    else:
        measure_release(given.study, given.biosample, models=given.model.split(","), people=given.people)


if __name__ == "__main__":
    main()
