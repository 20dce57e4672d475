"""Which transcription factors matter in which element, to a model that reads motif scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, NotAvailable
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.attribution import ADD_UP, AttributionSettings, attribute

if TYPE_CHECKING:
    from cre_core.io.motifs import Motif

N_TOP = 10  # of an element, as ScPGE reports them


def tf_contributions(
    predictor: Predictor,
    window: GeneWindow,
    motifs: Sequence[Motif],
    *,
    method: str = "deep_lift",
    n_top: int = N_TOP,
    settings: AttributionSettings | None = None,
) -> pd.DataFrame:
    """The motifs whose scores contribute most to a gene's prediction, element by element.

    Bases and signals stay as measured; the motif scores are compared with zeros.

    Args:
      predictor: of a model that reads motif scores.
      window: from `predictor.window`.
      motifs: those whose scores the model reads, in its order.
      method: `deep_lift` or `integrated_gradients`.
      n_top: motifs per element.
      settings: steps and bound; its inputs are not asked.

    Returns:
      As `strongest`; contributions in the predictor's unit. Elements that the model does not read have no row.

    Raises:
      BadInput: another method, or another number of motifs than the model reads.
      NotAvailable: the model reads no motif scores, or as `attribute`.

    Source: ScPGE, Genome Research 2026, Methods: DeepLIFT on motif scores, the ten strongest per element.
    """
    if method not in ADD_UP:
        raise BadInput(f"came method '{method}'; contributions of factors want {' or '.join(ADD_UP)}")
    given = settings or AttributionSettings()
    chosen = AttributionSettings(given.n_steps, given.n_references, given.seed, given.bound, inputs=("motif",))
    found = attribute(predictor, window, method=method, settings=chosen).motif
    if found is None:
        raise NotAvailable(f"{predictor.label} reads no motif scores")
    return strongest(found, window.elements["element_id"], motifs, n_top=n_top)


def strongest(
    contributions: np.ndarray, element_ids: Sequence[str] | pd.Series, motifs: Sequence[Motif], *, n_top: int = N_TOP
) -> pd.DataFrame:
    """The contributions of greatest size in each element.

    Args:
      contributions: (E, M), signed; NaN = not read.
      element_ids: E.
      motifs: M.
      n_top: per element, or as many as are known.

    Returns:
      element_id, rank (from 1), motif_id, motif_name, contribution; elements in their order, the greatest first.

    Raises:
      BadInput: shapes that do not belong together.
    """
    if contributions.shape != (len(element_ids), len(motifs)):
        wanted = (len(element_ids), len(motifs))
        raise BadInput(f"contributions of shape {contributions.shape} came; wanted (elements, motifs) = {wanted}")
    size = np.where(np.isnan(contributions), -1.0, np.abs(contributions))  # (E, M): no data comes last
    order = np.argsort(-size, axis=1, kind="stable")[:, :n_top]  # (E, n)
    element, rank = np.nonzero(np.take_along_axis(size, order, 1) >= 0)
    motif = order[element, rank]
    return pd.DataFrame(
        {
            "element_id": np.asarray(element_ids)[element],
            "rank": rank + 1,
            "motif_id": [motifs[m].id for m in motif],
            "motif_name": [motifs[m].name for m in motif],
            "contribution": contributions[element, motif],
        }
    )
