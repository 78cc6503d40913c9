"""``history.csv``: one row an epoch, appended as training goes, readable at any moment."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LEADING_COLUMNS = ("epoch", "step", "seconds", "learning_rate")


@dataclass(frozen=True, slots=True)
class History:
    """The metrics of a run, an entry an epoch.

    Args:
        epochs: Epoch numbers, from 1.
        columns: ``{name: values}``, each as long as ``epochs``; NaN where a row has no number.
    """

    epochs: tuple[int, ...]
    columns: Mapping[str, tuple[float, ...]]


class HistoryWriter:
    """Appends rows; each is on disk when `append` returns.

    Args:
        path: The file; an existing one is continued.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header: list[str] | None = None

    def append(self, row: Mapping[str, float]) -> None:
        """Write one epoch; the first row settles the columns.

        Raises:
            OSError: The row could not be written, as on a full disk.
        """
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if self._header is None:
                self._header = [*LEADING_COLUMNS, *(name for name in row if name not in LEADING_COLUMNS)]
                if file.tell() == 0:
                    writer.writerow(self._header)
            writer.writerow([_cell(row.get(name)) for name in self._header])


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    # Seven digits hold every float32; whole numbers stay whole.
    return str(value) if isinstance(value, int) else f"{value:.7g}"


def read_history(path: Path) -> History:
    """Return what training has written so far, empty where there is nothing yet.

    A torn last row, as a full disk leaves it, is left out.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError):
        return History((), {})
    if not rows:
        return History((), {})
    header, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0]) and row[0].isdecimal()]
    columns = {name: tuple(_number(row[i]) for row in body) for i, name in enumerate(header) if name != "epoch"}
    return History(tuple(int(row[0]) for row in body), columns)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def final_values(history: History, names: Sequence[str]) -> dict[str, float]:
    """Return the last value of each named column that exists."""
    return {name: history.columns[name][-1] for name in names if history.columns.get(name)}
