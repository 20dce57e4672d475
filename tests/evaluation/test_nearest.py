"""The nearest gene of a place, by hand and against a plain loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.evaluation import baselines
from cre_core.evaluation.nearest import NearestGenes, body_distance, expressed_genes, nearest_genes

CHROM_A = np.array(["chrA"])


def test_expressed_is_one_tpm_or_more(toy_study: Study) -> None:
    """The toy measures log2(TPM + 1) of 2, 1.5, 0.5 and 0: 3, 1.8, 0.4 and 0 TPM."""
    assert expressed_genes(toy_study, "ToyCell") == {"G1", "G2"}
    assert expressed_genes(toy_study, "HeLa") == set()


def test_yes_and_no_of_the_toy_study(toy_study: Study) -> None:
    elements = baselines.with_counts(toy_study.elements, toy_study.element_signal, biosample="ToyCell")
    methods = ["nearest_gene", "nearest_tss", "nearest_expressed", "within_100kb"]
    links = baselines.link_scores(
        elements,
        toy_study.genes,
        biosample="ToyCell",
        methods=methods,
        nearest=nearest_genes(toy_study, "ToyCell"),
    )
    yes = links[links["score"] == 1]
    found = {m: sorted(zip(rows["gene_id"], rows["element_id"], strict=True)) for m, rows in yes.groupby("method")}
    own = [("G1", "e1"), ("G1", "e2")]
    # e3 lies at 200,000: 95 kb behind geneA's end, 90 kb before geneM's body; both TSSs are 100 kb away.
    assert found["nearest_gene"] == [*own, ("G2", "e3"), ("G2", "e4"), ("G3", "e5"), ("G4", "e6")]
    assert found["nearest_tss"] == [*own, ("G1", "e3"), ("G2", "e3"), ("G2", "e4"), ("G3", "e5"), ("G4", "e6")]
    assert found["nearest_expressed"] == [*own, ("G1", "e3"), ("G2", "e3"), ("G2", "e4")]  # nothing on chrB
    near = [("G1", "e1"), ("G1", "e2"), ("G1", "e3"), ("G2", "e3"), ("G2", "e4"), ("G3", "e5"), ("G4", "e6")]
    assert found["within_100kb"] == near
    assert set(links["score"]) == {0.0, 1.0}


def test_bodies_and_tss_against_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    start = rng.integers(0, 100_000, 40)
    genes = pd.DataFrame({"chrom": "chrA", "start": start, "end": start + rng.integers(1, 9_000, 40)})
    genes = genes.assign(tss=rng.integers(0, 100_000, 40), gene_id="", is_expressed=rng.random(40) < 0.5)
    found = NearestGenes(genes)
    place = rng.integers(0, 110_000, 200)
    chrom = np.repeat(CHROM_A, 200)
    assert list(found.to_tss(chrom, place)) == [min(abs(genes["tss"] - at)) for at in place]
    some = genes[genes["is_expressed"]]
    assert list(found.to_tss(chrom, place, expressed_only=True)) == [min(abs(some["tss"] - at)) for at in place]
    by_hand = [
        min(max(s - at, at - (e - 1), 0) for s, e in zip(genes["start"], genes["end"], strict=True)) for at in place
    ]
    assert list(found.to_body(chrom, place)) == by_hand
    assert np.isinf(found.to_body(np.array(["chrB"]), np.array([5]))).all()


@pytest.mark.parametrize(("place", "distance"), [(9, 1), (10, 0), (19, 0), (20, 1), (30, 11)])
def test_a_body_ends_before_its_end(place: int, distance: int) -> None:
    assert body_distance(np.array([place]), np.array([10]), np.array([20])) == [distance]
