"""EPInformer: the authors' numbers, a slow plain formula, and symmetries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models.blocks import Embedding
from cre_core.models.checkpoint import count_parameters
from cre_core.models.epinformer import (
    VARIANTS,
    EPInformer,
    EPInformerConfig,
    RawFeatures,
    RegulationLayer,
    raw_features,
)
from cre_core.models.epinformer_activity import ActivityConfig, ActivityEncoder
from cre_core.models.import_epinformer import import_epinformer
from cre_core.schema import Batch, ElementInput

PUBLISHED = {
    "pe_activity_cage_fold11": "fold_11_EPInformer_PE_Activity_CAGE_K562_checkpoint.pt",
    "pe_activity_hic_cage_fold11": "fold_11_EPInformer_PE_Activity_HiC_CAGE_K562_checkpoint.pt",
}
ACTIVITY = "K562_seq2activity_leaveChrOut_combinedRS_2bins_bs128_H3K27ac_adamChangeLR_erisxdl_r0"
SHORT_BP = 416  # the shortest sequence that leaves two positions: quick to encode


def make_batch(B: int = 2, E: int = 5, L: int = SHORT_BP, seed: int = 0) -> Batch:
    g = torch.Generator().manual_seed(seed)
    return Batch(
        distance_bp=torch.randint(2000, 90_000, (B, E), generator=g).float() * (1 - 2 * (torch.arange(E) % 2)),
        is_element=torch.ones(B, E, dtype=torch.bool),
        strength=torch.ones(B, E),
        width_bp=torch.full((B, E), 500.0),
        signal=torch.rand(B, E, 2, generator=g) * 9,
        promoter_signal=torch.rand(B, 2, generator=g) * 9,
        gene_features=torch.randn(B, 8, generator=g),
        inputs=ElementInput(torch.randint(0, 5, (B * E, L), generator=g, dtype=torch.int8)),
        input_row=torch.arange(B * E).view(B, E),
        promoter=ElementInput(torch.randint(0, 5, (B, L), generator=g, dtype=torch.int8)),
        contact=torch.rand(B, E, generator=g) * 20,
    )


def make_model(seed: int = 0, **settings: object) -> EPInformer:
    torch.manual_seed(seed)
    model = EPInformer(EPInformerConfig(**{"variant": "pe-activity-hic", "sequence_bp": SHORT_BP, **settings}))
    for module in model.modules():  # running statistics other than 0 and 1, so that evaluation mode uses them
        if isinstance(module, nn.BatchNorm1d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def padded(batch: Batch, n: int) -> Batch:
    """The same batch with n more places that hold no element, full of NaN."""
    grown = {}
    for name in ("distance_bp", "width_bp", "signal", "strength", "contact", "is_element", "input_row"):
        value = getattr(batch, name)
        filler = {"is_element": False, "input_row": 0}.get(name, torch.nan)
        grown[name] = torch.cat((value, torch.full((len(value), n, *value.shape[2:]), filler, dtype=value.dtype)), 1)
    grown["strength"] = grown["strength"].nan_to_num(1.0)
    return batch.with_(**grown)


def close(a: Tensor, b: Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, atol=tolerance, rtol=0)


# ---- the authors' numbers


@pytest.mark.parametrize(
    ("variant", "n"), [("promoter", 447_149), ("pe", 447_213), ("pe-activity", 447_277), ("pe-activity-hic", 447_341)]
)
def test_parameter_counts_are_the_papers(variant: str, n: int) -> None:
    assert count_parameters(EPInformer(EPInformerConfig(variant=variant))) == n


def test_activity_encoder_has_802305_parameters() -> None:
    assert count_parameters(ActivityEncoder(ActivityConfig())) == 802_305


@pytest.mark.slow
@pytest.mark.parametrize("key", PUBLISHED)
def test_published_weights_give_the_authors_numbers(key: str, shared_data: Path, parity: Path) -> None:
    stored = {name: torch.from_numpy(value) for name, value in np.load(parity / "epinformer.npz").items()}
    model, _ = import_epinformer(shared_data / "epinformer_weights" / PUBLISHED[key])
    sequence = stored["base_index_ACGT_N4"]
    n_real = (sequence[1, :, 1000] != 4).sum()  # the second gene has 7 elements; encode no padding
    with torch.inference_mode():
        encoded = torch.zeros(2, 61, 64)
        encoded[0], encoded[1, :n_real] = (
            model.encode(ElementInput(sequence[0])),
            model.encode(ElementInput(sequence[1, :n_real])),
        )
        names = ["distance_kb", "hic_log10p1", "activity"] if "hic" in key else ["distance_kb", "activity"]
        features = RawFeatures(
            element=torch.stack([stored[name][:, 1:] for name in names], -1),
            gene=stored["mrna_features"],
            is_used=(sequence[:, 1:] != 4).any(-1),
        )
        embedding = Embedding(encoded[:, 0], encoded[:, 1:])
        whole = model.regulate(embedding, features=features, strength=torch.ones(2, 60))
        strength = torch.ones(2, 60)
        strength[:, 2] = 0  # the authors count the promoter as element 0
        without = model.regulate(embedding, features=features, strength=strength)
        masked = features.is_used.clone()
        masked[:, 2] = False
        absent = model.regulate(embedding, features=features._replace(is_used=masked), strength=torch.ones(2, 60))
    close(whole.expression, stored[f"{key}__expression"][:, 0], 1e-4)
    close(whole.attention.mean(2), stored[f"{key}__attention"].transpose(0, 1), 1e-4)
    close(without.expression, stored[f"{key}__expression_without_element_3"][:, 0], 1e-4)
    assert torch.equal(without.expression, absent.expression)
    assert torch.equal(without.attention, absent.attention)


@pytest.mark.slow
def test_activity_encoder_gives_the_authors_predictions_on_chr22(shared_data: Path) -> None:
    model, info = import_epinformer(shared_data / "epinformer_weights" / f"fold_11_best_{ACTIVITY}_checkpoint.pt")
    assert (info.model, info.biosample, info.fold) == ("epinformer-activity", "K562", "fold_11")
    text = (shared_data / "hg38_chr22_sequence" / "chr22.txt").read_text().split("\n", 1)[1].replace("\n", "")
    start = 37_200_000
    table = pd.read_csv(shared_data / "epinformer_weights" / f"fold_11_{ACTIVITY}_predictions.csv", index_col=0)
    places = table.index.to_series().str.extract(r"chr22:(\d+)-(\d+)\+$").astype(float)
    inside = (places[0] >= start) & (places[1] <= start + len(text))
    assert inside.sum() > 1700
    chosen = table[inside.to_numpy()].iloc[::5]
    codes = np.full(256, 4, np.int8)
    codes[[ord(base) for base in "ACGT"]] = range(4)
    rows = [
        codes[np.frombuffer(text[int(s) - start :][:256].encode(), np.uint8)] for s in places.loc[chosen.index, 0]
    ]
    with torch.inference_mode():
        found = model(torch.from_numpy(np.stack(rows)))
        nothing = model(torch.full((1, 256), 4, dtype=torch.int8))
    close(found, torch.tensor(chosen["Pred"].to_numpy(), dtype=torch.float32), 1e-3)
    assert nothing.item() == pytest.approx(table.loc["zero_padding+", "Pred"], abs=1e-3)


# ---- stage 1


def test_each_sequence_is_encoded_alone() -> None:
    model, batch = make_model(), make_batch(B=1, E=11)
    assert batch.inputs is not None
    together = model.encode(batch.inputs)
    assert together.shape == (11, 64)
    one_by_one = torch.cat([model.encode(ElementInput(row[None])) for row in batch.inputs.sequence])
    close(together, one_by_one, 1e-5)


def test_bases_outside_the_alphabet_are_refused() -> None:
    sequence = torch.zeros(1, SHORT_BP, dtype=torch.int8)
    for odd in (5, -1):
        sequence[0, 3] = odd
        with pytest.raises(BadInput, match=rf"sequence holds {odd}; wanted 0\.\.3 for A C G T and 4"):
            make_model().encode(ElementInput(sequence))


def test_sequences_of_another_length_are_refused() -> None:
    short = torch.zeros(2, 300, dtype=torch.int8)
    with pytest.raises(BadInput, match=r"shape \(2, 300\); wanted \(N, 416\)"):
        make_model().encode(ElementInput(short))
    with pytest.raises(BadInput, match=r"shape \(2, 300\); wanted \(N, 256\)"):
        ActivityEncoder(ActivityConfig()).eval()(short)


def test_a_pretrained_frozen_encoder_stays_as_it_is() -> None:
    torch.manual_seed(5)
    pretrained = ActivityEncoder(ActivityConfig())
    model = make_model(encoder_is_frozen=True)
    model.start_from(pretrained.encoder)
    model.train()
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    model(make_batch()).expression.sum().backward()
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    assert model.compress.positions.weight.grad is not None
    for name, value in pretrained.encoder.state_dict().items():
        assert torch.equal(before[name], value)
        assert torch.equal(model.encoder.state_dict()[name], value)


# ---- stage 2


def test_features_by_hand() -> None:
    batch = make_batch(B=1, E=1).with_(
        distance_bp=torch.tensor([[-12_500.0]]),
        signal=torch.tensor([[[2.0, 8.0]]]),
        contact=torch.tensor([[99.0]]),
        promoter_signal=torch.tensor([[4.0, 9.0]]),
    )
    found = raw_features(batch, EPInformerConfig(variant="pe-activity-hic"))
    assert found.element[0, 0].tolist() == [12.5, 2.0, 4.0]  # kb, log10(100), sqrt(2 * 8)
    assert found.gene[0].tolist() == [*batch.gene_features[0].tolist(), 6.0]
    swapped = EPInformerConfig(variant="pe-activity", tracks=("ctcf", "h3k27ac", "dnase"))
    three = batch.with_(signal=torch.tensor([[[7.0, 8.0, 2.0]]]), promoter_signal=torch.tensor([[7.0, 1.0, 4.0]]))
    assert raw_features(three, swapped).element[0, 0].tolist() == [12.5, 4.0]
    without_signal = raw_features(batch, EPInformerConfig(variant="pe"))
    assert without_signal.element.tolist() == [[[12.5]]]
    assert without_signal.gene[0, -1] == 0


def test_only_elements_in_the_window_are_used() -> None:
    batch = make_batch(B=1, E=4).with_(distance_bp=torch.tensor([[0.0, -1000.0, 1001.0, -100_001.0]]))
    used = {
        settings: raw_features(batch, EPInformerConfig(variant=settings[0], self_promoter=settings[1])).is_used[0]
        for settings in (("pe", False), ("pe", True), ("promoter", False), ("promoter", True))
    }
    assert used["pe", False].tolist() == [False, False, True, False]
    assert used["pe", True].tolist() == [True, True, True, False]
    assert not used["promoter", False].any()
    assert not used["promoter", True].any()


def test_layer_equals_plain_masked_attention() -> None:
    torch.manual_seed(2)
    B, K, D, H = 3, 6, 16, 4
    layer, tokens = RegulationLayer(D, H), torch.randn(3, 6, 16)
    nn.init.normal_(layer.query_key_value.bias)
    is_there = torch.ones(B, K, dtype=torch.bool)
    is_there[1, 4:] = False
    plain = nn.MultiheadAttention(D, H, batch_first=True)
    names = {"in_proj_weight": "query_key_value.weight", "in_proj_bias": "query_key_value.bias"}
    names |= {"out_proj.weight": "out.weight", "out_proj.bias": "out.bias"}
    plain.load_state_dict({theirs: layer.state_dict()[ours] for theirs, ours in names.items()})
    blocked = ~torch.eye(K, dtype=torch.bool)
    blocked[0] = blocked[:, 0] = False
    x = layer.norm1(tokens)
    mixed, weights = plain(x, x, x, key_padding_mask=~is_there, attn_mask=blocked, average_attn_weights=False)
    expected = tokens + mixed
    expected = expected + layer.feed_forward(layer.norm2(expected))
    found, attention = layer(tokens, is_there.float(), gene_only=False)
    close(found, expected)
    close(attention, weights[:, :, 0])
    gene, attention = layer(tokens, is_there.float(), gene_only=True)
    close(gene, expected[:, :1])
    close(attention, weights[:, :, 0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_shapes_and_sums(variant: str) -> None:
    found = make_model(variant=variant)(make_batch())
    assert found.expression.shape == (2,)
    assert found.attention.shape == (2, 3, 4, 6)
    assert found.embedding is not None
    assert found.embedding.shape == (2, 5, 64)
    close(found.attention.sum(-1), torch.ones(2, 3, 4))
    if variant == "promoter":
        assert (found.attention[..., 0] == 1).all()


def test_padding_changes_nothing() -> None:
    model, batch = make_model(), make_batch()
    found, more = model(batch), model(padded(batch, 4))
    close(found.expression, more.expression)
    close(found.attention, more.attention[..., :6])
    assert (more.attention[..., 6:] == 0).all()
    assert (more.embedding[:, 5:] == 0).all()


def test_a_gene_does_not_depend_on_its_batch() -> None:
    model, batch = make_model(), make_batch(B=3)
    rows = {name: value[1:2] for name, value in vars(batch).items() if isinstance(value, Tensor)}
    alone = model(batch.with_(**rows, promoter=batch.promoter[slice(1, 2)]))
    close(model(batch).expression[1:2], alone.expression, 1e-5)


def test_order_of_elements_changes_only_the_order_of_attention() -> None:
    model, batch = make_model(), make_batch()
    order = torch.tensor([3, 0, 4, 2, 1])
    per_element = ("distance_bp", "is_element", "strength", "width_bp", "signal", "input_row", "contact")
    shuffled = batch.with_(**{name: getattr(batch, name)[:, order] for name in per_element})
    found, other = model(batch), model(shuffled)
    close(found.expression, other.expression)
    close(found.element_attention[:, order], other.element_attention)


def test_the_side_of_the_gene_does_not_matter() -> None:
    model, batch = make_model(), make_batch()
    close(model(batch).expression, model(batch.with_(distance_bp=-batch.distance_bp)).expression, 0)


def test_strength_zero_is_an_absent_element() -> None:
    model, batch = make_model(), make_batch()
    strength, is_element = batch.strength.clone(), batch.is_element.clone()
    strength[:, 1], is_element[:, 1] = 0, False
    weak, absent = model(batch.with_(strength=strength)), model(batch.with_(is_element=is_element))
    assert torch.equal(weak.expression, absent.expression)
    assert torch.equal(weak.attention, absent.attention)
    unknown = batch.signal.clone()
    unknown[:, 1] = torch.nan
    assert torch.equal(model(batch.with_(strength=strength, signal=unknown)).expression, absent.expression)


def test_strength_acts_smoothly() -> None:
    model, batch = make_model(), make_batch(B=1)
    embedding = model.embed(batch)
    steps = torch.tensor([0, 1e-6, 0.25, 0.5, 0.75, 1 - 1e-6, 1])
    strength = torch.ones(len(steps), 5)
    strength[:, 0] = steps
    found = model(batch.with_(strength=strength).expanded(), embedding)  # one embedding serves all seven
    close(found.expression[[1, 5]], found.expression[[0, 6]], 1e-5)
    weight = found.attention[:, 0, :, 1]  # first layer: the other keys do not change
    assert (weight.diff(dim=0) > 0).all()
    close(found.expression[-1:], model(batch).expression)
    # by hand: weight(s) = s w / (1 - w + s w)
    close(weight[3], 0.5 * weight[-1] / (1 - 0.5 * weight[-1]))


def test_missing_data_gives_nan_for_its_gene_only() -> None:
    model, batch = make_model(), make_batch()
    signal = batch.signal.clone()
    signal[1, 2, 0] = torch.nan
    found = model(batch.with_(signal=signal)).expression
    assert not found[0].isnan()
    assert found[1].isnan()
    outside = batch.distance_bp.clone()
    outside[1, 2] = 500_000
    assert not model(batch.with_(signal=signal, distance_bp=outside)).expression.isnan().any()


def test_gradient_reaches_every_parameter_and_strength() -> None:
    model = make_model().train()
    batch = make_batch(B=3)
    strength = batch.strength.clone()
    strength[:, 0] = 0
    strength.requires_grad_()
    found = model(padded(batch.with_(strength=strength), 2))
    found.expression.sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A convolution's bias before batch normalisation has no effect; the key's bias none on a softmax.
        assert parameter.grad.abs().sum() > 0 or name.endswith("bias"), name
    assert strength.grad.isfinite().all()
    assert (strength.grad[:, 0] != 0).all()  # the first order effect of bringing an absent element back


def test_training_on_two_genes_fits_them() -> None:
    model = make_model().train()
    batch, target = make_batch(E=2), torch.tensor([0.0, 2.0])
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(20):
        optimiser.zero_grad()
        loss = ((model(batch).expression - target) ** 2).mean()
        loss.backward()
        optimiser.step()
    assert loss < 0.2


# ---- what is refused


def test_a_batch_without_sequence_or_contact() -> None:
    batch = make_batch()
    with pytest.raises(NotAvailable, match="reads sequence and the study has none"):
        make_model()(batch.with_(inputs=None, promoter=None))
    with pytest.raises(NotAvailable, match="needs contacts and this study has none"):
        make_model()(batch.with_(contact=None))
    make_model(variant="pe-activity")(batch.with_(contact=None))


def test_other_widths_are_refused() -> None:
    batch = make_batch()
    with pytest.raises(BadInput, match="came 3 tracks in signal; wanted 2: dnase, h3k27ac"):
        make_model()(batch.with_(signal=torch.rand(2, 5, 3)))
    with pytest.raises(BadInput, match="came 9 gene features; wanted the 8 half-life features"):
        make_model()(batch.with_(gene_features=torch.rand(2, 9)))


def test_configs_that_cannot_be() -> None:
    with pytest.raises(UnknownName, match="no variant 'hic'; it has promoter, pe, pe-activity, pe-activity-hic"):
        EPInformerConfig(variant="hic")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="wants tracks dnase and h3k27ac; came atac"):
        EPInformerConfig(tracks=("atac",))
    with pytest.raises(BadInput, match="sequence_bp 300 is too short; wanted at least 400"):
        EPInformerConfig(sequence_bp=300)
    with pytest.raises(BadInput, match="width 40 is no multiple of 32"):
        EPInformerConfig(width=40)
