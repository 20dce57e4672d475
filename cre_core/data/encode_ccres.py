"""SCREEN's registry of cCREs as elements of a study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data.recipe import classify_elements
from cre_core.errors import BadFile, BadInput
from cre_core.genome import Assembly
from cre_core.io.bed import read_bed

DROPPED = ("DNase-only", "Low-DNase")  # open or not even that, without any mark: no candidate
_BY_CLASS = {"PLS": "promoter", "pELS": "proximal", "dELS": "distal", "CTCF-only": "ctcf"}
_BY_PLACE = "DNase-H3K4me3"  # promoter marks away from annotated TSSs: near or far, as the annotation says
_CLASSES = (*_BY_CLASS, _BY_PLACE, *DROPPED)
_BOUND = "CTCF-bound"  # stands beside a class


def read_ccres(path: Path, *, assembly: Assembly, tss_chrom: np.ndarray, tss: np.ndarray) -> pd.DataFrame:
    """Read a registry file and keep what can regulate: neither DNase-only nor Low-DNase.

    Args:
      path: BED of registry V3, all biosamples (class in column 6) or one biosample (class in column 10).
      assembly: what the coordinates are on.
      tss_chrom, tss: (M,) chromosome and 0-based position of every annotated TSS.

    Returns:
      schema.ELEMENTS sorted by place, plus `registry_class` as the registry writes it (`pELS,CTCF-bound`).
      element_class is promoter (PLS), proximal (pELS), distal (dELS), ctcf (CTCF-only); DNase-H3K4me3 is proximal
      up to 2 kb from a TSS, else distal. attrs["n_left_out"] counts the rows of dropped classes.

    Raises:
      BadFile: no column holds classes. BadInput: a class of another registry version, or nothing is left.
      WrongAssembly, UnknownName: as `io.bed.read_bed`.

    Source: ENCODE Project Consortium 2020, Nature 583:699, classes of cCREs.
    """
    table = read_bed(path, assembly=assembly, names=("chrom", "start", "end"))
    classes = _class_column(table, path)
    kind = classes.str.split(",").str[0].replace(_BOUND, "CTCF-only")
    unknown = ~kind.isin(_CLASSES)
    if unknown.any():
        raise BadInput(
            f"{path.name}: {int(unknown.sum())} rows have a class that registry V3 lacks; first: row "
            f"{int(np.argmax(unknown))} {kind[unknown].iloc[0]}; wanted {', '.join(_CLASSES)}"
        )
    elements = table[["chrom", "start", "end"]].assign(
        element_id=_ids(table), registry_class=classes, element_class=kind.map(_BY_CLASS)
    )
    kept = elements[~kind.isin(DROPPED)].reset_index(drop=True)
    if kept.empty:
        raise BadInput(f"{path.name} has no cCRE but {', '.join(DROPPED)}")
    by_place = pd.Series(classify_elements(kept, tss_chrom, tss)).replace("promoter", "proximal")
    kept["element_class"] = kept["element_class"].fillna(by_place)
    kept = schema.check_elements(kept, assembly=assembly, source=path.name)
    kept = kept.sort_values(["chrom", "start", "end"], kind="stable", ignore_index=True)
    kept = kept[[*schema.ELEMENTS.columns, "registry_class"]]
    kept.attrs["n_left_out"] = len(elements) - len(kept)
    return kept


def _class_column(table: pd.DataFrame, path: Path) -> pd.Series:
    for name in ("column_10", "column_6"):
        if name in table and table[name].astype(str).str.split(",").str[0].isin((*_CLASSES, _BOUND)).any():
            return table[name].astype(str)
    raise BadFile(f"{path.name} has no classes of cCREs in column 6 or 10; wanted {', '.join(_CLASSES)}")


def _ids(table: pd.DataFrame) -> pd.Series:
    """The registry's accession (EH38E...), or the place where the file has none."""
    for name in ("column_5", "column_4"):
        if name in table and table[name].astype(str).str.match(r"EH\d+E\d+$").all():
            return table[name]
    return table["chrom"] + ":" + table["start"].astype(str) + "-" + table["end"].astype(str)
