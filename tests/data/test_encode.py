"""The encode study from a tiny ENCODE on a local server: numbers known by hand, and every failure in one line."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_encode import HEPG2, LIST, TinyEncode, bigwig, fasta, rsem, served, tiny_encode

from cre_core import cli
from cre_core.data import encode_files
from cre_core.data.encode import encode_recipe, fold_table
from cre_core.data.encode_ccres import read_ccres
from cre_core.data.encode_tracks import mean_at, write_mean_track
from cre_core.data.recipe import prepare_study
from cre_core.data.recipes import recipe
from cre_core.data.study import Study
from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName, WrongAssembly
from cre_core.genome import HG19, HG38, Locus
from cre_core.io.bigwig import BigWig
from cre_core.io.fasta import Fasta

BOTH = ("A673", "HepG2")
DNASE = "ENCFF000AD1.bigWig"


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


@pytest.fixture(scope="module", autouse=True)
def _tiny_list(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The short list of accessions, and no proxy on the way to this machine."""
    path = tmp_path_factory.mktemp("list") / "accessions.tsv"
    path.write_text(LIST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encode_files, "_LIST", path)
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("no_proxy", "127.0.0.1")
        encode_files.listed.cache_clear()
        yield
    encode_files.listed.cache_clear()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TinyEncode]:
    with served(tiny_encode(tmp_path)) as state:
        yield state


def fetch(world: TinyEncode, data: Path, *names: str) -> list[Path]:
    made = encode_recipe(names or BOTH)
    assert made.fetch is not None
    return made.fetch(data, world.url, quiet)


def prepare(data: Path, out: Path, *names: str) -> Study:
    return prepare_study(encode_recipe(names), data=data, out=out, report=quiet)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both biosamples downloaded; copied by tests that break something."""
    folder = tmp_path_factory.mktemp("encode")
    with served(tiny_encode(folder)) as state:
        fetch(state, folder / "data")
    return folder / "data"


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data, tmp_path / "own"))


@pytest.fixture(scope="module")
def study(data: Path) -> Study:
    return prepare(data, data.parent / "study")


def rebuilt(world: TinyEncode, data: Path, accession: str, kind: str, content: bytes, **about: object) -> None:
    """Serve another file, truly described, and download it."""
    world.put(accession, kind, content, **about)
    fetch(world, data)


def signal(study: Study, biosample: str, assay: str) -> dict[str, float]:
    table = study.element_signal
    table = table[table["biosample"] == biosample]
    return dict(zip(table["element_id"].str[-1], table[assay], strict=True))


def test_elements_keep_their_registry_class_and_lose_what_has_no_mark(study: Study) -> None:
    rows = study.elements[["element_id", "element_class", "registry_class"]].to_numpy().tolist()
    assert [(name[-1], ours, theirs) for name, ours, theirs in rows] == [
        ("6", "proximal", "DNase-H3K4me3"),  # 1 kb from a TSS
        ("7", "ctcf", "CTCF-only,CTCF-bound"),
        ("8", "distal", "DNase-H3K4me3,CTCF-bound"),
        ("1", "promoter", "PLS,CTCF-bound"),
        ("2", "distal", "dELS"),
        ("3", "proximal", "pELS"),
    ]
    assert study.info.provenance["counts"]["cCREs left out (DNase-only, Low-DNase)"] == 2


def test_signal_is_the_mean_over_bases_and_replicates(study: Study) -> None:
    dnase = signal(study, "A673", "dnase")
    assert dnase["2"] == pytest.approx(5)  # replicate 1: (100 x 2 + 200 x 8) / 300 = 6; replicate 2: 4
    assert dnase["7"] == pytest.approx(10)  # only where one replicate has data
    assert np.isnan(dnase["3"])  # no data, never 0
    assert signal(study, "HepG2", "dnase")["2"] == 1.5
    assert signal(study, "HepG2", "ctcf")["7"] == 3


def test_a_pooled_track_stands_for_its_replicates(study: Study) -> None:
    h3k27ac = signal(study, "A673", "h3k27ac")
    assert h3k27ac["2"] == 7  # not (100 + 200 + 7) / 3
    assert h3k27ac["7"] == 0  # a measurement
    notes = study.info.provenance["notes"]
    left_out = "ENCFF000AH1.bigWig (H3K27ac, A673) is left out: ENCFF000AH3 pools the replicates of ENCSR000AH"
    assert left_out in notes


def test_a_missing_track_is_no_data(study: Study) -> None:
    assert np.isnan(list(signal(study, "HepG2", "h3k27ac").values())).all()
    assert np.isnan(list(signal(study, "A673", "ctcf").values())).all()
    assert {track.id for track in study.info.tracks if track.biosample == "HepG2"} == {
        "HepG2.dnase", "HepG2.dnase_counts", "HepG2.ctcf", "HepG2.ctcf_counts",
    }  # fmt: skip


def test_promoter_signal_is_over_the_tss(study: Study) -> None:
    table = study.promoter_signal.set_index(["biosample", "gene_id"])["dnase"]
    assert table["A673", "ENSG00000000001"] == pytest.approx(2)  # replicates 1 and 3 on TSS ±500 bp
    assert np.isnan(table["A673", "ENSG00000000003"])


def test_the_drawn_track_is_the_mean_too(study: Study) -> None:
    track = next(track for track in study.info.tracks if track.id == "A673.dnase")
    assert (track.unit, track.source) == ("read-depth normalised signal", "mean of ENCFF000AD1 and ENCFF000AD2")
    with BigWig(study.folder / str(track.path), assembly=HG38) as file:
        values = file.values(Locus("chr8", 149_999, 150_201))
    assert np.isnan(values[0])
    assert values[1:].tolist() == [3.0] * 100 + [6.0] * 101


def test_expression_sums_transcripts_and_averages_files(study: Study) -> None:
    table = study.expression.pivot(index=["biosample", "gene_id"], columns="measure", values="value")
    tpm = table["tpm"].unstack("gene_id")
    assert tpm.loc["A673"].tolist() == [4, 5, 0, 5]  # (3 + 5) / 2; (4 + 6) / 2; 0 measured; one file alone
    assert tpm.loc["HepG2"].fillna(-1).tolist() == [1, 2, -1, 3]  # the third is not in the table: no data
    assert table["rna"]["A673", "ENSG00000000001"] == pytest.approx(np.log2(5))
    assert study.info.measures == {"rna": "log2(TPM + 1)", "tpm": "TPM"}
    notes = study.info.provenance["notes"]
    lacks = "ENCFF000HR1.tsv lacks 1 of 4 genes; first: ENSG00000000003 (SILENT); they have no data there"
    assert lacks in notes
    assert "ENCFF000AR3.tsv (RNA, A673) is left out: its genes are GENCODE V24, wanted V29" in notes


def test_genes_are_protein_coding_and_nuclear(study: Study) -> None:
    assert study.genes["gene_name"].tolist() == ["MYC", "MINUS", "SILENT", "ONCE"]
    assert study.genes["tss"].tolist() == [100_000, 209_999, 70_000, 310_000]
    assert "GENCODE v29" in study.info.tss_source
    assert len(study.gene_bodies) == 6
    assert len(study.exons) == 6  # one shared by two transcripts
    assert [example.gene_name for example in study.info.example_loci] == ["MYC"]


def test_folds_of_the_papers() -> None:
    chroms = ["chr1", "chr2", "chr8", "chr9", "chr12", "chr16", "chr22", "chrX", "chrY"]
    folds = fold_table(pd.DataFrame({"gene_id": chroms, "chrom": chroms})).set_index("gene_id")
    assert folds["fold_1"].tolist() == [
        "train", "train", "test", "test", "train", "valid", "train", "train", "unused",
    ]  # fmt: skip
    later = folds.drop(columns="fold_1")
    assert ((later == "test").sum(axis=1) == 1).all()
    assert ((later == "valid").sum(axis=1) <= 2).all()
    assert (folds.at["chr2", "fold_2"], folds.at["chr12", "fold_2"], folds.at["chr1", "fold_2"]) == (
        "test", "test", "valid",
    )  # fmt: skip
    assert (folds.at["chrX", "fold_12"], folds.at["chr1", "fold_13"], folds.at["chrY", "fold_13"]) == ("test",) * 3


def test_sequence_and_sources(study: Study) -> None:
    with Fasta(study.folder / str(study.info.sequence), assembly=HG38) as sequence:
        assert sequence.fetch(Locus("chr8", 99_000, 99_006)) == "ACGTAC"
    assert (study.folder / "sequence.fa.gz.fai").is_file()
    sources = {source["file"]: source for source in study.info.provenance["sources"]}
    assert len(sources) == 3 + 2 + 2 + 1 + 3
    assert sources[DNASE]["url"] == "https://www.encodeproject.org/files/ENCFF000AD1/@@download/ENCFF000AD1.bigWig"
    assert all(len(source["sha256"]) == 64 for source in sources.values())
    assert study.info.provenance["command"] == "python -m cre_core prepare encode --biosample A673,HepG2"


def test_one_biosample_of_a_folder(data: Path, tmp_path: Path) -> None:
    study = prepare(data, tmp_path / "study", "HepG2")
    assert study.info.biosamples == ("HepG2",)
    assert list(study.element_signal.columns) == ["element_id", "biosample", "dnase", "ctcf"]


def test_nothing_is_fetched_twice_and_replicates_of_a_pool_never(world: TinyEncode, tmp_path: Path) -> None:
    first = fetch(world, tmp_path / "data")
    got = [path.split("/")[-1] for path, _ in world.asked if "@@download" in path]
    assert len(got) == len(set(got)) == len(first) - 1  # the cCREs are SCREEN's
    assert "ENCFF000AH1.bigWig" not in got
    world.asked.clear()
    assert fetch(world, tmp_path / "data") == first
    assert not [path for path, _ in world.asked if "@@download" in path]


def test_a_cut_connection_is_taken_up_where_it_broke(world: TinyEncode, tmp_path: Path) -> None:
    content = bytes(range(256)) * 2_000  # 512,000 bytes; two pieces of the downloader
    world.put("ENCFF000AD1", "bigWig", content)
    world.cut[DNASE] = [300_000, 0, 0]  # three tries, then the next call
    with pytest.raises(NotAvailable, match=f"for {DNASE}; 262,144 of 512,000 bytes are kept for the next try"):
        fetch(world, tmp_path)
    assert not (tmp_path / DNASE).exists()
    fetch(world, tmp_path)
    ranges = [part for path, part in world.asked if path.endswith(DNASE)]
    assert ranges == [None, "bytes=262144-", "bytes=262144-", "bytes=262144-"]
    assert (tmp_path / DNASE).read_bytes() == content
    assert not list(tmp_path.glob("*.partial"))


def test_a_downloaded_folder_is_a_mirror(data: Path, tmp_path: Path) -> None:
    made = encode_recipe(("HepG2",))
    assert made.fetch is not None
    paths = made.fetch(tmp_path / "new", str(data), quiet)
    assert [path.read_bytes() for path in paths] == [(data / path.name).read_bytes() for path in paths]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotAvailable, match=r"^mirror has no file .*\.json"):
        made.fetch(tmp_path / "new", str(tmp_path / "empty"), quiet)


def test_another_md5_is_not_kept(world: TinyEncode, tmp_path: Path) -> None:
    world.about["ENCFF000AD1"]["md5sum"] = "0" * 32
    with pytest.raises(BadFile, match=f"^{DNASE} has md5 [0-9a-f]{{32}}, wanted 0{{32}}; the file was not kept$"):
        fetch(world, tmp_path)
    assert not list(tmp_path.glob(f"{DNASE}*"))
    assert (tmp_path / "ENCFF000AR1.tsv").is_file()  # what came whole stays


def test_a_file_changed_after_the_download(own: Path, tmp_path: Path) -> None:
    (own / DNASE).write_bytes(b"another")
    says = f"^1 of 11 raw files is not the published one: {DNASE} .*; download .*, or give --accept-other-files$"
    with pytest.raises(BadFile, match=says):
        prepare(own, tmp_path / "study")
    assert not list(tmp_path.glob("study*"))


def test_other_files_are_taken_only_when_asked_and_the_study_says_so(own: Path, tmp_path: Path) -> None:
    name = "ENCFF000HR1.tsv"
    (own / name).write_bytes((own / name).read_bytes().replace(b"2.0", b"8.0"))
    study = prepare_study(
        encode_recipe(("HepG2",)), data=own, out=tmp_path / "study", report=quiet, accept_other=True
    )
    checked = {row["file"]: row["checked"] for row in study.info.provenance["sources"]}
    assert checked.pop(name) == "not the published file"
    assert checked.pop("GRCh38-cCREs.bed") == "no published checksum"
    assert set(checked.values()) == {"as published"}
    assert study.info.provenance["notes"][-1] == f"1 of 6 raw files is not the published one: {name}"
    assert study.info.provenance["command"].endswith(" --accept-other-files")


def test_another_assembly_is_refused_before_any_file_comes(world: TinyEncode, tmp_path: Path) -> None:
    world.about["ENCFF000AD1"]["assembly"] = "hg19"
    with pytest.raises(WrongAssembly, match=rf"^{DNASE} \(DNase, A673\) is on hg19; wanted GRCh38$"):
        fetch(world, tmp_path)
    assert not [path for path, _ in world.asked if "@@download" in path]


def test_a_track_whose_header_is_another_assembly(world: TinyEncode, own: Path, tmp_path: Path) -> None:
    content = bigwig(tmp_path, {"chr8": [(150_000, 150_300, 1.0)]}, assembly=HG19)
    rebuilt(world, own, "ENCFF000HD1", "bigWig", content)
    with pytest.raises(WrongAssembly, match=r"^ENCFF000HD1\.bigWig looks like hg19: chr8 has 146,364,022 bases"):
        prepare(own, tmp_path / "study")
    assert not list(tmp_path.glob("study*"))


def test_biosamples_that_are_not_there() -> None:
    with pytest.raises(UnknownName, match=r"^ENCODE's list has no biosample 'K999'; it has A673, HepG2, Panc1$"):
        encode_recipe(("A673", "K999"))
    with pytest.raises(BadInput, match=r"^MEL is of mouse; the study encode is on hg38, wanted a human biosample$"):
        encode_recipe(("MEL",))


def test_a_download_without_a_choice_names_the_biosamples(tmp_path: Path) -> None:
    made = encode_recipe()
    assert made.fetch is not None
    with pytest.raises(BadInput, match=r"^the study encode wants --biosample A,B: .* A673, HepG2, Panc1$"):
        made.fetch(tmp_path, None, quiet)


def test_a_biosample_without_rna(world: TinyEncode, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^Panc1 has no RNA quantification on GENCODE V29; wanted at least one$"):
        fetch(world, tmp_path, "Panc1")


def test_a_table_of_other_genes(world: TinyEncode, own: Path, tmp_path: Path) -> None:
    rebuilt(world, own, "ENCFF000HR1", "tsv", rsem({"1": 1.0, "6": 1.0}))
    with pytest.raises(
        BadInput,
        match=r"^ENCFF000HR1\.tsv has 1 of the 4 annotated genes; wanted at least 50%; "
        r"first missing: ENSG00000000002 \(MINUS\)$",
    ):
        prepare(own, tmp_path / "study")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (rsem(HEPG2).replace(b"TPM", b"ABC"), r"^ENCFF000HR1\.tsv has no column 'TPM'"),
        (b"target_id\tlength\nX|ENSG1.1\t5\n", r"^ENCFF000HR1\.tsv has no column tpm; it has target_id, length$"),
        (rsem(HEPG2).replace(b"\t0.5\t", b"\tmany\t"), r"column TPM holds 'many' in row 0; wanted a number$"),
    ],
    ids=["no TPM", "no tpm", "text"],
)
def test_a_table_without_numbers(world: TinyEncode, own: Path, tmp_path: Path, content: bytes, says: str) -> None:
    rebuilt(world, own, "ENCFF000HR1", "tsv", content)
    with pytest.raises(BadInput, match=says):
        prepare(own, tmp_path / "study")


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (fasta(("chr8", "chr9", "chr16")), BadInput, "has no sequence of chr22, where elements lie$"),
        (fasta()[:-20], BadFile, r"\.fasta\.gz is truncated, or not a gzipped FASTA: "),
        (gzip.compress(b"no FASTA\n"), BadFile, r"\.fasta\.gz is truncated, or not a gzipped FASTA: "),
    ],
    ids=["a chromosome lacks", "truncated", "not FASTA"],
)
def test_a_broken_genome(
    world: TinyEncode, own: Path, tmp_path: Path, content: bytes, error: type[BadInput], says: str
) -> None:
    rebuilt(world, own, "GRCh38_no_alt_analysis_set_GCA_000001405.15", "fasta.gz", content)
    with pytest.raises(error, match=says):
        prepare(own, tmp_path / "study")


def test_files_that_are_not_there(own: Path, tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"^no biosample is in .*; python -m cre_core download encode --biosample"):
        prepare(tmp_path / "nothing", tmp_path / "study")
    (own / DNASE).unlink()
    with pytest.raises(NotAvailable, match=f"^1 raw files of encode are not in .*; first: {DNASE}; python"):
        prepare(own, tmp_path / "study")
    (own / "ENCFF000AD1.json").write_text('{"status": "released"}')
    with pytest.raises(BadFile, match=r"^ENCFF000AD1\.json is not ENCODE's description of a file: KeyError"):
        prepare(own, tmp_path / "study", "A673")


def test_a_server_without_the_file(world: TinyEncode, tmp_path: Path) -> None:
    del world.about["ENCFF000AD1"]
    with pytest.raises(NotAvailable, match=r"^127\.0\.0\.1:\d+ answers 404 Not Found for ENCFF000AD1\.json$"):
        fetch(world, tmp_path)
    world.url = "http://127.0.0.1:9"  # the discard port: nobody answers
    with pytest.raises(NotAvailable, match=r"^no network: could not reach 127\.0\.0\.1:9 for GRCh38_no_alt.*\.json"):
        fetch(world, tmp_path)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (
            "chr8\t5\t9\tx\tE1\tCA-TF\nchr8\t15\t19\tx\tE2\tPLS\n",
            BadInput,
            "1 rows have a class that registry",
        ),
        ("chr8\t5\t9\tx\tEH38E1\tblue\n", BadFile, "^c.bed has no classes of cCREs in column 6 or 10"),
        ("chr8\t5\t9\tx\tEH38E1\tLow-DNase\n", BadInput, "^c.bed has no cCRE but DNase-only, Low-DNase$"),
    ],
)
def test_bad_registry_files(tmp_path: Path, content: str, error: type[BadInput], says: str) -> None:
    path = tmp_path / "c.bed"
    path.write_text(content)
    with pytest.raises(error, match=says):
        read_ccres(path, assembly=HG38, tss_chrom=np.array(["chr8"]), tss=np.array([7]))


def test_a_registry_file_of_one_biosample(tmp_path: Path) -> None:
    path = tmp_path / "c.bed"
    row = "chr8\t{0}\t{1}\tEH38E000000{2}\t0\t.\t{0}\t{1}\t255,0,0\t{3}\tAll-data/Full-classification\n"
    path.write_text(row.format(5, 9, 1, "Low-DNase") + row.format(15, 19, 2, "pELS,CTCF-bound"))
    elements = read_ccres(path, assembly=HG38, tss_chrom=np.array(["chr8"]), tss=np.array([7]))
    assert elements[["element_id", "element_class"]].to_numpy().tolist() == [["EH38E0000002", "proximal"]]


def test_mean_at_is_the_plain_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    starts = np.sort(rng.choice(3_000_000, 400, replace=False))
    rows = [
        (int(a), int(b), float(v))
        for a, b, v in zip(starts[:-1], starts[1:], rng.random(399), strict=True)
        if v > 0.2
    ]
    source = tmp_path / "one.bigWig"
    source.write_bytes(bigwig(tmp_path, {"chr8": rows}))
    write_mean_track([source], tmp_path / "out.bw", assembly=HG38)
    assert (tmp_path / "out.bw").read_bytes() == source.read_bytes()
    first = rng.integers(0, 2_900_000, 50)
    places = pd.DataFrame({"chrom": "chr8", "start": first, "end": first + rng.integers(1, 60_000, 50)})
    with BigWig(source, assembly=HG38) as track:
        found = mean_at(track, places)
        for start, end, mean in zip(places["start"], places["end"], found, strict=True):
            values = track.values(Locus("chr8", start, end))
            values = values[~np.isnan(values)]
            assert mean == pytest.approx(values.mean(), rel=1e-5) if len(values) else np.isnan(mean)


def test_replicates_without_a_base_of_data(world: TinyEncode, own: Path, tmp_path: Path) -> None:
    far = bigwig(tmp_path, {"chr8": [(0, 10, float("nan"))]})
    (tmp_path / "a.bw").write_bytes(far)
    (tmp_path / "b.bw").write_bytes(far)
    with pytest.raises(BadInput, match=r"^no base has data in a\.bw, b\.bw$"):
        write_mean_track([tmp_path / "a.bw", tmp_path / "b.bw"], tmp_path / "out.bw", assembly=HG38)
    assert not (tmp_path / "out.bw").exists()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["cre_core", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_commands(
    world: TinyEncode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "study"
    choice = ("--biosample", "A673, HepG2", "--data", data)
    assert run(monkeypatch, "download", "encode", *choice, "--mirror", world.url) == 0
    assert "11 files of encode" in capsys.readouterr().out
    (data / DNASE).write_bytes((data / DNASE).read_bytes()[:-1])
    assert run(monkeypatch, "prepare", "encode", *choice, "--out", out) == 2
    assert f"is not the published one: {DNASE}" in capsys.readouterr().err
    assert not out.exists()
    assert run(monkeypatch, "download", "encode", *choice, "--mirror", world.url) == 0
    assert run(monkeypatch, "prepare", "encode", *choice, "--out", out) == 0
    assert "encode: 4 genes, 6 elements" in capsys.readouterr().out
    assert Study.open(out).info.biosamples == BOTH
    assert run(monkeypatch, "download", "encode", "--biosample", "X", "--data", data) == 2
    assert capsys.readouterr().err.startswith("ENCODE's list has no biosample 'X'; it has A673")
    assert run(monkeypatch, "download", "k562", "--biosample", "K562", "--data", data) == 2
    assert "study k562 is made whole (K562); it takes no --biosample" in capsys.readouterr().err


def test_the_list_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_files, "_LIST", Path(encode_files.__file__).parent / "encode_accessions.tsv")
    encode_files.listed.cache_clear()
    files = encode_files.listed()
    encode_files.listed.cache_clear()
    assert len(files) == 541
    assert len({file.accession for file in files}) == 541
    assert len({file.biosample for file in files if file.organism == "human"}) == 19
    assert {file.biosample for file in files if file.organism == "mouse"} == {"CH12.LX", "MEL"}
    k562 = [file for file in files if file.biosample == "K562"]
    assert {file.track for file in k562} >= {"rna", "dnase", "ctcf", "h3k4me3", "h3k27ac", "ep300", "h2afz"}
    assert {file.format for file in k562} == {"tsv", "bigWig"}
    assert recipe("encode").assembly_name == "hg38"
