"""Describe what cannot be read of a run's own records: one sentence each, for a warning."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from tbcli.runs.history import History, read_history
from tbcli.runs.ids import looks_like_id
from tbcli.runs.run import Run, is_record_of, read_file

_NUMBERS = ("seconds", "epochs", "saved_epoch", "parameters", "bytes")


def describe_invalid_run(logs: Path) -> str:
    """Return why a directory that looks like a tbcli run is not a valid one; ``""`` if it does not look like one."""
    try:
        record = _read_json(logs / "run.json")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError, RecursionError) as error:
        return f"{str(logs)!r} is left out: its run.json {_describe(error)}"
    if looks_like_id(logs.name) and not is_record_of(logs.name, record):
        return f"{str(logs)!r} is left out: its run.json is not the record of this run"
    return ""


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
    return json.loads(read_file(str(path)))


def _describe(error: Exception) -> str:
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else "is damaged: no whole JSON"
