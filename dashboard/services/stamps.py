"""What changes when files change, to tell old results from new ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cre_core.evaluation.methods import METHODS, methods
from cre_core.extensions import code_of
from cre_core.models.registry import MODELS, models

ROOT = Path(__file__).resolve().parents[2]


def stamp_of(paths: Iterable[Path]) -> str:
    """What changes with the names, times or sizes of some files."""
    about = sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    return hashlib.sha256(repr(about).encode()).hexdigest()


@cache
def code_stamp() -> str:
    """What changes with the program and what other packages add to it: results of older code may be others."""
    own = [path for top in ("cre_core", "dashboard") for path in (ROOT / top).rglob("*.py")]
    places = [method.score_at for name, method in methods().items() if name not in METHODS]
    places += [spec.module_at for name, spec in models().items() if name not in MODELS]
    return stamp_of([*own, *code_of(places)])
