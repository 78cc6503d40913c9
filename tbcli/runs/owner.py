"""Which process owns a run, and whether it is still alive."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


def host_name() -> str:
    """Return the name of this machine."""
    return os.uname().nodename  # what `socket.gethostname` says, without loading sockets to list runs


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Return what tells this boot of this machine from any other; ``""`` where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return ""


def pid_namespace() -> str:
    """Return what tells this table of processes from those of other containers; ``""`` where there is but one."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path: it reads as 'pid:[4026531836]'
    except OSError:
        return ""


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


def booted_at() -> float | None:
    """Return when this machine was booted, in seconds of its present clock; None where the system does not tell."""
    try:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return None


def started_at(pid: int) -> float | None:
    """Return when a process started, in seconds of the present clock; None where it is gone or nothing tells."""
    ticks, booted = start_ticks(pid), booted_at()
    return None if ticks is None or booted is None else booted + ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, identified so that a later one with the same PID is not mistaken for it.

    Args:
        pid: Its number.
        pid_started: When it started, in clock ticks since boot; None where the system does not tell.
        host: The machine's name, which containers may share.
        boot: The boot of the machine, ``""`` if not known.
        namespace: The process table in which it has that number, ``""`` if not known.
    """

    pid: int
    pid_started: int | None
    host: str
    boot: str = ""
    namespace: str = ""

    @classmethod
    def current(cls) -> Owner:
        """Return this process."""
        return cls(os.getpid(), start_ticks(os.getpid()), host_name(), boot_id(), pid_namespace())

    @property
    def is_of_another_boot(self) -> bool:
        """Whether it ran before this machine was booted, or on another machine of the same name."""
        here = boot_id()
        return self.host == host_name() and bool(self.boot and here) and self.boot != here

    @property
    def is_of_another_namespace(self) -> bool:
        """Whether its number is one of another process table of this machine: of another container."""
        here = pid_namespace()
        return self.host == host_name() and bool(self.namespace and here) and self.namespace != here

    def lives(self) -> bool | None:
        """Return whether the process is alive; None if that cannot be determined from here."""
        if self.host != host_name() or self.is_of_another_boot or self.is_of_another_namespace:
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
