"""What `precompute` writes beside a study, and when it still holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.evaluation.precompute import KNOCK_OUTS, PREDICTIONS, precompute, precomputed_knock_outs
from cre_core.evaluation.screened import COLUMNS
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.io.folders import held


@pytest.fixture
def predictor(toy_predictor: Predictor, tmp_path: Path) -> Predictor:
    """Of a copy, to be written into."""
    shutil.copytree(toy_predictor.study.folder, tmp_path / "study")
    return open_predictor(Study.open(tmp_path / "study"), "epinformer", biosample="ToyCell")


def quiet(*_: object) -> None:
    """Reports to nobody."""


def test_what_is_written_is_what_is_read_until_the_study_or_the_weights_change(predictor: Predictor) -> None:
    assert precomputed_knock_outs(predictor, mode="mask") is None
    written = precompute(predictor.study, report=quiet)
    assert sorted(path.name for path in (predictor.study.folder / "precomputed").iterdir()) == [
        Path(KNOCK_OUTS).name,
        Path(PREDICTIONS).name,
    ]
    assert written.predictions["gene_id"].tolist() == ["G1", "G2", "G3", "G4"]
    found = precomputed_knock_outs(predictor, mode="mask")
    assert found is not None
    pd.testing.assert_frame_equal(found, written.knock_outs[list(COLUMNS)])
    assert precomputed_knock_outs(predictor, mode="silence") is None
    info, (first, second) = predictor.study.folder / "study.json", predictor.checkpoints
    for path, changed in ((info, info.read_bytes() + b"\n"), (first, second.read_bytes())):
        before = path.read_bytes()
        path.write_bytes(changed)
        assert precomputed_knock_outs(predictor, mode="mask") is None
        path.write_bytes(before)
    assert precomputed_knock_outs(predictor, mode="mask") is not None


@pytest.mark.parametrize("form", ["older", "damaged", "empty"])
def test_a_file_of_another_form_counts_as_none(predictor: Predictor, form: str) -> None:
    precompute(predictor.study, report=quiet)
    path = predictor.study.folder / KNOCK_OUTS
    if form == "older":
        pd.read_parquet(path).rename(columns={"made_of": "weights"}).to_parquet(path)
    else:
        path.write_bytes(path.read_bytes()[:100] if form == "damaged" else b"")
    assert precomputed_knock_outs(predictor, mode="mask") is None


def test_a_study_without_a_screen_or_a_model_gives_empty_tables(predictor: Predictor) -> None:
    folder = predictor.study.folder
    (folder / "crispr.parquet").unlink()
    written = precompute(Study.open(folder), report=quiet)
    assert (len(written.predictions), len(written.knock_outs)) == (4, 0)
    assert precomputed_knock_outs(predictor, mode="mask") is None
    shutil.rmtree(folder / "models")
    written = precompute(Study.open(folder), report=quiet)
    assert (len(written.predictions), len(written.knock_outs)) == (0, 0)


def test_other_things_and_another_writer_are_left_alone(predictor: Predictor) -> None:
    folder = predictor.study.folder / "precomputed"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="precomputed is not empty and holds no folder of precomputed tables"):
        precompute(predictor.study, report=quiet)
    (folder / "thesis.txt").unlink()
    with held(predictor.study.folder), pytest.raises(NotAvailable, match=r"study is being written by process \d+"):
        precompute(predictor.study, report=quiet)
    precompute(predictor.study, report=quiet)
    (folder / "notes.txt").write_text("mine")
    precompute(predictor.study, report=quiet)
    assert {path.name for path in folder.iterdir()} == {"predictions.parquet", "knockouts.parquet", "notes.txt"}
