"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from toy import make_toy_study

from cre_core.data.study import EMBEDDED, Study
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.models import checkpoint
from cre_core.models.registry import build

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is computed of embedded studies goes to a folder of this run, not to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def k562() -> Study:
    """K562, genome-wide, as it comes with the program."""
    return Study.open(EMBEDDED / "k562")


@pytest.fixture(scope="session")
def k562_chr22() -> Study:
    """The window of chr22, as it comes with the program: without what may not be passed on."""
    return Study.open(EMBEDDED / "k562-chr22")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public files beside the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real data beside the project (../shared/data) are absent")
    return folder


@pytest.fixture(scope="session")
def parity() -> Path:
    """The folder of reference outputs beside the project."""
    folder = SHARED / "parity"
    if not folder.is_dir():
        pytest.skip("the reference outputs beside the project (../shared/parity) are absent")
    return folder


@pytest.fixture(scope="session")
def toy_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study of tests/toy.py."""
    return make_toy_study(tmp_path_factory.mktemp("toy") / "study")


@pytest.fixture(scope="session")
def toy_predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Random weights for both folds of a toy study: arithmetic is tested with them, not biology."""
    study = make_toy_study(tmp_path_factory.mktemp("toy_models") / "study")
    for fold in ("fold_1", "fold_2"):
        torch.manual_seed(len(fold) + int(fold[-1]))
        model = build("epinformer-counts", {"width": 16, "n_layers": 2, "n_basis": 9})
        info = checkpoint.describe(model, biosample="ToyCell", expression_unit="log2(TPM + 1)", fold=fold, seed=0)
        checkpoint.save(study.folder / f"models/epinformer/ToyCell/{fold}-seed_0.safetensors", model, info)
    return open_predictor(study, "epinformer", biosample="ToyCell")
