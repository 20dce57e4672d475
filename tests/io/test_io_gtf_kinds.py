"""GTF as annotations have it: whose name, which place, which copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import case

from cre_core.errors import BadFile, BadInput
from cre_core.genome import HG38
from cre_core.io.gtf import read_gtf


def _line(
    attributes: str, *, feature: str = "gene", start: int = 101, end: int = 300, strand: str = "+", chrom: str = "8"
) -> str:
    return f"{chrom}\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def _file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "a.gtf"
    path.write_text("#!genome-build\n" + "".join(lines))
    return path


OTHER = _line('gene_id "O"; gene_name "OTHER";', start=1, end=50)


@pytest.mark.parametrize(
    "attributes",
    [
        'gene_id "G"; note "locus #1"; gene_name "MYC"; gene_type "protein_coding";',
        'gene_id "G"; note "see gene_name FOO; gene_id X"; gene_name "MYC"; gene_type "protein_coding";',
        'note "a; gene_name BAR"; gene_id "G"; gene_name "MYC"; gene_type "protein_coding"',
        "gene_id G; gene_name MYC; gene_type protein_coding;",
        "gene_id G;gene_name MYC;gene_type protein_coding",
        'gene_id "G"; transcript_id ""; gene "MYC"; gene_biotype "protein_coding"; ',
        '  gene_name "MYC" ; gene_id "G" ; gene_type "protein_coding" ;',
    ],
)
def test_attributes_as_annotations_write_them(tmp_path: Path, attributes: str) -> None:
    genes = read_gtf(_file(tmp_path, _line(attributes)), assembly=HG38).genes
    assert genes[["gene_id", "gene_name", "gene_type"]].to_numpy().tolist() == [["G", "MYC", "protein_coding"]]


def test_an_empty_name_goes_by_its_id(tmp_path: Path) -> None:
    path = _file(tmp_path, _line('gene_id "A"; gene_name "";'))
    assert read_gtf(path, assembly=HG38).genes["gene_name"].tolist() == ["A"]


def test_numbers_of_lifted_annotations_are_no_part_of_an_id(tmp_path: Path) -> None:
    lines = (
        _line('gene_id "ENSG00000136997.14_1"; gene_name "MYC";'),
        _line('gene_id "ENSG00000002586.20"; gene_name "CD99";', chrom="X"),
        _line('gene_id "ENSG00000002586.20_PAR_Y"; gene_name "CD99";', chrom="Y"),
    )
    annotation = read_gtf(_file(tmp_path, *lines), assembly=HG38)
    assert annotation.genes["gene_id"].tolist() == ["ENSG00000136997", "ENSG00000002586", "ENSG00000002586_PAR_Y"]
    assert annotation.notes == []


def test_of_par_genes_with_one_id_the_copy_on_x_is_kept(tmp_path: Path) -> None:
    cd99 = 'gene_id "ENSG00000002586"; gene_name "CD99"; transcript_id "T";'
    lines = [_line(cd99, feature=feature, chrom=chrom) for chrom in ("Y", "X") for feature in ("gene", "exon")]
    annotation = read_gtf(_file(tmp_path, *lines, OTHER), assembly=HG38)
    assert annotation.genes["chrom"].tolist() == ["chrX", "chr8"]
    assert annotation.exons["chrom"].tolist() == ["chrX"]
    assert annotation.transcripts["chrom"].tolist() == ["chrX"]
    assert annotation.notes == [
        "a.gtf: 2 of 5 rows skipped, 1 genes of Y with the id of one on X (PAR); first: CD99 chrY:101-300"
    ]


@pytest.mark.parametrize("feature", ["gene", "exon"])
def test_one_id_at_two_far_places_is_two_genes(tmp_path: Path, feature: str) -> None:
    text = 'gene_id "G"; gene_name "MIR"; transcript_id "T";'
    places = [("8", 101, 300), ("8", 9_000_101, 9_000_300), ("3", 101, 300)]
    lines = [_line(text, feature=feature, chrom=chrom, start=start, end=end) for chrom, start, end in places]
    annotation = read_gtf(_file(tmp_path, *lines), assembly=HG38)
    genes = annotation.genes.set_index("gene_id")
    assert sorted(genes.index) == ["G", "G_dup1", "G_dup2"]
    assert set(genes["gene_name"]) == {"MIR"}
    assert sorted(zip(genes["chrom"], genes["start"], genes["end"], strict=True)) == [
        ("chr3", 100, 300), ("chr8", 100, 300), ("chr8", 9_000_100, 9_000_300),
    ]  # fmt: skip
    assert annotation.notes == ["a.gtf: 1 gene ids lie at several places; first: G; named G_dup1"]
    if feature == "exon":
        assert len(annotation.transcripts) == 3
        assert sorted(annotation.exons["gene_id"]) == ["G", "G_dup1", "G_dup2"]


def test_a_gene_with_a_long_intron_is_one(tmp_path: Path) -> None:
    text = 'gene_id "G"; gene_name "LONG"; transcript_id "T";'
    lines = [_line(text, feature="exon", start=start, end=start + 99) for start in (101, 1_160_000)]
    annotation = read_gtf(_file(tmp_path, *lines), assembly=HG38)
    assert annotation.genes[["start", "end"]].to_numpy().tolist() == [[100, 1_160_099]]
    assert annotation.notes == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (
            _line('gene_id "B"; gene_name "B";', strand="?"),
            "1 of 3 rows skipped, strand other than + or -; first: B chr8:101-300",
        ),
        (_line('gene_name "B";'), "1 of 3 rows skipped, no gene_id; first: row 2 (gene)"),
        (_line('gene_id ""; gene_name "B";'), "1 of 3 rows skipped, no gene_id; first: row 2 (gene)"),
        (_line('gene_id "B"; gene_name "B";').replace("101", "inf"), "without whole numbers as place; first: row 2"),
        (_line('gene_id "B"; gene_name "B";', start=500), "1 of 3 rows skipped, end before they start; first: row 2"),
        ("8\tx\tgene\t5\t9\n", "1 of 3 rows skipped, no gene_id; first: row 2 (gene)"),
        (
            _line('gene_id "B";\tgene_name "B";'),
            "1 of 3 rows skipped, more fields than the first row's 9; first: row 2",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_skipped_counted_and_named(tmp_path: Path, line: str, note: str) -> None:
    second = _line('gene_id "P"; gene_name "P";', start=60, end=70)
    annotation = read_gtf(_file(tmp_path, OTHER, second, line), assembly=HG38)
    assert annotation.genes["gene_id"].tolist() == ["O", "P"]
    assert any(note in one for one in annotation.notes), annotation.notes


def test_strands_of_ensembl_are_read(tmp_path: Path) -> None:
    lines = [
        _line(f'gene_id "{name}"; gene_name "{name}";', strand=strand) for name, strand in (("A", "1"), ("B", "-1"))
    ]
    genes = read_gtf(_file(tmp_path, *lines), assembly=HG38).genes
    assert genes[["strand", "tss"]].to_numpy().tolist() == [["+", 100], ["-", 299]]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("#only\n#comments\n", BadFile, "it has comments alone"),
        (_line('gene_id "A"; gene_name "A";', feature="CDS"), BadFile, "no gene, transcript or exon row"),
        (_line('gene_id "A"; gene_name "A";').replace("101", "10.5"), BadInput, "column start holds '10.5' in row 0"),
    ],
)
def test_files_that_are_no_annotation(tmp_path: Path, text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        read_gtf(_file(tmp_path, text), assembly=HG38)


def test_case_files_of_gtf() -> None:
    genes = read_gtf(case("30-hash.gtf"), assembly=HG38).genes
    assert genes[["gene_name", "gene_type"]].to_numpy().tolist() == [["MYC", "protein_coding"], ["OTHER", ""]]
    myc = read_gtf(case("31-unquoted.gtf"), assembly=HG38).genes.iloc[0]
    assert myc[["gene_id", "gene_name", "start"]].tolist() == ["ENSG00000136997", "MYC", 127_735_433]
    par = read_gtf(case("34-par.gtf"), assembly=HG38)
    assert (par.genes["chrom"].tolist(), len(par.notes)) == (["chrX"], 1)
    assert read_gtf(case("37-emptyname.gtf"), assembly=HG38).genes["gene_name"].tolist() == ["ENSGA", "B"]
    refseq = read_gtf(case("igvjs_NCBI_hg38_MYC.gtf"), assembly=HG38).genes
    assert refseq[["gene_name", "chrom", "start", "end", "gene_type"]].to_numpy().tolist() == [
        ["MYC", "chr8", 127_735_433, 127_742_951, "protein_coding"]
    ]
