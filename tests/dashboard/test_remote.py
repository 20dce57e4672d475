"""A predictor whose weights are in the model process says what one with its own weights says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cre_core.data.study import Study
from cre_core.errors import BadInput, NotAvailable
from cre_core.evaluation.scan import run_scan
from cre_core.evaluation.scores import gene_links
from cre_core.inference.predictor import open_predictor
from cre_core.interpretation.attention import attention_of
from cre_core.interpretation.attribution import gradient_scores
from cre_core.interpretation.perturb import knock_out, scan_pairs, scan_singles
from cre_core.models import checkpoint
from cre_core.schema import Mode
from dashboard.services.models.client import ModelClient
from dashboard.services.models.protocol import Answer, Request, Superseded
from dashboard.services.remote import RemotePredictor, asked_by, open_remote
from dashboard.settings import PRECOMPUTED, Settings

GENE = "SIMG00031"


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.open(PRECOMPUTED / "demo")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    folder = tmp_path_factory.mktemp("remote")
    client = ModelClient(Settings(cache_dir=folder / "cache", studies_dir=folder / "studies"))
    yield client
    client.close()


@pytest.fixture(scope="module")
def remote(study: Study, models: ModelClient) -> RemotePredictor:
    return open_remote(study, "creator", biosample="SimA", client=models)


@pytest.mark.parametrize("mode", ["mask", "silence", "scramble"])
def test_knock_outs_and_scans_are_the_same(study: Study, remote: RemotePredictor, mode: Mode) -> None:
    own = open_predictor(study, "creator", biosample="SimA")
    window = own.window(GENE)
    ids = window.elements["element_id"].tolist()
    here, there = (knock_out(one, window, {ids[3]: 0.0, ids[5]: 0.5}, mode=mode) for one in (own, remote))
    assert there.after == pytest.approx(here.after, abs=1e-5)
    assert there.spread_log2 == pytest.approx(here.spread_log2, abs=1e-5, nan_ok=True)
    np.testing.assert_allclose(there.attention_after, here.attention_after, atol=1e-6)
    scans = [scan_singles(one, window, mode=mode, element_ids=ids[:6], n_shuffles=2) for one in (own, remote)]
    np.testing.assert_allclose(scans[1]["log2_fold_change"], scans[0]["log2_fold_change"], atol=1e-5)


def test_a_scan_asks_in_pieces_of_about_the_same_time(study: Study, models: ModelClient) -> None:
    """A model of 1/64 s a variant: 65 take too long, and 12.8 the time that a request may."""
    remote = open_remote(study, "epinformer", biosample="SimA", client=models)
    sizes = list[int]()

    def slow(request: Request) -> Answer:
        rows = request.arrays["rows"]
        sizes.append(len(rows))
        return Answer("ok", arrays={"expression": np.r_[-1, rows]}, seconds=(1 + len(rows)) / 64)

    remote._asked = slow  # type: ignore[method-assign]
    found = remote.predict_singles(remote.window(GENE), np.arange(100), mode="mask")
    assert sizes == [64, 12, 12, 12]
    np.testing.assert_array_equal(found, np.r_[-1, np.arange(100)])


def test_a_scan_is_few_requests_and_says_what_own_weights_say(study: Study, models: ModelClient) -> None:
    """Single knock-outs are asked in pieces; as measured, the measured pairs, and stretches of distance at once."""
    own = open_predictor(study, "epinformer", biosample="SimA")
    remote = open_remote(study, "epinformer", biosample="SimA", client=models)
    asked, ask = list[str](), remote._asked

    def counted(request: Request) -> Answer:
        asked.append(request.operation)
        return ask(request)

    remote._asked = counted  # type: ignore[method-assign]
    screen = study.crispr[study.crispr["biosample"] == "SimA"]
    window = own.window(str(screen["gene_id"].mode()[0]))
    here, there = (run_scan(one, window, mode="mask") for one in (own, remote))
    assert len(there.pairs) > 0
    assert (asked.count("variants"), asked.count("reads")) == (3, 1)
    assert set(asked) == {"scan", "variants", "reads"}
    for name in ("n_elements", "n_read", "predicted_fraction"):
        np.testing.assert_allclose(there.pairs[name], here.pairs[name], atol=1e-5)
    np.testing.assert_allclose(there.by_distance["effect_fraction"], here.by_distance["effect_fraction"], atol=1e-5)


def test_links_through_the_process_are_the_same(study: Study, models: ModelClient) -> None:
    methods = ["epinformer.attention", "epinformer.perturbation", "epinformer.attention_abc"]

    def through(study: Study, model: str, biosample: str) -> RemotePredictor:
        return open_remote(study, model, biosample=biosample, client=models)

    own = gene_links(study, GENE, biosample="SimA", methods=methods)
    other = gene_links(study, GENE, biosample="SimA", methods=methods, predictors=through)
    np.testing.assert_allclose(other["score"], own["score"], atol=1e-5)
    assert other["fold"].tolist() == own["fold"].tolist()


def test_a_wrong_strength_does_not_reach_the_process(remote: RemotePredictor) -> None:
    window = remote.window(GENE)
    with pytest.raises(BadInput, match=r"a strength of 1\.5; wanted 0 to 1"):
        knock_out(remote, window, {str(window.elements["element_id"].iloc[0]): 1.5})


def test_logits_stay_in_the_process(remote: RemotePredictor) -> None:
    with pytest.raises(NotAvailable, match="the whole attention matrices stay in the model process"):
        remote.predict_each(remote.window(GENE), with_logits=True)


def test_a_model_without_weights(study: Study, models: ModelClient) -> None:
    with pytest.raises(NotAvailable, match="enformer has no weights for SimA in study demo"):
        open_remote(study, "enformer", biosample="SimA", client=models)


def test_the_next_question_of_a_page_gives_up_the_last(remote: RemotePredictor) -> None:
    """A long request keeps the process busy while changes of one page come: of those that wait the newest stays."""
    window = remote.window(GENE)
    ids = window.elements["element_id"].tolist()
    ends: dict[int, str] = {}

    def change(sequence: int) -> None:
        try:
            with asked_by("tab", sequence, "knock-out"):
                knock_out(remote, window, {ids[sequence]: 0.0})
            ends[sequence] = "answered"
        except Superseded:
            ends[sequence] = "superseded"

    long = np.random.default_rng(0).random((1_500, len(ids)), np.float32)  # near a second: equal rows would be one
    busy = threading.Thread(target=lambda: remote.predict_variants(window, long, mode="mask"))
    busy.start()
    time.sleep(0.1)
    threads = [threading.Thread(target=change, args=(sequence,)) for sequence in range(1, 12)]
    for thread in threads:
        thread.start()
    for thread in (busy, *threads):
        thread.join()
    assert ends[11] == "answered"
    assert set(ends) == set(range(1, 12))
    assert list(ends.values()).count("superseded") >= 1
    assert set(ends.values()) <= {"answered", "superseded"}


def test_the_settings_keep_the_process_out(tmp_path: Path) -> None:
    from dashboard.services.library import Library

    library = Library(Settings(cache_dir=tmp_path / "c", studies_dir=tmp_path / "s", model_process=False))
    assert library.models is None
    library.close()


def test_weights_come_into_this_process_only_where_it_is_said(
    study: Study, models: ModelClient, caplog: pytest.LogCaptureFixture
) -> None:
    remote = open_remote(study, "creator", biosample="SimA", client=models)
    window = remote.window(GENE)
    loaded = list[Path]()

    def load(path: Path, **_: object) -> None:
        loaded.append(path)
        raise NotAvailable("weights were asked for")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "load_placed", load)
        run_scan(remote, window, mode="mask")
        scan_pairs(remote, window, window.elements["element_id"].tolist()[:3])
        remote.predict([window])
        attention_of(remote, window)
        knock_out(remote, window, {str(window.elements["element_id"].iloc[0]): 0.5})
        assert loaded == []
        assert not hasattr(remote, "models_of")  # whoever wants the weights themselves has to say so
        with caplog.at_level(logging.INFO), pytest.raises(NotAvailable, match="weights were asked for"):
            gradient_scores(remote.with_weights(), window)
    assert [path.parent.parent.name for path in loaded] == ["creator"]
    assert "the weights of creator for SimA are loaded in this process too" in caplog.messages


def test_a_gradient_of_a_remote_model_is_that_of_its_own_weights(study: Study, models: ModelClient) -> None:
    remote = open_remote(study, "epinformer", biosample="SimA", client=models)
    asked = {"biosample": "SimA", "methods": ["epinformer.saliency"]}
    here = gene_links(study, GENE, **asked)
    there = gene_links(study, GENE, **asked, predictors=lambda *_: remote)
    np.testing.assert_allclose(there["score"], here["score"], rtol=1e-5)
    assert here["score"].notna().any()
