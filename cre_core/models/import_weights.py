"""The authors' published checkpoints of any model, read safely and renamed to ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from cre_core.errors import BadFile, UnknownName
from cre_core.models import registry
from cre_core.models.checkpoint import CheckpointInfo, describe, fill
from cre_core.models.import_names import creator_names, scpge_names
from cre_core.models.pickled import provenance_of, read_pickle_of_tensors, tensors_of

_STACKED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "creator": creator_names(n_element_layers=2, n_regulation_layers=4, n_scales=5),
    "scpge": scpge_names(n_layers=4, n_blocks=4),
}
PUBLISHED_UNITS = {"creator": "ln(TPM + 1)", "scpge": "log10(TPM + 1)"}


def import_published(
    name: str, path: Path, *, biosample: str | None = None, measure: str | None = None
) -> tuple[nn.Module, CheckpointInfo]:
    """A published checkpoint of any model, as ours.

    Args:
      name: registered model.
      path: the authors' `.pt` file.
      biosample, measure: for a file whose name does not say them.

    Raises:
      UnknownName: no such model, or one of which no published weights are known. BadInput, BadFile: see the model's
        importer.
    """
    known = [spec.name for spec in registry.models().values() if spec.importer_at]
    if name not in known:
        raise UnknownName(f"no published weights of '{name}' are known; there are {', '.join(known)}")
    return registry.spec_of(name).importer(path, biosample=biosample, measure=measure)


def import_creator(
    path: Path, *, biosample: str | None = None, measure: str | None = None
) -> tuple[nn.Module, CheckpointInfo]:
    """A checkpoint of CREaTor as the authors' code writes it; its measure is known."""
    return _import_stacked("creator", path, biosample=biosample or "")


def import_scpge(
    path: Path, *, biosample: str | None = None, measure: str | None = None
) -> tuple[nn.Module, CheckpointInfo]:
    """A checkpoint of ScPGE as the authors' code writes it; its measure is known."""
    return _import_stacked("scpge", path, biosample=biosample or "")


def _import_stacked(name: str, path: Path, *, biosample: str) -> tuple[nn.Module, CheckpointInfo]:
    """CREaTor or ScPGE: the released code's quirks come with the weights."""
    content = read_pickle_of_tensors(path)
    theirs = tensors_of(content, "model_state_dict", "model", source=path.name)
    model = registry.build(name, {"strict_original": True})
    fill(model, stacked(theirs, _STACKED[name], model, source=path.name), source=path.name)
    info = describe(
        model.eval(),
        biosample=biosample,
        expression_unit=PUBLISHED_UNITS[name],
        provenance=provenance_of(path, content, source=registry.spec_of(name).source),
    )
    return model, info


def stacked(
    theirs: Mapping[str, Tensor], names: Mapping[str, tuple[str, ...]], model: nn.Module, *, source: str
) -> dict[str, Tensor]:
    """Tensors under our names, several of theirs stacked where ours is one.

    Args:
      theirs: the authors' tensors.
      names: ours -> theirs, every one.
      model: gives the shapes wanted.
      source: the file's name, for the message.

    Raises:
      BadFile: naming the first tensor that is missing or unexpected.
    """
    wanted = [name for parts in names.values() for name in parts]
    missing, extra = [name for name in wanted if name not in theirs], sorted(set(theirs) - set(wanted))
    if missing or extra:
        fault, odd = ("lacks", missing) if missing else ("has unexpected", extra)
        raise BadFile(f"{source} {fault} {len(odd)} tensors; first: {odd[0]}")
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    ours = {}
    for name, parts in names.items():
        try:
            value = torch.cat([theirs[part] for part in parts]) if len(parts) > 1 else theirs[parts[0]]
        except RuntimeError as error:
            raise BadFile(f"{source}: tensors {', '.join(parts)} do not fit together") from error
        # A convolution over one row of a picture is ours over a line: an axis of length 1 less.
        same_size = value.numel() == shapes[name].numel()
        ours[name] = value.reshape(shapes[name]) if same_size and 1 in value.shape else value
    return ours
