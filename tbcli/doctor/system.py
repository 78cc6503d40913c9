"""The machine as the doctor asks about it; tests put another one in its place."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_MOST_BYTES = 1 << 20  # of a file of the system


@dataclass(frozen=True, slots=True)
class System:
    """Where facts about the machine come from.

    Args:
        root: Below it lie ``proc``, ``sys`` and ``dev``.
        environ: The environment variables.
        now: Seconds since 1970.
        packages: Directories of installed packages; None for those of this process.
    """

    root: Path = Path("/")
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    now: float = field(default_factory=time.time)
    packages: Sequence[str] | None = None

    def path(self, inside: str) -> Path:
        """Return the path of a file of the system, which is given from the root."""
        return self.root / inside.lstrip("/")

    def text(self, inside: str) -> str:
        """Return the text of a file of the system, empty where it cannot be read."""
        try:
            with self.path(inside).open(errors="replace") as file:
                return file.read(_MOST_BYTES)
        except (OSError, ValueError):
            return ""

    def has(self, inside: str) -> bool:
        """Say whether the system has a file."""
        return os.path.lexists(self.path(inside))

    def number(self, inside: str) -> int | None:
        """Return the number in a file of the system; None for a word, or where there is none."""
        text = self.text(inside).strip()
        return int(text) if text.isdecimal() else None

    def groups(self, controller: str) -> list[str]:
        """Return the directories of the control groups that this process is in, the innermost first."""
        found = []
        for line in self.text("/proc/self/cgroup").splitlines():
            number, _, rest = line.partition(":")
            names, _, path = rest.partition(":")
            if controller in names.split(",") or (number == "0" and not names):
                top = f"/sys/fs/cgroup/{names}" if names else "/sys/fs/cgroup"
                tops = dict.fromkeys((top, f"/sys/fs/cgroup/{controller}")) if names else (top,)
                parts = path.strip("/").split("/")
                inner = ["/".join(parts[:count]) for count in range(len(parts), 0, -1) if parts[0]]
                found += [f"{top}/{inside}".rstrip("/") for top in tops for inside in (*inner, "")]
        return [inside for inside in dict.fromkeys(found) if self.has(inside)]


def is_plain_file(path: Path) -> bool:
    """Say whether a file is there and can be seen; one that cannot be looked at counts as absent."""
    return os.path.isfile(path)  # noqa: PTH113 - which raises where it may not look


def command(*words: str | Path) -> str:
    """Return a command as a shell takes it; a path is written so that it is taken for one."""
    return shlex.join([_as_path(word) if isinstance(word, Path) else word for word in words])


def set_aside(*paths: Path) -> str:
    """Return a command that renames files so that no reader takes them for logs; nothing is lost."""
    return " && ".join(command("mv", path, path.with_name(_aside(path.name))) for path in paths)


def _aside(name: str) -> str:
    return name.replace("tfevents", "set-aside") if "tfevents" in name else f"{name}.set-aside"


def made_readable(path: Path) -> str:
    """Return a command that lets this user read a file or directory: as its owner, or by becoming its owner."""
    try:
        is_ours = path.stat().st_uid == os.getuid()
    except OSError:  # behind a directory that is closed: whose that is decides
        is_ours = next((_is_ours(each) for each in path.parents if os.path.lexists(each)), True)
    mine = command("chmod", "u+rX", path)
    return mine if is_ours else command("sudo", "chown", "-R", str(os.getuid()), path) + f" && {mine}"


def _is_ours(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.getuid()
    except OSError:
        return False


def _as_path(path: Path) -> str:
    text = str(path)
    return text if "/" in text and not text.startswith("-") else f"./{text}"


def pip(*words: str) -> str:
    """Return a command that runs pip for the Python of this process."""
    found = shutil.which("pip")
    is_ours = found is not None and os.path.dirname(found) == os.path.dirname(sys.executable)  # noqa: PTH120 - unresolved
    return shlex.join([*(["pip"] if is_ours else [sys.executable, "-m", "pip"]), *words])


def rewritten(path: str | Path) -> str:
    """Return the command that writes a sound copy of the scalars and texts of a run."""
    path = Path(path)
    copy = Path(f"{path.name}-mended") if path.name else Path("mended")
    return command("tbcli", "export", path, "--format", "tensorboard", "--out", copy)
