"""study.json at the door: every field of its kind, and no path that leaves the study's folder."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from cre_core.errors import BadFile

Info = TypeVar("Info")
MOST_BYTES = 50_000_000  # of study.json; those made here have thousands


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or "/" in parts or ".." in parts or not path.isprintable():
        raise ValueError("a path inside the study's folder")
    return path


def _nameable(name: str) -> str:
    if not name.strip() or name.startswith(".") or set(name) & set("/\\") or not name.isprintable():
        raise ValueError("a name that a folder can have")
    return name


class Described:
    """Base of what study.json holds: no field of another kind, and none that we do not know."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


Name = Annotated[str, Field(max_length=200), AfterValidator(_nameable)]  # of a study or a biosample
PathInside = Annotated[str, AfterValidator(_inside)]
Bases = Annotated[int, Field(gt=0, le=10_000_000_000)]
Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Loss(BaseModel, strict=True):
    """What a lift-over lost."""

    assembly: Annotated[str, Field(alias="from")]
    set: str
    lost: int
    given: Annotated[int, Field(alias="in")]


class _Provenance(BaseModel, strict=True):
    """What this code reads of a study's provenance; whatever else stands there is the recipe's."""

    created: str = ""
    command: str = ""
    sources: list[dict[str, Any]] = []
    lift_over: list[_Loss] = []
    notes: list[str] = []
    held_out_biosamples: list[str] = []


def read_description(path: Path, kind: type[Info], *, wanted_format: int) -> Info:
    """The content of a study.json.

    Args:
      path: the file.
      kind: dataclass of what it holds.
      wanted_format: value of its field `format`.

    Raises:
      BadFile: no JSON, another format, or a field that is missing, not known or of another kind, named.
    """
    if path.stat().st_size > MOST_BYTES:
        raise BadFile(f"{path} is not a study description: it has more than {MOST_BYTES:,} bytes")
    text = path.read_bytes()
    try:
        raw = from_json(text)
    except ValueError as error:
        raise BadFile(f"{path} is not a study description: {error}") from error
    if not isinstance(raw, dict) or "format" not in raw:
        raise BadFile(f"{path} is not a study description: wanted an object with a field `format`")
    if raw["format"] != wanted_format or isinstance(raw["format"], bool):
        raise BadFile(f"{path} has format {_short(raw['format'])}; this version reads {wanted_format}")
    try:
        _Provenance.model_validate(raw.get("provenance", {}))
    except ValidationError as error:
        raise BadFile(_line(path, error, ("provenance",))) from error
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise BadFile(_line(path, error)) from error


def check_unique(path: Path, names: list[str], *, what: str) -> None:
    """Refuse a name that comes twice in study.json.

    Raises:
      BadFile: naming it.
    """
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise BadFile(f"{path}: {what} hold '{twice[0]}' more than once")


def _line(path: Path, error: ValidationError, place: tuple[str, ...] = ()) -> str:
    found = error.errors()[0]
    field = ".".join(str(part) for part in (*place, *found["loc"])) or "the whole"
    if found["type"] in ("missing", "unexpected_keyword_argument"):
        return f"{path}: {field} is {'missing' if found['type'] == 'missing' else 'no field of a study'}"
    wanted = re.sub(r"^(Value error, |Input should be |\w+ should have )", "", found["msg"])
    wanted = re.sub(r"( or instance of \w+| after validation, not 0)$", "", wanted)
    return f"{path}: {field} is {_short(found['input'])}; wanted {wanted}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
