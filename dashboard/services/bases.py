"""Which bases of one element matter to a gene's prediction, and which known motifs have sites there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.errors import CreError, NotAvailable
from cre_core.genome import Locus
from cre_core.inference.predicts import Predicts
from cre_core.io.motifs import Motif, read_motifs
from dashboard.services.desk import Desk, Experiment, models_of
from dashboard.services.library import Library

MUTAGENESIS = "mutagenesis"
MOST_MUTATED_BP = 600  # 1,800 variants: seconds
NO_BASE = 4


@dataclass(frozen=True)
class BaseScores:
    """A score for each base of one element.

    Attributes:
      method: an attribution method, or MUTAGENESIS.
      place: of the bases on the genome.
      reference: (L,) int8, 0..3 = A C G T of the + strand, 4 = N.
      score: (L,) float64: the contribution of the base that is there, or the mean log2 fold change of its three
        substitutions; NaN = not read.
      unit: of the score.
      difference, convergence_delta: of Attribution; NaN where the method has none.
    """

    method: str
    place: Locus
    reference: np.ndarray
    score: np.ndarray
    unit: str
    difference: float = float("nan")
    convergence_delta: float = float("nan")


def reads_bases(predictor: Predicts) -> bool:
    """Whether a model reads the bases of elements."""
    return "scramble" in predictor.modes


def models_reading_bases(desk: Desk, study: Study, biosample: str) -> list[str]:
    """Folder names of the biosample's models that read bases."""
    found = []
    for model in models_of(study, biosample):
        try:
            if reads_bases(desk.predictor(study, model, biosample=biosample)):
                found.append(model)
        except CreError:  # a model that does not open is named where it is asked for
            continue
    return found


def base_scores(library: Library, experiment: Experiment, element_id: str, method: str) -> BaseScores:
    """Scores of an element's bases, from the disk cache or computed now.

    Contributions are of all bases that the model reads of the element; mutagenesis is of the element's own bases, the
    middle MOST_MUTATED_BP of a wider one.

    Raises:
      NotAvailable: the model reads no sequence, or not this element, or contributions that should add up do not.
    """
    predictor, window = experiment.predictor, experiment.window
    if not reads_bases(predictor) or window.inputs is None:
        raise NotAvailable(f"{predictor.label} reads no sequence")
    weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
    gene_id, study = str(window.gene["gene_id"]), predictor.study.name
    key = ("knockout.bases", predictor.name, predictor.biosample, gene_id, weights, method)
    if method == MUTAGENESIS:
        return library.memo(study, (*key, element_id), lambda: _mutated(predictor, window, element_id))
    found = library.memo(study, key, lambda: _attributed(predictor, window, method))
    row = int(window.positions_of([element_id])[0])
    if not np.isfinite(found.score[row]).any():
        raise NotAvailable(f"{predictor.label} does not read element {element_id} for {window.gene['gene_name']}")
    place, reference = bases_of(window, row)
    score = found.score[row, -len(reference) :].astype(np.float64)  # a place cut at the chromosome's start
    return BaseScores(method, place, reference, score, found.unit, found.difference, found.convergence_delta)


@dataclass(frozen=True)
class _GeneScores:
    """Contributions (E, L) of the base that is there, for all elements of a gene at once."""

    score: np.ndarray
    unit: str
    difference: float
    convergence_delta: float


def _attributed(predictor: Predicts, window: GeneWindow, method: str) -> _GeneScores:
    from cre_core.interpretation.attribution import attribute  # torch, as below: only for whoever asks about bases

    found = attribute(predictor.with_weights(), window, method=method)
    if found.bases is None:
        raise NotAvailable(
            f"{predictor.label} reads bases only through motif scores, which no gradient passes; mutagenesis does"
        )
    is_known = np.isfinite(found.bases).any(-1)  # (E, L)
    score = np.where(is_known, np.nansum(found.bases, axis=-1), np.nan).astype(np.float32)  # (E, L, 4) -> (E, L)
    return _GeneScores(score, found.unit, found.difference, found.convergence_delta)


def _mutated(predictor: Predicts, window: GeneWindow, element_id: str) -> BaseScores:
    from cre_core.interpretation.mutagenesis import saturate

    row = int(window.positions_of([element_id])[0])
    read, element = bases_of(window, row)[0], window.elements.iloc[row]
    start, end = max(read.start, int(element["start"])), min(read.end, int(element["end"]))
    middle = (start + end) // 2
    start, end = max(start, middle - MOST_MUTATED_BP // 2), min(end, middle + MOST_MUTATED_BP // 2)
    found = saturate(predictor.with_weights(), window, element_id, place=Locus(read.chrom, start, end))
    return BaseScores(
        MUTAGENESIS, found.place, found.reference, mean_of_others(found.log2_fold_change, found.reference), "log2 FC"
    )


def mean_of_others(change: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Mean over the three bases that are not there.

    Args:
      change: (L, 4), NaN where the base is N.
      reference: (L,) int8.

    Returns:
      (L,) float64, NaN where the base is N.
    """
    is_other = reference[:, None] != np.arange(4)  # (L, 4)
    mean = np.where(is_other, change, 0.0).sum(1) / 3  # (L,)
    return np.where(reference < NO_BASE, mean, np.nan)


def bases_of(window: GeneWindow, row: int) -> tuple[Locus, np.ndarray]:
    """The bases that a model reads of one element of a window.

    Returns:
      Their place, and (L,) int8 0..4; bases before the chromosome are left out.
    """
    batch = window.batch
    assert batch.inputs is not None
    assert batch.input_row is not None
    sequence = batch.inputs.sequence[int(batch.input_row[0, row])].numpy()  # (L,)
    element = window.elements.iloc[row]
    start = (int(element["start"]) + int(element["end"])) // 2 - len(sequence) // 2
    missing = max(0, -start)
    return Locus(str(element["chrom"]), start + missing, start + len(sequence)), sequence[missing:]


def sites_of(study: Study, place: Locus, reference: np.ndarray, *, element_id: str) -> pd.DataFrame:
    """Sites of the study's own motifs in a stretch of bases, as `motif_hits` gives them.

    Raises:
      NotAvailable: the study has no motifs.
    """
    import torch

    from cre_core.interpretation.motif_hits import motif_hits

    if not study.info.motifs:
        raise NotAvailable(f"study {study.name} has no motifs: no site is named")
    motifs = [one for one in _motifs(study) if one.width_bp <= len(reference)]
    where = pd.DataFrame({"element_id": [element_id], "chrom": [place.chrom], "start": [place.start]})
    return motif_hits(torch.from_numpy(reference.astype(np.int8))[None], where, motifs)  # (1, L)


def _motifs(study: Study) -> list[Motif]:
    path = study.folder / str(study.info.motifs)
    return study.kept.get("motifs", lambda: read_motifs(path))
