"""A training recipe: one readable YAML file per way of training a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cre_core.training.settings import (
    FOLDER,
    Chance,
    Count,
    Decay,
    Positive,
    Rate,
    Share,
    Whole,
    changed,
    parsed_changes,
    read_settings,
    recipe_from,
)


@dataclass(frozen=True)
class Fitting:
    """How weights are fitted, whatever they are of.

    Attributes:
      name: of the recipe, and what was changed of it.
      model: registered model.
      config: fields of the model's config.
      batch_size: genes, or stretches of sequence, per step.
      epochs: at most.
      patience: epochs without a better validation loss before stopping; None = none.
      learning_rate: its largest value.
      schedule: one cycle (a quarter up to that value, then down to 0), constant, or linear: from `floor_rate` up in
        `warmup_steps`, then down to it again at the last step.
      weight_decay, betas: of AdamW.
      clip_norm: gradient norm bound; None = none.
      n_seeds: models per fold, averaged at prediction.
    """

    name: str
    model: str
    config: dict[str, Any] = field(default_factory=dict)
    batch_size: Count = 64
    epochs: Count = 8
    patience: Whole | None = None
    learning_rate: Positive = 5e-4
    schedule: Literal["one_cycle", "constant", "linear"] = "constant"
    warmup_steps: Whole = 0
    floor_rate: Rate = 0.0
    weight_decay: Rate = 1e-6
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    clip_norm: Positive | None = None
    n_seeds: Count = 1
    note: str = ""


@dataclass(frozen=True)
class Recipe(Fitting):
    """How a model of expression is trained.

    Attributes:
      measure: expression measure of the study to predict.
      unit: what the model predicts, another logarithm of the measure, such as `ln(TPM + 1)`; None = the study's own.
      loss: of the standardised target; `poisson` of the target itself.
      batching: genes with windows of like `size` go together, or genes that are neighbours on the genome (`place`)
        and so share elements, each of which is encoded once a step.
      steps: optimizer steps at most, whatever the epochs; None = no bound.
      validate_every: steps between validations; None = every epoch.
      keep: the weights of the epoch with the best validation loss, or of the last one, where the validation genes are
        too few to tell.
      element_dropout: at most this share of a gene's elements is left out of a training step, at random, so that
        the model has seen knock-outs.
      thinning_near_bp, thinning_keep: in training, elements farther than the first are drawn with the second's
        probability and count for 1 / probability; a probability of 1 draws all.
      start_at_mean: the prediction of a model with a softplus begins at the genes' mean, which saves a short training
        the way there.
      n_candidates: random starts, of which the best on the validation genes after one epoch goes on.
      pretrained_encoder: checkpoint of an activity encoder whose stem and tower an EPInformer starts from, or a
        folder with one per fold; a relative path is beside the recipe, or below the current folder for a recipe that
        came with the project and for a change on the command line.
    """

    measure: str = "rna"
    unit: str | None = None
    loss: Literal["smooth_l1", "mse", "poisson"] = "smooth_l1"
    batching: Literal["size", "place"] = "size"
    steps: Count | None = None
    validate_every: Count | None = None
    keep: Literal["best", "last"] = "best"
    element_dropout: Share = 0.0
    thinning_near_bp: Rate = 100_000.0
    thinning_keep: Chance = 1.0
    n_candidates: Count = 1
    start_at_mean: bool = False
    pretrained_encoder: str | None = None


def load_recipe(name_or_path: str, changes: Sequence[str] = ()) -> Recipe:
    """A recipe by name (those in `recipes/`) or from a YAML file.

    Args:
      changes: `KEY=VALUE` or `config.KEY=VALUE`; the recipe's name then says which.

    Raises:
      UnknownName: neither a known name nor a file, or a word that a setting does not know.
      BadInput: an unknown or missing key, with the known ones, or a value of the wrong kind.
    """
    content, path = read_settings(name_or_path)
    content.setdefault("name", path.stem)
    encoder = content.get("pretrained_encoder")
    if isinstance(encoder, str) and path.parent != FOLDER:
        content["pretrained_encoder"] = str(path.parent / encoder)
    return recipe_from(Recipe, changed(content, parsed_changes(changes)), source=path.name)
