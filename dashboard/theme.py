"""Colours by meaning, the same on every page and export. Okabe-Ito values; a shape or dash goes with each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark"]

ASSAY_COLOURS = {
    "dnase": "#009E73",
    "h3k27ac": "#E69F00",
    "h3k4me3": "#D55E00",
    "ctcf": "#0072B2",
    "rad21": "#56B4E9",
    "rna": "#7F7F7F",
}
METHOD_COLOURS = {
    "distance": "#999999",
    "nearest_gene": "#CC6677",
    "nearest_tss": "#6699CC",
    "nearest_expressed": "#8877BB",
    "within_100kb": "#A0785A",
    "h3k27ac_over_distance": "#B8860B",
    "activity": "#8C8C5A",
    "activity_over_distance": "#6E6E6E",
    "abc": "#0072B2",
    "attention": "#D55E00",
    "adjusted_attention": "#E69F00",
    "attention_abc": "#CC79A7",
    "perturbation": "#009E73",
}
METHOD_DASHES = {
    "distance": "dot",
    "nearest_gene": "solid",
    "nearest_tss": "dash",
    "nearest_expressed": "dashdot",
    "within_100kb": "dot",
    "activity_over_distance": "dash",
    "abc": "solid",
    "attention": "solid",
    "adjusted_attention": "dash",
    "attention_abc": "dashdot",
    "perturbation": "solid",
}
METHOD_TITLES = {
    "distance": "distance",
    "nearest_gene": "nearest gene",
    "nearest_tss": "nearest TSS",
    "nearest_expressed": "nearest expressed TSS",
    "within_100kb": "within 100 kb",
    "h3k27ac_over_distance": "H3K27ac / distance",
    "activity": "activity",
    "activity_over_distance": "activity / distance",
    "abc": "ABC (power law)",
    "attention": "attention",
    "adjusted_attention": "attention / log10 distance",
    "attention_abc": "attention x ABC",
    "perturbation": "predicted knock-out",
}
# Of a model's folder; one that is not here goes by its folder's name. As the models' registry has them (tested).
MODEL_TITLES = {
    "epinformer": "EPInformer",
    "creator": "CREaTor",
    "scpge": "ScPGE",
    "scpge-lp": "ScPGE-LP",
    "scpge-kl": "ScPGE-KL",
}
# Of the methods of each further model; EPInformer's stand above. Paul Tol's muted values, apart for every eye.
MODEL_COLOURS = {"creator": "#AA4499", "scpge": "#117733", "scpge-lp": "#44AA99", "scpge-kl": "#999933"}
# Methods whose score is a share of expression lost: a sign, and per cent.
SIGNED_METHODS = frozenset({"perturbation"})
# Methods that say 1 or 0: a link, or none.
YES_NO_METHODS = frozenset({"nearest_gene", "nearest_tss", "nearest_expressed", "within_100kb"})
# Methods that read a model's attention; what people must know of it wherever it stands beside a measurement.
ATTENTION_METHODS = frozenset({"attention", "adjusted_attention", "attention_abc"})
ATTENTION_IS = "attention is how much weight the model gives an element, not what the element does"
# SCREEN's class colours.
CLASS_COLOURS = {"promoter": "#FF0000", "proximal": "#FFA700", "distal": "#FFCD00", "ctcf": "#00B0F0"}
DECREASE, INCREASE = "#D55E00", "#56B4E9"
TRUTH = {"significant": "#CC2529", "not significant": "#808A94"}


@dataclass(frozen=True)
class Palette:
    """Colours that change between light and dark."""

    background: str
    ink: str
    faint_ink: str
    hairline: str
    band: str
    accent: str


PALETTES: dict[ThemeName, Palette] = {
    "light": Palette("#FFFFFF", "#12263A", "#5F7488", "#E3EAF0", "#F5F8FA", "#0B66C3"),
    "dark": Palette("#12181F", "#E6EDF3", "#93A4B5", "#2A3642", "#19222C", "#5AA9F5"),
}


def method_kind(method: str) -> str:
    """The last part of a method's name: `epinformer.attention` -> `attention`."""
    return method.rsplit(".", 1)[-1]


def method_title(method: str) -> str:
    """How a method is called on the page, with its model where there is one."""
    model, _, kind = method.rpartition(".")
    title = METHOD_TITLES.get(kind, kind.replace("_", " "))
    return f"{model_title(model)} {title}" if model else title


def model_title(model: str) -> str:
    """How a model is called on the page, by the name of its folder."""
    return MODEL_TITLES.get(model, model)


def method_colour(method: str) -> str:
    """The colour of a method on every page: of a simple score or of EPInformer's, else of the model."""
    model = method.rpartition(".")[0]
    if model in MODEL_COLOURS:
        return MODEL_COLOURS[model]
    return METHOD_COLOURS.get(method_kind(method), "#000000")


def assay_colour(assay: str) -> str:
    """The colour of an assay on every page."""
    return ASSAY_COLOURS.get(assay.lower(), "#7F7F7F")


def css_variables() -> str:
    """The palettes as CSS variables (`--cs-ink`, ...), light by default, dark under Mantine's dark scheme."""
    blocks = {":root": PALETTES["light"], ':root[data-mantine-color-scheme="dark"]': PALETTES["dark"]}
    rules = []
    for selector, palette in blocks.items():
        pairs = (f"--cs-{name.replace('_', '-')}:{value}" for name, value in vars(palette).items())
        rules.append(f"{selector}{{{';'.join(pairs)}}}")
    fixed = {**TRUTH, "simulated": ASSAY_COLOURS["h3k27ac"], "real": ASSAY_COLOURS["dnase"]}
    pairs = (f"--cs-{name.replace(' ', '-')}:{value}" for name, value in fixed.items())
    return "".join([*rules, f":root{{{';'.join(pairs)}}}"])
