"""What is read from a .hic, in a process of its own.

Importing hictkpy starts a logging thread that keeps a core busy for as long as the process lives, so nothing else
imports it: `header` and `matrix` run it in a child that ends with the call. A broken file may end the child, or keep
it for ever; both are a RuntimeError here.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
MOST_SECONDS = 300.0  # of one call; a view takes some seconds


@dataclass(frozen=True)
class HicHeader:
    """What a .hic holds.

    Attributes:
      sizes: chromosome -> length in bp, in the file's order.
      normalisations: resolution in bp -> names of its normalisations.
    """

    sizes: dict[str, int]
    normalisations: dict[int, tuple[str, ...]]


def header(path: Path) -> HicHeader:
    """Chromosomes, resolutions and normalisations; RuntimeError when the file is no .hic."""
    return _in_child(_header, str(path))


def matrix(path: Path, place: str, resolution_bp: int, normalisation: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Contacts of a 1-based place, (N, N) float64, and the weights of all bins of the file (empty without one)."""
    return _in_child(_matrix, str(path), place, resolution_bp, normalisation)


def _in_child(function: Callable[..., T], *arguments: Any) -> T:
    """What a function gives in a process of its own; RuntimeError when it raises, dies or does not come to an end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(theirs, function, *arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        if not ours.poll(MOST_SECONDS):
            raise RuntimeError(f"it was not read in {MOST_SECONDS:.0f} seconds")
        is_good, answer = ours.recv()
    except EOFError:
        raise RuntimeError("the reading program ended") from None
    finally:
        ours.close()
        child.kill()
        child.join()
    if not is_good:
        raise RuntimeError(answer)
    return answer


def _answer(to: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    try:
        to.send((True, function(*arguments)))
    except Exception as error:  # whatever the library raises is for the parent to say
        to.send((False, f"{type(error).__name__}: {error}"))


def _header(path: str) -> HicHeader:
    import hictkpy

    file = hictkpy.MultiResFile(path)
    resolutions = [int(size) for size in file.resolutions()]
    return HicHeader(
        sizes={name: int(size) for name, size in file.chromosomes().items()},
        normalisations={size: tuple(file[size].avail_normalizations()) for size in resolutions},
    )


def _matrix(path: str, place: str, resolution_bp: int, normalisation: str | None) -> tuple[np.ndarray, np.ndarray]:
    import hictkpy

    file = hictkpy.MultiResFile(path)[resolution_bp]
    if normalisation is None:
        return np.asarray(file.fetch(place, count_type="float64").to_numpy()), np.zeros(0)
    found = file.fetch(place, normalization=normalisation, count_type="float64")
    return np.asarray(found.to_numpy()), np.asarray(file.weights(normalisation))
