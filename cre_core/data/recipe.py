"""What turns raw files into a study: the common steps of every recipe."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core.data.raw_files import others_among, sources
from cre_core.data.study import MADE, Study, StudyInfo, check_replaceable, write_info
from cre_core.errors import BadInput, NotAvailable
from cre_core.io.bedtools import bp_to_closest
from cre_core.io.clock import made_at
from cre_core.io.download import RemoteFile, download, registry
from cre_core.io.folders import carry_over, check_ours, folder_written_whole, held
from cre_core.io.notes import listening
from cre_core.progress import Report
from cre_core.schema import PROMOTER_HALF_WIDTH_BP

_LOCK = ".download.lock"
PROXIMAL_BP = 2_000  # as SCREEN has it


@dataclass(frozen=True)
class Prepared:
    """What a recipe hands back: the description, what lift-over lost, how much there is, what to know."""

    info: StudyInfo
    lift_over: Sequence[Mapping[str, object]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)  # file of the study -> raw files it is made of


@dataclass(frozen=True)
class StudyRecipe:
    """How one study is made.

    Attributes:
      name: of the study.
      title: one line for people.
      files: names in the download registry.
      prepare: writes the tables into a folder and describes them.
      fetch: brings the raw files (folder, mirror, report), where they are not those of the download registry.
      raw_files: which those are, as a folder describes them; NotAvailable when one is missing.
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
    raw_files: Callable[[Path], Sequence[RemoteFile]] | None = None
    choose: Callable[[tuple[str, ...]], StudyRecipe] | None = None
    leave_out: Callable[[tuple[str, ...]], StudyRecipe] | None = None
    left_out: tuple[str, ...] = ()

    def of(self, biosamples: Sequence[str]) -> StudyRecipe:
        """This recipe for some biosamples; for all when none is named.

        Raises:
          UnknownName: it has no such biosample. BadInput: its study is made whole.
        """
        if not biosamples:
            return self
        if self.choose is None:
            raise BadInput(f"study {self.name} is made whole ({', '.join(self.biosamples)}); it takes no --biosample")
        return self.choose(tuple(dict.fromkeys(biosamples)))

    def redistributable(self) -> StudyRecipe:
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


def download_raw_files(recipe: StudyRecipe, *, data: Path, mirror: str | None = None, report: Report) -> list[Path]:
    """Bring the raw files of a study into a folder, each whole and checked; what came before stays.

    Args:
      data: a new folder, or one that downloads filled.
      mirror: folder or base address that holds the files instead of their own addresses.
      report: called with what is done, how much, of how much.

    Raises:
      BadInput: `data` holds other things, or the mirror is neither a folder nor an address.
      NotAvailable: another process downloads into it, or a file cannot be had.
      BadFile: a file is not the published one, or the disk is full.
    """
    # A folder of raw files has some file or folder of the registry, or one of ENCODE's descriptions.
    known = dict.fromkeys(name.split("/")[0] for name in registry())
    check_ours(data, *known, "*.partial", "ENCFF*.json", "GRCh38*", _LOCK, what="folder of raw files")
    exists = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    can_write = os.access(exists, os.W_OK)  # a folder that may only be read can be complete
    with held(data, lock=_LOCK) if can_write else nullcontext():
        if recipe.fetch is not None:
            return recipe.fetch(data, mirror, report)
        return download(recipe.files, data, mirror=mirror, progress=report)


def prepare_study(recipe: StudyRecipe, *, data: Path, out: Path, report: Report, accept_other: bool = False) -> Study:
    """Make a study folder, whole or not at all; an older one in its place stays until the new one is complete.

    Args:
      recipe: how.
      data: folder with the raw files under their registry names.
      out: the study folder; trained models, precomputed results and a person's own files in an older one are kept.
      report: called with step, done, total.
      accept_other: take raw files that are not the published ones; study.json then says which.

    Raises:
      NotAvailable: raw files are missing; `download` brings them. Another process writes the folder.
      BadFile: a raw file is not the published one.
      BadInput: a raw file breaks its contract, or `out` holds something other than an older study of that name.
    """
    check_replaceable(out, is_simulated=False, name=recipe.name)
    files = _raw_files(recipe, data)
    with folder_written_whole(out) as partial:
        came_from = sources(files, data, accept_other=accept_other, report=report)
        with listening() as heard:
            prepared = recipe.prepare(data, partial, report)
        prepared = replace(prepared, notes=[*prepared.notes, *heard])  # rows that no reader could use
        others = others_among(came_from)
        provenance = {
            "created": made_at(),
            "command": _command(recipe, prepared.info) + (" --accept-other-files" if others else ""),
            "sources": came_from,
            "left_out": [_left_out(name) for name in recipe.left_out],
            "tables": {path: list(files) for path, files in prepared.tables.items()},
            "lift_over": list(prepared.lift_over),
            "counts": dict(prepared.counts),
            "notes": [*prepared.notes, *([others] if others else [])],
        }
        write_info(partial, replace(prepared.info, provenance=provenance))
        carry_over(out, partial, made=MADE)
    return Study.open(out)


def _command(recipe: StudyRecipe, info: StudyInfo) -> str:
    chosen = f" --biosample {shlex.quote(','.join(info.biosamples))}" if recipe.choose else ""
    less = " --only-redistributable" if recipe.left_out else ""
    return f"python -m cre_core prepare {recipe.name}{chosen}{less}"


def _raw_files(recipe: StudyRecipe, data: Path) -> Sequence[RemoteFile]:
    if recipe.raw_files is not None:
        return recipe.raw_files(data)
    missing = [name for name in recipe.files if not (data / name).is_file()]
    if missing:
        raise NotAvailable(
            f"{len(missing)} raw files of {recipe.name} are not in {data}; first: {missing[0]}; "
            f"python -m cre_core download {recipe.name} --data {data}"
        )
    return [registry()[name] for name in recipe.files]


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

    Raises:
      NotAvailable: this machine has no bedtools.
    """
    gap = bp_to_closest(elements, pd.DataFrame({"chrom": tss_chrom, "start": tss, "end": np.asarray(tss) + 1}))
    return np.select([gap <= PROMOTER_HALF_WIDTH_BP, gap <= PROXIMAL_BP], ["promoter", "proximal"], "distal")
