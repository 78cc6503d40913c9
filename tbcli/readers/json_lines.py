"""Training logs of one JSON object a line, as detectron2, DeiT, RLlib and MMEngine write them; and Gym's monitors."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from tbcli.naming.words import EPOCH, STEP
from tbcli.readers.csv_logs import TextLog, numbers_by_step
from tbcli.readers.table_forms import is_telling

_COUNTERS = ("global_step", "iteration", "iter", "step", "training_iteration", "epoch")
_SPLIT = "mode"
_MONITOR = ["r", "l", "t"]
_MONITORED = ("reward", "length", "time")
_MOST_LINE = 1 << 20


def read_json_lines(path: str) -> TextLog | None:
    """Return what a log of JSON lines holds, each number under its key; None where it is none.

    It is one where the first line is an object with a counter, and with a number that is called as a metric is.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, encoding="utf-8-sig", errors="replace") as file:  # noqa: PTH123
        first = _object(file.readline(_MOST_LINE))
        counter = next((key for key in _COUNTERS if first and _is_count(first.get(key))), None)
        if first is None or counter is None or not any(is_telling(key) for key in first if _is_number(first[key])):
            return None
        file.seek(0)
        bad: list[str] = []
        series = numbers_by_step(_points(file, counter, bad))
    writings = {
        name: np.cumsum(np.diff(points.steps, prepend=points.steps[0]) < 0, dtype=np.int64)
        for name, points in series.items()
    }
    lines = "1 line is" if len(bad) == 1 else f"{len(bad):,} lines are"
    problems = [f"{lines} no JSON object with a whole number {counter!r}: left out"] if bad else []
    return TextLog(series, EPOCH if counter == EPOCH else STEP, problems, writings=writings)


def _points(lines: Iterator[str], counter: str, bad: list[str]) -> Iterator[tuple[int, str, float]]:
    for line in lines:
        if not line.strip():
            continue
        entry = _object(line)
        if entry is None or not _is_count(entry.get(counter)):
            bad.append("")
            continue
        split = entry.get(_SPLIT)
        before = f"{split}/" if isinstance(split, str) and split else ""
        for key, value in entry.items():
            if key != counter and _is_number(value):
                yield int(entry[counter]), before + key, float(value)


def _object(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63)


def _is_count(value: object) -> bool:
    return _is_number(value) and isinstance(value, (int, float)) and abs(value) < 1 << 53 and value == int(value)


def read_monitor(path: str) -> TextLog | None:
    """Return what Gym's ``Monitor`` wrote: reward, length and time of each episode, by steps; None where it is none.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, encoding="utf-8", errors="replace", newline="") as file:  # noqa: PTH123
        if not file.readline(_MOST_LINE).startswith("#{"):
            return None
        rows = csv.reader(file)
        try:
            if [cell.strip() for cell in next(rows, [])][:3] != _MONITOR:
                return None
            read = [_episode(row) for row in islice(rows, 1 << 24) if row]
        except csv.Error:
            return None
    known = [row for row in read if row is not None]
    steps = np.cumsum([row[1] for row in known], dtype=np.int64).tolist()
    series = numbers_by_step(
        (step, name, value)
        for step, row in zip(steps, known, strict=True)
        for name, value in zip(_MONITORED, row, strict=True)
    )
    lost = len(read) - len(known)
    problems = [f"{lost:,} {'row has' if lost == 1 else 'rows have'} not the three numbers of an episode: left out"]
    return TextLog(series, STEP, problems if lost else [])


def _episode(row: list[str]) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(cell) for cell in row[:3])
    except ValueError:
        return None
    return numbers if len(numbers) == len(_MONITOR) and 0 <= numbers[1] < 1 << 40 else None
