"""Every tested pair of a screen by every link method: what `evaluate links` ranks, and what the pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cre_core import schema
from cre_core.data.study import Study
from cre_core.evaluation import baselines
from cre_core.evaluation.methods import method_of
from cre_core.evaluation.nearest import nearest_genes
from cre_core.evaluation.pairs import EXPERIMENTS, PairScores, benchmark_scores, filled, overlaps, scores_from_links
from cre_core.evaluation.processes import each_part, opened
from cre_core.evaluation.scores import REACH_BP, parted
from cre_core.evaluation.screened import COLUMNS, genes_of_screen, predicted_pairs
from cre_core.inference.known import shared_predictor
from cre_core.progress import Report
from cre_core.schema import Mode

GENES_A_PART = 40  # asked of a process at a time: a second or so


@dataclass(frozen=True)
class ModelOnScreen:
    """What one model says about the tested places of a screen.

    Attributes:
      links: schema.LINKS of the elements under them, a row per kind of score and element.
      predicted: mode -> gene_id, place and effect of the pairs, as `predicted_pairs` gives them, indexed by the
        screen's rows. Pairs of genes that the model does not know have no row.
    """

    links: pd.DataFrame
    predicted: Mapping[Mode, pd.DataFrame]


def pair_scores(
    study: Study,
    crispr: pd.DataFrame,
    *,
    biosample: str,
    methods: Sequence[str],
    n_processes: int = 1,
    report: Report | None = None,
) -> list[PairScores]:
    """The tested pairs by each method, and by each other source that the benchmark's table has for it.

    Args:
      crispr: of `screened.screen_of`.
      methods: names from `every_link_method`; each once in what comes back.
      n_processes: as in `each_part`.
      report: called with step, done, total.
    """
    methods = list(dict.fromkeys(methods))
    simple, by_model = parted(methods)
    links = [simple_links(study, crispr, biosample=biosample, methods=[*simple, "abc"])]
    abc = links[0][links[0]["method"] == "abc"]
    experiments: dict[str, np.ndarray] = {}
    for model, kinds in by_model.items():
        found = model_on_screen(
            study, crispr, abc, biosample=biosample, model=model, kinds=kinds, n_processes=n_processes, report=report
        )
        links.append(found.links)
        for kind, mode in modes_of(kinds).items():
            effect = found.predicted[mode]["effect_fraction"].reindex(range(len(crispr)))
            experiments[f"{model}.{kind}"] = -effect.to_numpy(float)
    every = pd.concat(links, ignore_index=True)
    scores: list[PairScores] = []
    for method in methods:
        if method in experiments:
            # A signed score may be below 0: what the model cannot score gets no evidence, not the most repression.
            scores.append(filled(method, experiments[method], source=EXPERIMENTS))
        else:
            scores += [scores_from_links(crispr, every, method=method), *benchmark_scores(crispr, method)]
    return scores


def simple_links(study: Study, crispr: pd.DataFrame, *, biosample: str, methods: Sequence[str]) -> pd.DataFrame:
    """schema.LINKS by methods that need no model, as `gene_links` gives them, of the elements under tested places.

    Args:
      crispr: schema.CRISPR; also genes that no model knows are scored.
      methods: names from `simple_methods`.
    """
    elements = baselines.with_counts(study.elements, study.element_signal, biosample=biosample)
    hits = overlaps(crispr, elements)
    among = pd.DataFrame(
        {
            "gene_id": crispr["gene_id"].to_numpy()[hits["row"]],
            "element_id": elements["element_id"].to_numpy()[hits["element_row"]],
        }
    ).drop_duplicates()
    genes = study.annotated_genes.drop_duplicates("gene_id")
    links = baselines.link_scores(
        elements,
        genes[genes["gene_id"].isin(among["gene_id"])],
        biosample=biosample,
        methods=list(dict.fromkeys(methods)),
        nearest=nearest_genes(study, biosample),
        among=among,
    )
    return links[links["tss_distance_bp"].abs() <= REACH_BP]


def model_on_screen(
    study: Study,
    crispr: pd.DataFrame,
    abc: pd.DataFrame,
    *,
    biosample: str,
    model: str,
    kinds: Sequence[str],
    n_processes: int = 1,
    report: Report | None = None,
) -> ModelOnScreen:
    """Every kind of score and predicted knock-out of a model, each gene's window made once.

    Args:
      crispr: schema.CRISPR, rows numbered from 0.
      abc: schema.LINKS by ABC of the elements under the tested places.
      kinds: of score; those with a mode are experiments on the pairs.
    """
    abc_of = dict(tuple(abc.groupby("gene_id", sort=False)))
    tested = sorted(genes_of_screen(study, crispr), key=lambda one: study.fold_of(one[0]))  # a part is of one fold
    genes = [
        _Tested(gene_id, pairs, abc_of.get(gene_id, abc.iloc[:0]).reset_index(drop=True)) for gene_id, pairs in tested
    ]
    where = study if n_processes <= 1 else study.folder
    parts = [
        _Part(where, model, biosample, tuple(kinds), genes[at : at + GENES_A_PART])
        for at in range(0, len(genes), GENES_A_PART)
    ]
    found = each_part(_score_part, parts, step=f"scores of {model}", n_processes=n_processes, report=report)
    nothing = pd.DataFrame(columns=list(COLUMNS))
    modes = modes_of(kinds).values()
    return ModelOnScreen(
        links=pd.concat([part.links for part in found] or [abc.iloc[:0]], ignore_index=True),
        predicted={mode: pd.concat([part.predicted[mode] for part in found] or [nothing]) for mode in modes},
    )


def modes_of(kinds: Sequence[str]) -> dict[str, Mode]:
    """Of some kinds of score those that are knock-outs, with their mode."""
    modes = {kind: method_of(kind).mode for kind in kinds}
    return {kind: mode for kind, mode in modes.items() if mode is not None}


@dataclass(frozen=True)
class _Tested:
    """One tested gene: its pairs, and ABC of the elements under them."""

    gene_id: str
    pairs: pd.DataFrame
    abc: pd.DataFrame


@dataclass(frozen=True)
class _Part:
    """Some genes, and what to say about them; a study that another process opens comes as its folder."""

    study: Study | Path
    model: str
    biosample: str
    kinds: tuple[str, ...]
    genes: Sequence[_Tested]


def _score_part(part: _Part) -> ModelOnScreen:
    from cre_core.evaluation.model_scores import scores_of_genes  # torch: methods without a model do without

    study = opened(part.study) if isinstance(part.study, Path) else part.study
    predictor = shared_predictor(study, part.model, part.biosample)
    modes = modes_of(part.kinds)
    read = [kind for kind in part.kinds if kind not in modes]
    links, predicted = [], {mode: list[pd.DataFrame]() for mode in modes.values()}
    together = scores_of_genes(predictor, [(gene.gene_id, gene.abc) for gene in part.genes], kinds=read)
    for gene, scores in zip(part.genes, together, strict=True):
        if len(gene.abc):
            links.append(scores.links(read))
        for mode in predicted:
            found = predicted_pairs(predictor, scores.window, gene.pairs, mode=mode)
            predicted[mode].append(found.set_axis(gene.pairs.index))
    nothing = pd.DataFrame(columns=list(schema.LINKS.columns))
    return ModelOnScreen(
        pd.concat(links, ignore_index=True) if links else nothing,
        {mode: pd.concat(tables) for mode, tables in predicted.items()},
    )
