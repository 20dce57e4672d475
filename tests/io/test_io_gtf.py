"""GTF: 0-based tables, versions, missing lines, and files that are something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cre_core.errors import BadFile, BadInput, WrongAssembly
from cre_core.genome import HG19, HG38
from cre_core.io.gtf import read_gtf


def _line(feature: str, start: int, end: int, strand: str, attributes: str, chrom: str = "1") -> str:
    return f"{chrom}\tsource\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def _file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "a.gtf"
    path.write_text("#!genome-build\n" + "".join(lines))
    return path


A = 'gene_id "ENSG00000000001.5"; gene_name "AAA"; gene_type "protein_coding";'
B = 'gene_id "ENSG00000000002.1"; gene_name "BBB"; gene_biotype "lncRNA";'


def test_genes_transcripts_exons(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        _line("gene", 101, 300, "+", A),
        _line("transcript", 101, 250, "+", f'{A} transcript_id "ENST1.2";'),
        _line("exon", 101, 150, "+", f'{A} transcript_id "ENST1.2"; exon_number "1";'),
        _line("CDS", 110, 150, "+", A),
        _line("gene", 401, 500, "-", B),
        _line("gene", 1, 5, "-", 'gene_id "X"; gene_name "X";', chrom="KI270728.1"),
    )
    annotation = read_gtf(path, assembly=HG38)
    genes = annotation.genes.set_index("gene_name")
    assert genes.loc["AAA", ["gene_id", "chrom", "start", "end", "strand", "tss", "gene_type"]].tolist() == [
        "ENSG00000000001", "chr1", 100, 300, "+", 100, "protein_coding",
    ]  # fmt: skip
    assert genes.loc["BBB", ["start", "end", "tss", "gene_type"]].tolist() == [400, 500, 499, "lncRNA"]
    assert annotation.transcripts[["start", "end", "tss"]].to_numpy().tolist() == [[100, 250, 100]]
    assert annotation.exons[["start", "end"]].to_numpy().tolist() == [[100, 150]]
    assert len(genes) == 2
    kept = read_gtf(path, assembly=HG38, keep_version=True)
    assert kept.genes["gene_id"].tolist() == ["ENSG00000000001.5", "ENSG00000000002.1"]


def test_exons_alone_make_genes_and_transcripts(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        _line("exon", 11, 20, "-", f'{A} transcript_id "T1";'),
        _line("exon", 31, 40, "-", f'{A} transcript_id "T1";'),
        _line("exon", 61, 70, "-", f'{A} transcript_id "T2";'),
    )
    annotation = read_gtf(path, assembly=HG38)
    assert annotation.genes[["start", "end", "tss"]].to_numpy().tolist() == [[10, 70, 69]]
    assert annotation.transcripts[["transcript_id", "start", "end", "tss"]].to_numpy().tolist() == [
        ["T1", 10, 40, 39],
        ["T2", 60, 70, 69],
    ]


def test_gtf_without_gene_names(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"^a\.gtf has no gene_name; wanted a GTF that names its genes$"):
        read_gtf(_file(tmp_path, _line("gene", 1, 5, "+", 'gene_id "G1";')), assembly=HG38)


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("chr1\t1\t2\n", BadFile, "is not a GTF"),
        (_line("gene", 1, 5, "+", "ID=gene:G1;Name=AAA"), BadFile, "has no gene_id; is this GFF3"),
        (_line("gene", 9, 5, "+", A), BadInput, "1 rows end before they start"),
        (_line("gene", 249250000, 249250600, "+", A), WrongAssembly, "looks like hg19"),
        (_line("gene", 1, 5, ".", A), BadInput, "strand other than"),
    ],
)
def test_bad_gtf(tmp_path: Path, line: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_gtf(_file(tmp_path, line), assembly=HG38)


@pytest.mark.shared_data
def test_real_gtf(shared_data: Path) -> None:
    annotation = read_gtf(shared_data / "coolbox_chr9_hg19" / "gtf_chr9_4000000_6000000.gtf", assembly=HG19)
    glis3 = annotation.genes.set_index("gene_name").loc["GLIS3"]
    assert glis3[["start", "end", "strand", "tss"]].tolist() == [3_824_126, 4_348_392, "-", 4_348_391]
    assert len(annotation.genes) == 55
