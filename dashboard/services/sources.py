"""Where every file of a study comes from, as rows to show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cre_core.data.study import Study
from dashboard.services.library import Library

# What each file of a study holds, by its name in the folder (see cre_core.data.study).
CONTENT = {
    "study.json": "what the study is, and where its numbers come from",
    "genes.parquet": "modelled genes: place, strand, TSS, half-life features",
    "gene_bodies.parquet": "every annotated gene",
    "exons.parquet": "exons",
    "elements.parquet": "candidate elements with class",
    "element_signal.parquet": "read counts per element",
    "promoter_signal.parquet": "read counts at each TSS ±500 bp",
    "expression.parquet": "expression per gene and biosample",
    "folds.parquet": "which genes each fold trains on, and tests",
    "crispr.parquet": "effect of switching an element off",
    "sequence.fa": "genome sequence",
    "truth_links.parquet": "exact effect of removing each element",
}
_LEFT_OUT = "Left out of the embedded copy, because nothing says that they may be passed on"
_KINDS = {".fai": "index", ".gzi": "index", ".safetensors": "trained weights", ".json": "description"}


@dataclass(frozen=True)
class Origin:
    """Where a study comes from.

    Attributes:
      title, assembly, folder, command: of the study; how it was made.
      sources: one row per public file it was made from.
      files: one row per file of its folder.
      notes: what a reader must know.
    """

    title: str
    assembly: str
    folder: str
    command: str
    is_simulated: bool
    sources: list[dict[str, Any]]
    files: list[dict[str, Any]]
    notes: list[str]


def origin(library: Library, name: str) -> Origin:
    """Where the study of a name comes from; the default study for an empty name."""
    study = library.study(name)
    return Origin(
        title=study.info.title,
        assembly=study.info.assembly_name,
        folder=study.folder.name,
        command=str(study.info.provenance.get("command", "")),
        is_simulated=study.info.is_simulated,
        sources=source_rows(study),
        files=file_rows(study),
        notes=notes(study),
    )


def source_rows(study: Study) -> list[dict[str, Any]]:
    """One row per public file the study was made from.

    Each has file, content, assembly, lifted_from, licence, sha256, checked (as published, or not the published file;
    empty where nobody compared it) and url.
    """
    assembly = study.info.assembly_name
    rows = []
    for entry in study.info.provenance.get("sources", ()):
        given = str(entry.get("assembly") or assembly)
        rows.append(
            {
                "file": str(entry.get("file", "")),
                "content": str(entry.get("content", "")),
                "assembly": assembly,
                "lifted_from": given if given not in (assembly, "", "-") and given.startswith("hg") else "",
                "licence": str(entry.get("licence") or "none stated"),
                "sha256": str(entry.get("sha256", "")),
                "checked": str(entry.get("checked", "")),
                "url": str(entry.get("url", "")),
            }
        )
    return rows


def file_rows(study: Study) -> list[dict[str, Any]]:
    """One row per file of the study folder: file, content, biosample, source, lifted_from, bytes, kind."""
    named, made_of = _named(study), study.info.provenance.get("tables", {})
    kind = "simulated" if study.info.is_simulated else "real"
    rows = []
    for path in sorted(path for path in study.folder.rglob("*") if path.is_file()):
        name = path.relative_to(study.folder).as_posix()
        content, biosample, source, lifted_from = named.get(name, (_content(name, path), "", "", ""))
        rows.append(
            {
                "file": name,
                "content": content,
                "biosample": biosample,
                "source": source or ", ".join(made_of.get(name, ())) or ("simulator" * study.info.is_simulated),
                "lifted_from": lifted_from,
                "bytes": path.stat().st_size,
                "kind": kind,
            }
        )
    return rows


def notes(study: Study) -> list[str]:
    """What a reader must know: what is simulated, how it was made, what lift-over lost, the study's own notes."""
    about = study.info.provenance
    found = [str(note) for note in about.get("notes", ())]
    if study.info.is_simulated and not found:
        found = ["Everything in this study is simulated: sequence, signals, expression, contacts and screen."]
    made = [str(about[name]) for name in ("command", "created") if about.get(name)]
    if made:
        found.append("Made by: " + ", ".join(made))
    for loss in about.get("lift_over", ()):
        lost, given = loss.get("lost"), loss.get("in")
        found.append(f"Lift-over from {loss.get('from', '?')}: {loss.get('set', '?')} lost {lost:,} of {given:,}")
    left = [str(one.get("file", "")) for one in about.get("left_out", ())]
    if left:
        found.append(
            f"{_LEFT_OUT}: {', '.join(left)}. `download {study.name}` and `prepare {study.name}` bring them."
        )
    if study.info.tss_source:
        found.append(f"Transcription start sites: {study.info.tss_source}")
    return found


def _named(study: Study) -> dict[str, tuple[str, str, str, str]]:
    """Content, biosample, source and lifted-from of the files that study.json names."""
    info = study.info
    named = {
        track.path: (f"{track.title}, {track.unit}", track.biosample, track.source, "")
        for track in info.tracks
        if track.path
    }
    named |= {s.path: (s.title, s.biosample, s.source, s.lifted_from or "") for s in info.intervals}
    named |= {
        m.path: (f"{m.title}, {m.resolution_bp:,} bp, {m.normalisation}", m.biosample, m.source, "")
        for m in info.contacts
    }
    if info.sequence:
        named[info.sequence] = ("genome sequence", "", "", "")
    return named


def _content(name: str, path: Path) -> str:
    if name in CONTENT:
        return CONTENT[name]
    if name.startswith("links/"):
        return f"published links: {path.stem}"
    if name.startswith("precomputed/"):
        return "computed results"
    return _KINDS.get(path.suffix, "")
