"""A file's chromosome names and lengths against an assembly's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cre_core.errors import UnknownName, WrongAssembly
from cre_core.genome import Assembly, check_assembly


def name_on(assembly: Assembly, name: str) -> str | None:
    """The assembly's name of a chromosome, or None for a scaffold it lacks; WrongAssembly as `Assembly.chrom`."""
    try:
        return assembly.chrom(name)
    except UnknownName:
        return None


def file_names(assembly: Assembly, names: Iterable[str]) -> dict[str, str]:
    """The assembly's name -> the file's own name, of the chromosomes both have."""
    pairs = ((name_on(assembly, name), name) for name in names)
    return {ours: theirs for ours, theirs in pairs if ours is not None}


def check_sizes(sizes: Mapping[str, int], assembly: Assembly, *, source: str) -> None:
    """`genome.check_assembly` without the mitochondrion, whose sequence differs among files that say hg19.

    Raises:
      WrongAssembly: a chromosome has another length. UnknownName: no chromosome is shared.
    """
    try:
        nuclear = {name: size for name, size in sizes.items() if name_on(assembly, name) != "chrM"}
    except WrongAssembly as error:
        raise WrongAssembly(f"{source}: {error}") from error
    check_assembly(nuclear or sizes, assembly, source=source)
