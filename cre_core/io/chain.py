"""Lift-over between assemblies by a UCSC chain file, either way, with every loss counted and explained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.errors import BadFile, BadInput
from cre_core.genome import Assembly
from cre_core.io.chroms import check_sizes, file_names
from cre_core.io.text import bytes_of, shown

UNMAPPED = "unmapped"  # an end lies in no aligned block
SPLIT = "split"  # the ends lie in different chains, so part of the place moved away
WIDTH = "width changed"  # more bases were inserted or deleted in between than allowed
_HEAD = (
    "score", "source_chrom", "source_size", "source_strand", "source_start", "source_end",
    "target_chrom", "target_size", "target_strand", "target_start", "target_end",
)  # fmt: skip
_CHAIN_LINE = re.compile(r"(?m)^[ \t]*chain[ \t]+")
_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]*)?")  # a score may have decimals
_NOT_DIGITS = re.compile(r"(?:[^0-9\s]\S*|[0-9]{13,}|[0-9]+[^0-9\s]\S*)")
_FLIPPED = {"+": "-", "-": "+"}


@dataclass(frozen=True)
class Chain:
    """Ungapped blocks that two assemblies share.

    Attributes:
      blocks: one row per block: source_chrom, source_start, target_chrom, target_start (of the lowest base, on the
        + strand, 0-based), size (bp), is_reverse (the target runs on the - strand), chain (number), score.
      source_sizes, target_sizes: length in bp of each chromosome, as the file gives it.
      name: the file's name, for messages.
    """

    blocks: pd.DataFrame
    source_sizes: Mapping[str, int]
    target_sizes: Mapping[str, int]
    name: str

    def inverted(self) -> Chain:
        """The same blocks read the other way."""
        swapped = {"source_chrom": "target_chrom", "source_start": "target_start"}
        swapped |= {new: old for old, new in swapped.items()}
        return Chain(self.blocks.rename(columns=swapped), self.target_sizes, self.source_sizes, self.name)


@dataclass(frozen=True)
class Lifted:
    """What came through a lift-over, and what did not.

    Attributes:
      table: the rows that came through, in their old order, on the target assembly.
      n_in, n_lost: rows given, rows lost.
      lost: the lost rows on the source assembly, plus `reason`.
    """

    table: pd.DataFrame
    n_in: int
    n_lost: int
    lost: pd.DataFrame

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were lost for which reason."""
        return {str(reason): int(n) for reason, n in self.lost["reason"].value_counts().items()}


def read_chain(path: Path | str) -> Chain:
    """Read a chain file, plain or .gz; comment lines anywhere, fields apart by blanks or tabs.

    Raises:
      BadFile: missing, truncated, not a chain file, or a chain whose numbers cannot be; the message names it.

    Source: UCSC chain format. Coordinates of a - strand query count from the chromosome's other end.
    """
    path = Path(path)
    text = _COMMENT.sub("", bytes_of(path).decode("ascii", "replace"))
    before, *parts = _CHAIN_LINE.split(text)
    if before.strip():
        raise BadFile(f"{path.name} is not a chain file: it starts with '{shown(before)}'; wanted 'chain'")
    heads, tables = zip(*(_chain(part, path) for part in parts), strict=True)
    frame = pd.DataFrame(list(heads), columns=_HEAD)
    source_sizes = _sizes(frame, "source_chrom", "source_size", path)
    target_sizes = _sizes(frame, "target_chrom", "target_size", path)
    return Chain(_blocks(frame, list(tables)), source_sizes, target_sizes, path.name)


def _chain(part: str, path: Path) -> tuple[list[Any], np.ndarray]:
    """A chain's header (`_HEAD`) and its blocks, (n, 3) int64: size, gap in the source, gap in the target."""
    head, _, body = part.partition("\n")
    where = f"{path.name} is truncated or not a chain file, at 'chain {shown(head)}'"
    fields = head.split()
    if len(fields) < len(_HEAD):
        raise BadFile(
            f"{where}: {len(fields)} fields; wanted score, and name, size, strand, start, end of both sides"
        )
    odd = _NOT_DIGITS.search(body)
    if odd:
        raise BadFile(f"{where}: '{shown(odd[0])}' among the blocks; wanted whole numbers")
    head_values = [_head_value(text, name, where) for text, name in zip(fields, _HEAD, strict=False)]
    numbers = np.array(body.split(), dtype=np.int64)
    if len(numbers) % 3 != 1:  # every line has size and two gaps, the last one its size alone
        raise BadFile(where)
    table = np.append(numbers, (0, 0)).reshape(-1, 3)
    _check_chain(dict(zip(_HEAD, head_values, strict=True)), table, where)
    return head_values, table


def _head_value(text: str, name: str, where: str) -> int | str:
    if name.endswith("chrom"):
        return text
    wanted = "+ or -" if name.endswith("strand") else "a whole number"
    if not (text in ("+", "-") if name.endswith("strand") else _NUMBER.fullmatch(text)):
        raise BadFile(f"{where}: {name.replace('_', ' ')} is '{shown(text)}'; wanted {wanted}")
    return text if name.endswith("strand") else int(text.partition(".")[0])


def _check_chain(head: dict[str, Any], table: np.ndarray, where: str) -> None:
    """BadFile when a chain does not lie on its chromosomes, or its blocks do not fill it."""
    if head["source_strand"] != "+":
        raise BadFile(f"{where}: the source is on the - strand; wanted +")
    if (table[:, 0] < 1).any():
        raise BadFile(f"{where}: a block of no bases")
    for side, gap in (("source", 1), ("target", 2)):
        start, end, size = (head[f"{side}_{name}"] for name in ("start", "end", "size"))
        if not 0 <= start < end <= size:
            raise BadFile(f"{where}: {side} {start}-{end} is not within its {size} bases")
        covered = int(table[:, 0].sum() + table[:, gap].sum())
        if covered != end - start:
            raise BadFile(
                f"{where}: its blocks cover {covered:,} bases of the {side}, its header says {end - start:,}"
            )


def _sizes(frame: pd.DataFrame, chrom: str, size: str, path: Path) -> dict[str, int]:
    sizes = frame.groupby(chrom, sort=False)[size].agg(["min", "max"])
    odd = sizes[sizes["min"] != sizes["max"]]
    if len(odd):
        low, high = (int(value) for value in odd.iloc[0])
        raise BadFile(f"{path.name} gives {shown(odd.index[0])} both {low:,} and {high:,} bases")
    return {str(name): int(value) for name, value in sizes["min"].items()}


def _blocks(frame: pd.DataFrame, tables: list[np.ndarray]) -> pd.DataFrame:
    n_blocks = np.array([len(table) for table in tables])
    number = np.repeat(np.arange(len(tables)), n_blocks)
    size, source_gap, target_gap = np.concatenate(tables).T
    source_start = _starts(size + source_gap, frame["source_start"].to_numpy(), n_blocks)
    from_end = _starts(size + target_gap, frame["target_start"].to_numpy(), n_blocks)
    is_reverse = (frame["target_strand"] == "-").to_numpy()[number]
    target_size = frame["target_size"].to_numpy()[number]
    return pd.DataFrame(
        {
            "source_chrom": frame["source_chrom"].astype("category").to_numpy()[number],
            "source_start": source_start,
            "target_chrom": frame["target_chrom"].astype("category").to_numpy()[number],
            "target_start": np.where(is_reverse, target_size - from_end - size, from_end),
            "size": size,
            "is_reverse": is_reverse,
            "chain": number,
            "score": frame["score"].to_numpy()[number],
        }
    )


def _starts(steps: np.ndarray, first: np.ndarray, n_blocks: np.ndarray) -> np.ndarray:
    """Start of every block: its chain's first start plus the steps of the blocks before it."""
    before = np.cumsum(steps) - steps
    heads = np.cumsum(n_blocks) - n_blocks
    return before + np.repeat(first - before[heads], n_blocks)


def lift_over(
    table: pd.DataFrame,
    chain: Chain,
    *,
    source: Assembly,
    target: Assembly,
    max_width_change: float = 0.1,
    positions: Sequence[str] = ("summit",),
) -> Lifted:
    """Move a table of places to another assembly.

    A place comes through when its first and last base lie in the same chain and the width in between changes little.
    Where chains of the source overlap (an inverted file), the highest-scoring one counts.

    Args:
      table: schema.INTERVALS on `source`; other columns are kept, `strand` flips where the chain does.
      chain: from `source` to `target`; see `Chain.inverted`.
      source, target: checked against the chain file's own chromosome lengths.
      max_width_change: largest allowed change, as a fraction of the old width.
      positions: columns with single positions in bp (NaN = none), lifted too where the table has them; a position
        that does not come through in the same chain becomes NaN.

    Raises:
      WrongAssembly: the chain does not lead from `source` to `target`.
      BadInput: the table breaks its contract.
    """
    table = schema.check_table(table, schema.INTERVALS, assembly=source, source="lift-over")
    index = _Index(chain, source, target)
    lifted, reason = _lift(table, index, max_width_change, positions)
    kept = (reason == "").to_numpy()
    lost = table[~kept].assign(reason=reason[~kept]).reset_index(drop=True)
    return Lifted(lifted[kept].reset_index(drop=True), len(table), int((~kept).sum()), lost)


def lift_over_loops(
    loops: pd.DataFrame, chain: Chain, *, source: Assembly, target: Assembly, max_width_change: float = 0.1
) -> Lifted:
    """As `lift_over`, for schema.LOOPS: a loop comes through when both anchors do; the left anchor stays first.

    Columns with other positions of the source assembly (HiCCUPS' centroids) are dropped.
    """
    loops = schema.check_table(loops, schema.LOOPS, assembly=source, source="lift-over")
    index = _Index(chain, source, target)
    place, second = ["chrom", "start", "end"], ["chrom2", "start2", "end2"]
    left, why_left = _lift(loops[place], index, max_width_change, ())
    other = loops[second].set_axis(place, axis=1)
    right, why_right = _lift(other, index, max_width_change, ())
    swapped = ((left["chrom"] == right["chrom"]) & (left["start"] > right["start"])).to_numpy()
    lifted = loops.drop(columns=["centroid1", "centroid2"], errors="ignore")
    for name in place:
        lifted[name] = np.where(swapped, right[name], left[name])
        lifted[f"{name}2"] = np.where(swapped, left[name], right[name])
    reason = why_left.where(why_left != "", why_right)
    kept = (reason == "").to_numpy()
    lost = loops[~kept].assign(reason=reason[~kept]).reset_index(drop=True)
    return Lifted(lifted[kept].reset_index(drop=True), len(loops), int((~kept).sum()), lost)


def _lift(
    table: pd.DataFrame, index: _Index, max_width_change: float, positions: Sequence[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """All rows with new places (0 where there is none), and why each was lost ("" = it was not)."""
    first = index.find(table["chrom"], table["start"])
    last = index.find(table["chrom"], table["end"] - 1)
    start = np.minimum(first.position, last.position)
    end = np.maximum(first.position, last.position) + 1
    width = (table["end"] - table["start"]).to_numpy()
    reason = np.select(
        [
            (first.chain < 0) | (last.chain < 0),
            first.chain != last.chain,
            np.abs((end - start) - width) > max_width_change * width,
        ],
        [UNMAPPED, SPLIT, WIDTH],
        "",
    )
    lifted = table.assign(chrom=first.chrom, start=start, end=end)
    if "strand" in table:
        flipped = table["strand"].map(_FLIPPED).fillna(table["strand"])
        lifted["strand"] = table["strand"].where(~first.is_reverse, flipped)
    for column in positions:
        if column in table:
            point = index.find(table["chrom"], table[column].fillna(-1))
            lifted[column] = np.where(point.chain == first.chain, point.position, np.nan)
    return lifted, pd.Series(reason, index=table.index)


@dataclass(frozen=True)
class _Lifted:
    """Where N positions went. chrom: (N,) text; position: (N,) int64; chain: (N,) int64, -1 = nowhere; is_reverse."""

    chrom: np.ndarray
    position: np.ndarray
    chain: np.ndarray
    is_reverse: np.ndarray


class _Index:
    """Blocks of the chromosomes both assemblies have, without overlap on the source, ready for searching."""

    def __init__(self, chain: Chain, source: Assembly, target: Assembly) -> None:
        source_names = _names_on(source, chain.source_sizes, f"{chain.name}, source")
        target_names = _names_on(target, chain.target_sizes, f"{chain.name}, target")
        blocks = chain.blocks.assign(
            source_chrom=chain.blocks["source_chrom"].map(source_names).astype(object),
            target_chrom=chain.blocks["target_chrom"].map(target_names).astype(object),
        )
        blocks = blocks[blocks["source_chrom"].notna() & blocks["target_chrom"].notna()]
        if blocks.empty:
            raise BadInput(f"{chain.name} has no block between {source.name} and {target.name}")
        self._of: dict[str, dict[str, np.ndarray]] = {
            str(chrom): _flattened(part) for chrom, part in blocks.groupby("source_chrom", observed=True)
        }

    def find(self, chrom: pd.Series, position: pd.Series) -> _Lifted:
        """Where each position goes."""
        n = len(chrom)
        found = _Lifted(
            np.full(n, "", dtype=object), np.zeros(n, dtype=np.int64), np.full(n, -1), np.zeros(n, dtype=bool)
        )
        wanted = position.to_numpy().astype(np.int64)
        for name, rows in chrom.reset_index(drop=True).groupby(chrom.to_numpy()).groups.items():
            if str(name) not in self._of:
                continue
            blocks, at = self._of[str(name)], np.asarray(rows)
            block = np.searchsorted(blocks["start"], wanted[at], side="right") - 1
            inside = (block >= 0) & (wanted[at] < blocks["end"][block])
            at, block = at[inside], block[inside]
            into = wanted[at] - blocks["source_start"][block]
            reverse = blocks["is_reverse"][block]
            into = np.where(reverse, blocks["size"][block] - 1 - into, into)
            found.chrom[at] = blocks["target_chrom"][block]
            found.position[at] = blocks["target_start"][block] + into
            found.chain[at] = blocks["chain"][block]
            found.is_reverse[at] = reverse
        return found


def _names_on(assembly: Assembly, sizes: Mapping[str, int], source: str) -> dict[str, str]:
    """The file's chromosome names -> the assembly's; a mitochondrion of another sequence is left out.

    Raises:
      WrongAssembly: a chromosome has another length. UnknownName: no chromosome is shared.
    """
    check_sizes(sizes, assembly, source=source)
    names = {theirs: ours for ours, theirs in file_names(assembly, sizes).items()}
    return {theirs: ours for theirs, ours in names.items() if sizes[theirs] == assembly.chrom_sizes[ours]}


def _flattened(blocks: pd.DataFrame) -> dict[str, np.ndarray]:
    """Stretches sorted by `start`, each with the highest-scoring block that covers it."""
    blocks = blocks.sort_values("score", kind="stable")
    starts = blocks["source_start"].to_numpy()
    ends = starts + blocks["size"].to_numpy()
    edges = np.unique(np.concatenate([starts, ends]))
    owner = np.full(len(edges) - 1, -1)
    first, last = np.searchsorted(edges, starts), np.searchsorted(edges, ends)
    for block, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        owner[low:high] = block  # ascending score: the best one writes last
    covered = owner >= 0
    columns: dict[str, Any] = {name: blocks[name].to_numpy()[owner[covered]] for name in blocks}
    columns["target_chrom"] = columns["target_chrom"].astype(object)
    return {**columns, "start": edges[:-1][covered], "end": edges[1:][covered]}
