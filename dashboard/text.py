"""How numbers, per cents, distances and places are written wherever people read them.

`assets/text.js` has the same functions for the browser; `tests/dashboard/text_cases.json` holds both to one table.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from cre_core.genome import place_text

NO_DATA = "no data"
MINUS = "\N{MINUS SIGN}"
_TINY = Decimal("1e-4")  # smaller numbers are written with an exponent
_FINEST_PERCENT, _FINEST_LOG2 = 2, 3  # decimals: what is smaller is no change

place = place_text


def number(value: float | None) -> str:
    """At most three significant digits: 5563 -> 5,560; 0.01234 -> 0.0123; 2e-5 -> 2e−5; NaN and None -> no data."""
    return _written(_rounded(value)) if _is_number(value) else NO_DATA


def signed(value: float | None) -> str:
    """A number with its sign: +0.2, −3, 0."""
    return _with_sign(number(value), value)


def percent(fraction: float | None) -> str:
    """A relative change: -0.0846 -> `−8.46 %`, 0.25 -> `+25 %`, less than 0.005 % -> `0 %`; NaN -> no data."""
    return f"{_change(fraction)} %" if _is_number(fraction) else NO_DATA


def share(fraction: float | None) -> str:
    """A part of a whole, as `percent` without its sign: 0.052 -> `5.2 %`."""
    return percent(fraction).removeprefix("+")


def points(fraction: float | None) -> str:
    """A difference of two fractions: -0.15 -> `−15 points`; NaN -> no data."""
    return f"{_change(fraction)} points" if _is_number(fraction) else NO_DATA


def log2(value: float | None) -> str:
    """A log2 fold change: 1.5 -> `+1.5`, less than 0.0005 -> `0`; NaN -> no data."""
    return _with_sign(_written(_rounded(value, _FINEST_LOG2)), value) if _is_number(value) else NO_DATA


def strength(value: float) -> str:
    """How much of an element is left, 0..1, as wide at every strength: 0.5 -> `0.50`."""
    return f"{Decimal(float(value)).quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


def distance(bp: float | None) -> str:
    """A length, or a distance whatever its direction: 950 bp, 39.4 kb, 1.18 Mb; NaN -> no data."""
    if not _is_number(bp):
        return NO_DATA
    size = abs(float(bp or 0))
    if size < 999.5:
        return f"{number(math.floor(size + 0.5))} bp"
    return f"{number(size / 1e3)} kb" if size < 999_500 else f"{number(size / 1e6)} Mb"


def offset(bp: float | None) -> str:
    """A distance with its direction: -39400 -> `−39.4 kb`; NaN -> no data."""
    text = distance(bp)
    if bp is None or text in (NO_DATA, "0 bp"):
        return text
    return f"{MINUS if bp < 0 else '+'}{text}"


def element_name(element_id: str, chrom: str, start: int, end: int) -> str:
    """How an element is called: its place; an id that is no spelling of the place stays in front of it."""
    where = place(chrom, start, end)
    return where if element_id.endswith(f"{chrom}:{start}-{end}") else f"{element_id} ({where})"


def short_place(locus: str) -> str:
    """`chr8:127,500,001-129,900,000` -> `chr8:127.5-129.9 Mb`; a text that is no place stays as it is."""
    chrom, _, span = locus.partition(":")
    first, _, last = span.replace(",", "").partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        return locus
    ends = (f"{position / 1e6:.2f}".rstrip("0").rstrip(".") for position in (int(first) - 1, int(last)))
    return f"{chrom}:{'-'.join(ends)} Mb"


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _rounded(value: float | None, finest: int | None = None) -> Decimal:
    """To three significant digits, halves away from zero as in the browser, and at most `finest` decimals."""
    exact = Decimal(float(value or 0))
    decimals = 2 - exact.adjusted()
    decimals = decimals if finest is None else min(decimals, finest)
    return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _written(value: Decimal) -> str:
    if not value:
        return "0"
    text = f"{value:e}" if abs(value) < _TINY else f"{value:,f}"
    mantissa, e, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}{e}{exponent}".replace("-", MINUS)


def _change(fraction: float | None) -> str:
    return _with_sign(_written(_rounded(100.0 * float(fraction or 0), _FINEST_PERCENT)), fraction)


def _with_sign(text: str, value: float | None) -> str:
    return f"+{text}" if value is not None and value > 0 and text not in ("0", NO_DATA) else text
