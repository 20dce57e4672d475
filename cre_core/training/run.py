"""Train a recipe over folds and seeds: a checkpoint each, what is finished is kept, a killed run goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn

from cre_core.data.dataset import BucketSampler, GeneDataset, PlaceSampler, Thinning
from cre_core.data.study import Study
from cre_core.data.windows import neighbourhood_for
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models import checkpoint
from cre_core.models.abilities import FitsScales, StartsAt
from cre_core.models.device import known_device
from cre_core.models.registry import build, families
from cre_core.progress import Report
from cre_core.schema import ExpressionUnit, Reads
from cre_core.training.choices import ALL, biosamples_of, folds_of
from cre_core.training.each import Trained, is_first, train_each
from cre_core.training.fit import fit, loader
from cre_core.training.module import ExpressionModule, Shares
from cre_core.training.pretrained import start_from_pretrained
from cre_core.training.recipe import Recipe, load_recipe
from cre_core.training.saved import LAST
from cre_core.training.settings import check_config, parsed_changes

VALIDATION_BATCH = 256
LEAST_PROCESSES = 2  # that every machine may run, to try out what several do
MEETING_PLACES = ("MASTER_ADDR", "SLURM_JOB_ID")  # torchrun sets the first


class Machine(NamedTuple):
    """Where a training runs."""

    device: str = "auto"  # or cpu, cuda
    devices: int = 1  # processes on each node, one GPU each where there are GPUs
    nodes: int = 1


def train_model(
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
    devices: int = 1,
    nodes: int = 1,
    report: Report,
) -> list[dict[str, Any]]:
    """Train a model on one biosample, or one model on the genes of several.

    Args:
      study: with expression, folds and the recipe's tracks.
      model: family name; weights go to OUT/MODEL/BIOSAMPLE/fold_1-seed_0.safetensors and so on.
      biosample: one name, several with commas between, or `all` with expression that are not held out; the folder of
        several is A+B.
      leave_out: biosamples of those that are not to be learned.
      folds: `all`, numbers such as `1,2,7`, or `paper`: see `folds_of`.
      recipe: name or YAML file; None = the model's own, as published.
      changes: of the recipe: `KEY=VALUE`, or `config.KEY=VALUE` of the model's config.
      device: auto, cpu or cuda.
      devices: processes on each node; with more than one the command starts itself again for the others. Each step's
        genes are shared out, so the recipe means the same on any number; batch normalisation sees a share alone.
      nodes: the same command runs on each, with MASTER_ADDR, MASTER_PORT and NODE_RANK set, or under torchrun or
        Slurm; they share the study and `out`, and the feature store is built before they start.
      report: called with step, done, total; in the first process alone.

    Returns:
      A row per checkpoint: fold, seed, best validation loss, seconds; those that were there already say so. None in
      processes other than the first.

    Raises:
      NotAvailable: the study lacks what the recipe needs, or another process trains in that folder.
      UnknownName: a biosample that is not there, or a word that a setting does not know.
      BadInput: `out` is a study or holds other things, a fold that is not there, a biosample that is held out, a
        recipe of another model, a setting that it does not have or of the wrong kind, weights of another recipe in
        the folder, an encoder that saw test genes, no device or node, more GPUs or cores than there are, or nodes
        that do not know where to meet.
    """
    machine = _machine(device, devices, nodes)
    plan = _plan(model, recipe, changes)
    names = folds_of(study, folds)
    having = study.expression.loc[study.expression["measure"] == plan.measure, "biosample"].unique()
    biosamples = biosamples_of(study, biosample, leave_out=leave_out, having=having)
    train = partial(_train_one, study, plan, biosamples, machine)
    with _folder(out, model, biosamples) as folder:
        rows = train_each(
            train, study, folder, biosamples=biosamples, recipe=plan.name, folds=names, n_seeds=plan.n_seeds,
            report=report,
        )  # fmt: skip
    return rows if is_first() else []


def _machine(device: str, devices: int, nodes: int) -> Machine:
    if devices < 1 or nodes < 1:
        raise BadInput(f"{devices} devices on {nodes} nodes were asked for; wanted 1 or more of each")
    known = known_device(device)
    if known == "cuda" and devices > torch.cuda.device_count():
        n_gpus = torch.cuda.device_count()
        raise BadInput(f"{devices} devices were asked for; this machine has {n_gpus}; use --device cpu for more")
    n_cores = max(os.cpu_count() or 1, LEAST_PROCESSES)
    if known == "cpu" and devices > n_cores:
        raise BadInput(f"{devices} devices were asked for; this machine has {n_cores} cores, and no GPU is used")
    if nodes > 1 and not any(name in os.environ for name in MEETING_PLACES):
        raise BadInput(f"{nodes} nodes were asked for, and MASTER_ADDR does not say where they meet")
    return Machine(known, devices, nodes)


def _folder(out: Path, model: str, biosamples: Sequence[str]) -> AbstractContextManager[Path]:
    """The first process of all nodes holds the folder; the others write beside it as part of the same training."""
    name = "+".join(biosamples)
    node = os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", "0"))
    if is_first() and node == "0":
        return checkpoint.folder_to_write(out, model, name)
    return nullcontext(out / model / name)


def _plan(model: str, recipe: str | None, changes: Sequence[str]) -> Recipe:
    """The recipe with the changes, and with the settings that the model's name stands for."""
    if model not in families():
        raise UnknownName(f"no model '{model}' to train; there are {', '.join(families())}")
    family = families()[model]
    for key, value in family.settings.items():
        if f"config.{key}" in parsed_changes(changes):
            raise BadInput(f"--set config.{key}: {model} is the one with {key} {value}; train another model")
    plan = load_recipe(recipe or family.specs[0].recipe, changes)
    plan = replace(plan, config={**plan.config, **family.settings})
    if not family.holds(plan.model, plan.config):
        raise BadInput(f"recipe {plan.name} trains {plan.model}; wanted one of {model}")
    check_config(plan.model, plan.config, source=f"recipe {plan.name}")
    return plan


def _train_one(
    study: Study, recipe: Recipe, biosamples: Sequence[str], machine: Machine, fold: str, seed: int, running: Path
) -> Trained:
    model, start = _fresh(study, recipe, fold=fold, seed=seed)
    parts = [_datasets(study, recipe, model, biosample=biosample, fold=fold) for biosample in biosamples]
    train, valid = (GeneDataset.joined([part[name] for part in parts]) for name in ("train", "valid"))
    started = time.perf_counter()
    if recipe.n_candidates > 1 and not (running / LAST).is_file():
        candidates = (_fresh(study, recipe, fold=fold, seed=seed + 1_000 * n)[0] for n in range(recipe.n_candidates))
        model = _best_start(candidates, train, valid, recipe, seed=seed, running=running, machine=machine)
    best = _fit(model, train, valid, recipe, seed=seed, running=running, machine=machine)
    seconds = time.perf_counter() - started
    return Trained(
        model,
        unit=recipe.unit or study.info.measures[recipe.measure],
        provenance={**start, "n_train": len(train), "n_valid": len(valid), "best_valid_loss": round(best, 5)},
        scores={"valid_loss": round(best, 4), "seconds": round(seconds, 1)},
    )


def _fresh(study: Study, recipe: Recipe, *, fold: str, seed: int) -> tuple[nn.Module, dict[str, str]]:
    """A model before its first step, and what its checkpoint says about where it starts from."""
    lightning.seed_everything(seed, verbose=False)
    model = build(recipe.model, recipe.config)
    start: dict[str, str] = {}
    if recipe.pretrained_encoder is not None:
        start = start_from_pretrained(
            model, recipe.pretrained_encoder, study=study, fold=fold, seed=seed, recipe=recipe.name
        )
    return model.train(), start  # Lightning leaves the mode as it is; a frozen encoder's stays in evaluation


def _best_start(
    candidates: Iterable[nn.Module],
    train: GeneDataset,
    valid: GeneDataset,
    recipe: Recipe,
    *,
    seed: int,
    running: Path,
    machine: Machine,
) -> nn.Module:
    """Of several random starts, the one that predicts the validation genes best after one epoch at the floor rate.

    Source: ScPGE, Methods (warm-up) and the released code (12 starts, one epoch, the smallest learning rate).
    """
    first = replace(
        recipe, epochs=1, steps=None, validate_every=None, patience=None, schedule="constant", n_candidates=1,
        learning_rate=recipe.floor_rate or recipe.learning_rate,
    )  # fmt: skip
    starts = []
    for number, model in enumerate(candidates):
        loss = _fit(model, train, valid, first, seed=seed, running=running / f"start_{number}", machine=machine)
        starts.append((loss, number, model))
    return min(starts, key=lambda start: start[:2])[2]


def _datasets(study: Study, recipe: Recipe, model: nn.Module, *, biosample: str, fold: str) -> dict[str, GeneDataset]:
    """The `train` and `valid` genes of one biosample."""
    config: Any = model.config
    reads: Reads = config.reads
    neighbourhood = neighbourhood_for(study, biosample, reads)
    rows = study.expression
    rows = rows[(rows["biosample"] == biosample) & (rows["measure"] == recipe.measure)].dropna(subset="value")
    if rows.empty:
        raise NotAvailable(f"study {study.name} has no measure '{recipe.measure}' for {biosample}")
    genes = rows.merge(study.folds[["gene_id", fold]], on="gene_id")
    thinning = Thinning(recipe.thinning_near_bp, recipe.thinning_keep) if recipe.thinning_keep < 1 else None
    parts = {}
    for name in ("train", "valid"):
        chosen: pd.DataFrame = genes[genes[fold] == name]
        dataset = GeneDataset(
            neighbourhood,
            chosen["gene_id"].tolist(),
            _target(study, recipe, chosen["value"].to_numpy(np.float32)),
            reach_bp=reads.reach_bp,
            limit=reads.n_elements,
            thinning=thinning if name == "train" else None,
        )
        parts[name] = _with_known_inputs(dataset, reads.half_life)
    return parts


def _target(study: Study, recipe: Recipe, values: np.ndarray) -> np.ndarray:
    """(G,) in the recipe's unit."""
    if recipe.unit is None:
        return values
    return ExpressionUnit.of(study.info.measures[recipe.measure]).converted(values, ExpressionUnit.of(recipe.unit))


def _with_known_inputs(dataset: GeneDataset, needs_half_life: bool) -> GeneDataset:
    """Without the genes for which the model gives NaN: one of them would make every weight NaN."""
    known = dataset.promoter_signal.isfinite().all(1)  # (G,)
    if needs_half_life:
        known &= dataset.gene_features.isfinite().all(1)
    return dataset if bool(known.all()) else dataset.subset(known)


_SAMPLERS = {"size": BucketSampler, "place": PlaceSampler}


def _fit(
    model: nn.Module,
    train: GeneDataset,
    valid: GeneDataset,
    recipe: Recipe,
    *,
    seed: int,
    running: Path,
    machine: Machine,
) -> float:
    """Train in place; the weights of the best validation epoch stay. Returns that epoch's loss."""
    sampler = _SAMPLERS[recipe.batching](train, batch_size=recipe.batch_size, seed=seed)
    if isinstance(model, FitsScales):
        whole = [train[list(part)] for part in _parts(len(train))]
        model.fit_scales([batch for batch, _ in whole], train.target)
    if recipe.start_at_mean and isinstance(model, StartsAt):
        model.start_at(float(train.target.mean()))
    n_steps = min(recipe.epochs * len(sampler), recipe.steps or recipe.epochs * len(sampler))
    if n_steps < (recipe.validate_every or 1):
        raise BadInput(f"recipe {recipe.name} validates every {recipe.validate_every} steps and has only {n_steps}")
    module = ExpressionModule(model, recipe, n_steps=n_steps, seed=seed)
    return fit(
        module,
        train=loader(Shares(train), sampler),
        valid=loader(Shares(valid), _parts(len(valid))),
        running=running,
        settings=_settings(recipe, machine),
        callbacks=[] if recipe.patience is None else [EarlyStopping("valid_loss", patience=recipe.patience)],
        keep=recipe.keep,
    )


def _settings(recipe: Recipe, machine: Machine) -> dict[str, Any]:
    """Of Lightning's trainer, on any number of processes."""
    on_gpu = machine.device == "cuda"
    return {
        "max_epochs": recipe.epochs,
        "max_steps": recipe.steps or -1,
        "val_check_interval": recipe.validate_every,
        "check_val_every_n_epoch": None if recipe.validate_every else 1,
        "accelerator": "gpu" if on_gpu else "cpu",
        "devices": machine.devices,
        "num_nodes": machine.nodes,
        "strategy": "ddp" if machine.devices * machine.nodes > 1 else "auto",
        "use_distributed_sampler": False,  # every process gets every batch and takes its share
        "precision": "bf16-mixed" if on_gpu else "32-true",
        "gradient_clip_val": recipe.clip_norm,
    }


def _parts(n: int) -> list[list[int]]:
    return [list(range(start, min(n, start + VALIDATION_BATCH))) for start in range(0, n, VALIDATION_BATCH)]
