"""What lies in the trash of a workspace, told from its entries' records and from where their parts are found."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tbcli.config.paths import TRASH
from tbcli.errors import NotFound, Refused
from tbcli.runs.cleaning.trash_place import entries_in, is_own, trash_beside
from tbcli.runs.cleaning.trees import Freed, is_real_directory
from tbcli.runs.files import parse_utc, read_file, utc_now
from tbcli.runs.store import RunStore

PARTS = ("logs", "plots", "models")
RECORD = "trashed.json"
GONE = ".gone-"
ENTRY = re.compile(r"(?P<run>.+)@(?P<moment>\d{8}-\d{6})(-[0-9a-f]{4})?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Trashed:
    """A run in the trash.

    Args:
        entry: Its directory in the trash of the logs.
        id: The run's id.
        name: What it was called, or ``""``.
        status: Its status when it was moved.
        when: When that was.
        directory: The name its logs had.
        parts: Where its parts lie now, those that are in the trash.
        origins: Where they lay.
    """

    entry: Path
    id: str
    name: str
    status: str
    when: datetime
    directory: str
    parts: Mapping[str, Path]
    origins: Mapping[str, str]

    def age_seconds(self, now: datetime | None = None) -> float:
        """Return how long it has been in the trash."""
        return max(0.0, ((now or utc_now()) - self.when).total_seconds())

    def name_of(self, part: str) -> str:
        """Return the name that the directory of a part had."""
        name = Path(self.origins.get(part, "")).name
        return name if name not in ("", "..") else self.directory

    def bytes(self, freed: Freed | None = None) -> int:
        """Return what is freed when it is purged."""
        freed = freed or Freed()
        return sum(freed.count_tree(part) for part in self.parts.values())


class TrashContents:
    """What `clean` moved away from the roots of a workspace; it is only read here."""

    def __init__(self, store: RunStore) -> None:
        self._roots = dict(zip(PARTS, (store.logs_root, store.plots_root, store.models_root), strict=True))
        self._bins = {part: trash_beside(root, tuple(self._roots.values())) for part, root in self._roots.items()}

    @property
    def place(self) -> Path:
        """Where the runs of this workspace are listed."""
        return self._bins["logs"]

    def list(self) -> Sequence[Trashed]:
        """Return what is here, the oldest first; what is not an entry of ours is left out.

        Raises:
            Refused: What lies in the place of the trash is not ours.
        """
        found = [self._read(name) for name in entries_in(self.place) if ENTRY.fullmatch(name)]
        entries = [one for one in found if one is not None and one.parts]
        return sorted(entries, key=lambda one: (one.when, one.entry.name))

    def expired(self, days: float, now: datetime | None = None) -> Sequence[Trashed]:
        """Return what has been here for so many days or more."""
        return [one for one in self.list() if one.age_seconds(now) >= days * 86_400]

    def find(self, reference: str) -> Trashed:
        """Return the run that an id, its beginning, a name, ``latest`` or an entry means; of copies the newest.

        Raises:
            NotFound: Nothing here answers to it.
            Refused: Several runs do.
        """
        entries = self.list()
        for matches in (
            [one for one in entries if reference in (one.entry.name, one.id, one.directory)],
            entries[-1:] if reference == "latest" else [],
            [one for one in entries if one.name == reference or (reference and one.entry.name.startswith(reference))],
        ):
            if len({one.directory for one in matches}) > 1:
                listed = ", ".join(one.directory for one in matches[-5:])
                raise Refused(
                    f"{reference!r} means {len(matches)} runs in the trash: {listed}", hint="type more of the id"
                )
            if matches:
                return matches[-1]
        raise NotFound(f"no run {reference!r} in {str(self.place)!r}", hint="`tbcli clean --restore` lists the trash")

    def _read(self, name: str) -> Trashed | None:
        entry = self.place / name
        named = ENTRY.fullmatch(name.removeprefix(GONE))
        record = read_record(entry)
        if not named or not (isinstance(record.get("schema"), int) or is_real_directory(entry / "logs")):
            return None
        directory = str(record.get("directory") or named["run"])
        if "/" in directory or directory in ("", ".", ".."):
            return None
        when = parse_utc(record.get("trashed")) or datetime.fromtimestamp(entry.lstat().st_mtime).astimezone()
        words = {key: value if isinstance(value := record.get(key), str) else "" for key in ("id", "name", "status")}
        return Trashed(
            entry, words["id"] or directory, words["name"], words["status"], when, directory,
            self._parts(entry, record), _texts(record.get("from")),
        )  # fmt: skip

    def _parts(self, entry: Path, record: Mapping[str, Any]) -> dict[str, Path]:
        """Return where the parts of an entry lie: beside each root as it is now, or where they were moved to."""
        name, parts = entry.name.removeprefix(GONE), {}
        # Of a copy of the whole trash the places that were noted are the original's.
        is_original = record.get("entry") == str(entry.with_name(name).absolute())
        noted = _texts(record.get("parts")) if is_original else {}
        for part in PARTS:
            places = [entry, self._bins[part] / name]
            if part in noted and Path(noted[part]).parent.name == TRASH:
                places.append(Path(noted[part]).parent / name)
            for place in places:
                if is_own(place.parent) and is_real_directory(place) and is_real_directory(place / part):
                    parts[part] = place / part
                    break
        return parts


def read_record(entry: Path) -> Mapping[str, Any]:
    """Return what an entry's record says, nothing where it cannot be read."""
    try:
        record = json.loads(read_file(f"{entry}/{RECORD}"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _texts(value: object) -> dict[str, str]:
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
