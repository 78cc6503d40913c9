"""The processes that train together: where each is, by ``TF_CONFIG``, and how those of here are started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tbcli.errors import ConfigError, TrainingFailed

TF_CONFIG = "TF_CONFIG"
TIED = "_TBCLI_TIED_TO_STDIN"
_END_SECONDS = 20.0  # that a worker may take to end once it was dismissed
_BESIDE: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Where a process is among those that train together.

    Args:
        workers: Address of each, ``host:port``; the first records and saves.
        index: Its own, from 0.
    """

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether it is the one that records and saves."""
        return self.index == 0

    @property
    def neighbours_before(self) -> int:
        """How many of those before it are on the same machine: each takes a GPU of its own."""
        hosts = [address.rpartition(":")[0] for address in self.workers]
        return hosts[: self.index].count(hosts[self.index])

    def as_tf_config(self) -> str:
        """Return the text of ``TF_CONFIG``."""
        task = {"type": "worker", "index": self.index}
        return json.dumps({"cluster": {"worker": list(self.workers)}, "task": task})


def place_of_process(environ: Mapping[str, str] = os.environ) -> WorkerPlace | None:
    """Return what ``TF_CONFIG`` says of this process; None where it trains alone.

    Raises:
        ConfigError: It says nothing that can be understood.
    """
    text = environ.get(TF_CONFIG, "").strip()
    try:
        return _read_place(json.loads(text or "{}"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) if type(error) is ValueError else "not in its form"
        raise ConfigError(
            f"{TF_CONFIG} cannot be understood, {why}: {text[:200]!r}",
            hint='such as {"cluster": {"worker": ["a:4000", "b:4000"]}, "task": {"type": "worker", "index": 0}}',
        ) from error


def _read_place(said: Mapping[str, Any]) -> WorkerPlace | None:
    cluster, task = said.get("cluster") or {}, said.get("task") or {}
    kinds = [kind for kind in ("chief", "worker") if cluster.get(kind)]
    workers = [str(address) for kind in kinds for address in cluster[kind]]
    if len(workers) < 2 and (not task or task["type"] in kinds):
        return None
    kind, number = str(task["type"]), int(task["index"])
    if kind not in kinds:
        raise ValueError(f"a task of type {kind!r} has no part in this: the workers alone train, the first validates")
    if not 0 <= number < len(cluster[kind]):
        raise ValueError(f"there is no {kind} {number} among {len(cluster[kind])}")
    for address in workers:
        host, _, port = address.rpartition(":")
        if not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
            raise ValueError(f"{address!r} is not HOST:PORT")
        if workers.count(address) > 1:
            raise ValueError(f"{address!r} is there twice")
    before = len(cluster["chief"]) if kind == "worker" and "chief" in kinds else 0
    return WorkerPlace(tuple(workers), before + number)


@contextmanager
def workers_beside(count: int, workspace: Path) -> Iterator[None]:
    """Start the other workers on this machine, unless a launcher has; none of them outlives this process.

    Args:
        count: Of workers, this process included.
        workspace: Where they find what to train.
    """
    if count < 2 or place_of_process():
        yield
        return
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(count))
    with ExitStack() as stack:
        for index in range(1, count):
            stack.enter_context(_started(WorkerPlace(addresses, index), workspace))
        with placed(WorkerPlace(addresses, 0)):
            yield
        await_workers_beside()


@contextmanager
def placed(place: WorkerPlace) -> Iterator[None]:
    """Give this process a place."""
    os.environ[TF_CONFIG] = place.as_tf_config()
    try:
        yield
    finally:
        del os.environ[TF_CONFIG]


def worker_command(workspace: Path) -> list[str]:
    """Return what starts a worker, whose place ``TF_CONFIG`` tells; what to train the first one tells it."""
    return [sys.executable, "-m", "tbcli", "train", "--quiet", "--workspace", str(workspace)]


@contextmanager
def _started(place: WorkerPlace, workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    # A session of its own: Ctrl-C is for the first one alone, which tells the others when to stop.
    child = subprocess.Popen(  # noqa: S603 - this program
        worker_command(workspace),
        env={**os.environ, TF_CONFIG: place.as_tf_config(), TIED: "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    _BESIDE.append(child)
    try:
        yield child
    finally:
        _BESIDE.remove(child)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
        child.wait()


def await_workers_beside() -> None:
    """Wait for the workers that this process has started and told that it is over: they may have to say why."""
    for child in _BESIDE:
        with suppress(subprocess.TimeoutExpired):
            child.wait(_END_SECONDS)


def require_workers_beside() -> None:
    """Check that no worker that was started beside this process has ended.

    Raises:
        TrainingFailed: One has.
    """
    for child in _BESIDE:
        if child.poll() is not None:
            raise TrainingFailed(
                f"a worker ended before the training began, with exit code {child.returncode}",
                hint="its own error output says why; nothing was trained",
            )


def end_with_parent() -> None:
    """End this process when the one that started it has ended, however that was; called by a worker."""
    if os.environ.pop(TIED, ""):
        threading.Thread(target=_end_at_eof, name="tbcli-parent", daemon=True).start()


def _end_at_eof() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return ports of this machine that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in sockets]
