"""Genes of a simulated study worth opening first, found by what the truth and the screen say about them."""

from __future__ import annotations

import pandas as pd

from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.landscape import Landscape
from cre_core.data.study import ExampleLocus
from cre_core.genome import Locus

_VIEW_BP = 400_000


def example_loci(
    config: SimulationConfig,
    landscape: Landscape,
    *,
    crispr: pd.DataFrame,
    links: pd.DataFrame,
    expression: pd.DataFrame,
) -> tuple[ExampleLocus, ...]:
    """Up to five genes, each with its reason. A reason that no gene fits is left out.

    Args:
      crispr: schema.CRISPR.
      links: TRUE_LINKS.
      expression: schema.EXPRESSION with measure rna.
    """
    trained = [name for name in config.biosamples if name not in config.held_out_biosamples] or config.biosamples
    pairs = crispr[crispr["biosample"] == trained[0]]
    found = (
        _skipping(pairs, links, landscape, trained[0]),
        _silenced(pairs, trained[0]),
        _specific(landscape, expression),
        _held_out(config, crispr),
        _none_found(pairs, trained[0]),
    )
    examples: dict[str, ExampleLocus] = {}
    for gene_name, note in filter(None, found):
        if gene_name not in examples:
            examples[gene_name] = ExampleLocus(gene_name, _view(config, landscape, gene_name), f"Simulated: {note}")
    return tuple(examples.values())


def _view(config: SimulationConfig, landscape: Landscape, gene_name: str) -> str:
    gene = landscape.genes.set_index("gene_name").loc[gene_name]
    tss = int(gene["tss"])
    return str(Locus(str(gene["chrom"]), tss, tss + 1).resized(_VIEW_BP, config.assembly))


def _skipping(
    pairs: pd.DataFrame, links: pd.DataFrame, landscape: Landscape, biosample: str
) -> tuple[str, str] | None:
    """A far element that lowers its gene and leaves the gene nearest to it almost alone."""
    genes = landscape.genes.set_index("gene_id")
    elements = landscape.elements[["element_id", "chrom", "start", "end"]]
    far = pairs[pairs["is_positive"] & (pairs["tss_distance_bp"].abs() > 10_000)]
    far = far.merge(elements, on=["chrom", "start", "end"]).sort_values("effect_fraction", kind="stable")
    here = links[links["biosample"] == biosample].sort_values("tss_distance_bp", key=abs, kind="stable")
    nearest = here.drop_duplicates("element_id").set_index("element_id")
    for pair in far.itertuples():
        other = nearest.loc[pair.element_id]
        if other["gene_id"] != pair.gene_id and abs(other["true_effect_fraction"]) < 0.03:
            skipped = genes.loc[other["gene_id"], "gene_name"]
            place = f"{abs(pair.tss_distance_bp) / 1000:.0f} kb away"
            note = f"in {biosample} an enhancer {place} acts on {pair.gene_name} and skips the nearer {skipped}"
            return str(pair.gene_name), note
    return None


def _silenced(pairs: pd.DataFrame, biosample: str) -> tuple[str, str] | None:
    up = pairs[pairs["is_significant"] & (pairs["effect_fraction"] > 0)]
    if up.empty:
        return None
    pair = up.loc[up["effect_fraction"].idxmax()]
    gain = f"{100 * pair['effect_fraction']:.0f} %"
    place = f"{abs(pair['tss_distance_bp']) / 1000:.0f} kb away"
    return str(pair["gene_name"]), f"switching off a silencer {place} raises expression by {gain} in {biosample}"


def _specific(landscape: Landscape, expression: pd.DataFrame) -> tuple[str, str] | None:
    rna = expression[expression["measure"] == "rna"].pivot(index="gene_id", columns="biosample", values="value")
    gene_id = str((rna.max(axis=1) - rna.min(axis=1)).idxmax())
    high, low = rna.loc[gene_id].idxmax(), rna.loc[gene_id].idxmin()
    values = f"{rna.loc[gene_id, high]:.1f} against {rna.loc[gene_id, low]:.1f} log2(TPM + 1)"
    name = landscape.genes.set_index("gene_id").loc[gene_id, "gene_name"]
    return str(name), f"high in {high}, low in {low}: {values}"


def _held_out(config: SimulationConfig, crispr: pd.DataFrame) -> tuple[str, str] | None:
    positive = crispr[crispr["is_positive"] & crispr["biosample"].isin(config.held_out_biosamples)]
    if positive.empty:
        return None
    counts = positive.groupby(["biosample", "gene_name"]).size()
    biosample, gene_name = counts.idxmax()
    return gene_name, f"{counts.max()} enhancers found in {biosample}, a biosample that no model was trained on"


def _none_found(pairs: pd.DataFrame, biosample: str) -> tuple[str, str] | None:
    own = pairs.groupby("gene_name").agg(
        n=("chrom", "size"), n_significant=("is_significant", "sum"), power=("power_at_25", "min")
    )
    none = own[(own["n_significant"] == 0) & (own["power"] > 0.8)]
    if none.empty:
        return None
    gene_name = str(none["n"].idxmax())
    return (
        gene_name,
        f"{none['n'].max()} elements tested in {biosample}, none with a significant effect, though the power is good",
    )
