"""What the model process can be asked: a name and a plain function each.

An operation gets one predictor, one gene's window and every request it answers at once, and gives arrays for each.
The option `shuffle` says which of the many shuffles mode scramble uses, as in Predictor.predict_variants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, NotAvailable
from cre_core.inference.predictor import Predictor
from cre_core.inference.predicts import SCAN_BATCH
from cre_core.schema import Mode, Prediction
from dashboard.services.models.protocol import Request

Arrays = dict[str, np.ndarray]
Operation = Callable[[Predictor, GeneWindow, Sequence[Request]], list[Arrays]]
MOST_VARIANTS = 4_096  # of one request


def variants(predictor: Predictor, window: GeneWindow, requests: Sequence[Request]) -> list[Arrays]:
    """`strengths` (V, E) -> `expression` (V,) in the predictor's unit and `attention` (V, E), mean over heads."""
    return [
        {"expression": found.expression.numpy(), "attention": found.element_attention.numpy()}
        for found in _predictions(predictor, window, requests)
    ]


def attention(predictor: Predictor, window: GeneWindow, requests: Sequence[Request]) -> list[Arrays]:
    """`strengths` (V, E) -> `expression` (V,) and `attention` (V, layers, H, 1 + E), as in schema.Prediction."""
    return [
        {"expression": found.expression.numpy(), "attention": found.attention.numpy()}
        for found in _predictions(predictor, window, requests)
    ]


def scan(predictor: Predictor, window: GeneWindow, requests: Sequence[Request]) -> list[Arrays]:
    """`rows` (n,), positions in the window -> `expression` (1 + n,) as measured and with each out alone."""
    every = [_rows(request, len(window.elements)) for request in requests]
    shuffle, mode = _shuffle(requests[0]), requests[0].mode
    found = {
        key: predictor.predict_singles(window, rows, mode=mode, shuffle=shuffle).numpy()
        for key, rows in {rows.tobytes(): rows for rows in every}.items()
    }
    return [{"expression": found[rows.tobytes()]} for rows in every]


def reads(predictor: Predictor, window: GeneWindow, requests: Sequence[Request]) -> list[Arrays]:
    """`is_read` (E,): 1 for the elements the model looks at, 0 for the others."""
    return [{"is_read": predictor.looks_at(window).astype(np.float32)}] * len(requests)


OPERATIONS: dict[str, Operation] = {"variants": variants, "scan": scan, "attention": attention, "reads": reads}


def _predictions(predictor: Predictor, window: GeneWindow, requests: Sequence[Request]) -> list[Prediction]:
    """One prediction per request, of one or a few forward passes over the rows of all."""
    if not len(window.elements):
        reach = f"{predictor.reads.reach_bp / 1e6:g} Mb"
        raise NotAvailable(f"no element within {reach} of {window.gene['gene_name']}: nothing to knock out")
    strengths = np.concatenate([_strengths(request) for request in requests])  # (sum of V, E)
    found = _predicted(predictor, window, strengths, mode=requests[0].mode, shuffle=_shuffle(requests[0]))
    sizes = [request.n_rows for request in requests]
    split = zip(found.expression.split(sizes), found.attention.split(sizes), strict=True)
    return [Prediction(expression, weights) for expression, weights in split]


def _predicted(
    predictor: Predictor, window: GeneWindow, strengths: np.ndarray, *, mode: Mode, shuffle: int
) -> Prediction:
    parts = [
        predictor.predict_variants(window, part, mode=mode, shuffle=shuffle)
        for part in np.array_split(strengths, -(-len(strengths) // SCAN_BATCH))
    ]
    return Prediction(
        expression=torch.cat([part.expression for part in parts]),  # (V,)
        attention=torch.cat([part.attention for part in parts]),  # (V, layers, H, 1 + E)
    )


def _strengths(request: Request) -> np.ndarray:
    strengths = request.arrays.get("strengths")
    if strengths is None or set(request.arrays) != {"strengths"}:
        named = ", ".join(sorted(request.arrays)) or "no array"
        raise BadInput(f"{request.operation} came with {named}; wanted strengths (variants, elements)")
    if strengths.ndim != 2 or not 0 < len(strengths) <= MOST_VARIANTS:
        raise BadInput(f"strengths of shape {strengths.shape}; wanted 1 to {MOST_VARIANTS} variants x elements")
    return strengths


def _rows(request: Request, n_elements: int) -> np.ndarray:
    rows = request.arrays.get("rows")
    if rows is None or set(request.arrays) != {"rows"} or rows.ndim != 1 or not len(rows) <= MOST_VARIANTS:
        named = ", ".join(f"{name} {array.shape}" for name, array in sorted(request.arrays.items())) or "no array"
        raise BadInput(f"scan came with {named}; wanted rows (elements,), at most {MOST_VARIANTS}")
    whole = rows.astype(int)
    if (whole != rows).any() or ((whole < 0) | (whole >= n_elements)).any():
        raise BadInput(f"scan came with rows outside 0 to {n_elements - 1}, or between whole numbers")
    return whole


def _shuffle(request: Request) -> int:
    shuffle = request.options.get("shuffle", 0)
    if type(shuffle) is not int or not 0 <= shuffle < 2**31:
        raise BadInput(f"shuffle is {shuffle!r}; wanted a whole number from 0")
    return shuffle
