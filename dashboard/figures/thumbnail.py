"""A small picture of a locus as SVG: measured effects along the genome.

Texts stand beside them on the page, so that they follow its theme; the marks' colours hold on light and on dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import pandas as pd

from dashboard.theme import TRUTH

WIDTH, HEIGHT = 220.0, 116.0
GUTTER = 30.0  # at the left, for the scale's numbers
EDGE = 4.0  # so that a mark at the end of the place is whole
_FAINT, _RED = TRUTH["not significant"], TRUTH["significant"]


def effects_svg(
    marks: pd.DataFrame,
    *,
    start: int,
    end: int,
    tss: int | None,
    effect_range: tuple[float, float],
    lines: Sequence[float] = (),
) -> str:
    """Measured effects at their place on the genome.

    Args:
      marks: center_bp, effect_percent, call (`decrease`, `increase`, `not significant`), all inside the place.
      start, end: the place in bp.
      tss: 0-based, drawn dashed; None = not inside.
      effect_range: lower and upper end in per cent, the same for pictures to be compared.
      lines: effects in per cent at which a faint line lies, besides 0.

    Returns:
      SVG text of WIDTH x HEIGHT.
    """

    def x(position: float) -> float:
        return GUTTER + EDGE + (position - start) / (end - start) * (WIDTH - GUTTER - 2 * EDGE)

    def y(effect: float) -> float:
        return height_of(effect, effect_range) * HEIGHT

    def across(effect: float, opacity: float) -> str:
        return _line(GUTTER, y(effect), WIDTH, y(effect), _FAINT, 0.8, f' stroke-opacity="{opacity}"')

    parts = [across(effect, 0.25) for effect in lines] + [across(0.0, 0.7)]
    if tss is not None:
        parts.append(_line(x(tss), 0, x(tss), HEIGHT, _FAINT, 1.2, ' stroke-dasharray="3 2"'))
    order = {"not significant": 0, "increase": 1, "decrease": 2}  # what was found lies on top
    for mark in marks.assign(order=marks["call"].map(order)).sort_values("order", kind="stable").itertuples():
        parts.append(_mark(x(mark.center_bp), y(mark.effect_percent), y(0.0), str(mark.call)))
    return _svg(WIDTH, HEIGHT, parts)


def height_of(effect: float, effect_range: tuple[float, float]) -> float:
    """How far below the picture's top an effect lies, 0..1 of its height."""
    low, high = effect_range
    return (high - effect) / (high - low)


def place_of_rank(rank: float, last: int) -> float:
    """How far along a line from rank 1 to `last`, logarithmic, a rank lies: 0..1."""
    return math.log10(rank) / math.log10(max(last, 2))


def as_address(svg: str) -> str:
    """The picture as the address of an image."""
    return "data:image/svg+xml," + quote(svg, safe="/=:;,.'() ")


def _mark(x: float, y: float, zero: float, call: str) -> str:
    if call == "not significant":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="none" stroke="{_FAINT}" stroke-width="0.9"/>'
    stem = _line(x, zero, x, y, _RED, 1.2)
    if call == "increase":
        points = f"{x:.1f},{y - 3.6:.1f} {x - 3.2:.1f},{y + 2:.1f} {x + 3.2:.1f},{y + 2:.1f}"
        return f'{stem}<polygon points="{points}" fill="{_RED}"/>'
    return f'{stem}<circle cx="{x:.1f}" cy="{y:.1f}" r="2.8" fill="{_RED}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, more: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{more}/>'


def _svg(width: float, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">{"".join(parts)}</svg>'
    )
