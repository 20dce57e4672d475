"""Figures of the tabs of the knock-out page: rows of models, the matrix of pairs, letters of bases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.figures import logo, pair_matrix
from dashboard.figures.model_panels import ModelRow, model_panels_figure
from dashboard.theme import method_colour


def table(effects: list[float]) -> pd.DataFrame:
    n = len(effects)
    return pd.DataFrame(
        {
            "element_id": [f"e{k}" for k in range(n)], "chrom": "chr1", "start": [1_000 * k for k in range(n)],
            "end": [1_000 * k + 500 for k in range(n)], "tss_distance_bp": [10_000 * k for k in range(n)],
            "element_class": "distal", "is_own_promoter": False, "single_fraction": effects,
            "single_log2": np.log2(1 + np.array(effects)),
        }
    )  # fmt: skip


PAIRS = pd.DataFrame(
    {
        "chrom": "chr1", "start": [0, 1_000], "end": [500, 1_500], "tss_distance_bp": [0.0, 10_000.0],
        "effect_fraction": [-0.4, 0.02], "call": ["decrease", "not significant"], "element_id": ["e0", "e1"],
        "pair_id": ["p0", "p1"],
    }
)  # fmt: skip


def models(*rows: ModelRow) -> object:
    return model_panels_figure(rows, PAIRS, x_range=(-1.0, 30_000.0), gene_name="TOY", is_simulated=True)


def marks(figure: object, axis: str) -> dict[float, float]:
    return {
        float(x): float(y)
        for part in figure.data  # type: ignore[attr-defined]
        if part.mode == "markers" and (part.yaxis or "y") == axis
        for x, y in zip(part.x, part.y, strict=True)
    }


def texts(figure: object) -> list[str]:
    return [note.text for note in figure.layout.annotations]  # type: ignore[attr-defined]


def test_what_a_model_does_not_read_is_a_gap_and_zero_is_a_mark() -> None:
    figure = models(ModelRow("creator", "CREaTor", "n = 20", table([-0.2, np.nan, 0.0])))
    assert marks(figure, "y") == {0.0: -20.0, 20_000.0: 0.0}


def test_every_model_has_its_range_and_colour_and_the_measured_effects_are_last() -> None:
    rows = [ModelRow("creator", "CREaTor", "", table([-0.2])), ModelRow("scpge", "ScPGE", "", table([-0.05]))]
    figure = models(*rows)
    ends = [figure.layout[f"yaxis{k}"].ticktext[0] for k in (1, 2, 3)]  # type: ignore[attr-defined]
    assert ends == ["−20 %", "−5 %", "−40 %"]
    colours = [part.marker.color for part in figure.data if part.mode == "markers"][:2]  # type: ignore[attr-defined]
    assert colours == [method_colour("creator.attention"), method_colour("scpge.attention")]
    assert marks(figure, "y3") == {0.0: -40.0, 10_000.0: 2.0}
    tops = [figure.layout[f"yaxis{k}"].domain[1] for k in (1, 2, 3)]  # type: ignore[attr-defined]
    assert tops == sorted(tops, reverse=True)
    assert "simulated" in texts(figure)


def test_a_model_that_cannot_answer_says_why_and_cut_bars_are_counted() -> None:
    cut = table([-0.9, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])
    figure = models(ModelRow("scpge", "ScPGE", "no mode 'scramble' here", None), ModelRow("creator", "C", "", cut))
    assert any(text.endswith("<b>ScPGE</b>  no mode 'scramble' here") for text in texts(figure))
    assert any(text.endswith("1 cut, to −90 %") for text in texts(figure))


SCANNED = pd.DataFrame(
    {
        "element_id": ["e0", "e0", "e1"], "other_id": ["e1", "e2", "e2"], "log2_fold_change": [-1.0, -0.5, np.nan],
        "expected_log2": [-0.9, -0.6, np.nan], "interaction_log2": [-0.1, 0.1, np.nan],
    }
)  # fmt: skip


def test_the_matrix_is_symmetric_with_fixed_limits_and_gaps() -> None:
    figure = pair_matrix.pair_matrix(SCANNED, table([-0.2, -0.1, 0.1]), is_simulated=True)
    cells = figure.data[0]
    expected = [[np.nan, -0.1, 0.1], [-0.1, np.nan, np.nan], [0.1, np.nan, np.nan]]
    np.testing.assert_allclose(np.array(cells.z, float), expected)
    assert (cells.zmin, cells.zmid, cells.zmax) == (-0.25, 0, 0.25)
    assert list(cells.colorbar.ticktext) == ["≤ −0.25", "0", "≥ +0.25"]
    shown = {(note.x, note.y): note.text for note in figure.layout.annotations if note.x in (0, 1, 2)}
    assert (shown[1, 0], shown[0, 1], shown[2, 1]) == ("−1", "−1", "no data")
    hover = cells.customdata[0][1]
    assert "together −50 % (log2 FC −1)" in hover
    assert "interaction −0.1 log2" in hover
    assert "simulated" in texts(figure)


REFERENCE = np.array([0, 1, 2, 3, 4], np.int8)
SCORE = np.array([1.0, -0.5, 0.25, np.nan, np.nan])
SITES = pd.DataFrame(
    {
        "chrom": "chr1", "start": [101, 100, 102], "end": [103, 104, 104], "motif_name": ["TFA", "TFB", "TFC"],
        "strand": ["+", "-", "+"], "p_value": [1e-6, 1e-5, 1e-4],
    }
)  # fmt: skip


def drawn() -> object:
    given = {"chrom": "chr1", "start": 100, "unit": "log2 FC", "sites": SITES}
    return logo.logo_figure(REFERENCE, SCORE, is_simulated=True, **given)  # type: ignore[arg-type]


def letter(figure: object, base: str) -> tuple[np.ndarray, np.ndarray]:
    part = next(part for part in figure.data if part.name == f"letters:{base}")  # type: ignore[attr-defined]
    return np.asarray(part.x, float), np.asarray(part.y, float)


def test_letters_are_as_high_as_their_scores_at_their_1_based_place() -> None:
    figure = drawn()
    for base, place, low, high in (("A", 101, 0.0, 1.0), ("C", 102, -0.5, 0.0), ("G", 103, 0.0, 0.25)):
        x, y = letter(figure, base)
        assert np.nanmean([np.nanmin(x), np.nanmax(x)]) == pytest.approx(place, abs=0.1)
        assert np.nanmax(x) - np.nanmin(x) < 1
        assert (np.nanmin(y), np.nanmax(y)) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_a_base_that_is_not_read_is_a_gap() -> None:
    assert len(letter(drawn(), "T")[0]) == 0
    readout = next(part for part in drawn().data if part.name == "bases")  # type: ignore[attr-defined]
    assert list(readout.text)[1] == "chr1:102 C<br>−0.5 log2 FC"
    assert [text.split("<br>")[1] for text in readout.text][3:] == ["not read", "not read"]


def test_letters_hang_upright_below_zero() -> None:
    x, y = logo.letters_of("T", np.array([10.0]), np.array([-2.0]))
    assert np.nanmin(y) == -2.0
    assert np.nanmax(y) == 0.0
    top = x[:-1][np.isclose(y[:-1], 0.0)]
    assert np.ptp(top) == pytest.approx(0.92)  # the bar of the T is at the top


def test_the_first_view_holds_most_of_the_score() -> None:
    score = np.zeros(400)
    score[200:210] = 1.0
    low, high = logo.first_view(score, 1_000)
    assert high - low == logo.MOST_LETTERS
    assert low < 1_201
    assert high > 1_210
    assert logo.first_view(SCORE, 100) == [100.5, 105.5]


def test_sites_do_not_overlap_and_are_counted() -> None:
    named = logo.lanes_of(SITES, 5)
    assert list(named["lane"]) == [0, 1, 2]
    many = pd.concat([SITES] * 4, ignore_index=True)
    assert logo.site_text(many, logo.lanes_of(many, 5)) == "motif sites (FIMO, p ≤ 0.0001): 3 of 12 named"
    assert logo.site_text(SITES.head(0), SITES.head(0)) == "no motif site (FIMO, p ≤ 0.0001)"
    figure = drawn()
    assert {"TFA +", "TFB −", "simulated"} <= set(texts(figure))


def test_without_sites_the_note_says_why() -> None:
    given = {"chrom": "chr1", "start": 100, "unit": "log2 FC", "sites": None, "note": "looking for motif sites"}
    assert "looking for motif sites" in texts(logo.logo_figure(REFERENCE, SCORE, **given))  # type: ignore[arg-type]
