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


# Versions of RefSeq's NC_000001 to NC_000024 in hg38; in hg19 they are one lower. GenBank's are 2 and 1.
# Source: NCBI assembly reports GCF_000001405.26 (GRCh38) and GCF_000001405.13 (GRCh37).
_REFSEQ_VERSIONS = (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10)
_FIRST_GENBANK = 663  # CM000663 is chromosome 1
_ACCESSION = re.compile(r"(NC_|CM)0*([1-9][0-9]{0,5})(?:\.([0-9]{1,4}))?", re.IGNORECASE)
_MITOCHONDRIA = ("NC_012920.1", "NC_012920", "J01415.2")  # of hg38; a file of hg19 may hold another one


@dataclass(frozen=True)
class Assembly:
    """A genome build: its name and the length in bp of each chromosome."""

    name: str
    chrom_sizes: Mapping[str, int]

    def chrom(self, name: str) -> str:
        """The assembly's own name of a chromosome given as `8`, `chr8`, `CHR8`, `MT`, `NC_000008.11`, `CM000670.2`.

        Raises:
          UnknownName: there is none of that name. WrongAssembly: the accession number is another assembly's.
        """
        bare = re.sub(r"^chr", "", name.strip(), flags=re.IGNORECASE)
        bare = {"MT": "M", "23": "X", "24": "Y"}.get(bare.upper(), bare)
        for candidate in (name.strip(), f"chr{bare}", f"chr{bare.upper()}", bare, *self._of_accession(name.strip())):
            if candidate in self.chrom_sizes:
                return candidate
        known = ", ".join(list(self.chrom_sizes)[:3])
        raise UnknownName(f"{self.name} has no chromosome '{name[:60]}'; it has {known}, ...")

    def _of_accession(self, name: str) -> tuple[str, ...]:
        """The chromosome that a RefSeq or GenBank accession names, if it names one of a human genome."""
        if name.upper() in _MITOCHONDRIA:
            return ("chrM",)
        found = _ACCESSION.fullmatch(name)
        if found is None or self.name not in ASSEMBLIES:
            return ()
        is_refseq = found[1].upper() == "NC_"
        number = int(found[2]) - (0 if is_refseq else _FIRST_GENBANK - 1)
        if not 1 <= number <= len(_REFSEQ_VERSIONS):
            return ()
        newest = _REFSEQ_VERSIONS[number - 1] if is_refseq else 2
        chrom = f"chr{ {23: 'X', 24: 'Y'}.get(number, number) }"
        of = {newest: HG38.name, newest - 1: HG19.name}.get(int(found[3] or 0), "" if found[3] else self.name)
        if of != self.name:
            raise WrongAssembly(f"{name} is {chrom} of {of or 'another assembly'}; wanted {self.name}")
        return (chrom,)

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


_NUMBER = r"[0-9][0-9,]*(?:\.[0-9]+)?"
_UNIT = r"(?:\s*(?:[kmg]bp?|[kmg]|bp))?"
_UNITS_BP = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_PLACE = re.compile(
    rf"(?:(?P<chrom>[\w.]*[A-Za-z_][\w.]*|[0-9]{{1,2}})(?:\s*:\s*|\s+)|(?P<dashed>chr[\w.]+)-)?"
    rf"(?P<start>{_NUMBER}{_UNIT})(?:(?:\s*(?:[-\u2010-\u2015\u2212]|\.\.+)\s*|\s+)(?P<end>{_NUMBER}{_UNIT}))?",
    re.IGNORECASE | re.ASCII,
)
_BED_LINE = re.compile(r"([\w.]+)\t([0-9]{1,15})\t([0-9]{1,15})(?:\t.*)?", re.ASCII)
_MOST_DIGITS = 15  # of a position; more are no place on any genome
_WANTED = "wanted chrom:start-end, for example chr8:1,000-2,000"


def _position(text: str, unit: str) -> int:
    """Bases that a number with or without a unit means; BadInput when they are no whole number."""
    digits = text.rstrip("bBpPkKmMgG ").replace(",", "")
    whole, _, decimals = digits.partition(".")
    factor = _UNITS_BP.get(unit, 1)
    if len(whole) > _MOST_DIGITS or len(decimals.rstrip("0")) > len(str(factor)) - 1:
        raise BadInput(f"'{_short(text)}' is no whole number of bases on a chromosome")
    return int(whole) * factor + (int(decimals.ljust(9, "0")[: len(str(factor)) - 1] or 0) if factor > 1 else 0)


def _unit(text: str) -> str:
    """k, m, g, or nothing."""
    letters = text.lstrip("0123456789,. ").lower()
    return letters[:1] if letters[:1] in _UNITS_BP else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_place(text: str) -> bool:
    """Whether a text has the form of a place; it may still be none on an assembly."""
    found = _PLACE.fullmatch(text.strip())
    is_written = found is not None and any(found[part] for part in ("chrom", "dashed", "end"))
    return is_written or _BED_LINE.fullmatch(text.strip()) is not None


def place_text(chrom: str, start: int, end: int) -> str:
    """A place, 0-based half-open, as people write it: 1-based inclusive; one base is one number."""
    return f"{chrom}:{start + 1:,}-{end:,}" if end - start != 1 else f"{chrom}:{end:,}"


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
    def parse(cls, text: str, assembly: Assembly, *, chrom: str | None = None) -> Locus:
        """Read a place as people write it, and check it on `assembly`.

        Args:
          text: `chr8:127,735,434-127,742,951` (1-based, inclusive), `8:1-100`, `chr8 1 100` (blanks), one position
            (`chr8:127735434`), a chromosome alone (`chr8`), with units (`chr8:127.5-128Mb`). A line of a BED file,
            with tabs, is 0-based half-open as there.
          assembly: whose chromosomes; names as in `Assembly.chrom`.
          chrom: of a place that names none (`127.5-128Mb`); without it such a place is refused.

        Raises:
          BadInput: not a place, or none on its chromosome. UnknownName, WrongAssembly: as `Assembly.chrom`.
        """
        line = _BED_LINE.fullmatch(text.strip())
        if line is not None:
            return cls(assembly.chrom(line[1]), int(line[2]), int(line[3])).checked(assembly)
        found = _PLACE.fullmatch(text.strip())
        named = (found["chrom"] or found["dashed"]) if found else None
        if found is None or (named is None and found["end"] is None):
            return cls._chromosome(text, assembly)
        named = named or chrom
        if named is None:
            raise BadInput(f"'{_short(text)}' names no chromosome; {_WANTED}")
        last_unit = _unit(found["end"] or "")
        first = _position(found["start"], _unit(found["start"]) or last_unit)
        last = _position(found["end"], last_unit) if found["end"] else first
        if _unit(found["end"] or found["start"]) and first == 0 < last:
            first = 1  # 0 Mb is the chromosome's start
        if first < 1:
            raise BadInput(f"'{_short(text)}' starts at {first}; the first base is 1")
        return cls(assembly.chrom(named), first - 1, last).checked(assembly)

    @classmethod
    def _chromosome(cls, text: str, assembly: Assembly) -> Locus:
        """A chromosome alone, from end to end."""
        try:
            name = assembly.chrom(text)
        except UnknownName:
            raise BadInput(f"'{_short(text)}' is not a place; {_WANTED}") from None
        return cls(name, 0, assembly.size(name))

    def checked(self, assembly: Assembly) -> Locus:
        """This place, or BadInput when it ends past its chromosome's end."""
        size = assembly.size(self.chrom)
        if self.end > size:
            raise BadInput(f"{self.chrom} has {size:,} bases in {assembly.name}; {self.end:,} lies beyond")
        return self

    def __str__(self) -> str:
        return place_text(self.chrom, self.start, self.end)

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
