"""The arrows between packages, read from the source: who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cre_core.evaluation.methods import METHODS
from cre_core.models.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]
LEAVES = {f"cre_core.{name}" for name in ("genome", "schema", "table", "errors", "extensions", "kept", "progress")}
# package -> what it may import besides itself and the leaves
ARROWS: dict[str, set[str]] = {
    "cre_core.io": set(),
    "cre_core.data": {"cre_core.io"},
    "cre_core.models": set(),
    "cre_core.training": {"cre_core.data", "cre_core.models"},
    "cre_core.inference": {"cre_core.data", "cre_core.models"},
    "cre_core.interpretation": {"cre_core.data", "cre_core.inference"},
    "cre_core.evaluation": {"cre_core.data", "cre_core.inference", "cre_core.interpretation"},
    "cre_core.cli": {"cre_core"},
    "dashboard.figures": {"dashboard.theme"},
    "dashboard.components": {"dashboard.theme"},
    "dashboard.services": {"cre_core"},
    "dashboard.pages": {"dashboard.figures", "dashboard.services", "dashboard.components", "dashboard.state"},
}
# files.py and folders.py of io write whole or not at all: every package that writes may use them.
# The two registries are names and facts: what is shown anywhere may ask them how it is called.
FOR_ALL = {
    "cre_core.io.files", "cre_core.io.folders", "cre_core.models.registry", "cre_core.evaluation.methods",
}  # fmt: skip
TOP_LEVEL = {"dashboard.app", "dashboard.__main__", "cre_core.__main__"}
# leaves of the dashboard, open to all its packages
LEAF_NAMES = ("theme", "text", "index", "state", "state_kinds", "settings")
DASHBOARD_LEAVES = {f"dashboard.{name}" for name in LEAF_NAMES}


def modules() -> list[Path]:
    return sorted(path for top in ("cre_core", "dashboard") for path in (ROOT / top).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`, which name a type for the reader and import nothing."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            yield node
            yield from running_nodes(node)


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in running_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            base = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                is_module = (base / f"{alias.name}.py").is_file() or (base / alias.name).is_dir()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return {name for name in found if name.split(".")[0] in ("cre_core", "dashboard")}


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def package_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


def forbidden(name: str, imported: set[str]) -> list[str]:
    if name in TOP_LEVEL:
        return []
    leaves = LEAVES | FOR_ALL | (DASHBOARD_LEAVES if name.startswith("dashboard") else set())
    allowed = ARROWS.get(package_of(name), set()) | {package_of(name)} if name not in leaves else set()
    return sorted(module for module in imported if not within(module, allowed | leaves))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_arrows(path: Path) -> None:
    assert forbidden(name_of(path), imports_of(path)) == []


def test_the_check_can_fail() -> None:
    assert forbidden("cre_core.io.bed", {"cre_core.data.study"}) == ["cre_core.data.study"]
    assert forbidden("cre_core.models.epinformer", {"cre_core.data.windows"}) == ["cre_core.data.windows"]
    assert forbidden("dashboard.figures.locus.stack", {"dashboard.services.links"}) == ["dashboard.services.links"]
    assert forbidden("cre_core.io.bed", {"cre_core.genome"}) == []


def test_every_package_has_its_arrows() -> None:
    packages = {package_of(name_of(path)) for path in modules() if len(path.relative_to(ROOT).parts) > 2}
    assert packages == set(ARROWS)


def test_models_know_tensors_only() -> None:
    for path in (ROOT / "cre_core" / "models").glob("*.py"):
        assert "import pandas" not in path.read_text(), path.name


def test_the_registries_name_code_of_their_own_package_alone() -> None:
    places = [place for spec in MODELS.values() for place in (spec.module_at, spec.config_at, spec.importer_at)]
    assert all(place.startswith("cre_core.models.") for place in places if place)
    scores = [method.score_at for method in METHODS.values() if method.score_at]
    assert all(place.startswith("cre_core.evaluation.") for place in scores)
