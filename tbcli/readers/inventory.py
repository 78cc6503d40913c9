"""Inventory of a log directory besides scalars: names and sizes, without decoding."""

from __future__ import annotations

from dataclasses import dataclass

from tbcli.events.wire import UNKNOWN
from tbcli.readers.event_index import EventIndex


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """Values of one tag of one run.

    Args:
        run: The directory of the files, relative to the log directory.
        tag: The name; for what has none, such as graphs, that of its kind.
        plugin: The dashboard that shows it, or the kind of record: ``graph``, ``run_metadata``, ``meta_graph``,
            ``session``, ``log``; empty where nothing tells.
        count: How often it was written.
        bytes: What all of it takes in the files; 0 for numbers of which nothing tells that they are scalars.
    """

    run: str
    tag: str
    plugin: str
    count: int
    bytes: int


def list_inventory(index: EventIndex) -> tuple[InventoryEntry, ...]:
    """Return an entry for each tag of each run that is no scalar, ordered by run, tag and plugin."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for notes in index.notes:
        for code, (count, size) in notes.others.items():
            _add(found, (notes.file.run, *index.names[code]), count, size)
    for run, tag, count in index.unexplained():
        _add(found, (run, tag, UNKNOWN), count, 0)
    told = {(run, tag): plugin for run, tag, plugin in found if plugin != UNKNOWN}
    for name in [name for name in found if name[2] == UNKNOWN]:  # metadata may stand at the first record alone
        plugin = told.get(name[:2])
        if plugin is not None:
            _add(found, (*name[:2], plugin), *found.pop(name))
    return tuple(InventoryEntry(*name, *counts) for name, counts in sorted(found.items()))


def _add(found: dict[tuple[str, str, str], list[int]], name: tuple[str, str, str], count: int, size: int) -> None:
    entry = found.setdefault(name, [0, 0])
    entry[0] += count
    entry[1] += size
