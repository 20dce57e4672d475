"""What a knock-out does to a model's input: variants of one gene's batch.

The input of a changed element at strength s is, by mode:

* mask: the same, and the logarithm of s is added to its logits: at 0 it is not there;
* silence: s x its signal + (1 - s) x that of an inactive element, never more than was measured;
* scramble: the middle (1 - s) of its known bases shuffled, counts of dinucleotides kept; its signal stays.

At s = 1 all three are the measured input, to the last bit. Only s = 0 compares with an experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cre_core.data.inputs import ElementInputs
from cre_core.inference.edits import BaseEdit, edited
from cre_core.schema import Batch, ElementInput

NO_BASE = 4
# n elements, their strengths (n,) and their positions in the window (n,) -> n changed elements
Change = Callable[[ElementInput, Tensor, Tensor], ElementInput]


@dataclass(frozen=True)
class Background:
    """What an inactive element shows.

    Attributes:
      counts_per_bp: (T,) of the element counts, in the unit that the model reads.
      per_base: (T,) of the base-level tracks, NaN for a track without data; None for a model without any.
    """

    counts_per_bp: Tensor
    per_base: Tensor | None = None


def masked(one: Batch, strength: Tensor) -> Batch:
    """Variants whose elements are there in part: strength (V, E)."""
    return one.with_(strength=strength)


def silenced(one: Batch, strength: Tensor, background: Background, *, own_promoter: Tensor) -> Batch:
    """Variants whose elements lose their signal.

    Args:
      one: one gene.
      strength: (V, E) in 0..1.
      background: what they keep.
      own_promoter: (E,) bool: the base-level signals that the gene itself brings fall with these.
    """
    floor = torch.minimum(one.signal, background.counts_per_bp * one.width_bp[..., None])  # (1, E, T)
    s = strength[..., None]
    there = torch.ones_like(strength)
    varied = one.with_(signal=s * one.signal + (1 - s) * floor, strength=there)  # (V, E, T), (V, E)
    per_base = background.per_base
    if per_base is None or one.inputs is None or one.inputs.signal is None:
        return varied.expanded()

    def quiet(inputs: ElementInput, share: Tensor, _: Tensor) -> ElementInput:
        assert inputs.signal is not None
        full = inputs.signal.float()  # (n, L, T)
        low = torch.minimum(full, per_base)
        kept = share[:, None, None]
        return replace(inputs, signal=(kept * full + (1 - kept) * low).to(inputs.signal.dtype))

    if one.promoter is not None and own_promoter.any():
        of_gene = strength[:, own_promoter].amin(1)  # (V,)
        promoter = one.promoter[torch.zeros(len(strength), dtype=torch.long)]  # V times the same
        varied = varied.with_(promoter=quiet(promoter, of_gene, of_gene))
    return with_changed_inputs(varied, strength, quiet)


def scrambled(one: Batch, strength: Tensor, inputs: ElementInputs, *, shuffle: int) -> Batch:
    """Variants whose elements have shuffled bases, strength (V, E); `shuffle` says which of the many shuffles."""

    def shuffled(found: ElementInput, share: Tensor, _: Tensor) -> ElementInput:
        return inputs.with_sequence(found, shuffled_middle(found.sequence, 1 - share, seed=shuffle))

    return with_changed_inputs(one.with_(strength=torch.ones_like(strength)), strength, shuffled)


def with_edits(
    one: Batch, edits: Sequence[BaseEdit], inputs: ElementInputs, *, element_starts: np.ndarray, promoter_start: int
) -> Batch:
    """Two variants: as measured, and with edited bases in every input that holds them.

    Args:
      one: one gene.
      edits: no two share a base.
      inputs: makes the motif scores of the edited bases.
      element_starts, promoter_start: place on the genome of the first base of each element's input, (E,), and of
        the promoter's.
    """
    assert one.inputs is not None
    length = one.inputs.sequence.shape[1]

    def touched(starts: np.ndarray) -> Tensor:
        hits = [(edit.start < starts + length) & (edit.end > starts) for edit in edits]
        return torch.from_numpy(np.logical_or.reduce(hits))

    def change(found: ElementInput, starts: np.ndarray) -> ElementInput:
        changed = edited(found, starts, edits)
        return inputs.with_sequence(changed, changed.sequence)

    strength = torch.ones(2, one.strength.shape[1])
    strength[1, touched(element_starts)] = 0.0
    varied = one.with_(strength=torch.ones_like(strength))
    if one.promoter is not None and bool(touched(np.array([promoter_start]))):
        varied = varied.with_(promoter=one.promoter.joined(change(one.promoter, np.array([promoter_start]))))
    return with_changed_inputs(
        varied, strength, lambda found, _, position: change(found, element_starts[position.numpy()])
    )


def with_changed_inputs(one: Batch, strength: Tensor, change: Change) -> Batch:
    """Variants of one gene in which each element of a strength below 1 has an input of its own.

    Args:
      one: one gene, with `strength` of V rows.
      strength: (V, E): what `change` is told. Each pair of an element and a strength is changed once, however many
        variants hold it, and what is not changed keeps its row of `inputs`: it need not be encoded again.
      change: makes the input.
    """
    assert one.inputs is not None
    assert one.input_row is not None
    variant, element = torch.nonzero(strength < 1, as_tuple=True)
    row = one.input_row.repeat(len(strength), 1)  # (V, E)
    if not len(variant):
        return one.with_(input_row=row).expanded()
    pairs = torch.stack((element.double(), strength[variant, element].double()), 1)  # (n, 2)
    distinct, which = torch.unique(pairs, dim=0, return_inverse=True)
    position = distinct[:, 0].long()
    changed = change(one.inputs[one.input_row[0, position]], distinct[:, 1].float(), position)
    row[variant, element] = len(one.inputs) + which
    return one.with_(inputs=one.inputs.joined(changed), input_row=row).expanded()


def shuffled_middle(sequence: Tensor, share: Tensor, *, seed: int) -> Tensor:
    """Bases with the middle of each element shuffled.

    The first and the last base of what is shuffled stay, as in every shuffle that keeps dinucleotides. An element's
    result depends on its own bases, `share` and `seed` alone, whatever else is in the batch.

    Args:
      sequence: (N, L) int8, 0..3 = A C G T, 4 = N or padding.
      share: (N,) of the stretch between the first and the last known base.
      seed: which shuffle.

    Returns:
      (N, L) int8.

    Source: Altschul and Erickson 1985 (shuffles that keep dinucleotides), as tangermeme makes them.
    """
    from tangermeme.ersatz import dinucleotide_shuffle  # compiles with numba: only where it is wanted

    result = sequence.clone()
    spans: dict[tuple[int, int], list[int]] = {}
    for n, (bases, part) in enumerate(zip(sequence.numpy(), share.tolist(), strict=True)):
        known = np.flatnonzero(bases != NO_BASE)
        if len(known):
            length = known[-1] + 1 - known[0]
            cut = round((1 - part) * length / 2)
            spans.setdefault((int(known[0]) + cut, int(known[-1]) + 1 - cut), []).append(n)
    for (start, end), members in spans.items():
        if end - start < 4:  # nothing can move between two bases that stay
            continue
        columns = torch.eye(5, 4, dtype=torch.int8)[sequence[members].long()].transpose(1, 2)  # (n, 4, L)
        mixed = dinucleotide_shuffle(
            columns, start=start, end=end, n=1, random_state=[seed] * len(members), allow_N=True
        )[:, 0]
        known_there = mixed.amax(1) > 0  # (n, L)
        result[members] = torch.where(known_there, mixed.argmax(1), NO_BASE).to(result.dtype)
    return result
