"""Other names of a study's genes: the HGNC's symbols of today, those before them, and its aliases.

`gene_names.tsv.gz`: one row per approved symbol with its Ensembl id, its previous symbols and its aliases, `|`
between several; made by `scripts/gene-names`. Source: HGNC, CC0 1.0, Seal et al. 2023, Nucleic Acids Research
51:D1003, doi:10.1093/nar/gkac888.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cre_core.io.expression import stable_id

_FILE = Path(__file__).with_name("gene_names.tsv.gz")
_HUMAN_ID = re.compile(r"(ENSG\d+.*)?")  # or none: of a few annotated genes only the symbol is known
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
_MOST_SIGNS = 20  # of a name that may be a slip of another


@dataclass(frozen=True)
class Record:
    """One gene of the HGNC."""

    symbol: str
    gene_id: str
    previous: tuple[str, ...]
    alias: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What a name stands for among the genes of a study.

    Attributes:
      rows: of the genes; none = no gene, several = the name is an other name of each.
      other_name: as the HGNC writes it, where the name is no name or id of the study's own; else ``.
    """

    rows: tuple[int, ...]
    other_name: str = ""


@cache
def hgnc() -> tuple[Record, ...]:
    """Every approved symbol."""
    with gzip.open(_FILE, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        next(rows)
        return tuple(Record(symbol, gene_id, _parts(old), _parts(alias)) for symbol, gene_id, old, alias in rows)


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def spellings(name: str) -> list[str]:
    """A name or id as typed, in capitals; and an id without its version."""
    typed = name.strip().upper()
    return list(dict.fromkeys([typed, stable_id(typed)]))


class OtherNames:
    """The names of a study's genes that its annotation does not have.

    A symbol of today is its own gene's alone, also where that gene is not in the study. Of the others each leads to
    every gene that has it.
    """

    def __init__(self, names: Sequence[str], ids: Sequence[str]) -> None:
        """Of genes by name and id (`` = not known), in the study's order; of several of one name the first counts."""
        self._own = dict[str, int]()
        self._today, self._others = dict[str, tuple[str, int]](), defaultdict[str, dict[int, str]](dict)
        self._plain = defaultdict[str, dict[int, str]](dict)
        for row, (name, record) in enumerate(zip(names, _records(names, ids), strict=True)):
            if name.upper() in self._own:
                continue
            self._own[name.upper()] = row
            self._plain[_plain(name)].setdefault(row, name)
            if record is not None:
                self._add(row, record)

    def _add(self, row: int, record: Record) -> None:
        self._today.setdefault(record.symbol.upper(), (record.symbol, row))
        for other in (record.symbol, *record.previous, *record.alias):
            self._others[other.upper()].setdefault(row, other)
            self._plain[_plain(other)].setdefault(row, other)

    def of(self, name: str) -> Asked:
        """The genes that go by another name; hyphens and blanks count only where there is no such name with them."""
        asked = name.strip().upper()
        if asked in self._today:
            symbol, row = self._today[asked]
            return Asked((row,), symbol)
        if asked in _symbols():
            return Asked(())
        found = self._others.get(asked) or self._plain.get(_plain(asked)) or {}
        return Asked(tuple(found), next(iter(found.values()), ""))

    def close(self, name: str, most: int = 3) -> list[int]:
        """Rows of genes one slip away (a letter more, fewer, another, or two in the wrong order), own names first."""
        asked = name.strip().upper()
        if len(asked) > _MOST_SIGNS:
            return []
        slips = set(_one_slip(asked))
        own = sorted((slip for slip in slips if slip in self._own), key=lambda slip: (len(slip), self._own[slip]))
        others = sorted(slip for slip in slips if slip in self._others)
        rows = [self._own[slip] for slip in own] + [row for slip in others for row in self._others[slip]]
        return list(dict.fromkeys(rows))[:most]


def _records(names: Sequence[str], ids: Sequence[str]) -> Iterator[Record | None]:
    """The HGNC's record of each gene: by its id, else by its name, of today or not; None = not human, or unknown."""
    by_id = {record.gene_id: record for record in hgnc() if record.gene_id}
    symbols = _symbols()
    for name, identity in zip(names, ids, strict=True):
        if not _HUMAN_ID.fullmatch(identity):
            yield None
        elif identity in by_id:
            yield by_id[identity]
        else:
            yield symbols.get(name.upper()) or _before().get(name.upper())


@cache
def _symbols() -> dict[str, Record]:
    return {record.symbol.upper(): record for record in hgnc()}


@cache
def _before() -> dict[str, Record]:
    """Previous symbols that only one gene had, and aliases that only one has."""
    previous, alias = defaultdict[str, list[Record]](list), defaultdict[str, list[Record]](list)
    for record in hgnc():
        for found, names in ((previous, record.previous), (alias, record.alias)):
            for name in names:
                found[name.upper()].append(record)
    return {name: records[0] for name, records in {**alias, **previous}.items() if len(records) == 1}


def _plain(name: str) -> str:
    return re.sub(r"[-\s]", "", name).upper()


def _one_slip(name: str) -> Iterator[str]:
    for i in range(len(name) + 1):
        before, after = name[:i], name[i:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for sign in _SIGNS:
            yield before + sign + after
            if after:
                yield before + sign + after[1:]
