"""Which gene lies nearest to an element: by its body, by its TSS, by its TSS among the genes that are expressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.schema import ExpressionUnit

_Nearest = Callable[[pd.DataFrame, np.ndarray], np.ndarray]  # genes of a chromosome, places -> bp
EXPRESSED = 1.0  # TPM or RPKM from which a gene counts as expressed


@dataclass(frozen=True)
class NearestGenes:
    """How far the nearest gene of each kind lies from any place, for every annotated gene of a study.

    Attributes:
      genes: `Study.annotated_genes` with `is_expressed`.
    """

    genes: pd.DataFrame

    def to_tss(self, chrom: np.ndarray, place: np.ndarray, *, expressed_only: bool = False) -> np.ndarray:
        """(n,) bp from each place to the nearest TSS on its chromosome; inf where there is none."""
        genes = self.genes[self.genes["is_expressed"]] if expressed_only else self.genes
        return _by_chromosome(genes, chrom, place, _to_nearest_tss)

    def to_body(self, chrom: np.ndarray, place: np.ndarray) -> np.ndarray:
        """(n,) bp from each place to the nearest gene body, 0 inside one; inf where there is none."""
        return _by_chromosome(self.genes, chrom, place, _to_nearest_body)

    def is_expressed(self, gene_id: pd.Series) -> np.ndarray:
        """(n,) bool: the gene was measured at 1 TPM (or RPKM) or more."""
        return gene_id.isin(self.genes.loc[self.genes["is_expressed"], "gene_id"]).to_numpy()


def nearest_genes(study: Study, biosample: str) -> NearestGenes:
    """The genes of a study, with those expressed in a biosample marked; none is where nothing was measured."""

    def made() -> NearestGenes:
        genes = study.annotated_genes
        return NearestGenes(genes.assign(is_expressed=genes["gene_id"].isin(expressed_genes(study, biosample))))

    return study.kept.get(("nearest genes", biosample), made)


def expressed_genes(study: Study, biosample: str) -> set[str]:
    """Ids of the genes measured at EXPRESSED or more, by the study's TPM where it has them, else by its RNA."""
    if not study.has("expression"):
        return set()
    measure = "tpm" if "tpm" in study.info.measures else "rna"
    rows = study.expression
    rows = rows[(rows["biosample"] == biosample) & (rows["measure"] == measure)]
    text = study.info.measures.get(measure, "TPM")
    values = rows["value"].to_numpy(float)
    amount = ExpressionUnit.of(text).linear(values) if "(" in text else values
    return set(rows["gene_id"][amount >= EXPRESSED])


def body_distance(place: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Bases between a place and the interval [start, end), 0 inside."""
    return np.maximum(0, np.maximum(start - place, place - (end - 1)))


def _by_chromosome(genes: pd.DataFrame, chrom: np.ndarray, place: np.ndarray, nearest: _Nearest) -> np.ndarray:
    found = np.full(len(place), np.inf)
    by_chrom = dict(tuple(genes.groupby("chrom", sort=False)))
    for name in pd.unique(chrom):
        if name in by_chrom:
            here = np.flatnonzero(chrom == name)
            found[here] = nearest(by_chrom[name], place[here])
    return found


def _to_nearest_tss(genes: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    tss = np.r_[-np.inf, np.sort(genes["tss"].to_numpy(float)), np.inf]
    after = np.searchsorted(tss, place)
    return np.minimum(tss[after] - place, place - tss[after - 1])


def _to_nearest_body(genes: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    genes = genes.sort_values("start", kind="stable")
    start = np.r_[genes["start"].to_numpy(float), np.inf]
    last = np.r_[-np.inf, np.maximum.accumulate(genes["end"].to_numpy(float)) - 1]  # of the bodies that began before
    after = np.searchsorted(start, place, "right")
    return np.maximum(0, np.minimum(start[after] - place, place - last[after]))
