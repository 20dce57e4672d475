"""Expression tables as R and spreadsheets leave them: the right column, and no gene under another one's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cases import case

from cre_core.errors import BadFile
from cre_core.io.expression import read_expression
from cre_core.io.notes import notes_of


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "expression.tsv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("mark", ["\t", ",", ";", " "])
def test_a_header_one_field_short_shifts_nothing(tmp_path: Path, mark: str) -> None:
    head = mark.join(('"gene_id"', '"length"', '"TPM"', '"FPKM"'))
    rows = (mark.join(('"1"', '"ENSG00000136997"', "2379", "35.1", "20.2")),)
    table = read_expression(_file(tmp_path, "\n".join((head, *rows)) + "\n"))
    assert table.to_numpy().tolist() == [["ENSG00000136997", 35.1]]
    assert table.attrs["unit"] == "TPM"


def test_a_separator_at_the_end_of_every_row_shifts_nothing(tmp_path: Path) -> None:
    table = read_expression(_file(tmp_path, "gene\tTPM\nMYC\t35.1\t\nTP53\t11\t\n"))
    assert table.to_numpy().tolist() == [["MYC", 35.1], ["TP53", 11.0]]


def test_row_names_are_the_genes_where_no_column_has_them(tmp_path: Path) -> None:
    table = read_expression(_file(tmp_path, '"TPM" "FPKM"\n"MYC" 35.1 20\n"TP53" 11 7\n'))
    assert table.to_numpy().tolist() == [["MYC", 35.1], ["TP53", 11.0]]
    table = read_expression(_file(tmp_path, '"","TPM"\n"MYC",35.1\n'))
    assert table.to_numpy().tolist() == [["MYC", 35.1]]
    with pytest.raises(BadFile, match="has no gene column"):
        read_expression(_file(tmp_path, '"TPM" "FPKM"\n"1" 35.1 20\n"2" 11 7\n'))


@pytest.mark.parametrize(
    "name",
    ["1-Mar", "2-Sep", "01-Dec", "Sep-02", "1. Mrz", "3-Mär", "Mar-01", "2001-03-01", "03/01/2001", "1.3.2001",
     "2.31E+13", "7e+09"],
)  # fmt: skip
def test_names_made_by_a_spreadsheet_are_named_and_never_merged(tmp_path: Path, name: str) -> None:
    table = read_expression(_file(tmp_path, f"gene\tTPM\n{name}\t5\nMYC\t3\n{name}\t7\nBAX\t1\n"))
    assert table.to_numpy().tolist() == [["MYC", 3.0], ["BAX", 1.0]]
    assert notes_of(table) == [
        f"expression.tsv: 2 of 4 rows skipped, gene names damaged by a spreadsheet; first: {name}"
    ]


@pytest.mark.parametrize("name", ["MARCH1", "SEPT2", "2310009E13RIK", "2310009E13", "4609", "DEC1", "OCT4", "SEP15"])
def test_names_that_only_look_so_stay(tmp_path: Path, name: str) -> None:
    table = read_expression(_file(tmp_path, f"gene\tTPM\n{name}\t5\nMYC\t3\n"))
    assert table["gene"].tolist() == [name, "MYC"]
    assert notes_of(table) == []


def test_a_file_of_damaged_names_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"^expression\.tsv: no row names a gene; the first says '1-Mar'$"):
        read_expression(_file(tmp_path, "gene\tTPM\n1-Mar\t5\n2-Sep\t7\n"))


def test_a_row_without_a_name_is_no_gene(tmp_path: Path) -> None:
    table = read_expression(_file(tmp_path, "gene\tTPM\n\t5\nMYC\t3\n"))
    assert table["gene"].tolist() == ["MYC"]
    assert notes_of(table) == ["expression.tsv: 1 of 2 rows skipped, no gene name; first: no name"]


def test_numbers_of_lifted_annotations_and_par_genes(tmp_path: Path) -> None:
    rows = "ENSG00000136997.14_1\t5\nENSG00000002586.20\t1\nENSG00000002586.20_PAR_Y\t2\n"
    table = read_expression(_file(tmp_path, f"gene_id\tTPM\n{rows}"))
    assert table["gene"].tolist() == ["ENSG00000136997", "ENSG00000002586", "ENSG00000002586_PAR_Y"]
    assert table["value"].tolist() == [5, 1, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gene\tTPM\nMYC\t-1\n", "TPM is -1 in row 0; wanted 0 or more"),
        ("gene\tcounts\nMYC\t3\nBAX\t-2\n", "counts is -2 in row 1; wanted 0 or more"),
        ("gene\tTPM\nMYC\tinf\n", "column TPM holds 'inf' in row 0; wanted a number"),
        ("gene\tTPM\nMYC\t1e400\n", "column TPM holds '1e400' in row 0; wanted a number"),
        ("gene\tTPM\nMYC\t1\t2\t3\n", "is not an even table: row 0 has 4 fields; wanted 2"),
        ("gene\tTPM\nMYC\t1\nBAX\n", "is not an even table: row 1 has 1 fields; wanted 2"),
        ("gene\tTPM\tTPM\nMYC\t1\t2\n", "has several columns 'TPM'; wanted one"),
        ('""\n""\n', "is empty"),
        ("gene\tTPM\tgene\nMYC\t1\tX\n", "has several columns 'gene'; wanted one"),
        ('gene\tTPM\n"' + "M" * 200_000 + "\t1\n", "is not a table"),
    ],
)
def test_values_and_rows_that_cannot_be(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        read_expression(_file(tmp_path, text))


def test_a_logarithm_may_be_negative_and_absence_is_no_zero(tmp_path: Path) -> None:
    table = read_expression(_file(tmp_path, "gene\tK562\nMYC\t-1\nBAX\tNA\n"), column="K562")
    np.testing.assert_array_equal(table["value"], [-1, np.nan])
    np.testing.assert_array_equal(read_expression(_file(tmp_path, "MYC\tNA\nBAX\t2\n"))["value"], [np.nan, 2])


def test_case_files_of_expression() -> None:
    for name, genes in (
        ("A0-rtable.tsv", ["ENSG00000136997", "ENSG00000141510"]),
        ("A1-rtable.tsv", ["MYC", "TP53"]),
    ):
        table = read_expression(case(name))
        assert (table["gene"].tolist(), table["value"].tolist()) == (genes, [35.1, 11.0])
    for name, note in (("A4-excel.csv", "3 of 4 rows"), ("A5-riken.csv", "1 of 2 rows")):
        table = read_expression(case(name))
        assert table.to_numpy().tolist() == [["MYC", 3.0]]
        assert note in notes_of(table)[0]
