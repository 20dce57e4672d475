"""A CRISPRi screen of the simulated genes: measured effects with noise, power and a call, beside the true effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.landscape import Landscape
from cre_core.data.simulate.regulation import Regulation
from cre_core.schema import TableSpec

TRUE_LINKS = TableSpec(
    "true links",
    {
        "element_id": "text",
        "gene_id": "text",
        "biosample": "text",
        "true_effect_fraction": "number",  # exact change of noiseless expression when the element is removed
        "contact": "number",  # 1 at the transcription start, 0 outside the gene's domain
        "activity": "number",  # activators bound minus repressors bound; below 0 for a silencer
        "tss_distance_bp": "number",  # element centre minus TSS, positive downstream in the gene's direction
    },
    key=("element_id", "gene_id", "biosample"),
    is_interval=False,
)
REFERENCE = "simulated CRISPRi screen"
_FALSE_DISCOVERY = 0.05
_LEAST_TPM = 3.0  # a screen reads the target's expression; below this it sees nothing
_LEAST_READS = 60  # only open elements are targeted


def true_links(config: SimulationConfig, landscape: Landscape, regulation: Regulation) -> pd.DataFrame:
    """TRUE_LINKS: every element within `screen_bp` of a gene on its chromosome, in every biosample."""
    genes, elements = landscape.genes, landscape.elements
    center = ((elements["start"] + elements["end"]) // 2).to_numpy()
    sign = np.where(genes["strand"] == "+", 1, -1)[:, None]
    distance = sign * (center[None, :] - genes["tss"].to_numpy()[:, None])
    same = genes["chrom"].to_numpy()[:, None] == elements["chrom"].to_numpy()[None, :]
    gene, element = np.nonzero(same & (np.abs(distance) <= config.screen_bp))
    effect = regulation.effect_fraction
    activity = regulation.activation - regulation.repression
    tables = []
    for s, biosample in enumerate(config.biosamples):
        columns = {
            "element_id": elements["element_id"].to_numpy()[element],
            "gene_id": genes["gene_id"].to_numpy()[gene],
            "biosample": biosample,
            "true_effect_fraction": np.round(effect[gene, element, s], 6),
            "contact": np.round(regulation.contact[gene, element], 6),
            "activity": np.round(activity[element, s], 6),
            "tss_distance_bp": distance[gene, element],
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def run_screen(
    rng: np.random.Generator,
    config: SimulationConfig,
    landscape: Landscape,
    *,
    links: pd.DataFrame,
    element_signal: pd.DataFrame,
    tpm: pd.DataFrame,
) -> pd.DataFrame:
    """Test the open, non-promoter elements near some expressed genes of each biosample.

    Args:
      links: `true_links`.
      element_signal: element_id, biosample, dnase in reads; NaN = no data, never tested.
      tpm: gene_id, biosample, tpm.

    Returns:
      schema.CRISPR; tss_distance_bp as in TRUE_LINKS.
    """
    elements = landscape.elements.loc[landscape.elements["element_class"] != "promoter"]
    pairs = links.merge(elements[["element_id", "chrom", "start", "end"]], on="element_id")
    pairs = pairs.merge(element_signal[["element_id", "biosample", "dnase"]], on=["element_id", "biosample"])
    pairs = pairs.merge(tpm, on=["gene_id", "biosample"]).merge(
        landscape.genes[["gene_id", "gene_name", "tss"]], on="gene_id"
    )
    pairs = pairs[(pairs["dnase"] >= _LEAST_READS) & (pairs["tpm"] >= _LEAST_TPM)]
    tables = [_measured(rng, config, pairs[pairs["biosample"] == biosample]) for biosample in config.biosamples]
    columns = ["chrom", "start", "end", "gene_id", "gene_name", "tss", "tss_distance_bp", "effect_fraction"]
    columns += ["p_adjusted", "power_at_25", "is_significant", "is_positive", "biosample", "reference"]
    screen = pd.concat(tables, ignore_index=True).assign(reference=REFERENCE)[columns]
    return screen.sort_values(["biosample", "chrom", "tss", "start"], ignore_index=True)


def _measured(rng: np.random.Generator, config: SimulationConfig, pairs: pd.DataFrame) -> pd.DataFrame:
    """One biosample's screen: noise of the gene's own size, adjusted p values, power at the cut-off they imply."""
    names = np.sort(pairs["gene_id"].unique())
    chosen = rng.permutation(names)[: config.n_screened_genes]
    error = pd.Series(np.exp(rng.normal(np.log(0.035), 0.35, len(chosen))), index=chosen)
    pairs = pairs[pairs["gene_id"].isin(chosen)].sort_values(["gene_id", "start"]).copy()
    spread = pairs["gene_id"].map(error).to_numpy()
    effect = np.maximum(pairs["true_effect_fraction"] + rng.normal(0.0, 1.0, len(pairs)) * spread, -1.0)
    p_value = 2.0 * norm.sf(np.abs(effect) / spread)
    pairs["effect_fraction"] = np.round(effect, 4)
    pairs["p_adjusted"] = false_discovery_control(p_value) if len(pairs) else p_value
    pairs["is_significant"] = pairs["p_adjusted"] < _FALSE_DISCOVERY
    pairs["is_positive"] = pairs["is_significant"] & (effect < 0)
    called = p_value[pairs["is_significant"].to_numpy()]
    cutoff = norm.isf((called.max() if len(called) else _FALSE_DISCOVERY / max(len(pairs), 1)) / 2.0)
    pairs["power_at_25"] = np.round(norm.sf(cutoff - 0.25 / spread), 4)
    return pairs
