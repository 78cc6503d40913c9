"""Event files while they are written: one call per record, and one event per step for scalars."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from tbcli.events.crc import checksum, masked, tables
from tbcli.events.encode import framed, moment_and_step, scalar_tensors, version_record
from tbcli.events.framing import HEADER

_FILE_NUMBERS = itertools.count()
_LONGEST = 1024  # bytes of an event whose checksum is taken from tables; they have a kilobyte per byte of it


class EventFile:
    """Appends records to a new event file.

    The operating system has each record when the call returns: TensorBoard can read it at once, a process that is
    killed loses none, and neither a thread nor a flush is needed. After an error the file ends with a whole record.

    Args:
        directory: Where to create it.
        after: Seconds since 1970 that its name stands for, at least; later than those of files that are continued.
    """

    def __init__(self, directory: str | Path, *, after: int = 0) -> None:
        # TensorBoard finds event files by "tfevents" in the name and reads them in the order of the names.
        stamp = f"{max(round(time.time()), after)}.{socket.gethostname()}.{os.getpid()}.{next(_FILE_NUMBERS)}"
        self.path = Path(directory) / f"events.out.tfevents.{stamp}"
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._bytes = os.fstat(self._handle).st_size
        self._append(version_record(time.time()))

    def event(self, data: bytes) -> int:
        """Append a serialized event; return its bytes in the file."""
        return self._append(framed(data))

    def scalars(self, tags: tuple[str, ...], values: Iterable[float], step: int) -> int:
        """Append one event with a value for each tag; return its bytes in the file."""
        return self._append(_scalar_event(tags).record(time.time(), step, values))

    def close(self) -> None:
        """Close the file; nothing can be appended afterwards."""
        os.close(self._handle)

    def _append(self, record: bytes) -> int:
        rest = memoryview(record)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            os.ftruncate(self._handle, self._bytes)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._bytes += len(record)
        return len(record)


class ScalarEvent:
    """Encodes events with a float32 for each of the same tags; all but the numbers is encoded once.

    Args:
        tags: In the order of the values.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self._body, self._places = scalar_tensors(tags)
        self._pack = struct.Struct(f"<{len(tags)}f").pack
        self._layouts: dict[int, _Layout] = {}

    def record(self, wall_time: float, step: int, values: Iterable[float]) -> bytes:
        """Return the framed event of a step."""
        front = moment_and_step(wall_time, step)
        layout = self._layouts.get(len(front))
        if layout is None:
            layout = self._layouts[len(front)] = _Layout(len(front), self._body, self._places)
        return layout.filled(front + self._packed(list(values)))

    def _packed(self, values: list[float]) -> bytes:
        try:
            return self._pack(*values)
        except OverflowError:  # beyond float32
            with np.errstate(over="ignore"):
                return np.array(values, np.float64).astype("<f4").tobytes()


_scalar_event = lru_cache(maxsize=64)(ScalarEvent)


class _Layout:
    """A record of one length, with the places that change.

    The checksum is affine: that of the record with zeros in these places, xored with one term per byte there.
    """

    def __init__(self, front: int, body: bytes, places: Sequence[int]) -> None:
        data = bytes(front) + body
        self._record = np.frombuffer(framed(data), np.uint8)[:-4]
        self._slots = np.array([*range(front), *(front + place + byte for place in places for byte in range(4))])
        self._zeros = checksum(data)
        self._terms = None
        if len(data) <= _LONGEST:
            self._terms = tables(len(data))[len(data) - 1 - self._slots].ravel()
            self._rows = 256 * np.arange(len(self._slots))
        self._slots += HEADER

    def filled(self, content: bytes) -> bytes:
        """Return the record with this content in its places."""
        numbers = np.frombuffer(content, np.uint8)
        record = self._record.copy()
        record[self._slots] = numbers
        if self._terms is None:
            proof = checksum(record[HEADER:].data)
        else:
            proof = self._zeros ^ int(np.bitwise_xor.reduce(self._terms[self._rows + numbers]))
        return record.tobytes() + struct.pack("<I", masked(proof))
