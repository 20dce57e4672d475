"""Link scores of one gene."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import UnknownName
from cre_core.evaluation.scores import every_link_method, gene_links, link_methods
from cre_core.evaluation.screen_scores import model_on_screen, simple_links
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.attention import attention_of, attention_of_genes
from cre_core.interpretation.attribution import count_gradient_scores, gradient_scores
from cre_core.interpretation.perturb import scan_singles


def scores(study: Study, method: str) -> dict[str, float]:
    links = gene_links(study, "G1", biosample="ToyCell", methods=[method])
    return dict(zip(links["element_id"], links["score"], strict=True))


def test_a_study_without_weights_has_the_simple_methods(toy_study: Study) -> None:
    assert link_methods(toy_study, "ToyCell") == [
        "distance", "nearest_gene", "nearest_tss", "nearest_expressed", "within_100kb", "h3k27ac_over_distance",
        "activity", "activity_over_distance", "abc",
    ]  # fmt: skip


def test_activity_over_distance_by_hand(toy_study: Study) -> None:
    found = scores(toy_study, "activity_over_distance")
    assert found["e2"] == pytest.approx(np.sqrt(100 * 50) / 10_000)
    assert found["e3"] == pytest.approx(np.sqrt(400 * 100) / 100_000)


def test_abc_shares_sum_to_one_but_for_the_own_promoter(toy_study: Study) -> None:
    found = scores(toy_study, "abc")
    assert found["e1"] == 1.0  # the gene's own promoter, as ABC sets it
    weight = {
        e: np.sqrt(n) * np.exp(-1.024238616787792 * np.log(max(d, 5000) + 1))
        for e, n, d in (("e1", 900 * 400, 0), ("e2", 5000, 10_000), ("e3", 40_000, 100_000), ("e4", 240_000, 200_000))
    }
    assert found["e3"] == pytest.approx(weight["e3"] / sum(weight.values()))


def test_model_methods_come_from_the_model(toy_predictor: Predictor) -> None:
    study = toy_predictor.study
    window = toy_predictor.window("G1")
    attention = toy_predictor.predict([window]).element_attention[0].numpy()
    assert list(scores(study, "epinformer.attention").values()) == pytest.approx(attention.tolist())
    adjusted = scores(study, "epinformer.adjusted_attention")
    assert adjusted["e2"] == pytest.approx(attention[1] / 4)  # log10(10,000)
    assert adjusted["e1"] == pytest.approx(attention[0] / 3)  # the TSS itself counts as 1 kb
    abc = scores(study, "abc")
    assert scores(study, "epinformer.attention_abc")["e3"] == pytest.approx(attention[2] * abc["e3"])
    lost = -scan_singles(toy_predictor, window)["effect_fraction"]
    assert list(scores(study, "epinformer.perturbation").values()) == pytest.approx(lost.tolist(), abs=1e-6)


def test_other_ways_to_read_a_model(toy_predictor: Predictor) -> None:
    study = toy_predictor.study
    window = toy_predictor.window("G1")
    known = every_link_method(study, "ToyCell")
    assert set(link_methods(study, "ToyCell")) < set(known)
    assert "epinformer.perturbation_silence" in known
    assert "epinformer.perturbation_scramble" not in known  # the model reads no bases
    attention = toy_predictor.predict([window]).element_attention[0].numpy()
    shares = list(scores(study, "epinformer.attention_sum").values())
    assert shares == pytest.approx((attention / attention.sum()).tolist())
    low, high = attention.min(), attention.max()
    scaled = list(scores(study, "epinformer.attention_min_max").values())
    assert scaled == pytest.approx(((attention - low) / (high - low)).tolist(), abs=1e-6)
    lost = -scan_singles(toy_predictor, window, mode="silence")["effect_fraction"]
    assert list(scores(study, "epinformer.perturbation_silence").values()) == pytest.approx(lost.tolist(), abs=1e-6)
    lost = -scan_singles(toy_predictor, window)["effect_fraction"].to_numpy()
    best = [1 / (1 + min((attention > a).sum(), (lost > b).sum())) for a, b in zip(attention, lost, strict=True)]
    assert list(scores(study, "epinformer.attention_or_perturbation").values()) == pytest.approx(best)


def test_a_screen_is_scored_as_each_gene_is(toy_predictor: Predictor) -> None:
    """The screen tested geneA's e2 and e3, and a third place that holds no element."""
    study, kinds = toy_predictor.study, ["attention", "gradient_x_input", "saliency", "perturbation"]
    abc = simple_links(study, study.crispr, biosample="ToyCell", methods=["abc"])
    found = model_on_screen(study, study.crispr, abc, biosample="ToyCell", model="epinformer", kinds=kinds)
    assert list(found.links["element_id"]) == ["e2", "e3"] * 3
    for kind in kinds[:3]:
        whole = scores(study, f"epinformer.{kind}")
        rows = found.links[found.links["method"] == f"epinformer.{kind}"]
        assert list(rows["score"]) == pytest.approx([whole["e2"], whole["e3"]])
    lost = scores(study, "epinformer.perturbation")
    effect = found.predicted["mask"]["effect_fraction"].to_numpy()
    assert effect == pytest.approx([-lost["e2"], -lost["e3"], np.nan], nan_ok=True, abs=1e-6)


def test_two_processes_say_the_same(toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    from cre_core.evaluation import screen_scores

    monkeypatch.setattr(screen_scores, "GENES_A_PART", 1)
    study = toy_predictor.study
    crispr = pd.concat([study.crispr, study.crispr.assign(gene_id="G2")], ignore_index=True)
    abc = simple_links(study, crispr, biosample="ToyCell", methods=["abc"])
    said = [
        model_on_screen(
            study,
            crispr,
            abc,
            biosample="ToyCell",
            model="epinformer",
            kinds=["attention", "perturbation"],
            n_processes=n,
        )
        for n in (1, 2)
    ]
    pd.testing.assert_frame_equal(said[0].links, said[1].links)
    pd.testing.assert_frame_equal(said[0].predicted["mask"], said[1].predicted["mask"])


def test_genes_in_one_batch_are_scored_as_each_alone(k562: Study) -> None:
    """Windows of unequal size: MYC's holds 192 elements, its neighbours of the fold others."""
    predictor = open_predictor(k562, "epinformer", biosample="K562")
    fold = k562.fold_of(k562.gene("MYC")["gene_id"])
    tested = k562.folds.loc[k562.folds[fold] == "test", "gene_id"].iloc[:3]
    windows = [predictor.window(gene_id) for gene_id in [k562.gene("MYC")["gene_id"], *tested]]
    assert len({len(window.elements) for window in windows}) > 1
    together = zip(
        windows, attention_of_genes(predictor, windows), count_gradient_scores(predictor, windows), strict=True
    )
    for window, attention, gradients in together:
        np.testing.assert_allclose(attention.row(), attention_of(predictor, window).row(), rtol=1e-4, atol=1e-8)
        for method, alone in gradient_scores(predictor, window).items():
            np.testing.assert_allclose(gradients[method], alone, rtol=1e-3, atol=1e-7)


def test_a_gene_that_no_model_knows_has_the_simple_scores(toy_predictor: Predictor, tmp_path: Path) -> None:
    shutil.copytree(toy_predictor.study.folder, tmp_path / "study")
    bodies = pd.read_parquet(tmp_path / "study/gene_bodies.parquet")
    other = pd.DataFrame(
        [("chrA", 150_000, 160_001, "geneN", "-")], columns=["chrom", "start", "end", "gene_name", "strand"]
    )
    pd.concat([bodies, other]).assign(gene_id="N1").to_parquet(tmp_path / "study/gene_bodies.parquet")
    study = Study.open(tmp_path / "study")
    gene = study.annotated_gene("genen")
    assert (gene["tss"], gene["is_modelled"]) == (160_000, False)
    links = gene_links(study, "N1", biosample="ToyCell", methods=["distance"]).set_index("element_id")
    assert links.loc["e3", "score"] == pytest.approx(1 / 41)
    assert links.loc["e3", "tss_distance_bp"] == -40_000  # higher coordinates lie upstream on the minus strand
    with pytest.raises(UnknownName, match="study toy has no gene id 'N1'"):
        gene_links(study, "N1", biosample="ToyCell", methods=["epinformer.attention"])


def test_an_unknown_method(toy_study: Study) -> None:
    with pytest.raises(UnknownName, match=r"no link method 'magic' for ToyCell in study toy; it has distance"):
        gene_links(toy_study, "G1", biosample="ToyCell", methods=["magic"])
