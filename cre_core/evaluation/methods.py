"""Every link method by name: a plain dict of frozen specs. A method's own code is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from cre_core.errors import BadInput
from cre_core.extensions import added, resolved
from cre_core.models.registry import model_title

if TYPE_CHECKING:
    import numpy as np

    from cre_core.schema import Mode

    Score = Callable[[Any], np.ndarray]

ENTRY_POINTS = "crescope.methods"  # where an installed package names a LinkMethod of its own
ATTENTION_IS = "attention is how much weight the model gives an element, not what the element does"
_SIMPLE, _MODEL = "cre_core.evaluation.baselines:", "cre_core.evaluation.model_scores:"


@dataclass(frozen=True)
class LinkMethod:
    """A way to score element-gene pairs, higher where a link is more likely.

    Attributes:
      name: without a dot. A method of models goes by the model's name, a dot and its own: `creator.attention`.
      title: what people call it.
      score_at: `package.module:function`. It gives (n,) scores, NaN = none, of `baselines.Pairs`; of models, of
        `model_scores.ModelScores`. Empty for scores that others published and a study holds.
      is_of_models: every trained model has one, or every one with the `mode`.
      is_signed: a share of expression lost: below 0 where expression rises; people read it in per cent.
      is_yes_no: 1 or 0: a link, or none.
      reads_attention: people must know what attention is, and is not, wherever it stands beside a measurement.
      how_to_join: what the scores of several elements under one tested place become.
      is_slow: seconds a gene: computed where it is named, not where all are asked for.
      is_in_views: pages offer it; the others are for benchmarks.
      mode: the score is a knock-out in this mode, and that of a tested place is one experiment.
      unit: of the score, as printed.
    """

    name: str
    title: str
    score_at: str = ""
    is_of_models: bool = False
    is_signed: bool = False
    is_yes_no: bool = False
    reads_attention: bool = False
    how_to_join: Literal["max", "sum"] = "max"
    is_slow: bool = False
    is_in_views: bool = True
    mode: Mode | None = None
    unit: str = "score"

    @property
    def score(self) -> Score:
        """The function that gives the scores; BadInput for a method that has none."""
        if not self.score_at:
            raise BadInput(f"nothing computes link method '{self.name}'")
        return resolved(self.score_at, of=f"link method {self.name}")


def _attention(name: str, title: str, *, is_in_views: bool = False, unit: str = "weight") -> LinkMethod:
    return LinkMethod(
        name, title, _MODEL + name, is_of_models=True, reads_attention=True, is_in_views=is_in_views, unit=unit
    )


def _knock_out(name: str, title: str, mode: Mode, *, is_in_views: bool = False) -> LinkMethod:
    return LinkMethod(
        name, title, _MODEL + name, is_of_models=True, is_signed=True, mode=mode, is_in_views=is_in_views
    )


def _attributed(name: str, title: str, *, is_slow: bool = False) -> LinkMethod:
    return LinkMethod(name, title, _MODEL + name, is_of_models=True, is_slow=is_slow, is_in_views=False)


METHODS: dict[str, LinkMethod] = {
    method.name: method
    for method in (
        LinkMethod("distance", "distance", _SIMPLE + "distance_score"),
        LinkMethod("nearest_gene", "nearest gene", _SIMPLE + "nearest_gene_score", is_yes_no=True),
        LinkMethod("nearest_tss", "nearest TSS", _SIMPLE + "nearest_tss_score", is_yes_no=True),
        LinkMethod("nearest_expressed", "nearest expressed TSS", _SIMPLE + "nearest_expressed_score", is_yes_no=True),
        LinkMethod("within_100kb", "within 100 kb", _SIMPLE + "within_100kb_score", is_yes_no=True),
        # Activity adds up over the elements that a tested place spans.
        LinkMethod(
            "h3k27ac_over_distance", "H3K27ac / distance", _SIMPLE + "h3k27ac_over_distance_score", how_to_join="sum"
        ),
        LinkMethod("activity", "activity", _SIMPLE + "activity_score", how_to_join="sum"),
        LinkMethod(
            "activity_over_distance", "activity / distance", _SIMPLE + "activity_over_distance_score",
            how_to_join="sum",
        ),
        LinkMethod("abc", "ABC (power law)", _SIMPLE + "abc_score", how_to_join="sum"),
        LinkMethod("abc_published", "ABC, as published", how_to_join="sum", is_in_views=False),
        LinkMethod("re2g_published", "ENCODE-rE2G, as published", is_in_views=False),
        _attention("attention", "attention", is_in_views=True),
        _attention("adjusted_attention", "attention / log10 distance", is_in_views=True),
        _attention("attention_abc", "attention x ABC", is_in_views=True),
        _knock_out("perturbation", "predicted knock-out", "mask", is_in_views=True),
        _attention("attention_sum", "attention, sum 1"),
        _attention("attention_min_max", "attention, 0 to 1"),
        _attention("attention_logit_min_max", "attention, logits 0 to 1"),
        _knock_out("perturbation_silence", "predicted silencing", "silence"),
        _knock_out("perturbation_scramble", "predicted scrambling", "scramble"),
        LinkMethod(
            "attention_or_perturbation", "better rank of attention and knock-out", _MODEL + "better_rank",
            is_of_models=True, reads_attention=True, is_slow=True, is_in_views=False,
        ),
        _attributed("saliency", "saliency"),
        _attributed("gradient_x_input", "gradient x input"),
        _attributed("integrated_gradients", "integrated gradients", is_slow=True),
        _attributed("deep_lift", "DeepLIFT", is_slow=True),
    )
}  # fmt: skip


@lru_cache(maxsize=1)
def methods() -> dict[str, LinkMethod]:
    """Every link method by name: ours, then those of installed packages."""
    return {**METHODS, **added(ENTRY_POINTS, LinkMethod, taken=METHODS, check=_check)}


def simple_methods() -> list[str]:
    """Names of the methods that need no model."""
    return [method.name for method in methods().values() if method.score_at and not method.is_of_models]


def model_methods() -> list[LinkMethod]:
    """The methods that every trained model has."""
    return [method for method in methods().values() if method.is_of_models]


def method_kind(name: str) -> str:
    """The last part of a method's name: `epinformer.attention` -> `attention`."""
    return name.rsplit(".", 1)[-1]


def method_of(name: str) -> LinkMethod:
    """The method of a name, its model's before it or not; of one that nobody knows, what its name tells."""
    kind = method_kind(name)
    return methods().get(kind) or LinkMethod(kind, kind.replace("_", " "))


def method_title(name: str) -> str:
    """What people call a method, with its model where there is one."""
    model = name.rpartition(".")[0]
    return f"{model_title(model)} {method_of(name).title}" if model else method_of(name).title


def _check(method: LinkMethod) -> None:
    """Refuse a method of another package that could not be asked for."""
    if "." in method.name or not method.name:
        raise BadInput(f"the name '{method.name}' came; wanted one without a dot")
    _ = method.score
