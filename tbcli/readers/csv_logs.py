"""Training logs that are tables of text become series; which tables are, and how, is told by `table_forms`."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tbcli.events.columns import Columns, Floats, Ints
from tbcli.naming.direction import is_measure
from tbcli.naming.words import EPOCH, STEP
from tbcli.readers.cells import is_strange, number_in, numbers_in
from tbcli.readers.table_forms import EPOCHS, Form, is_ours, is_telling
from tbcli.readers.writings import Progress, goes_back, with_repeats

# Columns that say of which split a row is, and of which of several trainings.
_SPLITS = frozenset(("phase", "split", "stage", "mode", "subset", "set"))
_GROUPS = frozenset(
    ("fold", "seed", "run", "trial", "model", "client", "rank", "worker", "experiment", "task", "dataset")
)
_ROWS = 1 << 14  # that are converted at once
_MOST_STEP = 1 << 53
_LONGEST_COUNT = 18  # characters
_LONGEST_EXAMPLE = 20
_MOST_BLOCKS = 100
_HAS_NUMBER = re.compile(r"(?!.*\d-\d)[^:]*\d[^:]*")  # and is no time or date


@dataclass(slots=True)
class TextLog:
    """What a log holds.

    Args:
        series: ``{column: points}``, the names trimmed; there is no clock, so all wall times are NaN.
        unit: ``epoch`` or ``step``: what the steps count.
        problems: What could not be read, a sentence each.
        is_ours: Whether it is the history of a tbcli run.
        writings: ``{column: number of the writing that each point is of}`` of a table that was begun again.
    """

    series: dict[str, Columns] = field(default_factory=dict)
    unit: str = STEP
    problems: list[str] = field(default_factory=list)
    is_ours: bool = False
    writings: dict[str, Ints] = field(default_factory=dict)


def read_csv_log(path: str, form: Form) -> TextLog:
    """Return what a table holds.

    An empty cell is no point; ``nan`` is one. A header that comes again, as where a training was continued, begins a
    table of its own, which goes on with the same series. Where the counter goes back, the training was continued from
    there, and what follows is another writing. Where a column tells the split of a row, as ``phase`` does,
    series are called ``train/loss``. Where one tells trainings apart whose steps are the same, as ``fold`` does,
    nothing is read.

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
        self._place = 0  # of the counter
        self._rows: list[list[str]] = []
        self._odd = self._uncounted = 0
        self._is_last_odd = False
        self._last: list[str] = []
        self._parts: dict[str, list[Columns]] = {}
        self._writings: dict[str, list[Ints]] = {}
        self._progress: dict[str, Progress] = {}  # by split
        self._strange: dict[str, tuple[int, str]] = {}  # how many cells, and the first
        self._groups: dict[str, set[str]] = {}
        self._words: dict[str, list[str]] = {}  # of a column, each as often as it begins

    def take(self, row: list[str]) -> None:
        """Take the next row."""
        if len(row) == len(self._header) and row[self._place][:1].isdigit():  # as nearly all are
            self.count += 1
            self._is_last_odd = False
            self._keep(row)
            return
        if not any(cell and not cell.isspace() for cell in row):
            return
        self.count += 1
        self._is_last_odd = False
        if not self._header or self._is_header(row):
            self._flush()
            self._header = _distinct([cell.strip() for cell in row])
            self._place = self._header.index(self._form.counter) if self._form.counter in self._header else 0
        elif len(row) == len(self._header):
            self._keep(row)
        else:
            self._is_last_odd = len(row) < len(self._header)
            self._odd += 1

    def _keep(self, row: list[str]) -> None:
        self._rows.append(row)
        self._last = row
        if len(self._rows) >= _ROWS:
            self._flush()

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
        for name in series.keys() & set(EPOCHS):  # a clock, which sparse rows repeat
            kept = _changes(series[name])
            series[name] = series[name].chosen(kept)
            self._writings[name] = [np.concatenate(self._writings[name])[kept]]
        self._tell_strange(series)
        for name, groups in (*self._groups.items(), *self._blocks_of_words()):
            if len(groups) > 1 and any((np.diff(points.steps) <= 0).any() for points in series.values()):
                # To mix them would be worse than to show nothing.
                self.problems = [f"its rows are of several values of {name!r}: not read"]
                series = {}
        writings = {name: np.concatenate(self._writings[name]) for name in series}
        if self._form.unit == EPOCH:
            writings = {name: with_repeats(series[name], numbers) for name, numbers in writings.items()}
        if any(progress.begins_anew for progress in self._progress.values()) and any(map(goes_back, series.values())):
            self.problems.append(
                f"{self._form.counter!r} begins anew in each epoch: its points stay as they are written"
            )
            writings = {}
        is_again = any(numbers[-1] for numbers in writings.values())
        return TextLog(series, self._form.unit, self.problems, is_ours(self._header), writings if is_again else {})

    def _blocks_of_words(self) -> Iterator[tuple[str, set[str]]]:
        """Yield the columns of words that change where the counter goes back, and only there, as of several models."""
        back = max((progress.writing for progress in self._progress.values()), default=0)
        for name, words in self._words.items():
            if len(words) == back + 1 == len(set(words)):
                yield name, set(words)

    def _tell_strange(self, series: Mapping[str, Columns]) -> None:
        for name, (count, example) in self._strange.items():
            if name in series:
                cells = "1 cell of {!r} holds" if count == 1 else f"{count:,} cells of {{!r}} hold"
                self.problems.append(f"{cells.format(name)} no number that can be read, as {example!r}: left out")
            elif is_telling(name) or (is_measure(name) and _HAS_NUMBER.fullmatch(example)):  # else a column of words
                self.problems.append(
                    f"{name!r} is not read: its cells hold no numbers that can be read, as {example!r}"
                )

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
        for place, name in enumerate(self._header):
            if name.lower() in _GROUPS:
                self._groups.setdefault(name, set()).update({row[place].strip() for row in rows} - {""})
            elif _is_word(rows[0][place]):
                words = self._words.setdefault(name, [])
                for row in rows:
                    if len(words) <= _MOST_BLOCKS and row[place] and row[place] not in words[-1:]:
                        words.append(row[place])
        split = next((place for place, name in enumerate(self._header) if name.lower() in _SPLITS), None)
        if split is None:
            self._convert_rows(rows, "", set())
            return
        for value in dict.fromkeys(row[split].strip() for row in rows):
            mine = [row for row in rows if row[split].strip() == value]
            self._convert_rows(mine, f"{value}/" if value else "", {split})

    def _convert_rows(self, rows: Sequence[Sequence[str]], prefix: str, skipped: set[int]) -> None:
        counted = [_count(row[self._place]) for row in rows]
        valid = np.array([step is not None for step in counted])
        steps = np.array([step or 0 for step in counted], np.int64)
        self._uncounted += int((~valid).sum())
        writings = np.zeros(len(rows), np.int64)
        writings[valid] = self._progress.setdefault(prefix, Progress()).take(steps[valid], self._epochs(rows)[valid])
        for place, name in enumerate(self._header):
            if name and place != self._place and place not in skipped:
                self._convert(prefix + name, [row[place] for row in rows], (steps, writings), valid)

    def _epochs(self, rows: Sequence[Sequence[str]]) -> Floats:
        """Return the epoch of each row, beside a counter of steps; NaN where nothing tells."""
        names = [name.lower() for name in self._header]
        place = next((names.index(word) for word in EPOCHS if word in names), self._place)
        if place == self._place:
            return np.full(len(rows), np.nan)
        return np.array([number_in(row[place]) for row in rows], np.float64)

    def _convert(self, name: str, cells: list[str], counted: tuple[Ints, Ints], valid: NDArray[np.bool_]) -> None:
        """Add the points of a column; an empty cell is none."""
        steps, writings = counted
        filled = np.array([place for place, cell in enumerate(cells) if cell], np.int64)
        filled = filled[valid[filled]]
        texts = [cells[place] for place in filled.tolist()]
        try:
            values = np.array([float(text) for text in texts])
        except ValueError:
            found, odd = numbers_in(texts, self._form.separator)
            strange = np.array(odd)
            if strange.any():
                count, first = self._strange.get(name, (0, texts[odd.index(True)].strip()[:_LONGEST_EXAMPLE]))
                self._strange[name] = count + int(strange.sum()), first
            values = np.array([math.nan if value is None else value for value in found])
            kept = np.array([value is not None for value in found]) & ~strange
            filled, values = filled[kept], values[kept]
        if len(filled):
            points = Columns(steps[filled], np.full(len(filled), np.nan), values)
            self._parts.setdefault(name, []).append(points)
            self._writings.setdefault(name, []).append(writings[filled])


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
    return is_strange(text, number_in(text))


def _count(text: str) -> int | None:
    """Return the whole number in a cell, or None."""
    if text.isdecimal() and len(text) < _LONGEST_COUNT:
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) and abs(value) < _MOST_STEP else None


def without_repetitions(points: Columns) -> Columns:
    """Return points without those that say the same as the one before."""
    return points.chosen(_changes(points))


def _changes(points: Columns) -> NDArray[np.bool_]:
    changes = (np.diff(points.steps) != 0) | (np.diff(points.values) != 0)
    return np.concatenate(([True], changes))


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
