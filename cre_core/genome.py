"""Places: a Locus on an Assembly. 0-based half-open everywhere; 1-based only in `parse` and `__str__`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cre_core.errors import BadInput, UnknownName, WrongAssembly

_HG38_SIZES = {
    "chr1": 248956422, "chr2": 242193529, "chr3": 198295559, "chr4": 190214555, "chr5": 181538259,
    "chr6": 170805979, "chr7": 159345973, "chr8": 145138636, "chr9": 138394717, "chr10": 133797422,
    "chr11": 135086622, "chr12": 133275309, "chr13": 114364328, "chr14": 107043718, "chr15": 101991189,
    "chr16": 90338345, "chr17": 83257441, "chr18": 80373285, "chr19": 58617616, "chr20": 64444167,
    "chr21": 46709983, "chr22": 50818468, "chrX": 156040895, "chrY": 57227415, "chrM": 16569,
}  # fmt: skip
_HG19_SIZES = {
    "chr1": 249250621, "chr2": 243199373, "chr3": 198022430, "chr4": 191154276, "chr5": 180915260,
    "chr6": 171115067, "chr7": 159138663, "chr8": 146364022, "chr9": 141213431, "chr10": 135534747,
    "chr11": 135006516, "chr12": 133851895, "chr13": 115169878, "chr14": 107349540, "chr15": 102531392,
    "chr16": 90354753, "chr17": 81195210, "chr18": 78077248, "chr19": 59128983, "chr20": 63025520,
    "chr21": 48129895, "chr22": 51304566, "chrX": 155270560, "chrY": 59373566, "chrM": 16571,
}  # fmt: skip


@dataclass(frozen=True)
class Assembly:
    """A genome build: its name and the length in bp of each chromosome."""

    name: str
    chrom_sizes: Mapping[str, int]

    def chrom(self, name: str) -> str:
        """The assembly's own name of a chromosome given as `8`, `chr8`, `CHR8`, `MT`; UnknownName otherwise."""
        bare = re.sub(r"^chr", "", name.strip(), flags=re.IGNORECASE)
        bare = {"MT": "M", "23": "X", "24": "Y"}.get(bare.upper(), bare)
        for candidate in (name.strip(), f"chr{bare}", f"chr{bare.upper()}", bare):
            if candidate in self.chrom_sizes:
                return candidate
        known = ", ".join(list(self.chrom_sizes)[:3])
        raise UnknownName(f"{self.name} has no chromosome '{name}'; it has {known}, ...")

    def size(self, chrom: str) -> int:
        """Length of a chromosome in bp."""
        return self.chrom_sizes[self.chrom(chrom)]


HG38 = Assembly("hg38", _HG38_SIZES)
HG19 = Assembly("hg19", _HG19_SIZES)
ASSEMBLIES = {assembly.name: assembly for assembly in (HG38, HG19)}


def check_assembly(found_sizes: Mapping[str, int], wanted: Assembly, *, source: str) -> None:
    """Raise WrongAssembly when a file's chromosome lengths are not those of `wanted`.

    Args:
      found_sizes: chromosome name, any alias -> length in bp, as the file's header gives it.
      wanted: the study's assembly.
      source: the file's name, for the message.

    Raises:
      WrongAssembly: a shared chromosome has another length; the message names the assembly it fits.
      UnknownName: the file shares no chromosome name with the assembly.
    """
    shared = {}
    for name, size in found_sizes.items():
        try:
            shared[wanted.chrom(name)] = int(size)
        except UnknownName:
            continue
    if not shared:
        names = ", ".join(list(found_sizes)[:3]) or "none"
        raise UnknownName(f"{source}: no chromosome of {wanted.name}; the file has {names}")
    for name, size in shared.items():
        if size != wanted.chrom_sizes[name]:
            fits = [a.name for a in ASSEMBLIES.values() if a.chrom_sizes.get(name) == size]
            looks = f"looks like {fits[0]}" if fits else f"is not {wanted.name}"
            raise WrongAssembly(
                f"{source} {looks}: {name} has {size:,} bases, {wanted.name} has {wanted.chrom_sizes[name]:,}"
            )


_PLACE = re.compile(r"^(?P<chrom>[\w.]+)\s*[:\s]\s*(?P<start>[\d,]+)\s*(?:[-–\s]|\.\.)\s*(?P<end>[\d,]+)$")


@dataclass(frozen=True, order=True)
class Locus:
    """One place: chromosome, start and end in bp, 0-based half-open."""

    chrom: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start < 0:
            raise BadInput(f"{self.chrom}:{self.start} starts before the chromosome does")
        if self.end <= self.start:
            raise BadInput(f"{self.chrom}: end {self.end:,} is not after start {self.start:,}")

    @classmethod
    def parse(cls, text: str, assembly: Assembly) -> Locus:
        """Read `chr8:127,735,434-127,742,951` (1-based, inclusive), `8:1-100` too, and check it on `assembly`."""
        match = _PLACE.match(text.strip())
        if match is None:
            raise BadInput(f"'{text}' is not a place; wanted chrom:start-end, for example chr8:1,000-2,000")
        chrom = assembly.chrom(match["chrom"])
        first, last = (int(match[key].replace(",", "")) for key in ("start", "end"))
        if first < 1:
            raise BadInput(f"'{text}' starts at {first}; the first base is 1")
        return cls(chrom, first - 1, last).checked(assembly)

    def checked(self, assembly: Assembly) -> Locus:
        """This place, or BadInput when it ends past its chromosome's end."""
        size = assembly.size(self.chrom)
        if self.end > size:
            raise BadInput(f"{self} ends past the end of {self.chrom} ({assembly.name}, {size:,} bases)")
        return self

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start + 1:,}-{self.end:,}"

    @property
    def width_bp(self) -> int:
        """Number of bases."""
        return self.end - self.start

    @property
    def center(self) -> int:
        """Middle base, 0-based."""
        return (self.start + self.end) // 2

    def overlaps(self, other: Locus) -> bool:
        """Whether the two share a base."""
        return self.chrom == other.chrom and self.start < other.end and other.start < self.end

    def contains(self, other: Locus) -> bool:
        """Whether every base of `other` lies here."""
        return self.chrom == other.chrom and self.start <= other.start and other.end <= self.end

    def resized(self, width_bp: int, assembly: Assembly) -> Locus:
        """The place of `width_bp` around the same centre, moved (not cut) to stay on the chromosome if it can."""
        size = assembly.size(self.chrom)
        width_bp = min(width_bp, size)
        start = min(max(0, self.center - width_bp // 2), size - width_bp)
        return replace(self, start=start, end=start + width_bp)
