"""The knock-out page's figures, from tables small enough to read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.figures import kit
from dashboard.figures import knockout as figures
from dashboard.figures.agreement import agreement_figure
from dashboard.figures.locus.truth import GLYPHS


def table(single: list[float]) -> pd.DataFrame:
    n = len(single)
    return pd.DataFrame(
        {
            "element_id": [f"e{k}" for k in range(n)],
            "chrom": "chr1",
            "start": [1_000 * k for k in range(n)],
            "end": [1_000 * k + 500 for k in range(n)],
            "tss_distance_bp": [-20_000 + 10_000 * k for k in range(n)],
            "is_own_promoter": [k == 2 for k in range(n)],
            "single_fraction": single,
            "attention": [0.1] * n,
        }
    )


PAIRS = pd.DataFrame(
    {
        "chrom": "chr1",
        "start": [0, 1_000, 2_000, 9_000],
        "end": [500, 1_500, 2_500, 9_500],
        "tss_distance_bp": [-20_000.0, -10_000.0, 0.0, 70_000.0],
        "effect_fraction": [-0.3, 0.2, -0.01, -0.02],
        "predicted_fraction": [-0.1, 0.05, -0.2, np.nan],
        "call": ["decrease", "increase", "not significant", "not significant"],
        "power_at_25": [0.9, np.nan, 0.5, 0.1],
        "element_id": ["e0", "e1", "e2", ""],
        "pair_id": ["p0", "p1", "p2", "p3"],
    }
)


def trace(figure: object, name: str, mode: str = "markers") -> object:
    return next(part for part in figure.data if part.name == name and part.mode == mode)  # type: ignore[attr-defined]


def test_predicted_bars_stand_at_their_distance_with_their_sign() -> None:
    figure = figures.effects_figure(table([-0.10, 0.05, -0.12, 0.0]), PAIRS, gene_name="TOY")
    down, up = trace(figure, "predicted decrease: ends"), trace(figure, "predicted increase: ends")
    assert (list(down.x), list(down.y)) == ([-20_000, 0], [-10, -12])  # type: ignore[attr-defined]
    assert (list(up.x), list(up.y)) == ([-10_000], [5])  # type: ignore[attr-defined]
    assert list(down.customdata) == ["e0", "e2"]  # type: ignore[attr-defined]


def test_the_three_calls_have_three_marks_and_untested_elements_none() -> None:
    figure = figures.effects_figure(table([-0.1, 0.1, 0.1]), PAIRS, gene_name="TOY")
    marks = {call: trace(figure, kit.CALLS[call][0]) for call in GLYPHS}
    assert {call: mark.marker.symbol for call, mark in marks.items()} == GLYPHS  # type: ignore[attr-defined]
    assert list(marks["decrease"].y) == [-30]  # type: ignore[attr-defined]
    assert sum(len(mark.x) for mark in marks.values()) == len(PAIRS)  # type: ignore[attr-defined]
    assert all(mark.yaxis == "y2" for mark in marks.values())  # type: ignore[attr-defined]


def test_both_panels_share_one_x_axis() -> None:
    figure = figures.effects_figure(table([-0.1, 0.1, 0.1]), PAIRS, gene_name="TOY")
    assert {part.xaxis for part in figure.data} == {None}
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]


def test_bars_that_would_hide_the_rest_are_cut_and_their_values_written() -> None:
    elements = table([-0.02, 0.01, -0.80, 0.30, -0.015, 0.0, 0.001])  # the fourth largest is 1.5 %
    assert kit.predicted_limit(elements) == pytest.approx(2.1)
    assert kit.predicted_limit(table([-0.02, 0.02, -0.05, 0.03, 0.04, 0.05, 0.02])) == pytest.approx(5.0)
    assert kit.predicted_limit(table([-0.9, 0.01])) == pytest.approx(90.0)  # nothing to hide
    figure = figures.effects_figure(elements, PAIRS, gene_name="TOY")
    assert min(trace(figure, "predicted decrease: ends").y) == pytest.approx(-2.1)  # type: ignore[attr-defined]
    assert max(trace(figure, "predicted increase: ends").y) == pytest.approx(2.1)  # type: ignore[attr-defined]
    assert "2 bars cut: −80 % (own promoter), +30 %" in [note.text for note in figure.layout.annotations]


def test_the_first_view_holds_the_tested_places_in_the_window_and_the_tss() -> None:
    low, high = figures.first_range(table([-0.1, 0.1, 0.1]), PAIRS)
    assert low < -20_000
    assert 0 < high < 70_000  # the pair at +70 kb lies outside the window


def test_what_is_changed_is_marked_out_or_weakened() -> None:
    marks = figures.changed_marks(table([-0.1, 0.1, 0.1]), {"e0": 0.0, "e1": 0.4})
    assert marks["x"] == [-20_000.0, -10_000.0]
    assert marks["symbol"] == ["x-thin", "circle-open"]
    assert marks["text"][1].endswith("strength 0.40 now")  # type: ignore[index]


def test_a_click_on_a_measured_pair_tells_the_pair_and_the_first_element_under_it() -> None:
    effects = figures.effects_figure(table([-0.1, 0.1, 0.1]), PAIRS, gene_name="TOY")
    told = {call: trace(effects, kit.CALLS[call][0]).customdata for call in GLYPHS}  # type: ignore[attr-defined]
    assert [list(row) for row in told["decrease"]] == [["e0", "p0"]]
    assert [list(row) for row in told["not significant"]] == [["e2", "p2"], ["", "p3"]]
    scatter = trace(agreement_figure(PAIRS), kit.CALLS["increase"][0])
    assert [list(row) for row in scatter.customdata] == [["e1", "p1"]]  # type: ignore[attr-defined]


def test_measured_effects_are_told_with_three_digits() -> None:
    pairs = PAIRS.assign(effect_fraction=[-0.6361, 0.2, -0.01, -0.02])
    effects = trace(figures.effects_figure(table([-0.1, 0.1, 0.1]), pairs, gene_name="TOY"), "significant decrease")
    assert "CRISPRi −63.6 %, significant decrease" in effects.text[0]  # type: ignore[attr-defined]
    scatter = trace(agreement_figure(pairs), "significant decrease")
    assert "measured −63.6 %<br>predicted −10 %" in scatter.text[0]  # type: ignore[attr-defined]


def test_the_scatter_draws_pairs_with_both_numbers_only() -> None:
    figure = agreement_figure(PAIRS)
    drawn = [(x, y) for call in GLYPHS for x, y in zip(*_points(figure, call), strict=True)]
    assert sorted(drawn) == [(-30.0, -10.0), (-1.0, -20.0), (20.0, 5.0)]


def _points(figure: object, call: str) -> tuple[list[float], list[float]]:
    part = trace(figure, kit.CALLS[call][0])
    return list(part.x), list(part.y)  # type: ignore[attr-defined]


def test_an_empty_screen_draws_an_empty_scatter() -> None:
    assert sum(len(part.x) for part in agreement_figure(PAIRS.head(0)).data[1:]) == 0


def test_the_difference_of_attention_is_split_by_sign() -> None:
    change = figures.attention_change(table([0.0, 0.0, 0.0]), np.array([0.0, 0.1, 0.3]))
    assert change["less"] == {"x": [-20_000.0, -20_000.0, None], "y": [0.0, pytest.approx(-0.1), None]}
    assert change["more"]["y"] == [0.0, pytest.approx(0.2), None]
    assert change["after"] == [0.0, 0.1, 0.3]
    figure = figures.attention_figure(table([0.0] * 3), np.array([0.0, 0.1, 0.3]), x_range=(-30_000, 10_000))
    assert list(trace(figure, "after").y) == [0.0, 0.1, 0.3]  # type: ignore[attr-defined]


def test_an_element_that_is_not_read_has_no_attention_before_and_after() -> None:
    elements = table([0.0, 0.0, 0.0]).assign(attention=[0.2, np.nan, 0.1])
    change = figures.attention_change(elements, np.array([0.1, 0.5, 0.1]))
    assert change["after"] == [0.1, None, 0.1]
    assert change["less"]["x"] == [-20_000.0, -20_000.0, None]
    assert change["more"]["x"] == []


def test_pairs_of_all_genes_stand_behind_those_of_the_gene() -> None:
    others = PAIRS.assign(gene_name=["TOY", "ELSE", "ELSE", "ELSE"])
    figure = agreement_figure(others, gene_name="TOY")
    own = {call: list(trace(figure, kit.CALLS[call][0]).x) for call in GLYPHS}  # type: ignore[attr-defined]
    assert own == {"decrease": [-30.0], "increase": [], "not significant": []}
    cloud = [part for part in figure.data if part.name and part.name.endswith("other genes")]
    drawn = sorted((float(x), float(y)) for part in cloud for x, y in zip(part.x, part.y, strict=True))
    np.testing.assert_allclose(drawn, [(-1.0, -20.0), (20.0, 5.0)], rtol=1e-6)
    assert all(part.marker.opacity < 1 for part in cloud)


def test_simulated_data_say_so_on_every_figure() -> None:
    elements = table([-0.1, 0.1, 0.1])
    after = np.array([0.1, 0.1, 0.1])
    for figure in (
        figures.effects_figure(elements, PAIRS, gene_name="TOY", is_simulated=True),
        agreement_figure(PAIRS, is_simulated=True),
        figures.attention_figure(elements, after, x_range=(-1.0, 1.0), is_simulated=True),
    ):
        assert "simulated" in [note.text for note in figure.layout.annotations]
    real = figures.effects_figure(elements, PAIRS, gene_name="TOY")
    assert "simulated" not in [note.text for note in real.layout.annotations]


def test_dark_and_light_differ_in_ground_and_not_in_meaning() -> None:
    light, dark = (
        figures.effects_figure(table([-0.1, 0.1, 0.1]), PAIRS, gene_name="TOY", theme=theme)  # type: ignore[arg-type]
        for theme in ("light", "dark")
    )
    assert light.layout.plot_bgcolor != dark.layout.plot_bgcolor
    assert trace(light, "significant decrease").marker.color == trace(dark, "significant decrease").marker.color  # type: ignore[attr-defined]


def test_a_view_begins_and_ends_inside_its_limits() -> None:
    figure = figures.effects_figure(table([-0.1, 0.1, 0.1]), PAIRS, gene_name="TOY", limits=(-15_000.0, 4_000.0))
    axis = figure.layout.xaxis
    assert (tuple(axis.range), axis.minallowed, axis.maxallowed) == ((-15_000, 2_000), -15_000, 4_000)
    assert figures.effects_figure(table([-0.1]), PAIRS, gene_name="TOY").layout.xaxis.minallowed is None
