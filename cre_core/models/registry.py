"""Every model by name: a plain dict of frozen specs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import nn

from cre_core.errors import BadInput, UnknownName
from cre_core.models.create import Create, CreateConfig
from cre_core.models.creator import Creator, CreatorConfig
from cre_core.models.epinformer import VARIANTS, EPInformer, EPInformerConfig
from cre_core.models.epinformer_activity import ActivityConfig, ActivityEncoder
from cre_core.models.epinformer_counts import EPInformerCounts, EPInformerCountsConfig
from cre_core.models.scpge import FORMS, ScPGE, ScPGEConfig


@dataclass(frozen=True)
class ModelSpec:
    """A model: how to build it from its config, and what it is."""

    name: str
    title: str
    config: type
    module: type[nn.Module]
    variants: tuple[str, ...]
    gives: str  # "expression", "activity" or "class"
    needs_sequence: bool
    source: str


_EPINFORMER = "Lin, Luo, Pinello, Nature Communications 2026; preprint doi:10.1101/2024.08.01.606099"

MODELS: dict[str, ModelSpec] = {
    "epinformer": ModelSpec(
        name="epinformer",
        title="EPInformer",
        config=EPInformerConfig,
        module=EPInformer,
        variants=VARIANTS,
        gives="expression",
        needs_sequence=True,
        source=_EPINFORMER,
    ),
    "epinformer-counts": ModelSpec(
        name="epinformer-counts",
        title="EPInformer, element counts",
        config=EPInformerCountsConfig,
        module=EPInformerCounts,
        variants=(),
        gives="expression",
        needs_sequence=False,
        source=_EPINFORMER,
    ),
    "epinformer-activity": ModelSpec(
        name="epinformer-activity",
        title="EPInformer's 256-bp activity encoder",
        config=ActivityConfig,
        module=ActivityEncoder,
        variants=(),
        gives="activity",
        needs_sequence=True,
        source=_EPINFORMER,
    ),
    "creator": ModelSpec(
        name="creator",
        title="CREaTor",
        config=CreatorConfig,
        module=Creator,
        variants=(),
        gives="expression",
        needs_sequence=True,
        source="Li, Ju, Chen et al., Genome Biology 2023, 24:266; doi:10.1186/s13059-023-03103-8",
    ),
    "scpge": ModelSpec(
        name="scpge",
        title="ScPGE",
        config=ScPGEConfig,
        module=ScPGE,
        variants=FORMS,
        gives="expression",
        needs_sequence=True,
        source="Zhang, Wang, Li et al., Genome Research 2026, 36:361; doi:10.1101/gr.281219.125",
    ),
    "create": ModelSpec(
        name="create",
        title="CREATE",
        config=CreateConfig,
        module=Create,
        variants=(),
        gives="class",
        needs_sequence=True,
        source="Cui et al., Nature Communications 2025; doi:10.1038/s41467-025-59780-5",
    ),
}


# What can be trained under a name of its own: the registered model, and the settings that make the difference.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "epinformer": ("epinformer", {}),
    "creator": ("creator", {}),
    "scpge": ("scpge", {"form": "plain"}),
    "scpge-lp": ("scpge", {"form": "lp"}),
    "scpge-kl": ("scpge", {"form": "kl"}),
    "create": ("create", {}),
}


def spec_of(name: str) -> ModelSpec:
    """The spec of a model; UnknownName lists those there are."""
    if name not in MODELS:
        raise UnknownName(f"no model '{name}'; there are {', '.join(MODELS)}")
    return MODELS[name]


def name_of(model: nn.Module) -> str:
    """The registered name of a model; UnknownName when it is not registered."""
    for spec in MODELS.values():
        if type(model) is spec.module:
            return spec.name
    raise UnknownName(f"{type(model).__name__} is not a registered model; there are {', '.join(MODELS)}")


def build(name: str, config: Mapping[str, Any] | None = None) -> nn.Module:
    """A model with fresh weights.

    Args:
      name: key of MODELS.
      config: fields of the model's config; those not named keep their default. Lists become tuples.

    Raises:
      UnknownName: no such model.
      BadInput: a field that the config does not have, or a value it refuses.
    """
    spec = spec_of(name)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in (config or {}).items()}
    known = [field.name for field in fields(spec.config)]
    odd = [key for key in given if key not in known]
    if odd:
        raise BadInput(f"{name} has no setting '{odd[0]}'; it has {', '.join(known)}")
    return spec.module(spec.config(**given))
