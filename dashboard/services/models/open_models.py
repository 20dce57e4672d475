"""The models that are open: each is loaded once and answers whatever is asked of it."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.errors import CreError, UnknownName
from cre_core.inference.known import model_folders
from cre_core.inference.predictor import Predictor, open_predictor
from dashboard.services.library import Library
from dashboard.services.models.operations import OPERATIONS, Operation
from dashboard.services.models.protocol import Answer, Request, error_answer
from dashboard.settings import Settings

KEPT_PREDICTORS = 16
KEPT_WINDOWS = 32  # of a predictor: each holds its gene's inputs, 4.5 MB for 400 elements of 16 tracks
K = TypeVar("K")
T = TypeVar("T")
log = logging.getLogger("dashboard.models")


@dataclass
class _Open:
    """A predictor and the windows it was asked about, the least recently used first."""

    predictor: Predictor
    windows: OrderedDict[str, GeneWindow] = field(default_factory=OrderedDict)


class OpenModels:
    """Predictors and windows of the studies of some settings. Belongs to one thread."""

    def __init__(self, settings: Settings) -> None:
        torch.set_num_threads(settings.model_threads)
        self._device = settings.model_device
        self.library = Library(settings)
        self._stamps = self._stamps_now()
        self._open: OrderedDict[tuple[object, ...], _Open] = OrderedDict()

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """Answers to requests of one join_key, computed together.

        When that fails each is tried alone, so that a wrong one does not spoil the others.
        """
        try:
            started = time.perf_counter()
            operation, predictor, window = self._found(requests[0])
            found = operation(predictor, window, requests)
            seconds = time.perf_counter() - started
        except CreError as error:
            if len(requests) > 1:
                return [answer for request in requests for answer in self.answers([request])]
            return [error_answer(error)]
        except Exception as error:
            log.exception("%s of %s failed", requests[0].operation, requests[0].model)
            text = f"this did not work ({type(error).__name__}); the log of the model process has the details"
            return [error_answer(CreError(text))] * len(requests)
        return [Answer("ok", arrays=arrays, seconds=seconds, n_batched=len(requests)) for arrays in found]

    def close(self) -> None:
        """Close the library's files."""
        self.library.close()

    def _found(self, request: Request) -> tuple[Operation, Predictor, GeneWindow]:
        if request.operation not in OPERATIONS:
            raise UnknownName(f"no operation '{request.operation}'; there are {', '.join(OPERATIONS)}")
        opened = self._opened(self._study(request.study), request.model, request.biosample)
        predictor, gene = opened.predictor, request.gene_id
        window = _kept(opened.windows, gene, KEPT_WINDOWS, lambda: _window(predictor, gene))
        return OPERATIONS[request.operation], predictor, window

    def _study(self, name: str) -> Study:
        """The study as it is on the disk now: it may have been made or prepared anew since the last request."""
        if (name and name not in self.library.names()) or self._stamps != self._stamps_now():
            self.library.refresh()
            self._stamps = self._stamps_now()
        return self.library.study(name)

    def _stamps_now(self) -> dict[str, int]:
        """What changes when a study is prepared anew."""
        files = {name: self.library.study(name).folder / "study.json" for name in self.library.names()}
        return {name: file.stat().st_mtime_ns if file.is_file() else 0 for name, file in files.items()}

    def _opened(self, study: Study, model: str, biosample: str) -> _Open:
        """The predictor of a trained model, opened anew when the study or the weights are."""
        folder = model_folders(study, biosample).get(model)
        weights = folder and max(path.stat().st_mtime_ns for path in folder.glob("*.safetensors"))
        key = (study.name, self._stamps[study.name], model, biosample, weights)

        def opened() -> _Open:
            return _Open(open_predictor(study, model, biosample=biosample, device=self._device))

        return _kept(self._open, key, KEPT_PREDICTORS, opened)


def _window(predictor: Predictor, gene: str) -> GeneWindow:
    return predictor.window(str(predictor.study.gene(gene)["gene_id"]))


def _kept(kept: OrderedDict[K, T], key: K, limit: int, make: Callable[[], T]) -> T:
    """What is kept under a key, made at the first call; the least recently used are dropped."""
    if key not in kept:
        kept[key] = make()
    kept.move_to_end(key)
    while len(kept) > limit:
        kept.popitem(last=False)
    return kept[key]
