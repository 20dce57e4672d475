"""Who is let in, and what every answer carries."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.app import create_app
from dashboard.settings import Settings

TOKEN = "a-token-of-some-length"


def policy(client: FlaskClient) -> dict[str, str]:
    header = client.get("/").headers["Content-Security-Policy"]
    return {part.split()[0]: part.partition(" ")[2] for part in header.split("; ")}


def test_nothing_loads_from_elsewhere(client: FlaskClient) -> None:
    rules = policy(client)
    assert rules["default-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["img-src"] == "'self' data: blob:"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in rules["script-src"]


def test_every_inline_script_is_named_by_its_hash(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    scripts = re.findall(r"<script(?![^>]*\b(?:src|application/json))[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    assert scripts
    allowed = policy(client)["script-src"]
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed


def test_other_headers(client: FlaskClient) -> None:
    headers = client.get("/files/tiny/nope").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "127.0.0.2:8050", "localhost:8050", "[::1]:8050", "localhost"])
def test_loopback_names_are_let_in(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:8050", "localhost.evil.example", "10.0.0.1", "[::2]:8050", "[::1"],
)
def test_a_foreign_name_that_points_here_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 403


def test_another_site_s_page_may_not_ask(client: FlaskClient) -> None:
    url = "/_dash-update-component"
    assert client.post(url, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(url, json={}, headers={"Origin": "http://["}).status_code == 403
    assert client.get("/", headers={"Origin": "http://localhost"}).status_code == 200


def test_an_address_of_this_machine_alone_needs_no_token(settings: Settings, tmp_path: Path) -> None:
    app = create_app(dataclasses.replace(settings, host="127.0.0.2", cache_dir=tmp_path / "two"))
    client = app.server.test_client()
    assert client.get("/", headers={"Host": "127.0.0.2:8050"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    app.server.extensions["crescope"].close()


def test_an_open_host_wants_the_token(settings: Settings, tmp_path: Path) -> None:
    app = create_app(dataclasses.replace(settings, host="0.0.0.0", token=TOKEN, cache_dir=tmp_path / "open"))
    client = app.server.test_client()
    assert client.get("/").status_code == 401
    assert client.get("/?token=wrong").status_code == 401
    assert client.get("/files/tiny/dnase.alpha").status_code == 401
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    answer = client.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert client.get("/").status_code == 200
    app.server.extensions["crescope"].close()
