"""Models and link methods that other installed packages add."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from installed import DECLARED, LINKS, MODEL, install, install_toy_lab
from toy import make_toy_study

from cre_core.data.study import EMBEDDED, Study
from cre_core.errors import NotAvailable
from cre_core.evaluation.methods import method_of, methods
from cre_core.evaluation.scores import gene_links, link_methods
from cre_core.extensions import code_of, resolved
from cre_core.inference.known import trained_models
from cre_core.inference.predictor import open_predictor
from cre_core.interpretation.perturb import knock_out
from cre_core.models.registry import families, models
from cre_core.training.run import train_model
from dashboard.pages.locus import page as locus
from dashboard.services.library import Library
from dashboard.services.links import links_of, methods_of
from dashboard.settings import Settings
from dashboard.theme import SPARE_COLOURS, method_colour

ROOT = Path(__file__).resolve().parents[1]
Install = Callable[..., None]


def forget() -> None:
    """Let the registries look again for what is installed."""
    for known in (models, families, methods):
        known.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages; what it holds is gone afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    forget()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in ("toy_lab", "other_lab")]:
        del sys.modules[name]
    forget()


@pytest.fixture
def toy_lab(site: Path) -> Path:
    install_toy_lab(site)
    return site


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def test_links_of_another_packages_method(toy_lab: Path) -> None:
    study = Study.open(EMBEDDED / "demo")
    gene = study.genes.iloc[0]
    assert "dnase_nearby" in link_methods(study, "SimA")
    links = gene_links(study, gene["gene_id"], biosample="SimA", methods=["dnase_nearby"])
    signal = study.element_signal
    reads = signal[signal["biosample"] == "SimA"].set_index("element_id")["dnase"].reindex(links["element_id"])
    center = (links["start"] + links["end"]) // 2
    assert list(links["score"]) == list(np.where((center - gene["tss"]).abs() <= 50_000, reads, 0.0))
    assert (links["score"] > 0).any()


def test_the_pages_offer_it_by_its_title(toy_lab: Path, tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "toy")
    settings = Settings(
        studies=(study.folder,), cache_dir=tmp_path / "cache", studies_dir=tmp_path / "none", model_process=False
    )
    library = Library(settings)
    assert "dnase_nearby" in methods_of(study, biosample="ToyCell")
    assert "DNase within 50 kb" in str(locus.layout(library, gene="geneA"))
    found, problems = links_of(library, library.default(), "G1", biosample="ToyCell", methods=["dnase_nearby"])
    assert dict(zip(found["dnase_nearby"]["element_id"], found["dnase_nearby"]["score"], strict=True)) == {
        "e1": 900, "e2": 100, "e3": 0, "e4": 0,
    }  # fmt: skip
    assert problems == {}
    library.close()
    assert method_colour("dnase_nearby") in SPARE_COLOURS
    assert method_colour("toy-counts.attention") in SPARE_COLOURS


def test_another_packages_model_is_trained_and_predicts(toy_lab: Path, tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study")
    out = study.folder / "models"
    rows = train_model(study, "toy-counts", biosample="ToyCell", out=out, folds="1", device="cpu", report=quiet)
    assert [row["fold"] for row in rows] == ["fold_1"]
    assert trained_models(study, "ToyCell") == ["toy-counts"]
    predictor = open_predictor(study, "toy-counts", biosample="ToyCell")
    assert (predictor.label, predictor.modes) == ("Toy counts", ("mask", "silence"))
    (line,) = (model.line for model in predictor.models_of("fold_1"))  # type: ignore[union-attr]
    slope, base = line.weight.item(), line.bias.item()
    window = predictor.window("G1")  # e1, e2, e3 with 900, 100 and 400 reads of DNase
    amounts = np.log1p([900.0, 100.0, 400.0])
    found = knock_out(predictor, window, {"e2": 0.0})
    assert found.before == pytest.approx(base + slope * amounts.sum(), rel=1e-5)
    assert found.after == pytest.approx(base + slope * (amounts[0] + amounts[2]), rel=1e-5)
    links = gene_links(study, "G1", biosample="ToyCell", methods=["toy-counts.attention"]).set_index("element_id")
    assert list(links.loc[["e1", "e2", "e3"], "score"]) == pytest.approx(list(amounts / (1 + amounts.sum())))
    assert method_of("toy-counts.attention").title == "attention"


def test_weights_stay_where_their_package_is_gone(toy_lab: Path, tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study")
    out = study.folder / "models"
    train_model(study, "toy-counts", biosample="ToyCell", out=out, folds="1", device="cpu", report=quiet)
    for file in sorted((toy_lab / "toy_lab-1.0.dist-info").iterdir()):
        file.unlink()
    forget()
    assert trained_models(study, "ToyCell") == []  # the others of the study would still be there


BROKEN = {
    "raises": ("m = other_lab:model", "raise RuntimeError('no\\nlicence')", "RuntimeError: no licence"),
    "lacks": ("m = other_lab:model", "", "AttributeError: module 'other_lab' has no attribute 'model'"),
    "absent": ("m = nowhere_lab:model", "", "ModuleNotFoundError: No module named 'nowhere_lab'"),
    "another kind": ("m = other_lab:model", "model = 3", "other_lab:model is a int; wanted a ModelSpec"),
    "taken": ("m = other_lab:model", DECLARED.replace('"toy-counts"', '"creator"'), "the name 'creator' is taken"),
    "a form's name": (
        "m = other_lab:model", DECLARED.replace('"toy-counts"', '"scpge-lp"'), "the name 'scpge-lp' is taken",
    ),
    "no code": (
        "m = other_lab:model", DECLARED, "model toy-counts: there is no module for toy_lab.model:Toy",
    ),
    "gives": (
        "m = other_lab:model", DECLARED.replace("recipe=", 'gives="class", recipe='),
        "model toy-counts gives class; wanted expression",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_model_is_told_in_one_line_and_the_rest_works(
    case: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry, code, wrong = BROKEN[case]
    if case == "no code":  # the package that the entry speaks of has no such module
        (site / "toy_lab").mkdir()
        (site / "toy_lab/__init__.py").touch()
    install(site, "other-lab", {"__init__.py": code}, f"[crescope.models]\n{entry}\n")
    with caplog.at_level(logging.WARNING):
        assert list(models())[:2] == ["epinformer", "epinformer-counts"]
        assert "creator" in families()
    assert [record.getMessage() for record in caplog.records] == [
        f"package other-lab: entry 'm' of crescope.models is left out: {wrong}"
    ]


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        (DECLARED.replace("dnase_nearby", "dnase.nearby"), "the name 'dnase.nearby' came; wanted one without a dot"),
        (DECLARED.replace('"dnase_nearby"', '"abc"'), "the name 'abc' is taken"),
        (DECLARED, "link method dnase_nearby: toy_lab.links:score cannot be loaded: ModuleNotFoundError: No module"),
        (DECLARED.replace(', "toy_lab.links:score"', ""), "nothing computes link method 'dnase_nearby'"),
    ],
)
def test_a_broken_method_is_told_in_one_line(
    code: str, wrong: str, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "other-lab", {"__init__.py": code}, "[crescope.methods]\nm = other_lab:method\n")
    with caplog.at_level(logging.WARNING):
        assert "abc" in methods()
        assert "dnase_nearby" not in methods()
    (record,) = caplog.records
    assert f"package other-lab: entry 'm' of crescope.methods is left out: {wrong}" in record.getMessage()
    assert "\n" not in record.getMessage()


def test_a_model_whose_code_breaks_later_says_so(site: Path) -> None:
    files = {"__init__.py": DECLARED, "links.py": LINKS, "model.py": "import nowhere\n" + MODEL}
    install(site, "toy-lab", files, "[crescope.models]\nm = toy_lab:model\n")
    with pytest.raises(NotAvailable, match=r"model toy-counts: toy_lab\.model:Toy cannot be loaded: ModuleNot"):
        _ = models()["toy-counts"].module
    with pytest.raises(NotAvailable, match="it: json:nothing cannot be loaded: AttributeError: "):
        resolved("json:nothing", of="it")


def test_results_are_made_anew_when_an_added_packages_code_changes(toy_lab: Path) -> None:
    files = code_of(["toy_lab.links:score", "toy_lab.model:Toy", "nowhere_at_all:x"])
    assert {file.name for file in files} == {"__init__.py", "links.py", "model.py"}


def test_the_command_line_takes_them(toy_lab: Path, tmp_path: Path) -> None:
    """A benchmark of the demo by the added method; a broken package beside it costs a line, not the answer."""
    install(toy_lab, "other-lab", {"__init__.py": "import nowhere"}, "[crescope.methods]\nm = other_lab:method\n")
    asked = ["evaluate", "links", "--study", "precomputed/demo", "--biosample", "SimA", "--methods", "dnase_nearby"]
    found = subprocess.run(
        [sys.executable, "-m", "cre_core", *asked, "--resamples", "2", "--json", str(tmp_path / "links.json")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(toy_lab)}, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    lines = [line for line in found.stderr.splitlines() if "lab" in line]
    wrong = "ModuleNotFoundError: No module named 'nowhere'"
    assert lines == [f"package other-lab: entry 'm' of crescope.methods is left out: {wrong}"]
    rows = json.loads((tmp_path / "links.json").read_text())
    assert {"dnase_nearby", "distance"} <= {row["method"] for row in rows}
