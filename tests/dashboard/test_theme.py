"""Titles of models and link methods."""

from __future__ import annotations

import pytest

from cre_core.models import registry
from dashboard.theme import METHOD_TITLES, MODEL_TITLES, method_title, model_title


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
