"""A recipe of CREATE: one readable YAML file per way of training it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from cre_core.data.element_classes import Augmentation, Split
from cre_core.errors import BadInput, UnknownName
from cre_core.models.create import CLASSES
from cre_core.models.create_losses import PAPER, RELEASED, RELEASED_FIRST_50_EPOCHS, LossWeights
from cre_core.training.recipe import FOLDER

_COPIES = {"silencer": 5, "enhancer": 5, "promoter": 3, "insulator": 3, "background": 1}


@dataclass(frozen=True)
class ClassRecipe:
    """How CREATE is trained.

    Attributes:
      model: create.
      config: fields of CreateConfig; a study without loops wants `inputs: [sequence, open]`.
      open_track: assay of the base-level accessibility track.
      split: see `split_elements`.
      stride_bp: between shifted copies of a window.
      train_copies: shifted copies of an element of each class; odd numbers.
      test_copies: of every element in validation and at prediction, whose probabilities are averaged.
      reverse_complement: each copy on the other strand too.
      weights: of the loss's terms: the paper's, or the released code's, which adds terms.
      reconstruction_epochs: so many epochs first without the classes (released code: 50; paper: none).
      batch_size: copies per step.
      epochs: at most.
      patience: epochs without a better macro auPRC on the validation elements before stopping; None = none. Counted
        from `patience_from` (released code: 200) and never during the reconstruction.
      learning_rate: of Adam.
      plateau_patience: epochs without a better auPRC before the rate falls to a tenth (released code); None = never.
      weight_decay: of Adam.
      n_seeds: models per fold, averaged at prediction.
    """

    name: str
    model: str
    config: dict[str, Any] = field(default_factory=dict)
    open_track: str = "dnase"
    split: Split = "chromosome"
    stride_bp: int = 10
    train_copies: dict[str, int] = field(default_factory=lambda: dict(_COPIES))
    test_copies: int = 5
    reverse_complement: bool = True
    weights: Literal["paper", "released"] = "paper"
    reconstruction_epochs: int = 0
    batch_size: int = 1024
    epochs: int = 300
    patience: int | None = None
    patience_from: int = 0
    learning_rate: float = 5e-5
    plateau_patience: int | None = None
    weight_decay: float = 0.0
    n_seeds: int = 1
    note: str = ""

    @property
    def augmentation(self) -> Augmentation:
        """How copies of an element differ."""
        return Augmentation(self.stride_bp, self.reverse_complement)

    @property
    def reach_bp(self) -> int:
        """The largest shift of any copy."""
        most = max(*self.train_copies.values(), self.test_copies)
        return max(self.augmentation.shifts_bp(most))

    def weights_at(self, epoch: int) -> LossWeights:
        """Of the loss's terms in an epoch."""
        if epoch >= self.reconstruction_epochs:
            return PAPER if self.weights == "paper" else RELEASED
        return RELEASED_FIRST_50_EPOCHS  # the paper's without the classes


def load_class_recipe(name_or_path: str) -> ClassRecipe:
    """A recipe of CREATE by name or from a YAML file.

    Raises:
      UnknownName: neither a known name nor a file, or a setting with a word that it does not know.
      BadInput: a recipe of another model, an unknown or missing key, or copies that are no odd number of each class.
    """
    path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(sorted(entry.stem for entry in FOLDER.glob("create*.yaml")))
        raise UnknownName(f"no recipe '{name_or_path}' of create; there are {known}, or give a YAML file")
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, dict):
        raise BadInput(f"{path.name} is not a recipe: wanted a mapping of settings")
    if content.get("model") != "create":
        raise BadInput(f"recipe {path.name} trains {content.get('model', 'no named model')}; wanted create")
    known_keys = [f.name for f in fields(ClassRecipe)]
    unknown = [key for key in content if key not in known_keys]
    if unknown:
        raise BadInput(f"recipe {path.name} has no setting '{unknown[0]}'; it has {', '.join(known_keys)}")
    recipe = ClassRecipe(**{"name": path.stem, **content})
    _check(recipe)
    return recipe


def _check(recipe: ClassRecipe) -> None:
    for setting, known in (("split", get_args(Split)), ("weights", ("paper", "released"))):
        if getattr(recipe, setting) not in known:
            came = getattr(recipe, setting)
            raise UnknownName(f"recipe {recipe.name}: no {setting} '{came}'; there are {', '.join(known)}")
    classes = recipe.config.get("classes", CLASSES)
    if set(recipe.train_copies) != set(classes):
        came = ", ".join(recipe.train_copies) or "none"
        raise BadInput(f"recipe {recipe.name}: train_copies of {came}; wanted {', '.join(classes)}")
    for n_copies in (*recipe.train_copies.values(), recipe.test_copies):
        recipe.augmentation.shifts_bp(n_copies)
