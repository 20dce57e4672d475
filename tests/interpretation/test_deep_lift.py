"""DeepLIFT's rules: by hand, by their sum, and as Captum has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cre_core.errors import NotAvailable
from cre_core.interpretation.deep_lift import deep_lift
from cre_core.models.blocks import TransformerLayer, weighted_softmax


def lifted(function: Callable[..., Tensor], *pairs: tuple[list[float], list[float]]) -> list[list[float]]:
    found = deep_lift(
        function, [torch.tensor(after) for after, _ in pairs], [torch.tensor(before) for _, before in pairs]
    )
    return [one.tolist() for one in found.multipliers]


def test_a_linear_function_has_its_weights() -> None:
    weight = torch.tensor([2.0, -3.0])
    assert lifted(lambda x: (weight * x).sum(), ([5.0, 1.0], [1.0, 1.0])) == [[2, -3]]


def test_a_relu_has_the_ratio_of_its_changes() -> None:
    # from -1 to 3: 3 / 4; from -2 to -1: 0; from 1 to 2: 1; unchanged at 5: its slope
    assert lifted(lambda x: F.relu(x).sum(), ([3.0, -1, 2, 5], [-1.0, -2, 1, 5])) == [[0.75, 0, 1, 1]]


def test_a_product_is_shared_by_its_factors() -> None:
    # 3 x 5 - 1 x 2 = 13 = 2 x (5 + 2) / 2 + 3 x (3 + 1) / 2
    assert lifted(lambda a, b: (a * b).sum(), ([3.0], [1.0]), ([5.0], [2.0])) == [[3.5], [2]]


def test_a_maximum_belongs_to_who_holds_the_higher() -> None:
    def function(x: Tensor) -> Tensor:
        return F.max_pool1d(x[None, None], 2).sum()

    # 1 -> 4 by the first, which moved by 4: 3 / 4. 6 -> 2 by the third, which moved by 5: 4 / 5.
    assert lifted(function, ([4.0, 1, 1, 2], [0.0, 1, 6, 2]))[0] == pytest.approx([0.75, 0, 0.8, 0])


def test_what_is_not_read_has_no_multiplier() -> None:
    assert lifted(lambda a, b: a.sum(), ([3.0], [1.0]), ([5.0], [2.0])) == [[1], [0]]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.softmax(-1)[0],
        lambda x: (x.exp() / x.exp().sum())[0],
        lambda x: weighted_softmax(x, torch.tensor([1.0, 0.5, 0.0, 1.0]))[0],
        lambda x: F.layer_norm(x, (4,))[0],
        lambda x: F.relu(x * 1, inplace=True).log1p().sum(),
        lambda x: F.gelu(x).sum() + F.elu(x).sum() + F.softplus(x).sum() + x.square().sum(),
        lambda x: torch.einsum("i,j->ij", x, x).sum(),
        lambda x: F.linear(x[None], x[None]).sum(),
    ],
)
def test_contributions_add_up_to_the_change(function: Callable[[Tensor], Tensor]) -> None:
    x, before = torch.tensor([1.5, -0.7, 2.0, 0.3]), torch.tensor([-0.5, 0.4, 0.1, 0.3])
    found = deep_lift(function, [x], [before])
    assert found.after == pytest.approx(float(function(x)))
    assert found.before == pytest.approx(float(function(before)))
    total = (found.multipliers[0] * (x - before)).sum()
    assert float(total) == pytest.approx(float(found.after - found.before), rel=1e-4)


def test_a_transformer_adds_up_with_keys_that_are_not_there() -> None:
    torch.manual_seed(0)
    layer = TransformerLayer(8, 2, feed_forward=16, activation=lambda: nn.ReLU(inplace=True), dropout=0.1).eval()
    bias = torch.randn(1, 2, 5, 5)
    bias[..., 3] = -torch.inf
    x, before = torch.randn(1, 5, 8) * 2, torch.randn(1, 5, 8)
    found = deep_lift(lambda tokens: layer(tokens, bias)[0, 0].square().sum(), [x], [before])
    contribution = found.multipliers[0] * (x - before)
    assert float(contribution.sum()) == pytest.approx(float(found.after - found.before), rel=1e-3)
    assert contribution[0, 3].abs().max() == 0  # nobody looks at it


def test_as_captum_has_it() -> None:
    from captum.attr import DeepLift

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(4, 6, 5), nn.ReLU(), nn.Conv1d(6, 6, 3), nn.ELU(), nn.Flatten(), nn.Linear(6 * 14, 1), nn.Softplus()
    ).eval()
    x, before = torch.randn(1, 4, 20, requires_grad=True), torch.randn(1, 4, 20)
    with pytest.warns(UserWarning, match="Setting forward, backward hooks"):
        wanted = DeepLift(model).attribute(x, before)
    found = deep_lift(lambda value: model(value)[0, 0], [x.detach()], [before])
    torch.testing.assert_close(found.multipliers[0] * (x - before).detach(), wanted.detach())


def test_another_way_at_the_reference_is_refused() -> None:
    def forked(x: Tensor) -> Tensor:
        return F.relu(x).sum() if x[0] > 0 else x.sum()

    with pytest.raises(NotAvailable, match="takes another way through relu at the reference than at the input"):
        deep_lift(forked, [torch.tensor([1.0])], [torch.tensor([-1.0])])
