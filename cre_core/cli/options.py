"""What options and arguments have in common: names with commas between, one biosample, and no empty text."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from cre_core.errors import BadInput


def help_alone(context: typer.Context) -> None:
    """Print the help where no command came."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def check_no_blank(arguments: Sequence[str]) -> None:
    """Refuse an option or argument of no text: a folder called `` would be the one that we stand in.

    Raises:
      BadInput: naming the option.
    """
    for before, text in zip(["", *arguments], arguments, strict=False):
        name, sign, value = text.partition("=") if text.startswith("--") else (before, "=", text)
        if sign and not value.strip():
            whose = name if name.startswith("--") else "an argument"
            raise BadInput(f"{whose} is empty; wanted a value, or to leave it out")


def names_of(text: str, *, option: str) -> list[str]:
    """Names with commas between, each once, in the order given.

    Raises:
      BadInput: there is no name among the commas.
    """
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise BadInput(f"{option} '{text}' holds no name; wanted names with commas between")
    return names
