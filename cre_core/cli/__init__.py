"""Thin commands: parse, call one function, write. Bad input: one line on stderr and exit code 2."""

from __future__ import annotations

import os
import sys

import typer

from cre_core.cli import data, evaluate, explain, knockout, models
from cre_core.errors import CreError

# Typer carries its own click; the base of its usage errors has no public name.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]

PIPE_CLOSED = 1  # exit code; the text was cut, the files are whole

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
    _open_closed_streams()
    try:
        code = app(standalone_mode=False)
        print(end="", flush=True)
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the very end
        sys.exit(PIPE_CLOSED)
    except _UsageError as error:
        _fail(str(getattr(error, "message", error)))
    except typer.Abort:
        _fail("stopped; what was complete is kept", code=130)
    except CreError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped; what was complete is kept", code=130)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}")
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _open_closed_streams() -> None:
    """Started with closed streams (`>&-`), a program would print into the first file that it opens."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (until the end)


def _fail(message: str, *, code: int = 2) -> None:
    print(" ".join(message.split()), file=sys.stderr)
    sys.exit(code)
