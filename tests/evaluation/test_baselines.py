"""Simple link scores by hand, and ABC against its published output for K562 chr22."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, UnknownName
from cre_core.evaluation import baselines as b
from cre_core.evaluation.methods import simple_methods
from cre_core.evaluation.nearest import nearest_genes
from cre_core.schema import LINKS, check_table


@pytest.fixture
def elements(toy_study: Study) -> pd.DataFrame:
    return b.with_counts(toy_study.elements, toy_study.element_signal, biosample="ToyCell")


def _scores(links: pd.DataFrame, gene: str, method: str) -> dict[str, float]:
    rows = links[(links["gene_id"] == gene) & (links["method"] == method)]
    return dict(zip(rows["element_id"], rows["score"], strict=True))


def test_links_of_the_toy_study_by_hand(toy_study: Study, elements: pd.DataFrame) -> None:
    near = nearest_genes(toy_study, "ToyCell")
    links = check_table(b.link_scores(elements, toy_study.genes, biosample="ToyCell", nearest=near), LINKS)
    assert len(links) == len(simple_methods()) * (2 * 4 + 2 * 2)  # two genes see four elements, two see two
    assert _scores(links, "G1", "distance") == pytest.approx({"e1": 1, "e2": 1 / 11, "e3": 1 / 101, "e4": 1 / 201})
    assert _scores(links, "G1", "activity")["e3"] == pytest.approx(200)
    assert _scores(links, "G1", "activity_over_distance")["e3"] == pytest.approx(200 / 100_000)
    assert _scores(links, "G1", "activity_over_distance")["e1"] == pytest.approx(600)  # at the TSS: over 1 bp
    assert _scores(links, "G1", "h3k27ac_over_distance")["e2"] == pytest.approx(50 / 10_000)
    contact = {"e1": 5001, "e2": 10_001, "e3": 100_001, "e4": 200_001}
    strength = {"e1": 600, "e2": 5000**0.5, "e3": 200, "e4": 240_000**0.5}
    parts = {e: strength[e] * contact[e] ** -b.GAMMA for e in contact}
    shares = {e: part / sum(parts.values()) for e, part in parts.items()} | {"e1": 1.0}  # its own promoter
    assert _scores(links, "G1", "abc") == pytest.approx(shares)
    assert _scores(links, "G3", "abc")["e6"] == 0


def test_distance_has_the_sign_of_the_genes_direction(toy_study: Study, elements: pd.DataFrame) -> None:
    links = b.link_scores(elements, toy_study.genes, biosample="ToyCell", methods=["distance"])
    minus = links[links["gene_id"] == "G2"].set_index("element_id")["tss_distance_bp"]
    assert minus["e3"] == 100_000  # lower coordinates lie downstream of a gene on the minus strand


def test_only_elements_in_reach_compete(toy_study: Study, elements: pd.DataFrame) -> None:
    genes = toy_study.genes[toy_study.genes["gene_id"] == "G1"]
    links = b.link_scores(elements, genes, biosample="ToyCell", methods=["abc"], reach_bp=100_000)
    assert list(links["element_id"]) == ["e1", "e2", "e3"]
    none = b.link_scores(elements, genes.assign(chrom="chrB", tss=10**6), biosample="x", methods=["abc"], reach_bp=9)
    assert not len(none)


def test_missing_counts_stay_missing_and_leave_the_others_alone(toy_study: Study, elements: pd.DataFrame) -> None:
    genes = toy_study.genes[toy_study.genes["gene_id"] == "G1"]
    holed = elements.assign(dnase=elements["dnase"].where(elements["element_id"] != "e3"))
    without = elements[elements["element_id"] != "e3"]
    scores = _scores(b.link_scores(holed, genes, biosample="ToyCell", methods=["abc"]), "G1", "abc")
    assert np.isnan(scores.pop("e3"))
    assert scores == pytest.approx(
        _scores(b.link_scores(without, genes, biosample="ToyCell", methods=["abc"]), "G1", "abc")
    )


def test_measured_contacts_replace_the_power_law(toy_study: Study, elements: pd.DataFrame) -> None:
    genes = toy_study.genes[toy_study.genes["gene_id"] == "G1"]

    def contact(chrom: str, tss: int, centers: np.ndarray) -> np.ndarray:
        assert (chrom, tss) == ("chrA", 100_000)
        return np.where(centers == 200_000, 10.0, np.nan)

    plain = _scores(b.link_scores(elements, genes, biosample="T", methods=["abc"]), "G1", "abc")
    found = _scores(b.link_scores(elements, genes, biosample="T", methods=["abc"], contact=contact), "G1", "abc")
    assert found["e3"] > 0.9 > plain["e3"]


def test_what_is_not_there_is_named(toy_study: Study, elements: pd.DataFrame) -> None:
    with pytest.raises(UnknownName, match="no simple link method 'magic'; there are distance"):
        b.link_scores(elements, toy_study.genes, biosample="T", methods=["magic"])
    with pytest.raises(BadInput, match="elements lack the counts dnase, h3k27ac"):
        b.link_scores(toy_study.elements, toy_study.genes, biosample="T", methods=["abc"])
    with pytest.raises(BadInput, match="the nearest gene is asked for; wanted every gene of the study"):
        b.link_scores(elements, toy_study.genes, biosample="T", methods=["nearest_gene"])
    with pytest.raises(UnknownName, match="no element counts of biosample 'HeLa'; there are ToyCell"):
        b.with_counts(toy_study.elements, toy_study.element_signal, biosample="HeLa")
    with pytest.raises(UnknownName, match="no atac counts here; the columns are"):
        b.with_counts(toy_study.elements, toy_study.element_signal, biosample="ToyCell", assays=["atac"])


def _published(shared_data: Path) -> pd.DataFrame:
    folder = shared_data / "abc_k562_chr22"
    return pd.read_csv(folder / "EnhancerPredictionsAllPutative.ForVariantOverlap.shrunk150bp.tsv.gz", sep="\t")


def test_constants_are_those_of_abc(parity: Path) -> None:
    abc = json.loads((parity / "baselines.json").read_text())["ABC"]
    assert (abc["hic_gamma"], abc["hic_scale"], abc["min_distance"]) == (b.GAMMA, b.SCALE, b.MIN_DISTANCE_BP)


@pytest.mark.shared_data
def test_contact_and_numerator_agree_with_published_abc(shared_data: Path) -> None:
    table = _published(shared_data)
    distance, hic = table["distance"].to_numpy(), table["hic_contact"].to_numpy()
    np.testing.assert_allclose(b.powerlaw_contact(distance), table["powerlaw_contact"], atol=1e-6)
    contact = b.scaled_contact(distance, hic)
    np.testing.assert_allclose(contact, table["hic_contact_pl_scaled_adj"], atol=5e-6)
    np.testing.assert_allclose(table["activity_base"] * contact, table["ABC.Score.Numerator"], rtol=2e-4)
    # The file lists scores above 0.015 only; one further row per gene stands for the rest of its total.
    others = table[~table["isSelfPromoter"]]
    total = (others["ABC.Score.Numerator"] / others["ABC.Score"]).groupby(others["TargetGene"]).median()
    known = table[table["TargetGene"].isin(total.index)]
    numerator = (known["activity_base"] * contact[known.index]).to_numpy()
    gene = total.index.get_indexer(known["TargetGene"])
    rest = total.to_numpy() - np.bincount(gene, numerator)
    share = b.share(np.r_[numerator, rest], np.r_[gene, np.arange(len(total))])[: len(known)]
    listed = ~known["isSelfPromoter"].to_numpy()
    np.testing.assert_allclose(share[listed], known["ABC.Score"][listed], rtol=5e-4)


def _chr22_activity(shared_data: Path, table: pd.DataFrame) -> pd.DataFrame:
    """All 17,732 candidates with ABC's normalised signals.

    ABC maps reads to normalised signal by rank, apart for promoters; the listed rows show that map at most counts.
    """
    folder = shared_data / "abc_k562_chr22"
    elements = pd.read_csv(folder / "EnhancerList.bed", sep="\t", names=["chrom", "start", "end", "name"])
    for mark, name in (("dhs", "DHS.ENCFF860XAE"), ("k27", "H3K27ac.ENCFF790GFL")):
        path = folder / f"Enhancers.{name}.chr22.sorted.se.bam.CountReads.bedgraph"
        elements[mark] = pd.read_csv(path, sep="\t", header=None)[3]
    listed = table.drop_duplicates("name").merge(elements[["name", "dhs", "k27"]], on="name")
    listed["k27_normalised"] = listed["activity_base"] ** 2 / listed["normalized_dhs"]
    for mark, target in (("dhs", "normalized_dhs"), ("k27", "k27_normalised")):
        elements[target] = np.nan
        for is_promoter in (False, True):
            rows = elements["name"].str.startswith("promoter") == is_promoter
            seen = listed[listed["name"].str.startswith("promoter") == is_promoter]
            curve = seen.groupby(mark)[target].mean()
            elements.loc[rows, target] = np.interp(elements.loc[rows, mark], curve.index, curve)
    return elements.rename(columns={"normalized_dhs": "dnase", "k27_normalised": "h3k27ac"}).assign(
        element_id=elements["name"]
    )


@pytest.mark.shared_data
def test_power_law_scores_from_all_candidates_agree_with_published_abc(shared_data: Path) -> None:
    table = _published(shared_data)
    elements = _chr22_activity(shared_data, table)
    genes = (
        table.drop_duplicates("TargetGene")
        .iloc[::5]
        .rename(columns={"TargetGene": "gene_id", "TargetGeneTSS": "tss"})
    )
    genes = genes.assign(chrom="chr22", gene_name="", strand="+")
    links = b.link_scores(elements, genes, biosample="K562", methods=["abc"])
    published = table.loc[~table["isSelfPromoter"], ["name", "TargetGene", "powerlaw.Score"]]
    published = published[published["TargetGene"].isin(genes["gene_id"])]
    both = published.merge(links, left_on=["name", "TargetGene"], right_on=["element_id", "gene_id"])
    both = both[both["score"] < 1]
    assert len(both) > 0.98 * len(published)
    assert (both["score"] / both["powerlaw.Score"]).median() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(both["score"], both["powerlaw.Score"], rtol=0.05)
