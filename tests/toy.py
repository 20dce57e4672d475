"""A study small enough to know by heart: two chromosomes, six elements, four genes, one biosample."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cre_core import schema
from cre_core.data.study import ExampleLocus, Study, StudyInfo, Track, write_info, write_table
from cre_core.genome import Assembly

TOY = Assembly("toy1", {"chrA": 1_000_000, "chrB": 500_000})
COUNTS = ("dnase", "h3k27ac")


def make_toy_study(folder: Path) -> Study:
    """Write the toy study and open it."""
    elements = pd.DataFrame(
        [
            ("e1", "chrA", 99_750, 100_250, "promoter"),  # over geneA's TSS at 100,000
            ("e2", "chrA", 109_750, 110_250, "distal"),
            ("e3", "chrA", 199_500, 200_500, "distal"),
            ("e4", "chrA", 299_750, 300_250, "promoter"),  # over geneM's TSS at 300,000
            ("e5", "chrB", 49_750, 50_250, "distal"),
            ("e6", "chrB", 399_750, 400_250, "distal"),
        ],
        columns=["element_id", "chrom", "start", "end", "element_class"],
    )
    genes = pd.DataFrame(
        [
            ("G1", "geneA", "chrA", 100_000, 105_000, "+", 100_000),
            ("G2", "geneM", "chrA", 290_000, 300_001, "-", 300_000),
            ("G3", "geneB", "chrB", 60_000, 70_000, "+", 60_000),
            ("G4", "geneZ", "chrB", 480_000, 490_000, "+", 480_000),
        ],
        columns=["gene_id", "gene_name", "chrom", "start", "end", "strand", "tss"],
    )
    for feature in schema.HALF_LIFE_FEATURES:
        genes[feature] = [0.1, 0.2, 0.3, 0.4]
    reads = {"e1": (900, 400), "e2": (100, 50), "e3": (400, 100), "e4": (800, 300), "e5": (10, 5), "e6": (0, 0)}
    signal = pd.DataFrame(
        [(e, "ToyCell", *n) for e, n in reads.items()], columns=["element_id", "biosample", *COUNTS]
    )
    promoters = pd.DataFrame(
        [("G1", "ToyCell", 900, 400), ("G2", "ToyCell", 800, 300), ("G3", "ToyCell", 5, 1), ("G4", "ToyCell", 0, 0)],
        columns=["gene_id", "biosample", *COUNTS],
    )
    expression = pd.DataFrame(
        [(g, "ToyCell", "rna", v) for g, v in (("G1", 2.0), ("G2", 1.5), ("G3", 0.5), ("G4", 0.0))],
        columns=["gene_id", "biosample", "measure", "value"],
    )
    folds = pd.DataFrame(
        {
            "gene_id": ["G1", "G2", "G3", "G4"],
            "fold_1": ["test", "test", "train", "valid"],
            "fold_2": ["train", "valid", "test", "test"],
        }
    )
    crispr = pd.DataFrame(
        [
            ("chrA", 109_800, 110_200, "G1", "geneA", 100_000, 10_000, -0.4, 0.001, 0.95, True, True),
            ("chrA", 199_600, 200_400, "G1", "geneA", 100_000, 100_000, 0.02, 0.8, 0.9, False, False),
            ("chrA", 150_000, 150_500, "G1", "geneA", 100_000, 50_250, 0.3, 0.01, 0.9, True, False),
        ],
        columns=[
            "chrom", "start", "end", "gene_id", "gene_name", "tss", "tss_distance_bp", "effect_fraction",
            "p_adjusted", "power_at_25", "is_significant", "is_positive",
        ],
    ).assign(biosample="ToyCell", reference="by hand")  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, table, spec in (
        ("elements", elements, schema.ELEMENTS),
        ("genes", genes, schema.GENES),
        ("gene_bodies", genes[["chrom", "start", "end", "gene_name", "strand"]], schema.INTERVALS),
        ("exons", genes[["chrom", "start", "end"]], schema.INTERVALS),
        ("element_signal", signal, schema.ELEMENT_SIGNAL),
        ("promoter_signal", promoters, schema.PROMOTER_SIGNAL),
        ("expression", expression, schema.EXPRESSION),
        ("folds", folds, schema.FOLDS),
        ("crispr", crispr, schema.CRISPR),
    ):
        write_table(table, folder / f"{name}.parquet", spec, TOY if spec.is_interval else None)
    write_info(
        folder,
        StudyInfo(
            name="toy",
            title="a toy, simulated",
            is_simulated=True,
            assembly_name=TOY.name,
            chrom_sizes=TOY.chrom_sizes,
            biosamples=("ToyCell",),
            tracks=tuple(
                Track(a, t, a, "ToyCell", "element_counts", "reads per element")
                for a, t in (("dnase", "DNase"), ("h3k27ac", "H3K27ac"))
            ),
            example_loci=(ExampleLocus("geneA", "chrA:50,001-350,000", "two tested elements"),),
            measures={"rna": "log2(TPM + 1)"},
            tss_source="by hand",
        ),
    )
    return Study.open(folder)
