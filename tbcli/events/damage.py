"""Damage in event files: what is wrong, where, and what was kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

UNREADABLE = "unreadable"
EMPTY = "empty"
FOREIGN = "foreign"
TORN = "torn"
GROWING = "growing"
ZEROS = "zeros"
LENGTH = "length"
PAYLOAD = "payload"
MALFORMED = "malformed"
MORE = "more"
WRITERS = "writers"
VALUES = "values"
TEXT_LOG = "text log"

MOST_A_FILE = 20  # incidents that are told one by one


@dataclass(frozen=True, slots=True)
class Damage:
    """One incident in one file.

    Args:
        path: The file, relative to the log directory, ``.`` for that itself; see `located`.
        offset: The byte at which it begins.
        kind: ``unreadable`` (not opened, or no regular file), ``empty``, ``foreign`` (no record in it at all), ``torn``
            (the last record is cut short: its writer was killed, or is about to write the rest), ``growing`` (the same,
            and the file grew while it was read), ``length`` (a length that fails its checksum: nothing tells where the
            next record begins), ``zeros`` (nothing else up to the end), ``payload`` (data that fail their checksum),
            ``malformed`` (data that pass it and are no event), ``more`` (how many more there are), ``writers`` (several
            files of the run ``path`` were written at the same time, and one of them is read), ``text log`` (of a
            training log that is no event file), ``values`` (scalars of a type or a size that is not shown as written).
        detail: What was lost and what was kept, for a person.
    """

    path: str
    offset: int
    kind: str
    detail: str

    @property
    def is_loss(self) -> bool:
        """Whether something that was written is lost; a file that is empty or still grows has lost nothing."""
        return self.kind not in (EMPTY, GROWING)

    def __str__(self) -> str:
        if self.kind in (WRITERS, TEXT_LOG):
            return f"{self.path}: {self.detail}"
        if self.kind == UNREADABLE and not self.offset:  # as a whole
            return f"{self.path} {self.detail}"
        return f"{self.path} at byte {self.offset:,}: {self.detail}"

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"path": self.path, "offset": self.offset, "kind": self.kind, "detail": self.detail}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Damage:
        """Return what `document` described."""
        return cls(str(document["path"]), int(document["offset"]), str(document["kind"]), str(document["detail"]))


def located(incidents: Iterable[Damage], top: Path) -> tuple[Damage, ...]:
    """Return incidents with the paths by which a user finds the files.

    Args:
        incidents: Their paths are relative to the log directory.
        top: That directory, as the user named it; or the one file that was read.
    """
    is_file = top.is_file()
    return tuple(replace(each, path=str(top if is_file else top / each.path)) for each in incidents)


def limited(incidents: list[Damage]) -> list[Damage]:
    """Return the first incidents of one file and a last one that counts the others."""
    if len(incidents) <= MOST_A_FILE:
        return incidents
    rest = incidents[MOST_A_FILE:]
    detail = f"{len(rest):,} more incidents like these, the last at byte {rest[-1].offset:,}"
    return [*incidents[:MOST_A_FILE], Damage(rest[0].path, rest[0].offset, MORE, detail)]
