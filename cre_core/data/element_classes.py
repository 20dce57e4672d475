"""Elements with a known class for training: their labels, their side of a split, their copies, their batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from cre_core.data.class_inputs import ClassInputs
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.schema import ElementInput

Split = Literal["chromosome", "ten-fold"]
Part = Literal["train", "valid", "test"]

N_PARTS = 10  # a tenth of the elements validates, and in the ten-fold form another one tests


@dataclass(frozen=True)
class Augmentation:
    """Which copies of an element's window are shown.

    Attributes:
      stride_bp: from one copy to the next.
      reverse_complement: every copy on the other strand too.

    Source: CREATE, Methods (data augmentation).
    """

    stride_bp: int = 10
    reverse_complement: bool = True

    def shifts_bp(self, n_copies: int) -> list[int]:
        """How far each of so many copies is shifted: 5 -> -20, -10, 0, 10, 20.

        Raises:
          BadInput: an even number, which has no middle, or one below 1.
        """
        if n_copies < 1 or n_copies % 2 == 0:
            raise BadInput(f"{n_copies} copies of an element; wanted an odd number: the element and as many each way")
        reach = n_copies // 2
        return [self.stride_bp * step for step in range(-reach, reach + 1)]

    def copies(self, n_copies: int) -> list[tuple[int, bool]]:
        """Shift in bp and whether on the other strand, of every copy."""
        strands = (False, True) if self.reverse_complement else (False,)
        return [(shift, is_turned) for shift in self.shifts_bp(n_copies) for is_turned in strands]


# ---------------------------------------------------------------- which elements, and on which side


def labelled_elements(study: Study, biosamples: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """The elements whose class in a biosample is known.

    Returns:
      row (of `Study.elements`), element_id, chrom, biosample, label (its number in `classes`), in that order of
      biosamples; elements without a label are not there.

    Raises:
      NotAvailable: the study has no labels, or none of a biosample.
      UnknownName: a label that is not among the classes.
      BadInput: a label of an element that the study lacks.
    """
    labels = study.element_labels
    odd = labels.loc[~labels["label"].isin(list(classes)), "label"]
    if len(odd):
        raise UnknownName(f"element labels of study {study.name} hold '{odd.iloc[0]}'; wanted {', '.join(classes)}")
    missing = labels.loc[~labels["element_id"].isin(study.elements["element_id"]), "element_id"]
    if len(missing):
        raise BadInput(
            f"study {study.name} labels {len(missing)} elements that it does not hold; first: {missing.iloc[0]}"
        )
    places = study.elements[["element_id", "chrom"]].assign(row=np.arange(len(study.elements)))
    parts = []
    for biosample in biosamples:
        own = labels[labels["biosample"] == biosample]
        if own.empty:
            raise NotAvailable(f"study {study.name} has no element labels of {biosample}")
        parts.append(places.merge(own, on="element_id"))
    table = pd.concat(parts, ignore_index=True)
    table["label"] = table["label"].map({name: n for n, name in enumerate(classes)})
    return table[["row", "element_id", "chrom", "biosample", "label"]]


def fold_names(study: Study, split: Split) -> list[str]:
    """The folds of a way to split.

    Raises:
      UnknownName: no such way.
    """
    if split not in get_args(Split):
        raise UnknownName(f"no split '{split}'; there are {', '.join(get_args(Split))}")
    if split == "ten-fold":
        return [f"fold_{n + 1}" for n in range(N_PARTS)]
    return [column for column in study.folds if column.startswith("fold_")]


def chroms_of(study: Study, fold: str, part: Part) -> set[str]:
    """The chromosomes with genes of a part of a fold."""
    ids = study.folds.loc[study.folds[fold] == part, "gene_id"]
    return set(study.genes.loc[study.genes["gene_id"].isin(ids), "chrom"])


def split_elements(study: Study, labelled: pd.DataFrame, *, fold: str, split: Split, seed: int = 0) -> np.ndarray:
    """Whether each row of `labelled_elements` is for training, validation or testing.

    An element is on one side in all biosamples. `chromosome`: the chromosomes of the genes that the fold tests are
    tested, and those where it only validates genes validate; where there are none of those, a tenth of the rest
    does. `ten-fold` (the paper's): a tenth tests, the next one validates. Tenths hold every class alike, by the
    element's label in the first biosample.

    Args:
      labelled: of `labelled_elements`.
      fold: one of `fold_names`.
      seed: of the draw of tenths; the same for every fold.

    Returns:
      (n,) of `train`, `valid`, `test`.

    Raises:
      BadInput: a fold that is not there, or no element left to train on, to validate or to test.
    """
    known = fold_names(study, split)
    if fold not in known:
        raise BadInput(f"study {study.name} has no {fold} by {split}; it has {known[0]} ... {known[-1]}")
    if split == "ten-fold":
        tenth, k = _tenths(labelled, seed), known.index(fold)
        parts = np.select([tenth == k, tenth == (k + 1) % N_PARTS], ["test", "valid"], default="train")
    else:
        parts = _by_chromosome(study, labelled, fold, seed)
    for part in ("train", "valid", "test"):
        if not (parts == part).any():
            raise BadInput(f"{fold} by {split} leaves no labelled element to {part}; {len(labelled)} rows came")
    return parts


def _by_chromosome(study: Study, labelled: pd.DataFrame, fold: str, seed: int) -> np.ndarray:
    tested = chroms_of(study, fold, "test")
    aside = chroms_of(study, fold, "valid") - chroms_of(study, fold, "train") - tested
    chrom = labelled["chrom"]
    is_test, is_valid = chrom.isin(tested).to_numpy(), chrom.isin(aside).to_numpy()
    if not is_valid.any() and not is_test.all():
        rest = np.flatnonzero(~is_test)
        is_valid[rest] = _tenths(labelled.iloc[rest], seed) == 0
    return np.select([is_test, is_valid], ["test", "valid"], default="train")


def _tenths(labelled: pd.DataFrame, seed: int) -> np.ndarray:
    """(n,) 0..9, the same for all rows of an element; the elements of a class are dealt out in turn."""
    first = labelled.drop_duplicates("element_id")
    draw, tenth, n_dealt = np.random.default_rng(seed), {}, 0
    for label in np.sort(first["label"].unique()):
        ids = first.loc[first["label"] == label, "element_id"].to_numpy()
        for element_id in ids[draw.permutation(len(ids))]:
            tenth[element_id] = n_dealt % N_PARTS
            n_dealt += 1
    return labelled["element_id"].map(tenth).to_numpy()


# ---------------------------------------------------------------- batches


class ClassDataset(Dataset[tuple[ElementInput, Tensor]]):
    """Copies of labelled elements; an item is a batch: `dataset[[3, 17, 42]]`."""

    def __init__(
        self,
        labelled: pd.DataFrame,
        inputs: Mapping[str, ClassInputs],
        *,
        augmentation: Augmentation,
        n_copies: Mapping[int, int] | int,
    ) -> None:
        """Hold which copies there are; windows are gathered batch by batch.

        Args:
          labelled: rows of `labelled_elements`; those without data are left out, as `n_unknown` says.
          inputs: of each biosample.
          augmentation: how copies differ.
          n_copies: shifts of an element, or those of each label.
        """
        self.inputs = [inputs[name] for name in inputs]
        part = labelled["biosample"].map({name: n for n, name in enumerate(inputs)}).to_numpy()
        row, label = labelled["row"].to_numpy(), labelled["label"].to_numpy()
        is_known = np.zeros(len(row), bool)
        for n, own in enumerate(self.inputs):
            is_known[part == n] = own.is_known(row[part == n])
        self.n_unknown = int((~is_known).sum())
        part, row, label = part[is_known], row[is_known], label[is_known]
        copies = [
            (n, shift, is_turned)
            for n, name in enumerate(label)
            for shift, is_turned in augmentation.copies(n_copies if isinstance(n_copies, int) else n_copies[name])
        ]
        of = np.array([copy[0] for copy in copies], int)  # (M,) which element
        self.n_elements, self.of = len(row), of
        self.part, self.row, self.label = part[of], row[of], torch.from_numpy(label[of])  # (M,) each
        self.shift_bp = np.array([copy[1] for copy in copies], int)  # (M,)
        self.is_turned = np.array([copy[2] for copy in copies], bool)  # (M,)

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, copies: Sequence[int]) -> tuple[ElementInput, Tensor]:
        m = np.asarray(copies)
        order = np.argsort(self.part[m], kind="stable")  # one biosample after the other
        m = m[order]
        found = [
            own(self.row[mine], self.shift_bp[mine], self.is_turned[mine])
            for own, mine in ((own, m[self.part[m] == n]) for n, own in enumerate(self.inputs))
            if len(mine)
        ]
        joined = found[0]
        for more in found[1:]:
            joined = joined.joined(more)
        back = torch.from_numpy(np.argsort(order))
        return joined[back], self.label[torch.from_numpy(m)][back]


class ShuffledBatches(Sampler[list[int]]):
    """All copies in a new order every epoch; that of an epoch is the same in a resumed run."""

    def __init__(self, n: int, *, batch_size: int, seed: int) -> None:
        self.n, self.batch_size, self.seed, self.epoch = n, batch_size, seed, 0

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Which shuffle comes next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.n)
        yield from (order[low : low + self.batch_size].tolist() for low in range(0, self.n, self.batch_size))


def whole_elements(dataset: ClassDataset, *, n_copies: int) -> list[list[int]]:
    """Batches of about `n_copies` copies that never part those of one element."""
    cuts = np.r_[0, np.flatnonzero(np.diff(dataset.of)) + 1, len(dataset)]
    batches: list[list[int]] = [[]]
    for low, high in pairwise(cuts.tolist()):
        if batches[-1] and len(batches[-1]) + high - low > n_copies:
            batches.append([])
        batches[-1] += range(low, high)
    return [batch for batch in batches if batch]
