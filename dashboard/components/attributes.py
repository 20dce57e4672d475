"""Attributes of a part of a page that its script reads."""

from __future__ import annotations

from typing import Any


def data(**values: str) -> dict[str, Any]:
    """`data-...` attributes: `data(ko_tab="models")` is `data-ko-tab="models"`; empty ones are left out."""
    return {f"data-{name.replace('_', '-')}": value for name, value in values.items() if value}
