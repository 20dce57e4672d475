"""Every reader against broken files: what comes back keeps its contract, or there is one line.

Each small good file is changed in a hundred ways that do not depend on chance from run to run. Files are read by
libraries in C too, so a crash or an endless loop would end the tests here, and not a person's session.
"""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import make_toy_study

from cre_core import schema
from cre_core.data.study import Study
from cre_core.errors import CreError
from cre_core.genome import HG19, HG38, Assembly, Locus
from cre_core.io import bed
from cre_core.io.bigwig import BigWig, write_bigwig
from cre_core.io.chain import lift_over, lift_over_loops, read_chain
from cre_core.io.contacts import open_contacts, write_cool
from cre_core.io.expression import read_expression
from cre_core.io.fasta import Fasta
from cre_core.io.gtf import read_gtf
from cre_core.io.motifs import read_motifs
from cre_core.io.notes import listening

SIM = Assembly("sim", {"sim1": 1000, "sim2": 450})
ALL = Locus("sim1", 0, 1000)
CELLS = (
    "inf", "-inf", "nan", "-1", "1e400", "-1e400", "1e18", "99999999999999999999999", "0.5", "", " ", ".", "NA",
    "chr8", "x", "#", '"', "'", "\N{SNOWMAN}", "\u0663", "1_0", "0x10", "True", "a b", "+", "-", "?", "*", "1-Mar",
    ",", ";",
)  # fmt: skip
N_TEXT, N_BYTES = 48, 30  # changed files per reader


@dataclass(frozen=True)
class Target:
    """A reader, a file it reads, and what must hold of what it gives."""

    name: str
    content: str
    read: Callable[[Path], None]


def _places(table: pd.DataFrame, spec: schema.TableSpec, assembly: Assembly) -> None:
    checked = schema.check_table(table, spec, assembly=assembly)
    pd.testing.assert_frame_equal(checked[list(spec.columns)], table[list(spec.columns)])
    for column in {"strand", "strand2"}.intersection(table):
        assert set(table[column]) <= {"+", "-", "."}
    numbers = table.select_dtypes("number")
    assert not np.isinf(numbers.to_numpy(dtype=float)).any() or "column_" in " ".join(numbers)
    assert table.attrs["n_dropped"] >= 0
    assert all("\n" not in note for note in table.attrs.get("notes", ()))


def _bed(path: Path) -> None:
    _places(bed.read_bed(path, assembly=HG38), schema.INTERVALS, HG38)


def _narrow(path: Path) -> None:
    _places(bed.read_narrowpeak(path, assembly=HG38), schema.INTERVALS, HG38)


def _broad(path: Path) -> None:
    _places(bed.read_broadpeak(path, assembly=HG38), schema.INTERVALS, HG38)


def _bedgraph(path: Path) -> None:
    table = bed.read_bedgraph(path, assembly=HG38)
    assert table["value"].dtype == float
    _places(table, schema.INTERVALS, HG38)


def _bedpe(path: Path) -> None:
    _places(bed.read_bedpe(path, assembly=HG38), schema.LOOPS, HG38)


def _hiccups(path: Path) -> None:
    _places(bed.read_hiccups_loops(path, assembly=HG19), schema.LOOPS, HG19)


def _arrowhead(path: Path) -> None:
    _places(bed.read_arrowhead_domains(path, assembly=HG19), schema.INTERVALS, HG19)


def _gtf(path: Path) -> None:
    annotation = read_gtf(path, assembly=HG38)
    schema.check_genes(annotation.genes, assembly=HG38)
    for table in (annotation.transcripts, annotation.exons):
        schema.check_table(table, schema.INTERVALS, assembly=HG38)
        assert set(table["strand"]) <= {"+", "-"}


def _expression(path: Path) -> None:
    table = read_expression(path)
    assert table["gene"].is_unique
    assert not table["gene"].isin(["", ".", "1-Mar"]).any()
    assert not np.isinf(table["value"]).any()
    assert not (table["value"] < 0).any() or not table.attrs["unit"].startswith("TPM")


def _motifs(path: Path) -> None:
    for motif in read_motifs(path):
        assert motif.id
        assert motif.matrix.shape == (4, motif.width_bp)
        np.testing.assert_allclose(motif.matrix.sum(axis=0), 1)


def _chain(path: Path) -> None:
    old, new = Assembly("old", {"chr1": 1000}), Assembly("new", {"chr1": 1100})
    chain = read_chain(path)
    table = pd.DataFrame({"chrom": "chr1", "start": range(0, 990, 10), "end": range(10, 1000, 10)})
    lifted = lift_over(table, chain, source=old, target=new).table
    schema.check_table(lifted, schema.INTERVALS, assembly=new)
    loops = table.assign(chrom2="chr1", start2=table["start"] + 3, end2=table["end"] + 3)
    schema.check_table(lift_over_loops(loops, chain, source=old, target=new).table, schema.LOOPS, assembly=new)


def _fasta(path: Path) -> None:
    with Fasta(path, assembly=SIM) as fasta:
        for window in fasta.windows:
            assert len(fasta.fetch(window)) == len(fasta.encode(window)) == window.width_bp
            assert window.checked(SIM)


def _triplets(path: Path) -> None:
    _matrix(path, chrom="sim1", resolution_bp=100)


def _matrix(path: Path, **choice: object) -> None:
    reader = open_contacts(path, assembly=SIM, **choice)  # type: ignore[arg-type]
    size = reader.resolutions_bp[0]
    if not 50 <= size <= 1000:
        return
    for name in reader.normalisations(size):
        matrix = reader.matrix(ALL, size, name)
        np.testing.assert_array_equal(matrix, matrix.T)
        assert not np.isinf(matrix).any()


def _bigwig(path: Path) -> None:
    with BigWig(path, assembly=SIM) as track:
        for chrom in track.chroms:
            values = track.values(Locus(chrom, 0, SIM.size(chrom)))
            assert values.shape == (SIM.size(chrom),)
            assert not np.isinf(values).any()


BED = (
    "chr1\t100\t200\ta\t5\t+\nchr2\t300\t400\tb\t6\t-\nchrX\t1\t9\tc\t.\t.\n8\t5\t60\td\t1.5\t+\nMT\t5\t9\te\t0\t-\n"
)
PEAK = "".join(f"chr{i}\t{i}00\t{i}90\tp{i}\t{i}\t.\t{i}.5\t-1\t2\t40\n" for i in range(1, 6))
PAIRS = "".join(f"chr{i}\t{i}00\t{i}90\tchr{i}\t{i}500\t{i}900\tp{i}\t{i}\t+\t-\n" for i in range(1, 6))
RAO = "chr1\tx1\tx2\tchr2\ty1\ty2\tcolor\t"
GENE = 'gene_id "ENSG0000000000{0}.5"; gene_name "G{0}"; gene_type "protein_coding"; transcript_id "T{0}";'
ANNOTATION = "#!genome\n" + "".join(
    f"chr{i}\tx\t{feature}\t{i}01\t{i}99\t.\t{'+-'[i % 2]}\t.\t{GENE.format(i)}\n"
    for i in range(1, 5)
    for feature in ("gene", "transcript", "exon")
)
MEME = "MEME version 4\n\nALPHABET= ACGT\n\n" + "".join(
    f"MOTIF M{i} name\nletter-probability matrix: alength= 4 w= 3\n0.25 0.25 0.25 0.25\n1 0 0 0\n.1 .2 .3 .4\n\n"
    for i in range(3)
)
TRANSFAC = "".join(
    f"AC M{i}\nXX\nID n{i}\nPO\tA\tC\tG\tT\n01\t4\t16\t0\t0\n02\t0\t0\t0\t5\tT\n//\n" for i in range(3)
)
CHAIN = (
    "chain 900 chr1 1000 + 100 300 chr1 1100 + 150 370 1\n100 10 30\n90\n\n"
    "chain 800 chr1 1000 + 400 500 chr1 1100 - 50 150 2\n100\n\n"
)
TARGETS = (
    Target("bed", BED, _bed),
    Target("narrowpeak", PEAK, _narrow),
    Target("broadpeak", PEAK.replace("\t40\n", "\n"), _broad),
    Target("bedgraph", "".join(f"chr1\t{i}\t{i + 1}\t{i / 2}\n" for i in range(6)), _bedgraph),
    Target("bedpe", PAIRS, _bedpe),
    Target(
        "hiccups",
        RAO + "o\tfdr_bl\n" + "".join(f"{i}\t5\t10\t{i}\t50\t60\t0\t7\t.1\n" for i in (1, 2, 3, 4)),
        _hiccups,
    ),
    Target(
        "arrowhead",
        RAO + "f1\tf2\n" + "".join(f"{i}\t5\t90\t{i}\t5\t90\t0\t.9\t.1\n" for i in (1, 2, 3, 4)),
        _arrowhead,
    ),
    Target("gtf", ANNOTATION, _gtf),
    Target("expression table", "gene_id\tlength\tTPM\nENSG1.4\t5\t1.5\nENSG2.1\t6\t0\nENSG3.1\t6\tNA\n", _expression),
    Target("expression pairs", "MYC\t1.5\nBAX\t0\nBAX\t3\nX\tNA\n", _expression),
    Target("expression by R", '"gene" "TPM"\n"1" "MYC" 5\n"2" "BAX" 7\n', _expression),
    Target("meme", MEME, _motifs),
    Target("transfac", TRANSFAC, _motifs),
    Target("chain", CHAIN, _chain),
    Target("fasta", ">sim1:101-125 x\nACGTACGTAC\nNNacgtRYKM\nTTTTT\n>sim2:1-7\nGATTACA\n", _fasta),
    Target("triplets", "0\t0\t5\n200\t0\t2.0\n200\t200\t1\n0\t200\t2\n300\t500\t9\n", _triplets),
)


def _changed(good: str, chance: random.Random) -> Iterator[bytes]:
    """Broken versions of a text: cells, separators, lines, bytes, ends."""
    ways = (_other_cell, _other_cell, _other_separator, _other_lines, _other_lines, _other_bytes, _cut, _packed)
    for i in range(N_TEXT):
        yield ways[i % len(ways)](good, chance)


def _other_cell(good: str, chance: random.Random) -> bytes:
    cells = re.split(r"([\t\n ;]+)", good)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        cells[2 * chance.randrange((len(cells) + 1) // 2)] = chance.choice(CELLS)
    return "".join(cells).encode()


def _other_separator(good: str, chance: random.Random) -> bytes:
    marks = [i for i, letter in enumerate(good) if letter in "\t \n"]
    letters = list(good)
    for _ in range(chance.choice((1, 1, 3))):
        letters[chance.choice(marks)] = chance.choice(("\t", " ", "  ", "", "\t\t", "\r\n", "\r", ",", "\n\n"))
    return "".join(letters).encode()


def _other_lines(good: str, chance: random.Random) -> bytes:
    lines = good.splitlines(keepends=True)
    for _ in range(chance.choice((1, 2))):
        at = chance.randrange(len(lines))
        lines[at : at + 1] = chance.choice(
            (
                [],
                [lines[at]] * 2,
                [lines[at], "\n"],
                ["#" + lines[at]],
                ["\ufeff" + lines[at]],
                lines[::-1],
                ["\N{SNOWMAN}\n"],
            )
        )
        lines = lines or [""]
    return "".join(lines).encode()


def _other_bytes(good: str | bytes, chance: random.Random) -> bytes:
    content = bytearray(good if isinstance(good, bytes) else good.encode())
    for _ in range(chance.choice((1, 1, 2, 8))):
        content[chance.randrange(len(content))] = chance.choice((0, 9, 10, 45, 255, chance.randrange(256)))
    return bytes(content)


def _cut(good: str | bytes, chance: random.Random) -> bytes:
    content = good if isinstance(good, bytes) else good.encode()
    return content[: chance.randrange(len(content))]


def _packed(good: str, chance: random.Random) -> bytes:
    """Gzip: whole, cut, or with a byte of it changed."""
    whole = gzip.compress(good.encode(), mtime=0)
    return chance.choice((whole, _cut(whole, chance), _other_bytes(whole, chance)))


def _right_or_one_line(read: Callable[[Path], None], path: Path, content: bytes) -> None:
    path.write_bytes(content)
    said = ""
    with listening() as heard:
        try:
            read(path)
        except CreError as error:
            said = str(error) or "nothing was said"
    for line in (said, *heard):
        assert "\n" not in line
        assert len(line) < 500
    assert said != "nothing was said"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "_"))
def test_a_broken_text_is_right_or_one_line(target: Target, tmp_path: Path) -> None:
    chance = random.Random(target.name)
    path = tmp_path / "good"
    path.write_text(target.content)
    target.read(path)  # the good file is read
    for i, content in enumerate(_changed(target.content, chance)):
        _right_or_one_line(target.read, tmp_path / f"{i}.txt", content)


def _binary(tmp_path: Path, kind: str) -> tuple[Path, Callable[[Path], None]]:
    path = tmp_path / f"good.{kind}"
    if kind == "bw":
        signal = np.repeat(np.arange(100.0), 10)
        write_bigwig(path, SIM.chrom_sizes, {"sim1": signal, "sim2": signal[:450]})
        return path, _bigwig
    pixels = pd.DataFrame({"bin1_id": [0, 0, 1, 10], "bin2_id": [0, 1, 1, 12], "count": [2, 2, 3, 4]})
    write_cool(path, SIM.chrom_sizes, 100, pixels, weight=np.r_[np.nan, np.full(14, 2.0)])
    return path, _matrix


@pytest.mark.parametrize("kind", ["bw", "cool"])
def test_a_broken_binary_file_is_right_or_one_line(kind: str, tmp_path: Path) -> None:
    path, read = _binary(tmp_path, kind)
    read(path)
    good, chance = path.read_bytes(), random.Random(kind)
    for i in range(N_BYTES):
        _right_or_one_line(read, tmp_path / f"{i}.{kind}", (_cut if i % 4 == 0 else _other_bytes)(good, chance))


TABLES = (
    "genes", "gene_bodies", "exons", "elements", "element_signal", "promoter_signal", "expression", "folds", "crispr",
)  # fmt: skip
VALUES = (np.inf, -np.inf, np.nan, -1, 1e400, 0.5, "x", "", None, "?", 10**30, True, "\N{SNOWMAN}", [1])


@pytest.mark.parametrize("name", TABLES)
def test_a_broken_table_of_a_study_is_right_or_one_line(name: str, tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study")
    good, chance = pd.read_parquet(study.folder / f"{name}.parquet"), random.Random(name)
    for i in range(25):
        table = good.astype(object)
        column = chance.choice(list(table.columns))
        table.loc[chance.randrange(len(table)), column] = None
        if i % 5:
            table[column] = table[column].astype(str) if i % 5 == 4 else table[column]
            table.at[chance.randrange(len(table)), column] = (
                str(chance.choice(VALUES)) if i % 2 else chance.choice((-1.0, np.inf))
            )
        else:
            table = table.drop(columns=column)
        for other in table:  # parquet holds one kind per column
            if other == column or table[other].map(type).nunique() > 1:
                table[other] = table[other].map(lambda cell: None if cell is None else str(cell))
            else:
                table[other] = table[other].infer_objects()
        table.to_parquet(study.folder / f"{name}.parquet")
        opened = Study.open(study.folder)
        _right_or_one_line(lambda _, opened=opened: getattr(opened, name), tmp_path / "unused", b"")


def test_a_table_of_a_study_that_is_no_parquet_is_one_line(tmp_path: Path) -> None:
    study = make_toy_study(tmp_path / "study")
    path = study.folder / "genes.parquet"
    good, chance = path.read_bytes(), random.Random(1)
    for i in range(N_BYTES):
        content = _cut(good, chance) if i % 3 == 0 else _other_bytes(good, chance)
        _right_or_one_line(lambda _: Study.open(study.folder).genes, path, content)
