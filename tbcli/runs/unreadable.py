"""Describe what cannot be read of a run's own records: one sentence each, for a warning."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tbcli.errors import NotFound
from tbcli.runs.files import read_file
from tbcli.runs.history import History, read_history
from tbcli.runs.ids import looks_like_id
from tbcli.runs.run import Run, id_in

_OURS = ("heartbeat", "history.csv", "evidence.npz", "checkpoints")
_GRACE_SECONDS = 60.0
TIME_DIGITS = len("20261122-235212")
_NUMBERS = ("seconds", "epochs", "saved_epoch", "parameters", "bytes")


class UnreadableRun(NotFound):
    """A run is there, but its record cannot be read: no other run is a substitute for it."""


@dataclass(frozen=True, slots=True)
class InvalidRun:
    """A directory whose ``run.json`` is damaged, or missing where the rest looks like a run of ours.

    Args:
        logs: The directory.
        why: What is wrong with it, as the end of a sentence.
        moment: When it was made, in the form in which ids begin: by its name, else by its last change.
        is_ours: Whether it certainly was a run, and not a directory of some other tool.
    """

    logs: Path
    why: str
    moment: str
    is_ours: bool

    def __str__(self) -> str:
        return f"{str(self.logs)!r} is left out: {self.why}"


def read_invalid_run(logs: Path, now: float | None = None) -> InvalidRun | None:
    """Return what is wrong with a directory that looks like a run and is not a valid one; None of any other.

    Args:
        logs: The directory.
        now: The present, in seconds since the epoch.
    """
    is_ours = looks_ours(logs)
    try:
        record = _read_json(logs / "run.json")
    except NotADirectoryError:
        return None
    except FileNotFoundError:
        if not is_ours or is_young(logs, now) or not logs.is_dir():  # being made, or removed a moment ago
            return None
        why = "it has no run.json"
    except (OSError, ValueError, RecursionError) as error:
        why = f"its run.json {_describe(error)}"
    else:
        if not looks_like_id(logs.name) or id_in(record, logs.name):
            return None
        why = "its run.json is not the record of this run"
    moment = logs.name if looks_like_id(logs.name) else f"{changed_at(logs):%Y%m%d-%H%M%S}"
    return InvalidRun(logs, why, moment[:TIME_DIGITS], is_ours)


def looks_ours(logs: Path) -> bool:
    """Say whether a directory was made for a run of ours: by its name, or by what else lies in it."""
    is_named = looks_like_id(logs.name)
    return is_named or ((logs / "config.json").exists() and any((logs / name).exists() for name in _OURS))


def is_young(place: Path, now: float | None = None) -> bool:
    """Say whether a directory changed a moment ago: another process may be making a run of it."""
    return abs((time.time() if now is None else now) - changed_at(place).timestamp()) < _GRACE_SECONDS


def changed_at(place: Path) -> datetime:
    """Return when a file or directory changed last; long ago where that cannot be told."""
    try:
        return datetime.fromtimestamp(place.lstat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def damage_of(run: Run) -> Iterator[str]:
    """Yield what cannot be read of a run whose ``run.json`` can, and where its records disagree."""
    for key in _NUMBERS:
        value = run.record.get(key)
        if value is not None and run.number(key) is None:
            yield f"{str(run.record_file)!r}: {key} should be a number, and is {value!r}"
    if not isinstance(run.record.get("metrics", {}), dict):
        yield f"{str(run.record_file)!r}: metrics should be a mapping, and are {run.record['metrics']!r:.60}"
    try:
        if not isinstance(_read_json(run.config_file), dict):
            yield f"{str(run.config_file)!r} holds no settings"
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError) as error:
        yield f"{str(run.config_file)!r} {_describe(error)}"
    history = read_history(run.history_file)
    if history.damage:
        yield f"{str(run.history_file)!r} {history.damage}"
    elif differing := _differing(run, history):
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        yield (
            f"{str(run.history_file)!r} and its run.json disagree on the last value of {differing[0]}{more}: "
            "run.json is used, the curves are those of the history"
        )


def _differing(run: Run, history: History) -> list[str]:
    """Return the metrics whose last value is another one in the record than in the history, each with both."""
    found = []
    for name, kept in run.metrics.items():
        last = kept.get("last") if isinstance(kept, dict) else None
        column = history.columns.get(name)
        if column and isinstance(last, (int, float)) and not math.isclose(last, column[-1], rel_tol=1e-6):
            found.append(f"{name} ({last:.6g} and {column[-1]:.6g})")
    return found


def _read_json(path: Path) -> object:
    return json.loads(read_file(path))


def _describe(error: Exception) -> str:
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else "is damaged: no whole JSON"
