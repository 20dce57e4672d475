"""Settings of a recipe: read from YAML, changed by KEY=VALUE, checked against what the recipe and its model know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from cre_core.errors import BadInput, UnknownName
from cre_core.models.registry import build, spec_of

FOLDER = Path(__file__).parent / "recipes"
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[float, Field(gt=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
RecipeKind = TypeVar("RecipeKind")

_FIXED = ("name", "model", "note")  # what a recipe is; another of these is another recipe
_MAY_BE_ZERO = ("min_distance_bp", "merge_within_bp", "n_motifs")  # of the whole numbers in a model's config
# Of the whole numbers in a model's config, by the end of their name: more is a slip that would fill the memory.
_MOST = {"layers": 1_000, "sequence_bp": 1_000_000, "gene_bp": 1_000_000, "_bp": 1_000_000_000, "": 10_000}
MOST_BYTES = 1_000_000  # of a recipe's file


class _Loader(yaml.SafeLoader):
    """Plain YAML. A recipe repeats nothing, and a few lines of aliases would stand for billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node, none of which may be an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*) came; wanted every value written out")
        return super().compose_node(parent, index)


def _parsed(text: str) -> Any:
    """A YAML text's value; ValueError where there is none."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except yaml.YAMLError as error:
        raise ValueError(str(error).splitlines()[0]) from error


def read_settings(name_or_path: str, *, named: str = "*", of: str = "") -> tuple[dict[str, Any], Path]:
    """A recipe's settings by its name (those in `recipes/`) or from a YAML file, and the file.

    Args:
      named: which of the project's recipes the message proposes, with * and ?.
      of: whose they are, for the message.

    Raises:
      UnknownName: neither a known name nor a file.
      BadInput: no mapping.
    """
    path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(sorted(entry.stem for entry in FOLDER.glob(f"{named}.yaml")))
        whose = f" of {of}" if of else ""
        raise UnknownName(f"no recipe '{name_or_path}'{whose}; there are {known}, or give a YAML file")
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(f"{path.name} is not a recipe: it has more than {MOST_BYTES:,} bytes")
    try:
        content = _parsed(path.read_text())
    except ValueError as error:
        raise BadInput(f"{path.name} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path.name} is not a recipe: wanted a mapping of settings")
    if not isinstance(content.get("config") or {}, dict):
        raise BadInput(f"{path.name} is not a recipe: config is {_text(content['config'])}; wanted a mapping")
    return content, path


def parsed_changes(changes: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` texts as key -> value, the value read as YAML; of one key given twice the last holds.

    Raises:
      BadInput: a text without `=`, a value that is not YAML, or a key that makes another recipe.
    """
    found = {}
    for text in changes:
        key, sign, value = text.partition("=")
        if not sign or not key.removeprefix("config."):
            raise BadInput(f"--set '{text}' changes nothing; wanted KEY=VALUE or config.KEY=VALUE")
        if key == "config":
            raise BadInput("--set config: all at once is another recipe; wanted config.KEY=VALUE")
        if key in _FIXED:
            raise BadInput(f"--set {key}: that is another recipe; write it to a YAML file and give --recipe FILE")
        try:
            found[key] = _number_or(_parsed(value))
        except ValueError as error:
            raise BadInput(f"--set {key}: '{value}' is not YAML") from error
    return found


def _number_or(value: Any) -> Any:
    """YAML takes 1e-3 for text, people for a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def changed(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with some of them changed, and a name that says so: `creator with config.n_heads=2, epochs=3`.

    Args:
      content: with a `name`.
      changes: of `parsed_changes`; one that changes nothing is none.
    """
    config = dict(content.get("config") or {})
    settings, said = {**content}, []
    for key, value in sorted(changes.items()):
        place, own = (config, key.removeprefix("config.")) if key.startswith("config.") else (settings, key)
        if own in place and place[own] == value:
            continue
        place[own] = value
        said.append(f"{key}={value if isinstance(value, str) else json.dumps(value, default=str)}")
    if "config" in content or config:
        settings["config"] = config
    return {**settings, "name": f"{content['name']} with {', '.join(said)}"} if said else settings


def recipe_from(kind: type[RecipeKind], content: Mapping[str, Any], *, source: str) -> RecipeKind:
    """A recipe of settings.

    Args:
      kind: dataclass of the recipe.
      content: its fields, with `name`; lists become tuples where the recipe has tuples.
      source: what the settings come from, for the message.

    Raises:
      BadInput: a setting that the recipe does not have, one that it wants, or a value of the wrong kind.
      UnknownName: a word that a setting does not know.
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    unknown = [key for key in content if key not in known]
    if unknown:
        raise BadInput(f"recipe {source} has no setting '{unknown[0]}'; it has {', '.join(known)}")
    if "model" not in content:
        raise BadInput(f"recipe {source} does not say which model it trains")
    hints = get_type_hints(kind, include_extras=True)
    name = f"recipe {content['name']}"
    settings = {key: _checked(value, hints[key], name, key) for key, value in content.items()}
    _check_fields(settings["model"], settings.get("config", {}), source=name)
    return kind(**settings)


def check_config(model: str, config: Mapping[str, Any], *, source: str) -> None:
    """Refuse a config from which no model can be built.

    Raises:
      BadInput: naming the field that the model does not have, or its value. UnknownName: a word it does not know.
    """
    _check_fields(model, config, source=source)
    try:
        build(model, config)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise BadInput(f"{source}: no {model} can be built: {str(error).splitlines()[0]}") from error


def _check_fields(model: str, config: Mapping[str, Any], *, source: str) -> None:
    """Refuse a field that a model's config does not have, or a value of the wrong kind."""
    hints = get_type_hints(spec_of(model).config, include_extras=True)
    for key, value in config.items():
        if key not in hints:
            raise BadInput(f"{source}: {model} has no setting '{key}'; it has {', '.join(hints)}")
        found = _checked(value, hints[key], source, f"config.{key}")
        least = 0 if key in _MAY_BE_ZERO else 1
        most = next(number for end, number in _MOST.items() if key.endswith(end))
        if isinstance(found, int) and not isinstance(found, bool) and not least <= found <= most:
            bound = f"{least} or more" if found < least else f"{most:,} at most"
            raise BadInput(f"{source}: config.{key} is {found}; wanted {bound}")


def _checked(value: Any, hint: Any, source: str, key: str) -> Any:
    """The value as its type wants it, or one line that says what came and what was wanted."""
    origin = get_origin(hint)
    if origin is Literal and value not in get_args(hint):
        raise UnknownName(f"{source}: no {key} '{value}'; there are {', '.join(map(str, get_args(hint)))}")
    if isinstance(value, list):
        value = tuple(value)
    try:
        return TypeAdapter(hint, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError as error:
        wanted = error.errors()[0]["msg"].removeprefix("Input should be ")
        raise BadInput(f"{source}: {key} is {_text(value)}; wanted {wanted}") from error


def _text(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value, default=str)
