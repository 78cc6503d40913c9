"""The table of runs: its usual columns, what they hold, and how they fit a window."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tbcli.cli.output import (
    counted_age,
    counted_bytes,
    is_terminal,
    padded,
    printable,
    shortened,
    styled,
    wants_colour,
)
from tbcli.naming.judges import USUAL_TASK, judge_of, spelling_of

if TYPE_CHECKING:
    from tbcli.gates import Field
    from tbcli.runs import Run

Item = TypeVar("Item")
SHOWN_ON_A_TERMINAL = 50
NOTHING = "no run matches"
HEADER = ("ID", "NAME", "STATUS", "AGE", "MODEL", "DATA", "EPOCHS", "BEST VAL ACC", "TEST ACC", "SIZE")
TASK, AFTER_DATA, JUDGED = "TASK", 6, (7, 8)
"""A column that stands behind the data where the tasks differ, and the columns of the metric of the task."""
NAME = 1
FROM_THE_RIGHT = ("AGE", "EPOCHS", "BEST VAL", "TEST", "SIZE")  # how the titles of columns of numbers begin
NARROWEST_NAME = 12
_LONGEST_DIRECTORY = 24
_LARGE = 10_000
FIRST_TO_GO = ("DATA", "MODEL", "SIZE", "EPOCHS", "AGE", "TASK", "TEST", "NAME", "BEST VAL")
STYLES = {
    "running": "cyan", "finished": "green", "pruned": "blue", "interrupted": "yellow", "failed": "red",
    "diverged": "red",
}  # fmt: skip
WORDS = ("id", "name", "note", "status", "started", "ended", "task", "model", "data", "device", "precision", "host")


def usual_cells(run: Run, now: datetime) -> tuple[str, ...]:
    """Return a row of the usual table, and behind it the task.

    Of a run that trains, or was killed, it tells what its epochs so far have reached.
    """
    status = run.status(now)
    epochs, reached = epochs_and_best(run, status)
    return (
        shown_id(run),
        printable(run.name) or "-",
        status,
        counted_age(run.age_seconds(now)),
        printable(run.model_name) or "-",
        printable(run.data_name) or "-",
        epochs,
        shown_or_dash(reached),
        shown_or_dash(run.metric(spelling_of(f"test_{run.judge}", run.metrics))),
        counted_bytes(run.bytes()),
        run.task_name or "-",
    )


def shown_id(run: Run) -> str:
    """Return the id of a run, and the name of its directory where that is another one."""
    from tbcli.runs.ids import without_slug

    if not run.is_moved:
        return run.id
    return f"{without_slug(run.recorded_id)} in {shortened(printable(run.logs.name), _LONGEST_DIRECTORY)}"


def epochs_and_best(run: Run, status: str) -> tuple[str, float | None]:
    """Return the epochs of a run, and the best of its task's metric; of one in training or killed, those so far."""
    reached = run.metric(spelling_of(f"val_{run.judge}", run.metrics))
    epochs = "-" if run.number("epochs") is None else str(run.number("epochs"))
    if run.record.get("epochs") is None and reached is None:
        return _so_far(run, is_running=status == "running")
    return epochs, reached


def _so_far(run: Run, *, is_running: bool) -> tuple[str, float | None]:
    """Return the epochs done, as ``3/40`` of a run in training, and the best so far in the metric of its task."""
    from tbcli.runs.run_summary import epochs_asked, epochs_of, metrics_of

    metrics, done = metrics_of(run), epochs_of(run)
    reached = metrics.get(spelling_of(f"val_{run.judge}", metrics))
    asked = epochs_asked(run) if is_running else None
    shown = "-" if done is None else str(done)
    return shown if asked is None else f"{done or 0}/{asked}", reached.best if reached else None


def shown_or_dash(value: float | None) -> str:
    """Return a metric with four decimals, four digits where it is large, ``-`` for None."""
    return "-" if value is None else f"{value:.4f}" if abs(value) < _LARGE else f"{value:.4g}"


class View(NamedTuple):
    """What a person wants to see of a table.

    Args:
        whole: On a terminal too, all rows.
        is_sorted: The first rows are the ones of interest, not the last.
        command: What lists them.
        most: Rows that a terminal shows otherwise.
    """

    whole: bool = False
    is_sorted: bool = False
    command: str = "tbcli runs"
    most: int = SHOWN_ON_A_TERMINAL

    def cut(self, rows: Sequence[Item]) -> Sequence[Item]:
        """Return the rows to show."""
        if self.whole or not is_terminal(sys.stdout):
            return rows
        return rows[: self.most] if self.is_sorted else rows[-self.most :]

    def tell_hidden(self, rows: Sequence[object]) -> str:
        """Return a sentence on what is not shown, or ``""``."""
        hidden = len(rows) - len(self.cut(rows))
        who = "more" if self.is_sorted else "older one" if hidden == 1 else "older ones"
        return f"{hidden} {who} {'is' if hidden == 1 else 'are'} not shown: `{self.command} --all`" if hidden else ""


def usual_lines(rows: Sequence[tuple[str, ...]], view: View) -> list[str]:
    """Return the usual table: for a person cut to the window, for a pipe all there is."""
    table: Sequence[Sequence[str]] = titled(view.cut(rows))
    if is_terminal(sys.stdout):
        table = fitted(table, shutil.get_terminal_size().columns)
    right = [i for i, title in enumerate(table[0]) if title.startswith(FROM_THE_RIGHT)]
    return table_lines(table, right, table[0].index("STATUS"))


def titled(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    """Return rows of `usual_cells` below their header: which metric they lead with, and their tasks where they differ.

    Where the metrics differ too, each value is followed by what it is.
    """
    tasks = [row[-1] for row in rows]
    judges = {judge_of(task) or judge_of(USUAL_TASK) for task in tasks}
    header, cells = list(HEADER), [list(row[:-1]) for row in rows]
    if len(judges) > 1:
        for row, task in zip(cells, tasks, strict=True):
            for column in JUDGED:
                row[column] += f" {_short(judge_of(task))}" if row[column] != "-" else ""
    label = f" {_short(judges.pop()).upper()}" if len(judges) == 1 else ""
    for column, title in zip(JUDGED, ("BEST VAL", "TEST"), strict=True):
        header[column] = f"{title}{label}"
    if len(set(tasks)) > 1:
        for row, task in zip([header, *cells], [TASK, *tasks], strict=True):
            row.insert(AFTER_DATA, task)
    return [header, *cells]


def _short(judge: str) -> str:
    return judge.replace("accuracy", "acc").replace("_", " ")


def column_lines(rows: Sequence[tuple[str, ...]], columns: Sequence[Field], view: View) -> list[str]:
    """Return a table of the columns that were asked for, all of them, however wide the window."""
    shown, titles = view.cut(rows), tuple(map(str, columns))
    right = [
        i for i, field in enumerate(columns) if field.name not in WORDS and all(is_number(row[i]) for row in shown)
    ]
    return table_lines([titles, *shown], right, titles.index("status") if "status" in titles else None)


def table_lines(table: Sequence[Sequence[str]], right: Collection[int], status: int | None) -> list[str]:
    """Return a table as lines, its column of statuses in colours where stdout wants any."""

    def paint(column: int, cell: str) -> str:
        style = STYLES.get(cell.rstrip(), "")
        return styled(cell, style, sys.stdout) if column == status and style else cell

    return padded(table, right=right, paint=paint if wants_colour(sys.stdout) else None)


def is_number(cell: str) -> bool:
    """Say whether a cell begins as a number does, for such columns end at the right."""
    return cell in ("-", "nan", "inf", "-inf") or cell[:1].isdigit() or (cell[:1] in "+-" and cell[1:2].isdigit())


def fitted(
    rows: Sequence[Sequence[str]], columns: int, first_to_go: Sequence[str] = FIRST_TO_GO
) -> Sequence[Sequence[str]]:
    """Return the rows so that they fit a window: ids without slugs, long names shortened, then whole columns left out.

    Args:
        rows: The header first.
        columns: Width of the window in characters.
        first_to_go: How the titles of columns begin that are left out, in turn.
    """
    from tbcli.runs.ids import without_slug

    table = [list(row) for row in rows]
    if width_of(table) > columns:
        table[1:] = [[without_slug(row[0]), *row[1:]] for row in table[1:]]
    if all(row[NAME] == "-" for row in table[1:]):
        table = _without(table, "NAME")
    for title in first_to_go:
        too_wide = width_of(table) - columns
        if too_wide > 0 and "NAME" in table[0]:
            longest = max(len(row[NAME]) for row in table)
            for row in table[1:]:
                row[NAME] = shortened(row[NAME], max(NARROWEST_NAME, longest - too_wide))
        if width_of(table) <= columns:
            break
        table = _without(table, title)
    return table


def _without(table: list[list[str]], title: str) -> list[list[str]]:
    gone = next((i for i, there in enumerate(table[0]) if there.startswith(title)), None)
    if gone is None:
        return table
    return [row[:gone] + row[gone + 1 :] for row in table]


def width_of(table: Sequence[Sequence[str]]) -> int:
    """Return the characters of the longest line that `padded` would make of rows."""
    return sum(max(map(len, column)) + 2 for column in zip(*table, strict=True)) - 2
