"""The table of runs: its usual columns, what they hold, and how they fit a window."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tbcli.cli.output import (
    Output,
    counted_age,
    counted_bytes,
    is_terminal,
    padded,
    printable,
    shortened,
    styled,
    wants_colour,
)

if TYPE_CHECKING:
    from tbcli.gates import Field
    from tbcli.runs import Run
    from tbcli.runs.summary import Summary

SHOWN_ON_A_TERMINAL = 50
HEADER = ("ID", "NAME", "STATUS", "AGE", "MODEL", "DATA", "EPOCHS", "VAL ACC", "TEST ACC", "SIZE")
NAME, STATUS = 1, 2
FROM_THE_RIGHT = frozenset({3, 6, 7, 8, 9})
NARROWEST_NAME = 12
FIRST_TO_GO = ("DATA", "MODEL", "SIZE", "EPOCHS", "AGE", "TEST ACC", "NAME", "VAL ACC")
STYLES = {"running": "cyan", "finished": "green", "interrupted": "yellow", "failed": "red", "diverged": "red"}
WORDS = ("id", "name", "note", "status", "started", "ended", "model", "data", "device", "precision", "host")


def run_facts(run: Run, now: datetime) -> dict[str, Any]:
    """Return what ``--json`` says of each run; keys are only ever added."""
    record = run.record
    return {
        "id": run.id,
        "name": run.name,
        "note": record.get("note", ""),
        "status": run.status(now),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": record.get("seconds"),
        "age_seconds": run.age_seconds(now),
        "model": run.model_name,
        "data": run.data_name,
        "epochs": record.get("epochs"),
        "val_accuracy": run.metric("val_accuracy"),
        "test_accuracy": run.metric("test_accuracy"),
        "metrics": run.metrics,
        "bytes": run.bytes(),
    }


def usual_cells(run: Run, now: datetime) -> tuple[str, ...]:
    """Return a row of the usual table; of a run that trains, or was killed, what its epochs so far have reached."""
    epochs, accuracy = run.record.get("epochs"), run.metric("val_accuracy")
    if epochs is None and accuracy is None:
        epochs, accuracy = _so_far(run)
    return (
        run.id,
        printable(run.name) or "-",
        run.status(now),
        counted_age(run.age_seconds(now)),
        printable(run.model_name) or "-",
        printable(run.data_name) or "-",
        str(epochs) if isinstance(epochs, int) else "-",
        counted_share(accuracy),
        counted_share(run.metric("test_accuracy")),
        counted_bytes(run.bytes()),
    )


def _so_far(run: Run) -> tuple[int | None, float | None]:
    from tbcli.runs.summary import epochs_of, metrics_of

    accuracy = metrics_of(run).get("val_accuracy")
    return epochs_of(run), accuracy.best if accuracy else None


def counted_share(value: float | None) -> str:
    """Return a metric with four decimals, ``-`` for None."""
    return "-" if value is None else f"{value:.4f}"


def show_usual(rows: Sequence[tuple[str, ...]], output: Output, *, whole: bool, is_sorted: bool) -> None:
    """Write the usual table: for a person cut to the window, for a pipe all there is."""
    shown = _shown(rows, whole=whole, from_the_top=is_sorted)
    table: Sequence[Sequence[str]] = [HEADER, *shown]
    if is_terminal(sys.stdout):
        table = fitted(table, shutil.get_terminal_size().columns)
    right = [i for i, title in enumerate(table[0]) if HEADER.index(title) in FROM_THE_RIGHT]
    output.results(table_lines(table, right, table[0].index("STATUS")))
    _say_hidden(len(rows) - len(shown), output, is_sorted=is_sorted)


def show_columns(
    rows: Sequence[tuple[str, ...]], columns: Sequence[Field], output: Output, *, whole: bool, is_sorted: bool
) -> None:
    """Write a table of the columns that were asked for, all of them, however wide the window."""
    shown = _shown(rows, whole=whole, from_the_top=is_sorted)
    titles = tuple(map(str, columns))
    words = {i for i, field in enumerate(columns) if field.name in WORDS}
    right = [i for i in range(len(columns)) if i not in words and all(_is_number(row[i]) for row in shown)]
    status = titles.index("status") if "status" in titles else None
    output.results(table_lines([titles, *shown], right, status))
    _say_hidden(len(rows) - len(shown), output, is_sorted=is_sorted)


def table_lines(table: Sequence[Sequence[str]], right: Collection[int], status: int | None) -> list[str]:
    """Return a table as lines, its column of statuses in colours where stdout wants any."""

    def paint(column: int, cell: str) -> str:
        style = STYLES.get(cell.rstrip(), "")
        return styled(cell, style, sys.stdout) if column == status and style else cell

    return padded(table, right=right, paint=paint if wants_colour(sys.stdout) else None)


def field_cells(columns: Sequence[Field], summary: Summary) -> tuple[str, ...]:
    """Return a row of the columns that were asked for."""
    from tbcli.cli.listing import shown_field

    return tuple(shown_field(field, summary) for field in columns)


def _is_number(cell: str) -> bool:
    return cell == "-" or cell[:1].isdigit() or (cell[:1] in "+-" and cell[1:2].isdigit())


def _shown(rows: Sequence[tuple[str, ...]], *, whole: bool, from_the_top: bool) -> Sequence[tuple[str, ...]]:
    if whole or not is_terminal(sys.stdout):
        return rows
    return rows[:SHOWN_ON_A_TERMINAL] if from_the_top else rows[-SHOWN_ON_A_TERMINAL:]


def _say_hidden(hidden: int, output: Output, *, is_sorted: bool) -> None:
    if hidden:
        who = "more" if is_sorted else "older one" if hidden == 1 else "older ones"
        output.say(f"{hidden} {who} {'is' if hidden == 1 else 'are'} not shown: `tbcli runs --all`")


def fitted(rows: Sequence[Sequence[str]], columns: int) -> Sequence[Sequence[str]]:
    """Return the rows so that they fit a window: long names shortened, then whole columns left out.

    Args:
        rows: The header first.
        columns: Width of the window in characters.
    """
    table = [list(row) for row in rows]
    if all(row[NAME] == "-" for row in table[1:]):
        table = _without(table, "NAME")
    for title in FIRST_TO_GO:
        too_wide = _width(table) - columns
        if too_wide > 0 and "NAME" in table[0]:
            longest = max(len(row[NAME]) for row in table)
            for row in table[1:]:
                row[NAME] = shortened(row[NAME], max(NARROWEST_NAME, longest - too_wide))
        if _width(table) <= columns:
            break
        table = _without(table, title)
    return table


def _without(table: list[list[str]], title: str) -> list[list[str]]:
    if title not in table[0]:
        return table
    gone = table[0].index(title)
    return [row[:gone] + row[gone + 1 :] for row in table]


def _width(table: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*table, strict=True)) - 2
