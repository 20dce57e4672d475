"""The rows of the links benchmark as tables that fit a terminal; every row is in the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cre_core.evaluation.links import COMMON, DISTANCE_BINS, SPEARMAN, TRUTH, WITHIN
from cre_core.evaluation.report import as_text

Rows = Sequence[Mapping[str, Any]]
AP = "average_precision"


def links_text(rows: Rows) -> str:
    """Tables of `evaluate_links`: all pairs, by distance, the pairs that all methods score, and differences.

    Intervals are by gene. n_filled: pairs without a score, which count as the fill says.
    """
    known = {(r["method"], r["metric"], r["subset"], r["versus"]): r for r in rows if r["interval"] == "gene"}
    methods = list(dict.fromkeys(row["method"] for row in rows if row["method"] != TRUTH))
    parts = [_truth(rows), _all_pairs(methods, known), _by_distance(methods, known), _common(methods, known)]
    for versus in dict.fromkeys(row["versus"] for row in rows if row["versus"]):
        parts.append(_differences(methods, known, versus))
    return "\n\n".join(part for part in parts if part)


Known = Mapping[tuple[str, str, str, str | None], Mapping[str, Any]]


def _truth(rows: Rows) -> str:
    lines = [
        f"{row['metric'].replace('_', ' ')}: {row['n_positive']:,} of {row['n']:,} pairs ({row['n_genes']:,} genes)"
        for row in rows
        if row["method"] == TRUTH
    ]
    return "\n".join(["The benchmark's own TSSs, which no score of the study takes", *lines]) if lines else ""


def _all_pairs(methods: Sequence[str], known: Known) -> str:
    table = []
    for method in methods:
        row = known[method, AP, "all", None]
        value = {name: known.get((method, metric, subset, None), {}).get("value") for name, metric, subset in (
            ("prec@recall.7", "precision_at_recall_70", "all"), ("auroc", "auroc", "all"),
            ("spearman_effect", SPEARMAN, "all"), ("within_gene_AP", AP, WITHIN),
        )}  # fmt: skip
        table.append({"method": method, **_with_interval(row, "AP"), **value, "n_filled": row["n_filled"],
                      "fill": row["fill"], "source": row["source"]})  # fmt: skip
    first = known[methods[0], AP, "all", None]
    return f"All {_counts(first)}\n" + _text(table)


def _by_distance(methods: Sequence[str], known: Known) -> str:
    bins = [name for name in DISTANCE_BINS if (methods[0], AP, name, None) in known]
    table = [{"method": m, **{name: known[m, AP, name, None]["value"] for name in bins}} for m in methods]
    counts = ", ".join(f"{name} {row['n']:,} / {row['n_positive']:,}" for name in bins
                       if (row := known[methods[0], AP, name, None]))  # fmt: skip
    return f"AP by distance (pairs / positive: {counts})\n" + _text(table) if bins else ""


def _common(methods: Sequence[str], known: Known) -> str:
    if (methods[0], AP, COMMON, None) not in known:
        return ""
    table = [{"method": m, **_with_interval(known[m, AP, COMMON, None], "AP")} for m in methods]
    return f"Pairs that all methods score: {_counts(known[methods[0], AP, COMMON, None])}\n" + _text(table)


def _differences(methods: Sequence[str], known: Known, versus: str) -> str:
    table = []
    for method in methods:
        keys = [(method, f"{AP}_difference", subset, versus) for subset in ("all", COMMON)]
        if keys[0] in known:
            common = _with_interval(known[keys[1]], "common") if keys[1] in known else {}
            table.append({"method": method, **_with_interval(known[keys[0]], "all"), **common})
    return f"AP minus that of {versus}, on the same draws\n" + _text(table) if table else ""


def _with_interval(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: row["value"], f"{name}_low": row["ci_low"], f"{name}_high": row["ci_high"]}


def _counts(row: Mapping[str, Any]) -> str:
    return f"{row['n']:,} pairs, {row['n_positive']:,} positive, prevalence {row['prevalence']:.4f}"


def _text(table: list[dict[str, Any]]) -> str:
    return as_text(table, columns=list(table[0]))
