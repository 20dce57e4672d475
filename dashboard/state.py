"""ViewState: the one truth of a view. It is the URL, the view file, what the command line draws, what tests use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args
from urllib.parse import parse_qsl, quote, urlencode

VERSION = 1
Scale = Literal["group", "auto", "log"]
KnockOutMode = Literal["mask", "silence"]


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
      highlights: places marked on every panel.
      model: model of the knock-out page.
      mode: what a knock-out does to the input.
      knock_outs: element id -> strength in 0..1 (1 = as measured).
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
    highlights: tuple[str, ...] = ()
    model: str = ""
    mode: KnockOutMode = "mask"
    knock_outs: tuple[tuple[str, float], ...] = ()
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
                value = "~".join(f"{element}*{strength:g}" for element, strength in value)
            elif isinstance(value, tuple):
                value = "~".join(value)
            pairs.append((f.name, value if isinstance(value, str) else f"{value:g}"))
        return urlencode(pairs, quote_via=quote, safe=":,~*-")

    def url(self, path: str) -> str:
        """A page's address with this view."""
        query = self.to_query()
        return f"{path}?{query}" if query else path


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
    notices: list[str] = []
    values: dict[str, object] = {}
    for name, raw in (given or {}).items():
        if name not in _READERS:
            if name != "version":
                notices.append(f"'{name}' in the address is not part of a view and was ignored")
            continue
        try:
            values[name] = _READERS[name](raw)
        except (ValueError, TypeError):
            notices.append(f"'{name}={raw}' in the address is not readable and was ignored")
    return ViewState(**values), notices  # type: ignore[arg-type]


def read_view_file(text: str) -> tuple[ViewState, list[str]]:
    """A view from the JSON of a view file."""
    return read_view(json.loads(text))


def _texts(raw: object) -> tuple[str, ...]:
    parts = raw.split("~") if isinstance(raw, str) else list(raw)  # type: ignore[call-overload]
    return tuple(str(part) for part in parts if str(part))


def _strengths(raw: object) -> tuple[tuple[str, float], ...]:
    pairs = []
    for part in _texts(raw) if isinstance(raw, str) else list(raw):  # type: ignore[call-overload]
        element, strength = part.rsplit("*", 1) if isinstance(part, str) else part
        value = float(strength)
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"strength {value}")
        pairs.append((str(element), value))
    return tuple(pairs)


def _one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    def read(raw: object) -> str:
        if raw not in choices:
            raise ValueError(f"{raw} is none of {choices}")
        return str(raw)

    return read


def _count(raw: object) -> int:
    return max(0, min(300, int(float(str(raw)))))


def _fraction(raw: object) -> float:
    return min(1.0, max(0.0, float(str(raw))))


_READERS: dict[str, Callable[..., object]] = {
    "study": str,
    "biosample": str,
    "gene": str,
    "locus": str,
    "methods": _texts,
    "hidden": _texts,
    "scale": _one_of(get_args(Scale)),
    "top": _count,
    "threshold": _fraction,
    "element": str,
    "highlights": _texts,
    "model": str,
    "mode": _one_of(get_args(KnockOutMode)),
    "knock_outs": _strengths,
}
