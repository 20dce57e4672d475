"""What is shown: a figure with the table behind it, where its numbers come from, and what is missing.

Every picture of a page is one: saving it, the table beside it, the line of provenance and the notice of what is
missing are each one component over it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

Format = Literal["csv", "tsv"]
SEPARATORS: dict[Format, str] = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True)
class Shown:
    """A picture, and what stands behind it.

    Attributes:
      figure: what is drawn; None = there is nothing to draw, and `missing` says why.
      table: the numbers behind it: a column per quantity with its unit in its name, places 0-based half-open as in
        BED under `chrom`, `start`, `end`. None = the figure has no table.
      sources: provenance, part by part.
      name: of its files, without ending.
      is_simulated: marks file and figure.
      missing: part -> one line why it is not there.
      height: CSS height of its place; empty = as high as that.
    """

    figure: go.Figure | Mapping[str, Any] | None
    table: pd.DataFrame | None = None
    sources: Sequence[str] = ()
    name: str = "figure"
    is_simulated: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    height: str = ""

    def for_browser(self) -> dict[str, Any]:
        """What assets/plot.js draws; the table stays here until it is asked for."""
        return {
            "figure": self.figure,
            "name": file_name(self.name),
            "sources": [part for part in self.sources if part],
            "missing": dict(self.missing),
            "height": self.height,
            "hasTable": self.table is not None,
        }


def table_text(shown: Shown, form: Format, *, about: Sequence[str] = ()) -> str:
    """The table of a picture as data: comment lines that say what it is, a header, numbers as numbers.

    Args:
      about: comment lines before those of the provenance.

    Returns:
      Text of lines; NaN is an empty field.
    """
    table = shown.table if shown.table is not None else pd.DataFrame()
    says = [
        *(["simulated data, no measurement"] if shown.is_simulated else []),
        *about,
        *(["places are 0-based, half-open, as in BED"] if "start" in table else []),
        *[part for part in shown.sources if part],
        *[f"missing: {part}: {why}" for part, why in shown.missing.items()],
    ]
    lines = "".join(f"# {' '.join(line.split())}\n" for line in says)
    text = io.StringIO()
    table.to_csv(text, sep=SEPARATORS[form], index=False, lineterminator="\n")
    return lines + text.getvalue()


def file_name(name: str) -> str:
    """A name that any disk takes: letters, digits, and `-_.` between them."""
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "_" for sign in name)
    return safe.strip("._")[:120] or "figure"
