"""One way to ask and to answer.

A page declares which fields of the view an answer needs, and the function that gives it:

    FIGURE = Exchange("locus-figure", needs=("study", "gene", "locus", "theme", "width"))
    FIGURE.answered_by(app, lambda question: draw(library, question))      # in `register`
    shell.page(state, main, exchanges=[FIGURE])                            # in `layout`

The browser's question and the server's cache key both come from that declaration. assets/exchange.js asks when one
of the fields changes: the latest question wins, a late answer is dropped, the place marked by `busy` shows that
something is being computed, and the same is asked again when the process that holds the models has started anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from dash import Dash
from flask import Flask, Response, abort, request
from plotly.utils import PlotlyJSONEncoder

from cre_core.errors import CreError
from dashboard.components import notice
from dashboard.components.shown import SEPARATORS, Shown, file_name, table_text
from dashboard.state import KINDS, ViewState, read_view
from dashboard.theme import ThemeName

PATH, EXPORT = "/ask/", "/export/"
TSV = "text/tab-separated-values"
BROWSER_FIELDS = ("theme", "width")  # what the browser knows of itself, beside the view
LEAST_PX, MOST_PX, STEP_PX = 300, 6000, 50  # widths are rounded, so that one drawing serves many windows
log = logging.getLogger("dashboard")


class Outdated(Exception):
    """The question was overtaken by a newer one of the same page: there is no answer."""


class AskAgain(Exception):
    """There is no answer yet; the same may be asked again in a moment. The text says why."""


@dataclass(frozen=True)
class Question:
    """What a page asks.

    Attributes:
      state: the view, but of the fields that the answer declared; all others have their default.
      theme: light or dark.
      width_px: of the place that the answer is drawn in, rounded.
      kept: what else was declared: values that the page keeps in the browser and not in the address.
      asker: which open page asks.
      number: counts the questions of that page to this answer.
    """

    state: ViewState
    theme: ThemeName = "light"
    width_px: int = 900
    kept: Mapping[str, Any] = field(default_factory=dict)
    asker: str = ""
    number: int = 0


@dataclass(frozen=True)
class Reply:
    """An answer: what is drawn, and what else changes on the page.

    Attributes:
      shown: figure id -> what is drawn there.
      sets: component id -> properties, as a callback would set them.
      data: whatever the page's own script wants to know.
    """

    shown: Mapping[str, Shown] = field(default_factory=dict)
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


Answer = Callable[[Question], Reply]


@dataclass(frozen=True)
class Exchange:
    """A declared question.

    Attributes:
      name: in the address, and for the page's script.
      needs: fields of the view; `theme`, `width`; others are values that the page keeps in the browser.
      width_of: id of the part whose width is asked with.
      busy: id of the part that is marked while the answer is computed; empty = none.
      only: field -> value: asked only while the view has these values.
      on_demand: asked only when the page's script says so.
    """

    name: str
    needs: tuple[str, ...]
    width_of: str = ""
    busy: str = ""
    only: Mapping[str, str] = field(default_factory=dict)
    on_demand: bool = False

    def answered_by(self, app: Dash, answer: Answer) -> None:
        """Give the function that answers; once per app."""
        registered(app.server)[self.name] = (self, answer)

    def question(self, given: Mapping[str, Any]) -> Question:
        """The question of some plain JSON: fields that were not declared are dropped, odd ones have their default."""
        fields = {name: given.get(name) for name in self.needs if given.get(name) is not None}
        state, _ = read_view({name: value for name, value in fields.items() if name in KINDS}, is_limited=False)
        kept = {name: value for name, value in fields.items() if name not in KINDS and name not in BROWSER_FIELDS}
        return Question(
            state=state,
            theme="dark" if fields.get("theme") == "dark" else "light",
            width_px=_rounded(fields.get("width")),
            kept=kept,
            asker=str(given.get("asker") or "")[:64],
            number=_whole(given.get("number")),
        )

    def for_browser(self) -> dict[str, Any]:
        """What assets/exchange.js must know."""
        return {
            "name": self.name,
            "needs": self.needs,
            "widthOf": self.width_of,
            "busy": self.busy,
            "only": dict(self.only),
            "onDemand": self.on_demand,
        }

    def of_view(self, state: ViewState) -> Question:
        """The question of a view, in light, for a file or a test."""
        return Question(state=state.only(name for name in self.needs if name in KINDS))


def registered(server: Flask) -> dict[str, tuple[Exchange, Answer]]:
    """Name -> declared question and its answer, of an app."""
    found: dict[str, tuple[Exchange, Answer]] = server.extensions.setdefault("exchanges", {})
    return found


def declare(exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """The attribute of a part of a page that tells assets/exchange.js what to ask."""
    return {"data-exchanges": json.dumps([one.for_browser() for one in exchanges])}


def serve(server: Flask, error_text: Callable[[Exception], str]) -> None:
    """Answer questions on PATH.

    Args:
      error_text: an error as one line for the person.
    """

    @server.post(f"{PATH}<name>")
    def ask(name: str) -> Response:
        exchange, answer = registered(server).get(name) or abort(404)
        given = request.get_json(silent=True)
        if not isinstance(given, dict):
            abort(400, "a question is a JSON object")
        question = exchange.question(given)
        try:
            body: Mapping[str, Any] = _plain(answer(question))
        except Outdated:
            body = {"outdated": True}
        except AskAgain as error:
            body = {"again": str(error)}
        except Exception as error:
            body = {"error": notice.short(error_text(error)), "expected": isinstance(error, CreError)}
        return Response(encoded({**body, "number": question.number}), mimetype="application/json")

    @server.get(f"{EXPORT}<name>/<shown_id>.<form>")
    def export(name: str, shown_id: str, form: str) -> Response:
        """The table behind what is shown, as data, of the view in the address."""
        exchange, answer = registered(server).get(name) or abort(404)
        if form not in SEPARATORS:
            abort(404)
        try:
            shown = answer(exchange.of_view(read_view(request.args.to_dict())[0])).shown[shown_id]
        except (CreError, KeyError) as error:
            abort(404, notice.short(error_text(error)) if isinstance(error, CreError) else "there is no such table")
        about = [f"CREscope {version('crescope')}, {request.full_path.rstrip('?')}"]
        text = table_text(shown, form, about=about)  # type: ignore[arg-type]
        attached = {"Content-Disposition": f'attachment; filename="{file_name(shown.name)}.{form}"'}
        return Response(text, mimetype="text/csv" if form == "csv" else TSV, headers=attached)


def encoded(value: object) -> str:
    """JSON with figures, components and arrays in it; NaN becomes null."""
    return json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))


def _plain(reply: Reply) -> dict[str, Any]:
    return {
        "shown": {identity: shown.for_browser() for identity, shown in reply.shown.items()},
        "sets": reply.sets,
        "data": reply.data,
    }


def _rounded(width: object) -> int:
    try:
        px = float(str(width))
    except ValueError:
        px = 900.0
    return round(max(LEAST_PX, min(MOST_PX, px)) / STEP_PX) * STEP_PX if px == px else 900


def _whole(number: object) -> int:
    return number if isinstance(number, int) else 0
