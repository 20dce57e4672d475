"""A study's tables cut by chromosome once, so that the rows of a window are a slice and not a search."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.errors import UnknownName
from cre_core.genome import Locus
from cre_core.io.bigwig import BigWig

# A table cut into chromosomes: its rows in order of start, their starts, and the longest row in bp.
Cut = dict[str, tuple[pd.DataFrame, np.ndarray, int]]


class Places:
    """The places of one open study. Tables are read and cut at first use."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._cuts: dict[str, Cut] = {}
        self._bigwigs: dict[str, BigWig] = {}

    def genes(self, locus: Locus) -> pd.DataFrame:
        """Annotated genes that share a base: chrom, start, end, gene_name, strand, tss, gene_id, is_modelled."""
        return self._rows("genes", locus)

    def exons(self, locus: Locus) -> pd.DataFrame:
        """Exons that share a base, by start; none where the study has no exons."""
        return self._rows("exons", locus)

    def elements(self, locus: Locus, *, biosample: str) -> pd.DataFrame:
        """schema.ELEMENTS that share a base, and a column per assay with the biosample's counts; NaN = no data."""
        return self._rows(f"elements:{biosample}", locus)

    def intervals(self, set_id: str, locus: Locus) -> pd.DataFrame:
        """Rows of one interval set that share a base; a loop counts from its first anchor to its second."""
        return self._rows(f"intervals:{set_id}", locus)

    def bigwig(self, path: str) -> BigWig:
        """An open bigWig of the study."""
        if path not in self._bigwigs:
            self._bigwigs[path] = BigWig(self.study.folder / path, assembly=self.study.assembly)
        return self._bigwigs[path]

    def _rows(self, name: str, locus: Locus) -> pd.DataFrame:
        if name not in self._cuts:
            self._cuts[name] = cut(self._table(name))
        return sliced(self._cuts[name], locus)

    def _table(self, name: str) -> pd.DataFrame:
        kind, _, rest = name.partition(":")
        if kind == "genes":
            return self.study.annotated_genes
        if kind == "exons":
            return self.study.exons if self.study.has("exons") else no_rows()
        if kind == "elements":
            return elements_with_signal(self.study, rest)
        return spanning(self.study.intervals(rest))


def places_of(study: Study) -> Places:
    """The places of an open study, cut once."""
    return study.kept.get("places", lambda: Places(study))


def cut(table: pd.DataFrame) -> Cut:
    """Cut a table of intervals by chromosome, rows in order of start."""
    parts: Cut = {}
    for chrom, rows in table.sort_values(["chrom", "start"], kind="stable").groupby("chrom", sort=False):
        rows = rows.reset_index(drop=True)
        parts[str(chrom)] = (rows, rows["start"].to_numpy(), int((rows["end"] - rows["start"]).max()))
    parts.setdefault("", (table.head(0), np.array([], np.int64), 0))
    return parts


def sliced(parts: Cut, locus: Locus) -> pd.DataFrame:
    """The rows that share a base with `locus`, with a fresh index."""
    if locus.chrom not in parts:
        return next(iter(parts.values()))[0].head(0).reset_index(drop=True)
    rows, starts, longest = parts[locus.chrom]
    first, last = np.searchsorted(starts, [locus.start - longest, locus.end])
    near = rows.iloc[first:last]
    return near[(near["end"] > locus.start).to_numpy()].reset_index(drop=True)


def elements_with_signal(study: Study, biosample: str) -> pd.DataFrame:
    """schema.ELEMENTS and the counts of one biosample; an element without a row in the signal table has NaN."""
    if biosample not in study.info.biosamples:
        known = ", ".join(study.info.biosamples)
        raise UnknownName(f"study {study.name} has no biosample '{biosample}'; it has {known}")
    if not study.has("element_signal"):
        return study.elements
    signal = study.element_signal
    signal = signal[signal["biosample"] == biosample].drop(columns="biosample")
    return study.elements.merge(signal, on="element_id", how="left")


def spanning(table: pd.DataFrame) -> pd.DataFrame:
    """Loops with `start` and `end` of the whole span; the first anchor's own end is kept as `anchor_end`."""
    if "start2" not in table:
        return table
    table = table[table["chrom"] == table["chrom2"]]
    return table.assign(anchor_end=table["end"], end=table[["end", "end2"]].max(axis=1))


def no_rows() -> pd.DataFrame:
    """An empty table of places."""
    return pd.DataFrame({"chrom": pd.Series(dtype=str), "start": pd.Series(dtype=int), "end": pd.Series(dtype=int)})
