"""Cache of numbers read from event files, in the user's cache directory: one file per log directory, safe to delete.

A file is ``TBEVENTS``, blocks (steps, wall times, values, and the pieces they consist of, as they lie in memory), a
table of contents in JSON, and 24 bytes: place and size of the contents, their CRC-32, and the version. It is written
under another name and renamed; one that is incomplete, or of another version, is ignored. No file of the user's is
touched.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self
from zlib import crc32

import numpy as np

from tbcli.config.paths import cache_home
from tbcli.events.columns import Columns, EventFile
from tbcli.events.damage import Damage
from tbcli.readers.event_index import EventIndex, FileNotes
from tbcli.readers.pieces import Block, Pieces

VERSION = 2  # of what stands in the files, and of how records are understood
MOST_BYTES = 1 << 30  # of all files together
LEAST_BYTES = 1 << 18  # of event files, below which reading them again is as quick
_MAGIC = b"TBEVENTS"
_TRAILER = struct.Struct("<QQII")
_ROW = 24  # bytes of a point
_NUMBERS = 5  # that are kept of each file


def cache_directory() -> Path:
    """Return the cache directory."""
    return cache_home() / "events"


def cache_bytes() -> int:
    """Return the size of all cache files."""
    return sum(size for _, size, _ in _kept_files())


def clear_cache() -> int:
    """Remove all cache files that can be removed, and return the bytes freed."""
    freed = 0
    for path, size, _ in _kept_files():
        with suppress(OSError):
            path.unlink()
            freed += size
    return freed


def load(top: Path) -> EventIndex | None:
    """Return what is kept of a log directory as it was then, or None; its numbers are read when they are used."""
    path = _path_of(top)
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        os.utime(path)  # so that what is used stays longest
        place, size, proof, version = _TRAILER.unpack(content[-_TRAILER.size :])
        contents = content[place : place + size]
        if content[: len(_MAGIC)] != _MAGIC or version != VERSION or crc32(contents) != proof:
            return None
        import json  # only where there is a cache: a blink of a process that lives for two

        return _rebuilt(json.loads(contents), content, top)
    except (OSError, ValueError, LookupError, TypeError, struct.error):
        return None


def save(top: Path, index: EventIndex) -> None:
    """Keep what an index holds; where that cannot be written, or is too large, nothing is kept."""
    with CacheWriter(top, index) as writer:
        for block in index.blocks:
            writer.add(block)


class CacheWriter:
    """Writes a cache file: blocks are added as they are read; the file is complete when the context exits.

    The cache is optional: if it cannot be written, or becomes too large, none is kept and no error is raised.

    Args:
        top: The log directory.
        index: What is known of its files by the end of the context.
    """

    def __init__(self, top: Path, index: EventIndex) -> None:
        self._top = os.path.realpath(top)
        self._path = _path_of(top)
        self._temporary = self._path.with_suffix(f".{os.getpid()}.new")
        self._index = index
        self._file: IO[bytes] | None = None
        self._blocks: list[tuple[int, int, int]] = []

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._temporary.open("wb")
            self._file.write(_MAGIC)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is not None and kind is None:
            with suppress(OSError):
                self._finish(self._file)
                self._temporary.replace(self._path)
                _make_room()
        self._give_up()

    def add(self, block: Block) -> None:
        """Write a block."""
        if self._file is None:
            return
        try:
            place = self._file.tell()
            self._blocks.append((place, len(block.columns.steps), len(block.pieces.files)))
            for column in (*block.columns, *block.pieces):
                self._file.write(np.ascontiguousarray(column).data)
            if self._file.tell() > MOST_BYTES // 2:
                self._give_up()
        except OSError:
            self._give_up()

    def _finish(self, file: IO[bytes]) -> None:
        numbers = [_numbers_of(notes) for notes in self._index.notes]
        table = np.array(numbers, np.int64).reshape(-1, _NUMBERS)
        self._blocks.append((file.tell(), len(table), 0))
        file.write(table.data)
        import json

        contents = json.dumps(_contents_of(self._top, self._index, self._blocks)).encode()
        place = file.tell()
        file.write(contents)
        file.write(_TRAILER.pack(place, len(contents), crc32(contents), VERSION))
        file.close()

    def _give_up(self) -> None:
        """Leave no half file behind; one that was renamed is no longer there."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
            self._temporary.unlink(missing_ok=True)
        self._file = None


def _numbers_of(notes: FileNotes) -> tuple[int, int, int, int, int]:
    return notes.file.size, notes.file.changed, notes.file.inode, notes.end, notes.mark


def _contents_of(top: str, index: EventIndex, blocks: list[tuple[int, int, int]]) -> dict[str, Any]:
    rare = {
        number: ([one.document() for one in notes.damage], list(notes.others.items()), notes.documents)
        for number, notes in enumerate(index.notes)
        if notes.damage or notes.others or notes.documents
    }
    files = [(notes.file.name, notes.file.run) for notes in index.notes]
    names, runs = zip(*files, strict=True) if files else ((), ())
    facts = {"top": top, "byteorder": sys.byteorder, "tags": index.names, "names": names, "runs": runs}
    return {**facts, "rare": rare, "blocks": blocks, "directories": index.directories}


def _rebuilt(contents: dict[str, Any], content: mmap.mmap, top: Path) -> EventIndex | None:
    if contents["byteorder"] != sys.byteorder or contents["top"] != os.path.realpath(top):
        return None
    *blocks, (place, rows, _) = contents["blocks"]
    table = np.frombuffer(content, np.int64, rows * _NUMBERS, place).reshape(rows, _NUMBERS).tolist()
    notes = [
        FileNotes(EventFile(f"{top}/{name}", name, run, size, changed, inode), end, mark)
        for name, run, (size, changed, inode, end, mark) in zip(contents["names"], contents["runs"], table, strict=True)
    ]
    for number, (damage, others, documents) in contents["rare"].items():
        noted = notes[int(number)]
        noted.damage = [Damage.from_document(document) for document in damage]
        noted.others = {code: [count, size] for code, (count, size) in others}
        noted.documents = [(offset, length, code) for offset, length, code in documents]
    index = EventIndex(notes, [(tag, plugin) for tag, plugin in contents["tags"]], directories=contents["directories"])
    index.release = lambda: content.madvise(mmap.MADV_DONTNEED)
    for place, rows, pieces in blocks:
        columns = Columns(
            np.frombuffer(content, np.int64, rows, place),
            np.frombuffer(content, np.float64, rows, place + 8 * rows),
            np.frombuffer(content, np.float64, rows, place + 16 * rows),
        )
        lists = np.frombuffer(content, np.int64, 4 * pieces, place + _ROW * rows).reshape(4, pieces)
        index.blocks.append(Block(columns, Pieces(*lists)))
    return index


def _path_of(top: Path) -> Path:
    # Two directories of one name here only take turns: the table of contents has the whole path.
    name = os.fsencode(os.path.realpath(top))
    return cache_directory() / f"{crc32(name):08x}{crc32(name[::-1]):08x}.columns"


def _kept_files() -> list[tuple[Path, int, int]]:
    """Return path, bytes and time of last use of each file of the cache, the one used last first."""
    found = []
    with suppress(OSError), os.scandir(cache_directory()) as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                found.append((Path(entry.path), status.st_size, status.st_mtime_ns))
    return sorted(found, key=lambda kept: -kept[2])


def _make_room() -> None:
    """Remove what was not used for longest until the rest is within bounds."""
    total = 0
    for path, size, _ in _kept_files():
        total += size
        if total > MOST_BYTES:
            with suppress(OSError):
                path.unlink()
