"""Every substitution of an element's bases, and every small deletion, and what the gene's model makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cre_core.data.inputs import ElementInputs
from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, NotAvailable
from cre_core.genome import Locus
from cre_core.inference.predictor import Predictor
from cre_core.progress import Report
from cre_core.schema import Batch, ElementInput

NO_BASE = 4
VARIANTS_PER_BATCH = 64  # elements encoded at a time, whatever else the window holds


@dataclass(frozen=True)
class Mutagenesis:
    """All substitutions of a stretch of one element.

    Attributes:
      gene_id, element_id: whose prediction, whose bases.
      place: of the stretch on the genome.
      reference: (L,) int8, 0..3 = A C G T of the + strand, 4 = N.
      log2_fold_change: (L, 4) float64 of the gene, for A, C, G, T there: 0 for the base that is there; NaN where that
        is N, or padding around an element that the model reads without its flanks.
      before: prediction without a change, in `unit`.
      unit: as printed.
    """

    gene_id: str
    element_id: str
    place: Locus
    reference: np.ndarray
    log2_fold_change: np.ndarray
    before: float
    unit: str


def saturate(
    predictor: Predictor,
    window: GeneWindow,
    element_id: str,
    *,
    place: Locus | None = None,
    report: Report | None = None,
) -> Mutagenesis:
    """Substitute every base of an element by the three others, each alone.

    Signals stay as measured; motif scores, for a model that reads them, are those of the changed bases. The gene's
    own promoter stays even where it shares bases with the element.

    Args:
      predictor: the model.
      window: from `predictor.window`.
      element_id: one of its elements.
      place: the bases to substitute; all that the model reads of the element when None.
      report: called with "variants", those done, and their total.

    Raises:
      UnknownName: an element outside the window.
      BadInput: a place that the model's input of the element does not hold.
      NotAvailable: the model reads no sequence, or not this element.
    """
    element = _Element.of(predictor, window, element_id)
    columns = element.columns(place)
    reference = element.input.sequence[0, columns]  # (L,)
    at, base = torch.nonzero(_is_other(reference), as_tuple=True)  # (V,), (V,): place and new base
    at = at + columns.start

    def mutated(first: int, last: int) -> ElementInput:
        sequence = element.input.sequence.repeat(last - first, 1)  # (v, L')
        sequence[torch.arange(last - first), at[first:last]] = base[first:last].to(sequence.dtype)
        return element.with_sequence(sequence)

    before, after = element.predicted(len(at), mutated, report)
    change = np.full((len(reference), 4), np.nan)
    is_known = (reference < NO_BASE).numpy()
    change[is_known, reference.numpy()[is_known]] = 0.0
    change[(at - columns.start).numpy(), base.numpy()] = predictor.unit.log2_fold_change(np.array(before), after)
    return Mutagenesis(
        gene_id=str(window.gene["gene_id"]),
        element_id=element_id,
        place=element.locus(columns),
        reference=reference.numpy(),
        log2_fold_change=change,
        before=before,
        unit=predictor.unit.text,
    )


def scan_deletions(
    predictor: Predictor,
    window: GeneWindow,
    element_id: str,
    *,
    width_bp: int,
    step_bp: int | None = None,
    place: Locus | None = None,
    report: Report | None = None,
) -> pd.DataFrame:
    """Delete stretches of an element, each alone: their bases become N, and their signals no data.

    What lies around stays where it is, as the model's input has a fixed width.

    Args:
      predictor, window, element_id, place, report: as for `saturate`.
      width_bp: of a stretch.
      step_bp: from the start of one to that of the next; `width_bp` when None.

    Returns:
      A row per stretch: element_id, chrom, start, end, before, after (in the predictor's unit), log2_fold_change. The
      last stretch ends with `place`, however narrow it is. NaN for a stretch without a known base.

    Raises:
      BadInput: a width or step below 1; else as `saturate`.
    """
    step = width_bp if step_bp is None else step_bp
    if width_bp < 1 or step < 1:
        raise BadInput(f"stretches of {width_bp} bp every {step} bp came; wanted 1 or more")
    element = _Element.of(predictor, window, element_id)
    columns = element.columns(place)
    starts = np.arange(columns.start, columns.stop, step)
    ends = np.minimum(starts + width_bp, columns.stop)
    base = element.input.sequence[0].numpy()
    is_known = np.array([(base[a:b] < NO_BASE).any() for a, b in zip(starts, ends, strict=True)])
    kept = list(zip(starts[is_known], ends[is_known], strict=True))

    def deleted(first: int, last: int) -> ElementInput:
        sequence = element.input.sequence.repeat(last - first, 1)  # (v, L')
        signal = None if element.input.signal is None else element.input.signal.repeat(last - first, 1, 1)
        for row, (start, end) in enumerate(kept[first:last]):
            sequence[row, start:end] = NO_BASE
            if signal is not None:
                signal[row, start:end] = torch.nan
        return element.with_sequence(sequence, signal)

    before, found = element.predicted(len(kept), deleted, report)
    after = np.full(len(starts), np.nan)
    after[is_known] = found
    return pd.DataFrame(
        {
            "element_id": element_id,
            "chrom": element.chrom,
            "start": element.start + starts,
            "end": element.start + ends,
            "before": before,
            "after": after,
            "log2_fold_change": predictor.unit.log2_fold_change(np.array(before), after),
        }
    )


def _is_other(reference: Tensor) -> Tensor:
    """(L, 4) bool: the bases that are not there; none where it is N."""
    return (reference[:, None] != torch.arange(4)) & (reference[:, None] < NO_BASE)


@dataclass(frozen=True)
class _Element:
    """One element of one gene's batch, as the model reads it."""

    predictor: Predictor
    fold: str
    batch: Batch
    inputs: ElementInputs
    row: int  # of the window
    input: ElementInput  # of this element alone
    chrom: str
    start: int  # place of its input's first base, below 0 where that lies before the chromosome

    @classmethod
    def of(cls, predictor: Predictor, window: GeneWindow, element_id: str) -> _Element:
        row = int(window.positions_of([element_id])[0])
        if window.inputs is None or "scramble" not in predictor.modes:
            raise NotAvailable(f"{predictor.label} reads no sequence: there is no base to change")
        if not predictor.looks_at(window)[row]:
            raise NotAvailable(f"{predictor.label} does not read element {element_id} for {window.gene['gene_name']}")
        batch = window.batch
        assert batch.inputs is not None
        assert batch.input_row is not None
        at = int(batch.input_row[0, row])
        one, place = batch.inputs[slice(at, at + 1)], window.elements.iloc[row]
        start = (int(place["start"]) + int(place["end"])) // 2 - one.sequence.shape[1] // 2
        fold = predictor.fold_of(window.gene["gene_id"])
        return cls(predictor, fold, batch, window.inputs, row, one, str(place["chrom"]), start)

    def columns(self, place: Locus | None) -> slice:
        """Columns of the input that a place is, or all of them."""
        whole = slice(max(0, -self.start), self.input.sequence.shape[1])
        if place is None:
            return whole
        covered = self.locus(whole)
        if place.chrom != covered.chrom or place.start < covered.start or place.end > covered.end:
            raise BadInput(f"{place} is not within {covered}, the bases that the model reads of this element")
        return slice(place.start - self.start, place.end - self.start)

    def locus(self, columns: slice) -> Locus:
        """The place of some columns."""
        return Locus(self.chrom, self.start + columns.start, self.start + columns.stop)

    def with_sequence(self, sequence: Tensor, signal: Tensor | None = None) -> ElementInput:
        """The element with other bases (v, L), and with other signals or its own."""
        one = self.input
        if signal is None and one.signal is not None:
            signal = one.signal.expand(len(sequence), -1, -1)
        return self.inputs.with_sequence(ElementInput(sequence, signal, one.motif), sequence)

    def predicted(
        self, n: int, changed: Callable[[int, int], ElementInput], report: Report | None
    ) -> tuple[float, np.ndarray]:
        """Predictions without a change, and of n variants (n,), of which `changed` gives some."""
        before = float(self.predictor.run(self.fold, self.batch).expression)
        after = np.empty(n)
        for first in range(0, n, VARIANTS_PER_BATCH):
            last = min(first + VARIANTS_PER_BATCH, n)
            variants = self._variants(changed(first, last))
            after[first:last] = self.predictor.run(self.fold, variants).expression.double().numpy()
            if report is not None:
                report("variants", last, n)
        return before, after

    def _variants(self, changed: ElementInput) -> Batch:
        """Variants of the gene in which this element has another input; the others keep theirs."""
        assert self.batch.inputs is not None
        assert self.batch.input_row is not None
        v, n = len(changed), len(self.batch.inputs)
        input_row = self.batch.input_row.repeat(v, 1)  # (v, E)
        input_row[:, self.row] = torch.arange(n, n + v)
        there = torch.ones(v, input_row.shape[1])
        inputs = self.batch.inputs.joined(changed)
        return self.batch.with_(inputs=inputs, input_row=input_row, strength=there).expanded()
