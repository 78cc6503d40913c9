"""A real `tbcli train` as a process, watched line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TBCLI = [sys.executable, "-m", "tbcli"]
FEW = ("--limit-samples", "300", "--batch-size", "50")
SMALL = (*FEW, "--epochs", "1")
PATIENCE_SECONDS = 90  # of the watcher: this machine may be busy


@dataclass
class Training:
    """A training process and what it has said on stderr so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def wait_for(self, beginning: str) -> str:
        """Read on until a line begins so."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return line
        raise AssertionError(f"never said {beginning!r}: {self.said}")

    def end(self) -> tuple[int, str]:
        """Return code and stdout, everything that was said being read."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE_SECONDS)
        self.said += stderr.splitlines()
        return self.process.returncode, stdout


@contextmanager
def training(workspace: Path, *words: str, argv: Sequence[str] = TBCLI) -> Iterator[Training]:
    """Start a training in a workspace."""
    process = subprocess.Popen(
        [*argv, "train", *words],
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Training(process)
    finally:
        process.kill()
        process.communicate()


def the_record(workspace: Path) -> dict[str, Any]:
    """Return the record of the only run there is."""
    (file,) = workspace.glob("logs/*/run.json")
    record: dict[str, Any] = json.loads(file.read_text())
    return record


def shown_status(workspace: Path) -> str:
    """Return the status that ``tbcli runs --json`` shows of the only run there is."""
    done = subprocess.run([*TBCLI, "runs", "--json"], cwd=workspace, capture_output=True, text=True, check=True)
    (run,) = json.loads(done.stdout)["runs"]
    return str(run["status"])


def temporary_files(workspace: Path) -> list[str]:
    """Return the files with a temporary name, which nothing may leave behind."""
    return [name for _, _, names in os.walk(workspace) for name in names if name.startswith(".")]
