"""A new 2 Mb window of all tracks, server side: read, bin, draw, turn into JSON. Cold, and again from the cache."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from common import line, timed

from dashboard.components.exchange import Question, encoded
from dashboard.pages.locus.figure import FIGURE_ID, draw
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
        places = [f"{chrom}:{start}-{start + WIDTH_BP}" for start in starts]
        questions = [
            Question(ViewState(study=study.name, biosample=biosample, locus=place), width_px=1000) for place in places
        ]

        def answer(question: Question) -> str:
            return encoded(draw(library, question).shown[FIGURE_ID].for_browser())

        answer(questions.pop())  # tables load at the first window of a study
        n_tracks = len(study.info.tracks) + len(study.info.intervals)
        cold = [timed(lambda q=question: answer(q), repeats=1)[0] for question in questions]  # type: ignore[misc]
        again = [timed(lambda q=question: answer(q), repeats=1)[0] for question in questions]  # type: ignore[misc]
        line(f"new 2 Mb window, {n_tracks} tracks and sets, {study.name}", np.array(cold), 300)
        line("the same windows again", np.array(again), 60)
        size_kb = np.median([len(answer(question)) for question in questions]) / 1e3
        print(f"figure sent: median {size_kb:.0f} kB")
        library.close()
