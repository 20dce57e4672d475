"""Thin commands: parse, call one function, write. Bad input: one line on stderr and exit code 2."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import typer

from cre_core.cli import data, evaluate, explain, knockout, models
from cre_core.cli.options import check_no_blank, help_alone
from cre_core.errors import CreError
from cre_core.io.text import shown

# Typer carries its own click; the base of its usage errors has no public name.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]
LONGEST_LINE = 2_000  # characters of a line on stderr

PIPE_CLOSED = 1  # exit code; the text was cut, the files are whole

app = typer.Typer(
    name="cre_core", help=__doc__, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.callback(invoke_without_command=True, help=__doc__)(help_alone)
data.register(app)
models.register(app)
knockout.register(app)
explain.register(app)
evaluate.register(app)


def main() -> None:
    """Run a command; every expected failure is one line and exit code 2."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name need not be text
    try:
        check_no_blank(sys.argv[1:])
        code = app(standalone_mode=False)
        print(end="", flush=True)
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the very end
        sys.exit(PIPE_CLOSED)
    except _UsageError as error:
        _fail(_usage_line(error))
    except CreError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{shown(str(error.filename))}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        _fail("this machine has not the memory that this takes")
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped; what was complete is kept", code=130)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _usage_line(error: Exception) -> str:
    """What a usage error says, with the value that came."""
    message = error.format_message()  # type: ignore[attr-defined]
    refused: Any = error.__cause__  # pydantic's, where a value was of the wrong kind
    if not hasattr(refused, "errors"):
        return message
    whose = message.partition(": ")[0].removeprefix("Invalid value for ").strip("'")
    found = refused.errors()[0]
    wanted = found["msg"].removeprefix("Input should be ").partition(",")[0]
    return f"{whose} '{found['input']}' came; wanted {wanted}"


def _open_closed_streams() -> None:
    """Started with closed streams (`>&-`), a program would print into the first file that it opens."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (until the end)


def _fail(message: str, *, code: int = 2) -> None:
    line = "".join(sign if sign.isprintable() else " " for sign in message)
    line = " ".join(line.split())
    print(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…", file=sys.stderr)
    sys.exit(code)
