"""A recipe of CREATE: one readable YAML file per way of training it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cre_core.data.element_classes import Augmentation, Split
from cre_core.errors import BadInput
from cre_core.models.create import CLASSES
from cre_core.models.create_losses import PAPER, RELEASED, RELEASED_FIRST_50_EPOCHS, LossWeights
from cre_core.training.settings import (
    Count,
    Positive,
    Rate,
    Whole,
    changed,
    parsed_changes,
    read_settings,
    recipe_from,
)

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
    stride_bp: Whole = 10
    train_copies: dict[str, int] = field(default_factory=lambda: dict(_COPIES))
    test_copies: int = 5
    reverse_complement: bool = True
    weights: Literal["paper", "released"] = "paper"
    reconstruction_epochs: Whole = 0
    batch_size: Count = 1024
    epochs: Count = 300
    patience: Whole | None = None
    patience_from: Whole = 0
    learning_rate: Positive = 5e-5
    plateau_patience: Whole | None = None
    weight_decay: Rate = 0.0
    n_seeds: Count = 1
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


def load_class_recipe(name_or_path: str, changes: Sequence[str] = ()) -> ClassRecipe:
    """A recipe of CREATE by name or from a YAML file.

    Args:
      changes: `KEY=VALUE` or `config.KEY=VALUE`; the recipe's name then says which.

    Raises:
      UnknownName: neither a known name nor a file, or a setting with a word that it does not know.
      BadInput: a recipe of another model, an unknown or missing key, a value of the wrong kind, or copies that are no
        odd number of each class.
    """
    content, path = read_settings(name_or_path, named="create*", of="create")
    if content.get("model") != "create":
        raise BadInput(f"recipe {path.name} trains {content.get('model', 'no named model')}; wanted create")
    content = changed({"name": path.stem, **content}, parsed_changes(changes))
    recipe = recipe_from(ClassRecipe, content, source=path.name)
    _check(recipe)
    return recipe


def _check(recipe: ClassRecipe) -> None:
    classes = recipe.config.get("classes", CLASSES)
    if set(recipe.train_copies) != set(classes):
        came = ", ".join(recipe.train_copies) or "none"
        raise BadInput(f"recipe {recipe.name}: train_copies of {came}; wanted {', '.join(classes)}")
    for n_copies in (*recipe.train_copies.values(), recipe.test_copies):
        recipe.augmentation.shifts_bp(n_copies)
