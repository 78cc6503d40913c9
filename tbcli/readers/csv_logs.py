"""Training logs that are tables of text: Keras' ``CSVLogger``, Lightning's ``metrics.csv``, ``results.csv`` and kin.

A table is a log only if its header says so: a column that counts epochs or steps, and another that is called as a
metric is. One whose name nothing tells must begin with ``epoch``; so a data set is never taken for a log.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tbcli.events.columns import Columns
from tbcli.naming.direction import is_measure
from tbcli.naming.series import EPOCH, STEP, read_tag
from tbcli.naming.words import learning_rate_of, words_of
from tbcli.runs.history import LEADING_COLUMNS

_KNOWN = frozenset(("metrics.csv", "results.csv", "summary.csv", "progress.csv", "history.csv"))
_SEPARATORS = ",;\t"
_STEPS = ("step", "global_step", "global step", "iteration", "iter", "steps", "iterations")
_EPOCHS = ("epoch", "epochs")
_OTHER_COUNTERS = ("timesteps_total", "time/total_timesteps", "total_timesteps", "training_iteration")
_UNNAMED = ("", "unnamed: 0")  # the index that pandas writes
# Words that hardly anybody but a training writes; others that measure (`score`, `error`) stand in data sets too.
_TELLING = frozenset(
    (
        "loss",
        "losses",
        "acc",
        "accuracy",
        "mae",
        "mse",
        "rmse",
        "auc",
        "f1",
        "ppl",
        "perplexity",
        "nll",
        "bce",
        "dice",
        "iou",
        "bleu",
        "reward",
        "rew",
    )
)
_HEAD = 1 << 16  # bytes, in which the header and the first row must end
_ROWS = 1 << 14  # that are converted at once
_MOST_STEP = 1 << 53
_MOST_EPOCH = 1e8  # above that it is a time
_MISSING = frozenset(("", "na", "n/a", "none", "null", "-"))


class Form(NamedTuple):
    """How a table is written: what separates its cells, and which column counts what."""

    separator: str
    counter: str
    unit: str


@dataclass(slots=True)
class TextLog:
    """What a log holds.

    Args:
        series: ``{column: points}``, the names trimmed; there is no clock, so all wall times are NaN.
        unit: ``epoch`` or ``step``: what the steps count.
        problems: What could not be read, a sentence each.
        is_ours: Whether it is the history of a tbcli run.
    """

    series: dict[str, Columns] = field(default_factory=dict)
    unit: str = STEP
    problems: list[str] = field(default_factory=list)
    is_ours: bool = False


def form_of(path: str, *, is_named: bool = False) -> Form | None:
    """Return how a table is written, or None where it is no training log.

    Args:
        path: The file.
        is_named: Whether the user named this very file: then any table with a counter is a log.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - many files, as in a data set
        head = file.read(_HEAD)
    first, _, rest = (
        head.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").partition("\n")
    )
    if "\0" in first:
        return None
    separator = max(_SEPARATORS, key=first.count)
    header = _cells(first, separator)
    if len(header) < 2:
        return None
    second = _cells(rest.partition("\n")[0], separator)
    counter = _counter(header, second, Path(path).name.lower(), is_named=is_named)
    return Form(separator, *counter) if counter else None


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _counter(header: Sequence[str], row: Sequence[str], name: str, *, is_named: bool) -> tuple[str, str] | None:
    """Return the column that counts, and its unit; None where this is no training log."""
    lower = [_plain(cell) for cell in header]
    if _is_ours(header):  # a row per epoch
        return header[0], EPOCH
    if lower[0] in _UNNAMED:
        is_pandas = any(f"val_{cell}" in lower for cell in lower[1:]) or is_named
        return (header[0], EPOCH) if is_pandas and _counts(row, 0) else None
    place = next((lower.index(word) for word in (*_STEPS, *_EPOCHS, *_OTHER_COUNTERS) if word in lower), None)
    if place is None or not _counts(row, place):
        return None
    others = [cell for cell in header if cell != header[place] and _plain(cell) not in _EPOCHS]
    if not is_named:
        begins = lower[0] in _EPOCHS or (lower[0] in _STEPS and any(epoch in lower for epoch in _EPOCHS))
        is_known = name in _KNOWN and (name == "progress.csv" or all(map(_is_number_or_empty, row)))
        if not (begins or is_known) or not any(map(_is_telling, others)):
            return None
    return header[place], EPOCH if lower[place] in _EPOCHS else STEP


def _is_ours(header: Sequence[str]) -> bool:
    return tuple(header[: len(LEADING_COLUMNS)]) == LEADING_COLUMNS


def _plain(cell: str) -> str:
    return cell.lstrip("# ").lower()


def _counts(row: Sequence[str], place: int) -> bool:
    """Say whether a first row, if there is one, has a small number at a place."""
    if not any(row):
        return True
    value = _number(row[place]) if place < len(row) else math.nan
    return value is not None and 0 <= value < _MOST_EPOCH


def _is_number_or_empty(cell: str) -> bool:
    value = _number(cell)
    return value is None or not math.isnan(value) or cell.lower().lstrip("+-") == "nan"


def _is_telling(name: str) -> bool:
    tag = read_tag(name)
    words = {word.text for word in words_of(name)}
    return bool(
        words & _TELLING or learning_rate_of(tag.core) or (tag.split and is_measure(tag.core, with_direction=True))
    )


def read_csv_log(path: str, form: Form) -> TextLog:
    """Return what a table holds.

    An empty cell is no point; ``nan`` is one. A header that comes again, as where a training was continued, begins a
    table of its own, which goes on with the same series.

    Raises:
        OSError: The file cannot be read.
    """
    reading = _Reading(form)
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:  # noqa: PTH123
            for row in csv.reader(file, delimiter=form.separator):
                reading.take(row)
    except csv.Error as error:
        reading.problems.append(f"cannot be read on behind row {reading.count:,}: {error}")
    return reading.finish(_has_end(path))


def _has_end(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123
        file.seek(0, os.SEEK_END)
        if not file.tell():
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) in b"\r\n"


class _Reading:
    """Rows on their way to columns."""

    def __init__(self, form: Form) -> None:
        self.problems: list[str] = []
        self.count = 0
        self._form = form
        self._header: list[str] = []
        self._rows: list[list[str]] = []
        self._odd = self._uncounted = 0
        self._is_last_odd = False
        self._last: list[str] = []
        self._parts: dict[str, list[Columns]] = {}
        self._strange: dict[str, int] = {}

    def take(self, row: list[str]) -> None:
        """Take the next row."""
        if not any(cell and not cell.isspace() for cell in row):
            return
        self.count += 1
        self._is_last_odd = False
        if not self._header or self._is_header(row):
            self._flush()
            self._header = _distinct([cell.strip() for cell in row])
        elif len(row) == len(self._header):
            self._rows.append(row)
            self._last = row
            if len(self._rows) >= _ROWS:
                self._flush()
        else:
            self._is_last_odd = len(row) < len(self._header)
            self._odd += 1

    def finish(self, has_end: bool) -> TextLog:
        """Return what was read; a last row may have been cut short."""
        self._flush()
        if self._is_last_odd:
            self._odd -= 1
            self.problems.append("the last row is cut short: it is left out")
        elif not has_end and self._last:
            self.problems.append("the last row has no line end: its last value may be cut short")
        if self._odd:
            self.problems.append(f"{_counted(self._odd)} not as many cells as the header: left out")
        if self._uncounted:
            self.problems.append(f"{_counted(self._uncounted)} no whole number in {self._form.counter!r}: left out")
        series = {name: Columns.joined(parts) for name, parts in self._parts.items()}
        for name in series.keys() & set(_EPOCHS):  # a clock, which sparse rows repeat
            series[name] = without_repetitions(series[name])
        for name, count in self._strange.items():
            if name in series:  # else it is a column of words
                cells = "1 cell" if count == 1 else f"{count:,} cells"
                self.problems.append(f"{cells} of {name!r} hold no number: left out")
        return TextLog(series, self._form.unit, self.problems, _is_ours(self._header))

    def _is_header(self, row: Sequence[str]) -> bool:
        """Say whether a row names columns, the counter among them."""
        names = [cell.strip() for cell in row]
        return self._form.counter in names and len(names) > 1 and all(_is_word(name) for name in names)

    def _flush(self) -> None:
        """Convert the rows that wait."""
        rows, self._rows = self._rows, []
        if not rows or self._form.counter not in self._header:
            self._uncounted += len(rows)
            return
        counter = self._header.index(self._form.counter)
        counted = [(_count(row[counter]), row) for row in rows]
        steps = np.array([-1 if step is None else step for step, _ in counted], np.int64)
        valid = np.array([step is not None for step, _ in counted])
        self._uncounted += int((~valid).sum())
        for place, name in enumerate(self._header):
            if place != counter and name:
                self._convert(name, [row[place] for row in rows], steps, valid)

    def _convert(self, name: str, cells: list[str], steps: np.ndarray, valid: np.ndarray) -> None:
        try:
            values = np.array([float(cell) for cell in cells])
            there = valid
        except ValueError:
            found = [_number(cell) for cell in cells]
            there = valid & np.array([value is not None for value in found])
            strange = [
                is_valid and value is not None and math.isnan(value) and cell.strip().lower().lstrip("+-") != "nan"
                for value, cell, is_valid in zip(found, cells, valid.tolist(), strict=True)
            ]
            if any(strange):
                self._strange[name] = self._strange.get(name, 0) + sum(strange)
                there = there & ~np.array(strange)
            values = np.array([math.nan if value is None else value for value in found])
        if there.any():
            points = Columns(steps[there], np.full(int(there.sum()), np.nan), values[there])
            self._parts.setdefault(name, []).append(points)


def _counted(rows: int) -> str:
    return "1 row has" if rows == 1 else f"{rows:,} rows have"


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, one that was there before with a number behind it, as pandas does."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, -1) + 1
        result.append(f"{name}.{seen[name]}" if seen[name] and name else name)
    return result


def _is_word(text: str) -> bool:
    value = _number(text)
    return value is not None and math.isnan(value) and text.lower() != "nan"


def _number(text: str) -> float | None:
    """Return the number in a cell, NaN for what is none, None for an empty one."""
    text = text.strip()
    if text.lower() in _MISSING:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", ".")) if text.count(",") == 1 else math.nan
    except ValueError:
        return math.nan


def _count(text: str) -> int | None:
    """Return the whole number in a cell, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) and abs(value) < _MOST_STEP else None


def without_repetitions(points: Columns) -> Columns:
    """Return points without those that say the same as the one before."""
    changes = (np.diff(points.steps) != 0) | (np.diff(points.values) != 0)
    return points.chosen(np.concatenate(([True], changes)))


def numbers_by_step(entries: Iterator[tuple[int, str, float]]) -> dict[str, Columns]:
    """Return series of points given one by one as step, name and value."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for step, name, value in entries:
        steps, values = found.setdefault(name, ([], []))
        steps.append(step)
        values.append(value)
    return {
        name: Columns(np.array(steps, np.int64), np.full(len(steps), np.nan), np.array(values, np.float64))
        for name, (steps, values) in found.items()
    }
