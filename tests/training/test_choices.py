"""Which biosamples and folds are learned: all, all but one, and the split of CREaTor and ScPGE."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from toy import make_toy_study
from toy_inputs import with_biosamples

from cre_core.data.encode import fold_table
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.inference.predictor import open_predictor
from cre_core.training.choices import biosamples_of, folds_of
from cre_core.training.run import train_model


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("choices")
    return with_biosamples(make_toy_study(folder / "study"), {"A": 2.0, "B": 3.0, "New": 4.0}, held_out="New")


def test_all_is_what_has_something_to_learn_and_is_not_held_out(study: Study) -> None:
    every = ["New", "B", "ToyCell", "A"]
    assert biosamples_of(study, "all", having=every) == ["ToyCell", "A", "B"]
    assert biosamples_of(study, "all", having=["B", "ToyCell"]) == ["ToyCell", "B"]
    assert biosamples_of(study, "all", leave_out="A", having=every) == ["ToyCell", "B"]
    assert biosamples_of(study, "A, B,A", having=every) == ["A", "B"]
    assert biosamples_of(study, "B+A", leave_out="B", having=every) == ["A"]


def test_what_cannot_be_left_out(study: Study) -> None:
    with pytest.raises(UnknownName, match="HepG2 is to be left out of ToyCell, A, and is not there"):
        biosamples_of(study, "ToyCell,A", leave_out="HepG2", having=[])
    with pytest.raises(BadInput, match="no biosample came; wanted one or several with commas between"):
        biosamples_of(study, "A", leave_out="A", having=["A"])
    with pytest.raises(UnknownName, match="study toy has no biosample 'HepG2'; it has ToyCell, A, B, New"):
        biosamples_of(study, "A,HepG2", having=["A", "HepG2"])
    with pytest.raises(BadInput, match="New is held out of training in study toy; train on another biosample"):
        biosamples_of(study, "A,New", leave_out="New", having=["A"])
    with pytest.raises(BadInput, match="no biosample came"):
        biosamples_of(study, "all", having=["New"])


def test_a_model_of_the_rest_answers_for_the_one_left_out(study: Study, tmp_path: Path) -> None:
    config = {"width": 8, "n_layers": 1, "n_heads": 2, "n_basis": 5}
    recipe = tmp_path / "small.yaml"
    recipe.write_text(yaml.safe_dump({"model": "epinformer-counts", "config": config, "epochs": 1, "batch_size": 2}))
    train_model(
        study, "epinformer", biosample="all", leave_out="B", out=study.folder / "models", folds="2",
        recipe=str(recipe), report=lambda step, done, total: None,
    )  # fmt: skip
    predictor = open_predictor(study, "epinformer", biosample="B")
    assert predictor.trained_on == ("ToyCell", "A")
    assert not predictor.saw_biosample


def test_the_papers_split_is_found_whatever_its_number(study: Study) -> None:
    chroms = ["chr1", "chr8", "chr9", "chr16", "chr22", "chrX", "chrY"]
    genes = pd.DataFrame({"gene_id": chroms, "chrom": chroms})
    other = Study(study.folder, study.info)
    other.__dict__["genes"], other.__dict__["folds"] = genes, fold_table(genes)
    assert folds_of(other, "paper") == ["fold_1"]
    assert folds_of(other, "all") == [f"fold_{n}" for n in range(1, 14)]
    turned = fold_table(genes).rename(columns={"fold_1": "fold_7", "fold_7": "fold_1"})
    other.__dict__["folds"] = turned[sorted(turned, reverse=True)]
    assert folds_of(other, "paper") == ["fold_7"]
    with pytest.raises(NotAvailable, match="study toy has no fold that validates on chr16 and tests chr8 and chr9"):
        folds_of(study, "paper")
    with pytest.raises(NotAvailable, match="no fold that validates on chr16"):
        folds_of(other, "paper", split="ten-fold")


def test_folds_by_number(study: Study) -> None:
    assert folds_of(study, "2, fold_1") == ["fold_2", "fold_1"]
    assert folds_of(study, "10", split="ten-fold") == ["fold_10"]
    assert folds_of(study, "1,1,") == ["fold_1"]
    for text, odd in (("1,3", "fold_3"), ("-1", "fold_-1"), ("nan", "fold_nan"), (",", "fold ','"), ("", "fold ''")):
        with pytest.raises(BadInput, match=rf"study toy has no {odd}; it has fold_1 \.\.\. fold_2"):
            folds_of(study, text)
