"""Checkpoints: safetensors with the model's config in the header, so that a file rebuilds its model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from cre_core.errors import BadFile, BadInput
from cre_core.io.files import written_whole
from cre_core.io.folders import check_ours, held
from cre_core.models import registry

if TYPE_CHECKING:
    from torch import Tensor, nn

UNKNOWN_FOLD = "unknown"  # in the name of weights that do not say which genes they never saw
_HEADER = "cre_core"  # key of our JSON among the header's metadata


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says about itself."""

    model: str
    config: Mapping[str, Any]
    biosample: str
    expression_unit: str
    fold: str = ""  # the fold whose test set it never saw; empty when made from all genes
    seed: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        """The model's variant, empty when it has none."""
        return str(self.config.get("variant", ""))


def describe(
    model: nn.Module,
    *,
    biosample: str,
    expression_unit: str,
    fold: str = "",
    seed: int | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> CheckpointInfo:
    """The info of a model about to be saved, its name and config taken from the model itself."""
    config: Any = model.config
    return CheckpointInfo(
        registry.name_of(model), asdict(config), biosample, expression_unit, fold, seed, dict(provenance or {})
    )


def save(path: Path, model: nn.Module, info: CheckpointInfo) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
      BadInput: `info` describes another model.
      BadFile: the disk is full or the place cannot be written.
    """
    from safetensors.torch import save_file  # torch: what a checkpoint says of itself is read without it

    name = registry.name_of(model)
    if name != info.model:
        raise BadInput(f"the description is of {info.model}; the model to save is {name}")
    tensors = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    try:
        with written_whole(path) as partial:
            save_file(tensors, partial, metadata={_HEADER: json.dumps(asdict(info), sort_keys=True)})
    except SafetensorError as error:
        raise BadFile(f"cannot write {path}: {error}") from error


@contextmanager
def folder_to_write(out: Path, name: str, biosample: str) -> Iterator[Path]:
    """OUT/NAME/BIOSAMPLE, where a study finds weights; no other process writes there meanwhile.

    Raises:
      BadInput: `out` is a study, or the folder holds other things than weights.
      NotAvailable: another process writes there.
      BadFile: the place cannot be written.
    """
    if (out / "study.json").is_file():
        raise BadInput(f"--out {out} is a study; its weights go to {out / 'models'}")
    folder = out / name / biosample
    check_ours(folder, "*.safetensors", ".*-seed_*", "logs", what="folder of weights")
    with held(folder):
        yield folder


def read_info(path: Path) -> CheckpointInfo:
    """What a checkpoint says about itself, read from the header alone.

    Raises:
      BadFile: no file, another kind of file, or one without our description.
    """
    return _read(path, with_tensors=False)[0]


def load(path: Path, *, wanted: str | None = None) -> tuple[nn.Module, CheckpointInfo]:
    """Rebuild a model from its checkpoint, in evaluation mode on the CPU.

    Args:
      path: a file made by `save`.
      wanted: name of the model that is expected; any when None.

    Raises:
      BadInput: a checkpoint of another model.
      BadFile: no file, another kind of file, or tensors that are missing, unexpected, of another shape or not finite.
    """
    import torch

    info, tensors = _read(path, with_tensors=True)
    if wanted is not None and info.model != wanted:
        raise BadInput(f"{path.name} is a checkpoint of {info.model}; wanted one of {registry.spec_of(wanted).name}")
    with torch.inference_mode(False):  # a model that is loaded while predicting can be explained later
        model = registry.build(info.model, info.config)
        fill(model, tensors, source=path.name)
    _check_finite(tensors, path.name)
    return model.eval(), info


def load_placed(path: Path, *, wanted: str) -> nn.Module:
    """As `load`, of weights that lie where a study finds them; BadFile also where `check_place` says so."""
    model, info = load(path, wanted=wanted)
    check_place(path, info)
    return model


def check_place(path: Path, info: CheckpointInfo) -> None:
    """Refuse weights that say they belong elsewhere than where they lie: MODEL/BIOSAMPLE/FOLD-seed_N.

    A name without fold (`unknown`) or seed, and a folder whose name is no model's own, claim nothing.

    Raises:
      BadFile: the header names another fold, seed, biosample or model.
    """
    fold, _, seed = path.stem.partition("-seed_")
    claimed = {"biosample": (info.biosample, path.parent.name)}
    if fold != UNKNOWN_FOLD:
        claimed["fold"] = (info.fold or UNKNOWN_FOLD, fold)
    if seed and info.seed is not None:
        claimed["seed"] = (str(info.seed), seed)
    family = registry.families().get(path.parent.parent.name)
    if family is not None:
        claimed["model"] = (family.name if family.holds(info.model, info.config) else info.model, family.name)
    for what, (found, wanted) in claimed.items():
        if found != wanted:
            raise BadFile(f"{path} says that it is of {what} {found}; its place is that of {what} {wanted}")


def _check_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            n = int((~value.isfinite()).sum())
            raise BadFile(f"{source}: tensor {name} has {n:,} values that are not finite, of {value.numel():,}")


def fill(model: nn.Module, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Put tensors in a model, all of them and no others.

    Args:
      model: changed in place.
      tensors: name -> value.
      source: the file's name, for the message.

    Raises:
      BadFile: naming the first tensor that is missing, unexpected or of another shape, and how many there are.
    """
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in tensors]
    extra = [name for name in tensors if name not in wanted]
    if missing or extra:
        fault, names = ("lacks", missing) if missing else ("has unexpected", extra)
        raise BadFile(f"{source} {fault} {len(names)} tensors; first: {names[0]}")
    for name, value in wanted.items():
        if tensors[name].shape != value.shape:
            came, want = tuple(tensors[name].shape), tuple(value.shape)
            raise BadFile(f"{source}: tensor {name} has shape {came}; the model wants {want}")
    model.load_state_dict(dict(tensors))


def _read(path: Path, *, with_tensors: bool) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    if not path.is_file():
        raise BadFile(f"no checkpoint at {path}")
    try:
        with safe_open(path, framework="pt" if with_tensors else "numpy") as file:
            header = (file.metadata() or {}).get(_HEADER)
            tensors: dict[str, Tensor] = {}
            if with_tensors:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise BadFile(f"{path.name} {_kind_of(path)}; wanted a safetensors checkpoint") from error
    if header is None:
        raise BadFile(f"{path.name} holds tensors but no description of their model; wanted one made by this project")
    try:
        info = CheckpointInfo(**json.loads(header))
    except (TypeError, ValueError) as error:
        raise BadFile(f"{path.name} describes its model in another format: {error}") from error
    return info, tensors


def _kind_of(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return "is a pickle of PyTorch (import-weights converts the published ones)"
    return "is truncated or not a tensor file"


def count_parameters(model: nn.Module) -> int:
    """Number of trainable and frozen parameters, without the running statistics of batch normalisation."""
    return sum(parameter.numel() for parameter in model.parameters())
