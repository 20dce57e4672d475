"""The k562 study as it comes with the program, and what a broken or stopped preparation leaves."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cre_core.data.k562 import FILES, log_rpkm
from cre_core.data.raw_files import sources
from cre_core.data.recipe import Prepared, StudyRecipe, classify_elements, download_raw_files, prepare_study
from cre_core.data.recipes import recipe
from cre_core.data.study import Study, StudyInfo, write_info
from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName
from cre_core.io.download import registry
from cre_core.io.folders import held
from cre_core.models import checkpoint


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def study(k562: Study) -> Study:
    return k562  # a fresh preparation gives the same: test_embedded


def test_the_tables_are_whole(study: Study) -> None:
    assert (len(study.elements), len(study.genes), len(study.crispr)) == (116_669, 18_377, 10_356)
    assert int(study.crispr["is_positive"].sum()) == 471
    assert len(study.element_signal) == 116_669
    assert study.promoter_signal[["dnase", "h3k27ac"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("gene", "tested", "positive", "fold"),
    [("MYC", 105, 9, "fold_7"), ("KLF1", 82, 3, "fold_8"), ("BAX", 131, 0, "fold_8"), ("GATA1", 212, 3, "fold_11")],
)
def test_truth_at_the_loci_people_open_first(study: Study, gene: str, tested: int, positive: int, fold: str) -> None:
    pairs = study.crispr[study.crispr["gene_name"] == gene]
    assert (len(pairs), int(pairs["is_positive"].sum())) == (tested, positive)
    assert study.fold_of(study.gene(gene)["gene_id"]) == fold


def test_mycs_enhancers_lie_far_downstream(study: Study) -> None:
    pairs = study.crispr[(study.crispr["gene_name"] == "MYC") & study.crispr["is_positive"]]
    assert pairs["tss_distance_bp"].min() > 150_000
    assert (pairs["tss_distance_bp"] > 1_800_000).sum() == 5


def test_distance_is_positive_downstream_on_the_minus_strand(study: Study) -> None:
    klf1 = study.gene("klf1")
    assert klf1["strand"] == "-"
    pairs = study.crispr[study.crispr["gene_name"] == "KLF1"]
    upstream = pairs[pairs["start"] > klf1["tss"]]
    assert (upstream["tss_distance_bp"] < 0).all()


def test_expression_is_log_rpkm_with_three_decimals(study: Study) -> None:
    rna = study.expression[study.expression["measure"] == "rna"]
    rpkm = 10 ** rna["value"].to_numpy() - 0.1
    low = rpkm[rpkm < 1]  # above, single precision of the z-scores is coarser than a thousandth
    assert len(rna) == 18_377
    assert np.abs(low * 1000 - np.round(low * 1000)).max() < 0.01


def test_lifted_sets_say_what_was_lost(study: Study) -> None:
    losses = {loss["set"]: loss for loss in study.info.provenance["lift_over"]}
    assert losses["ctcf_peaks"]["in"] == 45_603
    assert 0 < losses["ctcf_peaks"]["lost"] < 100
    assert {s.id for s in study.info.intervals if s.lifted_from == "hg19"} == set(losses)
    assert len(study.intervals("loops")) == losses["loops"]["in"] - losses["loops"]["lost"]


def test_every_source_is_named(study: Study) -> None:
    sources = {source["file"]: source for source in study.info.provenance["sources"]}
    assert set(sources) == set(FILES)
    assert all(len(source["sha256"]) == 64 and source["url"].startswith("https://") for source in sources.values())


def test_a_z_score_is_undone_exactly() -> None:
    values = np.log10(np.r_[np.arange(30), 4000, 120_000] / 1000 + 0.1)
    z = (values - 0.3) / 1.7
    assert np.allclose(log_rpkm(z), values)
    assert log_rpkm(z, np.array([0.0]))[0] == pytest.approx(0.3)


def test_another_scale_is_refused() -> None:
    with pytest.raises(BadInput, match=r"expression is not a z-score of log10\(RPKM \+ 0\.1\)"):
        log_rpkm(np.sort(np.random.default_rng(0).normal(size=100)))


def test_classes_by_hand() -> None:
    elements = pd.DataFrame(
        {
            "chrom": ["chr1"] * 5 + ["chr2"],
            "start": [9_000, 10_400, 10_501, 12_000, 12_001, 10_000],
            "end": [9_500, 10_900, 11_000, 12_500, 12_501, 10_100],
        }
    )
    classes = classify_elements(elements, np.array(["chr1"]), np.array([10_000]))
    # the last base of row 0 is 9,499: 501 bp away; row 3 starts 2,000 bp away
    assert classes.tolist() == ["proximal", "promoter", "proximal", "proximal", "distal", "distal"]


def test_missing_raw_files_say_what_brings_them(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"31 raw files of k562 are not in .*python -m cre_core download k562"):
        prepare_study(recipe("k562"), data=tmp_path, out=tmp_path / "study", report=quiet)


def test_files_of_the_registry_are_compared_with_it(tmp_path: Path) -> None:
    files = [file for file in registry().values() if file.n_bytes < 50_000][:5]
    for file in files:
        (tmp_path / file.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.name).write_text("another")
    says = (
        rf"^5 of 5 raw files are not the published ones: {files[0].name}, {files[1].name}, {files[2].name}, \.\.\. "
    )
    with pytest.raises(BadFile, match=says):
        sources(files, tmp_path, accept_other=False, report=quiet)
    right = replace(files[0], sha256=hashlib.sha256(b"another").hexdigest())
    rows = sources([right, files[1]], tmp_path, accept_other=True, report=quiet)
    assert [row["checked"] for row in rows] == ["as published", "not the published file"]


def test_a_download_fills_no_folder_of_other_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="is not empty and holds no folder of raw files; wanted a new folder"):
        download_raw_files(recipe("k562"), data=tmp_path, mirror=str(tmp_path), report=quiet)
    data, empty = tmp_path / "data", tmp_path / "empty"
    empty.mkdir()
    with (
        held(data, lock=".download.lock"),
        pytest.raises(NotAvailable, match=r"data is being written by process \d+ since"),
    ):
        download_raw_files(recipe("k562"), data=data, mirror=str(empty), report=quiet)
    with pytest.raises(NotAvailable, match="mirror has no file"):
        download_raw_files(recipe("k562"), data=data, mirror=str(empty), report=quiet)


def test_an_unknown_recipe() -> None:
    with pytest.raises(UnknownName, match="no study recipe 'hela'; there are k562"):
        recipe("hela")


class TestAStoppedPreparation:
    """A kill or a full disk in the middle leaves the old study and nothing half-written."""

    @staticmethod
    def run(tmp_path: Path, failure: BaseException | None) -> None:
        def write(data: Path, out: Path, report: object) -> Prepared:
            (out / "genes.parquet").write_text("half")
            if failure is not None:
                raise failure
            return Prepared(StudyInfo("toy", "toy", False, "toy1", {"chrA": 10}, ("B",)))

        plan = StudyRecipe("toy", "toy", "toy1", ("B",), (), write)
        prepare_study(plan, data=tmp_path, out=tmp_path / "study", report=quiet)

    @pytest.mark.parametrize(
        ("failure", "seen"),
        [
            (KeyboardInterrupt(), KeyboardInterrupt),
            (OSError(errno.ENOSPC, "No space left on device"), BadFile),
        ],
    )
    def test_the_old_study_stays(self, tmp_path: Path, failure: BaseException, seen: type[BaseException]) -> None:
        self.run(tmp_path, None)
        (tmp_path / "study/models").mkdir()
        (tmp_path / "study/models/weights").write_text("kept")
        before = (tmp_path / "study/study.json").read_text()
        with pytest.raises(seen):
            self.run(tmp_path, failure)
        assert (tmp_path / "study/study.json").read_text() == before
        assert [path.name for path in tmp_path.iterdir()] == ["study"]

    def test_what_a_person_put_there_stays(self, tmp_path: Path) -> None:
        self.run(tmp_path, None)
        (tmp_path / "study/notes.txt").write_text("mine")
        (tmp_path / "study/genes.parquet").write_text("older")
        self.run(tmp_path, None)
        assert (tmp_path / "study/notes.txt").read_text() == "mine"
        assert (tmp_path / "study/genes.parquet").read_text() == "half"

    def test_only_an_older_study_of_that_name_is_replaced(self, tmp_path: Path) -> None:
        out = tmp_path / "study"
        out.mkdir()
        (out / "thesis.txt").write_text("mine")
        with pytest.raises(BadInput, match="study is not empty and holds no study; wanted a new folder or a study"):
            self.run(tmp_path, None)
        write_info(out, StudyInfo("demo", "Demo", False, "toy1", {"chrA": 10}, ("B",)))
        with pytest.raises(BadInput, match="holds study demo of real data; wanted a new folder or study toy of real"):
            self.run(tmp_path, None)
        write_info(out, StudyInfo("toy", "Toy", True, "toy1", {"chrA": 10}, ("B",)))
        with pytest.raises(BadInput, match="holds study toy of simulated data; wanted a new folder or study toy of"):
            self.run(tmp_path, None)
        assert {path.name for path in out.iterdir()} == {"thesis.txt", "study.json"}

    def test_a_training_inside_keeps_the_folder(self, tmp_path: Path) -> None:
        self.run(tmp_path, None)
        with (
            checkpoint.folder_to_write(tmp_path / "study/models", "epinformer", "B"),
            pytest.raises(NotAvailable, match=r"models/epinformer/B is being written by process \d+ since"),
        ):
            self.run(tmp_path, None)

    def test_models_survive_a_new_preparation(self, tmp_path: Path) -> None:
        self.run(tmp_path, None)
        (tmp_path / "study/models").mkdir()
        (tmp_path / "study/models/weights").write_text("kept")
        self.run(tmp_path, None)
        assert (tmp_path / "study/models/weights").read_text() == "kept"


def test_a_folder_that_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"no study in .*study\.json is missing"):
        Study.open(tmp_path)
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(BadFile, match="is not a study description"):
        Study.open(tmp_path)
    write_info(tmp_path, StudyInfo("toy", "toy", True, "toy1", {"chrA": 10}, ("B",), format=99))
    with pytest.raises(BadFile, match="has format 99; this version reads 1"):
        Study.open(tmp_path)
