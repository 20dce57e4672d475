"""Jobs with a small command in place of the real ones."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cre_core.errors import BadInput
from dashboard.services.jobs import Command, Jobs, study_commands
from dashboard.settings import Settings

REPORTS = """
import json, sys, time
path = sys.argv[sys.argv.index("--progress-file") + 1]
with open(path, "a") as file:
    for done in (1, 2, 3):
        file.write(json.dumps({"step": "count", "done": done, "total": 8}) + "\\n")
    file.write('{"step": "half a li')
"""
WAITS = REPORTS + "\nimport subprocess\nchild = subprocess.Popen(['sleep', '60'])\nprint(child.pid, flush=True)\n"
WAITS += "open(sys.argv[1], 'w').write(str(child.pid))\ntime.sleep(60)\n"
FAILS = "import sys\nsys.exit('first words\\nno network: example.org\\n')\n"


def python(title: str, code: str, *arguments: str) -> Command:
    return Command(title, (sys.executable, "-c", code, *arguments))


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


def test_commands_run_one_after_another(jobs: Jobs, tmp_path: Path) -> None:
    log = tmp_path / "log"
    append = "import sys\nopen(sys.argv[1], 'a').write(sys.argv[2])"
    jobs.start("k", [python("one", append, str(log), "1"), python("two", append, str(log), "2")])
    until(lambda: jobs.status("k").state == "done")
    assert log.read_text() == "12"
    assert (jobs.status("k").n_done, jobs.is_running()) == (2, False)


def test_progress_is_the_last_whole_line_and_cancel_ends_the_whole_group(jobs: Jobs, tmp_path: Path) -> None:
    mark = tmp_path / "child"
    jobs.start("k", [python("download", WAITS, str(mark))])
    until(lambda: mark.is_file() and mark.read_text() != "")
    job = jobs.status("k")
    assert (job.state, job.title, job.step, job.done, job.total) == ("running", "download", "count", 3, 8)
    jobs.cancel("k")
    until(lambda: not is_alive(int(mark.read_text())))
    assert jobs.status("k").state == "cancelled"
    assert not jobs.is_running()


def test_a_cancelled_job_starts_again_while_the_first_is_still_ending(tmp_path: Path) -> None:
    mark, done_again, ends = tmp_path / "child", threading.Event(), iter([True, False])

    def first_one_waits() -> None:
        if next(ends):
            done_again.wait(30)

    jobs = Jobs(on_end=first_one_waits)
    jobs.start("k", [python("download", WAITS, str(mark))])
    until(mark.is_file)
    jobs.cancel("k")
    jobs.start("k", [python("download", "pass")])
    until(lambda: jobs.status("k").state == "done")
    done_again.set()
    jobs.close()
    assert jobs.status("k").state == "done"


def test_a_failure_is_the_command_s_last_line_and_stops_the_rest(jobs: Jobs, tmp_path: Path) -> None:
    never = tmp_path / "never"
    jobs.start("k", [python("download", FAILS), python("prepare", f"open({str(never)!r}, 'w')")])
    until(lambda: jobs.status("k").state == "failed")
    assert jobs.status("k").message == "no network: example.org"
    assert not never.exists()


def test_one_job_per_study(jobs: Jobs, tmp_path: Path) -> None:
    jobs.start("k", [python("download", WAITS, str(tmp_path / "a"))])
    with pytest.raises(BadInput, match="k is being made already; cancel it first"):
        jobs.start("k", [python("download", "pass")])
    jobs.start("other", [python("download", "pass")])
    until(lambda: jobs.status("other").state == "done")


def test_nothing_known_and_nothing_to_cancel(jobs: Jobs) -> None:
    jobs.cancel("nope")
    assert jobs.status("nope") is None


def test_after_every_command_someone_is_told() -> None:
    told: list[int] = []
    jobs = Jobs(on_end=lambda: told.append(1))
    jobs.start("k", [python("one", "pass"), python("two", "pass")])
    until(lambda: jobs.status("k").state == "done")
    jobs.close()
    assert len(told) == 2


def test_the_token_stays_with_the_server(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CRESCOPE_TOKEN", "secret")
    seen = tmp_path / "seen"
    code = f"import os\nopen({str(seen)!r}, 'w').write(os.environ.get('CRESCOPE_TOKEN', 'none'))"
    jobs.start("k", [python("one", code)])
    until(lambda: jobs.status("k").state == "done")
    assert seen.read_text() == "none"


def test_the_commands_of_a_study() -> None:
    settings = Settings(data_dir=Path("d"), studies_dir=Path("s"), mirror="m")
    lines = [" ".join(command.arguments[2:]) for command in study_commands("k562", settings)]
    assert lines == [
        "cre_core download k562 --data d --mirror m",
        "cre_core prepare k562 --data d --out s/k562",
        "cre_core precompute --study s/k562",
    ]
