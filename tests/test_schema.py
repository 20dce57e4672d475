"""Table contracts and units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cre_core.errors import BadInput, UnknownName
from cre_core.genome import HG38
from cre_core.schema import ELEMENTS, ExpressionUnit, check_elements, check_genes, check_table


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


def test_no_data_stays_no_data() -> None:
    table = pd.DataFrame({"gene_id": ["a"], "biosample": ["K562"], "measure": ["rna"], "value": [np.nan]})
    from cre_core.schema import EXPRESSION

    assert check_table(table, EXPRESSION)["value"].isna().all()


@pytest.mark.parametrize(("text", "halved"), [("log10(RPKM + 0.1)", -np.log10(2)), ("log2(TPM + 1)", -1.0)])
def test_half_as_much_is_minus_one_in_log2(text: str, halved: float) -> None:
    unit = ExpressionUnit.of(text)
    assert unit.log2_fold_change(np.array(3.0), np.array(3.0 + halved)) == pytest.approx(-1.0)
    assert unit.effect_fraction(np.array(3.0), np.array(3.0 + halved)) == pytest.approx(-0.5)


def test_a_unit_without_logarithm() -> None:
    with pytest.raises(BadInput, match="expression unit 'TPM' is no logarithm"):
        ExpressionUnit.of("TPM")
