"""Which kind of element each element is, by trained weights of CREATE: an element by the fold that never saw it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cre_core.data.class_inputs import ClassInputs
from cre_core.data.element_classes import Augmentation, chroms_of, labelled_elements, split_elements
from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.inference.known import JOINT, gives, weight_folders
from cre_core.models import checkpoint
from cre_core.models.create import Create, CreateConfig
from cre_core.models.registry import config_of

ELEMENTS_AT_ONCE = 64


def class_models(study: Study, biosample: str) -> dict[str, Path]:
    """Where the weights of each model that tells classes lie for a biosample; see `weight_folders`."""
    return {name: folder for name, folder in weight_folders(study, biosample).items() if gives(folder) == "class"}


class ClassPredictor:
    """CREATE on one study and biosample."""

    def __init__(self, study: Study, folder: Path, *, biosample: str) -> None:
        """Look at the weights in a folder; they load when asked for.

        Raises:
          NotAvailable: there are none.
        """
        self.study, self.folder, self.biosample = study, folder, biosample
        self.checkpoints = sorted(folder.glob("*.safetensors"))
        if not self.checkpoints:
            raise NotAvailable(f"no trained weights in {folder}; `train create` makes them")
        self.info = checkpoint.read_info(self.checkpoints[0])
        self.trained_on = tuple(self.info.biosample.split(JOINT))
        self.config: CreateConfig = config_of(self.info.model, self.info.config)
        self.classes = self.config.classes
        made = self.info.provenance  # weights that were imported say nothing of all this: as the paper has it
        self.augmentation = Augmentation(made.get("stride_bp", 10), made.get("reverse_complement", True))
        self.n_copies = int(made.get("test_copies", 5))

    @cached_property
    def inputs(self) -> ClassInputs:
        """The elements as the model reads them."""
        config = self.config
        return ClassInputs(
            self.study,
            self.biosample,
            inputs=config.inputs,
            tracks=config.tracks,
            sequence_bp=config.sequence_bp,
            open_track=self.info.provenance.get("open_track", "dnase"),
            reach_bp=max(self.augmentation.shifts_bp(self.n_copies)),
        )

    @property
    def folds(self) -> list[str]:
        """The folds that there are weights for."""
        return sorted({path.stem.split("-")[0] for path in self.checkpoints})

    def probabilities(self, fold: str, rows: np.ndarray) -> np.ndarray:
        """Class probabilities of elements, mean of their copies and of the fold's seeds.

        Args:
          fold: whose weights.
          rows: (n,) of `Study.elements`.

        Returns:
          (n, K) in the order of `classes`; NaN for an element without data in something that the model reads.

        Raises:
          NotAvailable: no weights of the fold.
        """
        models = self._models(fold)
        parts = [np.zeros((0, len(self.classes)), np.float32)]
        for low in range(0, len(rows), ELEMENTS_AT_ONCE):
            parts.append(self._mean(models, rows[low : low + ELEMENTS_AT_ONCE]))
        return np.concatenate(parts)

    def held_out(self) -> pd.DataFrame:
        """Every element of the study by the folds whose weights never saw it.

        Returns:
          element_id, chrom, fold and a column per class; the elements in no fold's test part are left out, and one
          that several folds test is there once for each. NaN as in `probabilities`.

        Raises:
          BadInput: weights that do not say which fold they are of.
        """
        elements, tables = self.study.elements, []
        for fold in self.folds:
            rows = self._tested(fold)
            table = elements.loc[rows, ["element_id", "chrom"]].assign(fold=fold)
            table[list(self.classes)] = self.probabilities(fold, rows)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def _tested(self, fold: str) -> np.ndarray:
        """(n,) rows of the elements that a fold's weights never saw."""
        if not fold.startswith("fold_"):
            raise BadInput(f"weights in {self.folder} are of no fold; nobody knows which elements they never saw")
        if self.info.provenance.get("split") != "ten-fold":
            return np.flatnonzero(self.study.elements["chrom"].isin(chroms_of(self.study, fold, "test")))
        labelled = labelled_elements(self.study, self.info.provenance["split_biosamples"], self.classes)
        part = split_elements(self.study, labelled, fold=fold, split="ten-fold")
        return np.unique(labelled.loc[part == "test", "row"])

    @torch.inference_mode()
    def _mean(self, models: list[Create], rows: np.ndarray) -> np.ndarray:
        copies = self.augmentation.copies(self.n_copies)
        shift = np.tile([shift for shift, _ in copies], len(rows))  # (n copies,)
        is_turned = np.tile([turned for _, turned in copies], len(rows))
        elements = self.inputs(np.repeat(rows, len(copies)), shift, is_turned)
        found = torch.stack([model(elements).logits.softmax(1) for model in models]).mean(0)  # (n copies, K)
        return found.unflatten(0, (len(rows), len(copies))).mean(1).numpy()  # -> (n, K)

    def _models(self, fold: str) -> list[Create]:
        paths = [path for path in self.checkpoints if path.stem.split("-")[0] == fold]
        if not paths:
            raise NotAvailable(f"no weights of {fold} in {self.folder}; `train create` makes them")
        models = [checkpoint.load_placed(path, wanted="create") for path in paths]
        return [model for model in models if isinstance(model, Create)]
