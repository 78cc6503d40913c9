"""Slims runs in place: heavy kinds of evidence go, and every point of every curve stays bit for bit.

Unlike a slimmed copy (`tbcli.exporting.copies`), which writes chosen series anew for anybody's logs, this removes whole
records from the files of a run and copies the bytes of all others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tbcli.events.selecting import IsHeavy, select
from tbcli.runs import Run
from tbcli.runs.cleaning.heavy import DIRECTORIES, PLUGINS, STATES, takes_states
from tbcli.runs.cleaning.removal import held
from tbcli.runs.cleaning.trees import Freed, errors_naming, remove_entry, stored_bytes, sync
from tbcli.runs.files import document_text

_MARK = "tfevents"


@dataclass(frozen=True, slots=True)
class Slimmed:
    """What becomes of a run.

    Args:
        files: Event files that become smaller: the path below the run, and its bytes then.
        directories: Paths below the run of directories that go.
        bytes: What is freed.
        damaged: Event files of which the part behind a damaged record stays as it is.
    """

    files: tuple[tuple[str, int], ...]
    directories: tuple[str, ...]
    bytes: int
    damaged: tuple[str, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to take."""
        return bool(self.files or self.directories)


def plan_slimming(run: Run, kinds: Sequence[str]) -> Slimmed:
    """Return what `slim` would do; nothing is touched.

    Raises:
        OSError: A file cannot be read.
    """
    return _Slimming(run, kinds).plan()


def slim(run: Run, kinds: Sequence[str]) -> int:
    """Take kinds of evidence from a run for good, with the states of their files, and return the bytes freed.

    Each file is whole before and after, so that a process killed in between leaves a run that can be slimmed again. Its
    record says at once that it is slimmed, for its states belong to files of another length from then on.

    Raises:
        NotFound: It is gone.
        Refused: It is training or in use, or it is not a run of tbcli's any more.
        OSError: A file cannot be read, or there is no room for the largest of them anew.
    """
    with held(run):
        slimming = _Slimming(run, kinds)
        plan = slimming.plan()
        if plan.is_needed:
            run.update(**slimming.mark())
            slimming.apply(plan)
            run.update(**slimming.facts(plan))
    return plan.bytes


class _Slimming:
    def __init__(self, run: Run, kinds: Sequence[str]) -> None:
        self._run, self._kinds = run, kinds
        self._plugins = {plugin for kind in kinds for plugin in PLUGINS.get(kind, ())}
        taken = {*kinds, STATES} if takes_states(kinds) else set(kinds)
        self._tops = [top for kind, top in DIRECTORIES.items() if kind in taken]

    def plan(self) -> Slimmed:
        """Look at every file."""
        freed, count = 0, Freed()
        files, damaged, directories = [], [], []
        for place, name, parent in self._event_files():
            with _opened(name, parent, place / name) as handle:
                selection, found = select(handle, self._plugins.__contains__), os.fstat(handle)
            path = str((place / name).relative_to(self._run.logs))
            if selection.size < found.st_size:
                files.append((path, selection.size))
                freed += (stored_bytes(found) if found.st_nlink == 1 else 0) - selection.size
            if selection.is_damaged:
                damaged.append(path)
        for place, name, _ in self._directories():
            directories.append(str((place / name).relative_to(self._run.logs)))
            freed += count.count_tree(place / name)
        plan = Slimmed(tuple(files), tuple(directories), freed, tuple(damaged))
        is_by_itself = takes_states(self._slimmed_before) or STATES in self._kinds  # else states go with other files
        if not plan.is_needed or not (is_by_itself or files or directories != list(DIRECTORIES[STATES])):
            return Slimmed((), (), 0, tuple(damaged))
        grown = len(self._record_text(plan)) - self._run.record_file.stat().st_size
        return Slimmed(plan.files, plan.directories, freed - grown, plan.damaged)

    def apply(self, plan: Slimmed) -> None:
        """Rewrite the files, one by one, and remove the directories."""
        sizes = dict(plan.files)
        for place, name, parent in self._event_files():
            if str((place / name).relative_to(self._run.logs)) in sizes:
                with errors_naming(place / name):
                    _rewrite(name, parent, self._plugins.__contains__)
        for place, name, parent in self._directories():
            remove_entry(name, parent, place)

    def mark(self) -> dict[str, Any]:
        """Return what the record says as soon as anything goes."""
        return {"slimmed": sorted({*self._slimmed_before, *self._kinds})}

    @property
    def _slimmed_before(self) -> list[str]:
        known = self._run.record.get("slimmed")
        return [kind for kind in known if isinstance(kind, str)] if isinstance(known, list) else []

    def facts(self, plan: Slimmed) -> dict[str, Any]:
        """Return what the record says at the end: the bytes of the run with this very record."""
        files = dict(self._run.files())
        for path, size in plan.files:
            files[str(self._run.logs / path)] = size
        gone = tuple(f"{self._run.logs / path}/" for path in plan.directories)
        record = str(self._run.record_file)
        others = sum(size for path, size in files.items() if path != record and not path.startswith(gone))
        facts, total = {**self.mark(), "bytes": others}, others
        for _ in range(4):  # its own number of digits counts
            facts["bytes"] = total
            total = others + len(document_text({**self._run.record, **facts}).encode())
        return facts

    def _record_text(self, plan: Slimmed) -> bytes:
        return document_text({**self._run.record, **self.facts(plan)}).encode()

    def _event_files(self) -> Iterator[tuple[Path, str, int]]:
        """Yield the event files of the run with their open directories, those that go with a directory left out."""
        for place, inside, files, parent in self._walk():
            inside[:] = sorted(name for name in inside if not self._is_top(place / name))
            for name in sorted(files) if self._plugins else ():
                if _MARK in name and stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                    yield place, name, parent

    def _directories(self) -> Iterator[tuple[Path, str, int]]:
        for place, inside, _, parent in self._walk():
            tops = sorted(name for name in inside if self._is_top(place / name))
            inside[:] = sorted(set(inside) - set(tops))
            for name in tops:
                if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                    yield place, name, parent

    def _walk(self) -> Iterator[tuple[Path, list[str], list[str], int]]:
        for place, inside, files, parent in os.fwalk(self._run.logs, follow_symlinks=False):
            yield Path(place), inside, files, parent

    def _is_top(self, path: Path) -> bool:
        parts = path.relative_to(self._run.logs).parts
        return any(parts[-len(top) :] == top and (len(top) > 1 or len(parts) == 1) for top in self._tops)


@contextmanager
def _opened(name: str, parent: int, place: Path) -> Iterator[int]:
    with errors_naming(place):
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)


def _rewrite(name: str, parent: int, is_heavy: IsHeavy) -> None:
    """Write what stays of an event file beside it, and put it in its place once it is whole on the disk."""
    temporary = f".slim.{os.getpid()}.tmp"  # TensorBoard would read a name like that of an event file
    with _opened(name, parent, Path(name)) as handle:
        there = os.fstat(handle)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(temporary, flags, 0o600, dir_fd=parent), "wb") as file:  # noqa: PTH123 - in an open directory
                file.writelines(select(handle, is_heavy).content(handle))
                file.flush()
                with suppress(OSError):  # a file system without permissions
                    os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
                os.utime(file.fileno(), ns=(there.st_atime_ns, there.st_mtime_ns))
                os.fsync(file.fileno())
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise
    sync(parent)
