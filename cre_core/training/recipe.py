"""A training recipe: one readable YAML file per way of training a model."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from cre_core.errors import BadInput, UnknownName

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
      model: registered model.
      config: fields of the model's config.
      measure: expression measure of the study to predict.
      unit: what the model predicts, another logarithm of the measure, such as `ln(TPM + 1)`; None = the study's own.
      loss: of the standardised target; `poisson` of the target itself.
      batch_size: genes per step.
      batching: genes with windows of like `size` go together, or genes that are neighbours on the genome (`place`)
        and so share elements, each of which is encoded once a step.
      epochs: at most.
      steps: optimizer steps at most, whatever the epochs; None = no bound.
      validate_every: steps between validations; None = every epoch.
      patience: epochs without a better validation loss before stopping; None = none.
      keep: the weights of the epoch with the best validation loss, or of the last one, where the validation genes are
        too few to tell.
      learning_rate: its largest value.
      schedule: one cycle (a quarter up to that value, then down to 0), constant, or linear: from `floor_rate` up in
        `warmup_steps`, then down to it again at `steps`.
      weight_decay, betas: of AdamW.
      clip_norm: gradient norm bound; None = none.
      element_dropout: at most this share of a gene's elements is left out of a training step, at random, so that
        the model has seen knock-outs.
      thinning_near_bp, thinning_keep: in training, elements farther than the first are drawn with the second's
        probability and count for 1 / probability; a probability of 1 draws all.
      n_seeds: models per fold, averaged at prediction.
      start_at_mean: the prediction of a model with a softplus begins at the genes' mean, which saves a short training
        the way there.
      n_candidates: random starts, of which the best on the validation genes after one epoch goes on.
      pretrained_encoder: checkpoint of an activity encoder whose stem and tower an EPInformer starts from; a
        relative path is beside the recipe, or below the current folder for a recipe that came with the project.
    """

    name: str
    model: str
    config: dict[str, Any] = field(default_factory=dict)
    measure: str = "rna"
    unit: str | None = None
    loss: Literal["smooth_l1", "mse", "poisson"] = "smooth_l1"
    batch_size: int = 64
    batching: Literal["size", "place"] = "size"
    epochs: int = 8
    steps: int | None = None
    validate_every: int | None = None
    patience: int | None = None
    keep: Literal["best", "last"] = "best"
    learning_rate: float = 5e-4
    schedule: Literal["one_cycle", "constant", "linear"] = "constant"
    warmup_steps: int = 0
    floor_rate: float = 0.0
    weight_decay: float = 1e-6
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float | None = None
    element_dropout: float = 0.0
    thinning_near_bp: float = 100_000.0
    thinning_keep: float = 1.0
    n_seeds: int = 1
    n_candidates: int = 1
    start_at_mean: bool = False
    pretrained_encoder: str | None = None
    note: str = ""


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by name (those in `recipes/`) or from a YAML file.

    Raises:
      UnknownName: neither a known name nor a file.
      BadInput: an unknown or missing key; the message lists the known ones.
    """
    path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(sorted(entry.stem for entry in FOLDER.glob("*.yaml")))
        raise UnknownName(f"no recipe '{name_or_path}'; there are {known}, or give a YAML file")
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, dict):
        raise BadInput(f"{path.name} is not a recipe: wanted a mapping of settings")
    known_keys = [f.name for f in fields(Recipe)]
    unknown = [key for key in content if key not in known_keys]
    if unknown:
        raise BadInput(f"recipe {path.name} has no setting '{unknown[0]}'; it has {', '.join(known_keys)}")
    content.setdefault("name", path.stem)
    if content.get("pretrained_encoder") and path.parent != FOLDER:
        content["pretrained_encoder"] = str(path.parent / content["pretrained_encoder"])
    if "model" not in content:
        raise BadInput(f"recipe {path.name} does not say which model it trains")
    if "betas" in content:
        content["betas"] = tuple(content["betas"])
    return Recipe(**content)
