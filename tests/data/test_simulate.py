"""The simulated study keeps its promises, read back with plain libraries and worked out again by hand."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from pathlib import Path

import cooler
import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest

from cre_core.data.simulate import TRUE_LINKS, SimulationConfig, hichip, simulate
from cre_core.data.simulate.world import make_world
from cre_core.data.study import Study, StudyInfo, write_info
from cre_core.errors import BadInput
from cre_core.schema import HALF_LIFE_FEATURES, check_table

SIZES = {"chrS1": 600_000, "chrS2": 400_000}
SMALL = SimulationConfig(
    chrom_sizes=SIZES,
    n_genes=24,
    n_elements=220,
    domain_bp=(80_000, 160_000),
    unmappable_bp=10_000,
    n_screened_genes=16,
)
TINY = dataclasses.replace(
    SMALL, chrom_sizes={"chrS1": 200_000, "chrS2": 200_000}, n_genes=8, n_elements=70, biosamples=("SimA", "SimC")
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return simulate(tmp_path_factory.mktemp("simulated") / "small", seed=3, config=SMALL)


@pytest.fixture(scope="module")
def links(study: Study) -> pd.DataFrame:
    table = pd.read_parquet(study.folder / "truth_links.parquet")
    roles = pd.read_parquet(study.folder / "truth_elements.parquet")
    return table.merge(roles, on=["element_id", "biosample"], suffixes=("", "_of_element"))


def domain_of(study: Study, chrom: pd.Series, position: pd.Series) -> np.ndarray:
    """Number of the domain that holds each position, by a plain search in the interval table."""
    domains = study.intervals("domains")
    return np.array(
        [
            domains.index[(domains["chrom"] == c) & (domains["start"] <= p) & (p < domains["end"])][0]
            for c, p in zip(chrom, position, strict=True)
        ]
    )


def with_places(study: Study, links: pd.DataFrame) -> pd.DataFrame:
    elements = study.elements.assign(center=(study.elements["start"] + study.elements["end"]) // 2)
    elements["element_domain"] = domain_of(study, elements["chrom"], elements["center"])
    genes = study.genes.assign(gene_domain=domain_of(study, study.genes["chrom"], study.genes["tss"]))
    links = links.merge(elements[["element_id", "center", "element_domain", "element_class"]], on="element_id")
    return links.merge(genes[["gene_id", "tss", "strand", "gene_domain"]], on="gene_id")


def test_every_table_keeps_its_contract(study: Study) -> None:
    again = Study.open(study.folder)
    assert again.info.is_simulated
    assert "simulated" in again.info.title
    assert again.info.assembly_name == "sim1"
    assert dict(again.info.chrom_sizes) == SIZES
    assert len(again.genes) == len(again.gene_bodies) == 24
    assert len(again.elements) == 220
    assert len(again.element_signal) == 220 * 3
    assert len(again.promoter_signal) == 24 * 3
    assert len(again.expression) == 24 * 3 * 2
    assert set(again.expression["measure"]) == set(again.info.measures) == {"rna", "tpm"}
    assert set(again.crispr["biosample"]) <= set(again.info.biosamples)
    assert len(again.exons) > 24
    for entry in again.info.intervals:
        assert len(again.intervals(entry.id)), entry.id
    for track in again.info.tracks:
        assert track.path is None or (again.folder / track.path).is_file()
        assert "simulated" in track.title
    check_table(pd.read_parquet(again.folder / "truth_links.parquet"), TRUE_LINKS)
    assert again.info.provenance["held_out_biosamples"] == ["SimC"]
    assert again.genes[list(HALF_LIFE_FEATURES)].notna().all(axis=None)
    assert again.gene("sim7")["gene_id"] == "SIMG00007"


def test_expression_measures_agree(study: Study) -> None:
    wide = study.expression.pivot(index=["gene_id", "biosample"], columns="measure", values="value")
    np.testing.assert_allclose(np.log2(wide["tpm"] + 1), wide["rna"], atol=1e-4)


def test_genes_begin_at_their_transcription_start(study: Study) -> None:
    genes, exons = study.genes, study.exons
    first = np.where(genes["strand"] == "+", genes["start"], genes["end"] - 1)
    np.testing.assert_array_equal(first, genes["tss"])
    ends = exons.groupby("gene_id").agg(start=("start", "min"), end=("end", "max")).loc[genes["gene_id"]]
    np.testing.assert_array_equal(ends[["start", "end"]], genes[["start", "end"]])
    same = exons.sort_values(["gene_id", "start"]).groupby("gene_id")
    gaps = exons.sort_values(["gene_id", "start"])["start"] - same["end"].shift()
    assert (gaps.dropna() > 0).all()


def test_classes_follow_the_nearest_start(study: Study) -> None:
    for element in study.elements.itertuples():
        tss = study.genes.loc[study.genes["chrom"] == element.chrom, "tss"]
        nearest = (tss - (element.start + element.end) // 2).abs().min()
        wanted = "promoter" if nearest <= 1_000 else "proximal" if nearest <= 10_000 else "distal"
        assert element.element_class == wanted


def test_folds_test_each_chromosome_once(study: Study) -> None:
    table = study.genes.merge(study.folds, on="gene_id")
    for fold, tested, trained in (("fold_1", "chrS2", "chrS1"), ("fold_2", "chrS1", "chrS2")):
        assert set(table.loc[table["chrom"] == tested, fold]) == {"test"}
        own = table[table["chrom"] == trained]
        wanted = np.where(own["tss"] >= 0.8 * SIZES[trained], "valid", "train")
        np.testing.assert_array_equal(own[fold], wanted)
        assert (own[fold] == "valid").any()


def test_motifs_stand_in_the_sequence_on_both_strands(study: Study) -> None:
    motifs = study.intervals("motifs")
    complement = {"A": "T", "C": "G", "G": "C", "T": "A"}
    with pysam.FastaFile(str(study.folder / study.info.sequence)) as fasta:
        assert dict(zip(fasta.references, fasta.lengths, strict=True)) == SIZES
        for site in motifs.itertuples():
            bases = fasta.fetch(site.chrom, site.start, site.end)
            if site.strand == "-":
                bases = "".join(complement[base] for base in reversed(bases))
            assert bases == site.sequence
        assert set(fasta.fetch("chrS1", 0, SMALL.gap_bp)) == {"N"}
        assert "N" not in fasta.fetch("chrS1", SMALL.gap_bp, SIZES["chrS1"])
    assert set(motifs["strand"]) == {"+", "-"}
    own = study.elements.set_index(["chrom"])
    for site in motifs.head(50).itertuples():
        here = own.loc[[site.chrom]]
        assert ((here["start"] <= site.start) & (site.end <= here["end"])).sum() == 1


def test_planted_motifs_match_the_motif_file(study: Study) -> None:
    """Instances of a factor carry its most likely base nearly everywhere."""
    blocks = (study.folder / "motifs.meme").read_text().split("MOTIF ")[1:]
    motifs = study.intervals("motifs")
    assert set(motifs["name"]) <= {block.split()[0] for block in blocks}
    for block in blocks:
        lines = block.splitlines()
        rows = np.array([line.split() for line in lines[2:] if line], dtype=float)
        np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-4)
        best = "".join("ACGT"[i] for i in rows.argmax(axis=1))
        found = motifs.loc[motifs["name"] == lines[0].strip(), "sequence"]
        agree = [np.mean([a == b for a, b in zip(best, text, strict=True)]) for text in found]
        assert not agree or np.mean(agree) > 0.8


def test_domains_end_in_convergent_ctcf_sites(study: Study) -> None:
    domains, motifs, loops = study.intervals("domains"), study.intervals("ctcf_motifs"), study.intervals("loops")
    assert set(motifs["name"]) == {"CTCF"}
    assert len(loops) == len(domains) > 4
    for domain, loop in zip(domains.itertuples(), loops.itertuples(), strict=True):
        here = motifs[motifs["chrom"] == domain.chrom]
        left = here[(here["start"] >= domain.start) & (here["start"] < domain.start + 3_000)]
        right = here[(here["end"] <= domain.end) & (here["end"] > domain.end - 3_000)]
        assert "+" in set(left["strand"])
        assert "-" in set(right["strand"])
        assert loop.chrom == loop.chrom2 == domain.chrom
        assert ((left["start"] >= loop.start) & (left["end"] <= loop.end)).any()
        assert ((right["start"] >= loop.start2) & (right["end"] <= loop.end2)).any()


def test_domains_tile_each_chromosome(study: Study) -> None:
    for chrom, domains in study.intervals("domains").groupby("chrom"):
        assert domains["start"].iloc[0] == SMALL.gap_bp
        assert domains["end"].iloc[-1] == SIZES[chrom]
        np.testing.assert_array_equal(domains["start"].iloc[1:], domains["end"].iloc[:-1])


def test_no_effect_across_a_boundary(study: Study, links: pd.DataFrame) -> None:
    placed = with_places(study, links)
    across = placed["element_domain"] != placed["gene_domain"]
    assert across.sum() > 100
    assert (placed.loc[across, "true_effect_fraction"].abs() < 1e-9).all()
    assert (placed.loc[across, "contact"] == 0).all()
    assert (placed.loc[~across, "contact"] > 0).all()


def test_contact_is_the_stated_power_law(study: Study, links: pd.DataFrame) -> None:
    placed = with_places(study, links)
    inside = placed[placed["element_domain"] == placed["gene_domain"]]
    distance = (inside["center"] - inside["tss"]).abs()
    wanted = [(max(d, 5_000) / 5_000) ** -0.9 for d in distance]
    np.testing.assert_allclose(inside["contact"], wanted, atol=1e-5)
    sign = np.where(inside["strand"] == "+", 1, -1)
    np.testing.assert_array_equal(inside["tss_distance_bp"], sign * (inside["center"] - inside["tss"]))


def test_silencers_raise_and_enhancers_lower(links: pd.DataFrame) -> None:
    heard = links[links["contact"] > 0]
    silencers, enhancers = heard[heard["role"] == "silencer"], heard[heard["role"] == "enhancer"]
    assert (silencers["true_effect_fraction"] >= 0).all()
    assert (silencers["true_effect_fraction"] > 0.02).any()
    assert (enhancers["true_effect_fraction"] <= 0).all()
    assert (enhancers["true_effect_fraction"] < -0.1).any()
    assert (links["true_effect_fraction"] >= -1).all()


def test_elements_that_nothing_binds_do_nothing(links: pd.DataFrame) -> None:
    bound = links["activation"] + links["repression"]
    assert (bound == 0).sum() > 100
    assert (links.loc[bound == 0, "true_effect_fraction"].abs() < 1e-9).all()
    assert (links.loc[bound < 0.02, "true_effect_fraction"].abs() < 0.05).all()


def test_screen_measures_the_truth_with_noise(study: Study, links: pd.DataFrame) -> None:
    screen = study.crispr
    positive = screen[screen["is_positive"]]
    assert len(positive) > 5
    assert (positive["effect_fraction"] < 0).all()
    assert (positive["p_adjusted"] < 0.05).all()
    assert (screen["is_significant"] == (screen["p_adjusted"] < 0.05)).all()
    assert screen["power_at_25"].between(0, 1).all()
    assert set(screen["reference"]) == {"simulated CRISPRi screen"}
    assert screen.groupby("biosample")["gene_id"].nunique().max() <= SMALL.n_screened_genes
    joined = screen.merge(study.elements, on=["chrom", "start", "end"], how="left")
    assert joined["element_id"].notna().all()
    assert not (joined["element_class"] == "promoter").any()
    joined = joined.merge(links, on=["element_id", "gene_id", "biosample"], suffixes=("", "_true"))
    assert len(joined) == len(screen)
    np.testing.assert_array_equal(joined["tss_distance_bp"], joined["tss_distance_bp_true"])
    error = joined["effect_fraction"] - joined["true_effect_fraction"]
    assert abs(error.mean()) < 0.03
    assert 0.01 < error.std() < 0.15


def test_counts_are_the_reads_of_the_signal(study: Study) -> None:
    """A bin of 25 bp holds its reads at each base, so the sum over a place is 25 times its reads."""
    elements = study.element_signal.merge(study.elements, on="element_id")
    starts = study.promoter_signal.merge(study.genes, on="gene_id")
    starts = starts.assign(start=starts["tss"] - 500, end=starts["tss"] + 500)
    for assay in ("dnase", "h3k27ac", "ctcf"):
        with pyBigWig.open(str(study.folder / f"signals/SimB.{assay}.bw")) as bigwig:
            assert bigwig.chroms() == SIZES
            for place in pd.concat([elements, starts]).query("biosample == 'SimB'").itertuples():
                values = np.array(bigwig.values(place.chrom, place.start, place.end))
                reads = getattr(place, assay)
                if np.isnan(reads):
                    assert np.isnan(values).any()
                else:
                    assert values.sum() == pytest.approx(25 * reads)


def test_stretches_without_reads_are_gaps(study: Study) -> None:
    with pyBigWig.open(str(study.folder / "signals/SimA.dnase.bw")) as bigwig:
        for chrom, size in SIZES.items():
            missing = np.isnan(bigwig.values(chrom, 0, size, numpy=True))
            assert missing[: SMALL.gap_bp].all()
            assert missing.sum() == SMALL.gap_bp + SMALL.unmappable_bp


def test_open_elements_have_reads(study: Study) -> None:
    roles = pd.read_parquet(study.folder / "truth_elements.parquet")
    table = study.element_signal.merge(roles, on=["element_id", "biosample"]).dropna()
    active = table["activation"] > 1
    silent = (table["activation"] < 0.01) & (table["repression"] < 0.01) & (table["insulator"] < 0.01)
    assert table.loc[active, "h3k27ac"].median() > 10 * table.loc[silent, "h3k27ac"].median()
    silencer = (table["repression"] > 1) & (table["activation"] < 0.01)
    assert table.loc[silencer, "dnase"].median() > 50
    assert table.loc[silencer, "h3k27ac"].median() < 20
    assert table.loc[table["insulator"] > 0.1, "ctcf"].median() > 10


def test_rna_reads_follow_expression(study: Study) -> None:
    tpm = study.expression.query("biosample == 'SimA' and measure == 'tpm'").set_index("gene_id")["value"]
    exons = study.exons[study.exons["gene_id"] == tpm.idxmax()]
    with pyBigWig.open(str(study.folder / "signals/SimA.rna.bw")) as bigwig:
        means = [np.nanmean(bigwig.values(e.chrom, e.start, e.end, numpy=True)) for e in exons.itertuples()]
    assert np.mean(means) == pytest.approx(0.15 * tpm.max(), rel=0.5)


def test_hic_decays_and_stops_at_boundaries(study: Study) -> None:
    clr = cooler.Cooler(str(study.folder / "contacts/SimA.cool"))
    assert clr.binsize == SMALL.contact_bin_bp == study.info.contacts[0].resolution_bp
    assert dict(clr.chromsizes) == SIZES
    raw = clr.matrix(balance=False).fetch("chrS1").astype(float)
    center = np.arange(len(raw)) * 10_000 + 5_000
    seen = np.flatnonzero(raw.sum(axis=0) > 0)
    raw, center = raw[np.ix_(seen, seen)], center[seen]
    domain = domain_of(study, pd.Series(["chrS1"] * len(center)), pd.Series(center))
    distance = np.abs(center[:, None] - center[None, :])
    same = domain[:, None] == domain[None, :]
    inside = [raw[same & (distance == d)].mean() for d in (10_000, 30_000, 60_000)]
    assert inside[0] > 1.5 * inside[1] > 1.5 * 1.2 * inside[2]
    across = raw[~same & (distance == 30_000)].mean()
    assert across < 0.6 * inside[1]


def test_balanced_hic_gives_every_visible_bin_the_same_sum(study: Study) -> None:
    clr = cooler.Cooler(str(study.folder / "contacts/SimB.cool"))
    balanced = clr.matrix(balance=True)[:]
    n = len(balanced)
    assert n == sum(SIZES.values()) // SMALL.contact_bin_bp
    balanced[np.abs(np.arange(n)[:, None] - np.arange(n)[None, :]) < 2] = 0
    is_masked = np.isnan(clr.bins()[:]["weight"].to_numpy())
    assert is_masked[0]  # the gap at the start of chrS1
    assert is_masked.mean() < 0.2
    np.testing.assert_allclose(np.nansum(balanced, axis=0)[~is_masked], 1.0, atol=1e-4)


def test_hichip_loops_join_acetylated_elements(study: Study) -> None:
    """Read back: anchors are elements with reads, 5 to 400 kb apart, that carry far more of the mark than others."""
    for name in study.info.biosamples:
        loops = study.intervals(f"{name}.hichip_loops")
        signal = study.element_signal.query("biosample == @name").merge(study.elements, on="element_id")
        reads = signal.set_index(["chrom", "start", "end"])["h3k27ac"]
        assert (loops["chrom"] == loops["chrom2"]).all()
        assert (loops["start2"] - loops["start"]).between(5_000, 400_000).all()
        assert not loops.duplicated(["chrom", "start", "start2"]).any()
        assert (loops["contacts"] > 2 * loops["expected"]).all()
        left = reads.loc[pd.MultiIndex.from_frame(loops[["chrom", "start", "end"]])]
        right = reads.loc[pd.MultiIndex.from_frame(loops[["chrom2", "start2", "end2"]])]
        assert left.notna().all()
        assert right.notna().all()
        assert min(left.median(), right.median()) > 10 * reads.median()
        entry = next(entry for entry in study.info.intervals if entry.id == f"{name}.hichip_loops")
        assert (entry.kind, entry.assay, entry.biosample, entry.source) == ("loops", "hichip", name, "simulated")


def test_hichip_contacts_have_the_stated_mean() -> None:
    """Pair by pair: 80 x power law x 0.35 a border (at least 0.06) x the acetylated share of both ends."""
    world = make_world(SMALL, seed=3)
    draw = np.random.default_rng(8)
    pairs = hichip.draw_contacts(draw, SMALL, world.landscape, world.regulation, biosample=1)
    start, domain = (world.landscape.elements[name].tolist() for name in ("start", "domain"))
    share = [0.05 + 0.95 * bound / (1 + bound) for bound in world.regulation.activation[:, 1]]
    mean = []
    for i, j in zip(pairs["first"], pairs["second"], strict=True):
        across = max(0.35 ** (domain[j] - domain[i]), 0.06)
        mean.append(80 * ((start[j] - start[i]) / 5_000) ** -0.9 * across * share[i] * share[j])
    wanted, contacts = np.array(mean), pairs["contacts"].to_numpy()
    assert abs(contacts.sum() - wanted.sum()) < 4 * np.sqrt(wanted.sum())
    often = wanted > 0.5  # where contacts are rarer than that, their variance is too noisy to tell
    surprise = (contacts - wanted)[often] / np.sqrt(wanted[often])
    assert abs(surprise.mean()) < 4 / np.sqrt(often.sum())
    assert abs(surprise.var() - 1) < 4 * np.sqrt(4 / often.sum())  # of a Poisson of mean 0.5: 2 + 1 / mean


def test_loops_stand_out_from_pairs_of_like_distance() -> None:
    """One contact everywhere but in two pairs, in classes of two hundred: expected is each class's own mean."""
    near = np.r_[np.ones(199), 21.0]
    far = np.r_[np.zeros(199), 4.0]
    pairs = pd.DataFrame({"contacts": np.tile(np.r_[near, far], 25).astype(int)})
    pairs["distance_bp"] = 5_000 + 10 * np.arange(len(pairs))
    loops = hichip.call_loops(pairs)
    np.testing.assert_array_equal(loops.index, np.arange(199, len(pairs), 200))
    np.testing.assert_allclose(loops["expected"], np.tile([1.1, 0.02], 25))
    assert hichip.call_loops(pairs.assign(contacts=3)).empty
    assert hichip.call_loops(pairs.head(0)).empty


def test_hichip_has_its_own_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = make_world(TINY, seed=5)
    monkeypatch.setattr(hichip, "_READS", 800.0)
    deeper = make_world(TINY, seed=5)
    assert len(deeper.loops["SimA"]) > len(usual.loops["SimA"])
    assert deeper.sequence == usual.sequence
    for name in ("element_signal", "promoter_signal", "crispr", "links", "sites"):
        pd.testing.assert_frame_equal(getattr(deeper, name), getattr(usual, name))
    for biosample, hic in usual.hic.items():
        pd.testing.assert_frame_equal(deeper.hic[biosample].pixels, hic.pixels)
    np.testing.assert_array_equal(deeper.log2tpm, usual.log2tpm)


@pytest.mark.slow
def test_the_demo_can_be_learnt_from_counts() -> None:
    """Ridge on log counts around the start, learnt on one chromosome, foretells the other: r > 0.7."""
    world = make_world(SimulationConfig(), seed=1)
    genes, elements = world.landscape.genes, world.landscape.elements
    center = ((elements["start"] + elements["end"]) // 2).to_numpy()
    distance = np.abs(center[None, :] - genes["tss"].to_numpy()[:, None]).astype(float)
    distance[genes["chrom"].to_numpy()[:, None] != elements["chrom"].to_numpy()[None, :]] = np.inf
    edges = [0, 1_000, 5_000, 20_000, 80_000, 300_000]
    for tested in ("chrS1", "chrS2"):
        is_test = (genes["chrom"] == tested).to_numpy()
        inputs = {}
        for name, table in world.element_signal.fillna(0).groupby("biosample"):
            counts = table.set_index("element_id").loc[elements["element_id"]]
            columns = [np.ones(len(genes))]
            for low, high in itertools.pairwise(edges):
                near = (distance >= low) & (distance < high)
                columns += [np.log1p(near @ counts[assay].to_numpy()) for assay in ("dnase", "h3k27ac")]
            inputs[name] = np.stack(columns, axis=1)
        x = np.concatenate([inputs[name][~is_test] for name in ("SimA", "SimB")])
        y = world.log2tpm[~is_test, :2].T.ravel()
        weights = np.linalg.solve(x.T @ x + 5.0 * np.eye(x.shape[1]), x.T @ y)
        for s, name in enumerate(("SimA", "SimB", "SimC")):
            r = np.corrcoef(inputs[name][is_test] @ weights, world.log2tpm[is_test, s])[0, 1]
            assert r > 0.7, (tested, name, r)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in ("**/*.parquet", "*.meme", "*.fa.gz")
        for path in folder.glob(pattern)
    }


@pytest.mark.slow
def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, second, other = (
        digest(simulate(tmp_path / name, seed=seed, config=TINY).folder)
        for name, seed in (("one", 5), ("two", 5), ("three", 6))
    )
    assert len(first) > 15
    assert first == second
    assert first["elements.parquet"] != other["elements.parquet"]
    assert first["sequence.fa.gz"] != other["sequence.fa.gz"]


def test_examples_are_genes_with_reasons(study: Study) -> None:
    examples = study.info.example_loci
    assert len(examples) >= 2
    for example in examples:
        gene = study.gene(example.gene_name)
        chrom, span = example.locus.replace(",", "").split(":")
        first, last = map(int, span.split("-"))
        assert chrom == gene["chrom"]
        assert first <= gene["tss"] + 1 <= last
        assert example.note.startswith("Simulated: ")


def test_it_is_small(study: Study) -> None:
    """20 MB is the limit of the demo's 6 Mb; this one has a sixth of that."""
    size = sum(path.stat().st_size for path in study.folder.rglob("*") if path.is_file())
    assert size < 20e6 / 6
    assert not list(study.folder.rglob("*.partial"))


def test_it_reports_progress(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    simulate(tmp_path / "study", config=TINY, progress=lambda step, done, total: seen.append((step, done, total)))
    assert seen[0] == ("world", 0, 6)
    assert seen[-1] == ("done", 6, 6)
    assert [done for _, done, _ in seen] == list(range(7))


def test_it_replaces_only_simulated_studies(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="is not empty and holds no study; wanted a new folder"):
        simulate(home, config=TINY)
    assert (home / "thesis.txt").read_text() == "mine"
    real = tmp_path / "real"
    real.mkdir()
    write_info(real, StudyInfo("real", "Real", False, "hg38", {"chr1": 10}, ("K562",)))
    with pytest.raises(BadInput, match="holds study real of real data; wanted a new folder or a simulated study"):
        simulate(real, config=TINY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chrom_sizes": {"chrS1": 200_001}}, "chrS1 has 200,001 bp; wanted a multiple of 10,000"),
        ({"element_bp": 510}, "element_bp is 510; wanted a multiple of 50 bp"),
        ({"domain_bp": (900_000, 950_000)}, "do not fit chromosomes of"),
        ({"held_out_biosamples": ("SimX",)}, "held-out biosample SimX is not among SimA, SimB, SimC"),
    ],
)
def test_odd_configs_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message.replace("(", r"\(")):
        dataclasses.replace(SMALL, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_genes": 200}, "no room left for another gene"),
        ({"n_elements": 1_000}, "no room left for another element"),
        ({"n_elements": 9}, "9 elements cannot hold"),
    ],
)
def test_a_crowded_genome_is_refused(tmp_path: Path, changes: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        simulate(tmp_path / "study", config=dataclasses.replace(TINY, **changes))
    assert not list(tmp_path.iterdir())
