"""Expression tables of three kinds, with the rule for repeated genes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cre_core.errors import BadFile, BadInput
from cre_core.io.expression import read_expression


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "expression.tsv"
    path.write_text(text)
    return path


def test_pairs_without_header_keep_the_largest(tmp_path: Path) -> None:
    table = read_expression(_file(tmp_path, "TSPAN6\t0.03\nLSP1\t0.0\nLSP1\t0.16\nMARCH1\t2\nX\tNA\n"))
    assert table["gene"].tolist() == ["TSPAN6", "LSP1", "MARCH1", "X"]
    np.testing.assert_array_equal(table["value"], [0.03, 0.16, 2.0, np.nan])
    assert table.attrs == {"unit": "TPM", "kind": "pairs", "rule": "max of a gene's rows", "n_repeated": 1}


def test_other_rules(tmp_path: Path) -> None:
    path = _file(tmp_path, "A\t1\nA\t3\n")
    assert read_expression(path, repeats="sum")["value"].tolist() == [4]
    assert read_expression(path, repeats="mean", unit="FPKM").attrs["unit"] == "FPKM"


def test_transcripts_are_summed_and_versions_removed(tmp_path: Path) -> None:
    text = (
        "transcript_id\tgene_id\tlength\tTPM\tFPKM\nENST1.1\tENSG00000000003.14\t100\t1.5\t9\n"
        "ENST2.1\tENSG00000000003.14\t100\t2\t9\nENST3\tENSG00000228572.7_PAR_Y\t5\t0\t9\n"
    )
    table = read_expression(_file(tmp_path, text))
    assert table["gene"].tolist() == ["ENSG00000000003", "ENSG00000228572_PAR_Y"]
    assert table["value"].tolist() == [3.5, 0.0]
    assert table.attrs["unit"] == "TPM"
    assert table.attrs["kind"] == "transcripts"


def test_any_table_with_a_gene_column(tmp_path: Path) -> None:
    path = _file(tmp_path, "Gene name,length,K562\nMYC,5,7.5\nBAX,6,\n")
    table = read_expression(path, column="K562")
    np.testing.assert_array_equal(table["value"], [7.5, np.nan])
    with pytest.raises(BadFile, match=r"no value column; wanted one of tpm.*it has Gene name, length, K562"):
        read_expression(path)
    with pytest.raises(BadInput, match="no column 'HepG2'; it has Gene name, length, K562"):
        read_expression(path, column="HepG2")


def test_bad_expression(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no gene column; wanted one of gene_id"):
        read_expression(_file(tmp_path, "a\tb\tc\n1\t2\t3\n"))
    with pytest.raises(BadFile, match="column value holds 'lots' in row 1; wanted a number"):
        read_expression(_file(tmp_path, "A\t1\nB\tlots\n"))


@pytest.mark.shared_data
def test_real_k562_table(shared_data: Path) -> None:
    table = read_expression(shared_data / "k562_expression" / "K562.ENCFF934YBO.TPM.txt")
    assert table["gene"].is_unique
    assert len(table) == 55_765  # 57,820 lines, as `cut -f1 | sort -u | wc -l` counts them
    values = table.set_index("gene")["value"]
    assert values["POLR2J4"] == 10.53  # its rows say 2.1 and 10.53
    assert table.attrs["n_repeated"] == 289
