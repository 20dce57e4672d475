"""Kinds of fields of a view: how each is written in an address, and read from it or from JSON.

A field of `dashboard.state` is one line that names its kind. assets/view.js writes addresses by the same kinds;
both are tested with the same table, tests/dashboard/view_cases.json.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

MOST_KNOCK_OUTS = 300  # of one address; the browser and the server both cut longer ones
MOST_SNAPSHOTS = 8
MOST_NAME = 24  # characters of a snapshot's name
LEAST_PX, MOST_PX = 16, 400  # height of a track
Strengths = tuple[tuple[str, float], ...]
Snapshots = tuple[tuple[str, Strengths], ...]
TrackScale = Literal["linear", "log", "rank"]
Broken = list[object]


@dataclass(frozen=True)
class Kind:
    """A kind of field.

    Attributes:
      name: as assets/view.js knows it.
      read: from a text of an address or a plain JSON value to the value, and the parts that cannot be read.
        ValueError, TypeError, OverflowError: nothing of it can.
      write: to the text of an address.
    """

    name: str
    read: Callable[[object], tuple[Any, Broken]]
    write: Callable[[Any], str]

    @property
    def declared(self) -> dict[str, Kind]:
        """As the metadata of a field."""
        return {"kind": self}


@dataclass(frozen=True)
class Look:
    """How one track is drawn, where a person changed it.

    Attributes:
      height_px: 0 = its own.
      colour: `#RRGGBB`; empty = of its assay or method.
      scale: empty = the page's.
      low, high: the y range, in the track's unit; NaN = follows the view.
    """

    height_px: int = 0
    colour: str = ""
    scale: TrackScale | Literal[""] = ""
    low: float = math.nan
    high: float = math.nan

    @property
    def has_range(self) -> bool:
        """Whether the range is fixed."""
        return math.isfinite(self.low) and math.isfinite(self.high)


Looks = tuple[tuple[str, Look], ...]


def kinds_of(view: type) -> dict[str, Kind]:
    """Field -> kind, in the order of the address."""
    return {f.name: f.metadata["kind"] for f in fields(view) if "kind" in f.metadata}


# -- text and numbers ---------------------------------------------------------------------------------------------


def _whole(name: str, read: Callable[[object], Any], write: Callable[[Any], str] = str) -> Kind:
    """A kind that is readable as a whole or not at all."""
    return Kind(name, lambda raw: (read(raw), []), write)


def text() -> Kind:
    """Any text."""
    return _whole("text", str)


def texts() -> Kind:
    """Texts parted by `~`."""
    return _whole("texts", lambda raw: tuple(str(part) for part in _parts(raw) if str(part)), "~".join)


def names() -> Kind:
    """Names without commas, parted by commas."""
    return _whole(
        "names", lambda raw: tuple(str(part).strip() for part in _parts(raw, ",") if str(part).strip()), ",".join
    )


def one_of(choices: Sequence[str]) -> Kind:
    """One of some words."""

    def read(raw: object) -> str:
        if raw not in choices:
            raise ValueError(f"{raw} is none of {choices}")
        return str(raw)

    return _whole("text", read)


def count(most: int) -> Kind:
    """A whole number, 0 to `most`."""
    return _whole("number", lambda raw: max(0, min(most, int(float(str(raw))))), _number)


def fraction() -> Kind:
    """A number, 0 to 1."""
    return _whole("number", lambda raw: min(1.0, max(0.0, _finite(raw))), _number)


def _finite(raw: object) -> float:
    value = float(str(raw))
    if math.isnan(value):
        raise ValueError("no number")
    return value


def _number(value: float) -> str:
    return f"{value:g}"


def _parts(raw: object, separator: str = "~") -> list[Any]:
    return raw.split(separator) if isinstance(raw, str) else list(raw)  # type: ignore[call-overload]


# -- strengths, snapshots -----------------------------------------------------------------------------------------


def strengths() -> Kind:
    """Elements and strengths, `element*strength~...`."""
    return Kind("strengths", _read_strengths, _write_strengths)


def _write_strengths(pairs: Strengths) -> str:
    return "~".join(f"{element}*{_number(strength)}" for element, strength in pairs)


def _read_strengths(raw: object) -> tuple[Strengths, Broken]:
    """Elements and strengths, and the parts that are neither."""
    pairs, broken = [], list[object]()
    for part in _parts(raw):
        if part == "":
            continue
        try:
            element, strength = part.rsplit("*", 1) if isinstance(part, str) else part
            value = float(strength)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"strength {value}")
            pairs.append((str(element), value))
        except (ValueError, TypeError):
            broken.append(part)
    return tuple(pairs), broken


def snapshots() -> Kind:
    """Named sets of strengths, `name!element*strength~...!name!...`."""
    return Kind("snapshots", _read_snapshots, _write_snapshots)


def _write_snapshots(kept: Snapshots) -> str:
    return "!".join(f"{name}!{_write_strengths(pairs)}" for name, pairs in kept)


def _read_snapshots(raw: object) -> tuple[Snapshots, Broken]:
    """Named sets of strengths, and the parts that are none."""
    parts = _parts(raw, "!")
    if isinstance(raw, str):
        parts = [tuple(parts[k : k + 2]) for k in range(0, len(parts), 2)]
    found, broken = dict[str, Strengths](), list[object]()
    for part in parts:
        try:
            name, given = part
            pairs, odd = _read_strengths(given)
        except (ValueError, TypeError):
            broken.append(part)
            continue
        if is_snapshot_name(name) and name not in found and len(pairs) <= MOST_KNOCK_OUTS:
            found[name] = pairs
            broken += odd
        else:
            broken.append(name)
    return tuple(found.items()), broken


def is_snapshot_name(name: object) -> bool:
    """Whether a snapshot may be called so: short, and free of the signs that part an address."""
    return isinstance(name, str) and 0 < len(name) <= MOST_NAME and not set(name) & set("~*!")


def two_names() -> Kind:
    """Two names of which one may be empty; none when both are."""

    def read(raw: object) -> tuple[str, ...]:
        names = tuple(str(part) for part in _parts(raw))
        if len(names) > 2:
            raise ValueError(f"{len(names)} names")
        return (*names, "")[:2] if any(names) else ()

    return _whole("texts", read, "~".join)


# -- looks of tracks ----------------------------------------------------------------------------------------------


def looks() -> Kind:
    """Track -> look: `track*h80*c0072B2*slog*0:50~...`, each part of a look only where it was changed."""
    return Kind("looks", _read_looks, lambda given: "~".join(_write_look(name, look) for name, look in given))


def _write_look(name: str, look: Look) -> str:
    parts = [f"h{look.height_px}"] if look.height_px else []
    parts += [f"c{look.colour.removeprefix('#')}"] if look.colour else []
    parts += [f"s{look.scale}"] if look.scale else []
    parts += [f"{_number(look.low)}:{_number(look.high)}"] if look.has_range else []
    return "*".join([name, *parts])


def _read_looks(raw: object) -> tuple[Looks, Broken]:
    found, broken = dict[str, Look](), list[object]()
    for part in _parts(raw):
        try:
            name, *given = part.split("*") if isinstance(part, str) else part
            look = _read_look(given)
            if name and look != Look():
                found[str(name)] = look
        except (ValueError, TypeError, AttributeError):
            broken.append(part)
    return tuple(found.items()), broken


def _read_look(given: Sequence[str]) -> Look:
    values: dict[str, Any] = {}
    for part in given:
        if part[:1] == "h":
            values["height_px"] = max(LEAST_PX, min(MOST_PX, int(part[1:])))
        elif part[:1] == "c" and len(part) == 7:
            values["colour"] = f"#{int(part[1:], 16):06X}"
        elif part[:1] == "s" and part[1:] in ("linear", "log", "rank"):
            values["scale"] = part[1:]
        else:
            low, high = (_finite(end) for end in part.split(":"))
            if not low < high or math.isinf(low) or math.isinf(high):
                raise ValueError(f"range {low} to {high}")
            values.update(low=low, high=high)
    return Look(**values)


def plain(value: object) -> Any:
    """A value of a view in plain JSON."""
    if isinstance(value, Look):
        return _write_look("", value).split("*")[1:]
    if isinstance(value, tuple):
        return [_flat(part) if _is_named_look(part) else plain(part) for part in value]
    return value


def _is_named_look(part: object) -> bool:
    return isinstance(part, tuple) and len(part) == 2 and isinstance(part[1], Look)


def _flat(part: Any) -> list[str]:
    return [part[0], *plain(part[1])]
