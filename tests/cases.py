"""Files that real people had trouble with, beside the project; tests that read them skip where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

_CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"


def case(name: str) -> Path:
    """The path of one such file."""
    if not (_CASES / name).is_file():
        pytest.skip("the files of ../shared/cases are absent")
    return _CASES / name
