"""Quantile normalisation: three places by hand, ties, gaps, groups, and a biosample against itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy import make_toy_study
from toy_inputs import with_biosamples

from cre_core.data.quantile import parted_unit, quantile_normalised
from cre_core.data.study import Study
from cre_core.data.windows import neighbourhood_for
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.schema import Reads

NAN = np.nan


def test_three_places_and_two_tracks_by_hand() -> None:
    values = np.array([[5.0, 1.0], [2.0, 3.0], [9.0, 2.0]])
    reference = np.array([[10.0, 0.3], [30.0, 0.1], [20.0, 0.2]])
    # Track 1: 2 < 5 < 9 become 10 < 20 < 30. Track 2: 1 < 2 < 3 become .1 < .2 < .3.
    expected = np.array([[20.0, 0.1], [10.0, 0.3], [30.0, 0.2]], np.float32)
    np.testing.assert_array_equal(quantile_normalised(values, reference), expected)


def test_ties_get_the_mean() -> None:
    values = np.array([[4.0], [4.0], [7.0], [9.0]])
    # Ranks 1.5, 1.5, 3, 4 of four: between 10 and 20, then 30 and 40.
    found = quantile_normalised(values, np.array([[10.0], [20.0], [30.0], [40.0]]))
    np.testing.assert_array_equal(found[:, 0], np.array([15.0, 15.0, 30.0, 40.0], np.float32))


def test_no_data_stays_no_data_and_counts_for_nothing() -> None:
    values = np.array([[1.0], [NAN], [3.0], [2.0]])
    reference = np.array([[NAN], [10.0], [20.0], [30.0]])
    np.testing.assert_array_equal(
        quantile_normalised(values, reference)[:, 0], np.array([10.0, NAN, 30.0, 20.0], np.float32)
    )
    # Two values at quantiles 1/4 and 3/4 of three at 1/6, 3/6, 5/6: a quarter of the way, and three quarters.
    fewer = quantile_normalised(np.array([[1.0], [NAN], [2.0], [NAN]]), reference)
    np.testing.assert_allclose(fewer[:, 0], [12.5, NAN, 27.5, NAN])
    nothing = quantile_normalised(np.full((4, 1), NAN), np.full((4, 1), NAN))
    assert np.isnan(nothing).all()
    with pytest.raises(NotAvailable, match="signal cannot be normalised to K562, which has no data in a track"):
        quantile_normalised(values, np.full((4, 1), NAN), of="K562")


def test_groups_do_not_see_one_another() -> None:
    values, is_promoter = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([True, False, True, False])
    found = quantile_normalised(values, np.array([[100.0], [1.0], [200.0], [2.0]]), group=is_promoter)
    np.testing.assert_array_equal(found[:, 0], np.array([100, 1, 200, 2], np.float32))


def test_against_itself_nothing_changes() -> None:
    draw = np.random.default_rng(0)
    values = draw.poisson(5.0, (1_001, 2)).astype(np.float32)  # many ties
    values[draw.random(values.shape) < 0.1] = NAN
    group = draw.random(1_001) < 0.2
    np.testing.assert_array_equal(quantile_normalised(values, values, group=group), values)


def test_another_shape_is_refused() -> None:
    with pytest.raises(
        BadInput, match=r"signal of shape \(3, 1\) and \(2, 1\); wanted both \(places, tracks\) alike"
    ):
        quantile_normalised(np.ones((3, 1)), np.ones((2, 1)))


def test_a_unit_names_the_biosample() -> None:
    assert parted_unit("reads") == ("reads", "")
    assert parted_unit("RPM, quantile-normalised to HeLa-S3") == ("RPM", "HeLa-S3")
    with pytest.raises(BadInput, match="signal in 'reads, quantile-normalised to '; wanted the biosample"):
        parted_unit("reads, quantile-normalised to ")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """OtherCell has twice ToyCell's counts."""
    folder: Path = tmp_path_factory.mktemp("quantile") / "study"
    return with_biosamples(make_toy_study(folder), {"OtherCell": 2.0}, held_out="none")


def counts_in(unit: str) -> Reads:
    return Reads(assays=("dnase", "h3k27ac"), unit=unit)


def test_windows_take_the_other_biosamples_counts(study: Study) -> None:
    plain = neighbourhood_for(study, "ToyCell", counts_in("reads"))
    other = neighbourhood_for(study, "OtherCell", counts_in("reads, quantile-normalised to ToyCell"))
    np.testing.assert_array_equal(other.signal, plain.signal)  # the same ranks: the same counts
    np.testing.assert_array_equal(other.promoter_signal, plain.promoter_signal)
    itself = neighbourhood_for(study, "ToyCell", counts_in("reads, quantile-normalised to ToyCell"))
    np.testing.assert_array_equal(itself.signal, plain.signal)
    assert (other.unit, other.normalised_to) == ("reads", "ToyCell")
    with pytest.raises(UnknownName, match="study toy has no biosample 'K562'; it has ToyCell, OtherCell"):
        neighbourhood_for(study, "ToyCell", counts_in("reads, quantile-normalised to K562"))


def test_promoters_are_ranked_among_promoters(study: Study) -> None:
    signal = study.element_signal.copy()
    is_e4 = (signal["element_id"] == "e4") & (signal["biosample"] == "OtherCell")
    signal.loc[is_e4, "dnase"] = 1.0  # fewer than any other element, fewer than the other promoter, e1
    changed = Study(study.folder, study.info)
    changed.__dict__["element_signal"] = signal
    around = neighbourhood_for(changed, "OtherCell", counts_in("reads, quantile-normalised to ToyCell"))
    dnase = dict(zip(around.elements["element_id"], around.signal[:, 0].tolist(), strict=True))
    assert dnase == {
        "e1": 900,
        "e2": 100,
        "e3": 400,
        "e4": 800,
        "e5": 10,
        "e6": 0,
    }  # e4 is the lower of two promoters
