"""The feature store against the genome and the values it was made from, base by base."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cre_core import schema
from cre_core.data import store_build
from cre_core.data.store import FeatureStore, Part, store_folder
from cre_core.data.store_build import build_store
from cre_core.data.study import Study, StudyInfo, Track, write_info, write_table
from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName
from cre_core.genome import Assembly, Locus
from cre_core.io.bigwig import write_bigwig
from cre_core.io.fasta import Fasta

MINI = Assembly("mini1", {"chrA": 3_000, "chrB": 500})
ELEMENTS = [
    ("chrA", 100, 200),
    ("chrA", 150, 401),  # over the one before, an odd width
    ("chrA", 2_900, 3_000),  # its flank ends with the chromosome
    ("chrB", 0, 40),  # and this one's begins before it
    ("chrB", 300, 301),
]
TSS = [("chrB", 499), ("chrA", 1_500), ("chrA", 10)]  # not sorted by place
W = 240


def genome() -> dict[str, str]:
    draw = np.random.default_rng(3)
    return {chrom: "".join(draw.choice([*"ACGTN"], size)) for chrom, size in MINI.chrom_sizes.items()}


def values() -> dict[str, dict[str, np.ndarray]]:
    """Of DNase and CTCF: quarters, which float16 holds; a stretch of no data, and one of zero."""
    draw = np.random.default_rng(4)
    tracks = {}
    for track in ("dnase", "ctcf"):
        tracks[track] = {chrom: draw.integers(1, 400, size) / 4 for chrom, size in MINI.chrom_sizes.items()}
        tracks[track]["chrA"][120:140] = np.nan
        tracks[track]["chrA"][160:180] = 0.0
    del tracks["ctcf"]["chrB"]  # this bigWig has no such chromosome
    return tracks


def silent(step: str, done: int, total: int) -> None:
    """Nobody looks on."""


def make_study(folder: Path, biosamples: tuple[str, ...] = ("Cell", "Other cell")) -> Study:
    folder.mkdir(parents=True)
    elements = pd.DataFrame(ELEMENTS, columns=["chrom", "start", "end"])
    elements = elements.assign(element_id=[f"e{n}" for n in range(len(elements))], element_class="distal")
    genes = pd.DataFrame(TSS, columns=["chrom", "tss"]).assign(strand="-")
    names = [f"g{n}" for n in range(len(genes))]
    genes = genes.assign(gene_id=names, gene_name=names, start=genes["tss"], end=genes["tss"] + 1)
    write_table(elements, folder / "elements.parquet", schema.ELEMENTS, MINI)
    write_table(genes, folder / "genes.parquet", schema.GENES, MINI)
    (folder / "genome.fa").write_text("".join(f">{chrom}\n{bases}\n" for chrom, bases in genome().items()))
    tracks = []
    for biosample in biosamples:
        for track, by_chrom in values().items():
            path = f"{biosample}.{track}.bw"
            write_bigwig(folder / path, {chrom: MINI.chrom_sizes[chrom] for chrom in by_chrom}, by_chrom)
            tracks.append(Track(f"{biosample}.{track}", track, track, biosample, "bigwig", "RPM", path=path))
    write_info(
        folder,
        StudyInfo(
            "mini", "by hand", True, MINI.name, MINI.chrom_sizes, biosamples, tuple(tracks), sequence="genome.fa"
        ),
    )
    return Study.open(folder)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "study")


def built(study: Study, width_bp: int = W, biosample: str = "Cell") -> FeatureStore:
    return build_store(study, width_bp=width_bp, tracks=("dnase", "ctcf"), biosample=biosample, report=silent)


def places(width_bp: int) -> list[tuple[str, int]]:
    centres = [(chrom, (start + end) // 2) for chrom, start, end in ELEMENTS] + TSS
    return [(chrom, centre - width_bp // 2) for chrom, centre in centres]


def plain_sequence(width_bp: int) -> list[list[int]]:
    bases = genome()
    rows = []
    for chrom, left in places(width_bp):
        on = [0 <= at < len(bases[chrom]) for at in range(left, left + width_bp)]
        rows.append(["ACGTN".index(bases[chrom][left + i]) if on[i] else 4 for i in range(width_bp)])
    return rows


def plain_signal(width_bp: int, track: str) -> np.ndarray:
    rows = []
    for chrom, left in places(width_bp):
        there = values()[track].get(chrom, np.zeros(0))
        rows.append([there[at] if 0 <= at < len(there) else np.nan for at in range(left, left + width_bp)])
    return np.array(rows, np.float32)


@pytest.mark.parametrize(("chunk", "gap", "width"), [(64 << 20, 1_000, 240), (1, 0, 240), (12_000, 50, 151)])
def test_every_base_is_the_genomes(
    study: Study, monkeypatch: pytest.MonkeyPatch, chunk: int, gap: int, width: int
) -> None:
    monkeypatch.setattr(store_build, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(store_build, "GAP_BP", gap)
    store = built(study, width)
    elements = store.elements(range(5), tracks=("dnase", "ctcf"), biosample="Cell")
    promoters = store.promoters(range(3), tracks=("dnase", "ctcf"), biosample="Cell")
    found = torch.cat([elements.sequence, promoters.sequence])
    assert found.dtype == torch.int8
    assert found.tolist() == plain_sequence(width)
    assert elements.signal is not None
    assert promoters.signal is not None
    signal_there = torch.cat([elements.signal, promoters.signal])
    assert signal_there.dtype == torch.float16
    for t, track in enumerate(("dnase", "ctcf")):
        np.testing.assert_array_equal(signal_there[..., t].float().numpy(), plain_signal(width, track))
    assert store.folder == store_folder(study, width) == study.folder / f"features/{width}"


def test_no_data_and_zero_stay_apart(study: Study) -> None:
    (first,) = built(study).elements([0], width_bp=100, tracks=("dnase",), biosample="Cell").signal  # 100 to 200
    assert first[20:40, 0].isnan().all()
    assert first[60:80, 0].tolist() == [0.0] * 20


@pytest.mark.parametrize("width", [240, 239, 101, 100, 1])
def test_a_narrower_stretch_has_the_same_centre(study: Study, width: int) -> None:
    store = built(study)
    found = store.elements([3, 1], width_bp=width, tracks=("dnase",), biosample="Cell")
    assert found.sequence.tolist() == [plain_sequence(width)[3], plain_sequence(width)[1]]
    assert found.signal is not None
    np.testing.assert_array_equal(found.signal[..., 0].float(), plain_signal(width, "dnase")[[3, 1]])


@pytest.mark.parametrize("width", [240, 101, 30])
def test_an_element_that_keeps_to_itself_has_no_flanks(study: Study, width: int) -> None:
    store = built(study)
    found = store.elements(range(5), width_bp=width, tracks=("dnase",), biosample="Cell", own_only=True)
    sequence_of = [list(row) for row in plain_sequence(width)]
    assert store.promoters(range(3), width_bp=width).sequence.tolist() == sequence_of[5:]
    signal_of = plain_signal(width, "dnase")
    for row, ((_, start, end), (_, left)) in enumerate(zip(ELEMENTS, places(width), strict=False)):
        at = np.arange(left, left + width)
        signal_of[row, (at < start) | (at >= end)] = np.nan
        sequence_of[row] = [base if start <= b < end else 4 for base, b in zip(sequence_of[row], at, strict=True)]
    assert found.sequence.tolist() == sequence_of[:5]
    assert found.signal is not None
    np.testing.assert_array_equal(found.signal[..., 0].float(), signal_of[:5])
    assert store.elements([0], own_only=True).sequence.tolist() != store.elements([0]).sequence.tolist()


def test_tracks_come_in_the_order_asked_and_a_missing_one_is_no_data(study: Study) -> None:
    store = built(study)
    asked = ("CTCF", "H3K27ac", "DNase")
    found = store.elements([0, 1], tracks=asked, biosample="Cell").signal
    assert found is not None
    np.testing.assert_array_equal(found[..., 0].float(), plain_signal(W, "ctcf")[:2])
    assert found[..., 1].isnan().all()
    np.testing.assert_array_equal(found[..., 2].float(), plain_signal(W, "dnase")[:2])
    assert store.elements([0]).signal is None
    assert store.elements(torch.zeros(0, dtype=torch.long)).sequence.shape == (0, W)


def test_what_the_store_does_not_hold(study: Study) -> None:
    store = build_store(study, width_bp=W, tracks=("dnase",), biosample="Cell", report=silent)
    where = r"features/240"
    with pytest.raises(BadInput, match=rf"^241 bases wanted of .*{where}, which holds 240 around each centre$"):
        store.elements([0], width_bp=241)
    with pytest.raises(NotAvailable, match=rf"{where} was built without track CTCF of Cell; it has dnase$"):
        store.elements([0], tracks=("CTCF",), biosample="Cell")
    with pytest.raises(NotAvailable, match=rf"{where} has no signal of Other cell, but of Cell; build it first$"):
        store.elements([0], tracks=("dnase",), biosample="Other cell")
    with pytest.raises(BadInput, match=r"^tracks dnase wanted without a biosample$"):
        store.elements([0], tracks=("dnase",))
    with pytest.raises(BadInput, match=rf"^rows -1 to 5 of the 5 elements in .*{where}; wanted 0 to 4$"):
        store.elements([-1, 5])
    with pytest.raises(BadInput, match=r"^rows 3 to 3 of the 3 promoters"):
        store.promoters([3])


def test_values_beyond_float16_are_kept(study: Study) -> None:
    big = np.full(3_000, 65_504.0)
    big[150] = 70_000
    write_bigwig(study.folder / "Cell.ctcf.bw", MINI.chrom_sizes, {"chrA": big})
    found = built(study).elements([0], width_bp=4, tracks=("ctcf",), biosample="Cell").signal  # 148 to 152
    assert found is not None
    assert found.dtype == torch.float32
    assert found[0, :, 0].tolist() == [65_504, 65_504, 70_000, 65_504]
    with pytest.raises(BadFile, match=r"^a\.bw has values beyond 65,504, which its header does not say$"):
        store_build._as_stored(np.array([1, 7e4], np.float32), "float16", "a.bw")


def test_another_study_and_older_inputs_are_refused(study: Study) -> None:
    folder = built(study).folder
    with pytest.raises(NotAvailable, match=r"^study mini has no feature store in .*features/99; build it first$"):
        FeatureStore.open(store_folder(study, 99), study)
    write_info(study.folder, replace(study.info, name="maxi"))
    with pytest.raises(
        BadInput,
        match=r"sequence\.npy was built for study mini \(mini1\), not for maxi \(mini1\); build the store again$",
    ):
        FeatureStore.open(folder, Study.open(study.folder))
    write_info(study.folder, study.info)
    os.utime(study.folder / "genome.fa")  # touched, the same
    FeatureStore.open(folder, study)
    text = (study.folder / "genome.fa").read_text()
    (study.folder / "genome.fa").write_text(text.replace("A\n", "C\n").replace("G\n", "C\n").replace("T\n", "C\n"))
    with pytest.raises(
        BadInput, match=r"sequence\.npy is older than genome\.fa of study mini; build the store again$"
    ):
        FeatureStore.open(folder, study)
    (study.folder / "genome.fa").write_text(text)
    write_bigwig(study.folder / "Cell.ctcf.bw", MINI.chrom_sizes, {"chrA": np.ones(9)})
    with pytest.raises(BadInput, match=r"Cell\.signal\.npy is older than Cell\.ctcf\.bw of study mini; build"):
        FeatureStore.open(folder, study)


def test_changed_places_and_new_tracks_make_it_old(study: Study) -> None:
    folder = built(study).folder
    more = Track("Cell.x", "x", "x", "Cell", "bigwig", "RPM", path="Cell.ctcf.bw")
    write_info(study.folder, replace(study.info, tracks=(*study.info.tracks, more)))
    with pytest.raises(BadInput, match=r"Cell\.signal\.npy is older than the tracks of Cell in study mini"):
        FeatureStore.open(folder, Study.open(study.folder))
    write_info(study.folder, study.info)
    write_table(study.elements.iloc[:4], study.folder / "elements.parquet", schema.ELEMENTS, MINI)
    smaller = Study.open(study.folder)
    with pytest.raises(BadInput, match=r"sequence\.npy is older than the elements or genes of study mini"):
        FeatureStore.open(folder, smaller)
    built(study=smaller, biosample="Other cell")
    again = FeatureStore.open(folder, smaller)  # Cell's, of five elements, is gone
    assert list(again.signals) == ["Other cell"]
    assert again.promoters([1]).sequence.tolist() == [plain_sequence(W)[6]]


def test_broken_files_of_the_store(study: Study) -> None:
    store = built(study)
    np.save(store.folder / "sequence.npy", np.zeros((2, 3), np.int8))
    with pytest.raises(BadFile, match=r"sequence\.npy is int8 \(2, 3\); wanted int8 \(8, 240\); build it again$"):
        FeatureStore.open(store.folder, study)
    (store.folder / "sequence.npy").write_bytes(b"no")
    with pytest.raises(BadFile, match=r"sequence\.npy is not a readable array"):
        FeatureStore.open(store.folder, study)
    description = store.folder / "sequence.json"
    description.write_text(description.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(BadFile, match=r"sequence\.json has format 9; this version reads 1; build it again$"):
        FeatureStore.open(store.folder, study)
    description.write_text("{}")
    with pytest.raises(BadFile, match=r"sequence\.json does not describe a feature store"):
        FeatureStore.open(store.folder, study)


def test_what_fits_is_kept_and_tracks_add_up(study: Study) -> None:
    build_store(study, width_bp=W, tracks=("dnase",), biosample="Cell", report=silent)
    steps: list[str] = []
    build_store(
        study, width_bp=W, tracks=("DNase", "h3k27ac"), biosample="Cell", report=lambda *a: steps.append(a[0])
    )
    assert steps == []
    store = build_store(study, width_bp=W, tracks=("ctcf",), biosample="Cell", report=lambda *a: steps.append(a[0]))
    assert set(steps) == {"Cell, 2 tracks"}
    assert store.signals["Cell"].tracks == ("dnase", "ctcf")
    assert store.signals["Cell"].units == ("RPM", "RPM")
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "Cell.signal.json", "Cell.signal.npy", "own.npy", "sequence.json", "sequence.npy",
    ]  # fmt: skip


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from cre_core.data import store_build
from cre_core.data.study import Study

def report(step, done, total):
    if step == {step!r} and done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

store_build.CHUNK_BYTES = 1
store_build.build_store(
    Study.open({study!r}), width_bp=240, tracks=("dnase", "ctcf"), biosample="Cell", report=report
)
"""


@pytest.mark.parametrize(("step", "name"), [("sequence, 240 bp", "sequence"), ("Cell, 2 tracks", "Cell.signal")])
def test_a_killed_build_goes_on(study: Study, monkeypatch: pytest.MonkeyPatch, step: str, name: str) -> None:
    whole = built(make_study(study.folder.parent / "whole"))
    code = KILLED.format(tests=str(Path(__file__).parents[1]), step=step, study=str(study.folder))
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    folder = store_folder(study, 240)
    assert not (folder / f"{name}.json").exists()
    assert not (folder / f"{name}.npy").exists()
    with (folder / f"{name}.progress.partial").open("a") as journal:
        journal.write("7")  # a line that the kill cut off says nothing
    monkeypatch.setattr(store_build, "CHUNK_BYTES", 1)
    seen: list[tuple[str, int, int]] = []
    build_store(study, width_bp=W, tracks=("dnase", "ctcf"), biosample="Cell", report=lambda *a: seen.append(a))
    assert [entry for entry in seen if entry[0] == step] == [(step, done, 8) for done in range(3, 9)]
    for array in ("sequence.npy", "Cell.signal.npy", "own.npy"):
        assert (folder / array).read_bytes() == (whole.folder / array).read_bytes(), array
    assert list(folder.glob("*.partial")) == []


def test_a_partial_of_other_inputs_is_not_gone_on_with(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_build, "CHUNK_BYTES", 1)

    def stop(step: str, done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_store(study, width_bp=W, report=stop)
    text = (study.folder / "genome.fa").read_text()
    (study.folder / "genome.fa").write_text(text.replace(genome()["chrB"], "A" * 500))
    store = build_store(study, width_bp=W, report=silent)
    assert store.elements([4]).sequence.tolist() == [[0] * W]
    assert store.elements([0]).sequence.tolist() == plain_sequence(W)[:1]


def test_a_full_disk_says_so_and_the_build_goes_on(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(BadFile, match=r"^cannot write .*sequence\.npy: No space left on device$"):
            built(study)
    assert built(study).elements([0]).sequence.tolist() == plain_sequence(W)[:1]


def test_a_folder_of_other_things_is_no_place_for_a_store(study: Study, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="out is not empty and holds no feature store; wanted a new folder or a feat"):
        build_store(study, width_bp=W, out=out, report=silent)
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_a_pickled_store_is_its_path(study: Study) -> None:
    store = built(study)
    content = pickle.dumps(store)
    assert len(content) < 300
    again = pickle.loads(content)
    for one, other in zip(
        vars(store.elements([4, 0], tracks=("dnase",), biosample="Cell")).values(),
        vars(again.elements([4, 0], tracks=("dnase",), biosample="Cell")).values(),
        strict=True,
    ):
        torch.testing.assert_close(one, other, equal_nan=True)
    assert len(again) == 8


def test_on_a_device_it_gives_the_same(study: Study) -> None:
    store = built(study)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    found = store.to(device).elements([4, 0], width_bp=77, tracks=("ctcf",), biosample="Cell", own_only=True)
    wanted = store.elements([4, 0], width_bp=77, tracks=("ctcf",), biosample="Cell", own_only=True)
    torch.testing.assert_close(found.sequence.cpu(), wanted.sequence)
    torch.testing.assert_close(found.signal.cpu(), wanted.signal, equal_nan=True)
    assert found.sequence.device.type == device


def test_a_batch_does_not_write_into_the_store(study: Study) -> None:
    store = built(study)
    store.elements([0]).sequence.fill_(3)
    assert store.elements([0]).sequence.tolist() == plain_sequence(W)[:1]


def test_a_batch_does_not_read_the_whole_array(tmp_path: Path) -> None:
    n = 1_000_000  # rows of 1,000 bases: 1 GB and 2 GB of holes, which take no disk
    sequence = Part("big", "x", 1_000, n, 0, "", (), "int8")
    signal_part = replace(sequence, biosample="Cell", tracks=("dnase",), units=("RPM",), dtype="float16")
    for part in (sequence, signal_part):
        (tmp_path / f"{part.stem}.json").write_text(part.text())
        np.lib.format.open_memmap(tmp_path / f"{part.stem}.npy", "w+", part.dtype, part.shape)
    np.save(tmp_path / "own.npy", np.zeros((n, 2), np.int32))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = memory_mb("VmHWM")
    store = FeatureStore(tmp_path)
    found = store.elements(range(0, n, n // 50), width_bp=500, tracks=("dnase",), biosample="Cell", own_only=True)
    assert found.sequence.shape == (50, 500)
    assert memory_mb("VmHWM") - before < 100


def memory_mb(line: str) -> float:
    return int(Path("/proc/self/status").read_text().split(f"{line}:")[1].split()[0]) / 1024


def test_a_chunk_is_bounded_by_what_it_holds() -> None:
    part = Part("s", "x", 600, 10**6, 0, "", (), "float16", "Cell", tuple("abcd"))
    # written 600 x 4 x 2 bytes, read (600 + 1,000) x (4 + 4) and, as stored, x 2
    assert store_build._rows_of_a_chunk(part) == (64 << 20) // (4_800 + 16_000)


def test_what_cannot_be_built(study: Study, tmp_path: Path) -> None:
    def build(study: Study, **changes: object) -> FeatureStore:
        given = {"width_bp": W, "tracks": ("dnase",), "biosample": "Cell", "report": silent}
        return build_store(study, **{**given, **changes})  # type: ignore[arg-type]

    info = study.info
    with pytest.raises(BadInput, match=r"^a store of 0 bases; wanted 1 or more$"):
        build(study, width_bp=0)
    with pytest.raises(BadInput, match=r"^tracks dnase wanted without a biosample$"):
        build(study, biosample=None)
    with pytest.raises(
        NotAvailable, match=r"^study mini has no base-level h3k9ac of Cell; its bigWig tracks: dnase, ctc"
    ):
        build(study, tracks=("h3k9ac",))
    with pytest.raises(NotAvailable, match=r"^study mini has no sequence, and a feature store holds it$"):
        build(Study(study.folder, replace(info, sequence=None)))
    twice = replace(info, tracks=(*info.tracks, replace(info.tracks[0], id="again")))
    with pytest.raises(BadInput, match=r"^study mini has 2 base-level dnase tracks of Cell; wanted one$"):
        build(Study(study.folder, twice))
    gone = replace(info, tracks=(replace(info.tracks[0], path="gone.bw"),))
    with pytest.raises(BadFile, match=r"^cannot read .*gone\.bw: No such file or directory$"):
        build(Study(study.folder, gone))
    build(study, out=tmp_path / "out")
    with pytest.raises(BadInput, match=r"out holds 240 bases of each place; wanted 99: another folder$"):
        build(study, out=tmp_path / "out", width_bp=99)


def test_an_element_outside_the_fasta(study: Study) -> None:
    bases = genome()["chrA"]
    (study.folder / "genome.fa").write_text(f">chrA:101-3000\n{bases[100:]}\n")
    with pytest.raises(UnknownName, match=r"^genome\.fa has no sequence of chrB; it has chrA$"):
        build_store(study, width_bp=W, report=silent)
    write_table(study.elements.iloc[:3], study.folder / "elements.parquet", schema.ELEMENTS, MINI)
    write_table(study.genes.iloc[1:], study.folder / "genes.parquet", schema.GENES, MINI)
    with pytest.raises(BadInput, match=r"^chrA:11 is outside the sequence in genome\.fa, which is chrA:101-3,000$"):
        build_store(Study.open(study.folder), width_bp=W, report=silent)
    write_table(study.genes.iloc[1:2], study.folder / "genes.parquet", schema.GENES, MINI)
    found = build_store(Study.open(study.folder), width_bp=W, report=silent).elements([0]).sequence[0]
    assert found.tolist() == [4] * 70 + plain_sequence(W)[0][70:]  # the flank from 30 to 100 is not there


def test_broken_data_in_a_bigwig(study: Study) -> None:
    path = study.folder / "Cell.dnase.bw"
    content = bytearray(path.read_bytes())
    index = int.from_bytes(content[24:32], "little")
    data = int.from_bytes(content[16:24], "little")
    content[data + 8 : index] = bytes(index - data - 8)
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"^Cell\.dnase\.bw cannot be read at chrA:1-1,620: its data are broken$"):
        built(study)


def test_the_demo(tmp_path: Path) -> None:
    demo = Study.open(Path(__file__).resolve().parents[2] / "precomputed" / "demo")
    store = build_store(demo, width_bp=700, tracks=("h3k27ac",), biosample="SimB", out=tmp_path, report=silent)
    with Fasta(demo.folder / "sequence.fa.gz", assembly=demo.assembly) as fasta:
        for row in (0, 700, 1499):
            element = demo.elements.iloc[row]
            left = (int(element["start"]) + int(element["end"])) // 2 - 300
            wanted = fasta.encode(Locus(element["chrom"], left, left + 600))
            assert store.elements([row], width_bp=600).sequence[0].tolist() == wanted.tolist()
