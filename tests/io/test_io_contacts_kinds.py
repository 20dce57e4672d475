"""Contact maps as programs write them: which columns are weights, which cell, and no contact counted twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cooler
import h5py
import numpy as np
import pandas as pd
import pytest
from cases import case

from cre_core.errors import BadFile, BadInput, CreError, UnknownName
from cre_core.genome import HG38, Assembly, Locus
from cre_core.io import hic
from cre_core.io.contacts import RAW, open_contacts, write_cool
from cre_core.io.cool_weights import divides
from cre_core.io.notes import listening

SIM = Assembly("sim", {"sim1": 1000})
ALL = Locus("sim1", 0, 300)
PIXELS = pd.DataFrame({"bin1_id": [0, 0, 1], "bin2_id": [0, 1, 2], "count": [4, 6, 8]})
COUNTS = np.array([[4, 6, 0], [6, 0, 8], [0, 8, 0]])


def _cool(tmp_path: Path, *columns: str, change: Callable[[h5py.File], None] = lambda file: None) -> Path:
    """A map of ten bins whose bin table has columns of 2.0."""
    path = tmp_path / "a.cool"
    write_cool(path, SIM.chrom_sizes, 100, PIXELS)
    with h5py.File(path, "r+") as file:
        for name in columns:
            file["bins"].create_dataset(name, data=np.full(10, 2.0))
        change(file)
    return path


def test_only_weights_are_offered(tmp_path: Path) -> None:
    path = _cool(tmp_path, "weight", "KR", "GW_SCALE", "cov_cis_raw", "cov_tot_weight", "GC", "E1", "n_sites")
    reader = open_contacts(path, assembly=SIM)
    assert set(reader.normalisations(100)) == {RAW, "weight", "KR", "GW_SCALE"}
    with pytest.raises(UnknownName, match="has no normalisation 'GC'"):
        reader.matrix(ALL, 100, "GC")


@pytest.mark.parametrize(
    "name",
    ["KR", "VC", "VC_SQRT", "SCALE", "INTER_KR", "INTER_VC", "INTER_SCALE", "GW_KR", "GW_VC", "GW_SCALE"],
)
def test_normalisations_of_juicer_divide(tmp_path: Path, name: str) -> None:
    matrix = open_contacts(_cool(tmp_path, name), assembly=SIM).matrix(ALL, 100, name)
    np.testing.assert_array_equal(matrix, COUNTS / 4)


@pytest.mark.parametrize("name", ["weight", "ICE", "INTER_ICE", "GW_ICE"])
def test_weights_of_cooler_multiply(tmp_path: Path, name: str) -> None:
    np.testing.assert_array_equal(
        open_contacts(_cool(tmp_path, name), assembly=SIM).matrix(ALL, 100, name), COUNTS * 4
    )


@pytest.mark.parametrize(("name", "says", "factor"), [("KR", False, 4), ("weight", True, 0.25), ("mine", True, 0.25)])
def test_the_attribute_decides_before_the_name(tmp_path: Path, name: str, says: bool, factor: float) -> None:
    path = _cool(tmp_path, name, change=lambda file: file["bins"][name].attrs.create("divisive_weights", says))
    matrix = open_contacts(path, assembly=SIM).matrix(ALL, 100, name)
    np.testing.assert_array_equal(matrix, COUNTS * factor)


def test_the_person_may_say_which(tmp_path: Path) -> None:
    path = _cool(tmp_path, "KR", "mine")
    reader = open_contacts(path, assembly=SIM, divisive={"KR": False, "mine": True})
    np.testing.assert_array_equal(reader.matrix(ALL, 100, "KR"), COUNTS * 4)
    np.testing.assert_array_equal(reader.matrix(ALL, 100, "mine"), COUNTS / 4)


def test_columns_of_cooler_balance_are_known_by_what_it_leaves() -> None:
    left = {"ignore_diags": 2, "mad_max": 5, "min_nnz": 10, "tol": 1e-5, "converged": True}
    assert divides("weight_cis", left) is False
    assert divides("weight_cis", {}) is None
    assert divides("E1", {"tol": 1}) is None


def test_bins_without_a_finite_weight_are_masked(tmp_path: Path) -> None:
    def odd(file: h5py.File) -> None:
        file["bins/KR"][:3] = (0.0, np.inf, 2.0)  # 1 / 0 is no factor, 1 / inf no contact

    matrix = open_contacts(_cool(tmp_path, "KR", change=odd), assembly=SIM).matrix(ALL, 100, "KR")
    assert np.isnan(matrix[0]).all()
    assert matrix[1, 2] == 0


def test_older_files_hold_bytes_and_say_no_storage_mode(tmp_path: Path) -> None:
    def older(file: h5py.File) -> None:
        file.attrs["format-version"] = 2
        file.attrs["format"] = np.bytes_("HDF5::Cooler")
        file.attrs["bin-type"] = np.bytes_("fixed")
        del file.attrs["storage-mode"]

    np.testing.assert_array_equal(open_contacts(_cool(tmp_path, change=older), assembly=SIM).matrix(ALL, 100), COUNTS)
    path = _cool(tmp_path, change=lambda file: file.attrs.create("storage-mode", np.bytes_("symmetric-upper")))
    np.testing.assert_array_equal(open_contacts(path, assembly=SIM).matrix(ALL, 100), COUNTS)


def _square(tmp_path: Path, first: list[int], second: list[int], count: list[int]) -> Path:
    bins = cooler.binnify(pd.Series(SIM.chrom_sizes), 100)
    pixels = pd.DataFrame({"bin1_id": first, "bin2_id": second, "count": count})
    path = str(tmp_path / "sq.cool")
    cooler.create_cooler(path, bins, pixels, ordered=True, symmetric_upper=False, triucheck=False)
    return tmp_path / "sq.cool"


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ([0, 0, 1, 1, 2], [0, 1, 0, 2, 1], [4, 6, 6, 8, 8]),  # both halves, the same
        ([0, 0, 1], [0, 1, 2], [4, 6, 8]),  # the upper half alone
        ([0, 1, 2], [0, 0, 1], [4, 6, 8]),  # the lower half alone
        ([0, 0, 1, 1, 2], [0, 1, 0, 2, 1], [4, 1, 5, 2, 6]),  # two directions
    ],
)
def test_square_storage_is_symmetric(tmp_path: Path, first: list[int], second: list[int], count: list[int]) -> None:
    with listening() as heard:
        reader = open_contacts(_square(tmp_path, first, second, count), assembly=SIM)
        np.testing.assert_array_equal(reader.matrix(ALL, 100), COUNTS)
    assert bool(heard) == (count == [4, 1, 5, 2, 6])  # only two directions need a word


def test_of_several_cells_one_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "cells.scool"
    bins = cooler.binnify(pd.Series(SIM.chrom_sizes), 100)
    cells = {"a": PIXELS, "b": PIXELS.assign(count=PIXELS["count"] * 2)}
    cooler.create_scool(str(path), bins, cells, ordered=True)
    with pytest.raises(BadInput, match=r"^cells\.scool holds 2 cells: a, b; wanted one map, or the name of a cell$"):
        open_contacts(path, assembly=SIM)
    with pytest.raises(UnknownName, match="has no cell 'c'; it has a, b"):
        open_contacts(path, assembly=SIM, cell="c")
    np.testing.assert_array_equal(open_contacts(path, assembly=SIM, cell="b").matrix(ALL, 100), COUNTS * 2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.__delitem__("pixels"), "is HDF5 without a cooler in it"),
        (lambda file: file.__delitem__("chroms/name"), "is broken or not a cooler"),
        (lambda file: file.attrs.__delitem__("bin-size"), "is broken or not a cooler"),
        (lambda file: file["pixels/count"].__setitem__(0, -4), "that are no counts; wanted 0 or more"),
        (lambda file: file["indexes/bin1_offset"].__setitem__(slice(None), 10**9), "its index does not fit"),
    ],
)
def test_broken_coolers_are_one_line(tmp_path: Path, change: Callable[[h5py.File], None], says: str) -> None:
    def read() -> None:
        open_contacts(_cool(tmp_path, change=change), assembly=SIM).matrix(ALL, 100)

    with pytest.raises(BadFile, match=says) as caught:
        read()
    assert "\n" not in str(caught.value)


def _triplets(tmp_path: Path, text: str) -> np.ndarray:
    (tmp_path / "raw.txt").write_text(text)
    return open_contacts(tmp_path / "raw.txt", assembly=SIM, chrom="sim1", resolution_bp=100).matrix(ALL, 100)


def test_triplets_with_both_halves_count_once(tmp_path: Path) -> None:
    upper = "0\t0\t4\n0\t100\t6\n100\t200\t8\n"
    lower = "0\t0\t4\n100\t0\t6\n200\t100\t8\n"
    both = upper + "100\t0\t6\n200\t100\t8\n"
    for text in (upper, lower, both, upper + "100\t0\t6\n"):
        np.testing.assert_array_equal(_triplets(tmp_path, text), COUNTS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0\t100\t6\n100\t0\t5\n", "the bins of row 0 stand there again; wanted each pair once, or both halves"),
        ("0\t100\t6\n0\t100\t6\n", "the bins of row 0 stand there again"),
        ("0\t0\t6\n0\t0\t6\n", "the bins of row 0 stand there again"),
        ("0\t100\t6\n0\t200\t-6\n", "row 1 has -6 contacts; wanted 0 or more"),
        ("0\t100\t6\n0\t200\t.\n", "row 1 has nan contacts; wanted 0 or more"),
        ("0\t100\tinf\n", "column count holds 'inf' in row 0; wanted a number"),
        ("inf\t100\t6\n", "column first holds 'inf' in row 0; wanted a number"),
        ("0\t100.5\t6\n", "row 0 is not on a grid of 100 bp"),
        ("0\t-100\t6\n", "bins up to 0 are past the end of sim1|starts before"),
    ],
)
def test_triplets_that_cannot_be(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CreError, match=says):
        _triplets(tmp_path, text)


def _die() -> None:
    import os

    os._exit(1)


def test_a_hic_that_ends_or_keeps_its_reader_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="the reading program ended"):
        hic._in_child(_die)
    monkeypatch.setattr(hic, "MOST_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="it was not read in 0 seconds"):
        hic._in_child(int)
    (tmp_path / "x.hic").write_bytes(b"HIC\0" + bytes(100))
    with pytest.raises(BadFile, match=r"^x\.hic is broken or not a \.hic$"):
        open_contacts(tmp_path / "x.hic", assembly=SIM)


def test_case_files_of_contacts() -> None:
    kr = open_contacts(case("62-kr-multiplicative.cool"), assembly=HG38)
    place = Locus("chr22", 10_000_000, 12_000_000)
    assert kr.matrix(place, 1_000_000)[0, 1] == 19
    assert kr.matrix(place, 1_000_000, "KR")[0, 1] == pytest.approx(15.195, abs=5e-4)
    square = open_contacts(case("63-square.cool"), assembly=HG38).matrix(
        Locus("chr22", 10_000_000, 13_000_000), 1_000_000
    )
    np.testing.assert_array_equal(square, [[0, 55, 7], [55, 0, 0], [7, 0, 0]])
    both = open_contacts(case("70-both.txt"), assembly=HG38, chrom="chr22", resolution_bp=5_000)
    place = Locus("chr22", 16_000_000, 16_010_000)
    np.testing.assert_array_equal(both.matrix(place, 5_000), [[9, 3], [3, 0]])
