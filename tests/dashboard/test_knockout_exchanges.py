"""What the knock-out page asks and how it is answered, on the toy study and model, without a browser."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dash import Dash

from cre_core.errors import CreError
from cre_core.inference.predictor import Predictor
from cre_core.interpretation.perturb import knock_out
from dashboard.app import create_app
from dashboard.components.exchange import AskAgain, Outdated, Question, registered
from dashboard.components.shown import SEPARATORS, table_text
from dashboard.pages.knockout import effects, head
from dashboard.pages.knockout import page as knockout
from dashboard.pages.knockout.experiment import experiment_of
from dashboard.services import desk
from dashboard.services.library import Library
from dashboard.services.models.protocol import RESTARTING, SUPERSEDED, ModelsRestarting, Superseded
from dashboard.services.view import complete
from dashboard.settings import Settings
from dashboard.state import ViewState

ODD: tuple[Any, ...] = (
    None, 3, -1, 1.5, True, [], {}, [[]], [None], {"a": 1}, "x", "", "nan", "e2*0.5", [["e2", 0.5]], [["e2", 2]],
    [[1, 2, 3]], 1e308, [1] * 1_000, "geneA", "ToyCell", "silence", "all", "mutagenesis", "9" * 5_000, ["e2"],
)  # fmt: skip


@pytest.fixture
def app(toy_predictor: Predictor, tmp_path: Path) -> Iterator[Dash]:
    places = {name: tmp_path / name for name in ("cache_dir", "data_dir", "studies_dir")}
    app = create_app(Settings(studies=(toy_predictor.study.folder,), model_process=False, **places))
    yield app
    app.server.extensions["crescope"].close()


@pytest.fixture
def library(app: Dash) -> Library:
    library: Library = app.server.extensions["crescope"]
    return library


@pytest.fixture
def view(library: Library) -> ViewState:
    """A view of the toy gene, whole."""
    return complete(library, ViewState(gene="geneA"), wants=("model",))[0]


def data_of(text: str, separator: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), sep=separator, comment="#")


def test_the_answer_is_the_models_own(library: Library, view: ViewState, toy_predictor: Predictor) -> None:
    window = toy_predictor.window(str(toy_predictor.study.gene("geneA")["gene_id"]))
    element = str(window.elements["element_id"].iloc[1])
    reply = head.answer(library, Question(view.with_(knock_outs=((element, 0.0),))))
    result = knock_out(toy_predictor, window, {element: 0.0}, mode="mask")
    assert reply.data["log2_fold_change"] == pytest.approx(result.log2_fold_change, abs=1e-6)
    assert (reply.data["kind"], reply.data["changed"]["customdata"]) == ("exact", [element])
    assert "1 element knocked out" in str(reply.sets["ko-done"]["children"][0])


@pytest.mark.parametrize(
    ("raised", "told"), [(Superseded(SUPERSEDED), Outdated), (ModelsRestarting(RESTARTING), AskAgain)]
)
def test_a_newer_change_and_a_restart_are_no_errors(
    library: Library, view: ViewState, monkeypatch: pytest.MonkeyPatch, raised: CreError, told: type[Exception]
) -> None:
    asked: dict[str, Any] = {}

    def refuse(*_: object, **given: object) -> None:
        asked.update(given)
        raise raised

    monkeypatch.setattr(desk, "run_knock_out", refuse)
    with pytest.raises(told):
        head.answer(library, Question(view, asker="this page", number=7))
    assert asked == {"client": "this page", "sequence": 7}


def test_what_is_shown_carries_its_numbers_sources_and_name(library: Library, view: ViewState) -> None:
    """Of every exchange that shows a figure: the file reads back as the table, in both forms."""
    given = {"panel": "models", "theme": "dark"}
    fields = {**{name: value for name, value in view.to_dict().items() if name != "version"}, **given}
    drawn = 0
    for exchange, answer in knockout.EXCHANGES:
        if exchange.name == "knockout-sites":
            continue  # asked after letters alone, which this model has none of
        for shown in answer(library, exchange.question(fields)).shown.values():
            if shown.figure is None:
                assert shown.missing
                continue
            drawn += 1
            assert shown.table is not None
            assert shown.sources[0] == "toy1"
            assert "_geneA_ToyCell_toy_" in shown.name
            for form, separator in SEPARATORS.items():
                back = data_of(table_text(shown, form), separator)
                assert list(back.columns) == list(shown.table.columns)
                assert len(back) == len(shown.table)
                assert pd.api.types.is_integer_dtype(back["start"])
    assert drawn >= 6


def test_the_table_of_the_effects_has_every_element_and_every_pair_once(library: Library, view: ViewState) -> None:
    experiment = experiment_of(library, view)
    first = str(experiment.scan.table["element_id"].iloc[0])
    reply = effects.draw(library, Question(view.with_(knock_outs=((first, 0.25),))))
    table = reply.shown["ko-effects"].table
    assert table is not None
    places = table.dropna(subset=["pair_start"])[["pair_chrom", "pair_start", "pair_end"]]
    n_places = len(experiment.scan.pairs[["chrom", "start", "end"]].drop_duplicates())
    assert len(places.drop_duplicates()) == n_places
    elements = table[table["element_id"] != ""].drop_duplicates("element_id").set_index("element_id")
    assert list(elements.index) == list(experiment.scan.table["element_id"])
    assert elements.loc[first, "strength"] == 0.25
    np.testing.assert_allclose(
        elements["predicted_alone_percent"], 100 * experiment.scan.table["single_fraction"], rtol=1e-6
    )


def test_more_knock_outs_than_an_address_holds_are_all_asked() -> None:
    many = [[f"e{k}", 0] for k in range(350)]
    assert len(head.ANSWER.question({"knock_outs": many}).state.knock_outs) == 350


def test_a_question_of_nonsense_is_answered_or_refused_in_one_line(app: Dash, view: ViewState) -> None:
    client, drawn = app.server.test_client(), random.Random(4)
    known = {name: value for name, value in view.to_dict().items() if name != "version"}
    mine = [name for name in registered(app.server) if name.startswith("knockout-")]
    assert len(mine) == len(knockout.EXCHANGES)
    for name in mine:
        for _ in range(12):
            needs = registered(app.server)[name][0].needs
            odd = {drawn.choice(needs): drawn.choice(ODD) for _ in range(drawn.choice((1, 1, 2)))}
            reply = client.post(f"/ask/{name}", json={**known, **odd, "number": drawn.choice(ODD)})
            assert reply.status_code == 200
            body = reply.get_json()
            assert "error" not in body or (body["expected"] and "\n" not in body["error"]), (name, odd, body)
