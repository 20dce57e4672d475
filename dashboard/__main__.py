"""`python -m dashboard`: the pages on http://127.0.0.1:8050."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
import threading
from types import FrameType

from cre_core.errors import BadInput, CreError
from dashboard.settings import Settings, read_settings


def main() -> None:
    """Serve until stopped; every expected failure is one line and exit code 2."""
    try:
        serve(read_settings(sys.argv[1:]))
    except CreError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"{error.strerror}: {error.filename}" if error.filename else str(error), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(0)


def serve(settings: Settings) -> None:
    """Serve the dashboard.

    Raises:
      BadInput: the address cannot be listened on.
      BadFile: one of the studies is broken.
    """
    listening = _listen(settings)
    from cre_core.data.study import Study

    for folder in settings.studies:
        Study.open(folder)
    from werkzeug.serving import make_server

    from dashboard.app import create_app

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(settings)
    if settings.debug:
        app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    server = make_server(settings.host, settings.port, app.server, threaded=True, fd=listening.fileno())
    print(f"CREscope on http://{_address(settings)}", flush=True)
    threading.Thread(target=_warm, name="warm", daemon=True).start()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with listening:
            server.serve_forever()
    finally:
        app.server.extensions["crescope"].close()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _warm() -> None:
    """Import what the first answer of a model needs, torch, while people look at the first page."""
    import cre_core.inference.predictor  # noqa: F401


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as error:
        hint = "; another --port may be free" if error.errno == errno.EADDRINUSE else ""
        raise BadInput(f"cannot listen on {_address(settings)}: {error.strerror or error}{hint}") from error


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


if __name__ == "__main__":
    main()
