"""Element classes against labels: every number by hand or from scikit-learn's plain form."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from toy import make_toy_study
from toy_classes import class_recipe, class_study, with_labels

from cre_core import cli
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.evaluation.elements import CLASSES, boosted, elements_benchmark, evaluate_classes
from cre_core.inference.classes import ClassPredictor, class_models
from cre_core.inference.known import model_folders, trained_models
from cre_core.inference.predictor import open_predictor
from cre_core.models import create
from cre_core.training.classes import train_classes


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def table(labels: list[str], chroms: list[str] | None = None) -> pd.DataFrame:
    ids = [f"e{n}" for n in range(len(labels))]
    return pd.DataFrame({"element_id": ids, "chrom": chroms or ["chrA"] * len(labels), "label": labels})


def scores(values: np.ndarray) -> pd.DataFrame:
    ids = [f"e{n}" for n in range(len(values))]
    return pd.DataFrame(values, columns=list(CLASSES)).assign(element_id=ids)


def row_of(rows: list[dict], method: str, metric: str, subset: str = "all") -> dict:
    return next(r for r in rows if (r["method"], r["metric"], r["subset"]) == (method, metric, subset))


def test_the_classes_are_creates_own() -> None:
    assert CLASSES == create.CLASSES


def test_numbers_by_hand() -> None:
    observed = table(["silencer", "enhancer", "enhancer", "background"])
    found = np.array(
        [
            [0.6, 0.3, 0.0, 0.0, 0.1],  # right
            [0.0, 0.9, 0.0, 0.0, 0.1],  # right
            [0.5, 0.2, 0.0, 0.0, 0.3],  # called a silencer
            [0.1, 0.4, 0.0, 0.0, 0.5],  # right
        ]
    )
    rows = evaluate_classes(observed, {"m": scores(found)}, n_resamples=50)
    assert row_of(rows, "m", "accuracy")["value"] == 0.75
    assert row_of(rows, "m", "accuracy")["prevalence"] == 0.5
    # Enhancers lie on ranks 1 and 4 of their own score: (1 + 2/4) / 2; the other classes lead theirs.
    enhancer = row_of(rows, "m", "average_precision", "enhancer")
    assert (enhancer["value"], enhancer["n"], enhancer["n_positive"], enhancer["prevalence"]) == (0.75, 4, 2, 0.5)
    macro = row_of(rows, "m", "macro_average_precision")
    assert macro["value"] == pytest.approx((1 + 0.75 + 1) / 3)
    assert (macro["n"], macro["n_positive"], macro["prevalence"]) == (4, None, pytest.approx(1 / 3))
    assert macro["ci_low"] <= macro["value"] <= macro["ci_high"]
    # F1: silencer 1 of 2 called, 1 of 1 found; enhancer 1 of 1 called, 1 of 2 found; background all right.
    assert row_of(rows, "m", "macro_f1")["value"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert row_of(rows, "m", "auroc", "enhancer")["value"] == 0.5  # of the four pairs with others, two are in order
    assert not [row for row in rows if row["subset"] in ("promoter", "insulator")]
    assert {row["interval"] for row in rows} == {"element"}


def test_numbers_agree_with_the_plain_form() -> None:
    draw = np.random.default_rng(0)
    labels, chroms = draw.choice(list(CLASSES), 300), draw.choice(["chrA", "chrB"], 300)
    found = draw.dirichlet(np.ones(5), 300)
    rows = evaluate_classes(table(list(labels), list(chroms)), {"m": scores(found)}, n_resamples=10)
    for subset, kept in (("all", np.ones(300, bool)), ("chrB", chroms == "chrB")):
        truth, called = labels[kept], np.array(CLASSES)[found[kept].argmax(1)]
        one_hot = np.stack([truth == name for name in CLASSES], 1)
        expected = {
            "macro_average_precision": sk.average_precision_score(one_hot, found[kept], average="macro"),
            "macro_auroc": sk.roc_auc_score(one_hot, found[kept], average="macro"),
            "macro_f1": sk.f1_score(truth, called, average="macro"),
            "accuracy": sk.accuracy_score(truth, called),
        }
        for metric, value in expected.items():
            assert row_of(rows, "m", metric, subset)["value"] == pytest.approx(value)


def test_all_methods_on_the_same_elements() -> None:
    observed = table(["enhancer", "background", "enhancer"])
    perfect = np.array([[0, 1, 0, 0, 0], [0, 0, 0, 0, 1], [0, 1, 0, 0, 0]], float)
    gap = perfect.copy()
    gap[2] = np.nan
    rows = evaluate_classes(observed, {"a": scores(perfect), "b": scores(gap)}, n_resamples=5)
    assert {(row["n"], row["n_missing"]) for row in rows} == {(2, 1)}
    twice = pd.concat([scores(perfect), scores(perfect[::-1])])  # e0 and e2 get what e2 and e0 have
    assert row_of(evaluate_classes(observed, {"a": twice}, n_resamples=5), "a", "accuracy")["value"] == 1
    with pytest.raises(BadInput, match="no prediction came; wanted at least one method"):
        evaluate_classes(observed, {})
    with pytest.raises(BadInput, match="no labelled element has a held-out prediction of every method"):
        evaluate_classes(observed, {"a": scores(np.full((3, 5), np.nan))})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("elements")
    study = class_study(folder / "study", gap_bp=110_050)  # of e2
    recipe = class_recipe(folder / "small.yaml", epochs=1, test_copies=3)
    train_classes(
        study, "create", biosample="ToyCell", out=study.folder / "models", folds="2", recipe=recipe, device="cpu",
        report=quiet,
    )  # fmt: skip
    return Study.open(study.folder)


def test_a_model_of_classes_is_no_model_of_expression(trained: Study) -> None:
    folder = trained.folder / "models/create/ToyCell"
    assert class_models(trained, "ToyCell") == {"create": folder}
    assert model_folders(trained, "ToyCell") == {}
    assert trained_models(trained, "ToyCell") == []
    with pytest.raises(NotAvailable, match="create has no weights for ToyCell"):
        open_predictor(trained, "create", biosample="ToyCell")
    named = folder.parent.parent / "my-own/ToyCell"  # under another name the weights themselves say what they are
    named.parent.mkdir()
    named.symlink_to(folder)
    assert trained_models(trained, "ToyCell") == []
    assert set(class_models(trained, "ToyCell")) == {"create", "my-own"}
    named.unlink()


def test_probabilities_are_the_mean_of_the_copies(trained: Study) -> None:
    predictor = ClassPredictor(trained, class_models(trained, "ToyCell")["create"], biosample="ToyCell")
    assert (predictor.folds, predictor.classes, predictor.n_copies) == (["fold_2"], CLASSES, 3)
    rows = np.array([4, 1, 0])
    found = predictor.probabilities("fold_2", rows)
    assert np.isnan(found[1]).all()  # e2 has no data
    model = predictor._models("fold_2")[0]
    one = [
        model(predictor.inputs(rows[[0]], np.array([shift]), np.array([turned]))).logits.softmax(1)
        for shift in (-10, 0, 10)
        for turned in (False, True)
    ]
    np.testing.assert_allclose(found[0], sum(one).detach().numpy()[0] / 6, atol=1e-6)
    held_out = predictor.held_out()
    assert held_out["element_id"].tolist() == ["e5", "e6"]  # fold_2 tests chrB
    with pytest.raises(NotAvailable, match="no weights of fold_1 in"):
        predictor.probabilities("fold_1", rows)


def test_a_ten_fold_model_speaks_about_the_tenth_it_never_saw(tmp_path: Path) -> None:
    study = class_study(tmp_path / "study", gap_bp=300_050)  # of e4
    recipe = class_recipe(tmp_path / "ten.yaml", epochs=1, split="ten-fold", test_copies=1)
    train_classes(
        study, "create", biosample="ToyCell", out=study.folder / "models", folds="1", recipe=recipe, device="cpu",
        report=quiet,
    )  # fmt: skip
    held_out = ClassPredictor(study, class_models(study, "ToyCell")["create"], biosample="ToyCell").held_out()
    assert held_out["element_id"].tolist() == ["e3"]  # silencers are dealt out first, and e3 is the only one
    assert (held_out["fold"] == "fold_1").all()


def test_weights_of_no_fold_cannot_be_held_out(trained: Study, tmp_path: Path) -> None:
    folder = tmp_path / "create/ToyCell"
    folder.mkdir(parents=True)
    source = trained.folder / "models/create/ToyCell/fold_2-seed_0.safetensors"
    (folder / "unknown-seed_0.safetensors").write_bytes(source.read_bytes())
    with pytest.raises(BadInput, match="are of no fold; nobody knows which elements they never saw"):
        ClassPredictor(trained, folder, biosample="ToyCell").held_out()
    with pytest.raises(NotAvailable, match=r"no trained weights in .*; `train create` makes them"):
        ClassPredictor(trained, tmp_path, biosample="ToyCell")


def test_the_baseline_scores_every_element_and_only_known_classes(trained: Study) -> None:
    bad = boosted(trained, "ToyCell", open_only=True)
    assert sorted(bad["element_id"]) == ["e1", "e2", "e3", "e4", "e5", "e6"]
    assert np.allclose(bad[list(CLASSES)].sum(1), 1)
    assert (bad["insulator"] == 0).all()  # no label of the study names one


def test_the_command_writes_the_contracts_rows(
    trained: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "elements.json"
    arguments = ("--study", trained.folder, "--biosample", "ToyCell", "--resamples", "10", "--json", out)
    monkeypatch.setattr(sys, "argv", ["cre_core", "evaluate", "elements", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code
    rows = json.loads(out.read_text())
    assert {"method", "n", "n_positive", "prevalence", "metric", "value", "ci_low", "ci_high", "subset"} <= set(
        rows[0]
    )
    assert {row["method"] for row in rows} == {"gradient_boosting", "gradient_boosting_open", "create"}
    assert {row["n"] for row in rows} == {2}
    assert "macro_average_precision" in capsys.readouterr().out


def test_what_cannot_be_evaluated(trained: Study, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no method 'deepsea' for elements of ToyCell in study toy; there are grad"):
        elements_benchmark(trained, biosample="ToyCell", methods=["deepsea"], report=quiet)
    with pytest.raises(NotAvailable, match=r"study toy has no element labels"):
        elements_benchmark(make_toy_study(tmp_path / "toy"), biosample="ToyCell", methods=None, report=quiet)
    other = with_labels(make_toy_study(tmp_path / "toy"))
    other.info.provenance["held_out_biosamples"] = ["ToyCell"]  # type: ignore[index]
    with pytest.raises(NotAvailable, match="study toy has no labelled biosample that may be trained on"):
        boosted(other, "ToyCell", open_only=True)
    other.__dict__["element_signal"] = trained.element_signal.drop(columns="dnase")
    with pytest.raises(NotAvailable, match="study toy has no accessibility counts; it has h3k27ac"):
        boosted(other, "ToyCell", open_only=True)
