"""Chromatin loops as matrices between a gene and the elements around it."""

from __future__ import annotations

import numpy as np

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable

_NONE = np.zeros((0, 4), int), np.zeros(0)
COUNT_COLUMNS = ("contacts", "o")  # contacts counted in the loop's pixel: FitHiChIP's name here, HiCCUPS's "observed"
SLACK_BP = 2_500  # half a 5-kb bin: an element beside an anchor may lie in its pixel


class ElementLoops:
    """The loops of one biosample of a study, by chromosome."""

    def __init__(self, study: Study, biosample: str) -> None:
        """Read the loops: of the biosample itself rather than of all, and of those HiChIP rather than Hi-C.

        HiChIP says which active elements meet, so it differs between biosamples; Hi-C's loops join domain borders.

        Raises:
          NotAvailable: the study has no loops of the biosample.
          BadInput: a loop between two chromosomes, or one outside its chromosome.
        """
        entries = [entry for entry in study.info.intervals if entry.kind == "loops"]
        entries = [entry for entry in entries if entry.biosample in (biosample, "all")]
        if not entries:
            raise NotAvailable(f"study {study.name} has no loops of {biosample}, and this model reads them")
        entry = min(entries, key=lambda entry: (entry.biosample != biosample, entry.assay != "hichip"))
        table = study.intervals(entry.id)
        odd = table[table["chrom"] != table["chrom2"]]
        if len(odd):
            first = odd.iloc[0]
            raise BadInput(
                f"{entry.path} holds a loop between {first['chrom']} and {first['chrom2']}; wanted one each"
            )
        counted = next((name for name in COUNT_COLUMNS if name in table), None)
        contacts = table[counted].to_numpy(float) if counted else np.ones(len(table))
        anchors = table[["start", "end", "start2", "end2"]].to_numpy()  # (n, 4)
        chrom = table["chrom"].to_numpy()
        self._loops = {name: (anchors[chrom == name], contacts[chrom == name]) for name in np.unique(chrom)}

    def __call__(self, chrom: str, places: np.ndarray) -> np.ndarray:
        """Loops between places of one chromosome.

        Args:
          chrom: the chromosome.
          places: (n,) bases, at least one: of a gene's TSS and of element centres.

        Returns:
          (n, n) float32, symmetric: log10(1 + contacts) of all loops whose anchors hold the two places, within half
          a bin; a called loop without a count is one contact. 0 = no loop was called there.

        Source: ScPGE, Methods (chromatin loops); a place belongs to the bin that holds it (the released code rounds
        half of them to the next bin).
        """
        anchors, contacts = self._loops.get(chrom, _NONE)
        low, high = places.min() - SLACK_BP, places.max() + SLACK_BP
        near = (anchors[:, [0, 2]] <= high).all(axis=1) & (anchors[:, [1, 3]] > low).all(axis=1)
        start, end, start2, end2 = anchors[near].T[:, :, None]  # each (loops, 1)
        is_first = (places >= start - SLACK_BP) & (places < end + SLACK_BP)  # (loops, n)
        is_second = (places >= start2 - SLACK_BP) & (places < end2 + SLACK_BP)
        one_way = (is_first * contacts[near, None]).T @ is_second  # (n, n)
        total = (one_way + one_way.T).astype(np.float32)
        np.fill_diagonal(total, 0)
        return np.log10(1 + total)
