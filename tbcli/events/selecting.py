"""Select what stays of an event file: records of some kinds go, and not a byte of the others changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tbcli.events.crc import checksum, masked
from tbcli.events.encode import framed
from tbcli.events.fields import Unusual
from tbcli.events.framing import FOOTER, HEADER, frame, length_in
from tbcli.events.wire import SCALARS, UNKNOWN, outline, read_event

_WINDOW = 1 << 22  # bytes that are read at once
_SPARE = 64  # bytes behind them, which views of whole words reach into
_MOST_KNOWN = 4096  # descriptions that are remembered

IsHeavy = Callable[[str], bool]
"""Says of a plugin, or of a kind of record as `tbcli.events.wire` names it, whether its values go."""


@dataclass(slots=True)
class Selection:
    """What stays of an event file: ranges of its bytes, and records that lost some of their values.

    Args:
        parts: In their order.
        size: Bytes of all of them.
        is_damaged: Whether the file cannot be read to its end; all behind that place stays as it is.
    """

    parts: list[tuple[int, int] | bytes] = field(default_factory=list)
    size: int = 0
    is_damaged: bool = False

    def keep(self, start: int, end: int) -> None:
        """Add a range, as one with the last where it follows it."""
        last = self.parts[-1] if self.parts else b""
        if isinstance(last, tuple) and last[1] == start:
            self.parts[-1] = last[0], end
        elif start < end:
            self.parts.append((start, end))
        self.size += end - start

    def add(self, record: bytes) -> None:
        """Add a record that was made anew."""
        self.parts.append(record)
        self.size += len(record)

    def content(self, handle: int) -> Iterator[bytes]:
        """Yield what stays from the open file."""
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
                continue
            at, end = part
            while at < end:
                block = os.pread(handle, min(_WINDOW, end - at), at)
                if not block:
                    raise OSError("became shorter while it was read")
                yield block
                at += len(block)


def select(handle: int, is_heavy: IsHeavy) -> Selection:
    """Return what stays of an open event file.

    Records that fail their checksums stay, for what they hold is not known.
    """
    selection, judge = Selection(), _Judge(is_heavy)
    size = os.fstat(handle).st_size
    buffer = bytearray(_WINDOW + _SPARE)
    at = 0
    while at < size:
        count = os.preadv(handle, [memoryview(buffer)[: min(_WINDOW, size - at)]], at)
        frames = frame(buffer, 0, count)
        for offset, length in zip(frames.offsets.tolist(), frames.lengths.tolist(), strict=True):
            record = memoryview(buffer)[offset : offset + length + FOOTER]
            judge.decide(selection, record, at + offset - HEADER)
        if frames.end:
            at += frames.end
            continue
        length = length_in(buffer[:HEADER]) if count >= HEADER else None
        if length is None or at + HEADER + length + FOOTER > size:
            selection.keep(at, size)
            selection.is_damaged = True
            break
        whole = os.pread(handle, length + FOOTER, at + HEADER)  # one that is larger than the window
        judge.decide(selection, memoryview(whole), at)
        at += HEADER + length + FOOTER
    return selection


class _Judge:
    """Decides record by record; what describes a value may stand with the first one of its tag alone."""

    def __init__(self, is_heavy: IsHeavy) -> None:
        self._is_heavy = is_heavy
        self._told: dict[str, str] = {}
        self._known: dict[tuple[bytes, bytes], bool] = {}

    def decide(self, selection: Selection, record: memoryview, start: int) -> None:
        """Add a record, data and checksum, to what stays, or what is left of it."""
        end = start + HEADER + len(record)
        data = record[:-FOOTER]
        shape = outline(data)
        key = (shape.tag, shape.rest) if shape and shape.rest else None
        if key and key in self._known and not self._known[key]:
            selection.keep(start, end)
            return
        try:
            values = read_event(data, len(data)).values
            heavy = [self._goes(value.tag, value.plugin) for value in values]
        except Unusual:
            self._decide_plainly(selection, data, start, end)
            return
        if key and len(self._known) < _MOST_KNOWN:
            self._known[key] = any(heavy)
        if not any(heavy) or not _is_sound(record):
            selection.keep(start, end)
        elif not all(heavy):
            selection.add(_without(bytes(data), heavy))

    def _goes(self, tag: str, plugin: str) -> bool:
        if plugin not in (UNKNOWN, SCALARS):
            self._told[tag] = plugin
        return self._is_heavy(self._told.get(tag, plugin) if plugin == UNKNOWN else plugin)

    def _decide_plainly(self, selection: Selection, data: memoryview, start: int, end: int) -> None:
        from tbcli.events.plain import MalformedError, read_plainly

        try:
            heavy = [self._goes(value.tag, value.plugin) for value in read_plainly(bytes(data)).values]
        except MalformedError:
            heavy = []
        if not any(heavy):
            selection.keep(start, end)
        elif not all(heavy):
            selection.add(_without(bytes(data), heavy))


def _is_sound(record: memoryview) -> bool:
    return int(masked(checksum(record[:-FOOTER]))) == int.from_bytes(record[-FOOTER:], "little")


def _without(data: bytes, heavy: list[bool]) -> bytes:
    """Return the record of an event without some of its values."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event.FromString(data)
    kept = [value for value, goes in zip(event.summary.value, heavy, strict=True) if not goes]
    del event.summary.value[:]
    event.summary.value.extend(kept)
    return framed(event.SerializeToString())
