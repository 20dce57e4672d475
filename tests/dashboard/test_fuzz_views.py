"""Addresses and requests of nonsense: a page or one line, never a broken answer.

Parameters of a view and callbacks are found in the app itself, so that a new one is tried too.
"""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from dash import Dash

from cre_core.errors import CreError
from cre_core.inference.predictor import Predictor
from dashboard.app import PAGES, create_app
from dashboard.components import notice
from dashboard.components.exchange import registered
from dashboard.pages.locus.figure import FILE, draw
from dashboard.pages.locus.inspector import INSPECTOR, inspect
from dashboard.pages.locus.table import TABLE, tabulate
from dashboard.services.library import Library
from dashboard.settings import Settings
from dashboard.state import ViewState, read_view

NAMES = (*(field.name for field in fields(ViewState)), "nonsense")
TEXTS = (
    "", " ", "-1", "0", "nan", "inf", "1e400", "9" * 5_000, "a" * 5_000, "基因", "\x00", "../..", ",-,", "chrA:1-2",
    "chrA:0-0", "chrA:99999999999999999999-5", "chrQ:1-5", "chrA", "chrA:-5--1", "e2*2", "e2*nan", "~", "!", "a!b!c",
    "*", "e1*0.5~e2*1", "[1]", "{}", "true", "None", "geneA", "ToyCell", "toy", "epinformer", "silence", "scramble",
    "distance", "none", "~".join(["e2*0.5"] * 500), "!".join(["n", "e2*0.5"] * 20), "A~B~C",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, 3, -1, 1.5, True, [], {}, [[]], [None], {"a": 1}, "x", [["e2", 0.5]], [["e2", 2]], [[1, 2, 3]], 1e308,
    {"state": None}, [1] * 1_000,
)  # fmt: skip


@pytest.fixture
def app(toy_predictor: Predictor, tmp_path: Path) -> Iterator[Dash]:
    places = {name: tmp_path / name for name in ("cache_dir", "data_dir", "studies_dir")}
    app = create_app(Settings(studies=(toy_predictor.study.folder,), model_process=False, **places))
    yield app
    app.server.extensions["crescope"].close()


def query(draw_: random.Random) -> dict[str, str]:
    return {draw_.choice(NAMES): draw_.choice(TEXTS) for _ in range(draw_.choice((1, 1, 2, 4)))}


def test_any_text_and_any_value_is_a_view_with_remarks() -> None:
    drawn = random.Random(1)
    for _ in range(1_500):
        state, lines = read_view("?" + urlencode(query(drawn)))
        assert read_view(state.to_query())[0] == state
        given = {name: drawn.choice((*VALUES, *TEXTS)) for name in drawn.sample(NAMES, 3)}
        for found, said in (read_view(given), read_view(drawn.choice(VALUES)), (state, lines)):
            assert isinstance(found, ViewState)
            assert all("\n" not in line and len(line) < 200 for line in said)


def test_numbers_that_are_none_are_remarked() -> None:
    for name, value in (("top", "inf"), ("top", "nan"), ("threshold", "nan"), ("threshold", "x"), ("scale", "zz")):
        state, said = read_view({name: value})
        assert state == ViewState()
        assert said == [f"'{name}={value}' in the address is not readable and was ignored"]
    assert read_view([1])[1] == ["'[1]' is no view and was ignored"]  # type: ignore[arg-type]


@pytest.mark.parametrize("page", PAGES)
def test_an_address_of_nonsense_is_a_page_or_one_line(app: Dash, page: str) -> None:
    library: Library = app.server.extensions["crescope"]
    module, drawn, refused = importlib.import_module(f"dashboard.pages.{page}.page"), random.Random(page), list[str]()
    for _ in range(60):
        try:
            module.layout(library, **query(drawn))
        except CreError as error:
            refused.append(str(error))
    assert len(refused) < 50
    assert all(line.strip() for line in refused)


def test_a_view_of_nonsense_is_answered_or_refused_in_one_line(app: Dash) -> None:
    library: Library = app.server.extensions["crescope"]
    drawn, refused = random.Random(2), list[str]()
    for _ in range(60):
        known = {"study": "toy", "biosample": "ToyCell", "gene": "geneA", "locus": "chrA:50,001-350,000"}
        given = {**known, **query(drawn), "theme": drawn.choice(("dark", "x", None)), "width": drawn.choice(VALUES)}
        for exchange, function in ((FILE, draw), (TABLE, tabulate), (INSPECTOR, inspect)):
            try:
                function(library, exchange.question(given))
            except CreError as error:
                refused.append(str(error))
    assert len(refused) < 150
    assert all(line.strip() for line in refused)


def test_a_question_of_nonsense_is_answered_in_one_line_or_none(app: Dash) -> None:
    client, drawn = app.server.test_client(), random.Random(4)
    assert len(registered(app.server)) > 8
    for name, (exchange, _) in registered(app.server).items():
        for _ in range(6):
            given = {field: drawn.choice((*VALUES, *TEXTS)) for field in exchange.needs}
            reply = client.post(f"/ask/{name}", json={**given, "number": drawn.choice(VALUES)})
            assert reply.status_code == 200, (name, given)
            said = reply.get_json()
            assert not said.get("error") or "\n" not in said["error"]


def test_a_request_of_nonsense_is_never_a_broken_answer(app: Dash) -> None:
    client, drawn = app.server.test_client(), random.Random(3)
    client.get("/_dash-layout")  # callbacks are known after the first page
    callbacks = [(key, found) for key, found in app.callback_map.items() if "callback" in found]
    assert callbacks
    for key, found in callbacks:
        for _ in range(6):
            given = [_filled(part, drawn) for part in found["inputs"]]
            first = given[0][0] if isinstance(given[0], list) else given[0]
            body = {
                "output": key,
                "outputs": _outputs(key),
                "inputs": given,
                "state": [_filled(part, drawn) for part in found.get("state", [])],
                "changedPropIds": [f"{_id_text(first['id'])}.{first['property']}"],
            }
            assert client.post("/_dash-update-component", json=body).status_code in (200, 204), body


@pytest.mark.parametrize(
    "body", [b"[]", b"3", b"{}", b'{"output": null}', b'{"output": {"a": 1}}', b"[" * 100_000,
             b'{"output": "no.such"}', b'{"output": "home-offers.children"}',
             b'{"output": "home-offers.children", "inputs": 3}',
             b'{"output": "home-offers.children", "inputs": [], "changedPropIds": 3}']
)  # fmt: skip
def test_what_no_page_sends_is_a_bad_request(app: Dash, body: bytes) -> None:
    answer = app.server.test_client().post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_data(as_text=True) == "this request is none that a page of this dashboard sends"


def test_remarks_stay_short() -> None:
    said = notice.remarks(["a" * 5_000, *["b\nc"] * 20])
    assert (len(said[0]), said[1], said[-1]) == (notice.MOST_SIGNS + 1, "b c", "15 more remarks of this kind")
    assert notice.remarks(["one", "two"]) == ["one", "two"]


def _value(draw_: random.Random) -> Any:
    state = {draw_.choice(NAMES): draw_.choice((*VALUES, *TEXTS)) for _ in range(3)}
    history = {"past": [], "now": {"knock_outs": draw_.choice(VALUES), "mode": draw_.choice(TEXTS)}, "seq": 1}
    return draw_.choice((draw_.choice(VALUES), draw_.choice(TEXTS), {"state": state}, history, state))


def _filled(part: dict[str, str], draw_: random.Random) -> Any:
    """A value for an input or a state; of a pattern of ids, a list of one."""
    identity = json.loads(part["id"]) if part["id"].startswith("{") else part["id"]
    if isinstance(identity, str):
        return {"id": identity, "property": part["property"], "value": _value(draw_)}
    chosen = {name: "n" if isinstance(value, list) else value for name, value in identity.items()}
    return [{"id": chosen, "property": part["property"], "value": _value(draw_)}]


def _outputs(key: str) -> Any:
    parts = key[2:-2].split("...") if key.startswith("..") else [key]
    found = []
    for part in parts:
        identity, _, name = part.rpartition(".")
        found.append(
            {"id": json.loads(identity) if identity.startswith("{") else identity, "property": name.split("@")[0]}
        )
    return found if key.startswith("..") else found[0]


def _id_text(identity: Any) -> str:
    return identity if isinstance(identity, str) else json.dumps(identity, separators=(",", ":"), sort_keys=True)
