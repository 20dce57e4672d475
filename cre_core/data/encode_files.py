"""Which files of ENCODE a biosample needs, where they are, and what ENCODE says of each: MD5, assembly, replicates.

The list of accessions is encode_accessions.tsv. ENCODE's description of a file (its JSON) is kept beside it as
ACCESSION.json, so that a downloaded folder serves as a mirror.
"""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cre_core.errors import BadFile, BadInput, NotAvailable, UnknownName, WrongAssembly
from cre_core.io.download import RemoteFile, check_mirror, download, read_text, size_of
from cre_core.io.files import written_whole
from cre_core.progress import Report

PORTAL, SCREEN = "https://www.encodeproject.org", "https://downloads.wenglab.org"
ASSEMBLY, ANNOTATION = "GRCh38", "V29"
CCRES = "GRCh38-cCREs.bed"
LICENCE = "ENCODE data use policy: free to use, cite ENCODE and the accession"
_LIST = Path(__file__).parent / "encode_accessions.tsv"
_WITHDRAWN = ("archived", "revoked", "deleted", "replaced")


@dataclass(frozen=True)
class EncodeFile:
    """One file of the portal; `target` is what a ChIP binds; the genome and its genes have no biosample."""

    biosample: str
    organism: str
    accession: str
    format: str
    output_type: str
    experiment: str
    assay: str
    target: str = ""

    @property
    def name(self) -> str:
        """The file's name in a folder."""
        return f"{self.accession}.{self.format}"

    @property
    def title(self) -> str:
        """What was measured, for people: DNase, H3K27ac, RNA."""
        return self.target or {"DNase-seq": "DNase", "": ""}.get(self.assay, "RNA")

    @property
    def track(self) -> str:
        """What was measured, as a column of the study."""
        return self.title.lower()


@dataclass(frozen=True)
class Description:
    """What ENCODE says of a file: MD5, bytes, assembly; `replicates` it was made from, annotation, status."""

    md5: str
    n_bytes: int
    assembly: str
    replicates: tuple[int, ...] = ()
    annotation: str = ""
    status: str = "released"


GENOME = EncodeFile(
    "", "human", "GRCh38_no_alt_analysis_set_GCA_000001405.15", "fasta.gz", "genome reference", "", ""
)
GENES = EncodeFile("", "human", "ENCFF159KBI", "gtf.gz", "genome reference", "", "")  # GENCODE v29, UCSC names


@cache
def listed() -> tuple[EncodeFile, ...]:
    """Every file of encode_accessions.tsv."""
    with _LIST.open(newline="") as file:
        return tuple(EncodeFile(**row) for row in csv.DictReader(file, delimiter="\t"))


def biosamples() -> tuple[str, ...]:
    """The human biosamples of the list."""
    return tuple(dict.fromkeys(file.biosample for file in listed() if file.organism == "human"))


def files_of(names: Sequence[str]) -> list[EncodeFile]:
    """The listed files of biosamples, in the list's order.

    Raises:
      UnknownName: no such biosample; those there are are listed.
      BadInput: none is named, or one is not human: this recipe makes studies of hg38.
    """
    if not names:
        raise BadInput(f"the study encode wants --biosample A,B: one or more of {', '.join(biosamples())}")
    organisms = {file.biosample: file.organism for file in listed()}
    for name in names:
        if name not in organisms:
            raise UnknownName(f"ENCODE's list has no biosample '{name}'; it has {', '.join(biosamples())}")
        if organisms[name] != "human":
            raise BadInput(f"{name} is of {organisms[name]}; the study encode is on hg38, wanted a human biosample")
    return [file for file in listed() if file.biosample in names]


def fetch(names: Sequence[str], data: Path, *, mirror: str | None = None, progress: Report) -> list[Path]:
    """Bring every file that a study of these biosamples needs into a folder, each whole and with ENCODE's own MD5.

    Args:
      names: biosamples of the list.
      data: where to; files lie there under ACCESSION.FORMAT, descriptions under ACCESSION.json.
      mirror: an address that answers on the portal's paths, or a folder laid out like `data`.
      progress: called with what is done, how much, of how much.

    Returns:
      The files' paths: reference files first.

    Raises:
      UnknownName, BadInput: as `files_of` and `chosen`. WrongAssembly: a file is on another assembly than GRCh38.
      NotAvailable, BadFile: as `io.download.download`; SCREEN publishes no checksum, its file is checked by size.
    """
    check_mirror(mirror)
    wanted = [GENOME, GENES, *files_of(names)]
    for i, file in enumerate(wanted):
        progress("descriptions", i, len(wanted))
        _bring_description(file, data, mirror)
    kept, _ = chosen(names, described(wanted, data))
    known = {file.name: _remote(file, description_of(file, data), mirror) for file in (GENOME, GENES, *kept)}
    known[CCRES] = _remote_ccres(mirror)
    folder = mirror if mirror is not None and "://" not in mirror else None
    return download(list(known), data, mirror=folder, progress=progress, registry=known)


def downloaded(data: Path) -> tuple[str, ...]:
    """The biosamples all of whose files are described in a folder."""
    return tuple(
        name for name in biosamples() if all((data / f"{file.accession}.json").is_file() for file in files_of([name]))
    )


def described(files: Sequence[EncodeFile], data: Path) -> dict[str, Description]:
    """The kept description of each file, by accession; NotAvailable when one is missing."""
    return {file.accession: description_of(file, data) for file in files}


def description_of(file: EncodeFile, data: Path) -> Description:
    """The kept description of one file.

    Raises:
      NotAvailable: it was not downloaded. BadFile: it is not ENCODE's description of that file.
    """
    path = data / f"{file.accession}.json"
    if not path.is_file():
        again = (
            f"python -m cre_core download encode --biosample {shlex.quote(file.biosample or 'NAME')} --data {data}"
        )
        raise NotAvailable(f"no description of {file.accession} ({path.name}) in {data}; {again}")
    try:
        raw = json.loads(path.read_text())
        return Description(
            md5=raw["md5sum"],
            n_bytes=int(raw["file_size"]),
            assembly=raw["assembly"],
            replicates=tuple(raw.get("biological_replicates", ())),
            annotation=raw.get("genome_annotation", ""),
            status=raw.get("status", "released"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"{path.name} is not ENCODE's description of a file: {error!r}") from error


def chosen(names: Sequence[str], descriptions: Mapping[str, Description]) -> tuple[list[EncodeFile], list[str]]:
    """The files of biosamples that make the study, and a line for every one left out.

    Left out: what ENCODE withdrew; expression on another annotation than GENCODE v29; the replicates of an
    experiment whose reads ENCODE has pooled into one more signal track, which holds them already.

    Raises:
      WrongAssembly: a file is on another assembly than GRCh38.
      BadInput: a biosample has no expression left.
    """
    kept, notes = [], []
    files = files_of(names)
    for file in files:
        about = descriptions[file.accession]
        _check_assembly(file, about)
        reason = _withdrawn(file, about) or _pooled_elsewhere(file, files, descriptions)
        if reason:
            notes.append(f"{_named(file)} is left out: {reason}")
        else:
            kept.append(file)
    for name in names:
        if not any(file.track == "rna" for file in kept if file.biosample == name):
            raise BadInput(f"{name} has no RNA quantification on GENCODE {ANNOTATION}; wanted at least one")
    return kept, notes


def address(file: EncodeFile, mirror: str | None = None) -> str:
    """Where a file is: on the portal, or under the same path of a mirror's address."""
    return f"{_base(mirror, PORTAL)}/files/{file.accession}/@@download/{file.name}"


def ccres_address(mirror: str | None = None) -> str:
    """Where SCREEN's registry V3 of all human cCREs is."""
    return f"{_base(mirror, SCREEN)}/V3/{CCRES}"


def _base(mirror: str | None, own: str) -> str:
    return mirror.rstrip("/") if mirror is not None and "://" in mirror else own


def _check_assembly(file: EncodeFile, about: Description) -> None:
    if about.assembly != ASSEMBLY:
        raise WrongAssembly(f"{_named(file)} is on {about.assembly}; wanted {ASSEMBLY}")


def _named(file: EncodeFile) -> str:
    about = ", ".join(part for part in (file.title, file.biosample) if part)
    return f"{file.name} ({about})" if about else file.name


def _withdrawn(file: EncodeFile, about: Description) -> str:
    if about.status in _WITHDRAWN:
        return f"ENCODE calls it {about.status}"
    if file.track == "rna" and about.annotation not in ("", ANNOTATION):
        return f"its genes are GENCODE {about.annotation}, wanted {ANNOTATION}"
    return ""


def _pooled_elsewhere(file: EncodeFile, files: Sequence[EncodeFile], descriptions: Mapping[str, Description]) -> str:
    """The pooled track of the same experiment that stands for `file`, said in words; empty when there is none."""
    if file.track == "rna":
        return ""
    own = descriptions[file.accession].replicates
    for other in files:
        about = descriptions[other.accession]
        same = (other.biosample, other.experiment, other.track) == (file.biosample, file.experiment, file.track)
        if same and set(about.replicates) > set(own) and not _withdrawn(other, about):
            return f"{other.accession} pools the replicates of {file.experiment}"
    return ""


def _bring_description(file: EncodeFile, data: Path, mirror: str | None) -> None:
    name = f"{file.accession}.json"
    if mirror is None or "://" in mirror:
        content = read_text(f"{_base(mirror, PORTAL)}/files/{file.accession}/?format=json", name=name)
    elif (Path(mirror) / name).is_file():
        content = (Path(mirror) / name).read_text()
    else:
        raise NotAvailable(f"mirror has no file {name} (looked for {Path(mirror) / name})")
    with written_whole(data / name) as partial:
        partial.write_text(content)


def remote_files(files: Sequence[EncodeFile], data: Path) -> list[RemoteFile]:
    """The raw files of a study as a folder describes them: cCREs, genome, genes, then those given."""
    known = [_remote(file, description_of(file, data), None) for file in (GENOME, GENES, *files)]
    return [_ccres(ccres_address(), 0), *known]


def _remote(file: EncodeFile, about: Description, mirror: str | None) -> RemoteFile:
    _check_assembly(file, about)
    parts = (file.title, file.output_type, file.biosample, file.experiment)
    url, what = address(file, mirror), " ".join(part for part in parts if part)
    return RemoteFile(file.name, about.n_bytes, "", url, LICENCE, about.assembly, what, md5=about.md5)


def _remote_ccres(mirror: str | None) -> RemoteFile:
    url = ccres_address(mirror)
    if mirror is not None and "://" not in mirror:
        path = Path(mirror) / CCRES
        n_bytes = path.stat().st_size if path.is_file() else 0  # download says that it is missing
    else:
        n_bytes = size_of(url, name=CCRES)
    return _ccres(url, n_bytes)


def _ccres(url: str, n_bytes: int) -> RemoteFile:
    return RemoteFile(CCRES, n_bytes, "", url, LICENCE, ASSEMBLY, "SCREEN registry V3, all human cCREs")
