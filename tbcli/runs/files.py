"""Atomic file writes, times in UTC, and strict JSON."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

MOST_BYTES = 1 << 28
"""More than any text file of a run has."""
_CHUNK = 1 << 16


@contextmanager
def atomic_file(path: Path, *, is_lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` on success, remove it on failure.

    The temporary name keeps the suffix, for savers that choose the format by it.

    Args:
        path: The file.
        is_lasting: Have it on the disk, whole and under its name, when this returns; else the system does so later.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        if is_lasting:
            sync(temporary)
        try:
            temporary.replace(path)
        except OSError as error:
            error.filename, error.filename2 = str(path), None  # which somebody knows
            raise
        if is_lasting:
            sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def named_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that a user named, open for writing, as ``>`` in a shell would; its directory is made.

    A regular file, or the one a link leads to, is whole or as it was, and keeps its permissions. What is no regular
    file (a pipe, a terminal, a device) is written to as it is, and so is whatever our stdout or stderr lead to.

    Raises:
        OSError: It could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        there = path.stat()
    except FileNotFoundError:
        there = None
    if there and (stream := _own_stream(there)):
        with open(os.dup(stream), "wb") as file:  # noqa: PTH123 - a descriptor; it goes on where the stream stands
            yield file
    elif there and not stat.S_ISREG(there.st_mode):
        with open(os.open(path, os.O_WRONLY | os.O_NOCTTY), "wb") as file:  # noqa: PTH123 - never our terminal
            yield file
    else:
        with atomic_file(path.resolve()) as temporary, temporary.open("wb") as file:
            if there:
                with suppress(OSError):  # a file system without permissions
                    os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
            yield file


def _own_stream(there: os.stat_result) -> int | None:
    """Return the descriptor, stdout's or stderr's, that leads to this file; None if neither does."""
    for descriptor in (1, 2):
        with suppress(OSError):  # closed
            if os.path.samestat(there, os.fstat(descriptor)):
                return descriptor
    return None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part.

    Raises:
        OSError: Nothing could be written; the old file, if any, is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk.

    Raises:
        OSError: The disk does not take them.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # a file system that cannot do that
            raise
    finally:
        os.close(handle)


def sync_tree(top: Path) -> None:
    """Wait until all files below a directory, their names too, are on the disk; links are not followed.

    Raises:
        OSError: The disk does not take something; the rest is on it.
    """
    failed: OSError | None = None
    for directory, _, files in os.walk(top):
        for name in (*files, "."):
            path = Path(directory, name)
            try:
                if stat.S_ISREG(mode := path.lstat().st_mode) or stat.S_ISDIR(mode):
                    sync(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                failed = error
    if failed:
        raise failed


def json_ready(value: Any) -> Any:
    """Return the value with NaN and infinities as None, because JSON cannot express them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(item) for item in value]
    return value


def document_text(document: Mapping[str, Any]) -> str:
    """Return a document as the text of its file, NaN as null."""
    return json.dumps(json_ready(document), indent=2, ensure_ascii=False) + "\n"


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document atomically, NaN as null."""
    write_atomically(path, document_text(document))


@contextmanager
def open_regular(path: Path | str, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open a file and yield its descriptor; what is no regular file is neither waited for nor touched.

    Args:
        path: The file.
        flags: Those of `os.open`, to write it.

    Raises:
        OSError: It cannot be opened, or is a directory, a FIFO, a socket or a device.
    """
    handle = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        yield handle
    finally:
        os.close(handle)


def read_file(path: Path | str, *, most: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file, in few system calls, for a listing opens thousands.

    Raises:
        OSError: It cannot be read, is no regular file, or has more bytes than ``most``, as a sparse one may.
    """
    with open_regular(path) as handle:
        content = os.read(handle, _CHUNK)
        if len(content) == _CHUNK:
            if os.fstat(handle).st_size > most:
                raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
            parts = [content]
            while (more := os.read(handle, _CHUNK)) and len(parts) * _CHUNK <= most:
                parts.append(more)
            content = b"".join(parts)
    return content


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the document, or None if it is missing or damaged."""
    try:
        document = json.loads(read_file(path))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def utc_text(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds, as ``2026-11-22T23:52:12.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_utc(text: object) -> datetime | None:
    """Return the moment that `utc_text` wrote, or None where it is not one."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def walk_files(top: Path) -> Iterator[tuple[str, int]]:
    """Yield ``(path, bytes)`` of all files below, by name, links not followed; nothing where nothing is."""
    try:
        with os.scandir(top) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return  # gone or closed to us while we looked
    for entry in inside:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from walk_files(Path(entry.path))
            else:
                yield entry.path, entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)
