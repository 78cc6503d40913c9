"""Files of a log directory are read, and their numbers handed on block by block; what else they hold is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tbcli.readers import damage
from tbcli.readers.batch import Batch, Catalog, Findings, Points
from tbcli.readers.damage import Damage, limited
from tbcli.readers.decode import Decoder
from tbcli.readers.pieces import Block, in_pieces
from tbcli.readers.scan import Scanner, Task
from tbcli.readers.shelf import Shelf

_DETAILS = {
    damage.PAYLOAD: "a record fails its checksum: it is left out, those around it are kept",
    damage.MALFORMED: "a record is no event although its checksum is right: it is left out",
}


def read_files(shelf: Shelf, tasks: Sequence[Task], take: Callable[[Block], None], *, verify: bool = False) -> None:
    """Hand on the numbers of the files, and note on the shelf what else was found.

    Args:
        shelf: Has an entry for each file; its names are added to.
        tasks: What to read, in this order.
        take: Gets the numbers of each batch; they may be changed only by copying.
        verify: Whether the checksums of records without a number are proved too.
    """
    findings = Findings()
    decoder = Decoder(Catalog(shelf.names), findings, verify=verify)

    def deliver(batch: Batch, points: Points) -> None:
        if len(points.order):
            take(in_pieces(points, batch.files))

    scanner = Scanner(decoder, findings, deliver, verify=verify)
    scanner.read(tasks)
    for task in tasks:
        notes = shelf.notes[task.number]
        notes.end = scanner.ends.get(task.number, task.start)
        notes.mark = scanner.marks.get(task.number, 0)
    _note_findings(shelf, findings)
    _note_damage(shelf, scanner, findings)


def _note_findings(shelf: Shelf, findings: Findings) -> None:
    for (file, code), (count, size) in findings.others.items():
        entry = shelf.notes[file].others.setdefault(code, [0, 0])
        entry[0] += count
        entry[1] += size
    for file, offset, length, code in findings.documents:
        shelf.notes[file].documents.append((offset, length, code))


def _note_damage(shelf: Shelf, scanner: Scanner, findings: Findings) -> None:
    incidents = {number: list(found) for number, found in scanner.incidents.items()}
    for file, offset, kind in findings.damage:
        incidents.setdefault(file, []).append((offset, kind, _DETAILS[kind]))
    for number, found in incidents.items():
        notes = shelf.notes[number]
        told = [Damage(notes.file.name, *incident) for incident in sorted(found)]
        notes.damage = limited([*notes.damage, *told])
