"""Every model by name: a plain dict of frozen specs. A model's own code is imported when it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cre_core.errors import BadInput, UnknownName
from cre_core.extensions import added, resolved

if TYPE_CHECKING:
    from torch import nn

    from cre_core.models.checkpoint import CheckpointInfo

    # of a published file, and of the biosample and measure where its name does not say them
    Importer = Callable[..., tuple[nn.Module, CheckpointInfo]]

ENTRY_POINTS = "crescope.models"  # where an installed package names a ModelSpec of its own


class Form(NamedTuple):
    """A name that a model is trained and kept under."""

    title: str
    settings: Mapping[str, Any] = {}  # fields of the model's config that the name stands for


@dataclass(frozen=True)
class ModelSpec:
    """A model: what it is, and where its code lies, as `package.module:name`.

    Attributes:
      name: in its checkpoints.
      title: what people call it.
      module_at, config_at: its class, and that of its config, which says what the model `reads`.
      recipe: what it is trained by when nothing is said: one of `training/recipes/`, or a YAML file.
      gives: what it gives, and so how it is trained.
      sees_each_other: whether elements attend to one another; such a model takes `with_logits`.
      importer_at: turns the authors' published weights into ours; empty = nothing does.
      forms: the names it is trained and kept under, where that is not its own alone.
      source: the paper.
    """

    name: str
    title: str
    module_at: str
    config_at: str
    recipe: str
    gives: Literal["expression", "activity", "class"] = "expression"
    sees_each_other: bool = False
    importer_at: str = ""
    forms: Mapping[str, Form] = field(default_factory=dict)
    source: str = ""

    @property
    def module(self) -> type[nn.Module]:
        """The model's class."""
        return resolved(self.module_at, of=f"model {self.name}")

    @property
    def config(self) -> type[Any]:
        """The class of its config."""
        return resolved(self.config_at, of=f"model {self.name}")

    @property
    def importer(self) -> Importer:
        """What reads the authors' weights; only where `importer_at` says where it is."""
        return resolved(self.importer_at, of=f"model {self.name}")

    @property
    def named(self) -> Mapping[str, Form]:
        """Every name that it is trained and kept under."""
        return self.forms or {self.name: Form(self.title)}

    def title_of(self, config: Mapping[str, Any]) -> str:
        """What people call the model with these settings."""
        for form in self.forms.values():
            if form.settings and all(config.get(key) == value for key, value in form.settings.items()):
                return form.title
        return self.title


@dataclass(frozen=True)
class Family:
    """What goes by one name where models are trained, kept and shown.

    Attributes:
      settings: of the config, that the name stands for.
      specs: its models; the first one's recipe is taken when nothing is said.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    specs: tuple[ModelSpec, ...]

    def holds(self, model: str, config: Mapping[str, Any]) -> bool:
        """Whether a model with these settings goes by this name."""
        is_ours = any(spec.name == model for spec in self.specs)
        return is_ours and all(config.get(key) == value for key, value in self.settings.items())


_EPINFORMER = "Lin, Luo, Pinello, Nature Communications 2026; preprint doi:10.1101/2024.08.01.606099"

MODELS: dict[str, ModelSpec] = {
    "epinformer": ModelSpec(
        name="epinformer",
        title="EPInformer",
        module_at="cre_core.models.epinformer:EPInformer",
        config_at="cre_core.models.epinformer:EPInformerConfig",
        recipe="counts",  # the model from counts, which most studies have; `--recipe paper` is the one from sequence
        importer_at="cre_core.models.import_epinformer:import_epinformer",
        source=_EPINFORMER,
    ),
    "epinformer-counts": ModelSpec(
        name="epinformer-counts",
        title="EPInformer, element counts",
        module_at="cre_core.models.epinformer_counts:EPInformerCounts",
        config_at="cre_core.models.epinformer_counts:EPInformerCountsConfig",
        recipe="counts",
        forms={"epinformer": Form("EPInformer")},
        source=_EPINFORMER,
    ),
    "creator": ModelSpec(
        name="creator",
        title="CREaTor",
        module_at="cre_core.models.creator:Creator",
        config_at="cre_core.models.creator:CreatorConfig",
        recipe="creator",
        sees_each_other=True,
        importer_at="cre_core.models.import_weights:import_creator",
        source="Li, Ju, Chen et al., Genome Biology 2023, 24:266; doi:10.1186/s13059-023-03103-8",
    ),
    "scpge": ModelSpec(
        name="scpge",
        title="ScPGE",
        module_at="cre_core.models.scpge:ScPGE",
        config_at="cre_core.models.scpge:ScPGEConfig",
        recipe="scpge",
        sees_each_other=True,
        importer_at="cre_core.models.import_weights:import_scpge",
        forms={
            "scpge": Form("ScPGE", {"form": "plain"}),
            "scpge-lp": Form("ScPGE-LP", {"form": "lp"}),
            "scpge-kl": Form("ScPGE-KL", {"form": "kl"}),
        },
        source="Zhang, Wang, Li et al., Genome Research 2026, 36:361; doi:10.1101/gr.281219.125",
    ),
    "create": ModelSpec(
        name="create",
        title="CREATE",
        module_at="cre_core.models.create:Create",
        config_at="cre_core.models.create:CreateConfig",
        recipe="create",
        gives="class",
        importer_at="cre_core.models.import_create:import_published_create",
        source="Cui et al., Nature Communications 2025; doi:10.1038/s41467-025-59780-5",
    ),
    "epinformer-activity": ModelSpec(
        name="epinformer-activity",
        title="EPInformer's 256-bp activity encoder",
        module_at="cre_core.models.epinformer_activity:ActivityEncoder",
        config_at="cre_core.models.epinformer_activity:ActivityConfig",
        recipe="activity",
        gives="activity",
        importer_at="cre_core.models.import_epinformer:import_activity_encoder",
        source=_EPINFORMER,
    ),
}


@lru_cache(maxsize=1)
def models() -> dict[str, ModelSpec]:
    """Every model by name: ours, then those of installed packages."""
    return {**MODELS, **added(ENTRY_POINTS, ModelSpec, taken=MODELS, check=_check)}


def _check(spec: ModelSpec) -> None:
    """Refuse a model of another package that could not be trained or found."""
    if spec.gives != "expression":
        raise BadInput(f"model {spec.name} gives {spec.gives}; wanted expression")
    taken = [name for ours in MODELS.values() for name in ours.named if name in spec.named]
    if taken:
        raise BadInput(f"the name '{taken[0]}' is taken")
    for place in (spec.module_at, spec.config_at):
        if find_spec(place.partition(":")[0]) is None:
            raise BadInput(f"model {spec.name}: there is no module for {place}")


@lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """Every name that a model is trained, kept and shown under."""
    found: dict[str, Family] = {}
    for spec in models().values():
        for name, form in spec.named.items():
            before = found[name].specs if name in found else ()
            found[name] = Family(name, form.title, form.settings, (*before, spec))
    return found


def spec_of(name: str) -> ModelSpec:
    """The spec of a model; UnknownName lists those there are."""
    if name not in models():
        raise UnknownName(f"no model '{name}'; there are {', '.join(models())}")
    return models()[name]


def model_title(name: str) -> str:
    """What people call a model, by the name of its folder; a folder of no model's name goes by that."""
    return families()[name].title if name in families() else name


def name_of(model: nn.Module) -> str:
    """The registered name of a model; UnknownName when it is not registered."""
    place = f"{type(model).__module__}:{type(model).__qualname__}"
    for spec in models().values():
        if place == spec.module_at:
            return spec.name
    raise UnknownName(f"{type(model).__name__} is not a registered model; there are {', '.join(models())}")


def config_of(name: str, settings: Mapping[str, Any] | None = None) -> Any:
    """The config of a model.

    Args:
      name: of a model.
      settings: its fields; those not named keep their default. Lists become tuples.

    Raises:
      UnknownName: no such model.
      BadInput: a field that the config does not have, or a value it refuses.
    """
    config = spec_of(name).config
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in (settings or {}).items()}
    known = [field.name for field in fields(config)]
    odd = [key for key in given if key not in known]
    if odd:
        raise BadInput(f"{name} has no setting '{odd[0]}'; it has {', '.join(known)}")
    return config(**given)


def build(name: str, config: Mapping[str, Any] | None = None) -> nn.Module:
    """A model with fresh weights; arguments and errors as `config_of`."""
    return spec_of(name).module(config_of(name, config))
