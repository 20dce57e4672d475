"""CREATE: the authors' numbers, slow plain formulas, arithmetic by hand, and every refusal."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.models.checkpoint import count_parameters
from cre_core.models.create import (
    NO_CODE,
    Codebook,
    Create,
    CreateConfig,
    CreateOutput,
    GaussianLatent,
    SplitQuantiser,
)
from cre_core.models.create_losses import (
    PAPER,
    RELEASED,
    RELEASED_FIRST_50_EPOCHS,
    LossWeights,
    focal_loss,
    loss_terms,
    total_loss,
)
from cre_core.models.import_create import create_from
from cre_core.schema import ElementInput

SHORT_BP = 264  # three positions: quick
SUBSETS = {
    ("sequence", "open", "loop"): 6_798_611,  # the authors'
    ("sequence", "open"): 6_287_370,  # the authors'
    ("sequence", "loop"): 6_287_370,
    ("sequence",): 5_808_897,  # the authors'
    ("open", "loop"): 5_799_143,  # by hand, as the two below
    ("open",): 5_353_438,
    ("loop",): 5_353_438,
}


def make_elements(N: int = 4, L: int = SHORT_BP, seed: int = 0) -> ElementInput:
    g = torch.Generator().manual_seed(seed)
    sequence = torch.randint(0, 5, (N, L), generator=g, dtype=torch.int8)
    return ElementInput(sequence, torch.rand(N, L, 2, generator=g))


def make_model(seed: int = 0, **settings: object) -> Create:
    torch.manual_seed(seed)
    return Create(CreateConfig(**{"sequence_bp": SHORT_BP, "n_codes": 20, **settings})).eval()


def one_number_codebook(**settings: object) -> Codebook:
    """Two codes of one number each, at 0 and 10."""
    torch.manual_seed(0)
    book = Codebook(CreateConfig(n_splits=128, n_codes=2, mu=0.1, **settings))
    book.codes.copy_(torch.tensor([[0.0], [10.0]]))
    book.sums.copy_(book.codes)
    return book


def close(a: Tensor, b: Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, atol=tolerance, rtol=0)


# ---- the authors' numbers


@pytest.mark.parametrize("inputs", SUBSETS)
def test_parameter_counts(inputs: tuple[str, ...]) -> None:
    for strict in (False, True):
        model = Create(CreateConfig(inputs=inputs, strict_original=strict))
        assert count_parameters(model) == SUBSETS[inputs]


@pytest.mark.parametrize("strict", [False, True])
def test_the_authors_weights_give_the_authors_numbers(strict: bool, parity: Path) -> None:
    spec = importlib.util.spec_from_file_location("weights_rule", parity / "weights_rule.py")
    assert spec is not None
    assert spec.loader is not None
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    model = create_from(rule.fill(parity / "create.state.json"), source="reference", strict_original=strict)
    stored = {name: torch.from_numpy(value) for name, value in np.load(parity / "create.npz").items()}
    signal = torch.cat((stored["open"], stored["loop"]), 1).transpose(1, 2)  # (4, 2, 1000) -> (4, 1000, 2)
    with torch.inference_mode():
        found = model(ElementInput(stored["base_index_ACGT"], signal))
    assert torch.equal(found.codes, stored["codes"].long())
    close(found.reconstruction, stored["reconstruction"], 1e-5)
    close(found.logits, stored["logits"], 1e-5)
    assert found.latent_loss.item() == pytest.approx(stored["latent_loss"].item(), abs=1e-6)
    assert found.perplexity.item() == pytest.approx(stored["perplexity"].item(), abs=1e-4)


# ---- shapes and what depends on what


@pytest.mark.parametrize("inputs", SUBSETS)
def test_every_subset_of_inputs(inputs: tuple[str, ...]) -> None:
    model, elements = make_model(inputs=inputs), make_elements()
    found = model(elements)
    n_channels = sum({"sequence": 4, "open": 1, "loop": 1}[name] for name in inputs)
    assert found.logits.shape == (4, 5)
    assert found.reconstruction.shape == (4, n_channels, SHORT_BP)
    assert found.codes.shape == (4, 3, 16)
    assert found.codes.dtype == torch.int64
    assert (found.reconstruction >= 0).all()
    changed = {
        "sequence": ElementInput((elements.sequence + 1) % 5, elements.signal),
        "open": ElementInput(elements.sequence, elements.signal + torch.tensor([1.0, 0.0])),
        "loop": ElementInput(elements.sequence, elements.signal + torch.tensor([0.0, 1.0])),
    }
    for name, other in changed.items():  # a model reads its inputs and nothing else
        assert torch.equal(model.encode(other), model.encode(elements)) == (name not in inputs)


def test_steps_are_the_whole() -> None:
    model, elements = make_model(), make_elements()
    latent = model.encode(elements)
    assert latent.shape == (4, 128, 3)
    quantised, found = model.quantise(latent), model(elements)
    assert torch.equal(quantised.codes, found.codes)
    assert torch.equal(model.decode(quantised.latent), found.reconstruction)
    assert torch.equal(model.classify(quantised.latent), found.logits)


def test_a_thousand_bases_have_26_positions() -> None:
    latent = make_model(sequence_bp=1000).encode(make_elements(N=1, L=1000))
    assert latent.shape == (1, 128, 26)
    assert CreateConfig().channels == {"sequence": slice(0, 4), "open": slice(4, 5), "loop": slice(5, 6)}
    assert CreateConfig(inputs=("sequence", "loop")).channels == {"sequence": slice(0, 4), "loop": slice(4, 5)}


def test_an_element_does_not_depend_on_its_batch() -> None:
    model, elements = make_model(), make_elements()
    together, alone = model(elements), model(elements[1:2])
    close(together.logits[1:2], alone.logits)
    close(together.reconstruction[1:2], alone.reconstruction)
    assert torch.equal(together.codes[1:2], alone.codes)
    none = model(elements[:0])
    assert none.logits.shape == (0, 5)
    assert none.reconstruction.shape == (0, 6, SHORT_BP)
    assert none.latent_loss.isnan()


def test_tracks_in_another_order_and_half_precision() -> None:
    elements = make_elements()
    found = make_model()(elements)
    swapped = make_model(tracks=("loop", "dnase", "open"))
    signal = torch.stack((elements.signal[..., 1], torch.zeros(4, SHORT_BP), elements.signal[..., 0]), -1)
    assert torch.equal(swapped(ElementInput(elements.sequence, signal)).logits, found.logits)
    half = elements.signal.half()
    rounded = make_model()(ElementInput(elements.sequence, half.float()))
    assert torch.equal(make_model()(ElementInput(elements.sequence, half)).logits, rounded.logits)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("quantisation", ["split-vq", "vae"])
def test_missing_signal_is_nan_for_its_element_alone(training: bool, quantisation: str) -> None:
    model, elements = make_model(quantisation=quantisation), make_elements()
    signal = elements.signal.clone()
    signal[2, 17, 1] = torch.nan
    others = torch.tensor([0, 1, 3])
    model.train(training)
    torch.manual_seed(1)
    found = model(ElementInput(elements.sequence, signal))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    assert found.logits[2].isnan().all()
    assert found.reconstruction[2].isnan().all()
    assert found.latent_loss.isfinite()
    fresh = make_model(quantisation=quantisation).train(training)
    torch.manual_seed(1)
    without = fresh(elements[others])
    close(found.reconstruction[others], without.reconstruction)
    close(found.latent_loss, without.latent_loss)
    if not training:  # dropout of the classifier is drawn for all rows
        close(found.logits[others], without.logits)
    for name, value in fresh.state_dict().items():  # neither codebook nor running means noticed
        close(state[name].float(), value.float())
    if quantisation == "split-vq":
        assert (found.codes[2] == NO_CODE).all()
        assert torch.equal(found.codes[others], without.codes)
        close(found.perplexity, without.perplexity)


def test_a_track_that_is_not_read_may_be_missing() -> None:
    elements = make_elements()
    signal = elements.signal.clone()
    signal[..., 1] = torch.nan
    model = make_model(inputs=("sequence", "open"))
    assert torch.equal(model(ElementInput(elements.sequence, signal)).logits, model(elements).logits)
    make_model(inputs=("sequence",))(ElementInput(elements.sequence))


# ---- the bottleneck


def test_nearest_codes_are_the_nearest() -> None:
    torch.manual_seed(0)
    quantiser = SplitQuantiser(CreateConfig(n_codes=50)).eval()
    latent = torch.randn(2, 128, 3)
    found = quantiser(latent)
    codes = quantiser.codebook.codes
    squares = []
    for n in range(2):
        for p in range(3):
            for m in range(16):
                vector = latent[n, 8 * m : 8 * m + 8, p]
                square = ((vector - codes) ** 2).sum(1)  # (50,)
                assert found.codes[n, p, m] == square.argmin()
                close(found.latent[n, 8 * m : 8 * m + 8, p], codes[square.argmin()])
                squares.append(square.min() / 8)
    close(found.latent_loss, 0.25 * torch.stack(squares).mean())


def test_perplexity_by_hand() -> None:
    quantiser = SplitQuantiser(CreateConfig(n_splits=128, n_codes=2)).eval()
    quantiser.codebook.codes.copy_(torch.tensor([[0.0], [10.0]]))
    latent = torch.zeros(1, 128, 1)
    assert quantiser(latent).perplexity.item() == pytest.approx(1, abs=1e-5)
    latent[:, :64] = 9
    assert quantiser(latent).perplexity.item() == pytest.approx(2, abs=1e-5)
    latent[:, :96] = 9
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert quantiser(latent).perplexity.item() == pytest.approx(math.exp(entropy), abs=1e-5)


def test_gradient_passes_straight_through() -> None:
    quantiser = SplitQuantiser(CreateConfig(n_codes=20)).eval()
    latent = torch.randn(2, 128, 3, requires_grad=True)
    weights = torch.randn(2, 128, 3)
    (quantiser(latent).latent * weights).sum().backward()
    assert torch.equal(latent.grad, weights)
    latent.grad = None
    found = quantiser(latent)
    found.latent_loss.backward()
    close(latent.grad, 0.25 * 2 * (latent - found.latent).detach() / latent.numel())


def test_codebook_step_by_hand() -> None:
    book = one_number_codebook()
    book.update(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 0, 0]))
    close(book.counts, torch.tensor([0.9 * 1 + 0.1 * 3, 0.9]))
    close(book.sums, torch.tensor([[0.1 * 6], [9.0]]))
    close(book.codes, torch.tensor([[0.6 / 1.2], [10.0]]))  # the unused code stays


def test_an_unused_code_restarts_at_a_vector_of_the_batch() -> None:
    book = one_number_codebook()
    vectors = torch.tensor([[1.0], [2.0], [3.0]])
    for _ in range(6):  # 0.9^6 = 0.53
        book.update(vectors, torch.tensor([0, 0, 0]))
    close(book.codes[1], torch.tensor([10.0]), 1e-5)
    book.update(vectors, torch.tensor([0, 0, 0]))  # 0.9^7 = 0.48
    assert book.codes[1].item() in (1.0, 2.0, 3.0)
    assert book.counts[1] == 1


def test_strict_codebook_step_by_hand() -> None:
    book = one_number_codebook(strict_original=True)
    assert (book.counts == 0).all()
    book.update(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 0, 0]))
    smoothing = 0.3 / (0.3 + 2e-5)
    assert book.counts.tolist() == pytest.approx([(0.3 + 1e-5) * smoothing, 1e-5 * smoothing], rel=1e-5)
    close(book.codes[0], torch.tensor([0.6 / ((0.3 + 1e-5) * smoothing)]), 1e-5)
    assert book.codes[1].item() == pytest.approx(9 / (1e-5 * smoothing), rel=1e-4)


@pytest.mark.parametrize("strict", [False, True])
def test_no_code_explodes_but_in_the_released_form(strict: bool) -> None:
    torch.manual_seed(0)
    quantiser = SplitQuantiser(CreateConfig(strict_original=strict)).train()
    start = quantiser.codebook.codes.norm(dim=1).max()
    largest, in_use = [], []
    for _ in range(120):
        latent = 0.5 * torch.randn(
            4, 128, 5
        )  # four elements of five positions: 320 vectors, fewer at once than codes
        in_use.append(quantiser(latent).perplexity.item())
        largest.append(quantiser.codebook.codes.norm(dim=1).max())
        start = torch.maximum(start, latent.transpose(1, 2).reshape(-1, 8).norm(dim=1).max())
        assert quantiser.codebook.codes.isfinite().all()
    if strict:
        assert max(largest) > 1e4
    else:
        assert max(largest) <= start * 1.0001  # means of what was there never leave it
        assert sum(in_use[-10:]) > 1.5 * sum(in_use[:10])  # codes that were too far away came back into use


def test_evaluation_moves_nothing_and_forms_agree() -> None:
    model, elements = make_model(), make_elements()
    strict = make_model(strict_original=True)
    strict.load_state_dict(model.state_dict())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for a, b in zip(model(elements), strict(elements), strict=True):
        assert torch.equal(a, b)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_gaussian_latent_by_hand() -> None:
    latent = GaussianLatent()
    moments = torch.zeros(1, 4, 1)
    moments[0, :, 0] = torch.tensor([3.0, 0.0, 0.0, math.log(4.0)])  # means 3 and 0, variances 1 and 4
    found = latent.eval()(moments)
    close(found.latent[0, :, 0], torch.tensor([3.0, 0.0]))
    # divergence of N(m, v) from N(0, 1): (m^2 + v - 1 - log v) / 2
    assert found.latent_loss.item() == pytest.approx((4.5 + (4 - 1 - math.log(4)) / 2) / 2)
    torch.manual_seed(0)
    drawn = latent.train()(moments.expand(20_000, 4, 1)).latent[..., 0]  # (20000, 2)
    close(drawn.mean(0), torch.tensor([3.0, 0.0]), 0.05)
    close(drawn.std(0), torch.tensor([1.0, 2.0]), 0.05)


def test_the_vae_has_no_codes() -> None:
    model, elements = make_model(quantisation="vae"), make_elements()
    found = model(elements)
    assert found.codes is None
    assert found.perplexity.isnan()
    assert found.reconstruction.shape == (4, 6, SHORT_BP)
    close(model.decode(model.encode(elements)), found.reconstruction)
    with pytest.raises(NotAvailable, match="CREATE with quantisation vae has no codes; use one with split-vq"):
        model.quantise(model.encode(elements))


# ---- losses


def tiny() -> tuple[CreateOutput, ElementInput]:
    """Two elements of two bases: A G with open 1 2 and loop 0 0, C N with open 3 3 and loop 1 1."""
    elements = ElementInput(
        torch.tensor([[0, 2], [1, 4]], dtype=torch.int8), torch.tensor([[[1, 0], [2, 0]], [[3, 1], [3, 1]]]).float()
    )
    reconstruction = torch.full((2, 6, 2), 0.25)
    reconstruction[:, 4] = torch.tensor([[1.0, 1.0], [3.0, 5.0]])
    reconstruction[:, 5] = 1.0
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0], [math.log(4), 0.0, 0.0, 0.0, 0.0]])
    return CreateOutput(logits, reconstruction, None, torch.tensor(0.7), torch.tensor(1.0)), elements


def test_terms_by_hand() -> None:
    output, elements = tiny()
    config = CreateConfig(sequence_bp=200)
    object.__setattr__(config, "sequence_bp", 2)  # no model is this short; a sum by hand is
    weights = [torch.tensor([[3.0, -4.0]]), torch.tensor([2.0])]
    terms = loss_terms(output, elements, labels=torch.tensor([0, 1]), config=config, parameters=weights)
    # 16 numbers of which 3 are 1 (N has none)
    assert terms["sequence"].item() == pytest.approx(-(3 * math.log(0.25) + 13 * math.log(0.75)) / 16)
    assert terms["open"].item() == pytest.approx((0 + 1 + 0 + 4) / 4)
    assert terms["loop"].item() == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert terms["latent"].item() == pytest.approx(0.7)
    assert terms["cross_entropy"].item() == pytest.approx((math.log(5) + math.log(8)) / 2)
    # a silencer told with 1/2; one that is none told with 1 - 4/5 = 1/5
    focal = 0.5**2 * math.log(2) + 0.8**2 * math.log(5)
    assert terms["silencer_focal"].item() == pytest.approx(focal / 2)
    assert terms["l1"].item() == pytest.approx(9)
    assert terms["l2"].item() == pytest.approx(5 + 2)
    assert set(terms) == set(vars(LossWeights()))


def test_an_element_without_data_counts_in_no_term() -> None:
    model, elements = make_model(), make_elements()
    signal = elements.signal.clone()
    signal[2, 0, 0] = torch.nan
    labels = torch.tensor([0, 1, 2, 4])
    gap = ElementInput(elements.sequence, signal)
    found = loss_terms(model(gap), gap, labels=labels, config=model.config)
    kept = torch.tensor([0, 1, 3])
    without = loss_terms(model(elements[kept]), elements[kept], labels=labels[kept], config=model.config)
    for name, value in without.items():
        close(found[name], value)


def test_total_by_hand() -> None:
    values = {"sequence": 1.0, "open": 200.0, "loop": 30.0, "latent": 4.0, "cross_entropy": 5.0}
    terms = {name: torch.tensor(value) for name, value in values.items()}
    terms["silencer_focal"] = torch.tensor(7.0)
    assert total_loss(terms, PAPER).item() == pytest.approx(1 + 2 + 3 + 4 + 5)
    assert total_loss(terms, RELEASED_FIRST_50_EPOCHS).item() == pytest.approx(1 + 2 + 3 + 4)
    terms |= {"l1": torch.tensor(1e8), "l2": torch.tensor(2e6)}
    assert total_loss(terms, RELEASED).item() == pytest.approx(0.5 * (1 + 2 + 3 + 4) + 5 + 7 + 2 * (1 + 1))
    sequence_only = {name: terms[name] for name in ("sequence", "latent", "cross_entropy")}
    assert total_loss(sequence_only, PAPER).item() == pytest.approx(1 + 4 + 5)
    with pytest.raises(
        BadInput, match="gives weight to silencer_focal, which was not computed; there are sequence, "
    ):
        total_loss(sequence_only, RELEASED)


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    logits, is_class = torch.tensor([-3.0, 0.5, 40.0]), torch.tensor([True, False, True])
    plain = F.binary_cross_entropy_with_logits(logits, is_class.float())
    close(focal_loss(logits, is_class, gamma=0.0), plain)
    assert focal_loss(logits, is_class) < plain


def test_gradient_reaches_every_trained_parameter() -> None:
    model, elements = make_model().train(), make_elements(N=6)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert not any("codebook" in name for name in trained)
    labels = torch.tensor([0, 1, 2, 3, 4, 0])
    terms = loss_terms(model(elements), elements, labels=labels, config=model.config, parameters=trained.values())
    total_loss(terms, RELEASED).backward()
    for name, parameter in trained.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_training_tells_two_classes_apart() -> None:
    elements, labels = make_elements(N=8), torch.tensor([0, 1] * 4)
    signal = elements.signal.clone()
    signal[labels == 1] += 2
    elements = ElementInput(elements.sequence, signal)
    model = make_model(mu=0.1).train()  # unused codes restart after 7 steps
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-3)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = total_loss(loss_terms(model(elements), elements, labels=labels, config=model.config), PAPER)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert torch.equal(model.eval()(elements).logits.argmax(1), labels)


# ---- what is refused


def test_other_inputs_are_refused() -> None:
    model, elements = make_model(), make_elements()
    sequence, signal = elements.sequence, elements.signal
    with pytest.raises(BadInput, match=r"^sequences have shape \(4, 200\); wanted \(N, 264\)$"):
        model(ElementInput(sequence[:, :200], signal[:, :200]))
    with pytest.raises(BadInput, match=r"^signal has shape \(4, 200, 2\); wanted \(4, 264, 2\): open, loop$"):
        model(ElementInput(sequence, signal[:, :200]))
    with pytest.raises(BadInput, match=r"^signal has shape \(4, 264, 3\); wanted \(4, 264, 2\): open, loop$"):
        model(ElementInput(sequence, torch.rand(4, SHORT_BP, 3)))
    with pytest.raises(BadInput, match=r"^the model reads open, loop and the elements came without signal; wanted"):
        model(ElementInput(sequence))
    for odd in (5, -1):
        wrong = sequence.clone()
        wrong[1, 7] = odd
        with pytest.raises(BadInput, match=f"^sequence holds {odd}; wanted 0..3 for A C G T and 4 for N or padding$"):
            model(ElementInput(wrong, signal))


def test_other_labels_are_refused() -> None:
    model, elements = make_model(), make_elements()
    output = model(elements)
    with pytest.raises(BadInput, match=r"^labels have shape \(3,\); wanted \(4,\), one for each element$"):
        loss_terms(output, elements, labels=torch.zeros(3, dtype=torch.long), config=model.config)
    with pytest.raises(
        BadInput, match=r"^labels hold 5; wanted 0\.\.4 for silencer, enhancer, promoter, insulator, b"
    ):
        loss_terms(output, elements, labels=torch.tensor([0, 5, 1, 1]), config=model.config)


def test_a_biosample_without_silencers() -> None:
    model, elements = make_model(classes=("enhancer", "promoter", "insulator", "background")), make_elements()
    output = model(elements)
    assert output.logits.shape == (4, 4)
    terms = loss_terms(output, elements, labels=torch.tensor([0, 1, 2, 3]), config=model.config)
    assert "silencer_focal" not in terms


@pytest.mark.parametrize(
    ("settings", "error", "line"),
    [
        ({"inputs": ("sequence", "dnase")}, UnknownName, "no input 'dnase'; it has sequence, open, loop"),
        (
            {"inputs": ("open", "sequence")},
            BadInput,
            "came inputs open, sequence; wanted some of sequence, open, loop",
        ),
        ({"inputs": ("open", "open")}, BadInput, "came inputs open, open; wanted some of .* once each"),
        ({"inputs": ()}, BadInput, "came inputs none; wanted some of sequence"),
        ({"tracks": ("open",)}, BadInput, "input loop is not among the tracks; came open"),
        ({"classes": ("enhancer",)}, BadInput, "came classes enhancer; wanted at least two, each once"),
        ({"sequence_bp": 600}, BadInput, "sequence_bp 600 is not 168 .* as 200 or 1000"),
        ({"sequence_bp": 168}, BadInput, "sequence_bp 168 is not 168 .* as 200 or 1000"),
        ({"n_splits": 24}, BadInput, "n_splits 24 does not divide the 128 channels of the latent"),
        ({"latent": 6}, BadInput, "n_splits 16 does not divide the 6 channels of the latent"),
        ({"filters": (8, 4)}, BadInput, "filters are 8, 4; wanted 3 widths of 1 or more"),
        ({"hidden": (8, 0)}, BadInput, "hidden are 8, 0; wanted 2 widths of 1 or more"),
        ({"narrow": ()}, BadInput, "narrow are none; wanted 2 widths of 1 or more"),
        ({"quantisation": "vq"}, UnknownName, "no quantisation 'vq'; it has split-vq, vae"),
    ],
)
def test_configs_that_cannot_be(settings: dict[str, object], error: type[Exception], line: str) -> None:
    with pytest.raises(error, match=line) as caught:
        CreateConfig(**settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_splits", [4, 8, 16, 32, 64])
def test_every_number_of_splits_of_the_ablation(n_splits: int) -> None:
    found = make_model(n_splits=n_splits)(make_elements(N=1))
    assert found.codes.shape == (1, 3, n_splits)


def test_a_narrow_model_has_the_parameters_of_its_widths() -> None:
    config = CreateConfig(
        filters=(3, 2, 1), narrow=(4, 5), latent=6, n_splits=3, n_codes=7, decoded=8, hidden=(9, 10), sequence_bp=200
    )
    model = Create(config)
    inputs = (4 * 3 * 8 + 3 + 2 * 3) + (2 * 8 + 2 + 2 * 2) + (8 + 1 + 2 * 1)  # convolution and norm of each
    encoder = (6 * 6 + 6) + (6 * 4 * 8 + 4) + (4 * 5 * 8 + 5) + (5 * 6 + 6)
    codebook = 2 * 7 * 2  # codes and their sums, two numbers each
    decoder = (6 * 8 * 9 + 8) + (8 * 8 * 9 + 8) + (8 * 6 * 9 + 6) + 2 * 4  # last: norm of the bases
    classifier = (6 * 9 + 9) + (9 * 10 + 10) + (10 * 5 + 5)
    assert count_parameters(model) == inputs + encoder + codebook + decoder + classifier
    found = model.eval()(make_elements(N=2, L=200))
    assert found.reconstruction.shape == (2, 6, 200)
    assert found.codes.shape == (2, 1, 3)
