"""explain: why a trained model predicts what it predicts for one gene."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from cre_core.cli.gene import StudyDir, at_gene, header, records, write_answer
from cre_core.cli.output import JsonFile
from cre_core.cli.progress import reporting
from cre_core.errors import BadInput

if TYPE_CHECKING:
    from cre_core.data.windows import GeneWindow
    from cre_core.inference.predictor import Predictor

BASES = "ACGT"
N_PRINTED = 20  # lines; the JSON holds all


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(explain)


def explain(
    study: StudyDir,
    model: Annotated[str, typer.Option(help="model name")],
    biosample: Annotated[str, typer.Option(help="biosample")],
    gene: Annotated[str, typer.Option(help="gene name or id")],
    method: Annotated[
        str, typer.Option(help="gradient_x_input, integrated_gradients, deep_lift, saliency, mutagenesis or factors")
    ] = "gradient_x_input",
    element: Annotated[str | None, typer.Option(help="element whose bases mutagenesis substitutes")] = None,
    json_file: JsonFile = None,
) -> None:
    """What each element adds to a prediction; with mutagenesis each base of one; with factors, each motif."""
    if (method == "mutagenesis") != (element is not None):
        raise BadInput("--element names the element of --method mutagenesis: give both, or neither")
    predictor, window = at_gene(study, model, biosample, gene)
    answer, lines = {**header(predictor, window), "method": method}, list[str]()
    if element is not None:
        answer |= _bases(predictor, window, element, lines)
    elif method == "factors":
        answer |= _factors(predictor, window, lines)
    else:
        answer |= _elements(predictor, window, method, lines)
    write_answer(answer, lines, json_file)


def _elements(predictor: Predictor, window: GeneWindow, method: str, lines: list[str]) -> dict[str, Any]:
    from cre_core.interpretation.attribution import attribute

    with reporting() as report:
        found = attribute(predictor, window, method=method, report=report)
    table = window.elements[["element_id", "tss_distance_bp"]].assign(contribution=found.elements)
    strongest = table.reindex(table["contribution"].abs().sort_values(ascending=False).index).dropna()
    for row in strongest.head(N_PRINTED).itertuples():
        lines.append(f"{row.element_id}\t{row.tss_distance_bp:+,} bp\t{row.contribution:+.4f} {found.unit}")
    delta = None if math.isnan(found.convergence_delta) else found.convergence_delta
    if delta is not None:
        lines.append(
            f"sum of all contributions misses the change of the prediction, {found.difference:.3f}, by {delta:.2g}"
        )
    difference = None if math.isnan(found.difference) else found.difference
    return {
        "unit": found.unit,
        "elements": records(table),
        "difference": difference,
        "convergence_delta": delta,
        "n_references": found.n_references,
    }


def _bases(predictor: Predictor, window: GeneWindow, element: str, lines: list[str]) -> dict[str, Any]:
    from cre_core.interpretation.mutagenesis import saturate

    with reporting() as report:
        found = saturate(predictor, window, element, report=report)
    change = found.log2_fold_change  # (L, 4)
    order = np.argsort(-np.nan_to_num(np.abs(change), nan=-1.0), axis=None)
    for place, base in zip(*np.unravel_index(order[:N_PRINTED], change.shape), strict=True):
        reference = "ACGTN"[found.reference[place]]
        position = found.place.start + int(place) + 1
        lines.append(
            f"{found.place.chrom}:{position:,} {reference}>{BASES[base]}\tlog2 FC {change[place, base]:+.4f}"
        )
    return {
        "element_id": element,
        "chrom": found.place.chrom,
        "start": found.place.start,
        "end": found.place.end,
        "reference": "".join("ACGTN"[base] for base in found.reference),
        "log2_fold_change": [[None if math.isnan(v) else v for v in row] for row in change.tolist()],
    }


def _factors(predictor: Predictor, window: GeneWindow, lines: list[str]) -> dict[str, Any]:
    from cre_core.interpretation.tf_contributions import tf_contributions
    from cre_core.io.motifs import read_motifs

    study = predictor.study
    motifs = read_motifs(study.folder / study.info.motifs) if study.info.motifs else []
    table = tf_contributions(predictor, window, motifs)
    for row in table.reindex(table["contribution"].abs().sort_values(ascending=False).index)[:N_PRINTED].itertuples():
        lines.append(f"{row.element_id}\t{row.motif_name}\t{row.contribution:+.4f} {predictor.unit.text}")
    return {"factors": records(table)}
