"""Contributions to a prediction: exact where they are known by hand, complete where they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_inputs import study_with_weights

from cre_core.data.batches import batch_of
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.inference.predictor import Predictor, open_predictor
from cre_core.interpretation.attribution import METHODS, Attribution, AttributionSettings, attribute, attribute_batch
from cre_core.schema import Batch, ElementInput, Prediction

DEMO = Path(__file__).resolve().parents[2] / "precomputed" / "demo"
EXACT = METHODS[1:]  # for functions that a slope from zeros describes


class Toy(nn.Module):
    """Expression is a function of the counts (1, E, T) or of the soft bases (n, L, 4)."""

    def __init__(self, function: Callable[[Batch], Tensor]) -> None:
        super().__init__()
        self.function = function

    def uses(self, batch: Batch) -> Tensor:
        return batch.is_element

    def forward(self, batch: Batch) -> Prediction:
        expression = self.function(batch).reshape(1)
        return Prediction(expression, torch.zeros(1, 1, 1, 1 + batch.is_element.shape[1]))


def counts_batch(signal: list[list[float]]) -> Batch:
    E, T = len(signal), len(signal[0])
    return Batch(
        distance_bp=torch.zeros(1, E),
        is_element=torch.ones(1, E, dtype=torch.bool),
        strength=torch.ones(1, E),
        width_bp=torch.ones(1, E),
        signal=torch.tensor([signal]),
        promoter_signal=torch.zeros(1, T),
        gene_features=torch.zeros(1, 8),
        strand=torch.ones(1),
    )


def bases_batch(sequence: list[list[int]]) -> Batch:
    batch = counts_batch([[] for _ in sequence])
    inputs = ElementInput(torch.tensor(sequence, dtype=torch.int8))
    return batch.with_(inputs=inputs, input_row=torch.arange(len(sequence))[None])


def explained(function: Callable[[Batch], Tensor], batch: Batch, method: str, **settings: object) -> Attribution:
    given = AttributionSettings(**settings)  # type: ignore[arg-type]
    return attribute_batch([Toy(function)], batch, method=method, unit="log2(TPM + 1)", settings=given)


@pytest.mark.parametrize("method", EXACT)
def test_a_linear_model_is_its_weights_times_its_input(method: str) -> None:
    weight = torch.tensor([[2.0, -1.0], [0.5, 3.0]])
    found = explained(lambda batch: (batch.signal[0] * weight).sum(), counts_batch([[1.0, 2], [4, 0]]), method)
    assert found.signal is not None
    np.testing.assert_allclose(found.signal, [[2, -2], [2, 0]], atol=1e-6)
    np.testing.assert_allclose(found.elements, [0, 2], atol=1e-6)
    assert found.difference == pytest.approx(2)
    assert found.convergence_delta == pytest.approx(0, abs=1e-6)
    assert (found.bases, found.motif, found.unit, found.n_references) == (None, None, "log2(TPM + 1)", 1)


def test_saliency_is_the_size_of_the_slope() -> None:
    found = explained(
        lambda batch: batch.signal[0, 0] @ torch.tensor([2.0, -1.0]), counts_batch([[1.0, 2]]), "saliency"
    )
    assert found.signal is not None
    assert found.signal.tolist() == [[2, 1]]
    assert np.isnan(found.convergence_delta)
    assert found.n_references == 0


def product(batch: Batch) -> Tensor:
    return batch.signal[0, 0, 0] * batch.signal[0, 1, 0]


@pytest.mark.parametrize("method", ["integrated_gradients", "deep_lift"])
def test_a_product_is_shared_in_halves(method: str) -> None:
    found = explained(product, counts_batch([[3.0], [4.0]]), method)
    np.testing.assert_allclose(found.elements, [6, 6], rtol=1e-5)
    assert found.convergence_delta == pytest.approx(0, abs=1e-4)


def test_gradient_x_input_counts_a_product_twice_and_says_so() -> None:
    found = explained(product, counts_batch([[3.0], [4.0]]), "gradient_x_input")
    assert found.elements.tolist() == [12, 12]
    assert (found.difference, found.convergence_delta) == (12, 12)


@pytest.mark.parametrize("method", ["integrated_gradients", "deep_lift"])
def test_one_relu(method: str) -> None:
    """relu(3a - b - 2) from zeros to a = 2, b = 1: 0 -> 3, and the inside changes by 6 and -1."""

    def function(batch: Batch) -> Tensor:
        a, b = batch.signal[0, :, 0]
        return torch.nn.functional.relu(3 * a - b - 2)

    found = explained(function, counts_batch([[2.0], [1.0]]), method, n_steps=200)
    np.testing.assert_allclose(found.elements, [18 / 5, -3 / 5], rtol=1e-2)
    if method == "deep_lift":
        np.testing.assert_allclose(found.elements, [18 / 5, -3 / 5], rtol=1e-6)


def test_no_data_is_nan_and_zero_is_zero() -> None:
    batch = counts_batch([[1.0, 2.0], [torch.nan, 5.0], [0.0, 0.0]])

    def function(batch: Batch) -> Tensor:
        return torch.where(batch.strength[0] > 0, batch.signal[0].nan_to_num(0.0).sum(1), 0.0).sum()

    for method in EXACT:
        found = explained(function, batch, method)
        np.testing.assert_allclose(found.elements, [3, np.nan, 0], rtol=1e-6)


def test_the_base_that_is_there_has_the_contribution() -> None:
    """Each A of an element adds 2, each T takes 1; the fourth base is N."""
    weight = torch.tensor([2.0, 0, 0, -1])

    def function(batch: Batch) -> Tensor:
        assert batch.inputs is not None
        return (batch.inputs.sequence * weight).sum()

    found = explained(function, bases_batch([[0, 3, 1, 4]]), "gradient_x_input")
    assert found.bases is not None
    assert found.hypothetical is not None
    np.testing.assert_array_equal(found.bases[0], [[2, 0, 0, 0], [0, 0, 0, -1], [0, 0, 0, 0], [np.nan] * 4])
    np.testing.assert_array_equal(found.hypothetical[0], [[2, 0, 0, -1]] * 3 + [[np.nan] * 4])
    assert found.elements.tolist() == [1]


def test_deep_lift_compares_bases_with_shuffles() -> None:
    """A sum over bases is the same in every shuffle, so the contributions add up to nothing; N stays N."""
    weight = torch.tensor([2.0, 0, 0, -1])
    sequence = torch.randint(0, 4, (2, 40), generator=torch.Generator().manual_seed(0))
    sequence[0, :5] = 4

    def function(batch: Batch) -> Tensor:
        assert batch.inputs is not None
        return (batch.inputs.sequence * weight).sum()

    found = explained(function, bases_batch(sequence.tolist()), "deep_lift", n_references=4)
    assert found.bases is not None
    np.testing.assert_allclose(found.elements, 0, atol=1e-5)
    assert found.difference == pytest.approx(0, abs=1e-5)
    assert np.isnan(found.bases[0, :5]).all()
    assert np.isfinite(found.bases[0, 5:]).all()
    assert np.abs(found.bases[0, 5:]).max() > 0.5
    assert found.n_references == 4


def test_contributions_that_do_not_add_up_are_refused() -> None:
    def sine(batch: Batch) -> Tensor:
        return torch.sin(batch.signal).sum()  # no rule: its slope at 3 is -1, its ratio 0.05

    message = "deep_lift contributions miss the change of the prediction, 0.141, by -3.11, more than the bound of 10%"
    with pytest.raises(NotAvailable, match=message + "; use integrated_gradients with more than 50 steps"):
        explained(sine, counts_batch([[3.0]]), "deep_lift")
    found = explained(sine, counts_batch([[3.0]]), "deep_lift", bound=30.0)
    assert found.convergence_delta == pytest.approx(3 * np.cos(3) - np.sin(3), rel=1e-5)
    assert explained(sine, counts_batch([[3.0]]), "integrated_gradients").elements == pytest.approx(
        np.sin(3), rel=1e-3
    )


def test_of_some_models_the_mean() -> None:
    models = [Toy(lambda batch, w=w: w * batch.signal.sum()) for w in (1.0, 4.0)]  # type: ignore[misc]
    for method in EXACT:
        found = attribute_batch(models, counts_batch([[2.0]]), method=method, unit="u")
        assert found.elements.tolist() == pytest.approx([5], rel=1e-5)


def test_what_is_told_on_the_way() -> None:
    told: list[tuple[str, int, int]] = []
    attribute_batch(
        [Toy(product)],
        counts_batch([[3.0], [4.0]]),
        method="integrated_gradients",
        unit="u",
        settings=AttributionSettings(n_steps=5),
        report=lambda method, done, total: told.append((method, done, total)),
    )
    assert told[0] == ("integrated_gradients", 1, 5)
    assert told[-1] == ("integrated_gradients", 5, 5)


@pytest.mark.parametrize(
    ("method", "settings", "error", "message"),
    [
        ("magic", {}, UnknownName, "no attribution method 'magic'; there are saliency, gradient_x_input"),
        ("saliency", {"inputs": ("bass",)}, BadInput, "came input 'bass'; wanted some of bases, signal, motif"),
        ("saliency", {"inputs": ("motif",)}, NotAvailable, "reads no motif of elements here; it reads signal"),
    ],
)
def test_what_cannot_be_explained(
    method: str, settings: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explained(product, counts_batch([[3.0], [4.0]]), method, **settings)


def test_two_genes_or_no_element_are_refused(toy_predictor: Predictor) -> None:
    two = batch_of([toy_predictor.window("G1"), toy_predictor.window("G2")])
    with pytest.raises(BadInput, match="a batch of 2 genes came; one gene is explained at a time"):
        attribute_batch([Toy(product)], two, method="saliency", unit="u")
    none = counts_batch([[3.0]]).with_(is_element=torch.zeros(1, 1, dtype=torch.bool))
    with pytest.raises(NotAvailable, match="reads no element of this window"):
        attribute_batch([Toy(product)], none, method="saliency", unit="u")


# ---- the models


def test_a_model_of_counts(toy_predictor: Predictor) -> None:
    window = toy_predictor.window("G1")
    for method in ("integrated_gradients", "deep_lift"):
        found = attribute(toy_predictor, window, method=method)
        assert found.signal is not None
        assert found.signal.shape == (4, 2)
        assert found.signal.sum() == pytest.approx(found.difference, abs=2e-3)
        zeros = window.elements.assign(dnase=0.0, h3k27ac=0.0)
        wanted = [
            float(toy_predictor.predict([replace(window, elements=e)]).expression) for e in (window.elements, zeros)
        ]
        assert found.difference == pytest.approx(wanted[0] - wanted[1], abs=1e-5)
    blank = window.elements.astype({"dnase": float})
    blank.loc[1, "dnase"] = np.nan
    gap = attribute(toy_predictor, replace(window, elements=blank))
    assert np.isnan(gap.elements).tolist() == [False, True, False, False]


def test_what_epinformer_does_not_read_is_nan(tmp_path: Path) -> None:
    study = study_with_weights(tmp_path / "study", {"variant": "pe-activity"})
    predictor = open_predictor(study, "epinformer", biosample="ToyCell")
    predictor.predict([predictor.window("G1")])  # weights that were loaded to predict can be explained too
    found = attribute(
        predictor, predictor.window("G1"), method="deep_lift", settings=AttributionSettings(n_references=2)
    )
    assert np.isnan(found.elements).tolist() == [True, False, False, False]  # e1 lies inside the promoter sequence
    assert found.bases is not None
    assert found.signal is not None
    assert found.bases.shape == (4, 400, 4)
    assert np.isnan(found.bases[0]).all()
    assert np.nansum(found.bases) + np.nansum(found.signal) == pytest.approx(found.difference, abs=1e-3)


@pytest.fixture(scope="module")
def creator() -> Predictor:
    return open_predictor(Study.open(DEMO), "creator", biosample="SimA")


def test_bases_and_signals_of_the_demo_s_creator(creator: Predictor) -> None:
    window = creator.window(creator.study.genes["gene_id"].iloc[5])
    found = attribute(creator, window, method="deep_lift", settings=AttributionSettings(n_references=2))
    E = len(window.elements)
    assert found.bases is not None
    assert found.signal is not None
    assert found.bases.shape == (E, 350, 4)
    assert found.signal.shape[:2] == (E, 350)
    assert abs(found.convergence_delta) < 0.02 * abs(found.difference)
    assert np.nansum(found.bases) + np.nansum(found.signal) - found.difference == pytest.approx(
        found.convergence_delta, abs=1e-4
    )
    only = attribute(creator, window, settings=AttributionSettings(inputs=("signal",)))
    assert only.bases is None
    assert only.signal is not None
    # The slope of the strongest signal, by a small change of it
    e, at, track = np.unravel_index(np.nanargmax(np.abs(only.signal)), only.signal.shape)
    models, batch = creator.models_of(creator.fold_of(window.gene["gene_id"])), batch_of([window])
    assert batch.inputs is not None
    assert batch.inputs.signal is not None
    assert batch.input_row is not None
    signal = batch.inputs.signal.double()
    value, row = float(signal[batch.input_row[0, e], at, track]), int(batch.input_row[0, e])
    sides = []
    for factor in (0.9, 1.1):
        signal[row, at, track] = factor * value
        changed = batch.with_(inputs=replace(batch.inputs, signal=signal.float()))
        with torch.inference_mode():
            sides.append(float(torch.stack([model(changed).expression for model in models]).double().mean()))
    assert (sides[1] - sides[0]) / 0.2 == pytest.approx(float(only.signal[e, at, track]), rel=0.1)
