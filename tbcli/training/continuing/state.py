"""The state to resume a training from: what each part of it answers, in one checked file per generation.

A file is a header of JSON followed by the bytes of all arrays, each with a checksum: whatever is damaged is noticed.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tbcli.errors import Refused
from tbcli.runs.files import open_regular
from tbcli.training.continuing.packing import described, read_arrays, revived, to_plain

_MAGIC = b"tbcli state 1\n\0\0"
_SIZES = struct.Struct("<QQII")  # bytes of header and of arrays, and the checksums of both
_SUM = struct.Struct("<I")  # of all that stands before
_NAME = re.compile(r"step-(\d{1,18})\.state")
_CHUNK = 1 << 22
KEPT = 2
"""Generations while training goes on: should the newest be damaged, the one before it is there."""


class Resumable(Protocol):
    """A part of a training that can be taken up where it stopped, in another process."""

    def state(self) -> Mapping[str, Any]:
        """Return all that what comes next depends on: JSON's values, tuples, sets, bytes and NumPy arrays."""

    def restore(self, state: Mapping[str, Any], /) -> None:
        """Become what `state` was asked of."""


class DamagedState(Refused):
    """A file of state, in the checkpoints of a run, is not what was written."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{str(path)!r} is damaged: {what}",
            hint=f"`tbcli train --config {path.parent.parent.name}` repeats the run from its start",
        )


@dataclass(frozen=True, slots=True)
class Saved:
    """A state that was read.

    Args:
        step: Optimizer steps done.
        parts: The state of each part, by name.
        path: Its file.
    """

    step: int
    parts: Mapping[str, Any]
    path: Path


class Generations:
    """The states of one run, one file each; older ones go when a newer one is whole and checked.

    Args:
        directory: The run's ``checkpoints``; made when something is saved, if the run is there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, step: int, parts: Mapping[str, Any]) -> int:
        """Write a state, replacing one of the same step; return its bytes.

        Raises:
            OSError: It could not be written; older ones are untouched.
            CannotKeep: A value is of a kind that a state cannot hold.
        """
        pieces = pack(parts)
        self._directory.mkdir(exist_ok=True)  # only itself: a run that was removed is not made anew
        path = self._directory / f"step-{step:08}.state"
        temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        try:
            with temporary.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            _check_whole(temporary)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_directory(self._directory)
        self.keep(KEPT)
        return path.stat().st_size

    @property
    def newest_step(self) -> int:
        """The step of the newest state, whole or not; 0 where there is none."""
        return max(map(_step_of, self.files()), default=0)

    def newest(self, warn: Callable[[str], None]) -> Saved | None:
        """Return the newest state that is whole, None where none was ever saved.

        Args:
            warn: Told of each damaged one that is passed over.

        Raises:
            DamagedState: There are states, and none is whole.
        """
        damaged: list[DamagedState] = []
        for path in self.files():
            try:
                saved = read_state(path)
            except DamagedState as error:
                damaged.append(error)
            else:
                for each in damaged:
                    warn(f"{each.message}; the state of step {saved.step} is used")
                return saved
        if damaged:
            raise damaged[0]
        return None

    def keep(self, count: int, *, up_to: int | None = None) -> None:
        """Remove all but the newest states, and what a killed process left half written.

        Args:
            count: How many stay.
            up_to: Newer ones than that of this step go first, for they were found damaged.
        """
        beyond = [path for path in self.files() if up_to is not None and _step_of(path) > up_to]
        rest = [path for path in self.files() if path not in beyond]
        for path in [*beyond, *rest[count:], *self._directory.glob(".step-*.state")]:
            with suppress(OSError):
                path.unlink()
        if not count:
            with suppress(OSError):
                self._directory.rmdir()

    def files(self) -> list[Path]:
        """Return the files of states, the newest first."""
        with suppress(OSError):
            return sorted(filter(_is_state, self._directory.iterdir()), key=_step_of, reverse=True)
        return []


def _is_state(path: Path) -> bool:
    return bool(_NAME.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def _step_of(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else 0


def pack(parts: Mapping[str, Any]) -> list[bytes | memoryview]:
    """Return a state as the pieces of a file.

    Raises:
        CannotKeep: A value is of a kind that a state cannot hold.
    """
    arrays: list[np.ndarray] = []
    header = json.dumps({"parts": to_plain(parts, arrays), "arrays": list(map(described, arrays))}).encode()
    contents: list[Any] = [array.reshape(-1).view(np.uint8).data for array in arrays]
    total = 0
    for content in contents:
        total = zlib.crc32(content, total)
    front = _MAGIC + _SIZES.pack(len(header), sum(map(len, contents)), zlib.crc32(header), total)
    return [front, _SUM.pack(zlib.crc32(front)), header, *contents]


def read_state(path: Path) -> Saved:
    """Return the state in a file.

    Raises:
        DamagedState: It is not what was written.
    """
    try:
        content, size = _content_of(path)
    except OSError as error:
        raise DamagedState(path, str(error.strerror or error)) from error
    header, start = _checked_header(path, content[: _start_of(content)], size)
    if zlib.crc32(memoryview(content)[start:]) != _SIZES.unpack_from(content, len(_MAGIC))[3]:
        raise DamagedState(path, "the checksum of its arrays is wrong")
    try:
        document = json.loads(header)
        parts = revived(document["parts"], read_arrays(document["arrays"], content, start))
        if not isinstance(parts, dict):
            raise ValueError("no parts")
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedState(path, "its header is not one of a state") from error
    return Saved(_step_of(path), parts, path)


def _content_of(path: Path) -> tuple[bytes, int]:
    """Return what a file holds, and its size; of one that is larger than it says, as a sparse one may be, the front."""
    with open_regular(path) as handle, open(handle, "rb", closefd=False) as file:
        size = os.fstat(handle).st_size
        front = file.read(len(_MAGIC) + _SIZES.size + _SUM.size)
        is_state = front.startswith(_MAGIC) and _start_of(front) <= size
        most = sum(_SIZES.unpack_from(front, len(_MAGIC))[:2]) if is_state else 0
        return front + file.read(min(most, size)), size


def _start_of(content: bytes) -> int:
    """Return where the arrays start, as far as the file says."""
    front = len(_MAGIC) + _SIZES.size + _SUM.size
    return front + int(_SIZES.unpack_from(content, len(_MAGIC))[0]) if len(content) >= front else front


def _checked_header(path: Path, content: bytes, size: int) -> tuple[bytes, int]:
    """Return the header of a file of so many bytes, and where its arrays start."""
    front = len(_MAGIC) + _SIZES.size
    if not content.startswith(_MAGIC):
        raise DamagedState(path, "it does not begin as a state does")
    if len(content) < front + _SUM.size or _SUM.unpack_from(content, front)[0] != zlib.crc32(content[:front]):
        raise DamagedState(path, "its beginning is torn")
    header_size, array_size, header_sum, _ = _SIZES.unpack_from(content, len(_MAGIC))
    start = front + _SUM.size + header_size
    if size != start + array_size:
        raise DamagedState(path, f"it has {size:,} bytes instead of {start + array_size:,}")
    header = content[front + _SUM.size : start]
    if zlib.crc32(header) != header_sum:
        raise DamagedState(path, "the checksum of its header is wrong")
    return header, start


def _check_whole(path: Path) -> None:
    """Read a file back in pieces.

    Raises:
        OSError: The disk gives back something else than what was written.
    """
    with path.open("rb") as file:
        front = file.read(len(_MAGIC) + _SIZES.size + _SUM.size)
        header_size, array_size, header_sum, array_sum = _SIZES.unpack_from(front, len(_MAGIC))
        header, total, size = file.read(header_size), 0, 0
        while piece := file.read(_CHUNK):
            total, size = zlib.crc32(piece, total), size + len(piece)
    if (zlib.crc32(header), total, size) != (header_sum, array_sum, array_size):
        raise OSError(5, "the disk did not keep what was written", str(path))


def _sync_directory(directory: Path) -> None:
    with suppress(OSError):  # a file system that does not sync directories
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
