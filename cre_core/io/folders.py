"""Folders that are written: whole or not at all, by one process at a time, and never over what is not ours."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import IO

from cre_core.errors import BadFile, BadInput, CreError, NotAvailable
from cre_core.io.files import link_or_copy, remove

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux' renameat2


def check_ours(folder: Path, *markers: str, what: str) -> None:
    """Refuse to write into a folder of other things.

    Args:
      folder: to be written; may be absent or empty.
      markers: patterns of names, one of which a folder made by the same writer holds.
      what: such a folder, for the message.

    Raises:
      BadInput: it is a file, or holds something and none of the markers.
    """
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder; wanted a new folder or a {what}")
    if any(folder.iterdir()) and not any(any(folder.glob(marker)) for marker in markers):
        raise BadInput(f"{folder} is not empty and holds no {what}; wanted a new folder or a {what}")


@contextmanager
def held(folder: Path, *, lock: str | None = None) -> Iterator[None]:
    """Keep other writers out of a folder, and of those around and inside it, until the block or the process ends.

    Args:
      folder: to be written.
      lock: name of the lock inside it, for a folder that stays where it is; by default the lock lies beside it.

    Raises:
      NotAvailable: another process writes there; the message says which, and since when.
      BadFile: the place cannot be written.
    """
    folder = Path(os.path.realpath(folder))
    own = _lock_of(folder) if lock is None else folder / lock
    with _locked(folder, own):
        for place in (*folder.parents, *_inside(folder)):
            if _lock_of(place) == own:
                continue
            with _opened(_lock_of(place)) as other:
                if other is not None:
                    _take(other, place, fcntl.LOCK_SH)
        yield


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """As `files.written_whole`, for a folder: the old folder stays until the new one is complete.

    A kill at any moment leaves the old or the new one; leftovers go at the next writing.

    Raises:
      NotAvailable: another process writes there.
      BadFile: the disk is full or the place cannot be written.
    """
    folder = Path(os.path.realpath(folder))
    with held(folder):
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        try:
            _tidy(folder)
            partial.mkdir()
            yield partial
            _put_in_place(partial, folder)
        except OSError as error:
            raise BadFile(f"cannot write {folder}: {error.strerror or error}") from error
        finally:
            _tidy(folder)


def carry_over(old: Path, new: Path, *, made: Sequence[str]) -> None:
    """Link into a new folder what lies in the old one and was not made by its writer, such as a person's own files.

    Args:
      old: may be absent.
      new: about to replace it.
      made: patterns of the names that the writer makes.
    """
    leftovers = shutil.ignore_patterns("*.partial", ".*.lock")
    for path in old.iterdir() if old.is_dir() else ():
        if any(fnmatch(path.name, pattern) for pattern in made) or leftovers(str(old), [path.name]):
            continue
        if path.is_symlink():
            (new / path.name).symlink_to(path.readlink())
        elif path.is_dir():
            shutil.copytree(path, new / path.name, copy_function=link_or_copy, symlinks=True, ignore=leftovers)
        elif path.is_file():
            link_or_copy(path, new / path.name)


def recover(folder: Path) -> None:
    """Put back a folder whose writer died between two renames; nothing happens while it lives."""
    folder = Path(os.path.realpath(folder))
    if folder.exists() or not any(_is_old(path) for path in _leftovers(folder)):
        return
    try:
        with held(folder):
            _tidy(folder)
    except CreError:  # it is being written, or this person may not write here
        return


def private_folder(folder: Path) -> Path:
    """A folder that only this user can enter, made if absent.

    One of this user's that others may read is closed to them: nobody else can have put anything into it.

    Raises:
      BadInput: there is one of another user, one that others may write into, a symbolic link or a file.
      BadFile: it cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        about = folder.lstat()
    except OSError as error:
        raise BadFile(f"cannot make the folder {folder}: {error.strerror or error}") from error
    mode = stat.S_IMODE(about.st_mode)
    if not stat.S_ISDIR(about.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(about.st_mode) else "a file"
        raise BadInput(f"{folder} is {kind}; wanted a private folder of user {os.getuid()}")
    if about.st_uid == os.getuid() and mode & 0o077 and not mode & 0o022:
        folder.chmod(0o700)
    elif about.st_uid != os.getuid() or mode & 0o077:
        whose = f"mode {mode:o}" if about.st_uid == os.getuid() else f"it is user {about.st_uid}'s"
        raise BadInput(f"{folder} is not a private folder of user {os.getuid()} ({whose}); wanted mode 700")
    return folder


# ---------------------------------------------------------------- one writer at a time


def _lock_of(folder: Path) -> Path:
    """Beside the folder, for the folder itself is renamed."""
    return folder.parent / f".{folder.name}.lock"


def _inside(folder: Path) -> list[Path]:
    """Folders inside that have a lock, whether or not somebody holds it."""
    return [
        Path(at, name[1 : -len(".lock")])
        for at, _, names in os.walk(folder)
        for name in names
        if name.startswith(".") and name.endswith(".lock")
    ]


@contextmanager
def _locked(folder: Path, path: Path) -> Iterator[None]:
    """The system lets go of the lock when its process dies, however that happens."""
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _held_lock(path, folder)
    except OSError as error:
        raise BadFile(f"cannot write {folder}: {error.strerror or error}") from error
    with lock:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            for parent in made:  # a writer that wrote nothing leaves nothing
                with suppress(OSError):
                    parent.rmdir()


def _held_lock(path: Path, folder: Path) -> IO[str]:
    while True:
        lock = path.open("a+")
        try:
            _take(lock, folder, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                lock.truncate(0)
                lock.write(f"process {os.getpid()} since {datetime.now():%Y-%m-%d %H:%M:%S}")
                lock.flush()
                return lock
        except BaseException:
            lock.close()
            raise
        lock.close()  # its last holder removed it before it was ours


@contextmanager
def _opened(lock: Path) -> Iterator[IO[str] | None]:
    try:
        file = lock.open()
    except OSError:  # nobody has it, or it is not for this person to know
        yield None
    else:
        with file:
            yield file


def _take(lock: IO[str], folder: Path, kind: int) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        who = lock.read() or "another process"
        raise NotAvailable(f"{folder} is being written by {who}; wait until it has ended, or stop it") from None


# ---------------------------------------------------------------- the new one in the place of the old


def _put_in_place(new: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(new, folder)
    elif not _exchanged(new, folder):
        os.rename(folder, folder.with_name(f"{folder.name}.{os.getpid()}.replaced.partial"))
        os.rename(new, folder)


def _exchanged(one: Path, other: Path) -> bool:
    """Swap two folders in one step where the system can: at no moment is there none."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)


def _leftovers(folder: Path) -> list[Path]:
    """What writers of a folder have beside it while they write, and leave when they die."""
    named = re.compile(rf"{re.escape(folder.name)}\.\d+(\.replaced)?\.partial")
    if not folder.parent.is_dir():
        return []
    return [path for path in sorted(folder.parent.iterdir()) if named.fullmatch(path.name)]


def _is_old(path: Path) -> bool:
    return path.name.endswith(".replaced.partial")


def _tidy(folder: Path) -> None:
    """Put back an old folder that nothing has replaced, and remove every other leftover; for the holder alone."""
    found = _leftovers(folder)
    old = next((path for path in found if _is_old(path)), None)
    if old is not None and not folder.exists():
        os.rename(old, folder)
    for path in found:
        remove(path)
