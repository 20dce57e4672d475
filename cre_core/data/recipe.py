"""What turns raw files into a study: the common steps of every recipe."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core.data.study import Study, StudyInfo, write_info
from cre_core.errors import BadInput, NotAvailable
from cre_core.io.clock import made_at
from cre_core.io.download import registry
from cre_core.io.files import folder_written_whole, sha256_of
from cre_core.io.notes import listening

Report = Callable[[str, int, int], None]
PROMOTER_BP, PROXIMAL_BP = 500, 2_000  # counts are over TSS ±500 bp; proximal within 2 kb, as SCREEN has it


@dataclass(frozen=True)
class Prepared:
    """What a recipe hands back: the description, what lift-over lost, how much there is, what to know."""

    info: StudyInfo
    lift_over: Sequence[Mapping[str, object]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    sources: Sequence[Mapping[str, str]] | None = None  # the raw files, where the download registry lacks them
    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)  # file of the study -> raw files it is made of


@dataclass(frozen=True)
class Recipe:
    """How one study is made.

    Attributes:
      name: of the study.
      title: one line for people.
      files: names in the download registry.
      prepare: writes the tables into a folder and describes them.
      fetch: brings the raw files (folder, mirror, report), where they are not those of the download registry.
      choose: the same recipe for some of its biosamples, where a study can be made of some.
      leave_out: the same recipe without some of its files, where it can do without any.
      left_out: the files it does without.
    """

    name: str
    title: str
    assembly_name: str
    biosamples: tuple[str, ...]
    files: tuple[str, ...]
    prepare: Callable[[Path, Path, Report], Prepared]
    fetch: Callable[[Path, str | None, Report], list[Path]] | None = None
    choose: Callable[[tuple[str, ...]], Recipe] | None = None
    leave_out: Callable[[tuple[str, ...]], Recipe] | None = None
    left_out: tuple[str, ...] = ()

    def of(self, biosamples: Sequence[str]) -> Recipe:
        """This recipe for some biosamples; for all when none is named.

        Raises:
          UnknownName: it has no such biosample. BadInput: its study is made whole.
        """
        if not biosamples:
            return self
        if self.choose is None:
            raise BadInput(f"study {self.name} is made whole ({', '.join(self.biosamples)}); it takes no --biosample")
        return self.choose(tuple(dict.fromkeys(biosamples)))

    def redistributable(self) -> Recipe:
        """This recipe without the raw files that a study to be passed on must not be made of.

        Raises:
          BadInput: it cannot do without them.
        """
        closed = tuple(name for name in self.files if not registry()[name].is_redistributable)
        if not closed:
            return self
        if self.leave_out is None:
            raise BadInput(f"study {self.name} cannot do without {closed[0]}, which may not be passed on")
        return self.leave_out(closed)


def prepare_study(recipe: Recipe, *, data: Path, out: Path, report: Report) -> Study:
    """Make a study folder, whole or not at all; an older one in its place stays until the new one is complete.

    Args:
      recipe: how.
      data: folder with the raw files under their registry names.
      out: the study folder; trained models and precomputed results in an older one are kept.
      report: called with step, done, total.

    Raises:
      NotAvailable: raw files are missing; `download` brings them.
      BadInput: a raw file breaks its contract.
    """
    missing = [name for name in recipe.files if not (data / name).is_file()]
    if missing:
        raise NotAvailable(
            f"{len(missing)} raw files of {recipe.name} are not in {data}; first: {missing[0]}; "
            f"python -m cre_core download {recipe.name} --data {data}"
        )
    with folder_written_whole(out) as partial:
        with listening() as heard:
            prepared = recipe.prepare(data, partial, report)
        prepared = replace(prepared, notes=[*prepared.notes, *heard])  # rows that no reader could use
        provenance = {
            "created": made_at(),
            "command": _command(recipe, prepared.info),
            "sources": _sources(recipe, prepared, data),
            "left_out": [_left_out(name) for name in recipe.left_out],
            "tables": {path: list(files) for path, files in prepared.tables.items()},
            "lift_over": list(prepared.lift_over),
            "counts": dict(prepared.counts),
            "notes": list(prepared.notes),
        }
        write_info(partial, replace(prepared.info, provenance=provenance))
        for kept in ("models", "precomputed"):
            if (out / kept).is_dir():
                shutil.copytree(out / kept, partial / kept, copy_function=os.link)
    return Study.open(out)


def _command(recipe: Recipe, info: StudyInfo) -> str:
    chosen = f" --biosample {shlex.quote(','.join(info.biosamples))}" if recipe.choose else ""
    less = " --only-redistributable" if recipe.left_out else ""
    return f"python -m cre_core prepare {recipe.name}{chosen}{less}"


def _sources(recipe: Recipe, prepared: Prepared, data: Path) -> list[Mapping[str, str]]:
    if prepared.sources is not None:
        return list(prepared.sources)
    return [_source(data, name) for name in recipe.files]


def _source(data: Path, name: str) -> dict[str, str]:
    entry = registry()[name]
    return {
        "file": name,
        "sha256": sha256_of(data / name),
        "url": entry.url,
        "licence": entry.licence,
        "assembly": entry.assembly,
        "content": entry.description,
    }


def _left_out(name: str) -> dict[str, str]:
    entry = registry()[name]
    return {"file": name, "url": entry.url, "licence": entry.licence, "content": entry.description}


def classify_elements(elements: pd.DataFrame, tss_chrom: np.ndarray, tss: np.ndarray) -> np.ndarray:
    """Class of each element by its distance to the nearest annotated TSS.

    Args:
      elements: chrom, start, end.
      tss_chrom, tss: (M,) chromosome and 0-based position of every annotated TSS.

    Returns:
      (N,) text: `promoter` (shares a base with TSS ±500 bp), `proximal` (within 2 kb), `distal`.
    """
    gap = np.full(len(elements), np.inf)
    chroms = elements["chrom"].to_numpy()
    for chrom in np.unique(chroms):
        here = np.flatnonzero(chroms == chrom)
        sites = np.sort(tss[tss_chrom == chrom])
        if not len(sites):
            continue
        start, end = elements["start"].to_numpy()[here], elements["end"].to_numpy()[here]
        after = np.searchsorted(sites, start)  # first TSS at or after the element's start
        right = np.where(after < len(sites), sites[np.minimum(after, len(sites) - 1)] - (end - 1), np.inf)
        left = np.where(after > 0, start - sites[np.maximum(after - 1, 0)], np.inf)
        gap[here] = np.maximum(0, np.minimum(right, left))
    return np.select([gap <= PROMOTER_BP, gap <= PROXIMAL_BP], ["promoter", "proximal"], "distal")
