"""ViewState: the one truth of a view. It is the URL, the view file, what the command line draws, what tests use.

A part that every page reads, and one part a page; a field is one line with its kind (`dashboard.state_kinds`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, quote, urlencode

from cre_core.errors import BadInput
from cre_core.schema import Mode
from dashboard import state_kinds as kinds
from dashboard.state_kinds import (
    MOST_KNOCK_OUTS,
    MOST_NAME,
    MOST_SNAPSHOTS,
    Look,
    Looks,
    Snapshots,
    Strengths,
    is_snapshot_name,
    kinds_of,
)

VERSION = 1
MOST_QUOTED = 60  # characters of an address that a notice repeats
MOST_WALK = 200
MOST_FILE = 200_000  # bytes of a view file
SAFE = ":,~*-!"  # signs of an address that stand as they are
Scale = Literal["group", "auto", "log"]
Panel = Literal["elements", "models", "pairs", "bases", "snapshots"]
Truth = Literal["gene", "all"]
BaseMethod = Literal["gradient_x_input", "integrated_gradients", "mutagenesis"]
__all__ = ["MOST_KNOCK_OUTS", "MOST_NAME", "MOST_SNAPSHOTS", "Look", "ViewState", "is_snapshot_name", "read_view"]


@dataclass(frozen=True)
class CommonPart:
    """What every page reads. Empty means: the study's default.

    Attributes:
      study: name of the study.
      biosample: what was assayed.
      gene: gene name.
      locus: `chr8:127,500,001-129,900,000`, 1-based as people write it.
      element: id of the selected element.
      pair: `pair_id` of the selected measured pair of the gene; where both are there, the pair is told about.
      highlights: places marked on every panel.
      knock_outs: element id -> strength in 0..1 (1 = as measured).
      walk: a pasted list to go through: gene names, element ids and places without commas, in the order given.
    """

    study: str = field(default="", metadata=kinds.text().declared)
    biosample: str = field(default="", metadata=kinds.text().declared)
    gene: str = field(default="", metadata=kinds.text().declared)
    locus: str = field(default="", metadata=kinds.text().declared)
    element: str = field(default="", metadata=kinds.text().declared)
    pair: str = field(default="", metadata=kinds.text().declared)
    highlights: tuple[str, ...] = field(default=(), metadata=kinds.texts().declared)
    knock_outs: Strengths = field(default=(), metadata=kinds.strengths().declared)
    walk: tuple[str, ...] = field(default=(), metadata=kinds.names().declared)


@dataclass(frozen=True)
class LocusPart:
    """What the Locus page reads besides.

    Attributes:
      methods: link methods with a score track and arcs, in order.
      hidden: ids of tracks not drawn.
      scale: y range of signal tracks: one range per assay, one per track, or log(1 + x).
      top: how many links are drawn as arcs, per method.
      threshold: least score of a link drawn as an arc, as a fraction of the locus' largest.
      order: ids of tracks in the order drawn; those not named follow in their own.
      looks: height, colour, scale and range of single tracks.
    """

    methods: tuple[str, ...] = field(default=(), metadata=kinds.texts().declared)
    hidden: tuple[str, ...] = field(default=(), metadata=kinds.texts().declared)
    scale: Scale = field(default="group", metadata=kinds.one_of(get_args(Scale)).declared)
    top: int = field(default=12, metadata=kinds.count(300).declared)
    threshold: float = field(default=0.0, metadata=kinds.fraction().declared)
    order: tuple[str, ...] = field(default=(), metadata=kinds.texts().declared)
    looks: Looks = field(default=(), metadata=kinds.looks().declared)


@dataclass(frozen=True)
class KnockoutPart:
    """What the Knock-out page reads besides.

    Attributes:
      model: the model asked.
      mode: what a knock-out does to the input.
      panel: the open tab under the effects.
      truth: measured pairs compared with: those of this gene, or of all genes.
      base_method: how bases are scored.
      snapshots: named sets of strengths, in the order they were kept.
      compare: names of two snapshots, A and B; an empty name = not chosen.
    """

    model: str = field(default="", metadata=kinds.text().declared)
    mode: Mode = field(default="mask", metadata=kinds.one_of(get_args(Mode)).declared)
    panel: Panel = field(default="elements", metadata=kinds.one_of(get_args(Panel)).declared)
    truth: Truth = field(default="gene", metadata=kinds.one_of(get_args(Truth)).declared)
    base_method: BaseMethod = field(default="gradient_x_input", metadata=kinds.one_of(get_args(BaseMethod)).declared)
    snapshots: Snapshots = field(default=(), metadata=kinds.snapshots().declared)
    compare: tuple[str, ...] = field(default=(), metadata=kinds.two_names().declared)


@dataclass(frozen=True)
class ViewState(KnockoutPart, LocusPart, CommonPart):
    """What the pages show: the common part, then each page's."""

    version: int = VERSION

    def with_(self, **values: Any) -> ViewState:
        """The same view with some values changed."""
        return replace(self, **values)

    def only(self, names: Iterable[str]) -> ViewState:
        """A view of these fields alone, all others at their default."""
        return ViewState(**{name: getattr(self, name) for name in names})

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, defaults left out, for a `dcc.Store`, a view file or a test."""
        default = ViewState()
        return {
            f.name: kinds.plain(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != getattr(default, f.name) or f.name == "version"
        }

    def to_query(self) -> str:
        """The view as a URL query, without `?`: the same view always gives the same text."""
        values = {name: getattr(self, name) for name in KINDS}
        pairs = [(name, KINDS[name].write(value)) for name, value in values.items() if value != _DEFAULTS[name]]
        return urlencode(pairs, quote_via=quote, safe=SAFE)

    def url(self, path: str) -> str:
        """A page's address with this view."""
        query = self.to_query()
        return f"{path}?{query}" if query else path


KINDS = kinds_of(ViewState)
_DEFAULTS = {f.name: f.default for f in fields(ViewState)}


def described() -> dict[str, Any]:
    """What assets/view.js must know to write an address: the fields in order, their kinds and defaults; limits."""
    return {
        "fields": [
            {"name": name, "kind": kind.name, "default": kinds.plain(_DEFAULTS[name])} for name, kind in KINDS.items()
        ],
        "safe": SAFE,
        "version": VERSION,
        "most": {"knock_outs": MOST_KNOCK_OUTS, "snapshots": MOST_SNAPSHOTS, "name": MOST_NAME, "walk": MOST_WALK},
    }


def read_view(given: Mapping[str, object] | str | None, *, is_limited: bool = True) -> tuple[ViewState, list[str]]:
    """A view from a URL query, the query's parameters, or `to_dict`; unknown keys give a notice each, never an error.

    Args:
      is_limited: as much as an address may hold; a page may ask about more than its address says.

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
        if name not in KINDS:
            if name != "version":
                notices.append(f"'{shortened(name)}' in the address is not part of a view and was ignored")
            continue
        try:
            values[name], broken = KINDS[name].read(raw)
        except (ValueError, TypeError, OverflowError):
            broken = [raw]
        notices += _broken_lines(name, broken)
    return ViewState(**(_within_limits(values, notices) if is_limited else values)), notices


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
        ("walk", MOST_WALK, "names to walk"),
    ):
        n = len(values.get(name, ()))
        if n > most:
            values[name] = values[name][:most]
            notices.append(f"{n:,} {what} in the address; the first {most} are kept")
    names = [name for name, _ in values.get("snapshots", ())]
    odd = [name for name in values.get("compare", ()) if name and name not in names]
    if odd:
        left = tuple(name if name in names else "" for name in values["compare"])
        values["compare"] = left if any(left) else ()
        notices.append(f"'compare={shortened(odd[0])}' in the address names no snapshot and was ignored")
    return values


def shortened(text: str) -> str:
    """A text of an address as a notice repeats it."""
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"


def read_view_file(text: str) -> tuple[ViewState, list[str]]:
    """A view from the JSON of a view file.

    Raises:
      BadInput: too large, no JSON, no view, or of a version that this program does not read.
    """
    if len(text) > MOST_FILE:
        raise BadInput(f"the view file has {len(text):,} characters; wanted {MOST_FILE:,} at most")
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BadInput(f"the view file is no JSON: {error}") from error
    if not isinstance(given, Mapping):
        raise BadInput("the view file holds no view; wanted one that this page saved")
    if given.get("version") != VERSION:
        raise BadInput(f"the view file is of version {shortened(str(given.get('version')))}; wanted {VERSION}")
    return read_view(given)
