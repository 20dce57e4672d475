"""What a training leaves: finished weights, and where a running one is."""

from __future__ import annotations

from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Checkpoint

from cre_core.data.study import Study
from cre_core.errors import BadFile, BadInput
from cre_core.io.files import written_whole
from cre_core.models import checkpoint
from cre_core.models.pickled import read_pickle_of_tensors

LAST = "last.ckpt"  # where a running training is
_STATE = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks", "epoch", "global_step")


class SaveEveryEpoch(Checkpoint):
    """Keeps where a run is, after every epoch, whole or not at all; Lightning's own skips the worse ones.

    A Checkpoint, because those come last: the best epoch and the patience left are then part of what is kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Write beside, then rename; every process takes part, the first writes."""
        if trainer.should_stop:  # out of patience: a run killed here repeats this epoch, and stops again
            return
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.path)
            return
        with written_whole(self.path) as partial:
            trainer.save_checkpoint(partial)


def checked_resume(path: Path) -> str | None:
    """Where a stopped training goes on, for Lightning; None when none was stopped here.

    Raises:
      BadFile: the file is broken, or holds more than tensors and numbers: nothing else is ever built from it.
    """
    if not path.is_file():
        return None
    try:
        content = read_pickle_of_tensors(path)
        lacking = [name for name in _STATE if name not in content]
        if lacking:
            raise BadFile(f"{path.name} has no {lacking[0]}; wanted a stopped training")
    except BadFile as error:
        raise BadFile(f"{error}; remove {path.parent} to begin it anew") from error
    return str(path)


def is_trained(path: Path, *, recipe: str) -> bool:
    """Whether finished weights are there.

    Raises:
      BadInput: there are some, of another recipe or of the same with other changes.
      BadFile: they are broken, or say that they belong elsewhere.
    """
    if not path.is_file():
        return False
    info = checkpoint.read_info(path)
    checkpoint.check_place(path, info)
    made_by = info.provenance.get("recipe", recipe)
    if made_by != recipe:
        raise BadInput(f"{path} was made by recipe {made_by}, not {recipe}; remove it or give another --out")
    return True


def origin(study: Study, recipe: str) -> dict[str, object]:
    """What every checkpoint says about where it came from."""
    return {
        "study": study.name,
        "study_created": study.info.provenance.get("created", ""),
        "is_simulated": study.info.is_simulated,
        "recipe": recipe,
    }
