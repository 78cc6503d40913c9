"""Where the trash of a root lies, whether it can be used, and whose turn it is to work on an entry of it."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tbcli.config.paths import TRASH
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.runs.cleaning.trees import mount_points, open_directory

TRIES, _PAUSE_SECONDS = 50, 0.1
_AT_ONCE = "`--permanent` removes at once"


def trash_beside(root: Path, roots: Sequence[Path]) -> Path:
    """Return the trash of a root: in its parent, or further up where that lies in a root itself."""
    tops = [top.resolve() for top in roots]
    parent = root.resolve().parent
    while parent != parent.parent and any(parent.is_relative_to(top) for top in tops):
        parent = parent.parent
    return parent / TRASH


def require_usable(root: Path, trash: Path) -> None:
    """Check that what lies in a root can be moved to its trash by renaming it.

    Raises:
        ConfigError: They are on different file systems, or the trash cannot be written.
        Refused: What lies in the place of the trash is not ours.
    """
    try:
        is_there = os.path.lexists(trash)
        if is_there and not is_own(trash):
            raise Refused(
                f"{str(trash)!r} is not a directory of yours", hint="move it away: `tbcli clean` keeps its trash there"
            )
        device = (trash if is_there else trash.parent).stat().st_dev
        if root.stat().st_dev != device or str(root.resolve()) in mount_points():
            raise is_elsewhere(root, trash)
        if not os.access(trash if is_there else trash.parent, os.W_OK | os.X_OK):
            raise unusable(trash, errno.EACCES)
    except OSError as error:
        raise unusable(trash, error.errno or 0) from None


def is_elsewhere(path: Path, trash: Path) -> ConfigError:
    """Return the error for a root on another file system than its trash."""
    return ConfigError(f"{str(path)!r} is on another file system than its trash {str(trash)!r}", hint=_AT_ONCE)


def unusable(trash: Path, code: int) -> ConfigError:
    """Return the error for a trash that cannot be written; ``code`` is the system's."""
    return ConfigError(f"cannot use the trash {str(trash)!r}: {os.strerror(code)}", hint=_AT_ONCE)


def make_trash(trash: Path) -> None:
    """Make the directory of a trash, unless it is there.

    Raises:
        ConfigError: It cannot be made.
    """
    try:
        trash.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(trash, error.errno or 0) from None


def is_own(trash: Path) -> bool:
    """Say whether a directory is this user's own, and not a link to one."""
    try:
        found = trash.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def entries_in(trash: Path) -> list[str]:
    """Return the names of the directories in a trash; none where there is no trash.

    Raises:
        Refused: What lies in its place is not ours.
    """
    if not os.path.lexists(trash):
        return []
    if not is_own(trash):
        raise Refused(
            f"{str(trash)!r} is not a directory of yours", hint="move it away: `tbcli clean` keeps its trash there"
        )
    with os.scandir(trash) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


@contextmanager
def locked_entry(entry: Path, *, tries: int = 1) -> Iterator[None]:
    """Hold an entry, so that nobody else moves or removes it.

    Args:
        entry: Which.
        tries: How often to look whether another process is done with it.

    Raises:
        NotFound: It is gone.
        Refused: Another process holds it.
    """
    try:
        with open_directory(entry.parent) as top, open_directory(entry.name, top) as handle:
            _lock(handle, entry, tries)
            if not os.path.samestat(os.fstat(handle), os.stat(entry.name, dir_fd=top, follow_symlinks=False)):
                raise FileNotFoundError
            yield
    except FileNotFoundError:
        raise NotFound(
            f"{entry.name!r} is not in the trash any more", hint="`tbcli clean --restore` lists it"
        ) from None


def _lock(handle: int, entry: Path, tries: int) -> None:
    for attempt in range(tries):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt < tries - 1:
                time.sleep(_PAUSE_SECONDS)
        except OSError:  # a file system without locks
            return
        else:
            return
    raise Refused(f"another `tbcli clean` works on {entry.name!r}", hint="wait for its end, and try again")
