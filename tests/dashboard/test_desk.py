"""The desk of knock-outs: what is opened, scanned and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from toy_gene import CRISPR, AddingPredictor, adding_window

from cre_core.data.study import Track
from cre_core.errors import NotAvailable
from cre_core.kept import Kept
from dashboard.services.desk import Desk, desk_of, tracks_read


class ToyLibrary:
    """Counts what is computed."""

    def __init__(self) -> None:
        self.n_computed, self.kept = 0, Kept()

    def memo(self, study: str, key: tuple[object, ...], function: Callable[[], object]) -> object:
        self.n_computed += 1
        return function()


def desk_with(predictor: AddingPredictor, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(Desk, "predictor", lambda *_, **__: predictor)
    return Desk(ToyLibrary())  # type: ignore[arg-type]


def test_a_scan_runs_once_for_a_gene_and_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = AddingPredictor(pd.DataFrame(CRISPR))
    desk = desk_with(predictor, monkeypatch)
    study = predictor.study
    first = desk.experiment(study, "TOY", model="toy", biosample="here", mode="mask")
    again = desk.experiment(study, "TOY", model="toy", biosample="here", mode="mask")
    assert first is again
    assert (first.fold, first.is_leaked) == ("fold_3", True)
    assert desk.library.n_computed == 1  # type: ignore[attr-defined]


def test_the_tracks_that_a_model_reads() -> None:
    """Counts for a model of counts, values per base for one of sequence; of its own biosample, whatever the case."""
    window = adding_window()
    tracks = [
        Track(f"{biosample} {assay} {kind}", "title", assay, biosample, kind, "reads")
        for biosample in (window.biosample, "another")
        for assay in ("dnase", "ctcf", "rna")
        for kind in ("element_counts", "bigwig")
    ]

    def read(**changes: Any) -> list[str]:
        found = tracks_read(replace(window, **changes), tracks)
        return [track.id.removeprefix(f"{window.biosample} ") for track in found]

    assert read(assays=("dnase",)) == ["dnase element_counts"]
    per_base: Any = SimpleNamespace(tracks=("DNase", "CTCF"))
    assert read(assays=(), inputs=per_base) == ["dnase bigwig", "ctcf bigwig"]
    assert read(assays=()) == []


def test_a_library_has_one_desk() -> None:
    library = ToyLibrary()
    assert desk_of(library) is desk_of(library)  # type: ignore[arg-type]


def test_a_gene_without_elements_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = AddingPredictor()
    empty = replace(adding_window(), elements=adding_window().elements.head(0))
    monkeypatch.setattr(predictor, "window", lambda _: empty)
    with pytest.raises(NotAvailable, match=r"^no element within 2 Mb of TOY: nothing to knock out$"):
        desk_with(predictor, monkeypatch).experiment(
            predictor.study, "TOY", model="toy", biosample="here", mode="mask"
        )
