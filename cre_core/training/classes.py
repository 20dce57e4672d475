"""Train CREATE on the labelled elements of a study: one step, and the run over folds and seeds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping
from sklearn.metrics import average_precision_score
from torch import Tensor

from cre_core.data.class_inputs import ClassInputs
from cre_core.data.element_classes import (
    ClassDataset,
    ShuffledBatches,
    labelled_elements,
    split_elements,
    whole_elements,
)
from cre_core.data.study import Study
from cre_core.errors import NotAvailable
from cre_core.models import checkpoint
from cre_core.models.create import Create, CreateConfig
from cre_core.models.create_losses import (
    loss_terms,
    total_loss,
)
from cre_core.models.registry import build, spec_of
from cre_core.progress import Report
from cre_core.schema import ElementInput
from cre_core.training.choices import ALL, biosamples_of, folds_of
from cre_core.training.class_recipe import ClassRecipe, load_class_recipe
from cre_core.training.each import Trained, train_each
from cre_core.training.fit import fit, loader, one_process
from cre_core.training.module import SeededModule
from cre_core.training.settings import check_config

UNIT = "class logit"
BEST = "valid_auprc"  # macro, over the copies' mean probabilities
VALIDATION_COPIES = 512


# ---------------------------------------------------------------- one step


class ClassModule(SeededModule):
    """Trains CREATE, for Lightning's trainer."""

    model: Create

    def __init__(self, model: Create, recipe: ClassRecipe, *, seed: int = 0) -> None:
        super().__init__(model, recipe_name=recipe.name, seed=seed)
        self.recipe = recipe
        self._validated: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: tuple[ElementInput, Tensor], _: int) -> Tensor:
        elements, labels = batch
        weights = self.recipe.weights_at(self.current_epoch)
        trained = [p for p in self.model.parameters() if p.requires_grad] if weights.l1 or weights.l2 else []
        output = self.model(elements)
        terms = loss_terms(output, elements, labels=labels, config=self.model.config, parameters=trained)
        loss = total_loss(terms, weights)
        self.log_dict(
            {"train_loss": loss, "perplexity": output.perplexity},
            on_step=False,
            on_epoch=True,
            batch_size=len(labels),
        )
        return loss

    def validation_step(self, batch: tuple[ElementInput, Tensor], _: int) -> None:
        elements, labels = batch
        self._validated.append(copy_means(self.model(elements).logits, labels, n_copies=self._n_copies))

    def on_validation_epoch_end(self) -> None:
        """The macro auPRC over the validation elements: one class against the rest, mean of the classes there."""
        probabilities, labels = (torch.cat(part).cpu().numpy() for part in zip(*self._validated, strict=True))
        self._validated.clear()
        self.log(BEST, macro_auprc(labels, probabilities), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Adam; with a plateau schedule where the recipe asks for one."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        recipe = self.recipe
        optimizer = torch.optim.Adam(trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        if recipe.plateau_patience is None:
            return optimizer
        rate = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=recipe.plateau_patience)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "monitor": BEST}}

    def transfer_batch_to_device(self, batch: tuple[ElementInput, Tensor], device: torch.device, _: int) -> Any:
        """Move the tensors of an ElementInput, which Lightning does not know."""
        elements, labels = batch
        return elements.to(str(device)), labels.to(device)

    @property
    def _n_copies(self) -> int:
        return len(self.recipe.augmentation.copies(self.recipe.test_copies))


def copy_means(logits: Tensor, labels: Tensor, *, n_copies: int) -> tuple[Tensor, Tensor]:
    """Class probabilities of elements: (n copies, K) logits, copies of an element together -> (n, K), (n,)."""
    probabilities = logits.softmax(1).unflatten(0, (-1, n_copies)).mean(1)  # (n copies, K) -> (n, K)
    return probabilities, labels[::n_copies]


def macro_auprc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean, over the classes that occur, of the step-wise area under precision and recall.

    Args:
      labels: (n,) class numbers.
      probabilities: (n, K).
    """
    present = np.unique(labels)
    return float(np.mean([average_precision_score(labels == k, probabilities[:, k]) for k in present]))


class PatientFrom(EarlyStopping):
    """Early stopping that begins to count at an epoch."""

    def __init__(self, first_epoch: int, *, patience: int) -> None:
        super().__init__(BEST, mode="max", patience=patience)
        self.first_epoch = first_epoch

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Look at the score, from that epoch on."""
        if trainer.current_epoch >= self.first_epoch:
            super().on_validation_end(trainer, pl_module)


# ---------------------------------------------------------------- the run


def train_classes(
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
    """Train CREATE on the labelled elements of one biosample, or one model on those of several.

    Args and Returns as `run.train_model`, with labels for expression and the best validation auPRC for the loss.

    Raises:
      NotAvailable: the study lacks labels or an input that the recipe reads.
      UnknownName, BadInput: as `run.train_model`, `load_class_recipe`, `labelled_elements` and `split_elements`.
    """
    plan = load_class_recipe(recipe or spec_of("create").recipe, changes)
    check_config(plan.model, _config(plan), source=f"recipe {plan.name}")
    names = folds_of(study, folds, split=plan.split)
    having = study.element_labels["biosample"].unique()
    biosamples = biosamples_of(study, biosample, leave_out=leave_out, having=having)
    train = partial(_train_one, study, plan, biosamples, device)
    with checkpoint.folder_to_write(out, model, "+".join(biosamples)) as folder:
        return train_each(
            train, study, folder, biosamples=biosamples, recipe=plan.name, folds=names, n_seeds=plan.n_seeds,
            report=report,
        )  # fmt: skip


def _train_one(
    study: Study, recipe: ClassRecipe, biosamples: Sequence[str], device: str, fold: str, seed: int, running: Path
) -> Trained:
    model = build("create", _config(recipe))
    assert isinstance(model, Create)
    train, valid = _datasets(study, recipe, model.config, biosamples=biosamples, fold=fold)
    started = time.perf_counter()
    best = _fit(model, train, valid, recipe, seed=seed, running=running, device=device)
    seconds = time.perf_counter() - started
    provenance = _provenance(recipe, biosamples, train, valid) | {"best_valid_auprc": round(best, 5)}
    return Trained(model, UNIT, provenance, {"valid_auprc": round(best, 4), "seconds": round(seconds, 1)})


def _config(recipe: ClassRecipe) -> dict[str, Any]:
    """The model's settings, with the tracks that its inputs want."""
    inputs = recipe.config.get("inputs", CreateConfig.inputs)
    return {"tracks": [name for name in inputs if name != "sequence"], **recipe.config}


def _datasets(
    study: Study, recipe: ClassRecipe, config: CreateConfig, *, biosamples: Sequence[str], fold: str
) -> tuple[ClassDataset, ClassDataset]:
    """The training and the validation elements of all biosamples."""
    labelled = labelled_elements(study, biosamples, config.classes)
    part = split_elements(study, labelled, fold=fold, split=recipe.split)
    inputs = {
        name: ClassInputs(
            study, name, inputs=config.inputs, tracks=config.tracks, sequence_bp=config.sequence_bp,
            open_track=recipe.open_track, reach_bp=recipe.reach_bp,
        )
        for name in biosamples
    }  # fmt: skip
    copies = {n: recipe.train_copies[name] for n, name in enumerate(config.classes)}
    train = _dataset(labelled[part == "train"], inputs, recipe, copies)
    valid = _dataset(labelled[part == "valid"], inputs, recipe, recipe.test_copies)
    for dataset, what in ((train, "train"), (valid, "validate")):
        if not len(dataset):
            raise NotAvailable(f"no element of {fold} to {what} has data in {', '.join(config.inputs)}")
    return train, valid


def _dataset(
    labelled: pd.DataFrame, inputs: Mapping[str, ClassInputs], recipe: ClassRecipe, n_copies: Mapping[int, int] | int
) -> ClassDataset:
    return ClassDataset(labelled, inputs, augmentation=recipe.augmentation, n_copies=n_copies)


def _provenance(
    recipe: ClassRecipe, biosamples: Sequence[str], train: ClassDataset, valid: ClassDataset
) -> dict[str, Any]:
    return {
        "split": recipe.split,
        "split_biosamples": list(biosamples),
        "open_track": recipe.open_track,
        "stride_bp": recipe.stride_bp,
        "test_copies": recipe.test_copies,
        "reverse_complement": recipe.reverse_complement,
        "n_train": train.n_elements,
        "n_valid": valid.n_elements,
        "n_without_data": train.n_unknown + valid.n_unknown,
    }


def _fit(
    model: Create,
    train: ClassDataset,
    valid: ClassDataset,
    recipe: ClassRecipe,
    *,
    seed: int,
    running: Path,
    device: str,
) -> float:
    """Train in place; the weights of the best validation epoch stay. Returns that epoch's auPRC."""
    sampler = ShuffledBatches(len(train), batch_size=recipe.batch_size, seed=seed)
    callbacks = []
    if recipe.patience is not None:
        first = max(recipe.reconstruction_epochs, recipe.patience_from)
        callbacks.append(PatientFrom(first, patience=recipe.patience))
    return fit(
        ClassModule(model, recipe, seed=seed),
        train=loader(train, sampler),
        valid=loader(valid, whole_elements(valid, n_copies=VALIDATION_COPIES)),
        watched=BEST,
        mode="max",
        running=running,
        settings=one_process(epochs=recipe.epochs, device=device),
        callbacks=callbacks,
    )
