"""The trash: runs that `clean` moved away by renaming them, until they are restored or purged.

Each root has its trash beside it, ``<parent>/.tbcli-trash``, on the same file system and outside of every root, for
TensorBoard lists what lies below one. A run is one entry there, ``<run>@<moment>``: ``trashed.json`` says what it was
and where its parts lie. The logs go first and come back last, so that a run is at any moment either listed or in the
trash; what a kill left half done is finished by the next `clean`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from tbcli.errors import NotFound, Refused
from tbcli.runs.cleaning.damaged import held_wreck
from tbcli.runs.cleaning.removal import held
from tbcli.runs.cleaning.removal_plan import Identity
from tbcli.runs.cleaning.trash_contents import ENTRY, GONE, PARTS, RECORD, TrashContents, Trashed, read_record
from tbcli.runs.cleaning.trash_place import (
    TRIES,
    entries_in,
    is_elsewhere,
    locked_entry,
    make_trash,
    require_usable,
    unusable,
)  # fmt: skip
from tbcli.runs.cleaning.trees import (
    Freed,
    empty,
    errors_naming,
    is_real_directory,
    mount_below,
    open_directory,
    remove_entry,
    rename_all,
    sync,
)  # fmt: skip
from tbcli.runs.cleaning.wreckage import Wreck
from tbcli.runs.files import utc_now, utc_text, write_atomically
from tbcli.runs.run import Run

_LONGEST_NAME = 200  # bytes; file systems take 255
_NEW = ".new-"


class Trash(TrashContents):
    """The trash of a workspace, to move runs to, back from, and out of for good."""

    def require_usable(self, places: Iterable[Path]) -> None:
        """Check that directories below the roots can be moved here; nothing is made yet.

        Raises:
            ConfigError: A root is on another file system than its trash, or the trash cannot be written.
            Refused: What lies in its place is not ours.
        """
        roots = {path.parent for path in places if is_real_directory(path)}
        for part in PARTS:
            if self._roots[part] in roots:
                require_usable(self._roots[part], self._bins[part])

    def move(self, run: Run, now: datetime | None = None, *, identity: Identity | None = None) -> int:
        """Move a run here and return the bytes that its purge frees; a link in place of plots or model stays.

        Args:
            run: Which.
            now: The present.
            identity: What its directory was when it was chosen.

        Raises:
            NotFound: It is gone already.
            Refused: It is live, not a tbcli run any more, was swapped meanwhile, or the trash is not ours.
            ConfigError: The trash cannot be used; see `require_usable`.
            OSError: Something could not be moved; the run is where it was.
        """
        with held(run, now, identity) as hold:
            status = run.record.get("status")
            facts = {
                "id": run.id,
                "name": run.name,
                "status": "interrupted" if status == "running" else status,
                "directory": run.logs.name,
            }
            parts = _distinct(zip(PARTS, (run.logs, run.plots, run.models), strict=True))
            return self._move(parts, facts, hold.logs, now or utc_now())

    def move_wreck(self, wreck: Wreck, now: datetime | None = None) -> int:
        """Move a damaged run, or plots and model without logs, here; see `move`."""
        with held_wreck(wreck, self._roots["logs"]) as logs:
            found = ((part, path) for path in wreck.paths for part in PARTS if path.parent == self._roots[part])
            name = wreck.paths[0].name
            facts = {"id": name, "name": "", "status": "damaged", "directory": name}
            return self._move(_distinct(found), facts, logs, now or utc_now())

    def _move(self, parts: Mapping[str, Path], facts: Mapping[str, Any], first: int | None, now: datetime) -> int:
        self.require_usable(parts.values())
        freed = Freed()
        size = sum(freed.count_tree(path) for path in parts.values())
        try:
            with self._new_entry(facts, parts, now) as places:
                rename_all([(path, places[part] / part) for part, path in parts.items()], first)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise is_elsewhere(Path(str(error.filename)), self.place) from None
            raise
        return size

    @contextmanager
    def _new_entry(
        self, facts: Mapping[str, Any], parts: Mapping[str, Path], now: datetime
    ) -> Iterator[dict[str, Path]]:
        """Yield where parts go: directories of an entry that knows them; it is gone on failure."""
        name = f"{_beginning(facts['directory'])}@{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        places = {part: self._bins[part] / name for part in parts}
        made: list[Path] = []
        try:
            for top in dict.fromkeys([self.place, *(self._bins[part] for part in parts)]):
                make_trash(top)
            record = {
                "schema": 1,
                **facts,
                "trashed": utc_text(now),
                "entry": str((self.place / name).absolute()),
                "from": {part: str(path.absolute()) for part, path in parts.items()},
                "parts": {part: str(place.absolute()) for part, place in places.items()},
            }
            with self._prepared(name, record) as entry:
                made.append(entry)
                for place in dict.fromkeys(places.values()):
                    if place != entry:
                        place.mkdir(mode=0o700)
                        made.append(place)
                yield places
        except BaseException:
            for place in reversed(made):
                if not _discard(place):  # a part resists to move back: what knows of it stays
                    break
            raise

    @contextmanager
    def _prepared(self, name: str, record: Mapping[str, Any]) -> Iterator[Path]:
        """Make an entry that is locked and has its record from the first moment on, and yield its path."""
        unfinished, entry = self.place / f"{_NEW}{name}", self.place / name
        with ExitStack() as stack:
            try:
                with open_directory(self.place) as top:
                    with suppress(OSError):  # a file system without locks
                        fcntl.flock(top, fcntl.LOCK_SH)
                    unfinished.mkdir(mode=0o700)
                    stack.enter_context(locked_entry(unfinished))
                    # ASCII, for names need not be UTF-8.
                    write_atomically(unfinished / RECORD, json.dumps(record, indent=2))
                    unfinished.rename(entry)
                    sync(top)
            except OSError as error:
                _discard(unfinished)
                raise unusable(self.place, error.errno or 0) from None
            except BaseException:
                _discard(unfinished)
                raise
            yield entry

    def restore(self, trashed: Trashed) -> None:
        """Move a run back into the roots of this workspace, its logs last.

        Raises:
            NotFound: It is gone already.
            Refused: A run of that name is there, another process works on it, or it lies on another file system.
            OSError: Something could not be moved; the run is still in the trash.
        """
        with locked_entry(trashed.entry, tries=TRIES):
            moves = [
                (trashed.parts[part], self._roots[part] / trashed.name_of(part))
                for part in reversed(PARTS)
                if part in trashed.parts
            ]
            for _, target in moves:
                if os.path.lexists(target):
                    raise Refused(f"{str(target)!r} exists already", hint="move it away, or `tbcli clean` it first")
            for _, target in moves:
                target.parent.mkdir(parents=True, exist_ok=True)
            try:
                rename_all(moves)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                source, target = next(move for move in moves if str(move[0]) == error.filename)
                raise Refused(
                    f"{str(source)!r} is on another file system than {str(target.parent)!r}",
                    hint=f"move each part by hand, this one to {str(target)!r}",
                ) from None
            self._forget(trashed)

    def purge(self, trashed: Trashed) -> int:
        """Remove a run for good and return the bytes freed; killed meanwhile, the next `clean` finishes it.

        Raises:
            NotFound: It is gone already.
            Refused: Another process works on it, or something is mounted in it.
            OSError: Something could not be removed; ``filename`` says what.
        """
        with locked_entry(trashed.entry, tries=TRIES):
            for part in trashed.parts.values():
                if mounted := mount_below(part):
                    raise Refused(f"{mounted!r} is a mount point", hint=f"unmount it first (`umount {mounted}`)")
            gone = trashed.entry.rename(trashed.entry.with_name(GONE + trashed.entry.name))
            return self._remove_gone(gone)

    def tidy(self) -> None:
        """Finish what killed processes left half done; what resists is left for the next time."""
        names = entries_in(self.place)
        self._drop_unfinished([self.place / name for name in names if name.startswith(_NEW)])
        for name in names:
            with suppress(OSError, NotFound, Refused), locked_entry(self.place / name):
                if name.startswith(GONE):
                    self._remove_gone(self.place / name)
                elif found := self._read(name):
                    self._finish(found)
                elif ENTRY.fullmatch(name):
                    (self.place / name).rmdir()  # its record went last

    def _drop_unfinished(self, entries: Sequence[Path]) -> None:
        """Remove entries that never came to hold anything, unless another process is about to make one."""
        if not entries:
            return
        with suppress(OSError), open_directory(self.place) as top:
            fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for entry in entries:
                _discard(entry)

    def _finish(self, trashed: Trashed) -> None:
        """Forget a run that was restored; move what a run in the trash has still in its old place."""
        if "logs" not in trashed.parts:
            if not trashed.parts:
                self._forget(trashed)
            return
        if os.path.lexists(self._roots["logs"] / trashed.directory):
            return
        for part in PARTS[1:]:
            origin = self._roots[part] / trashed.name_of(part)
            is_same = trashed.origins.get(part) == str(origin.absolute())
            if is_same and part not in trashed.parts and is_real_directory(origin):
                place = self._bins[part] / trashed.entry.name
                place.mkdir(mode=0o700, exist_ok=True)
                rename_all([(origin, place / part)])

    def _forget(self, trashed: Trashed) -> None:
        """Remove an entry without parts, its record last."""
        for place in {self._bins[part] / trashed.entry.name for part in PARTS} | {
            part.parent for part in trashed.parts.values()
        }:
            if place != trashed.entry:
                with suppress(OSError):
                    place.rmdir()
        _discard(trashed.entry)

    def _remove_gone(self, gone: Path) -> int:
        """Remove all parts of an entry that is given up, its record last."""
        freed, parts = 0, self._parts(gone, read_record(gone))
        for path in parts.values():
            with open_directory(path.parent) as place:
                freed += remove_entry(path.name, place, path.parent)
            if path.parent != gone:
                with suppress(OSError):
                    path.parent.rmdir()
        with open_directory(gone.parent) as top, open_directory(gone.name, top) as place:
            empty(place, gone, spare=RECORD)
            remove_entry(RECORD, place, gone)
            with errors_naming(gone), suppress(FileNotFoundError):
                os.rmdir(gone.name, dir_fd=top)
        return freed


def _beginning(name: str) -> str:
    """Return as much of a directory's name as leaves room for the rest of an entry's."""
    return os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])


def _distinct(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Return the parts that are there; links are none, and of one directory there is one."""
    found: dict[str, Path] = {}
    for part, path in named:
        if is_real_directory(path) and not any(path.samefile(other) for other in found.values()):
            found[part] = path
    return found


def _discard(entry: Path) -> bool:
    """Remove an entry that holds its record alone, and say whether it is gone; one that holds more stays."""
    try:
        if not any(os.path.lexists(entry / part) for part in PARTS):
            for record in entry.glob("*trashed*.json"):  # and its temporary
                record.unlink()
        entry.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
