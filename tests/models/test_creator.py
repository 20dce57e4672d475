"""CREaTor: the authors' numbers, symmetries, and what the corrections change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from published import published_state, torch_file
from torch import Tensor

from cre_core.errors import BadFile, BadInput, NotAvailable
from cre_core.models.checkpoint import count_parameters, load, save
from cre_core.models.creator import Creator, CreatorConfig
from cre_core.models.import_weights import import_published
from cre_core.models.registry import build
from cre_core.schema import Batch, ElementInput

OURS = torch.tensor([4, 0, 3, 1, 2], dtype=torch.int8)  # of the authors' 0 = N, then A T C G
SMALL = {
    "base_tracks": ("dnase", "ctcf"),
    "sequence_bp": 50,
    "gene_bp": 100,
    "width": 16,
    "n_heads": 2,
    "feed_forward": 32,
}


def close(a: Tensor, b: Tensor | np.ndarray, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(a, torch.as_tensor(b), atol=tolerance, rtol=0)


def make_model(**config: object) -> Creator:
    torch.manual_seed(0)
    model = build("creator", {**SMALL, **config}).eval()
    assert isinstance(model, Creator)
    for table in (model.token_bias, *model.place_bias):
        torch.nn.init.normal_(table.table)
    return model


def make_batch(B: int = 2, E: int = 6, L: int = 50) -> Batch:
    g = torch.Generator().manual_seed(1)
    return Batch(
        distance_bp=torch.randint(-100_000, 100_000, (B, E), generator=g).float(),
        is_element=torch.ones(B, E, dtype=torch.bool),
        strength=torch.ones(B, E),
        width_bp=torch.full((B, E), float(L)),
        signal=torch.zeros(B, E, 0),
        promoter_signal=torch.zeros(B, 0),
        gene_features=torch.zeros(B, 8),
        strand=torch.ones(B),
        inputs=ElementInput(
            torch.randint(0, 5, (B * E, L), generator=g, dtype=torch.int8), torch.rand(B * E, L, 2, generator=g)
        ),
        input_row=torch.arange(B * E).view(B, E),
    )


# ---- the authors' numbers


def test_the_released_code_s_outputs(parity: Path, tmp_path: Path) -> None:
    known = np.load(parity / "creator.npz")
    path = torch_file(tmp_path / "creator.pt", published_state(parity, "creator"))
    model, info = import_published("creator", path)
    assert isinstance(model, Creator)
    assert info.expression_unit == "ln(TPM + 1)"
    sequence = OURS[torch.from_numpy(known["base_token"]).long()]
    place = torch.from_numpy(known["element_pos"] - known["tss"])[None].float()
    with torch.inference_mode():
        embedding = model.encode(ElementInput(sequence, torch.from_numpy(known["signal"])))
        close(embedding, known["element_embedding"], 1e-4)
        close(model.gene_token(), known["gene_embedding_stage1"], 1e-4)
        both = model.embed(make_batch(1, 24).with_(inputs=ElementInput(sequence, torch.from_numpy(known["signal"]))))
        found = model.regulate(both, place_bp=place, strength=torch.ones(1, 24), with_logits=True)
    close(found.expression, known["expression"][0], 1e-4)
    assert found.logits is not None
    order = [*range(1, 25), 0]  # theirs holds the gene last
    close(found.logits[0][:, :, order][..., order], known["attention_logit"], 1e-3)
    close(found.attention[0, :, :, 1:], torch.from_numpy(known["attention_logit"]).softmax(-1)[:, :, -1, :-1])


def test_parameters_as_published() -> None:
    assert count_parameters(build("creator")) == 5_068_545


def test_names_cover_the_published_checkpoint(parity: Path) -> None:
    spec: Mapping[str, object] = json.loads((parity / "creator.state.json").read_text())
    assert len(spec) == 87  # all are used: an unexpected one is refused by the import


# ---- what must hold whatever the weights


def test_several_genes_in_one_call_are_one_after_another() -> None:
    model = make_model()
    elements, place = torch.randn(7, 16), torch.arange(7) * 3_000
    tss = torch.tensor([2_500, 9_000, 20_000])
    region = model.regulate_region(elements, place_bp=place, tss=tss)
    for g, start in enumerate(tss):
        alone = model.regulate_region(elements, place_bp=place, tss=start[None])
        close(region.expression[g], alone.expression[0])
        close(region.attention[:, :, g], alone.attention[:, :, 0])


def test_a_batch_is_a_region_of_one_gene() -> None:
    model, batch = make_model(), make_batch(1)
    embedding = model.embed(batch)
    region = model.regulate_region(
        embedding.elements[0], place_bp=batch.distance_bp[0] + 5_000_000, tss=torch.tensor([5_000_000])
    )
    close(model(batch).expression, region.expression)


def test_only_distance_on_the_genome_counts() -> None:
    model, batch = make_model(), make_batch(1)
    mirrored = batch.with_(strand=-batch.strand, distance_bp=-batch.distance_bp)
    close(model(mirrored).expression, model(batch).expression)
    assert not torch.allclose(model(batch.with_(strand=-batch.strand)).expression, model(batch).expression)


def test_an_element_that_genes_share_is_encoded_once() -> None:
    model, batch = make_model(), make_batch(2)
    counts: list[int] = []

    def counted(inputs: ElementInput) -> Tensor:
        counts.append(len(inputs))
        return model.encode(inputs)

    shared = torch.tensor([[0, 1, 2, 3, 4, 5], [3, 4, 5, 6, 7, 8]])
    found = model.embed(batch.with_(input_row=shared), encode=counted)
    assert counts == [9]
    close(found.elements[0, 3:], found.elements[1, :3], 0)
    close(found.elements[1, 5], model.encode(batch.inputs[torch.tensor([8])])[0])


def test_padding_changes_nothing() -> None:
    model, batch = make_model(), make_batch(1, 4)
    wide = make_batch(1, 6).with_(is_element=torch.tensor([[True] * 4 + [False] * 2]))
    wide = wide.with_(inputs=batch.inputs, input_row=F.pad(batch.input_row, (0, 2)))
    wide.distance_bp[:, :4] = batch.distance_bp
    close(model(wide).expression, model(batch).expression)
    assert (model(wide).attention[..., 5:] == 0).all()


def test_masking_an_element_is_leaving_it_out() -> None:
    model, batch = make_model(), make_batch(1, 4)
    keep = torch.tensor([0, 1, 3])
    fewer = make_batch(1, 3).with_(
        inputs=batch.inputs, **{n: getattr(batch, n)[:, keep] for n in ("distance_bp", "input_row")}
    )
    masked = batch.with_(strength=torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    close(model(masked).expression, model(fewer).expression)


def test_a_gene_without_elements_has_a_prediction() -> None:
    model, batch = make_model(), make_batch(2)
    nothing = model(batch.with_(strength=torch.zeros(2, 6)))
    assert nothing.expression.isfinite().all()
    close(nothing.expression[0], nothing.expression[1])


def test_variants_in_pieces_are_variants_together() -> None:
    model, batch = make_model(), make_batch(1, 3)
    strengths = torch.rand(70, 3)
    together = model(batch.with_(strength=strengths), model.embed(batch))
    for v in (0, 33, 69):
        close(together.expression[v], model(batch.with_(strength=strengths[v][None])).expression[0])


def test_a_track_without_data_counts_as_zero() -> None:
    model, batch = make_model(), make_batch(1)
    assert batch.inputs is not None
    assert batch.inputs.signal is not None
    gap, zero = batch.inputs.signal.clone(), batch.inputs.signal.clone()
    gap[..., 1], zero[..., 1] = torch.nan, 0
    with_gap, with_zero = (batch.with_(inputs=ElementInput(batch.inputs.sequence, s)) for s in (gap, zero))
    close(model(with_gap).expression, model(with_zero).expression, 0)


@pytest.mark.parametrize("length", [50, 5, 200])
def test_elements_of_any_length(length: int) -> None:
    assert make_model().encode(ElementInput(torch.zeros(3, length, dtype=torch.int8))).shape == (3, 16)


def test_n_is_no_base_in_the_corrected_form() -> None:
    unknown = ElementInput(torch.full((1, 50), 4, dtype=torch.int8))
    for strict, same in ((False, True), (True, False)):
        model = make_model(strict_original=strict)
        before = model.encode(unknown)
        with torch.no_grad():
            model.tokens.base[0] += 1.0
        assert torch.allclose(model.encode(unknown), before) == same


def test_a_checkpoint_rebuilds_its_model(tmp_path: Path, parity: Path) -> None:
    model, info = import_published("creator", torch_file(tmp_path / "c.pt", published_state(parity, "creator")))
    save(tmp_path / "c.safetensors", model, info)
    again, _ = load(tmp_path / "c.safetensors", wanted="creator")
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_the_bias_of_places_is_the_sum_of_its_tables() -> None:
    bias = make_model().place_bias
    near = torch.arange(-3_000, 3_000)
    edges = torch.tensor([16 * 150, 16 * 40_000, 256 * 150, 216 * 40_000])
    relative = torch.cat((near, edges, edges - 1, -edges, 1 - edges))[None, None]  # (1, 1, K)
    scales = CreatorConfig().scales_bp
    slow = sum(table(relative.div(scale, rounding_mode="floor")) for table, scale in zip(bias, scales, strict=True))
    close(bias(relative), slow)


# ---- bad input


def test_a_batch_without_sequence() -> None:
    with pytest.raises(NotAvailable, match="this model reads sequence and the study has none"):
        make_model()(make_batch().with_(inputs=None))


def test_another_number_of_tracks() -> None:
    inputs = ElementInput(torch.zeros(1, 50, dtype=torch.int8), torch.zeros(1, 50, 3))
    with pytest.raises(BadInput, match="came 3 tracks; wanted 2: dnase, ctcf"):
        make_model().encode(inputs)


def test_a_length_that_makes_no_whole_tokens() -> None:
    with pytest.raises(BadInput, match="elements of 52 bp came; CREaTor wants a multiple of 5"):
        make_model().encode(ElementInput(torch.zeros(1, 52, dtype=torch.int8)))
    with pytest.raises(BadInput, match="sequence_bp 352 is no multiple of the 5 bases of a token"):
        CreatorConfig(sequence_bp=352)


def test_an_unknown_base() -> None:
    with pytest.raises(BadInput, match=r"sequence holds 7; wanted 0\.\.3 for A C G T and 4"):
        make_model().encode(ElementInput(torch.full((1, 50), 7, dtype=torch.int8)))


def test_missing_unexpected_and_reshaped_tensors(parity: Path, tmp_path: Path) -> None:
    state = published_state(parity, "creator")
    lacking = {name: value for name, value in state.items() if name != "fc.0.bias"}
    with pytest.raises(BadFile, match=r"a\.pt lacks 1 tensors; first: fc\.0\.bias"):
        import_published("creator", torch_file(tmp_path / "a.pt", lacking))
    with pytest.raises(BadFile, match=r"b\.pt has unexpected 1 tensors; first: more"):
        import_published("creator", torch_file(tmp_path / "b.pt", {**state, "more": torch.zeros(1)}))
    odd = {**state, "embed_genome.0.weight": torch.zeros(5, 256)}
    with pytest.raises(BadFile, match=r"tensor tokens\.base has shape \(5, 256\); the model wants \(6, 256\)"):
        import_published("creator", torch_file(tmp_path / "c.pt", odd))
