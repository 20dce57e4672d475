"""Loops as matrices between places, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import make_toy_study

from cre_core.data.loops import ElementLoops
from cre_core.data.study import IntervalSet, Study, write_info
from cre_core.errors import BadInput, NotAvailable

LOOP = {"chrom": "chrA", "start": 100_000, "end": 105_000, "chrom2": "chrA", "start2": 300_000, "end2": 305_000}


def with_loops(folder: Path, *rows: dict[str, object], biosample: str = "all") -> Study:
    study = make_toy_study(folder)
    pd.DataFrame(list(rows)).to_parquet(study.folder / "loops.parquet")
    entry = IntervalSet("loops", "Loops", "loops", "hichip", biosample, "loops.parquet")
    write_info(study.folder, replace(study.info, intervals=(entry,)))
    return Study.open(study.folder)


def test_a_loop_joins_the_places_in_its_anchors(tmp_path: Path) -> None:
    loops = ElementLoops(with_loops(tmp_path / "s", LOOP), "ToyCell")
    found = loops("chrA", np.array([102_000, 200_000, 301_000, 304_999]))
    one = np.log10(2)  # a called loop without a count is one contact
    wanted = [[0, 0, one, one], [0, 0, 0, 0], [one, 0, 0, 0], [one, 0, 0, 0]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_counted_contacts_of_several_loops_add_up(tmp_path: Path) -> None:
    study = with_loops(tmp_path / "s", {**LOOP, "contacts": 6.0}, {**LOOP, "contacts": 3.0})
    found = ElementLoops(study, "ToyCell")("chrA", np.array([102_000, 302_000]))
    np.testing.assert_allclose(found, [[0, 1], [1, 0]], atol=1e-6)  # log10(1 + 9)


def test_a_place_beside_an_anchor_within_half_a_bin_belongs(tmp_path: Path) -> None:
    loops = ElementLoops(with_loops(tmp_path / "s", LOOP), "ToyCell")
    assert loops("chrA", np.array([97_500, 302_000]))[0, 1] > 0
    assert loops("chrA", np.array([97_499, 302_000]))[0, 1] == 0


def test_a_chromosome_without_loops_is_a_measured_zero(tmp_path: Path) -> None:
    loops = ElementLoops(with_loops(tmp_path / "s", LOOP), "ToyCell")
    assert (loops("chrB", np.array([1, 2])) == 0).all()


def test_no_loops_of_the_biosample(tmp_path: Path, toy_study: Study) -> None:
    with pytest.raises(NotAvailable, match="study toy has no loops of ToyCell, and this model reads them"):
        ElementLoops(toy_study, "ToyCell")
    other = with_loops(tmp_path / "s", LOOP, biosample="OtherCell")
    with pytest.raises(NotAvailable, match="study toy has no loops of ToyCell"):
        ElementLoops(other, "ToyCell")


def test_a_loop_between_chromosomes_or_outside_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"loops\.parquet holds a loop between chrA and chrB; wanted one each"):
        ElementLoops(with_loops(tmp_path / "a", {**LOOP, "chrom2": "chrB"}), "ToyCell")
    far = {**LOOP, "start2": 90_000_000, "end2": 90_005_000}
    with pytest.raises(BadInput, match=r"loops\.parquet holds a loop outside its chromosome: chrA:90000000-90005000"):
        ElementLoops(with_loops(tmp_path / "b", far), "ToyCell")
