"""HiChIP of H3K27ac: contacts between elements, caught by the mark at their ends, and the loops called in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, poisson

from cre_core.data.simulate.config import SimulationConfig
from cre_core.data.simulate.landscape import Landscape
from cre_core.data.simulate.regulation import Regulation, seen_contact

_READS = 80.0  # of a pair in closest contact, acetylated at both ends
_BACKGROUND = 0.05  # share of the reads of a full end that one without the mark gives
_LEAST_BP, _MOST_BP = 5_000, 400_000  # nearer ones are not told from undigested DNA; no domain of the demo is wider
_N_DISTANCES = 50  # classes of equally many pairs
_FALSE_DISCOVERY = 0.01


def make_loops(
    rng: np.random.Generator,
    config: SimulationConfig,
    landscape: Landscape,
    regulation: Regulation,
    *,
    biosample: int,
) -> pd.DataFrame:
    """schema.LOOPS of one biosample, by place; the anchors are elements.

    Returns:
      Besides the anchors: contacts, and expected, the contacts of pairs of like distance.
    """
    loops = call_loops(draw_contacts(rng, config, landscape, regulation, biosample=biosample))
    elements = landscape.elements[["chrom", "start", "end"]]
    anchors = [elements.iloc[loops[side]].reset_index(drop=True) for side in ("first", "second")]
    counts = loops[["contacts", "expected"]].round({"expected": 3}).reset_index(drop=True)
    return pd.concat([anchors[0], anchors[1].add_suffix("2"), counts], axis=1)


def draw_contacts(
    rng: np.random.Generator,
    config: SimulationConfig,
    landscape: Landscape,
    regulation: Regulation,
    *,
    biosample: int,
) -> pd.DataFrame:
    """Contacts of the pairs of elements of one chromosome, 5 to 400 kb apart, where reads can be placed at both ends.

    Returns:
      first, second (rows of `Landscape.elements`, in order of place), distance_bp, contacts.
    """
    elements = landscape.elements
    first, second = np.triu_indices(len(elements), 1)
    center, chrom = ((elements["start"] + elements["end"]) // 2).to_numpy(), elements["chrom"].to_numpy()
    distance, has_reads = center[second] - center[first], _has_reads(landscape)
    chosen = (chrom[first] == chrom[second]) & (distance >= _LEAST_BP) & (distance <= _MOST_BP)
    chosen &= has_reads[first] & has_reads[second]
    first, second, distance = first[chosen], second[chosen], distance[chosen]
    domain, bound = elements["domain"].to_numpy(), regulation.activation[:, biosample]
    marked = _BACKGROUND + (1.0 - _BACKGROUND) * bound / (bound + 1.0)  # (E,)
    contact = seen_contact(distance, config, n_crossed=np.abs(domain[second] - domain[first]))
    contacts = rng.poisson(_READS * contact * marked[first] * marked[second])
    return pd.DataFrame({"first": first, "second": second, "distance_bp": distance, "contacts": contacts})


def call_loops(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with clearly more contacts than their distance alone lets expect.

    Expected is the mean over the pairs of like distance, loops included: classes of equally many pairs. A loop is a
    pair whose Poisson p value, adjusted over all pairs, is below 0.01.

    Args:
      pairs: distance_bp, contacts, and what else there is; a pair without a row has no data.

    Returns:
      The rows that are loops, with expected.
    """
    order = pairs["distance_bp"].rank(method="first").to_numpy() - 1  # (n,)
    alike = (order * _N_DISTANCES // max(len(pairs), 1)).astype(int)
    expected = pairs.groupby(alike)["contacts"].transform("mean")
    p_value = poisson.sf(pairs["contacts"] - 1, expected)
    adjusted = false_discovery_control(p_value) if len(pairs) else p_value
    return pairs.assign(expected=expected)[adjusted < _FALSE_DISCOVERY]


def _has_reads(landscape: Landscape) -> np.ndarray:
    """(E,) bool: no base of the element lies where reads cannot be placed."""
    elements = landscape.elements
    has_reads = np.ones(len(elements), bool)
    for gap in landscape.gaps.itertuples():
        inside = (elements["chrom"] == gap.chrom) & (elements["start"] < gap.end) & (elements["end"] > gap.start)
        has_reads &= ~inside.to_numpy()
    return has_reads
