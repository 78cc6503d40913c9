"""A training holds its run directory: a lock of the kernel, which ends with the process and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tbcli.errors import Refused

_TRIES, _PAUSE_SECONDS = 20, 0.005  # `is_claimed` of another process takes the lock for a moment
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


def claim(logs: Path) -> Claim:
    """Lock a run directory for this process until the claim is released or the process ends, however it ends.

    Raises:
        Refused: A process trains this run, or works on its directory.
        OSError: The directory cannot be opened.
    """
    handle = _opened(logs)
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        except OSError:  # a file system without locks: the heartbeat decides
            return Claim(handle, is_locked=False)
        else:
            return Claim(handle, is_locked=True)
    os.close(handle)
    raise Refused(
        f"run {logs.name} is in use: another process trains it or works on it",
        hint=f"`tbcli runs {logs.name}` shows it; wait for its end, or stop it first (`tbcli stop {logs.name}`)",
    )


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
    return os.open(logs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _drop_all() -> None:
    for one in _OPEN:
        one.drop()
    _OPEN.clear()


os.register_at_fork(after_in_child=_drop_all)  # else a worker that outlives a training would hold its run
