"""Rows as text and JSON."""

from __future__ import annotations

import json

import numpy as np

from cre_core.evaluation.report import as_json, as_text

ROWS = [
    {"subset": "all", "n_filled": 3, "method": "abc", "n": np.int64(10_356), "value": 0.55261, "prevalence": None},
    {"subset": "<10 kb", "n_filled": 0, "method": "distance", "n": 7, "value": float("nan"), "prevalence": None},
]


def test_text_is_aligned_and_leaves_out_what_no_row_has() -> None:
    assert as_text(ROWS).splitlines() == [
        "method         n   value  subset",
        "abc       10,356  0.5526  all",
        "distance       7       -  <10 kb",
    ]
    assert as_text(ROWS, columns=["n_filled"]) == "n_filled\n       3\n       0"
    assert as_text([]) == ""


def test_json_keeps_every_column_and_turns_nan_into_null() -> None:
    rows = json.loads(as_json(ROWS))
    assert rows[1] == {
        "method": "distance", "n": 7, "prevalence": None, "value": None, "subset": "<10 kb", "n_filled": 0,
    }  # fmt: skip
    assert list(rows[0])[:2] == ["method", "n"]
