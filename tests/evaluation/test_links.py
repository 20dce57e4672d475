"""Tested pairs and links put together by hand, and the published baselines of the K562 benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.evaluation import baselines
from cre_core.evaluation.links import evaluate_links
from cre_core.evaluation.pairs import abc_of_pairs, distance_of_pairs, overlapping_scores, score_pairs
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
    zero = score_pairs(crispr, links, method="m.attention")
    least = score_pairs(crispr, links, method="m.attention", fill="minimum")
    assert (list(zero.score), list(least.score)) == ([-1, -3, 0], [-1, -3, -3])
    assert list(zero.is_filled) == [False, False, True]
    assert zero.source == "links"


def test_the_truth_tables_own_columns_come_first() -> None:
    crispr = _tested([(100, 200, "G1", True), (500, 600, "G1", False)])
    crispr = crispr.assign(distance_to_tss_bp=[1000.0, 3000.0], dhs_rpm=[4.0, np.nan], h3k27ac_rpm=[9.0, 1.0])
    links = _links([(100, 200, "G1", 9.0)], method="activity")
    assert list(distance_of_pairs(crispr)) == [1000, 3000]
    assert list(score_pairs(crispr, links, method="distance").score) == [0.5, 0.25]
    assert list(score_pairs(crispr, links, method="activity").score) == [6, 0]  # a missing signal counts as 0
    assert list(score_pairs(crispr, links, method="activity_over_distance").score) == [0.006, 0]
    expanded = crispr.assign(h3k27ac_rpm_expanded=[25.0, 0.0])
    assert score_pairs(expanded, links, method="activity").score[0] == 10
    assert score_pairs(crispr.drop(columns="dhs_rpm"), links, method="activity").score[0] == 9
    assert score_pairs(crispr, links, method="activity").source == "crispr table"


def test_abc_of_pairs_by_hand(toy_study: Study) -> None:
    elements = baselines.with_counts(toy_study.elements, toy_study.element_signal, biosample="ToyCell")
    found = abc_of_pairs(toy_study.crispr, elements)
    weight = {0: 600.0, 10_000: 5000**0.5, 100_000: 200, 200_000: 240_000**0.5}
    weight = {d: a * (max(d, 5000) + 1) ** -baselines.GAMMA for d, a in weight.items()}
    total = sum(weight.values())
    assert found == pytest.approx([weight[10_000] / total, weight[100_000] / total, np.nan], nan_ok=True)
    moved = toy_study.crispr.assign(benchmark_tss=toy_study.crispr["tss"], tss=7)
    assert abc_of_pairs(moved, elements) == pytest.approx(found, nan_ok=True)


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
    found = evaluate_links(crispr, links, methods=["distance", "m.attention"], n_resamples=50)
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


def test_a_subset_without_positives_is_not_defined() -> None:
    found = evaluate_links(
        _tested([(100, 200, "G1", False)]), _links([]), methods=["distance"], n_resamples=5, reference=None
    )
    assert np.isnan([row["value"] for row in found]).all()


def test_what_is_not_there_is_named() -> None:
    crispr = _tested([(100, 200, "G1", True)])
    with pytest.raises(NotAvailable, match=r"no score of method 'abc' for the tested.*; the links hold m.attention"):
        evaluate_links(crispr, _links([(1, 2, "G1", 1.0)]), methods=["abc"])
    with pytest.raises(BadInput, match="no tested pair came"):
        evaluate_links(crispr.iloc[:0], _links([]), methods=["distance"])
    with pytest.raises(BadInput, match="links repeat an element and gene"):
        overlapping_scores(crispr, _links([(1, 2, "G1", 1.0)] * 2), how="max")


_NAMES = {
    "chromStart": "start", "chromEnd": "end", "measuredGeneSymbol": "gene_name", "measuredGeneEnsemblId": "gene_id",
    "startTSS": "tss", "Regulated": "is_positive", "distanceToTSS": "distance_to_tss_bp", "DHS.RPM": "dhs_rpm",
    "H3K27ac.RPM.expandedRegion": "h3k27ac_rpm_expanded",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.shared_data
def test_baselines_of_the_k562_benchmark(shared_data: Path) -> None:
    path = shared_data / "crispr" / "EPCrisprBenchmark_combined_data.training_K562.GRCh38.tsv.gz"
    crispr = pd.read_csv(path, sep="\t", low_memory=False).rename(columns=_NAMES)
    counts = shared_data / "epinformer_data"
    elements = pd.read_csv(
        counts / "Enhancers.DHS.ENCFF257HEE.bam.CountReads.bedgraph",
        sep="\t",
        names=["chrom", "start", "end", "dnase"],
    )
    h3k27ac = pd.read_csv(
        counts / "Enhancers.H3K27ac.ENCFF232RQF.bam.CountReads.bedgraph", sep="\t", header=None, usecols=[3]
    )
    elements["h3k27ac"] = h3k27ac[3]
    rows = evaluate_links(crispr, _links([]), methods=baselines.METHODS, elements=elements, n_resamples=200)

    def value(method: str, subset: str = "all", metric: str = "average_precision") -> float:
        return _row(rows, method=method, subset=subset, metric=metric, interval="gene")["value"]

    published = {
        "activity": 0.111, "distance": 0.438, "h3k27ac_over_distance": 0.503, "activity_over_distance": 0.529,
        "abc": 0.555,
    }  # fmt: skip
    assert {method: value(method) for method in published} == pytest.approx(published, abs=0.003)
    everything = _row(rows, method="abc", subset="all", metric="average_precision", interval="pair")
    assert (everything["n"], everything["n_positive"], everything["n_filled"]) == (10_356, 471, 1015)
    bins = {
        "<10 kb": (223, 133, 0.716, 0.808), "10-25 kb": (302, 96, 0.325, 0.516),
        "25-100 kb": (1295, 160, 0.207, 0.374),
        ">100 kb": (8536, 82, 0.026, 0.051), "within_gene_median": (2802, 86, 0.705, 0.597),
    }  # fmt: skip
    for subset, (n, n_positive, distance, activity_over_distance) in bins.items():
        row = _row(rows, method="distance", subset=subset, metric="average_precision", interval="gene")
        assert (row["n"], row["n_positive"]) == (n, n_positive)
        assert row["value"] == pytest.approx(distance, abs=0.001)
        assert value("activity_over_distance", subset) == pytest.approx(activity_over_distance, abs=0.001)
    by_pair = _row(rows, method="distance", subset="all", metric="average_precision", interval="pair")
    assert (by_pair["ci_low"], by_pair["ci_high"]) == pytest.approx((0.397, 0.484), abs=0.02)
