"""Loops as matrices between places, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import make_toy_study

from cre_core.data.class_inputs import LoopCounts
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


def with_two_sets(folder: Path, first: tuple[str, str], second: tuple[str, str]) -> Study:
    """Two sets, given as (assay, biosample), of one loop each: from 100 kb to 300 kb, and from 100 kb to 400 kb."""
    study = with_loops(folder, LOOP)
    pd.DataFrame([{**LOOP, "start2": 400_000, "end2": 405_000}]).to_parquet(study.folder / "other.parquet")
    entries = (
        IntervalSet("loops", "Loops", "loops", *first, "loops.parquet"),
        IntervalSet("other", "Loops", "loops", *second, "other.parquet"),
    )
    write_info(study.folder, replace(study.info, intervals=entries))
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


@pytest.mark.parametrize(
    ("sets", "chosen"),
    [
        ((("hic", "all"), ("hichip", "ToyCell")), 1),
        ((("hichip", "ToyCell"), ("hic", "all")), 0),
        ((("hichip", "all"), ("hic", "ToyCell")), 1),
        ((("hic", "all"), ("hichip", "OtherCell")), 0),
        ((("hic", "ToyCell"), ("hichip", "ToyCell")), 1),
        ((("hic", "all"), ("hichip", "all")), 1),
        ((("hic", "all"), ("hic", "all")), 0),
    ],
)
def test_the_biosamples_own_loops_go_first_then_hichip(
    tmp_path: Path, sets: tuple[tuple[str, str], ...], chosen: int
) -> None:
    study = with_two_sets(tmp_path / "s", *sets)
    found = ElementLoops(study, "ToyCell")("chrA", np.array([102_000, 302_000, 402_000]))[0]
    wanted = [0.0, 0.0, 0.0]
    wanted[1 + chosen] = np.log10(2)  # the first set's loop ends at 300 kb, the second's at 400 kb
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_create_keeps_reading_the_first_set(tmp_path: Path) -> None:
    """The border loops of a study that names them first: weights trained on those stay valid."""
    study = with_two_sets(tmp_path / "s", ("hic", "all"), ("hichip", "ToyCell"))
    found = LoopCounts(study, "ToyCell")("chrA", np.array([102_000, 302_000, 402_000]))
    np.testing.assert_array_equal(found, [1, 1, 0])


def test_a_loop_between_chromosomes_or_outside_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"loops\.parquet holds a loop between chrA and chrB; wanted one each"):
        ElementLoops(with_loops(tmp_path / "a", {**LOOP, "chrom2": "chrB"}), "ToyCell")
    far = {**LOOP, "start2": 90_000_000, "end2": 90_005_000}
    with pytest.raises(BadInput, match=r"second anchor: 1 rows end past .*; first: row 0 chrA:90000000-90005000"):
        ElementLoops(with_loops(tmp_path / "b", far), "ToyCell")
