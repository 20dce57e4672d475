"""Expression baselines and their comparison: sums by hand, folds that cannot leak, the known r on K562."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, UnknownName
from cre_core.evaluation.expression import Features, evaluate_expression, features, held_out_predictions


def _features(study: Study, **changes: Any) -> Features:
    tables = {"element_signal": study.element_signal, "promoter_signal": study.promoter_signal, **changes}
    return features(study.genes, study.elements, biosample="ToyCell", **tables)


def test_bins_by_hand(toy_study: Study) -> None:
    found = _features(toy_study)
    assert found.values.shape == (4, 7 * 2 + 2 + 8)
    gene = dict(zip(found.names, found.values[0], strict=True))
    # geneA's TSS is the centre of e1; e2 lies 10 kb, e3 100 kb and e4 200 kb away.
    assert gene["dnase_0_1_kb"] == pytest.approx(np.log1p(900))
    assert gene["dnase_3_10_kb"] == 0
    assert gene["h3k27ac_10_30_kb"] == pytest.approx(np.log1p(50))
    assert gene["dnase_100_300_kb"] == pytest.approx(np.log1p(400 + 800))
    assert gene["h3k27ac_promoter"] == pytest.approx(np.log1p(400))
    assert gene["utr5_length_log10z"] == 0.1


def test_both_sides_of_the_tss_count_alike(toy_study: Study) -> None:
    rng = np.random.default_rng(0)
    center = rng.integers(1000, 900_000, 300)
    elements = pd.DataFrame({"element_id": np.arange(300).astype(str), "chrom": "chrA", "start": center - 5})
    elements["end"] = elements["start"] + 10
    signal = pd.DataFrame({"element_id": elements["element_id"], "biosample": "T", "dnase": rng.integers(0, 9, 300)})
    genes = toy_study.genes.iloc[:2]
    promoters = pd.DataFrame({"gene_id": genes["gene_id"], "biosample": "T", "dnase": 0})
    found = features(
        genes, elements, element_signal=signal, promoter_signal=promoters, biosample="T", assays=["dnase"]
    )
    for row, tss in enumerate(genes["tss"]):
        distance = np.abs(center - tss)
        for column, (low, high) in enumerate(((0, 1000), (1000, 3000), (3000, 10_000), (10_000, 30_000))):
            wanted = signal["dnase"][(distance >= low) & (distance < high)].sum()
            assert found.values[row, column] == pytest.approx(np.log1p(wanted))


def test_no_data_is_nan_only_when_nothing_is_known(toy_study: Study) -> None:
    holed = toy_study.element_signal.assign(
        dnase=toy_study.element_signal["dnase"].where(~toy_study.element_signal["element_id"].isin(["e1", "e3"]))
    )
    gene = dict(zip(*(lambda f: (f.names, f.values[0]))(_features(toy_study, element_signal=holed)), strict=True))
    assert np.isnan(gene["dnase_0_1_kb"])
    assert gene["dnase_100_300_kb"] == pytest.approx(np.log1p(800))
    assert gene["dnase_1_3_kb"] == 0


def test_a_missing_biosample_or_assay_is_named(toy_study: Study) -> None:
    with pytest.raises(UnknownName, match="no counts of assay 'atac'"):
        _features(toy_study, assays=["atac"])
    empty = toy_study.promoter_signal.iloc[:0]
    with pytest.raises(UnknownName, match="no counts of biosample 'ToyCell'"):
        _features(toy_study, promoter_signal=empty)


def _toy_problem() -> tuple[Features, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    ids = np.array([f"G{k}" for k in range(200)])
    values = rng.normal(size=(200, 3))
    observed = pd.DataFrame({"gene_id": ids, "value": values @ [1.0, -2.0, 0.5] + 3})
    is_first = np.arange(200) < 100
    folds = pd.DataFrame(
        {
            "gene_id": ids,
            "fold_1": np.where(is_first, "test", "train"),
            "fold_2": np.where(is_first, "train", "test"),
            "fold_enformer": "train",
        }
    )
    return Features(ids, values, ("a", "b", "c")), observed, folds


def test_ridge_finds_a_line_and_every_gene_is_held_out() -> None:
    inputs, observed, folds = _toy_problem()
    found = held_out_predictions(inputs, observed, folds=folds, model="ridge")
    assert list(found["fold"].unique()) == ["fold_1", "fold_2"]
    assert list(found["gene_id"]) == list(inputs.gene_id)
    np.testing.assert_allclose(found["value"], observed["value"], atol=0.15)


def test_a_fold_never_sees_the_genes_it_tests() -> None:
    inputs, observed, folds = _toy_problem()
    changed = observed.assign(value=observed["value"].where(np.arange(200) >= 100, 99.0))
    for model in ("ridge", "gradient_boosting"):
        before = held_out_predictions(inputs, observed, folds=folds, model=model)  # type: ignore[arg-type]
        after = held_out_predictions(inputs, changed, folds=folds, model=model)  # type: ignore[arg-type]
        same = before["fold"] == "fold_1"
        assert (before["value"] == after["value"])[same].all()
        assert (before["value"] != after["value"])[~same].any()


def test_bad_folds_and_models_are_refused() -> None:
    inputs, observed, folds = _toy_problem()
    with pytest.raises(UnknownName, match="no expression baseline 'magic'"):
        held_out_predictions(inputs, observed, folds=folds, model="magic")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="fold_1 has no training gene with a value"):
        held_out_predictions(inputs, observed.iloc[:100], folds=folds)
    with pytest.raises(BadInput, match="folds have columns gene_id; wanted fold_1"):
        held_out_predictions(inputs, observed, folds=folds[["gene_id"]])


def _row(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_rows_by_hand_and_no_credit_for_seen_genes() -> None:
    _, observed, folds = _toy_problem()
    held = folds["fold_1"].map({"test": "fold_1"}).fillna("fold_2")
    perfect = observed.assign(fold=held)
    off = perfect.assign(value=perfect["value"] + 2)
    # The fold that trained on a gene knows it exactly: those rows must not count.
    cheating = pd.concat([off, observed.assign(fold=held.map({"fold_1": "fold_2", "fold_2": "fold_1"}))])
    genes = pd.DataFrame({"gene_id": observed["gene_id"], "chrom": np.where(held == "fold_1", "chrA", "chrB")})
    rows = evaluate_expression(
        observed,
        {"perfect": perfect, "off": cheating.iloc[:-1]},
        folds=folds,
        genes=genes,
        reference="perfect",
        n_resamples=30,
    )
    assert _row(rows, method="perfect", metric="mae", subset="all")["value"] == 0
    assert _row(rows, method="off", metric="mae", subset="all")["value"] == pytest.approx(2)
    difference = _row(rows, method="off", metric="mae_difference", subset="chrB")
    assert (difference["value"], difference["ci_low"], difference["n"]) == (pytest.approx(2), pytest.approx(2), 100)
    assert _row(rows, method="off", metric="pearson_r", subset="fold_2")["value"] == pytest.approx(1)
    assert {row["subset"] for row in rows} == {"all", "fold_1", "fold_2", "chrA", "chrB"}


def test_methods_are_compared_on_the_same_genes() -> None:
    _, observed, folds = _toy_problem()
    whole = observed.assign(fold=np.where(folds["fold_1"] == "test", "fold_1", "fold_2"))
    rows = evaluate_expression(observed, {"a": whole, "b": whole.iloc[:150]}, folds=folds, n_resamples=3)
    assert {(row["n"], row["n_missing"]) for row in rows if row["subset"] == "all"} == {(150, 50)}


def test_bad_predictions_are_refused() -> None:
    _, observed, folds = _toy_problem()
    seen = observed.assign(fold=np.where(folds["fold_1"] == "test", "fold_2", "fold_1"))
    with pytest.raises(BadInput, match="no measured gene has a held-out prediction of every method"):
        evaluate_expression(observed, {"a": seen}, folds=folds)
    with pytest.raises(BadInput, match="no prediction came"):
        evaluate_expression(observed, {}, folds=folds)
    with pytest.raises(BadInput, match="a predicts NaN for 200 genes"):
        evaluate_expression(observed, {"a": seen.assign(value=np.nan)}, folds=folds)
    with pytest.raises(UnknownName, match="no method 'b' to compare with; there are a"):
        evaluate_expression(observed, {"a": seen}, folds=folds, reference="b")


@pytest.mark.slow
def test_known_correlations_on_k562(k562: Study) -> None:
    signal = {"element_signal": k562.element_signal, "promoter_signal": k562.promoter_signal}
    inputs = features(k562.genes, k562.elements, **signal, biosample="K562")
    modelled = k562.expression[k562.expression["gene_id"].isin(k562.genes["gene_id"])]  # others have a TPM alone
    measured = modelled.pivot(index="gene_id", columns="measure", values="value").reset_index()
    observed = measured.rename(columns={"rna": "value"})[["gene_id", "value"]]
    stored = measured.rename(columns={"rna_epinformer_published": "value"})[["gene_id", "value"]]
    stored["fold"] = stored["gene_id"].map(k562.fold_of)
    folds = k562.folds
    predictions = {
        "ridge": held_out_predictions(inputs, observed, folds=folds, model="ridge"),
        "epinformer_stored": stored,
        "gradient_boosting": held_out_predictions(inputs, observed, folds=folds),
    }
    rows = evaluate_expression(observed, predictions, folds=folds, reference="ridge", n_resamples=20)
    pooled = {row["method"]: row["value"] for row in rows if row["subset"] == "all" and row["metric"] == "pearson_r"}
    assert pooled == pytest.approx(
        {"ridge": 0.845, "epinformer_stored": 0.844, "gradient_boosting": 0.880}, abs=0.002
    )
    assert {row["n"] for row in rows if row["subset"] == "all"} == {18_377}
    fold_3 = _row(rows, method="gradient_boosting", metric="pearson_r", subset="fold_3")
    assert (fold_3["n"], fold_3["value"]) == (1303, pytest.approx(0.887, abs=0.005))
