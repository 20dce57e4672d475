"""The same work on many parts, on as many cores as there are."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from cre_core.data.study import Study
from cre_core.progress import Report, unheard

Part = TypeVar("Part")
Result = TypeVar("Result")
MOST = 8  # each holds a study and its weights, half a gigabyte


def cores() -> int:
    """Processes that a command may start: one for each core that it may use, at most MOST."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST)


def each_part(
    function: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    step: str,
    n_processes: int = 1,
    report: Report | None = None,
) -> list[Result]:
    """`function` of every part, in the order of the parts.

    Args:
      function: of a module, as are the parts, so that another process can have both.
      step: what is reported.
      n_processes: 1 = here. More are new interpreters with one thread of tensors each: a program that asks for them
        keeps its own work under `if __name__ == "__main__"`.
      report: called with step, parts done, parts.
    """
    tell = report or unheard
    tell(step, 0, len(parts))
    if n_processes <= 1 or len(parts) <= 1:
        return [_told(function(part), tell, step, done, len(parts)) for done, part in enumerate(parts, 1)]
    context = multiprocessing.get_context("spawn")  # a forked child of a process with threads may hang
    with ProcessPoolExecutor(min(n_processes, len(parts)), mp_context=context, initializer=_helper) as pool:
        asked = {pool.submit(function, part): number for number, part in enumerate(parts)}
        try:
            found = {asked[answer]: _told(answer.result(), tell, step, done, len(parts))
                     for done, answer in enumerate(as_completed(asked), 1)}  # fmt: skip
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[number] for number in range(len(parts))]


@lru_cache(maxsize=1)
def opened(folder: Path) -> Study:
    """The study that the parts of another process are about, opened once there."""
    return Study.open(folder)


def _told(result: Result, report: Report, step: str, done: int, total: int) -> Result:
    report(step, done, total)
    return result


def _helper() -> None:
    import torch

    torch.set_num_threads(1)  # the cores are taken by the other processes
    logging.getLogger("cre_core.extensions").setLevel(logging.ERROR)  # what is left out, the first process has said
