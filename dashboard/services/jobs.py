"""Long work beside the pages: commands in their own processes, with progress, cancel and resume.

A job is a few commands run one after another. Each appends JSON lines {"step", "done", "total"} to its progress file.
Every command resumes by itself, so a cancelled or failed job goes on where it stopped when it is started again. Jobs
belong to the server: reloading a page does not touch them, stopping the server ends them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cre_core.errors import BadInput
from dashboard.settings import Settings

State = Literal["running", "done", "failed", "cancelled"]
TAIL_BYTES = 4_096
PATIENCE_S = 10.0  # between asking a command to stop and stopping it


@dataclass(frozen=True)
class Command:
    """One command of a job: what it does, in a word, and its arguments without `--progress-file`."""

    title: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """How far a job is.

    Attributes:
      name: the study it makes.
      state: running, done, failed or cancelled.
      title: the command running now, or last.
      n_done, n_commands: commands finished, of how many.
      step: what the command says it does.
      done, total: how much of that step; total 0 = not known.
      message: one line, why it failed.
    """

    name: str
    state: State
    title: str = ""
    n_done: int = 0
    n_commands: int = 0
    step: str = ""
    done: int = 0
    total: int = 0
    message: str = ""


def study_commands(name: str, settings: Settings) -> list[Command]:
    """Download, prepare and precompute one real study."""
    data, out = str(settings.data_dir), str(settings.studies_dir / name)
    program = (sys.executable, "-m", "cre_core")
    mirror = ("--mirror", settings.mirror) if settings.mirror else ()
    return [
        Command("download", (*program, "download", name, "--data", data, *mirror)),
        Command("prepare", (*program, "prepare", name, "--data", data, "--out", out)),
        Command("precompute", (*program, "precompute", "--study", out)),
    ]


@dataclass
class _Run:
    """One start of a job: a cancelled run may still be ending while the next of that name begins."""

    job: Job
    thread: threading.Thread | None = None
    process: subprocess.Popen[str] | None = None
    progress: Path | None = None


class Jobs:
    """At most one job per name. `on_end` is called after every command: there may be a new study."""

    def __init__(self, on_end: Callable[[], None] | None = None) -> None:
        self._on_end = on_end or (lambda: None)
        self._runs: dict[str, _Run] = {}
        self._n_started = 0
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="crescope-jobs-", ignore_cleanup_errors=True)

    def start(self, name: str, commands: Sequence[Command]) -> Job:
        """Run commands one after another in the background; stops at the first that fails.

        Raises:
          BadInput: a job of that name is running.
        """
        with self._lock:
            current = self._runs.get(name)
            if current is not None and current.job.state == "running":
                raise BadInput(f"{name} is being made already; cancel it first to start again")
            run = _Run(Job(name, "running", title=commands[0].title, n_commands=len(commands)))
            run.thread = threading.Thread(target=self._run, args=(run, list(commands)), daemon=True)
            self._runs[name] = run
        run.thread.start()
        return run.job

    def status(self, name: str) -> Job | None:
        """How far a job is; None when there was none since the server started."""
        with self._lock:
            run = self._runs.get(name)
            if run is None:
                return None
            job, path = run.job, run.progress
        if job.state != "running" or path is None:
            return job
        return replace(job, **_last_line(path))  # type: ignore[arg-type]

    def is_running(self) -> bool:
        """Whether any job runs."""
        return any(run.job.state == "running" for run in list(self._runs.values()))

    def cancel(self, name: str) -> None:
        """Stop a job and every process it started; nothing happens when it does not run."""
        with self._lock:
            run = self._runs.get(name)
            if run is None or run.job.state != "running":
                return
            run.job = replace(run.job, state="cancelled")
            process = run.process
        if process is not None:
            _stop(process)

    def close(self) -> None:
        """Stop every job, as the server ends."""
        for name in list(self._runs):
            self.cancel(name)
        for run in list(self._runs.values()):
            if run.thread is not None:
                run.thread.join(PATIENCE_S)
        self._folder.cleanup()

    def _run(self, run: _Run, commands: list[Command]) -> None:
        for index, command in enumerate(commands):
            process = self._begin(run, index, command)
            if process is None:
                return
            _, words = process.communicate()
            self._on_end()
            if not self._ended(run, process.returncode, words):
                return
        with self._lock:
            if run.job.state == "running":
                run.job = replace(run.job, state="done", n_done=len(commands), step="")

    def _begin(self, run: _Run, index: int, command: Command) -> subprocess.Popen[str] | None:
        """The command's process, or None when the job was cancelled before it."""
        with self._lock:
            if run.job.state != "running":
                return None
            self._n_started += 1
            run.job = replace(run.job, title=command.title, n_done=index, step="", done=0, total=0)
            run.progress = Path(self._folder.name) / f"{self._n_started}.jsonl"
            run.process = subprocess.Popen(
                [*command.arguments, "--progress-file", str(run.progress)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                start_new_session=True, env={k: v for k, v in os.environ.items() if k != "CRESCOPE_TOKEN"},
            )  # fmt: skip
            return run.process

    def _ended(self, run: _Run, code: int, words: str) -> bool:
        """Whether the next command may start; otherwise the job is marked as failed or stays cancelled."""
        with self._lock:
            if run.job.state == "cancelled":
                return False
            if code == 0:
                return True
            lines = [line for line in words.splitlines() if line.strip()]
            reason = lines[-1] if lines else f"{run.job.title} ended with code {code}"
            run.job = replace(run.job, state="failed", message=reason)
            return False


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the process group to stop; after some patience, stop it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(PATIENCE_S)
            return
        except subprocess.TimeoutExpired:
            continue


def _last_line(path: Path) -> dict[str, object]:
    """step, done and total of the last whole line of a progress file; nothing when there is none yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")[:-1]
    except FileNotFoundError:
        return {}
    for line in reversed(lines):
        try:
            entry = json.loads(line)
            return {"step": str(entry["step"]), "done": int(entry["done"]), "total": int(entry["total"])}
        except (ValueError, KeyError, TypeError):
            continue
    return {}
