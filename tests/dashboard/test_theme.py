"""Colours of models and link methods."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cre_core.evaluation.methods import simple_methods
from dashboard.theme import METHOD_COLOURS, MODEL_COLOURS, PALETTES, SPARE_COLOURS, method_colour

# What the three kinds of colour blindness make of linear light (Machado et al. 2009, severity 1.0); first, of none.
SEEN = (
    np.eye(3),
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
)
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(XYZ[1] @ linear(colour)) for colour in (one, other))  # of WCAG 2
    return (high + 0.05) / (low + 0.05)


def cielab(light: np.ndarray) -> np.ndarray:
    parts = np.cbrt(XYZ @ np.clip(light, 0.0, 1.0) / [0.9505, 1.0, 1.089])
    return np.array([116 * parts[1] - 16, 500 * (parts[0] - parts[1]), 200 * (parts[1] - parts[2])])


def test_every_simple_method_has_a_colour_of_its_own() -> None:
    assert len({METHOD_COLOURS[method] for method in simple_methods()} - {"#0072B2"}) == len(simple_methods()) - 1


@pytest.mark.parametrize(
    "colour",
    [
        *(METHOD_COLOURS[name] for name in ("nearest_gene", "nearest_tss", "nearest_expressed", "within_100kb")),
        *SPARE_COLOURS,
    ],
)
def test_colours_are_seen_on_both_backgrounds(colour: str) -> None:
    assert min(contrast(colour, palette.background) for palette in PALETTES.values()) >= 2.9


@pytest.mark.parametrize("seen", SEEN)
def test_spare_colours_are_apart_for_every_eye(seen: np.ndarray) -> None:
    """A CIELAB distance of 2.3 is just seen."""
    apart = [
        np.linalg.norm(cielab(seen @ linear(a)) - cielab(seen @ linear(b))) for a, b in combinations(SPARE_COLOURS, 2)
    ]
    assert min(apart) > 15


def test_who_takes_which_colour() -> None:
    assert method_colour("epinformer.attention") == METHOD_COLOURS["attention"]
    assert method_colour("epinformer-hic.attention") == METHOD_COLOURS["attention"]  # weights of EPInformer
    assert method_colour("creator.perturbation") == MODEL_COLOURS["creator"]
    unknown = {name: method_colour(name) for name in ("re2g_published", "toy_score", "epinformer.toy_score")}
    assert set(unknown.values()) <= set(SPARE_COLOURS)  # never black for all
    assert unknown["toy_score"] == unknown["epinformer.toy_score"] == method_colour("toy_score")
    assert len({method_colour(f"method_{n}") for n in range(20)}) == len(SPARE_COLOURS)
