"""Notes of readers: on the table, and heard by whoever listens."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.io.notes import is_mostly, listening, noted, notes_of, say, without_rows


def test_a_skipped_row_is_counted_and_named_and_heard_once() -> None:
    table = pd.DataFrame({"value": [1, 2, 3]}, index=[4, 7, 9])
    with listening() as heard:
        kept = without_rows(table, np.array([False, True, False]), "too low", source="a.bed")
        say("a.bed: 1 of 3 rows skipped, too low; first: row 7")
    assert kept["value"].tolist() == [1, 3]
    assert notes_of(kept) == heard == ["a.bed: 1 of 3 rows skipped, too low; first: row 7"]
    assert notes_of(table) == []


def test_nobody_has_to_listen_and_an_inner_listener_keeps_its_own() -> None:
    noted(pd.DataFrame(), "unheard")
    with listening() as outer:
        with listening() as inner:
            say("in")
        say("out")
    assert (outer, inner) == (["out"], ["in"])


def test_half_of_the_rows_is_mostly() -> None:
    assert is_mostly([True, False])
    assert not is_mostly([True, False, False])
    assert not is_mostly([])
