"""What is declared is what is imported: pyproject.toml names it, requirements.txt pins it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM, AROUND = ("cre_core", "dashboard"), ("tests", "benchmarks", "scripts")
NOT_IMPORTED = {
    "pyarrow": "pandas reads and writes parquet with it",
    "flask-compress": "dash compresses its answers with it",
    "six": "dash_bio imports it and does not say so",
    "pytest-xdist": "make test runs it",
    "ruff": "make lint runs it",
    "mypy": "make lint runs it",
}


def plain(name: str) -> str:
    """A distribution's name as pip compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>~! ]", name)[0]).lower()


def project() -> dict[str, list[str]]:
    """`needed` and `test` of pyproject.toml."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"needed": declared["dependencies"], "test": declared["optional-dependencies"]["test"]}


def pins() -> dict[str, str]:
    """Name -> the line of requirements.txt."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    return {plain(line): line for line in lines if line}


def imported_names(code: str) -> Iterator[str]:
    """The top-level names that some lines import, wherever in them."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def distributions(folders: tuple[str, ...]) -> dict[str, str]:
    """Distribution -> a file that imports it, of all that is neither Python's own nor ours."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    ours = {path.stem for folder in AROUND for path in (ROOT / folder).rglob("*.py")} | {*PROGRAM, *AROUND}
    known, found = packages_distributions(), dict[str, str]()
    for path in files:
        for name in imported_names(path.read_text()):
            if name not in ours and name not in sys.stdlib_module_names:
                found.setdefault(plain(known.get(name, [name])[0]), str(path.relative_to(ROOT)))
    return found


def test_imports_are_found_wherever_they_stand() -> None:
    code = "import os.path, a.b\ndef f():\n    from c.d import e\nfrom . import g\nfrom .h import i\n"
    assert list(imported_names(code)) == ["os", "a", "c"]


def test_every_import_of_the_program_is_declared() -> None:
    needed = {plain(name) for name in project()["needed"]}
    assert {name: file for name, file in distributions(PROGRAM).items() if name not in needed} == {}


def test_every_import_around_it_is_declared() -> None:
    declared = {plain(name) for names in project().values() for name in names}
    assert {name: file for name, file in distributions(AROUND).items() if name not in declared} == {}


def test_every_declaration_is_imported_or_says_what_it_is_for() -> None:
    declared = {plain(name) for names in project().values() for name in names}
    assert declared - set(distributions((*PROGRAM, *AROUND))) == set(NOT_IMPORTED)


def test_what_is_declared_is_pinned_and_nothing_else() -> None:
    assert set(pins()) == {plain(name) for names in project().values() for name in names}
    assert [line for line in pins().values() if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
