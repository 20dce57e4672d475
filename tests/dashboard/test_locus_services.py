"""What the locus page reads: windows, bins, links beside measurements; on the toy study and small files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import IntervalSet, Study, Track, write_info
from cre_core.errors import BadInput, UnknownName
from cre_core.genome import Locus
from cre_core.io.bigwig import write_bigwig
from dashboard.services import links, locus, places, signals
from dashboard.services.library import Library
from dashboard.settings import Settings
from tests.toy import TOY, make_toy_study

WINDOW = Locus("chrA", 90_000, 210_000)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """The toy study with two bigWigs, one of them broken, and a set of peaks."""
    study = make_toy_study(tmp_path / "toy")
    folder = study.folder
    values = np.full(1_000_000, np.nan, np.float32)
    values[100_000:100_100], values[100_100:100_200] = 2.0, 6.0
    write_bigwig(folder / "signals" / "fine.bw", TOY.chrom_sizes, {"chrA": values})
    (folder / "signals" / "broken.bw").write_bytes(b"no bigWig")
    (folder / "intervals").mkdir(exist_ok=True)
    peaks = pd.DataFrame(
        {"chrom": ["chrA", "chrA", "chrB"], "start": [89_000, 500_000, 100], "end": [90_500, 500_100, 200]}
    )
    peaks.to_parquet(folder / "intervals" / "peaks.parquet")
    extra = (
        Track("fine", "Fine", "dnase", "ToyCell", "bigwig", "reads", "signals/fine.bw"),
        Track("broken", "Broken", "rna", "ToyCell", "bigwig", "reads", "signals/broken.bw"),
        Track("lost", "Lost", "ctcf", "ToyCell", "element_counts", "reads per element"),
    )
    sets = (IntervalSet("peaks", "Peaks", "peaks", "ctcf", "ToyCell", "intervals/peaks.parquet"),)
    write_info(folder, replace(study.info, tracks=(*study.info.tracks, *extra), intervals=sets))
    return Study.open(folder)


# ---- windows


def test_a_window_holds_what_shares_a_base(study: Study) -> None:
    here = places.places_of(study)
    found = here.elements(WINDOW, biosample="ToyCell")
    assert found["element_id"].tolist() == ["e1", "e2", "e3"]
    assert found["dnase"].tolist() == [900, 100, 400]
    assert here.genes(WINDOW)["gene_name"].tolist() == ["geneA"]
    assert here.intervals("peaks", WINDOW)["start"].tolist() == [89_000]
    assert not len(here.intervals("peaks", Locus("chrA", 90_500, 90_600)))


def test_a_long_row_is_found_from_inside() -> None:
    table = pd.DataFrame({"chrom": "c", "start": [0, 50, 60], "end": [1_000, 55, 65]})
    assert places.sliced(places.cut(table), Locus("c", 500, 600))["start"].tolist() == [0]
    assert not len(places.sliced(places.cut(table), Locus("d", 0, 10)))


def test_loops_count_from_anchor_to_anchor() -> None:
    loops = pd.DataFrame({"chrom": ["c"], "start": [10], "end": [20], "chrom2": ["c"], "start2": [80], "end2": [90]})
    assert len(places.sliced(places.cut(places.spanning(loops)), Locus("c", 40, 50)))


def test_an_unknown_biosample_is_named(study: Study) -> None:
    with pytest.raises(UnknownName, match="no biosample 'HeLa'; it has ToyCell"):
        places.places_of(study).elements(WINDOW, biosample="HeLa")


# ---- signal


@pytest.mark.parametrize(
    ("width", "bin_bp"), [(1_000, 1), (1_999, 1), (2_000, 2), (2_000_000, 1_024), (6_000_000, 4_096)]
)
def test_bins_are_powers_of_two_and_at_most_two_thousand(width: int, bin_bp: int) -> None:
    assert signals.bin_width(width) == bin_bp
    assert -(-width // bin_bp) + 1 <= signals.MOST_BINS + 1


def test_bins_lie_on_the_chromosomes_grid() -> None:
    assert signals.on_grid(Locus("c", 100, 130), 64, size_bp=1_000) == Locus("c", 64, 192)
    assert signals.on_grid(Locus("c", 900, 990), 64, size_bp=1_000) == Locus("c", 896, 1_000)


def test_binned_signal_keeps_mean_maximum_and_gaps(study: Study) -> None:
    track = next(track for track in study.info.tracks if track.id == "fine")
    whole = Locus("chrA", 90_000, 400_000)  # 310 kb in bins of 256 bp: the 200 bp with data are bases 100,000-100,200
    table = signals.binned_signal(places.places_of(study), track, whole)
    assert len(table) <= signals.MOST_BINS
    assert set(table["end"] - table["start"]) == {256}
    has_data = table[table["max"].notna()]
    # Bins begin at multiples of 256: 99,840 holds bases 100,000-100,096 (all 2), the next one 4 of 2 and 100 of 6.
    assert has_data["start"].tolist() == [99_840, 100_096]
    assert has_data["max"].tolist() == [2, 6]
    assert has_data["mean"].tolist() == pytest.approx([2, (4 * 2 + 100 * 6) / 104], rel=1e-3)


def test_four_digits() -> None:
    values = np.array([123_456.0, 0.00123456, 0.0, np.nan, -9.87654])
    np.testing.assert_allclose(signals.four_digits(values), [123_500, 0.001235, 0, np.nan, -9.877], rtol=1e-6)


def test_a_broken_track_is_a_line_and_the_others_are_there(study: Study) -> None:
    data = locus.load_locus(study, WINDOW, biosample="ToyCell")
    assert set(data.problems) == {"broken", "lost"}
    assert "broken.bw is not a bigWig" in data.problems["broken"]
    assert "no ctcf counts" in data.problems["lost"]
    assert "fine" in data.signals
    assert len(data.intervals["peaks"]) == 1


# ---- views


def test_three_views_are_loaded(study: Study) -> None:
    assert locus.loaded_window(study, Locus("chrA", 400_000, 500_000)) == Locus("chrA", 300_000, 600_000)
    assert locus.loaded_window(study, Locus("chrA", 950_000, 1_000_000)) == Locus("chrA", 900_000, 1_000_000)


def test_the_first_view_holds_the_tested_elements(study: Study) -> None:
    plain = Study(study.folder, replace(study.info, example_loci=()))
    gene = plain.gene("geneA")
    pairs, _ = links.pairs_of(plain, "G1", biosample="ToyCell")
    view = locus.default_view(plain, gene, pairs)
    assert view.contains(Locus("chrA", 100_000, 200_400))
    alone = locus.default_view(plain, plain.gene("geneB"), pairs.head(0))
    assert alone == Locus("chrB", 0, 320_000)


def test_a_view_is_never_too_narrow(study: Study) -> None:
    assert locus.view_of(study, "chrA:5,000-5,010")[0].width_bp == locus.LEAST_BP
    with pytest.raises(BadInput, match="chrA has 1,000,000 bases in toy1; 2,000,000 lies beyond"):
        locus.view_of(study, "chrA:1-2,000,000")


def test_counts_step_back_where_base_resolution_is_there(study: Study) -> None:
    counts = [track.id for track in study.info.tracks if track.kind == "element_counts" and track.assay == "dnase"]
    assert locus.first_hidden(study, "ToyCell") == tuple(counts)


# ---- links


def test_the_table_lays_methods_and_measurement_side_by_side(study: Study, tmp_path: Path) -> None:
    library = Library(
        Settings(
            studies=(study.folder,), cache_dir=tmp_path / "cache", studies_dir=tmp_path / "none", model_process=False
        )
    )
    found, problems = links.links_of(
        library, study, "G1", biosample="ToyCell", methods=["distance", "abc", "nomodel.attention"]
    )
    assert set(found) == {"distance", "abc"}
    assert "no link method 'nomodel.attention'" in problems["nomodel.attention"]
    pairs, _ = links.pairs_of(study, "G1", biosample="ToyCell")
    table = links.element_table(study, found, pairs, biosample="ToyCell").set_index("element_id")
    alone = "chrA:150000-150500"  # the pair that lies on no element
    assert list(table.index) == ["e1", "e2", alone, "e3", "e4"]
    assert table.loc[alone, ["element_class", "measured_call"]].tolist() == [links.PAIR_ROW, "increase"]
    assert table.loc[alone, ["measured_fraction", "tss_distance_bp"]].tolist() == [0.3, 50_250]
    assert table.loc[alone, ["distance", "dnase"]].isna().all()
    table = table.drop(index=alone)
    assert table["rank:distance"].tolist() == [1, 2, 3, 4]
    assert table["measured_call"].tolist() == ["", "decrease", "not significant", ""]
    assert table.loc["e2", "measured_fraction"] == -0.4
    assert table.loc["e2", "reference"] == "by hand"
    assert np.isnan(table.loc["e1", "measured_fraction"])
    assert table["dnase"].tolist() == [900, 100, 400, 800]
    library.close()


def test_elements_under_a_pair_and_pairs_over_an_element(study: Study) -> None:
    # e2 is 109,750 .. 110,250 and e3 199,500 .. 200,500: a wide place covers both, with more bases of e3.
    wide = study.crispr.iloc[0].copy()
    wide[["start", "end", "effect_fraction"]] = 110_000, 200_500, -0.6
    table = pd.concat([study.crispr, wide.to_frame().T.infer_objects()], ignore_index=True)
    study.__dict__["crispr"] = table
    pairs, _ = links.pairs_of(study, "G1", biosample="ToyCell")
    by_id = pairs.set_index("pair_id", drop=False)
    under = links.covered_elements(study, by_id.loc["chrA:110000-200500"], biosample="ToyCell")
    assert under["element_id"].tolist() == ["e3", "e2"]
    nothing = links.covered_elements(study, by_id.loc["chrA:150000-150500"], biosample="ToyCell")
    assert not len(nothing)
    elements = study.elements.set_index("element_id", drop=False)
    over = links.pairs_over(elements.loc["e2"], pairs)
    assert over["effect_fraction"].tolist() == [-0.6, -0.4]
    over = links.pairs_over(elements.loc["e3"], pairs)
    assert over["pair_id"].tolist() == ["chrA:110000-200500", "chrA:199600-200400"]


def test_default_methods_are_those_there_are() -> None:
    assert links.default_methods(["distance", "abc"]) == ("abc",)
    assert links.default_methods(["distance"]) == ("distance",)
    known = ["distance", "activity_over_distance", "abc", "epinformer.attention", "epinformer.perturbation"]
    assert links.default_methods(known) == links.FIRST_METHODS
