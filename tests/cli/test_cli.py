"""Commands: what they print, what they write, and how they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import make_toy_study

from cre_core import cli
from cre_core.data.study import EMBEDDED, Study
from cre_core.inference.edits import BaseEdit
from cre_core.inference.known import trained_models
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.attribution import attribute
from cre_core.interpretation.mutagenesis import saturate
from cre_core.interpretation.perturb import edit_bases, knock_out, scan_pairs, smallest_set
from cre_core.models import checkpoint, registry
from cre_core.models.import_weights import _STACKED


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["cre_core", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_knockout_prints_and_writes_the_librarys_number(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = toy_predictor.study.folder, tmp_path / "ko.json"
    common = ("--study", study, "--model", "epinformer", "--biosample", "ToyCell", "--gene", "genea", "--json", out)
    assert run(monkeypatch, "knockout", *common, "--element", "e2", "--mode", "mask") == 0
    answer = json.loads(out.read_text())
    expected = knock_out(toy_predictor, toy_predictor.window("G1"), {"e2": 0.0})
    assert answer["effect_fraction"] == pytest.approx(expected.effect_fraction, abs=1e-6)
    assert answer["is_simulated"] is True
    assert answer["seen_in_training"] is False
    assert "log2 FC" in capsys.readouterr().out
    assert run(monkeypatch, "knockout", *common, "--scan") == 0
    assert [row["element_id"] for row in json.loads(out.read_text())["singles"]] == ["e1", "e2", "e3", "e4"]


def test_pairs_and_halving_give_the_librarys_tables(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = toy_predictor.study.folder, tmp_path / "ko.json"
    common = ("--study", study, "--model", "epinformer", "--biosample", "ToyCell", "--gene", "geneA", "--json", out)
    window = toy_predictor.window("G1")
    named = ("--element", "e2", "--element", "e3", "--element", "e4")
    assert run(monkeypatch, "knockout", *common, "--pairs", *named) == 0
    wanted = scan_pairs(toy_predictor, window, ["e2", "e3", "e4"])
    found = [row["interaction_log2"] for row in json.loads(out.read_text())["pairs"]]
    assert found == pytest.approx(wanted["interaction_log2"].tolist(), abs=1e-5)
    assert run(monkeypatch, "knockout", *common, "--halve") == 0
    answer, greedy = json.loads(out.read_text()), smallest_set(toy_predictor, window)
    assert [step["element_id"] for step in answer["steps"]] == greedy.steps["element_id"].tolist()
    assert answer["is_reached"] == greedy.is_reached
    assert "interaction" in capsys.readouterr().out


def test_bases_on_the_command_line_count_from_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo, out = Path(__file__).resolve().parents[2] / "precomputed" / "demo", tmp_path / "ko.json"
    predictor = open_predictor(Study.open(demo), "creator", biosample="SimA")
    gene = predictor.study.genes.iloc[30]
    window = predictor.window(str(gene["gene_id"]))
    start = int(window.elements["start"].iloc[22]) + 100  # CREaTor reads the middle 350 of 500 bp
    common = ("--study", demo, "--model", "creator", "--biosample", "SimA", "--gene", "SIM31", "--json", out)
    assert run(monkeypatch, "knockout", *common, "--delete", f"{start + 1:,}-{start + 20:,}") == 0
    expected = edit_bases(predictor, window, [BaseEdit(start, start + 20)])
    assert json.loads(out.read_text())["effect_fraction"] == pytest.approx(expected.effect_fraction, abs=1e-6)
    assert run(monkeypatch, "knockout", *common, "--substitute", f"{start + 1}:ACGT") == 0
    expected = edit_bases(predictor, window, [BaseEdit(start, start + 4, "ACGT")])
    answer = json.loads(out.read_text())
    assert answer["effect_fraction"] == pytest.approx(expected.effect_fraction, abs=1e-6)
    assert answer["mode"] == "edit"
    assert run(monkeypatch, "knockout", *common, "--element", window.elements["element_id"].iloc[22],
               "--mode", "scramble", "--shuffles", "2") == 0  # fmt: skip
    assert json.loads(out.read_text())["spread_log2"] > 0
    assert "over 2 shuffles" in capsys.readouterr().out


def test_explain_gives_the_librarys_contributions(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = toy_predictor.study.folder, tmp_path / "why.json"
    common = ("--study", study, "--model", "epinformer", "--biosample", "ToyCell", "--gene", "geneA", "--json", out)
    assert run(monkeypatch, "explain", *common, "--method", "integrated_gradients") == 0
    wanted = attribute(toy_predictor, toy_predictor.window("G1"), method="integrated_gradients")
    answer = json.loads(out.read_text())
    assert [row["contribution"] for row in answer["elements"]] == pytest.approx(wanted.elements.tolist(), abs=1e-5)
    assert answer["convergence_delta"] == pytest.approx(wanted.convergence_delta, abs=1e-5)
    assert "misses the change of the prediction" in capsys.readouterr().out
    assert run(monkeypatch, "explain", *common, "--method", "mutagenesis") == 2
    assert "--element names the element of --method mutagenesis" in capsys.readouterr().err
    assert run(monkeypatch, "explain", *common, "--method", "factors") == 2
    assert run(monkeypatch, "explain", *common, "--method", "magic") == 2
    assert "no attribution method 'magic'" in capsys.readouterr().err


def test_explain_substitutes_every_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    demo, out = Path(__file__).resolve().parents[2] / "precomputed" / "demo", tmp_path / "why.json"
    predictor = open_predictor(Study.open(demo), "creator", biosample="SimA")
    window = predictor.window(str(predictor.study.gene("SIM31")["gene_id"]))
    element = str(window.elements["element_id"].iloc[22])
    common = ("--study", demo, "--model", "creator", "--biosample", "SimA", "--gene", "SIM31", "--json", out)
    assert run(monkeypatch, "explain", *common, "--method", "mutagenesis", "--element", element) == 0
    answer = json.loads(out.read_text())
    wanted = saturate(predictor, window, element)
    assert (answer["start"], answer["end"]) == (wanted.place.start, wanted.place.end)
    found = np.array(answer["log2_fold_change"], float)
    np.testing.assert_allclose(found, wanted.log2_fold_change, atol=1e-5)


def test_predict(toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "p.json"
    code = run(
        monkeypatch, "predict", "--study", toy_predictor.study.folder, "--model", "epinformer",
        "--biosample", "ToyCell", "--gene", "G3", "--json", out,
    )  # fmt: skip
    answer = json.loads(out.read_text())
    assert code == 0
    assert (answer["gene_name"], answer["fold"], answer["unit"]) == ("geneB", "fold_2", "log2(TPM + 1)")
    assert set(answer["attention"]) == {"e5", "e6"}


def test_a_gene_by_another_name_is_told_on_stderr(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, study = tmp_path / "p.json", EMBEDDED / "k562"
    common = ("--study", study, "--model", "epinformer", "--biosample", "K562", "--json", out)
    assert run(monkeypatch, "predict", *common, "--gene", "c-myc") == 0
    assert capsys.readouterr().err == "c-Myc is MYC\n"
    assert json.loads(out.read_text())["gene_name"] == "MYC"
    assert run(monkeypatch, "predict", *common, "--gene", "STRA13") == 2
    said = "STRA13 is another name of several genes; wanted one of BHLHE40, CENPX\n"
    assert capsys.readouterr().err == said


def test_evaluate_links_writes_the_contracts_rows(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "links.json"
    code = run(
        monkeypatch, "evaluate", "links", "--study", toy_predictor.study.folder, "--biosample", "ToyCell",
        "--methods", "distance,epinformer.attention", "--resamples", "20", "--json", out,
    )  # fmt: skip
    rows = json.loads(out.read_text())
    assert code == 0
    assert {"method", "n", "n_positive", "prevalence", "metric", "value", "ci_low", "ci_high"} <= set(rows[0])
    ap = next(r for r in rows if r["metric"] == "average_precision" and r["method"] == "distance")
    assert (ap["n"], ap["n_positive"], ap["value"]) == (3, 1, 1.0)  # the one positive is the nearest of three


def test_the_screen_of_a_gene_is_listed_beside_its_predictions(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """geneA's e2, e3 and a place between them, where nothing can be knocked out."""
    study, out = toy_predictor.study.folder, tmp_path / "screen.json"
    common = ("--study", study, "--model", "epinformer", "--biosample", "ToyCell", "--gene", "geneA")
    assert run(monkeypatch, "knockout", *common, "--screen", "--json", out) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = json.loads(out.read_text())["measured_pairs"]
    assert [row["element_ids"] for row in rows] == [["e2"], [], ["e3"]]
    assert [row["measured_fraction"] for row in rows] == [-0.4, 0.3, 0.02]
    window = toy_predictor.window("G1")
    wanted = [knock_out(toy_predictor, window, {element: 0.0}).effect_fraction for element in ("e2", "e3")]
    assert rows[0]["predicted_fraction"] == pytest.approx(wanted[0], abs=1e-6)
    assert rows[1]["predicted_fraction"] is None
    assert rows[2]["predicted_fraction"] == pytest.approx(wanted[1], abs=1e-6)
    assert lines[1] == (
        "chrA:150,001-150,500\tmeasured +30.0 %, increase\tpredicted no data\t0 of 0 elements under it are read"
    )
    assert run(monkeypatch, "knockout", *common, "--screen", "--scan") == 2
    assert "give one of --element ID (once or more), --scan, --screen" in capsys.readouterr().err


def test_evaluate_knockouts_writes_the_contracts_rows(
    toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = toy_predictor.study.folder, tmp_path / "rows.json"
    asked = ("evaluate", "knockouts", "--study", study, "--biosample", "ToyCell", "--resamples", "10", "--json", out)
    assert run(monkeypatch, *asked) == 0
    rows = json.loads(out.read_text())
    assert list(rows[0])[:10] == [
        "method", "n", "n_positive", "prevalence", "metric", "value", "ci_low", "ci_high", "subset", "interval",
    ]  # fmt: skip
    assert "median_predicted" in capsys.readouterr().out
    assert run(monkeypatch, *asked, "--methods", "abc") == 2
    assert capsys.readouterr().err == "no model 'abc' of ToyCell in study toy; there are epinformer\n"


def test_import_weights(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = shared_data / "epinformer_weights"
    plain = weights / "fold_11_EPInformer_PE_Activity_CAGE_K562_checkpoint.pt"
    contacts = weights / "fold_11_EPInformer_PE_Activity_HiC_CAGE_K562_checkpoint.pt"
    common = ("import-weights", "epinformer")
    assert run(monkeypatch, *common, plain, "--out", tmp_path) == 0
    assert run(monkeypatch, *common, contacts, "--out", tmp_path) == 2  # one folder is one model
    assert "holds epinformer pe-activity in log10(1 + CAGE reads" in capsys.readouterr().err
    assert run(monkeypatch, *common, contacts, "--out", tmp_path, "--name", "epinformer-hic") == 0
    assert run(monkeypatch, *common, plain, "--out", tmp_path) == 0  # once more is no fault
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "epinformer-hic/K562/fold_11-seed_0.safetensors",
        "epinformer/K562/fold_11-seed_0.safetensors",
    ]


def test_imported_weights_are_found_by_the_study(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the authors' form whose name says neither biosample nor fold."""
    file, study = tmp_path / "released.pt", make_toy_study(tmp_path / "study")
    wanted = registry.build("scpge", {"strict_original": True}).state_dict()
    theirs = {}
    for ours, parts in _STACKED["scpge"].items():
        tensors = wanted[ours].chunk(len(parts)) if len(parts) > 1 else (wanted[ours],)
        theirs |= dict(zip(parts, tensors, strict=True))
    torch.save(theirs, file)
    common = ("import-weights", "scpge", file, "--out", study.folder / "models")
    assert run(monkeypatch, *common) == 2
    assert "the name released.pt does not say the biosample; give --biosample" in capsys.readouterr().err
    for bad, says in (
        (("--name", "Sc/PGE"), "--name 'Sc/PGE' cannot name a model; wanted small letters"),
        (("--fold", "11"), "--fold '11' is no fold of a study; wanted one such as fold_11"),
    ):
        assert run(monkeypatch, *common, "--biosample", "ToyCell", *bad) == 2
        assert says in capsys.readouterr().err
    assert trained_models(study, "ToyCell") == []
    assert run(monkeypatch, *common, "--biosample", "ToyCell") == 0
    assert "fold not known" in capsys.readouterr().out
    assert run(monkeypatch, *common, "--biosample", "ToyCell", "--fold", "fold_1", "--name", "scpge-released") == 0
    assert trained_models(study, "ToyCell") == ["scpge", "scpge-released"]
    folders = study.folder / "models"
    assert (folders / "scpge/ToyCell/unknown-seed_0.safetensors").is_file()
    info = checkpoint.read_info(folders / "scpge-released/ToyCell/fold_1-seed_0.safetensors")
    assert (info.model, info.fold, info.biosample) == ("scpge", "fold_1", "ToyCell")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("predict", "--gene", "geneQ"), "study toy has no gene 'geneQ'; did you mean geneA, geneM, geneB?"),
        (("knockout", "--gene", "geneA"), "give one of --element ID (once or more), --scan"),
        (("knockout", "--gene", "geneA", "--element", "e6"), "e6 is not among the 4 elements"),
        (
            ("knockout", "--gene", "geneA", "--element", "e2", "--strength", "1.5"),
            "--strength '1.5' came; wanted less",
        ),
        (("knockout", "--gene", "geneA", "--element", "e2", "--mode", "scramble"), "has no mode 'scramble' here"),
        (("knockout", "--gene", "geneA", "--pairs"), "--pairs wants the elements to pair"),
        (("knockout", "--gene", "geneA", "--scan", "--halve"), "give one of --element ID"),
        (("knockout", "--gene", "geneA", "--scan", "--shuffles", "0"), "--shuffles '0' came; wanted greater"),
        (("knockout", "--gene", "geneA", "--delete", "5"), "--delete '5' is no stretch; wanted START-END"),
        (("knockout", "--gene", "geneA", "--substitute", "A5"), "--substitute 'A5' is no change; wanted POSITION:"),
        (("knockout", "--gene", "geneA", "--delete", "5-9"), "reads no sequence: there is no base to edit"),
        (("predict", "--gene", "geneA", "--model", "creator"), "creator has no weights for ToyCell in study toy"),
    ],
)
def test_bad_input_is_one_line_and_two(
    toy_predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    model = () if "--model" in arguments else ("--model", "epinformer")
    code = run(monkeypatch, *arguments, *model, "--study", toy_predictor.study.folder, "--biosample", "ToyCell")
    error = capsys.readouterr().err
    assert code == 2
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("download", "hela", "--data", "x"), "no study recipe 'hela'; there are k562"),
        (("evaluate", "links", "--study", "nowhere", "--biosample", "K562"), "no study in nowhere"),
        (("import-weights", "unknown", "x.pt", "--out", "y"), "no published weights of 'unknown' are known"),
    ],
)
def test_usage_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert says in capsys.readouterr().err


def test_studies_lists_the_embedded_one() -> None:
    done = subprocess.run([sys.executable, "-m", "cre_core", "studies"], capture_output=True, text=True, check=True)
    lines = {line.split("\t")[0]: line for line in done.stdout.splitlines()}
    assert "simulated" in lines["demo"]
    assert "k562" in lines
