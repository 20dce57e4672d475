"""What other installed packages add to this one, by entry points; and code that is named and imported when wanted."""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Callable, Collection, Iterable
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cre_core.errors import BadInput, CreError, NotAvailable

log = logging.getLogger(__name__)


class Named(Protocol):
    """A spec: it has a name."""

    @property
    def name(self) -> str:
        """What it is asked for by."""


Spec = TypeVar("Spec", bound=Named)


def added(group: str, kind: type[Spec], *, taken: Collection[str], check: Callable[[Spec], None]) -> dict[str, Spec]:
    """The specs that installed packages declare, by name, in the order of their entries' names.

    One that cannot be had is left out, and a line of the log says of which package it is and what was wrong.

    Args:
      group: of entry points, each of which names one spec.
      kind: of the specs.
      taken: names that are given already.
      check: raises where a spec is of no use.
    """
    found: dict[str, Spec] = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        try:
            spec = _loaded(entry, kind, {*taken, *found})
            check(spec)
        except Exception as error:  # whatever the other package's code does wrong
            package = entry.dist.name if entry.dist else "not known"
            log.warning("package %s: entry '%s' of %s is left out: %s", package, entry.name, group, one_line(error))
        else:
            found[spec.name] = spec
    return found


def _loaded(entry: EntryPoint, kind: type[Spec], taken: Collection[str]) -> Spec:
    spec = entry.load()
    if not isinstance(spec, kind):
        raise BadInput(f"{entry.value} is a {type(spec).__name__}; wanted a {kind.__name__}")
    if spec.name in taken:
        raise BadInput(f"the name '{spec.name}' is taken")
    return spec


def resolved(place: str, *, of: str) -> Any:
    """What a text such as `cre_core.models.creator:Creator` names; its module is imported now.

    Args:
      of: whose code it is, for the message.

    Raises:
      NotAvailable: nothing can be imported there.
    """
    try:
        return pkgutil.resolve_name(place)
    except Exception as error:  # as above
        raise NotAvailable(f"{of}: {place} cannot be loaded: {one_line(error)}") from error


def code_of(places: Iterable[str]) -> list[Path]:
    """The files of the packages that texts such as `toy_lab.links:score` lie in; none is imported but a parent."""
    files: list[Path] = []
    for name in sorted({place.partition(":")[0] for place in places}):
        found = find_spec(name)
        if found is not None and found.origin is not None:
            file = Path(found.origin)
            files += file.parent.rglob("*.py") if "." in name else [file]
    return files


def one_line(error: Exception) -> str:
    """An error's kind and text on one line; of our own errors the text alone."""
    text = " ".join(str(error).split())
    return text if isinstance(error, CreError) else f"{type(error).__name__}: {text}"
