"""train, import-weights."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cre_core.cli.options import names_of
from cre_core.cli.output import ProgressFile
from cre_core.cli.progress import reporting
from cre_core.errors import BadInput
from cre_core.models.registry import MODELS

if TYPE_CHECKING:
    from cre_core.models.checkpoint import CheckpointInfo

OWN_NAMES = tuple(dict.fromkeys(name for spec in MODELS.values() for name in spec.named))
PUBLISHED = tuple(spec.name for spec in MODELS.values() if spec.importer_at)
StudyDir = Annotated[Path, typer.Option("--study", help="study folder")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(train)
    app.command("import-weights")(import_weights)


def train(
    model: Annotated[str, typer.Argument(help=f"{', '.join(OWN_NAMES)}, or a model of an installed package")],
    study: StudyDir,
    biosample: Annotated[
        str, typer.Option(help="biosample to learn; A,B = one model of both; all = of all there are")
    ],
    out: Annotated[Path, typer.Option(help="models folder; weights go to OUT/MODEL/BIOSAMPLE")],
    leave_out: Annotated[str, typer.Option(help="of those, biosamples not to learn, to be asked about later")] = "",
    folds: Annotated[
        str, typer.Option(help="all, numbers such as 1,2,7, or paper: chr16 validates, 8, 9 test")
    ] = "all",
    recipe: Annotated[str | None, typer.Option(help="name or YAML file; without it the model's own")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE of the recipe, config.KEY=VALUE of the model; repeat")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    devices: Annotated[int, typer.Option(help="processes on each node, a GPU each where there are GPUs")] = 1,
    nodes: Annotated[int, typer.Option(help="machines that run this same command")] = 1,
    progress_file: ProgressFile = None,
) -> None:
    """Train a model, a checkpoint per fold and seed; what is there already is kept, so a killed run resumes."""
    from cre_core.data.study import Study

    train_any = _trainer_of(model, devices=devices, nodes=nodes)
    leave_out = ",".join(names_of(leave_out, option="--leave-out")) if leave_out else ""
    with reporting(progress_file) as report:
        rows = train_any(
            Study.open(study),
            model,
            biosample=biosample,
            out=out,
            leave_out=leave_out,
            folds=folds,
            recipe=recipe,
            changes=changes or (),
            device=device,
            report=report,
        )
    for row in rows:
        print("\t".join(f"{name}={value}" for name, value in row.items()))


def _trainer_of(model: str, *, devices: int, nodes: int) -> Callable[..., list[dict[str, Any]]]:
    """What trains a model, by what it gives: expression of genes, class of elements, activity of stretches."""
    from cre_core.models.registry import families

    gives = families()[model].specs[0].gives if model in families() else "expression"
    if gives == "expression":
        from cre_core.training.run import train_model

        return partial(train_model, devices=devices, nodes=nodes)
    if (devices, nodes) != (1, 1):
        raise BadInput(f"came {devices} devices on {nodes} nodes; {model} trains in one process")
    if gives == "class":
        from cre_core.training.classes import train_classes

        return train_classes
    from cre_core.training.activity import train_activity

    return train_activity


def import_weights(
    model: Annotated[str, typer.Argument(help=", ".join(PUBLISHED))],
    file: Annotated[Path, typer.Argument(help="the authors' published checkpoint")],
    out: Annotated[Path, typer.Option(help="models folder; weights go to OUT/NAME/BIOSAMPLE, STUDY/models is found")],
    name: Annotated[str | None, typer.Option(help="what to call it; without it the model's own name")] = None,
    biosample: Annotated[str | None, typer.Option(help="where the file's name does not say it")] = None,
    measure: Annotated[str | None, typer.Option(help="CAGE or RNA, where the file's name does not say it")] = None,
    fold: Annotated[
        str | None, typer.Option(help="fold_N whose test genes it never saw, where the file's name does not say it")
    ] = None,
) -> None:
    """Turn a published checkpoint into ours, where a study finds it."""
    from cre_core.models import checkpoint
    from cre_core.models.import_weights import import_published

    name = model if name is None else name
    if biosample is not None and not re.fullmatch(r"[^./\\][^/\\]*", biosample):
        raise BadInput(f"--biosample '{biosample}' cannot name a folder; wanted no / in it and no . before it")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise BadInput(f"--name '{name}' cannot name a model; wanted small letters, digits, - and _")
    if fold is not None and not re.fullmatch(r"fold_\w+", fold):
        raise BadInput(f"--fold '{fold}' is no fold of a study; wanted one such as fold_11")
    imported, info = import_published(model, file, biosample=biosample, measure=measure)
    if not info.biosample:
        raise BadInput(f"the name {file.name} does not say the biosample; give --biosample, for example K562")
    if fold is not None and info.fold not in ("", fold):
        raise BadInput(f"the name {file.name} says {info.fold} and --fold says {fold}")
    info = replace(info, fold=fold or info.fold)
    with checkpoint.folder_to_write(out, name, info.biosample) as folder:
        _check_alike(folder, info)
        path = folder / f"{info.fold or checkpoint.UNKNOWN_FOLD}-seed_0.safetensors"
        checkpoint.save(path, imported, info)
    print(f"{info.model} {info.variant} of {info.biosample}, {info.fold or 'fold not known'} -> {path}")


def _check_alike(folder: Path, info: CheckpointInfo) -> None:
    """One folder is one model: all its folds have the same settings and unit."""
    from cre_core.models import checkpoint

    for path in sorted(folder.glob("*.safetensors")):
        there = checkpoint.read_info(path)
        if there.expression_unit != info.expression_unit or _settings(there) != _settings(info):
            raise BadInput(
                f"{folder} holds {there.model} {there.variant} in {there.expression_unit}; the new one is "
                f"{info.model} {info.variant} in {info.expression_unit}: give it another --name"
            )


def _settings(info: CheckpointInfo) -> str:
    return json.dumps([info.model, info.config], sort_keys=True)
