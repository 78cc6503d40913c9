"""Where trials run: slots, each with its share of the cores, and the process in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tbcli.sweeps.directory import SweepDirectory

WORKER = (sys.executable, "-m", "tbcli.sweeps.worker")
SCRIPT_WORKER = (sys.executable, "-m", "tbcli.sweeps.script_worker")
_PATIENCE_SECONDS = 120.0  # a training that is stopped saves first
RENEWED_AFTER = 20  # trials: what TensorFlow keeps of each adds up
BYTES_PER_WORKER = 1.5e9


def own_cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


class Worker(ABC):
    """What trains trials, wherever it is; see `tbcli.sweeps.worker`.

    Args:
        events: The end of a pipe that its events come out of, a line of JSON each.
    """

    def __init__(self, events: int) -> None:
        self._pipe, self._rest = events, b""
        self.trials = 0
        self.kind: object = None
        """What the trials of this process have in common, as nothing else can be trained in it."""

    def fileno(self) -> int:
        """Return what becomes readable when there is an event."""
        return self._pipe

    def events(self) -> Iterator[dict[str, Any] | None]:
        """Yield what it has told since, and None if it will tell nothing more."""
        data = os.read(self._pipe, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
        if not data:
            yield None

    def has_ended(self) -> bool:
        """Say whether it is known to be dead, though something that it has started may keep its pipe open."""
        return False

    @abstractmethod
    def send(self, line: Mapping[str, Any]) -> None:
        """Tell the worker something, which may be dead."""

    @abstractmethod
    def stop(self) -> None:
        """Ask it to stop its training at the next safe point."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once."""

    @abstractmethod
    def close(self) -> str:
        """Let it end, wait for that, and return how it died, ``""`` if it did not."""


class WorkerProcess(Worker):
    """A process of this machine.

    Args:
        command: What to start.
        cores: That it may use; all if empty.
        output: Where what libraries print goes.
    """

    def __init__(self, command: Sequence[str], cores: Sequence[int], output: Path) -> None:
        events, theirs = os.pipe()
        super().__init__(events)
        environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}
        words = [*command, str(theirs), *([",".join(map(str, cores))] if cores else [])]
        try:
            with output.open("ab") as file:
                self._process = subprocess.Popen(  # noqa: S603 - ourselves
                    words, stdin=subprocess.PIPE, stdout=file, stderr=file, pass_fds=(theirs,), env=environ
                )
        finally:
            os.close(theirs)

    def send(self, line: Mapping[str, Any]) -> None:
        """Tell the worker something, which may be dead."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.write(f"{json.dumps(line)}\n".encode())
            self._process.stdin.flush()

    def has_ended(self) -> bool:
        """Say whether it is known to be dead, though something that it has started may keep its pipe open."""
        return self._process.poll() is not None

    def dismiss(self) -> None:
        """Let it end; a trial that it trains stops."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()

    def stop(self) -> None:
        """Ask it to stop its training at the next safe point."""
        with suppress(OSError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        with suppress(OSError):
            self._process.kill()
        self.close()

    def close(self) -> str:
        """Let it end, wait for that, and return how it died, ``""`` if it did not."""
        self.dismiss()
        try:
            code = self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:  # a library's thread, or the user's, does not end
            self._process.kill()
            code = self._process.wait()
        with suppress(OSError):
            os.close(self._pipe)
        if code < 0:
            return f"by {signal.Signals(-code).name}" if -code in set(signal.Signals) else f"by signal {-code}"
        return f"with exit code {code}" if code else ""


class Slot:
    """A place for one trial at a time.

    Args:
        number: From 0.
        cores: Its share.
        directory: Of the sweep.
        command: What its process is.
    """

    def __init__(self, number: int, cores: Sequence[int], directory: SweepDirectory, command: Sequence[str]) -> None:
        self.number, self._cores, self._directory, self._command = number, cores, directory, command
        self.worker: Worker | None = None

    def suits(self, config: Mapping[str, Mapping[str, Any]]) -> bool:
        """Say whether its process can train a trial of these settings, and has not trained enough yet."""
        worker = self.worker
        if worker is None or worker.trials >= RENEWED_AFTER or config["train"]["workers"] > 1:
            return False  # it can be connected with other workers once
        return worker.kind == _kind_of(config)

    def start(self, config: Mapping[str, Mapping[str, Any]]) -> Worker:
        """Return a new process, for a trial of these settings and others like it."""
        worker: Worker = WorkerProcess(self._command, self._cores, self._directory.output_file(f"worker-{self.number}"))
        worker.kind = _kind_of(config)
        return worker

    def drop(self) -> str:
        """Forget the process, which is dead; return how it died."""
        worker, self.worker = self.worker, None
        return worker.close() if worker else ""


def _kind_of(config: Mapping[str, Mapping[str, Any]]) -> object:
    """Return what trials of one process must have in common: it is deterministic for good, and so are its devices."""
    return config["train"]["deterministic"], config["train"]["devices"]
