"""The elements around a gene, for one biosample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cre_core.data.loops import ElementLoops
from cre_core.data.quantile import parted_unit, quantile_normalised
from cre_core.data.study import Study
from cre_core.errors import NotAvailable, UnknownName
from cre_core.schema import HALF_LIFE_FEATURES, PROMOTER_HALF_WIDTH_BP, Batch, Reads

if TYPE_CHECKING:
    from cre_core.data.contact import TssContact
    from cre_core.data.inputs import ElementInputs

READS, RPM = "reads", "RPM"  # units of signal: as a study holds it, and per million mapped reads of the experiment


@dataclass(frozen=True)
class GeneWindow:
    """One gene, one biosample, and the elements within a model's reach, sorted by place.

    Attributes:
      gene: row of `Study.genes`.
      biosample: what was assayed.
      assays: names of the T signal columns, in order.
      elements: schema.ELEMENTS plus `tss_distance_bp` (centre minus TSS, + = downstream in the gene's
        direction), `study_row` (of `Study.elements`), `is_own_promoter` (shares a base with the TSS ±500 bp), one
        column per assay, and `contact` with the TSS where the model reads it (NaN = no data).
      promoter_signal: (T,) float32, the assays at the TSS ±500 bp. NaN = no data.
      gene_features: (F,) float32, schema.HALF_LIFE_FEATURES. NaN = not known.
      gene_row: of `Study.genes`.
      inputs: what the model reads of an element itself; None for models of counts alone.
      loops: the study's, for models that read them.
    """

    gene: pd.Series
    biosample: str
    assays: tuple[str, ...]
    elements: pd.DataFrame
    promoter_signal: np.ndarray
    gene_features: np.ndarray
    gene_row: int = 0
    inputs: ElementInputs | None = None
    loops: ElementLoops | None = None

    @cached_property
    def has_data(self) -> np.ndarray:
        """(E,) bool: the element has data in every input; without it no model can say anything about it."""
        inputs = [*self.assays, *(["contact"] if "contact" in self.elements else [])]
        return self.elements[inputs].notna().all(axis=1).to_numpy()

    @cached_property
    def batch(self) -> Batch:
        """This gene alone, as `batch_of` gives it: made once for all that is asked about it; not to be changed."""
        from cre_core.data.batches import batch_of  # torch: a window alone is tables and arrays

        return batch_of([self])

    def positions_of(self, element_ids: Sequence[str]) -> np.ndarray:
        """Row numbers of elements in this window; UnknownName for one outside it."""
        rows = pd.Index(self.elements["element_id"]).get_indexer(list(element_ids))
        if (rows < 0).any():
            missing = [name for name, row in zip(element_ids, rows, strict=True) if row < 0]
            raise UnknownName(
                f"{missing[0]} is not among the {len(self.elements)} elements in the model's window "
                f"around {self.gene['gene_name']}"
            )
        return rows


class Neighbourhood:
    """Finds the elements around any gene of a study, for one biosample, without a pass over the whole table."""

    def __init__(
        self,
        study: Study,
        biosample: str,
        *,
        assays: Sequence[str],
        unit: str = READS,
        inputs: ElementInputs | None = None,
        with_contact: bool = False,
        with_loops: bool = False,
        merge_within_bp: int = 0,
        n_each_side: int | None = None,
    ) -> None:
        """Align a study's tables.

        Args:
          study: with elements, genes and their counts.
          biosample: whose counts.
          assays: signal columns, in the order a model wants them.
          unit: of the signal given: `reads`, or `RPM`, which wants the depth of each experiment; followed by
            `, quantile-normalised to NAME`, with the distribution that it has in another biosample.
          inputs: what the model reads of an element itself, for models that do.
          with_contact: give contact with the TSS too.
          with_loops: give loops between gene and elements too.
          merge_within_bp: of elements whose neighbours lie nearer than this, the middle one stands for all.
          n_each_side: a window is the nearest so many elements before the TSS and after it.

        Raises:
          UnknownName: no such biosample.
          NotAvailable: the study lacks an assay, the depth of its experiment, sequence or a contact map, or the
            biosample to normalise to has no data.
        """
        self.unit, self.normalised_to = parted_unit(unit)
        for name in (biosample, *([self.normalised_to] if self.normalised_to else [])):
            if name not in study.info.biosamples:
                known = ", ".join(study.info.biosamples)
                raise UnknownName(f"study {study.name} has no biosample '{name}'; it has {known}")
        self.study, self.biosample, self.assays = study, biosample, tuple(assays)
        elements = study.elements.copy()
        elements["center"] = (elements["start"] + elements["end"]) // 2
        elements = elements.reset_index(drop=True).sort_values(["chrom", "center"], kind="stable")
        self.study_row = elements.index.to_numpy()  # (N,) rows of `Study.elements`
        elements = elements.reset_index(drop=True)
        if merge_within_bp:
            kept = _middle_of_each_cluster(
                elements["chrom"].to_numpy(), elements["center"].to_numpy(), merge_within_bp
            )
            elements, self.study_row = elements.iloc[kept].reset_index(drop=True), self.study_row[kept]
        self.elements, self.inputs, self.n_each_side = elements, inputs, n_each_side
        self.loops = ElementLoops(study, biosample) if with_loops else None
        self.contact = _contact_map(study, biosample) if with_contact else None
        self.center = elements["center"].to_numpy()  # (N,)
        genes = study.genes
        self.reads_per_unit = reads_per_unit(study, biosample, self.assays, self.unit)
        self.signal, self.promoter_signal = self._signals(biosample)  # (N, T), (G, T)
        if self.normalised_to:
            self._normalise()
        self.gene_features = genes.reindex(columns=list(HALF_LIFE_FEATURES)).to_numpy(np.float32)
        self._gene_row = pd.Index(genes["gene_id"])
        chroms = elements["chrom"].to_numpy()
        starts = np.flatnonzero(np.r_[True, chroms[1:] != chroms[:-1]]) if len(chroms) else np.array([], int)
        stops = np.r_[starts[1:], len(chroms)]
        self._span = {chroms[a]: (int(a), int(b)) for a, b in zip(starts, stops, strict=True)}

    def _signals(self, biosample: str) -> tuple[np.ndarray, np.ndarray]:
        """Of the elements (N, T) and of the TSS of every gene (G, T), in `unit`. NaN = no data."""
        study, scale = self.study, reads_per_unit(self.study, biosample, self.assays, self.unit)
        elements = _aligned(study.element_signal, biosample, self.assays, "element_id", self.elements["element_id"])
        promoters = _aligned(study.promoter_signal, biosample, self.assays, "gene_id", study.genes["gene_id"])
        return elements / scale, promoters / scale

    def _normalise(self) -> None:
        """Give the signal another biosample's distribution: promoters, other elements and TSS, each their own."""
        elements, promoters = self._signals(self.normalised_to)
        is_promoter = (self.elements["element_class"] == "promoter").to_numpy()
        self.signal = quantile_normalised(self.signal, elements, group=is_promoter, of=self.normalised_to)
        self.promoter_signal = quantile_normalised(self.promoter_signal, promoters, of=self.normalised_to)

    def rows_around(self, chrom: str, tss: int, reach_bp: int, limit: int | None) -> slice:
        """Rows of the elements whose centre lies within `reach_bp` of `tss`; with a limit, the nearest of them.

        Where a window has so many elements on each side, the limit has no say.

        Rows are in place order, so both are one slice.
        """
        first, last = self._span.get(chrom, (0, 0))
        centers = self.center[first:last]
        low = first + int(np.searchsorted(centers, tss - reach_bp, "left"))
        high = first + int(np.searchsorted(centers, tss + reach_bp, "right"))
        if self.n_each_side is not None:
            middle = first + int(np.searchsorted(centers, tss, "left"))
            return slice(max(low, middle - self.n_each_side), min(high, middle + self.n_each_side))
        if limit is not None and high - low > limit:
            nearest = np.argsort(np.abs(self.center[low:high] - tss), kind="stable")[:limit]
            low, high = low + int(nearest.min()), low + int(nearest.max()) + 1
        return slice(low, high)

    def elements_near(self, chrom: str, tss: int, *, reach_bp: int) -> pd.DataFrame:
        """schema.ELEMENTS whose centre lies within `reach_bp` of a place, with a column per assay; NaN = no data."""
        rows = self.rows_around(chrom, tss, reach_bp, None)
        elements = self.elements.iloc[rows].drop(columns="center").reset_index(drop=True)
        elements[list(self.assays)] = self.signal[rows]
        return elements

    def window(self, gene_id: str, *, reach_bp: int, limit: int | None = None) -> GeneWindow:
        """The window of one gene.

        Args:
          gene_id: as in `Study.genes`.
          reach_bp: elements with their centre within this distance of the TSS belong.
          limit: at most this many, the nearest.

        Returns:
          The window; of a gene in a desert it may hold no element.

        Raises:
          UnknownName: the study has no such gene.
        """
        row = int(self._gene_row.get_indexer([gene_id])[0])
        if row < 0:
            raise UnknownName(f"study {self.study.name} has no gene id '{gene_id}'")
        gene = self.study.genes.iloc[row]
        rows = self.rows_around(gene["chrom"], int(gene["tss"]), reach_bp, limit)
        elements = self.elements.iloc[rows].drop(columns="center").reset_index(drop=True)
        tss, sign = int(gene["tss"]), 1 if gene["strand"] == "+" else -1
        elements["tss_distance_bp"] = sign * (self.center[rows] - tss)
        elements["is_own_promoter"] = (elements["start"] < tss + PROMOTER_HALF_WIDTH_BP) & (
            elements["end"] > tss - PROMOTER_HALF_WIDTH_BP
        )
        elements["study_row"] = self.study_row[rows]
        elements[list(self.assays)] = self.signal[rows]
        if self.contact is not None:
            elements["contact"] = self.contact(gene["chrom"], tss, self.center[rows])
        return GeneWindow(
            gene=gene,
            biosample=self.biosample,
            assays=self.assays,
            elements=elements,
            promoter_signal=self.promoter_signal[row],
            gene_features=self.gene_features[row],
            gene_row=row,
            inputs=self.inputs,
            loops=self.loops,
        )


def neighbourhood_for(study: Study, biosample: str, reads: Reads) -> Neighbourhood:
    """The neighbourhood that gives what a model reads.

    Raises:
      NotAvailable: the study lacks an input, or what turns it into the model's unit.
    """
    return Neighbourhood(
        study,
        biosample,
        assays=reads.assays,
        unit=reads.unit,
        inputs=_inputs_for(study, biosample, reads),
        with_contact=reads.contact,
        with_loops=reads.loops,
        merge_within_bp=reads.merge_within_bp,
        n_each_side=reads.n_each_side,
    )


def reads_per_unit(study: Study, biosample: str, assays: Sequence[str], unit: str) -> np.ndarray:
    """How many of a study's reads make one unit of a model's signal.

    Args:
      study, biosample: whose counts.
      assays: T signal columns.
      unit: `reads` or `RPM`.

    Returns:
      (T,) float32: 1 for reads; mapped reads of the experiment / 1e6 for RPM.

    Raises:
      NotAvailable: another unit, or the depth of an experiment is not known.
    """
    if unit not in (READS, RPM):
        raise NotAvailable(f"these weights want signal in {unit}; study {study.name} gives {READS} or {RPM}")
    if unit == READS:
        return np.ones(len(assays), np.float32)
    depth = study.info.library_reads.get(biosample, {})
    missing = [assay for assay in assays if not depth.get(assay, 0) > 0]  # NaN is not known either
    if missing:
        raise NotAvailable(
            f"these weights want signal in {RPM}, and study {study.name} does not say how many reads of "
            f"{missing[0]} were mapped in {biosample} (library_reads); `train` makes weights for its counts"
        )
    return np.array([depth[assay] / 1e6 for assay in assays], np.float32)


def _contact_map(study: Study, biosample: str) -> TssContact:
    from cre_core.data.contact import TssContact  # readers of contact maps take long to import

    return TssContact(study, biosample)


def _inputs_for(study: Study, biosample: str, reads: Reads) -> ElementInputs | None:
    if reads.width_bp is None:
        return None
    from cre_core.data.inputs import shared_inputs  # torch

    return shared_inputs(study, biosample, reads.width_bp, reads.tracks, reads.n_motifs, reads.flanks)


def _middle_of_each_cluster(chrom: np.ndarray, center: np.ndarray, within_bp: int) -> np.ndarray:
    """Rows of the elements that stand for runs of neighbours less than `within_bp` apart; (N,) sorted -> rows."""
    if not len(center):
        return np.zeros(0, int)
    is_first = np.r_[True, (chrom[1:] != chrom[:-1]) | (np.diff(center) >= within_bp)]
    first = np.flatnonzero(is_first)
    last = np.r_[first[1:], len(center)] - 1
    return (first + last) // 2


def _aligned(table: pd.DataFrame, biosample: str, assays: Sequence[str], key: str, order: pd.Series) -> np.ndarray:
    """(len(order), T) float32; an element or gene without a row is NaN: no data."""
    missing = [assay for assay in assays if assay not in table]
    if missing:
        raise NotAvailable(f"the study has no {missing[0]} counts; it has {', '.join(table.columns[2:])}")
    rows = table[table["biosample"] == biosample].set_index(key)[list(assays)]
    return rows.reindex(order).to_numpy(np.float32)
