"""evaluate expression, links, knockouts, elements, planted; precompute."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cre_core.cli.options import help_alone, names_of
from cre_core.cli.output import JsonFile, ProgressFile, answer
from cre_core.cli.progress import reporting

StudyDir = Annotated[Path, typer.Option("--study", help="study folder")]
Biosample = Annotated[str, typer.Option(help="biosample")]
Methods = Annotated[str | None, typer.Option(help="comma-separated; all when left out")]
Processes = Annotated[int, typer.Option(min=0, max=64, help="at a time; 0 = one for each core, at most 8")]
Resamples = Annotated[int, typer.Option(min=1, max=100_000, help="of each bootstrap")]

evaluate = typer.Typer(help="Benchmarks: every row with method, n, prevalence, metric, value and 95 % interval.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    evaluate.callback(invoke_without_command=True)(help_alone)
    app.add_typer(evaluate, name="evaluate")
    app.command()(precompute)


@evaluate.command()
def expression(
    study: StudyDir,
    biosample: Biosample,
    methods: Methods = None,
    json_file: JsonFile = None,
    resamples: Resamples = 1000,
) -> None:
    """Predicted against measured expression across genes, each gene by the fold that never saw its chromosome."""
    from cre_core.evaluation.benchmark import expression_benchmark

    _run(expression_benchmark, study, biosample, methods, json_file, resamples)


@evaluate.command()
def links(
    study: StudyDir,
    biosample: Biosample,
    methods: Methods = None,
    json_file: JsonFile = None,
    resamples: Resamples = 1000,
    versus: Annotated[str, typer.Option(help="methods that every other is compared with")] = "distance",
    processes: Processes = 0,
) -> None:
    """Element-gene scores against CRISPRi, intervals by pair and by gene."""
    from cre_core.evaluation.benchmark import links_benchmark
    from cre_core.evaluation.links_report import links_text
    from cre_core.evaluation.processes import cores

    compared = names_of(versus, option="--versus")
    benchmark = partial(links_benchmark, versus=compared, n_processes=processes or cores())
    _run(benchmark, study, biosample, methods, json_file, resamples, text=links_text)


@evaluate.command()
def knockouts(
    study: StudyDir,
    biosample: Biosample,
    methods: Annotated[str | None, typer.Option(help="comma-separated models; all when left out")] = None,
    json_file: JsonFile = None,
    resamples: Resamples = 1000,
) -> None:
    """How large predicted knock-outs are beside the measured effects of the same places; intervals by gene."""
    from cre_core.evaluation.knockouts import knockouts_benchmark
    from cre_core.models.device import one_thread

    one_thread()
    _run(knockouts_benchmark, study, biosample, methods, json_file, resamples)


@evaluate.command()
def elements(
    study: StudyDir,
    biosample: Biosample,
    methods: Methods = None,
    json_file: JsonFile = None,
    resamples: Resamples = 1000,
) -> None:
    """Element classes against the study's labels, each element by weights that never saw it; intervals by element."""
    from cre_core.evaluation.elements import elements_benchmark

    _run(elements_benchmark, study, biosample, methods, json_file, resamples)


@evaluate.command()
def planted(
    study: StudyDir,
    biosample: Biosample,
    methods: Methods = None,
    json_file: JsonFile = None,
    resamples: Resamples = 1000,
    processes: Processes = 0,
) -> None:
    """Knock-outs against the effects that a simulation planted: sign, order, sums; intervals by gene."""
    from cre_core.evaluation.planted import planted_benchmark
    from cre_core.evaluation.processes import cores

    benchmark = partial(planted_benchmark, n_processes=processes or cores())
    _run(benchmark, study, biosample, methods, json_file, resamples)


def precompute(
    study: StudyDir,
    progress_file: ProgressFile = None,
) -> None:
    """What takes the dashboard more than a moment: every gene's held-out prediction, knock-outs of the screen."""
    from cre_core.data.study import Study
    from cre_core.evaluation.precompute import KNOCK_OUTS, PREDICTIONS
    from cre_core.evaluation.precompute import precompute as written
    from cre_core.models.device import one_thread

    one_thread()
    with reporting(progress_file) as report:
        found = written(Study.open(study), report=report)
    print(f"{len(found.predictions):,} held-out predictions in {study / PREDICTIONS}")
    print(f"{len(found.knock_outs):,} knock-outs of tested places in {study / KNOCK_OUTS}")


def _run(
    benchmark: Callable[..., list[dict[str, Any]]],
    study: Path,
    biosample: str,
    methods: str | None,
    json_file: Path | None,
    resamples: int,
    *,
    text: Callable[[list[dict[str, Any]]], str] | None = None,
) -> None:
    from cre_core.data.study import Study
    from cre_core.evaluation.report import as_json, as_text

    names = None if methods is None else names_of(methods, option="--methods")
    opened = Study.open(study)
    opened.check_biosample(biosample)
    with reporting() as report:
        rows = benchmark(opened, biosample=biosample, methods=names, report=report, n_resamples=resamples)
    answer([(text or as_text)(rows)], json_text=as_json(rows), json_file=json_file)
