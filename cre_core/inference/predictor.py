"""A Predictor answers for one study, model and biosample, each gene through the fold that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import nn

from cre_core.data.batches import batch_of, without_gaps
from cre_core.data.dataset import GeneDataset
from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.inference.edits import BaseEdit, check_apart
from cre_core.inference.embeddings import EmbeddingCache, TwoStage
from cre_core.inference.known import KnownModel, model_folders
from cre_core.inference.predicts import SCAN_BATCH
from cre_core.inference.variants import Background, masked, scrambled, silenced, with_edits
from cre_core.models import checkpoint
from cre_core.models.checkpoint import UNKNOWN_FOLD
from cre_core.models.device import known_device
from cre_core.models.registry import families
from cre_core.schema import PROMOTER_HALF_WIDTH_BP, Batch, Mode, Prediction

GENES_PER_BATCH = 64
BACKGROUND_QUANTILE = 0.05  # the least active twentieth of a study's elements stands for inactive
BACKGROUND_ELEMENTS = 2_000  # read base by base for it


class Predictor(KnownModel):
    """One model on one study and biosample. Checkpoints load once, at the first gene of their fold.

    Keeps `Predicts`, and has what takes the weights in this process: edits, whole studies, the modules themselves.
    """

    def __init__(self, study: Study, name: str, folder: Path, *, biosample: str, device: str = "cpu") -> None:
        super().__init__(study, name, folder, biosample=biosample)
        self.device = known_device(device)
        self._loaded: dict[str, tuple[nn.Module, ...]] = {}
        self._looked_at: tuple[GeneWindow | None, np.ndarray] = None, np.zeros(0, bool)  # the last one
        self._caches: dict[str, tuple[EmbeddingCache, ...]] = {}

    def with_weights(self) -> Predictor:
        """Itself: its weights are in this process."""
        return self

    def looks_at(self, window: GeneWindow) -> np.ndarray:
        """(E,) bool: the elements of a window that the model reads; of the others its attention is no score."""
        asked, found = self._looked_at
        if asked is not window:  # everything that is asked about a gene asks this too
            model: Any = self.models_of(self.fold_of(window.gene["gene_id"]))[0]
            found = model.uses(window.batch)[0, : len(window.elements)].numpy() & window.has_data
            self._looked_at = window, found
        return found.copy()

    def predict(self, windows: Sequence[GeneWindow]) -> Prediction:
        """Predict several genes that share a fold; padded to the widest window."""
        return self.run(self._shared_fold(windows), batch_of(windows))

    def _shared_fold(self, windows: Sequence[GeneWindow]) -> str:
        folds = {self.fold_of(window.gene["gene_id"]) for window in windows}
        if len(folds) != 1:
            raise BadInput(f"genes of {len(folds)} folds in one batch; one model answers for one fold")
        return folds.pop()

    def predict_variants(
        self, window: GeneWindow, strengths: np.ndarray, *, mode: Mode, shuffle: int = 0
    ) -> Prediction:
        """Predict V variants of one gene in one batch.

        Args:
          window: from `window`.
          strengths: (V, E) in 0..1, 1 = as measured; the columns are the window's elements in order.
          mode: what strength 0 means.
          shuffle: in mode scramble, which of the many shuffles.

        Raises:
          BadInput: a strength outside 0..1 or NaN, another number of elements, or a mode the model lacks.
        """
        strengths = self.checked_strengths(window, strengths, mode)
        if not len(window.elements):
            return self.predict([window])
        # Rows of one batch may differ in the last bit; equal variants are one row, so that no change is exactly 0.
        ignored = ~self.looks_at(window) & ~window.elements["is_own_promoter"].to_numpy()
        heeded = np.where(ignored, np.float32(1), strengths)
        row_of, _ = pd.factorize(np.array([row.tobytes() for row in heeded], object))  # np.unique would sort the rows
        first = np.unique(row_of, return_index=True)[1]
        batch = self._varied(window, torch.from_numpy(heeded[first]), mode, shuffle)
        prediction = self.run(self.fold_of(window.gene["gene_id"]), batch)
        return Prediction(prediction.expression[row_of], prediction.attention[row_of])

    def predict_singles(self, window: GeneWindow, rows: np.ndarray, *, mode: Mode, shuffle: int = 0) -> torch.Tensor:
        """Expression as measured, and with each of some elements knocked out alone: (1 + n,), in pieces.

        Args:
          rows: (n,) positions in the window.
          mode, shuffle: as in `predict_variants`.
        """
        strengths = singles(len(window.elements), rows)
        pieces = np.array_split(strengths, -(-len(strengths) // SCAN_BATCH))
        found = [self.predict_variants(window, piece, mode=mode, shuffle=shuffle) for piece in pieces]
        return torch.cat([prediction.expression for prediction in found])

    def predict_edits(self, window: GeneWindow, edits: Sequence[BaseEdit]) -> Prediction:
        """Predict a gene as measured and with edited bases: two variants in one batch.

        Args:
          window: from `window`.
          edits: on the gene's chromosome; every input of the model that holds one of the bases is changed.

        Raises:
          BadInput: the model reads no sequence, no input holds the bases, they lie past the chromosome's end, or two
            edits share one.
        """
        inputs = window.inputs
        if inputs is None or not self.reads.bases:
            raise BadInput(f"{self.label} reads no sequence: there is no base to edit")
        check_apart(edits)
        elements, tss = window.elements, int(window.gene["tss"])
        starts = ((elements["start"] + elements["end"]) // 2).to_numpy() - inputs.width_bp // 2  # (E,)
        all_starts = np.r_[starts, tss - inputs.width_bp // 2]
        size_bp = self.study.assembly.chrom_sizes[window.gene["chrom"]]
        for edit in edits:
            if edit.end > size_bp:
                raise BadInput(f"{edit.text} came; {window.gene['chrom']} has {size_bp:,} bases")
            if not ((edit.start < all_starts + inputs.width_bp) & (edit.end > all_starts)).any():
                place = f"{window.gene['chrom']}:{edit.text}"
                raise BadInput(
                    f"{place} lies in no element that {self.label} reads around {window.gene['gene_name']}"
                )
        batch = with_edits(window.batch, edits, inputs, element_starts=starts, promoter_start=int(all_starts[-1]))
        return self.run(self.fold_of(window.gene["gene_id"]), batch)

    def predict_genes(self, gene_ids: Sequence[str]) -> pd.DataFrame:
        """Expression of many genes, each through the fold that never saw it.

        Returns:
          gene_id, fold, predicted (in `unit`), in the order given; genes in no fold's test set are left out.
        """
        folds = self.study.folds.set_index("gene_id")
        tested = {fold: set(folds.index[folds[fold] == "test"]) for fold in folds if fold.startswith("fold_")}
        parts = []
        for fold, members in tested.items():
            ids = [gene_id for gene_id in gene_ids if gene_id in members]
            if ids:
                predicted = self._predict_fold(fold, ids)
                parts.append(pd.DataFrame({"gene_id": ids, "fold": fold, "predicted": predicted}))
        table = pd.concat(parts, ignore_index=True).drop_duplicates("gene_id").set_index("gene_id")
        return table.loc[[gene_id for gene_id in gene_ids if gene_id in table.index]].reset_index()

    def _predict_fold(self, fold: str, gene_ids: list[str]) -> np.ndarray:
        nothing = np.zeros(len(gene_ids))
        dataset = GeneDataset(
            self.neighbourhood, gene_ids, nothing, reach_bp=self.reads.reach_bp, limit=self.reads.n_elements
        )
        order = np.argsort(dataset.n_elements.numpy(), kind="stable")  # like sizes together: little padding
        predicted = np.empty(len(order), np.float64)
        for start in range(0, len(order), GENES_PER_BATCH):
            part = order[start : start + GENES_PER_BATCH]
            predicted[part] = self.run(fold, dataset[part.tolist()][0]).expression.numpy()
        return predicted

    def predict_each(self, window: GeneWindow, *, with_logits: bool = False) -> list[Prediction]:
        """Predict one gene with each of its fold's models.

        Args:
          with_logits: ask for the whole matrices too; None for a model whose elements do not see each other.
        """
        fold = self.fold_of(window.gene["gene_id"])
        return [output.to("cpu") for output in self._outputs(fold, window.batch, with_logits=with_logits)]

    def predict_genes_each(self, windows: Sequence[GeneWindow]) -> list[Prediction]:
        """Predict several genes that share a fold with each of its models; padded to the widest window."""
        fold = self._shared_fold(windows)
        return [output.to("cpu") for output in self._outputs(fold, batch_of(windows))]

    def run(self, fold: str, batch: Batch) -> Prediction:
        """Mean prediction of a fold's checkpoints (one per seed), in the model's unit."""
        outputs = self._outputs(fold, batch)
        return Prediction(
            expression=torch.stack([output.expression for output in outputs]).mean(0).cpu(),
            attention=torch.stack([output.attention for output in outputs]).mean(0).cpu(),
        )

    @torch.inference_mode()
    def _outputs(self, fold: str, batch: Batch, *, with_logits: bool = False) -> list[Prediction]:
        models = self.models_of(fold)
        asked = {"with_logits": True} if with_logits and self.spec.sees_each_other else {}
        if not self.reads.has_inputs:
            batch = batch.to(self.device)
            return [model(batch) for model in models]
        embeddings = [cache.embed(batch) for cache in self._caches[fold]]
        rest = batch.with_(inputs=None, input_row=None, promoter=None).to(self.device)
        rest = without_gaps(rest)
        return [model(rest, embedding, **asked) for model, embedding in zip(models, embeddings, strict=True)]

    @cached_property
    def background(self) -> Background:
        """What an inactive element shows: the least active twentieth of the study's elements, track by track."""
        around, counts = self.neighbourhood, torch.zeros(0)
        if around.assays:
            widths = (around.elements["end"] - around.elements["start"]).to_numpy()[:, None]
            rate = np.nanquantile(around.signal / widths, BACKGROUND_QUANTILE, axis=0)
            counts = torch.from_numpy(rate.astype(np.float32))
        if around.inputs is None:
            return Background(counts)
        n = len(around.study_row)
        some = around.study_row[np.unique(np.linspace(0, n - 1, min(n, BACKGROUND_ELEMENTS)).astype(int))]
        return Background(counts, around.inputs.background_per_base(some, quantile=BACKGROUND_QUANTILE))

    def _varied(self, window: GeneWindow, strength: torch.Tensor, mode: Mode, shuffle: int = 0) -> Batch:
        """V variants that share what is not changed."""
        one = window.batch
        own = torch.from_numpy(window.elements["is_own_promoter"].to_numpy())  # (E,)
        if own.any() and mode != "scramble":
            # The promoter's own counts enter the model beside its element: they fall with it.
            s = strength[:, own].amin(dim=1, keepdim=True)  # (V, 1)
            inactive = self.background.counts_per_bp * 2 * PROMOTER_HALF_WIDTH_BP
            floor = torch.minimum(one.promoter_signal, inactive)  # (1, T)
            one = one.with_(promoter_signal=s * one.promoter_signal + (1 - s) * floor)  # (V, T)
        if mode == "mask":
            return masked(one, strength)
        if mode == "silence":
            return silenced(one, strength, self.background, own_promoter=own)
        assert window.inputs is not None
        return scrambled(one, strength, window.inputs, shuffle=shuffle)

    @torch.inference_mode(False)  # a gradient may be asked of the weights later
    def models_of(self, fold: str) -> tuple[nn.Module, ...]:
        """A fold's models in evaluation mode, one per seed, loaded at first use."""
        if fold not in self._loaded:
            paths = [path for path in self.checkpoints if path.stem.split("-")[0] == fold]
            if not paths and any(path.stem.split("-")[0] == UNKNOWN_FOLD for path in self.checkpoints):
                raise NotAvailable(
                    f"the weights in {self.folder} do not say which genes they never saw; "
                    f"import them with --fold {fold} if they never saw the test genes of {fold}"
                )
            if not paths:
                raise NotAvailable(f"no weights of {fold} in {self.folder}; `train {self.name}` makes them")
            models = (checkpoint.load_placed(path, wanted=self.spec.name) for path in paths)
            loaded = tuple(model.to(self.device) for model in models)
            if self.reads.has_inputs:
                self._caches[fold] = tuple(
                    EmbeddingCache(cast(TwoStage, model), device=self.device) for model in loaded
                )
            self._loaded[fold] = loaded  # last, so that another thread finds the caches too
        return self._loaded[fold]


def singles(n_elements: int, rows: np.ndarray) -> np.ndarray:
    """(1 + n, E) float32 strengths: as measured, then each of n elements out alone."""
    strengths = np.ones((1 + len(rows), n_elements), np.float32)
    strengths[np.arange(1, 1 + len(rows)), rows] = 0.0
    return strengths


def open_predictor(study: Study, model: str, *, biosample: str, device: str = "cpu") -> Predictor:
    """The predictor of a trained model.

    Args:
      device: `cpu`, `cuda`, or `auto`: a GPU where there is one. What it predicts comes back to the CPU.

    Raises:
      NotAvailable: no weights of this model for the biosample; the message says how to get them. No such device.
      UnknownName: neither weights nor a model to train have this name.
    """
    folders = model_folders(study, biosample)
    folder = folders.get(model)
    if folder is None and model not in families():
        known = ", ".join(folders) or "none yet; `train` and `import-weights` make them"
        raise UnknownName(f"no model '{model}' for {biosample} in study {study.name}; there are {known}")
    if folder is None:
        raise NotAvailable(
            f"{model} has no weights for {biosample} in study {study.name}: "
            f"python -m cre_core train {model} --study {study.folder} --biosample {biosample} "
            f"--out {study.folder}/models"
        )
    return Predictor(study, model, folder, biosample=biosample, device=device)
