"""One simulated world in memory: everything drawn, nothing written yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cre_core.data.simulate import assays, factors, hichip, landscape, regulation, screen, sequence, truth
from cre_core.data.simulate.config import SimulationConfig


@dataclass(frozen=True)
class World:
    """What a seed and a config determine.

    Attributes:
      sites: as `sequence.make_sites`.
      sequence: chromosome -> bases.
      signals: (biosample, assay) -> reads in bins; assays dnase, h3k27ac, ctcf, rna.
      hic: biosample -> pairs.
      loops: biosample -> HiChIP loops.
      log2tpm: (G, S) measured log2(TPM + 1).
    """

    config: SimulationConfig
    factors: tuple[factors.Factor, ...]
    landscape: landscape.Landscape
    sites: pd.DataFrame
    sequence: Mapping[str, str]
    regulation: regulation.Regulation
    signals: dict[tuple[str, str], assays.Bins]
    hic: Mapping[str, assays.HicMap]
    loops: Mapping[str, pd.DataFrame]
    log2tpm: np.ndarray
    element_signal: pd.DataFrame
    promoter_signal: pd.DataFrame
    links: pd.DataFrame
    crispr: pd.DataFrame


def make_world(config: SimulationConfig, *, seed: int) -> World:
    """Draw a world. Each part has its own stream of random numbers, so that a change in one leaves the others."""

    def stream(*part: int) -> np.random.Generator:
        return np.random.default_rng([seed, *part])

    bound = factors.make_factors(stream(0), config)
    land = landscape.make_landscape(stream(1), config)
    sites = sequence.make_sites(stream(2), config, land, bound)
    rules = regulation.make_regulation(stream(3), config, land, sites, bound)
    log2tpm = assays.make_expression(stream(4), config, rules)
    signals: dict[tuple[str, str], assays.Bins] = {}
    for s, biosample in enumerate(config.biosamples):
        for a, assay in enumerate(assays.ASSAYS):
            signals[biosample, assay] = assays.make_signal(
                stream(5, s, a), config, land, rules, assay=assay, biosample=s
            )
        signals[biosample, "rna"] = assays.make_rna(stream(6, s), config, land, 2.0 ** log2tpm[:, s] - 1.0)
    element_signal, promoter_signal = truth.signal_tables(config, land, signals)
    links = screen.true_links(config, land, rules)
    tpm = truth.expression_table(config, land, log2tpm).query("measure == 'tpm'").rename(columns={"value": "tpm"})
    return World(
        config=config,
        factors=bound,
        landscape=land,
        sites=sites,
        sequence=sequence.make_sequence(stream(7), config, land, sites),
        regulation=rules,
        signals=signals,
        hic={name: assays.make_hic(stream(8, s), config, land) for s, name in enumerate(config.biosamples)},
        loops={
            name: hichip.make_loops(stream(10, s), config, land, rules, biosample=s)
            for s, name in enumerate(config.biosamples)
        },
        log2tpm=log2tpm,
        element_signal=element_signal,
        promoter_signal=promoter_signal,
        links=links,
        crispr=screen.run_screen(
            stream(9), config, land, links=links, element_signal=element_signal, tpm=tpm.drop(columns="measure")
        ),
    )
