"""The studies that can be made from public files, by name."""

from __future__ import annotations

from cre_core.data.encode import encode_recipe
from cre_core.data.k562 import BIOSAMPLE, FILES, prepare_k562
from cre_core.data.k562_chr22 import chr22_recipe
from cre_core.data.recipe import StudyRecipe
from cre_core.errors import UnknownName

RECIPES: dict[str, StudyRecipe] = {
    "k562": StudyRecipe("k562", "K562, genome-wide element counts", "hg38", (BIOSAMPLE,), FILES, prepare_k562),
    "k562-chr22": chr22_recipe(),
    "encode": encode_recipe(),
}


def recipe(name: str) -> StudyRecipe:
    """The recipe of a study, or UnknownName with the known ones."""
    if name not in RECIPES:
        raise UnknownName(f"no study recipe '{name}'; there are {', '.join(RECIPES)}")
    return RECIPES[name]
