"""Blocks that two models share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cre_core.models.blocks import (
    RelativeBias,
    TransformerLayer,
    log_strength,
    one_hot,
    start_softplus_at,
    weighted_softmax,
)


def close(a: Tensor, b: Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, atol=tolerance, rtol=0)


def test_one_hot_by_hand() -> None:
    assert one_hot(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.int8))[0].T.tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]


def test_weighted_softmax_is_softmax_plus_log_strength() -> None:
    torch.manual_seed(1)
    logits, strength = torch.randn(6, 7) * 5, torch.rand(6, 7)
    close(weighted_softmax(logits, strength), (logits + strength.log()).softmax(-1))
    strength[:, 2] = 0
    logits[:, 2] = 500  # a far higher key that is not there
    found = weighted_softmax(logits, strength)
    assert (found[:, 2] == 0).all()
    close(found, (logits + strength.log()).softmax(-1))


def test_log_strength_by_hand() -> None:
    assert log_strength(torch.tensor([1.0, 0.0])).tolist() == [0.0, -torch.inf]
    close(log_strength(torch.tensor([0.5])), torch.tensor([-0.6931472]))


def test_a_softplus_starts_where_it_is_told() -> None:
    layer = nn.Linear(3, 1)
    for mean in (0.1, 5.0):
        start_softplus_at(layer, mean)
        close(nn.functional.softplus(layer(torch.zeros(3))), torch.tensor([mean]))


def test_the_authors_bucket_table(parity: Path) -> None:
    known = np.load(parity / "creator.npz")
    found = RelativeBias(4).bucket(torch.from_numpy(known["bucket_in"]))
    assert found.tolist() == known["bucket_out"].tolist()


def test_buckets_by_hand() -> None:
    relative = torch.tensor([0, 1, 15, 16, 19, 20, 255, 10_000, -1, -16, -10_000])
    assert RelativeBias(1).bucket(relative).tolist() == [0, 1, 15, 16, 16, 17, 31, 31, 33, 48, 63]


def test_a_layer_is_the_plain_formula() -> None:
    torch.manual_seed(0)
    layer = TransformerLayer(8, 2, feed_forward=16, activation=nn.ReLU, dropout=0.1).eval()
    tokens, bias = torch.randn(2, 5, 8), torch.randn(1, 2, 5, 5)
    x = layer.norm1(tokens)
    query, key, value = (x @ part.T for part in layer.query_key_value.weight.split(8))
    heads = []
    for h in range(2):
        part = slice(4 * h, 4 * h + 4)
        weights = (query[..., part] @ key[..., part].transpose(1, 2) / 2 + bias[:, h]).softmax(-1)
        heads.append(weights @ value[..., part])
    wanted = tokens + torch.cat(heads, -1) @ layer.out.weight.T
    wanted = wanted + layer.feed_forward(layer.norm2(wanted))
    close(layer(tokens, bias), wanted, 1e-5)
    close(layer(tokens, bias, rows=slice(-1, None)), wanted[:, -1:], 1e-5)  # by the way of few rows
    close(layer(tokens, bias, rows=slice(0, 4)), wanted[:, :4], 1e-5)  # by the way of many
    close(layer.mixed_by(tokens, layer.logits(tokens, bias).softmax(-1)), wanted, 1e-5)
    out, watched = layer.watched(tokens, bias, n_watched=2)
    close(out, wanted, 1e-5)
    close(watched, layer.logits(tokens, bias).softmax(-1)[:, :, :2])
    close(layer.watched(tokens, bias, rows=slice(0, 2), n_watched=2)[1], watched)


@pytest.mark.parametrize("rows", [slice(None), slice(0, 1)])
def test_variants_of_one_row_of_tokens_are_that_row_repeated(rows: slice) -> None:
    torch.manual_seed(0)
    layer = TransformerLayer(8, 2, feed_forward=16, activation=nn.ReLU, dropout=0.1).eval()
    tokens, bias = torch.randn(1, 5, 8), torch.randn(3, 1, 5, 5)
    out, watched = layer.watched(tokens, bias, rows=rows, n_watched=1)
    wanted, wanted_watched = layer.watched(tokens.expand(3, -1, -1), bias, rows=rows, n_watched=1)
    close(out, wanted)
    close(watched, wanted_watched)
