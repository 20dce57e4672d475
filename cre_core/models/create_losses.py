"""CREATE's loss: its terms by name, and the weights of the paper and of the released code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from cre_core.errors import BadInput
from cre_core.models.create import CHANNELS, CreateConfig, CreateOutput, is_known_element, model_inputs
from cre_core.schema import ElementInput


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of `loss_terms`; those of inputs that the model does not read count for nothing."""

    sequence: float = 1.0
    open: float = 0.01  # beta
    loop: float = 0.1  # gamma
    latent: float = 1.0  # alpha is inside the term
    cross_entropy: float = 1.0
    silencer_focal: float = 0.0
    l1: float = 0.0
    l2: float = 0.0


PAPER = LossWeights()
# Released code, not in the paper: for 50 epochs the autoencoder alone; then both, with a focal loss for the rarest
# class and with L1 (1e-8) and L2 (5e-7) counted twice.
RELEASED_FIRST_50_EPOCHS = LossWeights(cross_entropy=0.0)
RELEASED = LossWeights(
    sequence=0.5, open=0.005, loop=0.05, latent=0.5, cross_entropy=1.0, silencer_focal=1.0, l1=2e-8, l2=1e-6
)


def focal_loss(logits: Tensor, is_class: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Binary cross-entropy that counts a well-told example little: mean of -(1 - p)^gamma log p, p of the truth.

    Args:
      logits: (N,) before the sigmoid.
      is_class: (N,) bool.
      gamma: 0 = plain cross-entropy.

    Returns:
      ().
    """
    log_p = F.logsigmoid(torch.where(is_class, logits, -logits))  # (N,)
    return -((1 - log_p.exp()).pow(gamma) * log_p).mean()


def loss_terms(
    output: CreateOutput,
    elements: ElementInput,
    *,
    labels: Tensor,
    config: CreateConfig,
    parameters: Iterable[Tensor] = (),
) -> dict[str, Tensor]:
    """The terms of the loss by the names of LossWeights, each unweighted and a mean over its numbers.

    Args:
      output: of the model on `elements`. Elements without data (NaN) count in no term.
      elements: as given to the model.
      labels: (N,) integers, 0..4 in the order of config.classes.
      config: the model's.
      parameters: those to regularise; without them there are no terms l1 and l2.

    Returns:
      sequence (binary cross-entropy), open and loop (squared error) as far as the model reads them; latent;
      cross_entropy; silencer_focal, of the sigmoid of that one logit, where silencers are a class; l1 = sum of |w|,
      l2 = sum over tensors of their norm. Each ().

    Raises:
      BadInput: labels of another shape, or outside 0..4.

    Source: Methods, equations 2-6, 10, 11 and the released code. The code's cross-entropy is the usual mean over
    elements; equation 10 divides by the number of classes besides.
    """
    _check_labels(labels, len(output.logits), classes=config.classes)
    is_known = is_known_element(output.logits)  # (N,)
    inputs = model_inputs(elements, config)
    terms = {}
    for name, place in config.channels.items():
        found, wanted = output.reconstruction[is_known, place], inputs[name][is_known]  # (n, 4 or 1, L)
        terms[name] = (F.binary_cross_entropy if name == "sequence" else F.mse_loss)(found, wanted)
    logits, labels = output.logits[is_known], labels[is_known].long()  # (n, 5), (n,)
    terms["latent"] = output.latent_loss
    terms["cross_entropy"] = F.cross_entropy(logits, labels)
    if "silencer" in config.classes:
        silencer = config.classes.index("silencer")
        terms["silencer_focal"] = focal_loss(logits[:, silencer], labels == silencer)
    weights = list(parameters)
    if weights:
        terms["l1"] = torch.stack([weight.abs().sum() for weight in weights]).sum()
        terms["l2"] = torch.stack([weight.norm() for weight in weights]).sum()
    return terms


def _check_labels(labels: Tensor, n_elements: int, *, classes: tuple[str, ...]) -> None:
    if tuple(labels.shape) != (n_elements,):
        raise BadInput(f"labels have shape {tuple(labels.shape)}; wanted ({n_elements},), one for each element")
    odd = labels[(labels < 0) | (labels >= len(classes))]
    if len(odd):
        raise BadInput(f"labels hold {int(odd[0])}; wanted 0..{len(classes) - 1} for {', '.join(classes)}")


def total_loss(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """Weighted sum of the terms: ().

    Raises:
      BadInput: a weight for a term that was not computed (l1 and l2 want parameters).
    """
    used = {field.name: getattr(weights, field.name) for field in fields(weights) if getattr(weights, field.name)}
    missing = [name for name in used if name not in terms and name not in CHANNELS]
    if missing:
        raise BadInput(f"the loss gives weight to {missing[0]}, which was not computed; there are {', '.join(terms)}")
    return torch.stack([weight * terms[name] for name, weight in used.items() if name in terms]).sum()
