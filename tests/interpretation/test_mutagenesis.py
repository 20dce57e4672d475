"""Substitutions and deletions, one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_inputs import genome, study_with_weights

from cre_core.data.batches import batch_of
from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.genome import Locus
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.mutagenesis import saturate, scan_deletions
from cre_core.models.epinformer import EPInformer
from cre_core.schema import Batch, ElementInput

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
E2 = Locus("chrA", 109_800, 110_200)  # of e2 the model reads 400 bp around its centre, 110,000


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Random weights whose sequence part is enlarged, so that a single base tells."""
    study = study_with_weights(tmp_path_factory.mktemp("mutagenesis") / "study", {"variant": "pe"})
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    (model,) = predictor.models_of("fold_1")
    assert isinstance(model, EPInformer)
    with torch.no_grad():
        model.compress.positions.weight.mul_(100)
        model.head[-1].weight.mul_(100)  # type: ignore[operator,union-attr]
    return predictor


def row_of(batch: Batch, element: int) -> int:
    assert batch.input_row is not None
    return int(batch.input_row[0, element])


def predicted(predictor: Predictor, window: GeneWindow, inputs: ElementInput) -> float:
    """The models themselves on a whole batch with other inputs."""
    batch = batch_of([window]).with_(inputs=inputs)
    with torch.inference_mode():
        models = predictor.models_of(predictor.fold_of(window.gene["gene_id"]))
        return float(torch.stack([model(batch).expression for model in models]).mean())


def test_each_substitution_is_the_model_on_the_changed_batch(predictor: Predictor) -> None:
    window, place = predictor.window("G1"), Locus("chrA", 109_990, 109_994)
    found = saturate(predictor, window, "e2", place=place)
    inputs = batch_of([window]).inputs
    assert inputs is not None
    row, before = row_of(batch_of([window]), 1), predicted(predictor, window, inputs)
    assert found.before == pytest.approx(before, abs=1e-5)
    assert found.place == place
    letters = genome()["chrA"][place.start : place.end]
    assert "".join("ACGT"[base] for base in found.reference) == letters
    for at in range(4):
        for base in range(4):
            sequence = inputs.sequence.clone()
            sequence[row, 190 + at] = base
            wanted = predicted(predictor, window, replace(inputs, sequence=sequence)) - before  # the unit is log2
            assert found.log2_fold_change[at, base] == pytest.approx(wanted, abs=2e-5)
        assert found.log2_fold_change[at, "ACGT".index(letters[at])] == 0
    assert np.abs(found.log2_fold_change).max() > 1e-3


def test_only_the_changed_element_is_encoded(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    window, counts = predictor.window("G1"), []
    predictor.predict([window])
    encode = EPInformer.encode

    def counted(self: EPInformer, inputs: ElementInput) -> torch.Tensor:
        counts.append(len(inputs))
        return encode(self, inputs)

    monkeypatch.setattr(EPInformer, "encode", counted)
    told: list[tuple[str, int, int]] = []
    saturate(
        predictor,
        window,
        "e3",
        place=Locus("chrA", 200_000, 200_040),
        report=lambda step, done, total: told.append((step, done, total)),
    )
    assert sum(counts) == 3 * 40
    assert told == [("variants", 64, 120), ("variants", 120, 120)]


def test_all_that_the_model_reads(predictor: Predictor) -> None:
    """e2 has 500 bp; the model reads the 400 in the middle."""
    found = saturate(predictor, predictor.window("G1"), "e2")
    assert found.place == E2
    assert found.log2_fold_change.shape == (400, 4)
    assert (found.log2_fold_change == 0).sum(1).min() >= 1
    assert np.isfinite(found.log2_fold_change).all()


def test_n_has_no_substitution(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    window = predictor.window("G1")
    whole = batch_of([window])
    assert whole.inputs is not None
    sequence = whole.inputs.sequence.clone()
    sequence[row_of(whole, 1), 200] = 4
    with_n = whole.with_(inputs=replace(whole.inputs, sequence=sequence))
    monkeypatch.setattr("cre_core.data.batches.batch_of", lambda windows: with_n)  # the window makes its batch once
    found = saturate(predictor, window, "e2", place=Locus("chrA", 109_999, 110_002))
    assert found.reference[1] == 4
    assert np.isnan(found.log2_fold_change).all(1).tolist() == [False, True, False]
    deleted = scan_deletions(predictor, window, "e2", width_bp=1, place=Locus("chrA", 109_999, 110_002))
    assert deleted["after"].isna().tolist() == [False, True, False]


def test_each_deletion_is_the_model_without_those_bases(predictor: Predictor) -> None:
    window = predictor.window("G1")
    place = Locus("chrA", 109_900, 109_925)
    found = scan_deletions(predictor, window, "e2", width_bp=10, place=place)
    assert found[["start", "end"]].to_numpy().tolist() == [
        [109_900, 109_910],
        [109_910, 109_920],
        [109_920, 109_925],
    ]
    inputs = batch_of([window]).inputs
    assert inputs is not None
    for stretch in found.itertuples():
        sequence = inputs.sequence.clone()
        sequence[row_of(batch_of([window]), 1), stretch.start - E2.start : stretch.end - E2.start] = 4
        assert stretch.after == pytest.approx(
            predicted(predictor, window, replace(inputs, sequence=sequence)), abs=2e-5
        )
        assert stretch.log2_fold_change == pytest.approx(stretch.after - stretch.before)
    assert len(scan_deletions(predictor, window, "e2", width_bp=10, step_bp=5, place=place)) == 5


def test_a_deletion_takes_the_signal_too() -> None:
    creator = open_predictor(Study.open(DEMO), "creator", biosample="SimA")
    window = creator.window(creator.study.genes["gene_id"].iloc[5])
    name = str(window.elements["element_id"].iloc[3])
    whole = scan_deletions(creator, window, name, width_bp=350)
    inputs = batch_of([window]).inputs
    assert inputs is not None
    assert inputs.signal is not None
    row, sequence, signal = row_of(batch_of([window]), 3), inputs.sequence.clone(), inputs.signal.clone()
    sequence[row], signal[row] = 4, torch.nan
    wanted = predicted(creator, window, replace(inputs, sequence=sequence, signal=signal))
    assert whole["after"].tolist() == [pytest.approx(wanted, abs=2e-5)]
    place = Locus(str(whole["chrom"][0]), int(whole["start"][0]) + 100, int(whole["start"][0]) + 103)
    found = saturate(creator, window, name, place=place)
    at, base = np.argwhere(found.log2_fold_change != 0)[0]
    sequence = inputs.sequence.clone()
    sequence[row, 100 + at] = int(base)
    wanted = predicted(creator, window, replace(inputs, sequence=sequence))
    change = creator.unit.log2_fold_change(np.array(found.before), np.array(wanted))
    assert found.log2_fold_change[at, base] == pytest.approx(float(change), abs=2e-5)


def test_what_cannot_be_mutated(predictor: Predictor, toy_predictor: Predictor) -> None:
    window = predictor.window("G1")
    with pytest.raises(UnknownName, match="e6 is not among the 4 elements"):
        saturate(predictor, window, "e6")
    with pytest.raises(BadInput, match=r"is not within chrA:109,801-110,200, the bases that the model reads"):
        saturate(predictor, window, "e2", place=Locus("chrA", 109_799, 109_900))
    with pytest.raises(NotAvailable, match="does not read element e1 for geneA"):
        saturate(predictor, window, "e1")
    with pytest.raises(NotAvailable, match="reads no sequence: there is no base to change"):
        saturate(toy_predictor, toy_predictor.window("G1"), "e2")
    with pytest.raises(BadInput, match="stretches of 0 bp every 0 bp came; wanted 1 or more"):
        scan_deletions(predictor, window, "e2", width_bp=0)
