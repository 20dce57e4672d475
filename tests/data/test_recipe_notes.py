"""What a reader could not use is in the study's provenance, on the page's list of notes, and printed by `prepare`."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import make_toy_study

from cre_core import cli
from cre_core.data import recipes
from cre_core.data.recipe import Prepared, StudyRecipe, prepare_study
from cre_core.data.study import Study
from cre_core.genome import HG38
from cre_core.io.bed import read_bed
from dashboard.services.sources import notes

NOTE = "a.bed: 1 of 3 rows skipped, end before they start; first: row 1 chr1:9-5"


def _recipe() -> StudyRecipe:
    def write(data: Path, out: Path, report: object) -> Prepared:
        for _ in range(2):  # read twice, said once
            read_bed(data / "a.bed", assembly=HG38)
        made = make_toy_study(data / "made")
        for path in made.folder.glob("*.parquet"):
            path.rename(out / path.name)
        return Prepared(made.info, notes=["the recipe's own"])

    return StudyRecipe("toy", "toy", "toy1", ("B",), (), write)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "a.bed").write_text("chr1\t1\t2\nchr1\t9\t5\nchr1\t7\t8\n")
    return tmp_path


def test_provenance_holds_what_readers_skipped(data: Path) -> None:
    study = prepare_study(_recipe(), data=data, out=data / "study", report=lambda *_: None)
    assert study.info.provenance["notes"] == ["the recipe's own", NOTE]
    assert NOTE in notes(Study.open(data / "study"))


def test_the_command_prints_it(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(recipes.RECIPES, "toy", _recipe())
    arguments = ["cre_core", "prepare", "toy", "--data", str(data), "--out", str(data / "study")]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None)
    assert NOTE in capsys.readouterr().out.splitlines()
