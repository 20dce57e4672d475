"""Where the model process of some settings listens, and how it is told its settings."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from cre_core.io.folders import private_folder
from dashboard.services.models.protocol import VERSION
from dashboard.services.stamps import code_stamp
from dashboard.settings import Settings

MOST_PATH = 100  # characters of a Unix socket's path, a little less than Linux takes
_PATHS = ("cache_dir", "studies_dir")
_PLAIN = ("model_device", "model_threads", "model_queue", "model_limit_s", "model_join_s", "model_hang_s")


def settings_text(settings: Settings) -> str:
    """What the model process needs of the settings, as JSON; the token is not among it."""
    paths = {name: str(getattr(settings, name).absolute()) for name in _PATHS}
    plain = {name: getattr(settings, name) for name in _PLAIN}
    return json.dumps({"studies": [str(path.absolute()) for path in settings.studies], **paths, **plain})


def settings_of(text: str) -> Settings:
    """The settings `settings_text` told of."""
    given: dict[str, Any] = json.loads(text)
    studies = tuple(Path(path) for path in given.pop("studies"))
    given |= {name: Path(given[name]) for name in _PATHS}
    return Settings(studies=studies, **given)


def socket_of(settings: Settings) -> Path:
    """Where the one model process of these settings and this program listens; `.lock` and `.log` lie beside it.

    Raises:
      BadInput: the folder for it is not private.
    """
    about = f"{VERSION} {code_stamp()} {settings_text(settings)}"
    return _private_folder() / f"{hashlib.sha256(about.encode()).hexdigest()[:16]}.socket"


def _private_folder() -> Path:
    """A folder only this user can enter: who can reach the socket may ask."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        folder = Path(base or "/", f"crescope-{os.getuid()}")
        if base and len(str(folder)) < MOST_PATH - 30 and os.access(base, os.W_OK):
            break
    return private_folder(folder)
