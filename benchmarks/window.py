"""A new 2 Mb window of all tracks, server side: read, bin, draw, turn into JSON. Cold, and again from the cache."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from common import line, timed
from dashboard.pages.locus.answers import draw
from plotly.utils import PlotlyJSONEncoder

from dashboard.services.library import Library
from dashboard.settings import Settings
from dashboard.state import ViewState

WIDTH_BP = 2_000_000
N_WINDOWS = 20


def measure_windows(study_dir: Path, biosample: str) -> None:
    """Print the median and the 95th percentile over windows never asked for before, and of the same ones again."""
    with tempfile.TemporaryDirectory() as cache:
        library = Library(Settings(studies=(study_dir,), cache_dir=Path(cache)))
        study = library.study(library.names()[0])
        draws = np.random.default_rng(0)
        chrom, size = max(study.info.chrom_sizes.items(), key=lambda item: item[1])
        starts = draws.integers(1, size - WIDTH_BP, N_WINDOWS + 1)
        requests = [
            {"state": ViewState(study=study.name, biosample=biosample, locus=f"{chrom}:{s}-{s + WIDTH_BP}").to_dict()}
            for s in starts
        ]

        def answer(request: dict[str, object]) -> str:
            return json.dumps(draw(library, {**request, "theme": "light", "px": 1000}), cls=PlotlyJSONEncoder)

        answer(requests.pop())  # tables load at the first window of a study
        n_tracks = len(study.info.tracks) + len(study.info.intervals)
        cold = [timed(lambda r=request: answer(r), repeats=1)[0] for request in requests]  # type: ignore[misc]
        again = [timed(lambda r=request: answer(r), repeats=1)[0] for request in requests]  # type: ignore[misc]
        line(f"new 2 Mb window, {n_tracks} tracks and sets, {study.name}", np.array(cold), 300)
        line("the same windows again", np.array(again), 60)
        size_kb = np.median([len(answer(request)) for request in requests]) / 1e3
        print(f"figure sent: median {size_kb:.0f} kB")
        library.close()
