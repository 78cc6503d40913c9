"""A real `tbcli serve` as a process, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVE = [sys.executable, "-m", "tbcli", "serve"]
PATIENCE_SECONDS = 60  # about one is usual; the machine may be busy


@dataclass
class Serving:
    process: subprocess.Popen[str]
    first_line: str
    stderr_file: Path

    @property
    def url(self) -> str:
        return self.first_line.strip()

    @property
    def stderr(self) -> str:
        return self.stderr_file.read_text()

    def get(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON answer to a path below the URL; asked once, without waiting for data to come."""
        parts = urllib.parse.urlsplit(self.url)
        token = dict(urllib.parse.parse_qsl(parts.query)).get("token")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
        try:
            if body is None:
                connection.request("GET", parts.path + path, headers=headers)
            else:
                headers["Content-Type"] = "application/json"
                connection.request("POST", parts.path + path, json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
            assert response.status == 200, (response.status, content)
            return json.loads(content)
        finally:
            connection.close()

    def children(self) -> list[int]:
        return [pid for pid in _processes() if _parent(pid) == self.process.pid]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def serving(
    *arguments: str, environ: Mapping[str, str] | None = None, argv: Sequence[str] = SERVE, port: str = "0"
) -> Iterator[Serving]:
    """Start on any free port and wait for the line that says it answers."""
    with tempfile.NamedTemporaryFile("w+") as stderr:
        process = subprocess.Popen(
            [*argv, "--port", port, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **(environ or {})},
        )
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line, Path(stderr.name).read_text()
            yield Serving(process, line, Path(stderr.name))
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            process.stdout.close()


def is_alive(pid: int) -> bool:
    return _parent(pid) is not None


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int | None:
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(parent)
