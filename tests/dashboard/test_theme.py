"""Titles of models and link methods."""

from __future__ import annotations

import pytest

from cre_core.evaluation.baselines import METHODS
from cre_core.models import registry
from dashboard.theme import METHOD_COLOURS, METHOD_TITLES, MODEL_TITLES, PALETTES, method_title, model_title


def test_models_are_called_as_the_registry_has_them() -> None:
    expression = {
        name: (registry.spec_of(model), settings)
        for name, (model, settings) in registry.FAMILIES.items()
        if registry.spec_of(model).gives == "expression"
    }
    assert set(MODEL_TITLES) == set(expression)
    for name, (spec, settings) in expression.items():
        form = settings.get("form", "plain")
        assert MODEL_TITLES[name] == spec.title + ("" if form == "plain" else f"-{form.upper()}")


@pytest.mark.parametrize(
    ("method", "title"),
    [
        ("epinformer.attention", "EPInformer attention"),
        ("epinformer-hic.perturbation", "epinformer-hic predicted knock-out"),
        ("creator.attention", "CREaTor attention"),
        ("scpge-kl.attention_abc", "ScPGE-KL attention x ABC"),
        ("abc", "ABC (power law)"),
        ("abc_published", "abc published"),
    ],
)
def test_method_titles(method: str, title: str) -> None:
    assert method_title(method) == title


def test_an_unknown_folder_goes_by_its_name() -> None:
    assert model_title("my-model") == "my-model"
    assert len(set(METHOD_TITLES.values())) == len(METHOD_TITLES)


def test_every_simple_method_has_a_title_and_a_colour_of_its_own() -> None:
    assert set(METHODS) <= set(METHOD_TITLES)
    assert len({METHOD_COLOURS[method] for method in METHODS} - {"#0072B2"}) == len(METHODS) - 1


@pytest.mark.parametrize("method", ["nearest_gene", "nearest_tss", "nearest_expressed", "within_100kb"])
def test_colours_are_seen_on_both_backgrounds(method: str) -> None:
    def luminance(colour: str) -> float:  # of WCAG 2
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for palette in PALETTES.values():
        low, high = sorted((luminance(METHOD_COLOURS[method]), luminance(palette.background)))
        assert (high + 0.05) / (low + 0.05) >= 2.9
