"""What lies closest, against a loop over all pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import NotAvailable
from cre_core.io.bedtools import bp_to_closest


def places(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def test_by_hand() -> None:
    """Shared base, touching, one base between, the nearer of two sides, another chromosome alone."""
    asked = places(("chr2", 50, 60), ("chr1", 10, 20), ("chr1", 30, 40), ("chr1", 51, 60), ("chr10", 1, 2))
    others = places(("chr1", 15, 16), ("chr1", 49, 50), ("chr2", 40, 50), ("chrX", 1, 2))
    assert bp_to_closest(asked, others).tolist() == [1, 0, 10, 2, np.inf]


def test_against_every_pair() -> None:
    draw = np.random.default_rng(5)
    chroms = np.array(["chr1", "chr2", "chr10"])
    start, width = draw.integers(0, 9_000, 200), draw.integers(1, 300, 200)
    asked = pd.DataFrame({"chrom": chroms[draw.integers(0, 3, 200)], "start": start, "end": start + width})
    tss = draw.integers(0, 9_000, 40)
    others = pd.DataFrame({"chrom": chroms[draw.integers(0, 2, 40)], "start": tss, "end": tss + 1})

    def slowly(chrom: str, start: int, end: int) -> float:
        there = others.loc[others["chrom"] == chrom, "start"]
        return min((max(0, start - at, at - (end - 1)) for at in there), default=np.inf)

    wanted = [slowly(*row) for row in asked.itertuples(index=False)]
    np.testing.assert_array_equal(bp_to_closest(asked, others), wanted)


def test_nothing_to_compare_with() -> None:
    assert bp_to_closest(places(("chr1", 1, 2)), places()).tolist() == [np.inf]
    assert len(bp_to_closest(places(), places(("chr1", 1, 2)))) == 0


def test_without_the_program_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotAvailable, match=r"^there is no bedtools here, .*install it \(Debian: bedtools\)$"):
        bp_to_closest(places(("chr1", 1, 2)), places(("chr1", 5, 6)))
