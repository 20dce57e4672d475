"""One model of several biosamples, and models of sequence: what is trained, where it goes, whom it answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from toy import make_toy_study
from toy_inputs import TINY, with_biosamples, with_contacts, with_sequence

from cre_core.data.dataset import GeneDataset
from cre_core.data.study import Study
from cre_core.data.windows import neighbourhood_for
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.inference.known import model_folders
from cre_core.inference.predictor import open_predictor
from cre_core.models import checkpoint
from cre_core.models.registry import build
from cre_core.schema import Reads
from cre_core.training import recipe as recipes
from cre_core.training.run import train_model

COUNTS = {"width": 8, "n_layers": 1, "n_heads": 2, "n_basis": 5}
FOLDER = "epinformer/ToyCell+OtherCell"


def write_recipe(path: Path, **settings: object) -> str:
    path.write_text(yaml.safe_dump({"epochs": 1, "batch_size": 2, **settings}))
    return str(path)


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def train(study: Study, recipe: str, out: Path, *, biosample: str = "ToyCell", folds: str = "2") -> None:
    train_model(
        study, "epinformer", biosample=biosample, out=out, folds=folds, recipe=recipe, device="cpu", report=quiet
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("joint")
    study = with_biosamples(make_toy_study(folder / "study"), {"OtherCell": 2.0, "NewCell": 3.0}, held_out="NewCell")
    recipe = write_recipe(folder / "small.yaml", model="epinformer-counts", config=COUNTS)
    train(study, recipe, study.folder / "models", biosample="ToyCell,OtherCell", folds="all")
    return study


def test_one_model_learns_the_genes_of_both(trained: Study) -> None:
    folder = trained.folder / "models" / FOLDER
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    assert files == ["fold_1-seed_0.safetensors", "fold_2-seed_0.safetensors"]
    info = checkpoint.read_info(folder / files[1])
    assert info.biosample == "ToyCell+OtherCell"
    assert (info.provenance["n_train"], info.provenance["n_valid"]) == (2, 2)  # geneA and geneM, of both


def test_a_joint_model_answers_for_a_biosample_it_never_saw(trained: Study) -> None:
    new = open_predictor(trained, "epinformer", biosample="NewCell")
    assert new.trained_on == ("ToyCell", "OtherCell")
    assert not new.saw_biosample
    assert new.label == "EPInformer, element counts (trained on ToyCell and OtherCell, never on NewCell)"
    assert new.window("G1").elements["dnase"].tolist() == [2700, 300, 1200, 2400]
    assert np.isfinite(new.predict_genes(["G1", "G2", "G3"])["predicted"]).all()
    known = open_predictor(trained, "epinformer", biosample="OtherCell")
    assert known.saw_biosample
    assert known.label == "EPInformer, element counts"


def test_its_own_weights_come_before_joint_ones(trained: Study, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "study")
    study, models = Study.open(folder), folder / "models"
    assert model_folders(study, "OtherCell") == {"epinformer": models / FOLDER}
    shutil.copytree(models / FOLDER, models / "epinformer/A+B")
    shutil.copytree(models / FOLDER, models / "epinformer/OtherCell")
    assert model_folders(study, "OtherCell") == {"epinformer": models / "epinformer/OtherCell"}
    assert model_folders(study, "ToyCell") == {"epinformer": models / FOLDER}


def test_a_held_out_biosample_is_refused_in_company_too(trained: Study, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "small.yaml", model="epinformer-counts", config=COUNTS)
    with pytest.raises(BadInput, match="NewCell is held out of training in study toy; train on another biosample"):
        train(trained, recipe, tmp_path, biosample="ToyCell,NewCell")
    with pytest.raises(UnknownName, match="study toy has no biosample 'HepG2'; it has ToyCell, OtherCell, NewCell"):
        train(trained, recipe, tmp_path, biosample="ToyCell,HepG2")
    with pytest.raises(BadInput, match="no biosample came; wanted one or several with commas between"):
        train(trained, recipe, tmp_path, biosample=",")


def test_weights_of_another_recipe_are_not_taken_for_its_own(trained: Study, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "other.yaml", model="epinformer-counts", config=COUNTS)
    with pytest.raises(BadInput, match=r"fold_2-seed_0\.safetensors was made by recipe small, not other"):
        train(trained, recipe, trained.folder / "models", biosample="ToyCell,OtherCell")


def test_a_joined_dataset_gives_what_its_parts_give(trained: Study, tmp_path: Path) -> None:
    shutil.copytree(trained.folder, tmp_path / "study")
    study = with_contacts(with_sequence(Study.open(tmp_path / "study")))
    reads = Reads(assays=("dnase", "h3k27ac"), width_bp=400, sequence=True, contact=True)
    parts = [
        GeneDataset(
            neighbourhood_for(study, name, reads), genes, np.arange(float(len(genes))), reach_bp=150_000, limit=None
        )
        for name, genes in (("ToyCell", ["G1", "G2"]), ("OtherCell", ["G2", "G3", "G1"]))
    ]
    joint = GeneDataset.joined(parts)
    assert len(joint) == 5
    for whole, part, genes in (([0, 1], 0, [0, 1]), ([4, 2], 1, [2, 0])):
        batch, target = joint[whole]
        expected, expected_target = parts[part][genes]
        assert target.tolist() == expected_target.tolist()
        for name, value in vars(expected).items():
            if isinstance(value, torch.Tensor) and name != "input_row":
                torch.testing.assert_close(getattr(batch, name), value, msg=name, equal_nan=True)
        for of_joint, of_part in (
            (batch.inputs.sequence[batch.input_row], expected.inputs.sequence[expected.input_row]),
            (batch.promoter.sequence, expected.promoter.sequence),
        ):
            assert torch.equal(of_joint, of_part)
    assert joint.subset(torch.tensor([False, True, False, False, True])).gene_ids == ["G2", "G1"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sequence_bp"), [("paper", 2000), ("demo-sequence", 512)])
def test_recipes_of_sequence_train_on_a_study_with_sequence(tmp_path: Path, name: str, sequence_bp: int) -> None:
    study = with_sequence(make_toy_study(tmp_path / "study"))
    settings = yaml.safe_load((recipes.FOLDER / f"{name}.yaml").read_text())
    recipe = write_recipe(tmp_path / f"{name}.yaml", **{**settings, "epochs": 2})
    train(study, recipe, tmp_path / "m")
    info = checkpoint.read_info(tmp_path / "m/epinformer/ToyCell/fold_2-seed_0.safetensors")
    assert (info.model, info.variant, info.config["sequence_bp"]) == ("epinformer", "pe-activity", sequence_bp)


def test_the_papers_recipe_is_the_papers() -> None:
    paper = recipes.load_recipe("paper")
    assert (paper.batch_size, paper.learning_rate, paper.weight_decay) == (64, 5e-4, 1e-6)
    assert (paper.betas, paper.loss, paper.patience) == ((0.9, 0.99), "smooth_l1", 6)
    n_parameters = checkpoint.count_parameters(build(paper.model, paper.config))
    assert n_parameters == 447_149 + 2 * 64


def test_the_papers_recipe_without_sequence_is_one_clear_line(toy_study: Study, tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="study toy has no sequence, and this model reads it; use a model"):
        train(toy_study, "paper", tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_an_encoder_trained_before_is_where_it_starts(tmp_path: Path) -> None:
    study = with_sequence(make_toy_study(tmp_path / "study"))
    torch.manual_seed(5)
    encoder = build("epinformer-activity", {})
    info = checkpoint.describe(encoder, biosample="ToyCell", expression_unit="log2(RPM + 1)")
    checkpoint.save(tmp_path / "encoder.safetensors", encoder, info)
    config = {**TINY, "encoder_is_frozen": True}
    recipe = write_recipe(
        tmp_path / "start.yaml", model="epinformer", config=config, pretrained_encoder="encoder.safetensors"
    )
    train(study, recipe, tmp_path / "m")
    model, _info = checkpoint.load(tmp_path / "m/epinformer/ToyCell/fold_2-seed_0.safetensors")
    assert torch.equal(model.encoder.stem.weight, encoder.encoder.stem.weight)
    recipe = write_recipe(
        tmp_path / "odd.yaml", model="epinformer-counts", config=COUNTS, pretrained_encoder="encoder.safetensors"
    )
    with pytest.raises(BadInput, match="recipe odd names a pretrained encoder; epinformer-counts has no encoder"):
        train(study, recipe, tmp_path / "n")


def test_genes_the_model_cannot_speak_about_are_not_trained_on(tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study")
    study.promoter_signal.loc[study.promoter_signal["gene_id"] == "G1", "dnase"] = np.nan
    recipe = write_recipe(tmp_path / "small.yaml", model="epinformer-counts", config=COUNTS)
    extra = study.folds.assign(fold_2=["train", "train", "valid", "test"])
    study.__dict__["folds"] = extra
    train(study, recipe, tmp_path / "m")
    info = checkpoint.read_info(tmp_path / "m/epinformer/ToyCell/fold_2-seed_0.safetensors")
    assert info.provenance["n_train"] == 1
