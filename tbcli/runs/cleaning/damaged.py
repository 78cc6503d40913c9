"""Removes what killed processes left behind; `RunStore.wreckage` finds it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tbcli.errors import NotFound, Refused
from tbcli.runs.claim import claim
from tbcli.runs.cleaning.removal_plan import parse_age
from tbcli.runs.cleaning.trees import Freed, mount_below, open_directory, remove_entry
from tbcli.runs.cleaning.wreckage import Wreck
from tbcli.runs.files import utc_now
from tbcli.runs.store import RunStore
from tbcli.runs.unreadable import read_invalid_run


@dataclass(frozen=True, slots=True)
class WreckPlan:
    """What is left over and goes.

    Args:
        wrecks: The oldest first.
        sizes: The bytes that each frees.
        staying: Sentences on what stays, for something may be at work there.
    """

    wrecks: tuple[Wreck, ...]
    sizes: tuple[int, ...]
    staying: tuple[str, ...]


def called(wreck: Wreck) -> str:
    """Return what a person calls it: the directory's name, or the path of a temporary file."""
    return str(wreck.paths[0]) if wreck.kind == "temporary" else wreck.paths[0].name


def plan_wreckage(
    store: RunStore, references: Sequence[str] = (), older_than: str = "", now: datetime | None = None
) -> WreckPlan:
    """Choose what goes; nothing is touched yet.

    Args:
        store: Where to look.
        references: Names of directories, or paths; all that is found where none is given.
        older_than: Only what changed last so long ago, as ``7d``; ``""`` for any age.
        now: The moment to measure ages from; the present unless given.

    Raises:
        NotFound: A reference names nothing that is damaged.
    """
    now = now or utc_now()
    found = sorted(store.wreckage(now), key=lambda wreck: wreck.since)
    if references:
        found = list({wreck.paths[0]: wreck for name in references for wreck in _named(found, name)}.values())
    least = parse_age(older_than) if older_than else 0.0
    old = [wreck for wreck in found if (now - wreck.since).total_seconds() >= least]
    going = tuple(wreck for wreck in old if not wreck.in_use)
    freed = Freed()
    sizes = tuple(sum(map(freed.count_tree, wreck.paths)) for wreck in going)
    return WreckPlan(going, sizes, tuple(f"{called(one)} stays: {one.in_use}" for one in old if one.in_use))


def _named(wrecks: Sequence[Wreck], name: str) -> list[Wreck]:
    matching = [
        wreck for wreck in wrecks if called(wreck) == name or Path(name).absolute() in map(Path.absolute, wreck.paths)
    ]
    if not matching:
        raise NotFound(f"{name!r} names nothing that is damaged", hint="`tbcli clean --damaged --dry-run` lists it")
    return matching


@contextmanager
def held_wreck(wreck: Wreck, logs_root: Path) -> Iterator[int | None]:
    """Lock what is left over, look once more, and yield the open directory of a damaged run, None where there is none.

    Raises:
        NotFound: It is gone already.
        Refused: Somebody works on it, it is a run again, or something is mounted in it.
    """
    for path in wreck.paths:
        if mounted := mount_below(path):
            raise Refused(f"{mounted!r} is a mount point", hint=f"unmount it first (`umount {mounted}`)")
    first = wreck.paths[0]
    try:
        if wreck.kind != "run":
            first.lstat()
            if wreck.kind == "orphan" and os.path.lexists(logs_root / first.name):
                raise _is_a_run(first)
            yield None
            return
        with open_directory(first.parent) as root, claim(first, root) as lock:
            if read_invalid_run(first) is None:
                raise _is_a_run(first)
            yield lock.fileno()
    except FileNotFoundError:
        if os.path.lexists(first):
            raise
        raise NotFound(f"{str(first)!r} is gone already", hint="`tbcli runs` lists what is there") from None


def _is_a_run(path: Path) -> Refused:
    return Refused(f"{path.name} is a run again, and stays", hint=f"`tbcli runs {shlex.quote(path.name)}` shows it")


def remove_wreck(wreck: Wreck, logs_root: Path) -> int:
    """Remove what is left over at once, its logs last, and return the bytes freed; see `held_wreck`.

    Raises:
        OSError: Something could not be removed; ``filename`` says what.
    """
    freed = 0
    with held_wreck(wreck, logs_root):
        for path in reversed(wreck.paths):
            with open_directory(path.parent) as parent:
                freed += remove_entry(path.name, parent, path.parent)
    return freed
