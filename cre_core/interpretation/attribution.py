"""What each base, signal and motif score of a gene's elements adds to its predicted expression."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cre_core.data.batches import batch_of, without_gaps
from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable, UnknownName
from cre_core.inference.predictor import Predictor
from cre_core.inference.variants import shuffled_middle
from cre_core.interpretation.deep_lift import deep_lift
from cre_core.interpretation.soft_batch import SoftBatch
from cre_core.progress import Report, unheard
from cre_core.schema import Batch

ONE_GRADIENT = ("saliency", "gradient_x_input")
METHODS = ("saliency", "gradient_x_input", "integrated_gradients", "deep_lift")
ADD_UP = ("integrated_gradients", "deep_lift")  # their contributions should sum to the change of the prediction
NOISE = 1e-4  # of the prediction: two float32 passes differ by so much


@dataclass(frozen=True)
class AttributionSettings:
    """How contributions are computed.

    Attributes:
      n_steps: of integrated gradients.
      n_references: shuffles of the bases that deep_lift compares with; their mean is given.
      seed: of the first shuffle.
      bound: contributions whose sum misses the change of the prediction by more than this share of it are refused.
      inputs: `bases`, `signal`, `motif`: only these are varied, the others stay as measured; None = all read.
    """

    n_steps: int = 50
    n_references: int = 10
    seed: int = 0
    bound: float = 0.1
    inputs: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Attribution:
    """Contributions of one gene's elements, in the window's order.

    NaN = not read: elements the model leaves out, bases that are N or padding, tracks without data. An input that the
    model reads nowhere, or that was not to be varied, is None. The gene's own promoter stays as measured.

    Attributes:
      method: one of METHODS.
      unit: of the contributions, that of the prediction; of saliency, per unit of the input.
      bases: (E, L, 4) float32 of the + strand's A, C, G, T: the contribution of the base that is there, 0 for the
        other three; of saliency the absolute gradient of all four.
      hypothetical: (E, L, 4) float32, what each base would contribute in that place, as TF-MoDISco reads it.
      signal: (E, L, T) per base, or (E, T) of the elements' counts.
      motif: (E, M) of the motif scores.
      elements: (E,) sum over all inputs of an element.
      difference: change of the prediction from the reference to the input; NaN for saliency.
      convergence_delta: sum of all contributions minus `difference`; NaN for saliency, which has no such sum.
      n_references: predictions compared with; 0 for saliency.
    """

    method: str
    unit: str
    bases: np.ndarray | None
    hypothetical: np.ndarray | None
    signal: np.ndarray | None
    motif: np.ndarray | None
    elements: np.ndarray
    difference: float
    convergence_delta: float
    n_references: int


def attribute(
    predictor: Predictor,
    window: GeneWindow,
    *,
    method: str = "gradient_x_input",
    settings: AttributionSettings | None = None,
    report: Report | None = None,
) -> Attribution:
    """Contributions to a gene's prediction by the fold that never saw it, the mean of its seeds.

    Args, Raises: as `attribute_batch`.
    """
    models = predictor.models_of(predictor.fold_of(window.gene["gene_id"]))
    batch = window.batch.to(predictor.device)
    return attribute_batch(models, batch, method=method, unit=predictor.unit.text, settings=settings, report=report)


def gradient_scores(predictor: Predictor, window: GeneWindow) -> dict[str, np.ndarray]:
    """`elements` of the two methods that are one gradient, saliency and gradient_x_input, from one pass back.

    Returns:
      method -> (E,), as `attribute` gives them.

    Raises:
      NotAvailable: the model reads no element.
    """
    models = predictor.models_of(predictor.fold_of(window.gene["gene_id"]))
    with torch.inference_mode(False):
        soft = SoftBatch.held(models, window.batch.to(predictor.device))
        slopes, _ = _gradients(models, soft)
        parts = {
            "saliency": {name: slope.abs() for name, slope in slopes.items()},
            "gradient_x_input": {name: slope * soft.values[name] for name, slope in slopes.items()},
        }
        return {method: _of_elements(soft, part).cpu().numpy() for method, part in parts.items()}


def count_gradient_scores(predictor: Predictor, windows: Sequence[GeneWindow]) -> list[dict[str, np.ndarray]]:
    """`gradient_scores` of several genes that share a fold, from one batch: for models that read counts alone.

    Returns:
      For each gene, method -> (E,); all NaN for a gene whose window holds nothing that the model reads.
    """
    models = predictor.models_of(predictor.fold_of(windows[0].gene["gene_id"]))
    with torch.inference_mode(False), torch.enable_grad():
        batch = without_gaps(batch_of(windows).to(predictor.device))
        known = batch.signal.isfinite()  # (B, E, T)
        counts = batch.signal.nan_to_num(0.0).requires_grad_()
        filled = batch.with_(signal=torch.where(known, counts, torch.nan))
        predicted = torch.stack([model(filled).expression for model in models]).mean(0)  # (B,) each of its own gene
        slope = torch.autograd.grad(predicted.sum(), counts)[0]  # (B, E, T)
        reader: Any = models[0]
        is_read = (reader.uses(batch) & (batch.strength > 0))[..., None] & known
    found = {"saliency": slope.abs(), "gradient_x_input": slope * counts.detach()}
    sums = {name: torch.where(is_read, part, torch.nan) for name, part in found.items()}
    by_element = {
        name: torch.where(is_read.any(-1), part.nansum(-1), torch.nan).cpu().numpy() for name, part in sums.items()
    }
    return [{name: part[b, : len(w.elements)] for name, part in by_element.items()} for b, w in enumerate(windows)]


def attribute_batch(
    models: Sequence[nn.Module],
    batch: Batch,
    *,
    method: str,
    unit: str,
    settings: AttributionSettings | None = None,
    report: Report | None = None,
) -> Attribution:
    """Contributions to the mean prediction of some models.

    Args:
      models: in evaluation mode.
      batch: of one gene, on the models' device.
      method: `saliency`, absolute gradient; `gradient_x_input`; `integrated_gradients`, from zeros; `deep_lift`, from
        shuffles of the bases that keep the counts of dinucleotides, and zeros of all else.
      unit: of the prediction, as printed.
      settings: steps, references, bound.
      report: called with the method, references done, and their total.

    Raises:
      UnknownName: another method.
      BadInput: more than one gene.
      NotAvailable: the model reads no element, or contributions that should add up miss the change of the prediction
        by more than `bound`.

    Source: Simonyan et al. 2014; Shrikumar et al. 2017; Sundararajan et al. 2017, as in Captum; references as in
    EPInformer, Methods.
    """
    if method not in METHODS:
        raise UnknownName(f"no attribution method '{method}'; there are {', '.join(METHODS)}")
    settings = settings or AttributionSettings()
    with torch.inference_mode(False):
        soft = SoftBatch.of(models, batch, inputs=settings.inputs)
        found = _COMPUTED[method](models, soft, settings, partial(report or unheard, method))
    total = sum(float(part.sum(dtype=torch.float64)) for part in found.parts.values())
    delta = float("nan") if method == "saliency" else total - found.difference
    if method in ADD_UP:
        _check(method, delta, found, settings)
    return _result(soft, found, method, unit, delta)


_Count = Callable[[int, int], None]  # a Report of the method that runs


@dataclass(frozen=True)
class _Contributions:
    """Contributions by input row, before they are told apart by element."""

    parts: Mapping[str, Tensor]
    hypothetical: Tensor | None
    difference: float
    prediction: float
    n_references: int


def _check(method: str, delta: float, found: _Contributions, settings: AttributionSettings) -> None:
    floor = NOISE * max(1.0, abs(found.prediction))
    if abs(delta) <= max(settings.bound * abs(found.difference), floor):
        return
    raise NotAvailable(
        f"the {method} contributions miss the change of the prediction, {found.difference:.3g}, by {delta:.3g}, more "
        f"than the bound of {settings.bound:.0%}; use integrated_gradients with more than {settings.n_steps} steps"
    )


def _gradients(models: Sequence[nn.Module], soft: SoftBatch) -> tuple[dict[str, Tensor], float]:
    """Of the mean prediction with respect to each input, and the prediction."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in soft.values.items()}
    with torch.enable_grad():
        predicted = soft.predicted(models, leaves)
    slopes = torch.autograd.grad(predicted, list(leaves.values()), allow_unused=True)  # None: not read
    found = {name: slope for name, slope in zip(leaves, slopes, strict=True) if slope is not None}
    return found, float(predicted.detach())


def _saliency(
    models: Sequence[nn.Module], soft: SoftBatch, settings: AttributionSettings, report: _Count
) -> _Contributions:
    slopes, predicted = _gradients(models, soft)
    report(1, 1)
    return _Contributions({name: slope.abs() for name, slope in slopes.items()}, None, float("nan"), predicted, 0)


def _gradient_x_input(
    models: Sequence[nn.Module], soft: SoftBatch, settings: AttributionSettings, report: _Count
) -> _Contributions:
    slopes, predicted = _gradients(models, soft)
    report(1, 1)
    return _from_zeros(models, soft, slopes, predicted)


def _integrated_gradients(
    models: Sequence[nn.Module], soft: SoftBatch, settings: AttributionSettings, report: _Count
) -> _Contributions:
    from captum.attr import IntegratedGradients  # loads matplotlib: only where it is wanted

    done = 0

    def predicted(*values: Tensor) -> Tensor:
        nonlocal done
        done += 1
        report(min(done, settings.n_steps), settings.n_steps)
        one = dict(zip(soft.values, (value[0] for value in values), strict=True))  # a batch of one example
        return soft.predicted(models, one)[None]

    # Without the factor of the inputs they are what DeepLIFT calls multipliers.
    gradients = IntegratedGradients(predicted, multiply_by_inputs=False)
    inputs = tuple(value[None].requires_grad_() for value in soft.values.values())
    found = gradients.attribute(inputs, n_steps=settings.n_steps, internal_batch_size=1)
    slopes = dict(zip(soft.values, (value[0].to(torch.float32) for value in found), strict=True))
    with torch.no_grad():
        after = float(soft.predicted(models, soft.values))
    return _from_zeros(models, soft, slopes, after)


def _from_zeros(
    models: Sequence[nn.Module], soft: SoftBatch, slopes: Mapping[str, Tensor], after: float
) -> _Contributions:
    """Contributions of slopes that hold from zeros to the inputs."""
    with torch.no_grad():
        before = float(soft.predicted(models, {name: torch.zeros_like(v) for name, v in soft.values.items()}))
    parts = {name: slope * soft.values[name] for name, slope in slopes.items()}
    return _Contributions(parts, slopes.get("bases"), after - before, after, 1)


def _deep_lift(
    models: Sequence[nn.Module], soft: SoftBatch, settings: AttributionSettings, report: _Count
) -> _Contributions:
    names, inputs = list(soft.values), list(soft.values.values())
    n = settings.n_references if "bases" in names else 1  # nothing else is random
    total = {name: torch.zeros_like(value) for name, value in soft.values.items()}
    difference, after = 0.0, 0.0
    for number in range(n):
        reference = [_reference(name, value, settings.seed + number) for name, value in soft.values.items()]
        lift = deep_lift(lambda *v: soft.predicted(models, dict(zip(names, v, strict=True))), inputs, reference)
        for name, slope, before in zip(names, lift.multipliers, reference, strict=True):
            if name == "bases":  # every base in turn, against the bases of the reference
                slope = slope - (slope * before).sum(-1, keepdim=True)  # (n, L, 4)
            total[name] += slope / n
        after = float(lift.after)
        difference += (after - float(lift.before)) / n
        report(number + 1, n)
    parts = {name: slope * soft.values[name] for name, slope in total.items()}
    return _Contributions(parts, total.get("bases"), difference, after, n)


def _reference(name: str, value: Tensor, seed: int) -> Tensor:
    """A shuffle of bases (n, L, 4), N and padding where they are; zeros of another input."""
    if name != "bases":
        return torch.zeros_like(value)
    is_base = value.sum(-1) > 0  # (n, L)
    numbers = torch.where(is_base, value.argmax(-1), 4).to("cpu", torch.int8)
    mixed = shuffled_middle(numbers, torch.ones(len(numbers)), seed=seed).to(value.device)
    return torch.eye(5, 4, device=value.device)[mixed.int()]  # (n, L) -> (n, L, 4)


_COMPUTED: Mapping[str, Callable[[Sequence[nn.Module], SoftBatch, AttributionSettings, _Count], _Contributions]] = {
    "saliency": _saliency,
    "gradient_x_input": _gradient_x_input,
    "integrated_gradients": _integrated_gradients,
    "deep_lift": _deep_lift,
}


def _result(soft: SoftBatch, found: _Contributions, method: str, unit: str, delta: float) -> Attribution:
    parts = {name: soft.by_element(name, part) for name, part in found.parts.items()}
    hypothetical = None if found.hypothetical is None else soft.by_element("bases", found.hypothetical)

    def array(value: Any) -> np.ndarray | None:
        return None if value is None else value.cpu().numpy()

    elements = array(_summed(parts.values()))
    assert elements is not None
    return Attribution(
        method=method,
        unit=unit,
        bases=array(parts.get("bases")),
        hypothetical=array(hypothetical),
        signal=array(parts.get("signal")),
        motif=array(parts.get("motif")),
        elements=elements,
        difference=found.difference,
        convergence_delta=delta,
        n_references=found.n_references,
    )


def _of_elements(soft: SoftBatch, parts: Mapping[str, Tensor]) -> Tensor:
    return _summed([soft.by_element(name, part) for name, part in parts.items()])


def _summed(parts: Collection[Tensor]) -> Tensor:
    """(E,) sum over all inputs of each element (E, ...); NaN where none is known."""
    sums = torch.stack([part.flatten(1).nansum(1) for part in parts]).sum(0)
    is_known = torch.stack([part.flatten(1).isfinite().any(1) for part in parts]).any(0)
    return torch.where(is_known, sums, torch.nan)
