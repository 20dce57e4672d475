"""What changes when files change, to tell old results from new ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def stamp_of(paths: Iterable[Path]) -> str:
    """What changes with the names, times or sizes of some files."""
    about = sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    return hashlib.sha256(repr(about).encode()).hexdigest()


@cache
def code_stamp() -> str:
    """What changes with the program: results of older code may have another form."""
    return stamp_of(path for top in ("cre_core", "dashboard/services") for path in (ROOT / top).rglob("*.py"))
