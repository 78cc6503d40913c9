"""Directory trees that are measured and removed: from an open directory on, never through a link or into a mount."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Freed:
    """Counts the bytes that are freed when files go: of one with several names when the last of them goes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._gone: dict[tuple[int, int], int] = {}

    def count(self, file: os.stat_result) -> None:
        """Count a name that goes."""
        if stat.S_ISDIR(file.st_mode):
            return
        if file.st_nlink > 1:
            key = file.st_dev, file.st_ino
            self._gone[key] = self._gone.get(key, 0) + 1
            if self._gone[key] < file.st_nlink:
                return
        self.bytes += stored_bytes(file)

    def count_tree(self, top: Path) -> int:
        """Count all names below a directory, or the one that is no directory, and return what they free."""
        before = self.bytes
        with suppress(OSError):  # gone or closed to us while we looked
            self._count(top)
        return self.bytes - before

    def _count(self, top: Path) -> None:
        found = top.lstat()
        self.count(found)
        if not stat.S_ISDIR(found.st_mode):
            return
        with os.scandir(top) as entries:
            inside = list(entries)
        for entry in inside:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    self._count(Path(entry.path))
                else:
                    self.count(entry.stat(follow_symlinks=False))


def stored_bytes(file: os.stat_result) -> int:
    """Return the bytes of a file that are on the disk: of a sparse one fewer than its length."""
    return min(file.st_size, file.st_blocks * 512)


def mount_points() -> list[str]:
    """Return where file systems are mounted, as far as the system tells."""
    try:
        table = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return []
    return [_ESCAPED.sub(lambda code: chr(int(code[1], 8)), line.split(" ")[4]) for line in table.splitlines()]


def mount_below(top: Path, points: Sequence[str] | None = None) -> str:
    """Return a mount point at or below a directory, ``""`` where there is none.

    Args:
        top: The directory.
        points: Those of the system, where they were asked for already.
    """
    place = os.path.realpath(top)
    known = mount_points() if points is None else points
    return next((one for one in known if one == place or one.startswith(place + "/")), "")


@contextmanager
def open_directory(directory: Path | str, parent: int | None = None) -> Iterator[int]:
    """Open a directory: a root of the workspace, which may be a link, or one in an open ``parent``, which may not."""
    no_link = 0 if parent is None else os.O_NOFOLLOW
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | no_link, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def errors_naming(path: Path) -> Iterator[None]:
    """Put the whole path into the system's errors, which know only the name inside an open directory."""
    try:
        yield
    except OSError as error:
        if "/" not in str(error.filename):
            error.filename = str(path)
        raise


def sync(directory: int) -> None:
    """Put the names in an open directory on the disk."""
    with suppress(OSError):  # a file system that cannot
        os.fsync(directory)


def remove_entry(name: str, parent: int, place: Path) -> int:
    """Remove one entry of an open directory and return the bytes freed: a link without its target.

    Args:
        name: Which; nothing is removed where it is gone.
        parent: The open directory.
        place: Its path, for messages.

    Raises:
        OSError: Something could not be removed; ``filename`` says what.
    """
    try:
        with errors_naming(place / name):
            entry = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(entry.st_mode):
                os.unlink(name, dir_fd=parent)
                return stored_bytes(entry) if entry.st_nlink == 1 else 0
            if entry.st_dev != os.fstat(parent).st_dev:
                raise OSError(errno.EBUSY, "is a mount point")
            with open_directory(name, parent) as handle:
                freed = empty(handle, place / name)
            os.rmdir(name, dir_fd=parent)
            return freed
    except FileNotFoundError:
        return 0


def empty(directory: int, place: Path, *, spare: str = "") -> int:
    """Remove all but one entry of an open directory and return the bytes freed; see `remove_entry`."""
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries if entry.name != spare)
    return sum(remove_entry(name, directory, place) for name in names)
