"""What passes between packages: the columns of every table, and the tensors a model takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cre_core.errors import BadInput, NotAvailable
from cre_core.genome import Assembly
from cre_core.table import Kind, Rule, TableSpec
from cre_core.table import check_columns as check_columns
from cre_core.table import check_table as check_table

if TYPE_CHECKING:
    from torch import Tensor

Mode = Literal["mask", "silence", "scramble"]
PROMOTER_HALF_WIDTH_BP = 500  # a promoter is the TSS with so many bases to each side, wherever it is counted

HALF_LIFE_FEATURES = (
    "utr5_length_log10z",
    "cds_length_log10z",
    "intron_length_log10z",
    "utr3_length_log10z",
    "utr5_gc_fraction",
    "cds_gc_fraction",
    "utr3_gc_fraction",
    "orf_exon_density",
)


def _without_strand(genes: pd.DataFrame) -> pd.Series:
    return ~genes["strand"].isin(["+", "-"])


def _tss_elsewhere(genes: pd.DataFrame) -> pd.Series:
    outside = (genes["tss"] < genes["start"]) | (genes["tss"] >= genes["end"])
    # A table that says which genes have a body takes bodies and TSSs from two annotations.
    return outside & (genes["tss"] < 0) if "has_body" in genes else outside


def _assays(signal: pd.DataFrame) -> pd.DataFrame:
    return signal.drop(columns=["element_id", "gene_id", "biosample"], errors="ignore").select_dtypes("number")


def _no_counts(signal: pd.DataFrame) -> pd.Series:
    assays = _assays(signal)
    return ((assays < 0) | np.isinf(assays)).any(axis=1)


def _negative_tpm(expression: pd.DataFrame) -> pd.Series:
    return (expression["measure"] == "tpm") & (expression["value"] < 0)


def _no_part(folds: pd.DataFrame) -> pd.Series:
    parts = folds[[name for name in folds if str(name).startswith("fold_")]]
    return ~parts.isin(["train", "valid", "test", "unused"]).all(axis=1)


_PLACE: dict[str, Kind] = {"chrom": "text", "start": "integer", "end": "integer"}

INTERVALS = TableSpec("intervals", _PLACE)
ELEMENTS = TableSpec(
    "elements",
    {"element_id": "text", **_PLACE, "element_class": "text"},
    key=("element_id",),
)
GENES = TableSpec(
    "genes",
    {"gene_id": "text", "gene_name": "text", **_PLACE, "strand": "text", "tss": "integer"},
    key=("gene_id",),
    rules=(
        Rule("have strand other than + or -", _without_strand),
        Rule("have a TSS outside the gene", _tss_elsewhere),
    ),
)
_COUNTS = (Rule("have a negative or infinite count", _no_counts),)
# One row per element (or gene: its TSS ±500 bp) and biosample; the other columns are assays, in read counts.
ELEMENT_SIGNAL = TableSpec(
    "element signal",
    {"element_id": "text", "biosample": "text"},
    key=("element_id", "biosample"),
    is_interval=False,
    rules=_COUNTS,
)
PROMOTER_SIGNAL = TableSpec(
    "promoter signal",
    {"gene_id": "text", "biosample": "text"},
    key=("gene_id", "biosample"),
    is_interval=False,
    rules=_COUNTS,
)
# What an element is in a biosample: silencer, enhancer, promoter, insulator or background.
ELEMENT_LABELS = TableSpec(
    "element labels",
    {"element_id": "text", "biosample": "text", "label": "text"},
    key=("element_id", "biosample"),
    is_interval=False,
)
EXPRESSION = TableSpec(
    "expression",
    {"gene_id": "text", "biosample": "text", "measure": "text", "value": "number"},
    key=("gene_id", "biosample", "measure"),
    is_interval=False,
    rules=(Rule("have a negative TPM", _negative_tpm),),
)
# Columns fold_1 ... fold_n hold train, valid, test or unused.
FOLDS = TableSpec(
    "folds",
    {"gene_id": "text", "fold_1": "text"},
    key=("gene_id",),
    is_interval=False,
    rules=(Rule("say something else than train, valid, test or unused", _no_part),),
)
LOOPS = TableSpec(
    "loops",
    {
        "chrom": "text",
        "start": "integer",
        "end": "integer",
        "chrom2": "text",
        "start2": "integer",
        "end2": "integer",
    },
)
CRISPR = TableSpec(
    "CRISPRi pairs",
    {
        **_PLACE,
        "gene_id": "text",
        "gene_name": "text",
        "tss": "integer",
        "tss_distance_bp": "number",
        "effect_fraction": "number",  # change of expression, -0.25 = a quarter less
        "p_adjusted": "number",
        "power_at_25": "number",  # power to see a 25 % change
        "is_significant": "flag",
        "is_positive": "flag",  # a significant decrease, as the source calls it
        "biosample": "text",
        "reference": "text",
    },
)
LINKS = TableSpec(
    "links",
    {
        **_PLACE,
        "element_id": "text",
        "gene_id": "text",
        "gene_name": "text",
        "tss": "integer",
        "tss_distance_bp": "number",
        "biosample": "text",
        "method": "text",
        "score": "number",
        "fold": "text",
    },
)


def check_elements(table: pd.DataFrame, *, assembly: Assembly | None = None, source: str = "") -> pd.DataFrame:
    """`check_table` for elements."""
    return check_table(table, ELEMENTS, assembly=assembly, source=source)


def check_genes(table: pd.DataFrame, *, assembly: Assembly | None = None, source: str = "") -> pd.DataFrame:
    """`check_table` for genes, with names and strands present."""
    return check_table(table, GENES, assembly=assembly, source=source)


@dataclass(frozen=True)
class Reads:
    """What a model reads of a study, as its config says it: nobody else asks which model or variant it is.

    Attributes:
      reach_bp: elements with their centre within this distance of the TSS are in a gene's window.
      n_elements: at most so many of them, the nearest; None = all.
      n_each_side: the nearest so many before the TSS and after it; None = as `n_elements` says.
      merge_within_bp: of elements nearer to one another than this, the middle one stands for all.
      assays: counts of elements and promoters, in order.
      unit: of the counts: `reads`, `RPM`, or either with `, quantile-normalised to BIOSAMPLE` behind it.
      width_bp: bases of each element, around its centre, that the first stage reads; None = counts alone are read.
      flanks: a narrower element goes on into its flanks.
      sequence: whether it reads the bases themselves.
      n_motifs: so many motif scores of each element.
      tracks: signals per base, in order.
      contact: contact of each element with the TSS.
      loops: chromatin loops between gene and elements.
      half_life: whether a gene needs its half-life features: without them its prediction is NaN.
      title: what people call this choice of inputs, where the model leaves one.
    """

    reach_bp: int = 0
    n_elements: int | None = None
    n_each_side: int | None = None
    merge_within_bp: int = 0
    assays: tuple[str, ...] = ()
    unit: str = "reads"
    width_bp: int | None = None
    flanks: bool = False
    sequence: bool = False
    n_motifs: int = 0
    tracks: tuple[str, ...] = ()
    contact: bool = False
    loops: bool = False
    half_life: bool = False
    title: str = ""

    @property
    def has_inputs(self) -> bool:
        """Whether a first stage reads the elements themselves."""
        return self.width_bp is not None

    @property
    def bases(self) -> bool:
        """Whether what the model gives depends on bases, by themselves or through motif scores."""
        return self.sequence or self.n_motifs > 0


@dataclass(frozen=True)
class ElementInput:
    """What the first stage of a model is given: N elements, each alone, all of one width. Tensors only.

    Attributes:
      sequence: (N, L) int8, 0..3 = A C G T, 4 = N or padding; on the + strand. Or (N, L, 4) float columns through
        which a gradient flows, zeros for N or padding.
      signal: (N, L, T) float16 or float32 per base, in the model's track order and unit; NaN = no data. None for
        a model of sequence alone.
      motif: (N, K) float32, best score of each motif over both strands, 0..1; NaN for an element without a known
        base. None for a model without motifs.
    """

    sequence: Tensor
    signal: Tensor | None = None
    motif: Tensor | None = None

    def __len__(self) -> int:
        return len(self.sequence)

    def __getitem__(self, rows: Tensor | slice) -> ElementInput:
        """Some of the elements."""
        parts = {name: None if value is None else value[rows] for name, value in vars(self).items()}
        return ElementInput(**parts)  # type: ignore[arg-type]

    def to(self, device: str) -> ElementInput:
        """The same elements on another device."""
        moved = {name: None if value is None else value.to(device) for name, value in vars(self).items()}
        return ElementInput(**moved)  # type: ignore[arg-type]

    def joined(self, other: ElementInput) -> ElementInput:
        """These elements and then the others, which hold the same inputs."""
        import torch

        parts = {
            name: None if value is None else torch.cat((value, getattr(other, name)))
            for name, value in vars(self).items()
        }
        return ElementInput(**parts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Batch:
    """What a model is given: B genes with up to E elements each. Tensors only.

    V variants of one gene are a batch whose `strength` has V rows and whose other tensors have one, shared by all
    (or V, like `promoter_signal` where it varies); `expanded` repeats the shared ones.

    Attributes:
      distance_bp: (B, E) float32, element centre minus TSS, positive downstream in the gene's direction.
      is_element: (B, E) bool, False = padding.
      strength: (B, E) float32 in 0..1: 1 = as measured, 0 = the element is not there (mode mask).
      width_bp: (B, E) float32.
      signal: (B, E, T) float32 read counts or mean signal, in the model's track order; NaN = no data.
      promoter_signal: (B, T) float32, the same at the TSS ±500 bp.
      gene_features: (B, F) float32, the half-life features of schema.HALF_LIFE_FEATURES; NaN = not known.
      contact: (B, E) float32, Hi-C contact with the TSS in the study's stated normalisation; NaN or None = no data.
      strand: (B,) float32, +1 or -1: with it `distance_bp` gives places on the genome.
      inputs: what the first stage reads of the n elements of the batch, each once; None for models of counts alone.
      input_row: (B, E) int64, the row of `inputs` that is element e of gene b; anything where there is no element.
      promoter: the same of the B promoters, or None.
      loops: (B, 1 + E, 1 + E) float32, log10(1 + contacts) of the chromatin loops between the gene (index 0) and the
        elements; 0 = no loop was called there.
    """

    distance_bp: Tensor
    is_element: Tensor
    strength: Tensor
    width_bp: Tensor
    signal: Tensor
    promoter_signal: Tensor
    gene_features: Tensor
    contact: Tensor | None = None
    strand: Tensor | None = None
    inputs: ElementInput | None = None
    input_row: Tensor | None = None
    promoter: ElementInput | None = None
    loops: Tensor | None = None

    @property
    def offset_bp(self) -> Tensor:
        """(B, E) float32: element centre minus TSS on the genome, whatever the gene's strand."""
        if self.strand is None:
            raise NotAvailable("a batch without strand came; wanted one made of windows")
        return self.distance_bp * self.strand[:, None]

    def with_(self, **changes: Tensor | ElementInput | None) -> Batch:
        """The same batch with some tensors replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def expanded(self) -> Batch:
        """The same batch with as many rows in every tensor as in `strength`; nothing is copied."""
        from torch import Tensor

        n = len(self.strength)
        tensors: dict[str, Any] = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{name: value.expand(n, *value.shape[1:]) for name, value in tensors.items()})

    def to(self, device: str) -> Batch:
        """The same batch on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if value is not None}
        return replace(self, **moved)


@dataclass(frozen=True)
class Prediction:
    """What a model gives back.

    Attributes:
      expression: (B,) float32 in the unit the checkpoint states.
      attention: (B, layers, H, 1 + E) float32, the gene's row after the softmax; index 0 is the gene itself,
        1 + e is element e. Padding is 0. A weight of the model: neither contact nor proof of effect.
      embedding: (B, E, D) float32, the element embeddings the row was computed from, or None.
      logits: (B, layers, H, 1 + E, 1 + E) float32, before the softmax, bias and masks included; None unless asked.
    """

    expression: Tensor
    attention: Tensor
    embedding: Tensor | None = field(default=None)
    logits: Tensor | None = field(default=None)

    def to(self, device: str) -> Prediction:
        """The same prediction on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if value is not None}
        return replace(self, **moved)

    @property
    def element_attention(self) -> Tensor:
        """(B, E): mean over layers and heads of the gene's row, the gene itself left out."""
        return self.attention.mean(dim=(1, 2))[:, 1:]


@dataclass(frozen=True)
class ExpressionUnit:
    """The unit a model predicts: a logarithm, so that a difference is a fold change.

    Attributes:
      text: as printed, for example `log10(RPKM + 0.1)`.
      log_base: base of the logarithm.
    """

    text: str
    log_base: float

    @classmethod
    def of(cls, text: str) -> ExpressionUnit:
        """The unit that a text such as `log10(RPKM + 0.1)`, `log2(TPM + 1)` or `ln(TPM + 1)` names.

        Raises:
          BadInput: the text does not begin with a logarithm.
        """
        bases = {"log10(": 10.0, "log2(": 2.0, "ln(": float(np.e)}
        for start, base in bases.items():
            if text.startswith(start):
                return cls(text, base)
        raise BadInput(f"expression unit '{text}' is no logarithm; wanted log10(...), log2(...) or ln(...)")

    @property
    def quantity(self) -> str:
        """What stands inside the logarithm: `TPM + 1`."""
        return self.text.partition("(")[2].partition(")")[0]

    def converted(self, values: np.ndarray, wanted: ExpressionUnit) -> np.ndarray:
        """Values of this unit in another logarithm of the same quantity.

        Raises:
          BadInput: the other unit is of another quantity.
        """
        if wanted.quantity != self.quantity:
            raise BadInput(f"expression is {self.text}; it cannot be given as {wanted.text}")
        return np.asarray(values) * (np.log(self.log_base) / np.log(wanted.log_base))

    def linear(self, values: np.ndarray) -> np.ndarray:
        """Values out of the logarithm, without the number added to them: `log2(TPM + 1)` -> TPM."""
        added = float(self.quantity.partition("+")[2] or 0)
        return np.power(self.log_base, np.asarray(values, float)) - added

    def log2_fold_change(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """log2 of after / before, of the quantity inside the logarithm."""
        return (np.asarray(after) - np.asarray(before)) * np.log2(self.log_base)

    def effect_fraction(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Relative change of the quantity inside the logarithm: -0.25 = a quarter less."""
        return np.exp2(self.log2_fold_change(before, after)) - 1.0
