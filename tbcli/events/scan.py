"""Read event files window by window: framed records go to the decoder, oversized ones are skipped."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from typing import NamedTuple, overload
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tbcli.events import damage
from tbcli.events.batch import SPARE, Batch, Findings, Points
from tbcli.events.columns import EventFile
from tbcli.events.decode import Decoder
from tbcli.events.framing import AROUND, FOOTER, HEADER, Alike, Frames, chain, frame, length_in, proved
from tbcli.events.resync import Incident, is_sound, resync

WINDOW = 1 << 22  # bytes that are read at once
FAR = 1 << 18  # records above that stay on the disk, if they do not end in the window by chance
_SMALL = WINDOW // 4  # files up to that are read many at once
MARK_BYTES = 512
_HANDED_BACK = 1 << 24  # bytes; never touched, so they cost nothing (mallopt(3), M_MMAP_THRESHOLD)
_PEEK = 4096  # bytes of a far record that are read at once
_MOST_PROTOBUF = (1 << 31) - 1  # bytes of a message (protobuf.dev/programming-guides/proto-limits)

Deliver = Callable[[Batch, Points], None]


class Job(NamedTuple):
    """A file to be read, from a byte on that begins a record."""

    number: int
    file: EventFile
    start: int = 0


class Scanner:
    """Reads files one after the other.

    Args:
        decoder: Makes numbers of records.
        findings: Where the decoder notes damaged records.
        deliver: Takes the numbers of each batch.
        verify: Whether far records are read for their checksums.
    """

    def __init__(self, decoder: Decoder, findings: Findings, deliver: Deliver, *, verify: bool = False) -> None:
        self.ends: dict[int, int] = {}
        self.incidents: dict[int, list[Incident]] = {}
        self.marks: dict[int, int] = {}
        self._decoder = decoder
        self._findings = findings
        self._deliver = deliver
        self._verify = verify
        # glibc hands large blocks back to the system one by one until it has seen one as large go: then it keeps them.
        np.empty(_HANDED_BACK, np.uint8)
        self._buffer = bytearray(WINDOW + SPARE)
        self._view = memoryview(self._buffer)
        self._alike: dict[str, Alike] = {}  # by the last part of the run

    def read(self, jobs: Sequence[Job]) -> None:
        """Read the files; what is found goes where the arguments say.

        ``ends`` tells how far each was read, ``marks`` a checksum of the bytes before that (`mark_before`), and
        ``incidents`` what was wrong on the way.
        """
        together: list[Job] = []
        used = 0
        for job in jobs:
            size = job.file.size - job.start
            is_small = 0 < size <= _SMALL
            if not is_small or used + size > WINDOW:
                self._decode_together(together)
                together, used = [], 0
            if is_small and self._fetch_whole(job, used, size):
                together.append(job)
                used += size
            else:
                self._decode_together(together)
                together, used = [], 0
                self._read_one(job)
        self._decode_together(together)

    def _fetch_whole(self, job: Job, at: int, size: int) -> bool:
        """Read a small file into the buffer, and say whether it still is what it was when it was found."""
        try:
            handle = open_file(job.file.path)
        except OSError:
            return False
        try:
            count = os.preadv(handle, [self._view[at : at + size]], job.start)
            return count == size and os.fstat(handle).st_size == job.file.size
        except OSError:
            return False
        finally:
            os.close(handle)

    def _decode_together(self, jobs: Sequence[Job]) -> None:
        """Decode small files that lie in the buffer one behind the other: whole ones are one chain of records."""
        chains = []
        shifts: dict[int, int] = {}
        edge = 0
        for job in jobs:
            kind = job.file.run.rpartition("/")[2]  # such as train: the same in all runs, and much alike
            stop = edge + job.file.size - job.start
            headers, end = chain(self._buffer, edge, stop, self._alike.get(kind))
            if end == stop:
                chains.append(headers)
                if kind not in self._alike or len(headers) != len(self._alike[kind].begins):
                    self._alike[kind] = Alike.of(headers, end)
            shifts[job.number] = job.start - edge
            edge = stop
        frames = proved(self._buffer, np.concatenate(chains), edge) if chains else None
        if frames is None or len(chains) < len(jobs) or frames.end != edge:
            for job in jobs:  # one of them is damaged, or still being written
                self._read_one(job)
            return
        for job in jobs:
            stop, size = job.file.size - shifts[job.number], job.file.size - job.start
            self.ends[job.number] = job.file.size
            self.marks[job.number] = crc32(self._view[stop - min(size, MARK_BYTES) : stop])
        files = np.repeat(np.array([*shifts], np.int32), [len(headers) for headers in chains])
        self._decode(frames, files, shifts)

    def _decode(self, frames: Frames, files: NDArray[np.int32], shifts: dict[int, int]) -> None:
        batch = Batch(self._buffer, frames.offsets, frames.lengths, files, shifts)
        self._deliver(batch, self._decoder.decode(batch))

    def _read_one(self, job: Job) -> None:
        incidents = self.incidents.setdefault(job.number, [])
        self.ends[job.number] = job.start
        try:
            handle = open_file(job.file.path)
        except OSError as error:
            incidents.append((0, damage.UNREADABLE, f"cannot be read: {error.strerror or error}"))
            return
        try:
            size = os.fstat(handle).st_size
            if not size:
                incidents.append((0, damage.EMPTY, "empty: its writer has written nothing yet"))
            elif size < job.start:
                incidents.append((size, damage.TORN, "shorter than it was: what was read before is kept"))
            else:
                self._read_windows(job, handle, size, incidents)
                self.marks[job.number] = mark_before(handle, self.ends[job.number])
        except OSError as error:
            reason = f"cannot be read on: {error.strerror or error}"
            incidents.append((self.ends[job.number], damage.UNREADABLE, reason))
        except MemoryError:
            incidents.append((self.ends[job.number], damage.UNREADABLE, "cannot be read on: a record is too large"))
        finally:
            os.close(handle)

    def _read_windows(self, job: Job, handle: int, size: int, incidents: list[Incident]) -> None:
        at = job.start
        while at < size:
            count = os.preadv(handle, [self._view[: min(WINDOW, size - at)]], at)
            if not count:
                incidents.append((at, damage.TORN, "became shorter while it was read: what was read is kept"))
                break
            frames = frame(self._buffer, 0, count)
            if len(frames.offsets):
                files = np.full(len(frames.offsets), job.number, np.int32)
                self._decode(frames, files, {job.number: at})
            rest = self._view[frames.end : min(count, frames.end + HEADER)]
            at += frames.end
            self.ends[job.number] = at
            if at >= size:
                break
            if len(rest) < HEADER:
                if at + len(rest) < size:
                    continue
                incidents.append(_torn(handle, at, size))
                break
            length = length_in(rest)
            if length is None or at + AROUND + length > size:
                place, incident = resync(handle, at, size)
                if length is not None and place == size:  # nothing behind it: it is the last one
                    incidents.append(_torn(handle, at, size))
                    break
                at = place
                incidents.append(incident)
            elif length > FAR:
                self._read_far(job, handle, at + HEADER, length)
                at += AROUND + length
            self.ends[job.number] = at

    def _read_far(self, job: Job, handle: int, offset: int, length: int) -> None:
        """Count the values of a large record by what stands around its payload; read it only where it must be."""
        if length > _MOST_PROTOBUF:
            self._findings.damage.append((job.number, offset, damage.MALFORMED))
        elif self._verify and not is_sound(handle, offset, length):
            self._findings.damage.append((job.number, offset, damage.PAYLOAD))
        elif not self._decoder.single.count_far(_Peek(handle, offset, length), length, job.number, offset):
            whole = bytearray(length + FOOTER + SPARE)
            os.preadv(handle, [memoryview(whole)[: length + FOOTER]], offset)
            one = np.ones(1, np.int64)
            batch = Batch(whole, 0 * one, length * one, np.array([job.number], np.int32), {job.number: offset})
            self._deliver(batch, self._decoder.decode(batch))


class _Peek:
    """A record on the disk of which only what is asked for is read."""

    def __init__(self, handle: int, offset: int, length: int) -> None:
        self._handle, self._offset, self._length = handle, offset, length
        self._start, self._block = 0, b""

    @overload
    def __getitem__(self, key: int, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...
    def __getitem__(self, key: int | slice, /) -> int | bytes:
        if isinstance(key, int):
            return self[key : key + 1][0]
        start, end = key.start, min(key.stop, self._length)
        if start < self._start or end > self._start + len(self._block):
            self._start = start
            self._block = os.pread(self._handle, max(_PEEK, end - start), self._offset + start)
        return self._block[start - self._start : end - self._start]


def mark_before(handle: int, end: int) -> int:
    """Return a checksum of the bytes before a place, by which a file that has only grown is known again."""
    start = max(0, end - MARK_BYTES)
    return crc32(os.pread(handle, end - start, start))


def open_file(path: str) -> int:
    """Open a file for reading; one that has become a pipe since it was found keeps nobody waiting."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("is no regular file")
    return handle


def _torn(handle: int, at: int, size: int) -> Incident:
    if os.fstat(handle).st_size > size:
        return at, damage.GROWING, "is being written to: what comes from here on is read the next time"
    return at, damage.TORN, f"the last record is cut short: its {size - at:,} bytes are left out, all before is kept"
