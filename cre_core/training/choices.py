"""Which biosamples and folds a training is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from cre_core.data.element_classes import Split, chroms_of, fold_names
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName

ALL, PAPER = "all", "paper"
PAPER_VALID, PAPER_TEST = frozenset({"chr16"}), frozenset({"chr8", "chr9"})


def biosamples_of(study: Study, text: str, *, leave_out: str = "", having: Iterable[str]) -> list[str]:
    """The biosamples that one model is to learn.

    Args:
      study: whose biosamples.
      text: one name, several with commas or + between, or `all`: those of `having` that are not held out.
      leave_out: names with commas between that are not to be learned, for an answer about what was never seen.
      having: the biosamples with something to learn.

    Returns:
      Names, each once, in the order given; for `all` in the study's.

    Raises:
      BadInput: a biosample that is held out of training, or none left to learn.
      UnknownName: one that the study does not have, or one to leave out that would not have been learned.
    """
    held_out = study.info.provenance.get("held_out_biosamples", [])
    there = set(having)
    names = _names(text)
    if names == [ALL]:
        names = [name for name in study.info.biosamples if name in there and name not in held_out]
    for name in names:
        study.check_biosample(name)
        if name in held_out:
            raise BadInput(f"{name} is held out of training in study {study.name}; train on another biosample")
    for name in _names(leave_out):
        if name not in names:
            raise UnknownName(f"{name} is to be left out of {', '.join(names) or 'no biosample'}, and is not there")
        names.remove(name)
    if not names:
        raise BadInput("no biosample came; wanted one or several with commas between")
    return names


def folds_of(study: Study, text: str, *, split: Split = "chromosome") -> list[str]:
    """The folds that are asked for: `all`, numbers such as `1,2,7`, or `paper`.

    `paper` is the fold of the study that has CREaTor's and ScPGE's split, under whatever number.

    Args:
      split: way to split; `ten-fold` is a draw of elements and has no chromosomes.

    Raises:
      BadInput: a fold that is not there. NotAvailable: no fold of the study has that split.
    """
    known = fold_names(study, split)
    if text == ALL:
        return known
    if text == PAPER:
        return [_paper_fold(study, split)]
    names = [f"fold_{part.strip().removeprefix('fold_')}" for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        odd = unknown[0] if unknown else f"fold '{text}'"
        raise BadInput(f"study {study.name} has no {odd}; it has {known[0]} ... {known[-1]}")
    return list(dict.fromkeys(names))


def _paper_fold(study: Study, split: Split) -> str:
    """Source: CREaTor, Methods, and ScPGE, Methods: chromosome 16 validates, 8 and 9 are the test."""
    for fold in fold_names(study, split) if split == "chromosome" else ():
        valid, test = chroms_of(study, fold, "valid"), chroms_of(study, fold, "test")
        if valid and test and valid <= PAPER_VALID and test <= PAPER_TEST:
            return fold
    raise NotAvailable(f"study {study.name} has no fold that validates on chr16 and tests chr8 and chr9")


def _names(text: str) -> list[str]:
    names = (part.strip() for part in text.replace("+", ",").split(","))
    return list(dict.fromkeys(name for name in names if name))
