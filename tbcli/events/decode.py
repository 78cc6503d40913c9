"""Decode framed records: similar ones together by template, all others one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tbcli.events.batch import VALUES_A_RECORD, Batch, Catalog, Findings, Points
from tbcli.events.crc import masked
from tbcli.events.fields import Unusual
from tbcli.events.framing import Offsets
from tbcli.events.single import DOCUMENTS, SingleDecoder
from tbcli.events.template import MOST_BYTES, Layout, Quads, Template, column, inexact, needs_plain
from tbcli.events.tensors import ROUNDED, WIDE
from tbcli.events.wire import read_event

_FEW = 3  # alike records, below which a template is not worth its cost
_MOST_LAYOUTS = 64  # of records of one length in one batch
_KEY_BITS = 12  # of the hash of names, by which groups are told apart before they are compared


class Decoder:
    """Decodes batches and remembers the templates.

    Args:
        catalog: Where new names go.
        findings: Where everything goes that is no number.
        verify: Whether the checksums of records without a number are proved too.
    """

    def __init__(self, catalog: Catalog, findings: Findings, *, verify: bool = False) -> None:
        self.single = SingleDecoder(catalog, findings, verify=verify)
        self._catalog = catalog
        self._findings = findings
        self._verify = verify
        self._layouts: dict[int, list[Layout]] = {}  # by the length of the records
        self._templates: dict[tuple[bytes, int], Template] = {}

    def decode(self, batch: Batch) -> Points:
        """Return the numbers, in no particular order."""
        parts: list[Points] = []
        alone: list[int] = []
        for members, length in _by_length(batch.lengths):
            left = members
            if len(members) >= _FEW and length <= MOST_BYTES:
                left = self._decode_alike(batch, members, length, parts, alone)
            alone.extend(left.tolist())
        if alone:
            parts.append(self.single.decode(batch, alone))
        return Points.joined(parts)

    def _decode_alike(
        self, batch: Batch, members: Offsets, length: int, parts: list[Points], alone: list[int]
    ) -> Offsets:
        """Take records of one length, layout after layout, and return those that are left."""
        rows = batch.rows(members, length)
        for _ in range(_MOST_LAYOUTS):
            if len(members) < _FEW:
                break
            try:
                layout = self._layout(rows, length)
            except Unusual:
                alone.append(int(members[0]))
                members, rows = members[1:], rows[1:]
                continue
            fits = layout.fitting(rows)
            if fits is None:
                self._decode_fitting(batch, layout, members, rows, parts, alone)
                return members[:0]
            self._decode_fitting(batch, layout, members[fits], rows[fits], parts, alone)
            members, rows = members[~fits], rows[~fits]
        return members

    def _layout(self, rows: Quads, length: int) -> Layout:
        """Return the layout of the first row: one that was met before, or a new one."""
        known = self._layouts.setdefault(length, [])
        for layout in known:
            if layout.is_of(rows[0]):
                return layout
        if len(known) >= _MOST_LAYOUTS:
            known.clear()
        known.append(Layout(_data(rows, 0, length)))
        return known[-1]

    def _decode_fitting(
        self, batch: Batch, layout: Layout, members: Offsets, rows: Quads, parts: list[Points], alone: list[int]
    ) -> None:
        """Take records of one layout; those that fail their checksums are looked at alone."""
        if self._verify and not layout.numbers:
            alone.extend(members.tolist())
            return
        hashes = layout.name_hashes(rows)
        groups, firsts = group_equal(hashes)
        templates = [self._template(layout, int(hashes[first]), rows, first) for first in firsts.tolist()]
        usable = np.array([template.is_usable for template in templates])
        if layout.numbers or not usable.all():
            sound = usable[groups]
            if layout.numbers:
                sound &= _sound(layout, templates, rows, groups)
            if not sound.all():
                alone.extend(members[~sound].tolist())
                members, rows, groups = members[sound], rows[sound], groups[sound]
            if not len(members):
                return
            parts.extend(_points(layout, templates, members, rows, groups))
            self._note_rounded(batch, layout, templates, members, rows, groups)
        if len(layout.event.values) > len(layout.numbers):
            self._count_others(batch, templates, members, groups, None if layout.numbers else alone)

    def _note_rounded(
        self, batch: Batch, layout: Layout, templates: list[Template], members: Offsets, rows: Quads, groups: Offsets
    ) -> None:
        """Note whole numbers that a float64 cannot hold."""
        for number, (place, kind) in enumerate(layout.numbers):
            for row in inexact(rows.view(np.uint8), place, kind).tolist() if kind in WIDE else ():
                code = templates[int(groups[row])].numbers[number]
                if code & 1 == 0:
                    file, offset = batch.place(int(members[row]))
                    self._findings.wonder(file, code >> 1, ROUNDED, offset)

    def _template(self, layout: Layout, names: int, rows: Quads, row: int) -> Template:
        """Return the template of these names in this layout, which a row shows."""
        known = self._templates.get((layout.key, names))
        if known is None:
            data = _data(rows, row, layout.length)
            try:
                values = read_event(data, len(data)).values
            except Unusual:  # names that are no UTF-8
                values = []
            numbers = tuple(self._catalog.number_code(it.tag, it.plugin) for it in values if it.number is not None)
            others = tuple((self._catalog.code(it.tag, it.plugin), it.size) for it in values if it.number is None)
            places = [it.number for it in values if it.number is not None]
            is_usable = len(values) == len(layout.event.values) and places == layout.numbers
            is_usable = is_usable and not any(map(needs_plain, values))
            if not is_usable:  # by their names they are something else, such as a number of another plugin
                numbers, others = (-1,) * len(layout.numbers), ()
            known = Template(is_usable, layout.constant(data) if numbers else 0, numbers, others)
            self._templates[layout.key, names] = known
        return known

    def _count_others(
        self, batch: Batch, templates: list[Template], members: Offsets, groups: Offsets, alone: list[int] | None
    ) -> None:
        """Count values that are no numbers; a name that few have may be a damaged one: those are looked at alone."""
        for number, template in enumerate(templates):
            mine = members if len(templates) == 1 else members[groups == number]
            if alone is not None and len(mine) < _FEW:
                alone.extend(mine.tolist())
                continue
            if not len(mine):
                continue
            files = batch.files[mine]  # in their order
            edges = [0, *(np.flatnonzero(files[1:] != files[:-1]) + 1).tolist(), len(files)]
            for code, size in template.others:
                for start, end in pairwise(edges):
                    self._findings.count(int(files[start]), code, size, end - start)
                if self._catalog.names[code][1] in DOCUMENTS:
                    for index in mine.tolist():
                        self._findings.documents.append((*batch.place(index), int(batch.lengths[index]), code))


def group_equal(hashes: Quads) -> tuple[Offsets, Offsets]:
    """Return the group of each ``[n]``, counted from 0, and one member of each group."""
    if not len(hashes) or (hashes == hashes[0]).all():
        return np.zeros(len(hashes), np.int64), np.zeros(min(1, len(hashes)), np.int64)
    keys = (hashes >> np.uint64(64 - _KEY_BITS)).astype(np.int64)
    seats = np.full(1 << _KEY_BITS, -1, np.int64)
    seats[keys] = np.arange(len(keys))
    if (hashes[seats[keys]] == hashes).all():
        taken = np.flatnonzero(seats >= 0)
        numbers = np.zeros(len(seats), np.int64)
        numbers[taken] = np.arange(len(taken))
        return numbers[keys], seats[taken]
    _, firsts, groups = np.unique(hashes, return_index=True, return_inverse=True)
    return groups, firsts


def _by_length(lengths: Offsets) -> Iterator[tuple[Offsets, int]]:
    """Yield the numbers of the records of each length, in their order; all that are long count as alike."""
    clipped = np.minimum(lengths, MOST_BYTES + 1).astype(np.uint16)
    if len(clipped) and (clipped == clipped[0]).all():
        yield np.arange(len(clipped)), int(clipped[0])
        return
    order = np.argsort(clipped, kind="stable")
    edges = np.flatnonzero(np.diff(clipped[order])) + 1
    for members in np.split(order, edges) if len(order) else ():
        yield members, int(clipped[members[0]])


def _data(rows: Quads, row: int, length: int) -> bytes:
    return bytes(rows[row].tobytes()[:length])


def _sound(layout: Layout, templates: list[Template], rows: Quads, groups: Offsets) -> NDArray[np.bool_]:
    """Return which rows agree with their checksums ``[n]``."""
    constants = np.array([template.constant for template in templates], np.uint32)
    found = layout.checksums(rows.view(np.uint8), constants[groups] if len(templates) > 1 else int(constants[0]))
    stored = np.ndarray((len(rows),), "<u4", rows.data, layout.length, (layout.width,))
    return np.asarray(masked(found) == stored)


def _points(
    layout: Layout, templates: list[Template], members: Offsets, rows: Quads, groups: Offsets
) -> Iterator[Points]:
    content = rows.view(np.uint8)
    steps, wall_times = layout.steps(content), layout.wall_times(content)
    for number, (place, kind) in enumerate(layout.numbers):
        codes = np.array([template.numbers[number] for template in templates], np.int64)
        mine = codes[groups] if len(codes) > 1 else np.full(len(rows), codes[0])
        yield Points(members * VALUES_A_RECORD + number, mine, steps, wall_times, column(content, place, kind))
