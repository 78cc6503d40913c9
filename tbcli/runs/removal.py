"""Removes runs, and nothing but runs: every step starts from an open directory and never follows a link."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from tbcli.errors import Interrupted, NotFound, Refused
from tbcli.runs.removal_plan import not_ours, still_training
from tbcli.runs.run import Run, is_record_of
from tbcli.runs.store import RunStore

_RECORD = "run.json"


def remove_runs(store: RunStore, runs: Sequence[Run], now: datetime | None = None) -> Iterator[tuple[Run, int]]:
    """Remove runs and yield each that is gone, with the bytes freed; one that resists does not stop the others.

    Raises:
        Refused: At the end, where some could not be removed: what went wrong with the first of them.
        Interrupted: Ctrl-C; the run at hand is still a tbcli run, for a second call to finish.
    """
    resisting: list[str] = []
    for done, run in enumerate(runs):
        try:
            freed = remove_run(store, run.id, now)
        except NotFound:
            continue  # another process removed it a moment ago
        except Refused as error:
            resisting.append(error.message)
        except OSError as error:
            resisting.append(f"{error.filename!r}: {error.strerror}")
        except KeyboardInterrupt:
            raise Interrupted(
                signal.SIGINT,
                f"interrupted: {done} of {len(runs)} runs are gone",
                hint="the same command again takes up the rest",
            ) from None
        else:
            yield run, freed
    if resisting:
        raise Refused(
            f"{len(resisting)} of {len(runs)} runs could not be removed: {resisting[0]}",
            hint="`tbcli runs` still lists what is left; the same command again takes it up",
        )


def remove_run(store: RunStore, run_id: str, now: datetime | None = None) -> int:
    """Remove a run's plots, model and logs, its record last, and return the bytes freed.

    Swapping a directory for a link meanwhile leads nowhere. Interrupted at any point, the run is still a tbcli run
    until all but its record is gone.

    Raises:
        NotFound: It is gone already.
        Refused: It is live, or not a tbcli run any more.
        OSError: Something could not be removed; ``filename`` says what. A second call takes up the rest.
    """
    place = store.logs_root / run_id
    try:
        with _opened(store.logs_root) as root, _opened(run_id, root) as logs:
            _require_removable(store, run_id, logs, now)
            freed = sum(_remove_beside(beside, run_id, root) for beside in (store.plots_root, store.models_root))
            freed += _empty(logs, place, spare=_RECORD)
            freed += _remove(_RECORD, logs, place)
            with _errors_naming(place), suppress(FileNotFoundError):
                os.rmdir(run_id, dir_fd=root)
    except FileNotFoundError:
        raise NotFound(f"run {run_id} is gone already", hint="`tbcli runs` lists what is there") from None
    return freed


def _require_removable(store: RunStore, run_id: str, logs: int, now: datetime | None) -> None:
    """Look once more, at the very directory that is about to go: it may have come to life since it was chosen."""
    place = store.logs_root / run_id
    try:
        record_handle = os.open(_RECORD, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=logs)
        with open(record_handle, "rb") as file:  # noqa: PTH123 - opened relative to a directory, which pathlib cannot
            record = json.loads(file.read())
    except FileNotFoundError:
        raise  # gone a moment ago, with the run
    except (OSError, ValueError):
        record = None
    if not is_record_of(run_id, record):
        raise not_ours(str(place))
    run = Run(run_id, place, store.plots_root / run_id, store.models_root / run_id, record)
    if run.is_live(now):
        raise still_training(run)
    # The logs go last: were they to resist, the plots and the model would be gone for nothing.
    for directory in (place, store.logs_root):
        if not os.access(directory, os.W_OK | os.X_OK) and directory.exists():  # another `clean` may be at it too
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(directory))


def _remove_beside(root: Path, run_id: str, logs_root: int) -> int:
    """Remove what another root keeps of the run, unless that root is the logs' own, where the record must go last."""
    try:
        with _opened(root) as handle:
            if os.path.samestat(os.fstat(handle), os.fstat(logs_root)):
                return 0
            return _remove(run_id, handle, root)
    except FileNotFoundError:
        return 0


@contextmanager
def _opened(directory: Path | str, parent: int | None = None) -> Iterator[int]:
    """Open a directory: a root of the workspace, which may be a link, or one in an open ``parent``, which may not."""
    no_link = 0 if parent is None else os.O_NOFOLLOW
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | no_link, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _errors_naming(path: Path) -> Iterator[None]:
    """Put the whole path into the system's errors, which know only the name inside an open directory."""
    try:
        yield
    except OSError as error:
        if "/" not in str(error.filename):
            error.filename = str(path)
        raise


def _remove(name: str, parent: int, place: Path) -> int:
    """Remove one entry of an open directory and return its bytes: a link without its target, 0 where it is gone."""
    try:
        with _errors_naming(place / name):
            entry = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(entry.st_mode):
                os.unlink(name, dir_fd=parent)
                return entry.st_size
            with _opened(name, parent) as handle:
                freed = _empty(handle, place / name)
            os.rmdir(name, dir_fd=parent)
            return freed
    except FileNotFoundError:
        return 0


def _empty(directory: int, place: Path, *, spare: str = "") -> int:
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries if entry.name != spare)
    return sum(_remove(name, directory, place) for name in names)
