"""The registry of models."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import is_dataclass

import pytest

from cre_core.models.abilities import AddsLoss, FitsScales, StartsAt, StartsFrom
from cre_core.models.registry import MODELS, build, config_of, families, model_title
from cre_core.schema import Reads
from cre_core.training.settings import FOLDER, read_settings


def test_what_a_model_goes_by() -> None:
    titles = {name: family.title for name, family in families().items()}
    assert titles == {
        "epinformer": "EPInformer",
        "creator": "CREaTor",
        "scpge": "ScPGE",
        "scpge-lp": "ScPGE-LP",
        "scpge-kl": "ScPGE-KL",
        "create": "CREATE",
        "epinformer-activity": "EPInformer's 256-bp activity encoder",
    }
    assert [spec.name for spec in families()["epinformer"].specs] == ["epinformer", "epinformer-counts"]
    assert model_title("my-model") == "my-model"  # a folder of no model's name


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_trained_by_a_recipe_of_its_own_family(name: str) -> None:
    content, path = read_settings(MODELS[name].recipe)
    assert path.parent == FOLDER
    assert set(MODELS[content["model"]].named) & set(MODELS[name].named)


def test_forms_are_told_by_their_settings() -> None:
    kl = families()["scpge-kl"]
    assert kl.holds("scpge", {"form": "kl", "width": 8})
    assert not kl.holds("scpge", {"form": "lp"})
    assert not kl.holds("creator", {"form": "kl"})
    assert MODELS["scpge"].title_of({"form": "lp"}) == "ScPGE-LP"
    assert MODELS["epinformer-counts"].title_of({"width": 8}) == "EPInformer, element counts"


@pytest.mark.parametrize(
    ("name", "config", "reads"),
    [
        (
            "epinformer",
            {"variant": "pe-activity-hic"},
            Reads(
                100_000, 60, assays=("dnase", "h3k27ac"), unit="RPM", width_bp=2_000, sequence=True, contact=True,
                half_life=True, title="PE-Activity-HiC",
            ),
        ),
        (
            "epinformer",
            {"variant": "pe"},
            Reads(100_000, 60, unit="RPM", width_bp=2_000, sequence=True, half_life=True, title="PE"),
        ),
        ("epinformer-counts", {}, Reads(2_000_000, 2_048, assays=("dnase", "h3k27ac"))),
        (
            "creator",
            {"base_tracks": ("dnase",)},
            Reads(10_240_000, 400, 200, width_bp=350, flanks=True, sequence=True, tracks=("dnase",)),
        ),
        (
            "scpge",
            {"form": "lp", "inputs": ("motif", "signal"), "base_tracks": ("ctcf",)},
            Reads(
                5_000_000, 20, 10, 600, width_bp=600, flanks=True, n_motifs=600, tracks=("ctcf",), loops=True,
                title="motif and signal alone",
            ),
        ),
        ("create", {"inputs": ("sequence", "loop")}, Reads(width_bp=1_000, sequence=True, tracks=("loop",))),
        ("epinformer-activity", {}, Reads(width_bp=256, sequence=True)),
    ],
)  # fmt: skip
def test_what_a_config_says_that_the_model_reads(name: str, config: dict[str, object], reads: Reads) -> None:
    assert config_of(name, config).reads == reads


def test_signals_alone_depend_on_no_base() -> None:
    assert not config_of("scpge", {"inputs": ["signal"]}).reads.bases
    assert config_of("scpge", {"inputs": ["motif"]}).reads.bases  # through the motif scores
    assert not config_of("epinformer-counts").reads.has_inputs


def test_abilities_are_those_of_the_papers() -> None:
    can = {name: [kind for kind in (FitsScales, StartsAt, StartsFrom, AddsLoss) if isinstance(build(name), kind)]
           for name in MODELS}  # fmt: skip
    assert can == {
        "epinformer": [StartsFrom],
        "epinformer-counts": [FitsScales],
        "creator": [StartsAt],
        "scpge": [StartsAt, AddsLoss],
        "create": [],
        "epinformer-activity": [],
    }
    assert all(is_dataclass(spec.config) for spec in MODELS.values())


def test_names_titles_and_defaults_need_no_torch() -> None:
    script = (
        "import sys; from cre_core.models.registry import families; from cre_core.evaluation.methods import methods\n"
        "print([(f.title, f.specs[0].recipe) for f in families().values()], len(methods()))\n"
        "heavy = {'torch', 'pandas', 'numpy'} & set(sys.modules); assert not heavy, heavy"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")
    assert "('CREaTor', 'creator')" in found.stdout
