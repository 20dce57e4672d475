"""What a simulated study holds, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cre_core.errors import BadInput
from cre_core.genome import Assembly

GRID_BP = 25  # elements, transcription starts and signal bins all sit on this grid, so counts are sums of whole bins


def _default_sizes() -> dict[str, int]:
    return {"chrS1": 3_100_000, "chrS2": 2_900_000}


@dataclass(frozen=True)
class SimulationConfig:
    """Sizes and strengths of the simulated world. The defaults make the embedded demo.

    Attributes:
      chrom_sizes: chromosome -> length in bp, each a multiple of `contact_bin_bp`.
      held_out_biosamples: biosamples that no model may be trained on; written to the study's provenance.
      n_elements: promoters, CTCF sites, enhancers, silencers and inactive stretches together.
      domain_bp: shortest and longest domain.
      gap_bp: N bases at the start of each chromosome, an assembly gap.
      unmappable_bp: one stretch a chromosome with sequence but without reads, so that "no data" can be seen.
      contact_floor_bp, contact_exponent: contact = (max(distance, floor) / floor) ** -exponent inside a domain.
      crossing: factor on the Hi-C contact for each boundary crossed; regulation crosses none.
      noise_log2tpm: standard deviation of the measured expression around its true value.
      screen_bp: largest distance of a true link listed and of a CRISPRi pair tested.
      n_screened_genes: genes with a CRISPRi screen in each biosample.
    """

    assembly_name: str = "sim1"
    chrom_sizes: Mapping[str, int] = field(default_factory=_default_sizes)
    biosamples: tuple[str, ...] = ("SimA", "SimB", "SimC")
    held_out_biosamples: tuple[str, ...] = ("SimC",)
    n_genes: int = 150
    n_elements: int = 1_500
    n_activators: int = 19
    n_repressors: int = 5
    element_bp: int = 500
    domain_bp: tuple[int, int] = (150_000, 400_000)
    gap_bp: int = 10_000
    unmappable_bp: int = 25_000
    contact_bin_bp: int = 10_000
    contact_floor_bp: int = 5_000
    contact_exponent: float = 0.9
    crossing: float = 0.35
    noise_log2tpm: float = 0.25
    screen_bp: int = 300_000
    n_screened_genes: int = 60

    def __post_init__(self) -> None:
        odd = [chrom for chrom, size in self.chrom_sizes.items() if size % self.contact_bin_bp or size <= 0]
        if odd:
            raise BadInput(
                f"{odd[0]} has {self.chrom_sizes[odd[0]]:,} bp; wanted a multiple of {self.contact_bin_bp:,}"
            )
        for name in ("contact_bin_bp", "element_bp", "gap_bp", "unmappable_bp"):
            if getattr(self, name) % (2 * GRID_BP):
                raise BadInput(f"{name} is {getattr(self, name):,}; wanted a multiple of {2 * GRID_BP} bp")
        shortest = min(self.chrom_sizes.values()) - self.gap_bp
        if not self.contact_bin_bp < self.domain_bp[0] <= self.domain_bp[1] or shortest < self.domain_bp[0]:
            raise BadInput(
                f"domains of {self.domain_bp} bp do not fit chromosomes of {shortest:,} bp without the gap"
            )
        strangers = set(self.held_out_biosamples) - set(self.biosamples)
        if strangers:
            raise BadInput(f"held-out biosample {min(strangers)} is not among {', '.join(self.biosamples)}")

    @property
    def assembly(self) -> Assembly:
        """The simulated genome build."""
        return Assembly(self.assembly_name, dict(self.chrom_sizes))


DEFAULT = SimulationConfig()
