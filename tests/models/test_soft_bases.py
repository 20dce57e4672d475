"""Bases as columns of numbers: the same answers as from letters, and a gradient to each."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from cre_core.errors import BadInput
from cre_core.models.blocks import check_bases, one_hot
from cre_core.models.epinformer import activity
from cre_core.models.registry import build
from cre_core.schema import ElementInput

SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "creator": ("creator", {"base_tracks": ("dnase",), "width": 16, "feed_forward": 32}),
    "creator as released": (
        "creator",
        {"base_tracks": ("dnase",), "width": 16, "feed_forward": 32, "strict_original": True},
    ),
    "scpge": ("scpge", {"base_tracks": ("dnase",), "sequence_bp": 400, "n_motifs": 3, "width": 16}),
    "epinformer": ("epinformer", {"sequence_bp": 400}),
}


def bases(n: int = 3, length: int = 400) -> Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.randint(0, 5, (n, length), generator=g, dtype=torch.int8)  # some are N


def soft(sequence: Tensor) -> Tensor:
    return torch.eye(5, 4)[sequence.int()]


@pytest.mark.parametrize("name", SMALL)
def test_soft_bases_give_what_letters_give(name: str) -> None:
    torch.manual_seed(0)
    model: Any = build(SMALL[name][0], SMALL[name][1]).eval()
    signal = torch.rand(3, 400, 1) if SMALL[name][1].get("base_tracks") else None
    columns = soft(bases()).requires_grad_()
    with torch.no_grad():
        wanted = model.encode(ElementInput(bases(), signal))
    found = model.encode(ElementInput(columns, signal))
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    (gradient,) = torch.autograd.grad(found.square().sum(), columns)
    assert gradient.abs().amax((0, 1)).min() > 0  # to each of the four


def test_a_half_known_base_of_the_released_creator_is_half_unknown() -> None:
    """All of the first stage's first step is linear, so half of an A is the mean of A and N."""
    torch.manual_seed(0)
    tokens: Any = build(*SMALL["creator as released"]).eval().tokens  # type: ignore[union-attr]
    a, n = torch.zeros(1, 10, dtype=torch.int8), torch.full((1, 10), 4, dtype=torch.int8)
    half = tokens(ElementInput(soft(a) / 2))
    wanted = (tokens(ElementInput(a)) + tokens(ElementInput(n))) / 2
    torch.testing.assert_close(half, wanted)


def test_soft_bases_are_columns_as_they_are() -> None:
    columns = torch.rand(2, 7, 4)
    assert one_hot(columns).equal(columns.transpose(1, 2))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (torch.zeros(2, 7), r"soft bases have shape \(2, 7\); wanted \(N, L, 4\)"),
        (torch.zeros(2, 7, 5), r"soft bases have shape \(2, 7, 5\); wanted \(N, L, 4\)"),
        (torch.full((2, 7, 4), torch.nan), "soft bases hold NaN or infinity; wanted a column of zeros for N"),
    ],
)
def test_what_is_no_column_of_four_is_refused(columns: Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check_bases(columns)


def test_soft_bases_of_another_width_are_refused() -> None:
    with pytest.raises(BadInput, match=r"soft bases have shape \(2, 7, 4\); wanted \(N, 8, 4\)"):
        check_bases(torch.zeros(2, 7, 4), width=8)


def test_activity_has_a_slope_where_nothing_was_measured() -> None:
    signal = torch.tensor([[4.0, 9.0], [0.0, 9.0], [0.0, 0.0], [torch.nan, 1.0]], requires_grad=True)
    found = activity(signal, ("dnase", "h3k27ac"))
    assert found[:3].tolist() == [6, 0, 0]
    assert found[3].isnan()  # no data is not zero
    (slope,) = torch.autograd.grad(found[:3].sum(), signal)
    assert slope[0].tolist() == pytest.approx([0.75, 1 / 3])  # sqrt(9 / 4) / 2, sqrt(4 / 9) / 2
    assert slope[1:3].tolist() == [[0, 0], [0, 0]]
