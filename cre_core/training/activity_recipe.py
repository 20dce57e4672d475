"""A recipe of EPInformer's activity encoder: one readable YAML file per way of pretraining it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cre_core.data.activity_tiles import Tiling
from cre_core.errors import BadInput
from cre_core.models.epinformer_activity import ActivityConfig
from cre_core.training.pretrained import ACTIVITY_MODEL
from cre_core.training.recipe import Fitting
from cre_core.training.settings import Count, changed, parsed_changes, read_settings, recipe_from


@dataclass(frozen=True)
class ActivityRecipe(Fitting):
    """How the encoder is pretrained.

    Attributes:
      tracks: assays of base-level tracks whose geometric mean over a tile is its activity.
      n_tiles: around each summit; an odd number.
      stride_bp: from one tile to the next.
      reverse_complement: each tile on the other strand too.
      loss: of log2(activity + 1).
    """

    tracks: tuple[str, ...] = ("dnase", "h3k27ac")
    n_tiles: Count = 3
    stride_bp: Count = 156
    reverse_complement: bool = True
    loss: Literal["smooth_l1", "mse"] = "smooth_l1"

    @property
    def tiling(self) -> Tiling:
        """How tiles lie around a summit."""
        tile_bp: Any = self.config.get("sequence_bp", ActivityConfig.sequence_bp)
        return Tiling(tile_bp, self.n_tiles, self.stride_bp)


def load_activity_recipe(name_or_path: str, changes: Sequence[str] = ()) -> ActivityRecipe:
    """A recipe of the encoder by name or from a YAML file.

    Args:
      changes: `KEY=VALUE` or `config.KEY=VALUE`; the recipe's name then says which.

    Raises:
      UnknownName: neither a known name nor a file, or a setting with a word that it does not know.
      BadInput: a recipe of another model, an unknown or missing key, a value of the wrong kind, an even number of
        tiles, no track, or batches of one.
    """
    content, path = read_settings(name_or_path, named="activity*", of=ACTIVITY_MODEL)
    if content.get("model") != ACTIVITY_MODEL:
        raise BadInput(f"recipe {path.name} trains {content.get('model', 'no named model')}; wanted {ACTIVITY_MODEL}")
    content = changed({"name": path.stem, **content}, parsed_changes(changes))
    recipe = recipe_from(ActivityRecipe, content, source=path.name)
    if not recipe.tracks:
        raise BadInput(f"recipe {recipe.name}: no track; wanted at least one to take the activity from")
    if recipe.batch_size < 2:
        raise BadInput(f"recipe {recipe.name}: batch_size is 1; wanted 2 or more, for batch normalisation")
    recipe.tiling.checked()
    return recipe
