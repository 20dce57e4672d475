"""A Predictor answers for one study, model and biosample, each gene through the fold that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import nn

from cre_core.data.dataset import GeneDataset
from cre_core.data.study import EMBEDDED, Study
from cre_core.data.windows import (
    READS,
    RPM,
    GeneWindow,
    batch_of,
    neighbourhood_for,
    without_gaps,
)
from cre_core.errors import BadInput, NotAvailable, UnknownName
from cre_core.inference.edits import BaseEdit, check_apart
from cre_core.inference.embeddings import EmbeddingCache, TwoStage
from cre_core.inference.variants import Background, masked, scrambled, silenced, with_edits
from cre_core.models import checkpoint
from cre_core.models.checkpoint import UNKNOWN_FOLD
from cre_core.models.creator import Creator
from cre_core.models.device import known_device
from cre_core.models.registry import FAMILIES, spec_of
from cre_core.models.scpge import INPUTS, ScPGE
from cre_core.schema import PROMOTER_HALF_WIDTH_BP, Batch, ExpressionUnit, Mode, Prediction

SCAN_BATCH = 256  # variants per forward pass: bounds the memory of a scan of a crowded window
GENES_PER_BATCH = 64
BACKGROUND_QUANTILE = 0.05  # the least active twentieth of a study's elements stands for inactive
BACKGROUND_ELEMENTS = 2_000  # read base by base for it

_MODE_TEXT = {
    "mask": "mask: the element is taken out of the model's input",
    "silence": (
        "silence: the element stays, with the signal of an inactive element of its width "
        "(the study's 5th percentile per track)"
    ),
    "scramble": (
        "scramble: the element's bases are shuffled, counts of dinucleotides kept; its signal stays as it is; "
        "mean over several shuffles"
    ),
}
_SEQUENCE_STAYS = "; its sequence stays as it is"
_VARIANT_TITLES = {
    "promoter": "promoter",
    "pe": "PE",
    "pe-activity": "PE-Activity",
    "pe-activity-hic": "PE-Activity-HiC",
}
_FORM_TITLES = {"lp": "-LP", "kl": "-KL"}
SEEING_EACH_OTHER = (Creator, ScPGE)  # models whose elements attend to one another
JOINT = "+"  # between the names of biosamples that one model was trained on


def weight_folders(study: Study, biosample: str) -> dict[str, Path]:
    """Where the trained weights of each model of any kind lie for a biosample.

    Its own folder comes first, then one trained jointly on it and others (`SimA+SimB`), then a joint one that never
    saw it: such a model reads only what differs between biosamples, so it can speak about a new one. Among equals
    the study's own folder comes before weights of the embedded study of its name.
    """
    found: dict[str, Path] = {}
    roots = dict.fromkeys((study.folder / "models", EMBEDDED / study.name / "models"))
    folders = [folder for root in roots for folder in sorted(root.glob("*/*")) if any(folder.glob("*.safetensors"))]
    own = [folder for folder in folders if folder.name == biosample]
    joint = [folder for folder in folders if JOINT in folder.name]
    for folder in own + sorted(joint, key=lambda folder: biosample not in folder.name.split(JOINT)):
        found.setdefault(folder.parent.name, folder)
    return found


def model_folders(study: Study, biosample: str) -> dict[str, Path]:
    """Of `weight_folders`, those of models that give expression: a Predictor speaks about nothing else."""
    found = weight_folders(study, biosample)
    return {name: folder for name, folder in found.items() if gives(folder) == "expression"}


def gives(folder: Path) -> str:
    """What the model whose weights lie in a folder gives: ModelSpec.gives."""
    family = FAMILIES.get(folder.parent.name)
    name = checkpoint.read_info(min(folder.glob("*.safetensors"))).model if family is None else family[0]
    return spec_of(name).gives


def label_of(info: checkpoint.CheckpointInfo, *, biosample: str) -> str:
    """How a model is called on the page: its title, then what tells it from others of its kind.

    Args:
      info: of one of its checkpoints.
      biosample: that it answers for; named when the model never saw it.
    """
    trained_on, said = info.biosample.split(JOINT), []
    if "imported_from" in info.provenance:
        said += ["published", "CAGE" if "CAGE" in info.expression_unit else "RNA"]
    if info.variant:
        said.append(_VARIANT_TITLES.get(info.variant, info.variant))
    if 0 < len(info.config.get("inputs", ())) < len(INPUTS):
        said.append(f"{' and '.join(info.config['inputs'])} alone")
    signal_unit = str(info.config.get("signal_unit", READS))
    if signal_unit != READS and info.variant not in ("promoter", "pe"):
        said.append(f"signal in {signal_unit}")
    if biosample not in trained_on:
        said.append(f"trained on {' and '.join(trained_on)}, never on {biosample}")
    title = spec_of(info.model).title + _FORM_TITLES.get(str(info.config.get("form")), "")
    return f"{title} ({', '.join(said)})" if said else title


def trained_models(study: Study, biosample: str) -> list[str]:
    """Names of the models with weights for a biosample of the study, in the registry's order."""
    known = list(FAMILIES)
    return sorted(
        model_folders(study, biosample), key=lambda name: known.index(name) if name in known else len(known)
    )


class Predictor:
    """One model on one study and biosample. Checkpoints load once, at the first gene of their fold."""

    def __init__(self, study: Study, name: str, folder: Path, *, biosample: str, device: str = "cpu") -> None:
        self.study, self.name, self.folder, self.biosample = study, name, folder, biosample
        self.device = known_device(device)
        self.checkpoints = sorted(folder.glob("*.safetensors"))
        if not self.checkpoints:
            raise NotAvailable(f"no trained weights in {folder}; `train {name}` makes them")
        info = checkpoint.read_info(self.checkpoints[0])
        checkpoint.check_place(self.checkpoints[0], info)
        self.spec = spec_of(info.model)
        self.trained_on = tuple(info.biosample.split(JOINT))
        self.label = label_of(info, biosample=biosample)
        self.unit = ExpressionUnit.of(info.expression_unit)
        self.reach_bp, self.limit = int(info.config["max_distance_bp"]), int(info.config["n_elements"])
        self.neighbourhood = neighbourhood_for(study, biosample, info.config)
        self._config = info.config
        self.modes = self._known_modes()
        self._loaded: dict[str, tuple[nn.Module, ...]] = {}
        self._looked_at: tuple[GeneWindow | None, np.ndarray] = None, np.zeros(0, bool)  # the last one
        self._caches: dict[str, tuple[EmbeddingCache, ...]] = {}

    @property
    def saw_biosample(self) -> bool:
        """Whether the model was trained on this biosample; if not, its answer is about a new one."""
        return self.biosample in self.trained_on

    def mode_text(self, mode: Mode) -> str:
        """What a knock-out in this mode does to the input, as the page prints it."""
        self._check_mode(mode)
        stays = _SEQUENCE_STAYS if mode == "silence" and self.spec.needs_sequence else ""
        return _MODE_TEXT[mode] + stays + self.signal_text

    @property
    def signal_text(self) -> str:
        """How counts enter the model where it is not as reads, to be put behind another sentence."""
        if self.neighbourhood.unit != RPM or not self.neighbourhood.assays:
            return ""
        depth = zip(self.neighbourhood.assays, self.neighbourhood.reads_per_unit, strict=True)
        return "; counts enter per million reads (" + ", ".join(f"{name} {n:.3g} M" for name, n in depth) + ")"

    def fold_of(self, gene_id: str) -> str:
        """The fold that answers for a gene: the one whose test set holds it."""
        return self.study.fold_of(gene_id)

    def saw(self, gene_id: str) -> bool:
        """Leak flag: was the gene in the training set of the fold that answers for it?"""
        row = self.study.folds.set_index("gene_id").loc[gene_id]
        return row[self.fold_of(gene_id)] == "train"

    def window(self, gene_id: str) -> GeneWindow:
        """The elements this model sees around a gene."""
        return self.neighbourhood.window(gene_id, reach_bp=self.reach_bp, limit=self.limit)

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

    def checked_strengths(self, window: GeneWindow, strengths: np.ndarray, mode: Mode) -> np.ndarray:
        """(V, E) float32; BadInput as `predict_variants`."""
        self._check_mode(mode)
        strengths = np.asarray(strengths, np.float32)
        if strengths.ndim != 2 or strengths.shape[1] != len(window.elements):
            raise BadInput(f"strengths of shape {strengths.shape}; wanted (variants, {len(window.elements)})")
        if not ((strengths >= 0) & (strengths <= 1)).all():
            raise BadInput(f"a strength of {strengths[(strengths < 0) | ~(strengths <= 1)].flat[0]:g}; wanted 0 to 1")
        return strengths

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
        if inputs is None or "scramble" not in self.modes:
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
        dataset = GeneDataset(self.neighbourhood, gene_ids, nothing, reach_bp=self.reach_bp, limit=self.limit)
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
        asked = {"with_logits": True} if with_logits and isinstance(models[0], SEEING_EACH_OTHER) else {}
        if not self.spec.needs_sequence:
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

    def _known_modes(self) -> tuple[Mode, ...]:
        """A model that reads no signal has nothing to silence, one that reads no bases nothing to scramble."""
        inputs, settings = self.neighbourhood.inputs, self._config.get("inputs")
        reads_signal = bool(self.neighbourhood.assays) or (inputs is not None and inputs.has_signal)
        reads_bases = self.spec.needs_sequence and (settings is None or bool({"sequence", "motif"} & set(settings)))
        there: dict[Mode, bool] = {"mask": True, "silence": reads_signal, "scramble": reads_bases}
        return tuple(mode for mode, is_there in there.items() if is_there)

    def _check_mode(self, mode: Mode) -> None:
        if mode not in self.modes:
            why = ": it reads no sequence" if mode == "scramble" else ""
            raise BadInput(f"{self.label} has no mode '{mode}' here{why}; it has {', '.join(self.modes)}")

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
            if self.spec.needs_sequence:
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


@lru_cache(maxsize=16)
def shared_predictor(study: Study, model: str, biosample: str) -> Predictor:
    """One predictor per open study, model and biosample, for callers that ask again and again."""
    return open_predictor(study, model, biosample=biosample)


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
    if folder is None and model not in FAMILIES:
        known = ", ".join(folders) or "none yet; `train` and `import-weights` make them"
        raise UnknownName(f"no model '{model}' for {biosample} in study {study.name}; there are {known}")
    if folder is None:
        raise NotAvailable(
            f"{model} has no weights for {biosample} in study {study.name}: "
            f"python -m cre_core train {model} --study {study.folder} --biosample {biosample} "
            f"--out {study.folder}/models"
        )
    return Predictor(study, model, folder, biosample=biosample, device=device)
