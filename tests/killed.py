"""Writers that are killed at one of their renames, in a forked process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from cre_core.io import folders


def in_child(work: Callable[[], object]) -> int:
    """Run in a forked process; the signal that killed it, else 0.

    An error of the work is none of its tests' ends: it fails the assertion here.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    end = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(end) or os.WEXITSTATUS(end) == 0, "the work failed before it was killed"
    return os.WTERMSIG(end) if os.WIFSIGNALED(end) else 0


def die() -> None:
    """As by kill -9: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(step: int, work: Callable[[], object], *, after: bool = False) -> bool:
    """Run in a forked process that is killed right before (or after) a rename; False when it has fewer renames."""

    def dying() -> None:
        with pytest.MonkeyPatch.context() as patch:
            count = iter(range(10_000))
            for module, name in ((os, "rename"), (os, "replace"), (folders, "_exchanged")):
                patch.setattr(module, name, _counted(getattr(module, name), count, step, after=after))
            work()

    return in_child(dying) == signal.SIGKILL


def _counted(real: Callable[..., object], count: object, step: int, *, after: bool) -> Callable[..., object]:
    def counted(*given: object) -> object:
        is_it = next(count) == step  # type: ignore[call-overload]
        if is_it and not after:
            die()
        done = real(*given)
        if is_it:
            die()
        return done

    return counted
