"""Decode records one by one: directly from their bytes if canonical, else with protobuf."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbcli.events import damage
from tbcli.events.batch import VALUES_A_RECORD, Batch, Catalog, Findings, Points
from tbcli.events.crc import checksum, masked
from tbcli.events.fields import Source, Unusual, read_varint
from tbcli.events.plain import MalformedError, PlainEvent, PlainValue, read_plainly
from tbcli.events.template import needs_plain
from tbcli.events.tensors import as_float
from tbcli.events.wire import SCALARS, WireEvent, outline, read_event

# Bytes up to which a record is proved whatever it seems to be: one flipped bit makes a scalar a graph.
_PROVED_BYTES = 1 << 13
_TOO_LARGE = "no scalars (larger tensors): left out"
DOCUMENTS = ("text", "hparams")  # plugins whose records are found again by their offset


class SingleDecoder:
    """Decodes records that have no template.

    Args:
        catalog: Where new names go.
        findings: Where everything goes that is no number.
        verify: Whether the checksums of records without a number are proved too.
    """

    def __init__(self, catalog: Catalog, findings: Findings, *, verify: bool) -> None:
        self._catalog = catalog
        self._findings = findings
        self._verify = verify
        self._seen: dict[tuple[bytes, bytes], tuple[str, str]] = {}  # tag and plugin by `Outline`

    def decode(self, batch: Batch, indices: Sequence[int]) -> Points:
        """Return the numbers of these records."""
        rows: list[tuple[int, int, int, float, float]] = []
        for index in indices:
            length = int(batch.lengths[index])
            data = batch.data(index)
            file, offset = batch.place(index)
            event = self.take(data[:length], data[length:], file, offset)
            if event is not None:
                rows.extend(
                    (
                        index * VALUES_A_RECORD + min(number, VALUES_A_RECORD - 1),
                        self._catalog.number_code(value.tag, value.plugin),
                        event.step,
                        event.wall_time,
                        value.number,
                    )
                    for number, value in enumerate(event.values)
                    if value.number is not None
                )
        records, codes, steps, wall_times, values = zip(*rows, strict=True) if rows else ((),) * 5
        return Points(
            np.array(records, np.int64),
            np.array(codes, np.int64),
            np.array(steps, np.int64),
            np.array(wall_times, np.float64),
            np.array(values, np.float64),
        )

    def take(self, data: memoryview, proof: memoryview, file: int, offset: int) -> PlainEvent | None:
        """Return the event of a record, or None where it is damaged, or holds no number; the rest is counted.

        Args:
            data: The record.
            proof: The masked checksum that stands behind it, 4 bytes.
            file: The number of its file.
            offset: Where its data begin in the file.
        """
        seen_as = None
        if len(data) > _PROVED_BYTES and not self._verify and (seen := outline(data)) is not None:
            seen_as = seen.tag, seen.rest
            if known := self._seen.get(seen_as):
                self._count(*known, seen.size, (file, offset, len(data)))
                return None
        found = _canonical(data, len(data))
        has_numbers = found is not None and any(value.number for value in found.values)
        must_prove = self._verify or found is None or has_numbers or len(data) <= _PROVED_BYTES or found.is_bare
        if must_prove and masked(checksum(data)) != int.from_bytes(proof, "little"):
            self._findings.damage.append((file, offset, damage.PAYLOAD))
            return None
        if found is not None and not has_numbers:
            if seen_as is not None:
                self._seen[seen_as] = found.values[0].tag, found.values[0].plugin
            self._count_wire(found, len(data), file, offset)
            return None
        try:
            event = read_plainly(bytes(data)) if found is None else _with_numbers(data, found)
        except MalformedError:
            self._findings.damage.append((file, offset, damage.MALFORMED))
            return None
        for value in event.values:
            if value.number is None:
                self._count(value.tag, value.plugin, value.size, (file, offset, len(data)), value.oddity)
            elif value.oddity and value.plugin == SCALARS:
                self._findings.wonder(file, self._catalog.code(value.tag, SCALARS), value.oddity, offset)
        return event

    def count_far(self, source: Source, length: int, file: int, offset: int) -> bool:
        """Count the values of a record that stays on the disk, and say False where one may hold a number."""
        found = _canonical(source, length)
        if found is None or any(value.number for value in found.values):
            return False
        self._count_wire(found, length, file, offset)
        return True

    def _count_wire(self, event: WireEvent, length: int, file: int, offset: int) -> None:
        for value in event.values:
            self._count(value.tag, value.plugin, value.size, (file, offset, length))

    def _count(self, tag: str, plugin: str, size: int, place: tuple[int, int, int], oddity: str = "") -> None:
        code = self._catalog.code(tag, plugin)
        self._findings.count(place[0], code, size)
        if plugin == SCALARS:
            self._findings.wonder(place[0], code, oddity or _TOO_LARGE, place[1])
        if plugin in DOCUMENTS:
            self._findings.documents.append((*place, code))


def _canonical(source: Source, length: int) -> WireEvent | None:
    try:
        event = read_event(source, length)
    except Unusual:
        return None
    has_numbers = any(value.number for value in event.values)
    needs_all = any(needs_plain(value) or (has_numbers and value.payload) for value in event.values)
    return None if needs_all else event


def _with_numbers(data: memoryview, event: WireEvent) -> PlainEvent:
    """Return the event with its numbers read from where they stand."""
    wall_time = 0.0 if event.wall is None else float(np.frombuffer(data, "<f8", 1, event.wall)[0])
    step = 0 if event.step is None else read_varint(data, *event.step)
    values = tuple(
        PlainValue(value.tag, value.plugin, value.size, *(_number(data, *value.number) if value.number else (None, "")))
        for value in event.values
    )
    return PlainEvent(wall_time, step - (1 << 64) if step >> 63 else step, values)


def _number(data: memoryview, place: int, kind: str) -> tuple[float, str]:
    return as_float(np.frombuffer(data, kind, 1, place)[0].item())
