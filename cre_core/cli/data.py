"""studies, download, prepare, sources, simulate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cre_core.cli.options import names_of
from cre_core.cli.output import ProgressFile
from cre_core.cli.progress import reporting
from cre_core.errors import CreError

Biosamples = Annotated[
    str | None, typer.Option("--biosample", help="which of its biosamples, separated by commas (study encode)")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (studies, download, prepare, sources, simulate):
        app.command()(command)


def studies() -> None:
    """The studies known here: name, assembly, biosamples, models, simulated or real."""
    from cre_core.data.recipes import RECIPES
    from cre_core.data.study import EMBEDDED, Study, studies_in
    from cre_core.inference.known import trained_models

    known: dict[str, tuple[str, tuple[str, ...], list[str], str, str]] = {}
    for root in (Path("studies"), EMBEDDED):
        for folder in studies_in(root):
            try:
                study = Study.open(folder)
                models = sorted({model for b in study.info.biosamples for model in trained_models(study, b)})
            except CreError as error:  # the others are still told
                print(f"{folder} cannot be opened: {' '.join(str(error).split())}", file=sys.stderr)
                continue
            if study.name in known:
                continue
            kind = "simulated" if study.info.is_simulated else "real"
            known[study.name] = (study.info.assembly_name, study.info.biosamples, models, kind, str(folder))
    for name, recipe in RECIPES.items():
        known.setdefault(name, (recipe.assembly_name, recipe.biosamples, [], "real", "not prepared here"))
    for name, (assembly, biosamples, models, kind, where) in known.items():
        print("\t".join((name, assembly, ",".join(biosamples), ",".join(models) or "no models", kind, where)))


def download(
    name: Annotated[str, typer.Argument(help="name of the study")],
    data: Annotated[Path, typer.Option(help="folder for the raw files")],
    mirror: Annotated[str | None, typer.Option(help="folder or base address that holds the files")] = None,
    biosample: Biosamples = None,
    progress_file: ProgressFile = None,
) -> None:
    """Fetch the raw files of a study; resumes, and checks every checksum."""
    from cre_core.data.recipe import download_raw_files
    from cre_core.data.recipes import recipe

    chosen = recipe(name).of(_names(biosample))
    with reporting(progress_file) as report:
        paths = download_raw_files(chosen, data=data, mirror=mirror, report=report)
    print(f"{len(paths)} files of {name} in {data}")


def prepare(
    name: Annotated[str, typer.Argument(help="name of the study")],
    data: Annotated[Path, typer.Option(help="folder with the raw files")],
    out: Annotated[Path, typer.Option(help="study folder to write")],
    biosample: Biosamples = None,
    only_redistributable: Annotated[
        bool, typer.Option("--only-redistributable", help="leave out files whose terms forbid passing the study on")
    ] = False,
    accept_other_files: Annotated[
        bool,
        typer.Option("--accept-other-files", help="take raw files that are not the published; the study says so"),
    ] = False,
    progress_file: ProgressFile = None,
) -> None:
    """Turn raw files into a study."""
    from cre_core.data.recipe import prepare_study
    from cre_core.data.recipes import recipe

    chosen = recipe(name).of(_names(biosample))
    if only_redistributable:
        chosen = chosen.redistributable()
    with reporting(progress_file) as report:
        study = prepare_study(chosen, data=data, out=out, report=report, accept_other=accept_other_files)
    print(f"{study.name}: {len(study.genes):,} genes, {len(study.elements):,} elements in {out}")
    for loss in study.info.provenance["lift_over"]:
        print(f"lift-over from {loss['from']}: {loss['set']} lost {loss['lost']:,} of {loss['in']:,}")
    for note in study.info.provenance["notes"]:
        print(note)
    for left in study.info.provenance["left_out"]:
        print(f"left out: {left['file']} ({left['licence']})")


def _names(biosample: str | None) -> list[str]:
    return [] if biosample is None else names_of(biosample, option="--biosample")


def sources(study: Annotated[list[Path], typer.Argument(help="study folders")]) -> None:
    """Where each file of a study comes from, under which terms, and whom to cite (Markdown)."""
    from cre_core.data.sources import sources_text
    from cre_core.data.study import Study
    from cre_core.models.checkpoint import read_info

    opened = [Study.open(folder) for folder in study]
    print(
        sources_text(opened, imported_sha256=lambda path: str(read_info(path).provenance.get("sha256", ""))),
    )


def simulate(
    out: Annotated[Path, typer.Option(help="study folder to write")],
    seed: Annotated[int, typer.Option(min=0, help="seed of everything random")] = 1,
    progress_file: ProgressFile = None,
) -> None:
    """Write a virtual genome with cell types whose regulation is known."""
    from cre_core.data.simulate import simulate as make

    with reporting(progress_file) as report:
        study = make(out, seed=seed, progress=report)
    print(f"{study.name} (simulated): {len(study.genes):,} genes, {len(study.elements):,} elements in {out}")
