"""Decoded samples as raw bytes in the user's cache directory: made once, mapped into memory ever after.

A file is the samples, one behind the other as they lie in memory; a table of contents in JSON; and 24 bytes: a magic
word and the length of the contents, with their CRC-32. It is written under another name and renamed when complete. One
that is incomplete, or made of other files, is never used. All of it is safe to delete.
"""

from __future__ import annotations

import json
import os
import platform
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import numpy as np

from tbcli.config.paths import cache_home

_MAGIC = b"TBRAWDAT"
_VERSION = 1
_TRAILER = struct.Struct("<8sQII")
_OLD_SECONDS = 3600  # a file that is still being written is younger


def raw_cache_directory() -> Path:
    """Return where decoded samples are kept."""
    return cache_home() / "data"


def raw_cache_bytes() -> int:
    """Return the size of all that is kept there."""
    return sum(path.stat().st_size for path in raw_cache_directory().glob("*.raw"))


def clear_raw_cache() -> int:
    """Remove what is kept there, and return the bytes freed; who trains on some of it goes on."""
    freed = 0
    for path in raw_cache_directory().glob("*.raw"):
        with suppress(OSError):
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def raw_cache_file(name: str, place: str, version: str) -> Path:
    """Return where samples are kept.

    Args:
        name: For people to recognise it; letters, digits and ``-``.
        place: Of the source, with what its samples are made into: of one place only one version is kept.
        version: Changes with the source's content.
    """
    return raw_cache_directory() / f"{name}-{crc32(os.fsencode(place)):08x}-{version}.raw"


def open_raw(path: Path) -> tuple[np.ndarray, dict[str, Any]] | None:
    """Return the samples ``[n, ...]``, mapped into memory, and what was written with them; None if not there whole."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(size - _TRAILER.size)
            magic, length, proof, version = _TRAILER.unpack(file.read(_TRAILER.size))
            file.seek(size - _TRAILER.size - length)
            text = file.read(length)
        if (magic, version, proof) != (_MAGIC, _VERSION, crc32(text)):
            return None
        contents = json.loads(text)
        shape, dtype = tuple(contents["shape"]), np.dtype(contents["dtype"])
        if int(np.prod(shape)) * dtype.itemsize + length + _TRAILER.size != size:
            return None
        os.utime(path)  # so that it shows when it was last of use
        return np.asarray(np.memmap(path, dtype, "r", shape=shape)), contents
    except (OSError, ValueError, LookupError, TypeError, struct.error):
        return None


@contextmanager
def raw_writer(path: Path) -> Iterator[RawWriter]:
    """Yield a writer of samples; the file is there afterwards, whole, if the writer was finished, and else is not.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(path.parent)
    unfinished = path.with_suffix(f".{_this_host()}-{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            writer = RawWriter(file)
            yield writer
        if writer.is_finished:
            unfinished.replace(path)
            _remove_older(path)
    finally:
        unfinished.unlink(missing_ok=True)


class RawWriter:
    """Appends samples of one shape to a file.

    Args:
        file: Open for writing, empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0
        self._sample: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        self.is_finished = False

    def add(self, sample: np.ndarray) -> None:
        """Append a sample.

        Raises:
            OSError: The disk is full.
        """
        self._sample = sample.shape, sample.dtype
        self._file.write(np.ascontiguousarray(sample).data)
        self._count += 1

    def finish(self, contents: dict[str, Any]) -> None:
        """Write the end, with what else is to be kept; at least one sample was added."""
        assert self._sample is not None
        shape, dtype = self._sample
        text = json.dumps({**contents, "shape": [self._count, *shape], "dtype": dtype.str}).encode()
        self._file.write(text + _TRAILER.pack(_MAGIC, len(text), crc32(text), _VERSION))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.is_finished = True


def _remove_unfinished(directory: Path) -> None:
    """Remove what processes left that were killed."""
    for path in directory.glob("*.part"):
        with suppress(OSError, ValueError):
            host, _, process = path.suffixes[-2][1:].partition("-")
            is_dead = host == _this_host() and not _lives(int(process))
            if is_dead or time.time() - path.stat().st_mtime > _OLD_SECONDS:
                path.unlink()


def _this_host() -> str:
    return f"{crc32(platform.node().encode()):08x}"  # several may share the directory


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _remove_older(path: Path) -> None:
    """Remove older versions of what was just written: whoever has one open may go on reading it."""
    place = path.name.rpartition("-")[0]
    for other in path.parent.glob(f"{place}-*.raw"):
        if other != path:
            with suppress(OSError):
                other.unlink()
