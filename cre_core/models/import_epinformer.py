"""The authors' published checkpoints of EPInformer as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from cre_core.errors import BadFile, BadInput
from cre_core.models import registry
from cre_core.models.checkpoint import CheckpointInfo, describe, fill
from cre_core.models.epinformer import ELEMENT_FEATURES, EPInformerConfig
from cre_core.models.pickled import provenance_of, read_pickle_of_tensors, tensors_of

# Their module -> ours. A tensor's own name (weight, bias, running_mean, ...) stays.
_STEM_AND_TOWER = {
    "stem_conv.0": "stem",
    "conv_tower.0.0": "tower.0.conv",
    "conv_tower.0.1": "tower.0.norm",
    "conv_tower.1.0": "tower.0.pointwise",
    "conv_tower.2.0": "tower.1.conv",
    "conv_tower.2.1": "tower.1.norm",
    "conv_tower.3.0": "tower.1.pointwise",
    "conv_tower.4.0": "tower.2.conv",
    "conv_tower.4.1": "tower.2.norm",
    "conv_tower.5.0": "tower.2.pointwise",
    "conv_tower.6.0": "tower.3.conv",
    "conv_tower.6.1": "tower.3.norm",
    "conv_tower.7.0": "tower.3.pointwise",
}
_LAYER = {
    "self_attn": "query_key_value",  # in_proj_weight and in_proj_bias: see _OWN_NAMES
    "self_attn.out_proj": "out",
    "norm1": "norm1",
    "norm2": "norm2",
    "ff.0": "feed_forward.0",
    "ff.2": "feed_forward.2",
}
_OWN_NAMES = {"in_proj_weight": "weight", "in_proj_bias": "bias"}
EXPRESSION_NAMES: Mapping[str, str] = {
    **{f"seq_encoder.{theirs}": f"encoder.{ours}" for theirs, ours in _STEM_AND_TOWER.items()},
    "conv_out.0": "compress.convs.0",
    "conv_out.1": "compress.norms.0",
    "conv_out.3": "compress.convs.1",
    "conv_out.4": "compress.norms.1",
    "conv_out.6": "compress.convs.2",
    "conv_out.7": "compress.norms.2",
    "conv_out.9": "compress.convs.3",
    "conv_out.10": "compress.norms.3",
    "conv_out.12": "compress.positions",
    "add_pos_conv.0": "fusion.0",
    "add_pos_conv.2": "fusion.2",
    **{f"attn_encoder.{n}.{theirs}": f"layers.{n}.{ours}" for n in range(3) for theirs, ours in _LAYER.items()},
    "pToExpr.0": "head.0",
    "pToExpr.2": "head.2",
    "pToExpr.4": "head.4",
}
ACTIVITY_NAMES: Mapping[str, str] = {
    **{f"encoder.{theirs}": f"encoder.{ours}" for theirs, ours in _STEM_AND_TOWER.items()},
    "embedToAct.1": "hidden1",
    "embedToAct.2": "norm1",
    "embedToAct.5": "hidden2",
    "embedToAct.6": "norm2",
    "embedToAct.9": "out",
}

UNITS = {
    "CAGE": "log10(1 + CAGE reads in 384 bp at the TSS)",
    "RNA": "z-scored log10 RPKM",
    "activity": "log10(0.1 + activity of H3K27ac and DNase)",
}


@dataclass(frozen=True)
class _FileName:
    """What the authors wrote in the name of a checkpoint: fold_11_..._CAGE_K562_checkpoint.pt."""

    fold: str
    biosample: str
    measure: str

    @classmethod
    def of(cls, path: Path) -> _FileName:
        fold = re.match(r"fold_(\w+?)_(?:EPInformer|best)", path.name)
        rest = re.search(r"_(CAGE|RNA)_([A-Za-z0-9]+)_checkpoint|_best_([A-Za-z0-9]+)_seq2activity", path.name)
        return cls(
            f"fold_{fold[1]}" if fold else "",
            (rest[2] or rest[3]) if rest else "",
            (rest[1] or "activity") if rest else "",
        )


def import_epinformer(
    path: Path, *, wanted: str | None = None, biosample: str | None = None, measure: str | None = None
) -> tuple[nn.Module, CheckpointInfo]:
    """A published EPInformer checkpoint, expression model or activity encoder, as ours.

    Args:
      path: the authors' `.pt` file; fold, biosample and unit come from its name.
      wanted: `epinformer` or `epinformer-activity`; either when None.
      biosample, measure: for a file whose name does not say them; measure is CAGE or RNA.

    Returns:
      The model in evaluation mode, and the info to save it with.

    Raises:
      BadFile: a CSV table (as twelve of the published RNA files are), a pickle that holds more than tensors, or
        tensors of another model.
      BadInput: the checkpoint of another model than `wanted`, or neither name nor argument says biosample, measure.

    Source: released code and trained_models of the authors, class EPInformer_v2 with batch normalisation.
    """
    content = read_pickle_of_tensors(path)
    theirs = tensors_of(content, "model_state_dict", source=path.name)
    name, config, names = _recognise(theirs, path)
    if wanted is not None and wanted != name:
        raise BadInput(f"{path.name} is a checkpoint of {name}; wanted one of {registry.spec_of(wanted).name}")
    said = _FileName.of(path)
    biosample = biosample or said.biosample
    measure = "activity" if name == "epinformer-activity" else measure or said.measure
    if not biosample:
        raise BadInput(f"the name {path.name} does not say the biosample; give it, for example K562")
    if measure not in UNITS:
        raise BadInput(f"the name {path.name} does not say whether it predicts CAGE or RNA; give measure")
    model = registry.build(name, config)
    fill(model, _renamed(theirs, names, model, path), source=path.name)
    info = describe(
        model.eval(),
        biosample=biosample,
        expression_unit=UNITS[measure],
        fold=said.fold,
        provenance=provenance_of(path, content, source=registry.spec_of("epinformer").source),
    )
    return model, info


def import_activity_encoder(
    path: Path, *, biosample: str | None = None, measure: str | None = None
) -> tuple[nn.Module, CheckpointInfo]:
    """`import_epinformer` of an activity encoder and nothing else."""
    return import_epinformer(path, wanted="epinformer-activity", biosample=biosample)


def _recognise(tensors: Mapping[str, Tensor], path: Path) -> tuple[str, dict[str, Any], Mapping[str, str]]:
    if "embedToAct.1.weight" in tensors:
        return "epinformer-activity", {}, ACTIVITY_NAMES
    fusion = tensors.get("add_pos_conv.0.weight")
    if fusion is None or "seq_encoder.stem_conv.0.weight" not in tensors:
        first = next(iter(tensors), "nothing")
        raise BadFile(f"{path.name} is a checkpoint of another model; wanted EPInformer, its first tensor is {first}")
    if fusion.ndim < 2:
        raise BadFile(f"{path.name}: tensor add_pos_conv.0.weight has {fusion.ndim} axes; wanted 2 or more")
    n_features = fusion.shape[1] - EPInformerConfig().width
    variant = next((name for name, features in ELEMENT_FEATURES.items() if len(features) == n_features), None)
    if variant is None:
        raise BadFile(f"{path.name} takes {n_features} features per element; the variants wanted take 0 to 3")
    return "epinformer", {"variant": variant}, EXPRESSION_NAMES


def _renamed(
    theirs: Mapping[str, Tensor], names: Mapping[str, str], model: nn.Module, path: Path
) -> dict[str, Tensor]:
    wanted = model.state_dict()
    ours = {}
    for name, value in theirs.items():
        module, _, own = name.rpartition(".")
        if module not in names:
            raise BadFile(f"{path.name} has unexpected tensor {name}; wanted an EPInformer_v2 checkpoint")
        renamed = f"{names[module]}.{_OWN_NAMES.get(own, own)}"
        # Their convolutions carry one more axis of length 1, and their 1 x 1 convolutions are our linear maps.
        same_size = renamed in wanted and wanted[renamed].numel() == value.numel()
        ours[renamed] = value.reshape(wanted[renamed].shape) if same_size and 1 in value.shape else value
    return ours
