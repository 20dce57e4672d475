"""Benchmark rows as a table for the terminal and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

FIRST = ("method", "n", "n_positive", "prevalence", "metric", "value", "ci_low", "ci_high", "subset", "interval")


def as_text(rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str] | None = None) -> str:
    """Aligned plain text, one line per row; words to the left, numbers to the right, `-` for what is not defined.

    Args:
      rows: of an `evaluate_...` function.
      columns: which, in order; those of FIRST that any row defines, unless given.
    """
    if columns is None:
        columns = [name for name in FIRST if any(_plain(row.get(name)) is not None for row in rows)]
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    is_number = [all(not isinstance(row.get(name), str) for row in rows) for name in columns]
    widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in [list(columns), *cells]
    ]
    return "\n".join(lines)


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """A JSON list of rows, the contract's columns first; NaN becomes null."""
    return json.dumps([_ordered(row) for row in rows], indent=1, allow_nan=False)


def _ordered(row: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in FIRST if name in row] + [name for name in row if name not in FIRST]
    return {name: _plain(row[name]) for name in names}


def _plain(value: Any) -> Any:
    """Python's own number or text; None for a number that is not defined."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    value = _plain(value)
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
