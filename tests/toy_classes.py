"""What the toy study can be given so that CREATE trains on it: labels, accessibility, loops; and a small recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from toy import make_toy_study
from toy_inputs import with_sequence

from cre_core import schema
from cre_core.data.study import IntervalSet, Study, Track, write_info, write_table
from cre_core.io.bigwig import write_bigwig

LABELS = ["promoter", "enhancer", "silencer", "promoter", "enhancer", "background"]  # of e1 ... e6
TINY_CREATE = {
    "sequence_bp": 200, "filters": [4, 2, 2], "narrow": [4, 4], "latent": 4, "n_splits": 2, "n_codes": 5,
    "decoded": 4, "hidden": [6, 4],
}  # fmt: skip


def with_labels(study: Study, labels: list[str] = LABELS) -> Study:
    """Say what the six elements are, in every biosample."""
    ids = study.elements["element_id"]
    tables = [pd.DataFrame({"element_id": ids, "biosample": b, "label": labels}) for b in study.info.biosamples]
    write_table(pd.concat(tables), study.folder / "element_labels.parquet", schema.ELEMENT_LABELS)
    return Study.open(study.folder)


def with_track(study: Study, *, gap: tuple[str, int, int] | None = None) -> Study:
    """Accessibility whose value is the position's last two digits, so that a shift shows; no data in the gap."""
    values = {chrom: (np.arange(size) % 100).astype(np.float32) for chrom, size in study.info.chrom_sizes.items()}
    if gap is not None:
        values[gap[0]][gap[1] : gap[2]] = np.nan
    write_bigwig(study.folder / "open.bw", study.info.chrom_sizes, values)
    tracks = [Track(f"{b}.bw", "DNase", "dnase", b, "bigwig", "reads", "open.bw") for b in study.info.biosamples]
    write_info(study.folder, replace(study.info, tracks=(*study.info.tracks, *tracks)))
    return Study.open(study.folder)


def with_loops(study: Study, loops: list[tuple[int, int, int, int]]) -> Study:
    """Loops on chrA: start, end of one anchor and of the other."""
    table = pd.DataFrame(loops, columns=["start", "end", "start2", "end2"]).assign(chrom="chrA", chrom2="chrA")
    table.to_parquet(study.folder / "loops.parquet")
    entry = IntervalSet("loops", "Loops", "loops", "hic", "all", "loops.parquet")
    write_info(study.folder, replace(study.info, intervals=(*study.info.intervals, entry)))
    return Study.open(study.folder)


def class_study(folder: Path, *, gap_bp: int = 200_050) -> Study:
    """Sequence, labels, accessibility without data at one base of chrA (of e3), and two loops at e1."""
    study = with_track(with_labels(with_sequence(make_toy_study(folder))), gap=("chrA", gap_bp, gap_bp + 1))
    return with_loops(study, [(99_000, 100_000, 299_000, 301_000), (99_990, 101_000, 150_000, 151_000)])


def class_recipe(path: Path, **settings: object) -> str:
    """A recipe of a CREATE small enough for a test."""
    small = {"model": "create", "config": TINY_CREATE, "epochs": 3, "batch_size": 8, "learning_rate": 0.01}
    path.write_text(yaml.safe_dump({**small, **settings}))
    return str(path)
