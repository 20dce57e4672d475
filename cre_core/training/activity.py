"""Pretrain EPInformer's encoder of sequence on the activity of short stretches: one step, and the run over folds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn

from cre_core.data.activity_tiles import ActivityDataset, EvenBatches, Tiles, tiles_of
from cre_core.data.element_classes import chroms_of, split_elements
from cre_core.data.store import base_level
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.models import checkpoint
from cre_core.models.epinformer_activity import ActivityEncoder
from cre_core.models.registry import build, spec_of
from cre_core.progress import Report
from cre_core.training.activity_recipe import ActivityRecipe, load_activity_recipe
from cre_core.training.choices import ALL, biosamples_of, folds_of
from cre_core.training.each import Trained, train_each
from cre_core.training.fit import fit, loader, one_process
from cre_core.training.module import LOSSES, FittedModule
from cre_core.training.pretrained import ACTIVITY_MODEL, UNSEEN_CHROMS
from cre_core.training.settings import check_config

TILES_PER_BATCH = 512  # in validation and test


class ActivityModule(FittedModule):
    """Trains an encoder to give the activity of its stretches."""

    def __init__(self, model: nn.Module, recipe: ActivityRecipe, *, n_steps: int, seed: int = 0) -> None:
        super().__init__(model, recipe, n_steps=n_steps, seed=seed)
        self.loss = LOSSES[recipe.loss]

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        sequence, target = batch  # (B, L), (B,)
        loss = self.loss(self.model(sequence), target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        sequence, target = batch  # (B, L), (B,)
        self.log("valid_loss", self.loss(self.model(sequence), target), batch_size=len(target), prog_bar=True)


class Datasets(NamedTuple):
    """The tiles of one fold; those to validate and test on one strand."""

    train: ActivityDataset
    valid: ActivityDataset
    test: ActivityDataset


def train_activity(
    study: Study,
    model: str,
    *,
    biosample: str,
    out: Path,
    leave_out: str = "",
    folds: str = ALL,
    recipe: str | None = None,
    changes: Sequence[str] = (),
    device: str = "auto",
    report: Report,
) -> list[dict[str, Any]]:
    """Pretrain the encoder on one biosample, or one encoder on the stretches of several.

    The chromosomes that a fold tests are not looked at until the end, so that an expression model of that fold may
    start from its encoder: `pretrained_encoder: OUT/epinformer-activity/BIOSAMPLE`.

    Args and Returns as `run.train_model`, with base-level tracks for expression, and r on the test chromosomes
    (NaN where all activities are alike).

    Raises:
      NotAvailable: the study lacks sequence, a track, or stretches with data.
      UnknownName, BadInput: as `run.train_model`, `load_activity_recipe` and `split_elements`.
    """
    plan = load_activity_recipe(recipe or spec_of(ACTIVITY_MODEL).recipe, changes)
    check_config(plan.model, plan.config, source=f"recipe {plan.name}")
    names = folds_of(study, folds)
    having = [name for name in study.info.biosamples if _has_tracks(study, name, plan.tracks)]
    biosamples = biosamples_of(study, biosample, leave_out=leave_out, having=having)
    report("reading sequence and signal", 0, len(names) * plan.n_seeds)
    parts = [tiles_of(study, name, tracks=plan.tracks, tiling=plan.tiling) for name in biosamples]
    train = partial(_train_one, study, plan, parts, device)
    with checkpoint.folder_to_write(out, model, "+".join(biosamples)) as folder:
        return train_each(
            train, study, folder, biosamples=biosamples, recipe=plan.name, folds=names, n_seeds=plan.n_seeds,
            report=report,
        )  # fmt: skip


def _has_tracks(study: Study, biosample: str, tracks: Sequence[str]) -> bool:
    there = {track.assay.casefold() for track in base_level(study, biosample)}
    return {name.casefold() for name in tracks} <= there


def _train_one(
    study: Study, recipe: ActivityRecipe, parts: Sequence[Tiles], device: str, fold: str, seed: int, running: Path
) -> Trained:
    model = build(recipe.model, recipe.config)
    assert isinstance(model, ActivityEncoder)
    data = _datasets(study, recipe, parts, fold)
    nn.init.constant_(model.out.bias, float(data.train.target.mean()))
    started = time.perf_counter()
    best = _fit(model, data, recipe, seed=seed, running=running, device=device)
    seconds = time.perf_counter() - started
    valid_r, test_r = correlation(model, data.valid), correlation(model, data.test)
    provenance = {
        "places": list(dict.fromkeys(part.places for part in parts)),
        "tile_stride_bp": recipe.stride_bp,
        "n_tiles": recipe.n_tiles,
        "reverse_complement": recipe.reverse_complement,
        UNSEEN_CHROMS: sorted(chroms_of(study, fold, "test")),
        "n_train": len(data.train),
        "n_valid": len(data.valid),
        "n_test": len(data.test),
        "n_without_data": sum(dataset.n_without_data for dataset in data),
        "n_outside": sum(part.n_outside for part in parts),
        "best_valid_loss": round(best, 5),
        "valid_r": _rounded(valid_r),
        "test_r": _rounded(test_r),
    }
    scores = {"valid_loss": round(best, 4), "test_r": round(test_r, 3), "seconds": round(seconds, 1)}
    return Trained(model, parts[0].unit, provenance, scores)


def _datasets(study: Study, recipe: ActivityRecipe, parts: Sequence[Tiles], fold: str) -> Datasets:
    """The tiles by their chromosome, those of a place on one side in every biosample."""
    units = list(dict.fromkeys(part.unit for part in parts))
    if len(units) > 1:
        raise BadInput(f"activity is in {units[0]} and in {units[1]}; wanted biosamples of one unit")
    places = pd.concat([part.place for part in parts], ignore_index=True).assign(label=0)
    side = split_elements(study, places, fold=fold, split="chromosome")
    sides = np.split(side, np.cumsum([len(part.place) for part in parts])[:-1])
    datasets = [
        ActivityDataset(
            parts,
            [own == name for own in sides],
            tiling=recipe.tiling,
            both=recipe.reverse_complement and name == "train",
        )
        for name in ("train", "valid", "test")
    ]
    for dataset, what, least in zip(datasets, ("train", "validate", "test"), (2, 1, 1), strict=True):
        if len(dataset) < least:
            raise NotAvailable(
                f"{len(dataset)} stretches of {fold} to {what} have data in {', '.join(recipe.tracks)}"
            )
    return Datasets(*datasets)


def _fit(
    model: ActivityEncoder, data: Datasets, recipe: ActivityRecipe, *, seed: int, running: Path, device: str
) -> float:
    """Train in place; the weights of the best validation epoch stay. Returns that epoch's loss."""
    sampler = EvenBatches(len(data.train), batch_size=recipe.batch_size, seed=seed)
    callbacks = [] if recipe.patience is None else [EarlyStopping("valid_loss", patience=recipe.patience)]
    return fit(
        ActivityModule(model, recipe, n_steps=recipe.epochs * len(sampler), seed=seed),
        train=loader(data.train, sampler),
        valid=loader(data.valid, _in_order(data.valid)),
        running=running,
        settings=one_process(epochs=recipe.epochs, device=device, clip_norm=recipe.clip_norm),
        callbacks=callbacks,
    )


def _in_order(dataset: ActivityDataset) -> list[list[int]]:
    rows = range(len(dataset))
    return [list(rows[low : low + TILES_PER_BATCH]) for low in rows[::TILES_PER_BATCH]]


@torch.inference_mode()
def correlation(model: nn.Module, dataset: ActivityDataset) -> float:
    """Pearson r of predicted and measured log activity; NaN where either does not vary."""
    model = model.cpu().eval()
    found, wanted = zip(
        *((model(bases), target) for bases, target in map(dataset.__getitem__, _in_order(dataset))), strict=True
    )
    predicted, measured = torch.cat(found), torch.cat(wanted)  # (M,) each
    if len(measured) < 2 or predicted.std() == 0 or measured.std() == 0:
        return float("nan")
    return float(np.corrcoef(predicted, measured)[0, 1])


def _rounded(r: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(r) else round(r, 4)
