"""What the dashboard is started with. `python -m dashboard --help` lists the options.

Loopback is the default. Another host demands a token (`--token` or CRESCOPE_TOKEN) and refuses debug.
"""

from __future__ import annotations

import argparse
import difflib
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cre_core.errors import BadInput

PRECOMPUTED = Path(__file__).resolve().parents[1] / "precomputed"
# What is opened when no study is named: the first is the default study.
EMBEDDED_STUDIES = tuple(PRECOMPUTED / name for name in ("k562", "k562-chr22", "demo"))
LEAST_TOKEN_LENGTH = 16
MOST_THREADS = 256  # of one computation: far more than any machine that this is for


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crescope"


@dataclass(frozen=True)
class Settings:
    """Where studies are and how pages are served.

    Attributes:
      studies: study folders; the first is the default study. By default those that came with the program.
      host, port: address to listen on.
      cache_dir: computed results, private to the user.
      data_dir: raw files a study is prepared from.
      studies_dir: where studies prepared from the Home page go; every study in it is offered.
      mirror: folder or base address that holds the raw files; None = their public addresses.
      token: what a visitor must know; needed on every host but loopback.
      debug: Dash's own developer tools; loopback only.
      model_process: models live in one process that all web workers share; otherwise in each web worker.
      model_device: where the model process computes: `cpu`, `cuda`, or `auto`, a GPU where there is one.
      model_threads: threads of one computation there.
      model_queue: requests that may wait there; more are refused.
      model_limit_s: longest time from a request's arrival there to its answer.
      model_join_s: how long a request waits for others that one computation can answer with it; those that come
        while the models are busy are joined in any case.
      model_hang_s: a computation that runs longer is taken for hung, and the model process is started anew.
    """

    studies: tuple[Path, ...] = EMBEDDED_STUDIES
    host: str = "127.0.0.1"
    port: int = 8050
    cache_dir: Path = field(default_factory=_default_cache)
    data_dir: Path = Path("data")
    studies_dir: Path = Path("studies")
    mirror: str | None = None
    token: str | None = None
    debug: bool = False
    model_process: bool = True
    model_device: str = "auto"
    model_threads: int = 1
    model_queue: int = 64
    model_limit_s: float = 30.0
    model_join_s: float = 0.0
    model_hang_s: float = 120.0

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise BadInput(f"port {self.port} is not a port; wanted 1 to 65535")
        self._check_model_process()
        if self.is_loopback:
            return
        if not self.token:
            raise BadInput(f"host {self.host} is open to others; set CRESCOPE_TOKEN or --token, or use 127.0.0.1")
        if len(self.token) < LEAST_TOKEN_LENGTH:
            raise BadInput(f"the token has {len(self.token)} characters; wanted at least {LEAST_TOKEN_LENGTH}")
        if self.debug:
            raise BadInput(f"host {self.host} is open to others; debug is for 127.0.0.1 only")

    def _check_model_process(self) -> None:
        for name in ("model_threads", "model_queue"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}; wanted 1 or more")
        if self.model_threads > MOST_THREADS:
            raise BadInput(f"model_threads is {self.model_threads}; wanted {MOST_THREADS} at most")
        if self.model_limit_s <= 0 or self.model_join_s < 0:
            raise BadInput(
                f"model_limit_s is {self.model_limit_s:g} and model_join_s {self.model_join_s:g}; "
                "wanted more than 0, and 0 or more"
            )
        if self.model_hang_s < self.model_limit_s:
            limit = f"model_limit_s, {self.model_limit_s:g}"
            raise BadInput(f"model_hang_s is {self.model_hang_s:g}; wanted {limit}, or more")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the pages."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own alone: `localhost`, 127.0.0.1 to 127.255.255.255, ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the command line, and the token from CRESCOPE_TOKEN.

    Args:
      arguments: without the program's name.
      environment: variables; None = this process's.

    Raises:
      BadInput: an option that cannot be, a folder that is no study, an open host without a token.
    """
    given = _parser().parse_args(list(arguments))
    environment = os.environ if environment is None else environment
    for folder in (given.data, given.studies, given.cache):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise BadInput(f"{folder} is a file; wanted a folder")
    for folder in given.study:
        if not (folder / "study.json").is_file():
            raise BadInput(f"--study {folder} is no study: study.json is missing; `prepare` or `simulate` makes one")
    return Settings(
        studies=tuple(given.study) or EMBEDDED_STUDIES,
        host=given.host.removeprefix("[").removesuffix("]"),
        port=given.port,
        cache_dir=given.cache or _default_cache(),
        data_dir=given.data,
        studies_dir=given.studies,
        mirror=given.mirror,
        token=given.token or environment.get("CRESCOPE_TOKEN") or None,
        debug=given.debug,
        model_device=given.device,
        model_threads=given.model_threads,
    )


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is one line of the error tree."""

    def error(self, message: str) -> None:  # type: ignore[override]
        given = message.removeprefix("unrecognized arguments: ").split()
        close = difflib.get_close_matches(given[0], self._option_string_actions, n=1) if given else []
        hint = f", did you mean {close[0]}?" if close and message.startswith("unrecognized") else ""
        raise BadInput(f"{message}{hint}; python -m dashboard --help lists the options")


def _text(given: str) -> str:
    if not given.strip():
        raise argparse.ArgumentTypeError("is empty; wanted a value, or to leave it out")
    return given


def _folder(given: str) -> Path:
    return Path(_text(given))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m dashboard", description="Browse what regulates a gene.", allow_abbrev=False)
    parser.add_argument("--study", action="append", type=_folder, default=[], metavar="DIR", help="study folder")
    parser.add_argument(
        "--host", type=_text, default="127.0.0.1", help="address to listen on (another than loopback needs a token)"
    )
    parser.add_argument("--port", type=int, default=8050)
    parser.add_argument("--data", type=_folder, default=Path("data"), metavar="DIR", help="raw files")
    parser.add_argument("--studies", type=_folder, default=Path("studies"), metavar="DIR", help="prepared studies")
    parser.add_argument(
        "--mirror", type=_text, metavar="DIR_OR_URL", help="where the raw files are instead of their addresses"
    )
    parser.add_argument("--cache", type=_folder, metavar="DIR", help="computed results")
    parser.add_argument("--token", type=_text, help="what visitors must know; CRESCOPE_TOKEN does the same unseen")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the models run")
    parser.add_argument("--model-threads", type=int, default=1, metavar="N", help="threads of one prediction")
    parser.add_argument("--debug", action="store_true", help="Dash's developer tools, loopback only")
    return parser
