"""Table contracts and units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import BadInput, UnknownName
from cre_core.genome import HG38
from cre_core.schema import (
    ELEMENT_SIGNAL,
    ELEMENTS,
    EXPRESSION,
    FOLDS,
    GENES,
    LOOPS,
    ExpressionUnit,
    TableSpec,
    check_elements,
    check_genes,
    check_table,
)  # fmt: skip


def elements(**changes: list[object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "element_id": ["a", "b"],
        "chrom": ["chr1", "1"],
        "start": [100, 900],
        "end": [200, 1000],
        "element_class": ["distal", "promoter"],
    }
    return pd.DataFrame({**columns, **changes})


def test_names_become_the_assemblys() -> None:
    assert check_elements(elements(), assembly=HG38)["chrom"].tolist() == ["chr1", "chr1"]


def test_further_columns_stay() -> None:
    assert check_elements(elements(n_reads=[3, 4]))["n_reads"].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"end": [200, 800]}, "f.bed: 1 rows end before they start; first: row 1 1:900-800"),
        ({"start": [-1, 900]}, "1 rows start before the chromosome; first: row 0"),
        ({"start": ["x", 900]}, "column start holds 'x' in row 0; wanted a whole number"),
        ({"element_id": ["a", "a"]}, "elements repeat 1 keys; first: a"),
    ],
)
def test_a_broken_row_is_named(changes: dict[str, list[object]], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_elements(elements(**changes), source="f.bed")
    assert says in str(caught.value)


def test_an_end_past_the_chromosome() -> None:
    with pytest.raises(BadInput, match="1 rows end past the end of their hg38 chromosome"):
        check_elements(elements(end=[200, 248956423]), assembly=HG38)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BadInput, match="elements lack column element_class; the table has element_id, chrom"):
        check_table(elements().drop(columns="element_class"), ELEMENTS)


def test_an_unknown_chromosome_is_named() -> None:
    with pytest.raises(UnknownName, match="hg38 has no chromosome 'chr77'"):
        check_elements(elements(chrom=["chr1", "chr77"]), assembly=HG38)


def test_a_gene_needs_a_strand() -> None:
    genes = elements().assign(gene_id=["a", "b"], gene_name=["A", "B"], strand=["+", "."], tss=[100, 950])
    with pytest.raises(BadInput, match="1 genes have strand other than"):
        check_genes(genes)


def genes(**changes: list[object]) -> pd.DataFrame:
    more = {"gene_id": ["a", "b"], "gene_name": ["A", "B"], "strand": ["+", "-"], "tss": [100, 999]}
    return elements().assign(**{**more, **changes})


def signal(*counts: object) -> pd.DataFrame:
    names = [f"e{i}" for i in range(len(counts))]
    return pd.DataFrame({"element_id": names, "biosample": "K562", "dnase": counts, "h3k27ac": 1.0})


def expression(*values: object, measure: str = "tpm") -> pd.DataFrame:
    names = [f"g{i}" for i in range(len(values))]
    return pd.DataFrame({"gene_id": names, "biosample": "K562", "measure": measure, "value": values})


def folds(*parts: object) -> pd.DataFrame:
    names = [f"g{i}" for i in range(len(parts))]
    return pd.DataFrame({"gene_id": names, "fold_1": "train", "fold_2": parts})


@pytest.mark.parametrize(
    ("table", "spec", "says"),
    [
        (genes(strand=["+", "?"]), GENES, "1 genes have strand other than + or -; first: row 1 b"),
        (genes(tss=[99, 950]), GENES, "1 genes have a TSS outside the gene; first: row 0 a"),
        (genes(tss=[100, 1000]), GENES, "1 genes have a TSS outside the gene; first: row 1 b"),
        (genes(tss=[100, -5], has_body=[True, True]), GENES, "1 rows have a TSS off their hg38 chromosome"),
        (
            genes(tss=[100, 10**9], has_body=[True, True]),
            GENES,
            "1 rows have a TSS off their hg38 chromosome; first: row 1",
        ),
        (genes(tss=[100.5, 950]), GENES, "column tss holds '100.5' in row 0; wanted a whole number"),
        (genes(tss=[100, np.inf]), GENES, "column tss holds 'inf' in row 1; wanted a whole number"),
        (elements(end=[200, 1e30]), ELEMENTS, "column end holds '1e+30' in row 1; wanted a whole number"),
        (elements(start=[np.nan, 900]), ELEMENTS, "column start holds 'nan' in row 0; wanted a whole number"),
        (signal(1, -2), ELEMENT_SIGNAL, "1 element signal have a negative or infinite count; first: row 1 e1 K562"),
        (
            signal(np.inf, 2),
            ELEMENT_SIGNAL,
            "1 element signal have a negative or infinite count; first: row 0 e0 K562",
        ),
        (expression(1, -0.5), EXPRESSION, "1 expression have a negative TPM; first: row 1 g1 K562 tpm"),
        (expression(1, np.inf), EXPRESSION, "column value holds 'inf' in row 1; wanted a number"),
        (expression("1", "lots"), EXPRESSION, "column value holds 'lots' in row 1; wanted a number"),
        (
            folds("test", "often"),
            FOLDS,
            "1 folds say something else than train, valid, test or unused; first: row 1 g1",
        ),
        (folds(0.5, 1), FOLDS, "2 folds say something else than train"),
        (folds("test", None), FOLDS, "1 folds say something else than train"),
        (folds("test").drop(columns="fold_1"), FOLDS, "folds lack column fold_1; the table has gene_id, fold_2"),
    ],
)
def test_values_that_cannot_be_are_counted_and_the_first_is_named(
    table: pd.DataFrame, spec: TableSpec, says: str
) -> None:
    with pytest.raises(BadInput) as caught:
        check_table(table, spec, assembly=HG38)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_that_can_be_stay() -> None:
    assert check_table(genes(tss=[7, 5], has_body=[True, False]), GENES, assembly=HG38)["tss"].tolist() == [7, 5]
    assert check_table(expression(-3.5, measure="rna"), EXPRESSION)["value"].tolist() == [-3.5]
    assert check_table(signal(0, np.nan), ELEMENT_SIGNAL)["dnase"].isna().tolist() == [False, True]
    assert len(check_table(folds("test", "unused"), FOLDS)) == 2
    assert check_table(elements(start=["1e2", "900"]), ELEMENTS)["start"].tolist() == [100, 900]


def test_flags_are_true_or_false() -> None:
    spec = TableSpec("flags", {"is_on": "flag"}, is_interval=False)
    table = pd.DataFrame({"is_on": ["True", "FALSE", "1", "0"]})
    assert check_table(table, spec)["is_on"].tolist() == [True, False, True, False]
    for odd in ("yes", np.nan, 2):
        with pytest.raises(BadInput, match=r"flags: column is_on holds '.*' in row 1; wanted true or false"):
            check_table(pd.DataFrame({"is_on": [True, odd]}), spec)


def test_both_anchors_of_a_loop_are_checked() -> None:
    loops = pd.DataFrame({"chrom": ["1"], "start": [1], "end": [5], "chrom2": ["1"], "start2": [9], "end2": [20]})
    assert check_table(loops, LOOPS, assembly=HG38)["chrom2"].tolist() == ["chr1"]
    with pytest.raises(BadInput, match=r"second anchor: 1 rows end before they start; first: row 0 1:9-9"):
        check_table(loops.assign(end2=9), LOOPS)


def test_a_column_that_is_there_twice_is_refused() -> None:
    table = pd.concat([elements(), elements()[["start"]]], axis=1)
    with pytest.raises(BadInput, match="elements have column start twice"):
        check_table(table, ELEMENTS)


def test_no_data_stays_no_data() -> None:
    table = pd.DataFrame({"gene_id": ["a"], "biosample": ["K562"], "measure": ["rna"], "value": [np.nan]})
    assert check_table(table, EXPRESSION)["value"].isna().all()


@pytest.mark.parametrize(("text", "halved"), [("log10(RPKM + 0.1)", -np.log10(2)), ("log2(TPM + 1)", -1.0)])
def test_half_as_much_is_minus_one_in_log2(text: str, halved: float) -> None:
    unit = ExpressionUnit.of(text)
    assert unit.log2_fold_change(np.array(3.0), np.array(3.0 + halved)) == pytest.approx(-1.0)
    assert unit.effect_fraction(np.array(3.0), np.array(3.0 + halved)) == pytest.approx(-0.5)


def test_a_unit_without_logarithm() -> None:
    with pytest.raises(BadInput, match="expression unit 'TPM' is no logarithm"):
        ExpressionUnit.of("TPM")
