"""What the base-level view is given: a reference and tracks, as addresses of this server only."""

from __future__ import annotations

from typing import Any

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.genome import Locus
from dashboard import theme
from dashboard.services.files import SEQUENCE, SEQUENCE_INDEX, address, served_files
from dashboard.services.gene import element_row, pair_row
from dashboard.state import ViewState

VIEW_BP = 1_000
_ACCENT = theme.PALETTES["light"].accent


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
        "tracks": [
            _annotation("Genes", _genes(study)),
            _annotation("Elements", _elements(study)),
            *_selected(study, state),
            *tracks,
        ],
    }


def _annotation(name: str, features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "type": "annotation", "features": features, "displayMode": "EXPANDED", "height": 60}


def _selected(study: Study, state: ViewState) -> list[dict[str, Any]]:
    """A track that marks the selected element or measured pair; none where nothing is selected."""
    place = _selected_place(study, state)
    if place is None:
        return []
    feature = {"chr": place.chrom, "start": place.start, "end": place.end, "name": "selected", "color": _ACCENT}
    return [{**_annotation("Selected", [feature]), "height": 30}]


def _selected_place(study: Study, state: ViewState) -> Locus | None:
    pair, element = pair_row(study, state), element_row(study, state)
    row = pair if pair is not None else element
    return None if row is None else Locus(str(row["chrom"]), int(row["start"]), int(row["end"]))


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
    """What is selected, with its surroundings; else at most VIEW_BP around the place, the gene, or the first gene."""
    selected = _selected_place(study, state)
    if selected is not None:
        wide = selected.resized(max(VIEW_BP, round(1.4 * selected.width_bp)), study.assembly)
        return str(wide).replace(",", "")
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
