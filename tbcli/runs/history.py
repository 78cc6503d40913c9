"""``history.csv``: one row per epoch, appended during training, readable at any moment."""

from __future__ import annotations

import csv
import io
import math
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tbcli.runs.disk import disk_words
from tbcli.runs.files import open_regular, read_file, write_atomically

if TYPE_CHECKING:
    from tbcli.runs.run import Run

LEADING_COLUMNS = ("epoch", "step", "seconds", "learning_rate")
_LONGEST_EPOCH = 16  # digits; what is longer is no count of epochs, and above 4300 no number of Python's


@dataclass(frozen=True, slots=True)
class History:
    """The metrics of a run, one entry per epoch.

    Args:
        epochs: Epoch numbers, from 1.
        columns: ``{name: values}``, each as long as ``epochs``; NaN where a row has no number.
        damage: What of the file could not be read, as the end of a sentence about it, or ``""``.
    """

    epochs: tuple[int, ...]
    columns: Mapping[str, tuple[float, ...]]
    damage: str = ""


class HistoryWriter:
    """Appends rows; each can be read when `append` returns.

    Args:
        path: The file; an existing one is continued, without a last row that is torn.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header: list[str] | None = None
        self._waiting: list[Mapping[str, float]] = []
        self._count = 0
        self.missing = 0
        """Rows that the file lacks of those it had when the state was saved that was restored."""

    def state(self) -> Mapping[str, Any]:
        """Return the columns, how many rows there are, and those that could not be written so far."""
        return {
            "header": list(self._header or ()),
            "rows": self._count,
            "waiting": [dict(row) for row in self._waiting],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Cut rows and columns that came later."""
        header, rows = state["header"], self._rows()
        kept = [row[: len(header)] for row in rows[1 : 1 + state["rows"]]] if rows[:1] and header else []
        self._header, self._count, self.missing = header or None, len(kept), state["rows"] - len(kept)
        if not header:
            self._path.unlink(missing_ok=True)
        elif [header, *kept] != rows:
            self._rewrite([header, *kept])
        self._waiting = list(state["waiting"])

    def append(self, row: Mapping[str, float]) -> None:
        """Write one epoch; what no row before had becomes a further column.

        Raises:
            OSError: The row could not be written, as on a full disk; the next call tries again, and none is written by
                halves.
        """
        self._waiting.append(row)
        while self._waiting:
            self._write(self._waiting[0])
            del self._waiting[0]

    @property
    def waiting(self) -> int:
        """How many rows could not be written so far."""
        return len(self._waiting)

    def _write(self, row: Mapping[str, float]) -> None:
        rows = self._rows() if self._header is None else []
        self._count += max(0, len(rows) - 1)
        header = self._header or (rows[0] if rows else list(LEADING_COLUMNS))
        further = [name for name in row if name not in header]
        if further or not (self._header or rows):
            self._widen(self._rows(), header, further)
        self._header = [*header, *further]
        line = io.StringIO(newline="")
        _writer(line).writerow([_cell(row.get(name)) for name in self._header])
        _append_whole(self._path, line.getvalue().encode())
        self._count += 1

    def _rows(self) -> list[list[str]]:
        """Return header and rows of the file, none where there is no file; a torn last row is cut off."""
        try:
            text = read_file(self._path).decode()
        except FileNotFoundError:
            return []
        whole, _, torn = text.rpartition("\n")
        if torn:
            write_atomically(self._path, f"{whole}\n" if whole else "")
        return list(csv.reader(io.StringIO(whole, newline="")))

    def _widen(self, rows: Sequence[Sequence[str]], header: Sequence[str], further: Sequence[str]) -> None:
        """Write the file anew with further columns, empty in the rows that are there."""
        self._rewrite([[*header, *further], *([*row, *("" for _ in further)] for row in rows[1:])])

    def _rewrite(self, rows: Sequence[Sequence[str]]) -> None:
        content = io.StringIO(newline="")
        _writer(content).writerows(rows)
        write_atomically(self._path, content.getvalue())


def keep_row(history: HistoryWriter, row: Mapping[str, float], run: Run, warn: Callable[[str], None]) -> None:
    """Append a row; while that cannot be written the training goes on, and the next row tries again.

    Args:
        history: That of the run.
        row: Of one epoch.
        run: Its record says what is missing.
        warn: Told once.
    """
    is_told = bool(history.waiting)
    try:
        history.append(row)
    except OSError as error:
        what, _ = disk_words(error, run.logs)
        run.record["history_lacks"] = {"epochs": history.waiting, "reason": what}
        if not is_told:
            warn(f"{run.history_file.name} cannot be written: {what}; training goes on")
    else:
        if is_told:
            del run.record["history_lacks"]


def _append_whole(path: Path, data: bytes) -> None:
    with open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
        size = os.fstat(file).st_size
        try:
            while data:
                data = data[os.write(file, data) :]
        except OSError:
            os.ftruncate(file, size)
            raise


def _writer(file: TextIO) -> Any:
    return csv.writer(file, lineterminator="\n")


def as_kept(value: float) -> float:
    """Return a value as it will be read from the history again."""
    return float(_cell(value))


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)  # whole numbers stay whole
    # As few digits as tell the float32 that an event file holds of it; nine do for every one.
    return next((text for digits in (7, 8) if _is_same(float(text := f"{value:.{digits}g}"), value)), f"{value:.9g}")


def _is_same(one: float, other: float) -> bool:
    """Return whether two numbers are the same float32."""
    try:
        return struct.pack("<f", one) == struct.pack("<f", other)
    except OverflowError:  # beyond them
        return False


def read_history(path: Path) -> History:
    """Return what training has written so far; empty if nothing yet.

    An incomplete last row, as left by a full disk, is skipped; damaged rows are skipped and reported.
    """
    try:
        rows = _rows_of(read_file(path))
    except FileNotFoundError:
        return History((), {})
    except OSError as error:
        return History((), {}, f"cannot be read: {error.strerror or error}")
    except (UnicodeDecodeError, csv.Error):
        return History((), {}, "is damaged: it is no table of epochs")
    if not rows:
        return History((), {})
    header = rows[0]
    if header[:1] != ["epoch"]:
        is_torn = len(rows) == 1 and "epoch".startswith(",".join(header))
        return History((), {}, "" if is_torn else "is damaged: it is no table of epochs")
    body = [row for row in rows[1:] if _is_whole(row, header)]
    columns = {name: tuple(_number(row[i]) for row in body) for i, name in enumerate(header) if name != "epoch"}
    return History(tuple(int(row[0]) for row in body), columns, _damage(rows))


def _rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def _is_whole(row: Sequence[str], header: Sequence[str]) -> bool:
    return len(row) == len(header) and _is_epoch(row[0])


def _is_epoch(text: str) -> bool:
    return text.isdecimal() and len(text) < _LONGEST_EPOCH


def _damage(rows: Sequence[Sequence[str]]) -> str:
    """Return how many rows are lost, in whole or in part; a torn last one is none of them."""
    header, body = rows[0], rows[1:]
    odd = [row for row in body[:-1] if not _is_whole(row, header)]
    odd += [row for row in body[-1:] if len(row) >= len(header) and not _is_whole(row, header)]
    odd += [row for row in body if _is_whole(row, header) and not all(map(_is_number, row))]
    return f"is damaged: {len(odd)} of {len(body)} rows" if odd else ""


def _is_number(text: str) -> bool:
    return not text or not math.isnan(_number(text)) or text.strip().lower().lstrip("+-") == "nan"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
