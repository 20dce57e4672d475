"""Link scores of one gene."""

from __future__ import annotations

import numpy as np
import pytest

from cre_core.data.study import Study
from cre_core.errors import UnknownName
from cre_core.evaluation.scores import every_link_method, gene_links, link_methods, links_of_pairs
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import scan_singles


def scores(study: Study, method: str) -> dict[str, float]:
    links = gene_links(study, "G1", biosample="ToyCell", methods=[method])
    return dict(zip(links["element_id"], links["score"], strict=True))


def test_a_study_without_weights_has_the_simple_methods(toy_study: Study) -> None:
    assert link_methods(toy_study, "ToyCell") == [
        "distance", "h3k27ac_over_distance", "activity", "activity_over_distance", "abc",
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


def test_only_tested_elements_are_perturbed(toy_predictor: Predictor) -> None:
    study = toy_predictor.study
    links = links_of_pairs(study, study.crispr, biosample="ToyCell", methods=["epinformer.perturbation", "distance"])
    assert sorted(set(links["element_id"])) == ["e2", "e3"]  # the third tested place holds no element
    assert links["score"].notna().all()
    assert set(links["fold"]) == {"", "fold_1"}


def test_an_unknown_method(toy_study: Study) -> None:
    with pytest.raises(UnknownName, match=r"no link method 'magic' for ToyCell in study toy; it has distance"):
        gene_links(toy_study, "G1", biosample="ToyCell", methods=["magic"])
