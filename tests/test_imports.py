"""What is imported when: torch takes seconds, and nobody who only looks shall wait for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SLOW = {"torch", "lightning", "captum", "cooler", "pysam", "bioframe", "tangermeme", "memelite", "modiscolite"}
LOCUS = """
from dataclasses import replace
from pathlib import Path
from dashboard.app import create_app
from dashboard.services import links, locus, search
from dashboard.settings import PRECOMPUTED, Settings

folder = Path(FOLDER)
settings = Settings(studies=(PRECOMPUTED / "k562",), studies_dir=folder / "none", cache_dir=folder / "cache")
library = create_app(replace(settings, model_process=False)).server.extensions["crescope"]
study = library.study()
gene_id = search.resolve(study, "MYC").names[1]
assert "epinformer.attention" in links.methods_of(study, biosample="K562")
found, problems = links.links_of(library, study, gene_id, biosample="K562", methods=["distance", "abc"])
pairs, _ = links.pairs_of(study, gene_id, biosample="K562")
assert len(links.element_table(study, found, pairs, biosample="K562")) > 100
assert not problems
library.close()
"""


def imported_by(code: str) -> set[str]:
    """Of SLOW, what a new interpreter has imported after it ran some lines."""
    lines = f"{code}\nimport sys\nprint('imported:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return SLOW & set(done.stdout.rpartition("imported:")[2].split())


def command(*words: str) -> str:
    """Lines that run a command of cre_core as a shell would."""
    return f"""
import sys
from cre_core.cli import main
sys.argv = ["cre_core", *{words!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def test_the_check_can_fail() -> None:
    assert imported_by("import torch") == {"torch"}


@pytest.mark.parametrize(
    "words",
    [("--help",), ("train", "--help"), ("sources", "precomputed/demo")],
    ids=" ".join,
)
def test_a_command_without_a_model_imports_nothing_slow(words: tuple[str, ...]) -> None:
    assert imported_by(command(*words)) == set()


def test_listing_studies_and_their_models_wants_no_weights() -> None:
    assert "torch" not in imported_by(command("studies"))


def test_a_locus_without_a_model_is_served_without_torch(tmp_path: Path) -> None:
    assert "torch" not in imported_by(LOCUS.replace("FOLDER", repr(str(tmp_path))))
