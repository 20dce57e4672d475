"""The tensors that a model is given, made of windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from cre_core.data.windows import GeneWindow
from cre_core.schema import Batch


def batch_of(windows: Sequence[GeneWindow]) -> Batch:
    """Stack windows into one padded Batch (B, E); see schema.Batch for the meaning of each tensor."""
    B, E = len(windows), max(1, *(len(window.elements) for window in windows))
    T = len(windows[0].assays)
    distance = np.zeros((B, E), np.float32)
    width = np.zeros((B, E), np.float32)
    signal = np.zeros((B, E, T), np.float32)
    is_element = np.zeros((B, E), bool)
    for b, window in enumerate(windows):
        elements, n = window.elements, len(window.elements)
        distance[b, :n] = elements["tss_distance_bp"]
        width[b, :n] = elements["end"] - elements["start"]
        signal[b, :n] = elements[list(window.assays)]
        is_element[b, :n] = True
    batch = Batch(
        distance_bp=torch.from_numpy(distance),
        is_element=torch.from_numpy(is_element),
        strength=torch.ones(B, E),
        width_bp=torch.from_numpy(width),
        signal=torch.from_numpy(signal),
        promoter_signal=torch.from_numpy(np.stack([window.promoter_signal for window in windows])),
        gene_features=torch.from_numpy(np.stack([window.gene_features for window in windows])),
        contact=_contact_of(windows, E),
        strand=torch.tensor([1.0 if window.gene["strand"] == "+" else -1.0 for window in windows]),
        loops=_loops_of(windows, E),
    )
    return _with_inputs(batch, windows)


def _with_inputs(batch: Batch, windows: Sequence[GeneWindow]) -> Batch:
    """With what the model reads of the elements themselves, each element once; as it is for models of counts."""
    inputs = windows[0].inputs
    if inputs is None:
        return batch
    rows = np.unique(np.concatenate([window.elements["study_row"] for window in windows]))
    place = np.zeros(batch.is_element.shape, np.int64)
    for b, window in enumerate(windows):
        place[b, : len(window.elements)] = np.searchsorted(rows, window.elements["study_row"])
    genes = np.array([window.gene_row for window in windows])
    return batch.with_(
        inputs=inputs.elements(rows), input_row=torch.from_numpy(place), promoter=inputs.promoters(genes)
    )


def _loops_of(windows: Sequence[GeneWindow], n_elements: int) -> torch.Tensor | None:
    """(B, 1 + E, 1 + E) float32, or None where the model reads no loops."""
    if windows[0].loops is None:
        return None
    loops = np.zeros((len(windows), 1 + n_elements, 1 + n_elements), np.float32)
    for b, window in enumerate(windows):
        center = ((window.elements["start"] + window.elements["end"]) // 2).to_numpy()
        places = np.concatenate([[int(window.gene["tss"])], center])
        loops[b, : len(places), : len(places)] = windows[0].loops(str(window.gene["chrom"]), places)
    return torch.from_numpy(loops)


def _contact_of(windows: Sequence[GeneWindow], n_elements: int) -> torch.Tensor | None:
    """(B, E) float32, NaN = no data, or None where the model reads no contact."""
    if "contact" not in windows[0].elements:
        return None
    contact = np.zeros((len(windows), n_elements), np.float32)
    for b, window in enumerate(windows):
        contact[b, : len(window.elements)] = window.elements["contact"]
    return torch.from_numpy(contact)


def without_gaps(batch: Batch) -> Batch:
    """The batch with elements that lack data in an input left out: strength 0, so that no NaN reaches the gene."""
    has_data = batch.signal.isfinite().all(-1)  # (B, E); True for a model without signal
    if batch.contact is not None:
        has_data = has_data & batch.contact.isfinite()
    return batch.with_(strength=batch.strength * has_data)
