"""CREATE's checkpoints as the authors' code writes them, read safely and renamed to ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cre_core.errors import BadFile, BadInput
from cre_core.models import registry
from cre_core.models.checkpoint import CheckpointInfo, fill
from cre_core.models.create import LATENT, Create, CreateConfig
from cre_core.models.pickled import provenance_of, read_pickle_of_tensors

UNIT = "class logit"

# Their module -> ours, by input and for what all inputs share. A tensor's own name (weight, bias, ...) stays.
INPUT_NAMES: Mapping[str, Mapping[str, str]] = {
    "sequence": {
        "vqvae.enc1.conv1.0": "encoder.inputs.sequence.conv",
        "vqvae.enc1.layernorm1": "encoder.inputs.sequence.norm",
        "vqvae.dec1.convt1.1": "decoder.outputs.sequence",
        "vqvae.dec1.convt1.2": "decoder.norm",
    },
    "open": {
        "vqvae.enc1.conv11.0": "encoder.inputs.open.conv",
        "vqvae.enc1.layernorm11": "encoder.inputs.open.norm",
        "vqvae.dec1.convt11.1": "decoder.outputs.open",
    },
    "loop": {
        "vqvae.enc1.conv12.0": "encoder.inputs.loop.conv",
        "vqvae.enc1.layernorm12": "encoder.inputs.loop.norm",
        "vqvae.dec1.convt12.1": "decoder.outputs.loop",
    },
}
SHARED_NAMES: Mapping[str, str] = {
    "vqvae.enc1.conv.0": "encoder.join",
    "vqvae.enc2.conv2.0": "encoder.narrow.0",
    "vqvae.enc3.conv3.0": "encoder.narrow.1",
    "vqvae.quantize3.quantize_conv3": "encoder.project",
    "vqvae.dec3.convt3.1": "decoder.widen.0",
    "vqvae.dec2.convt2.1": "decoder.widen.1",
    "fc.1": "hidden.0",
    "fc.4": "hidden.1",
    "fc.7": "out",
}
CODEBOOK_NAMES: Mapping[str, str] = {  # whole tensors
    "vqvae.quantize3.vq._embedding.weight": "bottleneck.codebook.codes",
    "vqvae.quantize3.vq._ema_w": "bottleneck.codebook.sums",
    "vqvae.quantize3.vq._ema_cluster_size": "bottleneck.codebook.counts",
}
_SIZED = ("vqvae.quantize3.vq._embedding.weight", "fc.1.weight")  # say the codes' number and width; positions


def import_create(
    path: Path, *, biosample: str, fold: str = "", strict_original: bool = False
) -> tuple[Create, CheckpointInfo]:
    """A checkpoint of the authors' CREATE as ours.

    Args:
      path: a `.pt` file: the state alone, or a dict that holds it as `model` beside `optimizer` and `epoch`.
      biosample: what it was trained on; neither the file nor its name says so.
      fold: the fold whose test set it never saw, if any.
      strict_original: how its codebook moves when trained further; outputs do not depend on it.

    Returns:
      The model in evaluation mode, and the info to save it with.

    Raises:
      BadFile: no such file, a pickle that holds more than tensors, tensors of another model, missing, more or of
        another shape.
      BadInput: no biosample.

    Source: the state of the released class `create`.
    """
    if not biosample:
        raise BadInput(f"{path.name} does not say its biosample and none came; give it, for example K562")
    content = read_pickle_of_tensors(path)
    state = content.get("model", content)
    if not isinstance(state, dict):
        raise BadFile(f"{path.name} holds a {type(state).__name__} as model; wanted a dict of tensors")
    model = create_from(state, source=path.name, strict_original=strict_original)
    provenance = provenance_of(path, content, source=registry.spec_of("create").source)
    return model, CheckpointInfo("create", asdict(model.config), biosample, UNIT, fold=fold, provenance=provenance)


def import_published_create(
    path: Path, *, biosample: str | None = None, measure: str | None = None
) -> tuple[Create, CheckpointInfo]:
    """`import_create` as of any model; a class has no measure."""
    return import_create(path, biosample=biosample or "")


def create_from(tensors: Mapping[str, Tensor | np.ndarray], *, source: str, strict_original: bool = False) -> Create:
    """A model from the authors' tensors, in evaluation mode; its inputs and sizes are read off them.

    Args:
      tensors: the authors' name -> value.
      source: the file's name, for the message.
      strict_original: see `import_create`.

    Raises:
      BadFile: tensors of another model, missing, more or of another shape.
    """
    theirs = _tensors(tensors, source)
    config = _config_of(theirs, source, strict_original=strict_original)
    model = Create(config)
    fill(model, _renamed(theirs, config, source), source=source)
    return model.eval()


def _tensors(values: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, (Tensor, np.ndarray)):
            raise BadFile(f"{source} holds a {type(value).__name__} as {name}; wanted tensors alone")
    return {name: torch.as_tensor(value) for name, value in values.items()}


def _config_of(theirs: Mapping[str, Tensor], source: str, *, strict_original: bool) -> CreateConfig:
    if not any(name.startswith("vqvae.") for name in theirs):
        first = next(iter(theirs), "nothing")
        raise BadFile(f"{source} is a checkpoint of another model; wanted CREATE, its first tensor is {first}")
    for name in _SIZED:
        if name not in theirs or theirs[name].ndim != 2:
            came = f"has shape {tuple(theirs[name].shape)}" if name in theirs else "is missing"
            raise BadFile(f"{source}: tensor {name} {came}; wanted two axes, as CREATE's has")
    inputs = tuple(name for name, modules in INPUT_NAMES.items() if f"{next(iter(modules))}.weight" in theirs)
    n_codes, code_width = theirs[_SIZED[0]].shape
    n_positions = theirs[_SIZED[1]].shape[1] // LATENT
    try:
        return CreateConfig(
            inputs=inputs,
            n_codes=n_codes,
            n_splits=LATENT // max(code_width, 1),
            sequence_bp=168 + 32 * n_positions,
            strict_original=strict_original,
        )
    except BadInput as error:
        raise BadFile(f"{source} holds a CREATE that cannot be: {error}") from error


def _renamed(theirs: Mapping[str, Tensor], config: CreateConfig, source: str) -> dict[str, Tensor]:
    modules = dict(SHARED_NAMES)
    for name in config.inputs:
        modules.update(INPUT_NAMES[name])
    ours = {}
    for name, value in theirs.items():
        module, _, own = name.rpartition(".")
        if name not in CODEBOOK_NAMES and module not in modules:
            raise BadFile(f"{source} has unexpected tensor {name}; wanted a CREATE of {', '.join(config.inputs)}")
        ours[CODEBOOK_NAMES.get(name) or f"{modules[module]}.{own}"] = value
    return ours
