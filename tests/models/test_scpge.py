"""ScPGE: the authors' numbers, symmetries, and what the corrections change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from published import published_state, torch_file
from torch import Tensor

from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName
from cre_core.models import checkpoint
from cre_core.models.blocks import Embedding
from cre_core.models.checkpoint import count_parameters
from cre_core.models.import_weights import import_published
from cre_core.models.registry import build
from cre_core.models.scpge import ScPGE, ScPGEConfig, combined_score, ranks
from cre_core.schema import Batch, ElementInput, Prediction

SMALL = {
    "base_tracks": ("dnase", "ctcf"),
    "sequence_bp": 128,
    "n_motifs": 128,
    "width": 16,
    "feed_forward": 32,
    "n_layers": 2,
}
CENTRE_FIRST = [10, *range(10), *range(11, 21)]  # theirs holds the gene in the middle, ours first


def close(a: Tensor, b: Tensor | np.ndarray, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(a, torch.as_tensor(b), atol=tolerance, rtol=0)


def make_model(**config: object) -> ScPGE:
    torch.manual_seed(0)
    model = build("scpge", {**SMALL, **config}).eval()
    assert isinstance(model, ScPGE)
    for table in (model.rank_bias, model.distance_bias):
        if table is not None:
            torch.nn.init.normal_(table.table)
    return model


def element_input(N: int, L: int, g: torch.Generator) -> ElementInput:
    return ElementInput(
        torch.randint(0, 5, (N, L), generator=g, dtype=torch.int8),
        torch.rand(N, L, 2, generator=g) * 9,
        torch.rand(N, L, generator=g),
    )


def make_batch(B: int = 2, E: int = 6, L: int = 128) -> Batch:
    g = torch.Generator().manual_seed(1)
    loops = torch.rand(B, 1 + E, 1 + E, generator=g)
    return Batch(
        distance_bp=torch.randint(-100_000, 100_000, (B, E), generator=g).float(),
        is_element=torch.ones(B, E, dtype=torch.bool),
        strength=torch.ones(B, E),
        width_bp=torch.full((B, E), float(L)),
        signal=torch.zeros(B, E, 0),
        promoter_signal=torch.zeros(B, 0),
        gene_features=torch.zeros(B, 8),
        strand=torch.ones(B),
        inputs=element_input(B * E, L, g),
        input_row=torch.arange(B * E).view(B, E),
        promoter=element_input(B, L, g),
        loops=loops + loops.transpose(1, 2),
    )


def part(batch: Batch, keep: list[int]) -> Batch:
    """Some of the elements."""
    names = ("distance_bp", "is_element", "strength", "width_bp", "signal", "input_row")
    assert batch.loops is not None
    rows = torch.tensor([0, *(k + 1 for k in keep)])
    loops = batch.loops[:, rows][:, :, rows]
    return batch.with_(loops=loops, **{name: getattr(batch, name)[:, keep] for name in names})


# ---- the authors' numbers


@pytest.mark.parametrize(("form", "suffix"), [("plain", ""), ("lp", "_lp")])
def test_the_released_code_s_outputs(parity: Path, tmp_path: Path, form: str, suffix: str) -> None:
    known = {name: torch.from_numpy(value) for name, value in np.load(parity / "scpge.npz").items()}
    imported, info = import_published("scpge", torch_file(tmp_path / "s.pt", published_state(parity, "scpge")))
    assert info.expression_unit == "log10(TPM + 1)"
    model = build("scpge", {"strict_original": True, "form": form}).eval()
    model.load_state_dict(imported.state_dict())
    assert isinstance(model, ScPGE)
    signal = (10 ** known["signal"].double() - 1).permute(0, 2, 3, 1)  # theirs comes as log10(1 + x)
    inputs = (known["base_index_ACGT"], signal.float(), known["motif"][:, 0])
    offset = torch.tensor([[*range(-10, 0), *range(1, 11)]] * 2) * 1000.0
    with torch.inference_mode():
        tokens = model.encode(ElementInput(*(value[:, CENTRE_FIRST].flatten(0, 1) for value in inputs)))
        tokens = tokens.view(2, 21, -1)
        found = model.regulate(
            Embedding(tokens[:, 0], tokens[:, 1:]),
            offset_bp=offset,
            is_element=torch.ones(2, 20, dtype=torch.bool),
            strength=torch.ones(2, 20),
            loops=known["loop"][:, CENTRE_FIRST][:, :, CENTRE_FIRST],
        )
    close(found.expression, known["expression" + suffix][:, 0], 1e-4)
    theirs = known["attention" + suffix].transpose(0, 1)[:, :, :, 10]  # (B, layers, H, M), the middle row
    close(found.attention, theirs[..., CENTRE_FIRST], 1e-4)


def test_parameters_as_published_and_with_the_bias_of_distance() -> None:
    assert count_parameters(build("scpge", {"strict_original": True})) == 4_079_617
    assert count_parameters(build("scpge")) == 4_079_617 + 64 * 4


def test_a_checkpoint_of_another_model(parity: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"lacks 133 tensors; first: rp_bias\.relative_attention_bias\.weight"):
        import_published("scpge", torch_file(tmp_path / "c.pt", {"x": torch.zeros(1)}))


def test_a_checkpoint_rebuilds_its_model(tmp_path: Path) -> None:
    model = make_model(form="kl")
    info = checkpoint.describe(model, biosample="A", expression_unit="log10(TPM + 1)")
    checkpoint.save(tmp_path / "s.safetensors", model, info)
    again, _ = checkpoint.load(tmp_path / "s.safetensors")
    close(again(make_batch()).expression, model(make_batch()).expression)


# ---- ranks


def test_ranks_by_hand() -> None:
    offset = torch.tensor([[-900.0, -50.0, 10.0, 400.0, 0.0, 0.0]])
    is_element = torch.tensor([[True, True, True, True, False, False]])
    assert ranks(offset, is_element)[:, :4].tolist() == [[-2, -1, 1, 2]]
    assert sorted(ranks(offset, is_element)[0, 4:].tolist()) == [-3, 3]


def test_ranks_do_not_need_sorted_elements_and_keep_ties_apart() -> None:
    offset = torch.tensor([[400.0, -50.0, 10.0, 10.0]])
    assert ranks(offset, torch.ones(1, 4, dtype=torch.bool)).tolist() == [[3, -1, 1, 2]]


# ---- what must hold whatever the weights


@pytest.mark.parametrize("form", ["plain", "lp", "kl"])
def test_masking_an_element_leaves_it_out(form: str) -> None:
    model, batch = make_model(form=form), make_batch(1, 5)
    outer = int(batch.distance_bp[0].argmax())  # the ranks of the others stay
    masked = batch.strength.clone()
    masked[0, outer] = 0
    without = part(batch, [k for k in range(5) if k != outer])
    close(model(batch.with_(strength=masked)).expression, model(without).expression)


def test_empty_slots_are_attended_only_as_released() -> None:
    batch = make_batch(1, 6).with_(is_element=torch.tensor([[True] * 4 + [False] * 2]))
    for strict in (False, True):
        model = make_model(strict_original=strict)
        weights = model(batch).attention[..., 5:]
        assert bool((weights > 0).all()) == strict
        assert bool((weights == 0).all()) != strict


def test_nothing_looks_at_itself_unless_alone() -> None:
    model, batch = make_model(), make_batch(1, 3)
    assert (model(batch).attention[..., 0] == 0).all()
    alone = model(batch.with_(strength=torch.zeros(1, 3)))
    assert alone.expression.isfinite().all()
    assert (alone.attention[..., 0] == 1).all()


def test_a_loop_draws_attention_whatever_the_sign_of_the_logit() -> None:
    model, batch = make_model(form="lp"), make_batch(1, 4)
    assert batch.loops is not None
    none, one = torch.zeros_like(batch.loops), torch.zeros_like(batch.loops)
    one[0, 0, 2] = 1.0  # the gene and element 1
    before = model(batch.with_(loops=none)).attention[0, 0, :, 2]
    after = model(batch.with_(loops=one)).attention[0, 0, :, 2]
    odds = after / (1 - after) / (before / (1 - before))
    close(odds, torch.full_like(odds, torch.e), 1e-3)  # grow by exp(loop)


def test_the_released_lp_turns_attention_away_from_a_loop_of_negative_logit() -> None:
    model, batch = make_model(form="lp", strict_original=True), make_batch(1, 4)
    with torch.no_grad():
        model.rank_bias.table.fill_(-30.0)
    assert batch.loops is not None
    one = torch.zeros_like(batch.loops)
    one[0, 0, 2] = 1.0
    plain = model(batch.with_(loops=torch.zeros_like(one))).attention[0, 0, :, 2]
    assert (model(batch.with_(loops=one)).attention[0, 0, :, 2] < plain).all()


def test_fewer_motifs_than_bases_are_followed_by_zeros() -> None:
    few, many = make_model(n_motifs=5), make_model()
    many.load_state_dict(few.state_dict())
    bases, scores = torch.zeros(1, 128, dtype=torch.int8), torch.rand(1, 5)
    padded = ElementInput(bases, None, F.pad(scores, (0, 123)))
    close(few.encode(ElementInput(bases, None, scores)), many.encode(padded))


def test_signals_enter_as_log10() -> None:
    model = make_model()
    inputs = ElementInput(torch.zeros(1, 128, dtype=torch.int8), torch.full((1, 128, 2), 99.0), torch.zeros(1, 128))
    signal = model.encoder._signal(inputs, torch.zeros(1, 4, 128))
    close(signal, torch.full((1, 2, 128), 2.0))


# ---- the KL term


def test_kl_by_hand_and_never_below_zero() -> None:
    model = make_model(form="kl", kl_weight=2.0)
    batch = part(make_batch(1, 2), [0, 1]).with_(
        distance_bp=torch.tensor([[-10.0, 10.0]]), loops=torch.zeros(1, 3, 3)
    )
    attention = torch.tensor([0.0, 0.25, 0.75]).expand(1, 2, 4, 3)
    found = model.attention_loss(batch, Prediction(torch.zeros(1), attention))
    # wanted 1/2 and 1/2: half of log(.5 / .25) and of log(.5 / .75), twice
    close(found, torch.tensor(2 * 0.5 * (np.log(2.0) + np.log(2 / 3))).float())
    same = torch.tensor([0.0, 0.5, 0.5]).expand(1, 2, 4, 3)
    close(model.attention_loss(batch, Prediction(torch.zeros(1), same)), torch.zeros(()))


def test_the_released_kl_goes_below_zero() -> None:
    model, batch = make_model(form="kl", strict_original=True), make_batch(2)
    assert model.attention_loss(batch, model(batch)) < 0


def test_other_forms_have_no_such_term() -> None:
    model, batch = make_model(), make_batch()
    assert model.attention_loss(batch, model(batch)) == 0


def test_the_loop_combination_by_hand() -> None:
    distance = torch.tensor([-100_000.0, 100_001.0, 5.0])
    found = combined_score(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0]), distance_bp=distance)
    assert found.tolist() == [1.0, 5.0, 3.0]


# ---- bad input


def test_forms_that_want_loops() -> None:
    batch = make_batch().with_(loops=None)
    with pytest.raises(NotAvailable, match="form lp wants chromatin loops and this study has none"):
        make_model(form="lp")(batch)
    model = make_model(form="kl")
    with pytest.raises(NotAvailable, match="form kl wants chromatin loops and this study has none"):
        model.attention_loss(batch, model(batch))


def test_inputs_may_be_left_out() -> None:
    batch = make_batch()
    assert batch.inputs is not None
    model = make_model(inputs=("signal",))
    other = ElementInput(torch.zeros_like(batch.inputs.sequence), batch.inputs.signal, None)
    close(model.encode(batch.inputs), model.encode(other), 0)
    with pytest.raises(BadInput, match="came inputs signal, motif; wanted some of sequence, motif, signal, in this"):
        ScPGEConfig(inputs=("signal", "motif"))


def test_an_unknown_form() -> None:
    with pytest.raises(UnknownName, match="ScPGE has no form 'loop'; it has plain, lp, kl"):
        ScPGEConfig(form="loop")  # type: ignore[arg-type]


def test_another_number_of_motifs_tracks_or_bases() -> None:
    with pytest.raises(BadInput, match="769 motifs and 600 bp; ScPGE joins them by position: no more"):
        ScPGEConfig(n_motifs=769)
    bases = torch.zeros(1, 128, dtype=torch.int8)
    with pytest.raises(BadInput, match="came 3 tracks; wanted 2: dnase, ctcf"):
        make_model().encode(ElementInput(bases, torch.zeros(1, 128, 3), torch.zeros(1, 128)))
    with pytest.raises(BadInput, match="came scores of 5 motifs; wanted 128"):
        make_model().encode(ElementInput(bases, torch.zeros(1, 128, 2), torch.zeros(1, 5)))
    with pytest.raises(BadInput, match=r"shape \(1, 600\); wanted \(N, 128\)"):
        make_model().encode(ElementInput(torch.zeros(1, 600, dtype=torch.int8)))
