"""Expression of one biosample from ENCODE's quantifications: summed to genes, then averaged over files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core.errors import BadInput
from cre_core.io.expression import read_expression, without_version
from cre_core.io.text import bytes_of, numbers, read_columns

_LEAST_SHARED = 0.5  # of the annotated genes; below, the table is of another annotation or organism


def mean_tpm(paths: Sequence[Path], genes: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """TPM of every gene: the mean over files of the sum over a file's transcripts.

    Args:
      paths: transcript or gene quantifications with TPM, in the form of RSEM or of kallisto.
      genes: `gene_id` without version and `gene_name`, G rows.

    Returns:
      (G,) float64 TPM; NaN for a gene that no file has. A gene in some files is averaged over those.
      And a line for each file that lacks genes.

    Raises:
      BadFile, BadInput: a file is no quantification, or has under half of the genes.
    """
    columns, notes = [], []
    for path in paths:
        tpm = gene_tpm(path).reindex(genes["gene_id"]).to_numpy()
        missing = np.isnan(tpm)
        if missing.mean() > 1 - _LEAST_SHARED:
            raise BadInput(
                f"{path.name} has {int((~missing).sum()):,} of the {len(genes):,} annotated genes; "
                f"wanted at least {_LEAST_SHARED:.0%}; first missing: {_first(genes, missing)}"
            )
        if missing.any():
            notes.append(
                f"{path.name} lacks {int(missing.sum()):,} of {len(genes):,} genes; first: {_first(genes, missing)}; "
                "they have no data there"
            )
        columns.append(tpm)
    values = np.stack(columns)  # (files, G)
    n = (~np.isnan(values)).sum(axis=0)
    return np.divide(np.nansum(values, axis=0), n, out=np.full(len(genes), np.nan), where=n > 0), notes


def gene_tpm(path: Path) -> pd.Series:
    """TPM by gene id without version, a gene's transcripts summed; NaN = not measured.

    Raises:
      BadFile: missing, not a table, or a value that is not a number. BadInput: there is no TPM.
    """
    content = bytes_of(path)
    if not content.startswith(b"target_id\t"):
        return read_expression(path, column="TPM", repeats="sum").set_index("gene")["value"]
    table = read_columns(path, ["target_id", "tpm"], separator="\t")
    # kallisto: ENST...|ENSG...|...; spike-ins have no gene
    ids = without_version(table["target_id"].astype(str).str.split("|").str[1].fillna(""))
    table = numbers(table, ["tpm"], source=path.name)
    return table.loc[ids != "", "tpm"].groupby(ids[ids != ""]).sum(min_count=1)


def _first(genes: pd.DataFrame, missing: np.ndarray) -> str:
    row = genes.iloc[int(np.argmax(missing))]
    return f"{row['gene_id']} ({row['gene_name']})"
