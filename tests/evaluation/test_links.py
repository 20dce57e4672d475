"""Tested pairs and links put together by hand, and the published baselines of the K562 benchmark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.evaluation import baselines, metrics
from cre_core.evaluation.benchmark import links_benchmark
from cre_core.evaluation.links import COMMON, evaluate_links
from cre_core.evaluation.methods import simple_methods
from cre_core.evaluation.pairs import (
    PairScores,
    benchmark_scores,
    distance_of_pairs,
    filled,
    overlapping_scores,
    scores_from_links,
)
from cre_core.evaluation.screen_scores import pair_scores
from cre_core.evaluation.screened import screen_of
from cre_core.schema import LINKS


def _links(rows: list[tuple[int, int, str, float]], method: str = "m.attention") -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["start", "end", "gene_id", "score"]).assign(chrom="chrA", method=method)
    return table.reindex(columns=list(LINKS.columns))


def _tested(rows: list[tuple[int, int, str, bool]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["start", "end", "gene_id", "is_positive"]).assign(chrom="chrA", tss=0)
    return table.assign(tss_distance_bp=(table["start"] + table["end"]) / 2)


def test_overlap_takes_the_same_gene_and_sums_or_takes_the_best() -> None:
    crispr = _tested(
        [(100, 200, "G1", True), (100, 200, "G2", False), (200, 300, "G1", False), (900, 950, "G1", False)]
    )
    links = _links([(50, 101, "G1", 1.0), (199, 200, "G1", 5.0), (50, 101, "G2", 2.0), (300, 400, "G1", 9.0)])
    assert overlapping_scores(crispr, links, how="sum") == pytest.approx([6, 2, np.nan, np.nan], nan_ok=True)
    assert overlapping_scores(crispr, links, how="max") == pytest.approx([5, 2, np.nan, np.nan], nan_ok=True)


def test_overlap_agrees_with_a_slow_plain_loop() -> None:
    rng = np.random.default_rng(0)

    def places(n: int) -> pd.DataFrame:
        start = rng.integers(0, 5000, n)
        gene = rng.choice(["G1", "G2", "G3"], n)
        return pd.DataFrame(
            {"chrom": "chrA", "start": start, "end": start + rng.integers(1, 300, n), "gene_id": gene}
        ).drop_duplicates()

    crispr, links = places(80), places(120).assign(method="m")
    links["score"] = rng.random(len(links))
    links.loc[links.index[:10], "score"] = np.nan
    wanted = []
    for pair in crispr.itertuples():
        hit = [
            link.score
            for link in links.itertuples()
            if link.gene_id == pair.gene_id and link.start < pair.end and pair.start < link.end
        ]
        wanted.append(np.nansum(hit) if np.isfinite(hit).any() else np.nan)
    assert overlapping_scores(crispr, links, how="sum") == pytest.approx(wanted, nan_ok=True)


def test_a_pair_without_a_link_is_filled_and_counted() -> None:
    crispr = _tested([(100, 200, "G1", True), (500, 600, "G1", False), (900, 950, "G9", False)])
    links = _links([(100, 200, "G1", -1.0), (500, 600, "G1", -3.0)])
    zero = scores_from_links(crispr, links, method="m.attention")
    least = scores_from_links(crispr, links, method="m.attention", fill="minimum")
    assert (list(zero.score), list(least.score)) == ([-1, -3, 0], [-1, -3, -3])
    assert list(zero.is_filled) == [False, False, True]
    assert zero.source == "links"


def test_the_benchmarks_own_columns_are_a_second_way() -> None:
    crispr = _tested([(1000, 1200, "G1", True), (500, 600, "G1", False)])
    crispr = crispr.assign(
        distance_to_tss_bp=[1000.0, 3000.0],
        dhs_rpm=[4.0, np.nan],
        h3k27ac_rpm=[9.0, 1.0],
        benchmark_tss=[2100.0, np.nan],
    )
    assert list(distance_of_pairs(crispr)) == [1000, 3000]
    by_name = {found.method: found for name in simple_methods() for found in benchmark_scores(crispr, name)}
    assert {name: list(found.score) for name, found in by_name.items()} == {
        "distance, benchmark distance": [0.5, 0.25],
        "distance, benchmark TSS": [0.5, 0.0],  # a TSS of 0 is not known: filled
        "distance, study TSS": [1 / 2.1, 1 / 1.55],
        "activity, benchmark signal": [6, 0],  # a missing signal counts as 0
        "activity_over_distance, benchmark signal": [0.006, 0],
        "h3k27ac_over_distance, benchmark signal": [0.009, 1 / 3000],
    }
    assert list(by_name["distance, benchmark TSS"].is_filled) == [False, True]
    assert by_name["activity, benchmark signal"].source == "benchmark signal"
    expanded = crispr.assign(h3k27ac_rpm_expanded=[25.0, 0.0])
    assert benchmark_scores(expanded, "activity")[0].score[0] == 10
    assert not benchmark_scores(crispr.drop(columns="dhs_rpm"), "activity")
    assert not benchmark_scores(crispr, "abc")


def test_a_pair_is_scored_by_the_elements_of_the_study(toy_study: Study) -> None:
    """The screen tested geneA's e2 (10 kb), e3 (100 kb) and a place without an element."""
    crispr = screen_of(toy_study, "ToyCell")
    found = {s.method: s for s in pair_scores(toy_study, crispr, biosample="ToyCell", methods=["abc", "nearest_tss"])}
    weight = {0: 600.0, 10_000: 5000**0.5, 100_000: 200, 200_000: 240_000**0.5}
    weight = {d: a * (max(d, 5000) + 1) ** -baselines.GAMMA for d, a in weight.items()}
    total = sum(weight.values())
    assert found["abc"].score == pytest.approx([weight[10_000] / total, weight[100_000] / total, 0])
    assert list(found["abc"].is_filled) == [False, False, True]
    assert list(found["nearest_tss"].score) == [1, 1, 0]  # geneM's TSS is as far from e3 as geneA's


def _scored(crispr: pd.DataFrame, links: pd.DataFrame, methods: list[str]) -> list[PairScores]:
    """Distance by the table's own, other methods by the links."""
    nearness = baselines.nearness(distance_of_pairs(crispr))
    return [
        filled("distance", nearness, source="by hand")
        if m == "distance"
        else scores_from_links(crispr, links, method=m)
        for m in methods
    ]


def _row(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


def test_rows_by_hand() -> None:
    # Gene by gene, by distance: + - - - - - - - - -   and   - + - - - - - - - -
    rows = [(k * 1000, k * 1000 + 100, g, k == first) for g, first in (("G1", 1), ("G2", 2)) for k in range(1, 11)]
    crispr = _tested(rows)
    # One link per gene, over its positive; pooled, they are the two best scores.
    links = _links([(1000, 1100, "G1", 2.0), (2000, 2100, "G2", 3.0)])
    found = evaluate_links(crispr, _scored(crispr, links, ["distance", "m.attention"]), n_resamples=50)
    ours = {"method": "m.attention", "metric": "average_precision", "interval": "gene"}
    row = _row(found, **ours, subset="all")
    assert {name: row[name] for name in ("n", "n_positive", "prevalence", "n_genes", "n_filled", "value")} == {
        "n": 20, "n_positive": 2, "prevalence": 0.1, "n_genes": 2, "n_filled": 18, "value": 1.0,
    }  # fmt: skip
    assert (row["ci_low"], row["ci_high"], row["fill"], row["source"]) == (1, 1, "zero", "links")
    by_distance = _row(found, **{**ours, "method": "distance"}, subset="all")
    assert by_distance["value"] == pytest.approx((1 / 2 + 2 / 4) / 2)  # ties: two pairs at each distance
    difference = _row(found, **{**ours, "metric": "average_precision_difference"}, subset="all")
    assert (difference["value"], difference["versus"]) == (pytest.approx(0.5), "distance")
    assert _row(found, **ours, subset="<10 kb")["n"] == 18  # centre 10,050 lies beyond
    median = _row(found, **{**ours, "method": "distance"}, subset="within_gene_median")
    assert median["value"] == pytest.approx((1 + 1 / 2) / 2)
    top = _row(found, method="distance", metric="recall_at_1", subset="within_gene_mean")
    assert top["value"] == 0.5
    assert not [row for row in found if row["subset"] == ">100 kb"]  # no such pair, no row
    common = _row(found, **{**ours, "method": "distance"}, subset=COMMON)
    assert (common["n"], common["n_positive"], common["value"]) == (2, 2, 1)  # attention speaks of two pairs alone


def test_scores_are_correlated_with_the_loss_measured() -> None:
    crispr = _tested([(k * 1000, k * 1000 + 100, f"G{k}", k < 3) for k in range(1, 8)])
    crispr["effect_fraction"] = [-0.5, -0.2, 0.1, -0.1, 0.0, 0.3, 0.2]
    scores = [
        filled("loss", np.array([5.0, 2.0, -1.0, 1.0, 0.5, -3.0, -2.0]), source="by hand"),
        filled("gain", np.array([-5.0, -2.0, 1.0, -1.0, -0.5, 3.0, 2.0]), source="by hand"),
        filled("odd", np.array([1.0, 2.0, 2.0, 0.0, 9.0, 4.0, 3.0]), source="by hand"),
    ]
    found = evaluate_links(crispr, scores, n_resamples=20, versus=["loss"])
    row = {
        name: _row(found, method=name, metric="spearman_effect", interval="gene") for name in ("loss", "gain", "odd")
    }
    assert (row["loss"]["value"], row["gain"]["value"]) == (pytest.approx(1), pytest.approx(-1))
    expected = metrics.spearman_r(-crispr["effect_fraction"].to_numpy(), scores[2].score)
    assert row["odd"]["value"] == pytest.approx(expected)
    difference = _row(found, method="gain", metric="spearman_effect_difference", interval="gene")
    assert (difference["value"], difference["versus"]) == (pytest.approx(-2), "loss")


def test_every_method_can_be_what_others_are_compared_with() -> None:
    crispr = _tested([(k * 1000, k * 1000 + 100, f"G{k}", k == 2) for k in range(1, 6)])
    links = _links([(2000, 2100, "G2", 3.0)])
    scores = _scored(crispr, links, ["distance", "m.attention"])
    found = evaluate_links(crispr, scores, n_resamples=20, versus=["distance", "m.attention"])
    pair = {"metric": "average_precision_difference", "interval": "pair", "subset": "all"}
    one = _row(found, method="m.attention", versus="distance", **pair)
    other = _row(found, method="distance", versus="m.attention", **pair)
    assert (one["value"], one["ci_low"]) == (0.5, -other["ci_high"])
    assert other["value"] == -0.5
    with pytest.raises(UnknownName, match=r"nothing is compared with 'abc': the scores are distance, m.attention"):
        evaluate_links(crispr, scores, versus=["abc"])


def test_a_subset_without_positives_is_not_defined() -> None:
    crispr = _tested([(100, 200, "G1", False)])
    found = evaluate_links(crispr, _scored(crispr, _links([]), ["distance"]), n_resamples=5, versus=[])
    assert np.isnan([row["value"] for row in found]).all()


def test_what_is_not_there_is_named(toy_study: Study) -> None:
    crispr = _tested([(100, 200, "G1", True)])
    with pytest.raises(NotAvailable, match=r"no score of method 'abc' for the tested.*; the links hold m.attention"):
        scores_from_links(crispr, _links([(1, 2, "G1", 1.0)]), method="abc")
    with pytest.raises(BadInput, match="no tested pair came"):
        evaluate_links(crispr.iloc[:0], [])
    with pytest.raises(BadInput, match="links repeat an element and gene"):
        overlapping_scores(crispr, _links([(1, 2, "G1", 1.0)] * 2), how="max")
    with pytest.raises(NotAvailable, match="study toy has no CRISPRi screen of HeLa to compare with"):
        links_benchmark(toy_study, biosample="HeLa", methods=None, report=lambda *_: None)


@pytest.mark.slow
def test_simple_methods_on_the_k562_benchmark(k562: Study) -> None:
    """Published values of the benchmark's own columns, and ABC put together again by a plain loop."""
    crispr = screen_of(k562, "K562")
    scores = pair_scores(k562, crispr, biosample="K562", methods=simple_methods())
    rows = evaluate_links(crispr, scores, n_resamples=100, versus=[])

    def row(method: str, subset: str = "all", interval: str = "gene") -> dict[str, Any]:
        return _row(rows, method=method, subset=subset, metric="average_precision", interval=interval)

    published = {
        "activity, benchmark signal": 0.111, "distance, benchmark distance": 0.438, "distance, benchmark TSS": 0.415,
        "h3k27ac_over_distance, benchmark signal": 0.503, "activity_over_distance, benchmark signal": 0.529,
    }  # fmt: skip
    assert {method: row(method)["value"] for method in published} == pytest.approx(published, abs=0.001)
    bins = {
        "<10 kb": (223, 133, 0.716, 0.808), "10-25 kb": (302, 96, 0.325, 0.516),
        "25-100 kb": (1295, 160, 0.207, 0.374),
        ">100 kb": (8536, 82, 0.026, 0.051), "within_gene_median": (2802, 86, 0.705, 0.597),
    }  # fmt: skip
    for subset, (n, n_positive, distance, over_distance) in bins.items():
        found = row("distance, benchmark distance", subset)
        assert (found["n"], found["n_positive"]) == (n, n_positive)
        assert found["value"] == pytest.approx(distance, abs=0.001)
        other = row("activity_over_distance, benchmark signal", subset)
        assert other["value"] == pytest.approx(over_distance, abs=0.001)
    by_pair = row("distance, benchmark distance", interval="pair")
    assert (by_pair["ci_low"], by_pair["ci_high"]) == pytest.approx((0.397, 0.484), abs=0.025)
    assert row("distance, benchmark TSS")["n_filled"] == 81  # the TSS of 0 enters no score
    assert row("abc")["n_filled"] == 1028  # 1,015 hold no element, 13 one beyond 2 Mb
    truth = crispr["is_positive"].to_numpy(bool)
    by_hand = metrics.average_precision(truth, _abc_by_hand(k562, crispr))
    assert by_hand == pytest.approx(0.565, abs=0.001)
    assert row("abc")["value"] == pytest.approx(by_hand, abs=0.01)


def _abc_by_hand(study: Study, crispr: pd.DataFrame) -> np.ndarray:
    """(n,) activity under the tested place x power law of its own distance, over the gene's total; one TSS a gene."""
    elements = study.elements.merge(study.element_signal, on="element_id")
    strength = np.sqrt(elements["dnase"] * elements["h3k27ac"]).to_numpy()
    start, end, chrom = (elements[name].to_numpy() for name in ("start", "end", "chrom"))
    centre, rows_of = (start + end) // 2, {name: np.flatnonzero(chrom == name) for name in np.unique(chrom)}
    score = np.zeros(len(crispr))
    for (name, tss), pairs in crispr.groupby(["chrom", "tss"]):
        rows = rows_of[name]
        far = np.abs(centre[rows] - tss)
        total = (strength[rows] * (np.maximum(far, 5000) + 1.0) ** -1.024238616787792)[far <= 5_000_000].sum()
        for pair in pairs.itertuples():
            under = rows[(start[rows] < pair.end) & (end[rows] > pair.start)]
            distance = max(abs((pair.start + pair.end) // 2 - tss), 5000)
            score[pair.Index] = strength[under].sum() * (distance + 1.0) ** -1.024238616787792 / total
    return score
