"""What the dashboard may be started with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cre_core.errors import BadInput
from dashboard.settings import EMBEDDED_STUDIES, Settings, read_settings

TOKEN = "a-token-of-some-length"


def test_defaults() -> None:
    settings = read_settings([], {})
    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8050, None)
    assert settings.studies == EMBEDDED_STUDIES
    assert [folder.name for folder in settings.studies] == ["k562", "k562-chr22", "demo"]


def test_options_and_the_token_of_the_environment(tiny_study: Path) -> None:
    given = ["--study", str(tiny_study), "--host", "0.0.0.0", "--port", "9000", "--mirror", "m", "--data", "d"]
    settings = read_settings(given, {"CRESCOPE_TOKEN": TOKEN})
    assert settings.studies == (tiny_study,)
    assert (settings.host, settings.port, settings.mirror, settings.data_dir) == ("0.0.0.0", 9000, "m", Path("d"))
    assert settings.token == TOKEN
    assert not settings.is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert Settings(host=host, debug=True).is_loopback


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "open to others; set CRESCOPE_TOKEN"),
        (["--host", "0.0.0.0", "--token", "short"], "the token has 5 characters; wanted at least 16"),
        (["--host", "0.0.0.0", "--token", TOKEN, "--debug"], "debug is for 127.0.0.1 only"),
        (["--host", "my.machine"], "open to others"),
        (["--port", "0"], "port 0 is not a port"),
        (["--port", "x"], "invalid int value: 'x'"),
        (["--study", "/nowhere"], "--study /nowhere is no study"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
        (["--prot", "9000"], "unrecognized arguments: --prot 9000, did you mean --port?"),
        (["--port", "99999999"], "port 99999999 is not a port; wanted 1 to 65535"),
        (["--host", ""], "argument --host: is empty; wanted a value"),
        (["--study", ""], "argument --study: is empty; wanted a value"),
        (["--study"], "argument --study: expected one argument"),
        (["--cache", __file__], "test_settings.py is a file; wanted a folder"),
        (["--model-threads", "0"], "model_threads is 0; wanted 1 or more"),
        (["--model-threads", "99999999"], "model_threads is 99999999; wanted 256 at most"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: list[str], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_settings(arguments, {})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_in_brackets_is_the_same_address() -> None:
    assert read_settings(["--host", "[::1]"], {}).host == "::1"


@pytest.mark.parametrize(
    "arguments", [["--host", "0.0.0.0"], ["--port", "BUSY"], ["--study", "BROKEN", "--port", "FREE"]]
)
def test_the_program_says_it_on_one_line_and_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("[]")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        with socket.create_server(("127.0.0.1", 0)) as probe:
            free = str(probe.getsockname()[1])
        known = {"BUSY": port, "FREE": free, "BROKEN": str(tmp_path)}
        command = [sys.executable, "-m", "dashboard", *(known.get(a, a) for a in arguments)]
        environment = {name: value for name, value in os.environ.items() if name != "CRESCOPE_TOKEN"}
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    says = ("host 0.0.0.0 is open", f"cannot listen on 127.0.0.1:{port}", f"{tmp_path}/study.json is not a study")
    assert ended.stderr.startswith(says)
