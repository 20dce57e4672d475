"""Options and arguments: each missing, contradicting or impossible one has its line."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
from toy import make_toy_study

from cre_core import cli
from cre_core.cli import data, gene
from cre_core.cli.options import names_of
from cre_core.data.study import Study
from cre_core.errors import BadInput
from cre_core.inference.predictor import Predictor


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a command ends with."""
    monkeypatch.setattr(sys, "argv", ["cre_core", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr()
    assert (left.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    return said.err.strip()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("predict",), "Missing option '--study'."),
        (("train",), "Missing argument 'model'."),
        (("evaluate", "links", "--study", "x"), "Missing option '--biosample'."),
        (("predict", "--study"), "Option '--study' requires an argument."),
        (("predict", "--sudy", "x"), "No such option: --sudy (Possible options: --study)"),
        (("studie",), "No such command 'studie'. Did you mean 'studies'?"),
        (("evaluate", "link"), "No such command 'link'. Did you mean 'links'?"),
        (("studies", "more"), "Got unexpected extra argument(s) (more)"),
        (("predict", "--study", ""), "--study is empty; wanted a value, or to leave it out"),
        (("prepare", "k562", "--data=", "--out", "x"), "--data is empty; wanted a value, or to leave it out"),
        (("prepare", " ", "--data", "x", "--out", "x"), "an argument is empty; wanted a value, or to leave it out"),
        (("simulate", "--out", "x", "--seed", "-1"), "--seed '-1' came; wanted greater than or equal to 0"),
        (("simulate", "--out", "x", "--seed", "x"), "--seed 'x' came; wanted a valid integer"),
        (("download", "encode", "--data", "x", "--biosample", ","), "--biosample ',' holds no name; wanted names"),
        (("predict", "--study", "a" * 5000, "--model", "m", "--biosample", "b", "--gene", "g"), "File name too long"),
        (("import-weights", "scpge", "x", "--out", "y", "--biosample", "../z"), "'../z' cannot name a folder"),
    ],
)
def test_a_usage_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    line = refused(monkeypatch, capsys, *arguments)
    assert says in line
    assert len(line) <= cli.LONGEST_LINE + 1


@pytest.mark.parametrize("words", [(), ("evaluate",)])
def test_a_command_alone_prints_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "argv", ["cre_core", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr()
    assert (left.value.code, said.err) == (0, "")
    assert " ".join([*words, "[OPTIONS] COMMAND [ARGS]..."]) in said.out.splitlines()[0]
    assert "Commands:" in said.out


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (("--scan", "--strength", "0.5"), "--strength 0.5 came; it belongs to --element"),
        (("--halve", "--strength", "0"), "--strength 0.0 came; it belongs to --element"),
        (("--pairs", "--element", "e1", "--element", "e2", "--strength", "1"), "--strength 1.0 came; it belongs to"),
        (("--element", "e2", "--strength", "nan"), "--strength 'nan' came; wanted"),
        (("--element", "e2", "--strength", "2"), "--strength '2' came; wanted less than or equal to 1"),
        (("--element", "e2", "--shuffles", "3"), "--shuffles 3 came; it belongs to --mode scramble"),
        (
            ("--delete", "5-9", "--mode", "silence"),
            "--mode silence came; it belongs to elements, not to edited bases",
        ),
        (("--delete", ",-,"), "--delete ',-,' is no stretch; wanted START-END"),
        (("--delete", "1-" + "9" * 5000), "--delete '1-999"),
        (("--delete", "0-5"), "an edit at base 0 came; the first base is 1"),
        (("--delete", "9-5"), "an edit of 9-5 came; wanted a stretch that ends after it starts"),
        (("--substitute", ",:A"), "--substitute ',:A' is no change; wanted POSITION:BASES"),
        (("--element", "nope"), "nope is not among the 4 elements in the model's window around geneA"),
        (("--scan", "--biosample", "K562"), "study toy has no biosample 'K562'; it has ToyCell"),
        (("--scan", "--model", "nope"), "no model 'nope' for ToyCell in study toy; there are epinformer"),
    ],
)
def test_a_question_that_cannot_be_is_one_line(
    toy_predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    question: tuple[str, ...],
    says: str,
) -> None:
    given = {"--study": str(toy_predictor.study.folder), "--model": "epinformer", "--biosample": "ToyCell"}
    others = [text for pair in given.items() if pair[0] not in question for text in pair]
    assert says in refused(monkeypatch, capsys, "knockout", *others, "--gene", "geneA", *question)


def test_bases_past_the_chromosome_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
    common = ("--study", demo, "--model", "creator", "--biosample", "SimA", "--gene", "SIM31")
    line = refused(monkeypatch, capsys, "knockout", *common, "--delete", "1-3,100,001")
    assert line == "1-3,100,001 deleted came; chrS1 has 3,100,000 bases"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--methods", ","), "--methods ',' holds no name; wanted names with commas between"),
        (("--methods", "distance,nope"), "no method 'nope' for links of ToyCell in study toy; there are distance"),
        (("--resamples", "0"), "--resamples '0' came; wanted greater than or equal to 1"),
        (("--resamples", "1000000000"), "--resamples '1000000000' came; wanted less than or equal to 100000"),
        (("--biosample", "K562"), "study toy has no biosample 'K562'; it has ToyCell"),
    ],
)
def test_a_benchmark_that_cannot_be_is_one_line(
    toy_study: Study,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    says: str,
) -> None:
    biosample = () if "--biosample" in options else ("--biosample", "ToyCell")
    assert says in refused(
        monkeypatch, capsys, "evaluate", "links", "--study", toy_study.folder, *biosample, *options
    )


def test_a_method_named_twice_counts_once() -> None:
    assert names_of("abc, distance,abc,", option="--methods") == ["abc", "distance"]
    with pytest.raises(BadInput, match="--methods ' , ' holds no name"):
        names_of(" , ", option="--methods")


def test_what_is_no_number_is_null_in_an_answer(tmp_path: Path) -> None:
    gene.write_answer({"a": math.nan, "b": {"c": [math.inf, 1.5, "x"]}}, [], tmp_path / "answer.json")
    assert json.loads((tmp_path / "answer.json").read_text()) == {"a": None, "b": {"c": [None, 1.5, "x"]}}


def test_one_broken_study_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_toy_study(tmp_path / "studies" / "good")
    (tmp_path / "studies" / "bad").mkdir()
    (tmp_path / "studies" / "bad" / "study.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    data.studies()
    said = capsys.readouterr()
    assert "toy\ttoy1\tToyCell\tno models\tsimulated" in said.out
    assert said.err.startswith("studies/bad cannot be opened: ")
    assert "wanted an object with a field `format`" in said.err
