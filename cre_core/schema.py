"""What passes between packages: the columns of every table, and the tensors a model takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cre_core.errors import BadInput, NotAvailable
from cre_core.genome import Assembly

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["text", "integer", "number", "flag"]
Mode = Literal["mask", "silence", "scramble"]

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


@dataclass(frozen=True)
class TableSpec:
    """The contract of a table: its name, its columns with their kind, and what identifies a row."""

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...] = ()
    is_interval: bool = True


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
)
# One row per element (or gene: its TSS ±500 bp) and biosample; the other columns are assays, in read counts.
ELEMENT_SIGNAL = TableSpec(
    "element signal",
    {"element_id": "text", "biosample": "text"},
    key=("element_id", "biosample"),
    is_interval=False,
)
PROMOTER_SIGNAL = TableSpec(
    "promoter signal",
    {"gene_id": "text", "biosample": "text"},
    key=("gene_id", "biosample"),
    is_interval=False,
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
)
# Columns fold_1 ... fold_n hold train, valid or test.
FOLDS = TableSpec("folds", {"gene_id": "text"}, key=("gene_id",), is_interval=False)
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


def check_table(
    table: pd.DataFrame, spec: TableSpec, *, assembly: Assembly | None = None, source: str = ""
) -> pd.DataFrame:
    """A table that keeps its contract: columns there, kinds right, places on the assembly, keys unique.

    Args:
      table: rows as read; further columns are kept.
      spec: the contract.
      assembly: when given, chromosome names become the assembly's and ends are checked against it.
      source: the file's name, for the message.

    Returns:
      A copy with the contract's dtypes and a fresh index. NaN stays NaN in `number` columns.

    Raises:
      BadInput: naming how many rows break which rule, and the first of them.
    """
    where = f"{source}: " if source else ""
    check_columns(table, spec, source=source)
    table = table.reset_index(drop=True).copy()
    for column, kind in spec.columns.items():
        table[column] = _coerced(table[column], kind, f"{where}{spec.name}: column {column}")
    if spec.is_interval:
        if assembly is not None:
            names = {name: assembly.chrom(str(name)) for name in table["chrom"].unique()}
            table["chrom"] = table["chrom"].map(names)
        _check_places(table, assembly, where)
    if spec.key:
        repeated = table.duplicated(list(spec.key))
        if repeated.any():
            first = " ".join(map(str, table.loc[repeated, list(spec.key)].iloc[0]))
            raise BadInput(f"{where}{spec.name} repeat {int(repeated.sum())} keys; first: {first}")
    return table


def check_columns(table: pd.DataFrame, spec: TableSpec, *, source: str = "") -> None:
    """Raise BadInput when a table lacks a column of its contract; the message lists those it has."""
    missing = [column for column in spec.columns if column not in table]
    if missing:
        where = f"{source}: " if source else ""
        found = ", ".join(map(str, table.columns))
        raise BadInput(f"{where}{spec.name} lack column {', '.join(missing)}; the table has {found}")


def check_elements(table: pd.DataFrame, *, assembly: Assembly | None = None, source: str = "") -> pd.DataFrame:
    """`check_table` for elements."""
    return check_table(table, ELEMENTS, assembly=assembly, source=source)


def check_genes(table: pd.DataFrame, *, assembly: Assembly | None = None, source: str = "") -> pd.DataFrame:
    """`check_table` for genes, with names and strands present."""
    genes = check_table(table, GENES, assembly=assembly, source=source)
    odd = ~genes["strand"].isin(["+", "-"])
    if odd.any():
        raise BadInput(f"{source}: {int(odd.sum())} genes have strand other than + or -; first: row {odd.argmax()}")
    return genes


def _coerced(column: pd.Series, kind: Kind, where: str) -> pd.Series:
    if kind == "text":
        return column.astype(str)
    if kind == "flag":
        return column.astype(bool)
    numbers = pd.to_numeric(column, errors="coerce")
    if kind == "number":
        return numbers.astype("float64")
    if numbers.isna().any():
        row = int(numbers.isna().argmax())
        raise BadInput(f"{where} holds '{column.iloc[row]}' in row {row}; wanted a whole number")
    return numbers.astype("int64")


def _check_places(table: pd.DataFrame, assembly: Assembly | None, where: str) -> None:
    rules = [
        ("end before they start", table["end"] <= table["start"]),
        ("start before the chromosome", table["start"] < 0),
    ]
    if assembly is not None:
        sizes = table["chrom"].map(dict(assembly.chrom_sizes))
        rules.append((f"end past the end of their {assembly.name} chromosome", table["end"] > sizes))
    for rule, broken in rules:
        if broken.any():
            row = int(np.asarray(broken).argmax())
            place = table.loc[row]
            raise BadInput(
                f"{where}{int(broken.sum())} rows {rule}; "
                f"first: row {row} {place['chrom']}:{place['start']}-{place['end']}"
            )


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

    def log2_fold_change(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """log2 of after / before, of the quantity inside the logarithm."""
        return (np.asarray(after) - np.asarray(before)) * np.log2(self.log_base)

    def effect_fraction(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Relative change of the quantity inside the logarithm: -0.25 = a quarter less."""
        return np.exp2(self.log2_fold_change(before, after)) - 1.0
