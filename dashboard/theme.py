"""Colours by meaning, the same on every page and export. Okabe-Ito values; a shape or dash goes with each."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from cre_core.evaluation.methods import method_kind
from cre_core.models.registry import families

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
# Of the methods of each further model; EPInformer's stand above. Paul Tol's muted values, apart for every eye.
MODEL_COLOURS = {"creator": "#AA4499", "scpge": "#117733", "scpge-lp": "#44AA99", "scpge-kl": "#999933"}
# For methods and models that have none above: each takes one by its name. Paul Tol's values that stand out on either
# background, and apart for every eye (tested).
SPARE_COLOURS = ("#EE6677", "#AA3377", "#997700", "#4477AA")
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


def method_colour(method: str) -> str:
    """The colour of a method on every page: of a simple score or of EPInformer's, else of the model."""
    model, kind = method.rpartition(".")[0], method_kind(method)
    if model in MODEL_COLOURS:
        return MODEL_COLOURS[model]
    if model in families() and model != "epinformer":
        return spare_colour(model)
    return METHOD_COLOURS[kind] if kind in METHOD_COLOURS else spare_colour(kind)


def spare_colour(name: str) -> str:
    """One of SPARE_COLOURS, always the same for a name."""
    return SPARE_COLOURS[zlib.crc32(name.encode()) % len(SPARE_COLOURS)]


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
