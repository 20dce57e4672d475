"""A virtual ENCODE of a few small files: real chromosome names and lengths, made-up genes and numbers known by hand.

Two biosamples. A673 has two RNA replicates (RSEM's form and kallisto's), two DNase replicates, and H3K27ac as two
replicates and their pool. HepG2 has one RNA, one DNase and one CTCF file, no H3K27ac. Panc1's only RNA is archived.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cre_core.genome import HG38, Assembly
from cre_core.io.bigwig import write_bigwig

CHROMS = ("chr8", "chr9", "chr16", "chr22")
_LIST = """\
biosample, organism, accession, format, output_type, experiment, assay, target
A673, human, ENCFF000AR1, tsv, transcript quantifications, ENCSR000AR, total RNA-seq,
A673, human, ENCFF000AR2, tsv, transcript quantifications, ENCSR000AR, total RNA-seq,
A673, human, ENCFF000AR3, tsv, transcript quantifications, ENCSR000AR, total RNA-seq,
A673, human, ENCFF000AD1, bigWig, read-depth normalized signal, ENCSR000AD, DNase-seq,
A673, human, ENCFF000AD2, bigWig, read-depth normalized signal, ENCSR000AD, DNase-seq,
A673, human, ENCFF000AH1, bigWig, fold change over control, ENCSR000AH, Histone ChIP-seq, H3K27ac
A673, human, ENCFF000AH2, bigWig, fold change over control, ENCSR000AH, Histone ChIP-seq, H3K27ac
A673, human, ENCFF000AH3, bigWig, fold change over control, ENCSR000AH, Histone ChIP-seq, H3K27ac
HepG2, human, ENCFF000HR1, tsv, transcript quantifications, ENCSR000HR, polyA plus RNA-seq,
HepG2, human, ENCFF000HD1, bigWig, read-depth normalized signal, ENCSR000HD, DNase-seq,
HepG2, human, ENCFF000HC1, bigWig, fold change over control, ENCSR000HC, TF ChIP-seq, CTCF
Panc1, human, ENCFF000PR1, tsv, transcript quantifications, ENCSR000PR, total RNA-seq,
MEL, mouse, ENCFF000MR1, tsv, transcript quantifications, ENCSR000MR, total RNA-seq,
"""
LIST = _LIST.replace(", ", "\t").replace(",\n", "\t\n")  # a tab-separated table; ChIP alone has a target
REPLICATES = {"ENCFF000AR2": [2], "ENCFF000AR3": [1], "ENCFF000AD2": [2], "ENCFF000AH2": [2], "ENCFF000AH3": [1, 2]}
# gene: chrom, first and last base from 1, strand, type, transcripts. TSS: 100,000; 209,999; 70,000; 310,000.
GENES = {
    "ENSG00000000001": ("MYC", "chr8", 100_001, 110_000, "+", "protein_coding", ("1", "2")),
    "ENSG00000000002": ("MINUS", "chr9", 200_001, 210_000, "-", "protein_coding", ("3",)),
    "ENSG00000000003": ("SILENT", "chr16", 70_001, 80_000, "+", "protein_coding", ("4",)),
    "ENSG00000000004": ("ONCE", "chr22", 310_001, 320_000, "+", "protein_coding", ("5",)),
    "ENSG00000000005": ("LNC", "chr22", 400_001, 410_000, "+", "lincRNA", ("6",)),
    "ENSG00000000006": ("MT-X", "chrM", 1_001, 2_000, "+", "protein_coding", ("7",)),
}
CCRES = """\
chr8	150000	150300	EH38D0000002	EH38E0000002	dELS
chr8	99900	100100	EH38D0000001	EH38E0000001	PLS,CTCF-bound
chr9	211000	211200	EH38D0000003	EH38E0000003	pELS
chr16	50000	50150	EH38D0000004	EH38E0000004	DNase-only
chr16	60000	60200	EH38D0000005	EH38E0000005	Low-DNase
chr16	71000	71200	EH38D0000006	EH38E0000006	DNase-H3K4me3
chr22	300000	300300	EH38D0000007	EH38E0000007	CTCF-only,CTCF-bound
chr22	20000000	20000200	EH38D0000008	EH38E0000008	DNase-H3K4me3,CTCF-bound
chrUn_KI270742v1	100	300	EH38D0000009	EH38E0000009	dELS
"""
Intervals = Mapping[str, Sequence[tuple[int, int, float]]]
SIGNAL: dict[str, Intervals] = {
    "ENCFF000AD1": {
        "chr8": [(99_500, 100_500, 1), (150_000, 150_100, 2), (150_100, 150_300, 8)],
        "chr22": [(300_000, 300_100, 10)],
    },
    "ENCFF000AD2": {"chr8": [(99_500, 100_500, 3), (150_000, 150_300, 4)]},
    "ENCFF000AH1": {"chr8": [(150_000, 150_300, 100)]},
    "ENCFF000AH2": {"chr8": [(150_000, 150_300, 200)]},
    "ENCFF000AH3": {"chr8": [(150_000, 150_300, 7)], "chr22": [(300_000, 300_300, 0)]},
    "ENCFF000HD1": {"chr8": [(150_000, 150_300, 1.5)]},
    "ENCFF000HC1": {"chr22": [(300_000, 300_300, 3)]},
}
RSEM_1 = {"1": 1.0, "2": 2.0, "3": 4.0, "4": 0.0, "5": 5.0, "6": 9.0}  # MYC 1 + 2
KALLISTO_2 = {"1": 4.0, "2": 1.0, "3": 6.0, "4": 0.0, "6": 9.0}  # MYC 4 + 1; ONCE is not there
HEPG2 = {"1": 0.5, "2": 0.5, "3": 2.0, "5": 3.0}  # SILENT is not there


def gene_of(transcript: str) -> str:
    """The gene of a transcript, with a version."""
    return next(gene for gene, about in GENES.items() if transcript in about[-1]) + ".7"


def rsem(tpm: Mapping[str, float]) -> bytes:
    """A transcript table in RSEM's form, with a spike-in."""
    rows = ["transcript_id\tgene_id\tlength\teffective_length\texpected_count\tTPM\tFPKM\tIsoPct"]
    rows += [f"ENST0000000000{t}.3\t{gene_of(t)}\t1000\t900\t10\t{value}\t1\t50" for t, value in tpm.items()]
    return "\n".join([*rows, "gSpikein_ERCC-00002\tgSpikein_ERCC-00002\t1061\t900\t10\t77\t1\t100", ""]).encode()


def kallisto(tpm: Mapping[str, float]) -> bytes:
    """A transcript table in kallisto's form, with a spike-in."""
    rows = ["target_id\tlength\teff_length\test_counts\ttpm"]
    rows += [f"ENST0000000000{t}.3|{gene_of(t)}|-|-|X-201|X|1000|\t1000\t900\t10\t{v}" for t, v in tpm.items()]
    return "\n".join([*rows, "ERCC-00002\t1061\t900\t10\t77", ""]).encode()


def bigwig(folder: Path, signal: Intervals, *, assembly: Assembly = HG38) -> bytes:
    """The bytes of a bigWig with the assembly's header."""
    path = folder / "made.bigWig"
    parts = {chrom: tuple(zip(*rows, strict=True)) for chrom, rows in signal.items()}
    write_bigwig(path, {chrom: assembly.chrom_sizes[chrom] for chrom in CHROMS}, parts)  # type: ignore[arg-type]
    return path.read_bytes()


def gtf() -> bytes:
    """GENCODE's form: a line per gene, transcript and exon."""
    rows = ["##description: made up"]
    for gene, (name, chrom, first, last, strand, kind, transcripts) in GENES.items():
        about = f'gene_id "{gene}.7"; gene_type "{kind}"; gene_name "{name}";'
        rows.append("\t".join([chrom, "HAVANA", "gene", str(first), str(last), ".", strand, ".", about]))
        for t in transcripts:
            more = f'{about} transcript_id "ENST0000000000{t}.3";'
            for feature in ("transcript", "exon"):
                rows.append("\t".join([chrom, "HAVANA", feature, str(first), str(last), ".", strand, ".", more]))
    return gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0)


def fasta(chroms: Sequence[str] = CHROMS) -> bytes:
    """A window of 2,000 bases per chromosome, gzip as ENCODE's; whole chromosomes would be hundreds of Mb."""
    return gzip.compress("".join(f">{c}:99001-101000\n{'ACGT' * 500}\n" for c in chroms).encode(), mtime=0)


@dataclass
class TinyEncode:
    """What the server holds and what it was asked; change `content` or `about` before a download."""

    content: dict[str, bytes] = field(default_factory=dict)  # by file name
    about: dict[str, dict[str, object]] = field(default_factory=dict)  # descriptions by accession
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, range
    cut: dict[str, list[int]] = field(default_factory=dict)  # file name -> bytes after which answers break off
    url: str = ""

    def put(self, accession: str, kind: str, content: bytes, **about: object) -> None:
        """Hold a file, described truly but for `about`."""
        self.content[f"{accession}.{kind}"] = content
        self.about[accession] = {
            "@id": f"/files/{accession}/",
            "accession": accession,
            "file_format": kind.split(".")[0],
            "href": f"/files/{accession}/@@download/{accession}.{kind}",
            "assembly": "GRCh38",
            "genome_annotation": "V29",
            "md5sum": hashlib.md5(content).hexdigest(),
            "file_size": len(content),
            "biological_replicates": REPLICATES.get(accession, [1]),
            "status": "released",
        } | about

    def answer(self, path: str) -> bytes | None:
        """The bytes at a path of the portal or of SCREEN."""
        parts = path.split("?")[0].strip("/").split("/")
        if parts == ["V3", "GRCh38-cCREs.bed"]:
            return self.content["GRCh38-cCREs.bed"]
        if len(parts) == 2 and path.endswith("/?format=json") and parts[1] in self.about:
            return json.dumps(self.about[parts[1]]).encode()
        is_file = len(parts) == 4 and parts[2] == "@@download" and parts[3].startswith(parts[1])
        return self.content.get(parts[3]) if is_file else None


def tiny_encode(folder: Path) -> TinyEncode:
    """The virtual ENCODE as it should be."""
    world = TinyEncode()
    world.content["GRCh38-cCREs.bed"] = CCRES.encode()
    world.put("GRCh38_no_alt_analysis_set_GCA_000001405.15", "fasta.gz", fasta())
    world.put("ENCFF159KBI", "gtf.gz", gtf())
    world.put("ENCFF000AR1", "tsv", rsem(RSEM_1))
    world.put("ENCFF000AR2", "tsv", kallisto(KALLISTO_2))
    world.put("ENCFF000AR3", "tsv", rsem({"1": 1000.0}), genome_annotation="V24")
    world.put("ENCFF000HR1", "tsv", rsem(HEPG2))
    world.put("ENCFF000PR1", "tsv", rsem(RSEM_1), status="archived")
    for accession, signal in SIGNAL.items():
        world.put(accession, "bigWig", bigwig(folder, signal))
    return world


@contextmanager
def served(world: TinyEncode) -> Iterator[TinyEncode]:
    """Answer on 127.0.0.1 as the portal does, knowing ranges and breaking off where `cut` says so."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.respond(with_body=False)

        def do_GET(self) -> None:
            self.respond(with_body=True)

        def respond(self, *, with_body: bool) -> None:
            wanted = self.headers.get("Range")
            world.asked.append((self.path, wanted))
            body = world.answer(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted[6:-1]) if wanted else 0
            body = body[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cuts = world.cut.get(self.path.split("/")[-1])
            if with_body:
                self.wfile.write(body[: cuts.pop(0)] if cuts else body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        world.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield world
        http.shutdown()
        thread.join()
