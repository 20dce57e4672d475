"""What is known of a trained model without its weights: its windows, folds, unit and modes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cre_core.data.study import EMBEDDED, Study
from cre_core.data.windows import READS, RPM, GeneWindow, neighbourhood_for
from cre_core.errors import BadInput, NotAvailable
from cre_core.models import checkpoint
from cre_core.models.registry import config_of, families, models, spec_of
from cre_core.schema import ExpressionUnit, Mode, Reads

if TYPE_CHECKING:
    from cre_core.inference.predictor import Predictor

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
JOINT = "+"  # between the names of biosamples that one model was trained on


def label_of(info: checkpoint.CheckpointInfo, *, biosample: str) -> str:
    """How a model is called on the page: its title, then what tells it from others of its kind.

    Args:
      info: of one of its checkpoints.
      biosample: that it answers for; named when the model never saw it.
    """
    trained_on, details = info.biosample.split(JOINT), []
    if "imported_from" in info.provenance:
        details += ["published", "CAGE" if "CAGE" in info.expression_unit else "RNA"]
    reads: Reads = config_of(info.model, info.config).reads
    if reads.title:
        details.append(reads.title)
    if reads.assays and reads.unit != READS:
        details.append(f"signal in {reads.unit}")
    if biosample not in trained_on:
        details.append(f"trained on {' and '.join(trained_on)}, never on {biosample}")
    title = spec_of(info.model).title_of(info.config)
    return f"{title} ({', '.join(details)})" if details else title


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
    """What the model whose weights lie in a folder gives: ModelSpec.gives; empty where its package is not here."""
    family = families().get(folder.parent.name)
    if family is not None:
        return family.specs[0].gives
    spec = models().get(checkpoint.read_info(min(folder.glob("*.safetensors"))).model)
    return "" if spec is None else spec.gives


def trained_models(study: Study, biosample: str) -> list[str]:
    """Names of the models with weights for a biosample of the study, in the registry's order."""
    known = list(families())
    return sorted(
        model_folders(study, biosample), key=lambda name: known.index(name) if name in known else len(known)
    )


def shared_predictor(study: Study, model: str, biosample: str) -> Predictor:
    """One predictor per open study, model and biosample, for callers that ask again and again."""
    from cre_core.inference.predictor import open_predictor  # torch: only once a model is to run

    return study.kept.get(("predictor", model, biosample), lambda: open_predictor(study, model, biosample=biosample))


class KnownModel:
    """One model on one study and biosample: all that takes no weights."""

    def __init__(self, study: Study, name: str, folder: Path, *, biosample: str) -> None:
        self.study, self.name, self.folder, self.biosample = study, name, folder, biosample
        self.checkpoints = sorted(folder.glob("*.safetensors"))
        if not self.checkpoints:
            raise NotAvailable(f"no trained weights in {folder}; `train {name}` makes them")
        info = checkpoint.read_info(self.checkpoints[0])
        checkpoint.check_place(self.checkpoints[0], info)
        self.spec = spec_of(info.model)
        self.reads: Reads = config_of(info.model, info.config).reads
        self.trained_on = tuple(info.biosample.split(JOINT))
        self.label = label_of(info, biosample=biosample)
        self.unit = ExpressionUnit.of(info.expression_unit)
        self.neighbourhood = neighbourhood_for(study, biosample, self.reads)
        self.modes = self._known_modes()

    @property
    def saw_biosample(self) -> bool:
        """Whether the model was trained on this biosample; if not, its answer is about a new one."""
        return self.biosample in self.trained_on

    def mode_text(self, mode: Mode) -> str:
        """What a knock-out in this mode does to the input, as the page prints it."""
        self._check_mode(mode)
        stays = _SEQUENCE_STAYS if mode == "silence" and self.reads.has_inputs else ""
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
        return self.neighbourhood.window(gene_id, reach_bp=self.reads.reach_bp, limit=self.reads.n_elements)

    def checked_strengths(self, window: GeneWindow, strengths: np.ndarray, mode: Mode) -> np.ndarray:
        """(V, E) float32; BadInput as `predict_variants`."""
        self._check_mode(mode)
        strengths = np.asarray(strengths, np.float32)
        if strengths.ndim != 2 or strengths.shape[1] != len(window.elements):
            raise BadInput(f"strengths of shape {strengths.shape}; wanted (variants, {len(window.elements)})")
        if not ((strengths >= 0) & (strengths <= 1)).all():
            raise BadInput(f"a strength of {strengths[(strengths < 0) | ~(strengths <= 1)].flat[0]:g}; wanted 0 to 1")
        return strengths

    def _known_modes(self) -> tuple[Mode, ...]:
        """A model that reads no signal has nothing to silence, one that reads no bases nothing to scramble."""
        inputs = self.neighbourhood.inputs
        reads_signal = bool(self.reads.assays) or (inputs is not None and inputs.has_signal)
        there: dict[Mode, bool] = {"mask": True, "silence": reads_signal, "scramble": self.reads.bases}
        return tuple(mode for mode, is_there in there.items() if is_there)

    def _check_mode(self, mode: Mode) -> None:
        if mode not in self.modes:
            why = ": it reads no sequence" if mode == "scramble" else ""
            raise BadInput(f"{self.label} has no mode '{mode}' here{why}; it has {', '.join(self.modes)}")
