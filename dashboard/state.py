"""ViewState: the one truth of a view. It is the URL, the view file, what the command line draws, what tests use."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, quote, urlencode

from cre_core.schema import Mode

VERSION = 1
MOST_KNOCK_OUTS = 300  # of one address; the browser and the server both cut longer ones
MOST_SNAPSHOTS = 8
MOST_WALKED = 200  # names of a pasted list
MOST_NAME = 24  # characters of a snapshot's name
MOST_QUOTED = 60  # characters of an address that a notice repeats
Scale = Literal["group", "auto", "log"]
Panel = Literal["elements", "models", "pairs", "bases", "snapshots"]
Truth = Literal["gene", "all"]
BaseMethod = Literal["gradient_x_input", "integrated_gradients", "mutagenesis"]
Strengths = tuple[tuple[str, float], ...]
Snapshots = tuple[tuple[str, Strengths], ...]


@dataclass(frozen=True)
class ViewState:
    """What a page shows. Empty means: the study's default.

    Attributes:
      study: name of the study.
      biosample: what was assayed.
      gene: gene name.
      locus: `chr8:127,500,001-129,900,000`, 1-based as people write it.
      methods: link methods with a score track and arcs, in order.
      hidden: ids of tracks not drawn.
      scale: y range of signal tracks: one range per assay, one per track, or log(1 + x).
      top: how many links are drawn as arcs, per method.
      threshold: least score of a link drawn as an arc, as a fraction of the locus' largest.
      element: id of the selected element.
      pair: `pair_id` of the selected measured pair of the gene; where both are there, the pair is told about.
      highlights: places marked on every panel.
      model: model of the knock-out page.
      mode: what a knock-out does to the input.
      knock_outs: element id -> strength in 0..1 (1 = as measured).
      panel: the open tab under the effects of the knock-out page.
      truth: measured pairs compared with: those of this gene, or of all genes.
      base_method: how bases are scored.
      snapshots: named sets of strengths, in the order they were kept.
      compare: names of two snapshots, A and B; an empty name = not chosen.
      walk: a pasted list to go through: gene names, element ids and places without commas, in the order given.
    """

    study: str = ""
    biosample: str = ""
    gene: str = ""
    locus: str = ""
    methods: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    scale: Scale = "group"
    top: int = 12
    threshold: float = 0.0
    element: str = ""
    pair: str = ""
    highlights: tuple[str, ...] = ()
    model: str = ""
    mode: Mode = "mask"
    knock_outs: Strengths = ()
    panel: Panel = "elements"
    truth: Truth = "gene"
    base_method: BaseMethod = "gradient_x_input"
    snapshots: Snapshots = ()
    compare: tuple[str, ...] = ()
    walk: tuple[str, ...] = ()
    version: int = VERSION

    def with_(self, **changes: object) -> ViewState:
        """The same view with some parts replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, defaults left out, for a `dcc.Store`, a view file or a test."""
        default = ViewState()
        return {
            f.name: _plain(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != getattr(default, f.name) or f.name == "version"
        }

    def to_query(self) -> str:
        """The view as a URL query, without `?`: the same view always gives the same text."""
        pairs = []
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name == "version" or value == f.default:
                continue
            if f.name == "knock_outs":
                value = _strengths_text(value)
            elif f.name == "snapshots":
                value = "!".join(f"{name}!{_strengths_text(strengths)}" for name, strengths in value)
            elif isinstance(value, tuple):
                value = ("," if f.name == "walk" else "~").join(value)
            pairs.append((f.name, value if isinstance(value, str) else f"{value:g}"))
        return urlencode(pairs, quote_via=quote, safe=":,~*-!")

    def url(self, path: str) -> str:
        """A page's address with this view."""
        query = self.to_query()
        return f"{path}?{query}" if query else path


def _strengths_text(strengths: Strengths) -> str:
    return "~".join(f"{element}*{strength:g}" for element, strength in strengths)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def read_view(given: Mapping[str, object] | str | None) -> tuple[ViewState, list[str]]:
    """A view from a URL query, the query's parameters, or `to_dict`; unknown keys give a notice each, never an error.

    Returns:
      The view, and one line per key or value that was ignored.
    """
    if isinstance(given, str):
        given = dict(parse_qsl(given.lstrip("?")))
    if given is not None and not isinstance(given, Mapping):
        return ViewState(), [f"'{shortened(str(given))}' is no view and was ignored"]
    notices: list[str] = []
    values: dict[str, Any] = {}
    for name, raw in (given or {}).items():
        if name not in _READERS:
            if name != "version":
                notices.append(f"'{shortened(name)}' in the address is not part of a view and was ignored")
            continue
        try:
            values[name], broken = _READERS[name](raw)
        except (ValueError, TypeError, OverflowError):
            broken = [raw]
        notices += _broken_lines(name, broken)
    return ViewState(**_within_limits(values, notices)), notices


def _broken_lines(name: str, broken: Sequence[object]) -> list[str]:
    """One line, however many parts of a value cannot be read."""
    if not broken:
        return []
    more = f", with {len(broken) - 1:,} more of its parts" if len(broken) > 1 else ""
    return [f"'{shortened(f'{name}={broken[0]}')}' in the address is not readable and was ignored{more}"]


def _within_limits(values: dict[str, Any], notices: list[str]) -> dict[str, Any]:
    """The values without what is too many, or names what is not there; a line for each kind of loss."""
    for name, most, what in (
        ("knock_outs", MOST_KNOCK_OUTS, "knocked-out elements"),
        ("snapshots", MOST_SNAPSHOTS, "snapshots"),
        ("walk", MOST_WALKED, "names to walk"),
    ):
        n = len(values.get(name, ()))
        if n > most:
            values[name] = values[name][:most]
            notices.append(f"{n:,} {what} in the address; the first {most} are kept")
    names = [name for name, _ in values.get("snapshots", ())]
    odd = [name for name in values.get("compare", ()) if name and name not in names]
    if odd:
        values["compare"] = _chosen([name if name in names else "" for name in values["compare"]])
        notices.append(f"'compare={shortened(odd[0])}' in the address names no snapshot and was ignored")
    return values


def shortened(text: str) -> str:
    """A text of an address as a notice repeats it."""
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"


def read_view_file(text: str) -> tuple[ViewState, list[str]]:
    """A view from the JSON of a view file."""
    return read_view(json.loads(text))


def _texts(raw: object) -> tuple[str, ...]:
    return tuple(str(part) for part in _parts(raw) if str(part))


def _walked(raw: object) -> tuple[str, ...]:
    return tuple(name for part in _parts(raw, ",") if (name := str(part).strip()))


def _parts(raw: object, separator: str = "~") -> list[Any]:
    return raw.split(separator) if isinstance(raw, str) else list(raw)  # type: ignore[call-overload]


def _strengths(raw: object) -> tuple[Strengths, list[object]]:
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


def _snapshots(raw: object) -> tuple[Snapshots, list[object]]:
    """Named sets of strengths, `name!element*strength~...!name!...`, and the parts that are none."""
    parts = _parts(raw, "!")
    if isinstance(raw, str):
        parts = [tuple(parts[k : k + 2]) for k in range(0, len(parts), 2)]
    found, broken = dict[str, Strengths](), list[object]()
    for part in parts:
        try:
            name, given = part
            strengths, odd = _strengths(given)
        except (ValueError, TypeError):
            broken.append(part)
            continue
        if is_snapshot_name(name) and name not in found and len(strengths) <= MOST_KNOCK_OUTS:
            found[name] = strengths
            broken += odd
        else:
            broken.append(name)
    return tuple(found.items()), broken


def is_snapshot_name(name: object) -> bool:
    """Whether a snapshot may be called so: short, and free of the signs that part an address."""
    return isinstance(name, str) and 0 < len(name) <= MOST_NAME and not set(name) & set("~*!")


def _chosen(raw: object) -> tuple[str, ...]:
    names = tuple(str(part) for part in _parts(raw))
    if len(names) > 2:
        raise ValueError(f"{len(names)} snapshots to compare")
    return (*names, "")[:2] if any(names) else ()


def _one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    def read(raw: object) -> str:
        if raw not in choices:
            raise ValueError(f"{raw} is none of {choices}")
        return str(raw)

    return read


def _count(raw: object) -> int:
    return max(0, min(300, int(float(str(raw)))))


def _fraction(raw: object) -> float:
    value = float(str(raw))
    if math.isnan(value):
        raise ValueError("no number")
    return min(1.0, max(0.0, value))


def _whole(read: Callable[[object], object]) -> Callable[[object], tuple[object, list[object]]]:
    """A reader of a value that is readable as a whole or not at all."""
    return lambda raw: (read(raw), [])


_READERS: dict[str, Callable[[object], tuple[object, list[object]]]] = {
    "study": _whole(str),
    "biosample": _whole(str),
    "gene": _whole(str),
    "locus": _whole(str),
    "methods": _whole(_texts),
    "hidden": _whole(_texts),
    "scale": _whole(_one_of(get_args(Scale))),
    "top": _whole(_count),
    "threshold": _whole(_fraction),
    "element": _whole(str),
    "pair": _whole(str),
    "highlights": _whole(_texts),
    "model": _whole(str),
    "mode": _whole(_one_of(get_args(Mode))),
    "knock_outs": _strengths,
    "panel": _whole(_one_of(get_args(Panel))),
    "truth": _whole(_one_of(get_args(Truth))),
    "base_method": _whole(_one_of(get_args(BaseMethod))),
    "snapshots": _snapshots,
    "compare": _whole(_chosen),
    "walk": _whole(_walked),
}
