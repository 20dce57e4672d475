"""Who may ask and what a page may load: host check, token, and the headers of every answer."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, redirect, request
from werkzeug.exceptions import HTTPException

from dashboard.settings import is_loopback

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from dashboard.settings import Settings

COOKIE = "crescope_token"
UPLOAD_BYTES = 4_000_000
log = logging.getLogger("dashboard")


def guard(server: Flask, settings: Settings, script_hashes: Callable[[], Sequence[str]]) -> None:
    """Check every request and mark every answer of a Flask app.

    Args:
      server: the app.
      settings: host and token.
      script_hashes: the hashes of the inline scripts of the page, as they are now.
    """
    server.config["MAX_CONTENT_LENGTH"] = UPLOAD_BYTES
    server.before_request(lambda: _check(settings))
    server.register_error_handler(Exception, _refuse)

    @server.after_request
    def mark(response: Response) -> Response:
        hashes = " ".join(script_hashes())
        response.headers.update(_headers(hashes))
        return response


def _refuse(error: Exception) -> Any:
    """What Dash does not understand is a request that no page of ours sends: 400, and the reason goes to the log."""
    if isinstance(error, HTTPException):
        return error
    if not request.path.startswith("/_dash-"):
        raise error
    log.warning("%s is not understood", request.path, exc_info=error)
    return Response("this request is none that a page of this dashboard sends", 400, mimetype="text/plain")


def _headers(hashes: str) -> dict[str, str]:
    policy = (
        "default-src 'self'",
        f"script-src 'self' {hashes}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _check(settings: Settings) -> AnyResponse | None:
    """Nothing for a request that may pass; a stranger's site, name or missing token ends here."""
    # A foreign name may be made to point here; an address cannot.
    if settings.is_loopback and not is_loopback(_host_name(request.host)):
        abort(403, f"this dashboard answers on {settings.host} only")
    origin = request.headers.get("Origin")
    if origin and origin.partition("://")[2] != request.host:
        abort(403, "a page of another site may not ask here")
    if settings.is_loopback:
        return None
    return _check_token(settings.token or "")


def _check_token(token: str) -> AnyResponse | None:
    header = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if _same(header, token) or _same(request.cookies.get(COOKIE, ""), token):
        return None
    if _same(request.args.get("token", ""), token):
        answer = redirect(request.path)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.is_secure)
        return answer
    abort(401, "open this address once with ?token=... to be let in")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _host_name(host: str) -> str:
    """`127.0.0.1:8050` -> `127.0.0.1`, `[::1]:8050` -> `::1`."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
