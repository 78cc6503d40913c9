"""Directory trees that are measured, moved and removed: never through a link, never into a mount."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tbcli.errors import Refused

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


def is_real_directory(path: Path) -> bool:
    """Say whether a directory is there, and not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def rename_all(moves: Sequence[tuple[Path, Path]], first: int | None = None) -> None:
    """Rename directories, all or none.

    Args:
        moves: From where to where.
        first: The open directory that the first must be.

    Raises:
        Refused: One was swapped for another meanwhile.
        OSError: One could not be renamed.
    """
    done: list[tuple[Path, Path]] = []
    try:
        for number, (source, target) in enumerate(moves):
            _rename(source, target, first if number == 0 else None)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            with suppress(OSError, Refused):
                _rename(target, source)
        raise


def swapped(path: Path) -> Refused:
    """Return the error for a directory in whose place there is another."""
    return Refused(f"{str(path)!r} was swapped for another meanwhile", hint="see what it is, and try again")


def _rename(source: Path, target: Path, expected: int | None = None) -> None:
    """Rename a directory without following a link, to where nothing is, and see that it is the one that was meant."""
    with ExitStack() as stack, errors_naming(source):
        before, after = (stack.enter_context(open_directory(path.parent)) for path in (source, target))
        handle = expected if expected is not None else stack.enter_context(open_directory(source.name, before))
        os.rename(source.name, target.name, src_dir_fd=before, dst_dir_fd=after)
        if not os.path.samestat(os.fstat(handle), os.stat(target.name, dir_fd=after, follow_symlinks=False)):
            os.rename(target.name, source.name, src_dir_fd=after, dst_dir_fd=before)
            raise swapped(source)
        sync(after)
        sync(before)
