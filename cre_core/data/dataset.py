"""Batches of genes for training: gathers from arrays held once, no table in the loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from cre_core.data.batches import without_gaps
from cre_core.data.windows import Neighbourhood
from cre_core.schema import Batch, ElementInput


class Thinning(NamedTuple):
    """Draw far elements at random in training: the expected sum over them stays, at a fraction of the work.

    A drawn element counts as 1 / `keep` of itself: its strength in the Batch is above 1.
    """

    near_bp: float  # elements up to here are always kept
    keep: float  # probability of an element beyond


class GeneDataset(Dataset[tuple[Batch, Tensor]]):
    """Genes of one biosample (`joined`: of several) with their target; an item is a batch: `dataset[[3, 17, 42]]`."""

    _BY_GENE = ("low", "n_elements", "tss", "sign", "target", "promoter_signal", "gene_features", "gene_row", "part")
    _BY_ELEMENT = ("center", "width", "signal", "study_row", "element_part")

    def __init__(
        self,
        neighbourhood: Neighbourhood,
        gene_ids: Sequence[str],
        target: np.ndarray,
        *,
        reach_bp: int,
        limit: int | None,
        thinning: Thinning | None = None,
    ) -> None:
        """Hold the arrays.

        Args:
          neighbourhood: the elements and their signal.
          gene_ids: G genes.
          target: (G,) expression in the study's unit. No NaN.
          reach_bp: window to each side.
          limit: at most this many elements a gene, the nearest.
          thinning: for training, draw far elements; None = all of them, always.
        """
        genes = neighbourhood.study.genes.set_index("gene_id").loc[list(gene_ids)]
        rows = neighbourhood.study.genes.set_index("gene_id").index.get_indexer(list(gene_ids))
        spans = [
            neighbourhood.rows_around(chrom, tss, reach_bp, limit)
            for chrom, tss in zip(genes["chrom"], genes["tss"], strict=True)
        ]
        elements = neighbourhood.elements
        self.gene_ids, self.thinning = list(gene_ids), thinning
        self.low = torch.tensor([span.start for span in spans])  # (G,)
        self.n_elements = torch.tensor([span.stop - span.start for span in spans])  # (G,)
        self.tss = torch.tensor(genes["tss"].to_numpy())  # (G,)
        self.sign = torch.tensor(np.where(genes["strand"] == "+", 1.0, -1.0), dtype=torch.float32)  # (G,)
        self.target = torch.tensor(target, dtype=torch.float32)  # (G,)
        self.promoter_signal = torch.from_numpy(neighbourhood.promoter_signal[rows])  # (G, T)
        self.gene_features = torch.from_numpy(neighbourhood.gene_features[rows])  # (G, F)
        self.center = torch.from_numpy(neighbourhood.center)  # (N,)
        self.width = torch.tensor((elements["end"] - elements["start"]).to_numpy(np.float32))  # (N,)
        self.signal = torch.from_numpy(neighbourhood.signal)  # (N, T)
        self.chroms = genes["chrom"].tolist()
        self.inputs = [neighbourhood.inputs]  # of each biosample
        self.loops = [neighbourhood.loops]
        self.gene_row = torch.tensor(rows)  # (G,) of `Study.genes`
        self.part = torch.zeros(len(rows), dtype=torch.long)  # (G,) of `inputs`
        self.study_row = torch.tensor(neighbourhood.study_row)  # (N,) of `Study.elements`
        self.element_part = torch.zeros(len(elements), dtype=torch.long)  # (N,) of `inputs`
        self.contact = self._contacts(neighbourhood, self.chroms)  # (G, E) or None

    @classmethod
    def joined(cls, parts: Sequence[GeneDataset]) -> GeneDataset:
        """The genes of several biosamples of one study, made alike, as one dataset."""
        joint = copy(parts[0])
        joint.gene_ids = [gene_id for part in parts for gene_id in part.gene_ids]
        joint.chroms = [chrom for part in parts for chrom in part.chroms]
        joint.inputs, joint.loops = [part.inputs[0] for part in parts], [part.loops[0] for part in parts]
        for name in (*cls._BY_GENE, *cls._BY_ELEMENT):
            setattr(joint, name, torch.cat([getattr(part, name) for part in parts]))
        shifts = torch.tensor([0, *(len(part.center) for part in parts[:-1])]).cumsum(0)
        joint.part = torch.cat([torch.full_like(part.part, n) for n, part in enumerate(parts)])
        joint.element_part = torch.cat([torch.full_like(part.element_part, n) for n, part in enumerate(parts)])
        joint.low = torch.cat([part.low + shift for part, shift in zip(parts, shifts, strict=True)])
        if joint.contact is not None:
            contacts = [part.contact for part in parts if part.contact is not None]
            widest = max(contact.shape[1] for contact in contacts)
            joint.contact = torch.cat([F.pad(contact, (0, widest - contact.shape[1])) for contact in contacts])
        return joint

    def subset(self, keep: Tensor) -> GeneDataset:
        """The genes for which `keep`, (G,) bool, is true."""
        part = copy(self)
        part.gene_ids = [gene_id for gene_id, kept in zip(self.gene_ids, keep.tolist(), strict=True) if kept]
        part.chroms = [chrom for chrom, kept in zip(self.chroms, keep.tolist(), strict=True) if kept]
        for name in self._BY_GENE:
            setattr(part, name, getattr(self, name)[keep])
        part.contact = None if self.contact is None else self.contact[keep]
        return part

    def _contacts(self, neighbourhood: Neighbourhood, chroms: Sequence[str]) -> Tensor | None:
        if neighbourhood.contact is None:
            return None
        contact = torch.zeros(len(chroms), max(1, int(self.n_elements.max())))
        for g, (chrom, low, n) in enumerate(zip(chroms, self.low.tolist(), self.n_elements.tolist(), strict=True)):
            places = neighbourhood.center[low : low + n]
            contact[g, :n] = torch.from_numpy(neighbourhood.contact(chrom, int(self.tss[g]), places))
        return contact

    def __len__(self) -> int:
        return len(self.gene_ids)

    def __getitem__(self, genes: Sequence[int]) -> tuple[Batch, Tensor]:
        g = torch.as_tensor(genes)
        steps = torch.arange(max(1, int(self.n_elements[g].max())))
        is_element = steps < self.n_elements[g, None]  # (B, E)
        rows = torch.where(is_element, self.low[g, None] + steps, 0)
        distance = (self.sign[g, None] * (self.center[rows] - self.tss[g, None])).float()
        strength = torch.ones(is_element.shape)
        contact = None if self.contact is None else self.contact[g][:, : len(steps)]
        if self.thinning is not None:
            kept, strength, is_element = _thinned(distance, is_element, self.thinning)
            rows, distance = rows.gather(1, kept), distance.gather(1, kept)
            contact = None if contact is None else contact.gather(1, kept)
        batch = Batch(
            distance_bp=torch.where(is_element, distance, 0.0),
            is_element=is_element,
            strength=strength,
            width_bp=torch.where(is_element, self.width[rows], 0.0),
            signal=torch.where(is_element[..., None], self.signal[rows], 0.0),
            promoter_signal=self.promoter_signal[g],
            gene_features=self.gene_features[g],
            contact=None if contact is None else torch.where(is_element, contact, 0.0),
            strand=self.sign[g],
            loops=self._loops_of(rows, is_element, g),
        )
        return self._with_inputs(batch, rows, g), self.target[g]

    def _with_inputs(self, batch: Batch, rows: Tensor, g: Tensor) -> Batch:
        """With inputs too, each element once, and without gaps, which such models do not know how to treat."""
        if self.inputs[0] is None:
            return batch
        unique, place = torch.unique(rows[batch.is_element], return_inverse=True)  # (n,), sorted: parts together
        input_row = torch.zeros_like(rows)
        input_row[batch.is_element] = place
        elements, promoters = [], []
        for n, inputs in enumerate(self.inputs):
            assert inputs is not None
            elements.append(inputs.elements(self.study_row[unique[self.element_part[unique] == n]].numpy()))
            promoters.append(inputs.promoters(self.gene_row[g[self.part[g] == n]].numpy()))
        order = torch.argsort(torch.argsort(self.part[g], stable=True), stable=True)  # back from part by part
        promoter = _joined(promoters)[order]
        return without_gaps(batch.with_(inputs=_joined(elements), input_row=input_row, promoter=promoter))

    def _loops_of(self, rows: Tensor, is_element: Tensor, g: Tensor) -> Tensor | None:
        """(B, 1 + E, 1 + E), or None where the model reads no loops."""
        if self.loops[0] is None:
            return None
        found = torch.zeros(len(g), 1 + rows.shape[1], 1 + rows.shape[1])
        for b, gene in enumerate(g.tolist()):
            n = int(is_element[b].sum())
            places = torch.cat((self.tss[gene, None], self.center[rows[b, :n]])).numpy()
            loops = self.loops[int(self.part[gene])]
            assert loops is not None
            found[b, : n + 1, : n + 1] = torch.from_numpy(loops(self.chroms[gene], places))
        return found


def _joined(parts: Sequence[ElementInput]) -> ElementInput:
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.joined(part)
    return joined


def _thinned(distance: Tensor, is_element: Tensor, thinning: Thinning) -> tuple[Tensor, Tensor, Tensor]:
    """Of the elements drawn, all (B, E'): their column, strength and is_element."""
    is_far = distance.abs() > thinning.near_bp  # (B, E)
    is_drawn = is_element & (~is_far | (torch.rand(distance.shape) < thinning.keep))
    kept = torch.argsort(~is_drawn, dim=1, stable=True)[:, : max(1, int(is_drawn.sum(1).max()))]  # (B, E')
    strength = torch.where(is_far, 1.0 / thinning.keep, 1.0)
    return kept, strength.gather(1, kept), is_drawn.gather(1, kept)


class BucketSampler(Sampler[list[int]]):
    """Shuffled batches of genes with windows of like size, so that little padding is computed."""

    POOL = 16  # batches sorted by size together: enough to save padding, few enough to stay random

    def __init__(self, dataset: GeneDataset, *, batch_size: int, seed: int) -> None:
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self.size = dataset.n_elements.numpy()  # (G,)

    def __len__(self) -> int:
        return -(-len(self.size) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Which shuffle comes next: that of an epoch is the same in a resumed run."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng((self.seed, self.epoch))
        order = draw.permutation(len(self.size))
        pool = self.POOL * self.batch_size
        batches = []
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            part = part[np.argsort(self.size[part], kind="stable")]
            batches += [part[i : i + self.batch_size].tolist() for i in range(0, len(part), self.batch_size)]
        yield from (batches[i] for i in draw.permutation(len(batches)))


class PlaceSampler(BucketSampler):
    """Shuffled batches of genes that are neighbours on the genome: they share elements, and each is encoded once.

    Every epoch cuts the line of genes at other places.
    """

    def __init__(self, dataset: GeneDataset, *, batch_size: int, seed: int) -> None:
        super().__init__(dataset, batch_size=batch_size, seed=seed)
        _, chrom = np.unique(dataset.chroms, return_inverse=True)
        self.order = np.lexsort((dataset.tss.numpy(), chrom, dataset.part.numpy()))  # (G,)

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng((self.seed, self.epoch))
        line = np.roll(self.order, int(draw.integers(self.batch_size)))
        batches = [line[i : i + self.batch_size].tolist() for i in range(0, len(line), self.batch_size)]
        yield from (batches[i] for i in draw.permutation(len(batches)))
