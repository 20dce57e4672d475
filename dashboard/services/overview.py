"""What a study holds, counted once, and what could be brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cre_core.data.study import ExampleLocus, Study
from cre_core.errors import CreError
from cre_core.inference.known import trained_models
from dashboard.services.library import Library


@dataclass(frozen=True)
class Overview:
    """A study in numbers.

    Attributes:
      counts: genes, elements, ... -> how many.
      parts: every kind of data a study may have -> whether it is there.
      models: biosample -> names of the models trained for it.
      tested, significant, positive: CRISPRi pairs; None = the study has no screen.
      created: when the study was made, as its provenance says.
    """

    name: str
    title: str
    assembly: str
    is_simulated: bool
    biosamples: tuple[str, ...]
    counts: Mapping[str, int]
    parts: Mapping[str, bool]
    models: Mapping[str, tuple[str, ...]]
    tested: int | None
    significant: int | None
    positive: int | None
    examples: tuple[ExampleLocus, ...]
    created: str


@dataclass(frozen=True)
class Offer:
    """A real study that can be made from public files."""

    name: str
    title: str
    assembly: str
    biosamples: tuple[str, ...]
    n_files: int
    n_bytes: int


def overview(library: Library, name: str) -> Overview:
    """A study in numbers; the tables are counted once per study."""
    study = library.study(name)
    counts, screen = library.memo(name, ("overview",), lambda: _counted(study))
    return Overview(
        name=study.name,
        title=study.info.title,
        assembly=study.info.assembly_name,
        is_simulated=study.info.is_simulated,
        biosamples=study.info.biosamples,
        counts=counts,
        parts=_parts(study),
        models=_models(study),
        tested=screen[0] if screen else None,
        significant=screen[1] if screen else None,
        positive=screen[2] if screen else None,
        examples=study.info.example_loci,
        created=str(study.info.provenance.get("created", ""))[:10],
    )


def overviews(library: Library) -> list[Overview]:
    """Every study in numbers; one whose tables are broken is left out and stands among the library's problems."""
    found = []
    for name in library.names():
        try:
            found.append(overview(library, name))
        except CreError as error:
            library.problems[library.study(name).folder] = str(error)
    return found


def offers(library: Library) -> list[Offer]:
    """Every real study that a page can make, made already or not; one that asks for biosamples is for the command."""
    # Here and not above: the recipes bring readers of every format, half a second that the first page can do without.
    from cre_core.data.recipes import RECIPES
    from cre_core.io.download import registry

    known = registry()
    return [
        Offer(
            recipe.name,
            recipe.title,
            recipe.assembly_name,
            recipe.biosamples,
            len(recipe.files),
            sum(known[file].n_bytes for file in recipe.files),
        )
        for recipe in RECIPES.values()
        if recipe.files
    ]


def _counted(study: Study) -> tuple[dict[str, int], tuple[int, int, int] | None]:
    counts = {"genes": len(study.genes), "elements": len(study.elements), "tracks": len(study.info.tracks)}
    counts["interval sets"] = len(study.info.intervals)
    counts["contact maps"] = len(study.info.contacts)
    if not study.has("crispr"):
        return counts, None
    pairs = study.crispr
    return counts, (len(pairs), int(pairs["is_significant"].sum()), int(pairs["is_positive"].sum()))


def _parts(study: Study) -> dict[str, bool]:
    """What the models and methods may need, in the order to show."""
    info = study.info
    return {
        "counts": study.has("element_signal"),
        "RNA": study.has("expression"),
        "truth": study.has("crispr"),
        "loops": any(entry.kind == "loops" for entry in info.intervals),
        "signal": any(track.kind == "bigwig" for track in info.tracks),
        "sequence": info.sequence is not None,
        "motifs": info.motifs is not None,
        "Hi-C": bool(info.contacts),
        "classes": study.has("element_labels"),
    }


def _models(study: Study) -> dict[str, tuple[str, ...]]:
    found = {biosample: tuple(trained_models(study, biosample)) for biosample in study.info.biosamples}
    return {biosample: models for biosample, models in found.items() if models}
