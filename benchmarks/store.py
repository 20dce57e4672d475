"""Time the building of the feature store against one pyBigWig and one pyfaidx call per place and track.

    python benchmarks/store.py --study precomputed/demo --biosample SimA
    python benchmarks/store.py --elements BED --bigwig FILE [FILE ...]     hg38; the bases are drawn at random

Both ways run in turn in one process on one core; the plain way keeps its arrays in memory, the store is written to
disk, checksums of its sources included. Peak memory is of a process of its own for each way, beside what it held
before; of the store it has a bound, whatever the genome's size.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pybigtools
import pyBigWig
import pyfaidx
from common import memory_mb, timed

from cre_core import schema
from cre_core.data import store_build
from cre_core.data.store_build import _Places, _Runs, build_store
from cre_core.data.study import Study, StudyInfo, Track, write_info, write_table
from cre_core.genome import HG38
from cre_core.io.bed import read_bed
from cre_core.io.fasta import encode

N_READS = 400  # elements of one CREaTor gene


def real_study(folder: Path, bed: Path, bigwigs: list[Path]) -> Study:
    """A study of a BED's places and bigWigs, with drawn bases for their chromosomes."""
    places = read_bed(bed, assembly=HG38)[["chrom", "start", "end"]].sort_values(["chrom", "start"])
    ids = [f"e{row}" for row in range(len(places))]
    write_table(places.assign(element_id=ids, element_class="distal"), folder / "elements.parquet", schema.ELEMENTS)
    genes = pd.DataFrame(columns=list(schema.GENES.columns))
    write_table(genes, folder / "genes.parquet", schema.GENES)
    draw, bases = np.random.default_rng(0), np.frombuffer(b"ACGT", np.uint8)
    with (folder / "sequence.fa").open("w") as file:
        for chrom in places["chrom"].unique():
            text = bases[draw.integers(0, 4, HG38.size(chrom), np.int8)].tobytes().decode()
            file.write(f">{chrom}\n" + "".join(f"{text[at : at + 60]}\n" for at in range(0, len(text), 60)))
    tracks = []
    for number, path in enumerate(bigwigs):
        (folder / f"{number}.bw").symlink_to(path.resolve())
        tracks.append(
            Track(f"{number}", path.name, f"track{number}", "Some", "bigwig", "its own", path=f"{number}.bw")
        )
    info = StudyInfo(
        "real", "timing", False, "hg38", HG38.chrom_sizes, ("Some",), tuple(tracks), sequence="sequence.fa"
    )
    write_info(folder, info)
    return Study.open(folder)


def plainly(study: Study, biosample: str, tracks: list[Track], width_bp: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequence (N, W) and signal (N, W, T) of elements and promoters, one call for each place and track."""
    elements, genes = study.elements, study.genes
    centre = np.r_[(elements["start"] + elements["end"]) // 2, genes["tss"]].astype(int)
    places = list(zip([*elements["chrom"], *genes["chrom"]], (centre - width_bp // 2).tolist(), strict=True))
    sequence = np.full((len(places), width_bp), 4, np.int8)
    signal = np.full((len(places), width_bp, len(tracks)), np.nan, np.float16)
    fasta = pyfaidx.Faidx(str(study.folder / str(study.info.sequence)), as_raw=True)
    files = [pyBigWig.open(str(study.folder / str(track.path))) for track in tracks]
    for row, (chrom, left) in enumerate(places):
        low, high = max(left, 0), min(left + width_bp, study.assembly.size(chrom))
        at = slice(low - left, high - left)
        sequence[row, at] = encode(str(fasta.fetch(chrom, low + 1, high)))
        for t, file in enumerate(files):
            signal[row, at, t] = file.values(chrom, low, high, numpy=True)
    for file in (fasta, *files):
        file.close()
    return sequence, signal


def stored(study: Study, biosample: str, tracks: list[Track], width_bp: int) -> tuple[np.ndarray, np.ndarray]:
    """The same through a feature store that is built anew."""
    with tempfile.TemporaryDirectory(dir=study.folder.parent if study.name == "real" else None) as folder:
        names = [track.assay for track in tracks]
        store = build_store(
            study,
            width_bp=width_bp,
            tracks=names,
            biosample=biosample,
            out=Path(folder) / "s",
            report=lambda *_: None,
        )
        return store._sequence.numpy(), store._signal[store.signals[biosample].stem].numpy()


WAYS = {"plain": plainly, "store": stored}


def measure(study: Study, biosample: str, width_bp: int, repeats: int) -> None:
    tracks = [track for track in study.info.tracks if track.biosample == biosample and track.kind == "bigwig"]
    n = len(study.elements) + len(study.genes)
    print(f"{study.name}: {n:,} places of {width_bp} bp, {len(tracks)} tracks, one core")
    results = {name: way(study, biosample, tracks, width_bp) for name, way in WAYS.items()}  # warms the files too
    for one, other in zip(results["plain"], results["store"], strict=True):
        np.testing.assert_array_equal(one, other)
    del results
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    cores: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(repeats):
        for name, way in WAYS.items():
            before = time.process_time()
            seconds[name] += timed(lambda way=way: way(study, biosample, tracks, width_bp), repeats=1).tolist()  # type: ignore[misc]
            cores[name].append(time.process_time() - before)
    for name in WAYS:
        wall, core = np.median(seconds[name]), np.median(cores[name])
        print(f"  {name:6s} median {wall:7.3f} s wall, {core:7.3f} s of a core, {1e6 * wall / n:7.1f} us a place")
    faster = [np.median(table["plain"]) / np.median(table["store"]) for table in (seconds, cores)]
    print(f"  store: {faster[0]:.1f} x faster by the wall, {faster[1]:.1f} x by the core; target 4 x; n {repeats}")


def measure_readers(study: Study, biosample: str, width_bp: int) -> None:
    """pyBigWig against pybigtools: a call for each run, where places nearer than a gap make one run."""
    rows = _Places.of(study, width_bp)
    (track, *_) = [t for t in study.info.tracks if t.biosample == biosample and t.kind == "bigwig"]
    path, sizes = str(study.folder / str(track.path)), dict(study.info.chrom_sizes)
    for gap in (0, 1_000, 4_000, 16_000, 64_000):
        store_build.GAP_BP = gap
        runs = [run[:3] for run in _Runs.of(rows, rows.order).clipped(sizes)]
        fast = timed(partial(_pybigtools, path, runs), repeats=3)
        usual = timed(partial(_pybigwig, path, runs), repeats=3)
        seconds = f"pybigtools {np.median(fast):7.4f} s, pyBigWig {np.median(usual):7.4f} s"
        print(f"  {track.id}, places within {gap:6,} bp read together, {len(runs):6,} reads: {seconds}")


def _pybigtools(path: str, runs: list[tuple[str, int, int]]) -> None:
    with pybigtools.open(path) as file:
        for run in runs:
            file.values(*run, fillna=None)


def _pybigwig(path: str, runs: list[tuple[str, int, int]]) -> None:
    with pyBigWig.open(path) as file:
        for run in runs:
            file.values(*run, numpy=True)


def measure_gather(study: Study, biosample: str, width_bp: int) -> None:
    """Rows of one gene out of the store."""
    names = [t.assay for t in study.info.tracks if t.biosample == biosample and t.kind == "bigwig"]
    with tempfile.TemporaryDirectory() as folder:
        store = build_store(
            study,
            width_bp=width_bp,
            tracks=names,
            biosample=biosample,
            out=Path(folder) / "s",
            report=lambda *_: None,
        )
        rows = np.sort(np.random.default_rng(0).integers(0, store.info.n_elements, N_READS))
        seconds = timed(lambda: store.elements(rows, tracks=names, biosample=biosample), repeats=50)
    print(f"  {N_READS} elements out of the store: median {1e3 * np.median(seconds):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--biosample", default="Some")
    parser.add_argument("--elements", type=Path, help="BED, hg38")
    parser.add_argument("--bigwig", type=Path, nargs="+", default=[])
    parser.add_argument("--width", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak-of", choices=tuple(WAYS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if (given.study is None) == (given.elements is None):
        parser.error("give --study, or --elements with --bigwig")
    with tempfile.TemporaryDirectory() as folder:
        study = Study.open(given.study) if given.study else real_study(Path(folder), given.elements, given.bigwig)
        if given.peak_of is None:
            measure(study, given.biosample, given.width, given.repeats)
            measure_gather(study, given.biosample, given.width)
            measure_readers(study, given.biosample, given.width)
            for name in WAYS:
                command = [sys.executable, __file__, "--study", str(study.folder), "--biosample", given.biosample]
                command += ["--width", str(given.width), "--peak-of", name]
                subprocess.run(command, check=True)
            return
        _ = len(study.elements), len(study.genes)
        before = memory_mb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
        tracks = [t for t in study.info.tracks if t.biosample == given.biosample and t.kind == "bigwig"]
        WAYS[given.peak_of](study, given.biosample, tracks, given.width)
        peak = memory_mb("VmHWM") - before
        print(f"  {given.peak_of:6s} peak memory {peak:6.0f} MB beside the {before:.0f} MB of Python")


if __name__ == "__main__":
    main()
