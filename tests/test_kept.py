"""What is made once: by one of many that ask, and without keeping those waiting who ask for something else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cre_core.kept import Kept


def test_many_who_ask_at_once_get_the_same_thing_made_once() -> None:
    kept, made, asked = Kept(), [], threading.Barrier(8)

    def make() -> object:
        made.append(object())
        return made[-1]

    def ask(_: int) -> object:
        asked.wait(10)
        return kept.get("key", make)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert found == made * 8
    assert len(made) == 1


def test_who_asks_for_another_key_does_not_wait() -> None:
    kept, begun, may_end = Kept(), threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert may_end.wait(10)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(kept.get, "slow", slow)
        assert begun.wait(10)
        assert kept.get("quick", lambda: "quick") == "quick"  # it would never end if it waited for the other
        may_end.set()
        assert waiting.result(10) == "slow"


def test_another_stamp_makes_it_anew_and_the_old_one_leaves() -> None:
    kept = Kept()
    assert [kept.get("key", lambda: "old", stamp=1), kept.get("key", lambda: "new", stamp=1)] == ["old", "old"]
    assert [kept.get("key", lambda: "new", stamp=2), kept.get("key", lambda: "old", stamp=2)] == ["new", "new"]


def test_what_failed_is_tried_again() -> None:
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get("key", lambda: 1 / 0)
    assert kept.get("key", lambda: 3.0) == 3.0
