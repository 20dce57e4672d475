"""The k562-chr22 study, embedded and from the real files, the cutting of raw files to a window, what is refused."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import torch

from cre_core.data.batches import batch_of
from cre_core.data.k562_chr22 import CHR22, FILES, WINDOW, cage_at_tss, matched_depth
from cre_core.data.published_links import read_published_links
from cre_core.data.recipe import prepare_study
from cre_core.data.recipes import recipe
from cre_core.data.study import Study
from cre_core.data.window_files import (
    balanced_weights,
    write_balanced_cool,
    write_window_bigwig,
    write_window_fasta,
)
from cre_core.data.windows import Neighbourhood, neighbourhood_for
from cre_core.errors import BadFile, BadInput, WrongAssembly
from cre_core.genome import HG19, HG38, Assembly, Locus
from cre_core.inference.predictor import open_predictor
from cre_core.interpretation.perturb import scan_singles
from cre_core.io.bigwig import BigWig, write_bigwig
from cre_core.io.contacts import RAW, open_contacts
from cre_core.io.fasta import Fasta
from cre_core.io.motifs import read_motifs
from cre_core.models import registry
from cre_core.models.epinformer import EPInformerConfig
from cre_core.schema import Batch, Mode, Prediction, Reads

TOY = Assembly("toy1", {"chrA": 200})
TOY_WINDOW = Locus("chrA", 100, 120)


def quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def study(k562_chr22: Study) -> Study:
    return k562_chr22  # a fresh preparation gives the same: test_embedded


@pytest.fixture(scope="module")
def whole(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """With what may not be passed on, made from the raw files."""
    out = tmp_path_factory.mktemp("k562_chr22") / "study"
    return prepare_study(recipe("k562-chr22"), data=shared_data, out=out, report=quiet)


def run_untrained(study: Study, name: str, tracks: tuple[str, ...]) -> tuple[Prediction, Batch, Prediction]:
    """A model with fresh weights on MGAT3: its prediction, what it read, and the prediction of absent tracks as 0."""
    torch.manual_seed(0)
    model = registry.build(name, {"base_tracks": tracks}).eval()
    config = model.config
    around = neighbourhood_for(study, "K562", config.reads)
    gene_id = study.gene("MGAT3")["gene_id"]
    batch = batch_of([around.window(gene_id, reach_bp=config.max_distance_bp, limit=config.n_elements)])
    filled = batch.with_(
        inputs=replace(batch.inputs, signal=batch.inputs.signal.nan_to_num(0.0)),
        promoter=replace(batch.promoter, signal=batch.promoter.signal.nan_to_num(0.0)),
    )
    with torch.inference_mode():
        return model(batch), batch, model(filled)


class TestTables:
    def test_what_lies_in_the_window(self, study: Study) -> None:
        assert (len(study.genes), len(study.elements), len(study.crispr)) == (62, 419, 36)
        positive = study.crispr[study.crispr["is_positive"]]
        assert sorted(positive["gene_name"]) == ["MGAT3", "NPTXR", "SYNGR1"]
        for table in (study.elements, study.crispr):
            assert table["start"].min() >= WINDOW.start
            assert table["end"].max() <= WINDOW.end
        assert study.genes["tss"].between(WINDOW.start, WINDOW.end - 1).all()

    def test_fold_11_tests_every_gene(self, study: Study) -> None:
        assert {study.fold_of(gene) for gene in study.genes["gene_id"]} == {"fold_11"}

    def test_counts_are_those_of_the_raw_table(self, study: Study, shared_data: Path) -> None:
        path = shared_data / "epinformer_data/Enhancers.H3K27ac.ENCFF232RQF.bam.CountReads.bedgraph"
        raw = pd.read_csv(path, sep="\t", names=["chrom", "start", "end", "count"])
        raw.index = pd.Index(raw["chrom"] + ":" + raw["start"].astype(str) + "-" + raw["end"].astype(str))
        signal = study.element_signal
        assert (signal["h3k27ac"].to_numpy() == raw.loc[signal["element_id"], "count"].to_numpy()).all()
        assert set(signal["biosample"]) == {"K562"}

    def test_chromosome_wide_tables_are_of_chr22(self, study: Study) -> None:
        for entry in study.info.intervals:
            table = study.intervals(entry.id)
            assert len(table) > 0
            assert set(table["chrom"]) == {"chr22"}
            if entry.kind == "loops":
                assert set(table["chrom2"]) == {"chr22"}

    def test_labels_come_with_a_preparation_of_ones_own(self, whole: Study) -> None:
        n_labels = {kind: len(whole.intervals(f"{kind}_labels")) for kind in ("silencer", "enhancer", "promoter")}
        assert n_labels == {"silencer": 138, "enhancer": 26, "promoter": 746}
        assert whole.info.provenance["left_out"] == []
        assert whole.info.provenance["command"].endswith("prepare k562-chr22")

    def test_units_and_sources_are_named(self, study: Study) -> None:
        sources = [source["file"] for source in study.info.provenance["sources"]]
        left_out = [entry["file"] for entry in study.info.provenance["left_out"]]
        assert sorted(sources + left_out) == sorted(FILES)
        assert set(study.expression["measure"]) == set(study.info.measures)
        assert any("Outside chr22:37,200,001-40,600,000" in note for note in study.info.provenance["notes"])

    def test_example_loci_open_and_begin_with_effects(self, study: Study) -> None:
        examples = study.info.example_loci
        assert [example.gene_name for example in examples[:3]] == ["MGAT3", "NPTXR", "SYNGR1"]
        for example in examples:
            place = Locus.parse(example.locus, study.assembly)
            assert WINDOW.contains(place)
            assert place.start <= study.gene(example.gene_name)["tss"] < place.end

    def test_published_links_keep_their_scores(self, study: Study, shared_data: Path) -> None:
        raw = pd.read_csv(
            shared_data / "encode_re2g/encode_e2g_predictions_threshold0.243.tsv.gz", sep="\t", low_memory=False
        )
        links = study.links("re2g_published")
        assert (len(links), len(study.links("abc_published"))) == (787, 196)
        best = raw[(raw["TargetGene"] == "MGAT3") & ~raw["isSelfPromoter"]].nlargest(1, "ENCODE-rE2G.Score").iloc[0]
        ours = links[(links["gene_name"] == "MGAT3") & ~links["is_own_promoter"]].nlargest(1, "score").iloc[0]
        assert (ours["start"], ours["score"]) == (best["start"], pytest.approx(best["ENCODE-rE2G.Score"]))
        assert ours["gene_id"] == study.gene("MGAT3")["gene_id"]

    def test_depth_is_between_the_reads_in_elements_and_what_is_plausible(self, study: Study) -> None:
        depth = study.info.library_reads["K562"]  # 110.1 and 10.65 million reads lie in the 116,669 elements
        assert 110.1e6 < depth["dnase"] < 400e6
        assert 10.65e6 < depth["h3k27ac"] < 70.7e6  # all mapped reads of ENCFF232RQF

    def test_motifs_are_those_of_the_file(self, whole: Study, shared_data: Path) -> None:
        raw = (shared_data / "scpge/H11FULL_meme_format.meme").read_text()
        assert whole.info.motifs is not None
        motifs = read_motifs(whole.folder / whole.info.motifs)
        assert len(motifs) == raw.count("\nMOTIF ") == 600

    def test_cage_follows_rna(self, study: Study) -> None:
        table = study.expression.pivot(index="gene_id", columns="measure", values="value")
        assert table["cage"].notna().sum() == 42
        assert table["cage"].corr(table["rna"]) > 0.75


class TestWindowOfTheStudy:
    def test_sequence_answers_in_genomic_coordinates(self, study: Study, shared_data: Path) -> None:
        lines = (shared_data / "hg38_chr22_sequence/chr22.txt").read_text().split("\n")[1:]
        with Fasta(study.folder / "sequence.fa.gz", assembly=study.assembly) as fasta:
            assert fasta.fetch(Locus("chr22", WINDOW.start, WINDOW.start + 50)) == lines[0].upper()
            assert fasta.fetch(Locus("chr22", WINDOW.start - 9, WINDOW.start + 1)) == "N" * 9 + lines[0][0].upper()
            whole = fasta.encode(Locus("chr22", 0, HG38.size("chr22")))
        assert (whole != 4).sum() == WINDOW.width_bp

    @pytest.mark.parametrize(
        ("track", "source", "sign"),
        [
            ("K562.accessibility", "acc.K562.chr22.bw", 1),
            ("MCF-7.accessibility", "acc.MCF7.chr22.bw", 1),
            ("K562.nascent_rna_minus", "K562.ds.chr22.mn.bw", -1),
        ],
    )
    def test_signal_is_that_of_the_file(
        self, study: Study, shared_data: Path, track: str, source: str, sign: int
    ) -> None:
        raw = pyBigWig.open(str(shared_data / "deepdetails_chr22" / source))
        wanted = sign * np.nan_to_num(raw.values("chr22", WINDOW.start, WINDOW.end, numpy=True))
        path = next(entry.path for entry in study.info.tracks if entry.id == track)
        with BigWig(study.folder / path, assembly=study.assembly) as file:
            assert np.array_equal(file.values(WINDOW), wanted)
            assert np.isnan(file.values(Locus("chr22", WINDOW.end, WINDOW.end + 100))).all()

    def test_absent_means_zero_where_the_unit_says_so(self, study: Study, shared_data: Path) -> None:
        """The raw files list covered bases with whole counts: 40 % of this place is in no row of K562's."""
        place = Locus("chr22", 37_500_000, 37_700_000)
        raw = pyBigWig.open(str(shared_data / "deepdetails_chr22/acc.K562.chr22.bw"))
        absent = np.isnan(raw.values("chr22", place.start, place.end, numpy=True))
        track = next(entry for entry in study.info.tracks if entry.id == "K562.accessibility")
        with BigWig(study.folder / str(track.path), assembly=study.assembly) as file:
            values = file.values(place)
        assert absent.mean() == pytest.approx(0.4, abs=0.01)
        assert (values[absent] == 0).all()
        assert (values[~absent] >= 1).all()

    def test_every_track_of_a_sparse_file_says_that_absent_is_zero(self, study: Study) -> None:
        units = {entry.id: entry.unit for entry in study.info.tracks}
        assert {unit for name, unit in units.items() if "." in name} == {"reads (absent = 0)"}
        assert {unit for name, unit in units.items() if "." not in name} == {"reads per element"}
        (note,) = [text for text in study.info.provenance["notes"] if "absent" in text]
        assert "list the bases that a read covers" in note

    def test_contact_agrees_with_abcs(self, study: Study) -> None:
        """ABC's published contact is of a deeper map of K562 (ENCFF621AIY) whose rows sum to 1 as well."""
        entry = study.info.contacts[0]
        reader = open_contacts(study.folder / entry.path, assembly=study.assembly)
        matrix = reader.matrix(WINDOW, entry.resolution_bp, entry.normalisation)
        first = WINDOW.start // 5_000
        links = study.links("abc_published")
        tss, middle = links["tss"] // 5_000 - first, (links["start"] + links["end"]) // 2 // 5_000 - first
        apart = ((tss - middle).abs() >= 1).to_numpy()
        ours, theirs = matrix[tss, middle][apart], links["contact"].to_numpy()[apart]
        assert np.corrcoef(ours, theirs)[0, 1] > 0.85
        assert np.median(ours / theirs) == pytest.approx(1, abs=0.1)

    def test_raw_contacts_are_the_triplets(self, study: Study, shared_data: Path) -> None:
        place = Locus("chr22", 39_000_000, 39_100_000)
        reader = open_contacts(study.folder / study.info.contacts[0].path, assembly=study.assembly)
        raw = open_contacts(
            shared_data / "abc_hic_chr22/chr22.RAWobserved.gz", assembly=HG38, chrom="chr22", resolution_bp=5_000
        )
        assert np.array_equal(reader.matrix(place, 5_000, RAW), raw.matrix(place, 5_000))

    def test_a_model_of_sequence_and_contact_has_all_it_reads(self, study: Study) -> None:
        around = neighbourhood_for(
            study, "K562", EPInformerConfig(variant="pe-activity-hic", signal_unit="reads").reads
        )
        window = around.window(study.gene("MGAT3")["gene_id"], reach_bp=100_000, limit=60)
        batch = batch_of([window])
        assert len(window.elements) == 43
        assert window.has_data.all()
        assert (batch.promoter.sequence != 4).all()
        assert (batch.inputs.sequence != 4).any(-1).all()

    def test_published_weights_have_signal_in_their_unit(self, study: Study) -> None:
        counts = ("dnase", "h3k27ac")
        windows = [
            neighbourhood_for(study, "K562", Reads(assays=counts, unit=unit)).window(
                study.gene("MGAT3")["gene_id"], reach_bp=100_000
            )
            for unit in ("reads", "RPM")
        ]
        reads, rpm = (window.elements[["dnase", "h3k27ac"]].to_numpy() for window in windows)
        depth = np.array([study.info.library_reads["K562"][assay] for assay in ("dnase", "h3k27ac")])
        np.testing.assert_allclose(rpm, 1e6 * reads / depth, rtol=1e-5)
        np.testing.assert_allclose(windows[1].promoter_signal, 1e6 * windows[0].promoter_signal / depth, rtol=1e-5)

    @pytest.mark.slow
    @pytest.mark.parametrize("model", ["epinformer", "epinformer-hic"])
    def test_published_weights_speak_about_the_window(self, study: Study, model: str) -> None:
        """The authors' CAGE model against the RNA that their other models predicted for the same held-out genes."""
        predictor = open_predictor(study, model, biosample="K562")
        predicted = predictor.predict_genes(list(study.genes["gene_id"])).set_index("gene_id")["predicted"]
        known = study.expression.pivot(index="gene_id", columns="measure", values="value")
        assert predicted.notna().sum() == 62
        assert predicted.corr(known["rna_epinformer_published"]) > 0.85
        assert predicted.corr(known["rna"]) > 0.5
        window = predictor.window(study.gene("MGAT3")["gene_id"])
        crispr = study.crispr[(study.crispr["gene_name"] == "MGAT3") & study.crispr["is_positive"]].iloc[0]
        is_under = (window.elements["start"] < crispr["end"]) & (window.elements["end"] > crispr["start"])
        assert predictor.modes == ("mask", "silence", "scramble")
        modes: tuple[Mode, ...] = ("mask", "silence")  # scrambled bases move this gene by less than they vary
        for mode in modes:
            scan = scan_singles(predictor, window, mode=mode).set_index("element_id")["effect_fraction"]
            assert scan.notna().all()
            assert (scan[window.elements.loc[is_under, "element_id"]] < 0).all()  # CRISPRi: less expression

    @pytest.mark.parametrize("name", ["creator", "scpge"])
    def test_models_of_base_level_signal_run_with_the_tracks_that_exist(
        self, request: pytest.FixtureRequest, name: str
    ) -> None:
        study = request.getfixturevalue("whole" if name == "scpge" else "study")  # ScPGE reads the motifs
        prediction, batch, again = run_untrained(study, name, ("accessibility", "h3k27ac", "ctcf"))
        assert batch.inputs is not None
        assert batch.inputs.signal is not None
        assert batch.inputs.signal[..., 0].isfinite().all()
        assert batch.inputs.signal[..., 1:].isnan().all()  # nobody measured them per base: no data
        assert prediction.expression.shape == (1,)
        for part in (prediction, again):
            assert part.expression.isfinite().all()
            assert part.attention.isfinite().all()
        assert prediction.element_attention[0].sum() > 0
        torch.testing.assert_close(again.expression, prediction.expression)  # to these models absent is zero
        if name == "scpge":
            assert batch.inputs.motif is not None
            assert batch.inputs.motif.shape == (len(batch.inputs), 600)
            assert batch.inputs.motif.isfinite().all()

    def test_a_biosample_without_counts_has_no_data(self, study: Study) -> None:
        window = Neighbourhood(study, "GM12878", assays=("dnase",)).window(
            study.gene("MGAT3")["gene_id"], reach_bp=100_000
        )
        assert not window.has_data.any()


def test_a_loop_outside_its_chromosome_leaves_no_study(shared_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in FILES:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).symlink_to(shared_data / name)
    loops = data / "targetfinder_hg19/GSE63525_K562_HiCCUPS_looplist.txt.gz"
    loops.unlink()
    rows = ["chr1\tx1\tx2\tchr2\ty1\ty2", "22\t51300000\t51310000\t22\t51400000\t51410000"]
    loops.write_bytes(gzip.compress("\n".join(rows).encode()))
    with pytest.raises(BadInput, match=r"looplist.*: 1 rows end past the end of their hg19 chromosome; first: row 0"):
        prepare_study(recipe("k562-chr22"), data=data, out=tmp_path / "study", report=quiet, accept_other=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


class TestSequence:
    def test_n_everywhere_but_in_the_window(self, tmp_path: Path) -> None:
        (tmp_path / "raw.txt").write_text(">part range=chrA:91-130 strand=+\n" + "ACGTACGTAC" * 4 + "\n")
        write_window_fasta(tmp_path / "raw.txt", tmp_path / "out.fa.gz", TOY_WINDOW, assembly=TOY)
        with Fasta(tmp_path / "out.fa.gz", assembly=TOY) as fasta:
            assert fasta.fetch(Locus("chrA", 0, 200)) == "N" * 100 + "ACGTACGTAC" * 2 + "N" * 80
        assert sorted(path.name for path in tmp_path.glob("raw*")) == ["raw.txt"]

    def test_a_sequence_of_another_place(self, tmp_path: Path) -> None:
        (tmp_path / "raw.txt").write_text(">part range=chrA:1-40 strand=+\n" + "ACGTACGTAC" * 4 + "\n")
        with pytest.raises(BadInput, match=r"chrA:101-120 is outside the sequence in raw\.txt, which is chrA:1-40"):
            write_window_fasta(tmp_path / "raw.txt", tmp_path / "out.fa.gz", TOY_WINDOW, assembly=TOY)


class TestSignal:
    @staticmethod
    def cut(tmp_path: Path, values: dict[int, float]) -> np.ndarray:
        bases = np.full(200, np.nan, np.float32)
        bases[list(values)] = list(values.values())
        write_bigwig(tmp_path / "raw.bw", TOY.chrom_sizes, {"chrA": bases})
        write_window_bigwig(tmp_path / "raw.bw", tmp_path / "out.bw", TOY_WINDOW, assembly=TOY)
        with BigWig(tmp_path / "out.bw", assembly=TOY) as file:
            return file.values(Locus("chrA", 98, 122))

    def test_zeros_that_a_sparse_file_leaves_out_are_written(self, tmp_path: Path) -> None:
        wanted = [np.nan] * 2 + [3, 0, 5] + [0] * 17 + [np.nan] * 2
        assert np.array_equal(self.cut(tmp_path, {50: 9, 100: 3, 102: 5}), wanted, equal_nan=True)

    def test_values_that_are_no_counts_keep_their_gaps(self, tmp_path: Path) -> None:
        wanted = [np.nan] * 2 + [0.5, np.nan, 5] + [np.nan] * 19
        assert np.array_equal(self.cut(tmp_path, {100: 0.5, 102: 5}), wanted, equal_nan=True)

    def test_a_file_with_zeros_keeps_its_gaps(self, tmp_path: Path) -> None:
        wanted = [np.nan] * 2 + [0, np.nan, 5] + [np.nan] * 19
        assert np.array_equal(self.cut(tmp_path, {100: 0, 102: 5}), wanted, equal_nan=True)

    def test_the_minus_strand_counts_upwards(self, tmp_path: Path) -> None:
        assert np.nansum(self.cut(tmp_path, {100: -3, 102: -5})) == 8

    def test_both_signs(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match=r"raw\.bw has values of both signs in chrA:101-120; wanted counts of one"):
            self.cut(tmp_path, {100: -3, 102: 5})

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match=r"raw\.bw has no value in chrA:101-120"):
            self.cut(tmp_path, {50: 9})

    def test_another_assembly(self, tmp_path: Path) -> None:
        path = tmp_path / "old.bw"
        write_bigwig(path, {"chr22": HG19.size("chr22")}, {"chr22": (np.array([5]), np.array([9]), np.array([1.0]))})
        with pytest.raises(WrongAssembly, match=r"old\.bw looks like hg19: chr22 has 51,304,566 bases, hg38 has"):
            write_window_bigwig(path, tmp_path / "out.bw", WINDOW, assembly=HG38)


class TestContacts:
    @staticmethod
    def pixels(matrix: np.ndarray) -> pd.DataFrame:
        first, second = np.nonzero(np.triu(matrix))
        return pd.DataFrame({"bin1_id": first, "bin2_id": second, "count": matrix[first, second]})

    def test_even_contacts_by_hand(self) -> None:
        weight = balanced_weights(self.pixels(np.full((12, 12), 3)), 13, source="toy")
        assert np.allclose(weight[:12], 1 / 6)  # 12 partners x 3 contacts / 6 / 6 = 1
        assert np.isnan(weight[12])  # a bin without contacts

    def test_every_row_sums_to_one(self) -> None:
        half = np.random.default_rng(1).integers(1, 60, (30, 30))
        matrix = half + half.T
        weight = balanced_weights(self.pixels(matrix), 30, source="toy")
        assert np.allclose((matrix * weight[:, None] * weight).sum(1), 1, atol=1e-3)

    def test_a_map_without_enough_contacts(self) -> None:
        cross = np.eye(12, dtype=int)
        cross[0, :] = cross[:, 0] = 1
        cross[0, 0] = 0
        with pytest.raises(BadInput, match="toy: contacts of 0 bins cannot be balanced"):
            balanced_weights(self.pixels(np.eye(3, dtype=int)), 3, source="toy")
        with pytest.raises(BadInput, match="toy: contacts of 1 bins cannot be balanced"):
            balanced_weights(self.pixels(cross), 12, source="toy")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("0\t5000\t1.5\n", r"raw\.txt holds contacts that are no whole numbers; wanted raw counts"),
            ("0\t51000000\t1\n", r"raw\.txt: bins up to 51,000,000 are past the end of chr22 \(hg38"),
            ("0\t5001\t1\n", r"raw\.txt: row 0 is not on a grid of 5,000 bp"),
        ],
    )
    def test_triplets_that_are_not_raw_counts_of_chr22(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "raw.txt").write_text(text)
        with pytest.raises(BadInput, match=message):
            write_balanced_cool(tmp_path / "raw.txt", tmp_path / "out.cool", "chr22", 5_000, assembly=HG38)
        assert not (tmp_path / "out.cool").exists()


class TestPublishedLinks:
    HEAD = ("chr", "start", "end", "TargetGene", "TargetGeneTSS", "TargetGeneEnsembl_ID", "isSelfPromoter")
    ROW = ("chr22", 1_000, 1_400, "GENE", 2_000, "ENSG7", False, 0.25, 0.5)

    def read(self, tmp_path: Path, row: tuple[object, ...], columns: tuple[str, ...]) -> pd.DataFrame:
        path = tmp_path / "links.tsv"
        pd.DataFrame([row], columns=list(columns)).to_csv(path, sep="\t", index=False)
        bodies = pd.DataFrame({"gene_name": ["GENE"], "strand": ["-"]})
        genes = pd.DataFrame({"gene_name": ["OTHER"], "gene_id": ["ENSG1"]})
        return read_published_links(
            path, method="abc_published", biosample="K562", genes=genes, bodies=bodies, assembly=HG38
        )

    def test_a_row_by_hand(self, tmp_path: Path) -> None:
        link = self.read(tmp_path, self.ROW, (*self.HEAD, "hic_contact", "ABC.Score")).iloc[0]
        assert (link["element_id"], link["gene_id"], link["tss_distance_bp"]) == ("chr22:1000-1400", "ENSG7", 800)
        assert (link["contact"], link["score"], link["method"]) == (0.25, 0.5, "abc_published")

    def test_a_table_without_scores(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match=r"links\.tsv: predictions lack column score; the table has chrom, start"):
            self.read(tmp_path, self.ROW[:-1], (*self.HEAD, "hic_contact"))

    def test_a_place_past_the_end(self, tmp_path: Path) -> None:
        row = ("chr22", 51_000_000, 51_000_400, *self.ROW[3:])
        with pytest.raises(WrongAssembly, match=r"links\.tsv looks like hg19, wanted hg38: 1 rows end past the end"):
            self.read(tmp_path, row, (*self.HEAD, "hic_contact", "ABC.Score"))

    def test_a_file_that_is_no_table(self, tmp_path: Path) -> None:
        (tmp_path / "links.tsv").write_text("")
        empty = pd.DataFrame({"gene_name": [], "gene_id": [], "strand": []})
        with pytest.raises(BadFile, match=r"^links\.tsv is empty$"):
            read_published_links(
                tmp_path / "links.tsv",
                method="abc_published", biosample="K562", genes=empty, bodies=empty, assembly=HG38,
            )  # fmt: skip


def test_cage_by_hand() -> None:
    peaks = pd.DataFrame(
        [
            ("chr22", 900, 910, "+", 7.0),
            ("chr22", 1_100, 1_120, "+", 2.0),
            ("chr22", 1_000, 1_010, "-", 50.0),  # the other strand
            ("chr22", 4_800, 4_820, "+", 9.0),  # begins before 5,000 - 192
        ],
        columns=["chrom", "start", "end", "strand", "tpm"],
    )
    genes = pd.DataFrame({"chrom": "chr22", "strand": "+", "tss": [1_000, 3_000, 5_000]})
    cage = cage_at_tss(peaks, genes)
    assert cage[0] == pytest.approx(1)  # log10(7 + 2 + 1)
    assert np.isnan(cage[1])  # no peak: below the table's threshold, which is not zero
    assert np.isnan(cage[2])


def test_depth_by_hand() -> None:
    place = ["chrom", "start", "end"]
    elements = pd.DataFrame(
        [("chr1", 0, 500, 30), ("chr1", 600, 1_100, 80), ("chr2", 0, 500, 7), ("chr2", 900, 1_400, 50)],
        columns=[*place, "dnase"],
    )
    known = pd.DataFrame(
        [
            ("chr1", 0, 500, 3.0),  # 10 million
            ("chr1", 610, 1_110, 4.0),  # 20 million; 490 of 510 bases shared
            ("chr2", 300, 800, 9.0),  # another place
            ("chr2", 900, 1_400, 0.1),  # too few reads to compare
        ],
        columns=[*place, "rpm"],
    )
    assert matched_depth(elements, known, "dnase", "rpm") == pytest.approx(15e6)
    assert np.isnan(matched_depth(elements, known.iloc[2:], "dnase", "rpm"))


def test_the_study_knows_one_chromosome() -> None:
    assert dict(CHR22.chrom_sizes) == {"chr22": 50_818_468}
    assert str(WINDOW) == "chr22:37,200,001-40,600,000"
