"""The study folder of a simulated world."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from cre_core import schema
from cre_core.data.simulate import truth
from cre_core.data.simulate.assays import ASSAYS
from cre_core.data.simulate.config import DEFAULT, GRID_BP, SimulationConfig
from cre_core.data.simulate.examples import example_loci
from cre_core.data.simulate.factors import CTCF, meme_text
from cre_core.data.simulate.screen import TRUE_LINKS
from cre_core.data.simulate.world import World, make_world
from cre_core.data.study import (
    MADE,
    TRAINED,
    ContactMap,
    IntervalSet,
    Study,
    StudyInfo,
    Track,
    check_replaceable,
    write_info,
    write_table,
)
from cre_core.io.bigwig import write_bigwig
from cre_core.io.contacts import write_cool
from cre_core.io.files import written_whole
from cre_core.io.folders import carry_over, folder_written_whole
from cre_core.progress import Report, unheard

_SOURCE = "simulated"
_TITLES = {"dnase": "DNase", "h3k27ac": "H3K27ac", "ctcf": "CTCF", "rna": "RNA"}
_LINE = 60  # bases on a FASTA line
_TRUE_GENES = schema.TableSpec(
    "true genes", {"gene_id": "text", "domain": "integer", "is_housekeeping": "flag"}, ("gene_id",), False
)
_TRUE_ELEMENTS = schema.TableSpec(
    "true elements",
    {
        "element_id": "text",
        "role": "text",
        "domain": "integer",
        "biosample": "text",
        "activation": "number",
        "repression": "number",
        "insulator": "number",
    },
    ("element_id", "biosample"),
    False,
)
_TRUE_FACTORS = schema.TableSpec(
    "true factors",
    {"factor": "text", "kind": "text", "biosample": "text", "level": "number"},
    ("factor", "biosample"),
    False,
)

_BOUND = 0.5  # a^2 / (a + 1) of one full site whose factor is at level 1
_INSULATING = ("anchor", "ctcf")


def element_labels(true_elements: pd.DataFrame) -> pd.DataFrame:
    """schema.ELEMENT_LABELS: what each element is in each biosample.

    Promoters and CTCF sites are what they were placed as. Of the others, what is bound there says it: repressors a
    silencer, activators an enhancer, and neither background. So an enhancer that no factor of the biosample binds is
    background there.

    Args:
      true_elements: as in truth_elements.parquet.
    """
    role = true_elements["role"]
    chosen = [
        role.eq("promoter"),
        role.isin(_INSULATING),
        true_elements["repression"].ge(_BOUND),
        true_elements["activation"].ge(_BOUND),
    ]
    names = ["promoter", "insulator", "silencer", "enhancer"]
    labels = np.select(chosen, names, default="background")
    return true_elements[["element_id", "biosample"]].assign(label=labels)


def simulate(
    folder: Path, *, seed: int = 1, config: SimulationConfig = DEFAULT, progress: Report | None = None
) -> Study:
    """Write a study of a simulated genome whose regulation is known exactly.

    Args:
      folder: the study folder; a simulated study already there is replaced, with the models trained on it.
      seed: the same seed and config give the same tables, byte for byte.
      config: how much of everything.
      progress: called with step, done, total.

    Returns:
      The opened study. Beside the usual tables it holds truth_links.parquet (TRUE_LINKS), truth_elements.parquet,
      truth_genes.parquet, truth_factors.parquet and motifs.meme.

    Raises:
      BadInput: `folder` holds something other than a simulated study, or the config has no room for its content.
    """
    folder = Path(folder)
    report = progress or unheard
    steps = ("world", "tables", "sequence", "signals", "contacts", "description")
    with folder_written_whole(folder) as partial:
        check_replaceable(folder, is_simulated=True)
        report(steps[0], 0, len(steps))
        world = make_world(config, seed=seed)
        for i, write in enumerate((_write_tables, _write_sequence, _write_signals, _write_contacts), start=1):
            report(steps[i], i, len(steps))
            write(world, partial)
        intervals = _write_intervals(world, partial)
        report(steps[5], 5, len(steps))
        write_info(partial, _info(world, intervals, name=folder.name, seed=seed))
        carry_over(folder, partial, made=MADE + TRAINED)
    report("done", len(steps), len(steps))
    return Study.open(folder)


def _write_tables(world: World, folder: Path) -> None:
    config, land = world.config, world.landscape
    elements = land.elements[["element_id", "chrom", "start", "end", "element_class"]]
    genes = truth.gene_table(land, world.regulation)
    true_elements = truth.true_elements(config, land, world.regulation)
    bodies = genes[["chrom", "start", "end", "gene_id", "gene_name", "strand"]]
    tables = {
        "genes": (genes, schema.GENES),
        "gene_bodies": (bodies, schema.INTERVALS),
        "exons": (land.exons, schema.INTERVALS),
        "elements": (elements, schema.ELEMENTS),
        "element_signal": (world.element_signal, schema.ELEMENT_SIGNAL),
        "promoter_signal": (world.promoter_signal, schema.PROMOTER_SIGNAL),
        "expression": (truth.expression_table(config, land, world.log2tpm), schema.EXPRESSION),
        "folds": (truth.fold_table(config, land), schema.FOLDS),
        "crispr": (world.crispr, schema.CRISPR),
        "truth_links": (world.links, TRUE_LINKS),
        "truth_genes": (truth.true_genes(land), _TRUE_GENES),
        "truth_elements": (true_elements, _TRUE_ELEMENTS),
        "element_labels": (element_labels(true_elements), schema.ELEMENT_LABELS),
        "truth_factors": (truth.true_factors(config, world.factors), _TRUE_FACTORS),
    }
    for name, (table, spec) in tables.items():
        write_table(table, folder / f"{name}.parquet", spec, config.assembly)
    with written_whole(folder / "motifs.meme") as partial:
        partial.write_text(meme_text(world.factors))


def _write_sequence(world: World, folder: Path) -> None:
    """sequence.fa.gz in blocks (bgzip), with both indexes that random access needs."""
    plain = folder / "sequence.fa"
    with plain.open("w") as file:
        for chrom, bases in world.sequence.items():
            file.write(f">{chrom}\n")
            file.writelines(f"{bases[i : i + _LINE]}\n" for i in range(0, len(bases), _LINE))
    pysam.tabix_compress(str(plain), str(folder / "sequence.fa.gz"), force=True)
    pysam.faidx(str(folder / "sequence.fa.gz"))
    plain.unlink()


def _signal_path(biosample: str, assay: str) -> str:
    return f"signals/{biosample}.{assay}.bw"


def _write_signals(world: World, folder: Path) -> None:
    for (biosample, assay), bins in world.signals.items():
        values = {chrom: np.repeat(counts, GRID_BP) for chrom, counts in bins.items()}
        write_bigwig(folder / _signal_path(biosample, assay), world.config.chrom_sizes, values)


def _write_contacts(world: World, folder: Path) -> None:
    for biosample, hic in world.hic.items():
        path = folder / f"contacts/{biosample}.cool"
        write_cool(path, world.config.chrom_sizes, world.config.contact_bin_bp, hic.pixels, weight=hic.weight)


def _write_intervals(world: World, folder: Path) -> tuple[IntervalSet, ...]:
    land, config = world.landscape, world.config
    motifs = truth.motif_table(world.sites)
    domains = land.domains[["chrom", "start", "end"]]
    sets: list[tuple[IntervalSet, pd.DataFrame]] = []

    def add(set_id: str, title: str, kind: str, assay: str, biosample: str, table: pd.DataFrame) -> None:
        path = f"intervals/{set_id}.parquet"
        sets.append((IntervalSet(set_id, title, kind, assay, biosample, path, _SOURCE), table))  # type: ignore[arg-type]

    add("domains", "Domains", "domains", "hic", "all", domains)
    add("loops", "Loops between CTCF sites", "loops", "hic", "all", truth.loop_table(config, land))
    add("ctcf_motifs", "CTCF motif sites", "motif_sites", "ctcf", "all", motifs[motifs["name"] == CTCF])
    add("motifs", "Planted motif sites", "motif_sites", "motifs", "all", motifs)
    for s, name in enumerate(config.biosamples):
        peaks = truth.peak_table(land, world.element_signal, assay="ctcf", biosample=name)
        add(f"{name}.ctcf_peaks", f"CTCF peaks, {name}", "peaks", "ctcf", name, peaks)
        marked = truth.promoter_mark_table(land, world.regulation.tpm[:, s])
        add(f"{name}.h3k4me3_peaks", f"H3K4me3 peaks, {name}", "peaks", "h3k4me3", name, marked)
        title = f"H3K27ac loops (HiChIP, simulated), {name}"
        add(f"{name}.hichip_loops", title, "loops", "hichip", name, world.loops[name])
    for entry, table in sets:
        spec = schema.LOOPS if entry.kind == "loops" else schema.INTERVALS
        write_table(table, folder / entry.path, spec, config.assembly)
    return tuple(entry for entry, _ in sets)


def _tracks(config: SimulationConfig) -> tuple[Track, ...]:
    tracks = []
    for name in config.biosamples:
        for assay in (*ASSAYS, "rna"):
            title = f"{_TITLES[assay]}, {name} (simulated)"
            path = _signal_path(name, assay)
            unit = f"reads per {GRID_BP} bp"
            tracks.append(Track(f"{name}.{assay}", title, assay, name, "bigwig", unit, path, _SOURCE))
        for assay in ASSAYS:
            title = f"{_TITLES[assay]} in elements, {name} (simulated)"
            track_id = f"{name}.{assay}_counts"
            tracks.append(Track(track_id, title, assay, name, "element_counts", "reads per element", None, _SOURCE))
    return tuple(tracks)


def _info(world: World, intervals: tuple[IntervalSet, ...], *, name: str, seed: int) -> StudyInfo:
    config = world.config
    expression = truth.expression_table(config, world.landscape, world.log2tpm)
    examples = example_loci(config, world.landscape, crispr=world.crispr, links=world.links, expression=expression)
    maps = tuple(
        ContactMap(
            f"{biosample}.hic",
            f"Hi-C, {biosample} (simulated)",
            biosample,
            f"contacts/{biosample}.cool",
            config.contact_bin_bp,
            "weight",
            _SOURCE,
        )
        for biosample in config.biosamples
    )
    return StudyInfo(
        name=name,
        title="A small simulated genome with known regulation",
        is_simulated=True,
        assembly_name=config.assembly_name,
        chrom_sizes=dict(config.chrom_sizes),
        biosamples=config.biosamples,
        tracks=_tracks(config),
        intervals=intervals,
        contacts=maps,
        example_loci=examples,
        measures={"rna": "log2(TPM + 1), simulated", "tpm": "TPM, simulated"},
        sequence="sequence.fa.gz",
        motifs="motifs.meme",
        tss_source="simulated",
        provenance=_provenance(world, name, seed),
    )


def _provenance(world: World, name: str, seed: int) -> dict[str, object]:
    held_out = list(world.config.held_out_biosamples)
    notes = [
        "Every number here is simulated; no person, cell or sequence stands behind it.",
        f"{', '.join(held_out) or 'No biosample'} must never be trained on: the test of a new biosample.",
        "truth_links.parquet holds the exact effect of removing each element, without noise.",
        "Hi-C weights come from iterative correction without the first two diagonals.",
        "HiChIP loops join elements in more contact than distance alone lets expect; the others, domain borders.",
        "Reads are missing (no data) in one stretch of each chromosome and in the gap at its start.",
    ]
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python -m cre_core simulate --out {name} --seed {seed}",
        "seed": seed,
        "config": asdict(world.config),
        "held_out_biosamples": held_out,
        "sources": [],
        "counts": {
            "genes": len(world.landscape.genes),
            "elements": len(world.landscape.elements),
            "domains": len(world.landscape.domains),
            "planted motifs": len(world.sites),
            "CRISPRi pairs": len(world.crispr),
            "CRISPRi positives": int(world.crispr["is_positive"].sum()),
        },
        "notes": notes,
    }
