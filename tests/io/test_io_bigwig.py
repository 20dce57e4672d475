"""bigWig: written and read back, gaps kept, and every bad file in one line."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cre_core.errors import BadFile, BadInput, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38, Assembly, Locus
from cre_core.io import bigwig
from cre_core.io.bigwig import BigWig, bin_signal, write_bigwig

SIM = Assembly("sim", {"sim1": 3000, "sim2": 500})
NAN = np.nan


@pytest.fixture
def values() -> np.ndarray:
    signal = np.full(3000, NAN, dtype=np.float32)
    signal[100:200] = 2
    signal[200:300] = 0  # measured, and nothing there
    signal[300:310] = np.arange(10)
    return signal


@pytest.fixture
def path(tmp_path: Path, values: np.ndarray) -> Path:
    write_bigwig(tmp_path / "a.bw", SIM.chrom_sizes, {"sim1": values})
    return tmp_path / "a.bw"


def test_values_come_back_with_their_gaps(path: Path, values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    with BigWig(path, assembly=SIM) as track:
        got = track.values(Locus("sim1", 0, 3000))
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, values)
        monkeypatch.setattr(bigwig, "_CHUNK_BP", 7)  # many pieces give the same
        np.testing.assert_array_equal(track.values(Locus("sim1", 95, 312)), values[95:312])
        assert track.chroms == ("sim1", "sim2")
        assert np.isnan(track.values(Locus("sim2", 0, 9))).all()  # in the header, without data


def test_bins_ignore_gaps_and_the_last_may_be_narrow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with BigWig(path, assembly=SIM) as track:
        for chunk in (1 << 20, 50, 120):
            monkeypatch.setattr(bigwig, "_CHUNK_BP", chunk)
            mean, top = track.binned(Locus("sim1", 50, 250), 50)
            np.testing.assert_array_equal(mean, [NAN, 2, 2, 0])
            mean, top = track.binned(Locus("sim1", 300, 390), 50)
            np.testing.assert_array_equal(mean, [4.5, NAN])  # 0..9 in ten bases, then nothing
            np.testing.assert_array_equal(top, [9, NAN])
        with pytest.raises(BadInput, match="bins of 0 bases"):
            track.binned(Locus("sim1", 0, 10), 0)


def test_intervals_are_written_too(tmp_path: Path) -> None:
    intervals = (np.array([10, 30]), np.array([20, 40]), np.array([1.5, -2.0]))
    write_bigwig(tmp_path / "b.bw", SIM.chrom_sizes, {"sim2": intervals})
    got = BigWig(tmp_path / "b.bw", assembly=SIM).values(Locus("sim2", 9, 41))
    np.testing.assert_array_equal(got, [NAN, *[1.5] * 10, *[NAN] * 10, *[-2] * 10, NAN])


def test_bin_signal_by_hand() -> None:
    signal = np.array([1, 3, NAN, 5, NAN, NAN], dtype=np.float32)
    got = bin_signal(signal, 2)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [2, 5, NAN])
    with pytest.raises(BadInput, match="bins of 4 bases do not divide 6 bases"):
        bin_signal(signal, 4)
    with pytest.raises(BadInput, match=r"signal has shape \(2, 3\); wanted \(length,\)"):
        bin_signal(signal.reshape(2, 3), 1)


def test_a_chromosome_that_is_not_there_is_no_silence(tmp_path: Path) -> None:
    write_bigwig(tmp_path / "a.bw", {"sim1": 3000}, {"sim1": np.ones(9)})
    with BigWig(tmp_path / "a.bw", assembly=SIM) as track:
        with pytest.raises(UnknownName, match=r"^a\.bw has no chromosome sim2; it has sim1$"):
            track.values(Locus("sim2", 0, 10))
        with pytest.raises(BadInput, match=r"sim1 has .* bases in .*; .* lies beyond"):
            track.values(Locus("sim1", 2990, 3001))


def test_bigwig_of_another_assembly(tmp_path: Path) -> None:
    write_bigwig(tmp_path / "old.bw", {"1": HG19.chrom_sizes["chr1"]}, {"1": np.ones(10)})
    with pytest.raises(
        WrongAssembly, match=r"old\.bw looks like hg19: chr1 has 249,250,621 bases, hg38 has 248,956,422"
    ):
        BigWig(tmp_path / "old.bw", assembly=HG38)
    assert BigWig(tmp_path / "old.bw", assembly=HG19).values(Locus("chr1", 0, 3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_truncated_bigwig(path: Path, tmp_path: Path, fraction: float) -> None:
    content = path.read_bytes()
    cut = tmp_path / "cut.bw"
    cut.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(BadFile, match=r"^cut\.bw is truncated: its [\d,]+ bytes end before its index does$"):
        BigWig(cut, assembly=SIM)


def _changed(path: Path, tmp_path: Path, at: int, value: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    (tmp_path / "odd.bw").write_bytes(content)
    return tmp_path / "odd.bw"


def _offset(path: Path, at: int) -> int:
    return int.from_bytes(path.read_bytes()[at : at + 8], "little")


def test_an_index_that_leads_back_to_itself_is_refused(path: Path, tmp_path: Path) -> None:
    root = _offset(path, 24) + 48  # the header's offset of the data index; its root follows 48 bytes
    node = bytes([0, 0]) + (1).to_bytes(2, "little") + bytes(16) + root.to_bytes(8, "little")
    with pytest.raises(BadFile, match=r"^odd\.bw is broken: an index that leads back to itself cannot be$"):
        BigWig(_changed(path, tmp_path, root, node), assembly=SIM)


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        (lambda path: 8, (1 << 60).to_bytes(8, "little"), "is truncated"),  # chromosomes past the end
        (lambda path: 24, b"\xff" * 8, "is truncated"),  # index past what any file has
        (lambda path: 6, b"\xff\xff", "its header cannot be"),  # 65,535 zoom levels
        (lambda path: 52, b"\xff" * 4, "its header cannot be"),  # blocks of 4 GB
        (lambda path: _offset(path, 8), b"abcd", "its list of chromosomes cannot be"),
        (lambda path: _offset(path, 8) + 8, b"\xff" * 4, "its list of chromosomes cannot be"),  # names of 4 GB
        (lambda path: _offset(path, 8) + 16, b"\x09", "its list of chromosomes cannot be"),  # nine of two
        (lambda path: _offset(path, 8) + 36, b"\xff\n", "a name in its list of chromosomes cannot be"),
        (lambda path: _offset(path, 24) + 52, b"\x09", "its index cannot be"),  # data of chromosome nine
        (lambda path: _offset(path, 24) + 68, b"\xff" * 6, "is truncated"),  # data past the end
    ],
)
def test_offsets_and_numbers_that_cannot_be(
    path: Path, tmp_path: Path, where: Callable[[Path], int], value: bytes, says: str
) -> None:
    with pytest.raises(BadFile, match=says):
        BigWig(_changed(path, tmp_path, where(path), value), assembly=SIM)


def test_broken_data_are_said_when_they_are_read(path: Path, tmp_path: Path) -> None:
    data = _offset(path, 16) + 8
    with (
        BigWig(_changed(path, tmp_path, data + 4, b"\0\0\0\0"), assembly=SIM) as track,
        pytest.raises(BadFile, match=r"^odd\.bw cannot be read at sim1:1-3,000: its data are broken$"),
    ):
        track.values(Locus("sim1", 0, 3000))


def test_an_infinite_value_is_no_signal(path: Path) -> None:
    with BigWig(path, assembly=SIM) as track:
        library = track._file  # which cannot write such a file; other programs can
        track._file = SimpleNamespace(values=lambda *_, **__: np.array([1.0, np.inf, 2.0]), close=library.close)
        with pytest.raises(BadFile, match=r"^a\.bw holds an infinite value in sim1:1-3; wanted numbers$"):
            track.values(Locus("sim1", 0, 3))


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"cannot read .*none\.bw: No such file"):
        BigWig(tmp_path / "none.bw", assembly=SIM)
    (tmp_path / "text.bw").write_text("chr1\t1\t2\n")
    with pytest.raises(BadFile, match=r"^text\.bw is not a bigWig$"):
        BigWig(tmp_path / "text.bw", assembly=SIM)
    (tmp_path / "beds.bw").write_bytes((0x8789F2EB).to_bytes(4, "little") + bytes(100))
    with pytest.raises(BadFile, match="is a bigBed; wanted a bigWig"):
        BigWig(tmp_path / "beds.bw", assembly=SIM)


def test_bad_signal_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.bw"
    with pytest.raises(BadInput, match="signal on sim3, which is not among the 2 chromosomes"):
        write_bigwig(path, SIM.chrom_sizes, {"sim3": np.ones(3)})
    with pytest.raises(BadInput, match="signal on sim2 is not sorted and apart within 0-500"):
        write_bigwig(path, SIM.chrom_sizes, {"sim2": np.ones(501)})
    with pytest.raises(BadInput, match="no base has a value to write"):
        write_bigwig(path, SIM.chrom_sizes, {"sim2": np.full(5, NAN)})
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path.read_bytes()

    def full(target: Path, *_: object) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bigwig, "_write", full)
    with pytest.raises(BadFile, match=r"^cannot write .*a\.bw: No space left on device$"):
        write_bigwig(path, SIM.chrom_sizes, {"sim1": np.ones(5)})
    assert path.read_bytes() == old
    assert [one.name for one in path.parent.iterdir()] == ["a.bw"]


@pytest.mark.shared_data
def test_real_files(shared_data: Path) -> None:
    with BigWig(shared_data / "deepdetails_chr22" / "acc.K562.chr22.bw", assembly=HG38) as track:
        locus = Locus("chr22", 37_200_000, 37_300_000)
        mean, top = track.binned(locus, 1000)
        bases = track.values(locus).reshape(100, 1000)
        some = ~np.isnan(bases).all(axis=1)
        assert 10 < some.sum() < 100
        np.testing.assert_allclose(mean[some], np.nanmean(bases[some], axis=1), rtol=1e-6)
        np.testing.assert_array_equal(top[some], np.nanmax(bases[some], axis=1))
        assert np.isnan(mean[~some]).all()
    folder = shared_data / "coolbox_chr9_hg19"  # some headers say hg19, some hg38
    with pytest.raises(WrongAssembly, match="looks like hg19: chr9 has 141,213,431"):
        BigWig(folder / "bigwig_chr9_4000000_6000000_K562_RNA.bigwig", assembly=HG38)
    with pytest.raises(WrongAssembly, match="looks like hg38: chr9 has 138,394,717"):
        BigWig(folder / "bigwig_chr9_4000000_6000000_K562_H3K4me3.bigwig", assembly=HG19)
