"""How work that takes a while says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Called with what is being done, how much of it is done, and of how much.
Report = Callable[[str, int, int], None]


def unheard(step: str, done: int, total: int, /) -> None:
    """A Report that nobody listens to."""
