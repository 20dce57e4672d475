"""Hi-C contact of a gene's TSS with the elements around it, from the study's own map."""

from __future__ import annotations

import numpy as np

from cre_core.data.study import Study
from cre_core.errors import NotAvailable
from cre_core.genome import Locus
from cre_core.io.contacts import open_contacts


class TssContact:
    """The contact map of one biosample, asked from TSSs."""

    def __init__(self, study: Study, biosample: str) -> None:
        """Open the biosample's map.

        Raises:
          NotAvailable: the study has no map of the biosample.
        """
        entry = next((one for one in study.info.contacts if one.biosample == biosample), None)
        if entry is None:
            raise NotAvailable(
                f"study {study.name} has no contact map of {biosample}, and this model reads it; "
                "variant pe-activity does without"
            )
        self.bin_bp, self.normalisation = entry.resolution_bp, entry.normalisation
        self._map = open_contacts(study.folder / entry.path, assembly=study.assembly)

    def __call__(self, chrom: str, tss: int, places: np.ndarray) -> np.ndarray:
        """Contact of the TSS's bin with the bins of some places.

        Args:
          chrom, tss: of the gene.
          places: (n,) bases on the same chromosome.

        Returns:
          (n,) float32 in the map's normalisation; NaN = a masked bin.
        """
        if not len(places):
            return np.zeros(0, np.float32)
        low, high = min(tss, int(places.min())), max(tss, int(places.max())) + 1
        matrix = self._map.matrix(Locus(chrom, low, high), self.bin_bp, self.normalisation)
        first = low // self.bin_bp
        return matrix[tss // self.bin_bp - first, places // self.bin_bp - first]
