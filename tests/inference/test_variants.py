"""What a knock-out does to the input, by hand."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from cre_core.data.study import Study
from cre_core.errors import BadInput
from cre_core.inference.edits import BaseEdit, check_apart, edited
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.inference.variants import shuffled_middle
from cre_core.interpretation.perturb import edit_bases, knock_out, scan_singles
from cre_core.schema import ElementInput

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"


@pytest.fixture(scope="module")
def creator() -> Predictor:
    return open_predictor(Study.open(DEMO), "creator", biosample="SimA")


def gene_of(predictor: Predictor) -> str:
    return str(predictor.study.genes["gene_id"].iloc[30])


def bases(text: str) -> torch.Tensor:
    return torch.tensor([["ACGTN".index(base) for base in text]], dtype=torch.int8)


def dinucleotides(sequence: torch.Tensor) -> Counter[tuple[int, int]]:
    row = sequence.tolist()
    return Counter(pairwise(row))


class TestShuffles:
    sequence = torch.randint(0, 4, (3, 200), generator=torch.Generator().manual_seed(1), dtype=torch.int8)

    def test_dinucleotides_are_kept_and_order_is_not(self) -> None:
        found = shuffled_middle(self.sequence, torch.ones(3), seed=0)
        for before, after in zip(self.sequence, found, strict=True):
            assert dinucleotides(after) == dinucleotides(before)
            assert (after != before).float().mean() > 0.5

    def test_a_half_leaves_the_quarters_at_both_ends(self) -> None:
        found = shuffled_middle(self.sequence, torch.full((3,), 0.5), seed=0)
        assert torch.equal(found[:, :50], self.sequence[:, :50])
        assert torch.equal(found[:, 150:], self.sequence[:, 150:])
        assert (found[:, 50:150] != self.sequence[:, 50:150]).any()

    def test_nothing_is_nothing(self) -> None:
        assert torch.equal(shuffled_middle(self.sequence, torch.zeros(3), seed=0), self.sequence)

    def test_an_element_does_not_depend_on_its_company(self) -> None:
        together = shuffled_middle(self.sequence, torch.ones(3), seed=4)
        alone = shuffled_middle(self.sequence[2:], torch.ones(1), seed=4)
        assert torch.equal(together[2:], alone)
        assert not torch.equal(alone, shuffled_middle(self.sequence[2:], torch.ones(1), seed=5))

    def test_padding_stays_where_it_is(self) -> None:
        padded = self.sequence.clone()
        padded[:, :20] = padded[:, 170:] = 4
        found = shuffled_middle(padded, torch.ones(3), seed=0)
        assert torch.equal(found == 4, padded == 4)

    def test_nothing_known_is_left_alone(self) -> None:
        unknown = torch.full((1, 30), 4, dtype=torch.int8)
        assert torch.equal(shuffled_middle(unknown, torch.ones(1), seed=0), unknown)


class TestEdits:
    def test_a_substitution(self) -> None:
        found = edited(ElementInput(bases("AACCGG")), np.array([100]), [BaseEdit(102, 104, "tg")])
        assert torch.equal(found.sequence, bases("AATGGG"))

    def test_a_deletion_moves_the_rest_up_with_its_signal(self) -> None:
        signal = torch.arange(6.0)[None, :, None]
        found = edited(ElementInput(bases("AACCGG"), signal), np.array([100]), [BaseEdit(101, 103)])
        assert torch.equal(found.sequence, bases("ACGGNN"))
        assert found.signal is not None
        assert found.signal[0, :4, 0].tolist() == [0, 3, 4, 5]
        assert found.signal[0, 4:].isnan().all()

    def test_what_lies_outside_touches_nothing(self) -> None:
        two = ElementInput(bases("AACCGG").repeat(2, 1))
        found = edited(two, np.array([100, 105]), [BaseEdit(104, 107, "TTT")])
        assert torch.equal(found.sequence, torch.cat([bases("AACCTT"), bases("TTCCGG")]))

    def test_padding_is_no_base_to_replace(self) -> None:
        found = edited(ElementInput(bases("NNCCGG")), np.array([100]), [BaseEdit(101, 103, "TT")])
        assert torch.equal(found.sequence, bases("NNTCGG"))

    def test_two_deletions_are_those_of_the_genome(self) -> None:
        found = edited(ElementInput(bases("ACGTAC")), np.array([0]), [BaseEdit(0, 1), BaseEdit(3, 4)])
        assert torch.equal(found.sequence, bases("CGACNN"))

    @pytest.mark.parametrize(
        ("make", "says"),
        [
            (lambda: BaseEdit(5, 5), "an edit of 6-5 came; wanted a stretch that ends after it starts"),
            (lambda: BaseEdit(-1, 5), "an edit at base 0 came; the first base is 1"),
            (lambda: BaseEdit(5, 7, "A"), "1 bases came for 2; wanted as many, or none to delete them"),
            (lambda: BaseEdit(5, 6, "X"), "an edit to 'X' came; wanted A, C, G, T or N"),
            (lambda: check_apart([BaseEdit(5, 9), BaseEdit(8, 9, "A")]), "two edits share a base: 6-9 deleted and 9"),
        ],
    )
    def test_bad_edits(self, make, says: str) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(BadInput, match=says):
            make()


class TestBaseLevelModel:
    """CREaTor on the demo: modes, and what is encoded again."""

    def test_it_has_all_modes(self, creator: Predictor) -> None:
        assert creator.modes == ("mask", "silence", "scramble")

    def test_silencing_is_a_prediction_of_quiet_signal(self, creator: Predictor) -> None:
        window = creator.window(gene_of(creator))
        element = str(window.elements["element_id"].iloc[20])
        found = knock_out(creator, window, {element: 0.0}, mode="silence")
        quiet = creator.background.per_base
        assert quiet is not None
        inputs = window.inputs
        assert inputs is not None
        rows = window.elements["study_row"].to_numpy()
        original = inputs.elements

        def silenced(asked: np.ndarray) -> ElementInput:
            given = original(asked)
            here = torch.from_numpy(asked == rows[20])
            assert given.signal is not None
            low = torch.minimum(given.signal.float(), quiet).to(given.signal.dtype)
            signal = torch.where(here[:, None, None], low, given.signal)
            return ElementInput(given.sequence, signal, given.motif)

        inputs.elements = silenced  # type: ignore[method-assign]
        try:
            expected = creator.predict([window]).expression
        finally:
            del inputs.elements
        assert found.after == pytest.approx(float(expected), abs=1e-5)
        assert found.after != found.before

    @pytest.mark.parametrize("mode", ["silence", "scramble"])
    def test_strength_one_is_exactly_nothing(self, creator: Predictor, mode: str) -> None:
        window = creator.window(gene_of(creator))
        ids = window.elements["element_id"].tolist()
        change = knock_out(creator, window, dict.fromkeys(ids[:5], 1.0), mode=mode)  # type: ignore[arg-type]
        assert change.after == change.before
        assert change.effect_fraction == 0

    def test_only_what_changed_is_encoded_again(self, creator: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
        window = creator.window(gene_of(creator))
        creator.predict([window])
        counts: list[int] = []
        models = creator.models_of(creator.fold_of(gene_of(creator)))
        for model in models:
            encode = model.encode
            monkeypatch.setattr(model, "encode", lambda x, e=encode: counts.append(len(x)) or e(x))
        ids = window.elements["element_id"].tolist()
        knock_out(creator, window, {ids[3]: 0.25, ids[4]: 0.0}, mode="silence")
        assert counts == [2] * len(models)
        knock_out(creator, window, {ids[3]: 0.25, ids[4]: 0.0}, mode="silence")
        assert counts == [2] * len(models)  # kept

    def test_a_scrambled_scan_has_a_mean_and_a_spread(self, creator: Predictor) -> None:
        window = creator.window(gene_of(creator))
        element = str(window.elements["element_id"].iloc[22])
        row = scan_singles(creator, window, mode="scramble", element_ids=[element], n_shuffles=3).iloc[0]
        alone = knock_out(creator, window, {element: 0.0}, mode="scramble", n_shuffles=3)
        assert row["log2_fold_change"] == pytest.approx(alone.log2_fold_change, abs=1e-5)
        assert row["spread_log2"] == pytest.approx(alone.spread_log2, abs=1e-4)
        assert alone.spread_log2 > 0
        strengths = np.ones((2, len(window.elements)), np.float32)
        strengths[1, 22] = 0
        each = [creator.predict_variants(window, strengths, mode="scramble", shuffle=k).expression for k in range(3)]
        changes = [float(creator.unit.log2_fold_change(e[0].numpy(), e[1].numpy())) for e in each]
        assert alone.log2_fold_change == pytest.approx(np.mean(changes), abs=1e-6)
        assert alone.spread_log2 == pytest.approx(np.std(changes, ddof=1), abs=1e-6)

    def test_an_edit_changes_what_holds_the_base(self, creator: Predictor) -> None:
        window = creator.window(gene_of(creator))
        place = window.elements.iloc[22]
        centre = int(place["start"] + place["end"]) // 2
        gone = edit_bases(creator, window, [BaseEdit(centre - 100, centre + 100, "N" * 200)])
        assert gone.mode == "edit"
        assert gone.effect_fraction != 0
        inputs = window.inputs
        assert inputs is not None
        read = inputs.elements(np.array([place["study_row"]])).sequence[0]
        same = "ACGTN"[int(read[inputs.width_bp // 2])]
        nothing = edit_bases(creator, window, [BaseEdit(centre, centre + 1, same)])
        assert nothing.effect_fraction == pytest.approx(0, abs=1e-6)

    def test_an_edit_where_no_element_lies(self, creator: Predictor) -> None:
        window = creator.window(gene_of(creator))
        with pytest.raises(BadInput, match="lies in no element that CREaTor reads around"):
            edit_bases(creator, window, [BaseEdit(0, 1, "A")])


def test_a_model_of_counts_has_no_base_to_edit(toy_predictor: Predictor) -> None:
    with pytest.raises(BadInput, match="EPInformer, element counts reads no sequence: there is no base to edit"):
        edit_bases(toy_predictor, toy_predictor.window("G1"), [BaseEdit(10, 11, "A")])
