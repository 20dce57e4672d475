"""One model process for all: its answers, its queue, its ends. On the demo study; a long request is many variants."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cre_core.data.study import Study
from cre_core.data.windows import GeneWindow
from cre_core.errors import BadInput, CreError, NotAvailable, UnknownName
from cre_core.inference.predictor import Predictor, open_predictor
from dashboard.services.models import client, process, server
from dashboard.services.models.client import ModelClient
from dashboard.services.models.protocol import (
    RESTARTING,
    SUPERSEDED,
    Answer,
    ModelsRestarting,
    QueueFull,
    Request,
    Superseded,
    TookTooLong,
)
from dashboard.services.models.wire import Inbox, encode
from dashboard.settings import PRECOMPUTED, Settings

BIOSAMPLE = "SimA"
N_LONG = 4_096  # variants: near a second
ROOT = Path(__file__).resolve().parents[2]
Ask = Callable[..., "Future[Answer]"]


def settings_in(folder: Path, **changes: object) -> Settings:
    return Settings(cache_dir=folder / "cache", studies_dir=folder / "studies", **changes)  # type: ignore[arg-type]


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    """A web worker's client; eight requests may wait at its process."""
    models = ModelClient(settings_in(tmp_path_factory.mktemp("models"), model_queue=8))
    yield models
    models.close()


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The same model, asked directly."""
    torch.set_num_threads(1)
    return open_predictor(Study.open(PRECOMPUTED / "demo"), "epinformer", biosample=BIOSAMPLE)


@pytest.fixture(scope="module")
def window(predictor: Predictor) -> GeneWindow:
    return predictor.window(predictor.study.genes["gene_id"][5])


@pytest.fixture
def later() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=16) as threads:
        yield threads


def about(window: GeneWindow, strengths: np.ndarray, **changes: object) -> Request:
    given = {"operation": "variants", "study": "demo", "model": "epinformer", "biosample": BIOSAMPLE}
    given |= {"gene_id": window.gene["gene_id"], "arrays": {"strengths": strengths}}
    return Request(**{**given, **changes})  # type: ignore[arg-type]


def singles(window: GeneWindow, *elements: int) -> np.ndarray:
    """Nothing changed, then each of some elements knocked out alone."""
    strengths = np.ones((1 + len(elements), len(window.elements)), np.float32)
    strengths[np.arange(1, len(strengths)), list(elements)] = 0.0
    return strengths


def long(window: GeneWindow, seed: int = 0) -> Request:
    draws = np.random.default_rng(seed)
    return about(window, draws.random((N_LONG, len(window.elements)), np.float32))


def keep_busy(
    models: ModelClient, window: GeneWindow, later: ThreadPoolExecutor
) -> tuple[Future[Answer], Future[Answer]]:
    """Two long requests: returns when one is computed and the other waits as the only one."""
    is_next = threading.Event()
    first = later.submit(models.ask, long(window, 1))
    until(lambda: first.running())
    time.sleep(0.05)
    second = later.submit(
        models.ask, long(window, 2), on_queued=lambda position: is_next.set() if position == 1 else None
    )
    assert is_next.wait(20)
    return first, second


# ---------------------------------------------------------------- answers


def test_the_numbers_are_those_of_a_direct_call(
    models: ModelClient, predictor: Predictor, window: GeneWindow
) -> None:
    strengths = singles(window, 3, 7, 50)
    strengths[1, 9] = 0.5
    direct = predictor.predict_variants(window, strengths, mode="mask")
    answer = models.ask(about(window, strengths))
    np.testing.assert_allclose(answer.arrays["expression"], direct.expression.numpy(), rtol=1e-6)
    np.testing.assert_allclose(answer.arrays["attention"], direct.element_attention.numpy(), atol=1e-7)
    assert (answer.status, answer.n_batched) == ("ok", 1)
    assert answer.seconds > 0
    silenced = models.ask(about(window, strengths, mode="silence", operation="attention")).arrays
    direct = predictor.predict_variants(window, strengths, mode="silence")
    np.testing.assert_allclose(silenced["expression"], direct.expression.numpy(), rtol=1e-6)
    np.testing.assert_allclose(silenced["attention"], direct.attention.numpy(), atol=1e-7)
    is_read = models.ask(about(window, strengths, operation="reads", arrays={})).arrays["is_read"]
    np.testing.assert_array_equal(is_read, predictor.looks_at(window))


def test_a_scan_is_that_of_a_direct_call(models: ModelClient, predictor: Predictor, window: GeneWindow) -> None:
    rows = np.array([2, 0])
    direct = predictor.predict_singles(window, rows, mode="mask")
    found = models.ask(about(window, singles(window), operation="scan", arrays={"rows": rows})).arrays
    assert set(found) == {"expression"}
    np.testing.assert_allclose(found["expression"], direct, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"study": "nowhere"}, UnknownName, "no study 'nowhere' here; there are: k562, k562-chr22, demo"),
        ({"model": "oracle"}, UnknownName, "no model 'oracle' for SimA in study demo; there are"),
        ({"gene_id": "ZZZ9"}, UnknownName, "study demo has no gene 'ZZZ9'"),
        ({"mode": "scramble"}, BadInput, "has no mode 'scramble' here"),
        (
            {"operation": "import os"},
            UnknownName,
            "no operation 'import os'; there are variants, scan, attention, reads",
        ),
        ({"options": {"shuffle": -1}}, BadInput, "shuffle is -1; wanted a whole number from 0"),
        ({"options": {"shuffle": 0.5}}, BadInput, "shuffle is 0.5; wanted a whole number from 0"),
        ({"arrays": {}}, BadInput, "variants came with no array; wanted strengths (variants, elements)"),
        ({"operation": "scan"}, BadInput, "scan came with strengths (1, 122); wanted rows (elements,), at most 4096"),
        (
            {"operation": "scan", "arrays": {"rows": np.array([122.0])}},
            BadInput,
            "scan came with rows outside 0 to 121, or between whole numbers",
        ),
    ],
)
def test_what_is_wrong_is_one_line_of_the_usual_kind(
    models: ModelClient, window: GeneWindow, changes: dict[str, object], kind: type[CreError], says: str
) -> None:
    with pytest.raises(kind) as caught:
        models.ask(about(window, singles(window), **changes))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "strength", "says"),
    [
        ((1, 0), 1.5, "a strength of 1.5; wanted 0 to 1"),
        ((1, 0), np.nan, "a strength of nan; wanted 0 to 1"),
        ((1, 10_000), 1.0, "strengths of shape (1, 10000); wanted (variants, 122)"),
        ((5_000, 122), 1.0, "strengths of shape (5000, 122); wanted 1 to 4096 variants x elements"),
        ((122,), 1.0, "strengths of shape (122,)"),
    ],
)
def test_strengths_that_cannot_be_are_refused(
    models: ModelClient, window: GeneWindow, shape: tuple[int, ...], strength: float, says: str
) -> None:
    strengths = singles(window)
    strengths[0, 4] = strength
    with pytest.raises(BadInput) as caught:
        models.ask(about(window, strengths if shape == (1, 0) else np.ones(shape, np.float32)))
    assert str(caught.value).startswith(says)
    assert models.ask(about(window, singles(window))).status == "ok"


def test_more_than_a_message_holds_is_refused_before_it_is_sent(models: ModelClient, window: GeneWindow) -> None:
    with pytest.raises(BadInput, match="a message of 27 MB; wanted at most 16 MB"):
        models.ask(about(window, np.ones((5_000, 1_000), np.float32)))


# ---------------------------------------------------------------- one process


def test_two_clients_share_one_process(models: ModelClient, window: GeneWindow) -> None:
    models.ask(about(window, singles(window)))
    other = ModelClient(models.settings)
    assert other.ask(about(window, singles(window))).status == "ok"
    assert other.state().pid == models.state().pid != os.getpid()
    other.close()
    assert other.state().status == "stopped"
    assert models.ask(about(window, singles(window))).status == "ok"


def test_clients_that_start_together_start_one_process(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    clients = [ModelClient(settings) for _ in range(3)]
    for one in clients:
        one.start()
    until(lambda: all(one.state().status == "running" for one in clients))
    pids = {one.state().pid for one in clients}
    for one in clients:
        one.close()
    (pid,) = pids
    until(lambda: not is_alive(pid))


def test_the_process_ends_with_its_last_web_worker_and_never_knew_the_token(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from dashboard.services.models.client import ModelClient\nfrom dashboard.settings import Settings\n"
        f"models = ModelClient(Settings(cache_dir=Path({str(tmp_path / 'c')!r}), token='a-token-of-some-length'))\n"
        "models.start()\nwhile models.state().status != 'running': time.sleep(0.02)\n"
        "print(models.state().pid, flush=True)\ntime.sleep(60)\n"
    )
    environment = os.environ | {"CRESCOPE_TOKEN": "a-token-of-some-length"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        try:
            for told in ("environ", "cmdline"):
                assert "a-token-of-some-length" not in Path(f"/proc/{pid}/{told}").read_text()
            assert is_alive(pid)
        finally:
            worker.kill()
    until(lambda: not is_alive(pid))


# ---------------------------------------------------------------- the queue


def test_what_waits_for_one_gene_is_computed_together_and_each_gets_its_own_rows(
    models: ModelClient, predictor: Predictor, window: GeneWindow, later: ThreadPoolExecutor
) -> None:
    busy = keep_busy(models, window, later)
    waiting = threading.Semaphore(0)
    asked = [singles(window, element) for element in range(6)]
    futures = [
        later.submit(models.ask, about(window, strengths), on_queued=lambda _: waiting.release())
        for strengths in asked
    ]
    for _ in asked:
        assert waiting.acquire(timeout=20)
    for strengths, future in zip(asked, futures, strict=True):
        answer = future.result(30)
        assert answer.n_batched == len(asked)
        direct = predictor.predict_variants(window, strengths, mode="mask")
        np.testing.assert_allclose(answer.arrays["expression"], direct.expression.numpy(), rtol=1e-5)
    assert [future.result(30).n_batched for future in busy] == [1, 1]


def test_what_arrives_close_together_is_computed_together(
    window: GeneWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = SimpleNamespace(
        answers=lambda requests: [Answer("ok", n_batched=len(requests))] * len(requests), close=lambda: None
    )
    monkeypatch.setattr(server, "_opened", lambda settings: models)

    async def joined(join_s: float) -> list[int]:
        with tempfile.TemporaryDirectory() as folder:
            path, process = Path(folder) / "s", server.ModelServer(Settings(model_join_s=join_s))
            serving = asyncio.create_task(process.serve(path))
            while not path.exists():
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_unix_connection(path)
            inbox, found = Inbox(), []
            for number in range(3):
                await asyncio.sleep(0.05)
                writer.write(encode(about(window, singles(window), id=number)))
            while len(found) < 3:
                told = inbox.feed(await reader.read(4_096))
                found += [one.n_batched for one in told if isinstance(one, Answer) and one.status == "ok"]
            writer.close()
            process.stop()
            await serving
            return found

    # This thread may have a loop of its own, the browser's; in another one there are no signals to hear.
    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", lambda *given: None)
    with ThreadPoolExecutor(1) as apart:
        found = [apart.submit(lambda s=seconds: asyncio.run(joined(s))).result(60) for seconds in (0.0, 1.0)]
    assert found == [[1, 1, 1], [3, 3, 3]]


def test_a_wrong_request_does_not_spoil_those_it_was_joined_with(
    models: ModelClient, window: GeneWindow, later: ThreadPoolExecutor
) -> None:
    keep_busy(models, window, later)
    wrong = singles(window)
    wrong[0, 0] = 1.5
    futures = [later.submit(models.ask, about(window, strengths)) for strengths in (wrong, singles(window, 2))]
    with pytest.raises(BadInput, match=r"a strength of 1\.5"):
        futures[0].result(30)
    assert futures[1].result(30).arrays["expression"].shape == (2,)


def test_a_newer_request_of_a_page_takes_the_place_of_its_older_one(
    models: ModelClient, window: GeneWindow, later: ThreadPoolExecutor
) -> None:
    keep_busy(models, window, later)
    waits = threading.Event()
    mine = {"client": "tab", "sequence": 1}
    older = later.submit(models.ask, about(window, singles(window, 1), **mine), on_queued=lambda _: waits.set())
    assert waits.wait(20)
    newer = later.submit(models.ask, about(window, singles(window, 2, 3), **{**mine, "sequence": 2}))
    with pytest.raises(Superseded, match=SUPERSEDED):
        older.result(30)
    assert newer.result(30).arrays["expression"].shape == (3,)


def test_a_full_queue_refuses(models: ModelClient, window: GeneWindow, later: ThreadPoolExecutor) -> None:
    keep_busy(models, window, later)
    n_free = models.settings.model_queue - 1
    waiting = threading.Semaphore(0)
    futures = [
        later.submit(models.ask, about(window, singles(window)), on_queued=lambda _: waiting.release())
        for _ in range(n_free)
    ]
    for _ in futures:
        assert waiting.acquire(timeout=20)
    with pytest.raises(QueueFull, match="8 requests wait for the models already; try again in a moment"):
        models.ask(about(window, singles(window)))
    assert all(future.result(30).status == "ok" for future in futures)


def test_time_that_runs_out(models: ModelClient, window: GeneWindow, later: ThreadPoolExecutor) -> None:
    before = models.state().pid
    with pytest.raises(TookTooLong, match=r"variants of epinformer took too long: no answer in 0\.1"):
        models.ask(long(window), timeout_s=0.15)
    keep_busy(models, window, later)
    with pytest.raises(TookTooLong, match="the models were busy with others; try again in a moment"):
        models.ask(about(window, singles(window)), timeout_s=0.15)
    assert models.ask(about(window, singles(window))).status == "ok"
    assert models.state().pid == before


# ---------------------------------------------------------------- ends


def test_killed_in_the_middle_of_a_request_it_says_so_and_starts_again(
    models: ModelClient, window: GeneWindow, later: ThreadPoolExecutor
) -> None:
    models.ask(about(window, singles(window)))
    before = models.state()
    futures = keep_busy(models, window, later)
    os.kill(before.pid, signal.SIGKILL)
    for future in futures:
        with pytest.raises(ModelsRestarting, match=f"^{RESTARTING}$"):
            future.result(30)
    assert models.ask(about(window, singles(window))).status == "ok"
    after = models.state()
    assert after.pid != before.pid
    assert (after.status, after.n_ends) == ("running", before.n_ends + 1)
    assert after.last_error == "it was ended by SIGKILL"


def test_told_to_stop_it_ends_in_order_and_is_started_again(models: ModelClient, window: GeneWindow) -> None:
    models.ask(about(window, singles(window)))
    before = models.state()
    os.kill(before.pid, signal.SIGTERM)
    until(lambda: models.state().n_ends == before.n_ends + 1)
    assert models.state().last_error == "it ended with code 0"
    until(lambda: models.state().pid not in (0, before.pid))


def test_a_process_that_hangs_is_killed_and_started_again(tmp_path: Path, window: GeneWindow) -> None:
    models = ModelClient(settings_in(tmp_path, model_limit_s=3.0, model_hang_s=3.0))
    models.start()
    until(lambda: models.state().status == "running")
    pid = models.state().pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ModelsRestarting):
        models.ask(about(window, singles(window)), timeout_s=10)
    until(lambda: models.state().status == "running")
    assert models.state().pid != pid
    assert models.state().last_error == "it did not move for 3 s and was ended"
    models.close()


def test_a_process_that_never_starts_is_given_up_for_a_while(
    tmp_path: Path, window: GeneWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(process.sys, "executable", shutil.which("false"))
    models = ModelClient(settings_in(tmp_path))
    with pytest.raises(NotAvailable, match="the models do not run: their process ended 5 times"):
        models.ask(about(window, singles(window)))
    assert (models.state().status, models.state().n_ends) == ("failed", 5)
    assert models.state().last_error == "the model process does not start: it said nothing"
    models.close()
