"""The band of candidate elements, coloured by class."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.figures.locus.band import Band, Trace, boxes, filled, items_at, texts_at
from dashboard.text import place
from dashboard.theme import CLASS_COLOURS

_OTHER = "#8A94A6"
# A class is also told by its height, so that colour is not alone.
_TOPS = {"promoter": 0.96, "proximal": 0.8, "distal": 0.64}


def element_band(elements: pd.DataFrame, *, probes: np.ndarray) -> Band:
    """Candidate elements by class; promoters stand highest.

    Args:
      elements: schema.ELEMENTS of the loaded window.
    """
    traces: list[Trace] = []
    for name, group in sorted(elements.groupby("element_class"), key=lambda pair: _TOPS.get(pair[0], 0.5)):
        trace = filled(
            boxes(group["start"], group["end"], 0.08, _TOPS.get(name, 0.5)), CLASS_COLOURS.get(name, _OTHER)
        )
        traces.append({**trace, "name": name})
    rows = items_at(probes, elements["start"].to_numpy(), elements["end"].to_numpy())
    kinds = zip(elements["element_class"], elements["chrom"], elements["start"], elements["end"], strict=True)
    texts = [f"{kind} {place(chrom, start, end)}" for kind, chrom, start, end in kinds]
    classes = [name for name in ("promoter", "proximal", "distal") if (elements["element_class"] == name).any()]
    return Band(
        "elements",
        "Elements",
        " ".join(f"<span style='color:{CLASS_COLOURS[name]}'>▮</span>{name}" for name in classes),
        36,
        traces,
        (0.0, 1.0),
        says=texts_at(rows, texts, "no element"),
        badge="" if len(elements) else "no candidate elements in this window",
    )
