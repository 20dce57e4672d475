"""The registry of link methods."""

from __future__ import annotations

import pytest

from cre_core.errors import BadInput
from cre_core.evaluation.methods import METHODS, LinkMethod, method_of, method_title, model_methods, simple_methods
from cre_core.interpretation import attribution


@pytest.mark.parametrize(
    ("method", "title"),
    [
        ("epinformer.attention", "EPInformer attention"),
        ("epinformer-hic.perturbation", "epinformer-hic predicted knock-out"),
        ("creator.attention", "CREaTor attention"),
        ("scpge-kl.attention_abc", "ScPGE-KL attention x ABC"),
        ("abc", "ABC (power law)"),
        ("my_score", "my score"),
    ],
)
def test_method_titles(method: str, title: str) -> None:
    assert method_title(method) == title


def test_every_method_has_code_and_a_title_of_its_own() -> None:
    assert all(callable(METHODS[name].score) for name in simple_methods())
    assert all(callable(method.score) for method in model_methods())
    assert len({method.title for method in METHODS.values()}) == len(METHODS)
    assert {method.name for method in model_methods()} >= set(attribution.METHODS)


def test_what_people_must_know_of_a_method() -> None:
    signed = {name for name, method in METHODS.items() if method.is_signed}
    assert signed == {
        name for name, method in METHODS.items() if method.mode is not None
    }  # shares of expression lost
    yes_no = {name for name, method in METHODS.items() if method.is_yes_no}
    assert yes_no == {"nearest_gene", "nearest_tss", "nearest_expressed", "within_100kb"}
    assert all(method.reads_attention == ("attention" in name) for name, method in METHODS.items())
    summed = {name for name, method in METHODS.items() if method.how_to_join == "sum"}
    assert summed == {"activity", "activity_over_distance", "h3k27ac_over_distance", "abc", "abc_published"}


def test_a_method_that_only_others_compute() -> None:
    with pytest.raises(BadInput, match="nothing computes link method 'abc_published'"):
        _ = method_of("abc_published").score
    assert method_of("somebodys.own_score") == LinkMethod("own_score", "own score")
