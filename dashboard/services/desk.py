"""The desk where knock-outs are asked for: open predictors, and the experiment of each gene that someone looks at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.study import Study, Track
from cre_core.data.windows import GeneWindow
from cre_core.errors import NotAvailable
from cre_core.evaluation.scan import Scan, expected_fraction, known_strengths, run_scan, with_others
from cre_core.inference.known import model_folders, trained_models
from cre_core.inference.predicts import Predicts
from cre_core.interpretation.perturb import Perturbation, knock_out, neighbour_effects
from cre_core.kept import Kept
from cre_core.schema import Mode
from dashboard.services.library import Library
from dashboard.services.remote import asked_by, open_remote

KEPT_EXPERIMENTS = 64
SCAN_VERSION = 5  # another number forgets the scans kept on disk


@dataclass(frozen=True)
class Experiment:
    """A gene's scan, and what it takes to ask the model more.

    Attributes:
      predictor, window, mode, scan: what was asked, and the answer.
      fold: the fold that answers for the gene.
      is_leaked: whether that fold's model saw the gene in training.
    """

    predictor: Predicts
    window: GeneWindow
    mode: Mode
    scan: Scan
    fold: str
    is_leaked: bool

    def known_strengths(self, knock_outs: Sequence[tuple[str, float]]) -> dict[str, float]:
        """The strengths of elements in the window that differ from 1."""
        return known_strengths(self.window, knock_outs)[0]

    def expected_fraction(self, strengths: Mapping[str, float]) -> tuple[float, str]:
        """The effect if the knocked-out elements acted independently, or NaN and the reason there is none."""
        return expected_fraction(self.scan.table, strengths)

    def with_others(self, strengths: Mapping[str, float]) -> np.ndarray:
        """(E,) what each element still does once `strengths` are in place; NaN for one that is already out."""
        return with_others(self.predictor, self.window, self.scan, strengths, mode=self.mode)


class Desk:
    """The open predictors and experiments of one library; their weights are in the process that all workers share."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._predictors = Kept()
        self._experiments: OrderedDict[tuple[object, ...], Experiment] = OrderedDict()
        self._lock = threading.Lock()

    def opened(self, study: Study, model: str, biosample: str) -> Predicts:
        """`predictor`, as `gene_links` asks for it."""
        return self.predictor(study, model, biosample=biosample)

    def predictor(self, study: Study, model: str, *, biosample: str) -> Predicts:
        """The predictor of a trained model, opened anew when the study or the weights are."""
        folder = model_folders(study, biosample).get(model)
        stamp = (id(study), folder and max(path.stat().st_mtime_ns for path in folder.glob("*.safetensors")))
        key = (study.name, model, biosample)
        return self._predictors.get(key, lambda: self._opened(study, model, biosample), stamp=stamp)

    def _opened(self, study: Study, model: str, biosample: str) -> Predicts:
        if self.library.models is not None:
            return open_remote(study, model, biosample=biosample, client=self.library.models)

        from cre_core.inference.predictor import open_predictor  # torch: only once a model is to run
        from cre_core.models.device import one_thread

        one_thread()
        return open_predictor(study, model, biosample=biosample)

    def experiment(self, study: Study, gene: str, *, model: str, biosample: str, mode: Mode) -> Experiment:
        """The scan of a gene, from memory, from the disk cache, or run now.

        Raises:
          UnknownName: no such gene. NotAvailable: no weights, or no element near the gene.
        """
        predictor = self.predictor(study, model, biosample=biosample)
        asked = (id(predictor), gene, mode)
        with self._lock:
            if asked in self._experiments:
                self._experiments.move_to_end(asked)
                return self._experiments[asked]
        gene_id = str(study.gene(gene)["gene_id"])
        weights = tuple((path.name, path.stat().st_mtime_ns) for path in predictor.checkpoints)
        key = ("knockout.scan", SCAN_VERSION, model, biosample, gene_id, mode, weights)
        window = predictor.window(gene_id)
        if not len(window.elements):
            reach = f"{predictor.reads.reach_bp / 1e6:g} Mb"
            raise NotAvailable(f"no element within {reach} of {window.gene['gene_name']}: nothing to knock out")
        scan = self.library.memo(study.name, key, lambda: run_scan(predictor, window, mode=mode))
        fold, is_leaked = predictor.fold_of(gene_id), predictor.saw(gene_id)
        experiment = Experiment(predictor, window, mode, scan, fold, is_leaked)
        with self._lock:
            self._experiments[asked] = experiment
            while len(self._experiments) > KEPT_EXPERIMENTS:
                self._experiments.popitem(last=False)
        return experiment


def models_of(study: Study, biosample: str) -> list[str]:
    """Names of the models trained for a biosample."""
    return trained_models(study, biosample)


def desk_of(library: Library) -> Desk:
    """The one desk of a library."""
    return library.kept.get("desk", lambda: Desk(library))


def tracks_read(window: GeneWindow, tracks: Sequence[Track]) -> list[Track]:
    """Of a study's tracks those that a model reads around a gene: counts of elements, or values per base."""
    per_base = () if window.inputs is None else window.inputs.tracks
    named = {
        kind: {name.casefold() for name in names}
        for kind, names in (("element_counts", window.assays), ("bigwig", per_base))
    }
    own = [track for track in tracks if track.biosample == window.biosample]
    return [track for track in own if track.assay.casefold() in named.get(track.kind, ())]


def run_knock_out(
    experiment: Experiment, strengths: Mapping[str, float], *, client: str = "", sequence: int = 0
) -> Perturbation:
    """The exact answer: the model with these strengths.

    Args:
      client, sequence: which page asks, and the number of its change; a newer one supersedes it.
    """
    with asked_by(client, sequence, "knock-out"):
        return knock_out(experiment.predictor, experiment.window, strengths, mode=experiment.mode)


def neighbours(experiment: Experiment, strengths: Mapping[str, float]) -> pd.DataFrame:
    """gene_name and effect_fraction of the nearest genes that see the same elements; empty when nothing changed.

    Raises:
      NotAvailable: a neighbour is of another fold, whose weights were not trained; or the models do not answer.
    """
    if not strengths:
        return pd.DataFrame({"gene_name": [], "effect_fraction": []})
    return neighbour_effects(experiment.predictor, experiment.window, strengths, mode=experiment.mode)
