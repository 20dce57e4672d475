"""predict, knockout: what a trained model says about one gene."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cre_core.cli.gene import StudyDir, at_gene, header, records, write_answer
from cre_core.cli.output import JsonFile
from cre_core.errors import BadInput

if TYPE_CHECKING:
    from cre_core.data.windows import GeneWindow
    from cre_core.inference.edits import BaseEdit
    from cre_core.inference.predictor import Predictor

N_SHUFFLES = 5
_POSITION = r"[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3}"  # 1-based, with commas at the thousands or without
# Of a measured pair: its place, what was measured, and what is predicted.
SCREEN_COLUMNS = (
    "pair_id", "chrom", "start", "end", "tss_distance_bp", "effect_fraction", "call", "p_adjusted", "power_at_25",
    "reference", "element_ids", "n_elements", "n_read", "predicted_fraction",
)  # fmt: skip
Element = Annotated[list[str] | None, typer.Option("--element", help="element id; several times for several")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(predict)
    app.command()(knockout)


def predict(
    study: StudyDir,
    model: Annotated[str, typer.Option(help="model name")],
    biosample: Annotated[str, typer.Option(help="biosample")],
    gene: Annotated[str, typer.Option(help="gene name or id")],
    json_file: JsonFile = None,
) -> None:
    """Predicted expression of a gene and the attention it gave to each element."""
    predictor, window = at_gene(study, model, biosample, gene)
    prediction = predictor.predict([window])
    attention = prediction.element_attention[0, : len(window.elements)].tolist()
    answer = {
        **header(predictor, window),
        "expression": float(prediction.expression[0]),
        "attention": dict(zip(window.elements["element_id"], attention, strict=True)),
    }
    line = f"{answer['gene_name']}\t{answer['expression']:.3f} {predictor.unit.text}\t{answer['fold']}"
    write_answer(answer, [line], json_file)


def knockout(
    study: StudyDir,
    model: Annotated[str, typer.Option(help="model name")],
    biosample: Annotated[str, typer.Option(help="biosample")],
    gene: Annotated[str, typer.Option(help="gene name or id")],
    element: Element = None,
    mode: Annotated[str | None, typer.Option(help="mask, silence or scramble; mask when left out")] = None,
    strength: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="of --element: 0, as when left out, is knocked out, 1 as measured"),
    ] = None,
    scan: Annotated[bool, typer.Option(help="every element of the window alone")] = False,
    screen: Annotated[bool, typer.Option(help="every measured pair: all elements under its place together")] = False,
    pairs: Annotated[bool, typer.Option(help="every pair of the elements named, and their interaction")] = False,
    halve: Annotated[bool, typer.Option(help="elements one after another until expression is halved")] = False,
    delete: Annotated[list[str] | None, typer.Option(help="bases START-END, 1-based, to delete")] = None,
    substitute: Annotated[list[str] | None, typer.Option(help="POSITION:BASES, 1-based, + strand")] = None,
    shuffles: Annotated[
        int | None, typer.Option(min=1, max=1_000, help="of mode scramble, averaged; 5 when left out")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Predicted effect of switching elements off, or of changing their bases."""
    edits = _edits(delete, substitute)
    _check_one_question(element, pairs=pairs, others=[scan, screen, halve, bool(edits)])
    _check_belongs("--strength", strength, to="--element", when=bool(element) and not pairs)
    _check_belongs("--mode", mode, to="elements, not to edited bases", when=not edits)
    _check_belongs(
        "--shuffles", shuffles, to="--mode scramble, with --element or --scan",
        when=mode == "scramble" and not pairs and not halve and not screen,
    )  # fmt: skip
    predictor, window = at_gene(study, model, biosample, gene)
    answer = {**header(predictor, window), "mode": "edit" if edits else mode or "mask"}
    asked = _Asked(predictor, window, mode or "mask", shuffles or N_SHUFFLES)
    if edits:
        answer |= _change(asked, {}, edits)
    else:
        answer["mode_text"] = predictor.mode_text(asked.mode)
        if scan:
            answer |= _scan(asked)
        elif screen:
            answer |= _screen(asked)
        elif pairs:
            answer |= _pairs(asked, element or [])
        elif halve:
            answer |= _halve(asked)
        else:
            answer |= _change(asked, dict.fromkeys(element or [], strength or 0.0), [])
    write_answer(answer, asked.lines, json_file)


@dataclass(frozen=True)
class _Asked:
    predictor: Predictor
    window: GeneWindow
    mode: Any  # checked by the predictor
    shuffles: int
    lines: list[str] = field(default_factory=list)  # of the answer, for people


def _scan(asked: _Asked) -> dict[str, Any]:
    from cre_core.interpretation.perturb import scan_singles

    table = scan_singles(asked.predictor, asked.window, mode=asked.mode, n_shuffles=asked.shuffles)
    for row in table.sort_values("effect_fraction").itertuples():
        asked.lines.append(f"{row.element_id}\t{_effect(row.effect_fraction, row.log2_fold_change)}")
    return {"singles": records(table)}


def _screen(asked: _Asked) -> dict[str, Any]:
    from cre_core.evaluation.screened import compared_pairs

    found, warning = compared_pairs(asked.predictor, asked.window, mode=asked.mode)
    asked.lines.extend([warning] if warning else [])
    table = found[list(SCREEN_COLUMNS)].rename(columns={"effect_fraction": "measured_fraction"})
    for row in table.itertuples():
        effect = "no data" if math.isnan(row.predicted_fraction) else f"{100 * row.predicted_fraction:+.2f} %"
        measured = f"measured {100 * row.measured_fraction:+.1f} %, {row.call}"
        read = f"{row.n_read} of {row.n_elements} elements under it are read"
        asked.lines.append(f"{row.chrom}:{row.start + 1:,}-{row.end:,}\t{measured}\tpredicted {effect}\t{read}")
    return {"measured_pairs": records(table), "warning": warning}


def _pairs(asked: _Asked, elements: list[str]) -> dict[str, Any]:
    from cre_core.interpretation.perturb import scan_pairs

    table = scan_pairs(asked.predictor, asked.window, elements, mode=asked.mode)
    for row in table.sort_values("interaction_log2").itertuples():
        together = f"log2 FC {row.log2_fold_change:+.3f}, sum of both alone {row.expected_log2:+.3f}"
        asked.lines.append(f"{row.element_id}\t{row.other_id}\t{together}, interaction {row.interaction_log2:+.3f}")
    return {"pairs": records(table)}


def _halve(asked: _Asked) -> dict[str, Any]:
    from cre_core.interpretation.perturb import smallest_set

    found = smallest_set(asked.predictor, asked.window, mode=asked.mode)
    for row in found.steps.itertuples():
        asked.lines.append(f"+ {row.element_id}\t{_effect(row.effect_fraction, row.log2_fold_change)}")
    n = len(found.steps)
    greedy = f"halved by {n}: greedy, a smaller set may exist"
    asked.lines.append(greedy if found.is_reached else f"not halved by {n} elements")
    return {"steps": records(found.steps), "is_reached": found.is_reached}


def _change(asked: _Asked, strengths: dict[str, float], edits: list[BaseEdit]) -> dict[str, Any]:
    from cre_core.interpretation.perturb import edit_bases, knock_out

    if edits:
        change = edit_bases(asked.predictor, asked.window, edits)
    else:
        change = knock_out(asked.predictor, asked.window, strengths, mode=asked.mode, n_shuffles=asked.shuffles)
    has_spread = not math.isnan(change.spread_log2)
    effect = _effect(change.effect_fraction, change.log2_fold_change)
    spread = f", SD {change.spread_log2:.3f} over {asked.shuffles} shuffles" if has_spread else ""
    asked.lines.append(f"{change.before:.3f} -> {change.after:.3f} {change.unit}\t{effect}{spread}")
    return {
        "strengths": dict(change.strengths),
        "edits": [edit.text for edit in edits],
        "before": change.before,
        "after": change.after,
        "log2_fold_change": change.log2_fold_change,
        "effect_fraction": change.effect_fraction,
        "spread_log2": change.spread_log2 if has_spread else None,
    }


def _check_one_question(element: list[str] | None, *, pairs: bool, others: list[bool]) -> None:
    if pairs and not element:
        raise BadInput("--pairs wants the elements to pair: give --element ID twice or more")
    if sum([*others, bool(element)]) != 1:
        raise BadInput("give one of --element ID (once or more), --scan, --screen, --halve, --delete or --substitute")


def _check_belongs(option: str, given: object, *, to: str, when: bool) -> None:
    """Refuse an option that would change nothing."""
    if given is not None and not when:
        raise BadInput(f"{option} {given} came; it belongs to {to}")


def _edits(delete: list[str] | None, substitute: list[str] | None) -> list[BaseEdit]:
    """1-based places of the command line to edits."""
    from cre_core.inference.edits import BaseEdit

    found = []
    for text in delete or []:
        place = re.fullmatch(f"({_POSITION})-({_POSITION})", text)
        if place is None:
            raise BadInput(f"--delete '{text}' is no stretch; wanted START-END such as 127,735,434-127,735,444")
        start, end = (int(part.replace(",", "")) for part in place.groups())
        found.append(BaseEdit(start - 1, end))
    for text in substitute or []:
        place = re.fullmatch(rf"({_POSITION}):(\w+)", text)
        if place is None:
            raise BadInput(f"--substitute '{text}' is no change; wanted POSITION:BASES such as 127,735,434:T")
        start = int(place.group(1).replace(",", "")) - 1
        found.append(BaseEdit(start, start + len(place.group(2)), place.group(2)))
    return found


def _effect(fraction: float, log2: float) -> str:
    return "no data" if math.isnan(fraction) else f"{100 * fraction:+.2f} %\tlog2 FC {log2:+.3f}"
