"""What the toy study can be given beside its tables: sequence, a contact map, more biosamples."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from toy import TOY, make_toy_study

from cre_core import schema
from cre_core.data.study import ContactMap, Study, write_info, write_table
from cre_core.io.contacts import write_cool
from cre_core.models import checkpoint
from cre_core.models.registry import build

BIN_BP = 50_000
# Of an EPInformer small enough for a test; e1 lies on geneA's TSS and is not looked at, e2 to e4 are.
TINY = {"sequence_bp": 400, "max_distance_bp": 250_000, "signal_unit": "reads", "n_layers": 2}


@lru_cache
def genome() -> dict[str, str]:
    """The toy chromosomes, base by base."""
    draw, bases = np.random.default_rng(0), np.frombuffer(b"ACGT", np.uint8)
    return {chrom: bases[draw.integers(0, 4, size)].tobytes().decode() for chrom, size in TOY.chrom_sizes.items()}


def with_sequence(study: Study) -> Study:
    """Give a study the genome."""
    records = [f">{chrom}\n{bases}\n" for chrom, bases in genome().items()]
    (study.folder / "sequence.fa").write_text("".join(records))
    write_info(study.folder, replace(study.info, sequence="sequence.fa"))
    return Study.open(study.folder)


def with_contacts(study: Study) -> Study:
    """Give a study a map whose pair of bins (i, j) has 10 i + j contacts, and bin 4 masked."""
    n = sum(-(-size // BIN_BP) for size in TOY.chrom_sizes.values())
    i, j = np.triu_indices(n)
    pixels = pd.DataFrame({"bin1_id": i, "bin2_id": j, "count": 10 * i + j})
    weight = np.ones(n)
    weight[4] = np.nan
    write_cool(study.folder / "toy.cool", TOY.chrom_sizes, BIN_BP, pixels, weight=weight)
    entries = [ContactMap(f"{b}.hic", "Hi-C", b, "toy.cool", BIN_BP, "weight") for b in study.info.biosamples]
    write_info(study.folder, replace(study.info, contacts=tuple(entries)))
    return Study.open(study.folder)


def with_biosamples(study: Study, factors: dict[str, float], *, held_out: str) -> Study:
    """Give a study more biosamples, whose counts are so many times ToyCell's."""
    for name, spec in (
        ("element_signal", schema.ELEMENT_SIGNAL),
        ("promoter_signal", schema.PROMOTER_SIGNAL),
        ("expression", schema.EXPRESSION),
    ):
        table = getattr(study, name)
        counts = [column for column in ("dnase", "h3k27ac") if column in table]
        more = [table.assign(biosample=b, **{c: table[c] * f for c in counts}) for b, f in factors.items()]
        write_table(pd.concat([table, *more]), study.folder / f"{name}.parquet", spec)
    info = replace(
        study.info,
        biosamples=("ToyCell", *factors),
        provenance={**study.info.provenance, "held_out_biosamples": [held_out]},
    )
    write_info(study.folder, info)
    return Study.open(study.folder)


def study_with_weights(folder: Path, config: dict[str, object]) -> Study:
    """A toy study with sequence and random weights of EPInformer for both folds."""
    study = with_sequence(make_toy_study(folder))
    for fold in ("fold_1", "fold_2"):
        torch.manual_seed(int(fold[-1]))
        model = build("epinformer", {**TINY, **config})
        info = checkpoint.describe(model, biosample="ToyCell", expression_unit="log2(TPM + 1)", fold=fold, seed=0)
        checkpoint.save(study.folder / f"models/epinformer/ToyCell/{fold}-seed_0.safetensors", model, info)
    return study
