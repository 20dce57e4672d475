"""A connection to the one model process of some settings, which is started when none runs."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cre_core.errors import NotAvailable
from dashboard.services.models.address import settings_text, socket_of
from dashboard.services.models.protocol import Message, Sign
from dashboard.services.models.wire import Inbox, encode
from dashboard.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
START_S = 60.0  # for a new process to listen
POLL_S = 0.05
END_S = 5.0  # for a process that closed its line to be gone
LOG_BYTES = 4_096
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Connection:
    """One web worker's line to the model process. One thread reads, any may send."""

    def __init__(self, line: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        self._line, self._process = line, process  # the process only where it was started here
        self._inbox = Inbox()
        self._sending = threading.Lock()
        self.sign = Sign(_pid_of(line))
        self.heard = time.monotonic()

    def send(self, message: Message) -> None:
        """Send a message whole.

        Raises:
          BadInput: it is too large. OSError: the process is gone.
        """
        data = encode(message)
        with self._sending:
            self._line.sendall(data)

    def receive(self, wait_s: float) -> list[Message]:
        """What has come, after at most `wait_s`.

        Raises:
          OSError: the process is gone. BadInput: it speaks another language.
        """
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        if not poll.poll(1e3 * wait_s):
            return []
        data = self._line.recv(1 << 20, socket.MSG_DONTWAIT)
        if not data:
            raise ConnectionResetError("the model process closed the line")
        messages = list(self._inbox.feed(data))
        self.heard = time.monotonic()
        for message in messages:
            if isinstance(message, Sign):
                self.sign = message
        return messages

    def looks_hung(self, after_s: float) -> bool:
        """Whether nothing was heard, or one computation has run, for so long."""
        return max(time.monotonic() - self.heard, self.sign.busy_s) > after_s

    def kill(self) -> None:
        """End the process at once. It is the one at the other end of the line, so its id is still its own."""
        if self.sign.pid > 0:
            os.kill(self.sign.pid, signal.SIGKILL)

    def shut(self) -> None:
        """Wake the thread that reads; it finds the line at its end."""
        with suppress(OSError):  # it was at its end already
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    def ending(self) -> str:
        """How the process ended, as far as one can tell from here."""
        if self._process is None:
            return "it ended"
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(END_S)
            return f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code}"
        return "it closed the line"


def open_connection(settings: Settings, *, is_wanted: Callable[[], bool]) -> Connection:
    """A line to the model process of the settings, started now if there is none.

    Args:
      settings: which studies, and the limits.
      is_wanted: asked again and again while waiting.

    Raises:
      NotAvailable: it does not start; the message has its last words. BadInput: no private folder for its socket.
    """
    path = socket_of(settings)
    deadline = time.monotonic() + START_S
    while is_wanted() and time.monotonic() < deadline:
        line = _connected(path)
        if line is not None:
            return Connection(line)
        with _sole_starter(path.with_suffix(".lock")) as is_mine:
            if is_mine:
                line = _connected(path)
                return _started(settings, path, deadline, is_wanted) if line is None else Connection(line)
        time.sleep(POLL_S)  # another web worker is starting it
    raise NotAvailable(f"the model process did not start in {START_S:.0f} s")


def last_words(settings: Settings) -> str:
    """The line of its log that tells why the model process ended, or ``."""
    try:
        with socket_of(settings).with_suffix(".log").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    words = [line.strip() for line in lines if line.strip()]
    crash = [line for line in words if line.startswith("Fatal Python error")]  # what follows it is where, not what
    return (crash[:1] or words[-1:] or [""])[0]


@contextmanager
def _sole_starter(path: Path) -> Iterator[bool]:
    """Whether no other web worker is starting the process; nobody else can until this is left."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _connected(path: Path) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(str(path))
    except OSError:  # no process, or none any more
        line.close()
        return None
    return line


def _started(settings: Settings, path: Path, deadline: float, is_wanted: Callable[[], bool]) -> Connection:
    process = _spawn(settings, path)
    threading.Thread(target=process.wait, name="model process", daemon=True).start()
    while is_wanted() and time.monotonic() < deadline:
        line = _connected(path)
        if line is not None:
            return Connection(line, process)
        if process.poll() is not None:
            raise NotAvailable(f"the model process does not start: {last_words(settings) or 'it said nothing'}")
        time.sleep(POLL_S)
    process.kill()
    raise NotAvailable(f"the model process did not start in {START_S:.0f} s")


def _spawn(settings: Settings, path: Path) -> subprocess.Popen[bytes]:
    """A fresh interpreter, not a fork: a process forked after a multi-threaded torch operation hangs at its next."""
    threads = str(settings.model_threads)
    environment = {name: value for name, value in os.environ.items() if name != "CRESCOPE_TOKEN"}
    with path.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dashboard.services.models.server",
             "--socket", str(path), "--settings", settings_text(settings)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, start_new_session=True,
            env=environment | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
        )  # fmt: skip


def _pid_of(line: socket.socket) -> int:
    """The process at the other end; 0 where the system does not tell: its first sign of life does."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return 0
    return int(_CREDENTIALS.unpack(line.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))[0])
