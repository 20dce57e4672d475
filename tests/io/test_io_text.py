"""Descriptions in JSON: whole, or one line."""

from __future__ import annotations

from cre_core.io.text import shown


def test_a_cell_is_shown_on_one_short_line() -> None:
    assert shown("a\n b\t c") == "a b c"
    assert len(shown("x" * 5_000)) == 60
