"""Studies by name, and results computed once."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from cre_core.errors import NotAvailable, UnknownName
from dashboard.services.library import Library
from dashboard.services.locus import first_gene
from dashboard.settings import Settings


def test_names_and_the_default(library: Library) -> None:
    assert library.names() == ["tiny"]
    assert library.default() is library.study("tiny") is library.study()


def test_an_unknown_study_names_the_known_ones(library: Library) -> None:
    with pytest.raises(UnknownName, match="no study 'nope' here; there are: tiny"):
        library.study("nope")


def test_no_study_says_how_to_get_one(library: Library, tmp_path: Path) -> None:
    settings = dataclasses.replace(library.settings, studies=(), cache_dir=tmp_path / "other")
    empty = Library(settings)
    with pytest.raises(NotAvailable, match="simulate --out"):
        empty.default()
    empty.close()


def test_a_result_is_computed_once_per_key(library: Library) -> None:
    calls: list[int] = []
    for key in (("f", 1), ("f", 1), ("f", 2)):
        assert library.memo("tiny", key, lambda key=key: calls.append(1) or {"key": key})["key"] == key
    assert len(calls) == 2


def test_none_is_a_result_too(library: Library) -> None:
    calls: list[int] = []
    for _ in range(2):
        assert library.memo("tiny", ("none",), lambda: calls.append(1)) is None
    assert len(calls) == 1


def test_a_study_made_anew_is_read_anew(library: Library) -> None:
    old = library.study("tiny")
    assert library.memo("tiny", ("n",), lambda: "old") == "old"
    path = old.folder / "study.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": "another, longer title"}))
    library.refresh()
    assert library.study("tiny").info.title == "another, longer title"
    assert library.memo("tiny", ("n",), lambda: "new") == "new"


def test_models_trained_anew_make_results_anew(library: Library) -> None:
    assert library.memo("tiny", ("n",), lambda: "old") == "old"
    weights = library.study("tiny").folder / "models" / "epinformer" / "alpha" / "fold_1.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    library.refresh()
    assert library.memo("tiny", ("n",), lambda: "new") == "new"


def test_refresh_keeps_what_did_not_change(library: Library) -> None:
    study = library.study("tiny")
    library.refresh()
    assert library.study("tiny") is study


def test_a_new_study_appears_and_a_broken_one_is_named(library: Library) -> None:
    studies = library.settings.studies_dir
    shutil.copytree(library.study().folder, studies / "second")
    path = studies / "second" / "study.json"
    path.write_text(path.read_text().replace('"tiny"', '"second"'))
    (studies / "broken").mkdir()
    (studies / "broken" / "study.json").write_text("{")
    library.refresh()
    assert library.names() == ["tiny", "second"]
    assert "is not a study description" in library.problems[studies / "broken"]


def test_the_cache_is_private(library: Library) -> None:
    assert library.settings.cache_dir.stat().st_mode & 0o077 == 0


def test_a_study_of_ones_own_wins_over_the_embedded_one_of_its_name(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = library.study().folder
    (library.settings.studies_dir / "other").mkdir(parents=True)
    for name in ("tiny", "other"):
        own = library.settings.studies_dir / name
        shutil.copytree(embedded, own, dirs_exist_ok=True)
        (own / "study.json").write_text((own / "study.json").read_text().replace('"tiny"', f'"{name}"'))
    library.refresh()
    assert library.study("tiny").folder == embedded  # named on the command line: nothing takes its place
    monkeypatch.setattr("dashboard.services.library.EMBEDDED_STUDIES", (embedded,))
    library.refresh()
    assert library.study("tiny").folder == library.settings.studies_dir / "tiny"
    assert library.names() == ["tiny", "other"]  # and it still is the default


def test_without_a_choice_mycs_study_is_the_default(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache", studies_dir=tmp_path / "none", model_process=False)
    opened = Library(settings)
    assert opened.names() == ["k562", "k562-chr22", "demo"]
    assert first_gene(opened.default()) == "MYC"
    opened.close()


def test_a_second_folder_of_one_study_is_named(library: Library) -> None:
    twin = library.settings.studies_dir / "twin"
    shutil.copytree(library.study().folder, twin)
    library.refresh()
    assert library.names() == ["tiny"]
    assert library.problems[twin] == f"study tiny is open already, from {library.study().folder}"
