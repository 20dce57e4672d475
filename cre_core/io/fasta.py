"""FASTA: whole chromosomes, or windows of chromosomes whose header says where they lie."""

from __future__ import annotations

import re
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyfaidx

from cre_core.errors import BadFile, BadInput, UnknownName
from cre_core.genome import Assembly, Locus
from cre_core.io.chroms import check_sizes, name_on
from cre_core.io.fasta_index import open_indexed
from cre_core.io.text import shown

_WINDOW = re.compile(r"(?:range=|^|::)(?P<chrom>[\w.]+):(?P<start>\d{1,15})-(?P<end>\d{1,15})\b")
# How samtools (/rc), bedtools ((-)), UCSC (strand=-) and Ensembl (:-1) say that bases are those of the - strand.
_MINUS = re.compile(
    r"/rc\b|\(-\)|\bstrand\s*[=:]\s*(?:-|minus|reverse)|:-1?(?=\s|$)|\brev(?:erse)?[ _-]?comp(?:lement(?:ed)?)?\b",
    re.IGNORECASE,
)
_BASES = b"ACGTNRYSWKMBDHV-."  # IUPAC
_CODES = np.full(256, 4, dtype=np.int8)
for _code, _bases in enumerate(("Aa", "Cc", "Gg", "Tt")):
    _CODES[[ord(base) for base in _bases]] = _code


@dataclass(frozen=True)
class _Record:
    """One sequence of the file: its key there and the stretch of the genome it holds."""

    key: str
    locus: Locus


class Fasta:
    """A FASTA file, plain or bgzip, addressed by genomic coordinates. Safe to share between threads.

    A record is a whole chromosome, or a window when its header says so: `>... range=chr22:37200001-40600000` (UCSC)
    or `>chr22:37200001-40600000` (samtools; a header one base longer than its sequence is 0-based, as bedtools
    writes it).
    """

    def __init__(self, path: Path | str, *, assembly: Assembly, index_folder: Path | str | None = None) -> None:
        """Open a file, indexing it at first use.

        Args:
          path: plain or bgzip.
          assembly: what the sequence is of; whole chromosomes must have its lengths.
          index_folder: where a missing index goes; by default beside the file if that may be written, else a
            private temporary folder. One that is older than the file or does not fit it is made anew.

        Raises:
          BadFile: missing, gzip instead of bgzip, or not FASTA.
          WrongAssembly, UnknownName, BadInput: the sequences are not the assembly's.
        """
        self.path = Path(path)
        self.assembly = assembly
        self._lock = threading.Lock()
        self._file = open_indexed(self.path, None if index_folder is None else Path(index_folder))
        self._records = self._placed()

    def __enter__(self) -> Fasta:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def windows(self) -> tuple[Locus, ...]:
        """The stretches of the genome that the file holds."""
        return tuple(record.locus for record in self._records)

    def fetch(self, locus: Locus) -> str:
        """The bases of a place on the + strand, upper case.

        Raises:
          UnknownName: the file lacks the chromosome.
          BadInput: the place reaches outside the window the file holds; the message says which that is.
          BadFile: the file has letters there that are no bases, or fewer than its index says.
        """
        record = self._record(locus)
        first = locus.start - record.locus.start
        try:
            with self._lock:
                bases = str(self._file.fetch(record.key, first + 1, first + locus.width_bp)).upper()
        except (pyfaidx.FetchError, ValueError, OSError, EOFError, zlib.error) as error:
            raise BadFile(
                f"{self.path.name} cannot be read at {locus}: it is broken, or not what its index is of"
            ) from error
        others = bases.encode("ascii", "replace").translate(None, _BASES)
        if others or len(bases) != locus.width_bp:
            held = f"'{shown(chr(others[0]))}'" if others else f"{len(bases):,} bases"
            raise BadFile(
                f"{self.path.name} holds {held} in {locus}; wanted its {locus.width_bp:,} bases, A, C, G, T or N"
            )
        return bases

    def encode(self, locus: Locus) -> np.ndarray:
        """The bases of a place as numbers.

        Returns:
          (width,) int8: 0 A, 1 C, 2 G, 3 T, 4 anything else.

        Raises:
          As `fetch`.
        """
        return encode(self.fetch(locus))

    def _record(self, locus: Locus) -> _Record:
        chrom = self.assembly.chrom(locus.chrom)
        here = [record for record in self._records if record.locus.chrom == chrom]
        if not here:
            there = ", ".join(dict.fromkeys(record.locus.chrom for record in self._records[:3]))
            raise UnknownName(f"{self.path.name} has no sequence of {chrom}; it has {there}")
        for record in here:
            if record.locus.start <= locus.start and locus.end <= record.locus.end:
                return record
        raise BadInput(f"{locus} is outside the sequence in {self.path.name}, which is {here[0].locus}")

    def _placed(self) -> list[_Record]:
        records, whole = [], {}
        for key, record in self._file.index.items():
            header = self._header(key)
            window = _WINDOW.search(header)
            if window is not None:
                records.append(_Record(key, self._window(header, window, record.rlen)))
            elif (chrom := name_on(self.assembly, key)) is not None:
                whole[chrom] = record.rlen
                records.append(_Record(key, Locus(chrom, 0, record.rlen)))
        if not records:
            names = ", ".join(shown(name) for name in [*self._file.index][:3])
            raise UnknownName(f"{self.path.name}: no chromosome of {self.assembly.name}; the file has {names}")
        if whole:
            check_sizes(whole, self.assembly, source=self.path.name)
        return records

    def _header(self, key: str) -> str:
        """A record's whole header; the library loses it after a blank line, but not its first word."""
        header = str(self._file.get_long_name(key))
        header = header if header.startswith(key) else key
        if _MINUS.search(header):
            raise BadFile(f"{self.path.name}: '>{shown(header)}' is on the - strand; wanted +")
        return header

    def _window(self, header: str, found: re.Match[str], length: int) -> Locus:
        first, last = int(found["start"]), int(found["end"])
        start = first if last - first == length else first - 1
        if last - start != length:
            named = f"'>{shown(header)}' names {last - start:,} bases"
            raise BadFile(f"{self.path.name}: {named}, the sequence has {length:,}")
        return Locus(self.assembly.chrom(found["chrom"]), start, last).checked(self.assembly)


def encode(sequence: str) -> np.ndarray:
    """Bases as numbers: (length,) int8, 0 A, 1 C, 2 G, 3 T (either case), 4 anything else."""
    return _CODES[np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)]
