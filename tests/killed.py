"""Work in processes of its own, and writers that are killed at one of their renames.

`in_child` forks the test's own process: quick, for work that starts no thread. `in_fresh_child` forks one that has
only imported what the work needs: for torch and pyarrow, whose threads do not outlive a fork.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from cre_core.io import folders

LIMIT_S = 100
_PRELOADED = ("cre_core.cli", "cre_core.training.run", "cre_core.evaluation.precompute", "cre_core.data.recipes",
              "cre_core.data.simulate", "pytest", "toy", "tiny_encode")  # fmt: skip
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(list(_PRELOADED))


def in_child(work: Callable[[], object]) -> int:
    """Run in a forked process; the signal that killed it, else 0. An error of the work fails the assertion here."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code <= 0, "the work failed before it was killed"
    return -code


def in_fresh_child(work: Callable[..., object], *given: object) -> int:
    """The exit code of a process that runs a function of a module; below 0, the signal that killed it."""
    process = _server.Process(target=work, args=given, daemon=True)
    process.start()
    process.join(LIMIT_S)
    code = process.exitcode
    assert code is not None, f"still running after {LIMIT_S} s"
    process.close()
    return code


def die() -> None:
    """As by kill -9: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(step: int, work: Callable[[], object], *, after: bool = False) -> bool:
    """Run in a forked process that is killed right before (or after) a rename; False when it has fewer renames."""
    return in_child(lambda: dying_at(step, after, work)) == signal.SIGKILL


def dying_at(step: int, after: bool, work: Callable[..., object], *given: object) -> None:
    """Run in this process, and kill it right before (or after) that rename."""
    with pytest.MonkeyPatch.context() as patch:
        count = iter(range(10_000))
        for module, name in ((os, "rename"), (os, "replace"), (folders, "_exchanged")):
            patch.setattr(module, name, _counted(getattr(module, name), count, step, after=after))
        work(*given)


def _counted(real: Callable[..., object], count: Iterator[int], step: int, *, after: bool) -> Callable[..., object]:
    def counted(*given: object) -> object:
        is_the_one = next(count) == step
        if is_the_one and not after:
            die()
        done = real(*given)
        if is_the_one:
            die()
        return done

    return counted
