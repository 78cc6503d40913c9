"""Which process owns a run, and whether it is still alive."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def host_name() -> str:
    """Return the name of this machine."""
    return os.uname().nodename  # what `socket.gethostname` says, without loading sockets to list runs


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot, or None where it is gone (or the system does not tell).

    Source: proc(5), field 22 of ``/proc/[pid]/stat``; a zombie counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field, the command in brackets, may itself hold blanks and brackets.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, identified so that a later one with the same PID is not mistaken for it."""

    pid: int
    pid_started: int | None
    host: str

    @classmethod
    def current(cls) -> Owner:
        """Return this process."""
        return cls(os.getpid(), start_ticks(os.getpid()), host_name())

    def lives(self) -> bool | None:
        """Return whether the process is alive; None if that cannot be determined from here."""
        if self.host != host_name():
            return None
        if self.pid_started is not None:
            return start_ticks(self.pid) == self.pid_started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass  # alive, and another user's
        return None  # some process has that number; without start times only the heartbeat can tell whose it is
