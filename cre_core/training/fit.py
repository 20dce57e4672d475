"""One training: the loop, its best epoch, and how it goes on."""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset

from cre_core.errors import BadFile
from cre_core.models.device import known_device
from cre_core.models.pickled import read_pickle_of_tensors
from cre_core.training.module import SeededModule
from cre_core.training.saved import LAST, SaveEveryEpoch, checked_resume


def fit(
    module: SeededModule,
    *,
    train: DataLoader[Any],
    valid: DataLoader[Any],
    watched: str = "valid_loss",
    mode: Literal["min", "max"] = "min",
    running: Path,
    settings: Mapping[str, Any],
    callbacks: Sequence[Any] = (),
    keep: Literal["best", "last"] = "best",
) -> float:
    """Train the model of a module in place.

    Args:
      train, valid: batches.
      watched: logged value whose best epoch is looked for, the smallest or the largest (`mode`).
      running: folder of this training while it runs; one that is there goes on. Removed at the end.
      settings: of Lightning's trainer; `one_process` makes them.
      callbacks: more of Lightning's, such as early stopping.
      keep: the weights of the best epoch, or those of the last.

    Returns:
      The best epoch's value; NaN where none was validated.

    Raises:
      BadInput: what runs in that folder is another recipe's. BadFile: it is broken, or holds more than tensors.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    best = ModelCheckpoint(running, filename="best", monitor=watched, mode=mode, enable_version_counter=False)
    every = [best, SaveEveryEpoch(running / LAST), *callbacks]
    trainer = lightning.Trainer(callbacks=every, **settings, **quiet(running))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers; our batches are gathers
        trainer.fit(module, train, valid, ckpt_path=checked_resume(running / LAST), weights_only=True)
    if keep == "best":
        fill_from(Path(best.best_model_path), module.model)
    trainer.strategy.barrier()  # every process has read the best weights
    if trainer.is_global_zero:
        shutil.rmtree(running, ignore_errors=True)
    return float("nan" if best.best_model_score is None else best.best_model_score)


def fill_from(path: Path, model: nn.Module) -> None:
    """Put the weights that a module had at an epoch in its model.

    Raises:
      BadFile: the file is not there, is broken or holds more than tensors and numbers.
    """
    content = read_pickle_of_tensors(path)
    if "state_dict" not in content:
        raise BadFile(f"{path.name} has no state_dict; wanted the weights of an epoch")
    state = content["state_dict"]
    model.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})


def loader(dataset: Dataset[Any], batches: Iterable[list[int]]) -> DataLoader[Any]:
    """Loads batches of row numbers, in this process."""
    # A loader draws a number each time it starts, before an epoch's seed is set or after it: from its own generator.
    return DataLoader(dataset, sampler=batches, batch_size=None, generator=torch.Generator())  # type: ignore[arg-type]


def one_process(*, epochs: int, device: str, clip_norm: float | None = None) -> dict[str, Any]:
    """Settings of a trainer that works alone, at full precision.

    Args:
      epochs: at most.
      device: auto, cpu or cuda.
      clip_norm: gradient norm bound.

    Raises:
      NotAvailable: cuda is asked for and the machine has none.
    """
    return {
        "max_epochs": epochs,
        "accelerator": "gpu" if known_device(device) == "cuda" else "cpu",
        "devices": 1,
        "precision": "32-true",  # the running means of a codebook want it
        "gradient_clip_val": clip_norm,
    }


def quiet(running: Path) -> dict[str, Any]:
    """Settings of every trainer here: it logs to files beside `running`, and says nothing of its own."""
    return {
        "logger": CSVLogger(running.parent / "logs", name=running.name.lstrip("."), version=""),
        "default_root_dir": running,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 50,
    }
