"""A training holds its run directory: a lock of the kernel, which ends with the process and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tbcli.errors import Refused

_TRIES, _PAUSE_SECONDS = 20, 0.005  # `is_claimed` of another process takes the lock for a moment
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN: set[Claim] = set()


class Claim:
    """The lock on a run directory; where the file system has no locks it locks nothing.

    Args:
        handle: The open directory.
        is_locked: Whether it is locked.
    """

    def __init__(self, handle: int, *, is_locked: bool) -> None:
        self._handle: int | None = handle
        self.is_locked = is_locked
        _OPEN.add(self)

    def fileno(self) -> int:
        """Return the open directory."""
        if self._handle is None:
            raise ValueError("the claim was released")
        return self._handle

    def why_gone(self, logs: Path) -> str:
        """Return what became of the directory, as ``was removed`` or ``was moved to ...``; empty while it is there."""
        if self._handle is None:
            return ""
        held = os.fstat(self._handle)
        with suppress(OSError):
            if os.path.samestat(held, logs.stat()):
                return ""
        try:
            place = str(Path(f"/proc/self/fd/{self._handle}").readlink())
        except OSError:  # a system without
            place = ""
        if not held.st_nlink or place.endswith(" (deleted)"):
            return "was removed"
        return f"was moved to {place!r}" if place else "was removed or moved"

    def release(self) -> None:
        """Give the directory back; safe to call again."""
        handle, self._handle = self._handle, None
        _OPEN.discard(self)
        if handle is not None:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)

    def drop(self) -> None:
        """Close the copy that a forked process has, of a lock that stays its parent's."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def claim(logs: Path, parent: int | None = None) -> Claim:
    """Lock a run directory for this process until the claim is released or the process ends, however it ends.

    Args:
        logs: The directory.
        parent: The open directory that holds it, where a link in its place is not to be followed.

    Raises:
        Refused: A process trains this run, or works on its directory.
        OSError: The directory cannot be opened, or was moved away meanwhile.
    """
    handle = _opened(logs) if parent is None else os.open(logs.name, _FLAGS | os.O_NOFOLLOW, dir_fd=parent)
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        except OSError:  # a file system without locks: the heartbeat decides
            return Claim(handle, is_locked=False)
        else:
            return _still_there(Claim(handle, is_locked=True), logs, parent)
    os.close(handle)
    name = shlex.quote(logs.name)
    raise Refused(
        f"run {logs.name} is in use: another process trains it or works on it",
        hint=f"`tbcli runs {name}` shows it; wait for its end, or stop it first (`tbcli stop {name}`)",
    )


def _still_there(lock: Claim, logs: Path, parent: int | None) -> Claim:
    """Return the claim, unless `tbcli clean` moved the directory away before it was locked."""
    try:
        there = logs.stat() if parent is None else os.stat(logs.name, dir_fd=parent, follow_symlinks=False)
        if not os.path.samestat(there, os.fstat(lock.fileno())):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(logs))
    except BaseException:
        lock.release()
        raise
    return lock


def is_claimed(logs: Path) -> bool | None:
    """Say whether a process of this kernel holds a run directory, whatever its name or pid namespace.

    Returns:
        True proves that it is in use. False proves nothing of a process of another host, or of one that could not
        lock; None means that locks tell nothing here.
    """
    try:
        handle = _opened(logs)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(handle)  # with the lock


def _opened(logs: Path) -> int:
    return os.open(logs, _FLAGS)


def _drop_all() -> None:
    for one in _OPEN:
        one.drop()
    _OPEN.clear()


os.register_at_fork(after_in_child=_drop_all)  # else a worker that outlives a training would hold its run
