"""DeepLIFT of a whole model, attention included, as it is written: nothing of the model is replaced or hooked.

Two passes run the model: one on the reference, which keeps what every nonlinear function was given, and one on the
input, in which each of them, instead of its slope, hands back the ratio of its change to its input's change. So the
contributions of all inputs add up to the change of the prediction, whatever the model is made of:

* functions of one number (ReLU, GELU, softplus, ...): the Rescale rule, change of output over change of input;
* products of two tensors (attention's queries with keys, its weights with values): each factor gets the mean of the
  other, the exact split of a product;
* softmax and layer normalisation: their mean slope on the straight line from the reference, by Gauss-Legendre;
* maximum of a stretch: the change belongs to the position that holds the higher of the two maxima.

What none of the rules covers keeps its slope; the sum then misses, and the caller measures by how much.

Source: Shrikumar et al., ICML 2017 (Rescale rule); the product and softmax rules are the Aumann-Shapley value of the
one function, as integrated gradients are of the whole model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cre_core.errors import NotAvailable

Rule = Literal["rescale", "product", "path", "maximum", "attention"]
# By the name under which torch calls them, method and function alike.
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        ("relu", "elu", "gelu", "softplus", "sigmoid", "tanh", "exp", "log", "log1p", "sqrt", "square", "root"),
        "rescale",
    ),
    **dict.fromkeys(("mul", "matmul", "einsum", "linear"), "product"),
    **dict.fromkeys(("softmax", "weighted_softmax", "layer_norm", "div"), "path"),
    "max_pool1d": "maximum",
    "scaled_dot_product_attention": "attention",
}
N_NODES = 16  # of the straight line: a softmax whose logits spread by 3 then adds up to 1e-5 of its change
SMALL = 1e-6  # a change of an input below this says nothing about the slope: the slope itself is taken


class Lift(NamedTuple):
    """What two passes give.

    Attributes:
      multipliers: contribution of each number of each input per unit of its change from the reference.
      after, before: (), the function at the inputs and at the reference.
    """

    multipliers: tuple[Tensor, ...]
    after: Tensor
    before: Tensor


def deep_lift(function: Callable[..., Tensor], inputs: Sequence[Tensor], reference: Sequence[Tensor]) -> Lift:
    """Multipliers of a function of some tensors against one reference.

    Args:
      function: of as many tensors as `inputs`, gives (); it calls the same functions in the same order for both.
      inputs: float32, any shapes.
      reference: the same shapes.

    Returns:
      Multipliers of the inputs' shapes; 0 for an input that the function does not read.

    Raises:
      NotAvailable: the function takes another way at the reference.
    """
    with torch.no_grad(), _Recording() as recording:
        before = function(*(value.detach() for value in reference))
    leaves = [value.detach().clone().requires_grad_() for value in inputs]
    with torch.enable_grad(), _Comparing(recording.calls):
        after = function(*leaves)
    found = torch.autograd.grad(after, leaves, allow_unused=True)
    multipliers = tuple(
        torch.zeros_like(leaf) if one is None else one for leaf, one in zip(leaves, found, strict=True)
    )
    return Lift(multipliers, after.detach(), before)


# ---------------------------------------------------------------- the two passes


@dataclass(frozen=True)
class _Call:
    """A call of a nonlinear function: which, its arguments, and which of those are tensors that may vary."""

    function: Callable[..., Tensor]
    rule: Rule
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    at: tuple[int, ...]

    @classmethod
    def of(cls, function: Callable[..., Tensor], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Call | None:
        """The call, or None when it is linear in what may vary."""
        rule = RULES.get(function.__name__)
        if rule is None:
            return None
        numbers = [n for n, value in enumerate(args) if isinstance(value, Tensor) and value.is_floating_point()]
        if rule == "product" or function.__name__ == "div":
            if len(numbers) < 2 or any(isinstance(args[n], nn.Parameter) for n in numbers):
                return None
        else:  # of normalisation and attention what follows the input is constant
            numbers = numbers[: 2 if function.__name__ == "weighted_softmax" else 1]
        # What works in place would overwrite what it was given.
        kwargs = {**kwargs, "inplace": False} if "inplace" in kwargs else kwargs
        return cls(function, rule, args, kwargs, tuple(numbers)) if numbers else None

    @property
    def operands(self) -> tuple[Tensor, ...]:
        """The tensors that may vary."""
        return tuple(self.args[n] for n in self.at)

    def __call__(self, *operands: Tensor) -> Tensor:
        """The function of other operands."""
        args = list(self.args)
        for n, value in zip(self.at, operands, strict=True):
            args[n] = value
        return self.function(*args, **self.kwargs)


class _Pass(TorchFunctionMode, ABC):
    """Sees every call of a torch function."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        call = _Call.of(func, args, named)
        if call is None:
            return func(*args, **named)
        if call.rule == "attention":
            with self:
                return _attention(*args, **named)
        return self.seen(call)

    @abstractmethod
    def seen(self, call: _Call) -> Tensor:
        """What a nonlinear function gives."""


class _Recording(_Pass):
    """Keeps what each nonlinear function was given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[_Call] = []

    def seen(self, call: _Call) -> Tensor:
        self.calls.append(replace(call, args=tuple(_kept(value) for value in call.args)))
        return call(*call.operands)


class _Comparing(_Pass):
    """Gives each nonlinear function the slope of its rule, in the order of the recorded calls."""

    def __init__(self, calls: Sequence[_Call]) -> None:
        super().__init__()
        self._calls = iter(calls)

    def seen(self, call: _Call) -> Tensor:
        before = next(self._calls, None)
        if before is None or [value.shape for value in before.operands] != [value.shape for value in call.operands]:
            raise NotAvailable(
                f"the model takes another way through {call.function.__name__} at the reference than at the input; "
                "use integrated_gradients"
            )
        ruled = _RULED[call.rule]
        return ruled.apply(call, *call.operands, *before.operands)  # type: ignore[no-untyped-call]


def _kept(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0, **_: Any
) -> Tensor:
    """Scaled dot-product attention in steps that have rules: (B, H, Q, D), (B, H, K, D) twice -> (B, H, Q, D)."""
    logits = (query @ key.transpose(-1, -2)) * query.shape[-1] ** -0.5  # (B, H, Q, K)
    weights = F.softmax(logits if attn_mask is None else logits + attn_mask, dim=-1)
    return weights @ value


# ---------------------------------------------------------------- the rules


class _Rescale(torch.autograd.Function):
    """Change of the output over change of the input, number by number."""

    @staticmethod
    def forward(ctx: Any, call: _Call, value: Tensor, before: Tensor) -> Tensor:
        ctx.call = call
        ctx.save_for_backward(value, before)
        return call(value)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        value, before = ctx.saved_tensors
        with torch.enable_grad():
            point = value.detach().requires_grad_()
            after = ctx.call(point)
        (slope,) = torch.autograd.grad(after, point, torch.ones_like(after))
        change = value - before
        ratio = (after.detach() - ctx.call(before)) / change
        return None, grads[0] * torch.where(change.abs() > SMALL, ratio, slope), None


class _Path(torch.autograd.Function):
    """The mean slope on the straight line from the reference."""

    nodes = N_NODES

    @classmethod
    def places(cls) -> list[tuple[float, float]]:
        """(place, weight) on 0..1."""
        place, weight = np.polynomial.legendre.leggauss(cls.nodes)
        return list(zip(((place + 1) / 2).tolist(), (weight / 2).tolist(), strict=True))

    @classmethod
    def forward(cls, ctx: Any, call: _Call, *operands: Tensor) -> Tensor:  # type: ignore[override]
        ctx.call, n = call, len(operands) // 2
        ctx.save_for_backward(*operands)
        return call(*operands[:n])

    @classmethod
    def backward(cls, ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        n = len(ctx.saved_tensors) // 2
        after, before = ctx.saved_tensors[:n], ctx.saved_tensors[n:]
        total = [torch.zeros_like(value) for value in after]
        for place, weight in cls.places():
            with torch.enable_grad():
                points = [_between(a, b, place) for a, b in zip(after, before, strict=True)]
                value = ctx.call(*points)
            slopes = torch.autograd.grad(value, points, grads[0], allow_unused=True)
            total = [t if s is None else t + weight * s for t, s in zip(total, slopes, strict=True)]
        return None, *total, *(None for _ in before)


class _Product(_Path):
    """Of a product of two the slope in the middle is the mean slope."""

    nodes = 1


class _Maximum(torch.autograd.Function):
    """The change of a stretch's maximum belongs to whoever holds the higher of the two maxima."""

    @staticmethod
    def forward(ctx: Any, call: _Call, value: Tensor, before: Tensor) -> Tensor:
        top, at = _top(call, value)
        top_before, at_before = _top(call, before)
        owner = torch.where(top >= top_before, at, at_before)  # (N, C, L')
        change = (value - before).gather(-1, owner)
        # The owner moves at least as far as the maximum, and in the same direction: the ratio lies in 0..1.
        ratio = torch.where(change.abs() > SMALL, (top - top_before) / change, torch.ones_like(change))
        ctx.save_for_backward(owner, ratio)
        ctx.length = value.shape[-1]
        return top

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        owner, ratio = ctx.saved_tensors
        back = grads[0].new_zeros(*owner.shape[:-1], ctx.length)  # (N, C, L)
        return None, back.scatter_add_(-1, owner, grads[0] * ratio), None


def _between(after: Tensor, before: Tensor, place: float) -> Tensor:
    """A point of the straight line; where both are the same, -inf included, that."""
    return torch.where(after == before, after, before + place * (after - before)).detach().requires_grad_()


def _top(call: _Call, value: Tensor) -> tuple[Tensor, Tensor]:
    """Maxima (N, C, L) -> (N, C, L') and where they lie."""
    found: Any = F.max_pool1d(value, *call.args[1:], **{**call.kwargs, "return_indices": True})
    return found


_RULED: Mapping[str, type[torch.autograd.Function]] = {
    "rescale": _Rescale,
    "product": _Product,
    "path": _Path,
    "maximum": _Maximum,
}
