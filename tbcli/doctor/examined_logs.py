"""A log directory as far as the doctor looks at it: its event files, their content, and what else lies there."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tbcli.events.columns import EventFile
from tbcli.naming.words import SPLITS
from tbcli.readers.events import LogContent, open_files, open_logdir
from tbcli.readers.logdir import FoundFiles

MOST_FILES, MOST_BYTES = 250, 100_000_000  # whose content is looked at
_HUGE = 1_000_000_000  # bytes of one file that is not read even if it is the only one
MOST_DIRECTORIES = 20_000  # that are looked into


@dataclass(slots=True)
class Logs:
    """A log directory as far as it was looked at.

    Args:
        top: The directory, or the one file, as the user named it.
        found: Its event files.
        files: Those whose content was read: all of them, or the newest.
        content: What these hold.
        now: Seconds since 1970.
        is_ours: Whether runs of `tbcli` lie in it, or it is one.
        tree: What else the directories hold.
    """

    top: Path
    found: FoundFiles
    files: Sequence[EventFile]
    content: LogContent
    now: float
    is_ours: bool
    tree: Tree

    @property
    def is_part(self) -> bool:
        """Whether only some of the files were read."""
        return len(self.files) < len(self.found.files)

    def path(self, run: str) -> str:
        """Return the directory of a run as the user can name it."""
        return str(self.top) if run == "." or self.found.is_file else str(self.top / run)


@dataclass(slots=True)
class Tree:
    """What a walk through the directories found besides event files, links not followed.

    Args:
        directories: How many it looked into.
        is_whole: Whether those are all.
        links: Symbolic links to directories.
        projectors: Configurations of the projector.
        traces: Directories with traces of the profiler.
        runs: Directories that hold a ``run.json``.
        odd: Pipes, sockets and devices in the place of a part of a run, such as ``train``.
    """

    directories: int = 0
    is_whole: bool = True
    links: list[Path] = field(default_factory=list)
    projectors: list[Path] = field(default_factory=list)
    traces: list[Path] = field(default_factory=list)
    runs: list[Path] = field(default_factory=list)
    odd: list[Path] = field(default_factory=list)


def look_at(top: Path, found: FoundFiles, now: float) -> Logs:
    """Return what lies in a log directory, with the content of its newest files."""
    files = _newest(found.files)
    is_whole = len(files) == len(found.files)
    content = open_logdir(top, text_logs=False) if is_whole else open_files(files)
    tree = Tree() if found.is_file else _tree(top)
    return Logs(top, found, files, content, now, bool(tree.runs), tree)


def _newest(files: Sequence[EventFile]) -> list[EventFile]:
    """Return the files that are read, in their order: the last written to, as many as the limits allow."""
    chosen: set[str] = set()
    left = MOST_BYTES
    for file in sorted(files, key=lambda file: -file.changed)[:MOST_FILES]:
        if file.size > left and (chosen or file.size > _HUGE):
            break
        left -= file.size
        chosen.add(file.name)
    return [file for file in files if file.name in chosen]


def _tree(top: Path) -> Tree:
    tree = Tree()
    for place, folders, names in os.walk(top):
        tree.directories += 1
        if tree.directories > MOST_DIRECTORIES:
            tree.is_whole = False
            break
        here = Path(place)
        tree.links += [here / name for name in folders if (here / name).is_symlink()]
        tree.odd += [here / name for name in names if name.lower() in SPLITS and _is_odd(here / name)]
        if "projector_config.pbtxt" in names:
            tree.projectors.append(here / "projector_config.pbtxt")
        if "run.json" in names:
            tree.runs.append(here)
        if here.name == "profile" and here.parent.name == "plugins":
            tree.traces.append(here)
    return tree


def _is_odd(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))
