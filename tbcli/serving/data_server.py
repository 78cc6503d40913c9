"""TensorBoard's fast event reader: a process of its own that never outlives us."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tbcli.errors import ServingFailed

_ADDRESS = "127.0.0.1"
_START_SECONDS, _STOP_SECONDS = 10.0, 1.0
_MOST_FILES = 1 << 20  # as many as a Linux process may have unless the administrator allows more
_MOST_SAID = 1 << 16  # bytes of its log that are kept


class DataServer:
    """The reader as a child process.

    TensorBoard could start it, but looks for its port only every half second, sends its calls through the user's
    HTTP proxy, and keeps no handle to stop it by.
    """

    def __init__(
        self,
        binary: str,
        logdir: str,
        *,
        reload_interval: float,
        samples: Mapping[str, int] | None = None,
        verbose: bool = False,
    ) -> None:
        """Start the process; it reads on its own from here.

        Args:
            binary: The reader's executable.
            logdir: Directory to read, again and again.
            reload_interval: Seconds between two looks; the reader knows whole seconds only.
            samples: How many points of a series to keep, by plugin; of others its own defaults.
            verbose: Let its own log through to stderr.
        """
        self._notes = tempfile.TemporaryDirectory(prefix="tbcli-reader-")
        self._port_file, self._error_file = Path(self._notes.name, "port"), Path(self._notes.name, "error")
        arguments = {
            "logdir": logdir,
            "reload": max(1, round(reload_interval)),
            "host": _ADDRESS,
            "port": 0,
            "port-file": self._port_file,
            "error-file": self._error_file,
            "samples-per-plugin": ",".join(f"{plugin}={count}" for plugin, count in (samples or {}).items()),
        }
        self._said = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed by `stop`
        raise_open_files()
        self._process = subprocess.Popen(  # noqa: S603 - TensorBoard's own executable
            # It dies with its stdin, which the system closes for us even after kill -9.
            [binary, "--die-after-stdin", *(f"--{name}={value}" for name, value in arguments.items())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=None if verbose else self._said,
            process_group=0,  # Ctrl-C is for us; we then stop it
        )

    def address(self) -> str:
        """Wait until it listens and return where.

        Raises:
            ServingFailed: It ended, or did not listen in time.
        """
        _keep_from_proxies(_ADDRESS)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            text = _text(self._port_file)
            if text.endswith("\n"):
                self._notes.cleanup()  # now, so that kill -9 leaves nothing behind
                return f"{_ADDRESS}:{int(text)}"
            if not self.lives():
                break
            time.sleep(0.005)
        raise ServingFailed(
            f"TensorBoard's fast reader did not start: {self._reason()}", hint="`--load-fast false` reads without it"
        )

    def _reason(self) -> str:
        said = " ".join(_text(self._error_file).split())
        return said or ("no answer in time" if self.lives() else f"it {self.end}")

    @property
    def end(self) -> str:
        """How the process ended, with what it said last."""
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed (SIGKILL: out of memory?)"
        how = f"crashed ({signal.Signals(-code).name})" if code < 0 else f"exited with {code}"
        said = self._last_words()
        return f"{how}: {said}" if said else how

    def _last_words(self) -> str:
        """Return the lines with which it panicked, else its last one."""
        self._said.seek(0)
        lines = [line.strip() for line in self._said.read(_MOST_SAID).decode(errors="replace").splitlines()]
        lines = [line for line in lines if line and not line.startswith("note:")]
        panics = [number for number, line in enumerate(lines) if "panicked at" in line]
        return " ".join(lines[panics[-1] : panics[-1] + 2] if panics else lines[-1:])[:300]

    def lives(self) -> bool:
        """Say whether the process still runs; its log is kept small meanwhile."""
        if not self._said.closed and os.fstat(self._said.fileno()).st_size > _MOST_SAID:
            self._said.truncate(0)  # it appends, wherever the end is
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process and remove its notes."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._said.close()
        self._notes.cleanup()


def raise_open_files() -> None:
    """Allow this process and its children as many open files as the administrator does.

    The reader keeps every event file open: at the usual limit of 1,024 about 250 of our runs end it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a system that allows fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _keep_from_proxies(host: str) -> None:
    # gRPC would send even loopback calls to the proxy of `http_proxy`.
    variable = "no_grpc_proxy"  # gRPC knows it in lower case alone, and then reads no_proxy no more
    known = os.environ.get(variable) or os.environ.get("no_proxy") or ""
    if host not in known.split(","):
        os.environ[variable] = ",".join(filter(None, (known, host)))
