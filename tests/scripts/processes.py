"""Scripts run by Python and by ``tbcli run``, to be compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PYTHON = (sys.executable,)
TBCLI_RUN = (sys.executable, "-m", "tbcli", "run")


class Ended(NamedTuple):
    """What a process left: exit code (negative for a signal), stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def own(self) -> Ended:
        """The same without what we say on stderr."""
        lines = [line for line in self.err.splitlines(keepends=True) if not line.startswith("tbcli: ")]
        return self._replace(err="".join(lines))


def run(argv: tuple[str, ...], *words: str, where: Path, typed: str = "") -> Ended:
    """Run a command to its end."""
    done = subprocess.run([*argv, *words], cwd=where, input=typed, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)
