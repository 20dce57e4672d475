"""The trainings of a recipe, one a fold and seed: what is finished stays, and a killed one goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from cre_core.data.study import Study
from cre_core.models import checkpoint
from cre_core.models.device import one_thread
from cre_core.progress import Report
from cre_core.training.saved import is_trained, origin


@dataclass(frozen=True)
class Trained:
    """What one training gives.

    Attributes:
      model: with the weights to keep.
      unit: of what it predicts.
      provenance: of its checkpoint, beside what every checkpoint says.
      scores: for people.
    """

    model: nn.Module
    unit: str
    provenance: Mapping[str, Any]
    scores: Mapping[str, Any]


# Of a fold and a seed; the folder is that training's own while it runs.
Train = Callable[[str, int, Path], Trained]


def train_each(
    train: Train,
    study: Study,
    folder: Path,
    *,
    biosamples: Sequence[str],
    recipe: str,
    folds: Sequence[str],
    n_seeds: int,
    report: Report,
) -> list[dict[str, Any]]:
    """Train every fold and seed that is not there yet; the first process writes and reports.

    Args:
      folder: gets fold_1-seed_0.safetensors and so on.
      recipe: its name.

    Returns:
      A row per checkpoint: fold, seed and its scores; those that were there already say so.

    Raises:
      BadInput, BadFile: as `is_trained`, and what `train` raises.
    """
    rows, todo = [], [(fold, seed) for fold in folds for seed in range(n_seeds)]
    for done, (fold, seed) in enumerate(todo):
        if is_first():
            report(f"{fold}, seed {seed}", done, len(todo))
        path = folder / f"{fold}-seed_{seed}.safetensors"
        if is_trained(path, recipe=recipe):
            rows.append({"fold": fold, "seed": seed, "state": "was there already"})
            continue
        one_thread()
        lightning.seed_everything(seed, verbose=False)
        trained = train(fold, seed, path.with_name(f".{path.stem}"))
        if is_first():
            _save(path, trained, study, biosamples=biosamples, recipe=recipe, fold=fold, seed=seed)
        rows.append({"fold": fold, "seed": seed, **trained.scores})
    if is_first():
        report("trained", len(todo), len(todo))
    return rows


def is_first() -> bool:
    """Whether this process is the one that writes and reports."""
    return getattr(rank_zero_only, "rank", 0) == 0


def _save(
    path: Path, trained: Trained, study: Study, *, biosamples: Sequence[str], recipe: str, fold: str, seed: int
) -> None:
    info = checkpoint.describe(
        trained.model,
        biosample="+".join(biosamples),
        expression_unit=trained.unit,
        fold=fold,
        seed=seed,
        provenance={**origin(study, recipe), **trained.provenance},
    )
    checkpoint.save(path, trained.model, info)
