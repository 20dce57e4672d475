"""Where an EPInformer starts from: the activity encoder of its own fold, which never saw that fold's test genes."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from cre_core.data.element_classes import chroms_of
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.models import checkpoint
from cre_core.models.abilities import StartsFrom
from cre_core.models.checkpoint import CheckpointInfo
from cre_core.models.epinformer_activity import ActivityEncoder
from cre_core.models.registry import name_of

ACTIVITY_MODEL = "epinformer-activity"
UNSEEN_CHROMS = "unseen_chroms"  # in an encoder's provenance


def start_from_pretrained(
    model: nn.Module, encoder: str, *, study: Study, fold: str, seed: int, recipe: str
) -> dict[str, str]:
    """Put an activity encoder's stem and tower in an EPInformer.

    Args:
      model: changed in place.
      encoder: checkpoint, or a folder with one per fold: `fold_1-seed_0.safetensors`, of the same seed if there is.
      study, fold: whose test genes the model is not to know.
      recipe: for the message.

    Returns:
      What the model's checkpoint says about it.

    Raises:
      BadInput: a model without such an encoder, or an encoder that saw a chromosome with test genes.
      NotAvailable: the folder has none of the fold.
    """
    if not isinstance(model, StartsFrom):
        raise BadInput(f"recipe {recipe} names a pretrained encoder; {name_of(model)} has no encoder of sequence")
    path = _of_fold(Path(encoder), fold, seed)
    pretrained, info = checkpoint.load(path, wanted=ACTIVITY_MODEL)
    assert isinstance(pretrained, ActivityEncoder)
    _check_unseen(path, info, study, fold)
    model.start_from(pretrained.encoder)
    made_by = info.provenance.get("recipe", info.provenance.get("imported_from", "not known"))
    return {"pretrained_encoder": f"{path.name} of {info.biosample}, {made_by}"}


def _of_fold(path: Path, fold: str, seed: int) -> Path:
    if not path.is_dir():
        return path
    names = [f"{fold}-seed_{number}.safetensors" for number in dict.fromkeys((seed, 0))]
    found = [path / name for name in names if (path / name).is_file()]
    if not found:
        raise NotAvailable(f"{path} has no {names[-1]}; an encoder of another fold would have seen the test genes")
    return found[0]


def _check_unseen(path: Path, info: CheckpointInfo, study: Study, fold: str) -> None:
    """By chromosome where the encoder names those it never saw, else by fold; one that says nothing is believed."""
    unseen = info.provenance.get(UNSEEN_CHROMS)
    if unseen is None:
        if info.fold not in ("", fold):
            raise BadInput(f"{path} is of {info.fold} and would have seen test genes of {fold}; wanted one of {fold}")
        return
    seen = sorted(chroms_of(study, fold, "test") - set(unseen))
    if seen:
        raise BadInput(f"{path} saw {seen[0]}, which {fold} of study {study.name} tests; wanted an encoder of {fold}")
