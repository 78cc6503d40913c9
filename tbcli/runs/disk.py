"""What errors of files mean, in words and with advice that fits, whichever library they come out of.

TensorFlow and h5py have classes of their own for a full disk, and of some only the text tells.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tbcli.errors import telling_line

ROOM = "`tbcli clean --purge` empties the trash, `tbcli clean --permanent --keep 5 --dry-run` shows what else could go"
_ELSEWHERE = "`--workspace DIR` puts runs elsewhere"
_WORDS = {  # none where the system's own are good enough
    errno.ENOSPC: ("the disk is full", ROOM),
    errno.EDQUOT: ("the disk quota is used up", ROOM),
    errno.EFBIG: ("a file would be larger than is allowed", "`ulimit -f unlimited` lifts the limit of this shell"),
    errno.EROFS: ("the file system is read-only", _ELSEWHERE),
    errno.EIO: ("the disk fails (input/output error)", f"check the disk (`dmesg`); {_ELSEWHERE}"),
    errno.EACCES: ("", f"check who owns the directory; {_ELSEWHERE}"),
    errno.EPERM: ("", f"check who owns the directory; {_ELSEWHERE}"),
    errno.ENAMETOOLONG: ("", "use a shorter `--name`, or a `--workspace` with a shorter path"),
    errno.EMFILE: ("", "`ulimit -n 4096` raises the limit of this shell"),
    errno.ENFILE: ("too many open files in the whole system", "end other programs, or raise `fs.file-max`"),
    errno.ESTALE: ("the network file system has lost the directory", f"mount it again; {_ELSEWHERE}"),
    errno.ENODEV: ("the disk is gone", f"mount it again; {_ELSEWHERE}"),
    errno.ENOTCONN: ("the file system is gone", f"mount it again; {_ELSEWHERE}"),
}
_OF_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENOTCONN})


def system_number(error: BaseException) -> int:
    """Return the system's number of what went wrong with a file, which may stand only in a text; 0 for none."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number:
        return number
    found = [each for each in _WORDS if os.strerror(each) in str(error)]
    return max(found, key=lambda each: len(os.strerror(each)), default=0)  # one text may be the beginning of another


def is_of_disk(error: BaseException) -> bool:
    """Say whether an error is one of files."""
    number = system_number(error)
    return number in _WORDS or (isinstance(error, OSError) and number != errno.ENOMEM)


def is_of_all_files(error: BaseException, directory: Path) -> bool:
    """Say whether what went wrong with one file below a directory goes wrong with all of them."""
    return system_number(error) in _OF_ALL or (is_of_disk(error) and not directory.is_dir())


def disk_words(error: BaseException, directory: Path | None = None) -> tuple[str, str]:
    """Return what happened to a file, and what to try.

    Args:
        error: Of the system or of a library.
        directory: Of the run, where the file lies in it.
    """
    number = system_number(error)
    if directory and number in (errno.ENOENT, errno.ENOTDIR, 0) and not directory.is_dir():
        return (
            "the run's directory was removed or moved while it trained",
            "`tbcli stop` ends a training before it is removed",
        )
    what, advice = _WORDS.get(number, ("", f"look at what lies there; {_ELSEWHERE}"))
    return what or str(getattr(error, "strerror", None) or telling_line(error)), advice
