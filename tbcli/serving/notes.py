"""The servers of this user that run now: each notes itself in a file while it answers, so that others find it."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tbcli.config.paths import cache_home
from tbcli.errors import ServingFailed
from tbcli.runs.owner import Owner

_STOP_SECONDS = 10.0
_NOT_ALWAYS_NOTED = {"boot", "namespace"}  # an older server of this user did not
_MOST_BYTES = 1 << 20  # of a note, which has one path for each chosen run


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers.

    Args:
        pid: Its process.
        pid_started: When that started, so that a later process of the same number is not taken for it.
        host: The machine that it runs on.
        url: What opens it, with the token where there is one.
        port: Where it listens.
        places: The directories that it shows, links resolved.
        runs: Their names; empty for a whole log directory.
        since: When it started to answer, in seconds since 1970.
        has_token: Whether it asks visitors for a token.
        boot: The boot of that machine, and
        namespace: the process table there that has its number; ``""`` where that is not known.
    """

    pid: int
    pid_started: int | None
    host: str
    url: str = field(repr=False)
    port: int
    places: tuple[str, ...]
    runs: tuple[str, ...]
    since: float
    has_token: bool
    boot: str = ""
    namespace: str = ""

    @property
    def lives(self) -> bool:
        """Whether its process is alive, as far as can be told from here."""
        return self._owner.lives() is True

    @property
    def is_gone(self) -> bool:
        """Whether its process is known to have ended."""
        return self._owner.lives() is False or self._owner.is_of_another_boot

    @property
    def _owner(self) -> Owner:
        return Owner(self.pid, self.pid_started, self.host, self.boot, self.namespace)

    def shows(self, places: Sequence[str]) -> bool:
        """Say whether it shows these directories and no others."""
        return sorted(self.places) == sorted(places)


@contextmanager
def noted(url: str, port: int, places: Sequence[str], runs: Sequence[str], *, has_token: bool) -> Iterator[bool]:
    """Note this process as a server for as long as the block lasts; yield whether that was possible."""
    owner = Owner.current()
    server = RunningServer(
        owner.pid,
        owner.pid_started,
        owner.host,
        url,
        port,
        tuple(places),
        tuple(runs),
        time.time(),
        has_token,
        owner.boot,
        owner.namespace,
    )
    path = None
    with suppress(OSError, RuntimeError):  # no home, no room: it serves all the same
        path = _note_of(owner.pid)
        _write_privately(path, json.dumps(asdict(server)))
    try:
        yield path is not None and path.exists()
    finally:
        if path:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                log_file(owner.pid).unlink(missing_ok=True)  # of a server that ends as it should, nobody wants it


def running_servers() -> list[RunningServer]:
    """Return the servers of this user on this machine, by port; notes of those that are gone are removed."""
    found = []
    with suppress(OSError, RuntimeError):
        for path in _notes().glob("*.json"):
            server = _read(path)
            if server is None:
                continue
            if server.lives:
                found.append(server)
            elif server.is_gone:
                with suppress(OSError):
                    path.unlink()
    return sorted(found, key=lambda server: (server.port, server.pid))


def stop_server(server: RunningServer) -> None:
    """End a server and wait until it is gone.

    Raises:
        ServingFailed: It cannot be ended, or does not end.
    """
    advice = f"`kill -9 {server.pid}` ends it at once"
    try:
        if server.lives:
            os.kill(server.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except OSError as error:
        raise ServingFailed(f"cannot stop process {server.pid}: {error.strerror}", hint=advice) from error
    deadline = time.monotonic() + _STOP_SECONDS
    while server.lives:
        if time.monotonic() > deadline:
            raise ServingFailed(f"process {server.pid} did not stop within {_STOP_SECONDS:g} s", hint=advice)
        time.sleep(0.02)


def log_file(pid: int) -> Path:
    """Return where a server without a terminal writes what it has to say."""
    return _notes() / f"{pid}.log"


def _notes() -> Path:
    return cache_home() / "servers"


def _note_of(pid: int) -> Path:
    return _notes() / f"{pid}.json"


def open_privately(path: Path) -> int:
    """Return the descriptor of a new file that this user alone can read.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def _write_privately(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    with open(open_privately(temporary), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the mask is
        file.write(text)
    temporary.replace(path)


def _read(path: Path) -> RunningServer | None:
    """Return what a note says; None for one that is damaged, or that somebody else may have written."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                return None
            return _parsed(json.loads(file.read(_MOST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return None


def _parsed(said: Any) -> RunningServer | None:
    names = {each.name for each in fields(RunningServer)}
    if not isinstance(said, dict) or not names - _NOT_ALWAYS_NOTED <= set(said) <= names:
        return None
    if not all(isinstance(said.get(name, ""), str) for name in _NOT_ALWAYS_NOTED):
        return None
    kinds = {"pid": int, "port": int, "host": str, "url": str, "places": list, "runs": list, "has_token": bool}
    if not all(isinstance(said[name], kind) for name, kind in kinds.items()):
        return None
    if not isinstance(said["since"], (int, float)) or not isinstance(said["pid_started"], (int, type(None))):
        return None
    if said["pid"] <= 1 or not all(isinstance(text, str) for text in (*said["places"], *said["runs"])):
        return None
    return RunningServer(**{**said, "places": tuple(said["places"]), "runs": tuple(said["runs"])})
