"""What the model process is made of: open models, the queue, messages, its address and settings."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from cre_core.errors import BadInput, CreError, UnknownName
from cre_core.inference.predictor import Predictor
from cre_core.models import checkpoint
from dashboard.services.models import address
from dashboard.services.models.open_models import OpenModels
from dashboard.services.models.protocol import (
    Answer,
    ModelsRestarting,
    QueueFull,
    Request,
    Sign,
    Superseded,
    error_answer,
)
from dashboard.services.models.waiting import Job, Waiting
from dashboard.services.models.wire import Inbox, decode, encode, length_of
from dashboard.settings import Settings, read_settings


def settings_in(folder: Path, **changes: object) -> Settings:
    return Settings(cache_dir=folder / "cache", studies_dir=folder / "studies", **changes)  # type: ignore[arg-type]


def test_studies_and_weights_made_since_are_seen(tmp_path: Path, toy_predictor: Predictor) -> None:
    settings = settings_in(tmp_path, studies=())
    models = OpenModels(settings)
    request = Request("variants", "toy", "epinformer", "ToyCell", "geneA", arrays={"strengths": np.ones((1, 4))})
    assert models.answers([request])[0].message == "no study 'toy' here; there are: none"
    folder = settings.studies_dir / "toy"
    shutil.copytree(toy_predictor.study.folder, folder)
    before = models.answers([request])[0]
    direct = toy_predictor.predict_variants(toy_predictor.window("G1"), np.ones((1, 4), np.float32), mode="mask")
    np.testing.assert_allclose(before.arrays["expression"], direct.expression.numpy(), rtol=1e-6)
    for path in folder.glob("models/epinformer/ToyCell/*.safetensors"):
        model, info = checkpoint.load(path, wanted="epinformer-counts")
        with torch.no_grad():
            for values in model.parameters():
                values.mul_(1.5)
        checkpoint.save(path, model, info)
    assert models.answers([request])[0].arrays["expression"] != before.arrays["expression"]
    models.close()


def test_an_error_that_nobody_expected_is_one_line_and_not_its_text(
    tmp_path: Path, toy_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    models = OpenModels(settings_in(tmp_path, studies=(toy_predictor.study.folder,)))

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a path\nof this machine")

    monkeypatch.setattr(Predictor, "predict_variants", fails)
    request = Request("variants", "toy", "epinformer", "ToyCell", "geneA", arrays={"strengths": np.ones((1, 4))})
    (answer,) = models.answers([request])
    assert answer.error == "CreError"
    assert answer.message == "this did not work (RuntimeError); the log of the model process has the details"
    assert "of this machine" in caplog.text
    models.close()


def job(number: int, **changes: object) -> Job:
    given = {"operation": "variants", "study": "s", "model": "m", "biosample": "b", "gene_id": "g", "id": number}
    return Job(Request(**{**given, **changes}), print, None, number)  # type: ignore[arg-type]


def test_the_newer_request_takes_the_older_one_s_place() -> None:
    waiting = Waiting(3)
    tab = {"client": "tab", "gene_id": "a"}
    first, second, third = job(1), job(2, **tab, sequence=1), job(3, gene_id="c")
    for one in (first, second, third):
        assert waiting.add(one) is None
    newer = job(4, **tab, sequence=2)
    assert waiting.add(newer) is second
    assert waiting.jobs == [first, newer, third]
    assert newer.since == second.since
    with pytest.raises(Superseded):
        waiting.add(job(5, **tab, sequence=1))
    with pytest.raises(QueueFull, match="3 requests wait"):
        waiting.add(job(6, **tab, sequence=2, topic="another"))
    with pytest.raises(QueueFull):
        waiting.add(job(7))


def test_what_is_joined_and_how_much() -> None:
    waiting = Waiting(9)
    rows = {"arrays": {"strengths": np.ones((3, 5), np.float32)}}
    others = [{"gene_id": "h"}, {"mode": "silence"}, {"operation": "attention"}, {"options": {"shuffle": 1}}]
    jobs = [job(0, **rows), *(job(n, **rows, **other) for n, other in enumerate(others, 1))]
    jobs += [job(5, **rows), job(6, **rows), job(7, arrays={"strengths": np.ones((3, 6), np.float32)})]
    for one in jobs:
        waiting.add(one)
    assert waiting.take(8) == [jobs[0], jobs[5]]
    assert waiting.jobs == [*jobs[1:5], *jobs[6:]]
    assert waiting.drop(jobs[6])
    assert not waiting.drop(jobs[0])
    waiting.forget(None)
    assert waiting.take(8) == []


def test_messages_come_back_as_they_were_however_they_were_cut() -> None:
    values = np.array([[0.25, np.nan], [-np.inf, 1e-30]], np.float32)
    asked = Request("variants", "demo", "m", "b", "é", arrays={"x": values}, options={"a": 1, "b": True, "c": "d"})
    told = [asked, Answer("ok", arrays={"y": np.asarray(values[0, 0])}, n_batched=3, id=7), Sign(12, busy_s=0.5)]
    data, inbox = b"".join(encode(message) for message in told), Inbox()
    got = [message for n in range(0, len(data), 7) for message in inbox.feed(data[n : n + 7])]
    assert got[2] == told[2]
    assert isinstance(got[0], Request)
    assert isinstance(got[1], Answer)
    np.testing.assert_array_equal(got[0].arrays["x"], values)
    assert (got[0].gene_id, got[0].options, got[1].n_batched) == ("é", {"a": 1, "b": True, "c": "d"}, 3)
    assert got[1].arrays["y"].shape == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\x80\x04pickled", "9 bytes that are no JSON; wanted a message"),
        (b"[]", "a message of another version; wanted version 1"),
        (b'{"version": 2, "kind": "sign"}', "a message of another version; wanted version 1"),
        (b'{"version": 1, "kind": "poem"}', "a message of no known kind; wanted request, answer, sign"),
        (b'{"version": 1, "kind": "sign", "pid": 1, "run": "x"}', "'run' in a message of kind sign; wanted pid"),
        (
            b'{"version": 1, "kind": "sign", "pid": "1"}',
            "a message of kind sign that cannot be read: a whole",
        ),
        (b'{"version": 1, "kind": "sign"}', "a message of kind sign that cannot be read"),
        (
            b'{"version": 1, "kind": "answer", "status": "ok", "arrays": {"a": {"shape": [9], "f4": "AAAAAA=="}}}',
            "a message of kind answer that cannot be read: an array of shape (9,) with 1 values",
        ),
    ],
)
def test_bytes_that_are_no_message(body: bytes, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode(body)
    assert str(caught.value).startswith(says)


def test_a_length_beyond_all_measure_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BadInput, match="a message of 4295 MB; wanted at most 16 MB"):
        length_of(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("error", [UnknownName("no gene"), ModelsRestarting("a"), Superseded("b"), CreError("c")])
def test_errors_keep_their_kind_and_line(error: CreError) -> None:
    with pytest.raises(type(error)) as caught:
        error_answer(error).raise_error()
    assert str(caught.value) == str(error)
    assert type(caught.value) is type(error)


def test_the_socket_lies_in_a_folder_of_one_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "MOST_PATH", 4_000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = address.socket_of(Settings(cache_dir=tmp_path))
    assert path.parent.parent == tmp_path
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path == address.socket_of(Settings(cache_dir=tmp_path, port=9_000))
    assert path != address.socket_of(Settings(cache_dir=tmp_path / "other"))
    path.parent.chmod(0o775)
    with pytest.raises(BadInput, match=r"is not a private folder of user \d+ \(mode 775\); wanted mode 700"):
        address.socket_of(Settings(cache_dir=tmp_path))


def test_the_process_is_told_its_settings_and_no_token(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path, studies_dir=tmp_path, model_queue=3, token="a-token-of-some-length")
    told = address.settings_text(settings)
    assert "a-token-of-some-length" not in told
    assert address.settings_of(told) == Settings(cache_dir=tmp_path, studies_dir=tmp_path, model_queue=3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_threads": 0}, "model_threads is 0; wanted 1 or more"),
        ({"model_queue": 0}, "model_queue is 0; wanted 1 or more"),
        ({"model_limit_s": 0.0}, "model_limit_s is 0 and model_join_s 0; wanted more than 0, and 0 or more"),
        ({"model_hang_s": 5.0}, "model_hang_s is 5; wanted model_limit_s, 30, or more"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, float], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Settings(**changes)  # type: ignore[arg-type]
    assert str(caught.value) == says


def test_the_options_of_the_models() -> None:
    settings = read_settings(["--model-threads", "2", "--device", "cpu"], {})
    assert (settings.model_threads, settings.model_device) == (2, "cpu")
    assert read_settings([], {}).model_device == "auto"
    with pytest.raises(BadInput, match="invalid choice: 'tpu'"):
        read_settings(["--device", "tpu"], {})


def test_models_run_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As seen by who asks: a machine without a GPU says so to the one who wants one."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    asked = Request("reads", "demo", "epinformer", "SimA", "SIM135")
    answers = {}
    for device in ("auto", "cpu", "cuda"):
        with closing(OpenModels(settings_in(tmp_path, model_device=device))) as models:
            answers[device] = models.answers([asked])[0]
    assert [answers[device].status for device in ("auto", "cpu", "cuda")] == ["ok", "ok", "error"]
    assert answers["cuda"].message == "device cuda was asked for and this machine has none; use --device cpu"
