"""Contact maps of every kind: symmetry, NaN for masked bins, normalisations by name, bad files."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import BadFile, BadInput, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38, Assembly, Locus
from cre_core.io import contacts
from cre_core.io.contacts import RAW, open_contacts, write_cool

SIM = Assembly("sim", {"sim1": 1000, "sim2": 450})
PIXELS = pd.DataFrame({"bin1_id": [1, 0, 0, 10], "bin2_id": [1, 1, 0, 12], "count": [3.0, 2.0, 1.5, 4.0]})
WEIGHT = np.r_[np.nan, np.full(14, 2.0)]  # 10 bins of sim1, 5 of sim2; the first is masked


@pytest.mark.parametrize("name", ["a.cool", "a.mcool"])
def test_cool_round_trip(tmp_path: Path, name: str) -> None:
    write_cool(tmp_path / name, SIM.chrom_sizes, 100, PIXELS, weight=WEIGHT)
    reader = open_contacts(tmp_path / name, assembly=SIM)
    assert reader.resolutions_bp == (100,)
    assert reader.normalisations(100) == (RAW, "weight")
    raw = reader.matrix(Locus("sim1", 0, 201), 100)
    assert raw.dtype == np.float32
    np.testing.assert_array_equal(raw, [[1.5, 2, 0], [2, 3, 0], [0, 0, 0]])
    balanced = reader.matrix(Locus("sim1", 0, 201), 100, "weight")
    np.testing.assert_array_equal(balanced, [[np.nan] * 3, [np.nan, 12, 0], [np.nan, 0, 0]])
    far = reader.matrix(Locus("sim2", 0, 450), 100, "weight")
    assert far.shape == (5, 5)
    assert far[0, 2] == far[2, 0] == 16


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    write_cool(tmp_path / "a.cool", {"sim1": 1000}, 100, PIXELS[:3])
    reader = open_contacts(tmp_path / "a.cool", assembly=SIM)
    with pytest.raises(UnknownName, match=r"a\.cool has no bins of 5,000 bp; it has 100"):
        reader.matrix(Locus("sim1", 0, 100), 5000)
    with pytest.raises(UnknownName, match=r"has no normalisation 'KR'; it has none \(raw\)"):
        reader.matrix(Locus("sim1", 0, 100), 100, "KR")
    with pytest.raises(UnknownName, match="has no chromosome sim2; it has sim1"):
        reader.matrix(Locus("sim2", 0, 100), 100)
    with pytest.raises(BadInput, match=r"sim1 has 1,000 bases in sim; .* lies beyond"):
        reader.matrix(Locus("sim1", 0, 1001), 100)
    with pytest.raises(WrongAssembly, match="sim1 has 1,000 bases, other has 900"):
        open_contacts(tmp_path / "a.cool", assembly=Assembly("other", {"sim1": 900}))


def test_bad_pixels_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="pixels are not within 0 <= bin1_id <= bin2_id < 15"):
        write_cool(tmp_path / "a.cool", SIM.chrom_sizes, 100, PIXELS.assign(bin2_id=[0, 1, 1, 12]))
    with pytest.raises(BadInput, match="3 weights for 15 bins"):
        write_cool(tmp_path / "a.cool", SIM.chrom_sizes, 100, PIXELS, weight=np.ones(3))
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(uri: str, *_: object, **__: object) -> None:
        Path(uri).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(contacts.cooler, "create_cooler", full)
    with pytest.raises(BadFile, match=r"^cannot write .*a\.cool: No space left on device$"):
        write_cool(tmp_path / "a.cool", SIM.chrom_sizes, 100, PIXELS)
    assert list(tmp_path.iterdir()) == []


def test_triplets_with_absent_bins(tmp_path: Path) -> None:
    path = tmp_path / "raw.txt"
    path.write_text("0\t0\t5\n200\t0\t2.0\n200\t200\t1\n")
    reader = open_contacts(path, assembly=SIM, chrom="sim1", resolution_bp=100)
    assert reader.normalisations(100) == (RAW,)
    nan = np.nan
    # Bin 1 has no contact anywhere: no data. Bins 0 and 2 were measured.
    np.testing.assert_array_equal(reader.matrix(Locus("sim1", 50, 300), 100), [[5, nan, 2], [nan] * 3, [2, nan, 1]])
    with pytest.raises(UnknownName, match="has no chromosome sim2; it has sim1"):
        reader.matrix(Locus("sim2", 0, 100), 100)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("0\t50\t1\n", BadInput, "row 0 is not on a grid of 100 bp"),
        ("0\t1000\t1\n", BadInput, r"bins up to 1,000 are past the end of sim1 \(sim, 1,000 bases\)"),
        ("0\t100\n", BadFile, "has 2 columns; wanted bin start, bin start, count"),
        ("0\t100\tmany\n", BadFile, "column count holds 'many' in row 0"),
    ],
)
def test_bad_triplets(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "raw.txt"
    path.write_text(text)
    with pytest.raises(error, match=message):
        open_contacts(path, assembly=SIM, chrom="sim1", resolution_bp=100)


def test_foreign_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"cannot read .*none: No such file"):
        open_contacts(tmp_path / "none", assembly=SIM)
    (tmp_path / "x.txt").write_text("0\t0\t1\n")
    with pytest.raises(BadInput, match="triplets need chrom and resolution_bp"):
        open_contacts(tmp_path / "x.txt", assembly=SIM)
    (tmp_path / "x.hic").write_bytes(b"HIC\0" + bytes(100))
    with pytest.raises(BadFile, match=r"x\.hic is broken or not a \.hic"):
        open_contacts(tmp_path / "x.hic", assembly=SIM)
    write_cool(tmp_path / "a.cool", SIM.chrom_sizes, 100, PIXELS)
    (tmp_path / "cut.cool").write_bytes((tmp_path / "a.cool").read_bytes()[:9000])
    with pytest.raises(BadFile, match=r"cut\.cool is broken or not a cooler"):
        open_contacts(tmp_path / "cut.cool", assembly=SIM)


@pytest.mark.shared_data
def test_real_hic(shared_data: Path) -> None:
    path = shared_data / "plotgardener_chr21_hg19" / "test_chr22.hic"
    reader = open_contacts(path, assembly=HG19)
    assert reader.resolutions_bp == (100_000, 2_500_000)
    assert reader.normalisations(100_000) == (RAW, "KR", "SCALE", "VC", "VC_SQRT")
    raw = reader.matrix(Locus("chr22", 20_000_000, 25_000_000), 100_000)
    assert raw.shape == (50, 50)
    np.testing.assert_array_equal(raw, raw.T)
    whole = Locus("chr22", 16_000_000, HG19.chrom_sizes["chr22"])
    kr = reader.matrix(whole, 100_000, "KR")
    masked = np.isnan(kr).all(axis=1)
    assert 0 < masked.sum() < 10
    assert np.isfinite(kr[~masked][:, ~masked]).all()
    assert reader.matrix(whole, 100_000)[masked].sum() == 0  # masked bins are those without contacts
    with pytest.raises(WrongAssembly, match="looks like hg19"):
        open_contacts(path, assembly=HG38)


@pytest.mark.shared_data
def test_real_triplets(shared_data: Path) -> None:
    path = shared_data / "abc_hic_chr22" / "chr22.RAWobserved.gz"
    reader = open_contacts(path, assembly=HG38, chrom="22", resolution_bp=5000)
    # The file's first rows: 10660000 10660000 2.0; 10660000 10665000 2.0; 10665000 10665000 1.0.
    corner = reader.matrix(Locus("chr22", 10_660_000, 10_670_000), 5000)
    np.testing.assert_array_equal(corner, [[2, 2], [2, 1]])
    assert np.isnan(reader.matrix(Locus("chr22", 0, 100_000), 5000)).all()  # before the centromere
