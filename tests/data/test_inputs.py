"""Sequences and contacts of the toy study, against the genome string and the matrix they were made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy import make_toy_study
from toy_inputs import genome, with_contacts, with_sequence

from cre_core.data.batches import batch_of
from cre_core.data.contact import TssContact
from cre_core.data.dataset import GeneDataset
from cre_core.data.inputs import ElementInputs, shared_inputs
from cre_core.data.study import Study
from cre_core.data.windows import Neighbourhood, neighbourhood_for
from cre_core.errors import NotAvailable
from cre_core.models.epinformer import EPInformerConfig
from cre_core.models.scpge import ScPGEConfig
from cre_core.schema import Reads

ROW = {name: row for row, name in enumerate(("e1", "e2", "e3", "e4", "e5", "e6"))}
COUNTS = ("dnase", "h3k27ac")
IN_READS = Reads(assays=COUNTS)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return with_contacts(with_sequence(make_toy_study(tmp_path_factory.mktemp("sequence") / "study")))


def numbers(bases: str) -> list[int]:
    return ["ACGT".index(base) for base in bases]


def inputs(study: Study, width_bp: int, **how: bool) -> ElementInputs:
    return ElementInputs(study, "ToyCell", width_bp=width_bp, **how)


def test_an_element_lies_in_the_middle_of_padding(study: Study) -> None:
    found = inputs(study, 600).elements(np.array([ROW["e2"]])).sequence[0]
    assert found.dtype == torch.int8
    assert found.tolist() == [4] * 50 + numbers(genome()["chrA"][109_750:110_250]) + [4] * 50


def test_an_element_may_go_on_into_its_flanks(study: Study) -> None:
    found = inputs(study, 600, flanks=True).elements(np.array([ROW["e2"]])).sequence[0]
    assert found.tolist() == numbers(genome()["chrA"][109_700:110_300])


def test_a_longer_element_is_cut_to_its_centre(study: Study) -> None:
    found = inputs(study, 400).elements(np.array([ROW["e3"]])).sequence[0]
    assert found.tolist() == numbers(genome()["chrA"][199_800:200_200])


def test_a_promoter_is_around_the_tss_and_ends_with_its_chromosome(study: Study) -> None:
    found = inputs(study, 50_000).promoters(np.array([0, 3])).sequence
    assert found[0].tolist() == numbers(genome()["chrA"][75_000:125_000])
    assert found[1].tolist() == numbers(genome()["chrB"][455_000:500_000]) + [4] * 5_000


def test_inputs_are_shared(study: Study) -> None:
    asked = (study, "ToyCell", 400, (), 0, False)
    assert shared_inputs(*asked) is shared_inputs(*asked)


def test_tracks_that_nobody_measured_are_no_data(study: Study) -> None:
    found = ElementInputs(study, "ToyCell", width_bp=400, tracks=("dnase", "ctcf")).elements(np.array([1, 0]))
    assert found.signal is not None
    assert found.signal.shape == (2, 400, 2)
    assert found.signal.isnan().all()


def test_a_study_without_motifs_says_so(study: Study) -> None:
    with pytest.raises(NotAvailable, match="study toy has no motifs, and this model reads scores of 7"):
        ElementInputs(study, "ToyCell", width_bp=400, n_motifs=7)


def test_a_model_is_given_what_it_reads_of_what_it_could(study: Study) -> None:
    """The study has no motifs: a model that could read 7 and does not is none the worse."""

    def around(*inputs: str) -> Neighbourhood:
        config = ScPGEConfig(sequence_bp=400, base_tracks=("dnase",), n_motifs=7, merge_within_bp=0, inputs=inputs)
        return neighbourhood_for(study, "ToyCell", config.reads)

    with pytest.raises(NotAvailable, match="study toy has no motifs, and this model reads scores of 7"):
        around("motif", "signal")
    signal, sequence = around("signal").inputs, around("sequence").inputs
    assert signal is not None
    assert sequence is not None
    found = [part.elements(np.array([0])) for part in (signal, sequence)]
    assert [part.signal is None for part in found] == [False, True]
    assert [part.motif for part in found] == [None, None]


def test_a_study_without_sequence_says_so(toy_study: Study) -> None:
    with pytest.raises(NotAvailable, match=r"study toy has no sequence, and this model reads it; use a model of"):
        neighbourhood_for(toy_study, "ToyCell", Reads(assays=COUNTS, width_bp=400))


def test_signal_per_million_reads(toy_study: Study) -> None:
    depth = {"ToyCell": {"dnase": 50e6, "h3k27ac": 20e6}}
    study = Study(toy_study.folder, replace(toy_study.info, library_reads=depth))
    window = neighbourhood_for(study, "ToyCell", replace(IN_READS, unit="RPM")).window("G1", reach_bp=100_000)
    wanted = [[900 / 50, 400 / 20], [100 / 50, 50 / 20], [400 / 50, 100 / 20]]
    np.testing.assert_allclose(window.elements[list(COUNTS)], wanted, rtol=1e-6)
    np.testing.assert_allclose(window.promoter_signal, [18, 20], rtol=1e-6)
    as_held = neighbourhood_for(study, "ToyCell", IN_READS).window("G1", reach_bp=100_000)
    assert as_held.promoter_signal.tolist() == [900, 400]  # without a unit: reads


@pytest.mark.parametrize(
    ("depth", "missing"),
    [
        ({}, "dnase"),
        ({"OtherCell": {"dnase": 50e6, "h3k27ac": 20e6}}, "dnase"),
        ({"ToyCell": {"dnase": 50e6}}, "h3k27ac"),
        ({"ToyCell": {"dnase": 50e6, "h3k27ac": float("nan")}}, "h3k27ac"),
    ],
)
def test_an_experiment_of_unknown_depth(toy_study: Study, depth: dict[str, dict[str, float]], missing: str) -> None:
    study = Study(toy_study.folder, replace(toy_study.info, library_reads=depth))
    says = f"want signal in RPM, and study toy does not say how many reads of {missing} were mapped in ToyCell"
    with pytest.raises(NotAvailable, match=says):
        neighbourhood_for(study, "ToyCell", replace(IN_READS, unit="RPM"))
    neighbourhood_for(study, "ToyCell", Reads(unit="RPM"))  # reads no signal


def test_signal_in_an_unknown_unit(toy_study: Study) -> None:
    with pytest.raises(NotAvailable, match="these weights want signal in RPKM; study toy gives reads or RPM"):
        neighbourhood_for(toy_study, "ToyCell", replace(IN_READS, unit="RPKM"))


def test_contact_is_the_row_of_the_tss(study: Study) -> None:
    # geneA's TSS is in bin 2; e1 bin 2, e2 bin 2, e3 (centre 200,000) the masked bin 4, e4 bin 6
    found = TssContact(study, "ToyCell")("chrA", 100_000, np.array([100_000, 110_000, 200_000, 300_000]))
    np.testing.assert_array_equal(found, [22, 22, np.nan, 26])
    # seen from geneM, in bin 6, pair (2, 6) has the same contacts
    assert TssContact(study, "ToyCell")("chrA", 300_000, np.array([100_000])).tolist() == [26]
    assert TssContact(study, "ToyCell")("chrA", 300_000, np.zeros(0, int)).shape == (0,)


def test_a_study_without_contacts_says_so(toy_study: Study) -> None:
    with pytest.raises(NotAvailable, match="study toy has no contact map of ToyCell, and this model reads it"):
        Neighbourhood(toy_study, "ToyCell", assays=COUNTS, with_contact=True)


def test_the_dataset_gives_what_the_windows_give(study: Study) -> None:
    config = EPInformerConfig(tracks=COUNTS, sequence_bp=400, variant="pe-activity-hic", signal_unit="reads")
    around = neighbourhood_for(study, "ToyCell", config.reads)
    dataset = GeneDataset(around, ["G1", "G2", "G3"], np.zeros(3), reach_bp=150_000, limit=None)
    batch, _target = dataset[[2, 0]]
    slow = batch_of([around.window(gene, reach_bp=150_000) for gene in ("G3", "G1")])
    assert batch.inputs is not None
    assert slow.inputs is not None
    here, there = batch.inputs.sequence[batch.input_row], slow.inputs.sequence[slow.input_row]
    torch.testing.assert_close(here[batch.is_element], there[slow.is_element])
    torch.testing.assert_close(batch.promoter.sequence, slow.promoter.sequence)
    for name in ("contact", "signal", "distance_bp", "strand"):
        torch.testing.assert_close(getattr(batch, name), getattr(slow, name), msg=name, equal_nan=True)
    assert batch.strength[1].tolist() == [1, 1, 0]  # e3 has no contact: left out
    assert around.window("G1", reach_bp=150_000).has_data.tolist() == [True, True, False]


def test_a_variant_without_signal_asks_for_none(study: Study) -> None:
    config = EPInformerConfig(tracks=("atac",), sequence_bp=400, variant="pe")
    around = neighbourhood_for(study, "ToyCell", config.reads)
    window = around.window("G1", reach_bp=150_000)
    assert batch_of([window]).signal.shape == (1, 3, 0)
    assert window.has_data.all()
