"""The page around all pages: the app's HTML, with what the browser must know and without what it need not load.

Our own scripts and styles come as one file each. Of Dash's scripts, its old table is used nowhere; the genome
browser's are loaded when its tab is opened, and the polyfills with them: nothing else wants them, and their `trim`
alone costs a sixth of a drawing.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from dash import Dash
from flask import Flask, Response, abort, request

from dashboard import theme
from dashboard.state import described

PLOTLY = "/assets/vendor/plotly-cartesian-4.1.1.min.js"  # of the version that plotly.py writes figures for (tested)
NEVER, LATER = ("/dash/dash_table/",), ("/deps/polyfill@", "/dash_bio/")
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
_TAG = r'<(?:script src|link rel="stylesheet" href)="/assets/[^"?]+\.(?:js|css)[^"]*"[^>]*>(?:</script>)?\n?'
_OWN = re.compile(_TAG)
JOINED = "/joined/"
KINDS = {"js": "text/javascript", "css": "text/css"}
ASSETS = Path(__file__).resolve().parents[1] / "assets"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>{metas}<title>{title}</title><link rel="icon" href="/assets/icons/crescope.svg">
{preload}<style>{colours}</style>{css}
<script type="application/json" id="cs-about">{about}</script></head>
<body>{app_entry}<footer>{config}{scripts}{renderer}</footer></body>
</html>"""


class App(Dash):
    """Dash with this page."""

    def interpolate_index(self, **parts: Any) -> str:  # type: ignore[override]
        """The HTML of the first answer, as Dash asks for it."""
        scripts, later = sorted_scripts(_OWN.sub("", parts.pop("scripts")))
        scripts = f'<script src="{joined_address("js")}"></script>\n{scripts}'
        parts["css"] = f'<link rel="stylesheet" href="{joined_address("css")}">{_OWN.sub("", parts["css"])}'
        about = {"view": described(), "plotly": PLOTLY, "later": later}
        text = json.dumps(about).replace("<", "\\u003c")
        return PAGE.format(
            **parts, scripts=scripts, preload=preload(request.path), colours=theme.css_variables(), about=text
        )


def joined(kind: str) -> str:
    """Our scripts or styles as one file, in the order of their names."""
    files = sorted(path for path in ASSETS.glob(f"*.{kind}") if path.is_file())
    return "\n".join(path.read_text() for path in files)


def joined_address(kind: str) -> str:
    """Where `joined` is served; another content has another address."""
    return f"{JOINED}{hashlib.sha256(joined(kind).encode()).hexdigest()[:16]}.{kind}"


def serve_joined(server: Flask) -> None:
    """Serve our scripts and styles; a browser keeps them, for their address changes with them."""

    @server.get(f"{JOINED}<name>.<kind>")
    def answer(name: str, kind: str) -> Response:
        if kind not in KINDS:
            abort(404)
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(joined(kind), mimetype=KINDS[kind], headers=kept)


def preload(path: str) -> str:
    """The tag that lets the drawing library come beside the page's own scripts, for a page that draws at once."""
    drawing = ("/locus", "/knockout")
    return f'<link rel="preload" href="{PLOTLY}" as="script" fetchpriority="low">\n' if path in drawing else ""


def sorted_scripts(scripts: str) -> tuple[str, list[str]]:
    """Dash's script tags without those of NEVER and LATER; and the addresses of the latter."""
    kept, later = [], []
    for line in scripts.splitlines():
        match = _SCRIPT.match(line.strip())
        address = match.group(1) if match else ""
        if any(part in address for part in LATER):
            later.append(address)
        elif not any(part in address for part in NEVER):
            kept.append(line)
    return "\n".join(kept), later
