"""Find the event files below a directory, run by run, without blocking on pipes or devices."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tbcli.config.paths import TRASH
from tbcli.errors import NotFound
from tbcli.events.columns import EventFile
from tbcli.events.damage import UNREADABLE, Damage

_MARK = "tfevents"  # what TensorBoard looks for in a file name (`io_wrapper.IsSummaryEventsFile`)
_NOT = ".profile-empty"
TRAINER_STATE = "trainer_state.json"
JSON_LINES = ("log.txt", "metrics.json", "result.json", ".log.json", ".jsonl")
_TEXT_LOGS = (".csv", ".tsv", ".log", "progress.txt", *JSON_LINES, TRAINER_STATE)
_SETTLED = 2_000_000_000  # nanoseconds; a directory that changed later may change again within one tick of its clock


class FoundFiles(NamedTuple):
    """What lies below a log directory.

    Args:
        files: The event files, ordered by run and then by name.
        damage: What could not be looked at.
        directories: ``{directory: when its entries changed, nanoseconds since 1970}``, by which `find_again` knows
            that there are no others; empty where that would not tell.
        tables: Files that may be training logs of other forms; see `tbcli.readers.text_logs`.
        is_file: Whether one file was named.
    """

    files: list[EventFile]
    damage: list[Damage]
    directories: dict[str, int]
    tables: Sequence[EventFile] = ()
    is_file: bool = False


def may_be_text_log(name: str) -> bool:
    """Say whether a file may be a training log that is no event file, by its name alone."""
    return name.endswith(_TEXT_LOGS) and _MARK not in name


def is_event_name(name: str) -> bool:
    """Say whether TensorBoard takes a file for an event file, by its name alone."""
    return _MARK in name and not name.endswith(_NOT)


def find_event_files(top: Path) -> FoundFiles:
    """Return the event files below a directory, or the one file that is named, ordered by run and then by name.

    The names of event files begin with the time of their making, so this is the order of writing, and TensorBoard's.
    Links are followed, and a directory is looked into once: where it really is, if that is below too.

    Raises:
        NotFound: There is neither a directory nor a file.
    """
    damage: list[Damage] = []
    try:
        status = top.stat()
    except (OSError, ValueError) as error:
        raise NotFound(f"no log directory {str(top)!r}", hint="a directory below which event files lie") from error
    if not stat.S_ISDIR(status.st_mode):
        named = list(_event_files(top, "", top.name, damage))
        is_table = may_be_text_log(top.name) or _is_table(top)
        return FoundFiles([] if is_table else named, damage, {}, named if is_table else (), is_file=True)
    walk = _Walk(str(top), damage)
    began = time.time_ns()
    walk.look_into("")
    has_links = walk.follow_links()
    changed = walk.changed.values()
    is_telling = not has_links and not damage and not walk.tables and max(changed, default=began) < began - _SETTLED
    files = sorted(walk.files, key=lambda file: (file.run, file.name))
    return FoundFiles(files, damage, walk.changed if is_telling else {}, sorted(walk.tables, key=lambda one: one.name))


def _is_table(path: Path) -> bool:
    """Say whether a file that was named, and is not called as event files are, is a training log as text."""
    if _MARK in path.name:
        return False
    from tbcli.readers.table_forms import form_of

    try:
        return form_of(str(path), is_named=True) is not None
    except OSError:
        return False


def find_again(top: Path, files: Sequence[EventFile], directories: Mapping[str, int]) -> FoundFiles | None:
    """Return the same files as they are now, or None where there may be others: quicker than to look for all.

    Args:
        top: The log directory.
        files: What was found there.
        directories: See `FoundFiles`.
    """
    if not directories:
        return None
    found = []
    try:
        for inside, changed in directories.items():
            if os.stat(f"{top}/{inside}").st_mtime_ns != changed:  # noqa: PTH116 - thousands of times
                return None
        for file in files:
            status = os.stat(file.path)  # noqa: PTH116
            size, changed, inode = status.st_size, status.st_mtime_ns, status.st_ino
            if (size, changed, inode) == (file.size, file.changed, file.inode):
                found.append(file)
            elif stat.S_ISREG(status.st_mode):
                found.append(file._replace(size=size, changed=changed, inode=inode))
            else:
                return None
    except OSError:
        return None
    return FoundFiles(found, [], dict(directories))


class _Walk:
    """A way through all directories, each once."""

    def __init__(self, top: str, damage: list[Damage]) -> None:
        self.files: list[EventFile] = []
        self.tables: list[EventFile] = []
        self._top = top
        self._damage = damage
        self.changed: dict[str, int] = {}
        self._links: list[str] = []

    def look_into(self, inside: str) -> None:
        """Take the files of a directory and of all below, and note the links to others."""
        waiting = [inside]
        while waiting:
            waiting += self._list(waiting.pop())

    def _list(self, inside: str) -> list[str]:
        """Take the files of one directory, and return the directories in it."""
        below: list[str] = []
        path = f"{self._top}/{inside}" if inside else self._top
        before = f"{inside}/" if inside else ""
        self.changed[inside] = 0
        try:
            self.changed[inside] = os.stat(path).st_mtime_ns  # noqa: PTH116 - before it is listed
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if entry.is_dir(follow_symlinks=False):
                        below += [before + name] if name != TRASH else []
                    elif is_event_name(name) and not _leads_to_directory(entry):
                        self.files.extend(_event_files(entry, inside, before + name, self._damage))
                    elif name.endswith(_TEXT_LOGS) and name[0] != "." and not _leads_to_directory(entry):
                        self.tables.extend(_event_files(entry, inside, before + name, []))
                    elif entry.is_symlink():
                        self._links.append(before + name)
        except OSError as error:
            self._damage.append(Damage(inside or ".", 0, UNREADABLE, f"cannot be listed: {error.strerror or error}"))
        return below

    def follow_links(self) -> bool:
        """Look into the directories that links lead to, unless they were seen, and say whether there are links."""
        if not self._links:
            return False
        seen = {_identity(f"{self._top}/{inside}") for inside in self.changed}
        while self._links:
            self._links.sort(reverse=True)
            name = self._links.pop()
            target = _identity(f"{self._top}/{name}")
            if target and target not in seen:
                before = len(self.changed)
                self.look_into(name)
                seen.update(_identity(f"{self._top}/{inside}") for inside in list(self.changed)[before:])
        return True


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells a directory from all others, or None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - once a directory
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def _event_files(entry: os.DirEntry[str] | Path, inside: str, name: str, damage: list[Damage]) -> tuple[EventFile, ...]:
    try:
        status = entry.stat()
    except OSError as error:
        damage.append(Damage(name, 0, UNREADABLE, f"cannot be read: {error.strerror or error}"))
        return ()
    if not stat.S_ISREG(status.st_mode):
        damage.append(Damage(name, 0, UNREADABLE, "is no regular file: left alone"))
        return ()
    path = os.fspath(entry)
    return (EventFile(path, name, inside or ".", status.st_size, status.st_mtime_ns, status.st_ino),)
