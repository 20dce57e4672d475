"""The page around all pages: the app's HTML, with what the browser must know and without what it need not load.

Of Dash's scripts, its old table is used nowhere. The genome browser's scripts are loaded when its tab is opened, and
the polyfills with it: nothing else wants them, and their `trim` alone costs a sixth of a drawing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from dash import Dash
from flask import request

from dashboard import theme
from dashboard.state import described

PLOTLY = "/assets/vendor/plotly-cartesian-4.1.1.min.js"  # of the version that plotly.py writes figures for (tested)
NEVER, LATER = ("/dash/dash_table/",), ("/deps/polyfill@", "/dash_bio/")
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
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
        scripts, later = sorted_scripts(parts.pop("scripts"))
        about = {"view": described(), "plotly": PLOTLY, "later": later}
        text = json.dumps(about).replace("<", "\\u003c")
        return PAGE.format(
            **parts, scripts=scripts, preload=preload(request.path), colours=theme.css_variables(), about=text
        )


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
