"""What the base-level view is given: a reference and tracks, as addresses of this server only."""

from __future__ import annotations

from typing import Any

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.genome import Locus
from dashboard import theme
from dashboard.services.files import SEQUENCE, SEQUENCE_INDEX, address, served_files
from dashboard.state import ViewState

VIEW_BP = 1_000


def base_level(study: Study, state: ViewState) -> dict[str, Any]:
    """Properties of the genome browser: reference, locus and tracks.

    Raises:
      NotAvailable: the study has no sequence; the message says what would bring it.
    """
    files = served_files(study)
    if SEQUENCE not in files or SEQUENCE_INDEX not in files:
        raise NotAvailable(
            f"Study {study.name} has no sequence, so there are no bases to show. "
            "A study with sequence, such as the embedded demo, opens here."
        )
    tracks = [
        {
            "name": f"{track.title}, {track.unit}",
            "url": address(study, track.id),
            "type": "wig",
            "format": "bigwig",
            "height": 60,
            "color": theme.assay_colour(track.assay),
        }
        for track in study.info.tracks
        if track.id in files and track.biosample == _biosample(study, state)
    ]
    return {
        "reference": {
            "id": study.info.assembly_name,
            "name": study.info.assembly_name,
            "fastaURL": address(study, SEQUENCE),
            "indexURL": address(study, SEQUENCE_INDEX),
        },
        "locus": _locus(study, state),
        "tracks": [_annotation("Genes", _genes(study)), _annotation("Elements", _elements(study)), *tracks],
    }


def _annotation(name: str, features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "type": "annotation", "features": features, "displayMode": "EXPANDED", "height": 60}


def _genes(study: Study) -> list[dict[str, Any]]:
    columns = {"chrom": "chr", "gene_name": "name"}
    return study.genes[["chrom", "start", "end", "gene_name", "strand"]].rename(columns=columns).to_dict("records")


def _elements(study: Study) -> list[dict[str, Any]]:
    table = study.elements[["chrom", "start", "end", "element_id", "element_class"]]
    table = table.assign(color=table["element_class"].map(theme.CLASS_COLOURS))
    return (
        table.drop(columns="element_class").rename(columns={"chrom": "chr", "element_id": "name"}).to_dict("records")
    )


def _biosample(study: Study, state: ViewState) -> str:
    known = study.info.biosamples
    return state.biosample if state.biosample in known else (known[0] if known else "")


def _locus(study: Study, state: ViewState) -> str:
    """At most VIEW_BP around the view's place or gene; the first gene otherwise."""
    try:
        place = Locus.parse(state.locus, study.assembly) if state.locus else _gene_place(study, state.gene)
    except BadInput:
        place = _gene_place(study, "")
    small = place.resized(min(place.width_bp, VIEW_BP), study.assembly)
    return str(small).replace(",", "")


def _gene_place(study: Study, name: str) -> Locus:
    row = study.gene(name) if name else study.genes.iloc[0]
    tss = int(row["tss"])
    return Locus(str(row["chrom"]), max(0, tss - 1), tss + 1).resized(VIEW_BP, study.assembly)
