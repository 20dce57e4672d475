"""Sequences of a study's elements and promoters, each read and encoded once, when first asked for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.errors import NotAvailable
from cre_core.genome import Locus
from cre_core.io.fasta import Fasta

PADDING = 4  # the number of N and of every base that is not there


class Sequences:
    """Elements and promoters of a study as numbers: 0..3 = A C G T, 4 = N or padding, on the + strand.

    An element lies in the middle of `sequence_bp` and keeps to itself: no flank, 4 on both sides; a longer one is
    cut to its centre. A promoter is TSS +- half of `sequence_bp`; past the chromosome's end it is 4.
    """

    def __init__(self, study: Study, sequence_bp: int) -> None:
        """Open the study's sequence; nothing is read yet.

        Raises:
          NotAvailable: the study has none.
        """
        if study.info.sequence is None:
            raise NotAvailable(
                f"study {study.name} has no sequence, and this model reads it; "
                "use a model of element counts (--recipe counts)"
            )
        self.sequence_bp = sequence_bp
        self._assembly = study.assembly
        self._fasta = Fasta(study.folder / study.info.sequence, assembly=study.assembly)
        elements, genes = study.elements, study.genes
        self.element_ids, self.gene_ids = pd.Index(elements["element_id"]), pd.Index(genes["gene_id"])
        start, end = elements["start"].to_numpy(), elements["end"].to_numpy()
        middle = (start + end) // 2
        half = sequence_bp // 2
        first, last = np.maximum(start, middle - half), np.minimum(end, middle - half + sequence_bp)
        tss = genes["tss"].to_numpy()
        self._elements = _Shelf(elements["chrom"].to_numpy(), first, last, middle - half, sequence_bp)
        self._promoters = _Shelf(
            genes["chrom"].to_numpy(), tss - half, tss - half + sequence_bp, tss - half, sequence_bp
        )

    def elements(self, rows: np.ndarray) -> np.ndarray:
        """Sequences of elements by their row in `Study.elements`: (...) -> (..., L) int8."""
        return self._read(self._elements, rows)

    def promoters(self, rows: np.ndarray) -> np.ndarray:
        """Sequences of promoters by the gene's row in `Study.genes`: (...) -> (..., L) int8."""
        return self._read(self._promoters, rows)

    def _read(self, shelf: _Shelf, rows: np.ndarray) -> np.ndarray:
        for row in np.unique(rows[~shelf.is_read[rows]]):
            chrom = str(shelf.chrom[row])
            # Elements lie on their chromosome; a promoter may reach over its ends, and that part stays padding.
            first, last = max(int(shelf.first[row]), 0), min(int(shelf.last[row]), self._assembly.size(chrom))
            content = np.full(self.sequence_bp, PADDING, np.int8)
            at = first - int(shelf.left[row])
            content[at : at + last - first] = self._fasta.encode(Locus(chrom, first, last))
            shelf.content[row] = content
            shelf.is_read[row] = True  # last, so that another thread never sees a half-written row
        return shelf.content[rows]


class _Shelf:
    """Places of one kind, and what has been read of them."""

    def __init__(
        self, chrom: np.ndarray, first: np.ndarray, last: np.ndarray, left: np.ndarray, sequence_bp: int
    ) -> None:
        self.chrom, self.first, self.last, self.left = chrom, first, last, left  # (n,) bases; left end of the window
        self.content = np.empty((len(chrom), sequence_bp), np.int8)  # memory is taken as rows are written
        self.is_read = np.zeros(len(chrom), bool)


@lru_cache(maxsize=4)
def shared_sequences(study: Study, sequence_bp: int) -> Sequences:
    """One set of sequences per open study and length, for all its biosamples and models."""
    return Sequences(study, sequence_bp)
