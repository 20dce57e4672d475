"""igv.js, fetched from npm once into the user's cache and served on this machine with the tracks of a study."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyBigWig
from flask import Flask, Response, send_file, send_from_directory
from werkzeug.serving import make_server

from cre_core.data.study import Study
from cre_core.io.files import written_whole
from dashboard.settings import Settings

VERSION = "3.8.10"
TRACK_PX = 60
PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>igv.js</title><link rel="icon" href="data:,"></head>
<body><div id="igv"></div><script src="/igv.min.js"></script><script>
fetch("/config.json").then((answer) => answer.json()).then(function (config) {
  config.locus = new URLSearchParams(location.search).get("locus");
  igv.createBrowser(document.getElementById("igv"), config);
});
</script></body></html>"""
Json = dict[str, Any]


def install() -> Path | None:
    """The pinned script, fetched once from npm; None, and one line that says why, where it cannot be had."""
    script = Settings().cache_dir / "benchmarks" / f"igv-{VERSION}.min.js"
    if script.is_file():
        return script
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not on this machine: igv.js is not measured")
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run([*command, f"igv@{VERSION}"], capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr.strip() or "it does not say why").splitlines()[0]
            print(f"npm cannot install igv {VERSION} ({said}): igv.js is not measured")
            return None
        with written_whole(script) as unfinished:
            shutil.copy(Path(folder) / "node_modules" / "igv" / "dist" / "igv.min.js", unfinished)
    return script


@contextmanager
def served(script: Path, study: Study, tracks: Sequence[str], biosample: str) -> Iterator[str]:
    """Address of a page with igv.js and tracks of a study, on a small server with range requests."""
    with tempfile.TemporaryDirectory() as folder:
        config = write_tracks(study, tracks, biosample, Path(folder))
        server = make_server("127.0.0.1", 0, _app(script, study, Path(folder), config), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _app(script: Path, study: Study, folder: Path, config: Json) -> Flask:
    app = Flask("igv")
    app.add_url_rule("/", "page", lambda: Response(PAGE, mimetype="text/html"))
    app.add_url_rule("/config.json", "config", lambda: config)
    app.add_url_rule("/igv.min.js", "script", lambda: send_file(script))
    for route, home in (("made", folder), ("study", study.folder.resolve())):
        app.add_url_rule(f"/{route}/<path:name>", route, partial(_file, home))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    return app


def _file(home: Path, name: str) -> Response:
    """A whole file or the asked range, as it lies there: of a packed sequence the reader wants the packed bytes."""
    return send_from_directory(home, name, mimetype="application/octet-stream")


def write_tracks(study: Study, tracks: Sequence[str], biosample: str, folder: Path) -> Json:
    """igv.js' description of a genome and tracks, in order; what igv.js cannot read is written anew into a folder.

    Args:
      tracks: ids of signal tracks and interval sets of the study, and "genes", "elements".
    """
    pd.Series(study.info.chrom_sizes).to_csv(folder / "chrom.sizes", sep="\t", header=False)
    sequence = f"/study/{study.info.sequence}"
    reference = {
        "id": study.info.assembly_name, "name": study.info.assembly_name, "chromSizesURL": "/made/chrom.sizes",
        "fastaURL": sequence, "indexURL": f"{sequence}.fai", "compressedIndexURL": f"{sequence}.gzi",
    }  # fmt: skip
    return {
        "reference": reference,
        "tracks": [_track(study, track, biosample, folder) | {"order": n} for n, track in enumerate(tracks)],
        "loadDefaultGenomes": False,
    }


def _track(study: Study, track_id: str, biosample: str, folder: Path) -> Json:
    for track in study.info.tracks:
        if track.id == track_id:
            url = f"/study/{track.path}" if track.path else _counts(study, track.assay, biosample, folder)
            look = {"name": track.title, "height": TRACK_PX, "autoscale": True}
            return look | {"type": "wig", "format": "bigwig", "url": url}
    titles = {"genes": "Genes", "elements": "Elements"} | {entry.id: entry.title for entry in study.info.intervals}
    if track_id == "genes":
        places = _genes(study)
    else:
        rows = study.elements if track_id == "elements" else study.intervals(track_id)
        places = rows[["chrom", "start", "end"]]
    places.to_csv(folder / f"{track_id}.bed", sep="\t", header=False, index=False)
    look = {"name": titles[track_id], "height": TRACK_PX}
    return look | {"type": "annotation", "format": "bed", "url": f"/made/{track_id}.bed"}


def _counts(study: Study, assay: str, biosample: str, folder: Path) -> str:
    """Counts per element as a bigWig; an element without a count is left out."""
    signal = study.element_signal
    rows = study.elements.merge(signal[signal["biosample"] == biosample], on="element_id").dropna(subset=[assay])
    rows = rows.sort_values(["chrom", "start"])
    with pyBigWig.open(str(folder / f"{assay}.bw"), "w") as file:
        file.addHeader(sorted(study.info.chrom_sizes.items()))
        file.addEntries(
            rows["chrom"].tolist(), rows["start"].tolist(), ends=rows["end"].tolist(), values=rows[assay].tolist()
        )
    return f"/made/{assay}.bw"


def _genes(study: Study) -> pd.DataFrame:
    """BED12: every gene with the exons that lie in it, its body as one block where there is none."""
    rows, exons = [], study.exons
    for gene in study.gene_bodies.itertuples():
        of_chrom = exons[exons["chrom"] == gene.chrom]
        inside = of_chrom[(of_chrom["start"] >= gene.start) & (of_chrom["end"] <= gene.end)]
        starts, sizes = inside["start"] - gene.start, inside["end"] - inside["start"]
        blocks = [len(inside), ",".join(map(str, sizes)), ",".join(map(str, starts))]
        if inside.empty:
            blocks = [1, gene.end - gene.start, 0]
        name = [gene.gene_name, 0, gene.strand]
        rows.append([gene.chrom, gene.start, gene.end, *name, gene.start, gene.end, 0, *blocks])
    return pd.DataFrame(rows)
