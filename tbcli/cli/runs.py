"""``tbcli runs``: all runs as a table, or one run in full."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tbcli.cli.options import OUTPUT_PANEL, Common, Json, RunArgument, with_common_options
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
    from tbcli.config import PathsConfig
    from tbcli.runs import Run

SCHEMA = 1
SHOWN_ON_A_TERMINAL = 50
HEADER = ("ID", "NAME", "STATUS", "AGE", "MODEL", "DATA", "EPOCHS", "VAL ACC", "TEST ACC", "SIZE")
NAME, STATUS = 1, 2
FROM_THE_RIGHT = frozenset({3, 6, 7, 8, 9})
NARROWEST_NAME = 12
FIRST_TO_GO = ("DATA", "MODEL", "SIZE", "EPOCHS", "AGE", "TEST ACC", "NAME", "VAL ACC")
STYLES = {"running": "cyan", "finished": "green", "interrupted": "yellow", "failed": "red", "diverged": "red"}


@with_common_options
def runs(
    common: Common,
    run: RunArgument = None,
    all_: Annotated[
        bool,
        typer.Option("--all", "-a", help="On a terminal too, more than the newest 50.", rich_help_panel=OUTPUT_PANEL),
    ] = False,
    as_json: Json = False,
) -> None:
    """List the runs, the newest last; or show one run in full.

    AGE counts from the end of training. VAL ACC is the best of all epochs.
    """
    config = common.settle()
    from tbcli.runs import RunStore
    from tbcli.runs.files import utc_now

    store, now = RunStore(config.paths), utc_now()
    if run is not None:
        from tbcli.cli.one_run import show_run

        show_run(store.find(run, common.output.say), now, common.output, as_json=as_json)
        return
    listed = store.list()
    if as_json:
        common.output.document({"schema": SCHEMA, "runs": [run_facts(each, now) for each in listed]})
    elif listed:
        _show_table(listed, now, common.output, whole=all_)
    if not listed:
        _say_where_runs_are(config.paths, common.output)


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


def _show_table(listed: Sequence[Run], now: datetime, output: Output, *, whole: bool) -> None:
    """Write the table: for a person cut to the window, for a pipe all there is."""
    for_a_person = is_terminal(sys.stdout)
    shown = listed[-SHOWN_ON_A_TERMINAL:] if for_a_person and not whole else listed
    rows: Sequence[Sequence[str]] = [HEADER, *(_cells(run, now) for run in shown)]
    if for_a_person:
        rows = fitted(rows, shutil.get_terminal_size().columns)
    right = [i for i, title in enumerate(rows[0]) if HEADER.index(title) in FROM_THE_RIGHT]
    status = rows[0].index("STATUS")

    def paint(column: int, cell: str) -> str:
        style = STYLES.get(cell.rstrip(), "")
        return styled(cell, style, sys.stdout) if column == status and style else cell

    output.results(padded(rows, right=right, paint=paint if wants_colour(sys.stdout) else None))
    hidden = len(listed) - len(shown)
    if hidden:
        output.say(f"{hidden} older {'one is' if hidden == 1 else 'ones are'} not shown: `tbcli runs --all`")


def _cells(run: Run, now: datetime) -> tuple[str, ...]:
    epochs = run.record.get("epochs")
    return (
        run.id,
        printable(run.name) or "-",
        run.status(now),
        counted_age(run.age_seconds(now)),
        printable(run.model_name) or "-",
        printable(run.data_name) or "-",
        str(epochs) if isinstance(epochs, int) else "-",
        counted_share(run.metric("val_accuracy")),
        counted_share(run.metric("test_accuracy")),
        counted_bytes(run.bytes()),
    )


def counted_share(value: float | None) -> str:
    """Return a metric with four decimals, ``-`` for None."""
    return "-" if value is None else f"{value:.4f}"


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


def _say_where_runs_are(paths: PathsConfig, output: Output) -> None:
    """Help a person who stands in the wrong directory."""
    from tbcli.config import PathsConfig
    from tbcli.runs import RunStore
    from tbcli.serving import nearest_runs

    near = nearest_runs(paths.logs)
    output.say(f"No runs in {printable(str(paths.logs))!r}.")
    if near and RunStore(PathsConfig(logdir=str(near))).list():
        output.say(f"The nearest are in {printable(str(near))!r}: `tbcli runs --logdir {printable(str(near))}`")
    else:
        output.say("`tbcli train` makes the first; `--workspace DIR` looks elsewhere.")
