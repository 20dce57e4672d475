"""Things made once and kept by what they belong to, as long as it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """What has been made, by key. Threads that ask for one key make it once; who asks for another does not wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._made: dict[Hashable, tuple[object, Any]] = {}

    def get(self, key: Hashable, make: Callable[[], T], *, stamp: object = None) -> T:
        """What `make` gave at the first call with this key; with another `stamp` it is made anew.

        Args:
          make: may ask for other keys, not for its own. What it raises is raised, and nothing is kept.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._made or self._made[key][0] != stamp:
                self._made[key] = stamp, make()
            return self._made[key][1]
