"""The real studies that come with the program: what they are made of, and that a fresh preparation gives the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cre_core.data.recipe import prepare_study
from cre_core.data.recipes import recipe
from cre_core.data.sources import made_of, sources_text
from cre_core.data.store import store_folder
from cre_core.data.study import EMBEDDED, Study
from cre_core.errors import BadInput
from cre_core.evaluation.precompute import KNOCK_OUTS, PREDICTIONS, precomputed_knock_outs
from cre_core.inference.known import trained_models
from cre_core.inference.predictor import open_predictor
from cre_core.io.download import registry
from cre_core.io.files import sha256_of
from cre_core.models.checkpoint import read_info

NAMES = ("k562", "k562-chr22")
ROOT = EMBEDDED.parent


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def imported_sha256(path: Path) -> str:
    return str(read_info(path).provenance.get("sha256", ""))


def without_date(folder: Path) -> dict[str, Any]:
    about = json.loads((folder / "study.json").read_text())
    del about["provenance"]["created"]
    return about


def tracked(folder: Path) -> set[str]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if path.parts[0] not in ("models", "precomputed", "features")}


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_preparation_gives_the_same_files(name: str, shared_data: Path, tmp_path: Path) -> None:
    fresh = tmp_path / name
    prepare_study(recipe(name).redistributable(), data=shared_data, out=fresh, report=quiet)
    embedded = EMBEDDED / name
    assert tracked(embedded) == tracked(fresh)
    assert without_date(embedded) == without_date(fresh)
    for file in sorted(tracked(fresh) - {"study.json"}):
        if file.endswith(".parquet"):
            pd.testing.assert_frame_equal(pd.read_parquet(embedded / file), pd.read_parquet(fresh / file))
        elif not file.endswith(".cool"):  # a .cool holds its date; its content is compared in test_k562_chr22
            assert sha256_of(embedded / file) == sha256_of(fresh / file), file


@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_what_it_is_made_of(name: str) -> None:
    study = Study.open(EMBEDDED / name)
    known = {source["file"] for source in study.info.provenance["sources"]}
    weights = {path for path in made_of(study, imported_sha256) if path.startswith("models/")}
    tables = {path: files for path, files in made_of(study, imported_sha256).items() if path not in weights}
    assert set(tables) == {path for path in tracked(study.folder) if not path.endswith((".json", ".fai", ".gzi"))}
    assert all(files and set(files) <= known for files in tables.values())
    assert len(weights) == {"k562": 0, "k562-chr22": 2}[name]


@pytest.mark.parametrize("name", NAMES)
def test_only_what_may_be_passed_on_is_in_it(name: str) -> None:
    study = Study.open(EMBEDDED / name)
    raw = {file for files in made_of(study, imported_sha256).values() for file in files}
    assert all(registry()[file].is_redistributable for file in raw)
    assert {source["file"] for source in study.info.provenance["sources"]} >= raw - set(_weights(study))


def _weights(study: Study) -> list[str]:
    return [f for path, files in made_of(study, imported_sha256).items() if path.startswith("models/") for f in files]


def test_what_is_left_out_is_named(k562_chr22: Study) -> None:
    left = [entry["file"] for entry in k562_chr22.info.provenance["left_out"]]
    assert left == ["scpge/H11FULL_meme_format.meme"] + [
        f"silencerein_cres/K562/{kind}.bed" for kind in ("silencers", "enhancers", "promoters", "non-silencers")
    ]
    assert k562_chr22.info.motifs is None
    assert not [entry.id for entry in k562_chr22.info.intervals if entry.id.endswith("labels")]
    assert k562_chr22.info.provenance["command"].endswith("prepare k562-chr22 --only-redistributable")


def test_a_recipe_that_needs_a_closed_file_says_which() -> None:
    needy = replace(recipe("k562"), files=("silencerein_cres/K562/silencers.bed",))
    with pytest.raises(
        BadInput, match=r"k562 cannot do without silencerein_cres/K562/silencers\.bed, which may not be"
    ):
        needy.redistributable()
    with pytest.raises(BadInput, match=r"study k562-chr22 cannot do without abc_hic_chr22/chr22\.RAW"):
        recipe("k562-chr22").leave_out(("abc_hic_chr22/chr22.RAWobserved.gz",))  # type: ignore[misc]


def test_the_sources_file_is_that_of_the_studies() -> None:
    studies = [Study.open(EMBEDDED / name) for name in NAMES]
    said = (EMBEDDED / "SOURCES.md").read_text()
    assert said == sources_text(studies, imported_sha256=imported_sha256) + "\n"
    for study in studies:
        for path in made_of(study, imported_sha256):
            assert f"`{path}`" in said
    for text in (
        "ENCFF257HEE",
        "GSE63525",
        "GPL-3.0",
        "silencerein_cres/K562/silencers.bed",
        "Copyright (c) 2025 Eng",
    ):
        assert text in said
    for licence in ("GPL-3.0", "MIT"):
        assert (EMBEDDED / "licences" / f"{licence}.txt").is_file()


def test_the_command_prints_the_sources() -> None:
    command = [sys.executable, "-m", "cre_core", "sources", "precomputed/k562", "precomputed/k562-chr22"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == (EMBEDDED / "SOURCES.md").read_text()


@pytest.mark.parametrize(
    ("name", "models"), [("k562", ["epinformer"]), ("k562-chr22", ["epinformer", "epinformer-hic"])]
)
def test_what_was_computed_beforehand_is_of_the_weights_and_tables_beside_it(name: str, models: list[str]) -> None:
    study = Study.open(EMBEDDED / name)
    assert trained_models(study, "K562") == models
    predictions = pd.read_parquet(study.folder / PREDICTIONS)
    assert predictions.groupby("model")["gene_id"].nunique().to_dict() == dict.fromkeys(models, len(study.genes))
    assert (study.folder / KNOCK_OUTS).is_file()
    for model in models:
        kept = precomputed_knock_outs(open_predictor(study, model, biosample="K562"), mode="mask")
        assert kept is not None
        assert len(kept) > 0


def test_a_study_of_ones_own_finds_the_embedded_weights_of_its_name(k562: Study, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text((k562.folder / "study.json").read_text())
    assert trained_models(Study.open(tmp_path), "K562") == ["epinformer"]


def test_nothing_is_written_into_an_embedded_study(k562_chr22: Study, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = Study(tmp_path / "own", k562_chr22.info)
    assert store_folder(own, 2_000) == tmp_path / "own" / "features" / "2000"
    before = {path: path.stat().st_mtime_ns for path in k562_chr22.folder.rglob("*")}
    predictor = open_predictor(k562_chr22, "epinformer", biosample="K562")  # builds the store of sequences
    assert len(predictor.window(k562_chr22.gene("MGAT3")["gene_id"]).elements)
    assert {path: path.stat().st_mtime_ns for path in k562_chr22.folder.rglob("*")} == before
    assert list(tmp_path.glob("crescope-features/k562-chr22-*/*/sequence.npy"))


def test_the_embedded_studies_stay_small() -> None:
    total = sum(path.stat().st_size for name in NAMES for path in (EMBEDDED / name).rglob("*") if path.is_file())
    assert total < 30e6
