"""Contacts of one chromosome as text: two bin starts in bp and a count on every line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cre_core.errors import BadFile, BadInput
from cre_core.genome import Assembly
from cre_core.io.text import bytes_of, data_lines, first_fields, numbers, parse_table


def read_triplets(path: Path, *, assembly: Assembly, chrom: str, resolution_bp: int) -> pd.DataFrame:
    """Read the contacts of one chromosome: two bin starts in bp and a count, plain or .gz.

    A file may hold one half of the map or both; a pair of bins that stands in both counts once.

    Returns:
      bin1_id <= bin2_id (counted from the chromosome's start) and count (float64), each pair once.

    Raises:
      BadFile: not three columns of numbers. BadInput: off the grid, past the chromosome's end, a count below 0, or a
        pair with two counts.
    """
    content = data_lines(bytes_of(path))
    fields, separator = first_fields(content)
    if len(fields) != 3:
        raise BadFile(f"{path.name} has {len(fields)} columns; wanted bin start, bin start, count")
    columns = ["first", "second", "count"]
    table = numbers(parse_table(content, columns, separator=separator, path=path), columns, source=path.name)
    _check_triplets(table, path, assembly, chrom, resolution_bp)
    bins = (table[["first", "second"]].to_numpy() // resolution_bp).astype(np.int64)
    pairs = pd.DataFrame({"bin1_id": bins.min(axis=1), "bin2_id": bins.max(axis=1), "count": table["count"]})
    return _each_pair_once(pairs, bins[:, 0] > bins[:, 1], path)


def _check_triplets(table: pd.DataFrame, path: Path, assembly: Assembly, chrom: str, resolution_bp: int) -> None:
    starts = table[["first", "second"]]
    off_grid = (((starts % resolution_bp) != 0) | starts.isna()).any(axis=1).to_numpy()
    if off_grid.any():
        raise BadInput(
            f"{path.name}: row {table.index[int(np.argmax(off_grid))]} is not on a grid of {resolution_bp:,} bp"
        )
    size = assembly.size(chrom)
    if (starts >= size).any(axis=None) or (starts < 0).any(axis=None):
        raise BadInput(
            f"{path.name}: bins up to {int(starts.max(axis=None)):,} are past the end of {assembly.chrom(chrom)} "
            f"({assembly.name}, {size:,} bases)"
        )
    odd = ~(table["count"] >= 0).to_numpy()
    if odd.any():
        row = int(np.argmax(odd))
        raise BadInput(
            f"{path.name}: row {table.index[row]} has {table['count'].iloc[row]:g} contacts; wanted 0 or more"
        )


def _each_pair_once(pairs: pd.DataFrame, is_lower: np.ndarray, path: Path) -> pd.DataFrame:
    repeated = pairs.duplicated(["bin1_id", "bin2_id"], keep=False).to_numpy()
    if repeated.any():
        groups = pairs.assign(is_lower=is_lower)[repeated].groupby(["bin1_id", "bin2_id"])
        is_mirror = (groups["is_lower"].transform("sum") == 1) & (groups["count"].transform("size") == 2)
        odd = ~(is_mirror & (groups["count"].transform("nunique") == 1)).to_numpy()
        if odd.any():
            row = pairs.index[repeated][int(np.argmax(odd))]
            raise BadInput(
                f"{path.name}: the bins of row {row} stand there again; wanted each pair once, or both halves"
            )
    return pairs.drop_duplicates(["bin1_id", "bin2_id"], ignore_index=True)
