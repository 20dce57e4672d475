"""Where a public file comes from, and whom to cite for it (origins.tsv)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cre_core.errors import UnknownName


@dataclass(frozen=True)
class Origin:
    """The origin of some files of the download registry.

    Attributes:
      files: what their names begin with.
      origin: what was measured or made, by whom.
      accession: of the original, `` where the origin states none.
      copyright: as a licence wants it repeated, `` where none does.
      cite: publications, one text each.
    """

    files: str
    origin: str
    accession: str
    copyright: str
    cite: tuple[str, ...]


@cache
def origins() -> tuple[Origin, ...]:
    """Every origin the project knows."""
    with (Path(__file__).parent / "origins.tsv").open(newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return tuple(
            Origin(files, origin, accession, held, tuple(cite.split("; ")))
            for files, origin, accession, held, cite in rows
        )


def origin_of(file: str) -> Origin:
    """The origin of a file of the registry: of those whose beginning fits, the most exact.

    Raises:
      UnknownName: the table names none.
    """
    found = [one for one in origins() if file.startswith(one.files)]
    if not found:
        raise UnknownName(f"no origin is known for the raw file '{file}'")
    return max(found, key=lambda one: len(one.files))
