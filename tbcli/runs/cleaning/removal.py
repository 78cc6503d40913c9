"""Removes runs at once, and nothing but runs: every step starts from an open directory and never follows a link."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tbcli.errors import Interrupted, NotFound, Refused
from tbcli.runs.claim import claim
from tbcli.runs.cleaning.removal_plan import Identity, has_mount, identity_of, in_use, mount_in, not_ours
from tbcli.runs.cleaning.trees import empty, errors_naming, mount_points, open_directory, remove_entry, swapped
from tbcli.runs.run import Run, is_record_of

Item = TypeVar("Item")
Result = TypeVar("Result")
_RECORD = "run.json"
_AGAIN = "`tbcli runs` and `tbcli clean --restore` list them; the same command again takes up the rest"
_TRIES, _PAUSE_SECONDS = 50, 0.1  # another `clean` may be removing a large run


@dataclass(frozen=True, slots=True)
class Held:
    """A run whose directory is locked and was looked at once more: it is ours, and nobody trains it.

    Args:
        run: With its record as it is now.
        root: The open directory that holds it.
        logs: Its own open directory.
    """

    run: Run
    root: int
    logs: int


def one_by_one(
    items: Sequence[Item], act: Callable[[Item], Result], verb: str = "removed"
) -> Iterator[tuple[Item, Result]]:
    """Do something to runs and yield each with what came of it; one that resists does not stop the others.

    Args:
        items: The runs; those that another process removed a moment ago are passed over.
        act: Does it to one.
        verb: What is done to it, for messages.

    Raises:
        Refused: At the end, where some resisted: what went wrong with the first of them.
        Interrupted: Ctrl-C; what is at hand is left for a second call to finish.
    """
    resisting: list[Refused] = []
    for done, item in enumerate(items):
        try:
            result = act(item)
        except NotFound:
            continue
        except Refused as error:
            resisting.append(error)
        except OSError as error:
            resisting.append(Refused(f"{error.filename!r}: {error.strerror}", hint=_AGAIN))
        except KeyboardInterrupt:
            raise Interrupted(
                signal.SIGINT,
                f"interrupted: {done} of {len(items)} runs are {verb}",
                hint="the same command again takes up the rest",
            ) from None
        else:
            yield item, result
    if resisting and len(items) == 1:
        raise resisting[0]
    if resisting:
        raise Refused(f"{len(resisting)} of {len(items)} runs could not be {verb}: {resisting[0].message}", hint=_AGAIN)


def remove_run(run: Run, now: datetime | None = None, *, identity: Identity | None = None) -> int:
    """Remove a run's plots, model and logs, its record last, and return the bytes freed.

    Swapping a directory for a link meanwhile leads nowhere, and a link in place of plots or model stays. Interrupted at
    any point, the run is still a tbcli run until all but its record is gone.

    Args:
        run: Which.
        now: The present.
        identity: What its directory was when it was chosen.

    Raises:
        NotFound: It is gone already.
        Refused: It is live, not a tbcli run any more, or something is mounted in it.
        OSError: Something could not be removed; ``filename`` says what. A second call takes up the rest.
    """
    with held(run, now, identity) as hold:
        freed = sum(_remove_beside(beside, hold.root) for beside in (run.plots, run.models))
        freed += empty(hold.logs, run.logs, spare=_RECORD)
        freed += remove_entry(_RECORD, hold.logs, run.logs)
        with errors_naming(run.logs), suppress(FileNotFoundError):
            os.rmdir(run.logs.name, dir_fd=hold.root)
    return freed


@contextmanager
def held(run: Run, now: datetime | None = None, identity: Identity | None = None) -> Iterator[Held]:
    """Lock a run's directory and look once more: it may have come to life, or be another, since it was chosen.

    Raises:
        NotFound: It is gone already.
        Refused: It is live, in use, not a tbcli run any more, or something is mounted in it.
        OSError: It cannot be opened or changed; ``filename`` says which directory.
    """
    try:
        with open_directory(run.logs.parent) as root, errors_naming(run.logs), _claimed(run, root) as logs:
            if identity not in (None, identity_of(os.fstat(logs))):
                raise swapped(run.logs)
            _require_removable(run, logs, now)
            yield Held(run, root, logs)
    except FileNotFoundError:
        if os.path.lexists(run.logs):
            raise
        raise NotFound(f"run {run.id} is gone already", hint="`tbcli runs` lists what is there") from None


@contextmanager
def _claimed(run: Run, root: int) -> Iterator[int]:
    """Lock the directory and yield it open; wait a little where another `clean` works on a run that is at rest."""
    for attempt in range(_TRIES):
        try:
            lock = claim(run.logs, root)
        except Refused:
            run.reload()
            if attempt == _TRIES - 1 or run.record.get("status") == "running":
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            break
    with lock:
        yield lock.fileno()


def _require_removable(run: Run, logs: int, now: datetime | None) -> None:
    try:
        record_handle = os.open(_RECORD, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=logs)
        with open(record_handle, "rb") as file:  # noqa: PTH123 - opened relative to a directory, which pathlib cannot
            record = json.loads(file.read())
    except FileNotFoundError:
        raise  # gone a moment ago, with the run
    except (OSError, ValueError, RecursionError):
        record = None
    if not is_record_of(str(run.record.get("id")), record):
        raise not_ours(str(run.logs))
    run.record = record
    if why := run.why_in_use(now, is_held=True):
        raise in_use(run, why)
    if mounted := mount_in(run, mount_points()):
        raise has_mount(run, mounted)
    # The logs go last: were they to resist, the plots and the model would be gone for nothing.
    for directory in (run.logs, run.logs.parent):
        if not os.access(directory, os.W_OK | os.X_OK) and directory.exists():  # another `clean` may be at it too
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(directory))


def _remove_beside(part: Path, logs_root: int) -> int:
    """Remove what another root keeps of the run, unless that root is the logs' own, where the record must go last."""
    try:
        with open_directory(part.parent) as handle:
            if part.is_symlink() or os.path.samestat(os.fstat(handle), os.fstat(logs_root)):
                return 0
            return remove_entry(part.name, handle, part.parent)
    except FileNotFoundError:
        return 0
