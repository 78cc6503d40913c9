"""Decide what is still valid in the cache of a log directory, and read the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np

from tbcli.events import damage
from tbcli.events.batch import Batch, Catalog, Findings, Points
from tbcli.events.columns import EventFile
from tbcli.events.damage import Damage, limited
from tbcli.events.decode import Decoder
from tbcli.events.scan import Job, Scanner, mark_before, open_file
from tbcli.readers import cache
from tbcli.readers.event_index import EventIndex, FileNotes
from tbcli.readers.logdir import find_again, find_event_files
from tbcli.readers.pieces import Block, Pieces, in_pieces
from tbcli.readers.reducing import Reducer

_PASSING = (damage.TORN, damage.GROWING, damage.EMPTY)  # may be over when the file has grown
_DETAILS = {
    damage.PAYLOAD: "a record fails its checksum: it is left out, those around it are kept",
    damage.MALFORMED: "a record is no event although its checksum is right: it is left out",
}


def read_index(top: Path, *, use_cache: bool, verify: bool, text_logs: bool = True) -> EventIndex:
    """Return all numbers below a log directory, series by series, and what else its files hold.

    Without ``text_logs`` they are those of the event files alone.

    Raises:
        NotFound: There is no such directory.
    """
    index, jobs, is_same = _recall(top, use_cache=use_cache and not verify)
    keeps = use_cache and not verify and _is_worth_keeping(index)
    is_same = is_same and len(index.blocks) == 1
    read_files(index, jobs, index.blocks.append, verify=verify)
    index.arrange()
    if keeps and not is_same:
        cache.save(top, index)
    if text_logs:
        _add_text_logs(index)
    return index


def read_chosen(files: Sequence[EventFile]) -> EventIndex:
    """Return all that some event files hold, ordered by run and by time as they are given; nothing is kept."""
    index = EventIndex([FileNotes(file) for file in files], [])
    read_files(index, [Job(number, file) for number, file in enumerate(files)], index.blocks.append)
    index.arrange()
    return index


def read_reduced(top: Path, buckets: int, *, keep_all: bool, use_cache: bool, verify: bool) -> tuple[EventIndex, int]:
    """Return the same with each series reduced while it is read, in bounded memory; and how many were superseded.

    Raises:
        NotFound: There is no such directory.
    """
    use_cache = use_cache and not verify
    index, jobs, _ = _recall(top, use_cache=use_cache)
    unread = sum(job.file.size - job.start for job in jobs)
    if index.blocks and 4 * unread > sum(notes.file.size for notes in index.notes):
        index, jobs, _ = _recall(top, use_cache=False)  # so much is new that all of it is kept anew
    reducer = Reducer(index, buckets, keep_all=keep_all)
    with ExitStack() as stack:
        take: Callable[[Block], None] = reducer.take
        if use_cache and not index.blocks and _is_worth_keeping(index):
            take = _also_kept(take, stack.enter_context(cache.CacheWriter(top, index)))
        _take_newest_first(index, jobs, take, verify=verify)
    index.blocks = [reducer.block()]
    index.arrange()
    superseded = _add_text_logs(index, buckets, keep_all=keep_all)
    return index, reducer.superseded + superseded


def _add_text_logs(index: EventIndex, buckets: int = 0, *, keep_all: bool = False) -> int:
    if not index.tables:
        return 0
    from tbcli.readers.rivals import add_text_logs  # only where there is something of the kind

    return add_text_logs(index, buckets=buckets, keep_all=keep_all)


def _also_kept(take: Callable[[Block], None], writer: cache.CacheWriter) -> Callable[[Block], None]:
    def take_both(block: Block) -> None:
        writer.add(block)
        take(block)

    return take_both


def _take_newest_first(index: EventIndex, jobs: list[Job], take: Callable[[Block], None], *, verify: bool) -> None:
    """Hand on the numbers of all files, those of later ones first, whether they are kept or have to be read."""
    kept: dict[int, list[Block]] = {}
    for block in index.blocks:
        for number in np.unique(block.pieces.files).tolist():
            mine = Block(block.columns, block.pieces.only(block.pieces.files == number))
            kept.setdefault(number, []).append(mine)
    unread = {job.number: job for job in jobs}
    waiting: list[Job] = []
    for number in range(len(index.notes) - 1, -1, -1):
        if number in kept:
            read_files(index, waiting, take, verify=verify)
            waiting = []
            for block in kept[number]:
                for part in _portions(block):
                    take(part)
                    index.release()
        if number in unread:
            waiting.append(unread[number])
    read_files(index, waiting, take, verify=verify)


def _portions(block: Block) -> list[Block]:
    """Return the block in parts of a bounded number of rows."""
    most = 1 << 18
    parts = []
    for file, code, start, count in np.stack(block.pieces).T.tolist():
        for first in range(start, start + count, most):
            rows = min(most, start + count - first)
            parts.append(Block(block.columns, Pieces(*np.array([[file], [code], [first], [rows]], np.int64))))
    return parts


def _recall(top: Path, *, use_cache: bool) -> tuple[EventIndex, list[Job], bool]:
    """Return what is kept of the files that are there, what has to be read, and whether nothing has changed at all."""
    old = cache.load(top) if use_cache else None
    found = find_again(top, [notes.file for notes in old.notes], old.directories) if old is not None else None
    files, lost, directories, tables, is_file = found or find_event_files(top)
    index = EventIndex([], [], damage=lost, directories=directories, tables=tables, is_file=is_file)
    if old is None:
        index.notes = [FileNotes(file) for file in files]
        return index, [Job(number, file) for number, file in enumerate(files)], False
    known = {notes.file.name: number for number, notes in enumerate(old.notes)}
    moved = np.full(len(old.notes), -1, np.int64)
    jobs = []
    for number, file in enumerate(files):
        place = known.get(file.name)
        notes = _still_true(old.notes[place], file) if place is not None else None
        index.notes.append(notes or FileNotes(file))
        if place is None or notes is None:
            jobs.append(Job(number, file))
            continue
        moved[place] = number
        if file.size != old.notes[place].file.size:
            jobs.append(Job(number, file, notes.end))
    is_same = not jobs and bool((moved >= 0).all()) and bool(old.directories or not directories)
    index.names, index.release = old.names, old.release
    for block in old.blocks:
        pieces = block.pieces._replace(files=moved[block.pieces.files])
        index.blocks.append(Block(block.columns, pieces if is_same else pieces.only(pieces.files >= 0)))
    return index, jobs, is_same


def _still_true(old: FileNotes, file: EventFile) -> FileNotes | None:
    """Return what is known of a file that is as it was, or has only grown; None where nothing is."""
    if old.file.inode != file.inode or _was_closed(old):
        return None
    if old.file is file:
        return old
    if (old.file.size, old.file.changed) == (file.size, file.changed):
        return FileNotes(file, old.end, old.mark, old.damage, old.others, old.documents)
    if not old.file.size < file.size or not old.end or not _begins_as_before(file, old):
        return None
    return FileNotes(file, old.end, old.mark, _lasting(old.damage), old.others, old.documents)


def _begins_as_before(file: EventFile, old: FileNotes) -> bool:
    with suppress(OSError):
        handle = open_file(file.path)
        try:
            return mark_before(handle, old.end) == old.mark
        finally:
            os.close(handle)
    return False


def _was_closed(notes: FileNotes) -> bool:
    return bool(notes.damage) and any(incident.kind == damage.UNREADABLE for incident in notes.damage)


def _lasting(incidents: list[Damage]) -> list[Damage]:
    return [incident for incident in incidents if incident.kind not in _PASSING]


def _is_worth_keeping(index: EventIndex) -> bool:
    return sum(notes.file.size for notes in index.notes) >= cache.LEAST_BYTES


def read_files(index: EventIndex, jobs: Sequence[Job], take: Callable[[Block], None], *, verify: bool = False) -> None:
    """Hand on the numbers of the files, and note in the index what else was found.

    Args:
        index: Has an entry for each file; its names are added to.
        jobs: What to read, in this order.
        take: Gets the numbers of each batch; they may be changed only by copying.
        verify: Whether the checksums of records without a number are proved too.
    """
    if not jobs:
        return
    findings = Findings()
    decoder = Decoder(Catalog(index.names), findings, verify=verify)

    def deliver(batch: Batch, points: Points) -> None:
        if len(points.order):
            take(in_pieces(points, batch.files))

    scanner = Scanner(decoder, findings, deliver, verify=verify)
    scanner.read(jobs)
    for job in jobs:
        notes = index.notes[job.number]
        notes.end = scanner.ends.get(job.number, job.start)
        notes.mark = scanner.marks.get(job.number, 0)
    _note_findings(index, findings)
    _note_damage(index, scanner, findings)


def _note_findings(index: EventIndex, findings: Findings) -> None:
    for (file, code), (count, size) in findings.others.items():
        entry = index.notes[file].others.setdefault(code, [0, 0])
        entry[0] += count
        entry[1] += size
    for file, offset, length, code in findings.documents:
        index.notes[file].documents.append((offset, length, code))


def _note_damage(index: EventIndex, scanner: Scanner, findings: Findings) -> None:
    incidents = {number: list(found) for number, found in scanner.incidents.items()}
    for file, offset, kind in findings.damage:
        incidents.setdefault(file, []).append((offset, kind, _DETAILS[kind]))
    for (file, code, oddity), (count, offset) in findings.oddities.items():
        values = "1 value" if count == 1 else f"{count:,} values"
        detail = f"{values} of {index.names[code][0]!r} are {oddity}"
        incidents.setdefault(file, []).append((offset, damage.VALUES, detail))
    for number, found in incidents.items():
        notes = index.notes[number]
        told = [Damage(notes.file.name, *incident) for incident in sorted(found)]
        notes.damage = limited([*notes.damage, *told])
