"""study.json at the door: a field that cannot be has its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toy import make_toy_study

from cre_core.data.study import Study
from cre_core.errors import BadInput

TRACK = {"id": "t", "title": "T", "assay": "a", "biosample": "ToyCell", "kind": "bigwig", "unit": "u", "path": "t.bw"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_toy_study(tmp_path / "study").folder


def line_of(open_it: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        open_it()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a study description: "),
        ("[]", "wanted an object with a field `format`"),
        ("null", "wanted an object with a field `format`"),
        ("[" * 100_000, "is not a study description: recursion limit exceeded"),
        ('{"format": 1}', "name is missing"),
        ('{"format": 2}', "has format 2; this version reads 1"),
        ('{"format": "1"}', "has format '1'; this version reads 1"),
        ('{"format": true}', "has format True; this version reads 1"),
        ('{"format": ' + "9" * 5_000 + "}", "number out of range"),
    ],
)
def test_a_description_of_another_kind(folder: Path, text: str, says: str) -> None:
    (folder / "study.json").write_text(text)
    line = line_of(lambda: Study.open(folder))
    assert says in line
    assert len(line) < 400


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "../x", "name is '../x'; wanted a name that a folder can have"),
        ("name", 3, "name is 3; wanted a valid string"),
        ("is_simulated", "yes", "is_simulated is 'yes'; wanted a valid boolean"),
        ("chrom_sizes", {"chrA": -5}, "chrom_sizes.chrA is -5; wanted greater than 0"),
        ("chrom_sizes", {"chrA": "1000"}, "chrom_sizes.chrA is '1000'; wanted a valid integer"),
        ("chrom_sizes", ["chrA"], "chrom_sizes is ['chrA']; wanted an object"),
        ("chrom_sizes", {}, "chrom_sizes is {}; wanted at least 1 item"),
        ("biosamples", "ToyCell", "biosamples is 'ToyCell'; wanted a valid array"),
        ("biosamples", [], "biosamples is []; wanted at least 1 item"),
        ("biosamples", ["a/b"], "biosamples.0 is 'a/b'; wanted a name that a folder can have"),
        ("biosamples", ["A", "A"], "biosamples hold 'A' more than once"),
        ("tracks", {}, "tracks is {}; wanted a valid array"),
        ("tracks", [None], "tracks.0 is None; wanted an object"),
        ("tracks", [{**TRACK, "path": "../../etc/passwd"}], "path is '../../etc/passwd'; wanted a path inside the"),
        (
            "tracks",
            [{**TRACK, "path": "/etc/passwd"}],
            "path is '/etc/passwd'; wanted a path inside the study's folder",
        ),
        ("tracks", [{**TRACK, "path": None}], "track t is a bigWig without a path"),
        ("tracks", [{**TRACK, "kind": "cool"}], "tracks.0.kind is 'cool'; wanted 'bigwig' or 'element_counts'"),
        ("tracks", [TRACK, TRACK], "tracks hold 't' more than once"),
        ("sequence", "../genome.fa", "sequence is '../genome.fa'; wanted a path inside the study's folder"),
        ("motifs", "", "motifs is ''; wanted a path inside the study's folder"),
        ("library_reads", {"ToyCell": {"dnase": 0}}, "library_reads.ToyCell.dnase is 0; wanted greater than 0"),
        ("measures", {"rna": 2}, "measures.rna is 2; wanted a valid string"),
        ("provenance", [], "provenance is []; wanted a valid dictionary"),
        ("provenance", {"sources": ["a"]}, "provenance.sources.0 is 'a'; wanted a valid dictionary"),
        ("provenance", {"notes": "one"}, "provenance.notes is 'one'; wanted a valid list"),
        ("provenance", {"lift_over": [{"from": "hg19"}]}, "provenance.lift_over.0.set is missing"),
        ("colour", "red", "colour is no field of a study"),
    ],
)
def test_a_field_that_cannot_be_is_named(folder: Path, field: str, value: Any, says: str) -> None:
    path = folder / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    assert says in line_of(lambda: Study.open(folder))


def test_a_description_comes_back_as_it_was_written(folder: Path) -> None:
    info = Study.open(folder).info
    assert (info.name, info.biosamples, info.chrom_sizes["chrB"]) == ("toy", ("ToyCell",), 500_000)
    assert [(track.id, track.kind, track.path) for track in info.tracks] == [
        ("dnase", "element_counts", None),
        ("h3k27ac", "element_counts", None),
    ]
    assert info.example_loci[0].gene_name == "geneA"
