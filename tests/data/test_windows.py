"""Elements around a gene."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cre_core.data.batches import batch_of
from cre_core.data.dataset import BucketSampler, GeneDataset, PlaceSampler, Thinning
from cre_core.data.study import Study
from cre_core.data.windows import Neighbourhood
from cre_core.errors import NotAvailable, UnknownName

COUNTS = ("dnase", "h3k27ac")


@pytest.fixture
def around(toy_study: Study) -> Neighbourhood:
    return Neighbourhood(toy_study, "ToyCell", assays=COUNTS)


def test_distance_follows_the_genes_direction(around: Neighbourhood) -> None:
    plus = around.window("G1", reach_bp=1_000_000).elements.set_index("element_id")
    minus = around.window("G2", reach_bp=1_000_000).elements.set_index("element_id")
    assert plus["tss_distance_bp"].to_dict() == {"e1": 0, "e2": 10_000, "e3": 100_000, "e4": 200_000}
    assert minus["tss_distance_bp"].to_dict() == {"e1": 200_000, "e2": 190_000, "e3": 100_000, "e4": 0}


def test_reach_and_limit(around: Neighbourhood) -> None:
    assert around.window("G1", reach_bp=100_000).elements["element_id"].tolist() == ["e1", "e2", "e3"]
    assert around.window("G2", reach_bp=1_000_000, limit=2).elements["element_id"].tolist() == ["e3", "e4"]


def test_own_promoter(around: Neighbourhood) -> None:
    elements = around.window("G2", reach_bp=1_000_000).elements
    assert elements.loc[elements["is_own_promoter"], "element_id"].tolist() == ["e4"]


def test_signal_is_the_elements_own(around: Neighbourhood) -> None:
    elements = around.window("G1", reach_bp=100_000).elements
    assert elements[list(COUNTS)].to_numpy().tolist() == [[900, 400], [100, 50], [400, 100]]


def test_a_gene_in_a_desert_has_an_empty_window(around: Neighbourhood) -> None:
    window = around.window("G4", reach_bp=10_000)
    assert window.elements.empty
    assert batch_of([window]).is_element.tolist() == [[False]]


def test_unknown_names(around: Neighbourhood, toy_study: Study) -> None:
    with pytest.raises(UnknownName, match="study toy has no gene id 'G9'"):
        around.window("G9", reach_bp=10_000)
    with pytest.raises(UnknownName, match="study toy has no biosample 'HepG2'; it has ToyCell"):
        Neighbourhood(toy_study, "HepG2", assays=COUNTS)
    with pytest.raises(NotAvailable, match="the study has no atac counts; it has dnase, h3k27ac"):
        Neighbourhood(toy_study, "ToyCell", assays=("atac",))
    with pytest.raises(UnknownName, match="e6 is not among the 4 elements in the model's window around geneA"):
        around.window("G1", reach_bp=1_000_000).positions_of(["e1", "e6"])


def test_a_batch_pads_with_what_is_not_there(around: Neighbourhood) -> None:
    batch = batch_of([around.window("G1", reach_bp=1_000_000), around.window("G3", reach_bp=1_000_000)])
    assert batch.is_element.tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.distance_bp[1].tolist() == [-10_000, 340_000, 0, 0]
    assert batch.width_bp[0].tolist() == [500, 500, 1000, 500]


def test_the_dataset_gives_what_the_windows_give(around: Neighbourhood) -> None:
    ids = ["G1", "G2", "G3"]
    dataset = GeneDataset(around, ids, np.array([2.0, 1.5, 0.5]), reach_bp=150_000, limit=None)
    batch, target = dataset[[2, 0]]
    slow = batch_of([around.window(gene, reach_bp=150_000) for gene in ("G3", "G1")])
    for name, value in vars(slow).items():
        if value is not None:
            torch.testing.assert_close(getattr(batch, name), value, msg=name)
    assert target.tolist() == [0.5, 2.0]


def test_thinning_keeps_near_elements_and_the_expected_sum(around: Neighbourhood) -> None:
    thinning = Thinning(50_000, 0.25)
    dataset = GeneDataset(around, ["G1"], np.zeros(1), reach_bp=1_000_000, limit=None, thinning=thinning)
    torch.manual_seed(0)
    weights = torch.zeros(4)
    for _ in range(2000):
        batch, _target = dataset[[0]]
        for distance, strength in zip(batch.distance_bp[0], batch.strength[0], strict=True):
            weights[[0, 10_000, 100_000, 200_000].index(int(distance))] += strength
    near, far = weights[:2] / 2000, weights[2:] / 2000
    assert near.tolist() == [1.0, 1.0]
    # 2,000 draws of 4 with probability 1/4: standard error of the mean 0.039
    assert far.tolist() == pytest.approx([1.0, 1.0], abs=0.16)


@pytest.mark.parametrize("kind", [BucketSampler, PlaceSampler])
def test_every_gene_once_an_epoch_in_another_order(kind: type[BucketSampler]) -> None:
    place = torch.arange(100).flip(0)
    genes = SimpleNamespace(
        n_elements=torch.arange(100), chroms=["chrA", "chrB"] * 50, tss=place, part=torch.zeros(100)
    )
    sampler = kind(genes, batch_size=7, seed=1)  # type: ignore[arg-type]
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(gene for batch in first for gene in batch) == list(range(100))
    assert len(first) == len(sampler) == 15
    assert first != second
    sampler.set_epoch(0)
    assert list(sampler) == first  # as a resumed run would have it


def test_neighbours_on_the_genome_go_together() -> None:
    genes = SimpleNamespace(
        n_elements=torch.ones(12), chroms=["chrA", "chrB"] * 6, tss=torch.arange(12).flip(0), part=torch.zeros(12)
    )
    for batch in PlaceSampler(genes, batch_size=3, seed=0):  # type: ignore[arg-type]
        for chrom in (0, 1):
            on = sorted(gene for gene in batch if gene % 2 == chrom)
            assert on == list(range(min(on), max(on) + 1, 2)) if on else True
