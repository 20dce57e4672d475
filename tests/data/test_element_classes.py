"""Labelled elements for CREATE: which copies, which side of a split, which windows; all by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from toy import make_toy_study
from toy_classes import LABELS, class_study, with_labels, with_loops
from toy_inputs import genome, with_sequence

from cre_core import schema
from cre_core.data.class_inputs import ClassInputs, LoopCounts
from cre_core.data.element_classes import (
    Augmentation,
    ClassDataset,
    ShuffledBatches,
    fold_names,
    labelled_elements,
    split_elements,
    whole_elements,
)
from cre_core.data.simulate.write import element_labels
from cre_core.data.study import Study, write_table
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models.create import CLASSES

L = 200  # bp of a window


def read(study: Study, reach_bp: int = 20) -> ClassInputs:
    return ClassInputs(
        study, "ToyCell", inputs=("sequence", "open", "loop"), tracks=("open", "loop"), sequence_bp=L,
        open_track="DNASE", reach_bp=reach_bp,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return class_study(tmp_path_factory.mktemp("classes") / "study")


def test_copies_go_both_ways_and_on_both_strands() -> None:
    assert Augmentation(10).shifts_bp(5) == [-20, -10, 0, 10, 20]
    assert Augmentation(10).shifts_bp(1) == [0]
    assert Augmentation(7).copies(3) == [(-7, False), (-7, True), (0, False), (0, True), (7, False), (7, True)]
    assert Augmentation(10, reverse_complement=False).copies(1) == [(0, False)]
    for odd in (4, 0):
        with pytest.raises(BadInput, match=f"{odd} copies of an element; wanted an odd number"):
            Augmentation().shifts_bp(odd)


def test_a_window_is_the_genome_at_that_place(study: Study) -> None:
    rows, shift, turned = np.array([1, 1, 5]), np.array([0, 20, -10]), np.array([False, False, False])
    found = read(study)(rows, shift, turned)
    for n, (chrom, center) in enumerate((("chrA", 110_000), ("chrA", 110_020), ("chrB", 399_990))):
        low = center - L // 2
        bases = genome()[chrom][low : low + L]
        assert found.sequence[n].tolist() == ["ACGT".index(base) for base in bases]
        expected = np.log10((np.arange(low, low + L) % 100) + 1)
        np.testing.assert_allclose(found.signal[n, :, 0].numpy(), expected, rtol=1e-6)
    assert found.signal.shape == (3, L, 2)


def test_the_other_strand_is_the_reverse_complement(study: Study) -> None:
    inputs, rows, shift = read(study), np.array([0, 4]), np.array([10, -20])
    straight, turned = (inputs(rows, shift, np.array([is_turned] * 2)) for is_turned in (False, True))
    assert torch.equal(turned.sequence, 3 - straight.sequence.flip(1))
    assert torch.equal(turned.signal, straight.signal.flip(1))
    assert not torch.equal(turned.sequence, straight.sequence)


def test_an_unknown_base_stays_unknown_on_the_other_strand(tmp_path: Path) -> None:
    study = with_sequence(make_toy_study(tmp_path / "study"))
    table = study.elements.copy()
    table.loc[0, ["start", "end"]] = (0, 100)  # its window begins before the chromosome
    write_table(table, study.folder / "elements.parquet", schema.ELEMENTS)
    inputs = ClassInputs(
        Study.open(study.folder), "ToyCell", inputs=("sequence",), tracks=(), sequence_bp=L, open_track="", reach_bp=0
    )
    found = inputs(np.array([0, 0]), np.zeros(2, int), np.array([False, True]))
    assert found.signal is None
    assert found.sequence[0, :50].tolist() == found.sequence[1, -50:].tolist() == [4] * 50
    assert inputs.is_known(np.array([0, 3])).tolist() == [True, True]


def test_loops_over_a_base_by_hand(study: Study) -> None:
    loops = LoopCounts(study, "ToyCell")
    bases = np.array([98_999, 99_000, 99_989, 99_990, 99_999, 100_000, 150_500, 151_000])
    assert loops("chrA", bases).tolist() == [0, 1, 1, 2, 2, 1, 1, 0]
    assert loops("chrB", bases).tolist() == [0] * 8
    found = read(study)(np.array([0]), np.array([0]), np.array([False])).signal[0, :, 1]  # 99,900 .. 100,100
    assert found[[0, 89, 90, 99, 100, 199]].tolist() == pytest.approx(np.log10([2, 2, 3, 3, 2, 2]).tolist())


def test_a_loop_whose_anchors_overlap_counts_once(tmp_path: Path) -> None:
    study = with_loops(make_toy_study(tmp_path / "study"), [(1_000, 3_000, 2_000, 4_000)])
    assert LoopCounts(study, "ToyCell")("chrA", np.array([1_500, 2_500, 3_500, 4_000])).tolist() == [1, 1, 1, 0]


def test_what_is_not_there_is_named(study: Study, tmp_path: Path) -> None:
    bare = with_sequence(make_toy_study(tmp_path / "study"))
    with pytest.raises(NotAvailable, match="no base-level dnase of ToyCell; its bigWig tracks: none"):
        ClassInputs(
            bare, "ToyCell", inputs=("open",), tracks=("open",), sequence_bp=L, open_track="dnase", reach_bp=0
        )
    with pytest.raises(NotAvailable, match="study toy has no loops of ToyCell, and this model reads them"):
        ClassInputs(bare, "ToyCell", inputs=("loop",), tracks=("loop",), sequence_bp=L, open_track="", reach_bp=0)
    with pytest.raises(NotAvailable, match=r"study toy has no element labels \(element_labels\.parquet\)"):
        labelled_elements(bare, ["ToyCell"], CLASSES)
    with pytest.raises(NotAvailable, match="study toy has no element labels of HepG2"):
        labelled_elements(study, ["HepG2"], CLASSES)


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    study = with_labels(make_toy_study(tmp_path / "study"), [*LABELS[:5], "booster"])
    with pytest.raises(UnknownName, match="element labels of study toy hold 'booster'; wanted silencer, enhancer,"):
        labelled_elements(study, ["ToyCell"], CLASSES)
    table = pd.DataFrame({"element_id": ["e1", "e9"], "biosample": "ToyCell", "label": "enhancer"})
    write_table(table, study.folder / "element_labels.parquet", schema.ELEMENT_LABELS)
    with pytest.raises(BadInput, match="study toy labels 1 elements that it does not hold; first: e9"):
        labelled_elements(Study.open(study.folder), ["ToyCell"], CLASSES)


def test_a_fold_tests_the_chromosomes_of_its_test_genes(study: Study) -> None:
    labelled = labelled_elements(study, ["ToyCell"], CLASSES)
    assert labelled["label"].tolist() == [2, 1, 0, 2, 1, 4]
    assert split_elements(study, labelled, fold="fold_1", split="chromosome").tolist()[:4] == ["test"] * 4
    parts = split_elements(study, labelled, fold="fold_2", split="chromosome")
    assert parts.tolist()[4:] == ["test"] * 2
    assert sorted(parts[:4]) == ["train", "train", "train", "valid"]


def test_a_chromosome_set_aside_validates(tmp_path: Path) -> None:
    study = with_labels(make_toy_study(tmp_path / "study"))
    more = pd.concat([study.genes, study.genes.iloc[:1].assign(gene_id="G5", gene_name="c", chrom="chrC")])
    study.__dict__["genes"] = more
    study.__dict__["folds"] = pd.DataFrame(
        {"gene_id": ["G1", "G2", "G3", "G4", "G5"], "fold_1": ["train", "train", "valid", "valid", "test"]}
    )
    labelled = labelled_elements(study, ["ToyCell"], CLASSES)
    labelled = pd.concat([labelled, labelled.iloc[:1].assign(element_id="e7", chrom="chrC")])
    parts = split_elements(study, labelled, fold="fold_1", split="chromosome")
    assert parts.tolist() == ["train"] * 4 + ["valid"] * 2 + ["test"]
    with pytest.raises(BadInput, match="fold_1 by chromosome leaves no labelled element to test; 6 rows came"):
        split_elements(study, labelled.iloc[:6], fold="fold_1", split="chromosome")


def test_ten_folds_hold_every_class_alike_and_every_element_once(study: Study) -> None:
    labels = np.repeat([0, 1, 2], [20, 50, 130])
    ids = [f"x{n}" for n in range(200)]
    labelled = pd.concat(
        [pd.DataFrame({"element_id": ids, "biosample": name, "label": labels}) for name in ("A", "B")]
    )
    tested = np.zeros(400, int)
    for fold in fold_names(study, "ten-fold"):
        parts = split_elements(study, labelled, fold=fold, split="ten-fold", seed=3)
        assert (parts[:200] == parts[200:]).all()  # one side in all biosamples
        for part, n in (("test", [2, 5, 13]), ("valid", [2, 5, 13]), ("train", [16, 40, 104])):
            assert np.bincount(labels[parts[:200] == part]).tolist() == n
        tested += parts == "test"
    assert (tested == 1).all()
    again = split_elements(study, labelled, fold="fold_1", split="ten-fold", seed=3)
    assert (again == split_elements(study, labelled, fold="fold_1", split="ten-fold", seed=3)).all()


def test_unknown_splits(study: Study) -> None:
    with pytest.raises(UnknownName, match="no split 'random'; there are chromosome, ten-fold"):
        fold_names(study, "random")  # type: ignore[arg-type]
    labelled = labelled_elements(study, ["ToyCell"], CLASSES)
    with pytest.raises(BadInput, match=r"study toy has no fold_11 by ten-fold; it has fold_1 \.\.\. fold_10"):
        split_elements(study, labelled, fold="fold_11", split="ten-fold")


def test_a_dataset_holds_the_copies_of_each_class(study: Study) -> None:
    labelled, inputs = labelled_elements(study, ["ToyCell"], CLASSES), {"ToyCell": read(study)}
    n_copies = {0: 5, 1: 5, 2: 3, 3: 3, 4: 1}
    dataset = ClassDataset(labelled, inputs, augmentation=Augmentation(10), n_copies=n_copies)
    assert dataset.n_unknown == 1  # e3, the silencer
    assert len(dataset) == 2 * (3 + 5 + 3 + 5 + 1)
    batch, labels = dataset[[33, 0, 6]]  # the last copy of e6, the first of e1 and of e2
    assert labels.tolist() == [4, 2, 1]
    expected = read(study)(np.array([5, 0, 1]), np.array([0, -10, -20]), np.array([True, False, False]))
    assert torch.equal(batch.sequence, expected.sequence)
    torch.testing.assert_close(batch.signal, expected.signal)


def test_biosamples_in_one_batch_keep_their_order(study: Study) -> None:
    labelled = labelled_elements(study, ["ToyCell"], CLASSES)
    both = pd.concat([labelled, labelled.assign(biosample="Other")])
    inputs = {"ToyCell": read(study), "Other": read(study)}
    dataset = ClassDataset(both, inputs, augmentation=Augmentation(10, reverse_complement=False), n_copies=1)
    batch, labels = dataset[[7, 1, 9, 0]]
    rows = np.array([3, 1, 5, 0])  # e3 has no data, so 5 are left of each biosample
    assert labels.tolist() == [2, 1, 4, 2]
    expected = read(study)(rows, np.zeros(4, int), np.zeros(4, bool))
    assert torch.equal(batch.sequence, expected.sequence)


def test_batches_hold_everything_once(study: Study) -> None:
    sampler = ShuffledBatches(10, batch_size=4, seed=1)
    first = list(sampler)
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert len(sampler) == 3
    assert sorted(n for batch in first for n in batch) == list(range(10))
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first
    labelled = labelled_elements(study, ["ToyCell"], CLASSES)
    dataset = ClassDataset(labelled, {"ToyCell": read(study)}, augmentation=Augmentation(10), n_copies=3)
    assert [len(batch) for batch in whole_elements(dataset, n_copies=15)] == [12, 12, 6]  # six copies each, unparted


def test_labels_of_a_simulated_study_by_hand() -> None:
    truth = pd.DataFrame(
        [
            ("a", "promoter", 2.0, 0.0, 0.0, "promoter"),
            ("b", "promoter", 0.0, 0.0, 0.0, "promoter"),
            ("c", "anchor", 0.0, 0.0, 0.3, "insulator"),
            ("d", "ctcf", 0.0, 0.0, 0.0, "insulator"),
            ("e", "enhancer", 0.5, 0.0, 0.0, "enhancer"),
            ("f", "enhancer", 0.4, 0.0, 0.0, "background"),  # nothing there binds it
            ("g", "silencer", 0.0, 0.9, 0.0, "silencer"),
            ("h", "silencer", 0.0, 0.1, 0.0, "background"),
            ("i", "inactive", 0.7, 0.0, 0.0, "enhancer"),  # a full activator site does the same anywhere
            ("j", "inactive", 0.0, 0.0, 0.0, "background"),
        ],
        columns=["element_id", "role", "activation", "repression", "insulator", "wanted"],
    ).assign(biosample="SimA")
    labels = element_labels(truth)
    assert list(labels) == ["element_id", "biosample", "label"]
    assert labels["label"].tolist() == truth["wanted"].tolist()


def test_the_demos_labels_are_those_of_its_truth() -> None:
    folder = Path(__file__).resolve().parents[2] / "precomputed/demo"
    expected = element_labels(pd.read_parquet(folder / "truth_elements.parquet"))
    pd.testing.assert_frame_equal(Study.open(folder).element_labels, expected, check_dtype=False)
