"""What commands about one gene share: its options, opening, and writing of answers."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cre_core.cli.output import answer

if TYPE_CHECKING:
    import pandas as pd

    from cre_core.data.windows import GeneWindow
    from cre_core.inference.predictor import Predictor

StudyDir = Annotated[Path, typer.Option("--study", help="study folder")]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by column name; see `write_answer` for what is no data."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def at_gene(study: Path, model: str, biosample: str, gene: str) -> tuple[Predictor, GeneWindow]:
    """The predictor of a trained model and the window of a gene, by name or id; of another name it is told whose."""
    from cre_core.data.study import Study
    from cre_core.inference.predictor import open_predictor

    opened = Study.open(study)
    opened.check_biosample(biosample)
    predictor = open_predictor(opened, model, biosample=biosample)
    gene_id = opened.gene(gene)["gene_id"]
    if remark := opened.gene_remark(gene):
        print(remark, file=sys.stderr)
    return predictor, predictor.window(gene_id)


def header(predictor: Predictor, window: GeneWindow) -> dict[str, Any]:
    """Whom an answer is about, and which model and fold gave it."""
    gene_id = window.gene["gene_id"]
    return {
        "study": predictor.study.name,
        "is_simulated": predictor.study.info.is_simulated,
        "model": predictor.name,
        "biosample": predictor.biosample,
        "gene_id": gene_id,
        "gene_name": window.gene["gene_name"],
        "fold": predictor.fold_of(gene_id),
        "seen_in_training": bool(predictor.saw(gene_id)),
        "unit": predictor.unit.text,
    }


def write_answer(numbers: dict[str, Any], lines: Iterable[str], json_file: Path | None) -> None:
    """Write an answer as JSON where that was asked for, no data as null; then print it."""
    answer(lines, json_text=json.dumps(_plain(numbers), indent=1, allow_nan=False), json_file=json_file)


def _plain(value: Any) -> Any:
    """As JSON takes it: a number that is none becomes null."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
