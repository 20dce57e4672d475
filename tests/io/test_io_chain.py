"""Lift-over: a hand-made chain whose answers are known, and the real one both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import BadFile, WrongAssembly
from cre_core.genome import HG19, HG38, Assembly
from cre_core.io.chain import lift_over, lift_over_loops, read_chain

OLD = Assembly("old", {"chr1": 1000, "chr2": 500})
NEW = Assembly("new", {"chr1": 1100, "chr2": 600})
# Chain 1: chr1 100-200 -> 150-250, gap of 10 in old and 30 in new, chr1 210-300 -> 280-370.
# Chain 2: chr1 400-500 -> chr2 on the - strand from its base 50 counted from the end: new chr2 450-550.
# Chain 3: low score, over part of chain 1's image (chr2 0-50 -> chr1 200-250), which matters when inverted.
CHAIN = """#comment
chain 900 chr1 1000 + 100 300 chr1 1100 + 150 370 1
100 10 30
90

chain 800 chr1 1000 + 400 500 chr2 600 - 50 150 2
100

chain 5 chr2 500 + 0 50 chr1 1100 + 200 250 3
50
"""


@pytest.fixture
def chain_path(tmp_path: Path) -> Path:
    path = tmp_path / "oldToNew.over.chain"
    path.write_text(CHAIN)
    return path


def _places(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["chrom", "start", "end"])


def test_plus_and_minus_strand_known_answers(chain_path: Path) -> None:
    table = _places(("chr1", 100, 110), ("chr1", 290, 300), ("chr1", 400, 410), ("chr1", 420, 500))
    table = table.assign(strand=["+", "-", "+", "."], summit=[105.0, np.nan, 400.0, 499.0], keep=[1, 2, 3, 4])
    lifted = lift_over(table, read_chain(chain_path), source=OLD, target=NEW)
    assert lifted.n_lost == 0
    got = lifted.table
    assert got["chrom"].tolist() == ["chr1", "chr1", "chr2", "chr2"]
    # - strand: old base 400 is the 50th from the end of 600, so new base 549; old 499 is new base 450.
    assert got["start"].tolist() == [150, 360, 540, 450]
    assert got["end"].tolist() == [160, 370, 550, 530]
    assert got["strand"].tolist() == ["+", "-", "-", "."]
    np.testing.assert_array_equal(got["summit"], [155, np.nan, 549, 450])
    assert got["keep"].tolist() == [1, 2, 3, 4]


def test_every_loss_has_its_reason(chain_path: Path) -> None:
    table = _places(("chr1", 0, 10), ("chr1", 195, 205), ("chr1", 190, 410), ("chr1", 190, 220), ("chr1", 100, 300))
    lifted = lift_over(table, read_chain(chain_path), source=OLD, target=NEW)
    assert lifted.table[["start", "end"]].to_numpy().tolist() == [[150, 370]]  # 200 -> 220 bases: 10 % is allowed
    assert (lifted.n_in, lifted.n_lost) == (5, 4)
    assert lifted.lost["reason"].tolist() == ["unmapped", "unmapped", "split", "width changed"]
    assert lifted.lost["start"].tolist() == [0, 195, 190, 190]
    assert lifted.reasons == {"unmapped": 2, "split": 1, "width changed": 1}
    strict = lift_over(table, read_chain(chain_path), source=OLD, target=NEW, max_width_change=0.05)
    assert strict.n_lost == 5


def test_inverted_chain_gives_the_way_back_and_prefers_the_better_chain(chain_path: Path) -> None:
    back = read_chain(chain_path).inverted()
    table = _places(("chr1", 150, 160), ("chr1", 210, 220), ("chr2", 540, 550), ("chr2", 450, 530))
    lifted = lift_over(table, back, source=NEW, target=OLD)
    assert lifted.table["chrom"].tolist() == ["chr1"] * 4
    assert lifted.table["start"].tolist() == [100, 160, 400, 420]  # 210: chain 1, not the low-scoring chain 3
    assert lifted.table["end"].tolist() == [110, 170, 410, 500]


def test_loops_need_both_anchors_and_stay_ordered(chain_path: Path) -> None:
    loops = pd.DataFrame(
        [("chr1", 400, 410, "chr1", 480, 490), ("chr1", 100, 110, "chr1", 0, 10)],
        columns=["chrom", "start", "end", "chrom2", "start2", "end2"],
    ).assign(score=[1.0, 2.0])
    lifted = lift_over_loops(loops, read_chain(chain_path), source=OLD, target=NEW)
    # The - strand turns the loop round: 480-490 -> 460-470 comes first.
    assert lifted.table.iloc[0].tolist() == ["chr2", 460, 470, "chr2", 540, 550, 1.0]
    assert lifted.lost["reason"].tolist() == ["unmapped"]
    assert (lifted.n_in, lifted.n_lost) == (2, 1)


def test_a_chain_the_wrong_way_round_is_refused(chain_path: Path) -> None:
    with pytest.raises(WrongAssembly, match=r"oldToNew\.over\.chain, source.* chr1 has 1,100 bases, old has 1,000"):
        lift_over(_places(("chr1", 1, 2)), read_chain(chain_path).inverted(), source=OLD, target=NEW)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "is not a chain file"),
        ("chain 900 chr1 1000 + 100 300 chr1 1100 + 150 370 1\n100 10 30\n", "is truncated or not a chain file"),
        ("chain 900 chr1 1000 + 100\n", "is truncated or not a chain file"),
    ],
)
def test_broken_chain_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.chain"
    path.write_text(text)
    with pytest.raises(BadFile, match=message):
        read_chain(path)


@pytest.mark.shared_data
def test_real_chain_both_ways(shared_data: Path) -> None:
    to_hg19 = read_chain(shared_data / "liftover" / "hg38ToHg19.over.chain")
    to_hg38 = to_hg19.inverted()
    klf1 = _places(("chr19", 12_998_016, 12_998_017))  # KLF1's TSS, hg19 chr19:12,998,017
    at_hg38 = lift_over(klf1, to_hg38, source=HG19, target=HG38).table
    assert at_hg38.iloc[0].tolist() == ["chr19", 12_887_202, 12_887_203]

    generator = np.random.default_rng(0)
    n = 5_000
    chroms = generator.choice([f"chr{i}" for i in range(1, 23)], n)
    starts = generator.integers(10_000, 30_000_000, n)
    table = _places(*zip(chroms, starts, starts + 150, strict=True)).assign(row=np.arange(n))
    there = lift_over(table, to_hg19, source=HG38, target=HG19)
    back = lift_over(there.table, to_hg38, source=HG19, target=HG38)
    # The file covers each hg38 base once, so hg19 -> hg38 -> hg19 must be the identity.
    again = lift_over(back.table, to_hg19, source=HG38, target=HG19)
    pd.testing.assert_frame_equal(again.table, there.table)
    # The other way round, of two hg38 places with one hg19 image only one can come back.
    assert len(back.table.merge(table, on=["row", "chrom", "start", "end"])) > 0.99 * len(back.table)
    assert back.n_lost == 0
