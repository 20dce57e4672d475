"""Other names of a gene: ids with a version, and symbols that the HGNC changed for whole families of genes.

A study's annotation has one of the two symbols; a person may know the other one.

Source: HGNC, Bruford et al. 2020, Nature Genetics 52:754 (MARCH, SEPT, MARC, DEC: spreadsheets read them as dates);
Seal et al. 2022, Epigenetics & Chromatin 15:34 (histones).
"""

from __future__ import annotations

import re

from cre_core.io.expression import stable_id

_FAMILIES = (("MARCH", "MARCHF", 11), ("SEPT", "SEPTIN", 14), ("MARC", "MTARC", 2))  # before, today, how many
_SINGLE = {"DEC1": "DELEC1", "SEP15": "SELENOF"}
# Clustered histones by today's symbol, in order of their numbers; `-` = a number that no gene with an older name has.
_CLUSTERED = {
    "H2AC": "1A - - 1B - 1C 1D 1E - - 1G 1H 1I 1J 1K 1L 1M 2A3 2A4 2C 2B - - - 3",
    "H2BC": "1A - 1B 1C 1D 1E 1F 1G 1H 1I 1J 1K 1L 1M 1N - 1O 2F - - 2E - - - - 3B",
    "H3C": "1A 1B 1C 1D - 1E 1F 1G - 1H 1I 1J 2D 2C 2A",
    "H4C": "1A 1B 1C 1D 1E 1F 1G 1H 1I - 1J 1K 1L 2A 2B 4",
}
_OTHER_HISTONES = {
    "H1F0": "H1-0", "HIST1H1A": "H1-1", "HIST1H1C": "H1-2", "HIST1H1D": "H1-3", "HIST1H1E": "H1-4",
    "HIST1H1B": "H1-5", "HIST1H1T": "H1-6", "H1FNT": "H1-7", "H1FOO": "H1-8", "H1FX": "H1-10",
    "H2AFB1": "H2AB1", "H2AFB2": "H2AB2", "H2AFB3": "H2AB3", "H2AFJ": "H2AJ", "H2AFV": "H2AZ2", "H2AFX": "H2AX",
    "H2AFY": "MACROH2A1", "H2AFY2": "MACROH2A2", "H2AFZ": "H2AZ1", "H2BFM": "H2BW2", "H2BFWT": "H2BW1",
    "H3F3A": "H3-3A", "H3F3B": "H3-3B", "H3F3C": "H3-5", "HIST3H3": "H3-4",
}  # fmt: skip


def _older_to_today() -> dict[str, str]:
    names = {f"{old}{i}": f"{new}{i}" for old, new, n in _FAMILIES for i in range(1, n + 1)}
    return names | _SINGLE | _OTHER_HISTONES | dict(_clustered())


def _clustered() -> list[tuple[str, str]]:
    """HIST1H2AB and the like with today's symbol: cluster, kind of histone, letter."""
    pairs = []
    for family, members in _CLUSTERED.items():
        kind = family.removesuffix("C")
        for number, member in enumerate(members.split(), start=1):
            if member != "-":
                pairs.append((f"HIST{member[0]}{kind}{member[1:]}", f"{family}{number}"))
    return pairs


_TODAY = _older_to_today()
_OLDER = {today: older for older, today in _TODAY.items()}


def names_of(name: str) -> list[str]:
    """A gene's name or id in capitals as typed, then the others it goes by: without version, older, today's.

    `ENSG00000136997.19` gives ENSG00000136997 too, `MARCHF1` MARCH1, `SEPT9` SEPTIN9, `H3C1` HIST1H3A.
    """
    typed = name.strip().upper()
    plain = re.sub(r"^([A-Z]+)-(\d+)$", r"\1\2", typed)  # MARCH-1, as papers write it
    found = [typed, stable_id(typed)]
    for one in (typed, plain):
        found += [other for other in (_TODAY.get(one), _OLDER.get(one)) if other]
    return list(dict.fromkeys([*found, *([plain] if plain in _TODAY or plain in _OLDER else [])]))
