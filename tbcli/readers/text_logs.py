"""Training logs of other programs that are no event files: which files are logs, of which run, and what they hold.

Tables (see `tbcli.readers.table_forms`), JSON lines, and Hugging Face's ``trainer_state.json``. The run is the
directory; of several tables in one directory each is a run of its own, called by its name without the ending. A Trainer
writes its state into each ``checkpoint-N`` and at the end beside them: the one that is farthest counts, for the
directory above.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tbcli.events.columns import EventFile
from tbcli.events.damage import TEXT_LOG, UNREADABLE, Damage
from tbcli.naming.words import STEP
from tbcli.readers.csv_logs import TextLog, numbers_by_step, read_csv_log, without_repetitions
from tbcli.readers.json_lines import read_json_lines, read_monitor
from tbcli.readers.logdir import JSON_LINES, TRAINER_STATE
from tbcli.readers.table_forms import form_of, why_not

_CLOCK = "train/epoch"  # of a Trainer
_OF_SPLIT = re.compile(
    r"(?:^|/)(learn|test)_error\.tsv$"
)  # CatBoost; its event files lie in directories of these names
_MOST_REFUSED = 3
_CHECKPOINT = re.compile(r"(?:(.*)/)?checkpoint-(\d+)")


class Log(NamedTuple):
    """A log that was read: its file, whose run is that of its series, its content, and whether a Trainer wrote it."""

    file: EventFile
    content: TextLog
    is_trainer_state: bool = False


def read_text_logs(files: Sequence[EventFile], damage: list[Damage], *, is_named: bool = False) -> list[Log]:
    """Return what the logs among these files hold.

    Args:
        files: Those that `tbcli.readers.logdir.may_be_text_log`.
        damage: Gets what could not be read.
        is_named: Whether the user named the one file: then it should be a log.
    """
    tables = [file for file in files if not file.name.endswith(TRAINER_STATE)]
    states = [file for file in files if file.name.endswith(TRAINER_STATE)]
    return [*_tables(tables, damage, is_named=is_named), *_states(states, damage, is_named=is_named)]


def _tables(files: Sequence[EventFile], damage: list[Damage], *, is_named: bool) -> Iterator[Log]:
    found: dict[str, list[Log]] = {}
    for file in files:
        try:
            content = _read_table(file, is_named=is_named)
        except OSError as error:
            if is_named or os.path.basename(file.name) in ("metrics.csv", "results.csv"):  # noqa: PTH119
                damage.append(Damage(file.name, 0, UNREADABLE, f"cannot be read: {error.strerror or error}"))
            continue
        if content is None:
            if is_named:
                reason = "is no training log: no column counts epochs or steps"
                damage.append(Damage(file.name, 0, UNREADABLE, reason))
            continue
        damage += [Damage(file.name, 0, TEXT_LOG, problem) for problem in content.problems]
        others = found.setdefault(file.run, [])
        is_split = bool(_OF_SPLIT.search(file.name))
        if is_split or not any(_is_copy(content, other.content) for other in others):  # a history saved once more
            others.append(Log(file, content))
    for logs in found.values():
        for log in logs:
            is_one = len(logs) == 1 and not _OF_SPLIT.search(log.file.name)
            yield log if is_one else log._replace(file=log.file._replace(run=_run_by_name(log.file)))


def _read_table(file: EventFile, *, is_named: bool) -> TextLog | None:
    """Return what a table, or a log of JSON lines, holds; None where it is no log."""
    if file.name.endswith(JSON_LINES):
        content = read_json_lines(file.path)
        if content is not None:
            return content
    if file.name.endswith("monitor.csv"):
        content = read_monitor(file.path)
        if content is not None:
            return content
    form = form_of(file.path, is_named=is_named or bool(_OF_SPLIT.search(file.name)))
    return read_csv_log(file.path, form) if form else None


def refusals(files: Sequence[EventFile]) -> list[Damage]:
    """Return for the first of the files that might be logs why they are none."""
    told: list[Damage] = []
    for file in [file for file in files if not file.name.endswith((*JSON_LINES, TRAINER_STATE))][:_MOST_REFUSED]:
        try:
            told.append(Damage(file.name, 0, UNREADABLE, why_not(file.path)))
        except OSError as error:
            told.append(Damage(file.name, 0, UNREADABLE, f"cannot be read: {error.strerror or error}"))
    return told


def _is_copy(one: TextLog, other: TextLog) -> bool:
    """Say whether another log has all series of one."""
    return bool(one.series) and all(
        name in other.series
        and len(points.steps) == len(other.series[name].steps)
        and np.allclose(points.values, other.series[name].values, equal_nan=True)
        for name, points in one.series.items()
    )


def _run_by_name(file: EventFile) -> str:
    split = _OF_SPLIT.search(file.name)
    stem = split[1] if split else os.path.splitext(file.name.rpartition("/")[2])[0]  # noqa: PTH122
    return stem if file.run == "." else f"{file.run}/{stem}"


class _State(NamedTuple):
    """A state of a Trainer: the optimizer step it says it is of, and whether it is the final one."""

    step: int
    is_final: bool
    file: EventFile
    run: str


def _states(files: Sequence[EventFile], damage: list[Damage], *, is_named: bool) -> Iterator[Log]:
    """Yield the farthest state that can be read of each run."""
    runs: dict[str, list[_State]] = {}
    for file in files:
        found = _CHECKPOINT.fullmatch(file.run)
        run = (found[1] or ".") if found else file.run
        state = _State(int(found[2]) if found else 0, found is None, file, run)
        runs.setdefault(run, []).append(state)
    for run, states in runs.items():
        for place, state in enumerate(states):
            if state.is_final and len(states) > 1:  # it does not say its step by its name
                document = _document(state.file, [], is_named=False)
                states[place] = state._replace(step=_global_step(document) if document else 1 << 62)
        for state in sorted(states, reverse=True):
            document = _document(state.file, damage, is_named=is_named)
            if document is not None:
                content = TextLog(_series(document), STEP)
                yield Log(state.file._replace(run=run), content, is_trainer_state=True)
                break


def _document(file: EventFile, damage: list[Damage], *, is_named: bool) -> dict[str, Any] | None:
    """Return the state, or None where there is none."""
    try:
        with open(file.path, "rb") as stream:  # noqa: PTH123
            document = json.load(stream)
    except OSError as error:
        damage.append(Damage(file.name, 0, UNREADABLE, f"cannot be read: {error.strerror or error}"))
        return None
    except (ValueError, RecursionError):
        damage.append(Damage(file.name, 0, TEXT_LOG, "is damaged: no whole JSON"))
        return None
    if isinstance(document, dict) and isinstance(document.get("log_history"), list):
        return document
    if is_named:
        damage.append(Damage(file.name, 0, UNREADABLE, "is no state of a Trainer: it has no log_history"))
    return None


def _global_step(document: dict[str, Any]) -> int:
    step = document.get("global_step")
    return step if isinstance(step, int) else 0


def _series(document: dict[str, Any]) -> dict[str, Any]:
    def points() -> Iterator[tuple[int, str, float]]:
        for entry in document["log_history"]:
            step = entry.get("step") if isinstance(entry, dict) else None
            if not isinstance(step, int) or abs(step) >= 1 << 63:
                continue
            for name, value in entry.items():
                if name != "step" and isinstance(value, (int, float)) and not isinstance(value, bool):
                    yield step, _as_in_event_files(str(name)), _float(value)

    series = numbers_by_step(points())
    if _CLOCK in series:
        series[_CLOCK] = without_repetitions(series[_CLOCK])
    return series


def _as_in_event_files(name: str) -> str:
    """Return how a Trainer's callback for TensorBoard calls what stands in its state (`rewrite_logs`)."""
    split, _, rest = name.partition("_")
    return f"{split}/{rest}" if split in ("eval", "test") and rest else f"train/{name}"


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
