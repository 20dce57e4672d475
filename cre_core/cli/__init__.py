"""Thin commands: parse, call one function, write. Bad input: one line on stderr and exit code 2."""

from __future__ import annotations

import sys

import typer

from cre_core.cli import data, evaluate, explain, knockout, models
from cre_core.errors import CreError

# Typer carries its own click; the base of its usage errors has no public name.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="cre_core",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data.register(app)
models.register(app)
knockout.register(app)
explain.register(app)
evaluate.register(app)


def main() -> None:
    """Run a command; every expected failure is one line and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except _UsageError as error:
        _fail(str(getattr(error, "message", error)))
    except typer.Abort:
        _fail("stopped; what was complete is kept", code=130)
    except CreError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped; what was complete is kept", code=130)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, *, code: int = 2) -> None:
    print(" ".join(message.split()), file=sys.stderr)
    sys.exit(code)
